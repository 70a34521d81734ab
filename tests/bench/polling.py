"""What a poll costs: polls a second, milliseconds of processor time, SQL statements and memory, for each answer there is.

    python tests/bench/polling.py [--feeds 10000] [--parsed 1000] [--peers .venv/peers-polling/bin/python]

The sites are one process on loopback, with a host for every two feeds. The poller is this program's own queue of due feeds
over a new SQLite store, nothing left out; what follows from a poll (pages, matching) is not done. Beside it, on the same
feeds: aiohttp alone, which sends the same requests as many at once and throws the answers away, the limit of any poller
on that library; and lemon24/reader, where --peers names a Python that has it (PyPI: reader).
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

from figures import Figure, table  # noqa: E402 - beside this file

ENTRIES, WORDS = 10, 40         # of a document; of an entry's summary
ANSWERS = ("304", "same", "other bytes", "one new entry")   # what the sites can be told to answer
SAID = {
    "304": "a 304", "same": "a 200 with the bytes of last time", "other bytes": "a 200 with other bytes and nothing new",
    "one new entry": "a 200 with one new entry",
}


def options(parser: argparse.ArgumentParser) -> None:
    """Sizes, and where the peers are."""
    parser.add_argument("--feeds", type=int, default=10_000, help="feeds that answer 304 (default 10000)")
    parser.add_argument("--parsed", type=int, default=1_000, help="feeds whose documents are read (default 1000)")
    parser.add_argument("--peers", type=Path, help="a Python that has PyPI reader")


# --- the sites ----------------------------------------------------------------------------------------------------


def urls(port: int, feeds: int) -> list[str]:
    """Two feeds a host, each host an address of loopback."""
    return [f"http://127.{1 + n // 50_000}.{n // 200 % 250}.{1 + n // 2 % 100}:{port}/feed/{n}" for n in range(feeds)]


class Site(asyncio.Protocol):
    """Every host: answers each request at once, as it was last told to."""

    answer, turn, newer = "304", 0, 0
    asked: Counter[str] = Counter()

    def connection_made(self, transport: Any) -> None:
        self.transport, self.held = transport, b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while b"\r\n\r\n" in self.held:
            head, _, self.held = self.held.partition(b"\r\n\r\n")
            self.transport.write(self.respond(head.decode("latin-1")))
            if "connection: close" in head.decode("latin-1").lower():
                self.transport.close()

    def respond(self, head: str) -> bytes:
        path = head.split(" ", 2)[1]
        if path.startswith("/answer/"):
            Site.answer, Site.turn = path.removeprefix("/answer/").replace("%20", " "), Site.turn + 1
            Site.newer += Site.answer == "one new entry"
            return _response("200 OK", "", b"")
        body = document(path, self.newer, Site.turn if self.answer == "other bytes" else 0)
        tag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        Site.asked["feed"] += 1
        if self.answer == "304" and "if-none-match:" in head.lower():
            return _response("304 Not Modified", f"ETag: {tag}\r\n", b"")
        return _response("200 OK", f"ETag: {tag}\r\nContent-Type: application/rss+xml\r\n", body)


def _response(status: str, headers: str, body: bytes) -> bytes:
    return (f"HTTP/1.1 {status}\r\nServer: bench\r\nDate: Mon, 02 Mar 2026 06:00:00 GMT\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def document(path: str, first: int, turn: int) -> bytes:
    """Some 5 KB of RSS; the newest entry first. `turn` changes the bytes alone."""
    summary = "word " * WORDS
    items = "".join(
        f"<item><title>Story {n} of {path}</title><link>http://example.org{path}/{n}</link><guid>{path}/{n}</guid>"
        f"<pubDate>Mon, 02 Mar 2026 0{n % 10}:00:00 GMT</pubDate><description>{summary}</description></item>"
        for n in range(first + ENTRIES, first, -1))
    note = f"<!-- {turn} -->" if turn else ""
    return f"<?xml version='1.0'?>{note}<rss version='2.0'><channel><title>{path}</title>{items}</channel></rss>".encode()


async def serve() -> None:
    """Every address of loopback on one port, which is printed."""
    server = await asyncio.get_running_loop().create_server(Site, "0.0.0.0", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving() -> Iterator[int]:
    """The sites' port, while they run."""
    process = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def tell(port: int, answer: str) -> None:
    """What every feed answers from now on."""
    urllib.request.urlopen(f"http://127.0.0.1:{port}/answer/{answer.replace(' ', '%20')}").close()


# --- whoever polls ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pass:
    """Every feed asked once. `cpu` in seconds of the asking process and those that it started, `memory` in bytes."""

    polls: int
    seconds: float
    cpu: float
    statements: int = 0
    memory: int = 0

    @property
    def rate(self) -> float:
        """Polls a second."""
        return self.polls / self.seconds

    @property
    def each(self) -> float:
        """Milliseconds of processor time a poll."""
        return 1000 * self.cpu / self.polls


class Asker:
    """A process that asks every feed once for each line that it is given, and prints a `Pass`."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self) -> Pass:
        """One pass."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return Pass(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self.process.communicate()


@contextmanager
def asking(kind: str, port: int, feeds: int, python: Path | str = sys.executable) -> Iterator[Asker]:
    """`kind` is "firsthand", "aiohttp" or "reader"."""
    with tempfile.TemporaryDirectory(prefix="firsthand-polling-") as place:
        script = Path(__file__).with_name("reader_polling.py") if kind == "reader" else Path(__file__)
        asker = Asker([str(python), str(script), "--ask", kind, str(port), str(feeds), place])
        try:
            yield asker
        finally:
            asker.close()


