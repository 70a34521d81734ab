"""Leases: who has which work in hand, and what a clock that was wrong left behind."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.outward import deliveries, pushes, subscriptions
from crawler.adapters.store.tables import articles, feeds, hosts, is_waiting, sightings
from crawler.errors import LeaseLostError
from crawler.ports import Work

FARTHEST = timedelta(days=31)    # a clock that was wrong, or a header, may not silence anything for longer
BACKOFF = timedelta(hours=27)    # a day's back-off with its jitter (`core.schedule`)
# A lease is a minute, and renewed: one that ends later was made while the clock was ahead, and binds nobody.
_IMPOSSIBLE = timedelta(hours=1)
_PAUSE = timedelta(days=1)       # the longest between two attempts to deliver
_QUEUES: dict[Work, sa.Table] = {"poll": feeds, "collect": sightings, "judge": articles, "push": pushes,
                                 "subscribe": subscriptions, "deliver": deliveries}


def leased(
    column: sa.ColumnElement[Any], now: datetime, longest: timedelta = timedelta(0),
) -> sa.ColumnElement[bool]:
    """Whether the lease that ends at `column` holds; never NULL. `longest` is how long leases last, where that is more
    than an hour."""
    latest = now + max(longest, _IMPOSSIBLE)
    return sa.func.coalesce(column.between(now + timedelta(microseconds=1), latest), sa.false())


async def fence(connection: AsyncConnection, article: str, token: int | None) -> None:
    """Lock an article to write what follows from judging it. Raises LeaseLostError where `token` is given and another
    worker has claimed the article since."""
    if token is not None and token != await connection.scalar(
            sa.select(articles.c.token).where(articles.c.id == article).with_for_update()):
        raise LeaseLostError(f"article {article}: another worker judges it; nothing was written")


class Leases(Part):
    """Renewing what was claimed."""

    async def renew(
        self, queue: Work, tokens: Mapping[int | str, int], now: datetime, lease: timedelta,
    ) -> set[int | str]:
        """See `ports.Store`."""
        table = _QUEUES[queue]

        async def extend(connection: AsyncConnection) -> set[int | str]:
            lost: set[int | str] = set()
            for ids in chunks(tokens):
                mine = sa.select(table.c.id, table.c.token, table.c.lease_until).where(table.c.id.in_(ids))
                lost |= set(ids) - {row.id for row in await connection.execute(mine) if row.token == tokens[row.id]}
                # What somebody has locked is being written: nobody claims it meanwhile, and nobody here waits for it. One that
                # was frozen while it wrote would else have all of our leases run out.
                free = await connection.execute(
                    mine.where(table.c.lease_until.is_not(None)).order_by(table.c.id).with_for_update(skip_locked=True))
                held = [row.id for row in free if row.token == tokens[row.id]]
                await connection.execute(
                    sa.update(table).where(table.c.id.in_(held)).values(lease_until=now + lease))
            return lost

        return await self._db.write(extend)


async def bring_near(
    connection: AsyncConnection, now: datetime, longest: timedelta, every: Mapping[int, timedelta],
) -> None:
    """Put off nothing further than it may be; see `ports.Store.reset_clock`. `every` are the feeds with an interval of
    their own, by id."""
    far = now + FARTHEST
    for column in (feeds.c.next_poll, feeds.c.retry_after, hosts.c.pause_until, sightings.c.due):
        which = column > far if column.table is not sightings else is_waiting & (column > far)
        await connection.execute(sa.update(column.table).where(which).values({column.name: far}))
    for table, most in ((subscriptions, FARTHEST), (deliveries, _PAUSE)):
        await connection.execute(sa.update(table).where(table.c.due > now + most).values(due=now + most))
    usual = max(longest, BACKOFF)
    late = sa.select(feeds.c.id, feeds.c.next_poll).where(
        feeds.c.next_poll > now + usual, feeds.c.retry_after.is_(None), ~feeds.c.disabled)
    for row in (await connection.execute(late)).all():
        bound = now + max(usual, every.get(row.id, usual))
        if row.next_poll > bound:
            await connection.execute(sa.update(feeds).where(feeds.c.id == row.id).values(next_poll=bound))
