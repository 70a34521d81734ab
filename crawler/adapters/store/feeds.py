"""The feeds: the configured list, which are due, what a poll of one is finished with."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import Moment, digest
from crawler.adapters.store.engine import Database, Part
from crawler.adapters.store.entries import store_entries, unknown_keys
from crawler.adapters.store.tables import feeds, hosts
from crawler.core import urls
from crawler.core.types import FeedState, Window
from crawler.errors import LeaseLostError
from crawler.ports import Feed, HostState, PollStored, SeenEntry
from crawler.settings import FeedConfig

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST = timedelta(days=31)   # a clock that was wrong, or a header, may not silence a feed for longer


class Feeds(Part):
    """The feeds' part of the store.

    Secrets of a feed stay in this process: the database holds its configuration without them, and a feed that has
    some is claimed only by a process that was given them through `sync_feeds`.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._configs: dict[str, FeedConfig] = {}

    async def sync_feeds(self, feeds: Sequence[tuple[FeedConfig, str]], now: datetime) -> None:
        """See `ports.Store`."""
        self._configs = {config.url: config for config, _ in feeds}
        await self._db.write(lambda connection: self._sync(connection, feeds, now))

    async def _sync(
        self, connection: AsyncConnection, wanted: Sequence[tuple[FeedConfig, str]], now: datetime,
    ) -> None:
        await self._db.backend.lock(connection, "feeds")
        await connection.execute(sa.update(feeds).values(position=None))
        known = {row.digest: row.id for row in await connection.execute(sa.select(feeds.c.id, feeds.c.digest))}
        rows = {digest(config.url): _configured(config, source, position)
                for position, (config, source) in enumerate(wanted)}
        fresh = [{**row, **_NEW, "digest": mark} for mark, row in rows.items() if mark not in known]
        if fresh:
            await connection.execute(sa.insert(feeds), fresh)
        again = [{**row, "known_id": known[mark]} for mark, row in rows.items() if mark in known]
        if again:
            await connection.execute(sa.update(feeds).where(feeds.c.id == sa.bindparam("known_id")), again)
        far = now + _FARTHEST
        for column in (feeds.c.next_poll, feeds.c.retry_after):
            await connection.execute(sa.update(feeds).where(column > far).values({column.name: far}))

    async def feeds(self) -> list[Feed]:
        """See `ports.Store`."""
        listed = sa.select(feeds).where(feeds.c.position.is_not(None)).order_by(feeds.c.position)

        async def look(connection: AsyncConnection) -> list[Feed]:
            return [self._feed(row) for row in await connection.execute(listed)]

        return await self._db.read(look)

    async def make_due(self, feed_ids: Sequence[int] | None, now: datetime) -> int:
        """See `ports.Store`."""
        soon = sa.case((feeds.c.next_poll > now, sa.literal(now, Moment)), else_=feeds.c.next_poll)
        wish = sa.update(feeds).where(_pollable(now)).values(next_poll=soon)
        if feed_ids is not None:
            wish = wish.where(feeds.c.id.in_(feed_ids))

        async def change(connection: AsyncConnection) -> int:
            return (await connection.execute(wish)).rowcount

        return await self._db.write(change)

    async def claim_feeds(
        self, now: datetime, lease: timedelta, limit: int, only: Sequence[int] | None = None,
    ) -> list[Feed]:
        """See `ports.Store`."""
        return await self._db.write(lambda connection: self._claim_due(connection, now, lease, limit, only))

    async def _claim_due(
        self, connection: AsyncConnection, now: datetime, lease: timedelta, limit: int, only: Sequence[int] | None,
    ) -> list[Feed]:
        mine = [digest(url) for url, config in self._configs.items() if _secrets(config)]
        asked = sa.true() if only is None else feeds.c.id.in_(only)
        rows = (await connection.execute(
            due_feeds(now).where(~feeds.c.guarded | feeds.c.digest.in_(mine), asked)
            .order_by(feeds.c.next_poll, feeds.c.position, feeds.c.id).limit(limit).with_for_update(skip_locked=True),
        )).all()
        return [await self._reserve(connection, self._feed(row), now, lease) for row in rows]

    async def _reserve(self, connection: AsyncConnection, feed: Feed, now: datetime, lease: timedelta) -> Feed:
        # Before anything is requested: a process that dies in between does not ask the server again and again.
        state = replace(feed.state, next_poll=now + (feed.config.every or feed.state.interval))
        await connection.execute(sa.update(feeds).where(feeds.c.id == feed.id).values(
            token=feed.token + 1, lease_until=now + lease, next_poll=state.next_poll))
        return replace(feed, state=state, token=feed.token + 1)

    async def new_keys(self, feed: Feed, keys: Sequence[str]) -> set[str]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: unknown_keys(connection, feed.id, keys))

    async def finish_poll(
        self, feed: Feed, state: FeedState, entries: Sequence[SeenEntry], now: datetime,
    ) -> PollStored:
        """See `ports.Store`."""
        return await self._db.write(lambda connection: self._finish(connection, feed, state, entries, now))

    async def _finish(
        self, connection: AsyncConnection, feed: Feed, state: FeedState, entries: Sequence[SeenEntry], now: datetime,
    ) -> PollStored:
        row = (await connection.execute(
            sa.select(feeds.c.token, feeds.c.state).where(feeds.c.id == feed.id).with_for_update(),
        )).one_or_none()
        if row is None or row.token != feed.token:
            raise LeaseLostError(f"feed {feed.url}: another worker has polled it meanwhile; nothing was written")
        window = Window(decode(FeedState, row.state).last_success, now)
        stored = await store_entries(self._db, connection, feed.id, entries, window)
        await connection.execute(sa.update(feeds).where(feeds.c.id == feed.id).values(
            **_stated(state), lease_until=None))
        return stored

    def _feed(self, row: sa.Row[Any]) -> Feed:
        state = replace(decode(FeedState, row.state), next_poll=None if row.next_poll == NEVER else row.next_poll,
                        retry_after=row.retry_after)
        config = self._configs.get(row.url) or _config(row.url, row.config)
        return Feed(id=row.id, url=row.url, source=row.source, config=config, state=state, token=row.token)