async def ask(kind: str, port: int, feeds: int, place: Path) -> None:
    """The part of `Asker`'s process."""
    async with (_firsthand if kind == "firsthand" else _aiohttp)(urls(port, feeds), place) as go:
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await go()), flush=True)


@asynccontextmanager
async def _firsthand(feeds: Sequence[str], place: Path) -> AsyncIterator[Any]:
    import sqlalchemy as sa

    from crawler import app, log, meters
    from crawler.service import settle_memory
    from crawler.settings import Settings

    log.configure("info", stream=(place / "log").open("w"))
    meters.begin("bench", "sqlite")
    ran: Counter[str] = Counter()
    sa.event.listen(sa.Engine, "before_cursor_execute", lambda _c, _k, statement, *_: ran.update([statement]))
    settings = Settings.model_validate({
        "store": f"sqlite:///{place}/store.db", "state_dir": place, "feeds": [{"url": url} for url in feeds],
        "crawl": {"private_networks": ["127.0.0.0/8"], "per_host": {"delay": "0s"}}})
    async with app.opened(settings) as opened:
        await opened.sync()
        settle_memory()

        async def go() -> dict[str, Any]:
            await opened.store.make_due(None, opened.clock())
            ran.clear()
            began, used = time.perf_counter(), _used()
            done = await opened.daemon._drain(opened.daemon.queues()[0])
            found = {"polls": done, "seconds": time.perf_counter() - began, "cpu": _used() - used,
                     "statements": ran.total(), "memory": _memory()}
            (place / "statements").write_text("\n\n".join(f"{n} {one}" for one, n in ran.most_common()))
            return found

        yield go


@asynccontextmanager
async def _aiohttp(feeds: Sequence[str], _place: Path) -> AsyncIterator[Any]:
    import aiohttp

    validators: dict[str, str] = {}
    places = asyncio.Semaphore(64)      # the default of `crawl.concurrency`
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True)) as session:
        async def one(url: str) -> None:
            headers = {"If-None-Match": validators[url]} if url in validators else {}
            async with places, session.get(url, headers=headers) as response:
                await response.read()
                validators[url] = response.headers["ETag"]

        async def go() -> dict[str, Any]:
            began, used = time.perf_counter(), _used()
            await asyncio.gather(*(one(url) for url in feeds))
            return {"polls": len(feeds), "seconds": time.perf_counter() - began, "cpu": _used() - used, "memory": _memory()}

        yield go


def _used() -> float:
    """Seconds of processor time of this process and its live children."""
    own = time.process_time()
    below = 0.0
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            below += (int(fields[11]) + int(fields[12])) / 100
    return own + below


def _memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


# --- the figures --------------------------------------------------------------------------------------------------


def measure(asked: argparse.Namespace) -> Iterator[Figure]:
    """Of many feeds a pass of 304s, of fewer each answer; passes of different pollers in alternation."""
    with serving() as port:
        yield from _unchanged(port, asked)
        yield from _answers(port, asked.parsed)


def _unchanged(port: int, asked: argparse.Namespace) -> Iterator[Figure]:
    kinds = ["firsthand", "aiohttp"] + ["reader"] * bool(asked.peers)
    found = _alternating(port, asked.feeds, kinds, asked.peers)
    mine, bare = found["firsthand"], found["aiohttp"]
    size = f"{asked.feeds:,} feeds"
    yield Figure("polling", f"polls, {size}, all 304", mine.rate, "a second", bare.rate, "aiohttp alone")
    yield Figure("polling", f"a 304, {size}", mine.each, "ms CPU", bare.each, "aiohttp alone")
    if asked.peers:
        yield Figure("polling", f"a 304, {size}", mine.each, "ms CPU", found["reader"].each, "lemon24/reader", 1, at_least=False)
        yield Figure("polling", f"polls, {size}, all 304", mine.rate, "a second", found["reader"].rate, "lemon24/reader", 1)
    few = _alternating(port, 100, ["firsthand"], None)["firsthand"]
    yield Figure("polling", "memory a feed", (mine.memory - few.memory) / 1024 / (asked.feeds - 100), "KB", absolute=True)


def _alternating(port: int, feeds: int, kinds: Sequence[str], peers: Path | None) -> dict[str, Pass]:
    """The last of two passes of 304s of each kind, after one that learns the validators."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        askers = {kind: stack.enter_context(asking(kind, port, feeds, peers if kind == "reader" and peers else sys.executable)) for kind in kinds}
        tell(port, "304")
        found: dict[str, Pass] = {}
        for _ in range(3):
            found = {kind: asker.ask() for kind, asker in askers.items()}
    return found


def _answers(port: int, feeds: int) -> Iterator[Figure]:
    with asking("firsthand", port, feeds) as mine, asking("aiohttp", port, feeds) as bare:
        tell(port, "304")
        mine.ask(), bare.ask()
        for answer in ANSWERS:
            tell(port, answer)
            one, other = mine.ask(), bare.ask()
            yield Figure("polling", f"{SAID[answer]}, {feeds:,} feeds", one.each, "ms CPU", other.each, "aiohttp alone")
            yield Figure("polling", f"{SAID[answer]}", one.statements / one.polls, "statements")


def main() -> None:
    """Print the table, or be a part of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options(parser)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs=4, metavar=("KIND", "PORT", "FEEDS", "PLACE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve())
    elif asked.ask:
        kind, port, feeds, place = asked.ask
        asyncio.run(ask(kind, int(port), int(feeds), Path(place)))
    else:
        print(table(measure(asked)))


if __name__ == "__main__":
    main()
