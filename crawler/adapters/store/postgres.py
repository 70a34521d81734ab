"""PostgreSQL: row locks, SKIP LOCKED for claims, advisory locks where there is no row to lock.

Workers on other machines share the database, and any of them may be killed, frozen or cut off at any moment. The server
ends the session of one that falls silent in a transaction, so that none of its locks outlives it, and the network's own
timers end a connection whose other end is gone.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from secrets import randbits
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from crawler.adapters.store import partitions
from crawler.adapters.store.engine import Work
from crawler.adapters.store.failures import in_the_way, is_lost, translated
from crawler.errors import LeaseLostError, StoreError

T = TypeVar("T")
_POOL = 8                # connections of one process, and as many elections at once as
_ELECTIONS = 4
_CONNECT_SECONDS = 10
_POOL_SECONDS = 30
_IDLE = 2.0             # seconds after which a connection is tried before it is used
_STRIPES = 256          # of two elections over three articles each, one in thirty waits for the other
_WAIT_SECONDS = 150     # for an election: it takes well under a second, or `FROZEN` where its holder is
# Seconds of silence in a transaction after which the server ends the session. The holder of an election, which computes
# meanwhile, says that it is alive every `_BEAT`; what it writes must die before the election can be another's:
# `SILENT` < `FROZEN` - `_BEAT`.
FROZEN = 60.0
SILENT = 30.0
_BEAT = 15.0
_OPTIONS = frozenset({"ssl", "host", "port", "user", "password", "passfile", "target_session_attrs"})    # after a `?`
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Of a network that swallows everything: asked after 10 s, every 5 s, given up after 30 s; Linux's own patience is hours.
_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 30_000}


# The number of a lock that nobody else ever asks for, and that ends with the locks of the election.
_HELD: ContextVar[int | None] = ContextVar("election", default=None)


class Postgres:
    """A database on a server; `engine.Backend`."""

    shared = True
    stripes = _STRIPES

    def __init__(self, url: sa.URL) -> None:
        self.where = url.render_as_string(hide_password=True)
        self._writer = _engine(url, _POOL, SILENT)
        self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")
        # Of their own: elections that wait for connections which other elections hold would wait for each other.
        self._holders = _engine(url, _ELECTIONS, FROZEN)
        self._elections = asyncio.Semaphore(_ELECTIONS)
        self._spans: set[int] = set()     # of `partitions`: once there is one for a moment, there always is

    async def read(self, work: Work[T]) -> T:
        """See `engine.Backend`."""
        async with self.reading() as connection:
            return await work(connection)

    async def write(self, work: Work[T], *, repeatable: bool = False) -> T:  # noqa: ARG002 - see below
        """See `engine.Backend`. The server may crash without this process, which would go on from what was lost."""
        async with self.writing() as connection:
            return await work(connection)

    def holding(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """See `engine.Backend`."""
        return self.reading()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """REPEATABLE READ: one snapshot from the first SELECT on."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """READ COMMITTED, with locks on what is read to be changed; fenced by the election under which it is written. Last,
        since it may have waited for locks while the election ended; between this look and the commit it waits for none."""
        async with self._writer.begin() as connection:
            yield connection
            if (election := _HELD.get()) is not None and not await connection.scalar(_holds(election)):
                raise LeaseLostError(f"store {self.where}: the election has ended, others have gone on; nothing was written")

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """An advisory lock of the transaction."""
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(name))))

    async def try_locks(self, connection: AsyncConnection, names: Sequence[str]) -> list[bool]:
        """Advisory locks of the transaction."""
        if not names:
            return []
        each = sa.func.unnest(sa.literal([_number(name) for name in names], ARRAY(sa.BigInteger))).column_valued("number")
        return list(await connection.scalars(sa.select(sa.func.pg_try_advisory_xact_lock(each))))

    @asynccontextmanager
    async def electing(self, stripes: frozenset[int]) -> AsyncIterator[None]:
        """Advisory locks in a transaction of its own; the server lets go when that ends, or falls silent. Raises
        StoreError at the end where it has ended before, and nothing else was raised."""
        numbers = sorted(_number(f"election {stripe}") for stripe in stripes)   # one order, so that none wait in a ring
        async with self._elections:
            with translated(self.where):
                holder, election = await self._elected(numbers)
            async with self._letting_go(holder):
                beat = asyncio.create_task(_keep_alive(holder))
                token = _HELD.set(election)
                try:
                    yield
                finally:
                    _HELD.reset(token)
                    beat.cancel()
                    await asyncio.wait([beat])

    @asynccontextmanager
    async def _letting_go(self, holder: AsyncConnection) -> AsyncIterator[None]:
        """The connection is closed at the end: it rolls back, which lets go."""
        try:
            yield
        except BaseException:
            with suppress(sa.exc.SQLAlchemyError, OSError):     # that it was lost says less than what was raised
                await holder.close()
            raise
        with translated(self.where):
            await holder.close()

    async def _elected(self, numbers: Sequence[int]) -> tuple[AsyncConnection, int]:
        """The locks, and the connection that holds them."""
        try:
            return await self._locked(numbers)
        except sa.exc.DBAPIError as error:
            if not is_lost(error):
                raise
        return await self._locked(numbers)      # the first one had been ended while it was idle

    async def _locked(self, numbers: Sequence[int]) -> tuple[AsyncConnection, int]:
        holder = await self._holders.connect()
        try:
            return holder, await _lock_all(holder, numbers)
        except BaseException:
            await holder.close()
            raise

    async def soon(self, connection: AsyncConnection) -> None:
        """Written to the disk within a second."""
        await connection.execute(sa.text("SET LOCAL synchronous_commit = off"))

    async def time(self, connection: AsyncConnection) -> datetime:
        """`clock_timestamp()`: not of the beginning of the transaction."""
        found = await connection.scalar(sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"))
        return _EPOCH + timedelta(microseconds=int(found or 0))

    async def make_room(self, connection: AsyncConnection, moments: Iterable[datetime]) -> None:
        """Partitions for these moments. What this process has seen committed it does not ask for again."""
        wanted = partitions.spans(moments) - self._spans
        if not wanted:
            return
        if not await partitions.missing(connection, wanted):
            self._spans |= wanted
            return
        await self.lock(connection, "partitions")
        for span in await partitions.missing(connection, wanted):
            await partitions.make(connection, span)

    async def floor(self, connection: AsyncConnection) -> datetime | None:
        """See `engine.Backend`."""
        return await partitions.floor(connection)

    async def raise_floor(self, connection: AsyncConnection, before: datetime) -> datetime:
        """See `engine.Backend`."""
        await partitions.raise_floor(connection, before)
        return before

    async def retire(self) -> bool:
        """See `engine.Backend`."""
        with translated(self.where):
            try:
                async with self.writing() as connection:
                    await self.lock(connection, "partitions")
                    await partitions.retire(connection)
            except sa.exc.DBAPIError as error:
                if not in_the_way(error):
                    raise
                return False
        return True

    async def scrub(self) -> None:
        """Nothing to do: autovacuum reuses the room of deleted rows; what is left of them is the server's matter."""

    async def backup(self, target: Path) -> None:
        """Refused: the server has a better tool."""
        raise StoreError(f"backup {target}: {self.where} is a PostgreSQL database; use pg_dump --format=custom")

    async def verify(self) -> None:
        """Nothing to do: the server looks after its files, and says so where a checksum is wrong."""

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._holders.dispose()


