"""Stories as a person reads them: which ones, with their articles, history and rulings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import load_articles
from crawler.adapters.store.codec import decode
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.loading import load_stories
from crawler.adapters.store.reconcile import follow
from crawler.adapters.store.tables import articles, history, links, members, stories
from crawler.adapters.store.verdicts import endings_of, standing
from crawler.core.types import Article, Link, Relation, Story, Verdict
from crawler.errors import NotFoundError
from crawler.ports import StoredStory, StoryQuery

_BATCH = 100   # stories whose articles are read at a time


class Browsing(Part):
    """Reading stories."""

    async def stories(self, query: StoryQuery) -> list[StoredStory]:
        """See `ports.Store`. The newest is the one whose latest member was first seen last. `language` is that of
        the original; `since` and `until` are both included; copies of a kind in `without` are left out."""
        async def look(connection: AsyncConnection) -> list[StoredStory]:
            ids = list(await connection.scalars(_matching(query)))
            found: list[StoredStory] = []
            for chunk in chunks(ids, _BATCH):
                found += await _whole(connection, chunk, query.without)
            return found

        return await self._db.read(look)

    async def story(self, story_id: str) -> StoredStory:
        """See `ports.Store`. An id that was dissolved leads nowhere: NotFoundError."""
        async def look(connection: AsyncConnection) -> StoredStory:
            at = follow(await endings_of(connection, story_id), story_id)
            found = [] if at is None else await _whole(connection, [at], frozenset())
            if not found:
                gone = "the story was dissolved" if at is None else "nothing is stored under this id"
                raise NotFoundError(f"story {story_id}: {gone}")
            return found[0]

        return await self._db.read(look)


def _matching(query: StoryQuery) -> sa.Select[Any]:
    member = members.join(articles, articles.c.id == members.c.article)
    latest = (sa.select(members.c.story, sa.func.max(articles.c.first_seen).label("seen"))
              .select_from(member).group_by(members.c.story).subquery())
    copies = (sa.select(sa.func.count()).select_from(members)
              .where(members.c.story == stories.c.id, members.c.position > 0,
                     members.c.kind.not_in(sorted(query.without))).scalar_subquery())
    wanted = (sa.select(stories.c.id).join(latest, latest.c.story == stories.c.id)
              .where(copies >= max(1, query.min_copies), *_limits(query)))
    return wanted.order_by(stories.c.decided, latest.c.seen.desc(), stories.c.id)


def _limits(query: StoryQuery) -> list[sa.ColumnElement[bool]]:
    shown = (members.c.position == 0) | members.c.kind.not_in(sorted(query.without))
    limits: list[sa.ColumnElement[bool]] = []
    times = [articles.c.first_seen >= query.since] if query.since is not None else []
    times += [articles.c.first_seen <= query.until] if query.until is not None else []
    if times:
        limits.append(_has(shown, *times))
    if query.source is not None:
        place = {"original": members.c.position == 0, "copy": members.c.position > 0}.get(query.role or "", sa.true())
        limits.append(_has(shown, place, articles.c.source == query.source))
    if query.language is not None:
        limits.append(_has(members.c.position == 0, articles.c.language == query.language))
    if query.kinds:
        limits.append(_has(shown, members.c.kind.in_(sorted(query.kinds))))
    if query.undecided:
        limits.append(~stories.c.decided)
    return limits


def _has(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Some member of the story is so."""
    return sa.exists().where(
        members.c.story == stories.c.id, articles.c.id == members.c.article, *conditions).correlate(stories)


async def _whole(connection: AsyncConnection, ids: Sequence[str], without: frozenset[str]) -> list[StoredStory]:
    found = {id_: _less(story, without) for id_, story in (await load_stories(connection, ids)).items()}
    everyone = [article for story in found.values() for article in story.members]
    by_id = {article.id: article for article in await load_articles(connection, everyone)}
    past = await _history(connection, ids)
    said = await _verdicts(connection, everyone)
    updated = {row.id: row.updated for row in await connection.execute(
        sa.select(stories.c.id, stories.c.updated).where(stories.c.id.in_(ids)))}
    carried = await _carriers(connection, everyone)
    return [StoredStory(story, _present(story, by_id), updated[id_], tuple(past.get(id_, ())), _naming(story, said),
                        tuple(each for article in story.members for each in carried.get(article, ())))
            for id_, story in found.items()]


async def _carriers(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[tuple[Link, Article]]]:
    """For each article the digests that carry it."""
    found = [decode(Link, detail) for chunk in chunks(dict.fromkeys(ids)) for detail in await connection.scalars(
        sa.select(links.c.detail).where(links.c.relation == Relation.CARRIES.value, links.c.b.in_(chunk))
        .order_by(links.c.a, links.c.b))]
    digests = {one.id: one for one in await load_articles(connection, [link.a for link in found])}
    by_article: dict[str, list[tuple[Link, Article]]] = {}
    for link in found:
        if link.a in digests:
            by_article.setdefault(link.b, []).append((link, digests[link.a]))
    return by_article


def _less(story: Story, without: frozenset[str]) -> Story:
    return replace(story, copies=tuple(copy for copy in story.copies if copy.kind not in without))


def _present(story: Story, by_id: Mapping[str, Article]) -> tuple[Article, ...]:
    return tuple(by_id[id_] for id_ in story.members if id_ in by_id)


def _naming(story: Story, said: Mapping[str, Sequence[Verdict]]) -> tuple[Verdict, ...]:
    found = {verdict.id: verdict for id_ in story.members for verdict in said.get(id_, ())}
    return tuple(found[id_] for id_ in sorted(found))


async def _history(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    rows = await connection.execute(
        sa.select(history).where(history.c.story.in_(ids)).order_by(history.c.id))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.story, []).append(
            {"at": row.at, "event": row.event, "original": row.original, "previous": row.previous})
    return found


async def _verdicts(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Verdict]]:
    by_article: dict[str, list[Verdict]] = {}
    for verdict in await standing(connection, ids):
        for article in {verdict.anchor, *verdict.articles}:
            by_article.setdefault(article, []).append(verdict)
    return by_article
