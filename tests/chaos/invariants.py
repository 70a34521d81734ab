"""What must hold after a run, whatever happened in it: nine checks over the ledger, the journal and the store.

Each gives its violations as sentences; none means that it holds. They hold for every interleaving: nothing here asks
how far a run came at a moment, only what may never happen, and what must have happened in the end.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from sqlite3 import Row
from typing import Any

import claims
import soundness
from claims import mono, place_of
from evidence import Evidence, moment
from ledger import Asked

from crawler.core import urls
from crawler.errors import Reason
from crawler.newsworld.model import Publication

MEMORY = 300 * 1024        # KiB of the daemon itself, the promise of the README
THREADS = 40               # its loop, one a database connection, pebble's four, a few of the default executor
DESCRIPTORS = 200          # 64 requests in flight, the database, pipes to the workers
REASONS = frozenset(reason.value for reason in Reason)
AFTER = 5.0                # seconds for which a mishap of the database is still felt: connections are made anew
BAD_EVENTS = frozenset({"work-failed", "store-failed", "log", "judge-failed", "pair-failed"})


def check(evidence: Evidence) -> dict[int, list[str]]:
    """Number of the invariant -> its violations, only where there are some."""
    found = {number: list(one(evidence)) for number, one in CHECKS.items()}
    return {number: said for number, said in found.items() if said}


# 1 --------------------------------------------------------------------------------------------------------------

def stored_once(evidence: Evidence) -> Iterator[str]:
    """Every article that stood in a feed for two intervals is stored once; nothing foreign is."""
    room = evidence.ledger.room
    stored = Counter(_name(evidence, row["url"]) for row in evidence.rows("SELECT url FROM articles"))
    for url, number in stored.items():
        if url not in room.names:
            yield f"stored, though nobody published it: {url}"
        elif number > 1:
            yield f"stored {number} times: {url}"
    texts = {row["id"]: row["text"] for row in evidence.rows("SELECT id, text FROM articles")}
    if any(not text.strip() for text in texts.values()):
        yield "an article without its text is stored"
    yield from _sightings(evidence)
    for feed, item in _due(evidence):
        if urls.canonical(item.url) not in stored:
            yield f"lost: {item.url}, in {feed} since {room.moment(item.at):%H:%M}"


def _due(evidence: Evidence) -> Iterator[tuple[str, Publication]]:
    """What has stood in a feed for two intervals."""
    room = evidence.ledger.room
    for feed, items in room.in_feeds().items():
        yield from ((feed, item) for item in items if room.moment(item.at) < evidence.ended - 2 * evidence.every[feed])


def _sightings(evidence: Evidence) -> Iterator[str]:
    room = evidence.ledger.room
    entries = Counter((row["feed"], row["url"]) for row in evidence.rows(
        "SELECT f.url AS feed, s.url FROM sightings s LEFT JOIN feeds f ON f.id = s.feed"))
    for (feed, url), number in entries.items():
        if url not in room.names:
            yield f"queued, though no feed lists it: {url}"
        if number > 1:
            yield f"queued {number} times from feed {feed}: {url}"
    queued = {(feed, _name(evidence, url)) for feed, url in entries}
    for feed, item in _due(evidence):
        if (feed, urls.canonical(item.url)) not in queued:
            yield f"never queued: {item.url}, in {feed} since {room.moment(item.at):%H:%M}"


def _name(evidence: Evidence, url: str) -> str:
    item = evidence.ledger.room.names.get(url)
    return urls.canonical(item.url) or url if item is not None else url


# 2 --------------------------------------------------------------------------------------------------------------

def same_stories(evidence: Evidence) -> Iterator[str]:
    """Stories, kinds and originals equal those of an undisturbed run, and what the copies themselves declare.

    Compared are membership, the original, whether it is decided, and each copy's kind. All copies of the news room
    name their source, so that none of it hangs on when something was first seen; times, windows, confidence and the
    names of stories do, and are not compared.
    """
    if evidence.reference is None:
        return
    here, there = (stories(evidence, store) for store in (evidence.store, evidence.reference))
    for original in sorted(here.keys() | there.keys()):
        if here.get(original) != there.get(original):
            yield f"story of {original}: {here.get(original)}; undisturbed: {there.get(original)}"
    truth = defaultdict(set)
    for item in evidence.ledger.room.script.publications:
        if item.of is not None:
            truth[urls.canonical(evidence.ledger.room.script.publication(item.of).url)].add(urls.canonical(item.url))
    said = {original: {url for url, _ in copies} for original, (_, copies) in here.items()}
    if said != dict(truth):
        yield f"stories are not those that were published: {said}, published: {dict(truth)}"


def stories(evidence: Evidence, store: Path) -> dict[str, tuple[bool, frozenset[tuple[str, str]]]]:
    """Original -> (decided, (copy, kind) of each copy)."""
    members: dict[str, list[Row]] = defaultdict(list)
    for row in evidence.rows("SELECT s.id, s.decided, m.position, m.kind, a.url FROM stories s JOIN members m ON"
                             " m.story = s.id JOIN articles a ON a.id = m.article ORDER BY s.id, m.position", store):
        members[row["id"]].append(row)
    return {rows[0]["url"]: (bool(rows[0]["decided"]), frozenset((row["url"], row["kind"]) for row in rows[1:]))
            for rows in members.values()}


# 3 --------------------------------------------------------------------------------------------------------------

def never_early(evidence: Evidence) -> Iterator[str]:
    """No feed is asked before its interval is over, counted from the claim before, whoever died meanwhile; none, and
    nothing else of its host, before a Retry-After that was committed; no host more often than its delay allows."""
    for url, every in evidence.every.items():
        claims = [line for line in evidence.noted("claimed-feed") if line["url"] == url]
        asked = _asked(evidence, url)
        for before, after in pairwise(asked):
            claim = max((line for line in claims if line["mono"] <= before.mono), key=mono, default=None)
            if claim is None:
                yield f"{url} was asked at {before.at:%H:%M:%S} without a claim"
            elif after.at < _time(claim["now"]) + every:
                yield (f"{url} was asked at {after.at:%H:%M:%S}, {after.at - _time(claim['now'])} after the poll that was "
                       f"claimed at {_time(claim['now']):%H:%M:%S}; its interval is {every}")
    yield from _against_retry_after(evidence)
    yield from _crowded(evidence)


def _against_retry_after(evidence: Evidence) -> Iterator[str]:
    """Where an answer asked for quiet, and what became of it was committed, nothing of that host is asked for before
    by what was claimed since. (robots.txt is asked for in the course of a page.)"""
    made: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in evidence.noted("claimed-feed", "claimed-page"):
        made[place_of(line["url"])].append(line)
    commits = evidence.noted("polled", "page-failed")
    for one in (one for one in evidence.ledger.asked if one.retry_after is not None):
        place = f"{one.host}{one.path}"
        known = next((line["mono"] for line in commits if line["mono"] > one.mono and place_of(line["url"]) == place), None)
        again = next((line["mono"] for line in made[place] if line["mono"] > one.mono), None)
        if known is None or (again is not None and again < known):
            continue    # it died before that
        until = one.at + timedelta(seconds=one.retry_after or 0)
        for other in evidence.ledger.asked:
            if other.host == one.host and other.resource != "robots" and known < other.mono and other.at < until and any(
                    known < line["since"] and line["mono"] <= other.mono for line in made[f"{other.host}{other.path}"]):
                yield (f"{place} asked at {one.at:%H:%M:%S} for quiet until {until:%H:%M:%S}, and {other.path} was asked for "
                       f"at {other.at:%H:%M:%S}")


def _crowded(evidence: Evidence) -> Iterator[str]:
    """Starts at a host within any second: as many as the delay allows, and two more, since the ledger sees a request
    when it arrives."""
    starts: dict[str, list[float]] = defaultdict(list)
    for one in evidence.ledger.asked:
        starts[one.host].append(one.mono)
    most = int(1 / evidence.delay) + 3
    for host, times in starts.items():
        for first, last in zip(times, times[most:], strict=False):
            if last - first < 1:
                yield f"{host} had more than {most} requests within {last - first:.2f} s; its delay is {evidence.delay} s"
                break
        if (peak := evidence.ledger.at_once[host]) > evidence.per_host:
            yield f"{host} had {peak} requests at once; {evidence.per_host} are allowed"


# 4 --------------------------------------------------------------------------------------------------------------

def one_request_a_claim(evidence: Evidence) -> Iterator[str]:
    """A claim is at most one request, and nothing is claimed by two at once; a robots.txt is asked for once in its time."""
    yield from claims.one_request_each(evidence)
    yield from claims.held_alone(evidence)
    yield from claims.robots_once(evidence)


# 5 --------------------------------------------------------------------------------------------------------------

def nothing_private(evidence: Evidence) -> Iterator[str]:
    """No connection to an address that is not public."""
    for address in evidence.ledger.reached:
        yield f"a connection to {address}"


# 6 --------------------------------------------------------------------------------------------------------------

def bounded(evidence: Evidence) -> Iterator[str]:
    """Memory, threads and descriptors of the daemon; worker processes end with it."""
    for sample in evidence.samples:
        for what, found, most in (("KiB of memory", sample.memory, MEMORY), ("threads", sample.threads, THREADS),
                                  ("descriptors", sample.descriptors, DESCRIPTORS)):
            if found > most:
                yield f"daemon {sample.pid} had {found} {what}; at most {most} are promised"
    if evidence.survivors:
        yield f"{evidence.survivors} worker processes outlived their daemon"


# 7 --------------------------------------------------------------------------------------------------------------

def nothing_stale(evidence: Evidence) -> Iterator[str]:
    """No lease is left, no feed overdue, nothing waits; nor did what a dead worker had in hand wait for long."""
    yield from left_over(evidence)
    yield from claims.takeovers(evidence).late


def left_over(evidence: Evidence) -> Iterator[str]:
    """What the store says of work that is not done."""
    for table in ("feeds", "sightings", "articles"):
        for row in evidence.rows(f"SELECT count(*) AS n FROM {table} WHERE lease_until IS NOT NULL"):
            if row["n"]:
                yield f"{row['n']} leases are left on {table}"
    for row in evidence.rows("SELECT url, next_poll FROM feeds WHERE position IS NOT NULL AND NOT disabled"):
        if (late := evidence.ended - moment(row["next_poll"])) > evidence.every[row["url"]]:
            yield f"{row['url']} is overdue by {late}"
    for what, query in (("sightings wait", "SELECT count(*) AS n FROM sightings WHERE state = 'waiting'"),
                        ("articles are not judged", "SELECT count(*) AS n FROM articles WHERE unjudged")):
        if number := evidence.rows(query)[0]["n"]:
            yield f"{number} {what}"


# 8 --------------------------------------------------------------------------------------------------------------

def database_sound(evidence: Evidence) -> Iterator[str]:
    """The database finds no fault with itself, and what the tables say of each other agrees."""
    yield from soundness.faults(evidence.store)
    for what, query in DANGLING.items():
        if number := evidence.rows(f"SELECT count(*) AS n FROM {query}")[0]["n"]:
            yield f"{number} {what}"


DANGLING = {
    "sightings are done without an article": "sightings WHERE state = 'done' AND article NOT IN (SELECT id FROM articles)",
    "articles have no address": "articles WHERE id NOT IN (SELECT article FROM addresses)",
    "keys are of no article": "keys WHERE article NOT IN (SELECT id FROM articles)",
    "matches are of no article":
        "matches WHERE a NOT IN (SELECT id FROM articles) OR b NOT IN (SELECT id FROM articles)",
    "stories have fewer than two members": "(SELECT story FROM members GROUP BY story HAVING count(*) < 2)",
}


# 9 --------------------------------------------------------------------------------------------------------------

def reasons_given(evidence: Evidence) -> Iterator[str]:
    """Each failure has one reason from the closed list, and nothing else went wrong."""
    for line in evidence.log:
        if line["event"] in ("feed-failed", "page-failed", "robots-failed") and line.get("reason") not in REASONS:
            yield f"{line['event']} {line.get('url')} for the reason {line.get('reason')!r}"
        if _is_bad(evidence, line):
            yield f"{line['event']}: {line.get('error') or line.get('detail') or line.get('message') or line}"
    for line in evidence.noted("fell"):
        if not evidence.befallen(line["worker"], line["mono"], AFTER * evidence.strain):
            yield f"worker {line['worker']} ended by itself with status {line['status']}"
    for line in evidence.noted("polled"):
        if line["reason"] is not None and line["reason"] not in REASONS:
            yield f"{line['url']} failed for the reason {line['reason']!r}"
    for row in evidence.rows("SELECT url, reason FROM sightings WHERE reason IS NOT NULL"):
        if row["reason"] not in REASONS:
            yield f"{row['url']} failed for the reason {row['reason']!r}"


def _is_bad(evidence: Evidence, line: dict[str, Any]) -> bool:
    """Whether nothing that befell its worker from outside accounts for a line of the log."""
    if line["event"] in BAD_EVENTS or ("traceback" in line and line["event"] != "lease-lost"):
        return not _accounted(evidence, line)
    # Of one worker alone on its store a lease is lost to nobody.
    return line["event"] == "lease-lost" and "worker" in line and not _accounted(evidence, line)


def _accounted(evidence: Evidence, line: dict[str, Any]) -> bool:
    return "worker" in line and evidence.befallen(line["worker"], line["mono"], AFTER * evidence.strain)


# ----------------------------------------------------------------------------------------------------------------

def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _asked(evidence: Evidence, url: str) -> list[Asked]:
    return [one for one in evidence.ledger.asked if f"{one.host}{one.path}" == place_of(url)]


CHECKS: dict[int, Callable[[Evidence], Iterator[str]]] = {
    1: stored_once, 2: same_stories, 3: never_early, 4: one_request_a_claim, 5: nothing_private, 6: bounded,
    7: nothing_stale, 8: database_sound, 9: reasons_given,
}
