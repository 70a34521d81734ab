"""Polls a day against the delay between publication and first sight, for five rules on one invented set of feeds.

    python tests/quality/simulate_polling.py [--seed N] [--days N]

Prints a Markdown table. Publication times are generated: even, bursty, by the rhythm of day and week, daily in one
heap, hardly ever, never. A poll costs nothing here and never fails; a document shows the newest 20 entries. The first
week is not counted: every rule starts without knowledge. The second Firsthand row spends as few polls as rss-fetcher
does, so that the delays of the two can be compared.
"""

import argparse
import math
import random
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from crawler.core import schedule
from crawler.core.schedule import pace
from crawler.core.types import FeedState

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
WARM_UP = 7 * 24.0
WINDOW = 20         # entries a document shows
FEEDS = 8           # of each kind

Rule = Callable[[float, float, int, int], float]
"""(now, hours since the last poll, new entries, entries shown) -> hours until the next poll."""


# --- feeds: sorted hours at which an entry appears ----------------------------------------------------------------


def arrivals(rng: random.Random, hours: float, rate: Callable[[float], float], peak: float) -> list[float]:
    """A Poisson process by thinning."""
    now, found = 0.0, []
    while (now := now + rng.expovariate(peak)) < hours:
        if rng.random() < rate(now) / peak:
            found.append(now)
    return found


