"""Webhooks, from a real store through a real daemon to a receiver on loopback that behaves as the tests have it."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from aiohttp import web
from pydantic import SecretStr

from crawler import app, metrics
from crawler.adapters.outbox import Outbox
from crawler.core.types import Copy, Kind, Page, Story
from crawler.ports import Draft
from crawler.settings import Extract, Settings, Webhook

pytestmark = pytest.mark.usefixtures("lent_pool", "lent_store")

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = base64.b64encode(b"a secret of twenty-four.").decode()


class Receiver:
    """Answers each POST with the next of `answers`, or 204: a status, (status, headers), or a coroutine function."""

    def __init__(self):
        self.answers, self.got, self.came = [], [], asyncio.Event()

    async def __call__(self, request):
        body = await request.read()
        self.got.append((request, body))
        self.came.set()
        answer = self.answers.pop(0) if self.answers else 204
        if callable(answer):
            answer = await answer(request)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.Response(status=status, headers=headers, text="x" * 100_000 if status == 500 else "")

    @property
    def told(self):
        return [(one["event"], one["story"]["original"]["title"]) for one in (json.loads(body) for _, body in self.got)]

    @property
    def ids(self):
        return [request.headers["webhook-id"] for request, _ in self.got]


@pytest.fixture
async def receiver():
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=geheim"
    yield receiver
    await runner.cleanup()


class Desk:
    """The app over a store, with a clock that stands until it is set."""

    def __init__(self, tmp_path):
        self.now, self.place = START, tmp_path

    @asynccontextmanager
    async def open(self, *hooks):
        settings = Settings(store=f"sqlite:///{self.place / 'firsthand.db'}", state_dir=self.place, webhooks=hooks,
                            extract=Extract(workers=1))
        async with app.opened(settings, lambda: self.now) as opened:
            await opened.sync()
            self.opened = opened
            yield self

    async def put(self, *names, source="Daily", **more):
        ids = []
        for name in names:
            page = Page(title=f"Title of {name}", text=f"The text of {name}.", language="en")
            draft = Draft(id=f"a{name}", url=f"https://{source.lower()}.example/{name}", aliases=(), host="x.example",
                          source=source, page=page, status=200, fetched=self.now, units=(), **more)
            ids.append((await self.opened.store.save_article(draft, None, self.now)).article)
        return ids

    async def tell(self, original, *copies, among=()):
        """The articles are one story from now on."""
        story = Story(id="", original=original, confidence=0.9, decided=True, why=(), copies=tuple(
            Copy(one, Kind.NEAR, original, 0.8, 0.9, 0.85, ()) for one in copies))
        await self.opened.store.save_stories([*among, original, *copies], [story], self.now)

    async def found(self, name, source="Daily", copier="Basket"):
        """A new story."""
        ids = [*await self.put(name, source=source), *await self.put(f"{name}copy", source=copier)]
        await self.tell(*ids)
        return ids

    async def deliver(self, later=timedelta(0)):
        self.now += later
        await self.opened.daemon.deliver_pending()


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def hook(receiver, **more):
    return Webhook(url=receiver.url, **{"secret": SecretStr(f"whsec_{KEY}"), **more})


async def test_a_new_story_is_posted_and_signed(desk, receiver):
    async with desk.open(hook(receiver)):
        await desk.found("ferry")
        await desk.deliver()
    ((request, body),) = receiver.got
    said = json.loads(body)
    assert (said["event"], said["at"], said["previous"], said["former"]) == ("story", "2026-03-02T06:00:00Z", None, None)
    assert said["story"]["original"]["title"] == "Title of ferry"
    assert [copy["source"] for copy in said["story"]["copies"]] == ["Basket"]
    headers = request.headers
    assert headers["webhook-id"] == said["id"]
    assert headers["webhook-timestamp"] == str(int(START.timestamp()))
    signed = b".".join((said["id"].encode(), headers["webhook-timestamp"].encode(), body))
    made = base64.b64encode(hmac.new(base64.b64decode(KEY), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("Firsthand/")


async def test_events_come_in_their_order_and_once(desk, receiver):
    async with desk.open(hook(receiver, secret=None)):
        for name in "abc":
            await desk.found(name)
        await desk.deliver()
        await desk.deliver()
    assert receiver.told == [("story", f"Title of {name}") for name in "abc"]
    assert len(set(receiver.ids)) == 3
    assert "webhook-signature" not in receiver.got[0][0].headers


async def test_an_event_is_told_as_things_are_now(desk, receiver):
    async with desk.open(hook(receiver)):
        ids = await desk.found("a")
        (late,) = await desk.put("late")
        await desk.tell(ids[1], ids[0], late)
        await desk.deliver()
    first, second = (json.loads(body) for _, body in receiver.got)
    assert (first["event"], second["event"]) == ("story", "original-changed")
    assert first["story"] == second["story"]
    assert first["story"]["original"]["article"] == ids[1]
    assert (first["previous"], second["previous"]) == (None, ids[0])


async def test_stories_that_are_one_by_now_are_told_once_and_one_that_ended_not_at_all(desk, receiver):
    async with desk.open(hook(receiver)):
        one, other, ended = await desk.found("a"), await desk.found("b"), await desk.found("c")
        await desk.tell(*one, *other)
        await desk.opened.store.save_stories(ended, [], desk.now)
        await desk.deliver()
    (told,) = [json.loads(body) for _, body in receiver.got]
    assert told["event"] == "story"
    assert {each["article"] for each in (told["story"]["original"], *told["story"]["copies"])} == {*one, *other}


CHOSEN = (      # what is asked for, and the stories that are told
    ({"events": ("original-changed",)}, []),
    ({"words": ("ferry",)}, ["ferry"]),
    ({"sources": ("Post",)}, ["tram"]),
    ({"sources": ("Post",), "role": "copy"}, []),
    ({"sources": ("Basket",), "role": "copy"}, ["ferry", "tram"]),
    ({"languages": ("ar",)}, []),
)


async def test_only_what_was_asked_for_is_posted(desk, receiver):
    at = receiver.url.partition("?")[0]
    async with desk.open(*(Webhook(url=f"{at}/{number}", **asked) for number, (asked, _) in enumerate(CHOSEN))):
        await desk.found("ferry")
        await desk.found("tram", source="Post")
        await desk.deliver()
    for number, (asked, expected) in enumerate(CHOSEN):
        told = [json.loads(body)["story"]["original"]["title"] for request, body in receiver.got if request.path.endswith(f"/{number}")]
        assert told == [f"Title of {name}" for name in expected], asked


async def test_a_story_that_only_later_is_one_that_was_asked_for_is_told_then_and_once(desk, receiver):
    async with desk.open(hook(receiver, min_copies=2), Webhook(url=receiver.url, sources=("Portal",), role="copy")):
        ids = await desk.found("a")
        await desk.deliver()
        assert receiver.got == []
        ids += await desk.put("second", source="Portal")
        await desk.tell(*ids)
        await desk.deliver()
        assert len(receiver.got) == 2
        ids += await desk.put("third", source="Portal")
        await desk.tell(*ids)
        await desk.deliver()
        assert len(receiver.got) == 2
        other = await desk.found("b")
        await desk.tell(*ids, *other)       # the other story goes into one that was told
        await desk.deliver()
        assert [event for event, _ in receiver.told] == ["story", "story"]


@pytest.mark.parametrize("answer", [302, *(pytest.param(one, marks=pytest.mark.long) for one in (500, 404, 429))], ids=str)
async def test_what_is_not_taken_comes_again_later_and_holds_up_what_follows(desk, receiver, answer):
    receiver.answers = [(answer, {"Location": receiver.url} if answer == 302 else {})] * 2
    async with desk.open(hook(receiver)):
        await desk.found("a")
        await desk.found("b")
        await desk.deliver()
        await desk.deliver(timedelta(seconds=4))
        assert len(receiver.got) == 1
        await desk.deliver(timedelta(seconds=3))
        assert len(receiver.got) == 2
        await desk.deliver(MINUTE / 2)
        assert len(receiver.got) == 2
        await desk.deliver(MINUTE)
    assert [title for _, title in receiver.told] == ["Title of a"] * 3 + ["Title of b"]
    assert len(set(receiver.ids[:3])) == 1


async def test_a_retry_after_is_obeyed(desk, receiver):
    receiver.answers = [(503, {"Retry-After": "3600"})]
    async with desk.open(hook(receiver)):
        await desk.found("a")
        for _ in range(9):
            await desk.deliver(11 * MINUTE)
            if len(receiver.got) > 1:
                break
        assert desk.now == START + 77 * MINUTE
        assert len(receiver.got) == 2


async def test_an_event_is_given_up_after_three_days_and_what_is_younger_is_not(desk, receiver, caplog):
    receiver.answers = [500] * 99
    before = metrics.value("firsthand_webhook_events_total", outcome="given_up")
    async with desk.open(hook(receiver)):
        await desk.found("a")
        for hour in range(0, 84, 4):
            if hour == 72:
                await desk.found("young")
            await desk.deliver(4 * HOUR)
        (failing,) = await desk.opened.store.failing_deliveries()
        assert (failing.lost, failing.error, failing.name) == (1, "HTTP 500", receiver.url.partition("/hook")[0])
        assert len(receiver.got) < 30
        receiver.answers = []
        await desk.deliver(DAY)
        assert await desk.opened.store.failing_deliveries() == []
    assert receiver.told[-1] == ("story", "Title of young")
    assert metrics.value("firsthand_webhook_events_total", outcome="given_up") == before + 1
    assert [record.getMessage() for record in caplog.records].count("webhook-given-up") == 1


async def test_410_ends_it_until_the_configuration_is_read_again(desk, receiver, caplog):
    receiver.answers = [410]
    async with desk.open(hook(receiver)):
        await desk.found("a")
        await desk.deliver()
        await desk.deliver(DAY)
        assert len(receiver.got) == 1
        assert "webhook-disabled" in [record.getMessage() for record in caplog.records]
    async with desk.open(hook(receiver)):
        await desk.found("b")
        await desk.deliver()
    assert receiver.told[1:] == [("story", "Title of b")]


async def test_a_receiver_that_hangs_is_left_and_asked_again(desk, receiver, monkeypatch):
    gone = asyncio.Event()

    async def hang(_request):
        await gone.wait()
        return 204

    monkeypatch.setattr(app, "Outbox", partial(Outbox, seconds=0.1))
    receiver.answers = [hang]
    async with desk.open(hook(receiver)):
        await desk.found("a")
        await desk.deliver()
        (failing,) = await desk.opened.store.failing_deliveries()
        assert failing.error == "no answer within 0.1 s"
        gone.set()
        await desk.deliver(MINUTE)
        assert await desk.opened.store.failing_deliveries() == []
    assert len(set(receiver.ids)) == 1


async def test_a_receiver_that_is_not_there_is_named_without_its_secret(desk, receiver, caplog):
    async with desk.open(Webhook(url="http://127.0.0.1:1/T/geheim?key=geheim", secret=SecretStr("geheim"))):
        await desk.found("a")
        await desk.deliver()
        (failing,) = await desk.opened.store.failing_deliveries()
    assert failing.error == "connection failed: Connection refused"
    assert failing.name == "http://127.0.0.1:1"
    assert caplog.records
    assert not any("geheim" in str(record.__dict__) for record in caplog.records)


async def test_no_proxy_of_the_environment_is_used(desk, receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with desk.open(hook(receiver)):
        await desk.found("a")
        await desk.deliver()
    assert len(receiver.got) == 1


async def test_one_that_fails_holds_up_nobody_else(desk, receiver):
    async with desk.open(Webhook(url="http://127.0.0.1:1/"), hook(receiver)):
        await desk.found("a")
        await desk.deliver()
    assert len(receiver.got) == 1


async def test_after_a_restart_nothing_is_lost_and_nothing_comes_twice(desk, receiver):
    async with desk.open(hook(receiver)):
        await desk.found("a")
        await desk.deliver()
        await desk.found("b")
    async with desk.open(hook(receiver, secret=SecretStr("another"))):
        await desk.deliver()
    assert receiver.told == [("story", "Title of a"), ("story", "Title of b")]


async def test_the_running_daemon_tells_by_itself(desk, receiver):
    async with desk.open(hook(receiver)):
        running = asyncio.create_task(desk.opened.daemon.run())
        await desk.found("a")
        desk.opened.daemon.wake("deliver")
        async with asyncio.timeout(10):
            await receiver.came.wait()
        desk.opened.daemon.stop()
        await running


# --- the hub of our own feeds ---------------------------------------------------------------------------------------


async def test_the_own_hub_is_told_of_news_at_most_once_a_minute(desk, receiver):
    base = receiver.url.partition("/hook")[0]

    @asynccontextmanager
    async def open_with_hub():
        settings = Settings(store=f"sqlite:///{desk.place / 'firsthand.db'}", state_dir=desk.place, extract=Extract(workers=1),
                            review={"public_url": "https://us.example/", "hub": f"{base}/hub"})
        async with app.opened(settings, lambda: desk.now) as desk.opened:
            await desk.opened.sync()
            yield

    async with open_with_hub():
        await desk.deliver()
        assert receiver.got == []
        await desk.found("a")
        await desk.found("b")
        await desk.deliver()
        forms = [dict(part.split("=") for part in body.decode().split("&")) for _, body in receiver.got]
        assert [(form["hub.mode"], form["hub.url"]) for form in forms] == [
            ("publish", "https%3A%2F%2Fus.example%2Foriginals.atom"), ("publish", "https%3A%2F%2Fus.example%2Foriginals.json")]
        await desk.found("c")
        await desk.deliver(MINUTE / 2)
        assert len(receiver.got) == 2
        await desk.deliver(MINUTE)
        assert len(receiver.got) == 4
        await desk.deliver(HOUR)
        assert len(receiver.got) == 4
        receiver.answers = [500]
        await desk.found("d")
        await desk.deliver()
        (failing,) = await desk.opened.store.failing_deliveries()
        assert failing.error == "HTTP 500"
        await desk.deliver(HOUR)
        assert await desk.opened.store.failing_deliveries() == []
