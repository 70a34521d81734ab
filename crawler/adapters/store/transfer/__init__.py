"""Moving a store to another database: `firsthand store copy FROM TO`.

    tables = await copy_store("sqlite:///var/firsthand.db", "postgresql://user:password@host/name")

All is read in one snapshot of FROM. Each batch of rows is one transaction on TO together with the mark of how far it has
come, so that whatever ends a copy, the next one goes on behind the last batch. Until it is whole and verified TO is no
store to anybody (`unfinished`).

A copy is whole when three tallies of each table agree: of FROM as it is now, of what was written, and of TO as read
back. So a copy that goes on reads again what it had copied, and begins a table anew where FROM says something else now;
so does one after which FROM has changed, and is then not whole. The index of keys is not copied: in its last transaction
TO makes its own of the articles, which have been verified.

    rows.py      tables as raw rows, tallies        sides.py   one end: sqlite.py, postgres.py
    progress.py  the marks, and the empty database that becomes a store
"""

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store import backend_of, open_store
from crawler.adapters.store.postgres import Postgres
from crawler.adapters.store.sqlite import Sqlite
from crawler.adapters.store.transfer import progress as marks
from crawler.adapters.store.transfer.postgres import PostgresSide
from crawler.adapters.store.transfer.progress import Mark, Progress
from crawler.adapters.store.transfer.rows import Row, Shape, Tally, shapes, with_children
from crawler.adapters.store.transfer.sides import Side, Span
from crawler.adapters.store.transfer.sqlite import SqliteSide
from crawler.errors import StoreError, UnstorableError, UsageError
from crawler.log import event

Told = Callable[[int, int], None]
BATCH = 4 * 1024 * 1024   # bytes of rows in a transaction: at 1 MiB a commit to disk is a tenth of the time, here a fortieth
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Copied:
    """A table that is in both stores, and the sum of the hashes of its rows."""

    table: str
    rows: int
    digest: str


async def copy_store(source: str, target: str, told: Told = lambda _done, _all: None, *, batch: int = BATCH) -> list[Copied]:
    """Make the database `target` hold what the store `source` does, or go on with that. `told` hears (steps done, all
    steps) after each batch: every row is copied and read back. A transaction on `target` holds about `batch` bytes.

    Raises UsageError where `target` holds something else; StoreError where a database fails, or where `source` was
    written to meanwhile: what was copied stays, and the next call goes on with it.
    """
    origin, destination = (_address(url) for url in (source, target))
    if origin == destination:
        raise UsageError(f"store {destination}: cannot be copied to itself; name a new database")
    await (await open_store(source, create=False)).close()    # brought to the present schema
    async with AsyncExitStack() as stack:
        from_ = _side(source)
        stack.push_async_callback(from_.close)
        to = _side(target)
        stack.push_async_callback(to.close)
        return await _Copy(from_, to, told, batch).run(origin)


