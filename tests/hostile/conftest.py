"""The whole product against strangers: one store and one worker pool for all tests, wired as `crawler.app` wires them."""

import logging
import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from ipaddress import ip_network

import pytest
from misbehaving import START, Site, Streets, item, listening, ok, rss

from crawler import app
from crawler.adapters.http import HttpFetcher
from crawler.adapters.pool import WorkerPool
from crawler.adapters.store import open_store
from crawler.adapters.store.tables import metadata
from crawler.core.types import Entry
from crawler.daemon import Timing
from crawler.errors import Reason
from crawler.ports import SeenEntry
from crawler.settings import Crawl, Extract, FeedConfig, MaxBytes, PerHost, Settings

LEASE = Timing().lease
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SMALL = MaxBytes(feed=4 * 1024**2, page=2 * 1024**2)
VALIDATORS = ('ETag: "v1"', "Last-Modified: Mon, 04 May 2026 11:00:00 GMT")


class Lent:
    """Something of the session's in the hands of one test: whoever closes it gives it back."""

    def __init__(self, owned):
        self._owned = owned

    def __getattr__(self, name):
        return getattr(self._owned, name)

    async def close(self):
        pass


@pytest.fixture(scope="session")
def streets():
    streets = Streets()
    yield streets
    streets.close()


@pytest.fixture(scope="session")
async def pool():
    pool = WorkerPool(2)
    await pool.warm()
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def session_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "firsthand.db"
    store = await open_store(f"sqlite:///{path}")
    store.path = path
    yield store
    await store.close()


@pytest.fixture
async def store(session_store):
    """The session's store, emptied: a new one would compile every statement anew."""
    session_store._configs.clear()
    with closing(sqlite3.connect(session_store.path)) as connection:
        connection.executescript("".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables)))
    return session_store


@pytest.fixture
async def sites(streets):
    """`await sites(script, paths={…}, host=…, ssl=…)` starts a site."""
    made = []

    async def make(script=b"", paths=None, **options):
        site = Site(script, paths)
        await streets.run(site.start(**options))
        made.append(site)
        return site

    yield make
    for site in made:
        await streets.run(site.stop())


@dataclass
class Desk:
    """The product at work, with a clock that stands until it is set."""

    opened: app.App
    time: list
    asked: dict = field(default_factory=dict)    # the feeds that were ever asked for
    ids: dict = field(default_factory=dict)

    @property
    def store(self):
        return self.opened.store

    @property
    def now(self):
        return self.time[0]

    def wait(self, **duration):
        self.time[0] += timedelta(**duration)

    def until(self, moment):
        self.time[0] = max(self.time[0], moment)

    async def _claimed(self, url, config):
        asked = FeedConfig(url=url, **config)
        if self.asked.get(url) != asked:
            self.asked[url] = asked
            sources = self.opened.pipeline.sources
            await self.store.sync_feeds([(feed, sources.of_feed(feed)) for feed in self.asked.values()], self.now)
            self.ids |= {feed.url: feed.id for feed in await self.store.feeds()}
        return await self.store.claim_feeds(self.now, LEASE, 1, [self.ids[asked.url]])

    async def poll(self, url, **config):
        """Poll one feed that is due; the feed as it is stored afterwards."""
        (claimed,) = await self._claimed(url, config)
        await self.opened.pipeline.poll(claimed)
        return await self.feed(claimed.url)

    async def due(self, url):
        """Whether the feed would be polled now."""
        return bool(await self.store.claim_feeds(self.now, LEASE, 1, [self.ids[url]]))

    async def feed(self, url):
        (feed,) = [feed for feed in await self.store.feeds() if feed.url == url]
        return feed

    async def new_keys(self, feed, keys):
        """Which of these keys the feed has not listed."""
        strangers = [SeenEntry(Entry(key, link), link) for n, key in enumerate(keys) if (link := f"https://unlisted.example/{n}")]
        return set((await self.store.recognise(feed, strangers)).new)

    async def waiting(self):
        """Entries that wait to be collected."""
        return (await self.store.backlog(self.now)).entries

    async def sightings(self):
        return await self.store.claim_sightings(self.now, LEASE, 10_000)

    async def collect(self):
        """Collect whatever waits; the articles that are stored afterwards, as (article, page walls)."""
        for sighting in await self.sightings():
            await self.opened.pipeline.collect(sighting)
        return await self.articles()

    async def judge(self):
        await self.opened.daemon.judge_pending()

    async def articles(self):
        return [stored.article async for stored in self.store.export(originals=False)]


