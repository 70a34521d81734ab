"""The whole way of an article, from the poll of its feed to the commit of what was judged, against bare extraction.

    python tests/bench/pipeline.py [--pages FOLDER]     a folder of saved pages; without it, the invented news world's

Firsthand is `firsthand run` over an empty SQLite store with a process for parsing on each processor; the pages are dealt
to 40 hosts on loopback, with one feed each. The limit is what must happen and nothing else: trafilatura with the options
that Firsthand uses, over the same bytes, in as many processes. What counts is the time from the first feed's answer to
the moment when nothing waits any more. The start of the processes is a row of its own: on either side each has read some
pages, which are no part of the others, before the clock runs.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from figures import Figure, command  # noqa: E402 - after the path
from sites import pages, serving, strange  # noqa: E402

HOSTS = 40
WARMING = 16        # pages a process before the clock runs: each must get one, whichever has started first
PATIENCE = 900.0    # seconds


def bare(body: bytes) -> int:
    """Trafilatura with the shipped options, and balanced again where that is short; how many characters it found."""
    from trafilatura import extract
    from trafilatura.utils import load_html

    from crawler.core.extract.body import MUCH_LONGER, SHORT

    tree = load_html(body)
    if tree is None:
        return 0
    text = extract(tree, include_comments=False, favor_precision=True) or ""
    if len(text) < SHORT:
        fuller = extract(tree, include_comments=False) or ""
        text = fuller if len(fuller) > MUCH_LONGER * len(text) else text
    return len(text)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: how long it took, and processor seconds by process, of its start and of its work."""

    seconds: float
    starting: dict[str, float]
    working: dict[str, float]


def limit(held: dict[str, bytes], processes: int) -> Side:
    """All pages in so many warmed processes."""
    bodies = sorted(held.values(), key=len, reverse=True)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(bare, list(strange(WARMING * processes).values()), chunksize=1)
        warmed, began = spent(os.getpid()), time.perf_counter()
        pool.map(bare, bodies, chunksize=1)
        return Side(time.perf_counter() - began, warmed, _between(warmed, spent(os.getpid())))


def crawl(feeds: list[str], processes: int, folder: Path) -> tuple[Side, int]:
    """From the first answer until nothing waits, and how many articles were stored. The first feed is there from the start."""
    first = feeds[0]
    store, config, whole = folder / "firsthand.db", folder / "firsthand.yaml", folder / "whole.yaml"
    for path, listed in ((config, [first]), (whole, feeds)):
        path.write_text(
            f"store: sqlite:///{store}\nstate_dir: {folder}\nreview: {{listen: null}}\nextract: {{workers: {processes}}}\n"
            "crawl: {private_networks: [127.0.0.0/8], per_host: {concurrency: 4, delay: 0s}, follow_attribution: false}\n"
            f"feeds: {json.dumps(listed)}\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "crawler", "-c", str(config), "run"], cwd=ROOT, stderr=log)
    try:
        _until(store, IDLE, process)
        warmed, few = spent(process.pid), _count(store)
        asyncio.run(_list(whole))
        began = _until(store, f"SELECT count(*) FROM feeds WHERE {ANSWERED} AND url <> '{first}'", process)
        _until(store, f"{IDLE} AND NOT EXISTS (SELECT 1 FROM feeds WHERE NOT {ANSWERED})", process)
        took = time.perf_counter() - began
        return Side(took, warmed, _between(warmed, spent(process.pid))), _count(store) - few
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


ANSWERED = "(json_extract(state, '$.last_success') IS NOT NULL)"
IDLE = ("SELECT NOT EXISTS (SELECT 1 FROM sightings WHERE state = 'waiting' AND attempts = 0)"
        " AND NOT EXISTS (SELECT 1 FROM articles WHERE unjudged)"
        " AND (SELECT count(*) FROM sightings) > 0 AND (SELECT count(*) FROM feeds WHERE next_poll < {now}) = 0")


async def _list(config: Path) -> None:
    """Make the feeds in the store those of a configuration, under the daemon."""
    from crawler.adapters.store import open_store
    from crawler.config import load
    from crawler.sources import Sources

    settings = load(config, os.environ).settings
    store, sources = await open_store(settings.store), Sources(settings)
    try:
        await store.sync_feeds([(feed, sources.of_feed(feed)) for feed in settings.feeds], datetime.now(UTC),
                               settings.crawl.poll.max)
    finally:
        await store.close()


def _count(store: Path) -> int:
    with closing(sqlite3.connect(store)) as found:
        (count,) = found.execute("SELECT count(*) FROM articles").fetchone()
    return int(count)


def _between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _until(store: Path, question: str, process: "subprocess.Popen[bytes]") -> float:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
        if not store.exists():
            continue
        asked = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        try:
            if asked.execute(question.replace("{now}", str(int(time.time() * 1e6)))).fetchone()[0]:
                return time.perf_counter()
        except sqlite3.OperationalError:
            pass    # not made yet
        finally:
            asked.close()
    raise SystemExit(f"firsthand does not come to an end; see {store.parent}")


def spent(pid: int) -> dict[str, float]:
    """Processor seconds so far of a process, and of its children together."""
    tick = os.sysconf("SC_CLK_TCK")

    def of(one: int) -> float:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / tick

    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {"main": of(pid), "workers": sum(of(int(child)) for child in children)}


def options(parser: argparse.ArgumentParser) -> None:
    """What may be asked of this benchmark."""
    parser.add_argument("--pages", type=Path, help="a folder of saved pages (*.html, *.html.gz)")
    parser.add_argument("--rounds", type=int, default=3, help="of limit and crawl in alternation (default 3)")


def measure(asked: argparse.Namespace) -> Iterator[Figure]:
    """Articles a second beside the limit, and what each process spends on one."""
    held, processes = pages(asked.pages), len(os.sched_getaffinity(0))
    rounds = []
    for _ in range(asked.rounds):
        bound = limit(held, processes)
        with (tempfile.TemporaryDirectory(prefix="firsthand-bench-") as folder,
              serving(asked.pages, HOSTS, WARMING * processes) as feeds):
            side, count = crawl(feeds, processes, Path(folder))
        rounds.append((side.seconds / count * len(held) / bound.seconds, bound, side, count))
        print(f"{count} articles in {side.seconds:.1f} s, {count / side.seconds:.1f}/s; limit {len(held) / bound.seconds:.1f}/s; "
              + ", ".join(f"{name} {1000 * spent / count:.1f} ms" for name, spent in side.working.items())
              + f"; limit {1000 * bound.working['workers'] / len(held):.1f} ms", file=sys.stderr)
    _, bound, side, count = sorted(rounds, key=lambda one: one[0])[len(rounds) // 2]
    yield Figure("pipeline", f"poll to commit, {count} pages", count / side.seconds, "articles/s", len(held) / bound.seconds,
                 "bare trafilatura, shipped options, as many processes", 0.85)
    for name, seconds in side.working.items():
        yield Figure("pipeline", f"processor time an article, {name}", 1000 * seconds / count, "ms",
                     1000 * bound.working["workers"] / len(held), "the limit's")
    yield Figure("pipeline", f"processor time of the start, with {WARMING} pages a process, workers", side.starting["workers"], "s",
                 bound.starting["workers"], "the limit's")


if __name__ == "__main__":
    command(__doc__, options, measure)
