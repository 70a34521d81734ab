"""Links between articles that are no copies: what a digest carries, possible rewordings and translations."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.articles import load_ids
from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import Moment
from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.tables import articles, links, members, ruled, verdicts
from crawler.core.types import Link, Relation

_POSSIBLE = (Relation.REWORDING, Relation.TRANSLATION)   # what a person is asked about


class Links(Part):
    """Reading links; they are written with stories and matches."""

    async def links(self, articles: Sequence[str]) -> list[Link]:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> list[Link]:
            found = {(row.relation, row.a, row.b): row.detail for chunk in chunks(dict.fromkeys(articles))
                     for row in await connection.execute(
                         sa.select(links).where(links.c.a.in_(chunk) | links.c.b.in_(chunk), _is_open()))}
            return [decode(Link, found[key]) for key in sorted(found)]

        return await self._db.read(look)

    async def possible(
        self, relation: Relation, since: datetime | None, until: datetime | None, limit: int,
    ) -> list[Link]:
        """See `ports.Store`."""
        a, b = articles.alias("a"), articles.alias("b")
        latest = sa.case((a.c.first_seen > b.c.first_seen, a.c.first_seen), else_=b.c.first_seen)
        wanted = (sa.select(links.c.detail).join(a, a.c.id == links.c.a).join(b, b.c.id == links.c.b)
                  .where(links.c.relation == relation.value, _is_open(),
                         *([latest >= sa.literal(since, Moment)] if since else []),
                         *([latest <= sa.literal(until, Moment)] if until else []))
                  .order_by(links.c.weight.desc(), links.c.a, links.c.b).limit(2 * limit))

        async def look(connection: AsyncConnection) -> list[Link]:
            found = [decode(Link, detail) for detail in await connection.scalars(wanted)]
            once = {frozenset((link.a, link.b)): link for link in reversed(found)}   # each may have found the other
            return [link for link in found if once[frozenset((link.a, link.b))] is link][:limit]

        return await self._db.read(look)


def _is_open() -> sa.ColumnElement[bool]:
    """None that a person has ruled on, or whose articles are in one story by now."""
    return links.c.relation.not_in([one.value for one in _POSSIBLE]) | ~(_ruled_on() | _of_one_story())


def _ruled_on() -> sa.ColumnElement[bool]:
    """A standing ruling names both articles of the link."""
    one, other = ruled.alias(), ruled.alias()
    return sa.exists().where(one.c.article == links.c.a, other.c.article == links.c.b, one.c.verdict == other.c.verdict,
                             verdicts.c.id == one.c.verdict, verdicts.c.undone_at.is_(None)).correlate(links)


def _of_one_story() -> sa.ColumnElement[bool]:
    one, other = members.alias(), members.alias()
    return sa.exists().where(one.c.article == links.c.a, other.c.article == links.c.b,
                             one.c.story == other.c.story).correlate(links)


async def replace_possible(connection: AsyncConnection, article: str, found: Sequence[Link]) -> None:
    """What is possible and was found from an article is now this."""
    for relation in _POSSIBLE:
        await replace_links(connection, relation, [article], [link for link in found if link.relation is relation])


async def replace_links(
    connection: AsyncConnection, relation: Relation, articles: Sequence[str], found: Sequence[Link],
) -> None:
    """The links of this relation that any of the articles has are now these; those to forgotten articles are left out.
    Who else found an article in what is possible has its own say."""
    for chunk in chunks(dict.fromkeys(articles)):
        either = links.c.a.in_(chunk) | links.c.b.in_(chunk) if relation is Relation.CARRIES else links.c.a.in_(chunk)
        await connection.execute(sa.delete(links).where(links.c.relation == relation.value, either))
    present = {row.id for row in await load_ids(connection, {id_ for link in found for id_ in (link.a, link.b)})}
    rows = [{"a": link.a, "b": link.b, "relation": relation.value,
             "weight": link.translation.probability if link.translation else max(link.a_in_b, link.b_in_a),
             "detail": encode(link)}
            for link in sorted(found, key=lambda link: (link.a, link.b)) if {link.a, link.b} <= present]
    await insert_many(connection, links, rows)
