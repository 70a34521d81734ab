"""Stories: replacing those of a set of articles, with ids that last, a history, and tombstones for ids that end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import load_ids
from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.codec import encode
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.links import replace_links
from crawler.adapters.store.listing import next_revision, relist, unlist
from crawler.adapters.store.loading import load_stories
from crawler.adapters.store.reconcile import Standing, inherit, members_of, names
from crawler.adapters.store.tables import endings, history, members, stories
from crawler.core.types import Copy, Link, Relation, Story
from crawler.errors import StoreError
from crawler.ports import StoryChange

Event = Literal["story", "original-changed", "merged", "dissolved", "changed"]


@dataclass(slots=True)
class _Save:
    """One call of `save_stories` on its way."""

    connection: AsyncConnection
    now: datetime
    before: dict[str, Story]
    changes: list[StoryChange] = field(default_factory=list)

    async def note(self, story: str, event: Event, original: str | None, previous: str | None = None) -> None:
        """A change, for the caller and for the log."""
        self.changes.append(StoryChange(story, event, original, previous))
        await note(self.connection, StoryChange(story, event, original, previous), self.now)


class Stories(Part):
    """Writing stories."""

    async def save_stories(
        self, members: Sequence[str], stories: Sequence[Story], now: datetime, links: Sequence[Link] = (),
    ) -> list[StoryChange]:
        """See `ports.Store`. Articles of a touched story that are not among `members` stay copies of the story that
        keeps its id, or succeeds it."""
        async def save(connection: AsyncConnection) -> list[StoryChange]:
            changes = await self._part_anew(connection, members, stories, now)
            await replace_links(connection, Relation.CARRIES, members, links)
            return changes

        return await self._db.write(save)

    async def _part_anew(
        self, connection: AsyncConnection, given: Sequence[str], wanted: Sequence[Story], now: datetime,
    ) -> list[StoryChange]:
        _check(given, wanted)
        if not wanted and not await _touched(connection, given):
            return []       # as of most articles: the lock that all of them would wait for is not needed
        await self._db.backend.lock(connection, "stories")
        wanted = await _present(connection, wanted)
        before = await _touched(connection, given)
        founded = await _founded(connection, before)
        standing = [Standing(id_, founded[id_], members_of(story)) for id_, story in sorted(before.items())]
        kept, ended = inherit(standing, wanted)
        named = await _named(connection, wanted, kept, ended)
        successors = {id_: named[place].id for id_, place in ended.items()} | {id_: id_ for id_ in kept.values()}
        after = _with_left_over(before, set(given), named, successors)
        save = _Save(connection, now, before)
        await _clear(connection, before)
        for story in after:
            await _write(save, story, founded.get(story.id, now))
        for id_ in sorted(before.keys() - {story.id for story in after}):
            await _end(save, id_, successors.get(id_), {story.id: story.original for story in after})
        await relist(connection, [story.id for story in after], now)
        return save.changes


def _check(given: Sequence[str], wanted: Sequence[Story]) -> None:
    """A story of one, or an article in two, is a mistake of the caller that no reader could show."""
    placed = [id_ for story in wanted for id_ in story.members]
    if len(placed) != len(set(placed)) or not set(placed) <= set(given) or any(not s.copies for s in wanted):
        raise StoreError("stories: each needs a copy, and each article stands in one story, among those given")


async def _present(connection: AsyncConnection, wanted: Sequence[Story]) -> list[Story]:
    """The stories without articles that were forgotten or pruned since they were read."""
    ids = {id_ for story in wanted for id_ in members_of(story)}
    here = {row.id for row in await load_ids(connection, ids)}
    if here == ids:
        return list(wanted)
    left = [replace(story, copies=tuple(copy for copy in story.copies if copy.article in here))
            for story in wanted if story.original in here]
    return [story for story in left if story.copies]


async def _touched(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Story]:
    """The stored stories of these articles, whole."""
    found: set[str] = set()
    for chunk in chunks(dict.fromkeys(ids)):
        found |= set(await connection.scalars(sa.select(members.c.story).where(members.c.article.in_(chunk))))
    return await load_stories(connection, sorted(found))


async def _founded(connection: AsyncConnection, before: Mapping[str, Story]) -> dict[str, datetime]:
    return {row.id: row.founded for chunk in chunks(before) for row in await connection.execute(
        sa.select(stories.c.id, stories.c.founded).where(stories.c.id.in_(chunk)))}


async def _named(
    connection: AsyncConnection, wanted: Sequence[Story], kept: Mapping[int, str], ended: Iterable[str],
) -> list[Story]:
    """The new stories with their ids. The id of a dissolved story may come back with its founding article; that of
    one that went into another stays its tombstone."""
    used = {*kept.values(), *ended}
    named = []
    for place, story in enumerate(wanted):
        id_ = kept.get(place) or await _unused(connection, story.original, used)
        used.add(id_)
        named.append(replace(story, id=id_))
    return named


async def _unused(connection: AsyncConnection, original: str, used: set[str]) -> str:
    for id_ in names(original):
        stands = sa.exists().where(stories.c.id == id_)
        leads_on = sa.exists().where(endings.c.story == id_, endings.c.successor.is_not(None))
        if id_ not in used and not await connection.scalar(sa.select(stands | leads_on)):
            return id_
    raise StoreError(f"story of {original}: no free id")     # `names` does not end


def _with_left_over(
    before: Mapping[str, Story], given: set[str], named: Sequence[Story], successors: Mapping[str, str],
) -> list[Story]:
    """Copies that the caller did not hand in (the component was larger than its limit) stay where their story goes."""
    left: dict[str, list[Copy]] = {}
    for id_, story in before.items():
        heir = successors.get(id_)
        if heir is not None:
            left.setdefault(heir, []).extend(copy for copy in story.copies if copy.article not in given)
    return [replace(story, copies=(*story.copies, *left.get(story.id, ()))) for story in named]


async def _clear(connection: AsyncConnection, before: Mapping[str, Story]) -> None:
    for chunk in chunks(sorted(before)):
        await connection.execute(sa.delete(members).where(members.c.story.in_(chunk)))


async def _write(save: _Save, story: Story, founded: datetime) -> None:
    old = save.before.get(story.id)
    row = {
        "original": story.original, "confidence": story.confidence, "decided": story.decided,
        "outside": story.outside, "verdict": story.verdict, "why": encode(story.why), "rivals": list(story.rivals),
    }
    if old is None:
        await save.connection.execute(sa.delete(endings).where(endings.c.story == story.id))
        await save.connection.execute(sa.insert(stories).values(
            **row, id=story.id, founded=founded, updated=save.now))
    elif old != story:
        await save.connection.execute(sa.update(stories).where(stories.c.id == story.id).values(
            **row, updated=save.now))
    await insert_many(save.connection, members, _members(story))
    event = _event(old, story)
    if event is not None:
        await save.note(story.id, event, story.original,
                        old.original if old is not None and event == "original-changed" else None)


def _members(story: Story) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"article": story.original, "story": story.id, "position": 0, "kind": None, "detail": None}]
    for position, copy in enumerate(story.copies, 1):
        rows.append({"article": copy.article, "story": story.id, "position": position, "kind": copy.kind.value,
                     "detail": encode(copy)})
    return rows


def _event(old: Story | None, new: Story) -> Event | None:
    if old is None:
        return "story"
    if old.original != new.original:
        return "original-changed"
    return "changed" if _outline(old) != _outline(new) else None


def _outline(story: Story) -> Any:
    """What a reader would call another decision; figures may move without it."""
    copies = sorted((copy.article, copy.kind, copy.verdict or "") for copy in story.copies)
    return story.decided, story.verdict, story.outside, copies


async def _end(save: _Save, id_: str, successor: str | None, originals: Mapping[str, str]) -> None:
    """A story is no more: a tombstone in its place."""
    await entomb(save.connection, id_, successor, save.now)
    await save.note(id_, "merged" if successor else "dissolved", originals.get(successor or ""),
                    save.before[id_].original)


async def entomb(connection: AsyncConnection, id_: str, successor: str | None, now: datetime) -> None:
    """Remove a story and its memberships, and leave a tombstone."""
    revision = await next_revision(connection)
    await unlist(connection, id_)
    await connection.execute(sa.delete(members).where(members.c.story == id_))
    await connection.execute(sa.delete(stories).where(stories.c.id == id_))
    await connection.execute(sa.insert(endings).values(story=id_, successor=successor, at=now, revision=revision))


async def note(connection: AsyncConnection, change: StoryChange, now: datetime) -> None:
    """A line of the log of stories. It is written under the lock "stories", so that ids follow the order of commits."""
    await connection.execute(sa.insert(history).values(
        story=change.story, event=change.event, original=change.original, previous=change.previous, at=now))
