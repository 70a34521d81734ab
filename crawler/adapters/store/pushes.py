"""Documents that hubs distributed: kept until they are read, and stored as what a poll brings, but for what a poll says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal

import sqlalchemy as sa
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.codec import decode
from crawler.adapters.store.columns import digest
from crawler.adapters.store.entries import Ready, ready, store_entries
from crawler.adapters.store.failures import DamagedError
from crawler.adapters.store.feeds import NEVER, Feeds
from crawler.adapters.store.leases import leased
from crawler.adapters.store.outward import pushes, subscriptions
from crawler.adapters.store.tables import feeds
from crawler.core import schedule
from crawler.core.types import FeedState, Window
from crawler.errors import LeaseLostError
from crawler.ports import PollStored, Pushed, SeenEntry

_WAITING = 4    # documents of one subscription: of 16 MiB each, they would else fill a disk


class Pushes(Feeds):
    """The inward half, beside the feeds whose entries it brings."""

    async def put_push(
        self, path: str, body: bytes, content_type: str | None, now: datetime,
    ) -> Literal["stored", "repeated", "full", "unknown"]:
        """See `ports.OutwardStore`."""
        mark, packed = await asyncio.to_thread(_packed, body)

        async def put(connection: AsyncConnection) -> Literal["stored", "repeated", "full", "unknown"]:
            row = (await connection.execute(sa.select(subscriptions).where(
                subscriptions.c.digest == digest(path), subscriptions.c.mode == "subscribe",
                subscriptions.c.since.is_not(None)).with_for_update())).one_or_none()
            if row is None:
                return "unknown"
            if row.last_body == mark:
                return "repeated"
            waiting = sa.select(sa.func.count()).where(pushes.c.subscription == row.id)
            if (await connection.scalar(waiting) or 0) >= _WAITING:
                return "full"
            await connection.execute(sa.insert(pushes).values(
                subscription=row.id, feed=row.feed, at=now, content_type=content_type, body=packed))
            await connection.execute(sa.update(subscriptions).where(subscriptions.c.id == row.id).values(last_body=mark))
            return "stored"

        return await self._db.write(put)

    async def claim_pushes(self, now: datetime, lease: timedelta, limit: int) -> list[Pushed]:
        """See `ports.OutwardStore`. Those of a feed that is configured no longer are dropped."""
        held = leased(pushes.c.lease_until, now, lease)
        first = sa.select(sa.func.min(pushes.c.id)).group_by(pushes.c.feed)
        wanted = (sa.select(pushes, subscriptions.c.day, subscriptions.c.today)
                  .join(subscriptions, subscriptions.c.id == pushes.c.subscription)
                  .where(pushes.c.id.in_(first), ~held).order_by(pushes.c.id).limit(limit)
                  .with_for_update(skip_locked=True, of=pushes))
        orphaned = pushes.c.feed.in_(sa.select(feeds.c.id).where(feeds.c.position.is_(None)))

        async def claim(connection: AsyncConnection) -> list[tuple[sa.Row[Any], sa.Row[Any]]]:
            await connection.execute(sa.delete(pushes).where(orphaned))
            rows = (await connection.execute(wanted)).all()
            await connection.execute(sa.update(pushes).where(pushes.c.id.in_([row.id for row in rows])).values(
                token=pushes.c.token + 1, lease_until=now + lease))
            by_id = {row.id: row for row in await connection.execute(
                sa.select(feeds).where(feeds.c.id.in_([row.feed for row in rows])))}
            return [(row, by_id[row.feed]) for row in rows]

        some = sa.select(sa.exists().where(pushes.c.id.is_not(None)))
        claimed = await self._db.write(claim) if await self._db.read(lambda connection: connection.scalar(some)) else []
        return [await asyncio.to_thread(self._pushed, row, feed, now) for row, feed in claimed]

    def _pushed(self, row: sa.Row[Any], feed: sa.Row[Any], now: datetime) -> Pushed:
        try:
            body = zstandard.decompress(row.body)
        except zstandard.ZstdError as error:
            raise DamagedError("a pushed document cannot be unpacked") from error
        return Pushed(id=row.id, token=row.token + 1, feed=self._feed(feed), at=row.at, content_type=row.content_type,
                      body=body, today=row.today if row.day == (now - NEVER).days else 0)

    async def finish_push(self, push: Pushed, entries: Sequence[SeenEntry], patterns: str) -> PollStored:
        """See `ports.OutwardStore`. The feed's row is locked as by a poll, so that of two that bring one entry the
        second finds it known."""
        rows = await asyncio.to_thread(lambda: list(map(ready, entries)))
        return await self._db.write(lambda connection: self._finish_push(connection, push, rows, patterns))

    async def _finish_push(
        self, connection: AsyncConnection, push: Pushed, entries: Sequence[Ready], patterns: str,
    ) -> PollStored:
        encoded = await connection.scalar(sa.select(feeds.c.state).where(feeds.c.id == push.feed.id).with_for_update())
        row = (await connection.execute(sa.select(pushes).where(pushes.c.id == push.id).with_for_update())).one_or_none()
        if row is None or row.token != push.token:
            raise LeaseLostError(f"push to {push.feed.url}: another worker has read it meanwhile; nothing was written")
        state = decode(FeedState, encoded)
        absent = schedule.absent(state, replace(state, patterns=patterns))
        window = Window(absent if absent is not None and absent < push.at else None, push.at)
        stored = await store_entries(self._db, connection, push.feed.id, entries, window)
        await connection.execute(sa.delete(pushes).where(pushes.c.id == push.id))
        if stored.new:
            day = (push.at - NEVER).days
            had = sa.case((subscriptions.c.day == day, subscriptions.c.today), else_=0)
            await connection.execute(sa.update(subscriptions).where(subscriptions.c.id == row.subscription).values(
                last_push=push.at, entries=subscriptions.c.entries + stored.new, today=had + stored.new, day=day))
        return stored


def _packed(body: bytes) -> tuple[bytes, bytes]:
    return blake2b(body, digest_size=16).digest(), zstandard.compress(body)
