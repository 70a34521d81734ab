"""The crawl over a real store, fetcher and workers, against sites that behave badly: what must not be lost."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from crawler import app
from crawler.adapters.store import SqlStore
from crawler.errors import UnstorableError
from crawler.pipeline import CLAIMS
from crawler.ports import HostState
from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Quota, Settings

pytestmark = pytest.mark.usefixtures("lent_pool")

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
STORY = [
    "The ferry to the northern islands stays in port until Thursday, because a crack was found in its starboard shaft.",
    "Divers saw it on Sunday evening during a routine look at the propellers, said the harbour master of the town.",
    "A smaller boat takes patients and schoolchildren across twice a day; everybody else has to wait or take the plane.",
    "The shipping company expects the spare part on Wednesday from a yard in the south, and promised to pay for hotels.",
]


def page(paragraphs, title, extra=""):
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (f"<html lang=en><head><title>{title}</title><meta property='og:type' content='article'></head>"
            f"<body><article><h1>{title}</h1>{body}{extra}</article></body></html>").encode()


def feed(*links):
    items = "".join(f"<item><title>{link}</title><link>{link}</link><guid>{link}</guid></item>" for link in links)
    return f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>".encode()


class Hosts:
    """Every host of the test behind one plain forward proxy: `answers` maps a URL to (status, body); else 404."""

    def __init__(self):
        self.answers, self.asked, self.headers = {}, [], {}

    async def __call__(self, request):
        url = f"http://{request.host}{request.path_qs}" if request.method == "GET" else f"{request.method} {request.path_qs}"
        self.asked.append(url)
        status, body = self.answers.get(url, (404, b""))
        kind = "application/rss+xml" if url.endswith("feed") else "text/html" if body.startswith(b"<") else "text/plain"
        return web.Response(status=status, body=body, headers={"Content-Type": kind, **self.headers.get(url, {})})


@pytest.fixture
async def hosts():
    hosts = Hosts()
    runner = web.ServerRunner(web.Server(hosts, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hosts.proxy = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield hosts
    await runner.cleanup()


@pytest.fixture
def crawl(hosts, tmp_path):
    """`async with crawl(feed URL…) as opened`: the app over `hosts`, with a clock that stands until it is set."""
    @asynccontextmanager
    async def start(*feeds, **more):
        crawl.now = START
        settings = Settings(
            store=f"sqlite:///{tmp_path / 'firsthand.db'}", state_dir=tmp_path, feeds=tuple(FeedConfig(url=url) for url in feeds),
            extract=Extract(workers=1), crawl=Crawl(proxy=hosts.proxy, per_host=PerHost(concurrency=4, delay=timedelta(0)), **more))
        async with app.opened(settings, lambda: crawl.now) as opened:
            await opened.sync()
            yield opened

    crawl = start
    return start


@pytest.mark.parametrize("trouble", [(503, b""), (500, b"oops")])
async def test_articles_wait_for_a_robots_txt_that_cannot_be_had(hosts, crawl, trouble):
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/ferry")),
                      "http://daily.example/robots.txt": trouble, "http://daily.example/ferry": (200, page(STORY, "No ferry"))}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
        assert "http://daily.example/ferry" not in hosts.asked
        hosts.answers["http://daily.example/robots.txt"] = (404, b"")
        crawl.now = START + timedelta(hours=1)
        await opened.daemon.once()
        assert "http://daily.example/ferry" in hosts.asked
        assert (await opened.store.counts(crawl.now)).articles == 1


async def test_many_pages_of_a_host_ask_for_its_robots_txt_once(hosts, crawl):
    links = [f"http://daily.example/{number}" for number in range(6)]
    hosts.answers |= {"http://daily.example/feed": (200, feed(*links)), **{link: (200, page(STORY, link)) for link in links}}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
    assert set(links) <= set(hosts.asked)
    assert hosts.asked.count("http://daily.example/robots.txt") == 1


ASKS_FOR_QUIET = {"a feed": "http://daily.example/other", "a page": "http://daily.example/0",
                  "robots.txt": "http://daily.example/robots.txt"}


@pytest.mark.parametrize("where", ASKS_FOR_QUIET)
async def test_a_host_is_left_alone_for_as_long_as_was_asked_by(hosts, crawl, monkeypatch, where):
    # The host is to count as public, which the address of the proxy is not.
    monkeypatch.setattr("crawler.adapters.http.HttpFetcher._is_private", lambda *_: False)
    busy = ASKS_FOR_QUIET[where]
    feeds, links = ["http://daily.example/feed", "http://daily.example/other"], [f"http://daily.example/{n}" for n in range(3)]
    hosts.answers |= {feeds[0]: (200, feed(links[0])), feeds[1]: (200, feed()),
                      **{link: (200, page(STORY, link)) for link in links}}
    async with crawl(*feeds) as opened:
        hosts.answers[busy], hosts.headers[busy] = (503, b""), {"Retry-After": "7200"}
        await opened.daemon.once()
        assert busy in hosts.asked
        hosts.asked.clear()
        hosts.answers |= {feeds[0]: (200, feed(*links)), busy: (200, b"") if busy.endswith("txt") else (200, page(STORY, busy))}
        for minutes in (15, 90, 119):
            crawl.now = START + timedelta(minutes=minutes)
            await opened.daemon.once()
            assert hosts.asked == []
        crawl.now = START + timedelta(hours=30)
        await opened.daemon.once()
        await opened.daemon.once()
        assert {*feeds, *links} <= set(hosts.asked)


async def test_a_page_that_robots_txt_forbids_is_given_up(hosts, crawl):
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/ferry")),
                      "http://daily.example/robots.txt": (200, b"User-agent: *\nDisallow: /"),
                      "http://daily.example/ferry": (200, page(STORY, "No ferry"))}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
        crawl.now = START + timedelta(days=3)
        await opened.daemon.once()
        assert "http://daily.example/ferry" not in hosts.asked


async def test_a_host_that_asks_for_hours_between_two_pages_is_left_alone(hosts, crawl):
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/ferry")),
                      "http://daily.example/robots.txt": (200, b"User-agent: *\nCrawl-delay: 7200"),
                      "http://daily.example/ferry": (200, page(STORY, "No ferry"))}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
        assert "http://daily.example/ferry" not in hosts.asked


async def test_an_entry_that_a_pattern_keeps_out_is_named(hosts, crawl, caplog):
    hosts.answers["http://daily.example/feed"] = (200, feed("http://daily.example/sport/1", "http://daily.example/ferry"))
    async with crawl("http://daily.example/feed") as opened:
        (known,) = opened.settings.feeds
        await opened.store.sync_feeds([(known.model_copy(update={"drop": ("/sport/",)}), "Daily")], START)
        with caplog.at_level("DEBUG", logger="crawler"):
            await opened.daemon.once()
    (said,) = [record for record in caplog.records if record.message.startswith("entry-dropped")]
    assert said.levelname == "DEBUG"
    assert said.fields["detail"] == "http://daily.example/sport/1"
    assert "http://daily.example/sport/1" not in hosts.asked


async def test_only_the_feeds_that_are_asked_for_are_polled(hosts, crawl):
    hosts.answers |= {"http://daily.example/feed": (200, feed()), "http://post.example/feed": (200, feed())}
    async with crawl("http://daily.example/feed", "http://post.example/feed") as opened:
        daily = (await opened.store.feeds())[0]
        await opened.poll([daily.id])
    assert hosts.asked == ["http://daily.example/feed"]


async def test_a_source_page_is_asked_for_at_the_address_that_names_it(hosts, crawl):
    source = "http://www.old-paper.example/ferry/?id=7"
    label = f"<p>Source: <a href='{source}&utm_source=x'>Old Paper</a></p>"
    hosts.answers |= {"http://relay.example/feed": (200, feed("http://relay.example/1")),
                      "http://relay.example/1": (200, page(STORY, "Ferry stays in port", label)),
                      source: (200, page(STORY, "No ferry until Thursday"))}
    async with crawl("http://relay.example/feed") as opened:
        await opened.daemon.once()
        assert source in hosts.asked
        assert not [asked for asked in hosts.asked if asked.startswith("CONNECT")]
        counts = await opened.store.counts(crawl.now)
        assert (counts.articles, counts.stories, counts.copies) == (2, 1, 1)


@pytest.mark.long
async def test_an_entry_that_was_left_for_the_next_day_is_not_said_to_have_been_absent(hosts, crawl):
    links = [f"http://daily.example/{n}" for n in range(6)]
    hosts.answers |= {"http://daily.example/feed": (200, feed(*links[:2])),
                      **{link: (200, page(STORY, link)) for link in links}}
    async with crawl("http://daily.example/feed", quota=Quota(entries=4)) as opened:
        await opened.daemon.once()
        whole = crawl.now
        crawl.now += timedelta(hours=2)
        hosts.answers["http://daily.example/feed"] = (200, feed(*links))
        await opened.daemon.once()
        (state,) = [one.state for one in await opened.store.feeds()]
        assert (state.reason, state.failures) == ("quota", 0.0)
        crawl.now += timedelta(days=1)
        await opened.daemon.once()
        assert [one.state.reason for one in await opened.store.feeds()] == [None]
        windows = {stored.article.url: stored.article.window async for stored in opened.store.export(originals=False)}
    assert [windows[link].without for link in links[2:]] == [whole] * 4
    assert windows[links[4]].seen == windows[links[5]].seen > windows[links[3]].seen


async def test_a_host_that_redirects_has_asked_for_no_quiet(hosts, crawl, monkeypatch):
    """Else anybody could silence a host that redirects to whatever address is named to it."""
    monkeypatch.setattr("crawler.adapters.http.HttpFetcher._is_private", lambda *_: False)
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://portal.example/go")),
                      "http://portal.example/go": (302, b""), "http://busy.example/": (429, b"")}
    hosts.headers |= {"http://portal.example/go": {"Location": "http://busy.example/"},
                      "http://busy.example/": {"Retry-After": "999999"}}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
        pauses = {host: (await opened.store.host(host)).pause_until for host in ("portal.example", "busy.example")}
    assert pauses["portal.example"] is None
    assert pauses["busy.example"] is not None


async def test_what_never_comes_to_an_end_is_given_up(hosts, crawl):
    """A page that takes whoever reads it along, each time."""
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/1"))}
    async with crawl("http://daily.example/feed") as opened:
        (claimed,) = await opened.store.claim_feeds(START, timedelta(minutes=1), 1)
        await opened.pipeline.poll(claimed)
        for minute in range(CLAIMS + 1):
            await opened.store.claim_sightings(START + timedelta(minutes=minute), timedelta(minutes=1), 1)
        crawl.now = START + timedelta(days=1)
        await opened.daemon.once([])
        assert "http://daily.example/1" not in hosts.asked
        assert (await opened.store.backlog(crawl.now + timedelta(days=30))).entries == 0


@pytest.mark.long
async def test_pages_beyond_the_quota_of_a_host_wait_for_the_next_day_and_hold_up_no_other(hosts, crawl):
    links = [f"http://daily.example/{n}" for n in range(5)] + ["http://other.example/1"]
    hosts.answers |= {"http://daily.example/feed": (200, feed(*links)), **{link: (200, page(STORY, link)) for link in links}}
    async with crawl("http://daily.example/feed", quota=Quota(pages=2), robots="ignore") as opened:
        await opened.daemon.once()
        assert len([link for link in links if link in hosts.asked]) == 3
        assert links[-1] in hosts.asked
        assert (await opened.store.backlog(crawl.now)).entries == 0
        crawl.now = START.replace(hour=0) + timedelta(days=3)
        await opened.daemon.once()
        assert len([link for link in links if link in hosts.asked]) == 5


async def test_a_robots_txt_from_a_clock_that_was_ahead_is_asked_for_again(hosts, crawl):
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/1")),
                      "http://daily.example/robots.txt": (200, b"User-agent: *\nDisallow:"),
                      "http://daily.example/1": (200, page(STORY, "One"))}
    async with crawl("http://daily.example/feed") as opened:
        ahead = START + timedelta(days=365)
        await opened.store.save_robots(HostState("daily.example", robots=b"", robots_status=0, robots_at=ahead))
        await opened.daemon.once()
        assert "http://daily.example/1" in hosts.asked


async def test_what_the_database_refuses_is_the_failure_of_one_feed_and_said_once(hosts, crawl, monkeypatch, caplog):
    hosts.answers |= {"http://daily.example/feed": (200, feed("http://daily.example/1"))}
    finish = SqlStore.finish_poll

    async def refuse(self, feed, state, entries, now):
        if entries:
            raise UnstorableError("a value is larger than the database holds")
        return await finish(self, feed, state, entries, now)

    monkeypatch.setattr(SqlStore, "finish_poll", refuse)
    async with crawl("http://daily.example/feed") as opened:
        with caplog.at_level("INFO", "crawler"):
            await opened.daemon.once()
        (state,) = [one.state for one in await opened.store.feeds()]
    assert (state.reason, state.last_success) == ("store", None)
    assert [record.getMessage() for record in caplog.records] == ["feed-failed"]


async def test_a_page_is_kept_under_the_address_that_answered(hosts, crawl):
    entry, answered = "http://ann:secret@www.daily.example/ferry?utm_source=feed", "http://www.daily.example/ferry.html"
    hosts.answers |= {"http://daily.example/feed": (200, feed(entry.replace("&", "&amp;"))),
                      "http://www.daily.example/ferry?utm_source=feed": (302, b""), answered: (200, page(STORY, "No ferry"))}
    hosts.headers["http://www.daily.example/ferry?utm_source=feed"] = {"Location": "/ferry.html"}
    async with crawl("http://daily.example/feed") as opened:
        await opened.daemon.once()
        id_ = await opened.store.article_at("https://daily.example/ferry")
        assert [one.url for one in await opened.store.pages(id_)] == [answered]
