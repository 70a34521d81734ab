"""Source labels ("Source: …"), credits ("(AFP)", "with inputs from …") and datelines ("PARIS (Reuters) -")."""

from collections.abc import Iterable, Iterator
from typing import Literal

import regex

from crawler.core.phrases.agencies import agency
from crawler.core.phrases.lexicon import HEAD_FINAL, LANGUAGES, Part, Parts, everywhere, lookup, of_language
from crawler.core.phrases.names import span_of_name
from crawler.core.phrases.reading import Token, Unit, parts_in, tokens

_REST_WORDS = 14    # after a label stands a name, perhaps with a date, not a sentence
_REST_LENGTH = 120
_CREDIT_WORDS = 14
_MARKS_LENGTH = 60
_IN_LABEL = (Part.SRC | Part.ITEM | Part.LINK | Part.FILL | Part.THIS | Part.FIRST | Part.OUTLET | Part.MORE | Part.FROM | Part.AT | Part.TITLE
             | Part.AUTO | Part.READER)
_ENDS = regex.compile(r"^\s*[)\]】]?\s*(?:[:：|»›→>]|[–—-](?=\s))[:：|»›→>–—\s-]*|^\s*\n\s*")
_UP_TO_COLON = regex.compile(r"^[^:：\n.。!?]{1,40}[:：]\s*")
_BLANK = regex.compile(r"^[\s.。!！)\]】»›→>]*$")
_TRIM = " \t\n.。:：|»›→-–—\"'“”«»()[]【】、,،"

Found = tuple[Literal["source-label", "credit", "dateline", "greeting"], str | None, str]


def promising(piece: str, head: Parts) -> bool:
    """Whether a piece could be a label or a credit, by the parts that its first words play: the cheap question."""
    if len(piece) > _LONGEST or not head & KEYS:
        return False
    words = piece.split()
    key, first = parts_in(" ".join(words[:_WORDS_OF_LABEL]))[0] & KEYS, parts_in(" ".join(words[:2]))[0]
    return any(of_language(key, language) and of_language(first, language) & _FIRST for language in LANGUAGES) if key else False


_LONGEST = 200        # characters of a label and what follows it
_WORDS_OF_LABEL = 7
KEYS = everywhere(Part.SRC | Part.LINK | Part.CREDIT)
_FIRST = _IN_LABEL | Part.CREDIT


def label(piece: str, found: list[Token], offset: int, together: Parts) -> Found | None:
    """The source label that a unit is, or the "Read also: …" that it begins with."""
    hit = _label(piece, found, offset, together)
    if hit is None or len(hit[1]) > _REST_LENGTH or len(hit[1].split()) > _REST_WORDS:
        return None
    if hit[3]:
        return "source-label", hit[1].strip(_TRIM)[:80] or None, hit[2]
    return "greeting", None, hit[2]


def source_label(text: str) -> tuple[str, str] | None:
    """See `crawler.core.phrases.source_label`."""
    piece = text.strip()
    if not piece or len(text) > 400:
        return None
    found = tokens(piece, Unit(0, len(piece), own_line=True, edge=True, line=(0, len(piece))))
    hit = _label(piece, found, 0, parts_in(piece)[0])
    return (hit[0], hit[1]) if hit and hit[3] else None


def _label(piece: str, found: list[Token], offset: int, together: Parts) -> tuple[str, str, str, bool] | None:
    """(label, rest, language, whether it names a source) where the first words are a label."""
    for language in LANGUAGES:
        if of_language(together, language) & (Part.SRC | Part.LINK):
            leading = _leading(found, language)
            for split in (_closed, _running):
                hit = split(piece, found, leading, offset)
                if hit is not None:
                    return hit[0], hit[1], language, hit[2]
    return None


def _leading(found: list[Token], language: str) -> list[int]:
    """The parts of the first words, as long as they can stand in a label."""
    parts: list[int] = []
    for token in found[:12]:
        part = of_language(token.parts, language)
        if not part & _IN_LABEL:
            break
        parts.append(part)
    return parts


def _together(parts: Iterable[int]) -> int:
    total = 0
    for part in parts:
        total |= part
    return total


def _closed(piece: str, found: list[Token], leading: list[int], offset: int) -> tuple[str, str, bool] | None:
    """A label that ends in a colon, an arrow, or with the piece."""
    for count in range(1, len(leading) + 1):
        end = found[count - 1].end - offset
        closed, parts = _ENDS.match(piece[end:]), _together(leading[:count])
        if (closed or _BLANK.match(piece[end:])) and (_names_source(parts) or _leads_on(parts)):
            return piece[:end], piece[end + closed.end():].strip() if closed else "", _names_source(parts)
    return _named_label(piece, found, leading, offset)


