"""The worker pool: real processes, ended by force."""

import asyncio
import gc
import multiprocessing
import os
import re
import resource
import signal
import threading
import time

import pytest

from crawler.adapters.pool import WorkerPool
from crawler.errors import Reason, WorkerError


class OddError(Exception):
    """Does not survive pickling: its arguments are not those of its constructor."""

    def __init__(self, left, right):
        super().__init__(f"{left}-{right}")


class Trap:
    """Pickles well, and breaks when it is rebuilt."""

    def __reduce__(self):
        return int, ("no number",)


def raise_value(text):
    raise ValueError(text)


def raise_odd():
    raise OddError("a", "b")


def raise_timeout():
    raise TimeoutError("of its own")


def leave():
    raise SystemExit(3)


def devour():
    return len(bytearray(10**10))


def backtrack():
    return re.match(r"(a+)+$", "a" * 60 + "b")  # in C, without end: no Python handler runs


def spin():
    while True:
        pass


def trap():
    return Trap()


def local():
    return lambda: None


def sleep_then_return(seconds):
    time.sleep(seconds)
    return seconds


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds


def touch_then_sleep(path):
    with open(path, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)


@pytest.fixture(scope="module")
async def pool():
    pool = WorkerPool(2, preload=())
    yield pool
    await pool.close()


async def appeared(path):
    while not path.exists() or not path.read_text():
        await asyncio.sleep(0.01)
    return int(path.read_text())


async def gone(pid):
    """Wait until a process is no more; the test's time-out is the limit."""
    async with asyncio.timeout(10):
        while True:
            try:
                with open(f"/proc/{pid}/stat") as file:
                    if file.read().rpartition(")")[2].split()[0] == "Z":
                        return
            except FileNotFoundError:
                return
            await asyncio.sleep(0.01)


async def test_a_result_comes_back(pool):
    assert await pool.run(divmod, 17, 5, timeout=10) == (3, 2)


async def test_work_runs_in_another_process(pool):
    assert await pool.run(os.getpid, timeout=10) != os.getpid()


async def test_large_arguments_and_results_cross(pool):
    body = os.urandom(1024) * 8 * 1024
    assert await pool.run(bytes.swapcase, body, timeout=10) == body.swapcase()


async def test_the_functions_own_exception_is_raised_with_the_workers_traceback(pool):
    with pytest.raises(ValueError, match="no such feed") as caught:
        await pool.run(raise_value, "no such feed", timeout=10)
    assert "raise_value" in caught.value.__notes__[0]


async def test_the_functions_own_timeout_error_is_not_taken_for_a_kill(pool):
    with pytest.raises(TimeoutError, match="of its own"):
        await pool.run(raise_timeout, timeout=10)


async def test_an_exception_that_cannot_cross_arrives_under_its_name(pool):
    with pytest.raises(RuntimeError, match="OddError: a-b"):
        await pool.run(raise_odd, timeout=10)


@pytest.mark.parametrize("function", [trap, local])
async def test_a_result_that_cannot_cross_is_an_error_of_its_task_alone(pool, function):
    with pytest.raises((RuntimeError, AttributeError, TypeError)):
        await pool.run(function, timeout=10)
    assert await pool.run(abs, -1, timeout=10) == 1


async def test_arguments_that_cannot_cross_are_refused_at_once(pool):
    with pytest.raises((AttributeError, TypeError)):
        await pool.run(abs, lambda: None, timeout=10)


async def test_system_exit_ends_neither_worker_nor_daemon(pool):
    with pytest.raises(WorkerError, match="SystemExit") as caught:
        await pool.run(leave, timeout=10)
    assert caught.value.reason is Reason.MEMORY


@pytest.mark.parametrize("function", [backtrack, spin])
async def test_time_that_is_up_kills_the_worker(pool, function):
    with pytest.raises(WorkerError, match=r"processor time|took more than") as caught:   # where the machine is very busy
        await pool.run(function, timeout=0.2)
    assert caught.value.reason is Reason.CPU
    assert await pool.run(abs, -1, timeout=10) == 1


@pytest.mark.long
async def test_time_in_which_others_computed_is_not_counted(pool):
    assert await pool.run(sleep_then_return, 0.5, timeout=0.2) == 0.5


async def test_a_task_that_waits_for_ever_is_ended_too(pool):
    with pytest.raises(WorkerError, match=r"took more than 4 s") as caught:
        await pool.run(sleep_then_return, 60, timeout=0.5)
    assert caught.value.reason is Reason.CPU


@pytest.mark.long
async def test_the_timer_of_one_task_does_not_end_the_next(pool):
    for _ in range(6):
        assert await pool.run(burn, 0.15, timeout=0.4) == 0.15


async def test_memory_that_is_used_up_is_said_so(pool):
    with pytest.raises(WorkerError) as caught:
        await pool.run(devour, timeout=10)
    assert (caught.value.reason, caught.value.detail) == (Reason.MEMORY, "out of memory")
    assert await pool.run(abs, -1, timeout=10) == 1


