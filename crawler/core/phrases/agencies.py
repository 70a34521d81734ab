"""News agencies by the names that datelines and credits give them."""

from functools import lru_cache

import regex

from crawler.core.phrases.lexicon import rows
from crawler.core.text import bare, fold

# "وكالة رويترز", "Agence AFP", "dpa news agency", "агентство ТАСС".
_AGENCY_WORD = (
    "(?:the |news |press |l'|la |die |der |agenzia |ag[eê]nci[ae]s? |agence |agencja |nachrichtenagentur |persbureau |nieuwsagentschap "
    "|(?:ال)?وكاله |وكالات |خبرگزاري |خبر رساں ادارے |خبركزاري |агентств[оаему]+ |агенц[іи]я |информагентство )")
_BEFORE = regex.compile(rf"^{_AGENCY_WORD}+")
_AFTER = regex.compile(r"(?: news agency| news| agency| للانباء| الاخباريه|通讯社|通信社|社讯|电| haber ajansi| 제공| 배포)$")
_EDGES = regex.compile(r"^[^\p{L}\p{N}]+|[^\p{L}\p{M}\p{N}]+$")
_DOTTED = regex.compile(r"(?<=\b\p{L})\.\s?(?=\p{L}(?:\b|$))")
_GAPS = regex.compile(r"[\s._]+")


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every name, plain, to the canonical one."""
    found: dict[str, str] = {}
    for canonical, aliases in rows("agencies.tsv"):
        for alias in [canonical, *aliases.split(",")]:
            found.setdefault(_plain(alias), canonical)
    return found


@lru_cache(maxsize=1)
def name_words() -> frozenset[str]:
    """The words of all names, plain and cut at everything that is neither letter nor digit: what has none of them, nor letters
    between points, names no agency."""
    return frozenset(word for name in _names() for word in _WORDS.findall(name))


_WORDS = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}\u200c\u200d\u0640]*")


@lru_cache(maxsize=8192)
def _plain(name: str) -> str:
    folded: str = bare(_EDGES.sub("", fold(name)))
    return str(_GAPS.sub(" ", _DOTTED.sub("", folded) if folded.isascii() else folded)).strip()


@lru_cache(maxsize=8192)
def agency(name: str) -> str | None:
    """The canonical name of a news agency, else None: "وكالة رويترز" and "(Reuters)" are "Reuters"."""
    if not name or len(name) > 80:
        return None
    names, plain = _names(), _plain(name)
    if plain in names:
        return names[plain]
    shorter = _BEFORE.sub("", plain)
    for form in (shorter, _AFTER.sub("", plain), _AFTER.sub("", shorter), plain.split("/")[0]):
        if form in names:
            return names[form]
    return None
