"""PostgreSQL as one end of a copy."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Database
from crawler.adapters.store.postgres import Postgres
from crawler.adapters.store.tables import keys
from crawler.adapters.store.transfer.rows import Row, Shape
from crawler.adapters.store.transfer.sides import Piece, Span, bounds, listed, piece_size, query

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresSide:
    """A database on a server; `sides.Side`."""

    def __init__(self, backend: Postgres) -> None:
        self.database = Database(backend)

    async def stamp(self) -> str:
        """Which transactions of the server had ended: each that writes and ends changes it, in other databases too."""
        return str(await self.database.read(lambda connection: connection.scalar(sa.text("SELECT pg_current_snapshot()::text"))))

    async def hold(self, connection: AsyncConnection) -> None:
        """While the other side is written and read back, this transaction is idle, whatever the server allows others."""
        await connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 0"))

    async def read(self, connection: AsyncConnection, shape: Shape, span: Span = Span()) -> AsyncGenerator[Piece, None]:  # noqa: B008 - frozen
        """By a cursor of the server."""
        places = [shape.columns.index(name) for name in shape.key]
        values = bounds(span)
        text = query(shape.columns, shape.name, shape.key, span, [f"${at}" for at, _ in enumerate(values, 1)])
        cursor = await (await _raw(connection)).cursor(text, *values)
        while found := await cursor.fetch(piece_size(shape)):
            rows = _cast(int, found, shape.flags)
            yield Piece(rows, tuple(rows[-1][at] for at in places))

    async def put(self, connection: AsyncConnection, shape: Shape, rows: Sequence[Row]) -> None:
        """COPY."""
        if shape.name == keys.name:
            await self._make_room(connection, {row[shape.columns.index("seen")] for row in rows})
        await (await _raw(connection)).copy_records_to_table(
            shape.name, columns=shape.columns, records=_cast(bool, rows, shape.flags) if shape.flags else rows)

    async def _make_room(self, connection: AsyncConnection, seen: set[int]) -> None:
        """The parts of the index that rows seen at these microseconds belong to, where the backend keeps it in parts."""
        await self.database.backend.make_room(connection, [_EPOCH + timedelta(microseconds=one) for one in seen])

    async def empty(self, connection: AsyncConnection, shapes: Sequence[Shape]) -> None:
        """All in one statement: a table that others point to can only go together with them."""
        await connection.execute(sa.text(f"TRUNCATE {listed(shape.name for shape in shapes)}"))

    async def numbered(self, connection: AsyncConnection, shape: Shape) -> int:
        """What the sequence says: a number of a row that was deleted is not given again either."""
        return await connection.scalar(sa.text(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column)::regclass)"), _of(shape)) or 0

    async def number_on(self, connection: AsyncConnection, shape: Shape, given: int) -> None:
        """Set the sequence."""
        if given:
            await connection.execute(sa.text(
                "SELECT setval(pg_get_serial_sequence(:table, :column)::regclass, :given)"), {**_of(shape), "given": given})

    async def settle(self, connection: AsyncConnection) -> None:
        """Statistics: without them the first minutes are planned as if every table were empty."""
        await connection.execute(sa.text("ANALYZE"))

    async def close(self) -> None:
        """Close every connection."""
        await self.database.backend.close()


def _of(shape: Shape) -> dict[str, str | None]:
    return {"table": f'"{shape.name}"', "column": shape.serial}


def _cast(kind: type[int], rows: Sequence[Any], places: Sequence[int]) -> list[Row]:
    """The rows as tuples, with the values at these places made `kind` where there are any."""
    if not places:
        return [tuple(row) for row in rows]
    made = []
    for row in rows:
        values = list(row)
        for at in places:
            if values[at] is not None:
                values[at] = kind(values[at])
        made.append(tuple(values))
    return made


async def _raw(connection: AsyncConnection) -> Any:
    """The driver's connection; in the transaction, since SQLAlchemy begins it with the first statement."""
    return (await connection.get_raw_connection()).driver_connection
