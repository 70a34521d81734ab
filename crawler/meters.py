"""Every metric of the daemon: its name, what it counts, all values of its labels, its buckets.

A label has a closed list of values, and what is not in it counts as "other": each value is a series for ever, and nothing
that a stranger wrote may make one. `begin` has every series stand at zero, so that an alarm can tell nothing from none.
"""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from time import perf_counter
from typing import Any, Literal

from crawler import metrics
from crawler.errors import Reason

OTHER = "other"


class Ending(StrEnum):
    """How an entry that a feed lists ends.

    Each entry of each document that was read and committed ends in exactly one of these, or still waits:

    1. The reader makes one `Entry` or one `Dropped` of each (`core.feeds`): EMPTY, BAD_LINK, DUPLICATE_KEY, UNREADABLE,
       TOO_MANY, FILTERED (addresses of a sitemap that are no news). `documents.read` parts the entries again: FILTERED by
       `keep` and `drop`, BAD_LINK where a link has no canonical form. A document that a hub pushed goes the same way.
    2. Of the others `documents.bounded` holds the new ones beyond the day's quota back: OVER_QUOTA.
    3. What is left is committed with the state of the feed, or nothing is: then it is FAILED for `store` where the database
       does not take it, and nothing at all is counted where the poll is done over (`StoreError`, a lost lease).
    4. The store tells the new and the changed ones, which now wait, from the KNOWN ones: listed before and unchanged,
       changed while they still wait, or the same twice in this document.
    5. What waits is done once: `collect` ends with `attach` or `save_article`, after which the row no longer waits: STORED,
       WALL, TOO_SHORT for a new article, REVISION for another text of a stored one, DUPLICATE_URL where another entry
       brought the article, UNCHANGED where its own entry did; or with `fail_sighting` without a time to try again: FAILED.
       A failure that will be tried again and a postponement are no ends, and are counted apart (`RETRIED`, `POSTPONED`).
       Whoever loses the lease before its commit counts nothing: somebody else will.

    So `firsthand_entries_listed_total` is the sum of these and of what waits. What a person has erased (`forget`), or what
    is removed with its article when its retention ends, while it waits to be looked at again, ends uncounted; and who is
    killed between a commit and the counter loses the counter too.
    """

    STORED = "stored"
    WALL = "wall"                     # stored, but the page is a log-in, a paywall, a list … : `reason` says which
    TOO_SHORT = "too_short"           # stored, but no text that could be compared
    REVISION = "revision"
    UNCHANGED = "unchanged"           # looked at again, and found as it was
    DUPLICATE_URL = "duplicate_url"
    KNOWN = "known"
    FILTERED = "filtered"
    BAD_LINK = "bad_link"
    DUPLICATE_KEY = "duplicate_key"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    TOO_MANY = "too_many"
    OVER_QUOTA = "over_quota"         # comes again the next day
    FAILED = "failed"                 # given up; `reason` says why


DROPPED: Mapping[str, Ending] = {   # by the word of `core.types.Dropped`
    "filtered": Ending.FILTERED, "link": Ending.BAD_LINK, "duplicate_key": Ending.DUPLICATE_KEY, "empty": Ending.EMPTY,
    "unreadable": Ending.UNREADABLE, "too_many": Ending.TOO_MANY}
