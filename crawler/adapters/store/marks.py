"""Marking articles for judging: also while one is being judged, which then is not the last word."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.tables import articles


async def mark(connection: AsyncConnection, which: sa.ColumnElement[bool]) -> int:
    """Mark articles that are not forgotten; returns how many."""
    done = await connection.execute(
        sa.update(articles).where(which, ~articles.c.forgotten).values(unjudged=True, remarked=True))
    return done.rowcount
