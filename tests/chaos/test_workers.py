"""Four workers on one PostgreSQL come to what one comes to, while they are killed and frozen and their database comes and
goes.

The long version is `make chaos-workers`. Runs of one server go on in turn: each restarts it.
"""

import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from claims import held_alone, robots_once, takeovers
from evidence import Evidence, Spell
from invariants import CHECKS, reasons_given
from launch import Launcher
from mutants import OF_SEVERAL
from server import served
from troubles import Crew, crew, strained, trap
from workers import Result, run

SEED = "2"
TROUBLES = 12


@pytest.fixture(scope="module")
async def seeded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Result]:
    """The run of SEED."""
    folder: Path = tmp_path_factory.mktemp("workers")
    yield await _played(crew(SEED, TROUBLES), folder)
    shutil.rmtree(folder, ignore_errors=True)


async def _played(scenario: Crew, folder: Path) -> Result:
    with served() as server:
        async with Launcher() as launcher:
            return await run(strained(scenario), launcher, server, folder)


@pytest.mark.parametrize("invariant", [pytest.param(number, id=check.__name__) for number, check in CHECKS.items()])
def test_holds_for_four_workers(seeded: Result, invariant: int) -> None:
    assert seeded.violations.get(invariant, []) == [], f"again: make chaos-workers SEED={SEED} TROUBLES={TROUBLES} RUNS=1"


def test_every_mishap_befell_them(seeded: Result) -> None:
    assert {*seeded.tally.done} == {"kill", "kill-all", "freeze", "cut", "reset", "restart", "read-only"}
    assert seeded.tally.connections > 0
    assert sum(seeded.tally.points.values()) > 0
    assert seeded.articles >= 12
    assert seeded.stories >= 3


def test_the_work_of_the_dead_was_taken_over(seeded: Result) -> None:
    assert seeded.takeovers.beyond


@pytest.mark.long
@pytest.mark.parametrize("mutant", ["", *OF_SEVERAL])
async def test_the_trap_catches(tmp_path: Path, mutant: str) -> None:
    found = (await _played(trap(mutant), tmp_path)).violations
    if mutant:
        invariant, words = OF_SEVERAL[mutant]
        assert any(words in said for said in found.get(invariant, [])), found
    else:
        assert found == {}


# What is said of several, shown on the evidence of a run that passed, tampered with.


def _by_another(line: dict[str, Any], **changed: Any) -> Callable[[Evidence], Evidence]:
    def tamper(evidence: Evidence) -> Evidence:
        return replace(evidence, journal=[*evidence.journal, {**line, **changed}])
    return tamper


def _claimed_again(token: int) -> Callable[[Evidence], Evidence]:
    """A claim that was held for a while is made again as soon as it was made, by a process that nobody has seen."""
    def tamper(evidence: Evidence) -> Evidence:
        endings = {(line["queue"], line["id"], line["token"]): line["mono"] for line in evidence.noted("ending")}
        claim = next(line for line in evidence.noted("claimed-feed")
                     if endings.get((line["queue"], line["id"], line["token"]), 0) > line["mono"] + 0.001)
        return _by_another(claim, pid=1, token=claim["token"] + token, mono=claim["mono"] + 0.0005)(evidence)
    return tamper


def _written_late(evidence: Evidence) -> Evidence:
    """Somebody else has claimed a feed before its poll was written."""
    polled = next(line for line in evidence.noted("polled"))
    claim = next(line for line in evidence.noted("claimed-feed") if line["id"] == polled["id"])
    return _by_another(claim, pid=1, token=polled["token"] + 1, mono=polled["inside"] - 0.0001)(evidence)


def _robots_twice(evidence: Evidence) -> Evidence:
    asked = evidence.ledger.asked
    at, one = next((at, one) for at, one in enumerate(asked) if one.resource == "robots" and not one.mishap)
    again = replace(one, by="9.9", mono=one.mono + 0.001)
    journal = [line for line in evidence.journal if line["event"] not in ("dead", "cancelled")]
    return replace(evidence, journal=journal, spells=[], ledger=replace(
        evidence.ledger, asked=[*asked[:at + 1], again, *asked[at + 1:]]))


def _in_log(event: str) -> Callable[[Evidence], Evidence]:
    def tamper(evidence: Evidence) -> Evidence:
        quiet = max(spell.until for spell in evidence.spells) + 100 * evidence.strain
        return replace(evidence, log=[*evidence.log, {"event": event, "worker": 1, "mono": quiet}])
    return tamper


def _never_taken_over(evidence: Evidence) -> Evidence:
    """A claim is left open by a worker that dies, and taken up much later."""
    claim = max(evidence.noted("claimed-article"), key=lambda line: line["mono"])
    left = {**claim, "id": "left", "token": 1, "pid": 1}
    later = {**left, "token": 2, "pid": 2, "mono": claim["mono"] + 1000 * evidence.strain}
    dead = Spell("killed", 1, claim["mono"] + 1, claim["mono"] + 1, pid=1)
    return replace(evidence, journal=[*evidence.journal, left, later], spells=[*evidence.spells, dead])


Check = Callable[[Evidence], Iterable[str]]
TAMPERED: dict[str, tuple[Check, Callable[[Evidence], Evidence], str]] = {
    "two claimed with one token": (held_alone, _claimed_again(0), "twice with the token"),
    "a claim came before the lease was over": (held_alone, _claimed_again(1), "before its lease"),
    "a late writer was let in": (held_alone, _written_late, "after another had claimed it"),
    "two asked for a robots.txt": (robots_once, _robots_twice, "robots.txt of"),
    "nobody took up what was left": (lambda evidence: takeovers(evidence).late, _never_taken_over, "after its lease"),
    "the store failed for no reason": (reasons_given, _in_log("store-failed"), "store-failed"),
    "a lease was lost for no reason": (reasons_given, _in_log("lease-lost"), "lease-lost"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_it_is_noticed_that(seeded: Result, what: str) -> None:
    check, tamper, words = TAMPERED[what]
    assert any(words in said for said in check(tamper(seeded.evidence)))    # asked no further: its store is gone
