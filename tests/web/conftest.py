"""The page over a real store, judged by the real matcher, served on loopback."""

import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from crawler import app, tokens
from crawler.adapters.pool import WorkerPool
from crawler.core import boilerplate, urls
from crawler.core.types import Attribution, AttributionKind, Entry, Page
from crawler.ports import Draft, SeenEntry
from crawler.settings import Settings
from crawler.web import Room, application
from tests import tongues
from tests.cli.conftest import build, configured

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
FERRY = [
    "The night ferry to Skarrow sails again from the first week of March, eleven years after the last boat was sold to pay debts.",
    "The harbour board leased a vessel of sixty metres from a yard in Velmouth for five years at a rent of two million crowns.",
    "Residents of the island will pay half the ordinary fare, and tickets go on sale in January at the terminal on the quay.",
    "Its treasurer warned that the line needs many passengers to break even, and that the old service carried fewer in its best season.",
]
ORCHARD = [
    "A schoolgirl from Hillford found an apple behind a bus shelter that growers had thought extinct for more than eighty years.",
    "Gardeners of the county took grafts from the old tree and hope to plant an orchard of forty young ones on the common next spring.",
    "The variety was once sold at every market in the valley, kept until May, and won a silver medal at the show of 1897.",
    "The council has put a fence around the shelter, and the bus now stops a few steps further down the road until the harvest.",
]
TRAIN = [
    "عاد قطار الجبل إلى السكة صباح الأحد بعد ترميم جسوره الحجرية الثلاثة التي أغلقت قبل سبعة أعوام إثر سيول جارفة ضربت الوادي.",
    "وقالت هيئة السكك إن الرحلة بين المرسى والقمة تستغرق خمسين دقيقة، وإن التذاكر تباع في المحطة القديمة وعلى موقعها.",
    "وحضر الافتتاح عمال شاركوا في الترميم، وقال كبيرهم إن الحجارة الأصلية جمعت من قاع النهر ورقمت واحدة واحدة.",
    "ويتوقع أصحاب المقاهي في القرى أن يعود الزوار مع الصيف، وقد طلى بعضهم واجهاتهم بلون العربات الأزرق.",
]


@pytest.fixture(scope="session")
async def pool():
    pool = WorkerPool(1)
    yield pool
    await pool.close()


class Lent:
    """The session's pool in the hands of one app, which may not close it."""

    def __init__(self, pool):
        self._pool = pool

    def __getattr__(self, name):
        return getattr(self._pool, name)

    async def close(self):
        pass


class Well:
    """A process that is as well as a test says."""

    def __init__(self):
        self.ok = True

    def alive(self):
        return self.ok, {"ok": self.ok, "checks": []}

    async def ready(self):
        return self.ok, {"ok": self.ok, "checks": []}

    async def refresh(self):
        pass


def draft(url, source, title, paragraphs, language, at, **more):
    text = "\n".join(paragraphs)
    page = Page(title=title, text=text, language=language, **more)
    return Draft(urls.article_id(url), url, (), urls.site(url), source, page, 200, at, boilerplate.unit_keys(text, title),
                 body=f"<html><title>{title}</title></html>".encode(), headers=(("Content-Type", "text/html"),))


def articles():
    """(feed, draft, minutes after the start): a wrapped copy that says so and an excerpt, an Arabic copy, two at once."""
    label = Attribution(AttributionKind.DECLARED_COPY, name="The Harbour Post", url="https://harbour.example/ferry",
                        quote="This item was quoted automatically from its primary source", where="body")
    minute = timedelta(minutes=1)
    yield "harbour", draft("https://harbour.example/ferry", "The Harbour Post", "Night ferry returns", FERRY, "en", START), 0
    yield "basket", draft("https://basket.example/ferry", "NewsBasket", "Night ferry returns - NewsBasket", [
        "Hello dear readers, here is what we have found for you on this fine morning.", *FERRY,
        "This item was quoted automatically from its primary source, and we answer for nothing that it says."], "en",
        START + 60 * minute, attributions=(label,)), 60
    yield "brief", draft("https://brief.example/ferry", "The Brief", "Ferry is back", FERRY[:2], "en", START + 120 * minute), 120
    yield "wadi", draft("https://wadi.example/qitar", "الوادي اليوم", "قطار الجبل يعود", TRAIN, "ar", START + 10 * minute), 10
    yield "mojaz", draft("https://mojaz.example/qitar", "بوابة الموجز", "قطار الجبل يعود - الموجز", [
        *TRAIN, "تجدر الإشارة إلى أن هذا الخبر منقول عن مصدره."], "ar", START + 90 * minute), 90
    yield "ledger", draft("https://ledger.example/apple", "Capital Ledger", "Apple found", ORCHARD, "en", START + 30 * minute), 30
    yield "courier", draft("https://courier.example/apple", "Valley Courier", "Apple found", ORCHARD, "en", START + 30 * minute), 30


