"""Rows as the databases hold them: the shape of each table, and a sum of hashes that does not depend on an order.

Values are raw: nothing that a column's type does to them is undone and done again. Where the databases differ, this is
the common form: flags are 0 and 1, as SQLite has them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Any

import sqlalchemy as sa

from crawler.adapters.store import outward, vectors
from crawler.adapters.store.columns import Json, Packed, Prose
from crawler.adapters.store.tables import metadata

Row = tuple[Any, ...]
Key = tuple[Any, ...]
_HASH = 16   # bytes
_LONG = (Json, Packed, Prose, sa.LargeBinary, sa.Text)


@dataclass(frozen=True, slots=True)
class Shape:
    """What moving rows of a table takes to know. `wide`: a row may be of any length, up to megabytes."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    flags: tuple[int, ...]        # places of the columns that PostgreSQL holds as boolean
    serial: str | None            # the column that the database numbers
    rowid: bool                   # SQLite keeps it by row number, not by its key
    wide: bool
    parents: frozenset[str]       # tables whose rows must be there first


def shapes() -> tuple[Shape, ...]:
    """Every table of the store, parents first, but for those that are made of others: see `sides.Side.settle`."""
    # Tables are in there because their modules are imported.
    assert outward.deliveries.metadata is vectors.vectors.metadata is metadata
    return tuple(_shape(table) for table in metadata.sorted_tables if not table.info.get("derived"))


def _shape(table: sa.Table) -> Shape:
    serial = table.autoincrement_column
    return Shape(
        table.name, tuple(column.name for column in table.columns), tuple(column.name for column in table.primary_key),
        tuple(at for at, column in enumerate(table.columns) if isinstance(column.type, sa.Boolean)),
        None if serial is None else serial.name, table.dialect_options["sqlite"]["with_rowid"],
        any(isinstance(column.type, _LONG) and not column.primary_key and not column.foreign_keys for column in table.columns),
        frozenset(key.column.table.name for key in table.foreign_keys))


def with_children(names: Iterable[str], among: Iterable[Shape]) -> frozenset[str]:
    """These tables and all whose rows point into one of them. `among` has parents first."""
    found = set(names)
    for shape in among:
        if shape.parents & found:
            found.add(shape.name)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows, and the sum of their hashes modulo 2**128: the same in whatever order they come."""

    rows: int = 0
    hash: int = 0

    def plus(self, rows: Iterable[Row]) -> tuple["Tally", int]:
        """With these rows; and how many bytes they are. Raises TypeError for a value that no column holds."""
        count, total, size = self.rows, self.hash, 0
        for row in rows:
            code = encoded(row)
            size += len(code)
            total += int.from_bytes(blake2b(code, digest_size=_HASH).digest())
            count += 1
        return Tally(count, total % (1 << 8 * _HASH)), size

    @property
    def digest(self) -> str:
        """The sum in hexadecimal digits."""
        return f"{self.hash:0{2 * _HASH}x}"


_integer, _float = Struct(">cq").pack, Struct(">cd").pack


def _text(value: str) -> bytes:
    data = value.encode()
    return _integer(b"t", len(data)) + data


_CODES: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _none: b"n",
    int: lambda value: _integer(b"i", value),
    float: lambda value: _float(b"f", value),
    str: _text,
    bytes: lambda value: _integer(b"b", len(value)) + value,
}


def encoded(row: Row) -> bytes:
    """Bytes that no other row has: each value with its kind and its length."""
    try:
        return b"".join([_CODES[type(value)](value) for value in row])
    except KeyError as error:
        raise TypeError(f"no column holds a {error}") from None
