"""A person's rulings. They name articles, so that they outlive the stories they were made on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.loading import (
    STANDS,
    by_age,
    endings_of,
    forerunners,
    standing,
    verdict_of,
    whole,
)
from crawler.adapters.store.marks import mark
from crawler.adapters.store.reconcile import follow
from crawler.adapters.store.tables import articles, members, ruled, verdicts
from crawler.core.types import Verdict
from crawler.errors import ConflictError, NotFoundError
from crawler.ports import PastRuling


class Verdicts(Part):
    """Rulings."""

    async def verdicts(self, articles: Sequence[str]) -> list[Verdict]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: standing(connection, articles))

    async def rulings(self) -> list[Verdict]:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> list[Verdict]:
            return by_age([verdict_of(row) for row in await connection.execute(sa.select(verdicts).where(STANDS))])

        return await self._db.read(look)

    async def add_verdict(self, verdict: Verdict, expected: str | None = None) -> Verdict:
        """See `ports.Reviewing`."""
        async def add(connection: AsyncConnection) -> Verdict:
            if expected is not None:
                await self._expect(connection, verdict.story, expected)
            row = {"ruling": verdict.ruling, "story": verdict.story, "anchor": verdict.anchor,
                   "articles": list(verdict.articles), "who": verdict.who, "at": verdict.at, "note": verdict.note,
                   "whole": verdict.whole}
            id_ = await connection.scalar(sa.insert(verdicts).values(row).returning(verdicts.c.id))
            stored = replace(verdict, id=int(id_ or 0))
            await connection.execute(sa.insert(ruled), [
                {"article": article, "verdict": stored.id} for article in _named(stored)])
            await _mark_named(connection, stored)
            return stored

        return await self._db.write(add)

    async def undo_verdict(
        self, story: str, who: str, at: datetime, expected: str | None = None, id_: int | None = None,
    ) -> Verdict:
        """See `ports.Reviewing`. A ruling is on the story where it was made on its id, on an id that led to it, or
        where it names one of its articles."""
        async def undo(connection: AsyncConnection) -> Verdict:
            if expected is not None:
                await self._expect(connection, story, expected)
            found = [one for one in await _on_story(connection, story) if id_ is None or one.id == id_]
            if not found:
                which = "no ruling" if id_ is None else f"no ruling {id_}"
                raise NotFoundError(f"story {story}: {which} stands on it")
            newest = found[-1]
            await connection.execute(sa.update(verdicts).where(verdicts.c.id == newest.id).values(
                undone_by=who, undone_at=at))
            await _mark_named(connection, newest)
            return newest

        return await self._db.write(undo)

    async def past_rulings(self, story: str) -> list[PastRuling]:
        """See `ports.Reviewing`."""
        async def look(connection: AsyncConnection) -> list[PastRuling]:
            rows = await _rows_on_story(connection, story, sa.true())
            return [PastRuling(verdict_of(row), row.undone_by, row.undone_at) for row in rows]

        return await self._db.read(look)

    async def _expect(self, connection: AsyncConnection, story: str, version: str) -> None:
        """Nobody changes the stories from here to the end of the transaction."""
        await self._db.backend.lock(connection, "stories")
        found = await whole(connection, [story])
        if not found or found[0].version != version:
            raise ConflictError(f"story {story}: it has changed since you saw it; nothing was written. Look at it again")


async def _on_story(connection: AsyncConnection, story: str) -> list[Verdict]:
    return [verdict_of(row) for row in await _rows_on_story(connection, story, STANDS)]


async def _rows_on_story(
    connection: AsyncConnection, story: str, which: sa.ColumnElement[bool],
) -> list[sa.Row[Any]]:
    now = follow(await endings_of(connection, story), story) or story
    ids = {story, now, *await forerunners(connection, now)}
    theirs = (await connection.scalars(sa.select(members.c.article).where(members.c.story == now))).all()
    found = {row.id: row for row in await connection.execute(
        sa.select(verdicts).where(verdicts.c.story.in_(sorted(ids)), which))}
    for chunk in chunks(theirs):
        naming = sa.select(ruled.c.verdict).where(ruled.c.article.in_(chunk))
        found |= {row.id: row for row in await connection.execute(
            sa.select(verdicts).where(verdicts.c.id.in_(naming), which))}
    return [found[id_] for id_ in sorted(found)]


async def _mark_named(connection: AsyncConnection, verdict: Verdict) -> None:
    for chunk in chunks(_named(verdict)):
        await mark(connection, articles.c.id.in_(chunk))


def _named(verdict: Verdict) -> list[str]:
    return sorted({verdict.anchor, *verdict.articles})
