"""One worker for all tests of a session: each pool of its own imports for seconds what it will need."""

import pytest
import sqlalchemy as sa

from crawler import app
from crawler.adapters.pool import WorkerPool
from crawler.adapters.store import open_store
from crawler.adapters.store.tables import metadata


class Lent:
    """The session's pool in the hands of one app, which may not close it."""

    def __init__(self, pool):
        self._pool = pool
        self.asked = []

    async def run(self, function, *args, timeout):
        self.asked.append(getattr(function, "func", function).__name__)
        return await self._pool.run(function, *args, timeout=timeout)

    def running(self):
        return self._pool.running()

    async def close(self):
        pass


@pytest.fixture(scope="session")
async def session_pool():
    pool = WorkerPool(1)
    yield pool
    await pool.close()


@pytest.fixture
async def lent_pool(session_pool, monkeypatch):
    """What `app.opened` takes for a new pool is the session's."""
    monkeypatch.setattr(app, "WorkerPool", lambda _workers: Lent(session_pool))


class LentStore:
    """The session's store in the hands of one app, which may not close it: a new engine compiles every statement anew."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def close(self):
        pass


@pytest.fixture(scope="session")
async def session_store(tmp_path_factory):
    store = await open_store(f"sqlite:///{tmp_path_factory.mktemp('lent') / 'firsthand.db'}")
    yield store
    await store.close()


@pytest.fixture
async def lent_store(session_store, monkeypatch):
    """What `app.opened` takes for the configured store is the session's, emptied."""
    async def empty(connection):
        for table in reversed(metadata.sorted_tables):
            await connection.execute(sa.delete(table))

    async def lend(_url):
        return LentStore(session_store)

    session_store._configs.clear()
    await session_store._db.write(empty)
    monkeypatch.setattr(app, "open_store", lend)
