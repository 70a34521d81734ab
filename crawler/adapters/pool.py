"""Worker processes that can be killed, for everything that parses foreign bytes: pebble's door (`ports.Pool`).

Parsers are quadratic on small crafted inputs, and C code cannot be interrupted by a thread. So each worker is a spawned
process with limits on memory and CPU time, ended by force when its time is up, and replaced.

What crosses is pickled here, not by pebble: an argument or a result that cannot be rebuilt would otherwise end one of
pebble's threads, and with it every task that waits.
"""

import asyncio
import importlib
import math
import multiprocessing
import multiprocessing.resource_tracker
import os
import pickle
import resource
import signal
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessPool

from crawler import meters
from crawler.errors import Reason, WorkerError

T = TypeVar("T")

PRELOAD: Final = ("crawler.core.feeds", "crawler.core.intake", "crawler.matcher",
                  "feedparser", "trafilatura", "htmldate", "py3langid", "datasketch")
"""Imported by each worker before it takes work: together about two seconds, which no task should be charged for. The
outside libraries are imported by their doors at first use, so that the daemon itself never pays for them."""

# Seconds beyond a task's time for the start of a worker. A task that is not settled then never will be (a worker was
# killed with pebble's lock in its hands); the pool is made anew. Likewise when one of pebble's threads has died.
_GRACE: Final = 60.0
_WATCH: Final = 5.0
# A task's time is processor time, so that a busy machine fails no document. Beyond so many times as much on the wall it is
# ended as well: it waits for something, and nothing here has anything to wait for.
_WALL: Final = 8
# CPU seconds beyond a task's time before the kernel ends a worker whose timer was taken away.
_CPU_GRACE: Final = 5
_START_CPU: Final = 120
_CLOSED: Final = "the worker pool is closed"


@dataclass(frozen=True, slots=True)
class _Done:
    """A task's end, in a worker: its result, its exception, or that memory ran out. Pickled once, by the worker."""

    packed: bytes

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return _unpack, (self.packed,)


@dataclass(frozen=True, slots=True)
class _Returned:
    value: Any


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


@dataclass(frozen=True, slots=True)
class _Ended:
    detail: str


class WorkerPool:
    """At most `workers` tasks at once; the others wait here, first come, first served.

    `memory` bytes of address space and `tasks` tasks for each worker, then a fresh one takes its place.
    """

    def __init__(
        self, workers: int, *, memory: int = 1_500_000_000, tasks: int = 2000, preload: Sequence[str] = PRELOAD,
    ) -> None:
        self._workers = workers
        self._tasks = tasks
        self._setup = (memory, tuple(preload))
        self._free = asyncio.Semaphore(workers)
        self._starting = asyncio.Lock()
        self._packer = ThreadPoolExecutor(1, thread_name_prefix="pool-packer")   # one: first come, first served
        self._pool: Any = None
        self._running: set[asyncio.Future[Any]] = set()
        self._closed = False

    async def run(self, function: Callable[..., T], *args: Any, timeout: float) -> T:
        """Call a picklable module-level function in a worker; see `ports.Pool`.

        `timeout` is in seconds of processor time from the moment a worker takes the task. Cancelling the caller ends the
        work.
        """
        if self._closed:
            raise WorkerError(Reason.MEMORY, _CLOSED)
        # In a thread: thousands of matches take a fifth of a second, for which nobody else would be served.
        packed = await asyncio.get_running_loop().run_in_executor(
            self._packer, pickle.dumps, (function, args), pickle.HIGHEST_PROTOCOL)
        task = _task(function)
        async with self._free:
            try:
                with meters.TASK_SECONDS.timed(task=task):
                    value: T = _value(await self._outcome(packed, timeout))
            except WorkerError as error:
                meters.TASK_FAILURES.count(task=task, reason=error.reason)
                raise
        return value

    def running(self) -> str | None:
        """See `ports.Pool`."""
        if self._closed:
            return _CLOSED
        return "the worker pool has broken down" if self._pool is not None and not self._pool.active else None

    async def _outcome(self, packed: bytes, timeout: float) -> Any:
        """A task's end. When an idle worker is killed, pebble gives up whatever it holds: that is begun once more."""
        with suppress(BrokenProcessPool):
            return await self._attempt(packed, timeout)
        try:
            return await self._attempt(packed, timeout)
        except BrokenProcessPool:
            raise WorkerError(Reason.MEMORY, "the workers died twice") from None

    async def _attempt(self, packed: bytes, timeout: float) -> Any:
        pool = await self._ready()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future = pool.schedule(_call, args=(packed, timeout), timeout=_WALL * timeout)
        future.add_done_callback(partial(_hand_over, answer))
        self._running.add(answer)
        try:
            await self._settled(pool, answer, timeout)
            return answer.result()
        except TimeoutError:  # pebble's: a task's own comes as `_Raised`
            meters.WORKER_DEATHS.count(reason=Reason.CPU)
            raise WorkerError(Reason.CPU, f"took more than {_WALL * timeout:g} s") from None
        except ProcessExpired as error:
            raise _death(error.exitcode, timeout) from None
        finally:
            self._running.discard(answer)
            future.cancel()  # of no effect where it is done

    async def warm(self) -> None:
        """Start the workers and wait until they have imported what they will need."""
        await asyncio.gather(*(self.run(os.getpid, timeout=_GRACE) for _ in range(self._workers)))

    async def close(self) -> None:
        """End the workers, whatever they do. Tasks that still run raise WorkerError."""
        self._closed = True
        async with self._starting:
            self._packer.shutdown(wait=False)
            pool, self._pool = self._pool, None
            for answer in self._running:
                if not answer.done():
                    answer.set_exception(WorkerError(Reason.MEMORY, "the worker pool was closed"))
            if pool is not None:
                await _in_thread(_end, pool)

    async def _ready(self) -> Any:
        """The running pool; a new one where there is none, or where the old one has broken down."""
        async with self._starting:
            if self._closed:
                raise WorkerError(Reason.MEMORY, _CLOSED)
            if self._pool is not None and not self._pool.active:
                broken, self._pool = self._pool, None
                await _in_thread(_end, broken)
            if self._pool is None:
                self._pool = await _in_thread(_start, self._workers, self._tasks, self._setup)
                meters.POOL_STARTS.count()
            return self._pool

    async def _settled(self, pool: Any, answer: "asyncio.Future[Any]", timeout: float) -> None:
        """Wait for the answer, and see that there will be one."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _WALL * timeout + _GRACE
        while not answer.done():
            await asyncio.wait({answer}, timeout=_WATCH)
            if not answer.done() and (not pool.active or loop.time() > until):
                pool.stop()
                raise BrokenProcessPool


def _hand_over(answer: "asyncio.Future[Any]", future: "Future[Any]") -> None:
    """From pebble's thread into the event loop."""
    with suppress(RuntimeError):  # the loop has closed meanwhile
        answer.get_loop().call_soon_threadsafe(_settle, answer, future)


