"""SQLite as one end of a copy."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store import postings
from crawler.adapters.store.engine import Database
from crawler.adapters.store.sqlite import Sqlite
from crawler.adapters.store.transfer.rows import Key, Row, Shape
from crawler.adapters.store.transfer.sides import Piece, Span, bounds, listed, piece_size, query


class SqliteSide:
    """A file; `sides.Side`."""

    def __init__(self, backend: Sqlite) -> None:
        self.database = Database(backend)
        self._path = backend.path
        self._watch: sqlite3.Connection | None = None

    async def stamp(self) -> str:
        """Of a connection that stays: only to itself does it say whether others have committed."""
        return str(await asyncio.to_thread(self._version))

    def _version(self) -> Any:
        if self._watch is None:
            self._watch = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        return self._watch.execute("PRAGMA data_version").fetchone()[0]

    async def hold(self, connection: AsyncConnection) -> None:
        """Nothing to do: nobody ends a transaction that reads."""

    async def read(self, connection: AsyncConnection, shape: Shape, span: Span = Span()) -> AsyncGenerator[Piece, None]:  # noqa: B008 - frozen
        """In the order of the file: rows that came one after the other stay neighbours in the copy."""
        key = _key(shape)
        extra = [name for name in key if name not in shape.columns]
        columns, width = [*shape.columns, *extra], len(shape.columns)
        places = [columns.index(name) for name in key]
        values = bounds(span)
        cursor = (await _raw(connection)).cursor(sqlite3.Cursor)    # which hands out as many rows at a time as asked for
        await connection.run_sync(lambda _: cursor.execute(query(columns, shape.name, key, span, "?" * len(values)), values))
        while rows := cast("list[Row]", await connection.run_sync(lambda _: cursor.fetchmany(piece_size(shape)))):
            last = tuple(rows[-1][at] for at in places)
            yield Piece([row[:width] for row in rows] if extra else rows, last)

    async def put(self, connection: AsyncConnection, shape: Shape, rows: Sequence[Row]) -> None:
        """One INSERT, run for each row."""
        raw = await _raw(connection)
        insert = (f'INSERT INTO "{shape.name}" ({listed(shape.columns)}) '  # noqa: S608 - names of our own
                  f"VALUES ({', '.join('?' * len(shape.columns))})")
        await connection.run_sync(lambda _: raw.executemany(insert, rows))

    async def empty(self, connection: AsyncConnection, shapes: Sequence[Shape]) -> None:
        """Children first."""
        for shape in reversed(shapes):
            await connection.execute(sa.delete(sa.table(shape.name)))

    async def numbered(self, connection: AsyncConnection, shape: Shape) -> int:
        """SQLite counts on from the highest number that is there."""
        column: sa.ColumnClause[int] = sa.column(str(shape.serial))
        return await connection.scalar(sa.select(sa.func.max(column)).select_from(sa.table(shape.name))) or 0

    async def number_on(self, connection: AsyncConnection, shape: Shape, given: int) -> None:
        """Nothing to do: see `numbered`."""

    async def settle(self, connection: AsyncConnection) -> None:
        """The index; a store on SQLite keeps no statistics."""
        await connection.run_sync(postings.rebuild)

    async def close(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            self._watch.close()
        await self.database.backend.close()


def _key(shape: Shape) -> Key:
    return ("rowid",) if shape.rowid else shape.key


async def _raw(connection: AsyncConnection) -> sqlite3.Connection:
    """The driver's connection, for `run_sync`: it hands out what the file holds."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return driver  # type: ignore[no-any-return]  # SQLAlchemy does not say which driver
