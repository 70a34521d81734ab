"""Removing: an article that somebody asks to forget, and what has passed its retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import BLANK
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.index import leave_index
from crawler.adapters.store.judging import reachable
from crawler.adapters.store.listing import relist
from crawler.adapters.store.loading import load_stories
from crawler.adapters.store.marks import mark
from crawler.adapters.store.stories import entomb, note
from crawler.adapters.store.tables import (
    articles,
    bodies,
    links,
    matches,
    members,
    pages,
    revisions,
    ruled,
    sightings,
    stories,
    verdicts,
    wants,
)
from crawler.adapters.store.vectors import vectors
from crawler.errors import NotFoundError
from crawler.ports import Pruned, StoryChange

_BATCH = 200                     # articles removed in one transaction: the daemon writes in between
_LISTED = timedelta(days=1)      # how exactly `sightings.listed` is kept
_COMPONENT = 10_000              # articles marked when one of theirs is forgotten

_FORGOTTEN: dict[str, Any] = {
    "forgotten": True, "unjudged": False, "remarked": False, "lease_until": None, "url": "", "address": "", "site_name": None,
    "title": "", "text": "", "text_hash": 0, "canonical": None, "claims": [], "attributions": [], "walls": [],
    "reservations": [], "alternates": [], "unit_keys": None, "dropped_keys": None, "indexed": None, "indexed_seen": None, "revisions": 1,
    "held": False,
}


class Removal(Part):
    """Forgetting and pruning."""

    async def forget(self, article_id: str, now: datetime) -> None:
        """See `ports.Store`. Its story goes on without it, undecided until the rest is judged again."""
        await self._db.write(lambda connection: self._forget(connection, article_id, now))
        await self._db.backend.scrub()

    async def _forget(self, connection: AsyncConnection, id_: str, now: datetime) -> None:
        await self._db.backend.lock(connection, f"article {id_}")
        await self._db.backend.lock(connection, "stories")
        if not await connection.scalar(sa.select(sa.exists().where(articles.c.id == id_))):
            raise NotFoundError(f"article {id_}: nothing is stored under this id")
        rest = (await reachable(connection, [id_], _COMPONENT))[1:]
        await _leave_story(connection, id_, now)
        await _empty(connection, [id_])
        await connection.execute(sa.update(articles).where(articles.c.id == id_).values(_FORGOTTEN))
        await connection.execute(sa.update(sightings).where(sightings.c.article == id_).values(BLANK))
        for chunk in chunks(rest):
            await mark(connection, articles.c.id.in_(chunk))
        await _sweep(connection)

    async def prune(self, pages_before: datetime, articles_before: datetime) -> Pruned:
        """See `ports.Store`. An article goes only with its whole story, when all of it is old: otherwise the
        originals would go first, and their copies would seem to be the originals. In batches, so that a long prune
        does not hold up the daemon."""
        gone = keys = 0
        stay = await self._db.write(lambda connection: self._db.backend.raise_floor(connection, articles_before))
        while batch := await self._db.write(lambda connection: self._prune(connection, articles_before, stay)):
            gone += batch[0]
            keys += batch[1]
        await self._db.backend.retire()
        left = await self._db.write(lambda connection: _prune_rest(connection, pages_before, articles_before))
        return Pruned(pages=left[0], articles=gone, entries=left[1], keys=keys)

    async def _prune(
        self, connection: AsyncConnection, before: datetime, stay: datetime,
    ) -> tuple[int, int] | None:
        await self._db.backend.lock(connection, "stories")
        old = list(await connection.scalars(_prunable(before)))
        if not old:
            return None
        ended = set(await connection.scalars(sa.select(members.c.story).where(members.c.article.in_(old))))
        everyone = sorted({*old, *await connection.scalars(
            sa.select(members.c.article).where(members.c.story.in_(sorted(ended))))})
        for story in sorted(ended):
            await entomb(connection, story, None, before)
        keys = 0
        for chunk in chunks(everyone):
            keys += await _empty(connection, chunk, stay)
            await connection.execute(sa.update(sightings).where(sightings.c.article.in_(chunk)).values(
                {**BLANK, "article": None}))
            await connection.execute(sa.delete(articles).where(articles.c.id.in_(chunk)))
        return len(everyone), keys


def _prunable(before: datetime) -> sa.Select[Any]:
    """Old articles of no story, or of one that is old throughout, unheld, and on which nobody has ruled."""
    other, member = articles.alias("other"), members.alias("member")
    bound = (other.c.first_seen >= before) | other.c.held | _ruled(other.c.id)
    kept = (sa.exists().where(member.c.story == members.c.story, other.c.id == member.c.article, bound)
            .correlate(members))
    return (sa.select(articles.c.id).outerjoin(members, members.c.article == articles.c.id)
            .where(articles.c.first_seen < before, ~articles.c.held, ~articles.c.forgotten, ~_ruled(articles.c.id),
                   members.c.story.is_(None) | ~kept)
            .order_by(articles.c.first_seen, articles.c.id).limit(_BATCH))


def _ruled(article: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return sa.exists().where(ruled.c.article == article, verdicts.c.id == ruled.c.verdict,
                             verdicts.c.undone_at.is_(None))


async def _empty(connection: AsyncConnection, ids: Sequence[str], stay: datetime | None = None) -> int:
    """Remove all that hangs on these articles; returns how many keys that were."""
    keys = await leave_index(connection, ids, stay)
    for table in (revisions, pages, wants, vectors):
        await connection.execute(sa.delete(table).where(table.c.article.in_(ids)))
    for table in (matches, links):
        await connection.execute(sa.delete(table).where(table.c.a.in_(ids) | table.c.b.in_(ids)))
    return keys


async def _prune_rest(connection: AsyncConnection, pages_before: datetime, before: datetime) -> tuple[int, int]:
    held = sa.select(articles.c.id).where(articles.c.held)
    gone = await connection.execute(sa.delete(pages).where(
        pages.c.fetched < pages_before, pages.c.article.not_in(held)))
    await _sweep(connection)
    # One that its feed still lists is kept, or it would come back as news.
    entries = await connection.execute(sa.delete(sightings).where(
        sightings.c.state.in_(["spent", "failed"]), sightings.c.article.is_(None),
        sightings.c.listed < before - _LISTED))
    return gone.rowcount, entries.rowcount


async def _sweep(connection: AsyncConnection) -> None:
    """Bodies that no page has any more."""
    used = sa.exists().where(pages.c.sha256 == bodies.c.sha256)
    await connection.execute(sa.delete(bodies).where(~used))


async def _leave_story(connection: AsyncConnection, article: str, now: datetime) -> None:
    """Take an article out of its story. A story needs two; one without its original has its first copy stand in."""
    id_ = await connection.scalar(sa.select(members.c.story).where(members.c.article == article))
    if id_ is None:
        return
    story = (await load_stories(connection, [id_]))[id_]
    left = [copy.article for copy in story.copies if copy.article != article]
    if len(left) < (2 if article == story.original else 1):
        await entomb(connection, id_, None, now)
        await note(connection, StoryChange(id_, "dissolved", None, story.original), now)
        return
    await connection.execute(sa.delete(members).where(members.c.article == article))
    heir = story.original
    if article == story.original:
        heir = left[0]
        await connection.execute(sa.update(members).where(members.c.article == heir).values(
            position=0, kind=None, detail=None))
        await note(connection, StoryChange(id_, "original-changed", heir, article), now)
    await connection.execute(sa.update(stories).where(stories.c.id == id_).values(
        original=heir, decided=False, confidence=0.0, why=[], rivals=[], verdict=None, updated=now))
    await relist(connection, [id_], now)