def _named_label(piece: str, found: list[Token], leading: list[int], offset: int) -> tuple[str, str, bool] | None:
    """Link to the story at NAME: headline."""
    parts = _together(leading)
    if not (leading and parts & Part.LINK and parts & (Part.ITEM | Part.SRC) and leading[-1] & (Part.OUTLET | Part.FROM | Part.AT)):
        return None
    end = found[len(leading) - 1].end - offset
    closed = _UP_TO_COLON.match(piece[end:])
    return (piece[:end], piece[end:].strip(), True) if closed else None


def _running(piece: str, found: list[Token], leading: list[int], offset: int) -> tuple[str, str, bool] | None:
    """A label that runs on into a name: "Kaynak AA", "Read the original at Example Daily"."""
    parts, rest = _together(leading), found[len(leading):]
    if not leading or not rest or len(rest) > 5 or not rest[0].proper:
        return None
    end = found[len(leading) - 1].end - offset
    alone = len(leading) == 1 and parts & Part.SRC and (piece[end:].strip()[:1].isupper() or agency(piece[end:]) is not None)
    invited = parts & Part.LINK and (parts & Part.SRC or (parts & Part.ITEM and parts & Part.MORE)) and leading[-1] & (Part.FROM | Part.AT | Part.OUTLET | Part.FILL)
    return (piece[:end], piece[end:].strip(), True) if (alone and len(rest) <= 3) or invited else None


def _names_source(parts: int) -> bool:
    return bool(parts & Part.SRC or (parts & Part.LINK and parts & Part.ITEM))


def _leads_on(parts: int) -> bool:
    return bool(parts & Part.LINK and parts & Part.MORE)


def credit(text: str, unit: Unit, found: list[Token], together: Parts) -> Found | None:
    """With inputs from PTI. По материалам NAME."""
    if len(found) > _CREDIT_WORDS:
        return None
    for language in LANGUAGES:
        if of_language(together, language) & Part.CREDIT:
            parts = [of_language(token.parts, language) for token in found]
            span = _credited(parts, found, final=language in HEAD_FINAL)
            name = text[found[span[0]].start:found[span[1] - 1].end] if span else None
            if _credits(parts, found, name, own_line=unit.own_line):
                return "credit", name, language
    return None


def _credited(parts: list[int], found: list[Token], *, final: bool) -> tuple[int, int] | None:
    return span_of_name(found, parts, final=False) or (span_of_name(found, parts, final=True) if final else None)


def _credits(parts: list[int], found: list[Token], name: str | None, *, own_line: bool) -> bool:
    """Whether the first words credit, and nothing else is said."""
    start = next((at for at, part in enumerate(parts) if not part & (Part.FILL | Part.ITEM) or part & Part.CREDIT), 0)
    if not parts[start] & Part.CREDIT or _together(parts) & Part.VETO:
        return False
    strange = sum(1 for part, token in zip(parts, found, strict=True) if not part and not token.proper)
    strong = any(part & Part.CREDIT and not part & (Part.FILL | Part.FROM | Part.AT) for part in parts)
    if name is None:
        return strong and strange == 0 and all(part & (Part.CREDIT | Part.OUTLET | Part.FILL) for part in parts)
    # "with", "via" are words of every day: only before an agency, or where nothing but a name follows.
    return strange <= strong and (strong or agency(name) is not None or (own_line and len(found) <= 4 and found[1].proper))


_SPLIT = regex.compile(r"[()\[\]【】（）|/／,،、;&+©=＝・-]|\s[–—]\s|\s(?:und|and|et|y|e|и|та|و|ve|dan|with|mit|avec|con|com|by|par|por)\s", regex.IGNORECASE)


def may_be_marks(piece: str) -> bool:
    """Whether a line is short enough to be nothing but marks of agencies."""
    return len(piece) <= _MARKS_LENGTH


def may_name_desks(together: Parts) -> bool:
    """Whether words that play these parts can be what `marks` finds where no agency is named."""
    return bool(together & _OURS and together & _OUTLETS)


