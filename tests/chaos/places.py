"""One worker of several: its place outlasts the processes that fill it."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from launch import Daemon
from proxy import Proxy


@dataclass(slots=True, eq=False)
class Worker:
    """One place in the crew, and the process that fills it."""

    number: int
    proxy: Proxy
    folder: Path
    starts: int = 0
    daemon: Daemon | None = None
    doomed: bool = False        # it is about to be killed
    troubled: bool = False      # it is frozen or cut off

    @property
    def pid(self) -> int:
        """Of the process that runs; 0 where none does."""
        return 0 if self.daemon is None or self.daemon.ended.done() else self.daemon.pid

    @property
    def is_frozen(self) -> bool:
        """Whether it has been stopped by SIGSTOP."""
        return self.daemon is not None and self.daemon.frozen()

    def arm(self, point: str, nth: int, act: Literal["killed", "frozen"]) -> None:
        """From now on the `nth` passage of a point ends or freezes it; none does where that has no name."""
        if self.daemon is not None:
            (self.folder / "arm.json").write_text(json.dumps([point, nth, act]))
            self.daemon.signal(signal.SIGUSR1)
