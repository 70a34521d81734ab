"""What a service manager is told while the daemon runs (sd_notify(3), systemd's Type=notify with WatchdogSec).

The beat comes from the event loop, and only while what must turn turns: a process that hangs, or whose queues nobody looks
after, is ended by the watchdog and started anew. What is no fault of the process (a store out of reach, a disk that is full)
is said in its status, since a restart would not help.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from crawler.background import notify_systemd
from crawler.health import Health
from crawler.log import escape

_STATUS = 30.0       # seconds between two looks, where no watchdog asks for more
_LONGEST = 200       # characters of a status: a line of `systemctl status`


def interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two beats: half of what the watchdog waits for. None where it watches nobody, or another process."""
    given, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not given.isdigit() or not int(given) or (pid and pid != str(os.getpid())):
        return None
    return int(given) / 2e6


def reloading() -> None:
    """The configuration is being read again; `ready` says that this is over."""
    notify_systemd(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def ready(status: str) -> None:
    """All is as it should be (again)."""
    notify_systemd(f"READY=1\nSTATUS={_line(status)}")


def stopping() -> None:
    """No more work is begun."""
    notify_systemd("STOPPING=1\nSTATUS=finishing what is in hand")


@asynccontextmanager
async def supervised(health: Callable[[], Health | None], environ: Mapping[str, str] = os.environ) -> AsyncIterator[None]:
    """Beat while the block runs. `health` gives the daemon's of the moment; None between two of them."""
    if not environ.get("NOTIFY_SOCKET"):
        yield
        return
    beating = asyncio.create_task(_beat(health, environ), name="supervision")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(health: Callable[[], Health | None], environ: Mapping[str, str]) -> None:
    pause, told = interval(environ), ""
    loop = asyncio.get_running_loop()
    while True:
        current, began = health(), loop.time()
        if pause is not None and (current is None or current.alive()[0]):
            notify_systemd("WATCHDOG=1", environ)
        status = await _status(current)
        if status != told:
            notify_systemd(f"STATUS={status}", environ)
            told = status
        await asyncio.sleep(max(0.0, began + min(pause or _STATUS, _STATUS) - loop.time()))   # the store may take its time


async def _status(health: Health | None) -> str:
    if health is None:
        return "starting"
    ok, found = await health.ready()
    return _line("well" if ok else "; ".join(_fault(one) for one in found["checks"] if not one["ok"]))


def _fault(check: Mapping[str, Any]) -> str:
    return f"{check['name']}: {check['why']}"


def _line(text: str) -> str:
    """One line: a status ends with the first line break, and what follows would be a message of its own."""
    line = escape(text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
