"""Articles as collected: the first text, what later looks at them add, the pages they came from."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

import sqlalchemy as sa
import zstandard
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.codec import decode_all, encode
from crawler.adapters.store.columns import digest, outlet, pack_keys
from crawler.adapters.store.engine import Database, Part, chunks, paced
from crawler.adapters.store.entries import entry_of
from crawler.adapters.store.index import hold_units
from crawler.adapters.store.marks import mark
from crawler.adapters.store.sightings import finish, held
from crawler.adapters.store.tables import (
    addresses,
    articles,
    bodies,
    feeds,
    pages,
    revisions,
    sightings,
    wants,
)
from crawler.core import text
from crawler.core.types import Article, Attribution, Claim, Entry, Page, Window
from crawler.errors import StoreError
from crawler.ports import Draft, Saved, Sighting

_SAME_TEXT = 20    # articles of one host and text whose headlines are compared: more are a wall
_STATEMENTS = 64   # claims, or attributions, kept of one article: a page may state a new date at each look

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A draft with what takes time (a second for a text of 1 MB), done before the transaction and off the loop."""

    draft: Draft
    text_hash: int
    sha256: bytes       # of the raw page
    body: bytes | None  # the raw page, compressed


class Articles(Part):
    """Storing what was collected."""

    async def article_at(self, url: str) -> str | None:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: _at(connection, url))

    async def attach(self, sighting: Sighting, article: str, now: datetime) -> None:
        """See `ports.Store`. Raises StoreError where no such article is stored."""
        async def work(connection: AsyncConnection) -> None:
            await self._db.backend.lock(connection, f"article {article}")
            row = await held(connection, sighting)
            stored = await _stored(connection, article)
            if stored is None:
                raise StoreError(f"article {article}: not stored, nothing can be attached to it")
            await finish(connection, row, article, now)
            await _add(self._db, connection, stored, [row.url, *row.aliases])

        await self._db.write(work)

    async def save_article(self, draft: Draft, sighting: Sighting | None, now: datetime) -> Saved:
        """See `ports.Store`."""
        ready = await asyncio.to_thread(_ready, draft)
        return await self._db.write(lambda connection: self._save_draft(connection, ready, sighting, now))

    async def _save_draft(
        self, connection: AsyncConnection, ready: _Ready, sighting: Sighting | None, now: datetime,
    ) -> Saved:
        draft = ready.draft
        # Two addresses of one text that arrive at once wait for each other.
        await self._db.backend.lock(connection, f"text {draft.host} {ready.text_hash}")
        await self._db.backend.lock(connection, f"article {draft.id}")
        row = None if sighting is None else await held(connection, sighting)
        article = await _at(connection, draft.url) or await _elsewhere(connection, ready) or draft.id
        stored = await _stored(connection, article)
        outcome: Any = "new" if stored is None else await _revise(connection, stored, ready, now)
        if stored is None:
            stored = await _insert(connection, ready)
        if row is not None:
            await finish(connection, row, article, now)
        if not stored.forgotten:
            await _keep_page(self._db, connection, article, ready)
        urls = [draft.url, *draft.aliases, *([row.url, *row.aliases] if row is not None else [])]
        await _add(self._db, connection, stored, urls, draft.page)
        return Saved(article, outcome)


# Made once, see `_reading`.
_article = sa.bindparam("article", type_=sa.Text)
_AT = sa.select(addresses.c.article).where(addresses.c.digest == sa.bindparam("digest"))
_STORED = sa.select(articles).where(articles.c.id == _article).with_for_update()
_NAMED = sa.select(addresses.c.digest).where(addresses.c.digest.in_(sa.bindparam("names", expanding=True)))
_NAMING = sa.select(wants.c.article).where(wants.c.url_digest.in_(sa.bindparam("names", expanding=True)))
_SIGHTINGS = sa.select(sightings).where(sightings.c.article == _article)
_SAME = (sa.select(articles.c.id, articles.c.title)
         .where(articles.c.host == sa.bindparam("host"), articles.c.text_hash == sa.bindparam("text_hash"),
                articles.c.source == sa.bindparam("source"), ~articles.c.forgotten)
         .order_by(articles.c.first_seen, articles.c.id).limit(_SAME_TEXT))


async def _at(connection: AsyncConnection, url: str) -> str | None:
    return await connection.scalar(_AT, {"digest": digest(url)})


