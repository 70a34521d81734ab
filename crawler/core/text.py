"""Normal form, words, sentences, shingles: what "the same text" means in every script.

`fold` is the one normal form: NFKC, lower case, no diacritics of Arabic and Hebrew, one form of alef, ya and digit,
no tatweel and no invisible characters. Latin and Cyrillic letters keep their marks there: they tell words apart. The
words that texts are compared by are bare of Latin marks as well: copiers strip them, by hand or by a bad encoding.
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, overload

import regex
import xxhash

from crawler.core import tokens

# Harakat, Quranic marks, superscript alef, Hebrew points: optional in print, so copies differ by them.
_OPTIONAL_MARKS = regex.compile(r"[\u0300-\u0307\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u064b-\u065f\u0670"
                                r"\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]")
_INVISIBLE = regex.compile(r"[\p{Cf}\u0640\ufe00-\ufe0f]")  # Cf: joiners, bidi controls, soft hyphen, BOM; U+0640 is tatweel
_FORMS = str.maketrans({
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ۀ": "ه", "ہ": "ه",
    "ە": "ه", "ک": "ك", "ڪ": "ك", "ې": "ي", "ے": "ي", "ё": "е", "ı": "i", "ß": "ss", "ς": "σ",
    **{chr(base + n): str(n) for base in (0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50) for n in range(10)},
    "‘": "'", "’": "'", "‛": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
})


def fold(text: str) -> str:
    """The normal form of a text. Idempotent. Not length-preserving: `words` keeps offsets into the original."""
    if text.isascii():   # nothing to normalise, no mark to drop
        return text.lower().replace("`", "'")
    folded = _fold_once(text)
    # Composition after a removal can yield a character that folds further.
    return _fold_once(folded)


def _fold_once(text: str) -> str:
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_FORMS)
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", _OPTIONAL_MARKS.sub("", lowered)))


_LATIN = regex.compile(r"\p{Latin}")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})   # no letter and a mark in Unicode


def bare(folded: str) -> str:
    """A folded text without the marks of Latin letters, as hurried sites write it."""
    if folded.isascii() or not _LATIN.search(folded):
        return folded
    return "".join(map(_bare_letter, unicodedata.normalize("NFC", folded)))


@lru_cache(maxsize=4096)
def _bare_letter(letter: str) -> str:
    if "\u0300" <= letter <= "\u036f":   # a mark without a letter of its own
        return ""
    parts = unicodedata.normalize("NFD", letter)
    return parts[0] if len(parts) > 1 and _LATIN.match(parts) else letter.translate(_LETTERS)


# The mark itself is matched, not looked back for: the regex module is ten times as quick then.
_SENTENCE_END = regex.compile(r"[.!?…؟۔][\"'”’»)\]]*\s+(?=\S)|[。！？][」』”’）]*\s*(?=\S)|[।॥]\s*(?=\S)|\n+")


class Word(NamedTuple):
    """A word with its form, folded and bare, and its character offsets in the text."""

    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Words(Sequence[Word]):
    """The words of a text in columns: an object a word costs more than all that is asked of it."""

    forms: tuple[str, ...]
    starts: "array[int]"
    ends: "array[int]"

    def __len__(self) -> int:
        return len(self.forms)

    @overload
    def __getitem__(self, at: int) -> Word: ...

    @overload
    def __getitem__(self, at: slice) -> "Words": ...

    def __getitem__(self, at: int | slice) -> "Word | Words":
        if isinstance(at, slice):
            return Words(self.forms[at], self.starts[at], self.ends[at])
        return Word(self.forms[at], self.starts[at], self.ends[at])

    def __iter__(self) -> Iterator[Word]:
        return map(Word, self.forms, self.starts, self.ends)


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity, so that what is derived from it can be remembered
class Body:
    """The words of a text, and which of them the source repeats around its articles (those are left out)."""

    id: str
    source: str
    text: str
    words: Words
    site: frozenset[int] = frozenset()   # positions in `words` of the source's own phrases

    def kept(self) -> list[int]:
        """Positions of the words that count, in order."""
        if not self.site:
            return list(range(len(self.words)))
        return [at for at in range(len(self.words)) if at not in self.site]

    def forms(self) -> list[str]:
        """The forms of the words that count, in order."""
        return list(map(self.words.forms.__getitem__, self.kept()))


@lru_cache(maxsize=64)  # one article's text is asked for by each step in turn
def words(text: str) -> Words:
    """Split a text into words. Words whose folded form is empty are left out."""
    found, starts, ends = tokens.found(text)
    forms = tuple(map(_FORM_OF.__getitem__, found))
    if "" not in forms:
        return Words(forms, starts, ends)
    kept = [at for at, form in enumerate(forms) if form]
    return Words(tuple(forms[at] for at in kept), *(array("i", [edges[at] for at in kept]) for edges in (starts, ends)))


class _Forms(dict[str, str]):
    """The form of each word, folded and bare, remembered: a text repeats its words, and a language has not many."""

    def __missing__(self, word: str) -> str:
        form = bare(fold(word))
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _FORMS_KEPT:
                self.clear()
            self[word] = form
        return form


_FORMS_KEPT, _LONGEST_KEPT = 65536, 40
_FORM_OF = _Forms()


def unspaced(forms: Sequence[str]) -> bool:
    """Whether most words are single characters of a script without spaces, whose shingles must be longer."""
    lone = sum(1 for form in forms if len(form) == 1 and _is_unspaced(form))
    return lone * 2 > len(forms)


@lru_cache(maxsize=65536)
def _is_unspaced(char: str) -> bool:
    return regex.match(rf"[{tokens.UNSPACED}]", char) is not None


def sentences(text: str) -> list[tuple[int, int]]:
    """Character spans of the sentences, trimmed, in order. A line break ends a sentence."""
    spans, start = [], 0
    for hit in _SENTENCE_END.finditer(text):
        spans.append((start, hit.end()))
        start = hit.end()
    spans.append((start, len(text)))
    return [trimmed for span in spans if (trimmed := _trim(text, *span)) is not None]


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Character spans of the non-empty lines, trimmed, in order."""
    return [trimmed for hit in re.finditer(r"[^\n]+", text) if (trimmed := _trim(text, hit.start(), hit.end())) is not None]