def marks(piece: str) -> str | None:
    """The agency of a line that holds nothing but marks of agencies: "(AFP)", "dpa/lno", "By AFP and agencies", "ROME,
    12 Mar. (ANSA) -"; "" where they are not named: "Redacción / Agencias"."""
    if not may_be_marks(piece) or _OF_A_PICTURE.search(piece):
        return None
    whole = agency(piece)
    if whole is not None:
        return whole
    pieces = [mark.strip(_TRIM) for mark in _pieces(piece)]
    names = [agency(mark) for mark in pieces]
    found = [name for name in names if name is not None]
    if not found:
        return "" if len(pieces) == 2 and all(map(_desk, pieces)) and _unnamed(pieces) else None
    bracketed = piece[:1] in "([（" and piece.rstrip(" .-–—")[-1:] in ")]）"
    others = [mark for mark, name in zip(pieces, names, strict=True) if name is None and not _desk(mark) and not _dated(mark)]
    if not others or (bracketed and len(names) <= 3):
        return found[0]
    placed = (len(others) == 1 and others[0] == pieces[0]) or (names[0] is not None and len(pieces) == 2)
    return found[0] if placed and len(others) == 1 and len(pieces) <= _PIECES and _place(others[0], piece) else None


# "AFP/Getty Images": pictures are bought where the text is not.
_OF_A_PICTURE = regex.compile(r"\b(?:getty|shutterstock|istock|alamy|depositphotos|(?:ph|f)otos?|images?|pool)\b", regex.IGNORECASE)
_PIECES = 4
_PLACE_WORDS = 3
_DATED = regex.compile(r"^\p{L}{0,4}\.? ?\d{1,4}\.?(?: ?\p{L}{3,9}\.?)?(?: ?\d{4})?$|^\d{1,2}月\d{1,2}日$")


def _dated(mark: str) -> bool:
    return _DATED.match(mark) is not None


def _desk(mark: str) -> bool:
    """Whether a piece of a credit is the site's own desk or "agencies": "Redacción", "red", "our correspondents"."""
    found = mark.split()
    return 0 < len(found) <= _PLACE_WORDS and all(lookup(word)[1] & _DESK for word in found)


def _place(mark: str, piece: str) -> bool:
    """Whether a piece of a credit is where it was written: "MOSCOW, TASS", "JAKARTA (Reuters)", "AA - Ankara"; after a comma in small
    letters it is a list: "Google, Reuters"."""
    if len(mark.split()) > _PLACE_WORDS or not mark[:1].isalpha() or mark[:1].islower():
        return False
    return mark.isupper() or (regex.search(r"[(（=＝–—]|\s-\s", piece) is not None and ":" not in piece)


def _unnamed(pieces: list[str]) -> bool:
    """Redacción / Agencias."""
    desk, outlet = _OURS, _OUTLETS
    first, second = (lookup(mark)[1] for mark in pieces)
    return bool((first & desk and second & outlet) or (first & outlet and second & desk))


_OURS, _OUTLETS = everywhere(Part.US), everywhere(Part.OUTLET)
_DESK = everywhere(Part.US | Part.OUTLET | Part.CREDIT | Part.FILL)


def _pieces(piece: str) -> Iterator[str]:
    return (mark for mark in _SPLIT.split(f" {piece} ") if mark.strip(_TRIM))


# A place and a date, then the agency, then the text.
_MARKS = regex.compile(r"[()\[\]【】（）=＝/–—:：．،,|]|\s-\s?|-\s|\.\s")
_CHINESE = regex.compile(r"^[（(]?(\p{Han}{2,5}?社)\p{Han}{0,14}\d{1,2}月\d{1,2}日(?:\p{Han}{0,8})?[电電]")
_HEAD = 90          # characters: no dateline is longer
_HEAD_WORDS = 10
_BODY = 12          # characters of text that must follow


def dateline(line: str) -> str | None:
    """The agency that the first words of a line name: "PARIS (Reuters) - …"."""
    chinese = _CHINESE.match(line[:_HEAD])
    if chinese:
        return agency(chinese[1]) or str(chinese[1])
    return _in_head(line[:_HEAD], rest=len(line))


def _in_head(head: str, rest: int) -> str | None:
    at, before = 0, ""
    for mark in _MARKS.finditer(head):
        name, kind = agency(head[at:mark.start()]), mark.group().strip()
        # "Reuters, which …" is no dateline; "— РИА Новости. …" is.
        if name is not None and rest - mark.end() >= _BODY and (kind not in (",", "،", ".") or before in ("–", "—", "-", "/")):
            return name
        at, before = mark.end(), kind
        if len(head[:at].split()) > _HEAD_WORDS:
            return None
    return None
