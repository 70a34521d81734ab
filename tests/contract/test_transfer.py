"""Moving a store: nothing is lost on the way, whatever ends a copy, and nobody takes half a copy for a store."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count, permutations
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from crawler.adapters.store import open_store
from crawler.adapters.store.columns import Json, Moment, Packed, pack
from crawler.adapters.store.tables import metadata
from crawler.adapters.store.transfer import copy_store
from crawler.adapters.store.transfer.rows import Tally, encoded, shapes, with_children
from crawler.errors import StoreError, UsageError
from crawler.newsworld import World, serve
from crawler.settings import FeedConfig

ROOT = Path(__file__).parents[2]
ROWS = 20    # of each table: more than one piece
ODD = ["", "naïve", "قارئ", "新聞", "\U0001f4f0", "\x01\x7f", "\u2028\ufeff", "a'b\"c\\d", "\uffff", "İ"]
EDGES = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0]


def value(column, row):
    """What stands in a row of the store under test: everything that a column of the kind may hold."""
    for key in column.foreign_keys:
        return value(key.column, row)
    if column.nullable and row % 5 == 4:
        return None
    odd, kind = ODD[row % len(ODD)], column.type
    match kind:
        case sa.Boolean():
            return 1 if column.name == "listed" else row % 2
        case sa.Float():
            return EDGES[row % len(EDGES)]
        case Moment():
            return 1_772_352_000_000_000 + row * 3_600_000_001
        case Json():
            return json.dumps([row, odd])
        case Packed():
            return pack(f"{row}{odd}" * row)
        case sa.LargeBinary():
            return f"{column.name}{row}".encode() + bytes(range(256)) * (row * row if column.name == "body" else 0)
        case sa.Integer() if not isinstance(kind, sa.BigInteger) or (column.primary_key and column.name == "id"):
            return row + 1
        case sa.BigInteger() | sa.TypeDecorator(impl=sa.BigInteger()):
            return (row * 0x9E3779B97F4A7C15 + 1 << 1) % 2**64 - 2**63
    return f"{column.name}{row}{odd}"


@pytest.fixture(scope="module")
def made(blank, tmp_path_factory) -> Path:
    path = shutil.copy(blank, tmp_path_factory.mktemp("made") / "store.db")
    with sqlite3.connect(path) as database:
        for table in (metadata.tables[shape.name] for shape in shapes()):
            database.executemany(f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(table.columns))})',
                                 [[value(column, row) for column in ordered(database, table)] for row in range(ROWS)])
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()
    return path


def ordered(database, table):
    """Its columns as they stand in the file: migrations add some at the end."""
    return [table.c[row[1]] for row in database.execute(f'PRAGMA table_info("{table.name}")')]


@pytest.fixture
def full(made, tmp_path) -> Path:
    """A store with rows in every table, of this test's own."""
    return Path(shutil.copy(made, tmp_path / "full.db"))


@pytest.fixture
def source(full) -> str:
    return f"sqlite:///{full}"


_numbers = count()


@asynccontextmanager
async def database(server, template="template1"):
    name = f"transfer{next(_numbers)}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def template(postgres_server):
    """A store with nothing in it, to be copied: migrations take half a second each time."""
    async with database(postgres_server) as url:
        await (await open_store(url)).close()
        yield sa.make_url(url).database


@pytest.fixture
async def empty(postgres_server, template):
    """A database on the server for a copy."""
    async with database(postgres_server, template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request) -> str:
    return request.getfixturevalue("file" if request.param == "sqlite" else "empty")


