"""What judging an article costs the store, by how many articles it holds: its own file of made-up ones, SQLite.

    python tests/bench/judging.py --articles 10000 100000 1000000      about 10 KB of disk an article, in --place

Keys are those of `index.py`; each article has a text, two dozen paragraphs, and a sighting. Asked are new ones, a tenth of
them copies of articles that were seen in the last 90 days: each is stored, and then judged through the store's own methods
as the pipeline calls them. The file is opened anew before, and the system's cache of it dropped where that is allowed.
"""

import argparse
import asyncio
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import sqlalchemy as sa

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from figures import Figure, command
from index import EPOCH, KEYS, NOW, SHARE, SPAN, WINDOW, made, mixed, names

from crawler.adapters.store import open_store, postings
from crawler.core.types import Page
from crawler.ports import Draft, Judgement

ASKED, COPIES, CANDIDATES = 400, 40, 50
UNITS, SOURCES = 24, 500          # paragraphs and sentences of an article; sources
LETTERS = 2_400                   # of a text
BLOCK = 1000
MARGIN = timedelta(days=1)


def seen_at(articles: int) -> np.ndarray:
    """Microseconds at which each was first seen: evenly over `SPAN`, up to `NOW`."""
    start, step = (NOW - SPAN - EPOCH) // timedelta(microseconds=1), SPAN / articles / timedelta(microseconds=1)
    return start + (np.arange(articles) * step).astype(np.int64)


def fill(path: Path, articles: int) -> None:
    """Rows as the store would have written them, in the order in which that is quick."""
    raw = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        raw.execute(f"PRAGMA {pragma}")
    seen, ids = seen_at(articles), names(0, articles)
    keys = np.concatenate([made(block, min(BLOCK, articles - first)) for block, first in enumerate(range(0, articles, BLOCK))])
    _put(raw, "articles (id, url, address, host, source, outlet, title, text, text_hash, status, fetched, first_seen, claims,"
              " attributions, walls, reservations, alternates, unit_keys, indexed, indexed_seen, unjudged, language, revisions, held, forgotten, remarked, token)",
         _articles(keys, seen, ids))
    own = mixed(np.arange(articles * UNITS) + (1 << 50)).reshape(articles, UNITS).astype(np.int64)
    _put(raw, "units (unit, article, dropped)", ((*row, 0) for row in _sorted(own, None, ids)))
    raw.execute("INSERT INTO feeds (id, digest, url, host, source, position, config, guarded, state, next_poll, disabled, failing, token)"
                " VALUES (1, x'01', 'https://feed.example/', 'feed.example', 'Source 1', 0, '{}', 0, '{}', 0, 0, 0, 0)")
    _put(raw, "sightings (id, purpose, state, feed, key_digest, url_digest, key, link, url, host, aliases, title, summary, entry,"
              " fingerprint, seen, listed, due, article, attempts, revisits, token)", _sightings(seen, ids))
    with sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool).connect() as connection:
        raw.execute("BEGIN")
        postings.rebuild(connection)
        while postings.advance(raw):
            pass
        raw.execute("COMMIT")
    raw.execute("PRAGMA journal_mode = WAL")
    raw.close()


def _put(raw: sqlite3.Connection, into: str, rows: Iterator[tuple[object, ...]]) -> None:
    columns = into.count(",") + 1
    raw.execute("BEGIN")
    raw.executemany(f"INSERT INTO {into} VALUES ({', '.join('?' * columns)})", rows)
    raw.execute("COMMIT")


