"""A driver that waits, kept off the event loop: each transaction is one piece of work in a thread, from BEGIN to COMMIT.

A hop to a thread and back costs as much as a short statement, and a transaction has a dozen; so it is made once. What a
piece of work awaits there has ended when it is called, so that its coroutine runs through without an event loop.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

P = ParamSpec("P")
T = TypeVar("T")
Call = Callable[..., Awaitable[Any]]


class Threads:
    """Transactions on the connections of one engine, as many at once as it has."""

    def __init__(self, engine: sa.Engine, size: int, name: str) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=name)

    async def run(self, work: Callable[[AsyncConnection], Awaitable[T]], **options: Any) -> T:
        """One transaction, with these execution options. `work` awaits the connection alone."""
        return await self.call(self._transaction, work, options)

    def _transaction(self, work: Callable[[AsyncConnection], Awaitable[T]], options: dict[str, Any]) -> T:
        with self.engine.connect() as opened, opened.execution_options(**options) as connection, connection.begin():
            return _driven(cast("Coroutine[Any, Any, T]", work(_Connection(connection, _at_once))))

    @asynccontextmanager
    async def holding(self) -> AsyncIterator[AsyncConnection]:
        """A transaction between whose statements other things are awaited, so that each is a hop of its own."""
        opened = self.engine.begin()
        connection = await self.call(opened.__enter__)
        try:
            yield _Connection(connection, self.call)
        except BaseException as error:
            await self.call(opened.__exit__, type(error), error, error.__traceback__)
            raise
        await self.call(opened.__exit__, None, None, None)

    async def call(self, function: Callable[..., T], *given: Any) -> T:
        """What waits, in one of the threads. Who is cancelled meanwhile waits for what has begun, so that nobody goes on
        beside it as if it had not."""
        future = self._threads.submit(copy_context().run, function, *given)
        waiting = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not future.cancel():
                await asyncio.wait([waiting])
                _look_at(future)
            raise

    async def close(self) -> None:
        """Let what has begun end, and close every connection."""
        await asyncio.to_thread(self._threads.shutdown)
        self.engine.dispose()


def _look_at(future: "Future[Any]") -> None:
    """So that nobody complains of an error that nobody asked for."""
    if future.done() and not future.cancelled():
        future.exception()


def _driven(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine through that waits for nothing: at most it gives way (`asyncio.sleep(0)`), to nobody here."""
    try:
        while work.send(None) is None:
            pass
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("a piece of work awaits something else than its connection: use `Database.holding`")


async def _at_once(function: Callable[..., Any], *given: Any) -> Any:
    return function(*given)


class _Connection(AsyncConnection):
    """What pieces of work use of SQLAlchemy's AsyncConnection, over one that waits, called as `call` says."""

    def __init__(self, connection: sa.Connection, call: Call) -> None:
        super().__init__(cast("Any", SimpleNamespace(sync_engine=connection.engine)), connection)
        self._to, self._call = connection, call

    async def execute(self, statement: Any, parameters: Any = None, **options: Any) -> sa.CursorResult[Any]:
        """All rows are there when it returns: see `Rows`."""
        return cast("sa.CursorResult[Any]", await self._call(_bound(self._to.execute, options), statement, parameters))

    async def scalar(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        """The first value."""
        return await self._call(_bound(self._to.scalar, options), statement, parameters)

    async def scalars(self, statement: Any, parameters: Any = None, **options: Any) -> sa.ScalarResult[Any]:
        """The first value of each row."""
        return cast("sa.ScalarResult[Any]", await self._call(_bound(self._to.scalars, options), statement, parameters))

    async def exec_driver_sql(self, statement: str, parameters: Any = None, execution_options: Any = None) -> sa.CursorResult[Any]:
        """As the driver takes it."""
        return cast("sa.CursorResult[Any]", await self._call(self._to.exec_driver_sql, statement, parameters, execution_options))

    async def run_sync(self, fn: Callable[Concatenate[sa.Connection, P], T], *arg: P.args, **kw: P.kwargs) -> T:
        """With the connection that waits."""
        return cast("T", await self._call(_bound(fn, kw), self._to, *arg))

    async def get_raw_connection(self) -> Any:
        """The driver's own; what is done with it belongs into `run_sync`."""
        return self._to.connection


def _bound(function: Callable[..., T], named: dict[str, Any]) -> Callable[..., T]:
    return (lambda *given: function(*given, **named)) if named else function


class Rows(sqlite3.Cursor):
    """A cursor whose rows are all there when its statement has been executed: what is written while they are looked at
    changes none, and they may outlast their transaction."""

    def execute(self, *given: Any) -> "Rows":
        """See `sqlite3.Cursor`."""
        super().execute(*given)
        self._rows = deque(super().fetchall() if self.description else ())
        return self

    def fetchone(self) -> Any:
        """See `sqlite3.Cursor`."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """See `sqlite3.Cursor`."""
        return [self._rows.popleft() for _ in range(min(self.arraysize if size is None else size, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        """See `sqlite3.Cursor`."""
        rows = list(self._rows)
        self._rows.clear()
        return rows


class Buffered(sqlite3.Connection):
    """A connection with such cursors."""

    def cursor(self, factory: Any = Rows) -> Any:
        """See `sqlite3.Connection`."""
        return super().cursor(factory)
