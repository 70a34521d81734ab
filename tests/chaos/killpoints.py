"""Kill points and a journal, put around the product's functions from outside.

The journal is a file of JSON lines that survives SIGKILL: what was claimed, what was committed, where the process died.
A line is written after the fact that it states; a kill between the two leaves the fact unstated, never the reverse. Only
`ending` is written before: from then on the claim that it names may have ended.

`since` and `inside` of a line are when its method began, and when its statements were done and only the commit was left.
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
from typing import Any, Literal

METHODS = ("sync_feeds", "claim_feeds", "finish_poll", "save_robots", "claim_sightings", "attach", "save_article",
           "fail_sighting", "postpone", "want_page", "claim_unjudged", "put_keys", "save_matches",
           "save_stories", "finish_judging", "renew", "prune")
FETCHES = ("feed", "page", "robots")

POINTS = (
    "after:claim_feeds", "fetched:feed", "inside:finish_poll with entries", "after:finish_poll", "before:finish_judging",
    "inside:bring_up", "inside:sync_feeds", "after:claim_sightings", "fetched:page", "fetched:robots",
    "inside:save_article", "after:save_article", "after:attach", "after:fail_sighting", "after:claim_unjudged",
    "inside:put_keys", "after:put_keys", "inside:save_matches", "after:save_matches", "inside:save_stories",
    "after:save_stories", "after:want_page", "inside:finish_judging", "after:finish_judging", "after:save_robots",
)
"""MOMENT:WHAT. `inside` is in the transaction, its statements done, its commit not."""

_METHOD: ContextVar["_Passage"] = ContextVar("method")


@dataclass(slots=True)
class _Passage:
    """A call of a store method."""

    name: str
    inside: float | None = None


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
    """Ends this process at the `nth` passage of a point, or freezes it there."""

    journal: Journal
    point: str = ""
    nth: int = 1
    act: Literal["killed", "frozen"] = "killed"
    passed: Counter[str] = field(default_factory=Counter)

    def arm(self, file: Path) -> None:
        """From now on the passages of the point that stands in the file are counted."""
        self.point, self.nth, self.act = json.loads(file.read_text())
        self.passed.clear()

    def at(self, point: str) -> None:
        self.passed[point] += 1
        if point != self.point or self.passed[point] != self.nth:
            return
        self.point = ""
        self.journal.note(self.act, point=point)
        if self.act == "frozen":
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)


def watch(journal: Journal, kill: Sequence[Any] | None, arm: str | None = None) -> None:
    """Put the journal and the kill point around the store and the fetcher. `kill` = (point, nth); `arm`: a file that
    says which one, read when SIGUSR1 comes."""
    from crawler.adapters import store
    from crawler.adapters.http import HttpFetcher
    from crawler.adapters.store.postgres import Postgres
    from crawler.adapters.store.sqlite import Sqlite
    from crawler.pipeline import Pipeline

    killer = _Killer(journal, *(kill or ()))
    if arm is not None:
        signal.signal(signal.SIGUSR1, lambda *_: killer.arm(Path(arm)))
    for name in METHODS:
        setattr(store.SqlStore, name, _around(getattr(store.SqlStore, name), name, killer))
    store.bring_up = _named(store.bring_up, "bring_up")  # type: ignore[attr-defined]  # as `open_store` sees it
    Pipeline.collect = _collecting(Pipeline.collect, killer)  # type: ignore[method-assign]  # around
    HttpFetcher.get = _fetching(HttpFetcher.get, killer)  # type: ignore[method-assign]  # around
    for backend in (Sqlite, Postgres):
        backend.write = _writing(backend.write, killer)  # type: ignore[method-assign]  # around
        backend.electing = _electing(backend.electing, killer)  # type: ignore[method-assign]  # around


def _named(function: Callable[..., Awaitable[Any]], name: str) -> Any:
    @wraps(function)
    async def run(*args: Any, **named: Any) -> Any:
        token = _METHOD.set(_Passage(name))
        try:
            return await function(*args, **named)
        finally:
            _METHOD.reset(token)
    return run


def _around(function: Callable[..., Awaitable[Any]], name: str, killer: _Killer) -> Any:
    @wraps(function)
    async def run(self: Any, *args: Any, **named: Any) -> Any:
        killer.at(f"before:{name}")
        now, since = killer.journal.clock(), time.monotonic()
        if name in ENDING:
            killer.journal.note("ending", **_claim(name, args))
        passage = _Passage("finish_poll with entries" if name == "finish_poll" and args[2] else name)
        token = _METHOD.set(passage)
        try:
            found = await function(self, *args, **named)
        finally:
            _METHOD.reset(token)
        for event, fields in _facts(name, args, found):
            killer.journal.note(event, began=now.isoformat(), since=since, inside=passage.inside, **fields)
        if found or not name.startswith("claim_"):
            killer.at(f"after:{name}")
        return found
    return run


ENDING = {"finish_poll": "poll", "fail_sighting": "collect", "postpone": "collect", "attach": "collect",
          "save_article": "collect", "finish_judging": "judge"}
"""Methods with which a claim ends -> its queue."""


def _claim(name: str, args: Sequence[Any]) -> dict[str, Any]:
    """Which claim a call ends; no id where it ends none."""
    claimed = args[1] if name == "save_article" else args[0]
    if claimed is None:
        return {"queue": ENDING[name], "id": None, "token": None}
    id_ = claimed.article.id if name == "finish_judging" else claimed.id
    return {"queue": ENDING[name], "id": id_, "token": claimed.token}


def _facts(name: str, args: Sequence[Any], found: Any) -> list[tuple[str, dict[str, Any]]]:
    """What a store method has committed, in words of the journal."""
    match name:
        case "claim_feeds":
            return [("claimed-feed", _taken("poll", each.id, each, args[0]) | {"url": each.url}) for each in found]
        case "claim_sightings":
            return [("claimed-page", _taken("collect", each.id, each, args[0]) | {"url": _link(each)}) for each in found]
        case "claim_unjudged":
            return [("claimed-article", _taken("judge", each.article.id, each, args[0])) for each in found]
        case "renew":
            return [("renewed", {"queue": args[0], "id": id_, "token": token, "now": args[2].isoformat()})
                    for id_, token in args[1].items() if id_ not in found]
        case "save_robots":
            return [("heard", {"host": args[0].host})]
    return [(event, _claim(name, args) | fields) for event, fields in _ends(name, args, found)]


def _taken(queue: str, id_: Any, claimed: Any, now: datetime) -> dict[str, Any]:
    return {"queue": queue, "id": id_, "token": claimed.token, "now": now.isoformat()}


def _ends(name: str, args: Sequence[Any], found: Any) -> list[tuple[str, dict[str, Any]]]:
    match name:
        case "finish_poll":
            return [("polled", {"url": args[0].url, "reason": args[1].reason})]
        case "fail_sighting":
            return [("page-failed", {"url": _link(args[0]), "reason": args[1]})]
        case "postpone":
            return [("postponed", {"url": _link(args[0])})]
        case "attach":
            return [("attached", {"url": _link(args[0])})]
        case "save_article" if args[1] is not None:
            return [("stored", {"url": _link(args[1]), "outcome": found.outcome})]
        case "finish_judging":
            return [("judged", {})]
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


def _writing(write: Any, killer: _Killer) -> Any:
    async def run(self: Any, work: Any, **named: Any) -> Any:
        async def watched(connection: Any) -> Any:
            found = await work(connection)
            passage = _METHOD.get(None)
            if passage is not None:
                passage.inside = time.monotonic()
            killer.at(f"inside:{passage.name if passage is not None else ''}")
            return found

        return await write(self, watched, **named)
    return run


def _electing(electing: Any, killer: _Killer) -> Any:
    @asynccontextmanager
    async def run(self: Any, *args: Any, **named: Any) -> Any:
        async with electing(self, *args, **named) as found:
            killer.at("inside:electing")
            yield found
    return run
