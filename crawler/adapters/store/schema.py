"""The schema's version: made on an empty database, brought forward from an older one, refused when newer."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store import postings, unfinished
from crawler.adapters.store.engine import Database
from crawler.adapters.store.failures import DAMAGED
from crawler.adapters.store.tables import metadata
from crawler.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0009"   # of migrations/versions; numbers, so that newer and older can be told without the newer program
_POSTINGS = "0009"   # the first whose index on SQLite is in segments


async def bring_up(database: Database, *, create: bool) -> None:
    """Migrate to HEAD in one transaction. Raises StoreError: empty and not `create`, or newer than this program."""
    version = await database.read(version_of)
    if version == HEAD:
        return
    if version is None and not create:
        raise StoreError(f"store {database.where}: nothing is stored yet; `firsthand run` creates the database")
    await database.write(lambda connection: migrate(database, connection))


async def migrate(database: Database, connection: AsyncConnection) -> None:
    """The same in a transaction that has begun; an empty database is filled."""
    await database.backend.lock(connection, "schema")
    version = await version_of(connection)    # another process may have been quicker
    if version is not None and not _older(version):
        if version == HEAD:
            return
        if version.startswith(unfinished.VERSION):
            raise StoreError(f"store {database.where}: {await unfinished.refusal(connection)}")
        if not version.isdecimal():
            raise StoreError(f"store {database.where}: {DAMAGED}")
        raise StoreError(f"store {database.where}: written by a newer Firsthand (schema {version}, this one knows "
                         f"{HEAD}); update Firsthand, or name another database in `store`")
    if version is None and await connection.run_sync(_holds_tables):
        raise StoreError(f"store {database.where}: holds tables and no version: another program's database, or a damaged "
                         "one; check `store`, or restore a copy made by `firsthand backup`")
    await connection.run_sync(_upgrade)
    if version is not None and version < _POSTINGS and connection.dialect.name == "sqlite":
        await connection.run_sync(postings.rebuild)


async def version_of(connection: AsyncConnection) -> str | None:
    """What the database says of itself; None for an empty one."""
    if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table("alembic_version")):
        return None
    found = await connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return None if found is None else str(found)


async def stamp(connection: AsyncConnection, version: str) -> None:
    """Have the database say that it is of this version."""
    await connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def _holds_tables(connection: sa.Connection) -> bool:
    """Whether any table has the name of one of ours."""
    return not set(sa.inspect(connection).get_table_names()).isdisjoint(metadata.tables)


def _older(version: str) -> bool:
    return version.isdecimal() and int(version) < int(HEAD)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 0.2 s that an up-to-date database does not pay
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
