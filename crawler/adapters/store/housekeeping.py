"""Keeping house: what to hold, forget and prune, what waits, totals, copies of the database."""

from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.feeds import NEVER, due_feeds
from crawler.adapters.store.leases import lease_times
from crawler.adapters.store.sightings import ripe
from crawler.adapters.store.tables import (
    articles,
    feeds,
    hosts,
    is_unjudged,
    members,
    pages,
    sightings,
    stories,
)
from crawler.errors import NotFoundError
from crawler.ports import Backlog, Counts


class Housekeeping(Part):
    """Totals, holds, copies."""

    async def backlog(self, now: datetime) -> Backlog:
        """See `ports.Store`. What a worker has claimed and not finished still waits."""
        return await self._db.read(lambda connection: _backlog(connection, now))

    async def next_poll(self) -> datetime | None:
        """See `ports.Store`. The first rows of an index."""
        return await self._db.read(lambda connection: connection.scalar(
            sa.select(feeds.c.next_poll).where(feeds.c.position.is_not(None), ~feeds.c.disabled)
            .order_by(feeds.c.next_poll).limit(1)))

    async def time(self) -> datetime:
        """See `ports.Store`."""
        return await self._db.read(self._db.backend.time)

    async def counts(self, now: datetime) -> Counts:
        """See `ports.Store`."""
        listed = feeds.c.position.is_not(None)

        async def look(connection: AsyncConnection) -> Counts:
            return Counts(
                feeds=await _count(connection, feeds, listed),
                failing=await _count(connection, feeds, listed, feeds.c.failing),
                articles=await _count(connection, articles, ~articles.c.forgotten),
                stories=await _count(connection, stories),
                copies=await _count(connection, members, members.c.position > 0),
                undecided=await _count(connection, stories, ~stories.c.decided),
                backlog=await _backlog(connection, now),
            )

        return await self._db.read(look)

    async def hold(self, id_: str) -> int:
        """See `ports.Store`. Pages that come later are kept too."""
        async def keep(connection: AsyncConnection) -> int:
            ids = list(await connection.scalars(sa.select(members.c.article).where(members.c.story == id_)))
            ids = ids or list(await connection.scalars(
                sa.select(articles.c.id).where(articles.c.id == id_, ~articles.c.forgotten)))
            if not ids:
                raise NotFoundError(f"{id_}: no story and no article is stored under this id")
            kept = 0
            for chunk in chunks(ids):
                await connection.execute(sa.update(articles).where(articles.c.id.in_(chunk)).values(held=True))
                kept += await _count(connection, pages, pages.c.article.in_(chunk))
            return kept

        return await self._db.write(keep)

    async def backup(self, target: Path) -> None:
        """See `ports.Store`."""
        await self._db.backend.backup(target)

    async def verify(self) -> None:
        """See `ports.Store`."""
        await self._db.backend.verify()

    async def close(self) -> None:
        """See `ports.Store`."""
        await self._db.backend.close()


async def _count(connection: AsyncConnection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return await connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0


async def _backlog(connection: AsyncConnection, now: datetime) -> Backlog:
    due = await connection.scalar(sa.select(sa.func.count()).select_from(due_feeds().subquery()), {**lease_times(now), "due": now})
    return Backlog(
        feeds_due=due or 0, entries=await _count(connection, sightings, ripe(now)),
        unjudged=await _count(connection, articles, is_unjudged), next_poll=await _next_poll(connection, now),
    )


async def _next_poll(connection: AsyncConnection, now: datetime) -> datetime | None:
    """When the first feed may be asked; now where one never was."""
    at: sa.ColumnElement[Any] = feeds.c.next_poll
    for other in (feeds.c.retry_after, hosts.c.pause_until):
        at = sa.case((other > at, other), else_=at)
    found = await connection.scalar(
        sa.select(sa.func.min(at)).select_from(feeds.outerjoin(hosts, hosts.c.host == feeds.c.host))
        .where(feeds.c.position.is_not(None), ~feeds.c.disabled))
    return now if found == NEVER else found
