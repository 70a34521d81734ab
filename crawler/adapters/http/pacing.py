"""Who may start a request when: so many at once, so many at a host, and a pause between two starts at a host.

A host is in one place at a time: `ready` (may start now, in the order in which they became ready), `later` (a heap by the
time of the next start), or nowhere (nothing waits, or as many as allowed are running). A request takes its global slot
and its start at the host in the same instant, so that a slow host holds no slot and no two starts come closer than the
delay. Runs on the event loop's clock with one timer; nothing is polled.
"""

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count

# Delays that hosts asked for are kept when the host falls idle, for this many hosts.
_DELAYS_KEPT = 10_000


class _Host:
    """What is known of a host while something runs, waits, or a pause after a start lasts."""

    __slots__ = ("active", "last", "name", "placed", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.active = 0
        self.last = float("-inf")   # start, in the loop's time
        self.placed = False         # in `ready` or `later`
        self.waiting: deque[asyncio.Future[None]] = deque()


class Pacer:
    """Hands out turns. `delay` in seconds between two starts at one host."""

    def __init__(self, concurrency: int, per_host: int, delay: float) -> None:
        self._free = concurrency
        self._per_host = per_host
        self._delay = delay
        self._delays: OrderedDict[str, float] = OrderedDict()
        self._began = float("inf")  # the first request of this process, in the loop's time
        self._hosts: dict[str, _Host] = {}
        self._ready: deque[_Host] = deque()
        self._later: list[tuple[float, int, _Host]] = []
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many hosts are remembered."""
        return len(self._hosts)

    def set_delay(self, name: str, delay: float) -> None:
        """The delay between starts that a host asks for; the configured one is the least. It counts from the first
        request of the process at the earliest."""
        self._delays.pop(name, None)
        if delay > self._delay:
            self._delays[name] = delay
            if len(self._delays) > _DELAYS_KEPT:
                self._delays.popitem(last=False)

    def delay(self, name: str) -> float:
        """The delay between starts at a host."""
        return self._delays.get(name, self._delay)

    @asynccontextmanager
    async def turn(self, name: str, *, ahead: bool = False) -> AsyncIterator[None]:
        """Wait for a turn at a host, and hold it. `ahead` of those that wait there: the next hop of a redirect."""
        self._began = min(self._began, asyncio.get_running_loop().time())
        host = self._hosts.setdefault(name, _Host(name))
        start = asyncio.get_running_loop().create_future()
        if ahead:
            host.waiting.appendleft(start)
        else:
            host.waiting.append(start)
        self._place(host)
        self._dispatch()
        try:
            await start
        except asyncio.CancelledError:
            self._withdraw(host, start)
            raise
        try:
            yield
        finally:
            self._end(host)

    @contextmanager
    def lending(self) -> Iterator[None]:
        """Whoever holds a turn waits for something else: its global slot is others' meanwhile. It takes it back at once, so
        that for a moment more may run than slots there are; then nobody starts until they have ended."""
        self._free += 1
        self._dispatch()
        try:
            yield
        finally:
            self._free -= 1

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _withdraw(self, host: _Host, start: "asyncio.Future[None]") -> None:
        if start.done() and not start.cancelled():  # the turn had been given in the same round of the loop
            self._end(host)
            return
        with suppress(ValueError):  # `_start` has passed over it
            host.waiting.remove(start)
        self._place(host)
        self._dispatch()

    def _end(self, host: _Host) -> None:
        host.active -= 1
        self._free += 1
        self._place(host)
        self._dispatch()

    def _due(self, host: _Host) -> float:
        asked = self._delays.get(host.name)
        # A process before this one may have asked the host a moment ago: what the host itself asks for holds over restarts.
        return host.last + self._delay if asked is None else max(host.last, self._began) + asked

    def _place(self, host: _Host) -> None:
        """Put a host where it belongs; forget one that is idle and rested."""
        if host.placed or host.active >= self._per_host:
            return
        now, due = asyncio.get_running_loop().time(), self._due(host)
        if due > now and (host.waiting or not host.active):
            host.placed = True
            heapq.heappush(self._later, (due, next(self._order), host))
        elif host.waiting:
            host.placed = True
            self._ready.append(host)
        elif not host.active:
            self._hosts.pop(host.name, None)

    def _dispatch(self) -> None:
        """Start whatever may start now, and set the timer for what may start next."""
        now = asyncio.get_running_loop().time()
        while self._later and self._later[0][0] <= now:
            host = heapq.heappop(self._later)[2]
            host.placed = False
            self._place(host)
        while self._free > 0 and self._ready:
            host = self._ready.popleft()
            host.placed = False
            if host.active < self._per_host and host.waiting and self._due(host) <= now:
                self._start(host, now)
            self._place(host)
        self._set_timer()

    def _start(self, host: _Host, now: float) -> None:
        while host.waiting:
            start = host.waiting.popleft()
            if not start.done():
                start.set_result(None)
                host.active += 1
                host.last = now
                self._free -= 1
                return

    def _set_timer(self) -> None:
        if self._timer is not None and self._later and self._timer.when() == self._later[0][0]:
            return
        self.close()
        if self._later:
            self._timer = asyncio.get_running_loop().call_at(self._later[0][0], self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._dispatch()