WALLS = ("consent", "login", "paywall", "script", "challenge", "soft-404", "list", "cpu", "memory", "unstable_ids", OTHER)
REASONS = (*(reason.value for reason in Reason), OTHER)
Kind = Literal["Counter", "Gauge", "Histogram"]
Labels = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Meter:
    """One metric. `series` are all combinations of its labels that occur, where not every one does."""

    kind: Kind
    name: str
    help: str
    labels: Labels = field(default_factory=dict)
    buckets: Sequence[float] = metrics.SECONDS
    series: Sequence[Mapping[str, str]] = ()

    def count(self, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        metrics.count(self.name, self.help, amount, **self._closed(labels))

    def set(self, value: float, **labels: str) -> None:
        """Set a gauge."""
        metrics.gauge(self.name, value, self.help, **self._closed(labels))

    def observe(self, value: float, **labels: str) -> None:
        """Put a value into a histogram."""
        metrics.observe(self.name, value, self.help, self.buckets, **self._closed(labels))

    @contextmanager
    def timed(self, **labels: str) -> Iterator[None]:
        """Put the seconds that the block takes into a histogram, however it ends."""
        began = perf_counter()
        try:
            yield
        finally:
            self.observe(perf_counter() - began, **labels)

    def begin(self) -> None:
        """Every series stands at zero."""
        more: dict[str, Any] = {"buckets": self.buckets} if self.kind == "Histogram" else {}
        for labels in self.series or (dict(zip(self.labels, each, strict=True)) for each in product(*self.labels.values())):
            metrics.declare(self.kind, self.name, self.help, dict(labels), **more)

    def _closed(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {name: value if value in self.labels[name] else OTHER for name, value in labels.items()}


def _with_reasons(outcomes: Iterable[str], reasons: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    return [{"outcome": outcome, "reason": reason} for outcome in outcomes for reason in reasons.get(outcome, ("",))]


_ENDED: Labels = {"outcome": [*Ending], "reason": ("", *dict.fromkeys((*WALLS, *REASONS)))}
_FETCHED = (.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60)
_DOCUMENTS = ("feed", "page", "robots", "hub")
_QUEUES = ("poll", "collect", "judge", "push", "subscribe", "deliver")
_HOURS = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400)
TASKS: Mapping[str, str] = {   # what a worker does, by the name of its function
    "read": "feed", "take_page": "page", "take_content": "content", "permission": "robots", "with_keys": "units", "weigh": "weigh",
    "prepare": "prepare", "verify": "verify", "rewordings": "rewordings", "settle": "settle", "beside": "beside", "encoded": "encode",
    "compared": "align"}

BUILD = "firsthand_build_info"
LISTED = Meter("Counter", "firsthand_entries_listed_total", "Entries that feeds listed, in every document that was read")
ENTRIES = Meter("Counter", "firsthand_entries_total", "Entries by how they ended", _ENDED, series=_with_reasons(
    Ending, {Ending.WALL: WALLS, Ending.FAILED: REASONS}))
SOURCE_PAGES = Meter("Counter", "firsthand_source_pages_total", "Pages that articles name as their source, by how they ended",
                     _ENDED, series=_with_reasons(
    ("stored", "wall", "too_short", "revision", "duplicate_url", "failed"), {"wall": WALLS, "failed": REASONS}))
RETRIED = Meter("Counter", "firsthand_page_retries_total", "Pages that failed and will be asked for again",
                {"reason": REASONS})
POSTPONED = Meter("Counter", "firsthand_pages_postponed_total", "Pages not asked for yet, since their host wants quiet or has "
                  "had its quota", {"reason": ("rate_limited", "quota", OTHER)})
LAG = Meter("Histogram", "firsthand_publication_lag_seconds", "From the time that a new article claims, where it can be "
            "believed, to its first sight", buckets=_HOURS)

POLLS = Meter("Counter", "firsthand_polls_total", "Polls of feeds: with a new document, with the one of last time, with 304, "
              "failed", {"outcome": ("changed", "same", "not_modified", "failed"), "reason": ("", *REASONS)},
              series=_with_reasons(("changed", "same", "not_modified", "failed"), {"failed": REASONS}))
REQUESTS = Meter("Counter", "firsthand_requests_total", "Requests, with their redirects, by what came of them", {
    "kind": _DOCUMENTS, "status": ("2xx", "3xx", "4xx", "5xx", "none", OTHER)})
REQUEST_FAILURES = Meter("Counter", "firsthand_request_failures_total", "Requests without a usable answer, by reason", {
    "kind": _DOCUMENTS, "reason": REASONS})
REQUEST_SECONDS = Meter("Histogram", "firsthand_request_seconds", "Time of a request, without the wait for its turn",
                        {"kind": _DOCUMENTS}, _FETCHED)
REQUEST_WAIT = Meter("Histogram", "firsthand_request_wait_seconds", "Time that a request waits for its turn, out of politeness",
                     {"kind": _DOCUMENTS}, (.1, .5, 1, 2, 5, 15, 60, 300))
RESPONSE_BYTES = Meter("Counter", "firsthand_response_bytes_total", "Bytes of documents, decompressed", {"kind": _DOCUMENTS})

WORK = Meter("Counter", "firsthand_work_total", "Pieces of work by how they ended", {
    "queue": _QUEUES, "outcome": ("done", "failed", "lease_lost")})
WORK_SECONDS = Meter("Histogram", "firsthand_work_seconds", "Time of a piece of work as a whole, waits included",
                     {"queue": _QUEUES}, (*metrics.SECONDS, 120, 300, 900))
TASK_SECONDS = Meter("Histogram", "firsthand_worker_task_seconds", "Time of a task in a worker process",
                     {"task": (*TASKS.values(), OTHER)})
TASK_FAILURES = Meter("Counter", "firsthand_worker_task_failures_total", "Tasks that a worker could not finish", {
    "task": (*TASKS.values(), OTHER), "reason": ("cpu", "memory", OTHER)})
WORKER_DEATHS = Meter("Counter", "firsthand_worker_deaths_total", "Workers that were ended for their time, or died",
                      {"reason": ("cpu", "memory", OTHER)})
POOL_STARTS = Meter("Counter", "firsthand_pool_starts_total", "Times that the worker pool was made, or made anew")
JUDGEMENTS = Meter("Counter", "firsthand_judgements_total", "Articles judged", {"outcome": ("done", "failed")})
STORY_CHANGES = Meter("Counter", "firsthand_story_changes_total", "Stories that are new, changed, merged or gone", {
    "event": ("story", "original-changed", "merged", "dissolved", "changed", OTHER)})
STORE_SECONDS = Meter("Histogram", "firsthand_store_seconds", "Time of a transaction, with the wait for its turn", {
    "kind": ("read", "write")}, (.001, *metrics.SECONDS[:-1]))
STORE_ERRORS = Meter("Counter", "firsthand_store_errors_total", "Transactions that failed: the database out of reach, values "
                     "refused, work lost to another process", {"kind": ("unavailable", "refused", "lease_lost")})
RELOADS = Meter("Counter", "firsthand_reloads_total", "Times that the configuration was read again", {
    "outcome": ("done", "refused")})
CLOCK_JUMPS = Meter("Counter", "firsthand_clock_jumps_total", "Times that somebody set the clock")
LOOP_LAG = Meter("Gauge", "firsthand_loop_lag_seconds", "Delay of the event loop, just now")
LOOP_LAG_MAX = Meter("Gauge", "firsthand_loop_lag_max_seconds", "Longest delay of the event loop")
LOOP_HELD_MAX = Meter("Gauge", "firsthand_loop_held_max_seconds", "Longest time for which the event loop computed without a pause")
LOOP_HELD = Meter("Counter", "firsthand_loop_held_total", "Steps that held the event loop for over 0.1 s")

# What goes out and what is pushed in; counted where it happens, under these names and outcomes.
WEBHOOK_EVENTS = Meter("Counter", "firsthand_webhook_events_total", "Events of webhooks by what became of them", {
    "outcome": ("sent", "ended", "passed", "disabled", "failed", "given_up")})
HUB_PINGS = Meter("Counter", "firsthand_hub_pings_total", "Times the own hub was told of news", {"outcome": ("sent", "failed")})
WEBSUB_REQUESTS = Meter("Counter", "firsthand_websub_requests_total", "Requests to hubs by what came of them", {
    "outcome": ("asked", "refused")})
WEBSUB_ANSWERS = Meter("Counter", "firsthand_websub_verifications_total", "Questions of hubs by what was answered", {
    "outcome": ("subscribe", "unsubscribe", "denied", "unasked")})
WEBSUB_PUSHES = Meter("Counter", "firsthand_websub_pushes_total", "Documents that hubs distributed, by what became of them", {
    "outcome": ("stored", "read", "repeated", "unreadable", "unsigned", "forged", "foreign", "unknown", "encoded", "too_large",
                "broken", "slow", "busy", "full", "store")})
TOKENS_WRONG = Meter("Counter", "firsthand_tokens_wrong_total", "Wrong tokens that were presented to the review page")

# What is true just now, as of the last time that somebody asked (`health.py`).
QUEUE = Meter("Gauge", "firsthand_queue", "What waits: feeds that are due, entries to be collected, articles to be judged", {
    "queue": ("feeds_due", "entries", "unjudged")})
HOLDINGS = Meter("Gauge", "firsthand_stored", "What is stored", {
    "what": ("feeds", "failing", "articles", "stories", "copies", "undecided")})
CHECKS = Meter("Gauge", "firsthand_check_ok", "1 where a check of /readyz holds, else 0", {
    "check": ("daemon", "store", "workers", *_QUEUES)})

METERS: Sequence[Meter] = tuple(one for one in list(globals().values()) if isinstance(one, Meter))


def begin(version: str, store: str) -> None:
    """Have everything stand at zero: a daemon of this version starts on a database of this kind ("sqlite", "postgresql")."""
    for one in METERS:
        one.begin()
    metrics.gauge(BUILD, 1, "1, with what runs", version=version, python=platform.python_version(), store=store)


def status_class(status: int | None) -> str:
    """The label for an HTTP status: "2xx"; "none" where there was no answer."""
    return "none" if status is None else f"{status // 100}xx"
