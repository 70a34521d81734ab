"""What a copy still carries of the one it was taken from: the other's name, in a byline, a dateline, a credit line, or
somewhere in the text. Copiers strip labels and links; they seldom read what they copy."""

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from crawler.core import urls
from crawler.core.text import fold, paragraphs, words
from crawler.core.types import Article

_WITHIN = 20_000         # characters of a text that are read
_NAME_LENGTH = 4         # a shorter name counts in a byline, a dateline or a credit line only, and in capitals
_CREDIT_WORDS = 14       # of a line that is a byline or a credit: "By A B, C D and E F The Coast Courier"
_DATELINE = 90           # characters from the start of a paragraph within which a dateline ends
_SHOWN = 200             # characters of a quote


@dataclass(frozen=True, slots=True)
class Mention:
    """Where a text names another source.

    `credit`: in a line or place that says whose the text is. `sure`: there or by a name that is no word of the language;
    الرياض is a city and a paper, and Independence Day is nobody's.
    """

    credit: bool
    sure: bool
    quote: str


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A text made ready to look for names in."""

    text: str                           # its beginning, as far as it is read
    lines: tuple[tuple[int, int], ...]
    forms: tuple[str, ...]              # its words
    places: tuple[tuple[int, int], ...]  # where they stand
    joined: str                         # the same without spaces …
    begins: dict[int, int]              # … and which word begins at an offset of it
    ends: dict[int, int]
    stems: dict[str, list[int]]         # the words by their first letters


@lru_cache(maxsize=128)  # a story is elected each time that an article joins it; one is up to a megabyte
def _spoken(text: str) -> _Spoken:
    text = text[:_WITHIN]
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    stems: dict[str, list[int]] = {}
    found, at = words(text), 0
    for number, word in enumerate(found):
        begins[at] = number
        at += len(word.form)
        ends[at] = number
        stems.setdefault(_stem(word.form)[:_PREFIX], []).append(number)
    return _Spoken(text, tuple(paragraphs(text)), tuple(word.form for word in found), tuple((word.start, word.end) for word in found),
                   "".join(word.form for word in found), begins, ends, stems)


def names(article: Article, domains: tuple[str, ...] = ()) -> frozenset[tuple[str, ...]]:
    """What a text may call the source of an article, as words: its name, and the labels of its domains in one word."""
    source = tuple(word.form for word in words(article.source))
    bare = source[1:] if len(source) > 1 and source[0] in BEFORE_NAMES else source
    labels = {label(domain) for domain in (urls.registrable(article.url), *domains)}
    if "." in article.source:
        labels.add(label(article.source))
    return frozenset({bare, *((one,) for one in labels if one)} - {()})


def label(domain: str) -> str:
    """What a domain calls its owner: "quietgazette" of quiet-gazette.example; nothing for addresses of machines."""
    first = urls.registrable(f"https://{domain}").split(".")[0]
    return "".join(word.form for word in words(first)) if any(map(str.isalpha, first)) else ""


# "the", and "the newspaper NAME" where the language puts it first: صحيفة المرفأ is called المرفأ as well.
BEFORE_NAMES = frozenset(map(fold, (
    "the", "al", "el", "le", "la", "die", "der", "صحيفة", "جريدة", "موقع", "وكالة", "مجلة", "قناة", "شبكة", "газета",
    "портал", "روزنامه", "خبرگزاری", "روزنامہ")))


@lru_cache(maxsize=8192)
def mention(known: frozenset[tuple[str, ...]], text: str) -> Mention | None:
    """The strongest mention of a source by one of its names (`names`); None where there is none."""
    spoken = _spoken(text)
    best: Mention | None = None
    for first, last in sorted({place for name in known for place in (*_spelled(name, spoken), *_inflected(name, spoken))}):
        found = _mention(spoken, first, last)
        if found is not None and (best is None or (found.credit, found.sure) > (best.credit, best.sure)):
            best = found
        if best is not None and best.credit:
            break
    return best


def _mention(spoken: _Spoken, first: int, last: int) -> Mention | None:
    """What the words from `first` to `last`, which spell a name, come to."""
    start, end = spoken.places[first][0], spoken.places[last][1]
    if not _is_written_as_a_name(spoken, first, start, end):
        return None
    line = spoken.lines[bisect_right(spoken.lines, (start, math.inf)) - 1]
    if _is_credit(spoken.text, line, start, end):
        return Mention(True, True, spoken.text[slice(*line)][:_SHOWN])
    if _is_short(spoken.text[start:end]):
        return None
    sure = last > first or _is_called_a_paper(spoken, first, start)
    if not sure and (not _is_cased(spoken.text[start:end]) or _begins_a_sentence(spoken, first, line)):
        return None
    return Mention(False, sure, _around(spoken.text, line, start, end))


def _is_called_a_paper(spoken: _Spoken, first: int, start: int) -> bool:
    """صحيفة الرياض, or the name in the marks in which Russians put it."""
    return spoken.text[start - 1:start] in _NAMING or (first > 0 and _stem(spoken.forms[first - 1]) in _PAPERS)


def _begins_a_sentence(spoken: _Spoken, first: int, line: tuple[int, int]) -> bool:
    if first == 0 or spoken.places[first - 1][0] < line[0]:
        return True
    between = spoken.text[spoken.places[first - 1][1]:spoken.places[first][0]]
    return any(mark in between for mark in ".!?:…\n")


_NAMING = ("«", "“", '"', "„")
_ARTICLES = frozenset(("the", "al", "el", "le", "la", "die", "der"))


def _spelled(name: tuple[str, ...], spoken: _Spoken) -> Iterator[tuple[int, int]]:
    """The first and last words of runs that spell a name: "washingtonpost" is written in two."""
    whole = "".join(name)
    at = spoken.joined.find(whole)
    while at >= 0:
        if at in spoken.begins and at + len(whole) in spoken.ends:
            yield spoken.begins[at], spoken.ends[at + len(whole)]
        at = spoken.joined.find(whole, at + 1)


def _inflected(name: tuple[str, ...], spoken: _Spoken) -> Iterator[tuple[int, int]]:
    """The first and last words of runs that are a name in another case: «Заволжскому вестнику», للمرفأ."""
    for first in spoken.stems.get(_stem(name[0])[:_PREFIX], ()):
        said = spoken.forms[first:first + len(name)]
        if len(said) == len(name) and all(map(_is_form_of, said, name)):
            yield first, first + len(name) - 1


def _is_form_of(said: str, word: str) -> bool:
    """Whether two words differ in their ending only. Cyrillic ones lose up to two letters for it; others only add."""
    said, word = _stem(said), _stem(word)
    if said == word:
        return True
    if _CYRILLIC.match(word):
        kept = max(_PREFIX + 1, len(word) - _ENDING)
        return len(word) >= kept and said[:kept] == word[:kept] and len(said) <= len(word) + _ENDING
    return said.startswith(word) and _ADDED.fullmatch(said[len(word):]) is not None


def _stem(word: str) -> str:
    """An Arabic word without what is written together with it in front: and, in, for, as, the."""
    bare = _PROCLITICS.sub("", word)
    return bare if len(bare) >= _PREFIX else word


_PREFIX, _ENDING = 3, 2
_CYRILLIC = regex.compile(r"\p{Cyrillic}")
_ADDED = regex.compile(r"'\p{L}{1,5}|e?n?s|e?n")   # Gazetesi'nden, Boten, Kuriers
_PROCLITICS = regex.compile(r"^[وف]?(?:[بك]?ال|لل?|[بك])(?=\p{Arabic})")


_PAPERS = frozenset(map(_stem, BEFORE_NAMES - _ARTICLES))   # صحيفة, газета …


def _is_written_as_a_name(text: _Spoken, first: int, start: int, end: int) -> bool:
    """Not "three times" for the Times, nor the New York Times. Scripts without capitals have no such sign."""
    written = text.text[start:end]
    if not _is_cased(written):
        return True
    if not written[0].isupper() and not _is_in_an_address(text.text, start, end):
        return False
    if " " in written or first == 0:
        return True
    before_start, before_end = text.places[first - 1]
    beside = text.text[before_end:start]
    return not (beside.isspace() and "\n" not in beside and text.text[before_start].isupper()
                and text.text[before_start:before_end].casefold() not in BEFORE_NAMES)


def _is_in_an_address(text: str, start: int, end: int) -> bool:
    before, after = _NO_SPACE.search(text[max(0, start - _ADDRESS):start]), _NO_SPACE.match(text[end:end + _ADDRESS])
    return _ADDRESSED.search(f"{before[0] if before else ''}{text[start:end]}{after[0] if after else ''}") is not None


_ADDRESS = 60            # characters
_NO_SPACE = regex.compile(r"\S+$|^\S+")
_ADDRESSED = regex.compile(r"^(?:https?://|www\.)\S|^[\p{L}\p{N}.-]+\.\p{L}{2,}(?:/|$)", regex.I)


def _is_cased(written: str) -> bool:
    return written.lower() != written.upper()


def _is_short(written: str) -> bool:
    return len(written) < _NAME_LENGTH


def _is_credit(text: str, line: tuple[int, int], start: int, end: int) -> bool:
    """A dateline; else a short line that begins or ends with the name, is one of copyright, or an address."""
    if _is_short(text[start:end]) and text[start:end].upper() != text[start:end]:
        return False
    before, after = text[line[0]:start], text[end:line[1]]
    if _DATELINE_OPENS.search(before) and _DATELINE_CLOSES.match(after) and end - line[0] <= _DATELINE:
        return True
    if len(words(text[slice(*line)])) > _CREDIT_WORDS or _ENDS_A_SENTENCE.search(text[slice(*line)]):
        return bool(_COPYRIGHT.search(before[-60:]))
    return not words(before) or not words(after) or bool(_COPYRIGHT.search(before)) or _is_in_an_address(text, start, end)


_DATELINE_OPENS = regex.compile(r"[(（\[]\s*$")
_DATELINE_CLOSES = regex.compile(r"^[^)）\]]{0,20}(?:[)\]]\s*(?:[\p{Pd}:：]|\s*$|\s+\p{L})|）)")
_COPYRIGHT = regex.compile(r"©|\(c\)|copyright|all rights reserved", regex.I)
_ENDS_A_SENTENCE = regex.compile(r"[\p{L}\p{M}\p{N}]{2,}[.!?؟۔।。！？][\"'”’»)\]]*\s*$")


def _around(text: str, line: tuple[int, int], start: int, end: int) -> str:
    """The words about a mention, at most as many as are shown; cut between words where there are spaces."""
    room = max(0, _SHOWN - (end - start)) // 2
    before, after = text[max(line[0], start - room):start], text[end:min(line[1], end + room)]
    if start - room > line[0]:
        before = before.partition(" ")[2] or before
    if end + room < line[1]:
        after = after.rpartition(" ")[0] or after
    return f"{before}{text[start:end]}{after}".strip()
