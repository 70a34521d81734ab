"""The index: who holds a paragraph of a source, who shares a key. Look-ups read a bounded part of each key's rows."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from math import fsum
from typing import Any

import sqlalchemy as sa
import xxhash
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store import postings
from crawler.adapters.store.bulk import first_of_each, insert_many, within
from crawler.adapters.store.columns import pack_keys, signed, storable, unpack_keys
from crawler.adapters.store.engine import Backend, Part, chunks, paced
from crawler.adapters.store.leases import fence
from crawler.adapters.store.marks import mark
from crawler.adapters.store.partitions import is_live
from crawler.adapters.store.tables import articles, is_kept, keys, units
from crawler.core.fingerprint import ranked

_HOLDERS = 200   # read of one key at most, the newest: a key with more says next to nothing
_MANY = 5_000    # rows of all keys of an article together: few have more, and those are asked key by key
_SOME = 500      # rows of all paragraphs of an article together: a source's own repetitions have more
_TOGETHER = 64   # keys looked up by one statement, one by one


class Index(Part):
    """Paragraphs and keys."""

    async def unit_holders(self, source: str, units: Sequence[int], cap: int) -> dict[int, list[str]]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: holders_of(connection, source, units, cap))

    async def dropped(self, articles: Sequence[str]) -> dict[str, frozenset[int]]:
        """See `ports.Store`. Every id asked for is there; what is unknown has dropped nothing."""
        return await self._db.read(lambda connection: dropped_of(connection, articles))

    async def put_keys(
        self, article: str, keys: Sequence[int], seen: datetime, *, dropped: Sequence[int] | None = None,
        crowded: Sequence[int] = (), token: int | None = None,
    ) -> int:
        """See `ports.Store`."""
        async def put(connection: AsyncConnection) -> int:
            await self._db.backend.make_room(connection, [seen])
            await fence(connection, article, token)
            marked = 0 if dropped is None else await _drop(connection, article, dropped, crowded)
            await _put(connection, article, sorted(set(keys)), seen, await self._db.backend.floor(connection))
            return marked

        return await self._db.write(put, repeatable=True)

    async def candidates(
        self, article: str, keys: Sequence[int], since: datetime, until: datetime, limit: int,
    ) -> list[str]:
        """See `ports.Store`. Of a key with more than 200 holders in the window the newest 200 are read and counted."""
        return await self._db.read(lambda connection: candidates_of(
            self._db.backend, connection, article, keys, between=(since, until), limit=limit))


async def holders_of(connection: AsyncConnection, source: str, wanted: Sequence[int], cap: int) -> dict[int, list[str]]:
    """See `ports.Store.unit_holders`."""
    names = {unit_of(source, key): key for key in wanted}
    found: dict[int, list[str]] = {key: [] for key in wanted}
    for unit, article in await _held(connection, sorted(names), cap):
        found[names[unit]].append(article)
    return {key: sorted(ids)[:cap] for key, ids in found.items()}


async def candidates_of(
    backend: Backend, connection: AsyncConnection, article: str, wanted: Sequence[int], *,
    between: tuple[datetime, datetime], limit: int,
) -> list[str]:
    """See `ports.Store.candidates`."""
    if not wanted:
        return []
    window = None if _is_sqlite(connection) else _window(await backend.floor(connection), *between)
    sharing: dict[int, list[str]] = {}
    for chunk in chunks(sorted(set(wanted))):
        if window is None:
            sharing |= await connection.run_sync(postings.sharing, chunk, article, *between)
        else:
            sharing |= await _sharing(connection, chunk, article, window)
    return _ranked(sharing, limit)


def _is_sqlite(connection: AsyncConnection) -> bool:
    """Whether keys are in `postings`, and not in `keys`."""
    return connection.dialect.name == "sqlite"


def unit_of(source: str, key: int) -> int:
    """One 64-bit key for a paragraph of a source: half the row that the two would take."""
    return xxhash.xxh3_64_intdigest(storable(source).encode() + b"\0" + key.to_bytes(8, "little"))


async def hold_units(connection: AsyncConnection, article: str, source: str, held: Sequence[int]) -> None:
    """An article holds these paragraphs."""
    await insert_many(connection, units, [
        {"unit": unit, "article": article, "dropped": False} for unit in sorted({unit_of(source, k) for k in held})])


async def leave_index(connection: AsyncConnection, ids: Iterable[str], stay: datetime | None = None) -> int:
    """Take articles out of the index; returns how many rows of keys that were. Rows seen before `stay` stay: the rows of
    these articles are removed next, and whoever looks for candidates passes over them."""
    removed = 0
    for id_ in ids:
        row = (await connection.execute(
            sa.select(articles.c.source, articles.c.unit_keys, articles.c.indexed, articles.c.indexed_seen)
            .where(articles.c.id == id_))).one()
        if stay is not None and row.indexed_seen is not None and row.indexed_seen < stay:
            removed += len(unpack_keys(row.indexed))
            if _is_sqlite(connection):
                await connection.run_sync(postings.leave, id_)
        else:
            removed += await _put(connection, id_, [], None)
        held = {unit_of(row.source, key) for key in unpack_keys(row.unit_keys)}
        await connection.execute(sa.delete(units).where(within(units.c.unit, sorted(held)), units.c.article == id_))
    return removed


async def _held(connection: AsyncConnection, wanted: Sequence[int], cap: int) -> list[tuple[int, str]]:
    """Units and their holders: all of them where they are few, else the first `cap` of each unit."""
    some = sa.select(units.c.unit, units.c.article).limit(_SOME)
    rows = [row for chunk in chunks(wanted) for row in await connection.execute(some.where(within(units.c.unit, chunk)))]
    if len(rows) >= _SOME and connection.dialect.name == "sqlite":
        return await connection.run_sync(_look_up_units, wanted, cap)
    if len(rows) >= _SOME:
        rows = [row for chunk in chunks(wanted, _TOGETHER)
                for row in await connection.execute(_holders(connection, chunk, cap))]
    return [(row.unit, row.article) for row in rows]


def _look_up_units(connection: sa.Connection, wanted: Sequence[int], cap: int) -> list[tuple[int, str]]:
    """What `_holders` finds, asked of SQLite's driver unit by unit: one statement for many would be put together anew each
    time, which takes longer than the answers."""
    look = connection.connection.driver_connection.cursor(sqlite3.Cursor).execute  # type: ignore[union-attr]  # it is open
    return [(one, holder) for one in wanted for (holder,) in look(_UNIT_HELD, (signed(one), cap))]


_UNIT_HELD = "SELECT article FROM units WHERE unit = ? ORDER BY article LIMIT ?"


def _holders(connection: AsyncConnection, wanted: Sequence[int], cap: int) -> sa.Select[Any]:
    return first_of_each(connection, units.c.unit, wanted, lambda unit: (
        sa.select(units.c.unit, units.c.article).where(units.c.unit == unit).order_by(units.c.article).limit(cap)))


async def _sharing(
    connection: AsyncConnection, wanted: Sequence[int], article: str, window: sa.ColumnElement[bool],
) -> dict[int, list[str]]:
    """For each key its other holders in the window, the newest first, at most `_HOLDERS`."""
    rows = [(row.seen, row.article, row.key) async for row in paced(
        await connection.execute(_holding(wanted, article, window)))]
    if len(rows) == _MANY:      # there are keys with very many: then a bounded part of each
        rows = [(row.seen, row.article, row.key) for chunk in chunks(wanted, _TOGETHER)
                async for row in paced(await connection.execute(_newest(connection, chunk, article, window)))]
    sharing: dict[int, list[str]] = defaultdict(list)
    for _, holder, key in sorted(rows, reverse=True):
        if len(sharing[key]) < _HOLDERS:
            sharing[key].append(holder)
    return sharing


def _window(floor: datetime | None, since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    """Rows seen in between. Those of pruned articles that wait to be dropped lie before all that is seldom looked for: only
    who looks back so far pays for telling them apart."""
    return _between(since, until) & is_live(floor if floor is not None and since < floor else None)


def _between(since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    return keys.c.seen.between(since, until)


def _holding(wanted: Sequence[int], article: str, window: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (sa.select(keys.c.key, keys.c.article, keys.c.seen)
            .where(within(keys.c.key, wanted), window, keys.c.article != article).limit(_MANY))


def _newest(
    connection: AsyncConnection, wanted: Sequence[int], article: str, window: sa.ColumnElement[bool],
) -> sa.Select[Any]:
    return first_of_each(connection, keys.c.key, wanted, lambda key: (
        sa.select(keys.c.key, keys.c.article, keys.c.seen)
        .where(keys.c.key == key, window, keys.c.article != article)
        .order_by(keys.c.seen.desc(), keys.c.article.desc()).limit(_HOLDERS)))


# Made once: a statement that is made anew costs more than it takes to be answered.
_article = articles.c.id == sa.bindparam("article", type_=sa.Text)
_INDEXED = sa.select(articles.c.id, articles.c.indexed, articles.c.indexed_seen, articles.c.forgotten).where(_article).with_for_update()
_NOW_INDEXED = sa.update(articles).where(_article).values(indexed=sa.bindparam("keys"), indexed_seen=sa.bindparam("seen_at"))
_UNITS = sa.select(articles.c.source, articles.c.unit_keys, articles.c.dropped_keys).where(_article, ~articles.c.forgotten)
_NOW_DROPPED = sa.update(articles).where(_article).values(dropped_keys=sa.bindparam("keys"))


def _ranked(sharing: dict[int, list[str]], limit: int) -> list[str]:
    weights: dict[str, list[float]] = defaultdict(list)
    for holders in sharing.values():
        for holder in holders:
            weights[holder].append(1 / len(holders))
    # fsum: the same sum in whatever order the rows came.
    return ranked({id_: fsum(each) for id_, each in weights.items()}, limit)


async def _put(
    connection: AsyncConnection, article: str, wanted: list[int], seen: datetime | None, floor: datetime | None = None,
) -> int:
    """Replace the keys of an article; returns how many it had. Rows from before `floor` may be of an article of this
    name that was pruned."""
    row = (await connection.execute(_INDEXED, {"article": article})).one_or_none()
    if row is None or (row.forgotten and wanted):
        return 0
    before = unpack_keys(row.indexed)
    if before == wanted and row.indexed_seen == seen:
        return len(before)
    if _is_sqlite(connection):
        await connection.run_sync(postings.leave, article, before)
        if seen is not None and wanted:
            await connection.run_sync(postings.file, article, wanted, seen)
    else:
        await _replace(connection, row, wanted, seen, floor)
    await connection.execute(_NOW_INDEXED, {"article": article, "keys": pack_keys(wanted), "seen_at": seen})
    return len(before)


async def _replace(
    connection: AsyncConnection, row: Any, wanted: list[int], seen: datetime | None, floor: datetime | None,
) -> None:
    """The rows of an article in `keys`, on PostgreSQL."""
    article, seen_before = row.id, row.indexed_seen
    if before := unpack_keys(row.indexed):
        await connection.execute(sa.delete(keys).where(
            within(keys.c.key, before), keys.c.seen == seen_before, keys.c.article == article))
    if seen is not None and floor is not None and seen < floor and seen != seen_before:
        # As good as never: what was pruned is not collected again. Without its keys it takes reading the partition.
        await connection.execute(sa.delete(keys).where(keys.c.seen == seen, keys.c.article == article))
    await insert_many(connection, keys, [{"key": key, "seen": seen, "article": article} for key in wanted])


async def _drop(connection: AsyncConnection, article: str, dropped: Sequence[int], crowded: Sequence[int]) -> int:
    row = (await connection.execute(_UNITS, {"article": article})).one_or_none()
    if row is None:
        return 0
    if dropped or row.dropped_keys:
        gone = {unit_of(row.source, key) for key in dropped}
        await _flag(connection, article, {unit_of(row.source, key) for key in unpack_keys(row.unit_keys)}, gone)
    if (now := pack_keys(sorted(set(dropped)))) != row.dropped_keys:
        await connection.execute(_NOW_DROPPED, {"article": article, "keys": now})
    if row.dropped_keys is not None:
        return 0
    return await _mark_keepers(connection, article, {unit_of(row.source, key) for key in crowded})


async def _mark_keepers(connection: AsyncConnection, article: str, crowded: set[int]) -> int:
    """The other holders that keep one of these units, and may not have seen the newest of its holders."""
    keeping: set[str] = set()
    if crowded:
        keeping |= set(await connection.scalars(sa.select(units.c.article).where(
            within(units.c.unit, sorted(crowded)), units.c.article != article, is_kept)))
    # One that waits unclaimed will see today's holders anyway.
    judged = ~articles.c.unjudged | articles.c.lease_until.is_not(None)
    return sum([await mark(connection, articles.c.id.in_(ids) & judged & ~articles.c.remarked)
                for ids in chunks(sorted(keeping))])


async def dropped_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, frozenset[int]]:
    """See `ports.Store.dropped`."""
    found = dict.fromkeys(ids, frozenset[int]())
    for chunk in chunks(found):
        rows = await connection.execute(
            sa.select(articles.c.id, articles.c.dropped_keys).where(articles.c.id.in_(chunk)))
        found |= {row.id: frozenset(unpack_keys(row.dropped_keys)) for row in rows}
    return found


async def _flag(connection: AsyncConnection, article: str, own: set[int], gone: set[int]) -> None:
    """Note which units of an article are left out."""
    for flag, changed in ((True, own & gone), (False, own - gone)):
        if changed:
            await connection.execute(
                sa.update(units).where(within(units.c.unit, sorted(changed)), units.c.article == article,
                                       units.c.dropped != flag).values(dropped=flag))
