"""What waits to be collected: claims, failures, pages that articles name as their source."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import digest
from crawler.adapters.store.engine import Part
from crawler.adapters.store.entries import entry_of, ready, waiting
from crawler.adapters.store.leases import leased
from crawler.adapters.store.tables import addresses, feeds, is_waiting, sightings, wants
from crawler.core.types import Entry, Window
from crawler.errors import LeaseLostError
from crawler.ports import SeenEntry, Sighting

_AT_ONCE = 16    # of one host: a slow one would else take every place
_POOL = 10_000   # the oldest waiting rows, over whose hosts a claim is spread: 20 ms where all of them are there


class Sightings(Part):
    """The queue of what to collect."""

    async def claim_sightings(self, now: datetime, lease: timedelta, limit: int) -> list[Sighting]:
        """See `ports.Store`."""
        async def claim(connection: AsyncConnection) -> list[Sighting]:
            locked = await _lock_ripe(connection, now, lease, limit)
            rows = (await connection.execute(_claimed(locked))).all()
            alone = await self._alone(connection, rows, now, lease)
            ids = [id_ for id_ in locked if id_ in alone]
            await connection.execute(sa.update(sightings).where(sightings.c.id.in_(ids)).values(
                token=sightings.c.token + 1, lease_until=now + lease))
            known = await _known(connection, [row.url_digest for row in rows])
            by_id = {row.id: _sighting(row, known.get(row.url_digest)) for row in rows}
            return [by_id[id_] for id_ in ids]

        return await self._db.write(claim, repeatable=True)

    async def _alone(
        self, connection: AsyncConnection, rows: Sequence[sa.Row[Any]], now: datetime, lease: timedelta,
    ) -> set[int]:
        """Of these claimable rows one of each page, and none of a page that somebody is collecting: two feeds list it, and
        whoever comes second finds it stored."""
        first = {row.url_digest: row.id for row in sorted(rows, key=lambda row: row.id, reverse=True)}
        mine = await self._db.backend.try_locks(connection, [f"collect {mark.hex()}" for mark in first])
        marks = [mark for mark, is_mine in zip(first, mine, strict=True) if is_mine]
        taken = set(await connection.scalars(sa.select(sightings.c.url_digest).where(
            sightings.c.url_digest.in_(marks), is_waiting, leased(sightings.c.lease_until, now, lease))))
        return {first[mark] for mark in marks if mark not in taken}

    async def fail_sighting(
        self, sighting: Sighting, reason: str, detail: str, retry: datetime | None, now: datetime,
    ) -> None:
        """See `ports.Store`."""
        async def fail(connection: AsyncConnection) -> None:
            await held(connection, sighting)
            change = {"state": "failed", "finished": now, "content": None} if retry is None else {"due": retry}
            await connection.execute(sa.update(sightings).where(sightings.c.id == sighting.id).values(
                **change, attempts=sightings.c.attempts + 1, reason=reason, detail=detail, lease_until=None))

        await self._db.write(fail)

    async def postpone(self, sighting: Sighting, until: datetime, reason: str, detail: str) -> None:
        """See `ports.Store`."""
        async def wait(connection: AsyncConnection) -> None:
            await held(connection, sighting)
            await connection.execute(sa.update(sightings).where(sightings.c.id == sighting.id).values(
                due=until, reason=reason, detail=detail, lease_until=None))

        await self._db.write(wait)

    async def want_page(self, url: str, named_by: str, now: datetime, link: str | None = None) -> bool:
        """See `ports.Store`."""
        async def want(connection: AsyncConnection) -> bool:
            mark = digest(url)
            await self._db.backend.lock(connection, f"page {mark.hex()}")
            await self._db.insert_new(connection, wants, [{"article": named_by, "url_digest": mark, "at": now}])
            known = sa.exists().where(addresses.c.digest == mark) | sa.exists().where(sightings.c.url_digest == mark)
            if await connection.scalar(sa.select(known)):
                return False
            await connection.execute(sa.insert(sightings).values(
                **waiting(ready(SeenEntry(Entry(key=url, link=link or url), url)), now), purpose="attribution", seen=now))
            return True

        return await self._db.write(want)

    async def waiting_for(self, article: str) -> str | None:
        """See `ports.Store`. Of several pages that it names, the one it named first."""
        became = (sa.select(addresses.c.article).join(wants, wants.c.url_digest == addresses.c.digest)
                  .where(wants.c.article == article, addresses.c.article != article)
                  .order_by(wants.c.at, wants.c.url_digest).limit(1))

        async def look(connection: AsyncConnection) -> str | None:
            return await connection.scalar(became)

        return await self._db.read(look)


async def _known(connection: AsyncConnection, marks: Sequence[bytes]) -> dict[bytes, str]:
    """The articles at these addresses."""
    rows = await connection.execute(sa.select(addresses.c.digest, addresses.c.article).where(addresses.c.digest.in_(marks)))
    return {row.digest: row.article for row in rows}


async def held(connection: AsyncConnection, sighting: Sighting) -> sa.Row[Any]:
    """The row of a claimed sighting, locked. Raises LeaseLostError where the claim is no longer good."""
    row = (await connection.execute(_WAITING, {"sighting": sighting.id})).one_or_none()
    if row is None or row.token != sighting.token:
        raise LeaseLostError(f"{sighting.url}: another worker has collected it meanwhile; nothing was written")
    return row


async def finish(connection: AsyncConnection, row: sa.Row[Any], article: str, now: datetime) -> None:
    """The sighting is of this article."""
    window = {}
    if row.article not in (None, article) and row.changed_seen is not None:
        # The entry now leads to another article: what was observed of the first says nothing of this one.
        window = {"without": row.changed_without, "seen": row.changed_seen}
    if window:
        await connection.execute(sa.update(sightings).where(sightings.c.id == row.id).values(window))
    await connection.execute(_DONE, {"sighting": row.id, "of": article, "at": now})


# Made once: a statement that is made anew costs more than it takes to be answered.
_sighting_id = sightings.c.id == sa.bindparam("sighting", type_=sa.BigInteger)
_WAITING = sa.select(sightings).where(_sighting_id, is_waiting).with_for_update()
_DONE = sa.update(sightings).where(_sighting_id).values(
    state="done", article=sa.bindparam("of"), finished=sa.bindparam("at"), lease_until=None, content=None, reason=None, detail=None)


def ripe(now: datetime) -> sa.ColumnElement[bool]:
    """Waiting, and its time has come."""
    return is_waiting & (sightings.c.due <= now)


def _free(now: datetime, lease: timedelta) -> sa.ColumnElement[bool]:
    return ripe(now) & ~leased(sightings.c.lease_until, now, lease)


async def _lock_ripe(connection: AsyncConnection, now: datetime, lease: timedelta, limit: int) -> list[int]:
    """Ids of free rows, one of each host before the second of any; rows that others are claiming are stepped over."""
    taken: list[int] = []
    tried: list[int] = []
    while len(taken) < limit:       # as many rounds as there are others claiming
        ids = list(await connection.scalars(_spread(now, lease, limit - len(taken), tried)))
        free = set(await connection.scalars(
            sa.select(sightings.c.id).where(sightings.c.id.in_(ids), _free(now, lease)).with_for_update(skip_locked=True)))
        taken += [id_ for id_ in ids if id_ in free]
        tried += ids
        if len(free) == len(ids):
            break
    return taken


def _spread(now: datetime, lease: timedelta, limit: int, tried: list[int]) -> sa.Select[Any]:
    held = leased(sightings.c.lease_until, now, lease).label("leased")
    oldest = (sa.select(sightings.c.id, sightings.c.host, sightings.c.due, held).where(ripe(now))
              .where(sightings.c.id.not_in(tried)).order_by(sightings.c.due, sightings.c.id).limit(_POOL).subquery())
    place = sa.func.row_number().over(
        partition_by=oldest.c.host, order_by=(oldest.c.leased.desc(), oldest.c.due, oldest.c.id))
    placed = sa.select(oldest, place.label("place")).subquery()
    return (sa.select(placed.c.id).where(~placed.c.leased, placed.c.place <= _AT_ONCE)
            .order_by(placed.c.place, placed.c.due, placed.c.id).limit(limit))


def _claimed(ids: list[int]) -> sa.Select[Any]:
    return (sa.select(sightings, feeds.c.url.label("feed_url"), feeds.c.source, feeds.c.config)
            .outerjoin(feeds, feeds.c.id == sightings.c.feed).where(sightings.c.id.in_(ids)))


def _sighting(row: sa.Row[Any], known: str | None) -> Sighting:
    return Sighting(
        id=row.id, purpose=row.purpose, feed_id=row.feed, feed_url=row.feed_url, source=row.source,
        tags=tuple((row.config or {}).get("tags", ())), entry=entry_of(row), url=row.url,
        window=None if row.feed is None else Window(row.without, row.seen), attempts=row.attempts,
        token=row.token + 1, article=row.article if row.purpose == "revisit" else None, known=known,
    )
