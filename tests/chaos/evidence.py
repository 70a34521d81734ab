"""What a run leaves behind: the ledger, the journal, the log, the store, and looks at the process while it ran."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ledger import Ledger
from server import Database


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at a running daemon."""

    pid: int
    memory: int             # KiB
    threads: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Spell:
    """What befell workers from outside, in seconds of time.monotonic(): what it was, whom (0: all), from when to when.
    `pid`: which process, where it was one."""

    kind: str
    worker: int
    since: float
    until: float
    pid: int = 0

    def covers(self, worker: int, at: float, after: float = 0.0) -> bool:
        """Whether it befell a worker at a moment, or had done so less than `after` seconds ago."""
        return self.worker in (0, worker) and self.since <= at <= self.until + after


@dataclass(slots=True)
class Evidence:
    """Everything that a run leaves behind. `every`: feed URL -> its interval; `delay`: real seconds between two starts;
    `lease` and `rate`: how long a lease is by the world's clock, and how fast that goes."""

    ledger: Ledger
    journal: list[dict[str, Any]]
    store: Path | Database
    log: list[dict[str, Any]]
    ended: datetime
    every: dict[str, timedelta]
    delay: float
    per_host: int
    lease: timedelta
    rate: float
    reference: Path | None = None
    samples: list[Sample] = field(default_factory=list)
    survivors: int = 0      # worker processes that outlived their daemon by seconds
    spells: list[Spell] = field(default_factory=list)
    strain: float = 1.0     # of the machine: a real second is worth so much less

    def rows(self, query: str, store: Path | Database | None = None) -> list[Any]:
        """What the store says."""
        place = store or self.store
        if isinstance(place, Database):
            return place.rows(query)
        with closing(sqlite3.connect(f"file:{place}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()

    def befallen(self, worker: int, at: float, after: float = 0.0) -> bool:
        """Whether a living worker was out of order at a moment, or had been so less than `after` seconds ago."""
        return any(spell.covers(worker, at, after) for spell in self.spells
                   if spell.kind not in ("killed", "stopped"))

    def noted(self, *events: str) -> list[dict[str, Any]]:
        """Lines of the journal."""
        return [line for line in self.journal if line["event"] in events]


class Tail:
    """Reads a growing file of JSON lines, each line once."""

    def __init__(self, path: Path) -> None:
        self.lines: list[dict[str, Any]] = []
        self._path, self._at, self._rest = path, 0, b""

    def read(self) -> list[dict[str, Any]]:
        """Every line there is by now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._at)
                got = file.read()
            self._at += len(got)
            *whole, self._rest = (self._rest + got).split(b"\n")
            self.lines += [_line(each.decode(errors="replace")) for each in whole]
        return self.lines


def moment(stored: int) -> datetime:
    """A time as the store keeps it."""
    from crawler.adapters.store.columns import Moment

    return Moment().process_result_value(stored, None)  # type: ignore[arg-type,return-value]  # SQLite's, never NULL


def read_lines(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines; the last one may have been cut off by a kill."""
    return [_line(line) for line in path.read_text("utf-8", errors="replace").splitlines()] if path.exists() else []


def _line(text: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"event": "log", "message": text}
    return found
