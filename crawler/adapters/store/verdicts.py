"""A person's rulings. They name articles, so that they outlive the stories they were made on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.marks import mark
from crawler.adapters.store.reconcile import follow
from crawler.adapters.store.tables import articles, endings, members, ruled, verdicts
from crawler.core.types import Verdict
from crawler.errors import NotFoundError


class Verdicts(Part):
    """Rulings."""

    async def verdicts(self, articles: Sequence[str]) -> list[Verdict]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: standing(connection, articles))

    async def rulings(self) -> list[Verdict]:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> list[Verdict]:
            return _by_age([_verdict(row) for row in await connection.execute(sa.select(verdicts).where(_STANDS))])

        return await self._db.read(look)

    async def add_verdict(self, verdict: Verdict) -> Verdict:
        """See `ports.Store`."""
        async def add(connection: AsyncConnection) -> Verdict:
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

    async def undo_verdict(self, story: str, who: str, at: datetime) -> Verdict:
        """See `ports.Store`. A ruling is on the story where it was made on its id, on an id that led to it, or where
        it names one of its articles."""
        async def undo(connection: AsyncConnection) -> Verdict:
            found = await _on_story(connection, story)
            if not found:
                raise NotFoundError(f"story {story}: no ruling stands on it")
            newest = found[-1]
            await connection.execute(sa.update(verdicts).where(verdicts.c.id == newest.id).values(
                undone_by=who, undone_at=at))
            await _mark_named(connection, newest)
            return newest

        return await self._db.write(undo)


async def standing(connection: AsyncConnection, ids: Sequence[str]) -> list[Verdict]:
    """Standing rulings that name any of these articles, oldest first."""
    found: dict[int, Verdict] = {}
    for chunk in chunks(dict.fromkeys(ids)):
        naming = sa.select(ruled.c.verdict).where(ruled.c.article.in_(chunk))
        found |= {row.id: _verdict(row) for row in await connection.execute(
            sa.select(verdicts).where(verdicts.c.id.in_(naming), _STANDS))}
    return _by_age(found.values())


_STANDS = verdicts.c.undone_at.is_(None)


async def endings_of(connection: AsyncConnection, id_: str) -> dict[str, str | None]:
    """The tombstones on the way from an id, as far as it leads."""
    found: dict[str, str | None] = {}
    at: str | None = id_
    while at is not None and at not in found:
        row = (await connection.execute(sa.select(endings.c.successor).where(endings.c.story == at))).one_or_none()
        if row is None:
            break
        found[at] = row.successor
        at = row.successor
    return found


async def _on_story(connection: AsyncConnection, story: str) -> list[Verdict]:
    now = follow(await endings_of(connection, story), story) or story
    ids = {story, now, *await _forerunners(connection, now)}
    by_id = (await connection.execute(sa.select(verdicts).where(verdicts.c.story.in_(sorted(ids)), _STANDS))).all()
    theirs = (await connection.scalars(sa.select(members.c.article).where(members.c.story == now))).all()
    return _by_age({*map(_verdict, by_id), *await standing(connection, theirs)})


async def _forerunners(connection: AsyncConnection, story: str) -> set[str]:
    """Ids that led to this one."""
    found: set[str] = set()
    ring = {story}
    while ring:
        ring = set(await connection.scalars(
            sa.select(endings.c.story).where(endings.c.successor.in_(sorted(ring))))) - found
        found |= ring
    return found


async def _mark_named(connection: AsyncConnection, verdict: Verdict) -> None:
    for chunk in chunks(_named(verdict)):
        await mark(connection, articles.c.id.in_(chunk))


def _named(verdict: Verdict) -> list[str]:
    return sorted({verdict.anchor, *verdict.articles})


def _by_age(found: Any) -> list[Verdict]:
    return sorted(found, key=lambda verdict: verdict.id)


def _verdict(row: sa.Row[Any]) -> Verdict:
    return Verdict(
        id=row.id, ruling=row.ruling, story=row.story, anchor=row.anchor, articles=tuple(row.articles), who=row.who,
        at=row.at, note=row.note, whole=row.whole)
