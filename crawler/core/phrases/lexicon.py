"""The table of words: which part a word plays, in which language."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files
from itertools import product

import regex

from crawler.core.text import bare, fold


class Part(IntEnum):
    """The part that a word plays in a site's own phrases; the names are those of the table. Sums of parts are plain
    integers: a text asks for them a hundred thousand times, and those of IntFlag cost ten times as much."""

    THIS = 1 << 0    # this, the following, the above
    ITEM = 1 << 1    # article, story, news
    COPY = 1 << 2    # copied, quoted, republished, translated
    PUB = 1 << 3     # published, appeared: a declaration only together with FIRST
    FIRST = 1 << 4   # first, originally
    WP = 1 << 5      # the fixed middle of a WordPress feed footer: "appeared first on"
    AUTO = 1 << 6    # how it was copied: automatically, in full, with permission
    SRC = 1 << 7     # source, original
    FROM = 1 << 8    # from, via: what stands between the copy and whom it was taken from
    FEED = 1 << 9    # syndicated feed
    OUTLET = 1 << 10  # newspaper, agency, site, author, owner
    US = 1 << 11      # we, our staff, the editors
    NOT = 1 << 12     # negations
    EDIT = 1 << 13    # edited, checked, changed
    RESP = 1 << 14    # responsible, rights
    VETO = 1 << 15    # reporting and judging words, other people, pictures: no declaration of a site has them
    IF = 1 << 16      # conditions
    FILL = 1 << 17    # function words
    THANK = 1 << 18
    GREET = 1 << 19
    READER = 1 << 20
    SHARE = 1 << 21   # share, subscribe, follow
    LINK = 1 << 22    # click, read, visit, link
    SOCIAL = 1 << 23  # Facebook, newsletter, app
    MORE = 1 << 24    # more, the rest, details
    TITLE = 1 << 25   # under the title
    CREDIT = 1 << 26  # "with inputs from", "courtesy of"
    TIME = 1 << 27    # months, days: never a name
    MADE = 1 << 29   # generated, provided, collected: copying only where a source or a feed is named
    AT = 1 << 30     # where something appeared and by whom: "published in", "reprinted by"
    TONGUE = 1 << 28  # what a translation is made from
    OTHER = 1 << 31   # other, several, foreign: who copies in reports ("by other papers"), whence in declarations ("from other sites")


# Written without spaces: their words are found by the longest match.
UNSPACED = frozenset({"zh", "ja"})
# What governs stands last, so a name stands before its preposition ("… sitesinden", "… から").
HEAD_FINAL = frozenset({"tr", "hi", "ur", "ja", "ko", "bn"})
LANGUAGES = ("ar", "bn", "de", "el", "en", "es", "fa", "fr", "he", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ro", "ru", "tr",
             "uk", "ur", "vi", "zh")

# The parts that a word plays in every language at once, 32 bits a language: sums over a text cost one "or" a word.
Parts = int
BITS = 32
_SHIFT = {language: at * BITS for at, language in enumerate(LANGUAGES)}
_MASK = (1 << BITS) - 1


def of_language(parts: Parts, language: str) -> int:
    """The parts that are played in one language."""
    return (parts >> _SHIFT[language]) & _MASK


def in_language(part: int, language: str) -> Parts:
    """Parts of one language as parts of all."""
    return part << _SHIFT[language]


def everywhere(part: int) -> Parts:
    """A part in every language."""
    return sum(part << shift for shift in _SHIFT.values())


# and/so, then by/to/as, then the: "وبمصدره", "للمصدر".
_ARABIC_PREFIX = regex.compile(r"^(?:[وف]?(?:[بك]?ال|لل|[بلك])|[وف])(?=..)")
# and, the, that, in/by, like, from, to.
_HEBREW_PREFIX = regex.compile(r"^[והבלכמש]{1,3}?(?=..)")
# An apostrophe ends a word: l'article, Ajansı'ndan.
WORD = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d\u0640]*"
_SPELLED = regex.compile(WORD + r"\*?")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words by their folded form: whole words, beginnings of words, and runs of words by their first."""

    whole: dict[str, Parts] = field(default_factory=dict)
    begins: dict[str, Parts] = field(default_factory=dict)
    runs: dict[str, list[tuple[tuple[str, ...], Parts]]] = field(default_factory=dict)
    tell_runs: dict[str, Parts] = field(default_factory=dict)   # by their longest word, which is the rarest

    def parts(self, form: str) -> Parts:
        """The parts that a folded word can play by itself."""
        found = self.whole.get(form, 0)
        for size in range(1, len(form) + 1):
            found |= self.begins.get(form[:size], 0)
        return found

    def add(self, form: str, language: str, part: Part) -> None:
        """Enters a folded spelling of the table."""
        parts = in_language(part, language)
        spelled = (form,) if language in UNSPACED else tuple(_SPELLED.findall(form))
        if len(spelled) > 1:
            self.runs.setdefault(spelled[0], []).append((spelled, parts))
            telling = max((word for word in spelled if not word.endswith("*")), key=len)
            self.tell_runs[telling] = self.tell_runs.get(telling, 0) | parts
        elif spelled:
            table = self.begins if form.endswith("*") else self.whole
            key = spelled[0].rstrip("*")
            table[key] = table.get(key, 0) | parts