@pytest.fixture(scope="module")
async def blank(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "store.db"
    await (await open_store(f"sqlite:///{path}")).close()
    return path


@pytest.fixture
def file(blank, tmp_path) -> str:
    """A file for a copy."""
    return f"sqlite:///{shutil.copy(blank, tmp_path / 'target.db')}"


async def rows(url):
    """Every row of every table as a text, sorted here: databases do not agree on an order of texts."""
    found = {}
    async with raw(url) as fetch:
        for shape in shapes():
            names = ", ".join(f'"{name}"' for name in shape.columns)
            listed = await fetch(f'SELECT {names} FROM "{shape.name}"')
            found[shape.name] = sorted(repr([int(each) if isinstance(each, bool) else each for each in row]) for row in listed)
    return found


@asynccontextmanager
async def raw(url):
    """Statements past everything of ours."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)

        async def fetch(statement):
            return connection.execute(statement).fetchall()

        yield fetch
        connection.close()
    else:
        connection = await asyncpg.connect(url)
        yield connection.fetch
        await connection.close()


async def sql(url, *statements):
    async with raw(url) as fetch:
        for statement in statements:
            await fetch(statement)


class StoppedError(Exception):
    """Something ends the copy."""


def stopping(after):
    """Progress that ends the copy when it was told so often."""
    told = count(1)

    def tell(_done, _all):
        if next(told) == after:
            raise StoppedError

    return tell


async def stopped(source, target, after):
    with pytest.raises(StoppedError):
        await copy_store(source, target, stopping(after), batch=1)


async def unfinished(url):
    with pytest.raises(StoreError, match=r"holds an unfinished copy of .*go on with `firsthand store copy ") as caught:
        await open_store(url)
    return str(caught.value)


async def test_there_and_back_again_every_row_is_the_same(source, empty, postgres_server, tmp_path):
    """Into a database that nobody has made a store yet, on either side."""
    before = await rows(source)
    assert {len(found) for found in before.values()} == {ROWS}
    back = f"sqlite:///{tmp_path / 'new' / 'back.db'}"
    async with database(postgres_server) as other:
        first = await copy_store(source, empty)
        assert await copy_store(empty, other) == first
        assert await copy_store(other, back) == first
        assert await rows(empty) == await rows(other) == await rows(back) == before
    assert {(one.table, one.rows) for one in first} == {(shape.name, ROWS) for shape in shapes()}


async def test_the_copy_is_a_store_like_any_other(source, empty, make):
    await copy_store(source, empty)
    async with make.opened(empty) as store:
        await store.sync_feeds([(FeedConfig(url="https://new.example/feed"), "New")], make.START)
    async with raw(empty) as fetch:
        assert [tuple(row) for row in await fetch("SELECT max(id) FROM feeds")] == [(ROWS + 1,)]
        tables = await fetch("SELECT * FROM alembic_version")
        assert len(tables) == 1


async def test_numbers_that_were_given_are_not_given_again(source, empty, postgres_server, template):
    await copy_store(source, empty)
    await sql(empty, "INSERT INTO history (story, at, event) VALUES ('a', 0, 'story')", f"DELETE FROM history WHERE id > {ROWS}")
    async with database(postgres_server, template) as other:
        await copy_store(empty, other)
        async with raw(other) as fetch:
            [(given,)] = await fetch("INSERT INTO history (story, at, event) VALUES ('a', 0, 'story') RETURNING id")
    assert given == ROWS + 2


async def test_progress_counts_each_row_copied_and_read_back(source, file):
    heard = []
    await copy_store(source, file, lambda done, all_: heard.append((done, all_)), batch=1)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert {all_ for _, all_ in heard} == {heard[-1][0]} == {2 * ROWS * len(shapes())}


@pytest.mark.long
async def test_ended_anywhere_it_goes_on(source, target):
    for after in count(1, 24):
        try:
            await copy_store(source, target, stopping(after), batch=1)
        except StoppedError:
            await unfinished(target)
        else:
            break
    assert after > 72
    assert await rows(target) == await rows(source)


async def test_what_was_copied_is_not_copied_again(source, empty):
    await stopped(source, empty, 30)
    async with raw(empty) as fetch:
        before = await fetch("SELECT xmin::text, id FROM articles ORDER BY id")
        await copy_store(source, empty)
        assert await fetch("SELECT xmin::text, id FROM articles ORDER BY id") == before
    assert len(before) == ROWS


CHANGES = {
    "a row is other": "UPDATE articles SET title = 'other' WHERE status = 3",
    "a row is gone": "DELETE FROM pages WHERE id = 2",
    "a row has come": "INSERT INTO hosts (host, pages) VALUES ('new.example', 0)",
    "a row has come where the copy has been": "INSERT INTO terms VALUES ('', 'a')",
    "one row is gone and one has come": "UPDATE endings SET story = 'other' WHERE at = 1772352000000000",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_has_changed_since_it_was_stopped_is_brought_over(source, file, change):
    await stopped(source, file, 45)
    await sql(source, change)
    await copy_store(source, file)
    assert await rows(file) == await rows(source)


@pytest.fixture(params=["from sqlite", "from postgresql"])
def served(request) -> str | None:
    return request.getfixturevalue("empty") if request.param == "from postgresql" else None


async def test_a_source_that_changes_meanwhile_is_told_and_the_next_copy_is_whole(source, served, file):
    if served is not None:
        await copy_store(source, served)
        source = served
    begun = asyncio.Event()

    async def change():
        await begun.wait()
        await sql(source, "UPDATE articles SET title = 'other' WHERE status = 3")

    changing = asyncio.create_task(change())
    with pytest.raises(StoreError, match=r"has changed while it was copied \(articles\); stop .* same command again"):
        await copy_store(source, file, lambda _done, _all: begun.set(), batch=1)
    await changing
    await unfinished(file)
    await copy_store(source, file)
    assert await rows(file) == await rows(source)


async def test_a_source_that_is_written_to_without_a_change_is_whole(source, file):
    writer = sqlite3.connect(source.removeprefix("sqlite:///"), isolation_level=None)

    def write(_done, _all):
        writer.execute("INSERT INTO hosts (host, pages) VALUES ('new.example', 0)")
        writer.execute("DELETE FROM hosts WHERE host = 'new.example'")

    await copy_store(source, file, write, batch=1)
    writer.close()
    await (await open_store(file, create=False)).close()


async def test_a_row_that_something_else_has_changed_in_the_copy_is_put_right(source, empty):
    await stopped(source, empty, 45)
    await sql(empty, "UPDATE stories SET confidence = 0.25", "UPDATE articles SET title = 'other' WHERE status = 3")
    await copy_store(source, empty)
    assert await rows(empty) == await rows(source)


async def test_a_copy_that_does_not_hold_what_was_written_is_never_a_store(source, file):
    await stopped(source, file, 1)
    await sql(file, "CREATE TRIGGER spoil AFTER INSERT ON hosts BEGIN UPDATE hosts SET pages = 1 WHERE host = NEW.host; END")
    with pytest.raises(StoreError, match=r"does not hold what was written to it \(hosts\)"):
        await copy_store(source, file)
    await unfinished(file)


async def test_a_lost_connection(source, empty):
    await stopped(source, empty, 1)
    await sql(empty, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                     "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'",
              "CREATE TRIGGER cut BEFORE INSERT ON pages FOR EACH ROW EXECUTE FUNCTION cut()")
    with pytest.raises(StoreError, match=r"the same command goes on where it stopped$"):
        await copy_store(source, empty)
    await sql(empty, "DROP TRIGGER cut ON pages")
    await copy_store(source, empty)
    assert await rows(empty) == await rows(source)


async def test_a_database_that_holds_something_is_refused_and_left_alone(source, file):
    await copy_store(source, file)
    before = await rows(file)
    with pytest.raises(UsageError, match=r"is not empty \(articles\); .* name one that is new"):
        await copy_store(source, file)
    assert await rows(file) == before
    await (await open_store(file, create=False)).close()


async def test_tables_of_something_else_are_left_alone(source, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.db'}"
    await sql(other, "CREATE TABLE articles (id integer)")
    with pytest.raises(StoreError, match="another program's database"):
        await copy_store(source, other)


async def test_a_copy_goes_on_with_its_own_source_only(source, full, file, tmp_path):
    await stopped(source, file, 5)
    assert source in await unfinished(file)
    shutil.copy(full, tmp_path / "other.db")
    with pytest.raises(UsageError, match=r"unfinished copy of sqlite:.*full\.db, not of sqlite:.*other\.db"):
        await copy_store(f"sqlite:///{tmp_path / 'other.db'}", file)
    with pytest.raises(StoreError, match="holds an unfinished copy"):
        await copy_store(file, f"sqlite:///{tmp_path / 'third.db'}")


async def test_a_copy_of_another_version_is_not_gone_on_with(source, file):
    await stopped(source, file, 5)
    await sql(file, "UPDATE alembic_version SET version_num = 'copying 0001'")
    with pytest.raises(UsageError, match="made by another version of Firsthand"):
        await copy_store(source, file)
    await unfinished(file)


async def test_to_itself(source, full, tmp_path):
    (tmp_path / "link.db").symlink_to(full)
    with pytest.raises(UsageError, match="to itself"):
        await copy_store(source, f"sqlite:///{tmp_path / 'link.db'}")


async def test_nothing_to_copy(tmp_path):
    with pytest.raises(StoreError, match="there is no such file"):
        await copy_store(f"sqlite:///{tmp_path / 'none.db'}", f"sqlite:///{tmp_path / 'new' / 'target.db'}")
    assert list(tmp_path.iterdir()) == []


async def test_of_two_at_once_one_ends_and_one_is_refused(source, empty):
    ended = await asyncio.gather(copy_store(source, empty), copy_store(source, empty), return_exceptions=True)
    [refused] = [one for one in ended if isinstance(one, BaseException)]
    assert isinstance(refused, StoreError)
    assert "another `firsthand store copy` is filling it" in str(refused)
    assert await rows(empty) == await rows(source)


@pytest.mark.parametrize("url", ["postgresql://u:hush@127.0.0.1:1/d", "postgresql://u@127.0.0.1:1/d?password=hush"])
async def test_a_password_is_not_told(source, url):
    with pytest.raises(StoreError) as caught:
        await copy_store(source, url)
    assert "hush" not in str(caught.value)


async def command(*arguments, **variables):
    """`firsthand`, started."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crawler", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables})


