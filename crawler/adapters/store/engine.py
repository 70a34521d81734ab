"""Transactions, whatever the database: `Database.read`, `write`, `electing`. `sqlite.py` and `postgres.py` differ."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler import meters
from crawler.adapters.store import bulk
from crawler.adapters.store.failures import is_lost, may_retry, translated
from crawler.errors import LeaseLostError, StoreError, UnstorableError

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
_TRIES = 4        # beside the last one, of a transaction that a deadlock, or a lost connection, undid
_STEP = 0.01      # seconds for which rows may hold the event loop
CHUNK = 500       # values in one IN list: both drivers stop at about 32,000 parameters


class Backend(Protocol):
    """What differs between the databases."""

    where: str    # the database for a person to read, without its password
    shared: bool  # whether other machines may work on it
    stripes: int  # into which elections are divided: those that share none go on side by side

    async def read(self, work: Work[T]) -> T:
        """A transaction that sees one state of the database and changes nothing. `work` awaits its connection alone."""
        ...

    async def write(self, work: Work[T], *, repeatable: bool = False) -> T:
        """A transaction that commits at the end, or leaves nothing behind. `work` awaits its connection alone. What is
        `repeatable` need not wait for the disk where nothing can be lost without this process: nobody has been told of it,
        and a later start does it again."""
        ...

    def holding(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that reads, for as long as other things take that are awaited in between."""
        ...

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """Until the end of the transaction nobody else holds `name`."""
        ...

    async def try_locks(self, connection: AsyncConnection, names: Sequence[str]) -> list[bool]:
        """For each name whether it is ours until the end of the transaction; waits for nobody."""
        ...

    async def soon(self, connection: AsyncConnection) -> None:
        """The transaction need not wait for the disk: what it writes is of use for seconds, and a crash of the server may
        take the last of it."""
        ...

    def electing(self, stripes: frozenset[int]) -> AbstractAsyncContextManager[None]:
        """Each stripe is held by one task of all processes at a time; a process that dies, or is frozen, lets go, and
        what it writes then is refused."""
        ...

    async def time(self, connection: AsyncConnection) -> datetime:
        """See `ports.Store.time`."""
        ...

    async def make_room(self, connection: AsyncConnection, moments: Iterable[datetime]) -> None:
        """Rows of `keys` seen at these moments have somewhere to go, where these lie apart by time. Before other locks
        of the transaction."""
        ...

    async def floor(self, connection: AsyncConnection) -> datetime | None:
        """The moment before which rows of `keys` may be of articles that were pruned; None where there are no such rows."""
        ...

    async def raise_floor(self, connection: AsyncConnection, before: datetime) -> datetime:
        """The articles seen before this moment are going to be pruned. Returns the moment before which the rows of
        their keys may stay, to be dropped with their time by `retire`, or at a merge."""
        ...

    async def retire(self) -> bool:
        """Drop what lies before the floor throughout; False where others were in the way: again at the next time."""
        ...

    async def scrub(self) -> None:
        """What was deleted is not to be found in the files either, as far as the database can see to it."""
        ...

    async def backup(self, target: Path) -> None:
        """See `ports.Store.backup`."""
        ...

    async def verify(self) -> None:
        """See `ports.Store.verify`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Database:
    """Runs pieces of work as transactions. A piece may be run again, so it changes nothing but the database."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.where = backend.where

    async def read(self, work: Work[T]) -> T:
        """One consistent look. Raises StoreError."""
        with _measured("read"), translated(self.where):
            return await self._tried(self.backend.read, work)

    async def write(self, work: Work[T], *, repeatable: bool = False) -> T:
        """One transaction, run again where a deadlock undid it, or the connection was lost before it could be committed.
        `repeatable`: see `Backend.write`. Raises StoreError."""
        with _measured("write"), translated(self.where):
            return await self._tried(partial(self.backend.write, repeatable=repeatable), work)

    async def hold(self, work: Work[T]) -> T:
        """One consistent look, while other things are awaited in between; not run again. Raises StoreError."""
        with translated(self.where):
            async with self.backend.holding() as connection:
                return await work(connection)

    async def _tried(self, run: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        for _ in range(_TRIES):
            worked = False

            async def watched(connection: AsyncConnection) -> T:
                nonlocal worked
                found = await work(connection)
                worked = True
                return found

            try:
                return await run(watched)
            except (sa.exc.DBAPIError, OSError) as error:
                if not may_retry(error) and (worked or not is_lost(error)):
                    raise
            await asyncio.sleep(0)
        return await run(work)

    async def insert_new(self, connection: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows; those whose key is taken are passed over."""
        await bulk.insert_new(connection, table, rows)

    async def upsert(self, connection: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows; those whose primary key is taken replace the row that is there."""
        await bulk.upsert(connection, table, rows)


@contextmanager
def _measured(kind: str) -> Iterator[None]:
    with meters.STORE_SECONDS.timed(kind=kind):
        try:
            yield
        except LeaseLostError:
            meters.STORE_ERRORS.count(kind="lease_lost")
            raise
        except UnstorableError:
            meters.STORE_ERRORS.count(kind="refused")
            raise
        except StoreError:
            meters.STORE_ERRORS.count(kind="unavailable")
            raise


class Part:
    """A part of the store: some methods of the port over the one database."""

    def __init__(self, database: Database) -> None:
        self._db = database


async def paced(rows: Iterable[T]) -> AsyncIterator[T]:
    """The rows, with a step back for the event loop every so often: making objects of thousands of them takes long."""
    until = time.monotonic() + _STEP
    for row in rows:
        yield row
        if time.monotonic() > until:
            await asyncio.sleep(0)
            until = time.monotonic() + _STEP


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most `size`."""
    held = list(values)
    for at in range(0, len(held), size):
        yield held[at:at + size]
