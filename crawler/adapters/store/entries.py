"""What a feed lists: new entries wait to be collected, known ones are recognised under any of their names."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import digest, pack, read_json
from crawler.adapters.store.engine import Database, chunks
from crawler.adapters.store.tables import addresses, sightings
from crawler.core import urls
from crawler.core.types import Entry, Window
from crawler.ports import PollStored, Recognised, SeenEntry

_ALIASES = 8                      # URLs kept beside the first of an entry: some feeds give a new one at each poll
_TOUCH = timedelta(days=1)        # how exactly `listed` is kept: each poll would rewrite every row
_REVISIT = timedelta(minutes=15)  # before the second revisit, doubled before each later one, up to a day:
_REVISIT_MOST = timedelta(days=1)  # a live blog, or a counter in the content, changes at every poll


_AT_ONCE = 100                    # rows of one statement: each is some 50 us of the event loop, and between them others run


@dataclass(frozen=True, slots=True)
class Ready:
    """An entry with what takes time (a third of a second for a document of 16 MB), done before the transaction and off
    the event loop."""

    entry: Entry
    url: str
    key_digest: bytes
    url_digest: bytes
    fingerprint: bytes
    host: str
    said: dict[str, Any]


def ready(seen: SeenEntry) -> Ready:
    """Make an entry ready to be stored."""
    entry = seen.entry
    return Ready(entry, seen.url, digest("key", entry.key), digest(seen.url), _fingerprint(entry), urls.host(seen.url),
                 _said(entry))


@dataclass(slots=True)
class _Poll:
    database: Database
    feed: int
    without: datetime | None
    now: datetime
    known: dict[bytes, dict[str, Any]]      # stored rows by names; an empty one for what this document has had
    listed: frozenset[bytes]                # names that were known before this document
    fresh: list[dict[str, Any]] = field(default_factory=list)
    changed: int = 0


async def store_entries(
    database: Database, connection: AsyncConnection, feed: int, entries: Sequence[Ready], window: Window,
) -> PollStored:
    """Queue the entries of a document that the feed has not listed before: it was read at `window.seen`, and the last
    time before at `window.without`."""
    known = await _known(
        connection, feed, {seen.key_digest for seen in entries}, {seen.url_digest for seen in entries})
    poll = _Poll(database, feed, window.without, window.seen, known, frozenset(known))
    for seen in entries:
        await _store_entry(connection, poll, seen)
    for rows in chunks(poll.fresh, _AT_ONCE):
        await insert_many(connection, sightings, rows)
    return PollStored(new=len(poll.fresh), known=len(entries) - len(poll.fresh), changed=poll.changed)


async def recognised(
    connection: AsyncConnection, feed: int, entries: Sequence[Ready], now: datetime | None,
) -> Recognised:
    """Which entries the feed has not listed, and which it has listed under another key; as of `now`, where it is given,
    whether any has to be written."""
    known = await _known(
        connection, feed, {seen.key_digest for seen in entries}, {seen.url_digest for seen in entries})
    rows = [(seen, _row(known, seen)) for seen in entries]
    if now is not None and all(row is not None and _settled(known, row, seen, now) for seen, row in rows):
        return Recognised(settled=True)
    new = [seen for seen, row in rows if row is None]
    moved = {seen.entry.key for seen in entries if seen.key_digest not in known and seen.url_digest in known}
    # Fingerprints have no index, and a document seldom has more than a few new entries.
    had = await _told(connection, feed, {seen.fingerprint for seen in new}) if 2 * len(new) >= len(entries) else set()
    again = {seen.entry.key for seen in new if seen.fingerprint in had}
    return Recognised(frozenset(seen.entry.key for seen in new), frozenset(moved | again))


def _settled(known: dict[bytes, dict[str, Any]], row: dict[str, Any], seen: Ready, now: datetime) -> bool:
    """Whether `_store_entry` would write nothing of a known entry."""
    if seen.key_digest not in known or row["listed"] < now - _TOUCH:
        return False
    return row["state"] == "spent" or (seen.fingerprint == row["fingerprint"] and not _new_alias(row, seen))


def _row(known: dict[bytes, dict[str, Any]], seen: Ready) -> dict[str, Any] | None:
    """The stored row of an entry; None for one that the feed has not listed, though its key may have been another's."""
    row = known.get(seen.key_digest) or known.get(seen.url_digest)
    return None if row is not None and "id" in row and _reused(row, seen) else row


