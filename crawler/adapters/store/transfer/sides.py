"""One end of a copy: raw rows out of a database and into it. `sqlite.py` and `postgres.py` differ."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Database
from crawler.adapters.store.transfer.rows import Key, Row, Shape

# Rows fetched at once. A wide row may hold a page of megabytes, and some five times as many rows are in memory, which this
# bounds: with rows of 5 MiB the process took 239 MiB, and 395 MiB at 16. The way to the driver and back is 60 µs, which 8 share.
_WIDE, _NARROW = 8, 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows of a table, by the side's own key: those behind `after`, up to `upto`. Keys are never compared with
    those of another database, which may order texts in another way."""

    after: Key | None = None
    upto: Key | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows. `last` is the side's key of the last, and says where to go on where the span is ordered."""

    rows: list[Row]
    last: Key


class Side(Protocol):
    """A database that is copied from or to."""

    database: Database

    async def stamp(self) -> str:
        """The same again: nothing was committed in between. Another: something may have been."""
        ...

    async def hold(self, connection: AsyncConnection) -> None:
        """First in a transaction that reads: it may wait for as long as it takes."""
        ...

    def read(self, connection: AsyncConnection, shape: Shape, span: Span = ...) -> AsyncGenerator[Piece, None]:
        """Rows in the common form, of a transaction that was told to `hold`."""
        ...

    async def put(self, connection: AsyncConnection, shape: Shape, rows: Sequence[Row]) -> None:
        """Insert rows of the common form, in a transaction that has executed something already."""
        ...

    async def empty(self, connection: AsyncConnection, shapes: Sequence[Shape]) -> None:
        """Delete every row of these tables, given parents first."""
        ...

    async def numbered(self, connection: AsyncConnection, shape: Shape) -> int:
        """The highest number that the table's serial column was ever given, as far as the database knows; 0 for none."""
        ...

    async def number_on(self, connection: AsyncConnection, shape: Shape, given: int) -> None:
        """The next row of the table gets a higher number than `given`."""
        ...

    async def settle(self, connection: AsyncConnection) -> None:
        """All rows are there: make the index of the keys of `articles`, and have the database know what it should of them
        before somebody asks for some."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def piece_size(shape: Shape) -> int:
    """How many rows to fetch at once."""
    return _WIDE if shape.wide else _NARROW


def listed(names: Iterable[str]) -> str:
    """Names in SQL. Both databases take the quotes."""
    return ", ".join(f'"{name}"' for name in names)


def query(columns: Sequence[str], table: str, key: Sequence[str], span: Span, places: Sequence[str]) -> str:
    """The statement for a span; `places` are the driver's placeholders, as many as `bounds` has values."""
    rest = iter(places)
    wanted = [f"({listed(key)}) {sign} ({', '.join(next(rest) for _ in bound)})"
              for sign, bound in ((">", span.after), ("<=", span.upto)) if bound is not None]
    text = f'SELECT {listed(columns)} FROM "{table}"'  # noqa: S608 - names of our own tables
    if wanted:
        text += f" WHERE {' AND '.join(wanted)}"
    return f"{text} ORDER BY {listed(key)}" if span.ordered else text


def bounds(span: Span) -> Key:
    """The values for the placeholders of `query`."""
    return (*(span.after or ()), *(span.upto or ()))
