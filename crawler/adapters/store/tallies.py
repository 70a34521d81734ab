"""Counting: how many stories match, who copies whom, what changed since a revision."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.columns import outlet
from crawler.adapters.store.engine import Part, paced
from crawler.adapters.store.listing import name_of
from crawler.adapters.store.matching import STATES, common_terms, limits
from crawler.adapters.store.tables import articles, copying, endings, listing
from crawler.core.types import UNCOUNTED
from crawler.ports import Change, Flow, SourceFigures, StoryQuery, Tally

_NO_REVISION = copying.c.kind.not_in(sorted(UNCOUNTED))


class Tallies(Part):
    """Figures over many stories."""

    async def tally(self, query: StoryQuery) -> Tally:
        """See `ports.Reviewing`."""
        counted = [sa.func.sum(sa.case((STATES[state], 1), else_=0)).label(state) for state in ("undecided", "decided")]
        any_state = _any_state(query)

        async def look(connection: AsyncConnection) -> Tally:
            common = await common_terms(connection, query, counting=True)
            row = (await connection.execute(sa.select(sa.func.count().label("all"), *counted).select_from(listing).where(
                *limits(any_state, common)))).one()
            undecided, decided = int(row.undecided or 0), int(row.decided or 0)
            return Tally(undecided, decided, row.all - undecided - decided)

        return await self._db.read(look)

    async def languages(self) -> dict[str, int]:
        """See `ports.Reviewing`."""
        counted = (sa.select(listing.c.language, sa.func.count().label("stories")).where(listing.c.language.is_not(None))
                   .group_by(listing.c.language).order_by(sa.desc("stories"), listing.c.language))

        async def look(connection: AsyncConnection) -> dict[str, int]:
            return {row.language: row.stories for row in await connection.execute(counted)}

        return await self._db.read(look)

    async def sources(self, since: datetime | None = None) -> list[SourceFigures]:
        """See `ports.Reviewing`."""
        async def look(connection: AsyncConnection) -> list[SourceFigures]:
            recent = sa.true() if since is None else listing.c.latest >= since
            flows = await _flows(connection, _seen_since(since))
            originals = await _counted(connection, sa.select(listing.c.source, sa.func.count()).where(recent)
                                       .group_by(listing.c.source))
            stored = await _counted(connection, sa.select(articles.c.outlet, sa.func.count())
                                    .where(~articles.c.forgotten).group_by(articles.c.outlet))
            parts = await _counted(connection, _parts(since))
            found = _figures(flows, originals, stored, parts)
            return [replace(one, lag=await _median(connection, one.copies, _seen_since(since), copying.c.copier == one.source))
                    for one in found]

        return await self._db.read(look)

    async def source(self, name: str) -> SourceFigures | None:
        """See `ports.Reviewing`."""
        name = name_of(name)

        async def look(connection: AsyncConnection) -> SourceFigures | None:
            flows = await _flows(connection, (copying.c.copier == name) | (copying.c.origin == name))
            originals = await connection.scalar(sa.select(sa.func.count()).where(listing.c.source == name)) or 0
            if not flows and not originals:
                return None
            stored = await connection.scalar(sa.select(sa.func.count()).where(
                articles.c.outlet == outlet(name), ~articles.c.forgotten)) or 0
            parts = await _counted(connection, _parts(None).where(copying.c.copier == name))
            found = _figures(flows, {name: originals}, {outlet(name): stored}, parts)
            one = next(one for one in found if one.source == name)
            return replace(one, lag=await _median(connection, one.copies, copying.c.copier == name))

        return await self._db.read(look)

    async def flows(
        self, *, copier: str | None = None, origin: str | None = None, since: datetime | None = None, limit: int = 100,
    ) -> list[Flow]:
        """See `ports.Reviewing`."""
        which = [_seen_since(since), *_between(copier, origin)]

        async def look(connection: AsyncConnection) -> list[Flow]:
            found = (await _flows(connection, *which))[:limit]
            return [replace(one, lag=await _median(connection, one.copies, _seen_since(since), *_between(one.copier, one.origin)))
                    for one in found]

        return await self._db.read(look)

    async def lags(self, bounds: Sequence[int], *, copier: str | None = None, origin: str | None = None) -> list[int]:
        """See `ports.Reviewing`."""
        place = sa.case(*((copying.c.lag <= bound, at) for at, bound in enumerate(bounds)), else_=len(bounds))
        counted = (sa.select(place.label("place"), sa.func.count().label("copies")).where(
            _NO_REVISION, *_between(copier, origin)).group_by(sa.literal_column("1")))

        async def look(connection: AsyncConnection) -> list[int]:
            found = {row.place: row.copies for row in await connection.execute(counted)}
            return [found.get(at, 0) for at in range(len(bounds) + 1)]

        return await self._db.read(look)

    async def copies_of(self, source: str, limit: int) -> list[tuple[str, str]]:
        """See `ports.Reviewing`."""
        newest = (sa.select(copying.c.story, copying.c.article).where(copying.c.origin == name_of(source), _NO_REVISION)
                  .order_by(copying.c.seen.desc(), copying.c.article.desc()).limit(limit))

        async def look(connection: AsyncConnection) -> list[tuple[str, str]]:
            return [(row.story, row.article) for row in await connection.execute(newest)]

        return await self._db.read(look)

    async def changes(self, after: int, limit: int) -> list[Change]:
        """See `ports.Reviewing`."""
        ended = (sa.select(endings.c.revision, endings.c.story, endings.c.at, endings.c.successor)
                 .where(endings.c.revision > after).order_by(endings.c.revision).limit(limit))
        living = (sa.select(listing.c.revision, listing.c.story, listing.c.updated.label("at"))
                  .where(listing.c.revision > after).order_by(listing.c.revision).limit(limit))

        async def look(connection: AsyncConnection) -> list[Change]:
            found = [Change(row.revision, row.story, row.at) for row in await connection.execute(living)]
            found += [Change(row.revision, row.story, row.at, ended=True, successor=row.successor)
                      for row in await connection.execute(ended)]
            return sorted(found, key=lambda one: one.revision)[:limit]

        return await self._db.read(look)


def _any_state(query: StoryQuery) -> StoryQuery:
    return replace(query, state=None)


def _seen_since(since: datetime | None) -> sa.ColumnElement[bool]:
    return sa.true() if since is None else copying.c.seen >= since


def _between(copier: str | None, origin: str | None) -> list[sa.ColumnElement[bool]]:
    found = [copying.c.copier == name_of(copier)] if copier is not None else []
    return found + ([copying.c.origin == name_of(origin)] if origin is not None else [])


async def _counted(connection: AsyncConnection, counted: sa.Select[Any]) -> dict[Any, int]:
    return {row[0]: row[1] for row in await connection.execute(counted)}


def _parts(since: datetime | None) -> sa.Select[Any]:
    """In how many stories each copier has a part in which it is not the original's source too."""
    return (sa.select(copying.c.copier, sa.func.count(copying.c.story.distinct()))
            .where(_NO_REVISION, copying.c.copier != copying.c.origin, _seen_since(since)).group_by(copying.c.copier))


