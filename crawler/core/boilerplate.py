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
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from crawler.core import phrases
from crawler.core.text import Body, Words, key, paragraphs, sentences, words

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


@lru_cache(maxsize=64)  # asked for by each step of one article in turn
def units(text: str, title: str) -> tuple[Unit, ...]:
    """The units of a text in order: each paragraph, then its sentences where it has several."""
    return tuple(_units(text, words(text), title))


def unit_keys(text: str, title: str) -> tuple[int, ...]:
    """Sorted distinct keys of the units of a text, as they are kept in the store."""
    return tuple(sorted({unit.key for unit in units(text, title)}))


def _units(text: str, all_words: Words, title: str) -> list[Unit]:
    masked = [_NUMBER if form.isdigit() else form for form in all_words.forms]
    headlines = _headlines(all_words.forms, words(title).forms)
    starts, found = all_words.starts, []
    for start, end in paragraphs(text):
        inside = sentences(text[start:end])
        spans = [(start, end)] + ([(start + a, start + b) for a, b in inside] if len(inside) > 1 else [])
        for a, b in spans:
            lo, hi = bisect_left(starts, a), bisect_left(starts, b)
            if lo < hi:
                found.append(Unit(key(_untitled(masked, headlines, lo, hi)), lo, hi))
    return found


def _headlines(forms: Sequence[str], headline: Sequence[str]) -> list[range]:
    """Where the words of a text are its headline, in order."""
    size, found, at = len(headline), [], -1
    if _TITLE_WORDS <= size <= len(forms):
        with suppress(ValueError):   # where the first word stands no more
            while True:
                at = forms.index(headline[0], at + 1)
                if forms[at:at + size] == headline:
                    found.append(range(at, at + size))
    return found


def _untitled(masked: list[str], headlines: list[range], lo: int, hi: int) -> list[str]:
    """The words of a unit with the first headline that lies in it masked."""
    if headlines:
        one = bisect_left(headlines, lo, key=_START)
        if one < len(headlines) and headlines[one].stop <= hi:
            return [*masked[lo:headlines[one].start], _TITLE, *masked[headlines[one].stop:hi]]
    return masked[lo:hi]


_START = attrgetter("start")


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
    covered: dict[str, int] = {}   # a bit for each word
    for unit in own:
        if others := holders.get(unit.key):
            bits = ((1 << (unit.end - unit.start)) - 1) << unit.start
            for other in others:
                covered[other] = covered.get(other, 0) | bits
    covered.pop(article, None)
    return {other: bits.bit_count() for other, bits in covered.items()}


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
    all_words = words(text)
    own = units(text, title)
    bare_title = key([_TITLE])
    site = {
        position for unit in own if unit.key in repeats or unit.key == bare_title
        for position in range(unit.start, unit.end)
    }
    site.update(_known(text, all_words))
    return Body(article, source, text, all_words, frozenset(site))


def _known(text: str, all_words: Words) -> Iterator[int]:
    """Word positions of sentences that the table of phrases knows as said by sites about themselves."""
    starts = all_words.starts
    for start, end in phrases.site_phrases(text):
        yield from range(bisect_left(starts, start), bisect_left(starts, end))