async def _told(connection: AsyncConnection, feed: int, fingerprints: set[bytes]) -> set[bytes]:
    """Which of these headlines, with dates and content, the feed has had."""
    found: set[bytes] = set()
    for chunk in chunks(sorted(fingerprints), _AT_ONCE):
        found.update(await connection.scalars(sa.select(sightings.c.fingerprint).where(
            sightings.c.feed == feed, sightings.c.fingerprint.in_(chunk))))
    return found


async def _store_entry(connection: AsyncConnection, poll: _Poll, seen: Ready) -> None:
    key, url = seen.key_digest, seen.url_digest
    row = poll.known.get(key) or poll.known.get(url)
    if row is not None and "id" not in row:
        return          # came earlier in this document
    if row is not None and not _reused(row, seen):
        poll.known[key] = poll.known[url] = {}
        await _recognise(connection, poll, row, seen)
        return
    if row is not None and row["key_digest"] == key:
        # Of the row's own: the key may have belonged to another entry at this address before.
        await _set(connection, row, {"key_digest": digest("key", seen.entry.key, row["url"], str(row["id"]))})
    poll.fresh.append(_fresh(poll, seen))
    poll.known[key] = poll.known[url] = {}


def _reused(row: dict[str, Any], seen: Ready) -> bool:
    """Whether a feed gives the key of one article to another: link, title and dates are all different.

    Feeds that number their places do so; a publisher who edits headline and link keeps the date.
    """
    if seen.url_digest == row["url_digest"] or seen.url in _aliases(row) or seen.entry.title == row["title"]:
        return False
    before, after = _published(decode(Entry, read_json(row["entry"]))), _published(seen.entry)
    return bool(before and after) and before.isdisjoint(after)


def _published(entry: Entry) -> set[str]:
    return {claim.raw for claim in entry.claims if claim.what == "published"}


async def _known(
    connection: AsyncConnection, feed: int, keys: set[bytes], links: set[bytes],
) -> dict[bytes, dict[str, Any]]:
    """The feed's sightings by the digests of their keys and URLs; a key goes before a URL, and the lowest id before others."""
    rows: list[dict[str, Any]] = []
    for some in chunks([*sorted(keys | links)], _AT_ONCE):
        given = {"feed": feed, "keys": [mark for mark in some if mark in keys], "links": [mark for mark in some if mark in links]}
        rows += [dict(row) for row in (await connection.execute(_LISTED, given)).mappings()]
    rows.sort(key=lambda row: int(row["id"]), reverse=True)
    by_url = {row["url_digest"]: row for row in rows if row["url_digest"] in links}
    return by_url | {row["key_digest"]: row for row in rows if row["key_digest"] in keys}


# What is looked into only where an entry has changed is not read as JSON before.
_COMPARED = [*(sightings.c[name] for name in (
    "id", "purpose", "state", "key_digest", "url_digest", "fingerprint", "listed", "finished", "revisits", "article",
    "url", "title")), *(sa.type_coerce(sightings.c[name], sa.Text).label(name) for name in ("aliases", "entry"))]
# Two look-ups by an index each: of an OR the planner may make one of all that the feed has ever listed.
_LISTED = sa.union_all(*(sa.select(*_COMPARED).where(sightings.c.feed == sa.bindparam("feed"), column.in_(
    sa.bindparam(names, expanding=True))) for column, names in ((sightings.c.url_digest, "links"), (sightings.c.key_digest, "keys"))))


def _aliases(row: dict[str, Any]) -> list[str]:
    held: list[str] = read_json(row["aliases"])
    return held


