"""The table of words: which part a word plays, in which language."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntFlag, auto
from functools import lru_cache
from importlib.resources import files
from itertools import product

import regex

from crawler.core.text import fold


class Part(IntFlag):
    """The part that a word plays in a site's own phrases; the names are those of the table."""

    THIS = auto()    # this, the following, the above
    ITEM = auto()    # article, story, news
    COPY = auto()    # copied, quoted, republished, translated
    PUB = auto()     # published, appeared: a declaration only together with FIRST
    FIRST = auto()   # first, originally
    WP = auto()      # the fixed middle of a WordPress feed footer: "appeared first on"
    AUTO = auto()    # automatically, in full, without editing
    SRC = auto()     # source, original
    FROM = auto()    # what stands between the copy and whom it names
    FEED = auto()    # syndicated feed
    OUTLET = auto()  # newspaper, agency, site
    US = auto()      # we, our staff, the editors
    NOT = auto()     # negations
    EDIT = auto()    # edited, checked, changed
    RESP = auto()    # responsible, rights, views
    VETO = auto()    # reporting and judging words, other people, pictures: no declaration of a site has them
    IF = auto()      # conditions
    FILL = auto()    # function words
    THANK = auto()
    GREET = auto()
    READER = auto()
    SHARE = auto()   # share, subscribe, follow
    LINK = auto()    # click, read, visit, link
    SOCIAL = auto()  # Facebook, newsletter, app
    MORE = auto()    # more, the rest, details
    TITLE = auto()   # under the title
    CREDIT = auto()  # "with inputs from", "courtesy of"
    TIME = auto()    # months, days: never a name
    TONGUE = auto()  # what a translation is made from


# Written without spaces: their words are found by the longest match.
UNSPACED = frozenset({"zh", "ja"})
# What governs stands last, so a name stands before its preposition ("… sitesinden", "… から").
HEAD_FINAL = frozenset({"tr", "hi", "ur", "ja", "ko", "bn"})
# ا stands for every alef after folding: and/so, by/to/as, the.
_ARABIC_PREFIX = regex.compile(r"^(?:[وف]?(?:[بك]?ال|لل|[بلك])|[وف])(?=..)")
# and, the, that, in/by, like, from, to.
_HEBREW_PREFIX = regex.compile(r"^[והבלכמש]{1,3}?(?=..)")
_LATIN = regex.compile(r"\p{Latin}")

Roles = dict[str, int]   # language -> parts
_NONE: Roles = {}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words by their folded form: whole words, beginnings of words, and runs of words."""

    whole: dict[str, Roles] = field(default_factory=dict)
    begins: dict[str, Roles] = field(default_factory=dict)
    runs: dict[str, list[tuple[tuple[str, ...], str, int]]] = field(default_factory=dict)  # by their first word
    longest: int = 0          # of `begins`, in characters
    unspaced: regex.Pattern[str] | None = None

    def roles(self, form: str) -> Roles:
        """The parts that a folded word can play."""
        found = dict(self.whole.get(form, _NONE))
        for size in range(2, min(len(form), self.longest) + 1):
            for language, parts in self.begins.get(form[:size], _NONE).items():
                found[language] = found.get(language, 0) | parts
        return found


def expand(pattern: str) -> Iterator[str]:
    """Every form of "новост(ь|и|ей)"."""
    pieces = [piece[1:-1].split("|") if piece[:1] == "(" else [piece] for piece in regex.split(r"(\([^)]*\))", pattern)]
    return ("".join(choice) for choice in product(*pieces))


def bare(form: str) -> str:
    """A folded Latin word without its accents, as hurried sites write it."""
    if not _LATIN.search(form):
        return form
    return "".join(char for char in unicodedata.normalize("NFD", form) if not unicodedata.combining(char))


def rows(name: str) -> Iterator[list[str]]:
    """The cells of a table of this package, without comments."""
    for line in files(__package__).joinpath(name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _spellings(cell: str, language: str) -> Iterator[str]:
    for pattern in cell.split(","):
        for form in expand(pattern.strip()):
            folded = fold(form)
            yield folded
            if language != "vi" and (plain := bare(folded)) != folded:
                yield plain


# An apostrophe ends a word: l'article, Ajansı'ndan.
WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d\u0640]*")
_SPELLED = regex.compile(WORD.pattern + r"\*?")


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The table, read once."""
    whole: dict[str, Roles] = {}
    begins: dict[str, Roles] = {}
    runs: dict[str, list[tuple[tuple[str, ...], str, int]]] = {}
    literal: set[str] = set()
    for language, part, cell in rows("words.tsv"):
        value = Part[part.upper()].value
        for form in _spellings(cell, language):
            _place(form, language, value, whole, begins, runs)
            if language in UNSPACED:
                literal.add(form)
    for candidates in runs.values():
        candidates.sort(key=lambda run: -len(run[0]))
    ordered = sorted(literal, key=len, reverse=True)
    unspaced = regex.compile("|".join(map(regex.escape, ordered))) if ordered else None
    return Lexicon(whole, begins, runs, max(map(len, begins), default=0), unspaced)


def _place(form: str, language: str, value: int, whole: dict[str, Roles], begins: dict[str, Roles],
           runs: dict[str, list[tuple[tuple[str, ...], str, int]]]) -> None:
    parts = tuple(_SPELLED.findall(form)) if language not in UNSPACED else (form,)
    if len(parts) > 1:
        runs.setdefault(parts[0], []).append((parts, language, value))
    elif parts:
        table = begins if form.endswith("*") else whole
        roles = table.setdefault(parts[0].rstrip("*"), {})
        roles[language] = roles.get(language, 0) | value


@lru_cache(maxsize=65536)
def lookup(word: str) -> tuple[str, Roles]:
    """(folded form, parts by language) of a word as written."""
    form = fold(word)
    roles = lexicon().roles(form)
    for language, prefix in _attached(form):
        _without_prefix(form, language, prefix, roles)
    return form, roles


def _attached(form: str) -> Iterator[tuple[str, regex.Pattern[str]]]:
    """Languages of the script that write articles and prepositions into the word."""
    if "\u0600" <= form[:1] <= "\u06ff":
        yield "ar", _ARABIC_PREFIX
    elif "\u0590" <= form[:1] <= "\u05ff":
        yield "he", _HEBREW_PREFIX


def _without_prefix(form: str, language: str, prefix: regex.Pattern[str], roles: Roles) -> None:
    """Adds the parts of what stands behind the attached words, where the word as it stands has none."""
    stem = form
    while not roles.get(language) and (shorter := prefix.sub("", stem, count=1)) != stem:
        stem = shorter
        parts = lexicon().roles(stem).get(language, 0)
        if parts:
            roles[language] = parts
