"""Many values in one statement, whose text is the same however many they are.

PostgreSQL takes them as arrays, one parameter a column: the statement is prepared once a connection, where a list of 95
parameters is another statement than one of 96, parsed and planned anew. SQLite inserts row by row, as its driver does
best, and is asked for many values by one JSON text.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_POSTGRES = "postgresql"


class Several(sa.TypeDecorator[Sequence[Any]]):
    """Values of one column's type as one parameter: numbers or texts."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """An array, or a text."""
        return dialect.type_descriptor(_array(self.item) if dialect.name == _POSTGRES else sa.Text())

    def process_bind_param(self, value: Iterable[Any] | None, dialect: sa.Dialect) -> Any:
        """To the database."""
        if dialect.name == _POSTGRES:
            return list(value or ())
        bind = self.item.dialect_impl(dialect).bind_processor(dialect)
        return json.dumps([one if bind is None else bind(one) for one in value or ()])


class within(FunctionElement[bool]):  # noqa: N801 - reads as the operator that it is
    """Whether a column of numbers or texts holds one of the values: `column IN (…)` for any number of them."""

    type = sa.Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True   # else SQLite is asked whether it `= 1`, for which it looks at every row

    def __init__(self, column: sa.ColumnElement[Any], values: Iterable[Any]) -> None:
        super().__init__(column, sa.bindparam(None, list(values), type_=Several(column.type), unique=True))


@compiles(within)
def _in_json(element: within, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    given = compiler.process(values, **more)
    return f"{compiler.process(column, **more)} IN (SELECT value FROM json_each({given}))"  # noqa: S608 - a parameter's place


@compiles(within, _POSTGRES)
def _in_array(element: within, compiler: SQLCompiler, **more: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **more)} = ANY ({compiler.process(values, **more)})"


def first_of_each(
    connection: AsyncConnection, column: sa.ColumnElement[Any], values: Sequence[Any],
    look_up: Callable[[sa.ColumnElement[Any]], sa.Select[Any]],
) -> sa.Select[Any]:
    """One statement for a limited look-up by each of the values, all rows together. `look_up` makes the SELECT for one of
    them, ordered and limited; `column` says of which type they are."""
    if connection.dialect.name == _POSTGRES:
        given = sa.bindparam(None, list(values), type_=Several(column.type), unique=True)
        wanted = sa.func.unnest(given, type_=column.type).table_valued(sa.column("value", column.type)).render_derived("wanted")
        return sa.select(*(found := look_up(wanted.c.value).lateral("found")).c).select_from(wanted.join(found, sa.true()))
    # SQLite knows no LATERAL, and takes a LIMIT inside a union only in a subquery.
    each = (sa.select(look_up(sa.literal(value, column.type)).subquery()) for value in values)
    return sa.select(sa.union_all(*each).subquery())


async def insert_many(connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, all with the same columns; what they leave out gets the table's defaults."""
    await _run(connection, _plain, table, rows)


async def insert_new(connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same; rows whose key is taken are passed over."""
    await _run(connection, _new, table, rows)


async def upsert(connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same; a row whose primary key is taken replaces the one that is there, the last of several with one key."""
    key = [column.name for column in table.primary_key]
    last = {tuple(row[name] for name in key): row for row in rows}    # PostgreSQL changes no row twice
    await _run(connection, _replacing, table, list(last.values()))


def _plain(insert: Any, _table: sa.Table, _names: Sequence[str]) -> Any:
    return insert


def _new(insert: Any, _table: sa.Table, _names: Sequence[str]) -> Any:
    return insert.on_conflict_do_nothing()


def _replacing(insert: Any, table: sa.Table, names: Sequence[str]) -> Any:
    key = [column.name for column in table.primary_key]
    return insert.on_conflict_do_update(
        index_elements=key, set_={name: insert.excluded[name] for name in names if name not in key})


_Conflict = Callable[[Any, sa.Table, Sequence[str]], Any]


async def _run(
    connection: AsyncConnection, conflict: _Conflict, table: sa.Table, rows: Sequence[Mapping[str, Any]],
) -> None:
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == _POSTGRES:
        values = {_all(name): [row[name] for row in rows] for name in names}
        await connection.execute(_unnested(conflict, table, names), values)
    elif conflict is _plain and len(names) == len(table.c):
        text, processors = _driver_insert(table, names, connection.dialect)
        await connection.exec_driver_sql(text, [tuple(p(row[name]) if p else row[name] for name, p in processors) for row in rows])
    else:
        await connection.execute(_valued(conflict, table, names), list(rows))


@lru_cache(maxsize=64)
def _valued(conflict: _Conflict, table: sa.Table, names: tuple[str, ...]) -> Any:
    """Made once: a statement that is made anew costs more than it takes to be answered."""
    return conflict(sqlite.insert(table), table, names)


@lru_cache(maxsize=64)
def _driver_insert(table: sa.Table, names: tuple[str, ...], dialect: sa.Dialect) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """An INSERT of whole rows, of which an article has hundreds, and what makes each value one of the driver's."""
    listed, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    return f'INSERT INTO "{table.name}" ({listed}) VALUES ({places})', tuple(  # noqa: S608 - names of our own
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names)


@lru_cache(maxsize=64)
def _unnested(conflict: _Conflict, table: sa.Table, names: tuple[str, ...]) -> Any:
    """INSERT … SELECT FROM unnest: in the order of the rows, so that serial numbers follow it."""
    arrays = [sa.bindparam(_all(name), type_=_array(table.c[name].type)) for name in names]
    rows = sa.func.unnest(*arrays).table_valued(*(sa.column(name, table.c[name].type) for name in names)).render_derived("rows")
    insert = postgresql.insert(table).from_select(list(names), sa.select(*rows.c))
    return conflict(insert, table, names)


def _all(name: str) -> str:
    return f"all_{name}"    # the bare names are SQLAlchemy's own in an INSERT


def _array(item: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    # Of one dimension, and said so: a JSON value may be a list itself. Without the column's collation, which no cast takes.
    plain = sa.Text() if isinstance(item, sa.Text) else item
    return postgresql.ARRAY(plain, dimensions=1)