@pytest.fixture
async def desks(store, pool, tmp_path, monkeypatch):
    """`await desks(timeout=…, caps=…)` opens the product by `app.opened`, over the session's store and workers."""
    async with AsyncExitStack() as stack:
        async def make(*, timeout=5.0, caps=SMALL, networks=LOOPBACK, resolver=None, tls=None, extract=10.0, **crawl):
            async def lent_store(_url):
                return Lent(store)

            monkeypatch.setattr(app, "open_store", lent_store)
            monkeypatch.setattr(app, "WorkerPool", lambda _workers: Lent(pool))
            monkeypatch.setattr(app, "HttpFetcher", partial(HttpFetcher, resolver=resolver, tls=tls))
            settings = Settings(
                store="sqlite:///lent.db", state_dir=tmp_path, extract=Extract(workers=2, timeout=timedelta(seconds=extract)),
                crawl=Crawl(timeout=timedelta(seconds=timeout), max_bytes=caps, private_networks=networks,
                            **{"per_host": PerHost(concurrency=8, delay=timedelta(0))} | crawl))
            time = [START]
            return Desk(await stack.enter_async_context(app.opened(settings, lambda: time[0])), time)

        yield make


@pytest.fixture
async def desk(desks):
    return await desks()


def healthy(site):
    """A feed of two entries, with both validators."""
    return ok(rss(item(f"{site.url}old-1", "The first"), item(f"{site.url}old-2", "The second")), *VALIDATORS)


@pytest.fixture
def fails():
    """`await fails(desk, site, script, reason)`: the feed of a site that was well fails, and all that must then hold."""
    async def check(desk, site, script, reason, requests=1, path="", **config):
        url = site.url + path
        site.script = healthy(site)
        before = await desk.poll(url, **config)
        assert before.state.reason is None, before.state
        asked = len(site.requests)
        desk.until(before.state.next_poll)
        site.script = script
        with listening() as heard:
            after = await desk.poll(url, **config)
        state = after.state
        assert (state.reason, reason in Reason) == (reason, True), state.detail
        assert state.detail
        assert state.detail.isprintable()
        assert len(site.requests) - asked == requests
        _says_it_once(heard, after)
        # Nothing old is lost, nothing is added, and what may have caused it is not sent again.
        assert await desk.new_keys(after, [f"{site.url}old-1", f"{site.url}old-2"]) == set()
        assert await desk.waiting() == 2
        kept = (None, None) if reason is Reason.PROTOCOL else (before.state.etag, before.state.last_modified)
        assert (state.etag, state.last_modified) == kept
        assert (state.body_hash, state.last_success) == (before.state.body_hash, before.state.last_success)
        _backs_off(desk, before.state, state)
        return state

    return check


def _says_it_once(heard, feed):
    (record,) = [record for record in heard.records if record.levelno >= logging.INFO]
    assert (record.getMessage(), record.levelno, record.exc_info) == ("feed-failed", logging.WARNING, None)
    assert (record.fields["url"], record.fields["reason"]) == (feed.url, feed.state.reason)
    line = heard.written.getvalue()
    assert line.count("\n") == 1
    assert "Traceback" not in line


def _backs_off(desk, before, state):
    assert state.failures > before.failures
    # A DNS failure weighs a quarter, and so the first wait is a fifth longer than the interval.
    assert state.next_poll - desk.now > 1.15 * before.interval, "asked again no later than after a success"