def _trim(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end].rstrip()
    return (start + len(piece) - len(piece.lstrip()), start + len(piece)) if piece and not piece.isspace() else None


def shingles(forms: Sequence[str], size: int) -> Iterator[int]:
    """64-bit hashes (xxh3) of the runs of `size` words, in order; the whole text where it is shorter."""
    if not forms:
        return
    if len(forms) < size:
        yield key(forms)
        return
    # All in C: a step of Python for each word costs more than its hash.
    runs = zip(*(islice(forms, at, None) for at in range(size)), strict=False)
    yield from map(xxhash.xxh3_64_intdigest, map(str.encode, map("\x1f".join, runs)))


def key(forms: Sequence[str]) -> int:
    """One 64-bit key for a run of words."""
    return xxhash.xxh3_64_intdigest("\x1f".join(forms).encode())


def whole_key(text: str) -> int:
    """The key of a text's normal form: texts that differ in case, marks, spaces and punctuation only share it."""
    return key(words(text).forms)


def unescape(text: str) -> str:
    """`html.unescape` for foreign text: it raises ValueError on a reference of thousands of digits."""
    return html.unescape(_ENDLESS.sub(_shortened, text))


# Seven digits name every character; more are zeros in front, or none.
_ENDLESS = re.compile(r"&#(?:([0-9]{8,})|[xX]([0-9a-fA-F]{7,}));?")


def _shortened(found: re.Match[str]) -> str:
    decimal, hexadecimal = (digits.lstrip("0") if digits is not None else None for digits in found.groups())
    if decimal is not None:
        return f"&#{decimal or '0'};" if len(decimal) < 8 else ""
    return f"&#x{hexadecimal or '0'};" if len(hexadecimal or "") < 7 else ""


def clean(text: str) -> str:
    """What every door does to foreign text: no NUL, no control characters but line breaks and tabs, no lone
    surrogates, no bidi overrides."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNWANTED.sub("", text)


# No class but ranges, so that the standard library's expressions do, which are quicker here.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