def _fresh(poll: _Poll, seen: Ready) -> dict[str, Any]:
    return {
        **waiting(seen, poll.now), "purpose": "entry", "feed": poll.feed,
        "without": poll.without, "seen": poll.now,
    }


def waiting(seen: Ready, now: datetime) -> dict[str, Any]:
    """The row of something that waits to be collected."""
    return {
        "state": "waiting", "key_digest": seen.key_digest, "url_digest": seen.url_digest, "key": seen.entry.key,
        "link": seen.entry.link, "url": seen.url, "host": seen.host, "aliases": [], **seen.said,
        "fingerprint": seen.fingerprint, "listed": now, "due": now, "attempts": 0, "revisits": 0, "token": 0,
    }


def _said(entry: Entry) -> dict[str, Any]:
    rest = replace(entry, key="", link="", title="", summary="", content=None)
    return {"title": entry.title, "summary": entry.summary, "content": pack(entry.content), "entry": encode(rest)}


def entry_of(row: sa.Row[Any]) -> Entry:
    """The entry as the feed last listed it; its content only until it is collected."""
    rest = decode(Entry, {**row.entry, "key": row.key, "link": row.link})
    return replace(rest, title=row.title, summary=row.summary, content=row.content)


def _fingerprint(entry: Entry) -> bytes:
    """Of what makes an entry another one: title, dates, content. Summaries change with counters and teasers."""
    dates = (f"{claim.what} {claim.raw}" for claim in entry.claims)
    return digest(entry.title, entry.content or "", *dates)


async def _recognise(connection: AsyncConnection, poll: _Poll, row: dict[str, Any], seen: Ready) -> None:
    if row["state"] == "spent":         # the article was pruned or forgotten: known, and nothing else
        await _touch(connection, poll, row, {})
        return
    change: dict[str, Any] = {}
    if seen.key_digest not in poll.listed:      # found by its address: a feed may give all its entries new keys, once
        change |= {"key_digest": seen.key_digest, "key": seen.entry.key}
    if _new_alias(row, seen):
        change["aliases"] = [*_aliases(row), seen.url]
        if row["article"]:
            await poll.database.insert_new(
                connection, addresses, [{"digest": seen.url_digest, "article": row["article"]}])
    if seen.fingerprint != row["fingerprint"]:
        change |= _changed(poll, row, seen)
    await _touch(connection, poll, row, change)


async def _touch(connection: AsyncConnection, poll: _Poll, row: dict[str, Any], change: dict[str, Any]) -> None:
    if row["listed"] < poll.now - _TOUCH:
        change["listed"] = poll.now
    if change:
        await _set(connection, row, change)


async def _set(connection: AsyncConnection, row: dict[str, Any], change: dict[str, Any]) -> None:
    await connection.execute(sa.update(sightings).where(sightings.c.id == row["id"]).values(change))


def _new_alias(row: dict[str, Any], seen: Ready) -> bool:
    return seen.url_digest != row["url_digest"] and seen.url not in (held := _aliases(row)) and len(held) < _ALIASES


def _changed(poll: _Poll, row: dict[str, Any], seen: Ready) -> dict[str, Any]:
    """A known entry says something else: collect it again. While it waits, it only says it better."""
    said = {**seen.said, "fingerprint": seen.fingerprint}
    if row["state"] == "waiting":
        return said
    poll.changed += 1
    return {
        **said, "state": "waiting", "purpose": "revisit" if row["article"] else row["purpose"],
        "due": _revisit_at(row, poll.now), "revisits": row["revisits"] + 1, "attempts": 0, "reason": None,
        "detail": None, "lease_until": None, "changed_without": poll.without, "changed_seen": poll.now,
    }


def _revisit_at(row: dict[str, Any], now: datetime) -> datetime:
    finished: datetime | None = row["finished"]
    if not row["revisits"] or finished is None:
        return now
    pause: timedelta = min(_REVISIT_MOST, _REVISIT * 2 ** min(row["revisits"] - 1, 10))
    return max(now, finished + pause)