async def _flows(connection: AsyncConnection, *which: sa.ColumnElement[bool]) -> list[Flow]:
    counted = (sa.select(copying.c.copier, copying.c.origin, copying.c.kind, sa.func.count().label("copies"),
                         sa.func.sum(copying.c.share).label("share"))
               .where(_NO_REVISION, *which).group_by(copying.c.copier, copying.c.origin, copying.c.kind))
    pairs: dict[tuple[str, str], dict[str, tuple[int, float]]] = defaultdict(dict)
    async for row in paced(await connection.execute(counted)):
        pairs[row.copier, row.origin][row.kind] = row.copies, row.share
    found = [_flow(copier, origin, kinds) for (copier, origin), kinds in pairs.items()]
    return sorted(found, key=lambda one: (-one.copies, one.copier, one.origin))


def _flow(copier: str, origin: str, kinds: dict[str, tuple[int, float]]) -> Flow:
    copies = sum(number for number, _ in kinds.values())
    share = sum(share for _, share in kinds.values()) / copies
    return Flow(copier, origin, copies, {kind: number for kind, (number, _) in sorted(kinds.items())}, share)


def _figures(
    flows: Sequence[Flow], originals: dict[str, int], stored: dict[int, int], parts: dict[str, int],
) -> list[SourceFigures]:
    copies: dict[str, int] = defaultdict(int)
    copied: dict[str, int] = defaultdict(int)
    kinds: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in flows:
        copies[one.copier] += one.copies
        copied[one.origin] += one.copies
        for kind, number in one.kinds.items():
            kinds[one.copier][kind] += number
    names = {*originals, *copies, *copied}
    found = [SourceFigures(name, stored.get(outlet(name), 0), originals.get(name, 0), copies[name], copied[name],
                           dict(sorted(kinds[name].items())), originals.get(name, 0) + parts.get(name, 0))
             for name in names]
    return sorted(found, key=lambda one: (-one.copies, -one.copied, one.source))


async def _median(connection: AsyncConnection, copies: int, *which: sa.ColumnElement[bool]) -> int | None:
    """The lower median of the lags of so many copies: a walk along an index, quicker than one look at them all."""
    if not copies:
        return None
    return await connection.scalar(
        sa.select(copying.c.lag).where(_NO_REVISION, *which).order_by(copying.c.lag).offset((copies - 1) // 2).limit(1))
