"""Workers over one PostgreSQL: the limits of a host, its robots.txt, and the time are one for all of them."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from crawler import app
from crawler.adapters.store import open_store
from crawler.clocks import SharedClock
from crawler.settings import Crawl, FeedConfig, PerHost, Settings
from tests.contract.conftest import _empty, postgres_server  # noqa: F401 - the server as a fixture

PAGES, DELAY = 12, 0.1
PAGE = "<html><head><title>Page {0}</title></head><body><article>" + "".join(
    f"<p>Sentence {n} of page {{0}} says what happened in town number {{0}} on that day.</p>" for n in range(12)
) + "</article></body></html>"
FEED = "<rss version='2.0'><channel><title>One</title>{}</channel></rss>"
ITEM = "<item><title>Page {1}</title><link>http://127.0.0.1:{0}/{1}</link><guid>{1}</guid></item>"


class Site:
    """One host that notes when each request begins and how many are open at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.open = self.most = self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        self.asked.append((request.path, loop.time()))
        self.open += 1
        self.most = max(self.most, self.open)
        await asyncio.sleep(0.05)   # so that requests would overlap
        self.open -= 1
        if request.path == "/feed":
            return web.Response(text=FEED.format("".join(ITEM.format(self.port, n) for n in range(PAGES))),
                                content_type="application/rss+xml")
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nAllow: /\n")
        return web.Response(text=PAGE.format(request.path), content_type="text/html")


@asynccontextmanager
async def serving(site: Site):
    server = web.Application()
    server.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(server)
    await runner.setup()
    try:
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        site.port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def database(postgres_server):  # noqa: F811 - the fixture's name
    store = await open_store(postgres_server)
    await _empty(store)
    yield postgres_server
    await _empty(store)
    await store.close()


def settings(url: str, port: int) -> Settings:
    return Settings(
        store=url, feeds=(FeedConfig(url=f"http://127.0.0.1:{port}/feed"),),
        crawl=Crawl(private_networks=("127.0.0.0/8",), per_host=PerHost(concurrency=1, delay=timedelta(seconds=DELAY))))


async def test_three_workers_ask_a_host_as_slowly_as_one(database):
    site = Site()
    async with serving(site), AsyncExitStack() as stack:
        made = settings(database, site.port)
        apps = [await stack.enter_async_context(app.opened(made)) for _ in range(3)]
        await apps[0].sync()
        for one in apps[1:]:
            await one.sync()
        while (await apps[0].store.backlog(apps[0].clock())).entries or not site.asked:
            await asyncio.gather(*(one.daemon.once() for one in apps))
        stored = await apps[0].store.counts(apps[0].clock())
    assert stored.articles == PAGES
    paths = [path for path, _ in site.asked]
    assert sorted(paths) == sorted({*paths})        # each page once, the feed once, robots.txt once
    assert len(paths) == PAGES + 2
    assert site.most == 1
    starts = [at for _, at in site.asked]
    # A request takes its time to arrive: over all of them that evens out.
    assert starts[-1] - starts[0] >= DELAY * (len(starts) - 1) * 0.9


async def test_workers_of_one_store_have_its_time_and_a_worker_alone_its_own(database, tmp_path):
    async with app.opened(settings(database, 1)) as one, app.opened(settings(database, 1)) as other:
        assert isinstance(one.clock, SharedClock)
        assert abs(one.clock() - other.clock()) < timedelta(seconds=5)
        assert abs(one.clock() - await one.store.time()) < timedelta(seconds=5)
    async with app.opened(settings(f"sqlite:///{tmp_path / 'own.db'}", 1)) as alone:
        assert alone.clock is app.now
        assert abs(datetime.now(UTC) - alone.clock()) < timedelta(seconds=5)
