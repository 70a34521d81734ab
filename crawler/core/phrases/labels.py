"""Source labels ("Source: …"), credits ("(AFP)", "with inputs from …") and datelines ("PARIS (Reuters) -")."""

from typing import Literal

import regex

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.lexicon import Part
from crawler.core.phrases.reading import Token, Unit, languages_of, tokens, units

_LABEL_LENGTH = 60
_REST_WORDS = 14
_IN_LABEL = Part.SRC | Part.ITEM | Part.LINK | Part.FILL | Part.THIS | Part.FIRST | Part.OUTLET | Part.MORE | Part.FROM
_ENDS = regex.compile(r"^[^\w\n]*?[:：|»›→>–—-][:：|»›→>–—\s-]*|^\s*\n\s*")
_BLANK = regex.compile(r"^[\s.。!]*$")
_TRIM = " \t\n.。:：|»›→-–—\"'“”«»()[]"

Found = tuple[Literal["source-label", "credit", "dateline"], str | None, str]


def in_unit(text: str, unit: Unit, found: list[Token]) -> Found | None:
    """The label, credit or dateline that a unit carries."""
    piece = text[unit.start:unit.end]
    if unit.own_line or unit.edge:
        label = _label(piece, found, unit.start)
        if label is not None and len(label[1].split()) <= _REST_WORDS:
            return "source-label", label[1].strip(_TRIM)[:80] or None, label[2]
        credit = _credit(piece)
        if credit is not None:
            return "credit", credit, ""
    name = _dateline(text, unit)
    return None if name is None else ("dateline", name, "")


def source_label(text: str) -> tuple[str, str] | None:
    """See `crawler.core.phrases.source_label`."""
    first = next(units(text), None) if text and len(text) <= 400 else None
    if first is None:
        return None
    whole = Unit(first.start, len(text), own_line=True, edge=True)
    found = _label(text[first.start:], tokens(text, whole), first.start)
    return None if found is None else (found[0], found[1])


def _label(piece: str, found: list[Token], offset: int) -> tuple[str, str, str] | None:
    """(label, rest, language) where the first words are a source label."""
    for language in sorted(languages_of(found[:6])):
        size = next((at for at, token in enumerate(found) if not token.roles.get(language, 0) & _IN_LABEL), len(found))
        split = _split(piece, found[:size], language, offset)
        if split is not None:
            return (*split, language)
    return None


def _split(piece: str, leading: list[Token], language: str, offset: int) -> tuple[str, str] | None:
    parts = Part(0)
    for token in leading:
        parts |= Part(token.roles.get(language, 0))
        end = token.end - offset
        closed = _ENDS.match(piece[end:])
        if (closed or _BLANK.match(piece[end:])) and _is_label(parts):
            return piece[:end], piece[end + closed.end():].strip() if closed else ""
    return None


def _is_label(parts: Part) -> bool:
    return bool(parts & Part.SRC or (parts & Part.LINK and parts & Part.ITEM))


def _credit(piece: str) -> str | None:
    """The agency that a line of its own credits: "(AFP)", "dpa"."""
    return agency(piece) if len(piece) <= 60 else None


# A place and a date, then the agency, then the text.
_MARKS = regex.compile(r"[()\[\]【】（）=＝/–—:：．،,|]|\s-\s?|-\s|\.\s")


def _dateline(text: str, unit: Unit) -> str | None:
    line_start = text.rfind("\n", 0, unit.start) + 1
    if text[line_start:unit.start].strip():
        return None
    head, at = text[line_start:line_start + 90].split("\n")[0], 0
    for mark in _MARKS.finditer(head):
        name = agency(head[at:mark.start()])
        if name is not None and mark.group().strip() not in (",", "،", "."):
            return name
        at = mark.end()
        if len(head[:at].split()) > 10:
            return None
    return None
