"""What a run consists of: how large its news room is, and how each start of the daemon ends."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from killpoints import POINTS
from newsroom import Newsroom, Plan

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
OFF = timedelta(hours=9)        # longer than any retry of a page and any Retry-After
DELAY = 0.05                    # seconds between two starts at a host, by the event loop, which no clock hurries
PER_HOST = 2


@dataclass(frozen=True, slots=True)
class Kill:
    """How one start of the daemon ends: at the `nth` passage of a point, or `after` so many seconds, which count from
    when it is up, or, if `early`, from its birth. Then the machine is off for `off` minutes of the world."""

    point: str = ""
    nth: int = 1
    after: float = 3.0
    early: bool = False
    off: int = 0
    forced: str = ""        # what happens to all feeds meanwhile


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run. `rate`: seconds of the world in a real one. `lease` and `idle` in seconds of the world."""

    seed: str
    plan: Plan
    kills: tuple[Kill, ...] = ()
    rate: float = 120.0
    lease: float = 480.0
    idle: float = 6.0
    share: int = 3
    timeout: float = 3.0        # seconds for one request
    mutant: str = ""
    reference: bool = True
    cold: bool = False          # the last start is of a process of its own, its workers spawned
    patience: float = 300.0     # seconds for the calm, which ends when every feed has been read, and nothing waits


OFFS = (0, 5, 12, 25, 40, 60)   # minutes between a kill and the next start


def seeded(seed: str, kills: int, *, originals: int = 14, seconds: float = 1.0, cold: bool = False) -> Scenario:
    """A run with so many kills, each about `seconds` after a start; two of three at named points, if they are passed."""
    chance = random.Random(f"{seed} kills")
    named = list(POINTS[5:])
    chance.shuffle(named)
    named = [*POINTS[:5], *named]       # those that every run has to pass come first
    chosen = []
    for number in range(kills):
        off = max(chance.choice(OFFS), 25 if number < 8 else 0)
        if number % 3 < 2:
            point = named[(number - number // 3) % len(named)]
            sure = number < 8       # these five are waited for
            chosen.append(Kill(point, 1 if sure else chance.choice((1, 1, 1, 2, 3)), after=(20 if sure else 2.5) * seconds, off=off))
        else:
            chosen.append(Kill(after=chance.uniform(0, 2 * seconds), early=chance.random() < 0.4, off=off))
    quiet = max(120, sum(kill.off for kill in chosen))
    return Scenario(seed, Plan(originals, 0.6, quiet, (10, 15, 20)), tuple(chosen), cold=cold)


def trap(mutant: str = "") -> Scenario:
    """A small run without chance in which each mutant does its harm. Its feeds are due once an hour."""
    hour = 60
    plan = Plan(2, 1.0, -100, (hour,), formats=("rss",), validators=1.0, twice=0.3)
    feeds = len(Newsroom(START, "trap", plan).feeds)
    kills = (
        Kill("fetched:feed", after=20, off=10),                 # its leases run out, its feeds are not due:
        Kill("fetched:feed", after=10, off=hour),               # nothing is asked
        Kill("inside:finish_poll with entries", 2, after=20, off=hour),     # nothing of it may be stored
        Kill("after:finish_poll", feeds, after=20, off=4 * hour, forced="reset-before-headers"),
        Kill("after:finish_poll", feeds, after=20, off=8 * hour, forced="cut-document"),
    )
    return Scenario("trap", plan, kills, share=0, timeout=20, mutant=mutant, reference=False)
