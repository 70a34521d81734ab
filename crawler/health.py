"""Whether the daemon is well: one answer for /healthz, /readyz, /metrics, `status --json` and systemd's watchdog.

Alive is a process whose event loop turns, and in it the keepers of its queues: one that is not is helped by a restart alone.
Ready is one that does its work as well: the store answers, the workers run, and of what waits something gets done.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from crawler import meters
from crawler.daemon import Daemon
from crawler.errors import StoreError
from crawler.ports import Backlog, Clock, Counts, Pool, Store

STUCK = 300.0            # seconds in which a keeper goes round at least once: it waits 10 s at most, a locked database 30
IDLE = 900.0             # seconds in which some piece of work is done where some wait: a page may be asked for in 5 minutes
_PATIENCE = 5.0          # seconds for the store to say what waits
_COUNTED = 60.0          # seconds for which what is stored is not counted again: that reads the indexes through
_WAITING = {"poll": "feeds_due", "collect": "entries", "judge": "unjudged"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold, and why it does not."""

    name: str
    ok: bool
    why: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "ok": self.ok, "why": self.why}


@dataclass(slots=True)
class Health:
    """Of this process: with a daemon and its workers, or of the page alone, without."""

    store: Store
    clock: Clock
    daemon: Daemon | None = None
    pool: Pool | None = None
    _counted: float = field(default=float("-inf"))

    def alive(self) -> tuple[bool, dict[str, Any]]:
        """For /healthz and the watchdog: whether what must turn turns. Asks nobody, and so never waits."""
        checks = [Check("loop", ok=True), *self._turning()]
        return _answer(checks)

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """For /readyz: each check with its reason. Answers within seconds, whatever the store does; raises nothing."""
        store, backlog = await self._look()
        checks = [self._running(), store, self._workers(), *self._working(backlog)]
        for check in checks:
            meters.CHECKS.set(check.ok, check=check.name)
        return _answer(checks)

    async def refresh(self) -> None:
        """Set the gauges of what is true just now, before `metrics.render`. Raises nothing."""
        await self.ready()
        now = asyncio.get_running_loop().time()
        if now - self._counted >= _COUNTED:
            self._counted = now
            try:
                async with asyncio.timeout(_PATIENCE):
                    _hold(await self.store.counts(self.clock()))
            except (StoreError, TimeoutError):
                self._counted = float("-inf")   # as it was said last, and asked again at once

    async def _look(self) -> tuple[Check, Backlog | None]:
        try:
            async with asyncio.timeout(_PATIENCE):
                backlog = await self.store.backlog(self.clock())
        except StoreError as error:
            return Check("store", ok=False, why=str(error)), None
        except TimeoutError:
            return Check("store", ok=False, why=f"no answer within {_PATIENCE:.0f} s"), None
        for queue, count in _lengths(backlog).items():
            meters.QUEUE.set(count, queue=queue)
        return Check("store", ok=True), backlog

    def _running(self) -> Check:
        if self.daemon is None:
            return Check("daemon", ok=True, why="this process serves the page alone")
        if self.daemon.stopping.is_set():
            return Check("daemon", ok=False, why="it is stopping")
        return Check("daemon", ok=bool(self.daemon.progress), why="" if self.daemon.progress else "it is starting")

    def _workers(self) -> Check:
        why = self.pool.running() if self.pool is not None else None
        return Check("workers", ok=why is None, why=why or "")

    def _turning(self) -> Iterator[Check]:
        now = asyncio.get_running_loop().time()
        for name, queue in (self.daemon.progress if self.daemon is not None else {}).items():
            stuck = now - queue.turned > STUCK
            yield Check(name, ok=not stuck, why=f"its keeper has stood still for {_span(now - queue.turned)}" if stuck else "")

    def _working(self, backlog: Backlog | None) -> Iterator[Check]:
        now = asyncio.get_running_loop().time()
        progress = self.daemon.progress if self.daemon is not None else {}
        for check in self._turning():
            waiting = _lengths(backlog).get(_WAITING.get(check.name, ""), 0) if backlog is not None else 0
            idle = now - progress[check.name].done
            if check.ok and waiting and idle > IDLE:
                yield Check(check.name, ok=False, why=f"{waiting} wait, and none was done for {_span(idle)}")
            else:
                yield check


def _answer(checks: list[Check]) -> tuple[bool, dict[str, Any]]:
    ok = all(check.ok for check in checks)
    return ok, {"ok": ok, "pid": os.getpid(), "checks": [check.told() for check in checks]}


def _lengths(backlog: Backlog) -> dict[str, int]:
    return {"feeds_due": backlog.feeds_due, "entries": backlog.entries, "unjudged": backlog.unjudged}


def _hold(counts: Counts) -> None:
    for what in ("feeds", "failing", "articles", "stories", "copies", "undecided"):
        meters.HOLDINGS.set(getattr(counts, what), what=what)


def _span(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
