"""Partitions of `keys` by time, on PostgreSQL: made before they are needed, dropped whole when their time has passed.

A partition holds what was seen in 30 days, counted from 1970; one more, `keys_old`, all that is left of the time before
a moment that only moves forward. So every moment that once had its partition keeps one, and a process may remember it.

Making one holds up nobody: a table made beside the index and attached takes SHARE UPDATE EXCLUSIVE on `keys`, under
which others read and write (CREATE TABLE … PARTITION OF would take ACCESS EXCLUSIVE). Dropping needs ACCESS EXCLUSIVE,
for milliseconds, and asks for it for half a second at most: whoever comes while it is asked for waits behind it.

Of what is dropped, living articles keep their keys. These are not looked for in the partition, which may be larger than
memory, but written anew from the rows of the few articles that are kept so long.
"""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.bulk import insert_many, within
from crawler.adapters.store.columns import micros, unpack_keys
from crawler.adapters.store.engine import chunks
from crawler.adapters.store.tables import articles, counters, keys

DAYS = 30
AHEAD = 2          # made beside the one that is asked for: two months in which nobody has to wait for one
_PATIENCE = "500ms"  # for a lock that holds up everybody else; below the second after which deadlocks are looked for
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SPAN = timedelta(days=DAYS) // _MICROSECOND
_OLD, _NEXT = "keys_old", "keys_old_next"
_FLOOR = "keys_floor"
# Rows are only added: vacuum reads the new pages alone and marks them visible to all, without which an index-only
# look-up goes to the table for each row. The server's own fifth of a table is a week of a partition.
_STORAGE = "autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05"
_BOUNDS = sa.text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bounds FROM pg_inherits i "
    "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'keys'::regclass")
_RANGE = re.compile(r"FROM \((?:MINVALUE|'?(?P<first>-?\d+)'?)\) TO \('?(?P<end>-?\d+)'?\)")
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows seen from `first` (None: from ever) until before `end`, in microseconds since 1970."""

    name: str
    first: int | None
    end: int

    def covers(self, moment: int) -> bool:
        """Whether a row seen then belongs here."""
        return (self.first is None or self.first <= moment) and moment < self.end


async def partitions(connection: AsyncConnection) -> list[Partition]:
    """The partitions of `keys`, in order of time."""
    found = []
    for row in await connection.execute(_BOUNDS):
        if bounds := _RANGE.search(row.bounds):
            first = bounds["first"]
            found.append(Partition(row.relname, None if first is None else int(first), int(bounds["end"])))
    return sorted(found, key=lambda one: one.end)


def spans(moments: Iterable[datetime]) -> set[int]:
    """The numbers of the spans of 30 days in which these moments lie."""
    return {micros(moment) // _SPAN for moment in moments}


async def missing(connection: AsyncConnection, wanted: Iterable[int]) -> list[int]:
    """Which of these spans, and of those that follow them, have no partition."""
    there = await partitions(connection)
    last = micros(_LAST) // _SPAN
    ahead = {span + more for span in wanted for more in range(AHEAD + 1) if span + more <= last}
    return sorted(span for span in ahead if not any(one.covers(span * _SPAN) for one in there))


async def make(connection: AsyncConnection, span: int) -> None:
    """Make the partition of a span. Under the lock "partitions"."""
    name, first = _name(span), span * _SPAN
    await _table(connection, name)
    await connection.execute(sa.text(
        f"ALTER TABLE keys ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({first + _SPAN})"))


async def floor(connection: AsyncConnection) -> datetime | None:
    """The moment before which rows of `keys` may be of articles that were pruned."""
    found = await connection.scalar(sa.select(counters.c.value).where(counters.c.name == _FLOOR))
    return None if found is None else _EPOCH + found * _MICROSECOND


async def raise_floor(connection: AsyncConnection, before: datetime) -> None:
    """From now on articles seen before this moment are pruned without their rows of `keys`."""
    await connection.execute(
        sa.text("INSERT INTO counters (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE "
                "SET value = greatest(counters.value, excluded.value)"), {"name": _FLOOR, "value": micros(before)})


def is_live(since: datetime | None) -> sa.ColumnElement[bool]:
    """Whether a row of `keys` is of an article that is stored, where rows before `since` may be of others. A scalar
    look-up, not EXISTS: of that the planner may make one pass over all articles."""
    if since is None:
        return sa.true()
    stands = sa.select(articles.c.indexed_seen).where(articles.c.id == keys.c.article).scalar_subquery()
    return (keys.c.seen >= since) | (stands == keys.c.seen)


async def retire(connection: AsyncConnection) -> None:
    """Drop the partitions that lie before the floor; what living articles have there goes into `keys_old`. Under the
    lock "partitions". Raises the driver's error where the last lock cannot be had soon; then nothing was done."""
    before = await floor(connection)
    old = [one for one in await partitions(connection) if before is not None and one.end <= micros(before)]
    if all(one.name == _OLD for one in old):
        return
    end = old[-1].end
    await _table(connection, _NEXT)
    carried = await _carry(connection, end, {})
    await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_PATIENCE}'"))
    await connection.execute(sa.text("LOCK TABLE ONLY keys IN ACCESS EXCLUSIVE MODE"))
    await _carry(connection, end, carried)      # who wrote meanwhile has ended, and nobody writes now
    await connection.execute(sa.text(f"DROP TABLE {', '.join(one.name for one in old)}"))
    await connection.execute(sa.text(f"ALTER TABLE {_NEXT} RENAME TO {_OLD}"))
    await connection.execute(sa.text(f"ALTER TABLE keys ATTACH PARTITION {_OLD} FOR VALUES FROM (MINVALUE) TO ({end})"))


async def _carry(connection: AsyncConnection, end: int, carried: dict[str, tuple[datetime, str]]) -> dict[str, tuple[datetime, str]]:
    """Make the table that is to be `keys_old` hold the keys of all living articles indexed before `end`, where it holds
    those `carried`; returns what it holds now: when each was seen, and a digest of its keys."""
    living = sa.select(articles.c.id, articles.c.indexed_seen, sa.func.md5(articles.c.indexed).label("digest")).where(
        articles.c.indexed_seen < _EPOCH + end * _MICROSECOND, sa.func.length(articles.c.indexed) > 0)
    now = {row.id: (row.indexed_seen, row.digest) for row in await connection.execute(living)}
    target = keys.to_metadata(sa.MetaData(), name=_NEXT)
    stale = [id_ for id_, held in carried.items() if now.get(id_) != held]
    if stale:
        await connection.execute(sa.delete(target).where(within(target.c.article, stale)))
    for ids in chunks((id_ for id_, held in now.items() if carried.get(id_) != held), 50):
        await insert_many(connection, target, [row async for row in _rows(connection, ids)])
    return now


async def _rows(connection: AsyncConnection, ids: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
    for row in await connection.execute(sa.select(articles.c.id, articles.c.indexed, articles.c.indexed_seen).where(
            within(articles.c.id, ids))):
        for key in unpack_keys(row.indexed):
            yield {"key": key, "seen": row.indexed_seen, "article": row.id}


async def _table(connection: AsyncConnection, name: str) -> None:
    await connection.execute(sa.text(
        f"CREATE TABLE {name} (LIKE keys INCLUDING DEFAULTS INCLUDING INDEXES) WITH ({_STORAGE})"))


def _name(span: int) -> str:
    """After its first day: who looks at the database sees what is how old."""
    first = min(max(span * DAYS + _EPOCH.toordinal(), 1), date.max.toordinal())
    return f"keys_{date.fromordinal(first).isoformat().replace('-', '')}"
