"""Encoders whose models come from a hub or a folder, for those who have one: calibrate them before use."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from crawler.core.vectors import unit
from crawler.errors import UsageError


class HubModel:
    """A model by the name behind the colon: that of a folder, or of a model on the hub."""

    languages: frozenset[str] | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._kind, _, self._path = name.partition(":")

    @cached_property
    def _model(self) -> Any:
        try:
            return _LOADED[self._kind](self._path)
        except Exception as error:  # whatever the packages raise over a folder, and their hub over a name
            said = " ".join(str(error).split())
            raise UsageError(f"encoder {self.name}: no model can be loaded from {self._path}: {said[:200]}") from error

    def encode(self, sentences: Sequence[str]) -> Any:
        """See `ports.Encoder`."""
        return unit(np.asarray(self._model.encode(list(sentences)), dtype=np.float32))


def _model2vec(path: str) -> Any:
    """A static model, by the package model2vec."""
    from model2vec import StaticModel  # noqa: PLC0415 - only those have it who want it

    return StaticModel.from_pretrained(path, force_download=False)   # else each process fetches it anew


def _sentence_transformer(path: str) -> Any:
    """Any model of the package sentence-transformers."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - only those have it who want it

    return SentenceTransformer(path, device="cpu")


_LOADED: dict[str, Callable[[str], Any]] = {"model2vec": _model2vec, "sentence-transformers": _sentence_transformer}
