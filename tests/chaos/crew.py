"""Several workers on one PostgreSQL: they are kept running, and what befalls them is done to them."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import invariants
import ledger as ledgers
from chaos import order
from evidence import Evidence, Sample, Spell, Tail, read_lines
from killpoints import Journal
from launch import Daemon, Launcher
from newsroom import Newsroom
from places import Worker
from proxy import Proxy
from scenarios import DELAY, OFF, PER_HOST, START
from server import Server
from troubles import Crew, Trouble

AGAIN = 0.2         # seconds after which a worker that has ended by itself is started again
WIDTH = 6           # requests that a worker has under way
PASSED = 4.0        # seconds in which a point is passed, or what was to happen there happens at once


@dataclass(slots=True)
class Tally:
    """What was done."""

    done: Counter[str] = field(default_factory=Counter)         # by the kind of mishap
    points: Counter[str] = field(default_factory=Counter)
    connections: int = 0                                        # that were reset
    terms: list[float] = field(default_factory=list)            # seconds from SIGTERM to the end


class Shift:
    """One run from its first start to its last."""

    def __init__(self, crew: Crew, launcher: Launcher, server: Server, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.crew, self.launcher, self.server, self.folder = crew, launcher, server, folder
        self.store = server.database()
        self.room = Newsroom(START, crew.seed, crew.plan)
        self.pace = ledgers.Pace(START, crew.rate)
        self.journal = folder / "journal.jsonl"
        self.diary, self.lines = Journal(self.journal, self.pace.now), Tail(self.journal)
        self.ledger: ledgers.Ledger | None = None
        self.workers: list[Worker] = []
        self.samples: list[Sample] = []
        self.spells: list[Spell] = []
        self.tally = Tally()
        self.survivors = 0
        self.ended: datetime | None = None
        self.wanted = asyncio.Event()       # workers are to run
        self.offset = time.time() - time.monotonic()
        self.chance = random.Random(f"{crew.seed} shift")

    async def play(self) -> "Shift":
        """Chaos, hours of silence, calm."""
        async with AsyncExitStack() as stack:
            self.ledger = await stack.enter_async_context(ledgers.opened(
                self.room, self.pace, self.crew.seed, self.crew.share, latency=self.crew.latency))
            for number in range(1, self.crew.workers + 1):
                proxy = await stack.enter_async_context(Proxy(self.server.socket))
                self.workers.append(Worker(number, proxy, self.folder / str(number)))
            async with self._at_work():
                await self._troubled()
            self.pace.skip(OFF)
            self.ledger.calm = True
            began = time.monotonic()
            async with self._at_work():
                await self._settled(began)
            self.ended = self.pace.now()
        return self

    # --- workers ------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """All workers run, and are started again whenever one ends; at the end each is asked to stop."""
        self.wanted.set()
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look())
            keepers = [group.create_task(self._keep(worker)) for worker in self.workers]
            for worker in self.workers:
                await self._up(worker)
            yield
            self.wanted.clear()
            await asyncio.gather(*map(self._stop, self.workers))
            for keeper in keepers:
                keeper.cancel()
            looking.cancel()

    async def _keep(self, worker: Worker) -> None:
        while True:
            await self.wanted.wait()
            worker.doomed = False
            worker.daemon = daemon = await self._start(worker)
            status = await asyncio.shield(daemon.ended)
            now = time.monotonic()
            self.spells.append(Spell("killed" if status else "stopped", worker.number, now, now, daemon.pid))
            self.diary.note("dead", dead=daemon.pid)
            if not worker.doomed and not self._killed_itself(daemon.pid):
                self.diary.note("fell", worker=worker.number, status=status)
                await asyncio.sleep(AGAIN)

    def _killed_itself(self, pid: int) -> bool:
        """At a point that two passed at once: it was disarmed before its end was seen."""
        return any(line["event"] == "killed" and line["pid"] == pid for line in read_lines(self.journal))

    async def _start(self, worker: Worker) -> Daemon:
        assert self.ledger is not None
        worker.starts += 1
        told = order(self.ledger, worker.folder, self.crew.timeout, f"{worker.number}.{worker.starts}")
        worker.folder.mkdir(exist_ok=True)
        settings = told["settings"] | {
            "store": f"postgresql://postgres@127.0.0.1:{worker.proxy.port}/{self.store.name}",
            # Few at once each, so that no worker takes all there is.
            "crawl": told["settings"]["crawl"] | {"concurrency": WIDTH}}
        return await self.launcher.start(told | {
            "settings": settings, "journal": str(self.journal), "arm": str(worker.folder / "arm.json"),
            "start": self.pace.start.isoformat(), "base": self.pace.base, "rate": self.pace.rate,
            "timing": {"lease": self.crew.lease, "idle": self.crew.idle}, "lease": self.crew.lease_seconds,
            "mutant": self.crew.mutant, "thinking": self.crew.thinking * self.crew.strain,
        })

    async def _up(self, worker: Worker, seconds: float = 60) -> bool:
        """Until its process has opened its store; False where that takes too long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._is_up(worker):
                return True
            await asyncio.sleep(0.05)
        return False

    async def _stop(self, worker: Worker) -> None:
        """As a person would."""
        began, daemon = time.monotonic(), worker.daemon
        if daemon is None or daemon.ended.done():
            return
        worker.doomed = True
        daemon.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(15 * self.crew.strain):
                await asyncio.shield(daemon.ended)
        self.tally.terms.append(time.monotonic() - began)
        daemon.kill()
        await asyncio.shield(daemon.ended)

    async def _look(self) -> None:
        while True:
            for worker in self.workers:
                if worker.daemon is not None and (sample := worker.daemon.look()) is not None:
                    self.samples.append(sample)
            await asyncio.sleep(0.25)

    # --- what befalls them --------------------------------------------------------------------------------------

    async def _troubled(self) -> None:
        async with asyncio.TaskGroup() as lasting:
            for trouble in self.crew.troubles:
                await self._sleep(trouble.pause)
                await self._befall(trouble, lasting)
        left = (self.room.moment(self.crew.plan.quiet + 20) - self.pace.now()).total_seconds() / self.pace.rate
        await asyncio.sleep(max(left, 1.0))

    async def _befall(self, trouble: Trouble, lasting: asyncio.TaskGroup) -> None:
        self.tally.done[trouble.kind] += 1
        self.diary.note("trouble", kind=trouble.kind, worker=trouble.worker, point=trouble.point)
        match trouble.kind:
            case "kill":
                if worker := await self._next(trouble.worker):
                    await self._kill(worker, trouble)
            case "freeze":
                if worker := await self._next(trouble.worker):
                    lasting.create_task(self._freeze(worker, trouble))
            case "cut":
                if worker := await self._next(trouble.worker):
                    lasting.create_task(self._cut(worker, trouble))
            case "reset":
                await self._reset(trouble)
            case "restart":
                with self._spell("restart"):
                    await asyncio.to_thread(self.server.restart)
            case "read-only":
                with self._spell("read-only"):
                    await asyncio.to_thread(self.server.read_only, on=True)
                    await self._sleep(trouble.seconds)
                    await asyncio.to_thread(self.server.read_only, on=False)
            case "kill-all":
                await self._kill_all(trouble)

    async def _next(self, number: int) -> Worker | None:
        """This worker, or the next one, that is in no trouble."""
        for at in range(len(self.workers)):
            worker = self.workers[(number - 1 + at) % len(self.workers)]
            if not worker.troubled and await self._up(worker, 10):
                return worker
        return None

    async def _kill(self, worker: Worker, trouble: Trouble) -> None:
        """Of all that are in no trouble whoever passes the point first; at once, or if nobody does, this one."""
        if trouble.point:
            armed = [each for each in self.workers if self._is_well(each)]
            for each in armed:
                each.doomed = True
                each.arm(trouble.point, trouble.nth, "killed")
            waited = {asyncio.ensure_future(asyncio.shield(each.daemon.ended)) for each in armed if each.daemon is not None}
            done, _ = await asyncio.wait(waited, timeout=PASSED * self.crew.strain, return_when=asyncio.FIRST_COMPLETED)
            await self._disarm(armed)
            if done:
                self.tally.points[trouble.point] += 1
                return
        worker.doomed = True
        if worker.daemon is not None:
            worker.daemon.kill()
            await asyncio.shield(worker.daemon.ended)

    async def _kill_all(self, trouble: Trouble) -> None:
        self.wanted.clear()
        alive = [worker.daemon for worker in self.workers if worker.daemon is not None and worker.pid]
        for worker in self.workers:
            worker.doomed = True
        with self._spell("killed, all"):
            for daemon in alive:
                daemon.kill()
            await asyncio.gather(*(asyncio.shield(daemon.ended) for daemon in alive))
            await self._sleep(trouble.seconds)
            self.wanted.set()

    async def _freeze(self, worker: Worker, trouble: Trouble) -> None:
        """SIGSTOP for longer than a lease, then SIGCONT: of whoever passes the point first, else of this one."""
        frozen = await self._frozen_at(trouble) if trouble.point else []
        await asyncio.gather(*(self._hold(each, trouble.seconds) for each in frozen or [worker]))

    async def _frozen_at(self, trouble: Trouble) -> list[Worker]:
        armed, until = [each for each in self.workers if self._is_well(each)], time.monotonic() + PASSED * self.crew.strain
        for each in armed:
            each.arm(trouble.point, trouble.nth, "frozen")
        while not any(each.is_frozen for each in armed) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await self._disarm([each for each in armed if not each.is_frozen])
        found = [each for each in armed if each.is_frozen]
        self.tally.points[f"frozen {trouble.point}"] += bool(found)
        return found

    async def _hold(self, worker: Worker, seconds: float) -> None:
        daemon = worker.daemon
        if daemon is None:
            return
        worker.troubled = True
        with self._spell("frozen", worker.number, daemon.pid):
            daemon.signal(signal.SIGSTOP)
            await self._sleep(seconds)
        daemon.signal(signal.SIGCONT)
        worker.troubled = False

    async def _cut(self, worker: Worker, trouble: Trouble) -> None:
        worker.troubled = True
        with self._spell("cut off", worker.number, worker.daemon.pid if worker.daemon is not None else 0):
            worker.proxy.cut_off()
            await self._sleep(trouble.seconds / 2)
            if trouble.breaks:
                worker.proxy.give_up()
            await self._sleep(trouble.seconds / 2)
            worker.proxy.heal()
        worker.troubled = False

    async def _reset(self, trouble: Trouble) -> None:
        with self._spell("reset", trouble.worker):
            for worker in self.workers:
                if trouble.worker in (0, worker.number):
                    self.tally.connections += worker.proxy.reset(trouble.share, self.chance)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.crew.strain)

    def _is_well(self, worker: Worker) -> bool:
        return not worker.troubled and self._is_up(worker)

    def _is_up(self, worker: Worker) -> bool:
        pid = worker.pid
        return pid > 0 and any(line["event"] == "opened" and line["pid"] == pid for line in self.lines.read())

    async def _disarm(self, armed: list[Worker]) -> None:
        for worker in armed:
            worker.arm("", 0, "killed")
        await asyncio.sleep(0.1)    # for those that were just passing it
        for worker in armed:
            worker.doomed = not worker.pid

    @contextmanager
    def _spell(self, kind: str, worker: int = 0, pid: int = 0) -> Iterator[None]:
        at, since = len(self.spells), time.monotonic()
        self.spells.append(Spell(kind, worker, since, float("inf"), pid))
        try:
            yield
        finally:
            self.spells[at] = Spell(kind, worker, since, time.monotonic(), pid)

    # --- the end ------------------------------------------------------------------------------------------------

    async def _settled(self, began: float) -> None:
        """Until nothing waits and every feed has been read, or patience ends."""
        until = began + self.crew.patience
        while time.monotonic() < until and not await asyncio.to_thread(self._is_settled, began):
            await asyncio.sleep(0.2)

    def _is_settled(self, began: float) -> bool:
        read = {line["url"] for line in self.lines.read()
                if line["event"] == "polled" and line["mono"] > began and not line["reason"]}
        return read >= self.room.feeds.keys() and not any(invariants.left_over(self.evidence(None)))

    def evidence(self, reference: Path | None) -> Evidence:
        """What there is to be checked."""
        assert self.ledger is not None
        every = {url: timedelta(minutes=int(feed.every.removesuffix("m"))) for url, feed in self.room.feeds.items()}
        return Evidence(
            self.ledger, self.lines.read(), self.store, self._log(), self.ended or self.pace.now(), every, DELAY, PER_HOST,
            timedelta(seconds=self.crew.lease), self.crew.rate, reference, self.samples, self.survivors, self.spells,
            self.crew.strain)

    def _log(self) -> list[dict[str, object]]:
        """The lines of all workers, each with its worker and its time by the clock of everything else."""
        found = []
        for worker in self.workers:
            at = 0.0
            for line in read_lines(worker.folder / "log.jsonl"):
                if "ts" in line:
                    at = datetime.fromisoformat(line["ts"]).timestamp() - self.offset
                found.append({**line, "worker": worker.number, "mono": at})
        return found