@pytest.mark.parametrize("code", [0, 70])
async def test_a_worker_that_ends_itself_fails_its_task_alone(code):
    pool = WorkerPool(1, preload=())
    try:
        with pytest.raises(WorkerError) as caught:
            await pool.run(os._exit, code, timeout=0.5)
        assert caught.value.reason in (Reason.MEMORY, Reason.CPU)
        assert await pool.run(abs, -1, timeout=10) == 1
    finally:
        await pool.close()


async def test_a_worker_killed_from_outside_fails_its_task_alone(pool, tmp_path):
    task = asyncio.create_task(pool.run(touch_then_sleep, str(tmp_path / "pid"), timeout=30))
    os.kill(await appeared(tmp_path / "pid"), signal.SIGKILL)
    with pytest.raises(WorkerError, match="signal 9") as caught:
        await task
    assert caught.value.reason is Reason.MEMORY
    assert await pool.run(abs, -1, timeout=10) == 1


async def test_a_pool_whose_idle_worker_was_killed_recovers():
    pool = WorkerPool(1, preload=())
    try:
        pid = await pool.run(os.getpid, timeout=10)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        assert await pool.run(os.getpid, timeout=10) != pid
    finally:
        await pool.close()


async def test_processor_time_is_limited_by_the_kernel_too(pool):
    soft, _ = await pool.run(resource.getrlimit, resource.RLIMIT_CPU, timeout=10)
    assert 10 < soft < 200
    with pytest.raises(WorkerError, match="processor time") as caught:
        await pool.run(signal.raise_signal, signal.SIGXCPU, timeout=10)
    assert caught.value.reason is Reason.CPU


async def test_cancelling_ends_the_work(pool, tmp_path):
    task = asyncio.create_task(pool.run(touch_then_sleep, str(tmp_path / "pid"), timeout=30))
    pid = await appeared(tmp_path / "pid")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(pid)
    assert await pool.run(abs, -1, timeout=10) == 1


async def test_cancelling_what_still_waits_kills_nobody(tmp_path):
    pool = WorkerPool(1, preload=())
    try:
        pid = await pool.run(os.getpid, timeout=10)
        running = asyncio.create_task(pool.run(time.sleep, 0.3, timeout=10))
        waiting = asyncio.create_task(pool.run(time.sleep, 0.3, timeout=10))
        await asyncio.sleep(0)
        waiting.cancel()
        await running
        assert await pool.run(os.getpid, timeout=10) == pid
    finally:
        await pool.close()


async def test_a_worker_ignores_an_interrupt(tmp_path):
    pool = WorkerPool(1, preload=())
    try:
        pid = await pool.run(os.getpid, timeout=10)
        os.kill(pid, signal.SIGINT)
        assert await pool.run(os.getpid, timeout=10) == pid
    finally:
        await pool.close()


async def test_workers_are_replaced_after_their_tasks():
    pool = WorkerPool(1, tasks=2, preload=())
    try:
        pids = [await pool.run(os.getpid, timeout=10) for _ in range(4)]
        assert pids[0] == pids[1]
        assert pids[1] != pids[2] == pids[3]
    finally:
        await pool.close()


async def test_no_more_tasks_at_once_than_workers_and_in_order(pool):
    results = await asyncio.gather(*(pool.run(abs, -n, timeout=10) for n in range(40)))
    assert results == list(range(40))


async def test_closing_ends_a_hung_worker_and_leaves_nothing_behind(tmp_path):
    gc.collect()
    threads, children = set(threading.enumerate()), set(multiprocessing.active_children())
    pool = WorkerPool(2, preload=())
    await pool.warm()
    hung = asyncio.create_task(pool.run(backtrack, timeout=60))
    sleeping = asyncio.create_task(pool.run(touch_then_sleep, str(tmp_path / "pid"), timeout=60))
    pid = await appeared(tmp_path / "pid")
    async with asyncio.timeout(30):
        await pool.close()
    for task in (hung, sleeping):
        with pytest.raises(WorkerError, match="closed"):
            await task
    await gone(pid)
    for child in set(multiprocessing.active_children()) - children:  # killed; the kernel may take a moment to say so
        child.join(5)
        assert not child.is_alive()
    for thread in set(threading.enumerate()) - threads:
        thread.join(5)
        assert not thread.is_alive()
    with pytest.raises(WorkerError, match="closed"):
        await pool.run(abs, -1, timeout=10)
    await pool.close()


async def test_the_event_loop_is_never_held(pool):
    """Another task gets its turns while large bodies cross and workers are killed."""
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    with pytest.raises(WorkerError):
        await pool.run(backtrack, timeout=0.1)
    await pool.run(len, bytes(8 * 1024**2), timeout=10)
    counting.cancel()
    assert turns > 100
