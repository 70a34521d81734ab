import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from crawler.adapters.store import open_store, schema, tables
from crawler.adapters.store.bulk import within
from crawler.adapters.store.index import _between, _holders, _holding, _newest
from crawler.adapters.store.sightings import _spread
from crawler.errors import StoreError


@pytest.fixture
async def sqlite(sqlite_url, make):
    async with make.opened(sqlite_url) as store:
        yield store


async def version(store, to):
    async def change(connection):
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = :to"), {"to": to})

    await store._db.write(change)


async def test_the_migrations_make_the_tables(store):
    def is_described(name, kind, parents):      # partitions are the table's, which is one
        return kind != "table" or not name.startswith("keys_")

    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_described})
        return compare_metadata(context, tables.metadata)

    assert await store._db.read(lambda connection: connection.run_sync(differences)) == []


def test_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


async def test_a_newer_schema_is_refused_and_left_alone(store, url):
    await version(store, "9999")
    try:
        with pytest.raises(StoreError, match=r"newer Firsthand \(schema 9999.*update Firsthand"):
            await open_store(url)
    finally:
        await version(store, schema.HEAD)
    await (await open_store(url, create=False)).close()


async def test_an_empty_database_is_not_filled_where_that_was_not_asked(tmp_path):
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="nothing is stored yet"):
        await open_store(f"sqlite:///{tmp_path / 'empty.db'}", create=False)


async def test_many_that_open_an_empty_database_at_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    for store in await asyncio.gather(*(open_store(url) for _ in range(4))):
        await store.close()


async def plan(store, make_statement):
    """How SQLite would answer."""
    async def explain(connection):
        statement = make_statement(connection)
        text = str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        return [row.detail for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]

    return await store._db.read(explain)


async def test_look_ups_of_the_index_stay_look_ups(sqlite, make):
    """SQLite alone: PostgreSQL reads a table of three rows whole, and is right to."""
    store = sqlite
    now = make.START
    for make_statement, table in [
        (lambda connection: _newest(connection, [1, 2, 3], "a", _between(now, now)), "keys"),
        (lambda _: _holding([1, 2], "a", _between(now, now)), "keys"),
        (lambda connection: _holders(connection, [1, 2, 3], 9), "units"),
        (lambda _: sa.select(tables.units.c.article).where(within(tables.units.c.unit, [1, 2]), tables.is_kept), "units"),
        (lambda _: sa.delete(tables.keys).where(within(tables.keys.c.key, [1, 2]), tables.keys.c.seen == now,
                                                tables.keys.c.article == "a"), "keys"),
    ]:
        steps = [step for step in await plan(store, make_statement) if f" {table}" in step]
        assert steps
        assert all(step.startswith(f"SEARCH {table} USING") for step in steps), steps

    assert any("ix_sightings_waiting (due<?)" in step for step in await plan(store, lambda _: _spread(now, timedelta(minutes=1), 9, [])))
    due = sa.select(tables.feeds).where(tables.feeds.c.next_poll <= now)
    assert any("ix_feeds_next_poll (next_poll<?)" in step for step in await plan(store, lambda _: due))
    unjudged = sa.select(tables.articles.c.id).where(tables.is_unjudged).order_by(
        tables.articles.c.first_seen, tables.articles.c.id).limit(9)
    assert await plan(store, lambda _: unjudged) == ["SCAN articles USING INDEX ix_articles_unjudged"]


async def test_sqlite_is_set_up_so_that_nothing_is_lost(sqlite):
    async def settings(connection):
        return [await connection.scalar(sa.text(f"PRAGMA {name}"))
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")]

    assert await sqlite._db.write(settings) == ["wal", 2, 1, 30000]
