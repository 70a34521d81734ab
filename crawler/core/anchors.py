"""A text -> what a text in another language can share with it, without a model or a dictionary: numbers and names.

Scripts write foreign names by ear, and most agree on the consonants: Trump, Трампом, ترامب and ट्रंप all hold `trmb`.
So a word is romanised and its vowels are left out, but for one at the beginning. In scripts with capitals only names
count, in the others every word: the weights (the rarer, the more) make up for it.

Measured on 123 news reports in English and their human translations (NTREX-128): the original of a whole report is the
first of them for every Russian and German one, for .99 of the French and Turkish, for .98 of the Arabic. Russian and
German chose what stands here, by their passages of three sentences: of 694 the first is right for .76 and .82. Han,
kana, Hangul, Thai, Greek, Hebrew and the scripts of India are not measured.
"""

import math
import unicodedata
from bisect import insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import heapify, heappop

import regex

from crawler.core.text import bare, fold, key, sentences

_NAME = 2            # sounds of a name, a vowel in front included: with 3 one passage in twenty less is found …
_WORD = 3            # … of a word in a script without capitals, where every word counts
_SHOWN = 4           # consonants of a name that is shown to a person: shorter ones coincide
_ALIKE = 0.6         # of the letters of two such names in Latin script
_LONGEST = 32        # characters; longer words, and numbers, are none

# A space divides thousands only: "in 2018 500 people" are two numbers.
_NUMBER = regex.compile(r"\p{Nd}++(?:[.,٫٬'’]\p{Nd}++|[ \u00a0\u2009\u202f]\p{Nd}{3}(?!\p{Nd}))*+")
_DIGITS = regex.compile(r"\p{Nd}++")
_DECIMAL = frozenset(".,٫")
# Runs of Han have no spaces: read by two characters. Katakana is what Japanese writes foreign names in; hiragana is
# its grammar. No \w here: it splits Indic words.
_WORDS = regex.compile(r"\p{Katakana}[\p{Katakana}\p{M}ー]*+|\p{Han}++|[\p{L}--[\p{Katakana}\p{Han}]][[\p{L}\p{M}]--[\p{Katakana}\p{Han}]]*+",
                       regex.V1)
_CASED = regex.compile(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Armenian}]")
_LATIN, _HAN, _GRAMMAR = regex.compile(r"\p{Latin}"), regex.compile(r"\p{Han}"), regex.compile(r"\p{Hiragana}")

# What stands before an Arabic word, or a Hebrew one, and behind a Russian name in its cases, and holds a consonant.
_BEFORE = regex.compile(r"(?:[وفبك]{0,2}ال|لل|[وفبلك]|[והבלמשכ])(?=\p{L}{2})")
_BEHIND = regex.compile(r"(?<=\p{Cyrillic}{2})(?:[ая]ми|[ое]го|[ое]му|[ыио]й|[ыиое]м|[ое]в|[ая]х|[ая]м)$")
# Letters that are vowels in the middle of foreign names (w, v), vowels that romanising leaves out, n that it takes for m.
_LETTERS = str.maketrans({"ا": "a", "ع": "a", "א": "a", "ע": "a", "ב": "b", "ं": "n", "ँ": "n", "ং": "ng"})
_WAW = regex.compile(r"(?<=.)[وו]")

# Sounds that one script writes for another's. b/p and f/v are apart: joined they find one passage in 120 less.
_SOUNDS = {
    **dict.fromkeys(("s", "z", "sh", "sch", "shch", "ch", "tch", "tsh", "tz", "ts", "ce", "ci", "cy"), "s"),
    **dict.fromkeys(("g", "gh", "j", "dj", "dzh", "zh"), "g"),
    **dict.fromkeys(("k", "c", "q", "ck", "kh"), "k"), "x": "ks",
    **dict.fromkeys(("f", "v", "w", "ph"), "f"), **dict.fromkeys(("b", "p"), "b"),
    **dict.fromkeys(("d", "dh"), "d"), **dict.fromkeys(("t", "th"), "t"),
    **dict.fromkeys(("np", "nb"), "mb"), "l": "l", "m": "m", "n": "n", "r": "r",
}
_SOUND = regex.compile("|".join(sorted(_SOUNDS, key=lambda each: (-len(each), each))))
_DOUBLED = regex.compile(r"(.)\1+")