async def _elsewhere(connection: AsyncConnection, ready: _Ready) -> str | None:
    """The article that the draft is at another address of its host: word for word, under the same headline. Walls are
    not articles, and one text under different headlines is a wall or a template, which judging finds."""
    draft = ready.draft
    if draft.page.walls or not text.words(draft.page.title):
        return None
    rows = await connection.execute(_SAME, {"host": draft.host, "text_hash": ready.text_hash, "source": draft.source})
    return next((row.id for row in rows if text.fold(row.title) == text.fold(draft.page.title)), None)


async def _stored(connection: AsyncConnection, article: str) -> sa.Row[Any] | None:
    return (await connection.execute(_STORED, {"article": article})).one_or_none()


async def _insert(connection: AsyncConnection, ready: _Ready) -> sa.Row[Any]:
    draft, page = ready.draft, ready.draft.page
    units = sorted(set(draft.units))
    await connection.execute(sa.insert(articles).values(
        id=draft.id, url=draft.url, address=draft.address or draft.url, host=draft.host, source=draft.source, outlet=outlet(draft.source),
        site_name=page.site_name, title=page.title,
        text=page.text, text_hash=ready.text_hash, language=page.language, canonical=page.canonical,
        status=draft.status, fetched=draft.fetched, first_seen=draft.fetched, claims=[], attributions=[],
        walls=list(page.walls), reservations=encode(page.reservations), alternates=list(page.alternates),
        unit_keys=pack_keys(units),
    ))
    await hold_units(connection, draft.id, draft.source, units)
    stored = await _stored(connection, draft.id)
    if stored is None:
        raise StoreError(f"article {draft.id}: vanished while it was stored")
    return stored


async def _revise(connection: AsyncConnection, stored: sa.Row[Any], ready: _Ready, now: datetime) -> str:
    """Keep a text that the article had not had before, beside its first."""
    key, page = ready.text_hash, ready.draft.page
    known = sa.exists().where(revisions.c.article == stored.id, revisions.c.text_hash == key)
    if stored.forgotten or key == stored.text_hash or await connection.scalar(sa.select(known)):
        return "known"
    await connection.execute(sa.insert(revisions).values(
        article=stored.id, at=now, title=page.title, text=page.text, text_hash=key))
    await connection.execute(sa.update(articles).where(articles.c.id == stored.id).values(
        revisions=articles.c.revisions + 1))
    await mark(connection, articles.c.id == stored.id)
    return "revision"


async def _add(
    database: Database, connection: AsyncConnection, stored: sa.Row[Any], urls: Sequence[str], page: Page | None = None,
) -> None:
    """What another look at an article adds: names, a tighter window, statements. Marks it where one is new."""
    await _name(database, connection, stored.id, sorted({digest(url) for url in urls if url}))
    if stored.forgotten:
        await connection.execute(sa.update(sightings).where(sightings.c.article == stored.id).values(BLANK))
        return
    rows = (await connection.execute(_SIGHTINGS, {"article": stored.id})).all()
    says: list[Page | Entry] = [*([page] if page else []), *map(entry_of, rows)]
    change = {
        **_observed(stored, rows),
        "claims": encode(_union(Claim, stored.claims, *(one.claims for one in says))),
        "attributions": encode(_union(Attribution, stored.attributions, *(one.attributions for one in says))),
    }
    if any(getattr(stored, name) != value for name, value in change.items()):
        await connection.execute(sa.update(articles).where(articles.c.id == stored.id).values(change))
        await mark(connection, articles.c.id == stored.id)


async def _name(database: Database, connection: AsyncConnection, article: str, names: Sequence[bytes]) -> None:
    """The article is found at these addresses, save those that are another's. Articles that named one of them as
    their source are judged again, now that it is here."""
    known = set(await connection.scalars(_NAMED, {"names": names}))
    fresh = [name for name in names if name not in known]
    if fresh:
        await database.insert_new(connection, addresses, [{"digest": name, "article": article} for name in fresh])
        if naming := set(await connection.scalars(_NAMING, {"names": fresh})) - {article}:
            await mark(connection, articles.c.id.in_(naming))


def _observed(stored: sa.Row[Any], rows: Sequence[sa.Row[Any]]) -> dict[str, Any]:
    """The window of the earliest sighting, the tighter of two at one time, and the first sight of the article.

    One feed's pair, not the latest "without" of any feed: a feed that had not listed the article yet says nothing
    about the others, and an original would seem younger than it is.
    """
    seen = [Window(row.without, row.seen) for row in rows if row.feed is not None]
    if not seen:
        return {}
    first = min(seen, key=lambda window: (window.seen, -_number(window.without)))
    known = min(first.seen, stored.first_seen)
    without = first.without if first.without is not None and first.without < known else None
    return {"first_seen": known, "seen": known, "without": without}


def _number(moment: datetime | None) -> float:
    return float("-inf") if moment is None else moment.timestamp()