def _address(url: str) -> str:
    """A store by where it is, whoever asks: without a password."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return ""    # opening it says what is wrong
    if parsed.drivername == "sqlite" and parsed.database:
        return f"sqlite:///{Path(parsed.database).resolve()}"
    return parsed.set(password=None).difference_update_query(["password"]).render_as_string()


def _side(url: str) -> Side:
    match backend_of(url, create=True):
        case Sqlite() as backend:
            return SqliteSide(backend)
        case Postgres() as backend:
            return PostgresSide(backend)
        case other:
            raise StoreError(f"store {other.where}: cannot be copied")


class _Copy:
    """One run."""

    def __init__(self, source: Side, target: Side, told: Told, batch: int) -> None:
        self.source, self.target, self.told, self.batch = source, target, told, batch
        self.shapes = shapes()
        self.progress = Progress(0, {})
        self.done = self.all = 0

    async def run(self, origin: str) -> list[Copied]:
        """See `copy_store`."""
        self.progress = await marks.begin(self.target.database, origin, self.shapes)
        with _resumable():
            before = await self.source.stamp()
            given = await self.source.database.hold(self._copied)
        await self._refuse_changes(before)
        await self.target.database.write(lambda connection: self._ended(connection, given))
        return [Copied(shape.name, tally.rows, tally.digest)
                for shape in self.shapes for tally in [self.progress.of(shape).tally]]

    async def _copied(self, reading: AsyncConnection) -> dict[str, int]:
        """Copy and verify in one snapshot of the source; returns the highest numbers given there."""
        await self.source.hold(reading)
        self.all = 2 * sum([await self._count(reading, shape) for shape in self.shapes])
        await self._check_marks(reading)
        await self._copy_rest(reading)
        if different := await self.target.database.hold(self._different):
            event(_log, "copied-again", logging.WARNING, tables=" ".join(different))
            await self._start_again(different)
            await self._copy_rest(reading)
            if still := await self.target.database.hold(self._different):
                raise StoreError(f"store {self.target.database.where}: does not hold what was written to it ({', '.join(still)}); "
                                 "look for another program that writes there, or for a failing disk")
        return {shape.name: await self.source.numbered(reading, shape) for shape in self.shapes if shape.serial}

    async def _count(self, reading: AsyncConnection, shape: Shape) -> int:
        return await reading.scalar(sa.select(sa.func.count()).select_from(sa.table(shape.name))) or 0

    async def _check_marks(self, reading: AsyncConnection) -> None:
        """Begin those tables again of which the source no longer says what an earlier run has copied."""
        changed = [shape.name for shape in self.shapes if not await self._holds(reading, shape, self.progress.of(shape))]
        if changed:
            event(_log, "changed", tables=" ".join(changed))
            await self._start_again(changed)

    async def _holds(self, reading: AsyncConnection, shape: Shape, mark: Mark) -> bool:
        if mark.after is None:
            return True
        return await self._tally(self.source, reading, shape, Span(upto=mark.after)) == mark.tally

    async def _start_again(self, names: Iterable[str]) -> None:
        """Empty these tables, and those that point into them."""
        gone = with_children(names, self.shapes)
        following = self.progress.moved(**dict.fromkeys(gone, Mark()))

        async def empty(connection: AsyncConnection) -> None:
            await marks.save(connection, self.target.database.where, following)
            await self.target.empty(connection, [shape for shape in self.shapes if shape.name in gone])

        await self.target.database.write(empty)
        self.done -= sum(self.progress.of(shape).tally.rows for shape in self.shapes if shape.name in gone)
        self.progress = following

    async def _copy_rest(self, reading: AsyncConnection) -> None:
        """What is behind the marks."""
        for shape in self.shapes:
            async with aclosing(self._batches(reading, shape)) as batches:
                async for rows, mark in batches:
                    await self._write(shape, rows, self.progress.moved(**{shape.name: mark}))
            if rows_there := self.progress.of(shape).tally.rows:
                event(_log, "table-copied", table=shape.name, rows=rows_there)

    async def _batches(self, reading: AsyncConnection, shape: Shape) -> AsyncGenerator[tuple[list[Row], Mark], None]:
        """Rows behind the mark, and the mark behind them."""
        mark, rows, size = self.progress.of(shape), list[Row](), 0
        async with aclosing(self.source.read(reading, shape, Span(after=mark.after, ordered=True))) as pieces:
            async for piece in pieces:
                tally, more = mark.tally.plus(piece.rows)
                mark, size = Mark(piece.last, tally), size + more
                rows += piece.rows
                if size >= self.batch:
                    yield rows, mark
                    rows, size = [], 0
        if rows:
            yield rows, mark

    async def _write(self, shape: Shape, rows: Sequence[Row], following: Progress) -> None:
        async def put(connection: AsyncConnection) -> None:
            await marks.save(connection, self.target.database.where, following)
            await self.target.put(connection, shape, rows)

        await self.target.database.write(put)
        self.progress = following
        self._tell(len(rows))

    async def _different(self, reading: AsyncConnection) -> list[str]:
        """Read the target back: the tables that are not as they were written."""
        await self.target.hold(reading)
        return [shape.name for shape in self.shapes
                if await self._tally(self.target, reading, shape, Span()) != self.progress.of(shape).tally]

    async def _tally(self, side: Side, reading: AsyncConnection, shape: Shape, span: Span) -> Tally:
        tally = Tally()
        async with aclosing(side.read(reading, shape, span)) as pieces:
            async for piece in pieces:
                tally, _ = tally.plus(piece.rows)
                self._tell(len(piece.rows))
        return tally

    async def _refuse_changes(self, before: str) -> None:
        """Raises StoreError where the source is not what was copied: then the target does not become a store."""
        if await self.source.stamp() == before:
            return
        if changed := await self.source.database.hold(self._changed):
            raise StoreError(f"store {self.source.database.where}: has changed while it was copied ({', '.join(changed)}); stop "
                             "what writes to it, `firsthand stop`, and give the same command again: it brings over what differs")

    async def _changed(self, reading: AsyncConnection) -> list[str]:
        await self.source.hold(reading)
        return [shape.name for shape in self.shapes
                if await self._tally(self.source, reading, shape, Span()) != self.progress.of(shape).tally]

    async def _ended(self, connection: AsyncConnection, given: dict[str, int]) -> None:
        following = self.progress.moved()
        for shape in self.shapes:
            if shape.serial:
                await self.target.number_on(connection, shape, given[shape.name])
        await self.target.settle(connection)
        await marks.end(connection, self.target.database.where, following)

    def _tell(self, rows: int) -> None:
        self.done += rows
        self.told(min(self.done, self.all), self.all)


@contextmanager
def _resumable() -> Iterator[None]:
    """Whatever ends the copy here has undone nothing."""
    try:
        yield
    except UnstorableError:
        raise    # nor would it help to go on
    except StoreError as error:
        raise StoreError(f"{error}; the same command goes on where it stopped") from error


__all__ = ["Copied", "copy_store"]
