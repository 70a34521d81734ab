"""The door: what of a text is a site's own phrase."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crawler.core.phrases import labels, rules
from crawler.core.phrases.reading import Token, Unit, parts_of, tokens, units
from crawler.core.text import words

Kind = Literal["declared-copy", "source-label", "credit", "dateline", "greeting", "thanks"]
_QUOTE = 300
_WRAPPING = frozenset({"declared-copy", "source-label", "greeting", "thanks"})

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
    known = frozenset(word.form for word in words(title[:1000]))
    found = ((unit, _in_unit(text, unit, language, known)) for unit in units(text))
    return [Hit(hit[0], unit.start, unit.end, text[unit.start:unit.end][:_QUOTE], hit[1], hit[2])
            for unit, hit in found if hit is not None]


def _in_unit(text: str, unit: Unit, language: str | None, title: frozenset[str]) -> _Found | None:
    found = tokens(text, unit)
    together = parts_of(found)
    for spoken in sorted(together, key=lambda each: (each != language, each)):
        if (unit.own_line or unit.edge) and rules.promising(together[spoken]):
            hit = _spoken(text, unit, found, spoken, title)
            if hit is not None:
                return hit
    return labels.in_unit(text, unit, found, together)


def _spoken(text: str, unit: Unit, found: list[Token], language: str, title: frozenset[str]) -> _Found | None:
    sentence = rules.read(found, language, text, text[unit.start:unit.end], title)
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
