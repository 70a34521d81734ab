"""Every entry that a feed lists ends in exactly one outcome: a mixed feed through real passes of the daemon."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import web

from crawler import accounts, app, meters, metrics
from crawler.adapters.store import SqlStore
from crawler.core import dates
from crawler.core.types import Origin, Page, Window
from crawler.errors import UnstorableError
from crawler.ports import Saved
from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Quota, Settings

pytestmark = pytest.mark.usefixtures("lent_pool")

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
TEXT = [
    "The bridge over the Orl is closed to lorries from Monday, since its bearings have to be changed one by one.",
    "Cars may cross it on a single lane, with lights at both ends, said the office that looks after the valley's roads.",
    "Farmers on the far bank fear that milk will come too late to the dairy; the council promises a second tanker.",
    "The work takes eleven weeks and costs less than had been set aside after last year's inspection of the piers.",
]


class Site:
    """A host behind a plain proxy: what each path answers, else 404."""

    def __init__(self):
        self.answers = {}

    async def __call__(self, request):
        status, body, kind = self.answers.get(request.path, (404, "", "text/html"))
        return web.Response(status=status, text=body, content_type=kind)

    def page(self, path, paragraphs, head=""):
        body = "".join(f"<p>{each}</p>" for each in paragraphs)
        text = (f"<html lang=en><head><title>On {path}</title><meta property='og:type' content='article'>{head}</head>"
                f"<body><article><h1>On {path}</h1>{body}</article></body></html>")
        self.answers[path] = (200, text, "text/html")

    def feed(self, path, *items):
        inside = "".join(f"<item>{item}</item>" for item in items)
        self.answers[path] = (200, f"<rss version='2.0'><channel><title>News</title>{inside}</channel></rss>", "application/rss+xml")


def item(path, title=None, *, guid=None, more=""):
    return (f"<title>{title or path}</title><link>http://daily.example{path}</link>"
            f"<guid>{guid or path}</guid>{more}")


@pytest.fixture(autouse=True)
def _fresh():
    metrics.registry.clear()
    yield
    metrics.registry.clear()


@pytest.fixture
async def site():
    site = Site()
    runner = web.ServerRunner(web.Server(site, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.proxy = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


@pytest.fixture
async def crawl(site, tmp_path):
    """The app over the site's feeds /feed, /other and /long; `crawl.now` is its clock, `crawl.again(hours)` a pass."""
    settings = Settings(
        store=f"sqlite:///{tmp_path / 'store.db'}", state_dir=tmp_path, extract=Extract(workers=1),
        feeds=(FeedConfig(url="http://daily.example/feed", drop=("/sport/",)), FeedConfig(url="http://daily.example/other"),
               FeedConfig(url="http://daily.example/long", keep=("nothing",))),
        crawl=Crawl(proxy=site.proxy, per_host=PerHost(concurrency=4, delay=timedelta(0)), quota=Quota(entries=9),
                    follow_attribution=False))
    now = [START]
    async with app.opened(settings, lambda: now[0]) as opened:
        await opened.sync()

        async def again(hours=0.0):
            now[0] += timedelta(hours=hours)
            await opened.store.make_due(None, now[0])
            await opened.daemon.once()

        crawl = type("Crawl", (), {"again": staticmethod(again), "store": opened.store, "clock": staticmethod(lambda: now[0])})
        yield crawl


def ended(meter="firsthand_entries_total"):
    """{outcome, or outcome and reason: how many} of what was counted."""
    found = {}
    for sample in [line for line in metrics.render().splitlines() if line.startswith(f"{meter}{{")]:
        labels = dict(part.split("=") for part in sample[len(meter) + 1:sample.index("}")].replace('"', "").split(","))
        if count := float(sample.rpartition(" ")[2]):
            found[" ".join(filter(None, (labels["outcome"], labels["reason"])))] = int(count)
    return found


async def waiting(crawl):
    """Everything that waits, whenever its time will come."""
    return (await crawl.store.backlog(crawl.clock() + timedelta(days=365))).entries


async def whole(crawl, listed):
    """The sum is the number of entries that were listed, less those that wait."""
    assert metrics.value("firsthand_entries_listed_total") == listed
    assert sum(ended().values()) + await waiting(crawl) == listed


def fill(site):
    site.answers["/robots.txt"] = (200, "User-agent: *\nDisallow: /secret", "text/plain")
    site.page("/bridge", TEXT)
    site.page("/bridge-2", TEXT, "<link rel=canonical href='http://daily.example/bridge'>")
    site.page("/paid", TEXT, '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}</script>')
    site.page("/short", ["Closed."])
    site.page("/ferry", [f"{each} So it was." for each in reversed(TEXT)])
    site.feed(
        "/feed", item("/bridge"), item("/bridge"), item("/bridge", guid="another"), item("/bridge-2"), item("/paid"), item("/short"),
        item("/sport/1"), item("/sport/2"), "<title>Without a link</title>", "", item("/gone"), item("/secret/plan"), item("/ferry"),
        item("/6"), item("/7"), item("/8"), item("/9"))
    site.feed("/other", item("/bridge", guid="theirs"))
    site.answers["/long"] = (200, json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Long", "items": [
        {"id": f"{n}", "url": f"http://daily.example/long/{n}"} for n in range(2003)]}), "application/json")


