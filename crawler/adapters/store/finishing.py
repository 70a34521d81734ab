"""How a poll ends that brought no entries, as most do: together with all others that wait to be written.

A transaction is its flush to the disk and a dozen turns of the event loop; what one feed writes in it is next to nothing.
So whoever comes to write takes along whatever waits by then. Nobody waits for company: alone, a poll is written at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.bulk import within
from crawler.adapters.store.engine import CHUNK, Database
from crawler.adapters.store.tables import feeds
from crawler.errors import LeaseLostError, StoreError, UnstorableError
from crawler.ports import Feed


@dataclass(slots=True, eq=False)
class _Poll:
    """`stated`: the columns of the feed's row that follow from its state."""

    feed: Feed
    stated: dict[str, Any]
    written: bool = False
    error: StoreError | None = None


class Finishing:
    """Writes the states of polled feeds."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._turn = asyncio.Lock()
        self._waiting: list[_Poll] = []

    async def finish(self, feed: Feed, stated: dict[str, Any]) -> None:
        """Write the state of a claimed feed and end its lease. Raises LeaseLostError where the claim is no longer good,
        and StoreError."""
        poll = _Poll(feed, stated)
        self._waiting.append(poll)
        try:
            async with self._turn:
                if poll in self._waiting:
                    await self._write_waiting()
        finally:
            if poll in self._waiting:   # whoever was to write it is cancelled
                self._waiting.remove(poll)
        if poll.error is not None:
            raise poll.error

    async def _write_waiting(self) -> None:
        polls, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        try:
            await self._write(polls)
        except BaseException:   # cancelled: the next in turn writes them
            self._waiting[:0] = [poll for poll in polls if not poll.written]
            raise

    async def _write(self, polls: Sequence[_Poll]) -> None:
        """In one transaction; where the database refuses a value, each alone, since that is the fault of one."""
        try:
            good = await self._db.write(lambda connection: _finished(connection, polls))
        except UnstorableError as error:
            for poll in polls if len(polls) > 1 else ():
                await self._write([poll])
            if len(polls) == 1:
                _end(polls, error)
        except StoreError as error:
            _end(polls, error)
        else:
            for poll in polls:
                _end([poll], None if poll in good else lost(poll.feed))


def _end(polls: Sequence[_Poll], error: StoreError | None = None) -> None:
    for poll in polls:
        poll.written, poll.error = True, error


def lost(feed: Feed) -> LeaseLostError:
    """What a worker is told that comes too late."""
    return LeaseLostError(f"feed {feed.url}: another worker has polled it meanwhile; nothing was written")


async def _finished(connection: AsyncConnection, polls: Sequence[_Poll]) -> list[_Poll]:
    """Write the states of those whose claims are still good, and return these."""
    held = _HELD.where(within(feeds.c.id, [poll.feed.id for poll in polls]))
    tokens = {row.id: row.token for row in await connection.execute(held)}
    good = [poll for poll in polls if tokens.get(poll.feed.id) == poll.feed.token]
    if good:
        await connection.execute(_STATE, [{"polled": poll.feed.id, **poll.stated, "lease_until": None} for poll in good])
    return good


_HELD = sa.select(feeds.c.id, feeds.c.token).order_by(feeds.c.id).with_for_update()
_STATE = sa.update(feeds).where(feeds.c.id == sa.bindparam("polled"))
