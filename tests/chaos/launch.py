"""The driver's side of `daemon.py`: start it, kill it, look at it."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal, Self

from evidence import Sample

ROOT = Path(__file__).parents[2]


@dataclass(slots=True, eq=False)
class Daemon:
    """One start. `ended` becomes its exit status, negative for a signal."""

    pid: int
    launcher: "Launcher"
    ended: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def signal(self, number: int) -> None:
        """Have it sent a signal by its parent, who alone knows whether the pid is still its own."""
        self.launcher.order({"signal": [self.pid, int(number)]})

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)

    def frozen(self) -> bool:
        """Whether it has been stopped by SIGSTOP."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    def look(self) -> Sample | None:
        """Its memory, threads and descriptors; None where it has ended."""
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
            if "VmRSS" not in status:
                return None
            return Sample(self.pid, int(status["VmRSS"].split()[0]), int(status["Threads"]),
                          len(os.listdir(f"/proc/{self.pid}/fd")))
        except OSError:
            return None


class Launcher:
    """A process that starts daemons. `workers`: how their worker processes begin."""

    def __init__(self, workers: Literal["forkserver", "spawn"] = "forkserver") -> None:
        self.workers = workers
        self._process: asyncio.subprocess.Process | None = None
        self._alive: dict[int, Daemon] = {}
        self._started: asyncio.Queue[Daemon | None] = asyncio.Queue()
        self._turn = asyncio.Lock()
        # Workers say that their daemon is dead: of interest only where the launcher ends.
        self._said = TemporaryFile()  # noqa: SIM115 - closed at the end
        self.forkserver = 0

    async def __aenter__(self) -> Self:
        path = os.pathsep.join((str(ROOT), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")))
        self._process = await asyncio.create_subprocess_exec(
            # Of those that are killed the tracker of semaphores cleans up, and says so.
            sys.executable, "-Wignore::UserWarning:multiprocessing.resource_tracker", str(Path(__file__).with_name("daemon.py")), self.workers, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=self._said, env={**os.environ, "PYTHONPATH": path})
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reader
        self._said.close()

    async def start(self, order: dict[str, Any]) -> Daemon:
        """Start a daemon."""
        async with self._turn:
            self.order({"start": {**order, "workers": self.workers}})
            daemon = await self._started.get()
        if daemon is None:
            self._said.seek(0)
            raise RuntimeError(f"the launcher has ended: {self._said.read().decode(errors='replace')[-2000:]}")
        return daemon

    def order(self, order: dict[str, Any]) -> None:
        """Tell the launcher something."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def orphans(self, patience: float = 10) -> int:
        """Worker processes that still run, though no daemon does; 0 as well while one does, or none can be counted."""
        children = Path(f"/proc/{self.forkserver}/task/{self.forkserver}/children")
        until = asyncio.get_running_loop().time() + patience
        while not self._alive and self.forkserver and children.exists():
            number = len(children.read_text().split())
            if not number or asyncio.get_running_loop().time() > until:
                return number
            await asyncio.sleep(0.1)
        return 0

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "started" in said:
                daemon = self._alive[said["started"]] = Daemon(said["started"], self)
                self._started.put_nowait(daemon)
            elif "ended" in said:
                self._alive.pop(said["ended"]).ended.set_result(said["status"])
            else:
                self.forkserver = said["forkserver"]
        self._started.put_nowait(None)