def by_day(mean: float, noon: float) -> Callable[[float], float]:
    """A rate of `mean` an hour that peaks around `noon` (UTC hour), nearly sleeps at night, and halves at weekends."""
    def rate(at: float) -> float:
        awake = math.cos((at % 24 - noon) / 24 * 2 * math.pi)
        return mean * (max(0.05, awake) * 2.7) * (0.5 if at // 24 % 7 >= 5 else 1.0)
    return rate


def bursts(rng: random.Random, hours: float) -> list[float]:
    """Two bursts a day on average, at any hour, of 3 to 10 entries within three quarters of an hour."""
    starts = arrivals(rng, hours, lambda _: 2 / 24, 2 / 24)
    return sorted(at for start in starts for at in (start + rng.random() * 0.75 for _ in range(rng.randint(3, 10))) if at < hours)


def editions(rng: random.Random, hours: float) -> list[float]:
    """Twelve entries within six minutes, once a day at an hour of its own."""
    first = rng.random() * 24
    return sorted(at for day in range(int(hours // 24)) for at in (day * 24 + first + rng.random() * 0.1 for _ in range(12)) if at < hours)


def invented(rng: random.Random, hours: float) -> dict[str, list[list[float]]]:
    """Feeds by kind."""
    kinds: dict[str, Callable[[], list[float]]] = {
        "agency, 120 a day": lambda: arrivals(rng, hours, by_day(5, 13), 5 * 2.7),
        "daily rhythm, 20 a day": lambda: arrivals(rng, hours, by_day(0.8, rng.random() * 24), 0.8 * 2.7),
        "hourly": lambda: [hour + rng.random() * 0.1 for hour in range(int(hours))],
        "bursty, 13 a day": lambda: bursts(rng, hours),
        "one edition a day": lambda: editions(rng, hours),
        "one a day": lambda: arrivals(rng, hours, by_day(1 / 24, rng.random() * 24), 2.7 / 24),
        "dead": list,
    }
    return {kind: [make() for _ in range(FEEDS)] for kind, make in kinds.items()}


# --- rules --------------------------------------------------------------------------------------------------------


def fixed(hours: float) -> Rule:
    """The same interval always."""
    return lambda now, elapsed, new, shown: hours


def rss_fetcher() -> Rule:
    """Media Cloud: share of known URLs in the document; two successes before any change; 10 min to a day, from 6 h."""
    interval, polls, last_new = 6.0, 0, 0.0

    def rule(now: float, elapsed: float, new: int, shown: int) -> float:
        nonlocal interval, polls, last_new
        polls, last_new = polls + 1, now if new else last_new
        known = 1 - new / shown if new else 1.0
        if polls > 2 and known >= 0.67:
            interval = min(24.0, interval + (1 / 6 if now - last_new < 31 * 24 else 1.0))
        elif polls > 2 and known < 0.33:
            interval = 6.0 if interval > 6 else max(1 / 6, interval - 1)
        return interval
    return rule


def commafeed(published: list[float]) -> Rule:
    """CommaFeed: half of the mean gap in the document, 5 min to 1 h; 1, 2, 4 h for feeds silent for 7, 14, 30 days."""
    def rule(now: float, elapsed: float, new: int, shown: int) -> float:
        document = published[:bisect_right(published, now)][-WINDOW:]
        silent = (now - document[-1]) / 24 if document else 30.0
        if silent >= 7:
            return 4.0 if silent >= 30 else 2.0 if silent >= 14 else 1.0
        gap = (document[-1] - document[0]) / max(1, len(document) - 1)
        return min(1.0, max(5 / 60, gap / 2)) if len(document) > 1 else 1.0
    return rule


def miniflux(published: list[float]) -> Rule:
    """Miniflux' entry_frequency: a week divided by the entries of the last week, 5 min to a day."""
    def rule(now: float, elapsed: float, new: int, shown: int) -> float:
        week = bisect_right(published, now) - bisect_left(published, now - 168)
        return min(24.0, max(5 / 60, 168 / week)) if week else 24.0
    return rule


def firsthand(rng: random.Random) -> Rule:
    """The product's own code, validators given, nothing asked for by the feed."""
    state, policy = FeedState(), schedule.Policy()

    def rule(now: float, elapsed: float, new: int, shown: int) -> float:
        nonlocal state
        at = EPOCH + timedelta(hours=now)
        outcome = schedule.Success(at, shown, new, full=new > 0, changed=new > 0, etag='"e"')
        state = schedule.after(state, outcome, policy, rng.random())
        assert state.next_poll is not None
        return (state.next_poll - at) / timedelta(hours=1)
    return rule


# --- the run ------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What a rule did to feeds of one kind."""

    polls: int = 0
    useful: int = 0
    missed: int = 0
    delays: list[float] = field(default_factory=list)  # minutes


def follow(published: list[float], rule: Rule, hours: float, first: float, tally: Tally) -> None:
    """Poll one feed from `first` on until `hours`."""
    now, last = first, first
    seen = bisect_right(published, now)
    now += rule(now, 0.0, min(seen, WINDOW), min(seen, WINDOW) or 1)
    while now < hours:
        there = bisect_right(published, now)
        fresh = published[max(seen, there - WINDOW):there]
        if now >= WARM_UP:
            tally.polls += 1
            tally.useful += bool(fresh)
            tally.missed += there - seen - len(fresh)
            tally.delays += [(now - at) * 60 for at in fresh]
        elapsed, last, seen = now - last, now, there
        now += rule(now, elapsed, len(fresh), min(there, WINDOW) or 1)


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def simulate(make: Callable[[list[float]], Rule], feeds: dict[str, list[list[float]]], hours: float, seed: int) -> dict[str, Tally]:
    """One rule over every feed."""
    rng = random.Random(seed)
    tallies = {kind: Tally() for kind in feeds}
    for kind, members in feeds.items():
        for published in members:
            follow(published, make(published), hours, rng.random() * 6, tallies[kind])
    return tallies


def row(name: str, tallies: dict[str, Tally], days: float) -> str:
    """A line of the table: for each kind polls a day and median/95th percentile in minutes, then everything."""
    cells = []
    for tally in tallies.values():
        polls = tally.polls / days / FEEDS
        cells.append(f"{polls:.1f}: {quantile(tally.delays, 0.5):.0f}/{quantile(tally.delays, 0.95):.0f}" if tally.delays else f"{polls:.1f}")
    every = list(tallies.values())
    delays = [delay for tally in every for delay in tally.delays]
    kinds = [tally for tally in every if tally.delays]
    median, late = (sum(quantile(tally.delays, share) for tally in kinds) / len(kinds) for share in (0.5, 0.95))
    polls = sum(tally.polls for tally in every)
    cells += [
        f"{polls / days / FEEDS / len(every):.1f}", f"{sum(tally.useful for tally in every) / polls:.0%}",
        f"{quantile(delays, 0.5):.0f}/{quantile(delays, 0.95):.0f}", f"{median:.0f}/{late:.0f}", str(sum(tally.missed for tally in every)),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def spending(amount: float) -> None:
    """Set the price of delay (`pace.SPEND`) for the rows that follow."""
    pace.SPEND = amount


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--days", type=int, default=28, help="counted days, after the first week")
    args = options.parse_args()
    hours = WARM_UP + args.days * 24
    feeds = invented(random.Random(args.seed), hours)
    print(f"Polls a feed and day: median/95th percentile of the delay in minutes. Seed {args.seed}, {args.days} days, {FEEDS} feeds of each kind.\n")
    print(f"| rule | {' | '.join(feeds)} | polls | useful | all entries | mean of kinds | missed |")
    print("| --- |" + " ---: |" * (len(feeds) + 5))
    frugal, usual = 3.7, pace.SPEND
    rules: list[tuple[str, float, Callable[[list[float]], Rule]]] = [
        ("**Firsthand**", usual, lambda _: firsthand(random.Random(args.seed))),
        (f"Firsthand at SPEND {frugal}", frugal, lambda _: firsthand(random.Random(args.seed))),
        ("rss-fetcher", usual, lambda _: rss_fetcher()),
        ("CommaFeed", usual, commafeed),
        ("Miniflux, entry_frequency", usual, miniflux),
        ("fixed 30 min", usual, lambda _: fixed(0.5)),
        ("fixed 60 min", usual, lambda _: fixed(1.0)),
    ]
    for name, amount, make in rules:
        spending(amount)
        print(row(name, simulate(make, feeds, hours, args.seed), args.days))


if __name__ == "__main__":
    main()
