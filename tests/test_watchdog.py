"""What holds the event loop is measured, and named."""

import asyncio
import logging
import time

from crawler import metrics
from crawler.watchdog import HELD, Watchdog


def burn(seconds):
    """Take processor time, however busy the machine is."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def test_a_step_that_holds_the_loop_is_measured_and_named(caplog):
    before = metrics.value("firsthand_loop_held_total")
    with caplog.at_level(logging.WARNING, "crawler"), Watchdog().watching() as watchdog:
        burn(3 * HELD)
        while watchdog.held < HELD:
            await asyncio.sleep(0)
    assert watchdog.lag >= watchdog.held > 2 * HELD
    assert "test_watchdog" in watchdog.where
    (line,) = [record for record in caplog.records if record.getMessage() == "loop-held"]
    assert line.fields["seconds"] > 2 * HELD
    assert metrics.value("firsthand_loop_held_total") == before + 1
    assert metrics.value("firsthand_loop_held_max_seconds") > 2 * HELD


async def test_waiting_holds_nothing():
    with Watchdog().watching() as watchdog:
        done = asyncio.Event()
        asyncio.get_running_loop().call_later(4 * HELD, done.set)
        await done.wait()
    assert watchdog.held < 3 * HELD
    assert metrics.value("firsthand_loop_lag_seconds") >= 0
