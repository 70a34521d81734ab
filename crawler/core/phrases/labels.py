"""Source labels ("Source: …"), credits ("(AFP)", "with inputs from …") and datelines ("PARIS (Reuters) -")."""

from collections.abc import Iterable
from typing import Literal

import regex

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.lexicon import HEAD_FINAL, Part
from crawler.core.phrases.names import span_of_name
from crawler.core.phrases.reading import Token, Unit, parts_of, tokens, units

_REST_WORDS = 14    # after a label stands a name, perhaps with a date, not a sentence
_REST_LENGTH = 120
_CREDIT_WORDS = 14
_IN_LABEL = (Part.SRC | Part.ITEM | Part.LINK | Part.FILL | Part.THIS | Part.FIRST | Part.OUTLET | Part.MORE | Part.FROM | Part.TITLE
             | Part.AUTO | Part.READER)
_ENDS = regex.compile(r"^\s*[)\]】]?\s*(?:[:：|»›→>]|[–—-](?=\s))[:：|»›→>–—\s-]*|^\s*\n\s*")
_BLANK = regex.compile(r"^[\s.。!！)\]】»›→>]*$")
_TRIM = " \t\n.。:：|»›→-–—\"'“”«»()[]【】、,،"

Found = tuple[Literal["source-label", "credit", "dateline"], str | None, str]


def in_unit(text: str, unit: Unit, found: list[Token], together: dict[str, int]) -> Found | None:
    """The label, credit or dateline that a unit carries."""
    piece = text[unit.start:unit.end]
    if unit.own_line or unit.edge:
        label = _label(piece, found, unit.start, together)
        if label is not None and len(label[1]) <= _REST_LENGTH and len(label[1].split()) <= _REST_WORDS:
            return "source-label", label[1].strip(_TRIM)[:80] or None, label[2]
        credit = _credit(piece, text, unit, found, together)
        if credit is not None:
            return "credit", *credit
    name = _dateline(text, unit)
    return None if name is None else ("dateline", name, "")


def source_label(text: str) -> tuple[str, str] | None:
    """See `crawler.core.phrases.source_label`."""
    first = next(units(text), None) if text and len(text) <= 400 else None
    if first is None:
        return None
    found = tokens(text, Unit(first.start, len(text), own_line=True, edge=True))
    label = _label(text[first.start:], found, first.start, parts_of(found))
    return None if label is None else (label[0], label[1])


def _label(piece: str, found: list[Token], offset: int, together: dict[str, int]) -> tuple[str, str, str] | None:
    """(label, rest, language) where the first words are a source label."""
    for language in sorted(together):
        if together[language] & (Part.SRC | Part.LINK):
            leading = _leading(found, language)
            split = _closed(piece, found, leading, language, offset) or _open(piece, found, leading, language, offset)
            if split is not None:
                return (*split, language)
    return None


def _leading(found: list[Token], language: str) -> list[Part]:
    """The parts of the first words, as long as they can stand in a label."""
    parts: list[Part] = []
    for token in found[:12]:
        part = Part(token.roles.get(language, 0))
        if not part & _IN_LABEL:
            break
        parts.append(part)
    return parts


def _together(parts: Iterable[Part]) -> Part:
    sum_of = Part(0)
    for part in parts:
        sum_of |= part
    return sum_of


def _closed(piece: str, found: list[Token], leading: list[Part], language: str, offset: int) -> tuple[str, str] | None:
    """A label that ends in a colon, an arrow, or with the piece."""
    for count in range(1, len(leading) + 1):
        end = found[count - 1].end - offset
        closed = _ENDS.match(piece[end:])
        if (closed or _BLANK.match(piece[end:])) and _is_label(_together(leading[:count])):
            return piece[:end], piece[end + closed.end():].strip() if closed else ""
    return None


def _open(piece: str, found: list[Token], leading: list[Part], language: str, offset: int) -> tuple[str, str] | None:
    """A label that runs on into a name: "Kaynak AA", "Read the original at Example Daily"."""
    together = _together(leading)
    rest = found[len(leading):]
    if not leading or not rest or len(rest) > 5 or not all(token.proper for token in rest[:1]):
        return None
    alone = len(leading) == 1 and together & Part.SRC and len(rest) <= 3
    invited = together & Part.LINK and together & Part.SRC and together & (Part.FROM | Part.OUTLET)
    if not (alone or invited) or not any(not Part(token.roles.get(language, 0)) for token in rest):
        return None
    end = found[len(leading) - 1].end - offset
    return piece[:end], piece[end:].strip()


def _is_label(parts: Part) -> bool:
    return bool(parts & Part.SRC or (parts & Part.LINK and parts & Part.ITEM and parts & (Part.FROM | Part.MORE | Part.LINK)))


def _credit(piece: str, text: str, unit: Unit, found: list[Token], together: dict[str, int]) -> tuple[str | None, str] | None:
    """(whom, language) that a line credits: "(AFP)", "With inputs from PTI"."""
    name = _marks(piece)
    if name is not None:
        return name, ""
    if len(found) > _CREDIT_WORDS:
        return None
    for language in sorted(together):
        parts = [Part(token.roles.get(language, 0)) for token in found]
        if together[language] & (Part.CREDIT | Part.PUB) and _credits(parts, found, own_line=unit.own_line):
            span = span_of_name(found, parts, final=language in HEAD_FINAL) or span_of_name(found, parts, final=False)
            if span is not None:
                return text[found[span[0]].start:found[span[1] - 1].end], language
            if all(part & (Part.CREDIT | Part.OUTLET | Part.FILL) for part in parts):
                return None, language
    return None


def _credits(parts: list[Part], found: list[Token], *, own_line: bool) -> bool:
    """Whether the first words credit: with inputs from …; published in … on a line of its own."""
    for part in parts:
        if part & Part.CREDIT:
            break
        if part & Part.PUB and own_line and not _together(parts) & (Part.VETO | Part.FIRST):
            break
        if not part & (Part.FILL | Part.ITEM):
            return False
    strange = sum(1 for part, token in zip(parts, found, strict=True) if not part and not token.proper)
    return strange == 0 and not _together(parts) & Part.VETO


_SPLIT = regex.compile(r"\s*[()\[\]【】|/／,،、;&+©]\s*|\s+[-–—]\s+|\s(?:und|and|et|y|e|и|та|و|ve|dan|with|mit|avec|con|com|by|par|por)\s")


def _marks(piece: str) -> str | None:
    """The agency of a line that holds nothing but marks of agencies: "(AFP)", "dpa / Reuters", "© AP"."""
    if len(piece) > 60:
        return None
    marks = [mark for mark in _SPLIT.split(f" {piece} ") if mark.strip(_TRIM)]
    names = [agency(mark) for mark in marks]
    return names[0] if names and all(names) else None


# A place and a date, then the agency, then the text.
_MARKS = regex.compile(r"[()\[\]【】（）=＝/–—:：．،,|]|\s-\s?|-\s|\.\s|電|电")


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
