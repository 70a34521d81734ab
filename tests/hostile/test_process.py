"""The daemon as a process: signals at bad moments, workers without end or memory, no descriptors, nowhere to write."""

import asyncio
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from crawler import app, service
from crawler.adapters.pool import WorkerPool
from crawler.daemon import Timing
from crawler.ports import StoryQuery
from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Settings
from tests.hostile.workers import hoard

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
CLEAN = 10.0        # seconds a stop may take
AT_ONCE = 4.0       # seconds after a second signal, on a busy machine


# --- the press ----------------------------------------------------------------------------------------------------

class Press:
    """Every host behind one forward proxy: a feed of `entries` at /feed of each, a page at every other path."""

    def __init__(self):
        self.entries, self.asked = 2, []
        self.hold = asyncio.Event()
        self.hold.set()
        self.texts = {}
        self.etag = None

    async def __call__(self, request):
        if request.path == "/robots.txt":
            return web.Response(status=404)
        self.asked.append(f"{request.host}{request.path}")
        headers = {"ETag": self.etag} if self.etag else {}
        if request.path == "/feed":
            await self.hold.wait()
            links = [f"http://{request.host}/{n}" for n in range(self.entries)]
            items = "".join(f"<item><title>{link}</title><link>{link}</link><description>In short: {link}</description></item>"
                            for link in links)
            return web.Response(text=f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>",
                                content_type="application/rss+xml", headers=headers)
        text = self.texts.get(f"{request.host}{request.path}") or "".join(
            f"<p>At {request.path} of {request.host} keeper {n} lit lamp {n * 3} before dawn.</p>" for n in range(9))
        return web.Response(text=f"<html lang=en><head><title>{request.path}</title></head><body><article>{text}</article></body></html>",
                            content_type="text/html")