def _sorted(keys: np.ndarray, seen: np.ndarray | None, ids: np.ndarray) -> Iterator[tuple[object, ...]]:
    flat, width = keys.ravel(), keys.shape[1]
    order = np.argsort(flat, kind="stable")
    for at in range(0, len(order), 500_000):
        some = order[at:at + 500_000]
        held = [one.decode() for one in ids[some // width]]
        parts = (flat[some].tolist(), held) if seen is None else (flat[some].tolist(), seen[some // width].tolist(), held)
        yield from zip(*parts, strict=True)


def _text(number: int) -> str:
    chance = random.Random(number)
    return " ".join(chance.choices(_WORDS, k=LETTERS // 7))


_WORDS = ["".join(random.Random(n).choices("abcdefghijklmnoprstuvw", k=6)) for n in range(5000)]


def _articles(keys: np.ndarray, seen: np.ndarray, ids: np.ndarray) -> Iterator[tuple[object, ...]]:
    text = [_text(n) for n in range(997)]
    for at, id_ in enumerate(ids):
        name, moment, source = id_.decode(), int(seen[at]), at % SOURCES
        url = f"https://source{source}.example/{name}"
        yield (name, url, url, f"source{source}.example", f"Source {source}", source, f"Title of {name}", text[at % 997],
               int(mixed(np.array([at + (1 << 41)]))[0].astype(np.int64)), 200, moment, moment, "[]", "[]", "[]", "[]", "[]",
               bytes(8 * UNITS), keys[at].tobytes(), moment, 0, "en", 1, 0, 0, 0, 1)


def _sightings(seen: np.ndarray, ids: np.ndarray) -> Iterator[tuple[object, ...]]:
    for at, id_ in enumerate(ids):
        name, moment = id_.decode(), int(seen[at])
        digest = id_.ljust(16, b".")
        yield (at + 1, "entry", "done", 1, digest, digest, name, "", "", "", "[]", "", "", "{}", b"", moment, moment, moment, name, 0, 0, 1)


async def ask(path: Path, articles: int, turn: int) -> tuple[dict[str, list[float]], float]:
    """Milliseconds of each step and article, and the share of copies whose original was among the candidates."""
    store = await open_store(f"sqlite:///{path}")
    fresh, recent = made(10**6 + turn, ASKED), int(articles * (WINDOW - MARGIN) / SPAN)
    chance = np.random.default_rng(3 + turn)
    originals = {at: int(articles - 1 - chance.integers(0, recent)) for at in range(0, ASKED, ASKED // COPIES)}
    for at, original in originals.items():
        columns = chance.random(KEYS) < SHARE
        fresh[at, columns] = made(original // BLOCK, min(BLOCK, articles - original // BLOCK * BLOCK))[original % BLOCK, columns]
    taken: dict[str, list[float]] = {"surroundings": [], "put_keys": [], "counterparts": [], "finish_judging": []}
    found = 0
    for at, id_ in enumerate(names(10**12 + turn * ASKED, ASKED), turn * ASKED):
        name = id_.decode()
        await _arrive(store, name, at)
        (judgement,) = await store.claim_unjudged(NOW, timedelta(minutes=1), 1)
        near = await _judge(store, judgement, [int(key) for key in fresh[at - turn * ASKED]], taken)
        if (original := originals.get(at - turn * ASKED)) is not None:
            found += names(original, 1)[0].decode() in {one.id for one, _ in near.readings}
    await store.close()
    return taken, found / len(originals)


async def _arrive(store, name: str, at: int) -> None:
    page = Page(title=f"Title of {name}", text=_text(10**6 + at), language="en")
    units = tuple(int(one) for one in mixed(np.arange(UNITS) + at * UNITS + (1 << 60)))
    host = f"source{at % SOURCES}.example"
    await store.save_article(Draft(name, f"https://{host}/{name}", (), host, f"Source {at % SOURCES}", page, 200, NOW, units), None, NOW)


async def _judge(store, judgement: Judgement, keys: list[int], taken: dict[str, list[float]]):
    site = "source.example"
    async def timed(name, call):
        began = time.perf_counter()
        try:
            return await call
        finally:
            taken[name].append(1000 * (time.perf_counter() - began))

    await timed("surroundings", store.surroundings(judgement, site, 50))
    await timed("put_keys", store.put_keys(judgement.id, keys, judgement.article.first_seen, dropped=(), token=judgement.token))
    near = await timed("counterparts", store.counterparts(judgement, site, keys, WINDOW, CANDIDATES))
    await timed("finish_judging", store.finish_judging(judgement, NOW))
    return near


def asked_of(path: Path, articles: int, turn: int) -> tuple[float, dict[str, list[float]], float, float]:
    """Seconds until the file answers, what `ask` found, and the MiB that the process took at most. For one of its own."""
    opened = asyncio.run(opening(path))
    taken, recall = asyncio.run(ask(path, articles, turn))
    # Not of `getrusage`, which says of a process at least what its parent had.
    held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return opened, taken, recall, int(held.split()[1]) / 1024


async def opening(path: Path) -> float:
    """Seconds until the store answers."""
    began = time.perf_counter()
    store = await open_store(f"sqlite:///{path}")
    await store.claim_unjudged(NOW, timedelta(minutes=1), 1)
    took = time.perf_counter() - began
    await store.close()
    return took


def drop_cache(path: Path) -> None:
    """Have the system forget what it holds of the file."""
    with suppress(OSError), path.open("rb") as held:
        os.fsync(held.fileno())
        os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def options(parser: argparse.ArgumentParser) -> None:
    """What may be asked of this benchmark."""
    parser.add_argument("--articles", type=int, nargs="+", default=[10_000, 100_000], help="sizes of the store, the second is the yardstick")
    parser.add_argument("--place", default=tempfile.gettempdir(), help="where its files go")
    parser.add_argument("--keep", action="store_true", help="leave the files, and use those that are there")


def measure(asked: argparse.Namespace) -> Iterator[Figure]:
    """A row a size, each beside the second size."""
    medians: dict[tuple[int, int], float] = {}
    for articles in asked.articles:
        path = Path(asked.place) / f"firsthand-judging-{articles}.db"
        if not path.exists():
            asyncio.run(_made(path))
            fill(path, articles)
        scratch = path.with_suffix(".asked.db")
        shutil.copyfile(path, scratch)
        drop_cache(scratch)
        for turn, state in enumerate(("its file not in memory", "its file in memory")):
            if turn:
                with scratch.open("rb") as file:
                    while file.read(1 << 24):
                        pass
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                opened, taken, recall, memory = alone.submit(asked_of, scratch, articles, turn).result()
            whole = [sum(each) for each in zip(*taken.values(), strict=True)][ASKED // 4:]    # what comes before warms the caches
            medians[articles, turn] = statistics.median(whole)
            parts = ", ".join(f"{name} {statistics.median(spent[ASKED // 4:]):.2f}" for name, spent in taken.items())
            print(f"{articles:,}, {state}: {parts}; 95th {np.percentile(whole, 95):.1f}, mean {statistics.mean(whole):.1f} ms; "
                  f"recall {recall:.3f}; first look after {opened:.2f} s; at most {memory:.0f} MiB", file=sys.stderr)
            base = next((medians[size, turn] for size in asked.articles[1:2] if (size, turn) in medians), None)
            yield Figure("index", f"a judgement among {articles:,} articles, the store's part, {state} (median)", medians[articles, turn],
                         "ms", base, f"among {asked.articles[1]:,}" if base else "")
            yield Figure("index", f"first look at {articles:,} after opening, {state}", opened, "s", None, "", 2, at_least=False, absolute=True)
            yield Figure("index", f"copies whose original is among {CANDIDATES} candidates of {articles:,}", recall, "of 1", None, "", 0.99,
                         absolute=True)
            yield Figure("index", f"memory of a process that judges among {articles:,}", memory, "MiB", None, "", 300, at_least=False,
                         absolute=True)
        yield from _disk(path, articles)
        for held in (scratch, *([] if asked.keep else [path])):
            for end in ("", "-wal", "-shm", "-election"):
                held.with_name(held.name + end).unlink(missing_ok=True)


def _disk(path: Path, articles: int) -> Iterator[Figure]:
    """Bytes of the file an article: what the keys take, the paragraphs, the articles themselves, and all else."""
    parts = {"postings": "keys", "docs": "keys", "sqlite_autoindex_docs_1": "keys", "uq_docs_article": "keys", "units": "paragraphs",
             "ix_units_kept": "paragraphs", "articles": "the articles"}
    sizes: Counter[str] = Counter()
    try:
        for name, size in sqlite3.connect(path).execute("SELECT name, pageno FROM dbstat WHERE aggregate = TRUE"):
            sizes[parts.get(name, "all else")] += size * 4096     # pages: the sum of their sizes wraps at 2 GiB
    except sqlite3.OperationalError:    # a SQLite that was built without dbstat
        sizes["all"] = path.stat().st_size
    for part, size in sorted(sizes.items(), key=lambda each: -each[1]):
        yield Figure("index", f"disk a stored article among {articles:,}: {part}", size / articles, "bytes", None, "")


async def _made(path: Path) -> None:
    await (await open_store(f"sqlite:///{path}")).close()


if __name__ == "__main__":
    command(__doc__, options, measure)
