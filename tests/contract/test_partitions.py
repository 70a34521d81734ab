"""`keys` by time on PostgreSQL: what is old is dropped whole, and nobody who asks for candidates can tell."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crawler.adapters.store import open_store, partitions, schema
from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.index import _between, _holders, _holding, _newest
from crawler.adapters.store.tables import articles, keys, metadata
from crawler.core.types import Page
from crawler.ports import Draft

DAY = timedelta(days=1)
SPAN = timedelta(days=partitions.DAYS)
FIRST = datetime(1970, 1, 1, tzinfo=UTC) + 700 * SPAN      # where a partition begins
EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def at(spans, days=0):
    return FIRST + spans * SPAN + days * DAY


async def new_database(server, name):
    """A database beside the one of the other tests; its URL."""
    engine = sa.ext.asyncio.create_async_engine(
        sa.make_url(server).set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


@asynccontextmanager
async def opened(url):
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="module")
async def processes(postgres_server):
    """Two that share a database of their own."""
    url = await new_database(postgres_server, "parts")
    async with opened(url) as one, opened(url) as other:
        yield one, other


@pytest.fixture(scope="module")
async def file(tmp_path_factory):
    async with opened(f"sqlite:///{tmp_path_factory.mktemp('parts') / 'store.db'}") as store:
        yield store


async def emptied(store):
    async def empty(connection):
        for table in reversed(metadata.sorted_tables):
            await connection.execute(sa.delete(table))
        if store._db.backend.shared:
            for one in await partitions.partitions(connection):
                await connection.execute(sa.text(f"DROP TABLE {one.name}"))
            store._db.backend._spans.clear()

    await store._db.write(empty)
    return store


@pytest.fixture
async def here(processes):
    processes[1]._db.backend._spans.clear()
    return await emptied(processes[0])


@pytest.fixture
def there(processes, here):
    return processes[1]


async def put(store, name, wanted, seen):
    """An article first seen then, with these keys."""
    page = Page(title=name, text=f"The text of {name}.", language="en")
    draft = Draft(id=name, url=f"https://daily.example/{name}", aliases=(), host="daily.example", source="Daily", page=page,
                  status=200, fetched=seen, units=())
    await store.save_article(draft, None, seen)
    await store.put_keys(name, wanted, seen)


async def parts(store):
    """(first day or None, day after the last) of each partition, in spans."""
    def spans(micros):
        return None if micros is None else (partitions._EPOCH + timedelta(microseconds=micros) - FIRST) / SPAN

    return [(spans(one.first), spans(one.end)) for one in await store._db.read(partitions.partitions)]


async def rows(store):
    found = await store._db.read(lambda connection: connection.execute(sa.select(keys.c.article, keys.c.key)))
    return sorted(tuple(row) for row in found)


async def test_a_partition_is_made_with_those_that_follow_and_once(here, there):
    await put(here, "a1", [1], at(0, 29))
    assert await parts(here) == [(0, 1), (1, 2), (2, 3)]
    for store, name, days in ((there, "a2", 0), (here, "a3", 29), (there, "a4", 31)):
        await put(store, name, [1], at(0, days))
    assert await parts(here) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert await here.candidates("a1", [1], *EVER, 9) == ["a2", "a3", "a4"]


@pytest.mark.parametrize("seen", [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, tzinfo=UTC),
                                  datetime(9999, 12, 31, 23, tzinfo=UTC)], ids=lambda moment: f"year {moment.year}")
async def test_there_is_room_at_any_time(here, seen):
    await put(here, "a1", [1], seen)
    assert await here.candidates("a2", [1], seen, seen, 9) == ["a1"]


async def test_many_who_need_the_same_room_at_once_all_get_it(here, there):
    await asyncio.gather(*(put(store, f"a{at_}{store is here}", [1], at(at_)) for at_ in (0, 4) for store in (here, there)))
    assert await parts(there) == [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (6, 7)]
    assert len(await rows(there)) == 4


async def test_room_that_was_not_committed_is_not_remembered(here):
    async def fail(connection):
        await here._db.backend.make_room(connection, [at(0)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await here._db.write(fail)
    await put(here, "a1", [1], at(0))
    assert await rows(here) == [("a1", 1)]


async def test_making_room_waits_for_nobody_and_holds_nobody_up(here, there):
    await put(here, "a1", [1], at(0))

    async def meanwhile(connection):
        """Between them a reader and a writer in the middle of their transactions."""
        async with there._db.backend.reading() as reader, there._db.backend.writing() as writer:
            assert await reader.scalar(sa.select(sa.func.count()).select_from(keys)) == 1
            await writer.execute(sa.delete(keys))
            await here._db.backend.make_room(connection, [at(9)])
            assert await reader.scalar(sa.select(sa.func.count()).select_from(keys)) == 1
            await writer.execute(sa.insert(keys).values(key=2, seen=at(0), article="a2"))

    await asyncio.wait_for(here._db.write(meanwhile), 60)
    assert await rows(here) == [("a2", 2)]


async def test_what_was_pruned_takes_no_place_while_it_waits_to_be_dropped(here):
    """The newest 200 holders of a key are read: the dead ones are newer than the only one that lives."""
    await put(here, "akept", [7], at(0))
    await here.hold("akept")
    for name in ("adead", "abare"):
        await put(here, name, [7], at(0, 1))
    dead = [{"key": 7, "seen": at(0, 2), "article": f"d{n}"} for n in range(250)]
    assert (await here.prune(at(0), at(0, 3))).keys == 2
    await here._db.write(lambda connection: insert_many(connection, keys, dead))
    assert len(await rows(here)) == 253
    assert await here.candidates("x", [7], *EVER, 9) == ["akept"]
    assert await here.candidates("x", [7], at(0, 3), at(9), 9) == []


async def test_an_article_that_comes_back_has_its_new_keys_alone(here):
    await put(here, "a1", [1, 2], at(0))
    await here.prune(at(0), at(0, 5))
    await put(here, "a1", [2, 3], at(0))
    assert [await here.candidates("x", [key], *EVER, 9) for key in (1, 2, 3)] == [[], ["a1"], ["a1"]]


async def test_old_partitions_are_dropped_and_what_lives_on_is_carried_over(here, there):
    for name, spans in (("aold", 0), ("aheld", 0), ("amid", 1), ("anew", 2)):
        await put(here, name, [1, 2**63], at(spans, 3))
    await here.hold("aheld")
    assert (await here.prune(at(0), at(1, 5))).keys == 4        # of two articles; one partition is old throughout
    assert await parts(here) == [(None, 1), (1, 2), (2, 3), (3, 4), (4, 5)]
    assert await rows(here) == [("aheld", 1), ("aheld", 2**63), ("amid", 1), ("amid", 2**63), ("anew", 1), ("anew", 2**63)]
    assert await here.candidates("x", [1], *EVER, 9) == ["aheld", "anew"]

    await put(there, "alate", [1], at(-40))                     # however old: there is room
    await there.hold("alate")
    await here.prune(at(0), at(2, 2))
    assert await parts(here) == [(None, 2), (2, 3), (3, 4), (4, 5)]
    assert await here.candidates("x", [1], *EVER, 9) == ["aheld", "alate", "anew"]
    await here.forget("aheld", at(3))
    assert "aheld" not in dict(await rows(here))


async def test_a_reader_in_the_way_of_a_drop_is_not_held_up_and_it_is_done_the_next_time(here, there, monkeypatch):
    monkeypatch.setattr(partitions, "_PATIENCE", "20ms")
    await put(here, "a1", [1], at(0))
    async with there._db.backend.reading() as reader:
        assert await reader.scalar(sa.select(sa.func.count()).select_from(keys)) == 1
        assert (await here.prune(at(0), at(1))).articles == 1
        assert await parts(here) == [(0, 1), (1, 2), (2, 3)]
        assert await reader.scalar(sa.select(sa.func.count()).select_from(keys)) == 1
    await here.prune(at(0), at(1))
    assert await parts(here) == [(None, 1), (1, 2), (2, 3)]


async def test_what_is_written_while_a_drop_waits_is_carried_over(here, there, monkeypatch):
    """Keys changed, given and taken away after the carrying and before the lock."""
    monkeypatch.setattr(partitions, "_PATIENCE", "60s")
    for name in ("achanged", "agiven", "ataken"):
        await put(here, name, [] if name == "agiven" else [1, 2], at(0))
        await here.hold(name)
    await here._db.write(lambda connection: here._db.backend.raise_floor(connection, at(1)))
    waits = sa.text("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted")

    async def write(connection):
        await connection.execute(sa.select(keys).limit(1))
        retiring = asyncio.create_task(here._db.backend.retire())
        while not await connection.scalar(waits) and not retiring.done():
            await asyncio.sleep(0)
        for name, wanted in (("achanged", [2, 3]), ("agiven", [4]), ("ataken", [])):
            await there_put(connection, name, wanted, at(0))
        return retiring

    from crawler.adapters.store.index import _put as there_put
    retiring = await there._db.write(write)
    assert await retiring
    assert await parts(here) == [(None, 1), (1, 2), (2, 3)]
    assert await rows(here) == [("achanged", 2), ("achanged", 3), ("agiven", 4)]


NAMES = st.sampled_from(["a1", "a2", "a3", "a4"])
WHEN = st.integers(0, 100)
STEPS = st.lists(st.one_of(
    st.tuples(st.just("put"), NAMES, st.sets(st.integers(1, 4)), WHEN), st.tuples(st.just("prune"), WHEN),
    st.tuples(st.just("hold"), NAMES), st.tuples(st.just("forget"), NAMES)), min_size=4, max_size=14)


async def step(store, what, *given):
    known = [row.id for row in await store._db.read(lambda connection: connection.execute(
        sa.select(articles.c.id).where(~articles.c.forgotten)))]
    if what == "put":
        name, wanted, days = given
        await put(store, name, sorted(wanted), at(0, days))
    elif what == "prune":
        return await store.prune(at(-1), at(0, given[0]))
    elif given[0] in known:
        await (store.hold(given[0]) if what == "hold" else store.forget(given[0], at(9)))
    return None


@given(steps=STEPS)
@example(steps=[("put", "a1", {1}, 5), ("prune", 20), ("put", "a1", set(), 5), ("put", "a1", {2}, 5)])
@example(steps=[("put", "a1", {1}, 5), ("put", "a2", {1, 2}, 6), ("hold", "a2"), ("prune", 25), ("put", "a1", {2}, 35), ("put", "a2", {2}, 5)])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.long
async def test_any_course_of_things_leaves_the_same_candidates_on_both_databases(processes, file, steps):
    both = await emptied(processes[0]), await emptied(file)
    for one in steps:
        counted, also = [await step(store, *one) for store in both]
        assert counted == also
        for window in (EVER, (at(0, 20), at(0, 70))):
            asked = [[await store.candidates(name, [1, 2, 3, 4], *window, 9) for name in ("a1", "x")] for store in both]
            assert asked[0] == asked[1], one


async def plan(store, mode, make_statement):
    """How the server would answer, were the table worth an index."""
    async def explain(connection):
        for setting in ("enable_seqscan = off", "enable_bitmapscan = off", f"plan_cache_mode = {mode}"):
            await connection.execute(sa.text(f"SET LOCAL {setting}"))
        compiled = make_statement(connection).compile(dialect=connection.dialect)
        raw = (await connection.get_raw_connection()).driver_connection
        bound = [compiled._bind_processors.get(name, lambda value: value)(compiled.params[name]) for name in compiled.positiontup]
        given = ", ".join(f"'{{{','.join(map(str, value))}}}'" if isinstance(value, list) else f"'{value}'" for value in bound)
        await raw.execute(f"PREPARE asked AS {compiled}")
        steps = [row[0] for row in await raw.fetch(f"EXPLAIN EXECUTE asked({given})")]
        await raw.execute("DEALLOCATE asked")
        return steps

    return await store._db.read(explain)


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize(("make_statement", "scan"), [
    (lambda _: _holding([1, 2], "a", _between(at(1), at(2, 3))), "Index Only Scan using"),
    (lambda connection: _newest(connection, [1, 2], "a", _between(at(1), at(2, 3))), "Index Only Scan Backward using"),
    (lambda connection: _holders(connection, [1, 2], 9), "Index Only Scan using"),
], ids=["holding", "newest", "holders of paragraphs"])
async def test_look_ups_are_of_the_index_alone_and_of_the_window(here, mode, make_statement, scan):
    for spans in range(6):
        await put(here, f"a{spans}", [1], at(spans))
    steps = await plan(here, mode, make_statement)
    scans = [step for step in steps if "Scan" in step and "unnest" not in step]
    assert scans
    assert all(scan in step for step in scans), steps
    assert not any("Sort" in step for step in steps), steps
    if " keys_" in "".join(scans):
        assert len(scans) == 2, steps


async def test_an_index_from_before_there_were_partitions_is_taken_over(postgres_server, monkeypatch):
    url = await new_database(postgres_server, "unparted")
    monkeypatch.setattr(schema, "HEAD", "0006")
    moments = [datetime(1969, 12, 1, tzinfo=UTC), at(0) - timedelta(microseconds=1), at(0), at(2, 1)]
    before = [{"key": 2**64 - 1, "seen": seen, "article": f"a{number}"} for number, seen in enumerate(moments)]
    async with opened(url) as store:
        await store._db.write(lambda connection: connection.execute(sa.insert(keys), before))
    monkeypatch.undo()
    async with opened(url) as store:
        assert await rows(store) == [(f"a{number}", 2**64 - 1) for number in range(4)]
        assert (await parts(store))[1:] == [(-1, 0), (0, 1), (2, 3)]
        await put(store, "a9", [2**64 - 1], at(0, 5))
        assert await store.candidates("x", [2**64 - 1], *EVER, 9) == ["a0", "a1", "a2", "a3", "a9"]