@pytest.fixture
async def press():
    press = Press()
    runner = web.ServerRunner(web.Server(press, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    press.proxy = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield press
    press.hold.set()
    await runner.cleanup()


# --- the process --------------------------------------------------------------------------------------------------

def configured(folder, press, feeds=1, more=""):
    config = folder / "firsthand.yaml"
    listed = "".join(f"  - {{url: 'http://press{n}.example/feed', every: 1h}}\n" for n in range(feeds))
    config.write_text(
        f"store: sqlite:///{folder / 'news.db'}\nstate_dir: {folder / 'state'}\ncontact: desk@news.internal\n"
        f"crawl: {{proxy: '{press.proxy}', per_host: {{concurrency: 4, delay: 0s}}}}\n"
        f"extract: {{workers: 1, timeout: 60s}}\n{more}feeds:\n{listed}")
    return config


async def started(config, *arguments, program=("-m", "crawler"), **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return await asyncio.create_subprocess_exec(
        sys.executable, *program, "-c", str(config), *arguments, cwd=ROOT, **options,
        env={**os.environ, "PYTHONPATH": str(ROOT), "SPINNING": str(config.with_name("spinning"))})


async def said(process, words):
    """Until the process has logged a line with these words."""
    async for line in process.stderr:
        if words in line:
            return
    pytest.fail(f"ended without saying {words!r}")


async def until(holds):
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


def family(pid):
    """The pids of a process's descendants."""
    found, ring = set(), [pid]
    while ring:
        children = set()
        for one in ring:
            with suppress(OSError):
                children |= {int(child) for task in Path(f"/proc/{one}/task").iterdir()
                             for child in (task / "children").read_text().split()}
        found |= children
        ring = children
    return found


@pytest.fixture
async def spinning(press, tmp_path):
    """A daemon with a worker in an endless page, and when it began to stop."""
    process = await started(configured(tmp_path, press), "run", program=("tests/hostile/spinning.py",))
    await until((tmp_path / "spinning").exists)
    one = SimpleNamespace(process=process, workers=family(process.pid), folder=tmp_path)
    assert one.workers
    yield one
    if process.returncode is None:
        process.kill()
        await process.communicate()


async def ended(process):
    began = time.monotonic()
    _, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return time.monotonic() - began


def alive(pids):
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def test_a_stop_while_a_worker_reads_without_end_is_clean_within_ten_seconds(spinning):
    spinning.process.terminate()
    assert await ended(spinning.process) <= CLEAN
    assert spinning.process.returncode == 0
    await until(lambda: not alive(spinning.workers))
    with sqlite3.connect(spinning.folder / "news.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = connection.execute("SELECT state, count(*) FROM sightings GROUP BY state").fetchall()
    assert states == [("waiting", 2)], "the page is to be asked for again"


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
async def test_a_second_signal_ends_it_at_once_without_a_word_of_python(spinning, number):
    spinning.process.send_signal(number)
    await said(spinning.process, b" stopping")
    spinning.process.send_signal(number)
    assert await ended(spinning.process) <= AT_ONCE
    assert spinning.process.returncode == 130
    await until(lambda: not alive(spinning.workers))


@pytest.mark.parametrize("ask", ["stop", "reload"])
async def test_a_signal_that_comes_while_the_daemon_starts_is_not_lost(press, tmp_path, monkeypatch, ask):
    settings = Settings(store=f"sqlite:///{tmp_path / 'news.db'}", state_dir=tmp_path, extract=Extract(workers=1), feeds=())
    process = service._Process(settings, lambda: settings)
    opened, starts = app.opened, []

    @asynccontextmanager
    async def slow(given):
        async with opened(given) as one:
            starts.append(given)
            if len(starts) == 1:
                getattr(process, ask)()
            yield one

    monkeypatch.setattr("crawler.service.app.opened", slow)
    async with asyncio.timeout(20):
        await process.run()
    assert (process.next is settings) is (ask == "reload")


def test_a_reload_after_a_stop_starts_nothing(tmp_path):
    settings = Settings(store=f"sqlite:///{tmp_path / 'news.db'}", state_dir=tmp_path)
    process = service._Process(settings, lambda: settings)
    process.stop()
    process.reload()
    assert process.next is None


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    """Workers that import what they need and no more: these tests start dozens."""
    monkeypatch.setattr("crawler.app.WorkerPool", partial(WorkerPool, preload=()))


# --- workers ------------------------------------------------------------------------------------------------------

@asynccontextmanager
async def crawling(press, folder, clock, feeds=1, **crawl):
    settings = Settings(
        store=f"sqlite:///{folder / 'news.db'}", state_dir=folder, extract=Extract(workers=1),
        feeds=tuple(FeedConfig(url=f"http://press{n}.example/feed", every=timedelta(hours=1)) for n in range(feeds)),
        crawl=Crawl(proxy=press.proxy, robots="ignore", per_host=PerHost(concurrency=4, delay=timedelta(0)), **crawl))
    async with app.opened(settings, clock) as opened:
        await opened.sync()
        yield opened


async def test_a_worker_out_of_memory_costs_one_page_and_the_feeds_words_are_kept(press, tmp_path, monkeypatch):
    monkeypatch.setattr("crawler.pages.intake.take_page", hoard)
    async with crawling(press, tmp_path, lambda: START) as opened:
        await opened.daemon.once()
        stored = [one.article async for one in opened.store.export(originals=False)]
    assert [(one.walls, one.text.startswith("In short")) for one in stored] == [(("memory",), True)] * 2


# --- nowhere to write, nothing to open ----------------------------------------------------------------------------

@pytest.mark.long
async def test_forty_feeds_with_sixty_four_descriptors_lose_nothing(press, tmp_path):
    press.entries = 1
    config = configured(tmp_path, press, feeds=40)
    few = await started(config, "run", "--once", "--all", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    _, err = await few.communicate()
    assert b"Traceback" not in err
    assert b"fault in the program" not in err
    assert b"work-failed" not in err
    first = stored(tmp_path)
    again = await started(config, "run", "--once", "--all")
    _, err = await again.communicate()
    assert again.returncode == 0, err.decode()
    assert stored(tmp_path) == {f"http://press{n}.example/0": 1 for n in range(40)}, first


def stored(folder):
    with sqlite3.connect(folder / "news.db") as connection:
        return Counter(address for (address,) in connection.execute("SELECT address FROM articles"))


async def test_a_daemon_whose_output_is_closed_works_on(press, tmp_path):
    config = configured(tmp_path, press)
    process = await started(config, "run", "--once", "--all", stdout=None, stderr=None,
                            preexec_fn=lambda: (os.close(1), os.close(2)))
    assert await process.wait() == 0
    assert sum(stored(tmp_path).values()) == 2


@pytest.mark.long
async def test_a_daemon_whose_reader_has_gone_works_on(press, tmp_path):
    config = configured(tmp_path, press)
    read, write = os.pipe()
    process = await started(config, "run", "--once", "--all", stdout=write, stderr=write)
    os.close(write)
    os.close(read)
    assert await process.wait() == 0
    assert sum(stored(tmp_path).values()) == 2


@pytest.mark.long
async def test_a_state_dir_that_vanishes_ends_nothing(press, tmp_path):
    process = await started(configured(tmp_path, press), "run", "--log-format", "json")
    await said(process, b'"running"')
    shutil.rmtree(tmp_path / "state")
    await until(lambda: len(press.asked) == 3)
    process.terminate()
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert all(json.loads(line) for line in err.splitlines())


# --- two daemons, and clocks --------------------------------------------------------------------------------------

class Clock:
    """The time, as whoever sets it says."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def test_a_daemon_that_wakes_after_its_lease_finds_its_poll_taken_over(press, tmp_path, clock, caplog):
    caplog.set_level("INFO", logger="crawler")
    async with crawling(press, tmp_path, clock) as late, crawling(press, tmp_path, clock) as other:
        press.etag = '"first"'
        press.hold.clear()
        frozen = asyncio.create_task(polls(late))
        await until(lambda: press.asked)
        clock.now += timedelta(hours=2)
        press.etag = '"second"'
        gate, press.hold = press.hold, asyncio.Event()
        press.hold.set()
        await polls(other)
        gate.set()
        await frozen
        (feed,) = await other.store.feeds()
    assert feed.state.etag == '"second"', "a late writer has written"
    assert len(windows(tmp_path)) == 2
    assert "lease-lost" in [record.getMessage() for record in caplog.records]


async def polls(opened):
    """What is due is asked, and nothing else done."""
    return await opened.daemon._drain(opened.daemon.queues()[0])


JUMPS = [pytest.param(timedelta(days=1), id="a day ahead", marks=pytest.mark.long),
         pytest.param(timedelta(days=-1), id="a day back"),
         pytest.param(timedelta(days=-3652), id="ten years back", marks=pytest.mark.long)]
LONGEST = timedelta(hours=28)       # `poll.max`, a day here, with the jitter of a back-off, and an hour between two looks


def windows(folder):
    with sqlite3.connect(folder / "news.db") as connection:
        return connection.execute("SELECT without, seen FROM sightings UNION ALL SELECT without, seen FROM articles").fetchall()


async def asked_again(press, clock, opened):
    """Look once an hour, until every feed has been asked; how long that took."""
    before, began = len(feeds_asked(press)), clock.now
    while len(feeds_asked(press)) == before:
        assert clock.now - began <= LONGEST, "a feed keeps silent"
        await opened.daemon.once()
        clock.now += timedelta(hours=1)
    return clock.now - began


def feeds_asked(press):
    return [one for one in press.asked if one.endswith("/feed")]


@pytest.mark.long
@pytest.mark.parametrize("jump", JUMPS)
async def test_a_clock_that_is_wrong_after_a_restart_silences_nobody_and_turns_no_window_round(press, tmp_path, clock, jump):
    async with crawling(press, tmp_path, clock) as opened:
        await opened.daemon.once()
        clock.now += timedelta(minutes=10)
        await opened.daemon.once()
    assert len(feeds_asked(press)) == 1, "asked too early"
    clock.now += jump
    press.entries = 4
    async with crawling(press, tmp_path, clock) as opened:
        await asked_again(press, clock, opened)
        clock.now -= jump               # somebody has noticed
        await opened.store.reset_clock(clock.now, timedelta(hours=24))
        press.entries = 6
        await asked_again(press, clock, opened)
    assert len(stored(tmp_path)) == 6
    assert [pair for pair in windows(tmp_path) if pair[0] is not None and pair[0] > pair[1]] == []


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_clock_that_jumps_under_the_daemon_is_said_and_silences_nobody(press, tmp_path, clock, jump, caplog):
    caplog.set_level("INFO", logger="crawler")
    async with crawling(press, tmp_path, clock, feeds=2) as opened:
        opened.daemon.timing = Timing(idle=timedelta(milliseconds=50))
        running = asyncio.create_task(opened.daemon.run())
        await until(lambda: sum(stored(tmp_path).values()) == 4)
        clock.now += jump
        await until(lambda: "clock-jumped" in [record.getMessage() for record in caplog.records])
        opened.daemon.stop()
        await running
        asked = Counter(feeds_asked(press))
        assert max(asked.values()) <= (2 if jump > timedelta(0) else 1), "a jump is no reason to ask again and again"
        opened.daemon.stopping.clear()
        await asked_again(press, clock, opened)
    assert [pair for pair in windows(tmp_path) if pair[0] is not None and pair[0] > pair[1]] == []


async def test_a_copy_that_a_clock_set_back_dates_before_its_original_is_not_said_to_be_the_original(press, tmp_path, clock):
    press.entries = 1
    press.texts = {f"press{n}.example/0": PIECE for n in (0, 1)}
    async with crawling(press, tmp_path, clock, feeds=2) as opened:
        first, second = await opened.store.feeds()
        await opened.daemon.once([first.id])
        clock.now -= timedelta(days=1)
        await opened.store.reset_clock(clock.now, timedelta(hours=24))
        await opened.store.make_due(None, clock.now)
        await opened.daemon.once([second.id])
        stories = await opened.store.stories(StoryQuery())
        seen = {one.article.url: one.article.first_seen async for one in opened.store.export(originals=False)}
    assert len(seen) == 2, seen
    assert not [one for one in stories if one.story.decided and "press1" in one.articles[0].url]


PIECE = "".join(f"<p>{line}</p>" for line in (
    "The ferry to the northern islands stays in port until Thursday, because a crack was found in its starboard shaft.",
    "Divers saw it on Sunday evening during a routine look at the propellers, said the harbour master of the town.",
    "A smaller boat takes patients and schoolchildren across twice a day; everybody else has to wait or take the plane.",
    "The shipping company expects the spare part on Wednesday from a yard in the south, and promised to pay for hotels."))
