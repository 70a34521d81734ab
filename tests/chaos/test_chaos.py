"""Twenty times SIGKILL among servers that fail one time in three, and nothing is lost, doubled, early or left behind.

The long version is `make chaos`. Several runs go on at once: they wait more than they work.
"""

import asyncio
import shutil
from pathlib import Path

import pytest
from chaos import Result, run
from invariants import CHECKS
from killpoints import POINTS
from launch import Launcher
from mutants import MUTANTS
from scenarios import Scenario, seeded, trap

SEED = "1"
KILLS = 20


@pytest.fixture(scope="module")
async def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """By name: the run of SEED, the trap, and the trap with each mutant."""
    folder: Path = tmp_path_factory.mktemp("chaos")
    scenarios = {"seeded": seeded(SEED, KILLS, originals=10), "trap": trap(), **{mutant: trap(mutant) for mutant in MUTANTS}}
    places = asyncio.Semaphore(4)

    async def played(scenario: Scenario) -> Result:
        async with places:
            return await run(scenario, launcher, folder)

    async with Launcher() as launcher, asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(played(scenario)) for name, scenario in scenarios.items()}
    shutil.rmtree(folder, ignore_errors=True)
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


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_trap_catches(results: dict[str, Result], mutant: str) -> None:
    invariant, words = MUTANTS[mutant]
    assert any(words in said for said in results[mutant].violations.get(invariant, []))