class Clock:
    now = START

    def __call__(self):
        return self.now


def settings_of(folder, **review):
    return Settings.model_validate({
        "store": f"sqlite:///{folder / 'firsthand.db'}", "state_dir": folder, "extract": {"workers": 1}, "review": review,
        "crawl": {"follow_attribution": False},
        "feeds": [{"url": f"https://{name}.example/feed", "source": one.source, "tags": ["arabic"] if one.page.language == "ar" else ["english"]}
                  for name, one, _ in articles()]})


@asynccontextmanager
async def opened(settings, pool, clock):
    real, app.WorkerPool = app.WorkerPool, lambda _workers: Lent(pool)
    try:
        async with app.opened(settings, clock) as one:
            yield one
    finally:
        app.WorkerPool = real


@pytest.fixture(scope="session")
async def world(tmp_path_factory, pool):
    """The folder of a store with three stories, of which one is undecided."""
    folder = tmp_path_factory.mktemp("world")
    clock = Clock()
    clock.now = START - timedelta(minutes=20)
    async with opened(settings_of(folder), pool, clock) as one:
        await one.sync()
        feeds = await one.store.claim_feeds(clock(), timedelta(minutes=5), 100)
        for feed in feeds:
            await poll(one, feed, (), clock.now)
        for name, made, minutes in sorted(articles(), key=lambda each: each[2]):
            clock.now = START + timedelta(minutes=minutes)
            (feed,) = await one.store.claim_feeds(clock(), timedelta(minutes=1), 1, [each.id for each in feeds if name in each.url])
            entry = Entry(key=made.url, link=made.url, title=made.page.title)
            await poll(one, feed, [SeenEntry(entry, made.url)], clock.now)
            (sighting,) = await one.store.claim_sightings(clock(), timedelta(minutes=5), 5)
            await one.store.save_article(made, sighting, clock())
            clock.now += timedelta(minutes=2)
        await one.daemon.judge_pending()
    return folder


async def poll(one, feed, entries, at):
    state = feed.state.__class__(last_poll=at, last_success=at, last_full=at, next_poll=at)
    await one.store.finish_poll(feed, state, entries, at)


@pytest.fixture
async def site(world, tmp_path, pool):
    """A function that opens a page of its own over a copy of the world: `async with site(tokens=["ada"]) as page`."""
    return opener(world, tmp_path, pool)


@pytest.fixture(scope="session")
async def tongues_world(tmp_path_factory):
    """The folder of a store with articles in three languages."""
    folder = tmp_path_factory.mktemp("tongues")
    await build(configured(folder, tongues.ON), tongues.drafts())
    (folder / "store.db").rename(folder / "firsthand.db")
    return folder


@pytest.fixture
async def tongues_site(tongues_world, tmp_path, pool):
    """As `site`, over translated copies."""
    return opener(tongues_world, tmp_path, pool)


def opener(world, tmp_path, pool):
    @asynccontextmanager
    async def open_(*, names=(), **review):
        for file in world.iterdir():
            if file.is_file():
                shutil.copy(file, tmp_path)
        path = tmp_path / "tokens"
        given = {name: tokens.add(path, name) for name in names}
        settings = settings_of(tmp_path, **review, **({"tokens_file": path} if names else {}))
        clock = Clock()
        clock.now = START + timedelta(hours=6)
        async with opened(settings, pool, clock) as one:
            well = Well()
            room = Room(one.desk, settings, well, tokens.Tokens(path) if names else None)
            async with TestClient(TestServer(application(room), host="127.0.0.1")) as client:
                base = str(client.make_url("/")).rstrip("/")
                yield SimpleNamespace(client=client, store=one.store, desk=one.desk, tokens=given, path=path, well=well, clock=clock,
                                      base=base, app=one, stories=await stories(one.store))

    return open_


async def stories(store):
    """Stories by the source of their original, or of the first of two."""
    from crawler.ports import StoryQuery

    return {one.articles[0].source: one.story for one in await store.stories(StoryQuery())}
