"""The feeds: the configured list, which are due, what a poll of one is finished with."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import Moment, digest
from crawler.adapters.store.engine import Database, Part
from crawler.adapters.store.entries import Ready, ready, recognised, store_entries
from crawler.adapters.store.failures import DamagedError
from crawler.adapters.store.finishing import Finishing, lost
from crawler.adapters.store.leases import FARTHEST, NOW, bring_near, lease_times, leased_then
from crawler.adapters.store.subscriptions import promises
from crawler.adapters.store.tables import feeds, hosts, in_hand
from crawler.core import schedule, urls
from crawler.core.types import FeedState, Push, Window
from crawler.ports import Feed, PollStored, Recognised, SeenEntry
from crawler.settings import FeedConfig

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST = 10_000  # due feeds over whose hosts a claim is spread,
_FIRST = 8        # where so many for each to be claimed are not enough: on a busy morning all of them took 60 ms
_AT_ONCE = 8    # feeds of one host in hand: a slow host would else take every place, and the others wait for it


class Feeds(Part):
    """The feeds' part of the store.

    Secrets of a feed stay in this process: the database holds its configuration without them, and a feed that has
    some is claimed only by a process that was given them through `sync_feeds`.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._configs: dict[str, FeedConfig] = {}
        self._finishing = Finishing(database)

    async def sync_feeds(
        self, feeds: Sequence[tuple[FeedConfig, str]], now: datetime, longest: timedelta = FARTHEST,
    ) -> None:
        """See `ports.Store`."""
        self._configs = {config.url: config for config, _ in feeds}

        async def sync(connection: AsyncConnection) -> None:
            await self._sync(connection, feeds)
            await self._bring_near(connection, now, longest)

        await self._db.write(sync)

    async def reset_clock(self, now: datetime, longest: timedelta) -> None:
        """See `ports.Store`."""
        await self._db.write(lambda connection: self._bring_near(connection, now, longest))

    async def _bring_near(self, connection: AsyncConnection, now: datetime, longest: timedelta) -> None:
        listed = await connection.execute(sa.select(feeds.c.id, feeds.c.url).where(feeds.c.position.is_not(None)))
        every = {row.id: config.every for row in listed
                 if (config := self._configs.get(row.url)) is not None and config.every is not None}
        await bring_near(connection, now, longest, every)

    async def _sync(self, connection: AsyncConnection, wanted: Sequence[tuple[FeedConfig, str]]) -> None:
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
        *, due: datetime | None = None,
    ) -> list[Feed]:
        """See `ports.Store`."""
        mine = [digest(url) for url, config in self._configs.items() if _secrets(config)]
        asked = {**lease_times(now, lease), "due": due or now, "mine": mine, **({} if only is None else {"only": list(only)})}

        async def claim(connection: AsyncConnection) -> list[Feed]:
            rows = await _locked(connection, _claiming(chosen=only is not None), asked, limit)
            if not rows:
                return []
            promised = await promises(connection, [row.id for row in rows], now)
            claimed = [self._claimed(row, promised.get(row.id), now) for row in rows]
            await connection.execute(_RESERVE, [
                {"claimed": feed.id, "token": feed.token, "lease_until": now + lease, "next_poll": feed.state.next_poll}
                for feed in claimed])
            return claimed

        return await self._db.write(claim)

    async def recognise(self, feed: Feed, entries: Sequence[SeenEntry], now: datetime | None = None) -> Recognised:
        """See `ports.Store`."""
        rows = await asyncio.to_thread(lambda: list(map(ready, entries)))
        return await self._db.read(lambda connection: recognised(connection, feed.id, rows, now))

    async def finish_poll(
        self, feed: Feed, state: FeedState, entries: Sequence[SeenEntry], now: datetime,
    ) -> PollStored:
        """See `ports.Store`."""
        if not entries:
            await self._finishing.finish(feed, _stated(state))
            return PollStored(0, 0, 0)
        rows = await asyncio.to_thread(lambda: list(map(ready, entries)))
        return await self._db.write(lambda connection: self._finish(connection, feed, state, rows, now))

    async def _finish(
        self, connection: AsyncConnection, feed: Feed, state: FeedState, entries: Sequence[Ready], now: datetime,
    ) -> PollStored:
        row = (await connection.execute(
            sa.select(feeds.c.token, feeds.c.state).where(feeds.c.id == feed.id).with_for_update(),
        )).one_or_none()
        if row is None or row.token != feed.token:
            raise lost(feed)
        absent = schedule.absent(decode(FeedState, row.state), state)
        # Where the clock was set back meanwhile, the time of the last poll says nothing of this one.
        window = Window(absent if absent is not None and absent < now else None, now)
        stored = await store_entries(self._db, connection, feed.id, entries, window)
        await connection.execute(sa.update(feeds).where(feeds.c.id == feed.id).values(
            **_stated(state), lease_until=None))
        return stored

    def _feed(self, row: sa.Row[Any]) -> Feed:
        state = replace(decode(FeedState, row.state), next_poll=None if row.next_poll == NEVER else row.next_poll,
                        retry_after=row.retry_after)
        return Feed(id=row.id, url=row.url, source=row.source, config=self._config_of(row), state=state, token=row.token)

    def _claimed(self, row: sa.Row[Any], push: Push | None, now: datetime) -> Feed:
        """The feed of a row that is being claimed. Its next poll is fixed before anything is requested: a process that dies in
        between does not ask the server again and again."""
        config, state = self._config_of(row), decode(FeedState, row.state)
        state = replace(state, next_poll=now + (config.every or state.interval), retry_after=row.retry_after)
        return Feed(row.id, row.url, row.source, config, state, row.token + 1, push)

    def _config_of(self, row: sa.Row[Any]) -> FeedConfig:
        return self._configs.get(row.url) or _config(row.url, row.config)


