"""How soon the command answers, and how soon the daemon asks its first feed, beside an interpreter that does nothing.

    python tests/bench/start.py [--times 7] [--stories 10000]

Wall time, the median of runs in alternation with `python -c pass`. The first poll is the moment at which a feed on loopback
is asked, counted from the start of the process: of a new store, which is made meanwhile, and of one of many stories.
"""

import argparse
import asyncio
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

from figures import Figure, command  # noqa: E402 - beside this file

PATIENCE = 120.0
NOTHING = ("-c", "pass")


def options(parser: argparse.ArgumentParser) -> None:
    """How often, and how many stories are stored."""
    parser.add_argument("--times", type=int, default=7, help="runs of each (default 7)")
    parser.add_argument("--stories", type=int, default=10_000, help="stories of the store that is not new (default 10000)")


def measure(asked: argparse.Namespace) -> Iterator[Figure]:
    """The commands, then the daemon."""
    with tempfile.TemporaryDirectory(prefix="firsthand-start-") as place, closing(_listening()) as feed:
        config = _configured(Path(place), feed)
        yield _figure("firsthand --help", asked.times, lambda: _command("-m", "crawler", "--help"), .2)
        yield _figure("firsthand check", asked.times, lambda: _command("-m", "crawler", "-c", str(config), "check"), .5)
        store = Path(place) / "store.db"
        yield _figure("run until the first poll, new store", asked.times, lambda: _first_poll(config, feed, store, new=True), 3)
        asyncio.run(_fill(store, asked.stories))
        size = store.stat().st_size / 2**20
        yield _figure(f"the same, store of {asked.stories:,} stories ({size:.0f} MiB)", asked.times,
                      lambda: _first_poll(config, feed, store, new=False), 3)


def _figure(what: str, times: int, timed: Callable[[], float], goal: float) -> Figure:
    _command(*NOTHING)
    timed()     # what is compiled and read from the disk once
    pairs = [(timed(), _command(*NOTHING)) for _ in range(times)]
    mine, nothing = (statistics.median(one) for one in zip(*pairs, strict=True))
    return Figure("start", what, 1000 * mine, "ms", 1000 * nothing, "python -c pass", 1000 * goal, at_least=False, absolute=True)


def _command(*arguments: str) -> float:
    """Seconds of a command."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=_environment())
    return time.perf_counter() - began


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _listening() -> socket.socket:
    feed = socket.create_server(("127.0.0.1", 0))
    feed.settimeout(PATIENCE)
    return feed


def _configured(place: Path, feed: socket.socket) -> Path:
    config = place / "firsthand.yaml"
    config.write_text(
        f"store: sqlite:///{place}/store.db\nstate_dir: {place}\ncontact: us@bench.org\nreview: {{listen: '127.0.0.1:0'}}\n"
        f"crawl: {{private_networks: [127.0.0.0/8]}}\nfeeds: [{{url: 'http://127.0.0.1:{feed.getsockname()[1]}/feed'}}]\n")
    return config


def _first_poll(config: Path, feed: socket.socket, store: Path, *, new: bool) -> float:
    """Seconds from the start of the daemon until the feed is asked. The daemon is ended then."""
    for one in store.parent.glob(f"{store.name}*") if new else ():
        one.unlink()
    if not new:
        with closing(sqlite3.connect(store)) as connection, connection:
            connection.execute("UPDATE feeds SET next_poll = 0, retry_after = NULL, lease_until = NULL")
    began = time.perf_counter()
    command: Sequence[str] = (sys.executable, "-m", "crawler", "-c", str(config), "run")
    daemon = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    try:
        feed.accept()[0].close()
        return time.perf_counter() - began
    finally:
        daemon.terminate()
        daemon.wait()


async def _fill(store: Path, stories: int) -> None:
    """`crowd.py`'s stories, in the store that the last daemon has left, opened once so that they are listed."""
    from crowd import fill

    from crawler.adapters.store import open_store

    for one in store.parent.glob(f"{store.name}*"):
        one.unlink()
    opened = await open_store(f"sqlite:///{store}")
    await fill(opened, stories)
    await opened.close()
    await (await open_store(f"sqlite:///{store}")).close()


if __name__ == "__main__":
    command(__doc__, options, measure)
