"""Every way in which a database fails, as one line: what, where, what to do. No SQL exception leaves the adapter."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from crawler.errors import FirsthandError, StoreError, UnstorableError

DAMAGED = "the database is damaged; restore a copy made by `firsthand backup`"
# By SQLite's extended result code, the longest beginning that fits.
_SQLITE = {
    "SQLITE_FULL": "the disk is full; nothing was written: free some space, or run `firsthand prune`",
    "SQLITE_BUSY": "the database is locked by another process; try again when it has finished",
    "SQLITE_LOCKED": "the database is locked by another process; try again when it has finished",
    "SQLITE_READONLY": "the database cannot be written: check who owns the file and its directory",
    "SQLITE_PERM": "the database cannot be read: check who owns the file and its directory",
    "SQLITE_CANTOPEN": "the database cannot be opened: check that the path exists and may be read and written",
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": "the file is no SQLite database; check `store`, or restore a copy made by `firsthand backup`",
    "SQLITE_IOERR": "the disk failed to read or write; check it and the file system",
    "SQLITE_TOOBIG": "a value is larger than the database holds",
}
# By SQLSTATE, the longest beginning that fits: https://www.postgresql.org/docs/current/errcodes-appendix.html
_POSTGRES = {
    "53100": "the server's disk is full; nothing was written: free some space, or run `firsthand prune`",
    "53300": "the server has no connection left; raise max_connections or run fewer processes",
    "53": "the server is out of resources; try again later",
    "28": "the server refused the user or password; check `store`",
    "3D000": "the server has no such database; create it with createdb",
    "42501": "the user may not do this; grant it the rights on the database",
    "25006": "the server is read-only, a standby perhaps; check `store`",
    "40": "other writers kept getting in the way; try again",
    "55P03": "the database is locked by another process; try again when it has finished",
    "57": "the server is starting, stopping or cancelled the request; try again later",
    "08": "the connection to the server was lost; try again when it is back",
    "XX": "the server reports damaged data; see its log",
}
_LOST = ("InternalClientError", "InterfaceError", "ConnectionDoesNotExistError")
_RETRIED = ("40001", "40P01")   # serialization failure, deadlock: the transaction has left nothing behind


class DamagedError(ValueError):
    """A value that this program cannot have written: the file's pages are sound, what stands in them is not."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever a database, its driver or the network raises into StoreError; `where` names the database."""
    try:
        yield
    except FirsthandError:
        raise
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, TimeoutError, OverflowError, DamagedError,
            UnicodeDecodeError) as error:
        raise _kind(error)(f"store {where}: {explain(error)}") from error
    except Exception as error:
        if not type(error).__module__.startswith("asyncpg"):
            raise
        raise _kind(error)(f"store {where}: {explain(error)}") from error


def _kind(error: BaseException) -> type[StoreError]:
    """Whether the state of the database is at fault, or the values."""
    cause = _innermost(error)
    values = (sa.exc.DataError, sa.exc.IntegrityError, sqlite3.DataError, sqlite3.IntegrityError, OverflowError)
    state = str(getattr(cause, "sqlstate", "") or "")
    refused = isinstance(error, values) or isinstance(cause, values) or state.startswith(("22", "23", "54"))
    return UnstorableError if refused or getattr(cause, "sqlite_errorname", "") == "SQLITE_TOOBIG" else StoreError


def explain(error: BaseException) -> str:
    """What went wrong and what to do, without SQL, values or passwords."""
    cause = _innermost(error)
    code = str(getattr(cause, "sqlite_errorname", ""))
    state = str(getattr(cause, "sqlstate", "") or "")
    said = _longest(_SQLITE, code) or _longest(_POSTGRES, state) or _driver(cause)
    if said:
        return said
    if isinstance(cause, DamagedError | UnicodeDecodeError) or "Could not decode to UTF-8" in str(cause):
        return DAMAGED
    if isinstance(cause, sa.exc.TimeoutError):
        return "every connection is taken; try again, or lower crawl.concurrency"
    if isinstance(cause, OSError | TimeoutError):
        return f"the database is out of reach ({_first_line(cause)}); check `store` and that the server runs"
    return f"{type(cause).__name__}: {_first_line(cause)}"


def _driver(cause: BaseException) -> str | None:
    """What is behind errors that asyncpg raises without a word of the server: the connection ended under a statement.
    SQLAlchemy has classes of its own for them, which name asyncpg's."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(cause).__mro__}
    return _POSTGRES["08"] if any("asyncpg" in name and name.endswith(_LOST) for name in names) else None


def may_retry(error: BaseException) -> bool:
    """Whether the transaction was undone by another one and can simply be run again."""
    return str(getattr(_innermost(error), "sqlstate", "") or "") in _RETRIED


def in_the_way(error: BaseException) -> bool:
    """Whether a lock was not to be had: by its time limit, or by a deadlock."""
    return str(getattr(_innermost(error), "sqlstate", "") or "") in ("55P03", *_RETRIED)


def is_lost(error: BaseException) -> bool:
    """Whether the connection ended under a statement: the transaction is gone with it, the server may well be there."""
    return bool(getattr(error, "connection_invalidated", False)) and explain(error) in (_POSTGRES["08"], _POSTGRES["57"])


def _innermost(error: BaseException) -> BaseException:
    """The driver's own exception under SQLAlchemy's wrappings."""
    while True:
        inner = getattr(error, "orig", None) or getattr(error, "driver_exception", None)
        if inner is None or inner is error:
            return error
        error = inner


def _longest(table: dict[str, str], code: str) -> str | None:
    fits = [name for name in table if code.startswith(name)]
    return table[max(fits, key=len)] if fits else None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
