"""Reading: stories by query, one story, one article with all that is kept of it, everything in order."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import article_of, feeds_of
from crawler.adapters.store.codec import decode_all
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.entries import entry_of
from crawler.adapters.store.tables import articles, bodies, feeds, members, pages, revisions, sightings
from crawler.core.types import Reservation
from crawler.errors import NotFoundError
from crawler.ports import StoredArticle, StoredPage

_BATCH = 200   # articles read at a time while exporting
Role = Literal["original", "copy", "single"]


class Reading(Part):
    """Articles and pages, whole."""

    async def article(self, article_id: str) -> StoredArticle:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> StoredArticle:
            found = await _whole(connection, [article_id])
            if not found:
                raise NotFoundError(f"article {article_id}: nothing is stored under this id")
            return found[0]

        return await self._db.read(look)

    async def kept(self, ids: Sequence[str]) -> list[StoredArticle]:
        """See `ports.Reviewing`."""
        return await self._db.read(lambda connection: _whole(connection, ids))

    async def pages(self, article_id: str) -> list[StoredPage]:
        """See `ports.Store`."""
        kept = (sa.select(pages, bodies.c.body).join(bodies, bodies.c.sha256 == pages.c.sha256)
                .where(pages.c.article == article_id).order_by(pages.c.fetched, pages.c.id))

        async def look(connection: AsyncConnection) -> list[StoredPage]:
            return [_page(row) for row in await connection.execute(kept)]

        return await self._db.read(look)

    async def export(self, *, originals: bool) -> AsyncIterator[StoredArticle]:
        """See `ports.Store`. Read in batches: what changes meanwhile is exported as it then is."""
        after: tuple[datetime, str] | None = None
        while batch := await self._batch(after, originals):
            for one in batch:
                yield one
            after = batch[-1].article.first_seen, batch[-1].article.id

    async def _batch(self, after: tuple[datetime, str] | None, originals: bool) -> list[StoredArticle]:
        next_ids = (sa.select(articles.c.id).where(~articles.c.forgotten)
                    .order_by(articles.c.first_seen, articles.c.id).limit(_BATCH))
        if originals:
            next_ids = next_ids.join(members, members.c.article == articles.c.id).where(members.c.position == 0)
        if after is not None:
            seen, id_ = after
            later = (articles.c.first_seen > seen) | ((articles.c.first_seen == seen) & (articles.c.id > id_))
            next_ids = next_ids.where(articles.c.first_seen >= seen, later)

        async def look(connection: AsyncConnection) -> list[StoredArticle]:
            return await _whole(connection, list(await connection.scalars(next_ids)))

        return await self._db.read(look)


async def _whole(connection: AsyncConnection, ids: Sequence[str]) -> list[StoredArticle]:
    found: dict[str, StoredArticle] = {}
    for chunk in chunks(ids):
        rows = (await connection.execute(
            sa.select(articles, members.c.story, members.c.position)
            .outerjoin(members, members.c.article == articles.c.id).where(articles.c.id.in_(chunk)))).all()
        listed = await feeds_of(connection, chunk)
        seen = await _sightings(connection, chunk)
        later = await _revisions(connection, chunk)
        found |= {row.id: _stored(row, listed.get(row.id, ()), seen.get(row.id, ()), later.get(row.id, ()))
                  for row in rows}
    return [found[id_] for id_ in ids if id_ in found]


def _stored(
    row: sa.Row[Any], listed: Sequence[str], seen: Sequence[dict[str, Any]], later: Sequence[dict[str, Any]],
) -> StoredArticle:
    first = {"at": row.fetched, "title": row.title, "text": row.text}
    return StoredArticle(
        article=article_of(row, listed), story=row.story, role=_role(row.position), sightings=tuple(seen),
        revisions=() if row.forgotten else (first, *later),
        reservations=tuple({"kind": one.kind, "value": one.value} for one in decode_all(Reservation, row.reservations)),
        held=row.held, forgotten=row.forgotten,
    )


def _role(position: int | None) -> Role:
    if position is None:
        return "single"
    return "copy" if position else "original"


async def _sightings(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    rows = await connection.execute(
        sa.select(sightings, feeds.c.url.label("feed_url")).join(feeds, feeds.c.id == sightings.c.feed)
        .where(sightings.c.article.in_(ids)).order_by(sightings.c.seen, sightings.c.id))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.article, []).append({
            "feed": row.feed_url, "key": row.key, "link": row.link, "title": row.title, "without": row.without,
            "seen": row.seen, "claims": entry_of(row).claims})
    return found


async def _revisions(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    rows = await connection.execute(
        sa.select(revisions).where(revisions.c.article.in_(ids)).order_by(revisions.c.at, revisions.c.id))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.article, []).append({"at": row.at, "title": row.title, "text": row.text})
    return found


def _page(row: sa.Row[Any]) -> StoredPage:
    return StoredPage(
        article=row.article, url=row.url, fetched=row.fetched, status=row.status,
        headers=tuple((name, value) for name, value in row.headers), body=zstandard.decompress(row.body),
        sha256=row.sha256.hex())
