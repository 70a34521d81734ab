"""What a source repeats around its articles -> the body without it.

A unit is a paragraph, or a sentence inside a paragraph, with the article's own title and its numbers masked: so
"Link to the story at PAPER: HEADLINE" is one unit of PAPER however its headlines differ. A unit that stands in three
unrelated articles of a source is the source's own. Repetition is judged per source, never by document frequency:
dropping what stands in many sources takes the recall of widely carried stories from 1.00 to .36.

Versions of one article repeat each other's paragraphs too, and are no evidence that these are site phrases; see
`_is_version`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from crawler.core import phrases
from crawler.core.text import Body, Word, key, paragraphs, sentences, words

HOLDERS = 3          # articles of the source, this one included, that make a unit the source's own
HOLDERS_ASKED = 64   # how many holders of a unit the judge looks at

_TITLE, _NUMBER = "\x02", "\x03"
_TITLE_WORDS = 3     # a shorter title is a common word, not a headline


@dataclass(frozen=True, slots=True)
class Unit:
    """A paragraph or sentence: its key and the half-open range of word positions it covers."""

    key: int
    start: int
    end: int


def units(text: str, title: str) -> list[Unit]:
    """The units of a text in order: each paragraph, then its sentences where it has several."""
    return _units(text, words(text), title)


def unit_keys(text: str, title: str) -> tuple[int, ...]:
    """Sorted distinct keys of the units of a text, as they are kept in the store."""
    return tuple(sorted({unit.key for unit in units(text, title)}))


def _units(text: str, all_words: Sequence[Word], title: str) -> list[Unit]:
    headline = [word.form for word in words(title)]
    starts = [word.start for word in all_words]
    found = []
    for start, end in paragraphs(text):
        inside = sentences(text[start:end])
        spans = [(start, end)] + ([(start + a, start + b) for a, b in inside] if len(inside) > 1 else [])
        for a, b in spans:
            lo, hi = bisect_left(starts, a), bisect_left(starts, b)
            if lo < hi:
                found.append(Unit(key(_masked([word.form for word in all_words[lo:hi]], headline)), lo, hi))
    return found


def _masked(forms: list[str], headline: list[str]) -> list[str]:
    return [_NUMBER if form.isdigit() else form for form in _without_title(forms, headline)]


def _without_title(forms: list[str], headline: list[str]) -> list[str]:
    size = len(headline)
    if size < _TITLE_WORDS or size > len(forms):
        return forms
    for at in range(len(forms) - size + 1):
        if forms[at:at + size] == headline:
            return [*forms[:at], _TITLE, *forms[at + size:]]
    return forms


def repeated(article: str, own: Sequence[Unit], holders: Mapping[int, Sequence[str]]) -> set[int]:
    """Keys of the units that the source repeats around unrelated articles.

    `holders` gives for each key the ids of the source's articles that hold it (this one may be among them). It is
    empty where the source is unknown: then nothing can be learnt.
    """
    shared = _shared_words(article, own, holders)
    total = max((unit.end for unit in own), default=0)
    related = {other for other, count in shared.items() if _is_version(count, total)}
    return {
        unit.key for unit in own
        if 1 + sum(1 for other in holders.get(unit.key, ()) if other != article and other not in related) >= HOLDERS
    }


def _shared_words(article: str, own: Sequence[Unit], holders: Mapping[int, Sequence[str]]) -> dict[str, int]:
    """For each other holder how many words of this article stand in units that both hold."""
    covered: dict[str, set[int]] = {}
    for unit in own:
        for other in holders.get(unit.key, ()):
            if other != article:
                covered.setdefault(other, set()).update(range(unit.start, unit.end))
    return {other: len(positions) for other, positions in covered.items()}


def _is_version(shared: int, total: int) -> bool:
    """Whether another article of the source shares so much that it is a version of this one.

    Site phrases around a short item can be more than half of its words, so a share alone does not tell; but they are
    rarely more than 120 words, while versions of a story share hundreds.
    """
    return shared >= 0.75 * total or (shared >= 0.5 * total and shared > 120) or shared > 300


def strip(article: str, source: str, text: str, title: str, repeats: AbstractSet[int]) -> Body:
    """The body of an article: its words, with the source's own phrases marked.

    Left out are units in `repeats`, lines that are the article's own title, and what the table of site phrases knows.
    """
    all_words = tuple(words(text))
    own = _units(text, all_words, title)
    bare_title = key([_TITLE])
    site = {
        position for unit in own if unit.key in repeats or unit.key == bare_title
        for position in range(unit.start, unit.end)
    }
    site.update(_known(text, all_words))
    return Body(article, source, text, all_words, frozenset(site))


def _known(text: str, all_words: Sequence[Word]) -> Iterator[int]:
    """Word positions of sentences that the table of phrases knows as said by sites about themselves."""
    starts = [word.start for word in all_words]
    for start, end in sentences(text):
        if phrases.is_site_phrase(text[start:end]):
            yield from range(bisect_left(starts, start), bisect_left(starts, end))
