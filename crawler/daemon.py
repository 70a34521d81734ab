"""The crawl at work: three queues in the store, drained side by side, until a person says stop.

    due feeds -> poll      waiting sightings -> collect      unjudged articles -> judge

and three more of what is pushed, where there is any (`outward.py`):

    documents of hubs -> push      hubs to be asked -> subscribe      the log of stories -> deliver

Only this file starts tasks. What they claim is leased, so that stopping, or dying, loses nothing: while a piece of work
is in hand its lease is renewed; when that fails, because the store is out of reach or this process was frozen, the piece
is ended before somebody else may take it over, and whatever it still writes is refused by its token. A first stop signal
lets what is in flight finish, within GRACE; after that it is cancelled, and its lease runs out.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from crawler import meters
from crawler.clocks import ClockWatch, SharedClock
from crawler.errors import LeaseLostError, StoreError
from crawler.log import event
from crawler.outward import ASKED_AT_ONCE, TOLD_AT_ONCE, Outward
from crawler.pipeline import Pipeline
from crawler.ports import Claimed, Clock, Pruned, Store, Work

STORE_PAUSE = 5.0               # seconds after the store failed
GRACE = 8.0                     # seconds for what is in flight when the daemon stops
_EMPTY = 1.0                    # seconds before a queue is looked at again from which nothing could be claimed
JUDGED_AT_ONCE = 3              # articles for each process: one is matched while others wait for the database
_ROOM = 4                       # a part of a queue's width that is free before more is claimed: one claim for many …
_SOON = 0.2                     # … or so many seconds after the last claim: what is due does not wait for what is slow
BEATS = 3                       # renewals in the time of a lease: two may be late or fail

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, by the daemon's clock, of which `speed` seconds pass in one of the event loop's."""

    lease: timedelta = timedelta(seconds=60)   # after this long a dead worker's feeds, entries, articles are others'
    idle: timedelta = timedelta(seconds=5)     # between looks at an idle queue; another process may have filled it
    tidy: timedelta = timedelta(hours=6)       # between looks at what is past its retention
    speed: float = 1.0

    def real(self, span: timedelta) -> float:
        """Seconds of the event loop."""
        return span.total_seconds() / self.speed


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of work: how to claim it, how to do one piece, how many at once, and who learns that more may be due."""

    name: Work
    claim: Callable[[int], Awaitable[Sequence[Any]]]
    work: Callable[[Any], Awaitable[object]]
    width: int
    feeds: tuple[Work, ...] = ()


@dataclass(slots=True, eq=False)
class _InHand:
    """A claimed piece of work. `bound` ends it when its lease has run out, by the event loop's own clock: of a process
    that was frozen that is the first thing to happen when it wakes."""

    item: Claimed
    bound: asyncio.Timeout

    def extend(self, until: float) -> None:
        """The lease was renewed; of no effect on what has ended meanwhile."""
        with suppress(RuntimeError):
            self.bound.reschedule(until)


@dataclass(slots=True)
class Progress:
    """Of one queue, in seconds of the event loop's clock: when it was last looked after, and when a piece was last done."""

    turned: float
    done: float


