"""The door: what of a text is a site's own phrase."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crawler.core.phrases import labels, rules
from crawler.core.phrases.reading import Token, Unit, languages_of, tokens, units
from crawler.core.text import words

Kind = Literal["declared-copy", "source-label", "credit", "dateline", "greeting", "thanks"]
_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Hit:
    """A sentence or line that a site says of itself; `start` and `end` are character offsets in the text."""

    kind: Kind
    start: int
    end: int
    quote: str         # that text, at most 300 characters
    name: str | None   # whom it names
    language: str


def find(text: str, language: str | None = None, title: str = "") -> list[Hit]:
    """Every phrase of its own that a site puts into a text, in order.

    Words of every language are tried: sites mix them; `language` only breaks ties. `title` is the article's: a
    sentence that repeats it needs no other explanation for those words.
    """
    known = frozenset(word.form for word in words(title))
    return [hit for unit in units(text) for hit in _in_unit(text, unit, language, known)]


def _in_unit(text: str, unit: Unit, language: str | None, title: frozenset[str]) -> Iterator[Hit]:
    found = tokens(text, unit)
    hit = _declared(text, unit, found, language, title) or labels.in_unit(text, unit, found)
    if hit is not None:
        kind, name, spoken = hit
        quote = text[unit.start:unit.end][:_QUOTE]
        yield Hit(kind, unit.start, unit.end, quote, name, spoken or language or "")


def _declared(text: str, unit: Unit, found: list[Token], language: str | None,
              title: frozenset[str]) -> tuple[Kind, str | None, str] | None:
    if not (unit.own_line or unit.edge):
        return None
    for spoken in sorted(languages_of(found), key=lambda each: (each != language, each)):
        sentence = rules.read(found, spoken, text[unit.start:unit.end], title)
        kind = _kind(sentence)
        if kind is not None:
            return kind, _named(text, sentence), spoken
    return None


def _kind(sentence: rules.Sentence) -> Kind | None:
    if rules.declares(sentence):
        return "declared-copy"
    if rules.thanks(sentence):
        return "thanks"
    return "greeting" if rules.greets(sentence) else None


def _named(text: str, sentence: rules.Sentence) -> str | None:
    if sentence.name is None:
        return None
    first, last = sentence.name
    return text[sentence.tokens[first].start:sentence.tokens[last - 1].end] or None


def source_label(text: str) -> tuple[str, str] | None:
    """(label, rest) where a short piece of text is a source label ("Source: BBC"); rest is "" if nothing follows."""
    return labels.source_label(text)


def is_site_phrase(sentence: str) -> bool:
    """Whether a sentence is one that a site puts around articles: a declaration, label, greeting or thanks."""
    return any(hit.kind in ("declared-copy", "source-label", "greeting", "thanks") for hit in find(sentence))