async def test_the_endings_of_a_mixed_feed_are_as_many_as_its_entries(site, crawl):
    fill(site)
    await crawl.again()
    await whole(crawl, 17 + 1 + 2003)
    first = ended()
    assert {name: count for name, count in first.items() if name not in ("stored", "duplicate_url")} == {
        "duplicate_key": 1, "known": 1, "filtered": 2 + 2000, "bad_link": 1, "empty": 1, "wall paywall": 1, "too_short": 1,
        "failed robots": 1, "over_quota": 3, "too_many": 3}
    # Which of two that arrive at once is the article, and which its double, is a matter of chance.
    assert (first["stored"], first["duplicate_url"]) == (2, 2)
    assert metrics.value("firsthand_page_retries_total", reason="http_4xx") == 2   # /gone and /6

    await crawl.again(2)
    await whole(crawl, (17 + 1 + 2003) + 17)      # two of the three documents are those of last time
    assert ended()["failed http_4xx"] == 2
    assert metrics.value("firsthand_polls_total", outcome="same", reason="") == 2


async def test_what_changes_ends_again(site, crawl):
    site.page("/bridge", TEXT)
    site.page("/ferry", [f"{each} So it was." for each in reversed(TEXT)])
    site.page("/tanker", [f"{each} A tanker was sent." for each in TEXT[:3]])
    site.feed("/feed", item("/bridge"), item("/ferry"), item("/tanker"))
    await crawl.again()
    site.page("/bridge", [*TEXT, "On Friday the work was put off by a week, since the bearings had not been delivered."])
    site.feed("/feed", item("/bridge", "Put off"), item("/ferry", "As it was"), item("/tanker"))
    site.feed("/other", item("/ferry", guid="theirs"))
    await crawl.again(2)
    await whole(crawl, 3 + 3 + 1)
    assert ended() == {"stored": 3, "revision": 1, "unchanged": 1, "known": 1, "duplicate_url": 1}


async def test_entries_that_the_database_refuses_have_failed(site, crawl, monkeypatch):
    site.page("/bridge", TEXT)
    site.feed("/feed", item("/bridge"), item("/sport/1"))
    stored = SqlStore.finish_poll

    async def refuse(self, feed, state, entries, now):
        if entries:
            raise UnstorableError("store: a value is larger than the database holds")
        return await stored(self, feed, state, entries, now)

    monkeypatch.setattr(SqlStore, "finish_poll", refuse)
    await crawl.again()
    await whole(crawl, 2)
    assert ended() == {"failed store": 1, "filtered": 1}
    assert ended("firsthand_polls_total")["failed store"] == 1


async def test_the_lag_is_that_of_new_entries_of_a_feed_that_was_polled_before(site, crawl):
    site.page("/ferry", TEXT)
    site.feed("/feed", item("/ferry", more="<pubDate>Mon, 02 Mar 2026 05:00:00 +0000</pubDate>"))
    await crawl.again()
    assert metrics.value("firsthand_publication_lag_seconds_count") == 0    # who knows how long it had stood there
    site.page("/bridge", [f"{each} So it was." for each in reversed(TEXT)])
    site.feed("/feed", item("/bridge", more="<pubDate>Mon, 02 Mar 2026 07:15:00 +0000</pubDate>"))
    await crawl.again(2)
    assert metrics.value("firsthand_publication_lag_seconds_count") == 1
    assert metrics.value("firsthand_publication_lag_seconds_sum") == 2700


@pytest.mark.parametrize(("stated", "lag"), [
    ("Mon, 02 Mar 2026 05:15:00 +0000", 2700), ("Mon, 02 Mar 2026 05:15:00", None), ("2026-03-02", None),
    ("Sat, 28 Feb 2026 05:15:00 +0000", None), ("Mon, 02 Mar 2026 06:30:00 +0000", None), ("soon", None),
])
def test_the_lag_is_from_a_time_that_can_be_believed(stated, lag):
    claim = dates.parse(stated, what="published", origin=Origin.FEED)
    page = Page("On the bridge", "It is closed.", "en", claims=(claim,))
    sighting = SimpleNamespace(purpose="entry", window=Window(START - timedelta(hours=1), START))
    accounts.saved(sighting, SimpleNamespace(page=page), Saved("a1", "new"))
    assert metrics.value("firsthand_publication_lag_seconds_count") == (lag is not None)
    assert metrics.value("firsthand_publication_lag_seconds_sum") == (lag or 0)


async def test_a_pass_is_measured(site, crawl):
    fill(site)
    await crawl.again()
    for name, labels in [
        ("firsthand_requests_total", {"kind": "page", "status": "4xx"}), ("firsthand_requests_total", {"kind": "feed", "status": "2xx"}),
        ("firsthand_request_seconds_count", {"kind": "feed"}), ("firsthand_request_wait_seconds_count", {"kind": "robots"}),
        ("firsthand_request_failures_total", {"kind": "page", "reason": "http_4xx"}),
        ("firsthand_response_bytes_total", {"kind": "page"}), ("firsthand_work_total", {"queue": "judge", "outcome": "done"}),
        ("firsthand_work_seconds_count", {"queue": "poll"}), ("firsthand_worker_task_seconds_count", {"task": "feed"}),
        ("firsthand_worker_task_seconds_count", {"task": "page"}), ("firsthand_worker_task_seconds_count", {"task": "prepare"}),
        ("firsthand_store_seconds_count", {"kind": "write"}), ("firsthand_judgements_total", {"outcome": "done"}),
    ]:
        assert metrics.value(name, **labels) > 0, (name, labels)
    assert metrics.value("firsthand_worker_task_seconds_count", task=meters.OTHER) == 0
