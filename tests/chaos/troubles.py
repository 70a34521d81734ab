"""What befalls several workers on one PostgreSQL, in seeded order."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from killpoints import POINTS
from newsroom import Plan

Kind = Literal["kill", "freeze", "cut", "reset", "restart", "read-only", "kill-all"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One mishap. `worker` is the one it befalls, or the next that is in order; 0: all of them. At the `nth` passage of a
    point if one is named and passed soon, else at once. `seconds` are real ones."""

    kind: Kind
    worker: int = 0
    point: str = ""
    nth: int = 1
    seconds: float = 0.0        # for which it is frozen, cut off, read-only, or nobody is there
    share: float = 1.0          # of a worker's connections that are reset
    breaks: bool = False        # the machine of a worker that is cut off gives its connections up; else they heal
    pause: float = 1.0          # until the next


@dataclass(frozen=True, slots=True)
class Crew:
    """One run. `rate`: seconds of the world in a real one. `lease` and `idle` in seconds of the world. `strain`: so much
    slower is everything than on a machine that is at rest, the world and its troubles too."""

    seed: str
    plan: Plan
    troubles: tuple[Trouble, ...] = ()
    workers: int = 4
    rate: float = 240.0
    lease: float = 1440.0       # six real seconds: renewed three times in it, by a process that shares its processor
    idle: float = 240.0         # looks at idle queues are most of what four workers do
    share: int = 3
    latency: float = 0.02       # real seconds of each answer: else no two requests are ever under way together
    timeout: float = 2.0
    thinking: float = 0.0       # real seconds that parting a story takes, less the more articles it has: what was
                                # read first is then written last, where nothing prevents it
    mutant: str = ""
    reference: bool = True
    patience: float = 120.0     # real seconds for the calm
    strain: float = 1.0

    @property
    def lease_seconds(self) -> float:
        """Real ones."""
        return self.lease / self.rate


def strained(crew: Crew) -> Crew:
    """The run as a machine with so much else to do can play it: what counts is what happens in a lease, not in a second."""
    strain = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) / _USUAL)
    return replace(crew, strain=strain, rate=crew.rate / strain, timeout=crew.timeout * strain, patience=crew.patience * strain)


_USUAL = 1.5        # processes that want a processor, for each that there is: those of the run itself
KILLED = tuple(point for point in POINTS if point not in ("inside:bring_up", "inside:sync_feeds"))
FROZEN = ("inside:claim_feeds", "inside:finish_poll with entries", "inside:electing", "inside:save_article",
          "inside:claim_sightings", "after:claim_feeds", "inside:save_stories", "fetched:page", "before:finish_poll",
          "inside:put_keys", "inside:claim_unjudged", "after:claim_sightings", "before:save_article", "fetched:robots")
"""Where a worker may be frozen: with locks in its hands, or about to write what is no longer its own."""

# One of each before the second of any; a kill is what happens most.
_ROUND: tuple[Kind, ...] = ("kill", "freeze", "reset", "kill", "cut", "restart", "kill", "freeze", "read-only", "kill",
                            "reset", "kill-all")


def crew(seed: str, troubles: int, *, originals: int = 14, workers: int = 4, mutant: str = "") -> Crew:
    """A run with so many mishaps of every kind."""
    chance = random.Random(f"{seed} troubles")
    chosen = tuple(_chosen(chance, troubles, workers))
    seconds = 4 + sum(one.pause + (one.seconds if one.kind in ("read-only", "kill-all") else 0.5) for one in chosen)
    quiet = max(90, int(seconds * 240 / 60))
    return Crew(seed, Plan(originals, 0.6, quiet, (10, 15, 20)), chosen, workers, mutant=mutant)


def trap(mutant: str = "") -> Crew:
    """A small run with next to no chance in it in which each mutant of several workers does its harm: everything is there
    from the start, copies come to the judges together, and one worker is frozen with a feed's answer in its hands."""
    return Crew("trap", Plan(8, 1.0, -100, (10,)), (Trouble("freeze", 1, "fetched:feed", seconds=8.0, pause=0.0),), share=0,
                latency=0.2, thinking=1.5, timeout=20, patience=30, mutant=mutant)


def _chosen(chance: random.Random, troubles: int, workers: int) -> Iterator[Trouble]:
    kills, freezes = _shuffled(chance, KILLED), _shuffled(chance, FROZEN)
    kinds = list(_ROUND)
    for number in range(troubles):
        if number % len(_ROUND) == 0:
            chance.shuffle(kinds)
        yield _one(chance, kinds[number % len(_ROUND)], chance.randint(1, workers), kills, freezes)


def _one(chance: random.Random, kind: Kind, worker: int, kills: Iterator[str], freezes: Iterator[str]) -> Trouble:
    pause = chance.uniform(0.6, 1.4)
    match kind:
        case "kill":
            point = next(kills) if chance.random() < 0.75 else ""
            return Trouble(kind, worker, point, chance.choice((1, 1, 2)), pause=pause)
        case "freeze":      # past the lease
            point = next(freezes) if chance.random() < 0.6 else ""
            return Trouble(kind, worker, point, seconds=chance.uniform(7.0, 8.5), pause=pause)
        case "cut":
            return Trouble(kind, worker, seconds=chance.uniform(7.0, 8.5), breaks=chance.random() < 0.5, pause=pause)
        case "reset":
            everybody = chance.random() < 0.4
            return Trouble(kind, 0 if everybody else worker, share=chance.choice((0.4, 1.0)), pause=pause)
        case "restart":
            return Trouble(kind, pause=pause)
        case "read-only":
            return Trouble(kind, seconds=chance.uniform(0.8, 1.6), pause=pause)
        case "kill-all":
            return Trouble(kind, seconds=chance.uniform(0.0, 0.5), pause=pause)


def _shuffled(chance: random.Random, points: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from chance.sample(points, len(points))
