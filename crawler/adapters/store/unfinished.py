"""The mark of a database that `transfer` is filling. Nobody takes one that bears it for a store: neither this program
nor an older one, since the schema's version is none that any of them knows."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

VERSION = "copying "   # in `alembic_version`, before the number of the schema

# Not in `tables.metadata`: a store has no such table. One row; gone when the copy is whole.
transfer = sa.Table(
    "transfer", sa.MetaData(),
    sa.Column("origin", sa.Text, nullable=False),       # what is copied, as a URL without its password
    sa.Column("step", sa.BigInteger, nullable=False),   # grows with each transaction: two copies at once would notice
    sa.Column("marks", sa.Text, nullable=False),        # how far each table has come; see `transfer.progress`
)


async def refusal(connection: AsyncConnection) -> str:
    """Why a database with the mark is no store, and what to do."""
    origin = await connection.scalar(sa.select(transfer.c.origin))
    return (f"holds an unfinished copy of {origin}; go on with `firsthand store copy {origin} TO`, TO being this one, or "
            "name another database in `store`")
