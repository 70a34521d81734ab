"""What an article costs the store, in figures that are the same on every machine: transactions and statements.

Each bound is what was counted when it was set. Who needs more has a reason, and says it here.
"""

from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

DAY = timedelta(days=1)


@contextmanager
def counted(store):
    """Statements that go through SQLAlchemy, and transactions, while the block lasts."""
    backend, said = store._db.backend, {"statements": 0, "transactions": 0}
    engines = [one.sync_engine for one in (backend._writer,)] if store.shared else [backend._writer.engine, backend._reader.engine]

    def statement(_connection, _cursor, text, *_more):
        said["statements"] += not text.startswith(("BEGIN", "PRAGMA"))

    def transaction(*_given):
        said["transactions"] += 1

    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", statement)
        sa.event.listen(engine, "begin", transaction)
    try:
        yield said
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", statement)
            sa.event.remove(engine, "begin", transaction)


async def _collect(store, desk, make):
    await desk.add_feeds("https://daily.example/feed")
    await desk.poll("https://daily.example/feed", make.seen("one"))
    await store.take_page("daily.example", make.START, 9)   # the host is known
    with counted(store) as said:
        (sighting,) = await store.claim_sightings(make.START, make.LEASE, 9)
        assert sighting.known is None
        await store.host("daily.example")
        await store.take_page("daily.example", make.START, 9)
        await store.save_article(make.draft("one", units=tuple(range(20))), sighting, make.START)
    return said


async def _judge(store, desk, make):
    await desk.put("one", units=tuple(range(20)))
    with counted(store) as said:
        (judgement,) = await store.claim_unjudged(make.START, make.LEASE, 9)
        await store.surroundings(judgement, "daily.example", 9)
        await store.put_keys(judgement.id, range(100), make.START, dropped=(), token=judgement.token)
        near = await store.counterparts(judgement, "daily.example", range(100), DAY, 50)
        assert near.alone
        await store.finish_judging(judgement, make.START)
    return said


@pytest.mark.parametrize(("what", "sqlite", "postgresql"), [
    (_collect, {"transactions": 4, "statements": 23}, {"transactions": 4, "statements": 26}),
    (_judge, {"transactions": 5, "statements": 18}, {"transactions": 5, "statements": 28}),
], ids=["collecting", "judging one that has no copy"])
async def test_the_store_is_asked_for_an_article_no_more_often_than_this(store, desk, make, what, sqlite, postgresql):
    said = await what(store, desk, make)
    most = postgresql if store.shared else sqlite
    assert said["transactions"] <= most["transactions"], said
    assert said["statements"] <= most["statements"], said


async def test_what_is_counted_is_what_is_said(store, desk, make):
    with counted(store) as said:
        await store.host("daily.example")
    assert said == {"transactions": 1, "statements": 1}
