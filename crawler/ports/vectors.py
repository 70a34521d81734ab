"""What the store keeps for looking at other languages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from crawler.core.vectors import Place, Vectors


class VectorStore(Protocol):
    """Sentence vectors by encoder. Each transaction and error as of `ports.Store`, of which this is a part."""

    async def put_vectors(self, found: Vectors, mean: bytes, seen: datetime, *, token: int | None = None) -> None:
        """Replace the vectors of an article by their encoder; `mean` is where it lies, see `Place`. Committed before anybody near is
        asked for. Raises LeaseLostError where the `token` of a claim is no longer good."""
        ...

    async def drop_vectors(self, article: str, *, token: int | None = None) -> None:
        """The article is compared with none: it has turned out to be a wall, say."""
        ...

    async def vectors(self, ids: Sequence[str], encoder: str) -> dict[str, Vectors]:
        """The vectors of those of these articles that have some."""
        ...

    async def places(self, encoder: str, since: datetime, until: datetime) -> list[Place]:
        """Where the articles lie that were seen from `since` to before `until`, in the order in which they were stored."""
        ...

    async def places_after(self, encoder: str, revision: int) -> list[Place]:
        """The places stored after this one, in that order; none that commits later has a smaller number."""
        ...

    async def has_places(self, encoder: str) -> bool:
        """Whether any article has a place by this encoder. Cheap."""
        ...

    async def last_place(self) -> int:
        """The number of the place that was stored last, whatever its encoder; 0 where there is none."""
        ...

    async def other_languages(self, language: str, since: datetime) -> bool:
        """Whether any article first seen since then is in another language."""
        ...

    async def mark_unencoded(self, encoder: str, since: datetime) -> int:
        """Mark articles first seen since then that may be copies and have no vectors by this encoder for judging; returns
        how many."""
        ...
