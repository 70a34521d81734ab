"""Stored stories, whole: with their articles, history, standing rulings, and the digests that carry them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import load_articles
from crawler.adapters.store.codec import decode, decode_all
from crawler.adapters.store.engine import chunks, paced
from crawler.adapters.store.tables import endings, history, links, listing, members, ruled, stories, verdicts
from crawler.core.types import Article, Copy, Evidence, Link, Relation, Story, Verdict
from crawler.ports import StoredStory


async def load_stories(connection: AsyncConnection, ids: Sequence[str], first: int | None = None) -> dict[str, Story]:
    """Stored stories by id, in the order asked, with so many of their copies (None: all)."""
    some = members.c.position <= first if first is not None else sa.true()
    rows: dict[str, sa.Row[Any]] = {}
    copies: dict[str, list[Copy]] = {}
    for chunk in chunks(ids):
        rows |= {row.id: row for row in await connection.execute(sa.select(stories).where(stories.c.id.in_(chunk)))}
        async for row in paced(await connection.execute(
                sa.select(members.c.story, members.c.detail).where(members.c.story.in_(chunk), members.c.position > 0, some)
                .order_by(members.c.story, members.c.position))):
            copies.setdefault(row.story, []).append(decode(Copy, row.detail))
    return {id_: _story(rows[id_], copies.get(id_, [])) for id_ in ids if id_ in rows}


def _story(row: sa.Row[Any], copies: Sequence[Copy]) -> Story:
    return Story(
        id=row.id, original=row.original, confidence=row.confidence, decided=row.decided,
        why=decode_all(Evidence, row.why), copies=tuple(copies), outside=row.outside, verdict=row.verdict,
        rivals=tuple(row.rivals),
    )


async def whole(
    connection: AsyncConnection, ids: Sequence[str], without: frozenset[str] = frozenset(), first: int | None = None,
) -> list[StoredStory]:
    """Stored stories in the order asked; with `first` so many of their copies, and no texts."""
    found = {id_: _less(story, without) for id_, story in (await load_stories(connection, ids, first)).items()}
    everyone = [article for story in found.values() for article in story.members]
    by_id = {article.id: article for article in await load_articles(
        connection, everyone, lead=None if first is None else 0)}
    past = await _history(connection, ids)
    said = await _verdicts(connection, everyone)
    updated = {row.id: row.at for row in await connection.execute(
        sa.select(stories.c.id, sa.func.coalesce(listing.c.updated, stories.c.updated, type_=stories.c.updated.type).label("at"))
        .outerjoin(listing, listing.c.story == stories.c.id).where(stories.c.id.in_(ids)))}
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
        sa.select(history).where(history.c.story.in_(ids), history.c.event != "changed").order_by(history.c.id))
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


async def standing(connection: AsyncConnection, ids: Sequence[str]) -> list[Verdict]:
    """Standing rulings that name any of these articles, oldest first."""
    found: dict[int, Verdict] = {}
    for chunk in chunks(dict.fromkeys(ids)):
        naming = sa.select(ruled.c.verdict).where(ruled.c.article.in_(chunk))
        found |= {row.id: verdict_of(row) for row in await connection.execute(
            sa.select(verdicts).where(verdicts.c.id.in_(naming), STANDS))}
    return by_age(found.values())


STANDS = verdicts.c.undone_at.is_(None)


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


def by_age(found: Any) -> list[Verdict]:
    """Oldest first."""
    return sorted(found, key=lambda verdict: verdict.id)


def verdict_of(row: sa.Row[Any]) -> Verdict:
    """A ruling from its row."""
    return Verdict(
        id=row.id, ruling=row.ruling, story=row.story, anchor=row.anchor, articles=tuple(row.articles), who=row.who,
        at=row.at, note=row.note, whole=row.whole)


async def forerunners(connection: AsyncConnection, story: str) -> set[str]:
    """Ids that led to this one."""
    found: set[str] = set()
    ring = {story}
    while ring:
        ring = set(await connection.scalars(
            sa.select(endings.c.story).where(endings.c.successor.in_(sorted(ring))))) - found
        found |= ring
    return found
