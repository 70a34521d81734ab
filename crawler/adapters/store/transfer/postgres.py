"""PostgreSQL as one end of a copy."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import signed_keys
from crawler.adapters.store.engine import Database
from crawler.adapters.store.postgres import Postgres
from crawler.adapters.store.tables import keys
from crawler.adapters.store.transfer.rows import Row, Shape
from crawler.adapters.store.transfer.sides import Piece, Span, bounds, listed, piece_size, query

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INDEXED = "SELECT id, indexed, indexed_seen FROM articles WHERE length(indexed) > 0 AND indexed_seen IS NOT NULL AND id > $1 ORDER BY id LIMIT 2000"


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
        await (await _raw(connection)).copy_records_to_table(
            shape.name, columns=shape.columns, records=_cast(bool, rows, shape.flags) if shape.flags else rows)

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
        """The index, by COPY; and statistics: without them the first minutes are planned as if every table were empty."""
        raw, last = await _raw(connection), ""
        while rows := await raw.fetch(_INDEXED, last):
            await self.database.backend.make_room(connection, {_EPOCH + timedelta(microseconds=row[2]) for row in rows})
            await raw.copy_records_to_table(keys.name, columns=("key", "seen", "article"), records=[
                (key, seen, id_) for id_, packed, seen in rows for key in signed_keys(packed)])
            last = rows[-1][0]
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