def _union(kind: type[T], stored: Any, *more: Sequence[T]) -> tuple[T, ...]:
    """Statements in order of arrival, each once."""
    seen = dict.fromkeys(decode_all(kind, stored))
    for statements in more:
        seen |= dict.fromkeys(statements)
    return tuple(seen)[:_STATEMENTS]


BLANK: dict[str, Any] = {       # what is left of the sightings of a forgotten article: that they are known
    "title": "", "summary": "", "content": None, "entry": {}, "key": "", "link": "", "url": "", "aliases": [],
    "reason": None, "detail": None, "state": "spent", "lease_until": None,
}


def _ready(draft: Draft) -> _Ready:
    body = draft.body
    text_hash = text.whole_key(draft.page.text) if draft.text_hash is None else draft.text_hash
    return _Ready(draft, text_hash, sha256(body or b"").digest(), None if body is None else zstandard.compress(body))


async def _keep_page(database: Database, connection: AsyncConnection, article: str, ready: _Ready) -> None:
    if ready.body is None:
        return
    draft = ready.draft
    await database.insert_new(connection, bodies, [{"sha256": ready.sha256, "body": ready.body}])
    await connection.execute(sa.insert(pages).values(
        article=article, url=draft.page_url or draft.url, fetched=draft.fetched, status=draft.status,
        headers=encode(draft.headers), sha256=ready.sha256))


async def load_articles(connection: AsyncConnection, ids: Sequence[str], lead: int | None = None) -> list[Article]:
    """Stored articles in the order asked, of their texts so many characters (None: all); unknown and forgotten ones
    are left out."""
    return [article_of(row, listed) for row, listed in await load_rows(connection, ids, lead)]


async def load_rows(
    connection: AsyncConnection, ids: Sequence[str], lead: int | None = None,
) -> list[tuple[sa.Row[Any], Sequence[str]]]:
    """The same as rows, each with the URLs of the feeds that listed it."""
    found: dict[str, tuple[sa.Row[Any], Sequence[str]]] = {}
    for chunk in chunks(dict.fromkeys(ids)):
        listed = await feeds_of(connection, chunk)
        rows = await connection.execute(_reading(lead), {"ids": chunk})
        found |= {row.id: (row, listed.get(row.id, ())) async for row in paced(rows)}
    return [found[id_] for id_ in ids if id_ in found]


async def load_ids(connection: AsyncConnection, ids: Sequence[str] | set[str]) -> list[sa.Row[Any]]:
    """Which of these articles are stored and not forgotten."""
    return [row for chunk in chunks(sorted(ids)) for row in await connection.execute(
        sa.select(articles.c.id).where(articles.c.id.in_(chunk), ~articles.c.forgotten))]


_READ = [articles.c[name] for name in (
    "id", "address", "source", "title", "text", "language", "first_seen", "without", "seen", "claims", "attributions",
    "walls", "revisions", "alternates", "unit_keys", "dropped_keys", "text_hash")]


@lru_cache(maxsize=8)
def _reading(lead: int | None) -> sa.Select[Any]:
    """Made once: a statement that is made anew costs more than it takes to be answered."""
    read = _READ if lead is None else [sa.func.substr(articles.c.text, 1, lead).label("text") if column.name == "text" else column
                                       for column in _READ]
    return sa.select(*read).where(articles.c.id.in_(sa.bindparam("ids", expanding=True)), ~articles.c.forgotten)


_LISTED = (sa.select(sightings.c.article, feeds.c.url).join(feeds, feeds.c.id == sightings.c.feed)
           .where(sightings.c.article.in_(sa.bindparam("ids", expanding=True))).order_by(sightings.c.seen, feeds.c.id))


def article_of(row: sa.Row[Any], listed: Sequence[str]) -> Article:
    """An article from its row and the URLs of the feeds that listed it."""
    return Article(
        id=row.id, url=row.address, source=row.source, title=row.title, text=row.text, language=row.language,
        first_seen=row.first_seen, window=None if row.seen is None else Window(row.without, row.seen),
        claims=decode_all(Claim, row.claims), attributions=decode_all(Attribution, row.attributions),
        walls=tuple(row.walls), feeds=tuple(listed), revisions=row.revisions, alternates=tuple(row.alternates),
    )


async def feeds_of(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[str]]:
    """The URLs of the feeds that listed each article, in the order in which they first did."""
    rows = await connection.execute(_LISTED, {"ids": list(ids)})
    listed: dict[str, dict[str, None]] = {}
    for article, url in rows:
        listed.setdefault(article, {})[url] = None
    return {article: list(urls) for article, urls in listed.items()}
