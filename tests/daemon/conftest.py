"""One worker for all tests of a session: each pool of its own imports for seconds what it will need."""

import pytest

from crawler import app
from crawler.adapters.pool import WorkerPool


class Lent:
    """The session's pool in the hands of one app, which may not close it."""

    def __init__(self, pool):
        self._pool = pool

    async def run(self, function, *args, timeout):
        return await self._pool.run(function, *args, timeout=timeout)

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