def expand(pattern: str) -> Iterator[str]:
    """Every form of "новост(ь|и|ей)"."""
    pieces = [piece[1:-1].split("|") if piece[:1] == "(" else [piece] for piece in regex.split(r"(\([^)]*\))", pattern)]
    return ("".join(choice) for choice in product(*pieces))


def rows(name: str) -> Iterator[list[str]]:
    """The cells of a table of this package, without comments."""
    for line in files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _spellings(cell: str) -> list[str]:
    return [fold(form) for pattern in cell.split(",") for form in expand(pattern.strip())]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The table, read once."""
    table = Lexicon()
    entries = [(form, language, Part[part.upper()]) for language, part, cell in rows("words.tsv") for form in _spellings(cell)]
    for form, language, role in entries:
        table.add(form, language, role)
    # Without accents where that is no other word: Spanish "él" is not "el"; Vietnamese would be another text altogether.
    taken = {(form, language) for form, language, _ in entries}
    for form, language, role in entries:
        if language != "vi" and (bare(form), language) not in taken:
            table.add(bare(form), language, role)
    return table


@lru_cache(maxsize=1)
def unspaced() -> "regex.Pattern[str]":
    """Finds the longest words of the table in a run of a script without spaces."""
    literal = {form for language, _, cell in rows("words.tsv") if language in UNSPACED for form in _spellings(cell)}
    return regex.compile("|".join(map(regex.escape, sorted(literal, key=lambda form: (-len(form), form)))))


@lru_cache(maxsize=32768)
def lookup(word: str) -> tuple[str, Parts]:
    """(folded form, parts) of a word as written."""
    form = fold(word)
    parts = lexicon().parts(form)
    for language, prefix in _attached(form):
        parts |= _without_prefix(form, language, prefix, parts)
    return form, parts


def _attached(form: str) -> Iterator[tuple[str, "regex.Pattern[str]"]]:
    """Languages of the script that write articles and prepositions into the word."""
    if "\u0600" <= form[:1] <= "\u06ff":
        yield "ar", _ARABIC_PREFIX
    elif "\u0590" <= form[:1] <= "\u05ff":
        yield "he", _HEBREW_PREFIX


def _without_prefix(form: str, language: str, prefix: "regex.Pattern[str]", parts: Parts) -> Parts:
    """The parts of what stands behind the attached words, where the word as it stands has none."""
    stem, found = form, of_language(parts, language)
    while not found and (shorter := prefix.sub("", stem, count=1)) != stem:
        stem = shorter
        found = of_language(lexicon().parts(stem), language)
    return in_language(found, language)
