"""The report's closed words in plain English, and its figures as a person reads them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from crawler.core.types import Kind

KINDS: dict[str, str] = {
    Kind.EXACT: "the same text, word for word",
    Kind.NEAR: "the same text with light edits, another headline or other punctuation",
    Kind.WRAPPED: "nearly all of the original inside text of the copier's own",
    Kind.EXCERPT: "a substantial part of the original and little else",
    Kind.PARTIAL: "a substantial part of the original among other reporting",
    Kind.TRANSLATION: "the same article in another language",
    Kind.EDITION: "the publisher's own version in another language; not a copy",
    Kind.REVISION: "a later version from the same source; not a copy",
    Kind.SYNDICATED: "a copy that credits an agency or a licensed partner",
    Kind.REWORDED: "the original retold in other words; a person said so",
}

EVIDENCE: dict[str, str] = {
    "declared-copy": "the copy says of itself that it is one",
    "names-source": "names or links its source",
    "canonical-elsewhere": "gives its canonical address as another site's",
    "based-on": "its metadata name the work it is based on",
    "agency-credit": "credits a news agency in its byline or credit line",
    "dateline": "opens with a news agency's dateline",
    "appeared-earlier": "was seen in its feed before the others had appeared in theirs",
    "claimed-earlier": "states an earlier time, and nothing observed contradicts it",
    "carries-credit": "a copy still carries the name of this source in its byline, dateline or credits",
    "carries-name": "a copy's text still carries the name of this source",
    "probably-earlier": "by when the feeds were read, it probably appeared first",
    "seen-earlier": "was seen first by this crawler, which is weak",
    "back-dated": "states a time that what was observed rules out",
    "contradiction": "speaks against the choice",
    "verdict": "a person ruled so",
}

VERDICTS: dict[str, str] = {
    "confirm": "confirmed", "reject": "rejected", "licensed": "licensed", "original": "original named",
    "split": "split off", "merge": "merged",
}

RULINGS: dict[str, tuple[str, str, str]] = {   # button, key, what it means
    "confirm": ("Confirm", "c", "It is a copy; on the whole story: the original and every copy are right"),
    "reject": ("Reject", "r", "It is no copy; on the whole story: none of them is"),
    "licensed": ("Licensed", "l", "Republished by agreement"),
    "original": ("This was first", "f", "This one is the original"),
    "split": ("Split off", "s", "It belongs to another story"),
    "merge": ("Merge", "m", "Another story is the same as this one"),
    "undo": ("Undo", "u", "Take the ruling back"),
}

EVENTS: dict[str, str] = {
    "story": "found", "original-changed": "another original", "merged": "went into another story",
    "dissolved": "dissolved", "changed": "changed",
}

_LANGUAGES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fa": "Persian", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}

_CERTAIN = 0.995
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """"1 h 30 min", "45 s", "3 d 4 h": the two largest units, without a sign."""
    left = abs(round(seconds))
    parts = []
    for at, (size, name) in enumerate(_UNITS):
        if left >= size:
            parts.append(f"{left // size} {name}")
            below = left % size
            if at + 1 < len(_UNITS) and below >= _UNITS[at + 1][0]:
                parts.append(f"{below // _UNITS[at + 1][0]} {_UNITS[at + 1][1]}")
            break
    return " ".join(parts) or "0 s"


def lag(seconds: int) -> str:
    """How long after the original a copy came: "1 h 30 min", "5 min before it", "same time"."""
    if seconds == 0:
        return "same time"
    return duration(seconds) if seconds > 0 else f"{duration(seconds)} before it"


def percent(share: float | None) -> str:
    """A share in 0..1 as "83 %". What is not all of it is never shown as 100 %, what is something never as 0 %."""
    if share is None:
        return "-"
    whole = round(share * 100)
    if whole == 100 and share < 1:
        whole = 99
    return f"{whole or (1 if share > 0 else 0)} %"


def probable(share: float | None) -> str:
    """A probability in 0..1; one that rounds to certainty is "over 99 %". None: there is none, names and numbers agree."""
    if share is None:
        return "by names and numbers"
    return percent(share) if share < _CERTAIN else "over 99 %"


def order(share: float) -> str:
    """How many pairs of sentences stand in one order in both texts."""
    return "all in the same order" if share == 1 else f"{percent(share)} of them in the same order"


def clock(moment: str | None, *, seconds: bool = False) -> str:
    """An RFC 3339 text in UTC as "2026-03-02 06:30"."""
    if not moment:
        return "-"
    at = datetime.fromisoformat(moment)
    return f"{at:%Y-%m-%d %H:%M:%S}" if seconds else f"{at:%Y-%m-%d %H:%M}"


def observed(between: list[str | None] | None) -> str:
    """What was observed of when an article appeared."""
    if between is None:
        return "in no polled feed"
    without, seen = between
    if without is None:
        return f"before {clock(seen)} (first poll of its feed)"
    first, last = clock(without), clock(seen)
    return f"between {first} and {last[11:] if first[:10] == last[:10] else last}"


def reason(one: Mapping[str, Any]) -> str:
    """An evidence word with what it means."""
    return EVIDENCE.get(one["evidence"], "")


def standing(story: Mapping[str, Any]) -> str:
    """How sure the choice of the original is, in one phrase."""
    if story.get("verdict"):
        return f"{VERDICTS.get(story['verdict'], story['verdict'])} by a person"
    if not story["decided"]:
        return "undecided"
    # A figure rounds to 1 where evidence is strong; only a person makes it certain.
    return f"{percent(story['confidence'])} sure" if story["confidence"] < _CERTAIN else "over 99 % sure"


def contenders(story: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The articles between which an undecided story stands, as far as the report shows them."""
    shown = {one["article"]: one for one in (story["original"], *story["copies"])}
    return [shown[id_] for id_ in story.get("undecided_between", ()) if id_ in shown]


def language(code: str | None) -> str:
    """The English name of a language, its code where none is known here."""
    return _LANGUAGES.get(code or "", code or "unknown")


def used_kinds(stories: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The legend of the kinds that occur, in the order of the table."""
    used = {copy["kind"] for story in stories for copy in story["copies"]}
    return {kind: text for kind, text in KINDS.items() if kind in used}


def used_evidence(stories: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The legend of the evidence words that occur."""
    used = {one["evidence"] for story in stories
            for one in (*story["why"], *(each for copy in story["copies"] for each in copy["evidence"]))}
    return {word: text for word, text in EVIDENCE.items() if word in used}


def count(number: int, noun: str, plural: str | None = None) -> str:
    """"1 story", "2 stories"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def totals(report: Mapping[str, Any]) -> str:
    """The report's totals in one sentence."""
    found = report["totals"]
    parts = [count(found["stories"], "story", "stories"), count(found["copies"], "copy", "copies"),
             f"{count(found['articles'], 'article')} stored"]
    if found["undecided"]:
        parts.insert(2, f"{found['undecided']:,} undecided")
    return ", ".join(parts)


def window(report: Mapping[str, Any]) -> str:
    """The time the report is about, or nothing."""
    since, until = report["window"]["since"], report["window"]["until"]
    parts = [f"since {clock(since)}" if since else "", f"until {clock(until)}" if until else ""]
    return " ".join(part for part in parts if part)
