"""Two texts beside each other: the answers of `compare` and `find`, as data and as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from crawler import matcher, translations
from crawler.core import elect, phrases
from crawler.core import match as matching
from crawler.core import report as core
from crawler.core.types import Article, Kind, Match, Refusal, SourceFacts
from crawler.matcher import Reading
from crawler.ports import StoredArticle
from crawler.render import Layout, sides, words
from crawler.render.harmless import line, shortened
from crawler.render.table import Address, columns, drawn, joined, pairs, reason, said

_QUOTED = 280   # characters of a passage in the text


@dataclass(frozen=True, slots=True)
class Side:
    """One of two: as the person named it, its address, its text."""

    name: str
    url: str | None
    reading: Reading


def row(
    a: Side, b: Side, rules: matcher.Rules, facts: Mapping[str, SourceFacts], across: Match | None = None, *, note: str = "",
) -> dict[str, Any]:
    """The figures of two texts both ways, what that makes them, why, and where they agree.

    `a_in_b` and `b_in_a` are shares of words; `containment` is the share of the shorter one's shingles by which it is
    judged. Passages are half-open character ranges into both texts. `across` is what their sentences come to where these
    were compared: no copy by words, they are then judged by it. `note` says why they were not.
    """
    left, right = a.reading.body(), b.reading.body()
    same = left.id == right.id
    within = None if same else matcher.pair(a.reading, b.reading, rules)
    found = across if _decides(across, within) else within
    words_ = (len(left.kept()), len(right.kept()))
    result: dict[str, Any] = {"a": _side(a, words_[0]), "b": _side(b, words_[1])}
    if same:
        return {**result, "copied": False, "related": False, "kind": None, "kind_of_a": None,
                "kind_of_b": None, "why": ["both are the same stored article"],
                **_figures(None), "rules": matching.RULES, "first": None, "rewording": [], "passages": [],
                "translation": None}
    swapped = found is not None and found.a != left.id
    return {
        **result, "copied": bool(found and found.copied), "related": bool(found and not found.copied),
        "kind": found.kind.value if found and found.copied else None,
        "kind_of_a": _kind(found, right.id), "kind_of_b": _kind(found, left.id),
        "why": [*_walls(a, b), *_short(words_, rules),
                *(_why(within, rules) if found is within or within else ()), *_why_across(across),
                *([note] if note and not (found and found.copied) else [])],
        **_figures(found, swapped=swapped), "rules": matching.RULES,
        "first": _first(a, b, facts), "rewording": _rewording(a, b, found),
        "passages": list(_passages(found, a.reading.article.text, swapped=swapped)) if found else [],
        "translation": sides.translated(across, a.reading.article, b.reading.article) if across else None,
    }


def _decides(across: Match | None, within: Match | None) -> bool:
    """Whether two texts are judged by their sentences."""
    return (across is not None and across.translation is not None and bool(across.passages)
            and across.translation.probability >= translations.DOUBTFUL and not (within and within.copied))


def _why_across(across: Match | None) -> Iterator[str]:
    if across is None or across.translation is None:
        return
    yield (f"{words.probable(across.translation.probability)} probable that one is the other translated; "
           f"{words.percent(translations.FLAGGED)} and {translations.PAIRS} pairs of sentences make a translated copy, "
           f"{words.percent(translations.DOUBTFUL)} a possible one")


def _walls(a: Side, b: Side) -> Iterator[str]:
    for side, one in (("A", a), ("B", b)):
        article = one.reading.article
        if wall := next(iter(article.walls), None) or phrases.wall(article.text):
            yield f"{side} looks like no article ({wall}); the crawler judges none such"


def _first(a: Side, b: Side, facts: Mapping[str, SourceFacts]) -> dict[str, Any]:
    """Which of the two was there first, by what they say and by when they were seen."""
    one, other = a.reading.article, b.reading.article
    found = elect.elect([one, other], facts)
    return {"first": "a" if found.original == one.id else "b", "decided": found.decided, "confidence": found.confidence,
            "why": [core.evidence(each) for each in found.why], "outside": found.outside}


def _rewording(a: Side, b: Side, found: Match | None) -> list[str]:
    """What only these two share, where they share no text but may be one report in other words."""
    links = matcher.rewordings(a.reading, [b.reading], [found] if found is not None else [])
    text = a.reading.article.text
    return [text[one.a_start:one.a_end] for link in links for one in link.phrases]


def _kind(found: Match | None, original: str) -> str | None:
    """What the other one is where this one is the original."""
    return matching.kind(found, original).value if found and found.copied else None


def _side(one: Side, count: int) -> dict[str, Any]:
    article = one.reading.article
    return {"input": one.name, "url": one.url, "title": article.title, "source": article.source or None,
            "language": article.language, "words": count, "walls": list(article.walls)}


def _figures(found: Match | None, *, swapped: bool = False) -> dict[str, Any]:
    if found is None:
        return {"similarity": 0.0, "a_in_b": 0.0, "b_in_a": 0.0, "containment": 0.0, "shared": 0, "longest": 0,
                "unquoted": None, "refused": None}
    a_in_b, b_in_a = (found.b_in_a, found.a_in_b) if swapped else (found.a_in_b, found.b_in_a)
    return {"similarity": round(found.similarity, 4), "a_in_b": round(a_in_b, 4), "b_in_a": round(b_in_a, 4),
            "containment": round(found.containment, 4), "shared": found.shared, "longest": found.longest,
            "unquoted": round(found.unquoted, 4), "refused": found.refused.value if found.refused else None}


def _short(counts: tuple[int, int], rules: matcher.Rules) -> Iterator[str]:
    if min(counts) < rules.min_words:
        yield f"the shorter text has {min(counts)} words; the crawler judges from {rules.min_words} on"


def _why(found: Match | None, rules: matcher.Rules) -> Iterator[str]:
    if found is None:
        yield f"they share fewer than {matching.MIN_SHARED} runs of words"
        return
    held = (f"{words.percent(found.containment)} of the shorter text's runs of words stand in the other, the longest of "
            f"{words.count(found.longest, 'word')}")
    yield held + _judged(found, rules.containment)


def _judged(found: Match, containment: float) -> str:
    """What the rules made of it: the end of a sentence."""
    match found.refused:
        case Refusal.QUOTED:
            return (f"; but {words.percent(1 - found.unquoted)} of what they share is other people's words (quotations, "
                    f"posts, a transcript), and of the words between them {words.percent(found.told)} is shared: both quote "
                    "the same people")
        case Refusal.TEMPLATE:
            return "; but both are of one source and begin otherwise, or share no long run: two articles by one template"
        case Refusal.TABLE:
            return "; but between what they share stand other figures: two issues of one table"
        case Refusal.WALL:
            return "; but neither headline has a word in it: a wall, shown in place of two articles"
        case _ if found.vouched:
            return (f": less than the {words.percent(containment)} that make a copy, but one of them names the other as its "
                    f"source, and then {words.percent(containment * matcher.VOUCHED)} do")
        case _:
            return f"; {words.percent(containment)} make a copy"


def _passages(found: Match, text: str, *, swapped: bool) -> Iterator[dict[str, Any]]:
    for one in found.passages:
        a, b = (one.a_start, one.a_end), (one.b_start, one.b_end)
        mine, theirs = (b, a) if swapped else (a, b)
        yield {"words": one.words, "a": list(mine), "b": list(theirs), "quote": text[mine[0]:mine[1]]}


def text(found: Mapping[str, Any], layout: Layout) -> str:
    """The comparison for a person."""
    return drawn(list(_parts(found)), layout)


def _parts(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    kinds = f"copied: if A is the original, B is {found['kind_of_b']}; if B is the original, A is {found['kind_of_a']}"
    verdict = kinds if found["copied"] else ("related, not copied" if found["related"] else "unrelated")
    yield Text(_verdict_across(found) or verdict, style="bold")
    for each in found["why"]:
        yield Padding(Text(line(each)), (0, 0, 0, 2))
    yield Text()
    table = columns("", "words", "found in the other", "title", right=("words", "found in the other"))
    for side, share in (("a", "a_in_b"), ("b", "b_in_a")):
        table.add_row(side.upper(), str(found[side]["words"]), words.percent(found[share]),
                      said(found[side]["title"] or found[side]["input"]))
    yield table
    yield from _agreement(found)
    if not _verdict_across(found):
        yield Text(f"similarity {found['similarity']:.2f}; {words.count(found['shared'], 'shared run')} of words, the longest "
                   f"passage {words.count(found['longest'], 'word')}")
    yield from _about(found)
    if found["translation"] is not None and found["translation"]["pairs"]:
        yield Text("\nSentences that say the same, of A and of B", style="bold")
        yield pairs((each["left"], each["right"], each["score"]) for each in found["translation"]["pairs"])
    for one in [] if _verdict_across(found) else found["passages"]:
        yield Text()
        yield joined((f"{one['words']} words, A {one['a'][0]}-{one['a'][1]}, B {one['b'][0]}-{one['b'][1]}: ", "dim"),
                     f"“{shortened(one['quote'], _QUOTED)}”")


def _verdict_across(found: Mapping[str, Any]) -> str:
    """What two texts are that are judged by their sentences; nothing of others."""
    if found["kind"] == Kind.EDITION:
        return "edition: the publisher's own version in another language"
    if found["kind"] == Kind.TRANSLATION:
        return "translated copy"
    return "possible translation" if found["refused"] == Refusal.DOUBTFUL else ""


def _agreement(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """How the sentences of two texts agree, where they were compared."""
    told = found["translation"]
    if told is None:
        return
    what = _verdict_across(found) or "neither a translated copy nor a possible translation"
    paired = words.count(len(told["pairs"]), "pair of sentences", "pairs of sentences")
    if told["pairs"]:
        paired += (f", {words.order(told['order'])}: {words.percent(told['coverage'][0])} of A, "
                   f"{words.percent(told['coverage'][1])} of B")
    yield Text(f"{what}, {words.probable(told['probability'])} probable; {paired}; encoder {line(told['encoder'])}")
    if told["anchors"]:
        yield Text("numbers and names in both: " + ", ".join(
            line(one) if one == other else f"{line(one)} = {line(other)}" for one, other in told["anchors"]))


def _about(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Which was first, and what they share if not their text."""
    if found["copied"]:
        first = found["first"]
        yield Text()
        yield Text(f"{first['first'].upper()} was first ({words.percent(first['confidence'])})" if first["decided"]
                   else "undecided which was first", style="bold")
        for each in first["why"]:
            yield Padding(reason(each), (0, 0, 0, 2))
    elif found["rewording"]:
        yield Text("possible rewording: both tell in one order " + ", ".join(f"“{line(one)}”" for one in found["rewording"]))