async def waiting(watch):
    """Until somebody waits for the lock that we hold."""
    while not await watch.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pages'::regclass"):
        pass


async def test_killed_and_interrupted_in_the_middle_of_a_transaction(source, empty):
    """The real command; what holds it in the middle is a lock on a table of the target."""
    holder, watch = await asyncpg.connect(empty), await asyncpg.connect(empty)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE pages IN SHARE MODE")      # others may read it
    for signal_, status, said in ((signal.SIGINT, 130, b"interrupted; the same command goes on where it stopped"),
                                  (signal.SIGKILL, -signal.SIGKILL, b"")):
        process = await command("store", "copy", source, empty)
        await waiting(watch)
        process.send_signal(signal_)
        out, err = await process.communicate()
        assert (process.returncode, out) == (status, b"")
        assert said in err
        assert b"Traceback" not in err
        # The server sees that a client is gone when it turns to it again, and not while it waits for the lock.
        while await watch.fetchval("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE NOT granted"):
            pass
        await unfinished(empty)
        assert await watch.fetchval("SELECT count(*) FROM members") == ROWS
    await transaction.rollback()
    await holder.close()
    await watch.close()
    await copy_store(source, empty)
    assert await rows(empty) == await rows(source)


@pytest.mark.long
async def test_a_crawled_store_gives_the_same_report_on_either_database(postgres_server, tmp_path):
    world = World(datetime(2026, 3, 2, 6, tzinfo=UTC))
    world.set(datetime(2026, 3, 2, 18, tzinfo=UTC))
    config = str(tmp_path / "firsthand.yaml")
    async with serve(world) as proxy:
        world.write_config(config, proxy, tmp_path / "var")
        crawling = await command("-c", config, "run", "--once", "--all")
        await crawling.communicate()
    source, back = f"sqlite:///{tmp_path / 'var' / 'firsthand.db'}", f"sqlite:///{tmp_path / 'back.db'}"
    reports = []
    async with database(postgres_server) as other:
        for one, to in ((source, other), (other, back)):
            copying = await command("store", "copy", one, to)
            _, err = await copying.communicate()
            assert copying.returncode == 0, err
        assert await rows(source) == await rows(other) == await rows(back)
        for store in (source, other, back):
            reporting = await command("-c", config, "report", "--format", "json", FIRSTHAND_STORE=store)
            out, _ = await reporting.communicate()
            reports.append(json.loads(out))
    assert len({report.pop("generated") for report in reports}) > 0
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["totals"]["copies"] >= 10


def test_a_tally_does_not_depend_on_an_order():
    some = [(1, "a"), (2, "b"), (2, "b"), (None, b"")]
    assert len({Tally().plus(each)[0] for each in permutations(some)}) == 1
    halves, _ = Tally().plus(some[:2])[0].plus(some[2:])
    assert halves == Tally().plus(some)[0]
    assert Tally().plus(some[:3])[0] != Tally().plus(some[:2])[0]


def test_rows_that_differ_are_encoded_in_different_ways():
    different = [("a", "bc"), ("ab", "c"), ("abc",), ("abc", None), (b"abc",), (1,), (1.0,), ("1",), (None,), ("",), (b"",), (0,),
                 (0.0,), (-0.0,), (0, None), (None, 0), (-1,), (2**63 - 1,), (-2**63,)]
    assert len({encoded(row) for row in different}) == len(different)
    with pytest.raises(TypeError, match="complex"):
        encoded((1j,))


def test_with_a_table_go_those_that_point_into_it():
    found = with_children(["articles"], shapes())
    assert {"articles", "addresses", "members", "pages", "revisions"} <= found
    assert found.isdisjoint({"feeds", "bodies", "stories", "keys"})
