"""What a person reads when the database fails: one line, without SQL, and nothing half written."""

import asyncio
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa

from crawler.adapters.store import open_store
from crawler.adapters.store.tables import articles
from crawler.errors import StoreError

A = "https://a.example/feed"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "var" / "news.db"


def one_line(caught) -> str:
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 300
    assert "[SQL" not in said
    assert "sqlalche.me" not in said
    return said


async def test_the_directory_is_made_and_create_false_makes_nothing(file, make):
    with pytest.raises(StoreError) as caught:
        await open_store(f"sqlite:///{file}", create=False)
    assert "there is no such file" in one_line(caught)
    assert not file.parent.exists()
    async with make.opened(f"sqlite:///{file}") as store:
        assert await store.feeds() == []
    await (await open_store(f"sqlite:///{file}", create=False)).close()


@pytest.mark.parametrize(("url", "said"), [
    ("mysql://u:hush@h/d", "write sqlite:///PATH"), ("nonsense", "not a database URL"), ("sqlite://", "a file"),
    ("sqlite:///:memory:", "a file"),
])
async def test_urls_that_name_no_database(url, said):
    with pytest.raises(StoreError, match=said) as caught:
        await open_store(url)
    assert "hush" not in one_line(caught)


async def test_a_full_disk(file, make):
    async with make.opened(f"sqlite:///{file}") as store:
        await make.Desk(store).put("1")
        pages = await limit(store, None)
        await limit(store, pages + 4)
        with pytest.raises(StoreError, match="disk is full; nothing was written") as caught:
            await make.Desk(store).put("2", text="x " * 100_000)
        one_line(caught)
        assert await store.article_at("https://daily.example/2") is None
        await limit(store, 2**30)
        assert await make.Desk(store).put("2") == ["a2"]


async def limit(store, pages):
    """Set how many pages the file may have; returns how many it has."""
    async def change(connection):
        if pages is None:
            return await connection.scalar(sa.text("PRAGMA page_count"))
        return await connection.scalar(sa.text(f"PRAGMA max_page_count = {pages}"))

    return await store._db.write(change)


async def test_a_locked_database(file, make, monkeypatch):
    monkeypatch.setattr("crawler.adapters.store.sqlite._BUSY_SECONDS", 0)
    async with make.opened(f"sqlite:///{file}") as store:
        await make.Desk(store).put("1")
        other = sqlite3.connect(file, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked by another process") as caught:
                await make.Desk(store).put("2")
            one_line(caught)
            assert (await store.article("a1")).article.id == "a1"     # readers go on
        finally:
            other.close()
        assert await make.Desk(store).put("2") == ["a2"]


async def test_a_read_only_file(file, make):
    async with make.opened(f"sqlite:///{file}") as store:
        await make.Desk(store).put("1")

        await read_only(store)      # file modes do not stop root
        with pytest.raises(StoreError, match="cannot be written: check who owns") as caught:
            await make.Desk(store).put("2")
        one_line(caught)


async def read_only(store):
    def close(engine):
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")

    writer = store._db.backend._writer
    await writer.call(close, writer.engine)


async def test_a_file_that_is_no_database(file):
    file.parent.mkdir()
    file.write_bytes(b"These are my notes, not a database. " * 200)
    with pytest.raises(StoreError, match="no SQLite database") as caught:
        await open_store(f"sqlite:///{file}")
    one_line(caught)
    assert file.read_bytes().startswith(b"These are my notes")


async def test_a_damaged_file(file, make):
    async with make.opened(f"sqlite:///{file}") as store:
        await make.Desk(store).put(*map(str, range(5)), text="words " * 5000)
    data = bytearray(file.read_bytes())
    for at in range(4096 * 2, len(data) - 4096, 4096):
        data[at:at + 64] = b"\xff" * 64
    file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged; restore a copy made by `firsthand backup`") as caught:
        async with make.opened(f"sqlite:///{file}") as store:
            [one async for one in store.export(originals=False)]
    one_line(caught)


async def test_a_path_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as caught:
        await open_store(f"sqlite:///{tmp_path}/file/news.db")
    one_line(caught)


async def test_a_directory_in_the_place_of_the_file(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        await open_store(f"sqlite:///{tmp_path}")
    one_line(caught)


async def test_a_server_that_is_not_there():
    with pytest.raises(StoreError, match="out of reach") as caught:
        await open_store("postgresql://ann:hush@127.0.0.1:1/news")
    assert "hush" not in one_line(caught)


async def test_a_database_that_is_not_there(postgres_server):
    with pytest.raises(StoreError, match="no such database; create it with createdb") as caught:
        await open_store(postgres_server.replace("/postgres?", "/nowhere?"))
    one_line(caught)


async def test_a_server_that_drops_its_connections(postgres_server, make):
    async with make.opened(postgres_server) as store:
        drop = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                       "AND backend_type = 'client backend'")
        dropping = sa.text("SELECT pg_terminate_backend(pg_backend_pid())")
        await asyncio.gather(*(store.feeds() for _ in range(4)))
        await store._db.write(lambda connection: connection.execute(drop))
        await asyncio.gather(*(store.feeds() for _ in range(4)))
        with pytest.raises(StoreError) as caught:
            await store._db.write(lambda connection: connection.execute(dropping))
        assert "try again" in one_line(caught)
        await store.feeds()


async def test_an_error_in_the_middle_leaves_nothing(store, desk, make):
    await desk.add_feeds(A)

    async def half(connection):
        await connection.execute(sa.delete(articles))
        await connection.execute(sa.text("INSERT INTO feeds (id) VALUES (1)"))

    await desk.put("1")
    with pytest.raises(StoreError) as caught:
        await store._db.write(half)
    one_line(caught)
    assert (await store.article("a1")).article.id == "a1"


async def test_a_writer_that_is_cancelled_leaves_nothing_and_nobody_waiting(store, second, desk):
    await desk.put("1")
    inside = asyncio.Event()

    async def forever(connection):
        await connection.execute(sa.delete(articles))
        inside.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(store._db.write(forever))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for one in (store, second):
        assert await one.mark_unjudged(None) == 1


CRASH = """
import asyncio, os, sys
import sqlalchemy as sa
from crawler.adapters.store import open_store
from crawler.adapters.store.tables import articles

async def main():
    store = await open_store(sys.argv[1])

    async def die(connection):
        await connection.execute(sa.delete(articles))
        os._exit(9)

    async with store.electing(["a1"]):
        await store._db.write(die)

asyncio.run(main())
"""


async def test_a_process_that_dies_inside_a_transaction(store, url, desk):
    await desk.put("1")
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", CRASH, url], timeout=60)
    assert done.returncode == 9
    async with asyncio.timeout(30), store.electing(["a1"]):
        assert await store.mark_unjudged(None) == 1
