"""SQLite: one writer connection for all of a process, readers beside it, WAL, nothing lost by a power cut."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crawler.adapters.store import partitions
from crawler.adapters.store.failures import DAMAGED, translated
from crawler.errors import StoreError

_BUSY_SECONDS = 30       # a command and the daemon are two writers; a transaction lasts milliseconds
_ELECTION_SECONDS = 60   # an election takes well under a second; longer means that the other process hangs
_READERS = 4
_VERIFIED = 256 * 1024 * 1024   # bytes that are read through at a start: 4.4 ms a MiB, so at most about a second
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",           # WAL with NORMAL may lose the last transactions on power loss
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = ON",           # what is forgotten is overwritten, not only unlinked
)


class Sqlite:
    """A database file; `engine.Backend`. For the processes of one machine, of which one crawls."""

    shared = False
    stripes = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self._writer = _engine(path, "BEGIN IMMEDIATE", _PRAGMAS, size=1)
        self._reader = _engine(path, "BEGIN", (*_PRAGMAS[1:], "PRAGMA query_only = ON"), size=_READERS)
        self._turn = asyncio.Lock()
        self._election = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A deferred transaction: one snapshot from its first SELECT on."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """BEGIN IMMEDIATE on the one writer connection: what it reads, nobody changes before it commits."""
        async with self._turn, self._writer.begin() as connection:
            yield connection

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Nothing to do: there is one writer."""

    @asynccontextmanager
    async def electing(self, stripes: frozenset[int]) -> AsyncIterator[None]:  # noqa: ARG002 - there is one
        """An exclusive transaction on an empty database beside this one: a lock between processes that ends with
        its holder, needs no clock, and does not hold up the writers of this database."""
        async with self._election:
            with translated(self.where):
                holder = await self._hold_election()
            try:
                yield
            finally:
                await holder.close()

    async def _hold_election(self) -> aiosqlite.Connection:
        holder = await _connected(self.path.with_name(self.path.name + "-election"), 0)
        try:
            async with asyncio.timeout(_ELECTION_SECONDS):
                while not await _begin_exclusive(holder):  # noqa: ASYNC110 - the other holder may be a process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await holder.close()
            raise StoreError(f"store {self.where}: another process has been electing for {_ELECTION_SECONDS} s; "
                             "see `firsthand status`, and end it if it hangs") from None
        except BaseException:
            await holder.close()
            raise
        return holder

    async def try_locks(self, connection: AsyncConnection, names: Sequence[str]) -> list[bool]:  # noqa: ARG002 - as above
        """There is one writer."""
        return [True for _ in names]

    async def soon(self, connection: AsyncConnection) -> None:
        """Nothing to do: on one machine nothing of this kind is written."""

    async def time(self, connection: AsyncConnection) -> datetime:
        """The machine's clock, which SQLite tells to the millisecond."""
        found = await connection.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"))
        return datetime.fromisoformat(str(found))

    async def make_room(self, connection: AsyncConnection, moments: Iterable[datetime]) -> None:
        """Nothing to do: all rows stand in one table, in order of their keys."""

    async def floor(self, connection: AsyncConnection) -> datetime | None:
        """None, but in a copy of a PostgreSQL store, whose rows of pruned articles came along."""
        return await partitions.floor(connection)

    async def raise_floor(self, connection: AsyncConnection, before: datetime) -> datetime | None:
        """None: each row is deleted."""

    async def retire(self) -> bool:
        """Nothing to do."""
        return True

    async def scrub(self) -> None:
        """Fold the log, in which the old pages stand, into the file; `secure_delete` has emptied them there."""
        with translated(self.where):
            async with self._turn:
                await asyncio.to_thread(_alone, self.path, "PRAGMA wal_checkpoint(TRUNCATE)")

    async def backup(self, target: Path) -> None:
        """VACUUM INTO: one snapshot, compacted, while others read and write."""
        try:
            _claim(target)
        except OSError as error:
            said = "exists already" if isinstance(error, FileExistsError) else error.strerror
            raise StoreError(f"backup {target}: {said}; name a new file in a directory that can be written") from error
        with translated(f"{self.where}: backup {target}"):
            await asyncio.to_thread(_vacuum_into, self.path, target)

    async def verify(self) -> None:
        """Read every page, where that is soon done; a larger file says at the first touch of a bad page what to do."""
        with translated(self.where):
            if self.path.stat().st_size > _VERIFIED:
                return
            found = await asyncio.to_thread(_alone, self.path, "PRAGMA quick_check(1)")
        if found != [("ok",)]:
            raise StoreError(f"store {self.where}: {DAMAGED}")

    async def close(self) -> None:
        """Close every connection; the last one folds the log into the file."""
        await self._reader.dispose()
        await self._writer.dispose()


def _engine(path: Path, begin: str, pragmas: tuple[str, ...], *, size: int) -> AsyncEngine:
    engine = create_async_engine(
        "sqlite+aiosqlite://", async_creator=lambda: _connected(path, _BUSY_SECONDS), pool_size=size, max_overflow=0,
        poolclass=sa.AsyncAdaptedQueuePool,
    )

    @sa.event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


async def _connected(path: Path, patience: float) -> aiosqlite.Connection:
    """A connection on which we alone say BEGIN, and which waits so many seconds for other writers."""
    connection = aiosqlite.connect(path, timeout=patience, isolation_level=None)
    thread = connection._thread  # noqa: SLF001 - as SQLAlchemy does: there is no other way to it
    thread.daemon = True
    try:
        return await connection
    except BaseException:
        # It still has its last words to the event loop, which may be closed when it comes to them.
        while thread.is_alive():  # noqa: ASYNC110 - a thread sets no event
            await asyncio.sleep(0.001)
        raise


async def _begin_exclusive(holder: aiosqlite.Connection) -> bool:
    try:
        await holder.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def _claim(target: Path) -> None:
    """Create the file, so that nobody else's is ever overwritten: VACUUM INTO takes an empty one."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _alone(path: Path, statement: str, *values: str) -> list[Any]:
    """Run a statement that must stand outside of every transaction, on a connection of its own."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def _vacuum_into(path: Path, target: Path) -> None:
    try:
        _alone(path, "VACUUM INTO ?", str(target))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
