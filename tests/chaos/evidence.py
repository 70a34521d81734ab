"""What a run leaves behind: the ledger, the journal, the log, the store, and looks at the process while it ran."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ledger import Ledger


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at a running daemon."""

    pid: int
    memory: int             # KiB
    threads: int
    descriptors: int


@dataclass(slots=True)
class Evidence:
    """Everything that a run leaves behind. `every`: feed URL -> its interval; `delay`: real seconds between two starts."""

    ledger: Ledger
    journal: list[dict[str, Any]]
    store: Path
    log: list[dict[str, Any]]
    ended: datetime
    every: dict[str, timedelta]
    delay: float
    per_host: int
    reference: Path | None = None
    samples: list[Sample] = field(default_factory=list)
    survivors: int = 0      # worker processes that outlived their daemon by seconds

    def rows(self, query: str, store: Path | None = None) -> list[sqlite3.Row]:
        """What the store says."""
        with closing(sqlite3.connect(f"file:{store or self.store}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query).fetchall()

    def noted(self, *events: str) -> list[dict[str, Any]]:
        """Lines of the journal."""
        return [line for line in self.journal if line["event"] in events]


def moment(stored: int) -> datetime:
    """A time as the store keeps it."""
    from crawler.adapters.store.columns import Moment

    return Moment().process_result_value(stored, None)  # type: ignore[arg-type,return-value]  # SQLite's, never NULL


def read_lines(path: Path) -> list[dict[str, Any]]:
    """A file of JSON lines; the last one may have been cut off by a kill."""
    found = []
    for line in path.read_text("utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append({"event": "log", "message": line})
    return found
