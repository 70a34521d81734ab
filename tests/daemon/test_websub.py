"""WebSub, from a feed that names a hub through a real daemon to articles, with a hub on loopback that does as the tests say."""

import asyncio
import hmac
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web

from crawler import app, metrics
from crawler.core.schedule.push import SLOW
from crawler.ports import HubSaid
from crawler.settings import Crawl, Extract, FeedConfig, MaxBytes, PerHost, Quota, Settings
from crawler.web.websub import Callback, routes

pytestmark = pytest.mark.usefixtures("lent_pool", "lent_store")

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMIT = 200_000


def document(*names, hub=None, topic=None):
    """A feed of these entries, which may name a hub and itself."""
    links = "".join(f'<link xmlns="http://www.w3.org/2005/Atom" rel="{rel}" href="{url}"/>' for rel, url in (
        ("hub", hub), ("self", topic)) if url)
    items = "".join(f"<item><title>{name}</title><link>http://127.0.0.1:1/{name}</link><guid>{name}</guid></item>" for name in names)
    return f"<rss version='2.0'><channel><title>News</title>{links}{items}</channel></rss>".encode()


async def serve(handler):
    runner = web.ServerRunner(web.Server(handler, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


class Hub:
    """A publisher and its hub: serves `feed`, answers subscription requests by `answers` (else 202), keeps what it was
    asked, and talks back when a test says so."""

    def __init__(self):
        self.entries, self.headers, self.answers, self.asked, self.polls = [], {}, [], [], 0
        self.named = True

    async def start(self):
        self.runner, self.url = await serve(self.handle)
        self.hub, self.topic = f"{self.url}/hub", f"{self.url}/feed"
        self.session = aiohttp.ClientSession()

    async def stop(self):
        await self.session.close()
        await self.runner.cleanup()

    async def handle(self, request):
        if request.method == "GET":
            self.polls += request.path == "/feed"
            named = {"hub": self.hub, "topic": self.topic} if self.named else {}
            return web.Response(body=document(*self.entries, **named), content_type="application/rss+xml", headers=self.headers)
        self.asked.append((request.path, dict(await request.post())))
        answer = self.answers.pop(0) if self.answers else 202
        if callable(answer):
            answer = await answer(self)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.Response(status=status, headers=headers, text="y" * 5000)

    @property
    def last(self):
        return self.asked[-1][1]

    async def say(self, mode, callback=None, **more):
        """A GET at the callback; (status, body)."""
        query = {"hub.mode": mode, "hub.topic": self.last["hub.topic"], "hub.challenge": "c-h.a_l~l&<b>e",
                 "hub.lease_seconds": "864000", **{name.replace("_", ".", 1): value for name, value in more.items()}}
        query = {name: value for name, value in query.items() if value is not None}
        async with self.session.get(callback or self.last["hub.callback"], params=query) as answer:
            return answer.status, await answer.text()

    async def push(self, *names, body=None, secret=None, method="sha256", callback=None, **headers):
        """Distribute a document of these entries; the status of the answer."""
        body = document(*names) if body is None else body
        key = (secret or self.last.get("hub.secret") or "").encode()
        given = {"Content-Type": "application/rss+xml", "X-Hub-Signature": f"{method}={hmac.new(key, body, method).hexdigest()}",
                 "Link": f'<{self.hub}>; rel="hub", <{self.topic}>; rel="self"', **{n.replace("_", "-"): v for n, v in headers.items()}}
        async with self.session.post(callback or self.last["hub.callback"], data=body, headers={
                name: value for name, value in given.items() if value is not None}) as answer:
            return answer.status


@pytest.fixture
async def hub():
    hub = Hub()
    await hub.start()
    yield hub
    await hub.stop()


class Desk:
    """The app with its callback served on loopback, and a clock that stands until it is set."""

    def __init__(self, place, hub):
        self.place, self.hub, self.now, self.log = place, hub, START, []
        self.seconds = 5.0

    @asynccontextmanager
    async def open(self, *feeds, public=True, base=None, **crawl):
        place = socket.create_server(("127.0.0.1", 0))
        self.url = base or f"http://127.0.0.1:{place.getsockname()[1]}"
        self.site = web.Application()
        runner = web.AppRunner(self.site, access_log=None, shutdown_timeout=1)
        settings = Settings(
            store=f"sqlite:///{self.place / 'firsthand.db'}", state_dir=self.place, extract=Extract(workers=1),
            feeds=tuple(FeedConfig(url=one) for one in feeds or (self.hub.topic,)),
            review={"public_url": self.url if public else None},
            crawl=Crawl(per_host=PerHost(concurrency=4, delay=timedelta(0)), robots="ignore", **{
                "private_networks": (ip_network("127.0.0.0/8"),), "max_bytes": MaxBytes(feed=LIMIT), **crawl}))
        try:
            async with app.opened(settings, lambda: self.now) as opened:
                await opened.sync()
                self.callback = Callback(opened.store, lambda: self.now, LIMIT, lambda: opened.daemon.wake("push"), self.seconds)
                self.site.add_routes(routes(self.callback))
                await runner.setup()
                await web.SockSite(runner, place).start()
                self.opened, self.store = opened, opened.store
                yield self
        finally:
            await runner.cleanup()
            place.close()

    async def poll(self, later=timedelta(0)):
        """One pass of what is due, after a while."""
        self.now += later
        await self.opened.daemon.once()

    async def ask(self, later=timedelta(0)):
        """Ask the hubs that are to be asked."""
        self.now += later
        *_, subscribe, _ = self.opened.daemon.outward_queues()
        return await self.opened.daemon._drain(subscribe)

    async def join(self):
        """Polled, subscribed, verified."""
        await self.poll()
        await self.ask()
        assert (await self.hub.say("subscribe"))[0] == 200
        return self

    async def seen(self):
        """Entry -> its window."""
        found = {}
        for waiting in await self.store.claim_sightings(self.now + DAY, DAY, 99):
            found[waiting.entry.key] = (waiting.window.without, waiting.window.seen)
        return found

    async def feed(self):
        return (await self.store.feeds())[0]


@pytest.fixture
def desk(tmp_path, hub):
    return Desk(tmp_path, hub)


def counted(outcome):
    return metrics.value("firsthand_websub_pushes_total", outcome=outcome)


# --- subscribing ----------------------------------------------------------------------------------------------------


async def test_a_feed_that_names_a_hub_is_subscribed_verified_and_read_as_it_is_pushed(desk, hub):
    async with desk.open():
        await desk.poll()
        await desk.ask()
        ((path, form),) = hub.asked
        assert path == "/hub"
        assert (form["hub.mode"], form["hub.topic"], form["hub.lease_seconds"]) == ("subscribe", hub.topic, "864000")
        assert form["hub.callback"].startswith(f"{desk.url}/websub/")
        assert await hub.say("subscribe") == (200, "c-h.a_l~l&<b>e")
        polled, desk.now = desk.now, desk.now + 10 * MINUTE
        assert await hub.push("ferry") == 202
        assert hub.polls == 1
        await desk.poll()
        assert hub.polls == 1
        assert metrics.value("firsthand_websub_pushes_total", outcome="read") > 0
        state = (await desk.feed()).state
        assert state.last_success == polled
        failed = await desk.store.claim_sightings(desk.now + DAY, DAY, 9)   # its page is at a port where nobody is
        assert [(one.entry.key, one.window.without, one.window.seen) for one in failed] == [("ferry", polled, desk.now)]


@pytest.mark.long
async def test_without_a_public_address_nobody_is_asked(desk, hub):
    async with desk.open(public=False):
        await desk.poll()
        assert await desk.ask() == 0
        assert hub.asked == []


async def test_a_hub_that_only_the_headers_name(desk, hub):
    hub.named, hub.headers = False, {"Link": "</other>; rel=hub, </topic>; rel=self"}
    async with desk.open():
        await desk.poll()
        await desk.ask()
    assert [(path, form["hub.topic"]) for path, form in hub.asked] == [("/other", f"{hub.url}/topic")]


async def test_a_hub_at_a_private_address_is_not_asked(desk, hub, monkeypatch):
    async with desk.open():
        await desk.poll()
        guard = desk.opened.fetcher._guard
        monkeypatch.setattr(guard, "_networks", ())
        await desk.ask()
        assert hub.asked == []
        (one,) = await desk.store.claim_subscriptions(desk.now + DAY, HOUR, 9)
        assert one.error.startswith("private: 127.0.0.1 is not a public address")


async def test_a_hub_that_sends_us_to_a_private_address_is_not_followed(desk, hub):
    hub.answers = [(307, {"Location": hub.hub.replace("127.0.0.1", "127.0.0.2")})]
    async with desk.open(private_networks=(ip_network("127.0.0.1/32"),)):
        await desk.poll()
        await desk.ask()
        assert len(hub.asked) == 1
        (one,) = await desk.store.claim_subscriptions(desk.now + DAY, HOUR, 9)
        assert one.error.startswith("private: 127.0.0.2 is not a public address")


@pytest.mark.parametrize(("status", "follows"), [
    (307, True), (302, False), *(pytest.param(*one, marks=pytest.mark.long) for one in ((308, True), (301, False), (303, False)))])
async def test_a_hub_that_sends_us_elsewhere(desk, hub, status, follows):
    hub.answers = [(status, {"Location": "/elsewhere"})]
    async with desk.open():
        await desk.poll()
        await desk.ask()
        assert [path for path, _ in hub.asked] == (["/hub", "/elsewhere"] if follows else ["/hub"])
        if follows:
            assert hub.asked[0][1] == hub.asked[1][1]
        assert (await hub.say("subscribe"))[0] == 200


async def test_a_hub_that_verifies_before_it_answers(desk, hub):
    async def at_once(hub):
        assert (await hub.say("subscribe"))[0] == 200
        return 202

    hub.answers = [at_once]
    async with desk.open():
        await desk.poll()
        await desk.ask()
        assert await desk.ask(2 * HOUR) == 0
        assert len(hub.asked) == 1


@pytest.mark.parametrize(("answer", "least", "most"), [
    (500, 10 * MINUTE, 13 * MINUTE), pytest.param(404, 10 * MINUTE, 13 * MINUTE, marks=pytest.mark.long), ((503, {"Retry-After": "7200"}), 2 * HOUR, 2 * HOUR)],
    ids=["fails", "refuses", "asks for two hours"])
async def test_a_hub_is_asked_again_that(desk, hub, answer, least, most):
    hub.answers = [answer]
    async with desk.open():
        await desk.poll()
        await desk.ask()
        assert await desk.ask(least - MINUTE / 2) == 0
        assert await desk.ask(most - least + MINUTE) == 1
        assert hub.asked[0] == hub.asked[1]


async def test_a_lease_is_renewed_before_it_ends(desk, hub):
    async with desk.open():
        await desk.join()
        assert await desk.ask(6 * DAY) == 0
        assert await desk.ask(DAY) == 1
        assert hub.asked[0] == hub.asked[1]
        assert (await hub.say("subscribe"))[0] == 200
        assert await desk.ask(6 * DAY) == 0


async def test_a_feed_is_polled_slowly_while_its_hub_is_bound_and_as_usual_when_it_is_not(desk, hub):
    hub.headers = {"ETag": '"1"', "Cache-Control": "max-age=600"}
    async with desk.open():
        await desk.join()
        await desk.poll(HOUR)
        assert hub.polls == 2
        assert (await desk.feed()).state.interval == SLOW
        await desk.poll(SLOW - 5 * MINUTE)
        assert hub.polls == 2
        await desk.poll(30 * MINUTE)
        assert hub.polls == 3
        hub.entries = ["never pushed"]
        hub.headers |= {"ETag": '"2"'}
        await desk.poll(SLOW + HOUR)
        assert (await desk.feed()).state.interval < SLOW
        desk.now += MINUTE
        await hub.push("ferry")
        await desk.poll()
        await desk.poll(3 * HOUR)
        assert (await desk.feed()).state.interval == SLOW
        await desk.poll(11 * DAY)
        assert (await desk.feed()).state.interval < SLOW


@pytest.mark.parametrize("how", ["the feed is removed", *(pytest.param(one, marks=pytest.mark.long) for one in (
    "our address changes", "the feed names no hub"))])
async def test_it_is_left_when(desk, hub, how):
    async with desk.open():
        await desk.join()
        joined = hub.last
    base = "http://127.0.0.1:2" if "address" in how else desk.url
    hub.named = "names no" not in how
    async with desk.open("http://127.0.0.1:1/other" if "removed" in how else hub.topic, base=base):
        desk.now += 4 * HOUR
        await desk.poll()
        await desk.ask()
        left = [form for _, form in hub.asked if form["hub.mode"] == "unsubscribe"]
        assert left == [{"hub.callback": joined["hub.callback"], "hub.mode": "unsubscribe", "hub.topic": hub.topic}]
        path = joined["hub.callback"].rpartition("/")[2]
        assert await desk.store.hear_hub(path, HubSaid("unsubscribe", hub.topic), desk.now)
        assert await desk.store.subscription(path) is None


# --- what a hub may ask ---------------------------------------------------------------------------------------------


WRONG = (
    {"hub_topic": "http://other.example/"}, {"hub_topic": None}, {"hub_challenge": None}, {"hub_challenge": ""},
    {"hub_challenge": "x" * 2000}, {"hub_lease_seconds": "0"}, {"hub_lease_seconds": "soon"},
    {"hub_lease_seconds": "-5"}, {"hub_mode": "unsubscribe"}, {"hub_mode": "publish"}, {"hub_mode": None},
)


async def test_nothing_is_confirmed_that_was_not_asked_like_this(desk, hub):
    async with desk.open():
        await desk.poll()
        await desk.ask()
        for wrong in WRONG:
            assert await hub.say("subscribe", **wrong) == (404, ""), wrong
        assert (await desk.store.subscription(hub.last["hub.callback"].rpartition("/")[2])).since is None


@pytest.mark.long
async def test_a_hub_that_names_no_lease_is_believed_for_a_day(desk, hub):
    async with desk.open():
        await desk.poll()
        await desk.ask()
        assert (await hub.say("subscribe", hub_lease_seconds=None))[0] == 200
        found = await desk.store.subscription(hub.last["hub.callback"].rpartition("/")[2])
        assert found.until == desk.now + DAY


async def test_a_stranger_learns_nothing_and_nothing_of_him_comes_back(desk, hub):
    async with desk.open():
        await desk.poll()
        await desk.ask()
        for path in ("x" * 43, "x", "%3Cscript%3E", hub.last["hub.callback"].rpartition("/")[2] + "x"):
            assert await hub.say("subscribe", f"{desk.url}/websub/{path}") == (404, "")
            assert await hub.push("a", callback=f"{desk.url}/websub/{path}") == 410
        twice = f"{hub.last['hub.callback']}?hub.mode=subscribe&hub.topic=a&hub.topic={hub.topic}&hub.challenge=c&hub.lease_seconds=9"
        async with hub.session.get(twice) as answer:
            assert answer.status == 404
        async with hub.session.head(hub.last["hub.callback"]) as answer:
            assert answer.status == 405
        query = {"hub.mode": "subscribe", "hub.topic": hub.topic, "hub.challenge": "<script>", "hub.lease_seconds": "99"}
        async with hub.session.get(hub.last["hub.callback"], params=query) as answer:
            assert await answer.text() == "<script>"
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_hub_that_denies_is_asked_again_in_a_week(desk, hub):
    async with desk.open():
        await desk.join()
        assert await hub.say("denied", hub_reason="no\nmore") == (200, "")
        assert await hub.push("ferry") == 410
        assert await desk.ask(6 * DAY) == 0
        assert await desk.ask(DAY) == 1


# --- what a hub may send --------------------------------------------------------------------------------------------


async def test_a_document_may_be_signed_by_each_method_of_the_specification(desk, hub):
    methods = ("sha1", "sha256", "sha384", "sha512")
    async with desk.open():
        await desk.join()
        assert [await hub.push(method, method=method) for method in methods] == [202] * 4
        await desk.poll()
        assert set(await desk.seen()) == set(methods)


NOT_ITS_OWN = (     # what is sent with it, and how it is counted
    ({"secret": "guessed"}, "forged"), ({"X_Hub_Signature": None}, "unsigned"), ({"X_Hub_Signature": "sha256=00"}, "forged"),
    ({"X_Hub_Signature": "md5=d41d8cd98f00b204e9800998ecf8427e"}, "forged"),
    ({"Link": "<http://other.example/feed>; rel=self"}, "foreign"),
)


async def test_what_is_not_the_hubs_own_is_taken_and_thrown_away(desk, hub):
    async with desk.open():
        await desk.join()
        for sent, outcome in NOT_ITS_OWN:
            before = counted(outcome)
            assert await hub.push("ferry", **sent) == 202, sent
            assert counted(outcome) == before + 1, sent
        await desk.poll()
        assert await desk.seen() == {}


async def endless():
    for _ in range(200 * 16):
        yield b"x" * 65536


async def slow():
    yield b"<rss"
    await asyncio.Event().wait()


async def test_a_body_of_200_mb_is_refused_before_it_is_read(desk, hub):
    async with desk.open():
        await desk.join()
        for headers in ({"Content-Length": str(200 * 1024**2)}, {}):
            taken = counted("too_large")
            try:
                async with hub.session.post(hub.last["hub.callback"], data=endless(), headers=headers) as answer:
                    assert answer.status == 413
            except aiohttp.ClientError:
                pass    # it was still sending
            assert counted("too_large") == taken + 1
        assert desk.callback.held == 0


async def test_a_body_that_never_ends_is_left(desk, hub):
    desk.seconds = 0.1
    async with desk.open():
        await desk.join()
        try:
            async with hub.session.post(hub.last["hub.callback"], data=slow()) as answer:
                assert answer.status == 408
        except aiohttp.ClientError:
            pass
        assert counted("slow") >= 1
        assert (desk.callback.held, desk.callback.busy) == (0, set())
        assert await hub.push("ferry") == 202


@pytest.mark.long
async def test_one_document_of_a_hub_comes_at_a_time(desk, hub):
    async with desk.open():
        await desk.join()
        desk.callback.busy.add(hub.last["hub.callback"].rpartition("/")[2])
        assert await hub.push("ferry") == 503


async def test_the_memory_for_all_of_them_together_is_bounded(desk, hub):
    async with desk.open():
        await desk.join()
        desk.callback.held = 4 * LIMIT
        assert await hub.push("ferry") == 503


@pytest.mark.long
async def test_what_is_packed_is_refused(desk, hub):
    async with desk.open():
        await desk.join()
        assert await hub.push("ferry", Content_Encoding="gzip", body=b"\x1f\x8b\x08") in (400, 415)


NO_FEEDS = (b"<!doctype html><title>x</title><p>hi</p>", b"", b"<rss><channel><item><tit", b"\x00" * 99, b"{}")


async def test_what_is_no_feed_is_named_and_does_no_harm(desk, hub, caplog):
    async with desk.open():
        await desk.join()
        for body in NO_FEEDS:
            assert await hub.push(body=body) == 202
            await desk.poll()
        assert [record.getMessage() for record in caplog.records].count("push-failed") == len(NO_FEEDS)
        state = (await desk.feed()).state
        assert (state.failures, state.reason) == (0, None)
        assert await hub.push("ferry") == 202
        await desk.poll()
        assert set(await desk.seen()) == {"ferry"}


async def test_a_replay_changes_nothing(desk, hub):
    async with desk.open():
        await desk.join()
        for names in (("ferry",), ("ferry",), ("tram",), ("ferry",)):
            desk.now += MINUTE
            assert await hub.push(*names) == 202
            await desk.poll()
        first, second = START + MINUTE, START + 3 * MINUTE
        assert await desk.seen() == {"ferry": (START, first), "tram": (START, second)}


async def test_a_hub_brings_no_more_than_a_feed_may_in_a_day(desk, hub):
    async with desk.open(quota=Quota(entries=3)):
        await desk.join()
        for start in (0, 5):
            await hub.push(*(str(number) for number in range(start, start + 5)))
            await desk.poll()
        assert set(await desk.seen()) == {"0", "1", "2"}


@pytest.mark.long
async def test_what_was_pushed_is_read_after_a_restart(desk, hub):
    async with desk.open():
        await desk.join()
        assert await hub.push("ferry") == 202
    async with desk.open(base=desk.url):
        await desk.poll()
        assert set(await desk.seen()) == {"ferry"}


async def test_the_running_daemon_subscribes_and_reads_by_itself(desk, hub):
    asked = asyncio.Event()

    async def note(_hub):
        asked.set()
        return 202

    hub.answers = [note]
    async with desk.open():
        running = asyncio.create_task(desk.opened.daemon.run())
        async with asyncio.timeout(20):
            await asked.wait()
            assert (await hub.say("subscribe"))[0] == 200
            read = counted("read")
            assert await hub.push("ferry") == 202
            while counted("read") == read:
                await asyncio.sleep(0.01)
        desk.opened.daemon.stop()
        await running
