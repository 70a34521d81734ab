"""A program, not a module of tests: brings a database up and is killed, by SIGKILL, at each statement of it in turn.

`migrations.py FILE [VERSION]`: a database of VERSION (empty: none) is made once and copied for each death. Prints a JSON
list: for each statement, whether the next start brought the database to the newest version with the newest tables.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from crawler.adapters.store import open_store, schema

EVERY = 13     # of the hundred and more statements of an empty database's start, each so manieth


def at_version(file: Path, version: str) -> None:
    file.touch()
    if not version:
        return
    engine = sa.create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


def killed_at(file: Path, statement: int) -> bool:
    """Open in a process of its own that dies before its nth statement of a transaction that writes; False where it
    came through."""
    child = os.fork()
    if child == 0:
        seen = 0

        @sa.event.listens_for(sa.Engine, "before_cursor_execute")
        def count(_connection, _cursor, said, *_rest):
            nonlocal seen
            seen += not said.startswith(("PRAGMA", "SELECT"))
            if seen > statement:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            asyncio.run(opened(file))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


async def opened(file: Path) -> None:
    await (await open_store(f"sqlite:///{file}")).close()


def tables(file: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        return [*rows, *connection.execute("SELECT version_num FROM alembic_version")]


def main() -> None:
    file, version = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    whole = file.with_name("whole.db")
    at_version(file, version)
    shutil.copy(file, whole)
    asyncio.run(opened(whole))
    found, statement = [], 0
    while True:
        trial = file.with_name(f"killed-{statement}.db")
        shutil.copy(file, trial)
        if not killed_at(trial, statement):
            break
        asyncio.run(opened(trial))
        found.append(tables(trial) == tables(whole))
        statement += 3 if version else EVERY
    print(json.dumps(found))


if __name__ == "__main__":
    main()
