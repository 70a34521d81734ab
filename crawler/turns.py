"""Turns at a host, kept in the store: its limits hold over all workers that share one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from crawler.errors import StoreError
from crawler.log import event
from crawler.ports import Clock, Store, Turn

_AGAIN = timedelta(seconds=0.5)     # between two looks where as many requests run as may
_LATE = timedelta(seconds=0.1)      # by which a request may begin after its turn, or a tenth of the delay: whoever was
                                    # frozen takes another
_TRIES = 5                          # on a machine that is always late

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SharedTurns:
    """`ports.Turns`. `most` requests at a host at once, none longer than `lease`; `speed` as of `daemon.Timing`."""

    store: Store
    clock: Clock
    most: int
    lease: timedelta
    speed: float = 1.0

    @asynccontextmanager
    async def turn(self, host: str, delay: timedelta) -> AsyncIterator[None]:
        """See `ports.Turns`."""
        turn = await self._taken(host, delay)
        try:
            yield
        finally:
            await asyncio.shield(self._end(turn))

    async def _taken(self, host: str, delay: timedelta) -> Turn:
        tries = 0
        while True:
            now = self.clock()
            turn = await self.store.take_turn(host, now, delay * self.speed, self.most, self.lease * self.speed)
            wait = turn.start - self.clock()
            if turn.id is None:
                await self._sleep(max(wait, _AGAIN * self.speed))
                continue
            tries += 1
            try:
                await self._sleep(wait)
                if not delay or self.clock() - turn.start <= max(_LATE, delay / 10) * self.speed or tries == _TRIES:
                    return turn
            except asyncio.CancelledError:
                await asyncio.shield(self._end(turn))
                raise
            await self._end(turn)

    async def _sleep(self, span: timedelta) -> None:
        await asyncio.sleep(max(0.0, span.total_seconds() / self.speed))

    async def _end(self, turn: Turn) -> None:
        try:
            await self.store.end_turn(turn)
        except StoreError as error:     # its lease ends it
            event(_log, "store-failed", logging.ERROR, queue="turns", error=error)
