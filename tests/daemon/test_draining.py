"""The queues over a real store: a pass ends, a stop is heard at once, nothing is asked for for ever."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from crawler import app
from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Settings

pytestmark = pytest.mark.usefixtures("lent_pool")

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
LINES = [
    "The ferry to the northern islands stays in port until Thursday, because a crack was found in its starboard shaft.",
    "Divers saw it on Sunday evening during a routine look at the propellers, said the harbour master of the town.",
    "A smaller boat takes patients and schoolchildren across twice a day; everybody else has to wait or take the plane.",
    "The shipping company expects the spare part on Wednesday from a yard in the south, and promised to pay for hotels.",
]


def feed(*links):
    items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in links)
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>".encode()


def page(extra=""):
    body = "".join(f"<p>{line}</p>" for line in LINES)
    return (f"<html lang=en><head><title>Ferry</title><meta property='og:type' content='article'></head>"
            f"<body><article><h1>Ferry</h1>{body}{extra}</article></body></html>").encode()


@pytest.fixture
async def press():
    """Every host behind one forward proxy: `press.answer(url)` gives (status, body), or an event to wait for first."""
    class Press:
        async def __call__(self, request):
            url = f"http://{request.host}{request.path_qs}"
            self.asked.append(url)
            status, body = await self.answer(url)
            kind = "application/rss+xml" if url.endswith("feed") else "text/html" if body.startswith(b"<") else "text/plain"
            return web.Response(status=status, body=body, headers={"Content-Type": kind})

    press = Press()
    press.asked = []
    runner = web.ServerRunner(web.Server(press, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    press.proxy = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield press
    await runner.cleanup()


@asynccontextmanager
async def crawl(press, folder, clock, *urls, concurrency=8):
    settings = Settings(
        store=f"sqlite:///{folder / 'firsthand.db'}", state_dir=folder, extract=Extract(workers=1),
        feeds=tuple(FeedConfig(url=url, every=timedelta(minutes=1)) for url in urls),
        crawl=Crawl(proxy=press.proxy, concurrency=concurrency, per_host=PerHost(concurrency=4, delay=timedelta(0)), robots="ignore"))
    async with app.opened(settings, clock) as opened:
        await opened.sync()
        yield opened


async def test_a_pass_ends_although_its_feeds_fall_due_again_meanwhile(press, tmp_path):
    now = [START]

    async def answer(url):
        now[0] += timedelta(minutes=30)
        assert len(press.asked) < 20, "the pass polls for ever"
        return 200, feed()

    press.answer = answer
    async with crawl(press, tmp_path, lambda: now[0], "http://a.example/feed", "http://b.example/feed",
                     concurrency=1) as opened:
        assert await opened.daemon.once() == 2
        now[0] += timedelta(hours=1)
        assert await opened.daemon.once() == 2


@pytest.mark.long
async def test_sites_that_name_each_other_are_not_followed_for_ever(press, tmp_path):
    async def answer(url):
        assert len(press.asked) < 20, "followed for ever"
        if url.endswith("feed"):
            return 200, feed("http://a.example/page/1")
        number, other = int(url.rsplit("/", 1)[1]), "b" if "a.example" in url else "a"
        return 200, page(f"<p>Source: <a href='http://{other}.example/page/{number + 1}'>Old Paper</a></p>")

    press.answer = answer
    async with crawl(press, tmp_path, lambda: START, "http://a.example/feed") as opened:
        await opened.daemon.once()
    assert press.asked == ["http://a.example/feed", "http://a.example/page/1", "http://b.example/page/2"]


@pytest.fixture
def stuck(press):
    """A press that says when it is first asked, and answers only when it is let go."""
    press.asked_once, press.leave = asyncio.Event(), asyncio.Event()

    async def answer(url):
        press.asked_once.set()
        await press.leave.wait()
        return 404, b""

    press.answer = answer
    return press


async def test_a_stop_is_heard_while_everything_in_flight_is_slow(stuck, tmp_path, monkeypatch):
    monkeypatch.setattr("crawler.daemon.GRACE", 0.01)
    async with crawl(stuck, tmp_path, lambda: START, "http://a.example/feed") as opened:
        task = asyncio.create_task(opened.daemon.run())
        await stuck.asked_once.wait()
        opened.daemon.stop()
        async with asyncio.timeout(5):
            await task
        stuck.leave.set()


async def test_a_second_signal_ends_what_is_in_flight(stuck, tmp_path):
    async with crawl(stuck, tmp_path, lambda: START, "http://a.example/feed") as opened:
        task = asyncio.create_task(opened.daemon.run())
        await stuck.asked_once.wait()
        async with asyncio.timeout(5):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        stuck.leave.set()


async def test_a_page_that_breaks_its_reader_is_given_up_in_the_end(press, tmp_path, monkeypatch):
    now = [START]

    async def answer(url):
        return (200, feed("http://a.example/1")) if url.endswith("feed") else (200, page())

    press.answer = answer
    async with crawl(press, tmp_path, lambda: now[0], "http://a.example/feed") as opened:
        monkeypatch.setattr("crawler.pages.intake.take_page", int)    # raises TypeError in the worker
        for _ in range(9):
            await opened.daemon.once()
            now[0] += timedelta(hours=12)
        assert len([url for url in press.asked if url.endswith("/1")]) == 6
        assert (await opened.store.backlog(now[0])).entries == 0


async def test_an_article_takes_no_more_ways_to_a_worker_than_it_has_to(press, tmp_path):
    async def answer(url):
        return (200, feed("http://a.example/1")) if url.endswith("feed") else (404, b"") if "robots" in url else (200, page())

    press.answer = answer
    async with crawl(press, tmp_path, lambda: START, "http://a.example/feed") as opened:
        await opened.daemon.once()
        assert [one.article.title async for one in opened.store.export(originals=False)] == ["Ferry"]
        assert opened.pool.asked == ["read", "take_page", "prepare"]
