"""SQLite: one writer connection for all of a process, readers beside it, WAL, nothing lost by a power cut."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Work
from crawler.adapters.store.failures import DAMAGED, translated
from crawler.adapters.store.threads import Buffered, Threads
from crawler.errors import StoreError

T = TypeVar("T")
_BUSY_SECONDS = 30       # a command and the daemon are two writers; a transaction lasts milliseconds
_ELECTION_SECONDS = 60   # an election takes well under a second; longer means that the other process hangs
_READERS = 4
_VERIFIED = 256 * 1024 * 1024   # bytes that are read through at a start: 4.4 ms a MiB, so at most about a second
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",           # WAL with NORMAL may lose the last transactions on power loss: see `write`
    "PRAGMA wal_autocheckpoint = 8000",    # pages, 32 MB: an article changes some 150, a checkpoint waits twice for the disk
    "PRAGMA cache_size = -16384",          # KiB a connection
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
        # BEGIN IMMEDIATE on the one writer connection: what it reads, nobody changes before it commits.
        self._writer = Threads(_engine(path, "BEGIN IMMEDIATE", _PRAGMAS, size=1), 1, "store-writer")
        # Deferred transactions: one snapshot from the first SELECT on.
        self._reader = Threads(_engine(path, "BEGIN", (*_PRAGMAS[1:], "PRAGMA query_only = ON"), size=_READERS), _READERS, "store-reader")
        self._election = asyncio.Lock()
        self._holder: sqlite3.Connection | None = None

    async def read(self, work: Work[T]) -> T:
        """See `engine.Backend`."""
        return await self._reader.run(work)

    async def write(self, work: Work[T], *, repeatable: bool = False) -> T:
        """See `engine.Backend`. A power cut takes this process along, and of the log what it takes is the end: whatever
        followed from what was lost is lost with it."""
        return await self._writer.run(work, synchronous="NORMAL" if repeatable else "FULL")

    def holding(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """See `engine.Backend`."""
        return self._reader.holding()

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Nothing to do: there is one writer."""

    @asynccontextmanager
    async def electing(self, stripes: frozenset[int]) -> AsyncIterator[None]:  # noqa: ARG002 - there is one
        """An exclusive transaction on an empty database beside this one: a lock between processes that ends with
        its holder, needs no clock, and does not hold up the writers of this database. It waits for no disk."""
        async with self._election:
            with translated(self.where):
                holder = self._holder = self._holder or _connected(self.path.with_name(self.path.name + "-election"), 0)
                await self._hold_election(holder)
            try:
                yield
            finally:
                holder.rollback()

    async def _hold_election(self, holder: sqlite3.Connection) -> None:
        try:
            async with asyncio.timeout(_ELECTION_SECONDS):
                while not _begin_exclusive(holder):  # noqa: ASYNC110 - the other holder may be a process
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise StoreError(f"store {self.where}: another process has been electing for {_ELECTION_SECONDS} s; "
                             "see `firsthand status`, and end it if it hangs") from None

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
        """Nothing to do: the index is in segments of its own."""

    async def floor(self, connection: AsyncConnection) -> datetime | None:  # noqa: ARG002 - the protocol's signature
        """None: what was pruned is in the index no more."""
        return None

    async def raise_floor(self, connection: AsyncConnection, before: datetime) -> datetime:  # noqa: ARG002 - the protocol's
        """Nothing to raise: rows of documents that are gone are left out at the next merge."""
        return before

    async def retire(self) -> bool:
        """Nothing to do."""
        return True

    async def scrub(self) -> None:
        """Fold the log, in which the old pages stand, into the file; `secure_delete` has emptied them there."""
        with translated(self.where):
            await self._writer.call(_alone, self.path, "PRAGMA wal_checkpoint(TRUNCATE)")

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
        await self._reader.close()
        await self._writer.close()
        if self._holder is not None:
            self._holder.close()


def _engine(path: Path, begin: str, pragmas: tuple[str, ...], *, size: int) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://", creator=lambda: _connected(path, _BUSY_SECONDS), pool_size=size, max_overflow=0, poolclass=sa.QueuePool)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if wanted := connection.get_execution_options().get("synchronous"):
            driver.execute(f"PRAGMA synchronous = {wanted}")
        driver.execute(begin)

    return engine


def _connected(path: Path, patience: float) -> sqlite3.Connection:
    """A connection on which we alone say BEGIN, and which waits so many seconds for other writers."""
    return sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False, factory=Buffered)


def _begin_exclusive(holder: sqlite3.Connection) -> bool:
    try:
        holder.execute("BEGIN EXCLUSIVE")
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
