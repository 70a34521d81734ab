"""Twenty times SIGKILL among servers that fail one time in three, and nothing is lost, doubled, early or left behind.

The long version is `make chaos`. Several runs go on at once: they wait more than they work.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import ledger as ledgers
import pytest
from chaos import Result, run
from evidence import Evidence, Sample
from invariants import CHECKS, check
from killpoints import POINTS
from launch import Launcher
from mutants import MUTANTS
from newsroom import Newsroom
from scenarios import START, Scenario, seeded, trap

SEED = "1"
KILLS = 20


@pytest.fixture(scope="module")
async def results(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Result]]:
    """By name: the run of SEED, and the trap."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    yield await _played({"seeded": seeded(SEED, KILLS, originals=10), "trap": trap()}, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
async def mutated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Result]]:
    """The trap with each mutant."""
    folder: Path = tmp_path_factory.mktemp("mutants")
    yield await _played({mutant: trap(mutant) for mutant in MUTANTS}, folder)
    shutil.rmtree(folder, ignore_errors=True)


async def _played(scenarios: dict[str, Scenario], folder: Path) -> dict[str, Result]:
    places = asyncio.Semaphore(4)

    async def played(scenario: Scenario) -> Result:
        async with places:
            return await run(scenario, launcher, folder, keep=scenario == trap())

    async with Launcher() as launcher, asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(played(scenario)) for name, scenario in scenarios.items()}
    return {name: task.result() for name, task in tasks.items()}


@pytest.mark.parametrize("invariant", [pytest.param(number, id=check.__name__) for number, check in CHECKS.items()])
def test_holds_over_twenty_kills(results: dict[str, Result], invariant: int) -> None:
    found = results["seeded"]
    assert found.violations.get(invariant, []) == [], f"again: make chaos SEED={SEED} KILLS={KILLS} RUNS=1"


def test_the_run_was_no_walk(results: dict[str, Result]) -> None:
    found = results["seeded"]
    assert found.kills >= KILLS
    assert {*POINTS[:5]} <= {*found.points}
    assert sum(found.mishaps.values()) * 5 > found.requests
    assert len(found.mishaps) > 8
    assert found.articles >= 12
    assert found.stories >= 3


def test_sigterm_ends_it_within_ten_seconds(results: dict[str, Result]) -> None:
    assert max(results["seeded"].terms) < 10


def test_the_trap_lets_the_product_pass(results: dict[str, Result]) -> None:
    assert results["trap"].violations == {}


@pytest.mark.long
@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_trap_catches(mutated: dict[str, Result], mutant: str) -> None:
    invariant, words = MUTANTS[mutant]
    assert any(words in said for said in mutated[mutant].violations.get(invariant, []))


# What each invariant would say, shown on the evidence of a run that passed, tampered with.


def _in_store(statement: str) -> Callable[[Evidence], Evidence]:
    def tamper(evidence: Evidence) -> Evidence:
        with closing(sqlite3.connect(evidence.store, isolation_level=None)) as connection:
            assert connection.execute(statement).rowcount > 0
        return evidence
    return tamper


def _asked_again(resource: str, after: timedelta) -> Callable[[Evidence], Evidence]:
    def tamper(evidence: Evidence) -> Evidence:
        asked = evidence.ledger.asked
        at, one = next((at, one) for at, one in enumerate(asked) if one.resource == resource and not one.mishap)
        again = replace(one, at=one.at + after, mono=one.mono + 0.001)
        return replace(evidence, ledger=replace(evidence.ledger, asked=[*asked[:at + 1], again, *asked[at + 1:]]))
    return tamper


TAMPERED: dict[str, tuple[int, Callable[[Evidence], Evidence]]] = {
    "an article is gone": (1, _in_store("DELETE FROM articles WHERE id IN (SELECT id FROM articles LIMIT 1)")),
    "a sighting is gone": (1, _in_store("DELETE FROM sightings WHERE id IN (SELECT id FROM sightings LIMIT 1)")),
    "an article is foreign": (1, _in_store("UPDATE articles SET url = 'https://foreign.example/' || id")),
    "a copy is in no story": (2, _in_store("DELETE FROM members WHERE position = 1")),
    "a copy is of another kind": (2, _in_store("UPDATE members SET kind = 'partial' WHERE position = 1")),
    "an original is another": (2, _in_store("UPDATE members SET position = 1 - position WHERE position < 2")),
    "a feed was asked a minute later": (3, _asked_again("feed", timedelta(minutes=1))),
    "a feed was asked twice": (4, _asked_again("feed", timedelta(hours=2))),
    "a page was asked for twice": (4, _asked_again("page", timedelta(hours=2))),
    "a robots.txt was asked for twice": (4, lambda evidence: _asked_again("robots", timedelta(minutes=2))(
        replace(evidence, journal=[line for line in evidence.journal if line["event"] != "born"]))),
    "the canary was reached": (5, lambda evidence: replace(evidence, ledger=replace(evidence.ledger, reached=["127.0.0.1"]))),
    "memory grew": (6, lambda evidence: replace(evidence, samples=[Sample(1, 400 * 1024, 9, 20)])),
    "threads grew": (6, lambda evidence: replace(evidence, samples=[Sample(1, 90 * 1024, 99, 20)])),
    "a worker is left": (6, lambda evidence: replace(evidence, survivors=1)),
    "a lease is left": (7, _in_store("UPDATE feeds SET lease_until = 1")),
    "a feed is overdue": (7, lambda evidence: replace(evidence, ended=evidence.ended + timedelta(hours=3))),
    "an article is not judged": (7, _in_store("UPDATE articles SET unjudged = 1")),
    "an address is gone": (8, _in_store("DELETE FROM addresses")),
    "a reason is none of the list": (9, lambda evidence: replace(
        evidence, log=[*evidence.log, {"event": "feed-failed", "reason": "because"}])),
    "a task failed": (9, lambda evidence: replace(evidence, log=[*evidence.log, {"event": "work-failed"}])),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_it_is_noticed_that(results: dict[str, Result], tmp_path: Path, what: str) -> None:
    found = results["trap"].evidence
    store = tmp_path / "tampered.db"
    with closing(sqlite3.connect(found.store)) as connection, closing(sqlite3.connect(store)) as copy:
        connection.backup(copy)
    invariant, tamper = TAMPERED[what]
    assert invariant in check(tamper(replace(found, store=store, reference=found.store)))


async def test_a_canary_hears_every_private_address() -> None:
    async with ledgers.opened(Newsroom(START, "canary", trap().plan), ledgers.Pace(START, 1), "canary", 0) as ledger:
        port = int(ledger.mishaps.canaries[0].rpartition(":")[2].strip("/"))
        for address in ledgers.PRIVATE:
            _, writer = await asyncio.open_connection(address, port)
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0)
        assert len(ledger.reached) == len(ledgers.PRIVATE)
