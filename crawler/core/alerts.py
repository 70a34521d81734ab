"""Which stories somebody asked to be told of: conditions -> whether a story of the report fulfils all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crawler.core import text
from crawler.core.types import UNCOUNTED

LEAD = 600      # characters of the original's text in which words are looked for, as the search of the page does


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is asked of a story. What is empty asks nothing."""

    words: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    role: Literal["original", "copy"] | None = None
    languages: tuple[str, ...] = ()
    min_copies: int = 1


def fulfils(conditions: Conditions, row: Mapping[str, Any], lead: str) -> bool:
    """Whether a row of the report fulfils every condition; `lead` is how the text of its original begins."""
    copies = [copy for copy in row["copies"] if copy["kind"] not in UNCOUNTED]
    return (
        len(copies) >= conditions.min_copies
        and (not conditions.languages or _speaks(conditions.languages, row["original"]["language"]))
        and (not conditions.sources or _takes_part(conditions, row))
        and (not conditions.words or _says(conditions.words, row, lead))
    )


def phrase(said: str) -> tuple[str, ...]:
    """The words of a text as they are compared: folded, and bare of marks."""
    return tuple(word.form for word in text.words(said))


def _speaks(languages: Sequence[str], language: str | None) -> bool:
    """By the first part of a tag: an article's language is judged by its text, which tells no regions apart."""
    return language is not None and language.lower() in {tag.lower().partition("-")[0] for tag in languages}


def _takes_part(conditions: Conditions, row: Mapping[str, Any]) -> bool:
    wanted = {text.fold(source.strip()) for source in conditions.sources}
    sources = {"original": [row["original"]["source"]], "copy": [copy["source"] for copy in row["copies"]]}
    asked = sources.values() if conditions.role is None else [sources[conditions.role]]
    return any(text.fold(source) in wanted for part in asked for source in part)


def _says(wanted: Sequence[str], row: Mapping[str, Any], lead: str) -> bool:
    phrases = [phrase(one) for one in wanted]
    articles = [row["original"], *row["copies"]]
    said = [lead[:LEAD], *(article[part] for article in articles for part in ("title", "source"))]
    return any(_holds(phrase(one), asked) for one in said for asked in phrases)


def _holds(words: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether the words of a phrase stand there one after the other."""
    size = len(asked)
    return any(tuple(words[at:at + size]) == tuple(asked) for at in range(len(words) - size + 1)) if size else False