def _for_driver(url: sa.URL) -> sa.URL:
    """The URL as asyncpg takes it, which calls libpq's `sslmode` `ssl`. Raises StoreError for what it does not know."""
    options = {"ssl" if name == "sslmode" else name: value for name, value in url.query.items()}
    if unknown := sorted(options.keys() - _OPTIONS):
        raise StoreError(f"store {url.render_as_string(hide_password=True)}: there is no option {unknown[0]}; "
                         f"known are {', '.join(sorted(_OPTIONS | {'sslmode'}))}")
    return url.set(drivername="postgresql+asyncpg", query=options)


def _engine(url: sa.URL, size: int, silent: float) -> AsyncEngine:
    """Connections whose session the server ends where it is silent in a transaction for so many seconds."""
    settings = {"application_name": "firsthand", "idle_in_transaction_session_timeout": str(round(silent * 1000))}
    engine = create_async_engine(
        _for_driver(url), pool_size=size, max_overflow=0, pool_timeout=_POOL_SECONDS,
        connect_args={"timeout": _CONNECT_SECONDS, "server_settings": settings},
    )
    sa.event.listen(engine.sync_engine, "connect", _watch_network)
    sa.event.listen(engine.sync_engine, "checkin", _note_use)
    sa.event.listen(engine.sync_engine, "checkout", _try_idle)
    return engine


def _note_use(_connection: object, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _try_idle(connection: Any, record: Any, _handle: object) -> None:
    """Before a connection is used that has long been idle: the server may have ended it. Of every connection, as SQLAlchemy's
    `pool_pre_ping` has it, it would take as many messages as a short transaction. Once one has failed none of the others in
    the pool is used again."""
    if time.monotonic() - record.info.get("used", time.monotonic()) > _IDLE:
        try:
            connection.ping()
        except Exception as error:
            raise sa.exc.InvalidatePoolError from error


def _watch_network(connection: Any, _record: object) -> None:
    """Have the kernel notice that the other end is gone."""
    transport = getattr(connection.driver_connection, "_transport", None)   # asyncpg has no public way to it
    plug = None if transport is None else transport.get_extra_info("socket")
    if plug is None or plug.family not in (socket.AF_INET, socket.AF_INET6):
        return
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:     # not every system has each
            plug.setsockopt(socket.IPPROTO_TCP, option, value)


async def _lock_all(holder: AsyncConnection, numbers: Sequence[int]) -> int:
    """Wait for the locks, in this order; returns the number of one that is this election's own."""
    own = randbits(63)
    await holder.execute(sa.text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
    each = sa.func.unnest(sa.literal([*numbers, own], ARRAY(sa.BigInteger))).column_valued("number")
    await holder.execute(sa.select(sa.func.pg_advisory_xact_lock(each)))
    return own


async def _keep_alive(holder: AsyncConnection) -> None:
    """Say that the holder is alive; where its connection has ended, whoever writes under it is told."""
    with suppress(sa.exc.SQLAlchemyError, OSError):
        while True:
            await asyncio.sleep(_BEAT)
            await holder.execute(sa.select(1))


def _holds(own: int) -> sa.TextClause:
    """Whether an election goes on; of a 64-bit number the table of locks shows the two halves. Not by the process that
    holds it: a server that was started anew in a container gives the same numbers to other processes."""
    high, low = divmod(own, 1 << 32)
    return sa.text(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
        " AND classid::bigint = :high AND objid::bigint = :low)").bindparams(high=high, low=low)


def _number(name: str) -> int:
    """A lock's number; the prefix keeps clear of other programs on the same database."""
    return int.from_bytes(blake2b(f"firsthand {name}".encode(), digest_size=8).digest(), signed=True)