class Hosts(Part):
    """What is kept of hosts."""

    async def host(self, host: str) -> HostState:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> HostState:
            row = (await connection.execute(sa.select(hosts).where(hosts.c.host == host))).one_or_none()
            return HostState(host) if row is None else HostState(
                host, row.pause_until, row.robots, row.robots_status, row.robots_at)

        return await self._db.read(look)

    async def save_host(self, state: HostState) -> None:
        """See `ports.Store`."""
        row = {"host": state.host, "pause_until": state.pause_until, "robots": state.robots,
               "robots_status": state.robots_status, "robots_at": state.robots_at}
        await self._db.write(lambda connection: self._db.upsert(connection, hosts, [row]))


def due_feeds(now: datetime) -> sa.Select[Any]:
    """Feeds that may be asked now and are not being asked."""
    free = feeds.c.lease_until.is_(None) | (feeds.c.lease_until <= now)
    return sa.select(feeds).where(feeds.c.next_poll <= now, free, _pollable(now))


def _pollable(now: datetime) -> sa.ColumnElement[bool]:
    paused = sa.exists().where(hosts.c.host == feeds.c.host, hosts.c.pause_until > now)
    quiet = feeds.c.retry_after > now
    return sa.and_(feeds.c.position.is_not(None), ~feeds.c.disabled, sa.func.coalesce(~quiet, sa.true()), ~paused)


def _stated(state: FeedState) -> dict[str, Any]:
    return {
        "state": encode(state), "next_poll": state.next_poll or NEVER, "retry_after": state.retry_after,
        "disabled": state.disabled is not None, "failing": state.reason is not None,
    }


_NEW = {**_stated(FeedState()), "token": 0}


def _configured(config: FeedConfig, source: str, position: int) -> dict[str, Any]:
    return {"url": config.url, "host": urls.host(config.url), "source": source, "position": position,
            "config": _without_secrets(config), "guarded": _secrets(config)}


def _secrets(config: FeedConfig) -> bool:
    return bool(config.headers) or config.auth is not None


def _without_secrets(config: FeedConfig) -> dict[str, Any]:
    shown = config.model_dump(mode="python", exclude={"url", "headers", "auth"}, exclude_defaults=True)
    return {name: encode(value) for name, value in shown.items()}


def _config(url: str, data: dict[str, Any]) -> FeedConfig:
    every = data.get("every")
    return FeedConfig(**{**data, "url": url, "every": None if every is None else timedelta(microseconds=every)})
