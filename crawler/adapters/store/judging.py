"""Judging: articles that wait for it, their matches, and everything that may belong to one story."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import sqlalchemy as sa
import xxhash
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import article_of, load_articles, load_ids, load_rows
from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import unpack_keys
from crawler.adapters.store.engine import Part, chunks, paced
from crawler.adapters.store.index import candidates_of, holders_of
from crawler.adapters.store.leases import fence, leased
from crawler.adapters.store.links import replace_possible
from crawler.adapters.store.marks import mark
from crawler.adapters.store.tables import articles, is_unjudged, links, matches, members, ruled, verdicts
from crawler.core.types import Article, Link, Match
from crawler.errors import LeaseLostError
from crawler.ports import Counterparts, Judgement, Surroundings

_TIED = 500     # articles of a component whose stripes are held: with so many, next to all are


class Judging(Part):
    """The queue of what to judge, and matches."""

    async def claim_unjudged(self, now: datetime, lease: timedelta, limit: int) -> list[Judgement]:
        """See `ports.Store`."""
        ripe = (sa.select(articles.c.id, articles.c.token).where(is_unjudged, ~leased(articles.c.lease_until, now, lease))
                .order_by(articles.c.first_seen, articles.c.id).limit(limit).with_for_update(skip_locked=True))

        async def claim(connection: AsyncConnection) -> list[Judgement]:
            tokens = {row.id: row.token + 1 for row in await connection.execute(ripe)}
            for ids in chunks(tokens):
                await connection.execute(sa.update(articles).where(articles.c.id.in_(ids)).values(
                    token=articles.c.token + 1, lease_until=now + lease, remarked=False))
            return [Judgement(article_of(row, listed), tokens[row.id], tuple(unpack_keys(row.unit_keys)), row.text_hash)
                    for row, listed in await load_rows(connection, list(tokens))]

        return await self._db.write(claim, repeatable=True)

    async def finish_judging(self, judgement: Judgement, now: datetime) -> None:  # noqa: ARG002 - the port's signature
        """See `ports.Store`. Raises LeaseLostError where another worker has claimed the article since."""
        id_ = judgement.article.id

        async def finish(connection: AsyncConnection) -> None:
            if (await connection.execute(_JUDGED, {"article": id_, "claim": judgement.token})).rowcount != 1:
                raise LeaseLostError(f"article {id_}: another worker judges it; nothing was written")

        await self._db.write(finish, repeatable=True)

    async def mark_unjudged(self, since: datetime | None, articles: Sequence[str] | None = None) -> int:
        """See `ports.Store`."""
        return await self._db.write(lambda connection: _mark(connection, since, articles))

    async def articles(self, ids: Sequence[str]) -> list[Article]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: load_articles(connection, ids))

    async def readings(self, ids: Sequence[str]) -> list[tuple[Article, frozenset[int]]]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: _readings(connection, ids))

    async def surroundings(self, judgement: Judgement, host: str, cap: int) -> Surroundings:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> Surroundings:
            return Surroundings(await holders_of(connection, judgement.article.source, judgement.units, cap),
                                await _alike(connection, host, judgement.text_hash))

        return await self._db.read(look)

    async def counterparts(
        self, judgement: Judgement, host: str, keys: Sequence[int], window: timedelta, limit: int,
    ) -> Counterparts:
        """See `ports.Store`."""
        article, seen = judgement.id, judgement.article.first_seen

        async def look(connection: AsyncConnection) -> Counterparts:
            matched = await _matched(connection, article)
            found = await candidates_of(self._db.backend, connection, article, keys,
                                        between=(seen - window, seen + window), limit=limit)
            return Counterparts(
                await _alike(connection, host, judgement.text_hash), await _readings(connection, sorted({*found, *matched})),
                matched, bool(await connection.scalar(_is_bound, {"article": article})))

        return await self._db.read(look)

    async def mark_indexed(self, articles: Sequence[str]) -> int:
        """See `ports.Store`."""
        return await self._db.write(lambda connection: _mark_indexed(connection, articles))

    async def matched(self, article: str) -> dict[str, bool]:
        """See `ports.Store`."""
        return await self._db.read(lambda connection: _matched(connection, article))

    async def match(self, a: str, b: str) -> Match | None:
        """See `ports.Store`."""
        first, second = sorted((a, b))
        detail = sa.select(matches.c.detail).where(matches.c.a == first, matches.c.b == second)

        async def look(connection: AsyncConnection) -> Match | None:
            found = await connection.scalar(detail)
            return None if found is None else decode(Match, found)

        return await self._db.read(look)

    async def save_matches(
        self, article: str, matches: Sequence[Match], asked: Sequence[str] | None = None, *,
        links: Sequence[Link] = (), token: int | None = None,
    ) -> None:
        """See `ports.Store`."""
        async def save(connection: AsyncConnection) -> None:
            await fence(connection, article, token)
            await self._replace_matches(connection, article, matches, asked)
            await replace_possible(connection, article, links)

        await self._db.write(save)

    async def _replace_matches(
        self, connection: AsyncConnection, article: str, found: Sequence[Match], asked: Sequence[str] | None,
    ) -> None:
        mine = (matches.c.a == article, matches.c.b), (matches.c.b == article, matches.c.a)
        for chunk in [None] if asked is None else chunks(dict.fromkeys(asked)):
            for is_mine, other in mine:
                await connection.execute(sa.delete(matches).where(
                    is_mine, sa.true() if chunk is None else other.in_(chunk)))
        present = {one.id for one in await load_ids(connection, {id_ for match in found for id_ in (match.a, match.b)})}
        rows = [{"a": match.a, "b": match.b, "copied": match.copied, "detail": encode(match)}
                for match in sorted(found, key=lambda match: (match.a, match.b)) if {match.a, match.b} <= present]
        await self._db.upsert(connection, matches, rows)

    async def component(self, article: str, limit: int) -> tuple[list[str], list[Match]]:
        """See `ports.Store`. Nearest first; where the limit cuts a ring, the originals of stories stay, then those that
        were seen first: else a large story would have another original with each article that joins it."""
        async def look(connection: AsyncConnection) -> tuple[list[str], list[Match]]:
            ids = await reachable(connection, [article], limit)
            return ids, await _matches_among(connection, ids)

        return await self._db.read(look)

    @asynccontextmanager
    async def electing(self, articles: Sequence[str]) -> AsyncIterator[None]:
        """See `ports.Store`: across tasks and across processes. What is locked are not stories, which begin, merge and
        end, but stripes: numbers from the ids of all articles that may come to one story."""
        async with AsyncExitStack() as held:
            wanted = await self._stripes(articles)
            while True:
                await held.enter_async_context(self._db.backend.electing(wanted))
                found = wanted | await self._stripes(articles)
                if found == wanted:
                    break
                # Somebody else has tied more to them while we waited. It ends: there are so many stripes, no more.
                await held.aclose()
                wanted = found
            yield

    async def _stripes(self, ids: Sequence[str]) -> frozenset[int]:
        number = self._db.backend.stripes
        if number == 1:
            return frozenset({0})
        tied = await self._db.read(lambda connection: reachable(connection, sorted({*ids}), max(_TIED, len(ids))))
        return frozenset(xxhash.xxh3_64_intdigest(id_.encode()) % number for id_ in tied)


# Made once: a statement that is made anew costs more than it takes to be answered.
_article = sa.bindparam("article", type_=sa.Text)
_JUDGED = sa.update(articles).where(articles.c.id == _article, articles.c.token == sa.bindparam("claim", type_=sa.BigInteger)).values(
    unjudged=articles.c.remarked, remarked=False, lease_until=None)
_both = sa.union_all(sa.select(matches.c.b.label("other"), matches.c.copied).where(matches.c.a == _article),
                     sa.select(matches.c.a, matches.c.copied).where(matches.c.b == _article))
_is_bound = sa.select(sa.exists().where(members.c.article == _article) | sa.exists().where(ruled.c.article == _article)
                      | sa.exists().where(links.c.a == _article))
_same_text = (sa.select(articles.c.id, articles.c.title).order_by(articles.c.id).where(
    articles.c.host == sa.bindparam("host"), articles.c.text_hash == sa.bindparam("text_hash"), ~articles.c.forgotten))


async def _alike(connection: AsyncConnection, host: str, text_hash: int) -> list[tuple[str, str]]:
    found = await connection.execute(_same_text, {"host": host, "text_hash": text_hash})
    return [(row.id, row.title) for row in found]


async def _matched(connection: AsyncConnection, article: str) -> dict[str, bool]:
    return {row.other: row.copied for row in sorted(await connection.execute(_both, {"article": article}))}


async def _readings(connection: AsyncConnection, ids: Sequence[str]) -> list[tuple[Article, frozenset[int]]]:
    return [(article_of(row, listed), frozenset(unpack_keys(row.dropped_keys))) for row, listed in await load_rows(connection, ids)]


async def reachable(connection: AsyncConnection, articles: Sequence[str], limit: int) -> list[str]:
    """The articles, and those tied to them, directly or over others, ring by ring."""
    found, ring = list(articles), list(articles)
    while ring and len(found) < limit:
        known = set(found)
        near = {id_ for ids in chunks(ring) for id_ in await _neighbours(connection, ids)} - known
        ring = (await _earliest(connection, near))[:limit - len(found)]
        found += ring
    return found


async def _earliest(connection: AsyncConnection, ids: set[str]) -> list[str]:
    """Those of these articles that are stored and not forgotten: originals, then the others, each as first seen."""
    rows = [row for chunk in chunks(sorted(ids)) for row in await connection.execute(
        sa.select(articles.c.id, articles.c.first_seen, (members.c.position == 0).label("is_original"))
        .outerjoin(members, members.c.article == articles.c.id)
        .where(articles.c.id.in_(chunk), ~articles.c.forgotten))]
    return [row.id for row in sorted(rows, key=lambda row: (not row.is_original, row.first_seen, row.id))]


async def _neighbours(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    theirs = sa.select(members.c.story).where(members.c.article.in_(ids))
    merged = (sa.select(ruled.c.verdict).join(verdicts, verdicts.c.id == ruled.c.verdict)
              .where(ruled.c.article.in_(ids), verdicts.c.ruling.in_(("merge", "confirm")), verdicts.c.undone_at.is_(None)))
    steps = (
        sa.select(matches.c.b).where(matches.c.a.in_(ids), matches.c.copied),
        sa.select(matches.c.a).where(matches.c.b.in_(ids), matches.c.copied),
        sa.select(members.c.article).where(members.c.story.in_(theirs)),
        sa.select(ruled.c.article).where(ruled.c.verdict.in_(merged)),
    )
    return {id_ for step in steps for id_ in await connection.scalars(step)}


async def _matches_among(connection: AsyncConnection, ids: Sequence[str]) -> list[Match]:
    inside = set(ids)
    found = []
    for chunk in chunks(sorted(inside)):
        rows = await connection.execute(sa.select(matches.c.b, matches.c.detail).where(matches.c.a.in_(chunk))
                                        .order_by(matches.c.a, matches.c.b))
        found += [decode(Match, row.detail) async for row in paced(rows) if row.b in inside]
    return found


async def _mark(connection: AsyncConnection, since: datetime | None, ids: Sequence[str] | None) -> int:
    recent = sa.true() if since is None else articles.c.first_seen >= since
    if ids is None:
        return await mark(connection, recent)
    return sum([await mark(connection, articles.c.id.in_(chunk) & recent) for chunk in chunks(dict.fromkeys(ids))])


async def _mark_indexed(connection: AsyncConnection, ids: Sequence[str]) -> int:
    has_keys = sa.func.length(articles.c.indexed) > 0
    return sum([await mark(connection, articles.c.id.in_(chunk) & has_keys) for chunk in chunks(dict.fromkeys(ids))])
