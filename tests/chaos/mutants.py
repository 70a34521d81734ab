"""Ways in which the product could be wrong, each applied by replacing functions of a running process."""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

MUTANTS = {
    "next_at written after the fetch": (3, "its interval is"),
    "validators saved before the entries": (1, "never queued"),
    "no uniqueness": (1, "times"),
    "the HTTP library's silent retry left on": (4, "once more than it was claimed"),
    "entries of broken XML kept": (1, "though no feed lists it"),
}
"""Its name -> the invariant that catches it, and words of the violation."""

OF_SEVERAL = {
    "claims that lock nothing": (4, "was claimed twice with the token"),
    "leases that bind nobody": (4, "after another had claimed it"),
    "turns at a host of each process alone": (3, "requests at once"),
    "elections without a lock": (2, "story of"),
}
"""The same of what goes wrong only where several workers share a store."""


def apply(name: str) -> None:
    """Make this process the mutant."""
    every = (_reserve_nothing, _validators_first, _no_uniqueness, _silent_retry, _lenient, _lock_nothing, _bind_nobody,
             _alone_at_hosts, _elect_freely)
    dict(zip((*MUTANTS, *OF_SEVERAL), every, strict=True))[name]()


def _reserve_nothing() -> None:
    """A claim leases the feed, and leaves its `next_poll` to the end of the poll."""
    import sqlalchemy as sa

    from crawler.adapters.store import SqlStore
    from crawler.adapters.store.tables import feeds

    claim = SqlStore.claim_feeds

    async def leased(self: Any, now: Any, *args: Any, **named: Any) -> Any:
        claimed = await claim(self, now, *args, **named)

        async def unreserve(connection: Any) -> None:
            ids = [feed.id for feed in claimed]
            await connection.execute(sa.update(feeds).where(feeds.c.id.in_(ids)).values(next_poll=now))

        await self._db.write(unreserve)
        return claimed

    SqlStore.claim_feeds = leased  # type: ignore[method-assign]  # a mutant


def _validators_first() -> None:
    """The state of the feed in one transaction, its entries in the next."""
    from crawler.adapters.store import SqlStore

    finish = SqlStore.finish_poll

    async def twice(self: Any, feed: Any, state: Any, entries: Any, now: Any) -> Any:
        await finish(self, feed, state, (), now)
        return await finish(self, feed, state, entries, now)

    SqlStore.finish_poll = twice  # type: ignore[method-assign]  # a mutant


def _no_uniqueness() -> None:
    """Nothing that was stored is recognised: every sighting and every article is a new one."""
    from crawler.adapters.store import articles, entries, sightings
    from crawler.core import urls

    number, digest, id_of = itertools.count(), entries.digest, urls.article_id

    async def nobody(*_args: Any) -> None:
        return None

    async def nothing(*_args: Any) -> dict[Any, Any]:
        return {}

    def salted(*parts: str) -> bytes:
        return digest(*parts, f"{os.getpid()} {next(number)}") if parts[0] == "key" else digest(*parts)

    entries._known, entries.digest = nothing, salted
    articles._at = articles._elsewhere = nobody  # type: ignore[assignment]  # a mutant
    sightings._known = nothing
    urls.article_id = lambda url: id_of(f"{url}?{os.getpid()}.{next(number)}")


def _silent_retry() -> None:
    """aiohttp as it comes."""
    from crawler.adapters.http.wire import Wire

    made = Wire.__init__

    def make(self: Any, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        self._session._retry_connection = True

    Wire.__init__ = make  # type: ignore[method-assign]  # a mutant


def _lenient() -> None:
    """A document that breaks off is read as if it were closed there."""
    from crawler import documents
    from crawler.adapters.pool import WorkerPool

    run = WorkerPool.run

    async def lenient(self: Any, function: Any, *args: Any, timeout: float) -> Any:
        if isinstance(function, partial) and function.func is documents.read:
            function = partial(read_leniently, *function.args, **function.keywords)
        return await run(self, function, *args, timeout=timeout)

    WorkerPool.run = lenient  # type: ignore[method-assign]  # a mutant


def read_leniently(config: Any, zone: Any, body: bytes, *rest: Any) -> Any:
    """`documents.read` in a worker."""
    from crawler import documents
    from crawler.core.feeds import FeedFault
    from crawler.errors import Reason

    try:
        return documents.read(config, zone, body, *rest)
    except FeedFault as fault:
        if fault.reason is not Reason.TRUNCATED:
            raise
        return documents.read(config, zone, body + b"</link></item></channel></rss>", *rest)


def _lock_nothing() -> None:
    """What is read to be changed is read as anything else is."""
    import sqlalchemy as sa

    sa.Select.with_for_update = lambda self, **_named: self  # type: ignore[method-assign]  # a mutant


def _bind_nobody() -> None:
    """Work goes on when its lease has run out, and no token is looked at."""
    from crawler.adapters.store import SqlStore
    from crawler.adapters.store.tables import articles, feeds, sightings
    from crawler.daemon import Daemon

    Daemon._lease_end = lambda _self: float("inf")  # type: ignore[method-assign]  # a mutant
    for name, at, table in (("finish_poll", 0, feeds), ("save_article", 1, sightings), ("attach", 0, sightings),
                            ("fail_sighting", 0, sightings), ("postpone", 0, sightings), ("finish_judging", 0, articles)):
        setattr(SqlStore, name, _unfenced(getattr(SqlStore, name), at, table))


def _unfenced(method: Any, at: int, table: Any) -> Any:
    """The method, given the token that is good now."""
    import sqlalchemy as sa

    async def run(self: Any, *args: Any, **named: Any) -> Any:
        claim = args[at]
        if claim is not None:
            id_ = claim.article.id if hasattr(claim, "article") and hasattr(claim.article, "id") else claim.id
            query = sa.select(table.c.token).where(table.c.id == id_)
            token = await self._db.read(lambda connection: connection.scalar(query))
            claim = replace(claim, token=token)
        return await method(self, *args[:at], claim, *args[at + 1:], **named)

    return run


def _alone_at_hosts() -> None:
    """Each process keeps the limits of a host, as if there were no other."""
    from crawler import app

    app.SharedTurns = lambda *_args: None  # type: ignore[assignment,misc]  # a mutant


def _elect_freely() -> None:
    """Everybody elects whenever he likes."""
    from crawler.adapters.store import SqlStore

    @asynccontextmanager
    async def electing(_self: Any, _articles: Any) -> AsyncIterator[None]:
        yield

    SqlStore.electing = electing  # type: ignore[method-assign,assignment]  # a mutant
