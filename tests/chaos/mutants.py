"""Five ways in which the product could be wrong, each applied by replacing functions of a running process."""

import itertools
import os
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


def apply(name: str) -> None:
    """Make this process the mutant."""
    dict(zip(MUTANTS, (_reserve_nothing, _validators_first, _no_uniqueness, _silent_retry, _lenient), strict=True))[name]()


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
    from crawler.adapters.store import SqlStore, articles, entries
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
    SqlStore.article_at = nobody  # type: ignore[method-assign,assignment]  # a mutant
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
