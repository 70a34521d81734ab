"""The whole way of an article, from the poll of its feed to the commit of what was judged, against bare extraction.

    python tests/bench/pipeline.py [--pages FOLDER]     a folder of saved pages; without it, the invented news world's

Firsthand is `firsthand run` over an empty SQLite store with a process for parsing on each processor; the pages are dealt
to 40 hosts on loopback, with one feed each. The limit is what must happen and nothing else: trafilatura with the options
that Firsthand uses, over the same bytes, in as many processes. What counts is the time from the first feed's answer to
the moment when nothing waits any more; the processes' own start is not in either figure.
"""

import argparse
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
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from figures import Figure, command  # noqa: E402 - after the path
from sites import pages, serving  # noqa: E402

HOSTS = 40
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


def limit(held: dict[str, bytes], processes: int) -> float:
    """Seconds for all pages in so many warmed processes."""
    bodies = sorted(held.values(), key=len, reverse=True)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(bare, bodies[-4 * processes:], chunksize=1)
        began = time.perf_counter()
        pool.map(bare, bodies, chunksize=1)
        return time.perf_counter() - began


def crawl(feeds: list[str], processes: int, folder: Path) -> tuple[float, int, dict[str, float]]:
    """Seconds from the first answer until nothing waits, articles stored, and processor seconds by process."""
    store, config = folder / "firsthand.db", folder / "firsthand.yaml"
    config.write_text(
        f"store: sqlite:///{store}\nstate_dir: {folder}\nreview: {{listen: null}}\nextract: {{workers: {processes}}}\n"
        "crawl: {private_networks: [127.0.0.0/8], per_host: {concurrency: 4, delay: 0s}, follow_attribution: false}\n"
        f"feeds: {json.dumps(feeds)}\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "crawler", "-c", str(config), "run"], cwd=ROOT, stderr=log)
    try:
        began = _until(store, "SELECT count(*) FROM feeds WHERE json_extract(state, '$.last_success') IS NOT NULL", process)
        before = spent(process.pid)
        _until(store, "SELECT NOT EXISTS (SELECT 1 FROM sightings WHERE state = 'waiting' AND attempts = 0)"
                      " AND NOT EXISTS (SELECT 1 FROM articles WHERE unjudged)"
                      " AND (SELECT count(*) FROM sightings) > 0 AND (SELECT count(*) FROM feeds WHERE next_poll < {now}) = 0", process)
        took = time.perf_counter() - began
        after = spent(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    with sqlite3.connect(store) as found:
        (count,) = found.execute("SELECT count(*) FROM articles").fetchone()
    return took, count, {name: after[name] - before.get(name, 0.0) for name in after}


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
        limited = len(held) / limit(held, processes)
        with tempfile.TemporaryDirectory(prefix="firsthand-bench-") as folder, serving(asked.pages, HOSTS) as feeds:
            took, count, cost = crawl(feeds, processes, Path(folder))
        rounds.append((count / took, limited, count, cost))
        print(f"{count} articles in {took:.1f} s, {count / took:.1f}/s; limit {limited:.1f}/s; "
              + ", ".join(f"{name} {1000 * spent / count:.1f} ms" for name, spent in cost.items()), file=sys.stderr)
    rate, limited, count, cost = sorted(rounds, key=lambda one: one[0] / one[1])[len(rounds) // 2]
    yield Figure("pipeline", f"poll to commit, {count} pages", rate, "articles/s", limited,
                 "bare trafilatura, shipped options, as many processes", 0.85)
    for name, seconds in cost.items():
        yield Figure("pipeline", f"processor time an article, {name}", 1000 * seconds / count, "ms", 1000 * processes / limited, "the limit's")


if __name__ == "__main__":
    command(__doc__, options, measure)
