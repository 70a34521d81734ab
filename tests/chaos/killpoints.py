"""Kill points and a journal, put around the product's functions from outside.

The journal is a file of JSON lines that survives SIGKILL: what was claimed, what was committed, where the process died.
A line is written after the fact that it states; a kill between the two leaves the fact unstated, never the reverse.
"""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

METHODS = ("sync_feeds", "claim_feeds", "finish_poll", "save_robots", "claim_sightings", "attach", "save_article",
           "fail_sighting", "want_page", "claim_unjudged", "set_dropped", "put_keys", "save_matches", "save_stories",
           "save_rewordings", "finish_judging", "prune")
FETCHES = ("feed", "page", "robots")

POINTS = (
    "after:claim_feeds", "fetched:feed", "inside:finish_poll with entries", "after:finish_poll", "before:finish_judging",
    "inside:bring_up", "inside:sync_feeds", "after:claim_sightings", "fetched:page", "fetched:robots",
    "inside:save_article", "after:save_article", "after:attach", "after:fail_sighting", "after:claim_unjudged",
    "inside:put_keys", "after:put_keys", "inside:save_matches", "after:save_matches", "inside:save_stories",
    "after:save_stories", "after:want_page", "inside:finish_judging", "after:finish_judging", "after:save_robots",
)
"""MOMENT:WHAT. `inside` is in the transaction, its statements done, its commit not."""

_METHOD: ContextVar[str] = ContextVar("method", default="")


@dataclass(slots=True)
class Journal:
    """Appends to the file of a run."""

    path: Path
    clock: Callable[[], datetime]
    _handle: int = -1

    def note(self, event: str, **fields: Any) -> None:
        """One line, in one write."""
        if self._handle < 0:
            self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        line = {"event": event, "pid": os.getpid(), "mono": time.monotonic(), "at": self.clock().isoformat(), **fields}
        os.write(self._handle, json.dumps(line).encode() + b"\n")


@dataclass(slots=True)
class _Killer:
    """Ends this process at the `nth` passage of a point."""

    journal: Journal
    point: str = ""
    nth: int = 1
    passed: Counter[str] = field(default_factory=Counter)

    def at(self, point: str) -> None:
        self.passed[point] += 1
        if point == self.point and self.passed[point] == self.nth:
            self.journal.note("killed", point=point)
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)


def watch(journal: Journal, kill: Sequence[Any] | None) -> None:
    """Put the journal and, where `kill` = (point, nth) is given, the kill point around the store and the fetcher."""
    from crawler.adapters import store
    from crawler.adapters.http import HttpFetcher
    from crawler.adapters.store.sqlite import Sqlite
    from crawler.pipeline import Pipeline

    killer = _Killer(journal, *(kill or ()))
    for name in METHODS:
        setattr(store.SqlStore, name, _around(getattr(store.SqlStore, name), name, killer))
    store.bring_up = _named(store.bring_up, "bring_up")  # type: ignore[attr-defined]  # as `open_store` sees it
    Pipeline.collect = _collecting(Pipeline.collect, killer)  # type: ignore[method-assign]  # around
    HttpFetcher.get = _fetching(HttpFetcher.get, killer)  # type: ignore[method-assign]  # around
    Sqlite.writing = _writing(Sqlite.writing, killer)  # type: ignore[method-assign]  # around


def _named(function: Callable[..., Awaitable[Any]], name: str) -> Any:
    @wraps(function)
    async def run(*args: Any, **named: Any) -> Any:
        token = _METHOD.set(name)
        try:
            return await function(*args, **named)
        finally:
            _METHOD.reset(token)
    return run


def _around(function: Callable[..., Awaitable[Any]], name: str, killer: _Killer) -> Any:
    inner, with_entries = _named(function, name), _named(function, f"{name} with entries")

    @wraps(function)
    async def run(self: Any, *args: Any, **named: Any) -> Any:
        killer.at(f"before:{name}")
        now = killer.journal.clock()
        found = await (with_entries if name == "finish_poll" and args[2] else inner)(self, *args, **named)
        for event, fields in _facts(name, args, found):
            killer.journal.note(event, began=now.isoformat(), **fields)
        if found or not name.startswith("claim_"):
            killer.at(f"after:{name}")
        return found
    return run


def _facts(name: str, args: Sequence[Any], found: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a store method has committed, in words of the journal."""
    match name:
        case "claim_feeds":
            return [("claimed-feed", {"url": each.url, "now": args[0].isoformat()}) for each in found]
        case "finish_poll":
            feed, state = args[:2]
            return [("polled", {"url": feed.url, "reason": state.reason})]
        case "fail_sighting":
            return [("page-failed", {"url": _link(args[0]), "reason": args[1]})]
        case "claim_sightings":
            return [("claimed-page", {"url": _link(each), "now": args[0].isoformat()}) for each in found]
        case "claim_unjudged":
            return [("claimed-article", {"id": each.article.id}) for each in found]
        case "save_article":
            return [("stored", {"url": _link(args[1]), "outcome": found.outcome})]
        case "attach":
            return [("attached", {"url": _link(args[0])})]
        case "finish_judging":
            return [("judged", {"id": args[0].article.id})]
    return []


def _link(sighting: Any) -> str:
    """The address that is requested."""
    return str(sighting.entry.link or sighting.url)


def _collecting(collect: Callable[..., Awaitable[Any]], killer: _Killer) -> Any:
    @wraps(collect)
    async def run(self: Any, sighting: Any) -> Any:
        try:
            return await collect(self, sighting)
        except asyncio.CancelledError:      # its lease was lost, or the daemon stops
            killer.journal.note("cancelled", url=_link(sighting))
            raise
    return run


def _fetching(get: Callable[..., Awaitable[Any]], killer: _Killer) -> Any:
    @wraps(get)
    async def run(self: Any, request: Any) -> Any:
        outcome = await get(self, request)
        killer.at(f"fetched:{request.kind}")
        return outcome
    return run


def _writing(writing: Any, killer: _Killer) -> Any:
    @asynccontextmanager
    async def run(self: Any) -> Any:
        async with writing(self) as connection:
            yield connection
            killer.at(f"inside:{_METHOD.get()}")
    return run

