"""The chaos test: a daemon that is killed again and again among servers that fail one time in three loses nothing.

    python tests/chaos/chaos.py --runs 10 --kills 100 --seed 7      one line a run; exit status 1 where one fails
    python tests/chaos/chaos.py --mutant "no uniqueness"            the same on a product that is wrong

A run: a seeded news room appears hour by hour, its ledger spoils answers, the daemon is ended by SIGKILL at seeded times
and points. Then the machine is off for some hours, a last daemon finds calm, and `invariants` are checked.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import invariants
import ledger as ledgers
from claims import ENDS
from evidence import Evidence, Sample, read_lines
from killpoints import Journal
from launch import Daemon, Launcher
from mutants import MUTANTS
from newsroom import Newsroom, Plan
from scenarios import DELAY, OFF, PER_HOST, START, Kill, Scenario, seeded


@dataclass(slots=True)
class Result:
    """What a run showed: violations by invariant, and figures."""

    scenario: Scenario
    evidence: Evidence
    violations: dict[int, list[str]]
    kills: int
    points: Counter[str]
    requests: int
    mishaps: Counter[str]
    articles: int
    stories: int
    seconds: float
    first_poll: float | None    # seconds from the start of a new process until its first request for a due feed
    terms: list[float]          # seconds from SIGTERM to the end
    leases: list[float]         # seconds from the end of a killed process's lease until its page was claimed again
    memory: int                 # KiB, the most

    def line(self) -> str:
        """One line for a person."""
        verdict = "ok" if not self.violations else "FAILED " + ", ".join(map(str, self.violations))
        spoiled = sum(self.mishaps.values())
        return (f"seed {self.scenario.seed}: {verdict}; {self.kills} kills, {self.requests} requests, {spoiled} spoiled, "
                f"{self.articles} articles, {self.stories} stories, first poll {self.first_poll or 0:.1f} s, SIGTERM "
                f"{max(self.terms, default=0):.1f} s, leases {max(self.leases, default=0):.1f} s, {self.memory // 1024} MiB, {self.seconds:.0f} s")


async def run(scenario: Scenario, launcher: Launcher, folder: Path, *, keep: bool = False) -> Result:
    """Play a scenario, and its undisturbed twin beside it. What it leaves is kept where it failed, or if so wished."""
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    async with asyncio.TaskGroup() as group:
        twin = group.create_task(undisturbed(scenario.seed, scenario.plan, launcher, folder / "calm")) if scenario.reference else None
        task = group.create_task(_Stage(scenario, launcher, folder / "chaos").play())
    stage = task.result()
    stage.survivors = await launcher.orphans()
    evidence = stage.evidence(twin.result() if twin else None)
    found = await asyncio.to_thread(invariants.check, evidence)
    result = _result(stage, evidence, found, time.monotonic() - began)
    if not found and not keep:
        shutil.rmtree(folder)
    return result


def _result(stage: "_Stage", evidence: Evidence, found: dict[int, list[str]], seconds: float) -> Result:
    ledger = stage.ledger
    assert ledger is not None
    return Result(
        stage.scenario, evidence, found, stage.killed, Counter(line["point"] for line in evidence.noted("killed")),
        len(ledger.asked), Counter(one.mishap for one in ledger.asked if one.mishap),
        evidence.rows("SELECT count(*) FROM articles")[0][0], evidence.rows("SELECT count(*) FROM stories")[0][0],
        seconds, stage.first_poll, stage.terms, _leases(stage, evidence), max((each.memory for each in stage.samples), default=0))


def _leases(stage: "_Stage", evidence: Evidence) -> list[float]:
    """How long pages of the dead waited beyond their lease, by real time, and while a daemon was up."""
    found, held, up, late = [], dict[str, datetime](), 0.0, timedelta(seconds=stage.scenario.lease)
    open_: dict[str, datetime] = {}
    for line in evidence.noted("born", "opened", "claimed-page", *ENDS):
        at = datetime.fromisoformat(line["at"])
        if line["event"] == "born":
            held |= dict.fromkeys(open_, max(open_.values(), default=at) + late)
            open_.clear()
        elif line["event"] == "opened":
            up = line["mono"]
        elif line["event"] == "claimed-page":
            open_[line["url"]] = at
            if (free := held.pop(line["url"], None)) is not None:
                found.append(max(0.0, min((at - free).total_seconds() / stage.pace.rate, line["mono"] - up)))
        else:
            open_.pop(line["url"], None)
    return found


async def undisturbed(seed: str, plan: Plan, launcher: Launcher, folder: Path) -> Path:
    """The same news room, read every half hour without a fault; returns the store."""
    folder.mkdir(parents=True)
    room, clock = Newsroom(START, seed, plan), folder / "clock"
    steps = [START + timedelta(minutes=at) for at in range(0, max(0, plan.quiet) + 60, 30)]
    clock.write_text(steps[0].isoformat())
    async with ledgers.opened(room, ledgers.Steps(clock), seed, 0) as ledger:
        daemon = await launcher.start(order(ledger, folder, 20, "0.1") | {
            "steps": [step.isoformat() for step in steps], "clock": str(clock)})
        if await daemon.ended != 0:
            raise RuntimeError(f"the undisturbed run failed; see {folder}")
    return folder / "firsthand.db"


def order(ledger: ledgers.Ledger, folder: Path, timeout: float, by: str) -> dict[str, Any]:
    """What a start needs, whatever its clock. `by`: WORKER.START, by which the ledger knows who asks."""
    crawl = {"per_host": {"concurrency": PER_HOST, "delay": f"{DELAY}s"}, "timeout": f"{timeout:.1f}s",
             "poll": {"min": "5m", "start": "10m", "max": "24h"}}
    settings = ledger.room.settings("", folder) | {
        "crawl": crawl, "extract": {"workers": 1}, "contact": f"{by}@firsthand.example"}
    names = {host: (at, 0 if host == ledgers.REBINDING else ledger.port) for host, at in ledger.addresses.items()}
    return {"settings": settings, "by": by, "log": str(folder / "log.jsonl"), "journal": str(folder / "journal.jsonl"),
            "internet": ledgers.INTERNET, "names": names}


class _Stage:
    """One run from its first start to its last."""

    def __init__(self, scenario: Scenario, launcher: Launcher, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.scenario, self.launcher, self.folder = scenario, launcher, folder
        self.store = folder / "firsthand.db"
        self.journal, self.log = folder / "journal.jsonl", folder / "log.jsonl"
        self.room = Newsroom(START, scenario.seed, scenario.plan)
        self.pace = ledgers.Pace(START, scenario.rate)
        self.ledger: ledgers.Ledger | None = None
        self.diary = Journal(self.journal, self.pace.now)
        self.samples: list[Sample] = []
        self.starts = 0
        self.killed = 0
        self.terms: list[float] = []
        self.first_poll: float | None = None
        self.survivors = 0
        self.ended: datetime | None = None

    async def play(self) -> "_Stage":
        """Chaos, hours of silence, calm."""
        async with ledgers.opened(self.room, self.pace, self.scenario.seed, self.scenario.share) as self.ledger:
            for kill in self.scenario.kills:
                await self._killed(kill)
            await self._until_quiet()
            self.pace.skip(OFF)
            self.ledger.calm = True
            await self._calm()
            self.ended = self.pace.now()
        return self

    async def _killed(self, kill: Kill) -> None:
        assert self.ledger is not None
        self.ledger.forced = kill.forced
        daemon = await self._start(kill)
        if not kill.early:
            await self._up(daemon)
        await self._watched(daemon, kill.after)
        await self._dead(daemon)
        self.killed += 1
        self.ledger.forced = ""
        self.pace.skip(timedelta(minutes=kill.off))

    async def _up(self, daemon: Daemon) -> None:
        """Until it has opened its store, or has ended."""
        until = time.monotonic() + 60
        while not daemon.ended.done() and time.monotonic() < until:
            if any(line["event"] == "opened" and line["pid"] == daemon.pid for line in read_lines(self.journal)):
                return
            await self._watched(daemon, 0.05)

    async def _until_quiet(self) -> None:
        """Let the news room finish, among mishaps still."""
        left = (self.room.moment(self.scenario.plan.quiet + 20) - self.pace.now()).total_seconds() / self.pace.rate
        daemon = await self._start()
        await self._up(daemon)
        await self._watched(daemon, min(max(left, 0.5), 4.0))
        await self._terminate(daemon)

    async def _calm(self) -> None:
        began = time.monotonic()
        if self.scenario.cold:
            async with Launcher(workers="spawn") as cold:
                await self._settled(began, await self._start(launcher=cold))
        else:
            await self._settled(began, await self._start())

    async def _settled(self, began: float, daemon: Daemon) -> None:
        """Until nothing waits and every feed has been read, or patience ends."""
        until = began + self.scenario.patience
        while time.monotonic() < until and not daemon.ended.done() and not await asyncio.to_thread(self._is_settled, began):
            await self._watched(daemon, 0.2)
        self.first_poll = next((one.mono - began for one in self._asked() if one.resource == "feed" and one.mono > began), None)
        await self._terminate(daemon)

    def _is_settled(self, began: float) -> bool:
        read = Counter(line["url"] for line in read_lines(self.journal)
                       if line["event"] == "polled" and line["mono"] > began and not line["reason"])
        evidence = self.evidence(None)
        return all(read[url] for url in self.room.feeds) and not any(invariants.left_over(evidence))

    async def _terminate(self, daemon: Daemon) -> None:
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(15):
                await asyncio.shield(daemon.ended)
        self.terms.append(time.monotonic() - began)
        await self._dead(daemon)

    async def _dead(self, daemon: Daemon) -> None:
        daemon.kill()
        await daemon.ended
        self.diary.note("dead", dead=daemon.pid)

    async def _watched(self, daemon: Daemon, seconds: float = 3600) -> None:
        """Look at the process now and then until it ends, or time is up."""
        until = time.monotonic() + seconds
        while not daemon.ended.done() and (left := until - time.monotonic()) > 0:
            await asyncio.wait({daemon.ended}, timeout=min(0.25, left))
            if (sample := daemon.look()) is not None:
                self.samples.append(sample)

    def _asked(self) -> list[ledgers.Asked]:
        return self.ledger.asked if self.ledger is not None else []

    async def _start(self, kill: Kill | None = None, launcher: Launcher | None = None) -> Daemon:
        assert self.ledger is not None
        self.starts += 1
        told = order(self.ledger, self.folder, self.scenario.timeout, f"1.{self.starts}")
        return await (launcher or self.launcher).start(told | {
            "start": self.pace.start.isoformat(), "base": self.pace.base, "rate": self.pace.rate,
            "timing": {"lease": self.scenario.lease, "idle": self.scenario.idle}, "mutant": self.scenario.mutant,
            "kill": [kill.point, kill.nth] if kill is not None and kill.point else None,
        })

    def evidence(self, reference: Path | None) -> Evidence:
        """What there is to be checked."""
        assert self.ledger is not None
        every = {url: timedelta(minutes=int(feed.every.removesuffix("m"))) for url, feed in self.room.feeds.items()}
        ended = self.ended or self.pace.now()
        return Evidence(self.ledger, read_lines(self.journal), self.store, read_lines(self.log), ended, every, DELAY,
                        PER_HOST, timedelta(seconds=self.scenario.lease), self.scenario.rate, reference, self.samples,
                        self.survivors)


# --- the command ------------------------------------------------------------------------------------------------

def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos.py", description="The chaos test, as long as wanted.")
    parser.add_argument("--seed", default="1", help="the first run's; run N of several has SEED+N-1 (default 1)")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--kills", type=int, default=100, help="SIGKILLs in each run (default 100)")
    parser.add_argument("--originals", type=int, default=24, help="texts in a news room, without copies (at most 29)")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="a product that is wrong")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, which wait more than they work (default 2)")
    parser.add_argument("--keep", type=Path, help="keep stores, journals and logs of failed runs in this folder")
    return parser.parse_args()


def again(first: str, number: int) -> str:
    """The seed of one of several runs."""
    return str(int(first) + number) if first.isdecimal() else f"{first}{number or ''}"


async def _runs(arguments: argparse.Namespace, folder: Path) -> list[Result]:
    places = asyncio.Semaphore(arguments.jobs)

    async def one(number: int) -> Result:
        scenario = seeded(again(arguments.seed, number), arguments.kills, originals=arguments.originals, cold=True)
        async with places:
            result = await run(replace(scenario, mutant=arguments.mutant), launcher, folder)
        _show(result, arguments)
        return result

    async with Launcher() as launcher, asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(arguments.runs)]
    return [task.result() for task in tasks]


def _show(result: Result, arguments: argparse.Namespace) -> None:
    print(result.line(), flush=True)
    for invariant, said in result.violations.items():
        for sentence in said[:5]:
            print(f"  invariant {invariant}, {invariants.CHECKS[invariant].__name__}: {sentence}", flush=True)
    if result.violations:
        mutant = f' --mutant "{arguments.mutant}"' if arguments.mutant else ""
        print(f"  again: python tests/chaos/chaos.py --runs 1 --kills {arguments.kills} --seed {result.scenario.seed} "
              f"--originals {arguments.originals}{mutant}", flush=True)


def _sum(results: list[Result]) -> str:
    mishaps = sum((result.mishaps for result in results), Counter[str]())
    points = sum((result.points for result in results), Counter[str]())
    failed = sum(bool(result.violations) for result in results)
    waits = max((time for each in results for time in each.leases), default=0)
    return "\n".join([
        f"{len(results)} runs, {failed} failed; {sum(each.kills for each in results)} SIGKILLs, at {len(points)} named points",
        f"{sum(each.requests for each in results)} requests, {sum(mishaps.values())} answers spoiled",
        "spoiled: " + ", ".join(f"{name} {number}" for name, number in mishaps.most_common()),
        "killed: " + ", ".join(f"{name} {number}" for name, number in points.most_common()),
        f"first poll after a cold start: at most {max(each.first_poll or 0 for each in results):.1f} s",
        f"end after SIGTERM: at most {max(time for each in results for time in each.terms):.1f} s",
        f"a dead process's page claimed again: at most {waits:.1f} s after its lease",
        f"memory: at most {max(each.memory for each in results) // 1024} MiB",
    ])


def command(arguments: argparse.Namespace, runs: Callable[[argparse.Namespace, Path], Awaitable[list[Any]]],
            words: Callable[[list[Any]], str]) -> int:
    """Play the runs, and print what they come to; 1 where an invariant was violated."""
    with tempfile.TemporaryDirectory(prefix="firsthand-chaos-") as folder:
        results = asyncio.run(runs(arguments, arguments.keep or Path(folder)))
    print(words(results))
    return 1 if any(result.violations for result in results) else 0


if __name__ == "__main__":
    sys.exit(command(_arguments(), _runs, _sum))
