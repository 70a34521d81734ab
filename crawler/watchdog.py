"""How long the event loop is held: one slow step delays every request, lease and signal of the process.

The loop sets a mark every TICK. A thread looks at it, and where it is overdue notes what the loop is doing at that
moment, which afterwards nobody could tell. A machine that is busy delays the loop as well; `held` counts a delay only as
far as the loop's own thread computed meanwhile, and so tells one from the other.
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from crawler import meters
from crawler.log import event

TICK = 0.05        # seconds
HELD = 0.1         # seconds: longer is a fault of ours, and is logged
_QUIET = 60.0      # seconds between two log lines about it

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watchdog:
    """Measures while `watching`; the figures are of the whole time, in seconds."""

    lag: float = 0.0                  # the longest delay of a step, whatever delayed it
    held: float = 0.0                 # the longest step, in processor time of the loop's thread
    where: str = ""                   # what the loop was doing in the longest delay that was looked into
    _loop: asyncio.AbstractEventLoop | None = None
    _handle: asyncio.TimerHandle | None = None
    _due: float = 0.0
    _used: float = 0.0
    _seen: str = ""
    _said: float = float("-inf")
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watching(self) -> Iterator["Watchdog"]:
        """Watch the running loop, from its own thread."""
        self._loop = asyncio.get_running_loop()
        self._mark()
        thread = threading.Thread(target=self._look, args=(threading.get_ident(),), name="watchdog", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            if self._handle is not None:
                self._handle.cancel()
            thread.join()

    def _mark(self) -> None:
        assert self._loop is not None
        self._due = time.monotonic() + TICK
        self._used = time.thread_time()
        self._handle = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        lag = max(0.0, time.monotonic() - self._due)
        held = min(lag, time.thread_time() - self._used)   # many short steps use time too, but delay nothing
        meters.LOOP_LAG.set(lag)
        meters.LOOP_LAG_MAX.set(max(lag, self.lag))
        meters.LOOP_HELD_MAX.set(max(held, self.held))
        if held > HELD:
            self._report(lag, held)
        if lag >= self.lag:
            self.lag, self.where = lag, self._seen or self.where
        self.held = max(held, self.held)
        self._seen = ""
        self._mark()

    def _report(self, lag: float, held: float) -> None:
        meters.LOOP_HELD.count()
        now = time.monotonic()
        if now - self._said > _QUIET:
            self._said = now
            event(_log, "loop-held", logging.WARNING, seconds=round(held, 3), delay=round(lag, 3), at=self._seen or None)

    def _look(self, loop_thread: int) -> None:
        while not self._over.wait(TICK):
            if not self._seen and time.monotonic() - self._due > HELD / 2:
                self._seen = _place(sys._current_frames().get(loop_thread))  # noqa: SLF001 - the documented way


def _place(frame: FrameType | None) -> str:
    """The innermost of our own lines that a thread is in, and the innermost of all."""
    first = frame
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("crawler."):
        frame = frame.f_back
    lines = [f"{one.f_globals.get('__name__', '?')}:{one.f_lineno}" for one in (frame, first) if one is not None]
    return " in ".join(dict.fromkeys(lines))
