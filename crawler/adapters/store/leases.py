"""Leases: who has which work in hand, and what a clock that was wrong left behind."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import Moment
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
    times = lease_times(now, longest)
    return leased_then(column, times["soonest"], times["latest"])


NOW = sa.bindparam("now", type_=Moment)
_SOONEST, _LATEST = sa.bindparam("soonest", type_=Moment), sa.bindparam("latest", type_=Moment)


def leased_then(
    column: sa.ColumnElement[Any], soonest: datetime | sa.BindParameter[datetime] = _SOONEST,
    latest: datetime | sa.BindParameter[datetime] = _LATEST,
) -> sa.ColumnElement[bool]:
    """The same in a statement that is built once, and given the `lease_times` of each time at which it runs."""
    return sa.func.coalesce(column.between(soonest, latest), sa.false())


def lease_times(now: datetime, longest: timedelta = timedelta(0)) -> dict[str, datetime]:
    """The present, and within which bounds a lease that holds now ends."""
    return {"now": now, "soonest": now + timedelta(microseconds=1), "latest": now + max(longest, _IMPOSSIBLE)}


async def fence(connection: AsyncConnection, article: str, token: int | None) -> None:
    """Lock an article to write what follows from judging it. Raises LeaseLostError where `token` is given and another
    worker has claimed the article since."""
    if token is not None and token != await connection.scalar(_TOKEN, {"article": article}):
        raise LeaseLostError(f"article {article}: another worker judges it; nothing was written")


_TOKEN = sa.select(articles.c.token).where(articles.c.id == sa.bindparam("article", type_=sa.Text)).with_for_update()


class Leases(Part):
    """Renewing what was claimed."""

    async def renew(
        self, queue: Work, tokens: Mapping[int | str, int], now: datetime, lease: timedelta,
    ) -> set[int | str]:
        """See `ports.Store`."""
        table, until = _QUEUES[queue], now + lease
        lost: set[int | str] = set()
        for ids in chunks(tokens):
            held = {id_: tokens[id_] for id_ in ids}
            gone, locked = await self._db.write(partial(_extend, table=table, tokens=held, until=until, wait=False), repeatable=True)
            # What somebody is writing is waited for when the leases of the rest are safe: of a worker that was frozen while it
            # wrote, it takes until the database ends its session.
            late, _ = await self._db.write(partial(_extend, table=table, tokens=locked, until=until, wait=True), repeatable=True) if locked else (set(), {})
            lost |= gone | late
        return lost


async def _extend(
    connection: AsyncConnection, *, table: sa.Table, tokens: Mapping[int | str, int], until: datetime, wait: bool,
) -> tuple[set[int | str], dict[int | str, int]]:
    """Have these leases end at `until`. Returns the ids that are another's, or gone; and those whose rows were locked,
    with their tokens, where that is not waited for."""
    mine = sa.select(table.c.id, table.c.token, table.c.lease_until).where(table.c.id.in_(list(tokens)))
    rows = (await connection.execute(mine)).all()
    free = (await connection.execute(mine.order_by(table.c.id).with_for_update(skip_locked=not wait))).all()
    known = {row.id: row for row in (*rows, *free)}     # as last seen
    lost = {id_ for id_, token in tokens.items() if id_ not in known or known[id_].token != token}
    held = [row.id for row in free if row.id not in lost and row.lease_until is not None]
    await connection.execute(sa.update(table).where(table.c.id.in_(held)).values(lease_until=until))
    locked = known.keys() - {row.id for row in free} - lost
    return lost, {id_: tokens[id_] for id_ in locked if not wait}


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