_RESERVE = sa.update(feeds).where(feeds.c.id == sa.bindparam("claimed"))


def due_feeds() -> sa.Select[Any]:
    """Feeds that were due at `due`, may be asked now and are not being asked; also given to it are `lease_times`."""
    return sa.select(feeds).where(
        feeds.c.next_poll <= sa.bindparam("due", type_=Moment), ~leased_then(feeds.c.lease_until), _pollable(NOW))


@dataclass(frozen=True, slots=True)
class _Claiming:
    """The two statements of a claim, built once: `fair` gives ids in the order of their claims, `free` locks rows."""

    fair: sa.Select[Any]
    free: sa.Select[Any]


@cache
def _claiming(*, chosen: bool) -> _Claiming:
    """`chosen`: only some feeds are asked for."""
    wanted = due_feeds().where(~feeds.c.guarded | feeds.c.digest.in_(sa.bindparam("mine", expanding=True)))
    if chosen:
        wanted = wanted.where(feeds.c.id.in_(sa.bindparam("only", expanding=True)))
    free = wanted.where(feeds.c.id.in_(sa.bindparam("ids", expanding=True)))
    return _Claiming(_spread(wanted.where(feeds.c.id.not_in(sa.bindparam("tried", expanding=True)))),
                     free.order_by(*_ORDER).with_for_update(skip_locked=True, of=feeds))


async def _locked(
    connection: AsyncConnection, claiming: _Claiming, asked: Mapping[str, Any], limit: int,
) -> list[sa.Row[Any]]:
    """At most `limit` of the feeds, their rows locked; those that others are claiming in the same moment are stepped
    over, and the next ones taken for them."""
    taken: list[sa.Row[Any]] = []
    tried: list[int] = []
    while len(taken) < limit:       # as many rounds as there are others claiming
        ids = await _fair(connection, claiming.fair, {**asked, "tried": tried}, limit - len(taken))
        free = (await connection.execute(claiming.free, {**asked, "ids": ids})).all() if ids else []
        taken += free
        tried += ids
        if len(free) == len(ids):
            break
    return taken


async def _fair(connection: AsyncConnection, fair: sa.Select[Any], asked: Mapping[str, Any], limit: int) -> list[int]:
    """The ids that are to be claimed. They are the same however many feeds are looked at, as long as these are enough."""
    rows: Sequence[sa.Row[Any]] = []
    for oldest in (_FIRST * limit, _OLDEST):
        rows = (await connection.execute(fair, {**asked, "limit": limit, "oldest": oldest})).all()
        if len(rows) == limit or (rows and rows[0].due < oldest):
            break
    return [row.id for row in rows]


_ORDER = (feeds.c.next_poll, feeds.c.position, feeds.c.id)


def _spread(wanted: sa.Select[Any]) -> sa.Select[Any]:
    """Ids of the `limit` that have waited longest, and so many of a host as it has places; `due`: of how many they were
    taken, at most `oldest`."""
    due = (wanted.with_only_columns(feeds.c.id, feeds.c.host, feeds.c.next_poll, feeds.c.position)
           .order_by(*_ORDER).limit(sa.bindparam("oldest")).subquery())
    busy = (sa.select(feeds.c.host, sa.func.count().label("feeds")).where(in_hand, leased_then(feeds.c.lease_until))
            .group_by(feeds.c.host).subquery())
    order = (due.c.next_poll, due.c.position, due.c.id)
    place = sa.func.row_number().over(partition_by=due.c.host, order_by=order) + sa.func.coalesce(busy.c.feeds, 0)
    placed = (sa.select(due, place.label("place"), sa.func.count().over().label("due"))
              .select_from(due.outerjoin(busy, busy.c.host == due.c.host)).subquery())
    return (sa.select(placed.c.id, placed.c.due).where(placed.c.place <= _AT_ONCE)
            .order_by(placed.c.next_poll, placed.c.position, placed.c.id).limit(sa.bindparam("limit")))


def _pollable(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    paused = sa.exists().where(hosts.c.host == feeds.c.host, hosts.c.pause_until > now)
    quiet = feeds.c.retry_after > now
    return sa.and_(feeds.c.position.is_not(None), ~feeds.c.disabled, sa.func.coalesce(~quiet, sa.true()), ~paused)


def _stated(state: FeedState) -> dict[str, Any]:
    return {
        "state": encode(state), "next_poll": state.next_poll or NEVER, "retry_after": state.retry_after,
        "disabled": state.disabled is not None, "failing": state.failures > 0, "hub": state.hub, "topic": state.topic,
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
    try:
        every = data.get("every")
        return FeedConfig(**{**data, "url": url, "every": None if every is None else timedelta(microseconds=every)})
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedError(f"{type(error).__name__} in the stored configuration of a feed") from error