def anchors(text: str) -> dict[str, str]:
    """Anchor -> the surface under which the text has it first: numbers, then names, each in the order of the text."""
    found: dict[str, str] = {}
    for hit in _NUMBER.finditer(text):
        for value, surface in _values(hit.group()):
            found.setdefault(value, surface)
    for word in _names(text):
        for skeleton in _skeletons(word):
            found.setdefault(skeleton, word)
    return found


def keys(text: str) -> tuple[int, ...]:
    """The sorted, distinct 64-bit keys (xxh3) of the anchors."""
    return tuple(sorted({key((anchor,)) for anchor in anchors(text)}))


def shared(a: str, b: str) -> list[tuple[str, str]]:
    """What a person is shown of the anchors that both have: numbers, then names, in the order of `a`, each once.

    Of 1,000 pairs of reports on different things 92 to 146, by language, share a name: Trump and Washington for the
    most part, Manchester and Minister now and then. Translations share four to seven.
    """
    mine, theirs = anchors(a), anchors(b)
    pairs: dict[str, tuple[str, str]] = {}
    taken: set[str] = set()
    for anchor, surface in mine.items():
        other = theirs.get(anchor, "")
        if other and _shows(anchor, surface, other) and fold(surface) not in pairs and fold(other) not in taken:
            pairs[fold(surface)] = (surface, other)
            taken.add(fold(other))
    return list(pairs.values())


def ranked(query: Collection[int], documents: Mapping[str, Collection[int]], limit: int) -> list[tuple[str, float]]:
    """The documents nearest to a query, with their cosine, best first, ties by id. For many queries: `Index`."""
    index = Index()
    for id_, its in documents.items():
        index.add(id_, its)
    return index.nearest(query, limit)


class Index:
    """Documents by their keys. A key weighs by how few have it, the query counted as one more document."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[int, ...]] = {}
        self._having: dict[int, set[str]] = {}
        self._lengths: dict[str, float] = {}   # of what was asked for since the last change: each changes all weights

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, id_: str, keys: Iterable[int]) -> None:
        """Put a document in, or in the place of the one with its id."""
        self.discard(id_)
        self._keys[id_] = tuple(sorted(set(keys)))
        for each in self._keys[id_]:
            self._having.setdefault(each, set()).add(id_)

    def discard(self, id_: str) -> None:
        """Take a document out, if it is there."""
        self._lengths.clear()
        for each in self._keys.pop(id_, ()):
            having = self._having[each]
            having.remove(id_)
            if not having:
                del self._having[each]

    def nearest(self, keys: Iterable[int], limit: int, allowed: Callable[[str], bool] = lambda _: True) -> list[tuple[str, float]]:
        """At most `limit` allowed documents that share a key, with their cosine, best first, ties by id."""
        asked = sorted(set(keys))
        products: dict[str, float] = {}
        for each in asked:
            weight = self._weight(each)
            for id_ in self._having.get(each, ()):
                products[id_] = products.get(id_, 0.0) + weight
        length = self._length(asked)
        best: list[tuple[float, str]] = []
        heap = [(-product, id_) for id_, product in products.items()]
        heapify(heap)
        while heap and limit > 0:
            product, id_ = heappop(heap)
            # What two share is part of either's length, so that no document further on has a greater cosine than this.
            if len(best) == limit and math.sqrt(-product) / length < -best[-1][0] - 1e-9:
                break
            if allowed(id_):
                insort(best, (product / (length * self._own_length(id_)), id_))
                del best[limit:]
        return [(id_, -score) for score, id_ in best]

    def _weight(self, each: int) -> float:
        """The square of a key's weight."""
        return math.log((len(self._keys) + 2) / (len(self._having.get(each, ())) + 1)) ** 2

    def _length(self, its: Iterable[int]) -> float:
        return math.sqrt(math.fsum(map(self._weight, its)))

    def _own_length(self, id_: str) -> float:
        if id_ not in self._lengths:
            self._lengths[id_] = self._length(self._keys[id_])
        return self._lengths[id_]


