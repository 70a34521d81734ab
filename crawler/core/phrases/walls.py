"""Page texts that are walls, not articles: consent, login, paywall, challenge, not found, script required."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import regex

from crawler.core.phrases.lexicon import rows
from crawler.core.text import bare, fold, sentences

# Walls are short: above this a text is read as an article, which may well discuss cookies or paywalls.
_LONGEST = 2_000     # characters
_DOMINATED = 0.5     # share of the characters that stand in sentences with such a phrase
# A page of a few words with one such phrase is a wall; a brief of three sentences with one is an article.
_BRIEF = 160         # characters
_BRIEF_SHARE = 0.3
_FEW_WORDS = 60      # characters: "404 Not Found", "Access denied"
_QUOTED = regex.compile(r'"[^"\n]*"|「[^」\n]*」|『[^』\n]*』')
_GAP = r"[^\n]{1,25}"


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase of a wall; a weak one stands in articles as well."""

    kind: str
    form: str
    weak: bool


@lru_cache(maxsize=64)
def _gapped(form: str) -> "regex.Pattern[str]":
    return regex.compile(_GAP.join(map(regex.escape, form.split("*"))))


def _stands_in(form: str, text: str) -> bool:
    return _gapped(form).search(text) is not None if "*" in form else form in text


@lru_cache(maxsize=1)
def _phrases() -> dict[str, _Phrase]:
    found: dict[str, _Phrase] = {}
    for kind, _, *cells in rows("walls.tsv"):
        for weak, cell in enumerate(cells):
            for form in filter(None, map(_plain, cell.split(","))):
                found.setdefault(form, _Phrase(kind, form, bool(weak)))
    return found


def _plain(text: str) -> str:
    """Folded, without Latin accents and commas: pages of all kinds write them as they like."""
    return bare(fold(text)).replace(",", "").strip()


def wall(text: str) -> str | None:
    """"consent", "login", "paywall", "challenge", "soft-404" or "script" where a page's text is such a wall: short, and
    dominated by its phrases. None for an article, even a short one about cookies or paywalls."""
    if len(text) > _LONGEST or not text.strip():
        return None
    # A page speaks for itself; an article quotes.
    plain = _QUOTED.sub(" ", _plain(text))
    present = [phrase for form, phrase in _phrases().items() if form in plain or ("*" in form and _stands_in(form, plain))]
    if not present or (all(phrase.weak for phrase in present) and len(plain) > _FEW_WORDS):
        return None
    return _dominant(plain, present)


def _dominant(plain: str, present: list[_Phrase]) -> str | None:
    """The kind whose phrases fill most of the text, if all of them together fill enough of it."""
    kinds: Counter[str] = Counter()
    total = 0
    for start, end in sentences(plain):
        total += end - start
        hit = min((phrase for phrase in present if _stands_in(phrase.form, plain[start:end])), key=lambda each: each.weak, default=None)
        if hit is not None:
            kinds[hit.kind] += end - start
    share = sum(kinds.values()) / max(1, total)
    if share < (_BRIEF_SHARE if len(plain) <= _BRIEF else _DOMINATED):
        return None
    return kinds.most_common(1)[0][0]
