"""Which stories match a query, and in which order: over `listing`, `copying` and `terms` alone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.listing import name_of, terms_of
from crawler.adapters.store.tables import articles, copying, listing, members, sightings, terms
from crawler.core.types import UNCOUNTED
from crawler.errors import UsageError
from crawler.ports import StoryQuery

Order = Literal["queue", "founded", "changed"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WORDS = 12        # of a search that are looked up
_FEEDS = 100       # that are looked for by name in a row
_COMMON = 4000     # stories from which on a word is common: 100,000 of them have "the"
_BEGINS = 3        # characters from which on a word may be the beginning of another
_LAST = "\U0010ffff"
_RANGE = 1 << 63   # of a number in the database
_CURSORS: dict[Order, re.Pattern[str]] = {
    "queue": re.compile(r"(?P<decided>[01])\.(?P<place>-?[0-9]{1,19})\.(?P<story>\w{1,64})", re.ASCII),
    "founded": re.compile(r"(?P<place>-?[0-9]{1,19})\.(?P<story>\w{1,64})", re.ASCII),
    "changed": re.compile(r"(?P<place>[0-9]{1,19})", re.ASCII),
}


def matching(query: StoryQuery) -> sa.Select[Any]:
    """The ids of stories, undecided first, then the newest: the one whose latest member was first seen last.

    `language` is that of the original; `since` and `until` are both included; copies of a kind in `without` are left
    out, and with them stories that have no others.
    """
    return sa.select(listing.c.story).where(*limits(query)).order_by(*_order("queue"))


def page_of(
    query: StoryQuery, order: Order, after: str | None, limit: int, common: frozenset[str] = frozenset(),
) -> sa.Select[Any]:
    """One row more than `limit`, so that it shows whether there are more."""
    rows = sa.select(listing.c.story, listing.c.copies, listing.c.decided, listing.c.rank, listing.c.founded,
                     listing.c.revision).where(*limits(query, common))
    if after is not None:
        rows = rows.where(_beyond(order, after))
    return rows.order_by(*_order(order)).limit(limit + 1)


def place_of(story: str, query: StoryQuery) -> sa.Select[Any]:
    """The row of one story, where it matches."""
    return sa.select(listing.c.story, listing.c.decided, listing.c.rank).where(listing.c.story == story, *limits(query))


def _order(order: Order) -> tuple[sa.ColumnElement[Any], ...]:
    if order == "changed":
        return (listing.c.revision.desc(),)
    if order == "founded":
        return listing.c.founded.desc(), listing.c.story.desc()
    return listing.c.decided, listing.c.rank, listing.c.story


def cursor(row: sa.Row[Any], order: Order) -> str:
    """Where the list goes on after this row."""
    if order == "changed":
        return str(row.revision)
    if order == "founded":
        return f"{(row.founded - _EPOCH) // _MICROSECOND}.{row.story}"
    return f"{int(row.decided)}.{row.rank}.{row.story}"


def _beyond(order: Order, after: str) -> sa.ColumnElement[bool]:
    """Rows after a cursor. Raises UsageError where it is none."""
    found = _CURSORS[order].fullmatch(after)
    place = int(found["place"]) if found else _RANGE
    if found is None or abs(place) >= _RANGE:
        raise UsageError("cursor: not one that a list gave; begin the list anew")
    if order == "changed":
        return listing.c.revision < place
    if order == "founded":
        founded, moment = sa.type_coerce(listing.c.founded, sa.BigInteger), place
        return (founded < moment) | ((founded == moment) & (listing.c.story < found["story"]))
    later = (listing.c.rank > place) | ((listing.c.rank == place) & (listing.c.story > found["story"]))
    return later & listing.c.decided if found["decided"] == "1" else listing.c.decided | later


def limits(query: StoryQuery, common: frozenset[str] = frozenset()) -> list[sa.ColumnElement[bool]]:
    """What a story must be to match, each over its row of `listing`. Words in `common` are looked for in each story, the
    others by what they lead to."""
    found = [*_times(query), *_sizes(query), *_sources(query)]
    if query.language is not None:
        found.append(listing.c.language == name_of(query.language))
    if query.kinds:
        found.append(listing.c.story.in_(sa.select(copying.c.story).where(copying.c.kind.in_(sorted(query.kinds)))))
    if query.undecided:
        found.append(~listing.c.decided)
    if query.state is not None:
        found.append(STATES[query.state])
    if query.feeds is not None:
        found.append(_of_feeds(query.feeds))
    return [*found, *(sa.exists().where(terms.c.story == listing.c.story, _is(term)) if term in common
                      else listing.c.story.in_(sa.select(terms.c.story).where(_is(term))) for term in asked_terms(query))]


def _of_feeds(feeds: frozenset[int]) -> sa.ColumnElement[bool]:
    if len(feeds) <= _FEEDS:
        return sa.or_(sa.false(), *(listing.c.feeds.contains(f",{id_},", autoescape=True) for id_ in sorted(feeds)))
    # Of more SQLite makes no tree that deep; and whoever has so many feeds under one tag asks for much of all there is.
    return sa.exists().where(members.c.story == listing.c.story, members.c.position == 0, sightings.c.article == members.c.article,
                             sightings.c.feed.in_(sorted(feeds)))


def asked_terms(query: StoryQuery) -> list[str]:
    """The words of a query as they are looked up."""
    return list(dict.fromkeys(terms_of(query.words)))[:_WORDS]


async def common_terms(connection: AsyncConnection, query: StoryQuery, *, counting: bool = False) -> frozenset[str]:
    """Those of its words that so many stories have that it is quicker to look into each story of the list than to follow
    them all. Who counts follows them all the same, where there is no rarer word to begin with."""
    asked = asked_terms(query)
    found = set()
    for term in asked:
        some = sa.select(terms.c.story).where(_is(term)).limit(_COMMON).subquery()
        if (await connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0) >= _COMMON:
            found.add(term)
    return frozenset(found) if not counting or len(found) < len(asked) else frozenset()


STATES = {
    "undecided": ~listing.c.decided & ~listing.c.ruled,
    "decided": listing.c.decided & ~listing.c.ruled,
    "ruled": listing.c.ruled == sa.true(),
}


def _is(term: str) -> sa.ColumnElement[bool]:
    # With a type of their own: PostgreSQL takes no cast with the column's collation between the two.
    word, last = sa.literal(term, sa.Text()), sa.literal(term + _LAST, sa.Text())
    return (terms.c.term >= word) & (terms.c.term <= last) if len(term) >= _BEGINS else terms.c.term == word


def _times(query: StoryQuery) -> list[sa.ColumnElement[bool]]:
    """Some member was first seen in between. What is left out by its kind is no such member."""
    found = [listing.c.latest >= query.since] if query.since is not None else []
    found += [listing.c.earliest <= query.until] if query.until is not None else []
    if not found or not ((query.since and query.until) or query.without):
        return found
    shown = (members.c.position == 0) | members.c.kind.not_in(sorted(query.without))
    seen = [articles.c.first_seen >= query.since] if query.since is not None else []
    seen += [articles.c.first_seen <= query.until] if query.until is not None else []
    inside: sa.ColumnElement[bool] = sa.exists().where(members.c.story == listing.c.story, articles.c.id == members.c.article, shown, *seen)
    if query.since and query.until and not query.without:   # only of a story that begins before and ends after is it asked
        inside = (listing.c.earliest >= query.since) | (listing.c.latest <= query.until) | inside
    return [*found, inside]


def _sizes(query: StoryQuery) -> list[sa.ColumnElement[bool]]:
    """Revisions are shown, and not counted."""
    copies: sa.ColumnElement[int] = listing.c.copies
    found: list[sa.ColumnElement[bool]] = []
    if query.without:
        shown = copying.c.story == listing.c.story, copying.c.kind.not_in(sorted(query.without))
        copies = (sa.select(sa.func.count()).select_from(copying)
                  .where(*shown, copying.c.kind.not_in(sorted(UNCOUNTED))).scalar_subquery())
        found.append(sa.exists().where(*shown))
    if query.min_copies > 1:
        found.append(copies >= query.min_copies)
    return found if query.max_copies is None else [*found, copies <= query.max_copies]


def _sources(query: StoryQuery) -> list[sa.ColumnElement[bool]]:
    if query.source is None:
        return []
    name = name_of(query.source)
    original = listing.c.source == name
    shown = copying.c.kind.not_in(sorted(query.without))
    copied = listing.c.story.in_(sa.select(copying.c.story).where(copying.c.copier == name, shown))
    if query.role == "original":
        return [original]
    return [copied if query.role == "copy" else original | copied]
