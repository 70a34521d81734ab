"""Stories as a person reads them: which ones, with their articles, history and rulings."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part, chunks
from crawler.adapters.store.loading import endings_of, whole
from crawler.adapters.store.matching import Order, common_terms, cursor, matching, page_of, place_of
from crawler.adapters.store.reconcile import follow
from crawler.errors import NotFoundError
from crawler.ports import Shelf, StoredStory, StoryQuery

_BATCH = 100   # stories whose articles are read at a time
_ALL = 1 << 30   # copies
_FIRST = 20    # copies of a story that a list holds


class Browsing(Part):
    """Reading stories."""

    async def browse(
        self, query: StoryQuery, after: str | None = None, limit: int = 25, *, order: Order = "queue",
    ) -> Shelf:
        """See `ports.Reviewing`."""
        async def look(connection: AsyncConnection) -> Shelf:
            common = await common_terms(connection, query)
            rows = (await connection.execute(page_of(query, order, after, limit, common))).all()
            found = await whole(connection, [row.story for row in rows[:limit]], query.without, _FIRST)
            counted = {row.story: row.copies for row in rows}
            return Shelf(tuple(replace(one, copies=counted[one.story.id]) for one in found),
                         cursor(rows[limit - 1], order) if len(rows) > limit else None)

        return await self._db.read(look)

    async def some_stories(self, ids: Sequence[str]) -> list[StoredStory]:
        """See `ports.Reviewing`."""
        return await self._db.read(
            lambda connection: whole(connection, list(dict.fromkeys(ids)), frozenset(), first=_ALL))

    async def beyond(self, query: StoryQuery, story: str) -> str | None:
        """See `ports.Reviewing`."""
        async def look(connection: AsyncConnection) -> str | None:
            common = await common_terms(connection, query)
            at = (await connection.execute(place_of(story, query))).one_or_none()
            for after in [cursor(at, "queue"), None] if at is not None else [None]:
                for row in await connection.execute(page_of(query, "queue", after, 1, common)):
                    if row.story != story:
                        return str(row.story)
            return None

        return await self._db.read(look)

    async def stories(self, query: StoryQuery) -> list[StoredStory]:
        """See `ports.Store`. The newest is the one whose latest member was first seen last. `language` is that of
        the original; `since` and `until` are both included; copies of a kind in `without` are left out."""
        async def look(connection: AsyncConnection) -> list[StoredStory]:
            ids = list(await connection.scalars(matching(query)))
            found: list[StoredStory] = []
            for chunk in chunks(ids, _BATCH):
                found += await whole(connection, chunk, query.without)
            return found

        return await self._db.read(look)

    async def story(self, story_id: str) -> StoredStory:
        """See `ports.Store`. An id that was dissolved leads nowhere: NotFoundError."""
        async def look(connection: AsyncConnection) -> StoredStory:
            at = follow(await endings_of(connection, story_id), story_id)
            found = [] if at is None else await whole(connection, [at], frozenset())
            if not found:
                gone = "the story was dissolved" if at is None else "nothing is stored under this id"
                raise NotFoundError(f"story {story_id}: {gone}")
            return found[0]

        return await self._db.read(look)
