"""Encoders whose models come from a hub or a folder, for those who have one: calibrate them before use."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from crawler.core.vectors import unit
from crawler.errors import UsageError


class _Named:
    """A model by the name behind the colon: that of a folder, or of a model on the hub."""

    languages: frozenset[str] | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._path = name.partition(":")[2]

    def _loaded(self) -> Any:
        raise NotImplementedError

    @cached_property
    def _model(self) -> Any:
        try:
            return self._loaded()
        except Exception as error:  # whatever the packages raise over a folder, and their hub over a name
            said = " ".join(str(error).split())
            raise UsageError(f"encoder {self.name}: no model can be loaded from {self._path}: {said[:200]}") from error

    def encode(self, sentences: Sequence[str]) -> Any:
        """See `ports.Encoder`."""
        return unit(np.asarray(self._model.encode(list(sentences)), dtype=np.float32))


class Model2Vec(_Named):
    """A static model, by the package model2vec."""

    def _loaded(self) -> Any:
        from model2vec import StaticModel  # noqa: PLC0415

        return StaticModel.from_pretrained(self._path, force_download=False)   # else each process fetches it anew


class SentenceTransformer(_Named):
    """Any model of the package sentence-transformers."""

    def _loaded(self) -> Any:
        from sentence_transformers import SentenceTransformer as Model  # noqa: PLC0415

        return Model(self._path, device="cpu")
