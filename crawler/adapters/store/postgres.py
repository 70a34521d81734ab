"""PostgreSQL: row locks, SKIP LOCKED for claims, advisory locks where there is no row to lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from crawler.adapters.store.failures import translated
from crawler.errors import StoreError

_POOL = 8
_CONNECT_SECONDS = 10
_POOL_SECONDS = 30


class Postgres:
    """A database on a server; `engine.Backend`."""

    def __init__(self, url: sa.URL) -> None:
        self.where = url.render_as_string(hide_password=True)
        self._writer = create_async_engine(
            url.set(drivername="postgresql+asyncpg"), pool_size=_POOL, max_overflow=0, pool_timeout=_POOL_SECONDS,
            pool_pre_ping=True, connect_args={"timeout": _CONNECT_SECONDS},
        )
        self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")
        self._election = asyncio.Lock()   # before the server's: waiting tasks hold no connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """REPEATABLE READ: one snapshot from the first SELECT on."""
        async with self._reader.begin() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """READ COMMITTED, with locks on what is read to be changed."""
        async with self._writer.begin() as connection:
            yield connection

    async def lock(self, connection: AsyncConnection, name: str) -> None:
        """An advisory lock of the transaction."""
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_number(name))))

    @asynccontextmanager
    async def electing(self) -> AsyncIterator[None]:
        """An advisory lock on a connection of its own; the server lets go when the connection ends. Raises StoreError
        at the end where the connection has ended before: somebody else may have elected meanwhile."""
        async with self._election, AsyncExitStack() as stack:
            with translated(self.where):
                holder = await stack.enter_async_context(self._writer.connect())
                await self.lock(holder, "election")
            try:
                yield
            finally:
                with translated(self.where):
                    await stack.aclose()    # the connection rolls back, which lets go

    def insert(self, table: sa.Table) -> Any:
        """PostgreSQL's INSERT."""
        return insert(table)

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


def _number(name: str) -> int:
    """A lock's number; the prefix keeps clear of other programs on the same database."""
    return int.from_bytes(blake2b(f"firsthand {name}".encode(), digest_size=8).digest(), signed=True)
