"""Pages served on loopback for benchmarks: saved publisher pages, or those of the invented news world.

    python tests/bench/sites.py [--pages FOLDER] [--hosts N] [--first N]
                                        serves until its standard input ends; prints the feeds

Each host is an address of loopback with one feed; the pages are dealt out to them. With `--first` there is one host more,
the first, with so many pages of its own. All is in memory, so that what is measured is not this server; it runs as a
process of its own.
"""

import argparse
import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from string import ascii_lowercase
from xml.sax.saxutils import escape

from aiohttp import web

ROOT = Path(__file__).parents[2]


def pages(folder: Path | None) -> dict[str, bytes]:
    """Name -> HTML of every *.html and *.html.gz below a folder; without one, of the invented news world."""
    if folder is None:
        return _invented()
    found = {path.name.partition(".html")[0]: _read(path) for path in sorted(folder.rglob("*.htm*")) if path.is_file()}
    if not found:
        raise SystemExit(f"{folder}: no *.html or *.html.gz in it; name a folder of saved pages")
    return found


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def strange(count: int) -> dict[str, bytes]:
    """Pages of words that no other page has, so that none is a copy of anything."""
    def words(draw: Random, count: int) -> str:
        return " ".join("".join(draw.choices(ascii_lowercase, k=7)) for _ in range(count))

    return {f"strange-{n}": _PAGE.format(title=words(draw, 6), text="".join(f"<p>{words(draw, 40)}.</p>" for _ in range(12))).encode()
            for n in range(count) if (draw := Random(n))}


_PAGE = "<html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1>{text}</article></body></html>"


def _invented() -> dict[str, bytes]:
    from crawler.newsworld import pages
    from crawler.newsworld.world import World

    world = World(datetime(2026, 3, 1, tzinfo=UTC))
    return {f"{one.site.host}-{one.id}": pages.article(world, one).encode() for one in world.script.publications}


def _feed(host: str, port: int, names: list[str]) -> bytes:
    items = "".join(f"<item><title>{escape(name)}</title><link>http://{host}:{port}/{name}</link>"
                    f"<guid>http://{host}:{port}/{name}</guid></item>" for name in names)
    return f"<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>".encode()


async def serve(held: dict[str, bytes], hosts: int, first: int = 0) -> None:
    """Until standard input ends."""
    names = [f"127.{1 + n // 250}.0.{1 + n % 250}" for n in range(hosts)]
    dealt = {host: list(held)[n::hosts] for n, host in enumerate(names)}
    if first:
        alone = strange(first)
        names, dealt, held = ["127.0.0.1", *names], {"127.0.0.1": list(alone), **dealt}, held | alone
    port = 0

    async def answer(request: web.Request) -> web.Response:
        name = request.path.lstrip("/")
        if name == "feed":
            return web.Response(body=_feed(host := request.host.partition(":")[0], port, dealt[host]), content_type="application/rss+xml")
        if name in held:
            return web.Response(body=held[name], content_type="text/html")
        return web.Response(status=404)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    for host in names:
        await web.TCPSite(runner, host, port).start()
        port = port or runner.addresses[0][1]
    print(json.dumps([f"http://{host}:{port}/feed" for host in names]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@contextmanager
def serving(folder: Path | None, hosts: int, first: int = 0) -> Iterator[list[str]]:
    """The same in a process of its own; gives the addresses of the feeds."""
    command = [sys.executable, str(Path(__file__)), "--hosts", str(hosts), "--first", str(first), *(["--pages", str(folder)] if folder else [])]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    asyncio.run(serve(pages(asked.pages), asked.hosts, asked.first))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
