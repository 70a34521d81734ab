"""A program, not a module of tests: `full_disk.py writes|crawl|files FOLDER`, run in a mount namespace of its own.

It lays a tmpfs of 3 MiB over FOLDER, does what it was asked on a disk that fills up, and prints what it saw as JSON.
"""

import asyncio
import io
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crawler.core.types import FeedState, Link, Relation, Verdict
from crawler.core.vectors import Vectors
from crawler.errors import StoreError
from crawler.ports import Delivery, HostState, HubSaid, Subscription
from tests.contract.conftest import LEASE, START, Desk, draft, match, opened, seen, story

PAGE = 4096
MIB = 1024 * 1024
A, B = "https://a.example/feed", "https://b.example/feed"
LONG = "The night ferry carried forty lorries past the dark lighthouse and nobody on board was asleep. " * 50
LATER = START + timedelta(days=500)

Act = Callable[[], Awaitable[object]]


# --- the disk -----------------------------------------------------------------------------------------------------

def mount(folder: Path, size: int, *, again: bool = False) -> None:
    options = f"{'remount,' if again else ''}size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)


class Ballast:
    """A file that takes all room but so many pages."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ballast"

    def leave(self, pages: int) -> None:
        self.drop()
        free = os.statvfs(self.path.parent).f_bavail - pages
        if free > 0:
            with self.path.open("wb") as out:
                os.posix_fallocate(out.fileno(), 0, free * PAGE)

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


# --- every write --------------------------------------------------------------------------------------------------

async def _listed(desk: Desk) -> None:
    await desk.add_feeds(A, B)
    await desk.poll(A, *(seen(f"e{n}", summary=LONG) for n in range(4)))


async def sync_feeds(desk: Desk) -> Act:
    return lambda: desk.add_feeds(*(f"https://{n}.example/feed" for n in range(60)))


async def make_due(desk: Desk) -> Act:
    await desk.add_feeds(A, B)
    await desk.poll(A, state=FeedState(next_poll=START + timedelta(days=2)))
    return lambda: desk.store.make_due(None, START + timedelta(hours=1))


async def claim_feeds(desk: Desk) -> Act:
    await desk.add_feeds(*(f"https://{n}.example/feed" for n in range(40)))
    return lambda: desk.store.claim_feeds(START, LEASE, 40)


async def finish_poll(desk: Desk) -> Act:
    await _listed(desk)
    (feed,) = [one for one in [*await desk.store.claim_feeds(START, LEASE, 9), *desk.feeds.values()] if one.url == B]
    entries = [seen(f"f{n}", summary=LONG, content=LONG) for n in range(12)]
    return lambda: desk.store.finish_poll(feed, FeedState(last_success=START, next_poll=LATER, etag="new"), entries, START)


async def reset_clock(desk: Desk) -> Act:
    await desk.add_feeds(A, B)
    await desk.poll(A, state=FeedState(next_poll=START + timedelta(days=20)))
    return lambda: desk.store.reset_clock(START, timedelta(hours=1))


async def renew(desk: Desk) -> Act:
    await desk.add_feeds(*(f"https://{n}.example/feed" for n in range(40)))
    mine = {feed.id: feed.token for feed in await desk.store.claim_feeds(START, LEASE, 40)}
    return lambda: desk.store.renew("poll", mine, START + timedelta(seconds=20), LEASE)


async def save_robots(desk: Desk) -> Act:
    return lambda: desk.store.save_robots(HostState("a.example", None, LONG.encode(), 200, START))


async def pause_host(desk: Desk) -> Act:
    return lambda: desk.store.pause_host(f"{LONG[:2000]}.example", START)


async def take_page(desk: Desk) -> Act:
    return lambda: desk.store.take_page(f"{LONG[:2000]}.example", START, 9)


async def take_turn(desk: Desk) -> Act:
    return lambda: desk.store.take_turn(f"{LONG[:2000]}.example", START, timedelta(seconds=1), 2, LEASE)


async def end_turn(desk: Desk) -> Act:
    turn = await desk.store.take_turn(f"{LONG[:2000]}.example", START, timedelta(seconds=1), 2, LEASE)
    return lambda: desk.store.end_turn(turn)


async def take_robots(desk: Desk) -> Act:
    return lambda: desk.store.take_robots(f"{LONG[:2000]}.example", START, LEASE)


async def claim_sightings(desk: Desk) -> Act:
    await _listed(desk)
    return lambda: desk.store.claim_sightings(START, LEASE, 9)


async def fail_sighting(desk: Desk) -> Act:
    await _listed(desk)
    first, *_ = await desk.claim()
    return lambda: desk.store.fail_sighting(first, "timeout", LONG, None, START)


async def postpone(desk: Desk) -> Act:
    await _listed(desk)
    first, *_ = await desk.claim()
    return lambda: desk.store.postpone(first, START, "quota", LONG)


async def attach(desk: Desk) -> Act:
    await _listed(desk)
    await desk.put("1")
    first, *_ = await desk.claim()
    return lambda: desk.store.attach(first, "a1", START)


async def save_article(desk: Desk) -> Act:
    await _listed(desk)
    first, *_ = await desk.claim()
    whole = draft("new", text=LONG, units=tuple(range(300)), body=os.urandom(40_000), aliases=("https://x.example/1",))
    return lambda: desk.store.save_article(whole, first, START)


async def save_a_revision(desk: Desk) -> Act:
    await _listed(desk)
    await desk.put("1", text=LONG)
    first, *_ = await desk.claim()
    other = draft("1", text=f"Corrected. {LONG}", body=os.urandom(20_000))
    return lambda: desk.store.save_article(other, first, START)


async def want_page(desk: Desk) -> Act:
    await desk.put("1")
    return lambda: desk.store.want_page("https://old.example/1", "a1", START)


async def claim_unjudged(desk: Desk) -> Act:
    await desk.put(*map(str, range(9)))
    return lambda: desk.store.claim_unjudged(START, LEASE, 9)


async def put_keys(desk: Desk) -> Act:
    await desk.put("1", "2", units=tuple(range(400)))
    await desk.judge_all()
    return lambda: desk.store.put_keys("a1", [n * 2**50 + n for n in range(400)], START, dropped=range(400), crowded=range(400))


async def save_matches(desk: Desk) -> Act:
    await desk.put(*map(str, range(20)))
    links = [Link(Relation.REWORDING, "a0", f"a{n}", 0.5, 0.4) for n in range(1, 6)]
    return lambda: desk.store.save_matches("a0", [match("a0", f"a{n}") for n in range(1, 20)], links=links)


async def _storied(desk: Desk) -> str:
    """A story of 1 and 2; returns its id."""
    await desk.put(*map(str, range(6)), text=LONG)
    changes = await desk.store.save_stories(["a1", "a2"], [story("a1", "a2")], START)
    return changes[0].story


async def save_stories(desk: Desk) -> Act:
    await _storied(desk)
    ids = [f"a{n}" for n in range(6)]
    wide = story("a3", *(id_ for id_ in ids if id_ != "a3"))
    return lambda: desk.store.save_stories(ids, [wide], START)


async def put_vectors(desk: Desk) -> Act:
    await desk.put("0")
    return lambda: desk.store.put_vectors(Vectors("a0", "use-m3", "en", ((0, 9),) * 40, bytes(512 * 40)), bytes(512), START)


async def drop_vectors(desk: Desk) -> Act:
    await (await put_vectors(desk))()
    return lambda: desk.store.drop_vectors("a0")


async def mark_unencoded(desk: Desk) -> Act:
    for id_ in await desk.put(*map(str, range(6))):
        await desk.store.put_keys(id_, [1], START)
    await desk.judge_all()
    return lambda: desk.store.mark_unencoded("use-m3", START)


async def finish_judging(desk: Desk) -> Act:
    await desk.put("1")
    (judgement,) = await desk.store.claim_unjudged(START, LEASE, 1)
    return lambda: desk.store.finish_judging(judgement, START)


async def mark_unjudged(desk: Desk) -> Act:
    await desk.put(*map(str, range(9)))
    await desk.judge_all()
    return lambda: desk.store.mark_unjudged(None)


async def mark_indexed(desk: Desk) -> Act:
    await desk.put("1")
    await desk.store.put_keys("a1", [1, 2], START)
    await desk.judge_all()
    return lambda: desk.store.mark_indexed(["a1"])


async def add_verdict(desk: Desk) -> Act:
    id_ = await _storied(desk)
    return lambda: desk.store.add_verdict(Verdict(0, "confirm", id_, "a1", ("a2",), "ann", START, LONG))


async def undo_verdict(desk: Desk) -> Act:
    id_ = await _storied(desk)
    await desk.store.add_verdict(Verdict(0, "confirm", id_, "a1", ("a2",), "ann", START, "so it is"))
    return lambda: desk.store.undo_verdict(id_, "ben", START)


async def hold(desk: Desk) -> Act:
    id_ = await _storied(desk)
    return lambda: desk.store.hold(id_)


async def forget(desk: Desk) -> Act:
    await _storied(desk)
    return lambda: desk.store.forget("a1", START)


async def prune(desk: Desk) -> Act:
    await _storied(desk)
    return lambda: desk.store.prune(LATER, LATER)


async def _told(desk: Desk) -> Delivery:
    await desk.store.sync_deliveries([("hook", "https://hooks.example")], START)
    await _storied(desk)
    (one,) = await desk.store.claim_deliveries(["hook"], START, LEASE, 9)
    return one


async def sync_deliveries(desk: Desk) -> Act:
    wanted = [(f"key {n}", f"https://{n}.example") for n in range(60)]
    return lambda: desk.store.sync_deliveries(wanted, START)


async def claim_deliveries(desk: Desk) -> Act:
    wanted = [(f"key {n}", f"https://{n}.example") for n in range(60)]
    await desk.store.sync_deliveries(wanted, START)
    await _storied(desk)
    return lambda: desk.store.claim_deliveries([key for key, _ in wanted], START, LEASE, 60)


async def save_delivery(desk: Desk) -> Act:
    one = await _told(desk)
    return lambda: desk.store.save_delivery(replace(one, cursor=1, error=LONG), "s1")


async def _named(desk: Desk) -> None:
    """Feeds that name a hub."""
    urls = [f"https://{n}.example/feed" for n in range(20)]
    await desk.add_feeds(*urls)
    for url in urls:
        await desk.poll(url, state=FeedState(last_success=START, next_poll=LATER, hub="https://hub.example/", topic=url))


async def _asked(desk: Desk) -> list[Subscription]:
    await _named(desk)
    await desk.store.sync_subscriptions("https://us.example", START)
    return await desk.store.claim_subscriptions(START, LEASE, 99)


async def _verified(desk: Desk) -> Subscription:
    one = (await _asked(desk))[0]
    await desk.store.hear_hub(one.path, HubSaid("subscribe", one.topic, LEASE), START)
    return one


async def sync_subscriptions(desk: Desk) -> Act:
    await _named(desk)
    return lambda: desk.store.sync_subscriptions("https://us.example", START)


async def claim_subscriptions(desk: Desk) -> Act:
    await _named(desk)
    await desk.store.sync_subscriptions("https://us.example", START)
    return lambda: desk.store.claim_subscriptions(START, LEASE, 99)


async def finish_asking(desk: Desk) -> Act:
    one = (await _asked(desk))[0]
    return lambda: desk.store.finish_asking(one, LONG, LATER)


async def hear_hub(desk: Desk) -> Act:
    one = (await _asked(desk))[0]
    return lambda: desk.store.hear_hub(one.path, HubSaid("denied", one.topic, reason=LONG), START)


async def put_push(desk: Desk) -> Act:
    one = await _verified(desk)
    return lambda: desk.store.put_push(one.path, random.Random(1).randbytes(30_000), None, START)


async def claim_pushes(desk: Desk) -> Act:
    one = await _verified(desk)
    await desk.store.put_push(one.path, b"x", None, START)
    return lambda: desk.store.claim_pushes(START, LEASE, 9)


async def finish_push(desk: Desk) -> Act:
    one = await _verified(desk)
    await desk.store.put_push(one.path, b"x", None, START)
    (push,) = await desk.store.claim_pushes(START, LEASE, 9)
    entries = [seen(f"f{n}", summary=LONG, content=LONG) for n in range(12)]
    return lambda: desk.store.finish_push(push, entries, "")


WRITES = (sync_deliveries, claim_deliveries, save_delivery, sync_subscriptions, claim_subscriptions, finish_asking, hear_hub, put_push,
          claim_pushes, finish_push, sync_feeds, reset_clock, make_due, claim_feeds, renew, finish_poll, save_robots, pause_host, take_page, take_turn, end_turn,
          take_robots, claim_sightings, fail_sighting, postpone, attach, save_article,
          save_a_revision, want_page, claim_unjudged, put_keys, save_matches, save_stories, put_vectors, drop_vectors, mark_unencoded,
          finish_judging, mark_unjudged, mark_indexed, add_verdict, undo_verdict, hold, forget, prune)


async def every_write(folder: Path) -> dict[str, Any]:
    """Each write with no page of room, with one, with two …, until it has enough."""
    template = folder.parent / "template.db"
    async with opened(f"sqlite:///{template}"):
        pass
    return {one.__name__: await _until_it_fits(one, folder, template) for one in WRITES}


async def _until_it_fits(write: Callable[[Desk], Awaitable[Act]], folder: Path, template: Path) -> dict[str, Any]:
    file, ballast = folder / "store.db", Ballast(folder)
    shutil.copy(template, file)
    async with opened(f"sqlite:///{file}") as store:
        act = await write(Desk(store))
        reader = sqlite3.connect(file, isolation_level=None)
        told, changed = [], []
        before = dumped(reader)
        for room in (*range(6), *range(6, 400, 3)):
            # An empty log, so that the first page of it already needs room, and every later one too.
            await store._db.backend.scrub()
            ballast.leave(room)
            try:
                await act()
            except StoreError as error:
                told.append(str(error))
                changed += [room] if dumped(reader) != before else []
                ballast.drop()
                continue
            break
        ballast.drop()
        done = dumped(reader) != before
        wrong = [*broken(reader), *(said for (said,) in reader.execute("PRAGMA integrity_check") if said != "ok")]
        reader.close()
    for left in folder.iterdir():
        left.unlink()
    return {"told": told, "changed_at": changed, "done": done, "wrong": wrong}


def dumped(reader: sqlite3.Connection) -> bytes:
    """Every page as it stands for a reader."""
    return reader.serialize()


def broken(reader: sqlite3.Connection) -> list[str]:
    """What no article may lack, and nothing may be left of what was never stored."""
    questions = {
        "units without an article": "SELECT 1 FROM units WHERE article NOT IN (SELECT id FROM articles)",
        "keys without an article": "SELECT 1 FROM keys WHERE article NOT IN (SELECT id FROM articles)",
        "pages without an article": "SELECT 1 FROM pages WHERE article NOT IN (SELECT id FROM articles)",
        "pages without a body": "SELECT 1 FROM pages WHERE sha256 NOT IN (SELECT sha256 FROM bodies)",
        "bodies without a page": "SELECT 1 FROM bodies WHERE sha256 NOT IN (SELECT sha256 FROM pages)",
        "articles without units": "SELECT 1 FROM articles WHERE length(unit_keys) > 0 "
                                  "AND NOT forgotten AND id NOT IN (SELECT article FROM units)",
        "articles without an address": "SELECT 1 FROM articles WHERE id NOT IN (SELECT article FROM addresses)",
        "addresses without an article": "SELECT 1 FROM addresses WHERE article NOT IN (SELECT id FROM articles)",
        "done without an article": "SELECT 1 FROM sightings WHERE state = 'done' AND article IS NULL",
        "sightings of no article": "SELECT 1 FROM sightings WHERE article IS NOT NULL "
                                   "AND article NOT IN (SELECT id FROM articles)",
        "members of no story": "SELECT 1 FROM members WHERE story NOT IN (SELECT id FROM stories)",
        "stories without their original": "SELECT 1 FROM stories WHERE original NOT IN (SELECT article FROM members)",
        "rows that hang on nothing": "PRAGMA foreign_key_check",
    }
    return [name for name, question in questions.items() if reader.execute(question).fetchone()]


# --- a crawl ------------------------------------------------------------------------------------------------------

WORDS = ["ferry", "harbour", "lantern", "quarry", "orchard", "violin", "astronomer", "pilot", "council", "ledger", "salt", "mill", "keeper", "island", "railway", "cuttings", "farmyard", "cider", "gallery", "tower", "lamp", "winter", "cargo", "dawn", "shaft", "propeller", "diver", "patient", "plane", "yard"]
FEEDS, ENTRIES = 4, 5


def prose(feed: int, number: int) -> str:
    """An article of its own words: no other shares a run of them, and none of it can be packed into nothing."""
    state, lines = feed * 1009 + number * 9176 + 7, []
    for _ in range(120):
        words = []
        for _ in range(16):
            state = (state * 1103515245 + 12345) % 2**31
            words.append(f"{WORDS[state // 65536 % len(WORDS)]}{state // 4096 % 97}")
        lines.append(" ".join(words).capitalize() + ".")
    return "".join(f"<p>{line}</p>" for line in lines)


def links(feed: int) -> list[str]:
    return [f"http://press{feed}.example/{number}" for number in range(ENTRIES)]


@asynccontextmanager
async def press():
    """Every host behind one forward proxy; gives its address."""
    from aiohttp import web

    async def answer(request):
        feed, path = int(request.host.split(".")[0].removeprefix("press")), request.path
        if path == "/feed":
            items = "".join(f"<item><title>{link}</title><link>{link}</link></item>" for link in links(feed))
            return web.Response(text=f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>",
                                content_type="application/rss+xml")
        page = (f"<html lang=en><head><title>{path}</title></head><body><article><h1>{path}</h1>"
                f"{prose(feed, int(path[1:]))}</article></body></html>")
        return web.Response(text=page, content_type="text/html")

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def crawl(folder: Path) -> dict[str, Any]:
    """The daemon until the disk is full, a while longer, and with more room."""
    import crawler.daemon as module
    from crawler import app, log
    from crawler.settings import Crawl, Extract, FeedConfig, PerHost, Settings

    said = io.StringIO()
    log.configure("info", "json", said)
    now = [datetime(2026, 3, 2, 6, tzinfo=UTC)]
    async with press() as proxy:
        settings = Settings(
            store=f"sqlite:///{folder / 'firsthand.db'}", state_dir=folder, extract=Extract(workers=1),
            feeds=tuple(FeedConfig(url=f"http://press{n}.example/feed", every=timedelta(hours=1)) for n in range(FEEDS)),
            crawl=Crawl(proxy=proxy, concurrency=4, robots="ignore", per_host=PerHost(concurrency=4, delay=timedelta(0))))
        async with app.opened(settings, lambda: now[0]) as opened_:
            await opened_.sync()
            module.STORE_PAUSE = 0.2
            opened_.daemon.timing = module.Timing(idle=timedelta(milliseconds=200))
            running = asyncio.create_task(opened_.daemon.run())
            await until(lambda: told(said).count("store-failed") >= 4)
            reader = sqlite3.connect(folder / "firsthand.db")
            while_full = {"broken": broken(reader), "alive": not running.done(), "waiting": waiting(reader),
                          "articles": titles(reader), "check": reader.execute("PRAGMA integrity_check").fetchall()}
            mount(folder, 64 * MIB, again=True)
            for _ in range(4):      # leases run out, and what a full disk kept from being stored comes again
                now[0] += timedelta(hours=2)
                await asyncio.sleep(0.3)
                await until(lambda: not waiting(reader) or running.done())
            await until(lambda: len(titles(reader)) == FEEDS * ENTRIES or running.done())
            after = {"broken": broken(reader), "alive": not running.done(), "articles": titles(reader),
                     "check": reader.execute("PRAGMA integrity_check").fetchall()}
            opened_.daemon.stop()
            await running
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    return {"while_full": while_full, "after": after, "expected": sorted(link for n in range(FEEDS) for link in links(n)),
            "said": sorted({line["error"] for line in lines if line["event"] == "store-failed"}),
            "events": sorted({line["event"] for line in lines}), "tracebacks": "Traceback" in said.getvalue()}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


def told(said: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in said.getvalue().splitlines()]


def titles(reader: sqlite3.Connection) -> list[str]:
    return sorted(url for (url,) in reader.execute("SELECT address FROM articles"))


def waiting(reader: sqlite3.Connection) -> int:
    """What is still queued: feeds that were never read, entries, articles to judge."""
    return sum(reader.execute(f"SELECT count(*) FROM {what}").fetchone()[0] for what in (
        "feeds WHERE state NOT LIKE '%last_success%'", "sightings WHERE state = 'waiting'", "articles WHERE unjudged"))


# --- files --------------------------------------------------------------------------------------------------------

async def _filled(file: Path) -> None:
    async with opened(f"sqlite:///{file}") as store:
        await Desk(store).put(*map(str, range(40)), text=LONG)


def files(folder: Path) -> dict[str, Any]:
    """The commands whose files lie on a full disk."""
    elsewhere = folder.parent
    asyncio.run(_filled(elsewhere / "store.db"))
    Ballast(folder).leave(0)
    config = elsewhere / "firsthand.yaml"
    config.write_text(f"store: sqlite:///{elsewhere / 'store.db'}\nstate_dir: {folder}\ncontact: desk@news.internal\n"
                      "extract: {workers: 1}\nfeeds: []\n")
    beside = elsewhere / "beside.yaml"
    beside.write_text(config.read_text().replace(str(elsewhere / "store.db"), str(folder / "store.db")))
    return {
        "run": command(config, "run"), "start": command(config, "start"), "once": command(beside, "run", "--once"),
        "backup": command(config, "backup", str(folder / "copy.db")),
        "export": command(config, "export", "--format", "jsonl", "-o", str(folder / "all.jsonl")),
        "standard output": command(config, "export", "--format", "jsonl", stdout="/dev/full"),
        "left": sorted(one.name for one in folder.iterdir() if one.stat().st_size and one.name != "ballast"),
    }


def command(config: Path, *arguments: str, stdout: str = os.devnull) -> dict[str, Any]:
    """The command in a process of its own, which has everything imported already."""
    from crawler import cli

    said = config.with_name("said")
    child = os.fork()
    if child == 0:
        for number, name in ((1, stdout), (2, said)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        try:
            os._exit(cli._run(["-c", str(config), *arguments]))
        finally:
            os._exit(99)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"status": status, "said": said.read_text()}


def main() -> None:
    folder = Path(sys.argv[2])
    mount(folder, 3 * MIB)
    match sys.argv[1]:
        case "writes":
            found = asyncio.run(every_write(folder))
        case "crawl":
            found = asyncio.run(crawl(folder))
        case _:
            found = files(folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
