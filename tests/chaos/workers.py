"""The chaos test with several workers on one PostgreSQL: together they come to what one comes to that nobody disturbs.

    python tests/chaos/workers.py --runs 10 --troubles 48 --seed 1      one line a run; exit status 1 where one fails
    python tests/chaos/workers.py --trap --runs 1 --mutant "elections without a lock"       a product that is wrong

A run: a seeded news room appears hour by hour and spoils one answer in three. Meanwhile workers are killed and frozen,
the server is restarted without mercy, connections are reset or lead nowhere, the database turns read-only. Then all is
off for some hours, the workers find calm, and `invariants` are checked against those of one worker on SQLite.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import invariants
from chaos import again, command, undisturbed
from claims import Takeovers, takeovers
from crew import Shift, Tally
from evidence import Evidence
from launch import Launcher
from mutants import OF_SEVERAL
from server import Server, served
from troubles import Crew, crew, strained, trap


@dataclass(slots=True)
class Result:
    """What a run showed: violations by invariant, and figures."""

    crew: Crew
    evidence: Evidence
    violations: dict[int, list[str]]
    tally: Tally
    takeovers: Takeovers
    requests: int
    mishaps: Counter[str]
    articles: int
    stories: int
    seconds: float
    memory: int     # KiB, the most

    def line(self) -> str:
        """One line for a person."""
        verdict = "ok" if not self.violations else "FAILED " + ", ".join(map(str, self.violations))
        done = self.tally.done
        return (f"seed {self.crew.seed}: {verdict}; {done['kill']} kills, {done['kill-all']} of all at once, {done['freeze']} freezes, "
                f"{done['cut']} cuts, {done['restart']} restarts, {self.tally.connections} resets, {done['read-only']} read-only "
                f"spells; {self.requests} requests, {sum(self.mishaps.values())} spoiled, {self.articles} articles, "
                f"{self.stories} stories; feeds of the dead polled again after {max(self.takeovers.since_then, default=0):.1f} s, "
                f"work taken up {max(self.takeovers.beyond, default=0):.1f} s after its lease; {self.memory // 1024} MiB, "
                f"{self.seconds:.0f} s, strain {self.crew.strain:.1f}")


async def run(crew: Crew, launcher: Launcher, server: Server, folder: Path, *, keep: bool = False) -> Result:
    """Play a crew's shift, and its undisturbed twin beside it. What it leaves is kept where it failed, or if so wished."""
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    async with asyncio.TaskGroup() as group:
        twin = group.create_task(undisturbed(crew.seed, crew.plan, launcher, folder / "calm")) if crew.reference else None
        task = group.create_task(Shift(crew, launcher, server, folder / "chaos").play())
    shift = task.result()
    shift.survivors = await launcher.orphans()
    evidence = shift.evidence(twin.result() if twin else None)
    found = await asyncio.to_thread(invariants.check, evidence)
    result = _result(shift, evidence, found, time.monotonic() - began)
    if not found and not keep:
        shutil.rmtree(folder)
    return result


def _result(shift: Shift, evidence: Evidence, found: dict[int, list[str]], seconds: float) -> Result:
    asked = evidence.ledger.asked
    return Result(
        shift.crew, evidence, found, shift.tally, takeovers(evidence), len(asked),
        Counter(one.mishap for one in asked if one.mishap), evidence.rows("SELECT count(*) FROM articles")[0][0],
        evidence.rows("SELECT count(*) FROM stories")[0][0], seconds, max((each.memory for each in shift.samples), default=0))


# --- the command ------------------------------------------------------------------------------------------------

def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="workers.py", description="The chaos test with several workers on PostgreSQL.")
    parser.add_argument("--seed", default="1", help="the first run's; run N of several has SEED+N-1 (default 1)")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--troubles", type=int, default=48, help="mishaps in each run, four of twelve a SIGKILL (default 48)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--originals", type=int, default=24, help="texts in a news room, without copies (at most 29)")
    parser.add_argument("--trap", action="store_true", help="the small run in which each mutant does its harm")
    parser.add_argument("--mutant", default="", choices=["", *OF_SEVERAL], help="a product that is wrong")
    parser.add_argument("--keep", type=Path, help="keep journals and logs in this folder")
    return parser.parse_args()


async def _runs(arguments: argparse.Namespace, folder: Path) -> list[Result]:
    results = []
    async with Launcher() as launcher:
        for number in range(arguments.runs):    # in turn: each restarts the server
            scenario = trap(arguments.mutant) if arguments.trap else crew(again(arguments.seed, number), arguments.troubles, originals=arguments.originals,
                            workers=arguments.workers, mutant=arguments.mutant)
            with served() as server:
                results.append(await run(strained(scenario), launcher, server, folder, keep=arguments.keep is not None))
            _show(results[-1], arguments)
    return results


def _show(result: Result, arguments: argparse.Namespace) -> None:
    print(result.line(), flush=True)
    for invariant, said in result.violations.items():
        for sentence in said[:8]:
            print(f"  invariant {invariant}, {invariants.CHECKS[invariant].__name__}: {sentence}", flush=True)
    if result.violations:
        mutant = f' --mutant "{arguments.mutant}"' if arguments.mutant else ""
        which = "--trap" if arguments.trap else (f"--troubles {arguments.troubles} --seed {result.crew.seed} "
                                                 f"--originals {arguments.originals} --workers {arguments.workers}")
        print(f"  again: python tests/chaos/workers.py --runs 1 {which}{mutant}", flush=True)


def _sum(results: list[Result]) -> str:
    points = sum((result.tally.points for result in results), Counter[str]())
    done = sum((result.tally.done for result in results), Counter[str]())
    failed = sum(bool(result.violations) for result in results)
    then = [one for each in results for one in each.takeovers.since_then]
    beyond = [one for each in results for one in each.takeovers.beyond]
    return "\n".join([
        f"{len(results)} runs, {failed} failed; " + ", ".join(f"{name} {number}" for name, number in done.most_common()),
        "at points: " + ", ".join(f"{name} {number}" for name, number in points.most_common()),
        (f"{sum(each.requests for each in results)} requests, {sum(each.articles for each in results)} articles, "
        f"{sum(each.stories for each in results)} stories"),
        (f"a killed worker's feed polled again: at most {max(then, default=0):.1f} s later ({len(then)} feeds); its lease is "
        f"{results[0].crew.lease_seconds:.1f} s"),
        f"work in its hands claimed again: at most {max(beyond, default=0):.1f} s after its lease ({len(beyond)} pieces)",
        f"end after SIGTERM: at most {max(one for each in results for one in each.tally.terms):.1f} s",
        f"memory: at most {max(each.memory for each in results) // 1024} MiB",
    ])


if __name__ == "__main__":
    sys.exit(command(_arguments(), _runs, _sum))
