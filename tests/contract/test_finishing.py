"""Polls that brought no entries are written together, and each still ends as if it were alone."""

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sqlalchemy as sa

from crawler.core.types import FeedState
from crawler.errors import LeaseLostError, UnstorableError
from crawler.settings import FeedConfig

FEEDS = [f"http://{n}.example/feed" for n in range(20)]


@contextmanager
def counted():
    """Statements that begin while the block runs, by their first word."""
    ran: Counter[str] = Counter()

    def note(_connection, _cursor, statement, *_more):
        ran[statement.split()[0]] += 1

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.fixture
async def claimed(store, make):
    await store.sync_feeds([(FeedConfig(url=url), "Source") for url in FEEDS], make.START)
    return await store.claim_feeds(make.START, make.LEASE, len(FEEDS))


def state_of(make, number: int) -> FeedState:
    return FeedState(etag=f'"{number}"', next_poll=make.START + make.MINUTE * (number + 1))


async def test_polls_that_end_at_once_are_written_in_two_transactions(store, claimed, make):
    with counted() as ran:
        await asyncio.gather(*(store.finish_poll(feed, state_of(make, n), [], make.START) for n, feed in enumerate(claimed)))
    # The first finds nobody waiting beside it, the second all the others; a SELECT and an UPDATE of each.
    assert (ran["SELECT"], ran["UPDATE"]) == (2, 2)
    assert [(feed.state.etag, feed.state.next_poll) for feed in await store.feeds()] == [
        (state.etag, state.next_poll) for state in (state_of(make, n) for n in range(len(FEEDS)))]


async def test_of_polls_written_together_only_the_late_one_is_refused(store, claimed, make):
    late = claimed[7]
    (again,) = await store.claim_feeds(make.START + make.LEASE * 2, make.LEASE, 1, [late.id], due=make.START + make.LEASE * 99)
    ends = await asyncio.gather(*(store.finish_poll(feed, state_of(make, 3), [], make.START) for feed in (*claimed, again)),
                                return_exceptions=True)
    assert [type(end) for end in ends].count(LeaseLostError) == 1
    assert isinstance(ends[7], LeaseLostError)


async def test_a_poll_that_is_cancelled_takes_no_other_along(store, claimed, make):
    tasks = [asyncio.create_task(store.finish_poll(feed, state_of(make, 3), [], make.START)) for feed in claimed]
    await asyncio.sleep(0)
    tasks[0].cancel()       # which writes
    tasks[5].cancel()       # which waits
    await asyncio.gather(*tasks, return_exceptions=True)
    kept = [feed.state.etag for feed in await store.feeds()]
    assert [n for n, etag in enumerate(kept) if etag is None] in ([0, 5], [5])     # the first may have been committed already


async def test_what_the_database_refuses_is_the_fault_of_one_feed(make, tmp_path):
    async with make.opened(f"sqlite:///{tmp_path / 'store.db'}") as store:
        await store._db.write(lambda connection: connection.exec_driver_sql(
            "CREATE TRIGGER no BEFORE UPDATE ON feeds WHEN new.hub = 'no' BEGIN SELECT RAISE(ABORT, 'no such hubs'); END"))
        await store.sync_feeds([(FeedConfig(url=url), "Source") for url in FEEDS], make.START)
        claimed = await store.claim_feeds(make.START, make.LEASE, len(FEEDS))
        states = [replace(state_of(make, n), hub="no" if n == 4 else None) for n in range(len(claimed))]
        ends = await asyncio.gather(*(store.finish_poll(feed, state, [], make.START) for feed, state in zip(claimed, states, strict=True)),
                                    return_exceptions=True)
        assert [n for n, end in enumerate(ends) if isinstance(end, UnstorableError)] == [4]
        assert [n for n, feed in enumerate(await store.feeds()) if feed.state.etag is None] == [4]