def match_row(mine: Article, other: StoredArticle, found: Match) -> dict[str, Any]:
    """A stored article that shares text with an input, or of which one is the other translated, with how probable that is:
    figures both ways and the story that it is in."""
    theirs, ours = (found.a_in_b, found.b_in_a) if found.a != mine.id else (found.b_in_a, found.a_in_b)
    article = other.article
    return {
        "article": article.id, "url": article.url, "source": article.source, "title": article.title,
        "first_seen": article.first_seen.isoformat().replace("+00:00", "Z"), "story": other.story, "role": other.role,
        "copied": found.copied, "kind": found.kind.value if found.copied else None,
        "similarity": round(found.similarity, 4), "of_input": round(ours, 4), "of_article": round(theirs, 4),
        "containment": round(found.containment, 4), "longest": found.longest,
        "probability": found.translation.probability if found.translation else None,
    }


def listed(rows: Sequence[Mapping[str, Any]], layout: Layout) -> str:
    """Matches for a person, in the order given."""
    parts: list[RenderableType] = []
    for one in rows:
        parts.append(joined((_named(one), "bold"), "  ", said(one["source"], "green"), "  ", said(one["title"])))
        parts.append(Address(f"  {line(one['url'])}", style="cyan"))
        parts.append(Padding(Text(
            f"{words.percent(one['of_input'])} of the input stands there, {words.percent(one['of_article'])} of it stands "
            f"in the input; seen {words.clock(one['first_seen'])} UTC; {_place(one)}"), (0, 0, 0, 2)))
    return drawn(parts, layout)


def _named(one: Mapping[str, Any]) -> str:
    if one["probability"] is None:
        return one["kind"] or "related"
    return f"{one['kind'] or 'possible translation'}, {words.probable(one['probability'])}"


def _place(one: Mapping[str, Any]) -> str:
    if one["story"] is None:
        return f"article {line(one['article'])}, in no story"
    role = "the earliest known" if one["role"] == "original" else "a copy"
    return f"{role} of story {line(one['story'])}"
