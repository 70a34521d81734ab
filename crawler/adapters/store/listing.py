"""What lists and tallies of stories are read from: a row a story, a row a copy, the words a story is found by.

All of it follows from the stories and their articles, and is written in the transaction that changes these, so that a
list of a hundred thousand stories need not read a single article. Each change of what is shown of a story, and each end
of one, takes the next `revision`: who has read up to one asks for what came after it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import load_articles
from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.columns import NAME
from crawler.adapters.store.engine import Database, chunks
from crawler.adapters.store.loading import load_stories
from crawler.adapters.store.tables import copying, counters, is_unlisted, listing, sightings, stories, terms
from crawler.core import report, text
from crawler.core.types import UNCOUNTED, Article, Story

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LEAD = 600          # characters of the original's text whose words find the story: the first two or three paragraphs
_LONGEST_TERM = 40  # characters; what is longer is no word that somebody types
_BATCH = 200         # stories of an older program that are listed in one transaction
_TERMS = 400        # of one story: of a hundred copies' headlines most say the same


async def relist(connection: AsyncConnection, ids: Sequence[str], now: datetime | None) -> None:
    """Make the rows of these stories say what the stories and their articles do. Under the lock "stories". Without
    `now` they say that they changed when the story last did."""
    for chunk in chunks(dict.fromkeys(ids), 100):
        await _relist(connection, chunk, now)


async def _relist(connection: AsyncConnection, ids: Sequence[str], now: datetime | None) -> None:
    found = await load_stories(connection, ids)
    by_id = {one.id: one for one in await load_articles(
        connection, [id_ for story in found.values() for id_ in story.members], lead=LEAD)}
    times = {row.id: row for row in await connection.execute(
        sa.select(stories.c.id, stories.c.founded, stories.c.updated).where(stories.c.id.in_(ids)))}
    before = {row.story: row for row in await connection.execute(sa.select(listing).where(listing.c.story.in_(ids)))}
    feeds = await _feeds(connection, [story.original for story in found.values()])
    await _clear(connection, ids)
    rows: dict[sa.Table, list[dict[str, Any]]] = {listing: [], copying: [], terms: []}
    for story in found.values():
        members = [by_id[id_] for id_ in story.members if id_ in by_id]
        if len(members) != len(story.members):
            continue    # one of them was forgotten a moment ago: what is left of the story is judged anew
        shown = report.row(story, members)
        digest = blake2b(json.dumps(shown, sort_keys=True).encode(), digest_size=16).digest()
        old = before.get(story.id)
        changed = old is None or old.digest != digest
        rows[listing].append(_row(story, members, shown) | {
            "founded": times[story.id].founded, "feeds": feeds.get(story.original, ","), "digest": digest,
            "updated": (now or times[story.id].updated) if changed or old is None else old.updated,
            "revision": await next_revision(connection) if changed or old is None else old.revision})
        rows[copying] += _copies(story, shown)
        rows[terms] += [{"term": term, "story": story.id} for term in _terms(members)]
    for table, made in rows.items():
        await insert_many(connection, table, made)
    await connection.execute(sa.update(stories).where(stories.c.id.in_(ids)).values(listed=True))


def _row(story: Story, members: Sequence[Article], shown: Mapping[str, Any]) -> dict[str, Any]:
    seen = [one.first_seen for one in members]
    return {
        "story": story.id, "decided": story.decided, "ruled": story.verdict is not None,
        "source": name_of(shown["original"]["source"]), "language": None if (language := shown["original"]["language"]) is None else name_of(language),
        "copies": sum(copy.kind not in UNCOUNTED for copy in story.copies), "earliest": min(seen), "latest": max(seen), "rank": -((max(seen) - _EPOCH) // _MICROSECOND),
    }


def _copies(story: Story, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"article": one["article"], "story": story.id, "copier": name_of(one["source"]),
             "origin": name_of(shown["original"]["source"]), "kind": one["kind"], "lag": one["lag_seconds"],
             "share": one["of_original"], "seen": datetime.fromisoformat(one["first_seen"])} for one in shown["copies"]]


def _terms(members: Sequence[Article]) -> list[str]:
    original, *_ = members
    said = [original.title, original.source, original.text]
    said += [part for one in members[1:] for part in (one.source, one.title)]
    return list(_distinct(said))


def _distinct(said: Sequence[str]) -> Iterator[str]:
    found: set[str] = set()
    for part in said:
        for term in terms_of(part):
            if term not in found:
                found.add(term)
                yield term
                if len(found) == _TERMS:
                    return


def name_of(source: str) -> str:
    """A source as the rows name it: names that begin alike for so long are one."""
    return source[:NAME]


def terms_of(said: str) -> list[str]:
    """The words of a text as they are looked up: folded, bare of marks, none overlong."""
    return [word.form for word in text.words(said) if len(word.form) <= _LONGEST_TERM]


async def _feeds(connection: AsyncConnection, originals: Sequence[str]) -> dict[str, str]:
    """For each article the ids of the feeds that listed it, each between commas."""
    found: dict[str, set[int]] = {}
    for chunk in chunks(originals):
        for row in await connection.execute(sa.select(sightings.c.article, sightings.c.feed).where(
                sightings.c.article.in_(chunk), sightings.c.feed.is_not(None))):
            found.setdefault(row.article, set()).add(row.feed)
    return {article: f",{','.join(map(str, sorted(ids)))}," for article, ids in found.items()}


async def next_revision(connection: AsyncConnection) -> int:
    """One that was never given before, whatever has ended since. Under the lock "stories"."""
    mine = counters.c.name == "revision"
    given = await connection.scalar(
        sa.update(counters).where(mine).values(value=counters.c.value + 1).returning(counters.c.value))
    if given is None:
        given = 1
        await connection.execute(sa.insert(counters).values(name="revision", value=given))
    return int(given)


async def unlist(connection: AsyncConnection, id_: str) -> None:
    """A story is no more."""
    await _clear(connection, [id_])


async def _clear(connection: AsyncConnection, ids: Sequence[str]) -> None:
    for table in (listing, copying, terms):
        await connection.execute(sa.delete(table).where(table.c.story.in_(ids)))


async def list_rest(database: Database) -> None:
    """List the stories that an older program left unlisted."""
    some = sa.select(stories.c.id).where(is_unlisted).limit(_BATCH)

    async def list_some(connection: AsyncConnection) -> None:
        await database.backend.lock(connection, "stories")
        await relist(connection, list(await connection.scalars(some)), None)

    while await database.read(lambda connection: connection.scalar(some)):
        await database.write(list_some)
