"""The crawl at work: three queues in the store, drained side by side, until a person says stop.

    due feeds -> poll      waiting sightings -> collect      unjudged articles -> judge

Only this file starts tasks. What they claim is leased, so that stopping, or dying, loses nothing. A first stop signal
lets what is in flight finish, within GRACE; after that it is cancelled, and its lease runs out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from crawler.errors import FirsthandError, LeaseLostError, StoreError
from crawler.log import event
from crawler.pipeline import Pipeline
from crawler.ports import Clock, Pruned, Store

LEASE = timedelta(minutes=15)   # longer than the slowest step
# A page may wait behind 15 others of a host that asks for 300 s between two (`store.sightings`, `core.robots`).
COLLECT_LEASE = timedelta(minutes=90)
IDLE = 5.0                      # seconds between looks at an idle queue; another process may have filled it
TIDY = 6 * 3600.0               # seconds between looks at what is past its retention
STORE_PAUSE = 5.0               # seconds after the store failed
GRACE = 8.0                     # seconds for what is in flight when the daemon stops

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of work: how to claim it, how to do one piece, how many at once, and who learns that more may be due."""

    name: str
    claim: Callable[[int], Awaitable[Sequence[Any]]]
    work: Callable[[Any], Awaitable[object]]
    width: int
    feeds: tuple[str, ...] = ()


@dataclass(slots=True)
class Daemon:
    """Drains the queues of one store."""

    pipeline: Pipeline
    store: Store
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)

    def queues(self) -> tuple[Queue, Queue, Queue]:
        """Polling, collecting, judging."""
        crawl, workers = self.pipeline.settings.crawl, self.pipeline.settings.extract.workers
        return (
            Queue("poll", lambda n: self.store.claim_feeds(self.clock(), LEASE, n), self.pipeline.poll,
                  crawl.concurrency, ("collect",)),
            Queue("collect", lambda n: self.store.claim_sightings(self.clock(), COLLECT_LEASE, n), self.pipeline.collect,
                  crawl.concurrency, ("judge",)),
            Queue("judge", lambda n: self.store.claim_unjudged(self.clock(), LEASE, n), self.pipeline.judge,
                  workers, ("collect", "judge")),
        )

    async def once(self, only: Sequence[int] | None = None) -> int:
        """One pass: the feeds that are due as it begins (of the ids `only`, where given), and all that follows. Returns
        how many pieces of work were done.

        Raises StoreError: a pass does not wait for a store that is out of reach.
        """
        done, began = 0, self.clock()
        poll, *others = self.queues()
        # Not what falls due meanwhile: a pass that takes longer than the shortest interval would never end.
        due = replace(poll, claim=lambda n: self.store.claim_feeds(began, LEASE + (self.clock() - began), n, only))
        while not self.stopping.is_set():
            # One queue after the other: every feed of the pass is polled before the first article is judged.
            worked = sum([await self._drain(queue) for queue in (due, *others)])
            done += worked
            if not worked:
                break
        return done

    async def judge_pending(self) -> int:
        """Judge what waits, and nothing else: after a person's ruling, or for `rematch`. Raises StoreError."""
        return await self._drain(self.queues()[2])

    async def run(self) -> None:
        """Until `stopping` is set; then finish what is in flight."""
        self._wake = {queue.name: asyncio.Event() for queue in self.queues()}
        self._wake["tidy"] = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for queue in self.queues():
                group.create_task(self._keep(queue), name=queue.name)
            group.create_task(self._tidy(), name="tidy")

    def stop(self) -> None:
        """Stop claiming; `run` and `once` return when what is in flight has ended."""
        self.stopping.set()

    async def _keep(self, queue: Queue) -> None:
        """Drain a queue for ever; a store that fails pauses it, nothing ends it but `stop`."""
        while not self.stopping.is_set():
            try:
                await self._drain(queue)
                pause = await self._pause(queue)
            except StoreError as error:
                event(_log, "store-failed", logging.ERROR, queue=queue.name, error=error)
                pause = STORE_PAUSE
            await self._sleep(queue.name, pause)

    async def _tidy(self) -> None:
        """Remove what is past its retention, now and every few hours."""
        keep = self.pipeline.settings.retention
        while not self.stopping.is_set():
            try:
                now = self.clock()
                gone = await self.store.prune(now - keep.pages, now - keep.articles)
                if gone != Pruned():
                    event(_log, "pruned", pages=gone.pages, articles=gone.articles, entries=gone.entries, keys=gone.keys)
            except StoreError as error:
                event(_log, "store-failed", logging.ERROR, queue="tidy", error=error)
            await self._sleep("tidy", TIDY)

    async def _pause(self, queue: Queue) -> float:
        """Seconds until the queue may have something: the next poll, or a look after the idle time."""
        if queue.name != "poll":
            return IDLE
        due = (await self.store.backlog(self.clock())).next_poll
        return min(IDLE, max(0.05, (due - self.clock()).total_seconds())) if due else IDLE

    async def _sleep(self, name: str, seconds: float) -> None:
        """Until something may be due: woken, stopped, or after `seconds`."""
        wake = self._wake[name]
        waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(self.stopping.wait())]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        wake.clear()

    async def _drain(self, queue: Queue) -> int:
        """Do what is due, `width` at once, until nothing is. Raises StoreError when claiming or working fails."""
        running: set[asyncio.Task[None]] = set()
        stop = asyncio.ensure_future(self.stopping.wait())
        done = 0
        try:
            while not self.stopping.is_set():
                for item in await queue.claim(queue.width - len(running)) if len(running) < queue.width else ():
                    running.add(asyncio.create_task(self._do(queue, item)))
                if not running:
                    break
                await asyncio.wait({*running, stop}, return_when=asyncio.FIRST_COMPLETED)
                finished = {task for task in running if task.done()}
                running -= finished
                done += len(finished)
                _raise_first(finished)
        except asyncio.CancelledError:
            for task in running:    # a second signal: at once
                task.cancel()
            raise
        finally:
            stop.cancel()
            await self._finish(running)
        return done

    async def _finish(self, running: set[asyncio.Task[None]]) -> None:
        """Let what is in flight end by itself; after the grace it is cancelled and its lease brings it back."""
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _do(self, queue: Queue, item: Any) -> None:
        """One piece of work. What goes wrong with it must not end the others."""
        try:
            await queue.work(item)
        except LeaseLostError as error:
            event(_log, "lease-lost", logging.WARNING, queue=queue.name, error=error)
        except StoreError:
            raise
        except FirsthandError as error:
            event(_log, "work-failed", logging.ERROR, queue=queue.name, error=error)
        except Exception as error:  # noqa: BLE001 - a fault of ours on one item: logged, leased, tried again later
            event(_log, "work-failed", logging.ERROR, queue=queue.name, error=error)
        for name in queue.feeds:
            if name in self._wake:
                self._wake[name].set()


def _raise_first(finished: set[asyncio.Task[None]]) -> None:
    """Every error is asked for, so that asyncio does not complain of the others when the store fails under many tasks."""
    errors = [error for task in finished if (error := task.exception()) is not None]
    if errors:
        raise errors[0]
