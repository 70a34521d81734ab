"""Sentence vectors of articles: kept by encoder, read whole for a comparison, or their means for a map of many."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import Moment, pack_keys, unpack_keys
from crawler.adapters.store.engine import Part, chunks, paced
from crawler.adapters.store.leases import fence
from crawler.adapters.store.marks import mark
from crawler.adapters.store.tables import articles, counters, metadata
from crawler.core.vectors import Place, Vectors

_NUMBER = "vectors"   # of the counter that gives revisions

vectors = sa.Table(
    "vectors", metadata,
    sa.Column("article", sa.ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("encoder", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("seen", Moment, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, unique=True),   # grows with each row that is written
    sa.Column("mean", sa.LargeBinary, nullable=False),                   # int8[dimensions]
    sa.Column("spans", sa.LargeBinary, nullable=False),                  # as `columns.pack_keys`: beginning, end, …
    sa.Column("data", sa.LargeBinary, nullable=False),                   # int8[segments, dimensions]
    sa.Index(None, "encoder", "seen"),
)


class VectorRows(Part):
    """What other languages are looked for with."""

    async def put_vectors(self, found: Vectors, mean: bytes, seen: datetime, *, token: int | None = None) -> None:
        """See `ports.Store`."""
        row = {"language": found.language, "seen": seen, "mean": mean, "data": found.data,
               "spans": pack_keys([at for span in found.spans for at in span])}

        async def put(connection: AsyncConnection) -> None:
            await fence(connection, found.article, token)
            old = (await connection.execute(sa.select(vectors).where(*_of(found)))).mappings().one_or_none()
            if old is not None and all(old[name] == value for name, value in row.items()):
                return
            await connection.execute(sa.delete(vectors).where(*_of(found)))
            if await connection.scalar(sa.select(articles.c.forgotten).where(articles.c.id == found.article)) is False:
                await connection.execute(sa.insert(vectors).values(
                    **row, article=found.article, encoder=found.encoder, revision=await _next(connection)))

        await self._db.write(put)

    async def vectors(self, ids: Sequence[str], encoder: str) -> dict[str, Vectors]:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> dict[str, Vectors]:
            return {row.article: _read(row) for chunk in chunks(dict.fromkeys(ids)) for row in await connection.execute(
                sa.select(vectors).where(vectors.c.article.in_(chunk), vectors.c.encoder == encoder))}

        return await self._db.read(look)

    async def places(self, encoder: str, since: datetime, until: datetime) -> list[Place]:
        """See `ports.Store`."""
        return await self._places(vectors.c.encoder == encoder, vectors.c.seen >= since, vectors.c.seen < until)

    async def places_after(self, encoder: str, revision: int) -> list[Place]:
        """See `ports.Store`."""
        return await self._places(vectors.c.encoder == encoder, vectors.c.revision > revision)

    async def _places(self, *which: sa.ColumnElement[bool]) -> list[Place]:
        rows = (sa.select(vectors.c.article, vectors.c.language, vectors.c.seen, vectors.c.revision, vectors.c.mean)
                .where(*which).order_by(vectors.c.revision))

        async def look(connection: AsyncConnection) -> list[Place]:
            return [Place(row.article, row.language, row.seen, row.mean, row.revision)
                    async for row in paced(await connection.execute(rows))]

        return await self._db.read(look)

    async def has_places(self, encoder: str) -> bool:
        """See `ports.Store`."""
        some = sa.select(sa.exists().where(vectors.c.encoder == encoder))
        return bool(await self._db.read(lambda connection: connection.scalar(some)))

    async def last_place(self) -> int:
        """See `ports.Store`."""
        last = sa.select(counters.c.value).where(counters.c.name == _NUMBER)
        return int(await self._db.read(lambda connection: connection.scalar(last)) or 0)

    async def drop_vectors(self, article: str, *, token: int | None = None) -> None:
        """See `ports.Store`."""
        async def drop(connection: AsyncConnection) -> None:
            await fence(connection, article, token)
            await connection.execute(sa.delete(vectors).where(vectors.c.article == article))

        if await self._db.read(lambda connection: connection.scalar(sa.select(sa.exists().where(vectors.c.article == article)))):
            await self._db.write(drop)

    async def other_languages(self, language: str, since: datetime) -> bool:
        """See `ports.Store`. Reads on until it meets one."""
        others = sa.exists().where(articles.c.first_seen >= since, articles.c.language != language)
        return bool(await self._db.read(lambda connection: connection.scalar(sa.select(others))))

    async def mark_unencoded(self, encoder: str, since: datetime) -> int:
        """See `ports.Store`."""
        bare = ~sa.exists().where(vectors.c.article == articles.c.id, vectors.c.encoder == encoder)
        return await self._db.write(lambda connection: mark(
            connection, (articles.c.first_seen >= since) & (sa.func.length(articles.c.indexed) > 0) & bare))


def _of(found: Vectors) -> tuple[sa.ColumnElement[bool], ...]:
    return vectors.c.article == found.article, vectors.c.encoder == found.encoder


def _read(row: sa.Row[Any]) -> Vectors:
    ends = unpack_keys(row.spans)
    return Vectors(row.article, row.encoder, row.language, tuple(zip(ends[::2], ends[1::2], strict=True)), row.data)


async def _next(connection: AsyncConnection) -> int:
    """A number that was never given before. Its row is locked until the end of the transaction, so that numbers become
    visible in their order: who has read up to one has missed none."""
    row = sa.text("INSERT INTO counters (name, value) VALUES (:name, 1) ON CONFLICT (name) DO UPDATE "
                  "SET value = counters.value + 1 RETURNING value")
    return int((await connection.execute(row, {"name": _NUMBER})).scalar_one())
