"""Whether the daemon is well: each check with its reason, over a real store, and the words of `status` from another process."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import web

from crawler import health as wellbeing
from crawler import metrics
from crawler.adapters.store import open_store
from crawler.background import Running
from crawler.cli import standing
from crawler.core.types import Entry, FeedState
from crawler.daemon import Daemon as RealDaemon
from crawler.daemon import Progress, Queue
from crawler.errors import StoreError
from crawler.health import IDLE, STUCK, Health
from crawler.ports import SeenEntry
from crawler.settings import FeedConfig, Review, Settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
QUEUES = ("poll", "collect", "judge")


@pytest.fixture
async def store(tmp_path):
    store = await open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    await store.close()


class Daemon:
    """What is looked at of a daemon."""

    def __init__(self):
        now = asyncio.get_running_loop().time()
        self.stopping = asyncio.Event()
        self.progress = {name: Progress(now, now) for name in QUEUES}


@pytest.fixture
async def daemon():
    return Daemon()


@pytest.fixture
def health(store, daemon):
    return Health(store, lambda: START, daemon, SimpleNamespace(running=lambda: None))


async def wait_for_an_entry(store):
    """An entry that waits to be collected."""
    await store.sync_feeds([(FeedConfig(url="http://daily.example/feed"), "Daily")], START)
    feed, = await store.claim_feeds(START, timedelta(minutes=1), 1)
    entry = Entry(key="1", link="http://daily.example/1", title="One")
    state = FeedState(last_poll=START, last_success=START, next_poll=START + timedelta(hours=1))
    await store.finish_poll(feed, state, [SeenEntry(entry, "https://daily.example/1")], START)


def faults(told):
    return {one["name"]: one["why"] for one in told["checks"] if not one["ok"]}


async def test_all_is_well(health):
    for ok, told in (health.alive(), await health.ready()):
        assert (ok, told["ok"], told["pid"], faults(told)) == (True, True, os.getpid(), {})
    assert [one["name"] for one in health.alive()[1]["checks"]] == ["loop", *QUEUES]
    assert [one["name"] for one in told["checks"]] == ["daemon", "store", "workers", *QUEUES]


async def test_a_keeper_that_stands_still_is_neither_alive_nor_ready(health, daemon):
    daemon.progress["collect"].turned -= STUCK + 60
    for ok, told in (health.alive(), await health.ready()):
        assert not ok
        assert faults(told) == {"collect": "its keeper has stood still for 0:06:00"}


async def test_a_daemon_that_stops_is_alive_and_not_ready(health, daemon):
    daemon.stopping.set()
    assert health.alive()[0]
    assert faults((await health.ready())[1]) == {"daemon": "it is stopping"}


async def test_one_that_starts_is_not_ready(health, daemon):
    daemon.progress.clear()
    assert health.alive()[0]
    assert faults((await health.ready())[1]) == {"daemon": "it is starting"}


async def test_without_workers_it_is_not_ready(health):
    health.pool = SimpleNamespace(running=lambda: "the worker pool has broken down")
    assert faults((await health.ready())[1]) == {"workers": "the worker pool has broken down"}


@pytest.mark.parametrize(("waiting", "idle", "why"), [
    (True, IDLE + 300, "1 wait, and none was done for 0:2"), (True, IDLE - 300, None), (False, IDLE + 300, None),
])
async def test_a_queue_is_stuck_where_something_waits_and_nothing_is_done(health, store, daemon, waiting, idle, why):
    if waiting:
        await wait_for_an_entry(store)
    daemon.progress["collect"].done -= idle
    ok, told = await health.ready()
    assert ok == (why is None)
    assert (faults(told).get("collect") or "").startswith(why or "")    # seconds more on a busy machine


@pytest.mark.parametrize(("trouble", "why"), [("raises", "store x: the disk is full"), ("hangs", "no answer within 0 s")])
async def test_a_store_that_is_out_of_reach_is_named_in_time(health, monkeypatch, trouble, why):
    async def backlog(_now):
        if trouble == "hangs":
            await asyncio.Event().wait()
        raise StoreError("store x: the disk is full")

    monkeypatch.setattr(wellbeing, "_PATIENCE", 0.01)
    health.store = SimpleNamespace(backlog=backlog, counts=backlog)
    ok, told = await health.ready()
    assert (ok, faults(told)) == (False, {"store": why})
    await health.refresh()


async def test_the_page_alone_is_ready_with_its_store(store):
    ok, told = await Health(store, lambda: START).ready()
    assert ok
    assert [one["name"] for one in told["checks"]] == ["daemon", "store", "workers"]


async def test_the_gauges_are_those_of_the_moment(health, store, daemon):
    metrics.registry.clear()
    await wait_for_an_entry(store)
    daemon.stopping.set()
    await health.refresh()
    assert metrics.value("firsthand_queue", queue="entries") == 1
    assert metrics.value("firsthand_stored", what="feeds") == 1
    assert (metrics.value("firsthand_check_ok", check="store"), metrics.value("firsthand_check_ok", check="daemon")) == (1, 0)


async def test_a_daemon_at_work_says_when_it_was_last_looked_after_and_what_was_done():
    done = asyncio.Event()

    async def claim(limit):
        return [] if done.is_set() else [SimpleNamespace(id=1, token=1)]

    async def work(_item):
        done.set()

    daemon = RealDaemon(pipeline=None, store=None, clock=lambda: START)
    daemon.progress = {"judge": Progress(0.0, 0.0), "poll": Progress(0.0, 0.0)}
    await daemon._drain(Queue("judge", claim, work, width=1))
    assert daemon.progress["judge"].turned > 0
    assert daemon.progress["judge"].done > 0
    assert daemon.progress["poll"] == Progress(0.0, 0.0)


# --- status, from another process ---------------------------------------------------------------------------------

@pytest.fixture
async def served(health):
    """The address at which a daemon tells of itself; `served.answer` may be replaced."""
    async def readyz(_request):
        ok, told = await served.answer()
        return web.json_response(told, status=200 if ok else 503)

    application = web.Application()
    application.router.add_get("/readyz", readyz)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served = SimpleNamespace(answer=health.ready, listen=f"127.0.0.1:{runner.addresses[0][1]}")
    yield served
    await runner.cleanup()


def asked(settings, found):
    return asyncio.to_thread(lambda: asyncio.run(standing.of(settings, found)))


async def test_status_says_what_the_daemon_says_of_itself(served, store, daemon, tmp_path):
    daemon.progress["judge"].turned -= STUCK + 60
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.db'}", review=Review(listen=served.listen))
    counts, told = await asked(settings, Running(os.getpid(), START, None))
    assert (told["ok"], told["told_by"], told["unknown"]) == (False, "daemon", [])
    assert faults(told) == {"judge": "its keeper has stood still for 0:06:00"}
    assert counts["feeds"] == 0
    assert list(standing.lines(told)) == ["well         no", "  judge: its keeper has stood still for 0:06:00"]


@pytest.mark.parametrize("answer", [
    {"ok": True, "pid": 1, "checks": []}, ["another program"], {"ok": True, "pid": os.getpid()}, "nobody"], ids=["of another", "a list", "of this one, without checks", "a text"])
async def test_what_another_program_answers_is_not_believed(served, store, tmp_path, answer):
    async def another():
        return True, answer

    served.answer = another
    listen = "127.0.0.1:1" if answer == "nobody" else served.listen
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.db'}", review=Review(listen=listen))
    _, told = await asked(settings, Running(os.getpid(), START, None))
    assert (told["ok"], told["told_by"]) == (True, "status")
    assert told["unknown"] == ["loop", "workers", "poll", "collect", "judge", "push", "subscribe", "deliver"]
    assert list(standing.lines(told)) == ["well         yes", f"  not known from outside: {', '.join(told['unknown'])}"]


async def test_feeds_that_nobody_polls_are_seen_from_outside(store, tmp_path):
    await store.sync_feeds([(FeedConfig(url="http://daily.example/feed"), "Daily")], START)
    feed, = await store.claim_feeds(START, timedelta(minutes=1), 1)
    due = FeedState(last_poll=START, last_success=START, next_poll=START + timedelta(hours=1))
    await store.finish_poll(feed, due, [], START)
    settings = Settings(store=f"sqlite:///{tmp_path / 'store.db'}", review=Review(listen=None))
    _, told = await asked(settings, Running(os.getpid(), START, None))
    assert faults(told) == {"poll": "feeds have been due since 2026-03-02T07:00:00Z"}
    _, told = await asked(settings, None)
    assert faults(told) == {"daemon": "it does not run"}
