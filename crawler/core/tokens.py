"""Where the words of a text start and end: the definition, and the same by a table of characters for whole texts.

A word is a letter or digit followed by letters, digits and marks. Python's \\w leaves out the vowel signs of Indic
scripts and so splits Hindi words (42 false pairs became 3 when words kept their marks). Han, kana, Hangul-free Thai,
Lao, Khmer and Burmese are written without spaces: there each character is a word of its own.
"""

from array import array
from functools import lru_cache
from typing import Any

import regex

UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_IN_WORD = rf"[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d\u0640--[{UNSPACED}]]*+"
WORD = regex.compile(
    rf"[{UNSPACED}]\p{{M}}*+"
    # Possessive, and no group about single letters: a word of ten million would need as many notes to go back by.
    rf"|[\p{{L}}\p{{N}}--[{UNSPACED}]]{_IN_WORD}(?:['’](?=\p{{L}}){_IN_WORD})*+",
    regex.V1,
)

_SPACE = 32
_WORTH_A_TABLE = 200   # characters: below, the expression is as quick, and numpy need not be there
_TABLE = 0x3000       # characters that have a place in the table: all spaced scripts but Hangul, and their punctuation
_BEGINS, _LETTER, _GOES_ON, _APOSTROPHE, _INVISIBLE, _ALONE = 1, 2, 4, 8, 16, 32
_CLASSES = (
    (_ALONE, regex.compile(rf"[{UNSPACED}]")),
    (_BEGINS, regex.compile(r"[\p{L}\p{N}]")),
    (_LETTER, regex.compile(r"\p{L}")),
    (_GOES_ON, regex.compile(r"[\p{L}\p{M}\p{N}\u200c\u200d\u0640]")),
    (_APOSTROPHE, regex.compile(r"['’]")),
    (_INVISIBLE, regex.compile(r"[\p{Cf}--[\u200c\u200d]]", regex.V1)),
)


Found = tuple[list[str], "array[int]", "array[int]"]
"""The words of a text as they stand there, where each starts, and where it ends."""


def found(text: str) -> Found:
    """The words of a text, in order."""
    return (_by_table(text) if len(text) >= _WORTH_A_TABLE else None) or _by_expression(text)


def _by_expression(text: str) -> Found:
    hits = list(WORD.finditer(text))
    return ([hit.group() for hit in hits], array("i", [hit.start() for hit in hits]), array("i", [hit.end() for hit in hits]))


def pieces(text: str) -> "tuple[list[str], array[int]] | None":
    """The words of a text cut at apostrophes, and where each starts; None for a text that a table does not do for: one of an
    unspaced script, or with invisible characters, which may stand inside a word."""
    codes, kinds = _read(text)
    if kinds.max(initial=0) >= _ALONE or (kinds & _INVISIBLE).any():
        return None
    inside = _inside(kinds)
    changes = (inside[1:] != inside[:-1]).nonzero()[0]
    if not (kinds[changes[0::2]] & _BEGINS).all():
        return None
    return _cut(codes, inside), array("i", changes[0::2].astype("i4").tobytes())


def _by_table(text: str) -> Found | None:
    """The same in a seventh of the time; None for a text of an unspaced script, or with a mark that follows no letter."""
    codes, kinds = _read(text)
    if kinds.max() >= _ALONE:
        return None
    inside = _inside(kinds)
    joins = (kinds[1:-1] == _APOSTROPHE).nonzero()[0] + 1
    inside[1:-1][joins[inside[joins] & ((kinds[joins + 1] & _LETTER) != 0)]] = True
    changes = (inside[1:] != inside[:-1]).nonzero()[0].astype("i4")
    starts, ends = changes[0::2], changes[1::2]
    if not (kinds[starts] & _BEGINS).all():
        return None
    return _cut(codes, inside), array("i", starts.tobytes()), array("i", ends.tobytes())


def _read(text: str) -> tuple[Any, Any]:
    """The characters of a text as numbers (uint32), and what each is, as sums of the classes (uint8)."""
    import numpy as np  # noqa: PLC0415 - a tenth of a second that short texts do not need

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return codes, _kinds(codes)


def _inside(kinds: Any) -> Any:
    """Which characters can belong to a word (bool), from the place before the text to the one behind it."""
    import numpy as np  # noqa: PLC0415 - see above

    inside = np.zeros(len(kinds) + 2, dtype=bool)
    np.not_equal(kinds & _GOES_ON, 0, out=inside[1:-1])
    return inside


def _cut(codes: Any, inside: Any) -> list[str]:
    """No character of a word is a space, so that what is left when all others are is split in one go."""
    import numpy as np  # noqa: PLC0415 - see above

    return np.where(inside[1:-1], codes, np.uint32(_SPACE)).tobytes().decode("utf-32-le", "surrogatepass").split()


def _kinds(codes: Any) -> Any:
    """What each of these characters is, as sums of the classes (uint8)."""
    kinds = _table().take(codes, mode="clip")
    if codes.max(initial=0) >= _TABLE:
        far = (codes >= _TABLE).nonzero()[0]
        kinds[far] = [_kind(chr(code)) for code in codes[far].tolist()]
    return kinds


@lru_cache(maxsize=1)
def _table() -> Any:
    import numpy as np  # noqa: PLC0415 - see above

    characters = "".join(map(chr, range(_TABLE)))
    table = np.zeros(_TABLE, dtype=np.uint8)
    for kind, members in _CLASSES:
        table[[hit.start() for hit in members.finditer(characters)]] |= kind
    return table


@lru_cache(maxsize=16384)
def _kind(character: str) -> int:
    return sum(kind for kind, members in _CLASSES if members.match(character))