@dataclass(slots=True)
class Daemon:
    """Drains the queues of one store."""

    pipeline: Pipeline
    store: Store
    clock: Clock
    timing: Timing = Timing()
    outward: Outward | None = None
    keeper: SharedClock | None = None   # of the clock, where that is the store's
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, Progress] = field(default_factory=dict)   # by the name of the queue, while `run` keeps them
    _wake: dict[str, asyncio.Event] = field(default_factory=dict)

    def queues(self) -> tuple[Queue, Queue, Queue]:
        """Polling, collecting, judging."""
        settings, lease = self.pipeline.settings, self.timing.lease
        width = settings.crawl.concurrency
        return (
            Queue("poll", lambda n: self.store.claim_feeds(self.clock(), lease, n), self.pipeline.poll,
                  width, ("collect", "subscribe")),
            Queue("collect", lambda n: self.store.claim_sightings(self.clock(), lease, n), self.pipeline.collect,
                  width, ("judge",)),
            Queue("judge", lambda n: self.store.claim_unjudged(self.clock(), lease, n), self.pipeline.judge,
                  JUDGED_AT_ONCE * settings.extract.workers, ("collect", "judge", "deliver")),
        )

    def outward_queues(self) -> tuple[Queue, ...]:
        """Reading what was pushed, asking hubs, telling webhooks and the own hub."""
        outward, lease = self.outward, self.timing.lease
        if outward is None:
            return ()
        return (
            Queue("push", lambda n: outward.waiting_pushes(lease, n), outward.hubs.read,
                  self.pipeline.settings.extract.workers, ("collect",)),
            Queue("subscribe", lambda n: outward.due_subscriptions(lease, n), outward.hubs.ask, ASKED_AT_ONCE),
            Queue("deliver", lambda n: outward.due_deliveries(lease, n), outward.deliver, TOLD_AT_ONCE),
        )

    async def once(self, only: Sequence[int] | None = None) -> int:
        """One pass: the feeds that are due as it begins (of the ids `only`, where given), and all that follows. Returns
        how many pieces of work were done.

        Raises StoreError: a pass does not wait for a store that is out of reach.
        """
        done, began = 0, self.clock()
        poll, *others = (*self.queues(), *self.outward_queues()[:1])
        # Not what falls due meanwhile: a pass that takes longer than the shortest interval would never end.
        due = replace(poll, claim=lambda n: self.store.claim_feeds(self.clock(), self.timing.lease, n, only, due=began))
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

    async def deliver_pending(self) -> int:
        """Tell webhooks and the own hub what they have not been told, and nothing else. Raises StoreError."""
        return sum([await self._drain(queue) for queue in self.outward_queues()[2:]])

    def wake(self, name: Work) -> None:
        """There may be more of this work."""
        if name in self._wake:
            self._wake[name].set()

    async def run(self) -> None:
        """Until `stopping` is set; then finish what is in flight."""
        queues = (*self.queues(), *self.outward_queues())
        self._wake = {name: asyncio.Event() for name in (*(queue.name for queue in queues), "tidy", "clock")}
        now = asyncio.get_running_loop().time()
        self.progress = {queue.name: Progress(now, now) for queue in queues}
        async with asyncio.TaskGroup() as group:
            for queue in queues:
                group.create_task(self._keep(queue), name=queue.name)
            group.create_task(self._tidy(), name="tidy")
            group.create_task(self._watch_clock(), name="clock")

    def stop(self) -> None:
        """Stop claiming; `run` and `once` return when what is in flight has ended."""
        self.stopping.set()

    async def _keep(self, queue: Queue) -> None:
        """Drain a queue for ever; a store that fails pauses it, nothing ends it but `stop`."""
        loop = asyncio.get_running_loop()
        while not self.stopping.is_set():
            self._turned(queue)
            began, done = loop.time(), 0
            try:
                done = await self._drain(queue)
                # What is due and cannot be claimed is another's, or its host has no place: no use in asking at once.
                pause = max(await self._pause(queue), 0.0 if done else min(_EMPTY, self.timing.real(self.timing.idle)))
            except StoreError as error:
                event(_log, "store-failed", logging.ERROR, queue=queue.name, error=error)
                pause = STORE_PAUSE
            await self._sleep(queue.name, pause)
            if not done:    # whoever has done something wakes it, and seldom for anything
                await asyncio.sleep(max(0.0, began + min(_SOON, pause) - loop.time()))

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
            await self._sleep("tidy", self.timing.real(self.timing.tidy))

    async def _watch_clock(self) -> None:
        """Somebody may set the clock back: what then lies too far ahead is brought near, else feeds would keep silent for
        as long as the clock was wrong."""
        watch = ClockWatch(self.clock, asyncio.get_running_loop().time, self.timing.speed)
        while not self.stopping.is_set():
            await self._sleep("clock", self.timing.real(self.timing.idle))
            if self.keeper is not None:
                with suppress(StoreError):      # every second; the queues say so
                    await self.keeper.set()
            try:
                if (jump := watch.jumped()) is not None:
                    meters.CLOCK_JUMPS.count()
                    event(_log, "clock-jumped", logging.WARNING, seconds=round(jump.total_seconds()))
                    await self.store.reset_clock(self.clock(), self.pipeline.settings.crawl.poll.max)
            except StoreError as error:
                event(_log, "store-failed", logging.ERROR, queue="clock", error=error)

    async def _pause(self, queue: Queue) -> float:
        """Seconds until the queue may have something: the next poll, or a look after the idle time."""
        idle = self.timing.real(self.timing.idle)
        if queue.name != "poll":
            return idle
        due = await self.store.next_poll()
        return min(idle, max(0.05, self.timing.real(due - self.clock()))) if due else idle

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
        running: dict[asyncio.Task[None], _InHand] = {}
        stop = asyncio.ensure_future(self.stopping.wait())
        done, soon = 0, 0.0
        try:
            while not self.stopping.is_set():
                self._turned(queue)
                room, now = queue.width - len(running), asyncio.get_running_loop().time()
                if enough := room * _ROOM >= queue.width or now >= soon:
                    running |= await self._claim(queue, room)
                    soon = now + _SOON
                if not running:
                    break
                await self._wait(queue, running, stop, None if enough else _SOON)
                finished = {task for task in running if task.done()}
                for task in finished:
                    del running[task]
                done += len(finished)
                _raise_first(finished)
        except asyncio.CancelledError:
            for task in running:    # a second signal: at once
                task.cancel()
            raise
        finally:
            stop.cancel()
            await self._finish(set(running))
        return done

    def _turned(self, queue: Queue) -> None:
        if queue.name in self.progress:
            self.progress[queue.name].turned = asyncio.get_running_loop().time()

    async def _claim(self, queue: Queue, room: int) -> dict[asyncio.Task[None], _InHand]:
        if room <= 0:
            return {}
        until = self._lease_end()   # as of before the store is asked, which may take its time
        found = [_InHand(item, asyncio.timeout_at(until)) for item in await queue.claim(room)]
        return {asyncio.create_task(self._do(queue, one)): one for one in found}

    def _lease_end(self) -> float:
        return asyncio.get_running_loop().time() + self.timing.real(self.timing.lease)

    async def _wait(
        self, queue: Queue, running: dict[asyncio.Task[None], _InHand], stop: "asyncio.Future[Any]", longest: float | None,
    ) -> None:
        """Until a piece is done or a stop is asked for, or for `longest` seconds; meanwhile the leases of the others are
        renewed."""
        beat = self.timing.real(self.timing.lease) / BEATS
        loop = asyncio.get_running_loop()
        late = [task for task, one in running.items() if (one.bound.when() or 0) - loop.time() < (BEATS - 1) * beat]
        if late:
            await self._renew(queue, running)
        await asyncio.wait({*running, stop}, timeout=beat / 2 if longest is None else longest, return_when=asyncio.FIRST_COMPLETED)

    async def _renew(self, queue: Queue, running: dict[asyncio.Task[None], _InHand]) -> None:
        """What is not renewed, because the store is out of reach, ends with its lease."""
        until = self._lease_end()
        tokens = {one.item.id: one.item.token for one in running.values()}
        try:
            lost = await self.store.renew(queue.name, tokens, self.clock(), self.timing.lease)
        except StoreError as error:
            event(_log, "store-failed", logging.ERROR, queue=queue.name, error=error)
            return
        for task, one in running.items():
            if one.item.id in lost:
                event(_log, "lease-lost", logging.WARNING, queue=queue.name, id=one.item.id)
                task.cancel()
            else:
                one.extend(until)

    async def _finish(self, running: set[asyncio.Task[None]]) -> None:
        """Let what is in flight end by itself; after the grace it is cancelled and its lease brings it back."""
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _do(self, queue: Queue, hand: _InHand) -> None:
        """One piece of work. What goes wrong with it must not end the others."""
        with meters.WORK_SECONDS.timed(queue=queue.name):
            outcome = await self._outcome(queue, hand)
        meters.WORK.count(queue=queue.name, outcome=outcome)
        if outcome == "done" and queue.name in self.progress:
            self.progress[queue.name].done = asyncio.get_running_loop().time()
        for name in queue.feeds:
            self.wake(name)

    async def _outcome(self, queue: Queue, hand: _InHand) -> Literal["done", "failed", "lease_lost"]:
        try:
            async with hand.bound:
                await queue.work(hand.item)
        except TimeoutError as error:
            if not hand.bound.expired():
                event(_log, "work-failed", logging.ERROR, queue=queue.name, error=error)
                return "failed"
            event(_log, "lease-lost", logging.WARNING, queue=queue.name, id=hand.item.id)
            return "lease_lost"
        except LeaseLostError as error:
            event(_log, "lease-lost", logging.WARNING, queue=queue.name, error=error)
            return "lease_lost"
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours on one item: logged, leased, tried again later
            event(_log, "work-failed", logging.ERROR, queue=queue.name, error=error)
            return "failed"
        return "done"


def _raise_first(finished: set[asyncio.Task[None]]) -> None:
    """Every error is asked for, so that asyncio does not complain of the others when the store fails under many tasks."""
    errors = [error for task in finished if not task.cancelled() and (error := task.exception()) is not None]
    if errors:
        raise errors[0]