def _settle(answer: "asyncio.Future[Any]", future: "Future[Any]") -> None:
    if answer.done() or future.cancelled():
        return
    error = future.exception()
    if error is None:
        answer.set_result(future.result())
    else:
        answer.set_exception(error)


def _value(end: Any) -> Any:
    if isinstance(end, _Raised):
        raise end.error
    if isinstance(end, _Ended):
        raise WorkerError(Reason.MEMORY, end.detail)
    return end.value


def _task(function: Callable[..., Any]) -> str:
    """The label for a task: what its function does."""
    while isinstance(function, partial):
        function = function.func
    return meters.TASKS.get(getattr(function, "__name__", ""), meters.OTHER)


def _death(code: int, timeout: float) -> WorkerError:
    overtime = code in (-signal.SIGPROF, -signal.SIGXCPU)
    meters.WORKER_DEATHS.count(reason=Reason.CPU if overtime else Reason.MEMORY)
    if overtime:
        return WorkerError(Reason.CPU, f"used more than {timeout:g} s of processor time")
    how = f"signal {-code}" if code < 0 else f"status {code}"
    return WorkerError(Reason.MEMORY, f"the worker ended with {how}")


async def _in_thread(function: Callable[..., T], *args: Any) -> T:
    """Like asyncio.to_thread, but the thread is gone afterwards."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="pool-setup")
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *args)
    finally:
        executor.shutdown(wait=False)


def _start(workers: int, tasks: int, setup: tuple[int, tuple[str, ...]]) -> Any:
    """Start a pool. Blocks for some milliseconds a worker."""
    # A worker is a fresh interpreter: until its first line runs, an interrupt would print a traceback. The mask is
    # inherited by pebble's threads, and by every process that they start. Starting the tracker unblocks the signal.
    multiprocessing.resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pool = ProcessPool(workers, tasks, _prepare, setup, multiprocessing.get_context("spawn"))
    assert pool.active  # asking starts it
    return pool


def _end(pool: Any) -> None:
    """Kill the workers and join pebble's threads."""
    pool.stop()
    pool.join()


# --- in the worker ----------------------------------------------------------------------------------------------

def _prepare(memory: int, preload: tuple[str, ...]) -> None:
    """Limits and imports, before the first task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # pebble's own handler is Python and never runs while C code loops: killing took three seconds.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread of it reserves address space
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_cpu(_START_CPU)
    for name in preload:
        with suppress(ImportError):  # the task that needs it will say so
            importlib.import_module(name)
    with suppress(ValueError, OSError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _limit_cpu(seconds: float) -> None:
    """Let this process use `seconds` more of processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds) + _CPU_GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _call(packed: bytes, timeout: float) -> _Done:
    """Run one task. Raises nothing. Where its processor time is up the kernel ends this process: nothing in C could be
    interrupted otherwise."""
    _limit_cpu(timeout)
    signal.setitimer(signal.ITIMER_PROF, timeout)
    try:
        return _answered(packed)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _answered(packed: bytes) -> _Done:
    try:
        function, args = pickle.loads(packed)  # noqa: S301 - from our own process
        end: Any = _Returned(function(*args))
        return _Done(pickle.dumps(end, pickle.HIGHEST_PROTOCOL))
    except MemoryError:
        end = _Ended("out of memory")
    except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
        end = _Raised(_portable(error))
    except BaseException as error:  # noqa: BLE001 - SystemExit is not to end the daemon
        end = _Ended(f"the worker was left by {type(error).__name__}")
    return _Done(pickle.dumps(end, pickle.HIGHEST_PROTOCOL))


def _portable(error: Exception) -> Exception:
    """The exception, or a RuntimeError that names it where it does not survive the way to another process."""
    text = "".join(traceback.format_exception(error))
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the line itself
    except Exception:  # noqa: BLE001 - whatever its own methods raise
        copy = None
    whole = error if isinstance(copy, type(error)) else RuntimeError(f"{type(error).__name__}: {error}")
    whole.add_note(f"In a worker process:\n{text}")
    return whole


def _unpack(packed: bytes) -> Any:
    """Rebuild a task's end, in one of pebble's threads, which must not die of it."""
    try:
        return pickle.loads(packed)  # noqa: S301 - from our own worker
    except Exception as error:  # noqa: BLE001 - see above
        return _Raised(RuntimeError(f"the result cannot be rebuilt: {type(error).__name__}: {error}"))
