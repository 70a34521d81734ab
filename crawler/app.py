"""Wiring: settings -> store, fetcher, workers, pipeline, daemon. The only place that reads the real clock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from crawler import __version__
from crawler.adapters.http import HttpFetcher
from crawler.adapters.outbox import Outbox
from crawler.adapters.pool import WorkerPool
from crawler.adapters.store import open_store
from crawler.clocks import SharedClock
from crawler.daemon import Daemon, Timing
from crawler.desk import Desk
from crawler.documents import Documents
from crawler.health import Health
from crawler.hubs import Hubs
from crawler.outward import Outward
from crawler.pages import Pages
from crawler.pipeline import Pipeline
from crawler.ports import Clock, Fetcher, Pool, Store
from crawler.ports.encoding import Across
from crawler.settings import Settings, Translations
from crawler.sources import Sources
from crawler.turns import SharedTurns
from crawler.webhooks import Webhooks

if TYPE_CHECKING:
    from crawler.crosslingual import CrossLingual

TIMING = Timing()
SHARED = Timing(idle=timedelta(seconds=1))      # what another worker leaves is found by looking, six short look-ups at a time
_SPARE = timedelta(seconds=30)                  # beside the timeout of a request, for all that is not the network's
AGENT = "Firsthand"   # the product token by which robots.txt may name us


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one real clock


def user_agent(contact: str | None) -> str:
    """Name, version and whom to turn to: what a publisher needs to know who asks."""
    return f"{AGENT}/{__version__} (+{contact})" if contact else f"{AGENT}/{__version__}"


@dataclass(frozen=True, slots=True)
class App:
    """Everything that a command works with."""

    settings: Settings
    store: Store
    fetcher: Fetcher
    pool: Pool
    clock: Clock
    pipeline: Pipeline
    daemon: Daemon
    desk: Desk
    outward: Outward
    health: Health

    async def sync(self) -> None:
        """Make the stored list of feeds equal the configured one."""
        sources = self.pipeline.sources
        await self.store.sync_feeds([(feed, sources.of_feed(feed)) for feed in self.settings.feeds], self.clock(),
                                    self.settings.crawl.poll.max)
        await self.outward.sync()

    async def set_clock(self) -> None:
        """Where no daemon runs that does it. Raises StoreError."""
        if self.daemon.keeper is not None:
            await self.daemon.keeper.set()

    async def poll(self, feed_ids: Sequence[int] | None) -> int:
        """A person's wish: these feeds (None: all) now, and no others, and everything that follows from them."""
        await self.store.make_due(feed_ids, self.clock())
        return await self.daemon.once(feed_ids)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None, timing: Timing | None = None) -> AsyncIterator[App]:
    """Open the store, the fetcher and the workers; close them all whatever happens. Where workers on other machines may
    share the store, the clock is its, and so are the turns at hosts.

    Raises StoreError when the store cannot be opened.
    """
    async with AsyncExitStack() as stack:
        store = await open_store(settings.store)
        stack.push_async_callback(store.close)
        keeper = await _keeper(store) if clock is None else None
        clock, timing = clock or keeper or now, timing or (SHARED if store.shared else TIMING)
        patience = settings.crawl.timeout + _SPARE
        turns = SharedTurns(store, clock, settings.crawl.per_host.concurrency, patience, timing.speed) if store.shared else None
        fetcher = HttpFetcher(settings.crawl, user_agent(settings.contact), clock, from_address=_from(settings.contact), turns=turns)
        stack.push_async_callback(fetcher.close)
        outbox = Outbox(user_agent(settings.contact), clock)
        stack.push_async_callback(outbox.close)
        pool = WorkerPool(settings.extract.workers)
        stack.push_async_callback(pool.close)
        sources = Sources(settings)
        pages = Pages(settings, store, fetcher, pool, clock, AGENT, sources, patience * timing.speed)
        documents = Documents(settings, store, fetcher, pool, clock, sources)
        pipeline = Pipeline(settings, store, fetcher, pool, clock, documents, pages, sources, _crosslingual(settings, store, pool))
        desk = Desk(store, clock, pipeline.settle, pool, pipeline.rules, sources.facts)
        outward = Outward(store, clock, Webhooks(settings, store, outbox, clock),
                          Hubs(settings, store, fetcher, outbox, clock, documents=documents))
        daemon = Daemon(pipeline, store, clock, timing, outward, keeper)
        yield App(settings, store, fetcher, pool, clock, pipeline, daemon, desk, outward, Health(store, clock, daemon, pool))


def across(asked: Translations) -> Across:
    """What is asked of other languages. Raises UsageError where the encoder is not there."""
    from crawler.adapters.encoder import encoding  # noqa: PLC0415 - for those who look at other languages

    second = encoding(asked.second) if asked.second else None
    return Across(encoding(asked.encoder, asked.calibration), second, asked.window)


def _crosslingual(settings: Settings, store: Store, pool: Pool) -> "CrossLingual | None":
    if settings.match.across is None:
        return None
    from crawler.crosslingual import CrossLingual  # noqa: PLC0415 - as above

    return CrossLingual(store, pool, across(settings.match.across))


async def _keeper(store: Store) -> SharedClock | None:
    """The clock of a store that has one for all of its workers."""
    if not store.shared:
        return None
    clock = SharedClock(store.time)
    await clock.begin()
    return clock


def _from(contact: str | None) -> str | None:
    """The `From` header is for an address of mail only."""
    return contact if contact and "@" in contact and ":" not in contact else None