def _values(surface: str) -> Iterator[tuple[str, str]]:
    """The number that digits with separators are, in one form; where they are none, as in a date, each part's."""
    parts = _DIGITS.findall(surface)
    plain = ["".join(str(unicodedata.decimal(digit, "")) for digit in part) for part in parts]
    together = _joined(plain, [char for char in surface if not _DIGITS.match(char)])
    apart = [part.lstrip("0") for part in plain]
    for value, shown in [(together, surface)] if together is not None else zip(apart, parts, strict=True):
        if 1 < len(value) <= _LONGEST:
            yield value, shown


def _joined(parts: list[str], between: list[str]) -> str | None:
    """One number of parts and the separators between them; None where no language writes such a number."""
    fraction = ""
    if between and between[-1] in _DECIMAL and between[-1] not in between[:-1] and (
            len(parts[-1]) < 3 or len(between) > 1 or between[-1] == "٫" or not parts[0].strip("0")):
        *parts, fraction = parts
        between = between[:-1]
    if between and (len(set(between)) > 1 or len(parts[0]) > 3 or any(len(part) != 3 for part in parts[1:])):
        return None
    whole, fraction = "".join(parts).lstrip("0"), fraction.rstrip("0")
    return f"{whole or '0'}.{fraction}" if fraction else whole


def _names(text: str) -> Iterator[str]:
    """The words that may be names: with a capital that no sentence gives them, or of a script without capitals."""
    begins = {hit.start() for span in sentences(text) if (hit := _WORDS.search(text, *span))}
    able = [hit for hit in _WORDS.finditer(text) if _is_able(hit.group())]
    sure = {fold(word) for hit in able if _is_acronym(word := hit.group()) or hit.start() not in begins}
    for word in (hit.group() for hit in able):
        if _HAN.match(word):
            yield from (word[at:at + 2] for at in range(len(word) - 1))
        elif not _CASED.match(word) or fold(word) in sure:
            yield word


def _is_able(word: str) -> bool:
    if _CASED.match(word):
        return len(word) <= _LONGEST and word[0].isupper()
    return _HAN.match(word) is not None or (len(word) <= _LONGEST and not _GRAMMAR.match(word))


def _is_acronym(word: str) -> bool:
    return len(word) > 1 and word.isupper()


@lru_cache(maxsize=65536)  # a text repeats its words
def _skeletons(word: str) -> tuple[str, ...]:
    """The consonants of a word as it stands, and without what its grammar adds."""
    folded = fold(word)
    if _LATIN.match(folded):
        forms = [bare(folded)]
    else:
        forms = [folded, _BEFORE.sub("", folded, count=1) if _BEFORE.match(folded) else _BEHIND.sub("", folded)]
        forms = [_romanised(_WAW.sub("", form).translate(_LETTERS)) for form in forms]
    shortest = _NAME if _CASED.match(word) else _WORD
    return tuple(dict.fromkeys(found for form in forms if len(found := _skeleton(form)) >= shortest))


def _skeleton(roman: str) -> str:
    sounds = _DOUBLED.sub(r"\1", "".join(_SOUNDS[each] for each in _SOUND.findall(roman)))
    return f"a{sounds}" if roman[:1] in tuple("aeiou") else sounds


def _romanised(folded: str) -> str:
    """A word in Latin letters; nothing where the package for it is not installed."""
    try:
        from anyascii import anyascii  # noqa: PLC0415 - optional, and half a megabyte of tables
    except ImportError:
        return ""
    return anyascii(folded).lower()


def _shows(anchor: str, one: str, other: str) -> bool:
    """Whether a person would see why: Chancen and Hutchinson have four consonants in common, all of them s and n."""
    if not anchor.isalpha():
        return True
    if _LATIN.match(one) and _LATIN.match(other) and SequenceMatcher(None, bare(fold(one)), bare(fold(other))).ratio() < _ALIKE:
        return False
    return len(anchor.lstrip("a")) >= _SHOWN
