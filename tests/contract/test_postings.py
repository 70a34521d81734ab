"""The index on SQLite: whatever is filed, merged and taken out, everyone is found who is there, and nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from crawler.adapters.store import postings

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEYS = [0, 1, 2, 2**63 - 1, 2**63, 2**64 - 1]
articles = some.sampled_from([f"a{n}" for n in range(12)])
held = some.sets(some.sampled_from(KEYS), min_size=1)
minutes = some.integers(0, 40)
deeds = some.lists(some.one_of(
    some.tuples(some.just("file"), articles, held, minutes), some.tuples(some.just("leave"), articles),
    some.tuples(some.just("erase"), articles), some.tuples(some.just("advance"))), max_size=120)
windows = some.tuples(minutes, minutes).map(sorted)


@pytest.fixture
async def sqlite(make, sqlite_url):
    async with make.opened(sqlite_url) as opened:
        yield opened


@pytest.fixture
def small(monkeypatch):
    """So that a dozen articles make several levels."""
    for name, value in {"FILLED": 4, "FAN_IN": 2, "_EVERY": 2, "_SLICE": 3, "_BUILT": 4, "_LEVEL": 0}.items():
        monkeypatch.setattr(postings, name, value)


def at(minute):
    return START + timedelta(minutes=minute)


def index_of(connection):
    """A connection to an empty index."""
    for table in (postings.docs, postings.postings, postings.segments):
        connection.execute(sa.delete(table))
    connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'docs'")   # when a segment is full depends on numbers
    return connection


def do(connection, deed, there):
    """To the index, and to what should be in it."""
    match deed:
        case "file", article, keys, minute:
            postings.leave(connection, article)
            postings.file(connection, article, sorted(keys), at(minute))
            there[article] = keys, minute
        case "leave", article:
            postings.leave(connection, article)
            there.pop(article, None)
        case "erase", article:
            postings.leave(connection, article, sorted(there.pop(article, ((), 0))[0]))
        case _:
            postings.advance(postings._driver(connection))


def expected(there, without, since, until):
    """Who has each key, the newest first."""
    found = {key: sorted(((minute, article) for article, (keys, minute) in there.items()
                          if key in keys and since <= minute <= until and article != without), reverse=True) for key in KEYS}
    return {key: [article for _, article in holders] for key, holders in found.items() if holders}


def rows(connection, statement):
    return [tuple(row) for row in connection.exec_driver_sql(statement)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=deeds, window=windows, without=articles, many=some.sampled_from([1, 5_000]))
async def test_everyone_is_found_who_is_there(sqlite, small, deeds, window, without, many):
    postings._MANY = many       # 1: asked key by key
    since, until = window

    def check(connection):
        there = {}
        index_of(connection)
        for deed in deeds:
            do(connection, deed, there)
            assert postings.sharing(connection, KEYS, without, at(since), at(until)) == expected(there, without, since, until)
        while postings.advance(postings._driver(connection)):
            assert postings.sharing(connection, KEYS, "", at(0), at(40)) == expected(there, "", 0, 40)
        assert len(rows(connection, "SELECT 1 FROM postings GROUP BY segment")) <= 8
        connection.rollback()

    try:
        await sqlite._db.write(lambda connection: connection.run_sync(check))
    finally:
        postings._MANY = 5_000


async def test_of_what_is_forgotten_no_row_is_left_of_no_version_and_of_what_is_pruned_none_is_found(sqlite, make):
    """In segment 0 as in a whole one, and in one that is being made."""
    await sqlite._db.write(lambda connection: connection.run_sync(lambda to: bool(index_of(to))))
    desk = make.Desk(sqlite)
    await desk.put("one", "two", "old", fetched=make.START)

    async def held():
        return await sqlite._db.read(lambda connection: connection.run_sync(
            lambda to: {key for (key,) in rows(to, "SELECT \"key\" FROM postings")}))

    await sqlite.put_keys("aone", [1, 2], make.START)
    await sqlite.put_keys("aone", [2, 3], make.START)       # of another version
    assert await held() == {2, 3}
    await sqlite.put_keys("atwo", [4], make.START)
    await sqlite.put_keys("aold", [5], make.START)
    await sqlite.forget("aone", make.START)
    assert await held() == {4, 5}
    assert (await sqlite.prune(make.START, make.START + timedelta(days=1))).keys == 2
    assert await sqlite.candidates("x", [4, 5], at(-10**6), at(10**6), 9) == []
    assert await held() == {4, 5}                           # dead, until they are merged


async def test_who_has_other_keys_leaves_no_row_in_a_segment(sqlite, small):
    def check(connection):
        index_of(connection)
        raw = postings._driver(connection)
        for n in range(8):
            postings.file(connection, f"d{n}", [100 + n], at(n))
        states = set()
        for n in range(7):
            postings.leave(connection, f"d{n}", [100 + n])
            assert rows(connection, f"SELECT * FROM postings WHERE \"key\" = {100 + n}") == []
            states |= {state for (state,) in rows(connection, "SELECT state FROM segments")}
            postings.advance(raw)
        assert states >= {"making", "whole"}

    await sqlite._db.write(lambda connection: connection.run_sync(check))


async def test_the_dead_are_left_out_and_nothing_of_the_forgotten_is_left(sqlite, small):
    def check(connection):
        index_of(connection)
        for n in range(64):
            postings.file(connection, f"b{n}", [n, 1000 + n], at(n))
        while postings.advance(postings._driver(connection)):
            pass
        postings.leave(connection, "b5", [5, 1005])
        assert rows(connection, "SELECT * FROM postings WHERE \"key\" IN (5, 1005)") == []
        for n in range(0, 64, 2):
            postings.leave(connection, f"b{n}")
        while postings.advance(postings._driver(connection)):
            pass
        found = rows(connection, "SELECT DISTINCT \"key\" FROM postings WHERE \"key\" < 1000 ORDER BY 1")
        assert found == [(n,) for n in range(1, 64, 2) if n != 5]
        # All that there is now is in one segment, and none that is being made or is going.
        assert rows(connection, "SELECT state, docs, gone FROM segments WHERE state <> 'whole'") == []

    await sqlite._db.write(lambda connection: connection.run_sync(check))


async def test_a_slice_at_a_time_and_what_is_being_made_is_seen_by_nobody(sqlite, small):
    def check(connection):
        index_of(connection)
        raw = postings._driver(connection)
        for n in range(8):
            postings.file(connection, f"c{n}", KEYS, at(n))
        seen = []
        while postings.advance(raw):
            seen.append(rows(connection, "SELECT state, count(*) FROM segments GROUP BY state ORDER BY state"))
            assert postings.sharing(connection, KEYS, "", at(0), at(9)) == {key: [f"c{n}" for n in range(7, -1, -1)] for key in KEYS}
        assert len(seen) > 3
        assert seen[-1] == [("whole", 1)]

    await sqlite._db.write(lambda connection: connection.run_sync(check))


async def test_it_is_made_anew_of_what_the_articles_say(sqlite, small, make):
    desk = make.Desk(sqlite)
    await sqlite._db.write(lambda connection: connection.run_sync(lambda to: bool(index_of(to))))
    names = [str(n) for n in range(11)]
    await desk.put(*names)
    for n, name in enumerate(names):
        await sqlite.put_keys(f"a{name}", KEYS[:1 + n % 5], at(n))
    await sqlite.put_keys("a3", [], at(3))

    def check(connection):
        before = postings.sharing(connection, KEYS, "", at(0), at(40))
        assert len(before[KEYS[0]]) == 10
        postings.rebuild(connection)
        assert postings.sharing(connection, KEYS, "", at(0), at(40)) == before
        assert rows(connection, "SELECT segment, count(DISTINCT doc) FROM postings GROUP BY segment") == [(1, 4), (2, 4), (3, 2)]
        postings.file(connection, "more", KEYS, at(30))
        assert postings.sharing(connection, [KEYS[4]], "", at(0), at(40))[KEYS[4]][0] == "more"

    await sqlite._db.write(lambda connection: connection.run_sync(check))


async def test_a_document_s_number_is_never_given_again(sqlite):
    """Its rows would be those of another article."""
    def check(connection):
        index_of(connection)
        postings.file(connection, "one", [7], at(0))
        postings.leave(connection, "one")
        postings.file(connection, "other", [8], at(0))
        return postings.sharing(connection, [7, 8], "", at(0), at(1))

    assert await sqlite._db.write(lambda connection: connection.run_sync(check)) == {8: ["other"]}


async def test_look_ups_stay_look_ups(sqlite):
    """None of these reads more of `postings` than it asks for."""
    def check(connection):
        for statement, given_ in ((postings._TOGETHER, ("[1]", 0, 1, "a", 9)), (postings._ONE, (0, 1, 0, 1, "a", 9)),
                                  (postings._COPIED, (1, "[0]", 0, 1))):
            steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given_)]
            about = [step for step in steps if " p " in step]
            assert about
            assert all(step.startswith("SEARCH p USING PRIMARY KEY (segment=? AND key") for step in about), steps
            assert all("SCAN d" not in step for step in steps), steps

    await sqlite._db.read(lambda connection: connection.run_sync(check))


async def test_a_store_from_before_has_its_index_made(make, tmp_path):
    url = f"sqlite:///{tmp_path / 'older.db'}"
    async with make.opened(url) as older:
        await make.Desk(older).put("1", "2")
        for name in ("1", "2"):
            await older.put_keys(f"a{name}", KEYS, at(int(name)))

        async def back(connection):
            for table in ("docs", "postings", "segments"):
                await connection.exec_driver_sql(f"DROP TABLE {table}")
            await connection.exec_driver_sql("INSERT INTO keys (\"key\", seen, article) VALUES (1, 0, 'a1')")
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0008'")

        await older._db.write(back)
    async with make.opened(url) as newer:
        assert await newer.candidates("a3", KEYS[1:2], at(0), at(9), 9) == ["a1", "a2"]
        assert await newer._db.read(lambda connection: connection.scalar(sa.text("SELECT count(*) FROM keys"))) == 0
