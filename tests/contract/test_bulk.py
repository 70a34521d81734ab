"""Many rows in one statement, and many values asked for in one."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from crawler.adapters.store.bulk import insert_many, within
from crawler.adapters.store.tables import hosts, keys, matches, sightings, terms, units

WIDE = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]      # a signed column wraps in the middle


async def written(store, table, *columns):
    return sorted(tuple(row) for row in await store._db.read(
        lambda connection: connection.execute(sa.select(*columns).select_from(table))))


async def write(store, table, rows):
    async def work(connection):
        await store._db.backend.make_room(connection, [row["seen"] for row in rows if "seen" in row])
        await insert_many(connection, table, rows)

    await store._db.write(work)


@pytest.mark.parametrize("many", [1, 3, 2000])
async def test_as_many_rows_as_there_are(store, make, many):
    rows = [{"key": key * 2**50, "seen": make.START, "article": f"a{key}"} for key in range(many)]
    await write(store, keys, rows)
    assert await written(store, keys, keys.c.key, keys.c.seen, keys.c.article) == [
        (row["key"], make.START, row["article"]) for row in rows]


async def test_no_rows_are_no_statement(store):
    for write in (insert_many, store._db.insert_new, store._db.upsert):
        await store._db.write(lambda connection, write=write: write(connection, hosts, []))
    assert await written(store, hosts, hosts.c.host) == []


async def test_values_go_through_the_types_of_their_columns(store, desk, make):
    """Lists as JSON, NULL, texts without what no database holds, compressed contents, defaults that a row leaves out."""
    await desk.add_feeds("https://daily.example/feed")
    listed = [make.seen(name, title=f"T\x00\ud800{name}", content=content)
              for name, content in (("one", "Its content."), ("two", None))]
    await desk.poll("https://daily.example/feed", *listed)
    claimed = await desk.claim()
    assert [replace(one.entry, summary="") for one in claimed] == [
        replace(one.entry, title=f"T{one.entry.key}") for one in listed]
    assert await written(store, sightings, sightings.c.aliases, sightings.c.attempts) == [([], 0)] * 2


async def test_serial_numbers_follow_the_rows(store, desk, make):
    names = [f"n{at * 7919 % 97}" for at in range(97)]
    await desk.add_feeds("https://daily.example/feed")
    await desk.poll("https://daily.example/feed", *map(make.seen, names))
    assert [key for _, key in await written(store, sightings, sightings.c.id, sightings.c.key)] == names


async def test_the_last_of_several_rows_with_one_key_stays(store):
    rows = [{"a": "a1", "b": b, "copied": copied, "detail": [b]} for b, copied in (("b1", False), ("b2", True), ("b1", True))]
    await store._db.write(lambda connection: store._db.upsert(connection, matches, rows[:1]))
    await store._db.write(lambda connection: store._db.upsert(connection, matches, rows))
    assert await written(store, matches, matches.c.b, matches.c.copied) == [("b1", True), ("b2", True)]


async def test_a_row_whose_key_is_taken_is_passed_over(store):
    for dropped, articles in ((True, "a"), (False, "aba")):
        rows = [{"unit": 2**64 - 1, "article": article, "dropped": dropped} for article in articles]
        await store._db.write(lambda connection, rows=rows: store._db.insert_new(connection, units, rows))
    assert await written(store, units, units.c.article, units.c.dropped) == [("a", True), ("b", False)]


@pytest.mark.parametrize(("table", "column", "stored", "asked", "found"), [
    (keys, keys.c.key, WIDE, [2**63, 0, 5], [0, 2**63]),
    (keys, keys.c.key, WIDE, [], []),
    (keys, keys.c.key, WIDE, range(40_000), [0, 1]),       # both drivers refuse so many parameters
    (terms, terms.c.term, ["a", 'b"', "ç\\", "d"], ['b"', "ç\\", "'"], ['b"', "ç\\"]),
], ids=["over the whole range", "none", "very many", "texts"])
async def test_which_of_many_values(store, make, table, column, stored, asked, found):
    more = {"seen": make.START, "article": "a"} if table is keys else {"story": "s"}
    await write(store, table, [{column.name: value, **more} for value in stored])
    which = sa.select(column).where(within(column, asked))
    assert sorted(await store._db.read(lambda connection: connection.scalars(which))) == found


async def test_one_statement_text_for_any_number_of_rows_and_values(url, store, make):
    """What keeps a prepared statement: on SQLite only the question is one."""
    said = set()
    writer = store._db.backend._writer
    engine = writer.engine if hasattr(writer, "engine") and not store.shared else writer.sync_engine
    note = lambda *given: said.add(given[2])    # noqa: E731 - removed again below
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        for many in (1, 7, 300):
            rows = [{"unit": key, "article": "a"} for key in range(many)]

            async def work(connection, rows=rows):
                await insert_many(connection, units, rows)
                await connection.execute(sa.delete(units).where(within(units.c.unit, [row["unit"] for row in rows])))

            await store._db.write(work)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert len([one for one in said if "units" in one]) == 2
