"""How far a copy has come, kept in the database that it fills, in the transactions that fill it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store import schema, unfinished
from crawler.adapters.store.engine import Database
from crawler.adapters.store.transfer.rows import Key, Shape, Tally
from crawler.adapters.store.unfinished import transfer
from crawler.errors import StoreError, UsageError

VERSION = f"{unfinished.VERSION}{schema.HEAD}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was copied of a table: the rows up to a key of the source, and their tally."""

    after: Key | None = None
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True)
class Progress:
    """A mark for each table that was begun."""

    step: int
    marks: Mapping[str, Mark]

    def of(self, shape: Shape) -> Mark:
        """How far a table has come."""
        return self.marks.get(shape.name, Mark())

    def moved(self, **marks: Mark) -> "Progress":
        """One step later, with these marks instead."""
        return replace(self, step=self.step + 1, marks={**self.marks, **marks})


async def begin(database: Database, origin: str, shapes: tuple[Shape, ...]) -> Progress:
    """Make an empty database one that is being filled, or find out how far it was. Raises UsageError where something
    else is in it, StoreError where it cannot be read."""
    return await database.write(lambda connection: _begin(database, connection, origin, shapes))


async def _begin(database: Database, connection: AsyncConnection, origin: str, shapes: tuple[Shape, ...]) -> Progress:
    await database.backend.lock(connection, "schema")
    version = await schema.version_of(connection)
    if version is not None and version.startswith(unfinished.VERSION):
        return await _found(database, connection, origin, version)
    await schema.migrate(database, connection)
    for shape in shapes:
        if await connection.scalar(sa.select(sa.exists(sa.select(1).select_from(sa.table(shape.name))))):
            raise UsageError(f"store {database.where}: is not empty ({shape.name}); a copy needs a database of its own: "
                             "name one that is new")
    await connection.run_sync(transfer.create)
    await connection.execute(sa.insert(transfer).values(origin=origin, step=0, marks="{}"))
    await schema.stamp(connection, VERSION)
    return Progress(0, {})


async def _found(database: Database, connection: AsyncConnection, origin: str, version: str) -> Progress:
    row = (await connection.execute(sa.select(transfer))).one()
    if row.origin != origin:
        raise UsageError(f"store {database.where}: holds an unfinished copy of {row.origin}, not of {origin}; copy that one, "
                         "or name a new database")
    if version != VERSION:
        raise UsageError(f"store {database.where}: holds an unfinished copy made by another version of Firsthand; name a new "
                         "database, and remove this one")
    return Progress(row.step, {name: _mark(*told) for name, told in json.loads(row.marks).items()})


async def save(connection: AsyncConnection, where: str, progress: Progress) -> None:
    """Write the step down. Raises StoreError where another copy has taken one meanwhile."""
    done = await connection.execute(
        sa.update(transfer).where(transfer.c.step == progress.step - 1)
        .values(step=progress.step, marks=json.dumps({name: _told(mark) for name, mark in progress.marks.items()})))
    if done.rowcount != 1:
        raise StoreError(f"store {where}: another `firsthand store copy` is filling it; let it finish")


async def end(connection: AsyncConnection, where: str, progress: Progress) -> None:
    """From now on it is a store."""
    await save(connection, where, progress)
    await connection.run_sync(transfer.drop)
    await schema.stamp(connection, schema.HEAD)


def _told(mark: Mark) -> list[Any]:
    after = None if mark.after is None else [{"hex": part.hex()} if isinstance(part, bytes) else part for part in mark.after]
    return [after, mark.tally.rows, mark.tally.digest]


def _mark(after: list[Any] | None, rows: int, digest: str) -> Mark:
    key = None if after is None else tuple(bytes.fromhex(part["hex"]) if isinstance(part, dict) else part for part in after)
    return Mark(key, Tally(rows, int(digest, 16)))
