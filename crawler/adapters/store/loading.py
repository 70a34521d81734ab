"""Stored stories, whole."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.codec import decode, decode_all
from crawler.adapters.store.engine import chunks, paced
from crawler.adapters.store.tables import members, stories
from crawler.core.types import Copy, Evidence, Story


async def load_stories(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Story]:
    """Stored stories by id, in the order asked."""
    rows: dict[str, sa.Row[Any]] = {}
    copies: dict[str, list[Copy]] = {}
    for chunk in chunks(ids):
        rows |= {row.id: row for row in await connection.execute(sa.select(stories).where(stories.c.id.in_(chunk)))}
        async for row in paced(await connection.execute(
                sa.select(members.c.story, members.c.detail).where(members.c.story.in_(chunk), members.c.position > 0)
                .order_by(members.c.story, members.c.position))):
            copies.setdefault(row.story, []).append(decode(Copy, row.detail))
    return {id_: _story(rows[id_], copies.get(id_, [])) for id_ in ids if id_ in rows}


def _story(row: sa.Row[Any], copies: Sequence[Copy]) -> Story:
    return Story(
        id=row.id, original=row.original, confidence=row.confidence, decided=row.decided,
        why=decode_all(Evidence, row.why), copies=tuple(copies), outside=row.outside, verdict=row.verdict,
        rivals=tuple(row.rivals),
    )
