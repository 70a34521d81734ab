"""The door: what of a text is a site's own phrase."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from crawler.core.phrases import labels, rules
from crawler.core.phrases.lexicon import Parts
from crawler.core.phrases.reading import (
    LONE,
    LONGEST_LINE,
    OF_AGENCY,
    Looked,
    Token,
    Unit,
    lines,
    looked,
    parts_in,
    tokens,
    units,
)
from crawler.core.text import fold, sentences, words

Kind = Literal["declared-copy", "source-label", "credit", "dateline", "greeting", "thanks"]
_QUOTE = 300
# A notice stands in one paragraph with a label or a thanks, and others follow it: links, tags, farewells.
_FIRST, _LAST = 2, 6
_OPENING = 8        # a dateline stands on one of the first lines
_WRAPPING = frozenset({"declared-copy", "source-label", "greeting", "thanks"})

Span = tuple[int, int]
_Found = tuple[Kind, str | None, str]   # kind, whom it names, language


@dataclass(frozen=True, slots=True)
class Hit:
    """A sentence or line that a site says of itself; `start` and `end` are character offsets in the text."""

    kind: Kind
    start: int
    end: int
    quote: str         # that text, at most 300 characters
    name: str | None   # whom it names
    language: str      # "" where it belongs to none: "(AFP)"


def find(text: str, language: str | None = None, title: str = "") -> list[Hit]:
    """Every phrase of its own that a site puts into a text, in order.

    Words of every language are tried: sites mix them; `language` only breaks ties. `title` is the article's: a
    sentence that repeats it needs no other explanation for those words.
    """
    known = frozenset(fold(title[word.start:word.end]) for word in words(title[:1000]))
    return [Hit(kind, unit.start, unit.end, text[unit.start:unit.end][:_QUOTE], name, spoken)
            for unit in _candidates(text)
            for kind, name, spoken in _in_unit(text, unit, language, known)]


def _candidates(text: str) -> Iterator[Unit]:
    """The units that are worth reading: a line without any key word is left after one look."""
    seen, spans = looked(text), lines(text)
    for at, line in enumerate(spans):
        opening = at < _OPENING
        if _is_candidate(text, line, seen, opening=opening):
            yield from units(text, line, first=at == 0, last=at == len(spans) - 1, opening=opening,
                             outer=at < _FIRST or at >= len(spans) - _LAST)


def _is_candidate(text: str, line: Span, seen: Looked | None, *, opening: bool) -> bool:
    """Whether a line has a key word, or holds nothing but marks of agencies, or begins with one."""
    if seen is None:
        piece = text[slice(*line)]
        return _worth(parts_in(piece)[0]) or _is_marked(piece, opening=opening)
    together = seen.together(*line)
    if _worth(together):
        return True
    if not (together & (OF_AGENCY | LONE) or labels.may_name_desks(together)):
        return False
    return _is_marked(text[slice(*line)], opening=opening)


def _is_marked(piece: str, *, opening: bool) -> bool:
    return labels.marks(piece) is not None or (opening and labels.dateline(piece) is not None)


def _worth(together: Parts) -> bool:
    # The words that begin a sentence can stand anywhere in a line.
    return bool(together & labels.KEYS or rules.promising(together, together))


def _in_unit(text: str, unit: Unit, language: str | None, title: frozenset[str]) -> Iterator[_Found]:
    piece = text[unit.start:unit.end]
    hit = _said(text, unit, piece, language, title) if unit.own_line or unit.edge else None
    if hit is None and unit.opening:
        name = labels.dateline(text[unit.line[0]:unit.line[1]])
        hit = ("dateline", name, "") if name is not None else None
    if hit is not None:
        yield hit


def _said(text: str, unit: Unit, piece: str, language: str | None, title: frozenset[str]) -> _Found | None:
    """What the site says in a unit that can be its own."""
    together, head = parts_in(piece)
    spoken, labelled = rules.promising(together, head), labels.promising(piece, head)
    if spoken or labelled:
        found = tokens(text, unit)
        spoken.sort(key=lambda each: each != language)
        hit = next(filter(None, (_spoken(text, found, each, piece, title) for each in spoken)), None)
        hit = hit or labels.label(piece, found, unit.start, head) or labels.credit(text, unit, found, head)
        if hit is not None:
            return hit
    # The first sentence of several can be a dateline.
    name = labels.marks(piece) if unit.own_line or not unit.opening else None
    return None if name is None else ("credit", name or None, "")


def _spoken(text: str, found: list[Token], language: str, piece: str, title: frozenset[str]) -> _Found | None:
    sentence = rules.read(found, language, text, piece, title)
    if rules.declares(sentence):
        return "declared-copy", sentence.named or None, language
    if rules.thanks(sentence):
        return "thanks", None, language
    return ("greeting", None, language) if rules.greets(sentence) else None


def source_label(text: str) -> tuple[str, str] | None:
    """(label, rest) where a short piece of text is a source label ("Source: BBC"); rest is "" if nothing follows."""
    return labels.source_label(text)


def is_site_phrase(sentence: str) -> bool:
    """Whether a sentence is one that a site puts around articles: a declaration, label, greeting or thanks."""
    return any(hit.kind in _WRAPPING for hit in find(sentence))


def site_phrases(text: str) -> Iterator[Span]:
    """The spans of the sentences that are site phrases, in order."""
    seen = looked(text)
    for start, end in sentences(text):
        if (seen is None or _worth(seen.together(start, end))) and _is_site_phrase(text[start:end]):
            yield start, end


@lru_cache(maxsize=4096)  # a site says the same around each of its articles
def _is_site_phrase(sentence: str) -> bool:
    """`is_site_phrase` of what is one line and known to be worth reading."""
    if len(sentence) > LONGEST_LINE:
        return is_site_phrase(sentence)
    return any(kind in _WRAPPING
               for unit in units(sentence, (0, len(sentence)), first=True, last=True, opening=True, outer=True)
               for kind, _, _ in _in_unit(sentence, unit, None, frozenset()))
