"""Who is told of the log of stories, and how far: a cursor each into `history`.

A line of the log is written under the lock "stories", in the transaction of the change that it tells of: ids follow the
order of the commits, so that nobody who has read up to one misses a lower one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part
from crawler.adapters.store.leases import leased
from crawler.adapters.store.loading import forerunners
from crawler.adapters.store.outward import deliveries, told
from crawler.adapters.store.tables import endings, history
from crawler.errors import LeaseLostError
from crawler.ports import Delivery, Event

_SPARED = timedelta(hours=1)    # of a delivery that no configuration names: another process may read its own a moment later
_STANDING = ("cursor", "due", "attempts", "failing_since", "error", "disabled", "lost")


class Deliveries(Part):
    """The outward half."""

    async def sync_deliveries(self, wanted: Sequence[tuple[str, str]], now: datetime) -> None:
        """See `ports.OutwardStore`."""
        names = dict(wanted)

        async def sync(connection: AsyncConnection) -> None:
            await self._db.backend.lock(connection, "deliveries")
            end = await _end(connection)
            unnamed = deliveries.c.key.not_in(sorted(names))
            await connection.execute(sa.update(deliveries).where(unnamed, deliveries.c.unlisted.is_(None)).values(unlisted=now))
            # A clock that was wrong may have written a time to come.
            gone = ~deliveries.c.unlisted.between(now - _SPARED, now)
            await connection.execute(sa.delete(told).where(told.c.delivery.in_(sa.select(deliveries.c.id).where(gone))))
            await connection.execute(sa.delete(deliveries).where(gone))
            mine = deliveries.c.key.in_(sorted(names))
            await connection.execute(sa.update(deliveries).where(mine, deliveries.c.disabled).values(
                disabled=False, cursor=end, attempts=0, failing_since=None, error=None, due=now))
            await connection.execute(sa.update(deliveries).where(mine).values(unlisted=None))
            await self._db.insert_new(connection, deliveries, [
                {"key": key, "name": name, "cursor": end, "due": now, "attempts": 0, "disabled": False, "lost": 0, "token": 0}
                for key, name in sorted(names.items())])

        await self._db.write(sync)

    async def claim_deliveries(self, keys: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """See `ports.OutwardStore`."""
        end = sa.select(sa.func.coalesce(sa.func.max(history.c.id), 0)).scalar_subquery()
        due = (sa.select(deliveries).where(
            deliveries.c.key.in_(keys), ~deliveries.c.disabled, deliveries.c.due <= now, deliveries.c.cursor < end,
            ~leased(deliveries.c.lease_until, now, lease))
            .order_by(deliveries.c.due, deliveries.c.id).limit(limit).with_for_update(skip_locked=True))

        async def claim(connection: AsyncConnection) -> list[Delivery]:
            found = [_delivery(row) for row in (await connection.execute(due)).all()]
            await connection.execute(sa.update(deliveries).where(deliveries.c.id.in_([one.id for one in found])).values(
                token=deliveries.c.token + 1, lease_until=now + lease))
            return [replace(one, token=one.token + 1) for one in found]

        return await self._db.write(claim) if keys else []

    async def save_delivery(self, delivery: Delivery, told: str | None = None, *, done: bool = True) -> None:
        """See `ports.OutwardStore`."""
        standing = {name: getattr(delivery, name) for name in _STANDING}
        if done:
            standing["lease_until"] = None

        async def save(connection: AsyncConnection) -> None:
            row = (await connection.execute(
                sa.select(deliveries.c.token, deliveries.c.cursor).where(deliveries.c.id == delivery.id).with_for_update(),
            )).one_or_none()
            if row is None or row.token != delivery.token:
                raise LeaseLostError(f"delivery to {delivery.name}: another worker has taken it up meanwhile")
            await connection.execute(sa.update(deliveries).where(deliveries.c.id == delivery.id).values(standing))
            await self._note_told(connection, delivery.id, told, row.cursor, delivery.cursor)

        await self._db.write(save)

    async def _note_told(self, connection: AsyncConnection, id_: int, story: str | None, since: int, until: int) -> None:
        """Whoever was told of a story that went into another has been told of that one."""
        if story is not None:
            await self._db.insert_new(connection, told, [{"delivery": id_, "story": story}])
        ended = (await connection.execute(
            sa.select(endings.c.story, endings.c.successor).join(told, told.c.story == endings.c.story)
            .where(told.c.delivery == id_, endings.c.story.in_(
                sa.select(history.c.story).where(history.c.id > since, history.c.id <= until,
                                                 history.c.event.in_(["merged", "dissolved"])))))).all()
        await self._db.insert_new(connection, told, [
            {"delivery": id_, "story": row.successor} for row in ended if row.successor is not None])
        await connection.execute(sa.delete(told).where(told.c.delivery == id_, told.c.story.in_([row.story for row in ended])))

    async def events_after(self, cursor: int, limit: int) -> list[Event]:
        """See `ports.OutwardStore`."""
        following = sa.select(history).where(history.c.id > cursor).order_by(history.c.id).limit(limit)

        async def look(connection: AsyncConnection) -> list[Event]:
            return [Event(row.id, row.story, row.at, row.event, row.original, row.previous)
                    for row in await connection.execute(following)]

        return await self._db.read(look)

    async def was_told(self, key: str, story: str) -> bool:
        """See `ports.OutwardStore`."""
        async def look(connection: AsyncConnection) -> bool:
            ids = sorted({story, *await forerunners(connection, story)})
            known = sa.exists().where(told.c.delivery == deliveries.c.id, deliveries.c.key == key, told.c.story.in_(ids))
            return bool(await connection.scalar(sa.select(known)))

        return await self._db.read(look)

    async def failing_deliveries(self) -> list[Delivery]:
        """See `ports.OutwardStore`."""
        failing = sa.select(deliveries).where(
            deliveries.c.unlisted.is_(None), deliveries.c.disabled | (deliveries.c.attempts > 0)).order_by(deliveries.c.id)

        async def look(connection: AsyncConnection) -> list[Delivery]:
            return [_delivery(row) for row in await connection.execute(failing)]

        return await self._db.read(look)


async def _end(connection: AsyncConnection) -> int:
    """The last line of the log. What is being written at this moment counts as later."""
    return int(await connection.scalar(sa.select(sa.func.max(history.c.id))) or 0)


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        id=row.id, token=row.token, key=row.key, name=row.name, cursor=row.cursor, due=row.due, attempts=row.attempts,
        failing_since=row.failing_since, error=row.error, disabled=row.disabled, lost=row.lost)
