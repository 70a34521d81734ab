"""What hubs were asked (WebSub), and what they answered."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import digest
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.leases import FARTHEST, leased
from crawler.adapters.store.outward import pushes, subscriptions
from crawler.adapters.store.tables import feeds, has_hub
from crawler.core.types import Push
from crawler.errors import LeaseLostError
from crawler.ports import HubSaid, Subscription

_LEAVING = 4                         # of one feed, to be unsubscribed: it may name another hub at each poll
_SOONEST = timedelta(minutes=10)     # before a renewal, however short a lease: below that a hub is of no use
_DENIED = timedelta(days=7)          # before a hub that has said no is asked again
_REASON = 300                        # characters of what it said


class Subscriptions(Part):
    """One subscription a feed, beside those that are being left."""

    async def sync_subscriptions(self, base: str | None, now: datetime) -> int:
        """See `ports.OutwardStore`."""
        if not await self._db.read(lambda connection: _differences(connection, base)):
            return 0

        async def sync(connection: AsyncConnection) -> int:
            await self._db.backend.lock(connection, "subscriptions")
            missing, unfit = await _compared(connection, base)
            for chunk in chunks(unfit):
                await _leave(connection, chunk, now)
            for chunk in chunks(missing, 100):
                await connection.execute(sa.insert(subscriptions), [_asked_for(row, base or "", now) for row in chunk])
            return len(missing) + len(unfit)

        return await self._db.write(sync)

    async def claim_subscriptions(self, now: datetime, lease: timedelta, limit: int) -> list[Subscription]:
        """See `ports.OutwardStore`."""
        due = (sa.select(subscriptions).where(
            subscriptions.c.due <= now, ~leased(subscriptions.c.lease_until, now, lease))
            .order_by(subscriptions.c.due, subscriptions.c.id).limit(limit).with_for_update(skip_locked=True))

        async def claim(connection: AsyncConnection) -> list[Subscription]:
            found = [_subscription(row) for row in (await connection.execute(due)).all()]
            await connection.execute(sa.update(subscriptions).where(subscriptions.c.id.in_([one.id for one in found])).values(
                token=subscriptions.c.token + 1, lease_until=now + lease, asked=now))
            return [replace(one, token=one.token + 1, asked=now) for one in found]

        return await self._db.write(claim)

    async def finish_asking(self, subscription: Subscription, error: str | None, due: datetime | None) -> None:
        """See `ports.OutwardStore`."""
        async def finish(connection: AsyncConnection) -> None:
            row = await _locked(connection, subscriptions.c.id == subscription.id)
            if row is None or row.token != subscription.token:
                if row is None and subscription.mode == "unsubscribe":
                    return      # verified, and thereby gone, before the hub had answered
                raise LeaseLostError(f"subscription at {subscription.hub}: another worker has taken it up meanwhile")
            if due is None:
                await _forget(connection, [row.id])
                return
            change: dict[str, Any] = {"lease_until": None}
            if row.due == subscription.due:     # else it has answered already: a hub may verify before it does
                change |= {"due": due, "attempts": subscription.attempts + 1, "error": error}
            await connection.execute(sa.update(subscriptions).where(subscriptions.c.id == row.id).values(change))

        await self._db.write(finish)

    async def subscription(self, path: str) -> Subscription | None:
        """See `ports.OutwardStore`."""
        async def look(connection: AsyncConnection) -> Subscription | None:
            row = (await connection.execute(
                sa.select(subscriptions).where(subscriptions.c.digest == digest(path)))).one_or_none()
            return None if row is None else _subscription(row)

        return await self._db.read(look)

    async def hear_hub(self, path: str, said: HubSaid, now: datetime) -> bool:
        """See `ports.OutwardStore`."""
        async def answer(connection: AsyncConnection) -> bool:
            row = await _locked(connection, subscriptions.c.digest == digest(path))
            wish = "subscribe" if said.mode == "denied" else said.mode
            if row is None or row.asked is None or row.topic != said.topic or row.mode != wish:
                return False
            if said.mode == "unsubscribe":
                await _forget(connection, [row.id])
            else:
                change = _verified(row, said.lease, now) if said.mode == "subscribe" else _denied(said.reason, now)
                await connection.execute(sa.update(subscriptions).where(subscriptions.c.id == row.id).values(change))
            return True

        return await self._db.write(answer)


def _verified(row: sa.Row[Any], lease: timedelta, now: datetime) -> dict[str, Any]:
    """The hub is bound for its lease. It is asked again when two thirds of it have passed."""
    held = min(lease, FARTHEST)
    current = row.since if row.until is not None and row.until > now else None
    return {"verified": now, "since": current or now, "until": now + held, "attempts": 0, "error": None,
            "due": now + max(held * 2 / 3, _SOONEST)}


def _denied(reason: str, now: datetime) -> dict[str, Any]:
    return {"until": None, "verified": None, "since": None, "due": now + _DENIED, "attempts": 0,
            "error": f"denied by the hub{': ' if reason else ''}{reason[:_REASON]}"}


async def promises(connection: AsyncConnection, ids: Sequence[int], now: datetime) -> dict[int, Push]:
    """What hubs have promised for these feeds, by their ids."""
    held = sa.select(subscriptions).where(
        subscriptions.c.feed.in_(ids), subscriptions.c.mode == "subscribe", subscriptions.c.since.is_not(None),
        subscriptions.c.until > now)
    return {row.feed: Push(row.since, row.until, row.last_push, row.entries) for row in await connection.execute(held)}


# --- what is to be asked --------------------------------------------------------------------------------------------

_FITS = sa.and_(subscriptions.c.feed == feeds.c.id, subscriptions.c.mode == "subscribe",
                subscriptions.c.hub == feeds.c.hub, subscriptions.c.topic == feeds.c.topic)
_WANTED = sa.and_(has_hub, feeds.c.position.is_not(None), ~feeds.c.disabled)


async def _differences(connection: AsyncConnection, base: str | None) -> bool:
    missing, unfit = await _compared(connection, base)
    return bool(missing or unfit)


async def _compared(connection: AsyncConnection, base: str | None) -> tuple[list[Any], list[Any]]:
    """Feeds without their subscription, and subscriptions that fit no feed."""
    fits = sa.exists().where(_FITS, subscriptions.c.base == (base or ""))
    lacking = sa.select(feeds.c.id, feeds.c.hub, feeds.c.topic).where(_WANTED, ~fits.correlate(feeds))
    kept = sa.exists().where(_FITS, _WANTED, subscriptions.c.base == (base or "")).correlate(subscriptions)
    standing = sa.select(subscriptions.c.id, subscriptions.c.feed, subscriptions.c.asked).where(
        subscriptions.c.mode == "subscribe", sa.true() if base is None else ~kept)
    unfit = (await connection.execute(standing)).all()
    missing = (await connection.execute(lacking)).all() if base is not None else []
    return [*missing], [*unfit]


async def _leave(connection: AsyncConnection, rows: Sequence[sa.Row[Any]], now: datetime) -> None:
    """Have these unsubscribed; those whose hub was never asked are just forgotten, as are the oldest of too many."""
    never = [row.id for row in rows if row.asked is None]
    await connection.execute(sa.update(subscriptions).where(subscriptions.c.id.in_([row.id for row in rows])).values(
        mode="unsubscribe", due=now, attempts=0, error=None, until=None, token=subscriptions.c.token + 1, lease_until=None))
    place = sa.func.row_number().over(partition_by=subscriptions.c.feed, order_by=subscriptions.c.id.desc())
    placed = sa.select(subscriptions.c.id, place.label("place")).where(
        subscriptions.c.feed.in_({row.feed for row in rows}), subscriptions.c.mode == "unsubscribe").subquery()
    many = list(await connection.scalars(sa.select(placed.c.id).where(placed.c.place > _LEAVING)))
    await _forget(connection, [*never, *many])


async def _forget(connection: AsyncConnection, ids: Sequence[int]) -> None:
    for chunk in chunks(ids):
        await connection.execute(sa.delete(pushes).where(pushes.c.subscription.in_(chunk)))
        await connection.execute(sa.delete(subscriptions).where(subscriptions.c.id.in_(chunk)))


def _asked_for(row: sa.Row[Any], base: str, now: datetime) -> dict[str, Any]:
    path = secrets.token_urlsafe(32)
    return {"feed": row.id, "digest": digest(path), "path": path, "base": base, "hub": row.hub, "topic": row.topic,
            "secret": secrets.token_hex(32), "mode": "subscribe", "due": now, "attempts": 0, "entries": 0, "today": 0,
            "token": 0}


async def _locked(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    return (await connection.execute(sa.select(subscriptions).where(which).with_for_update())).one_or_none()


def _subscription(row: sa.Row[Any]) -> Subscription:
    return Subscription(
        id=row.id, token=row.token, feed=row.feed, path=row.path, base=row.base, hub=row.hub, topic=row.topic,
        secret=row.secret, mode=row.mode, asked=row.asked, since=row.since, until=row.until, due=row.due,
        attempts=row.attempts, error=row.error)
