"""What systemd is told: the real daemon as a process, over a real socket; and the beat by itself."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from crawler import supervision

ROOT = Path(__file__).parents[2]


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The socket of a service manager; `await manager("READY")` gives the next message with this word in it."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))

        async def heard(word):
            async with asyncio.timeout(30):
                while True:
                    message = (await asyncio.get_running_loop().sock_recv(receiver, 4096)).decode()
                    said.append(message)
                    if word in message:
                        return message
        said = []
        heard.said, heard.path = said, str(path)
        yield heard


async def test_the_daemon_says_how_it_is(manager, tmp_path, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    config = tmp_path / "firsthand.yaml"
    good = f"store: sqlite:///{tmp_path}/store.db\nstate_dir: {tmp_path}\nreview: {{listen: null}}\nfeeds: []\n"
    config.write_text(good)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "crawler", "-c", str(config), "run", stderr=asyncio.subprocess.PIPE)
    try:
        assert await manager("READY=1") == "READY=1"
        await manager("WATCHDOG=1")
        await manager("STATUS=well")

        process.send_signal(signal.SIGHUP)
        said = await manager("RELOADING=1")
        at = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", said)[1])
        assert 0 < time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 - at < 60_000_000
        assert await manager("READY=1") == "READY=1\nSTATUS=the configuration was read again"
        await manager("WATCHDOG=1")

        config.write_text("feeds: 1\n")
        process.send_signal(signal.SIGHUP)
        await manager("RELOADING=1")
        assert "refused" in await manager("READY=1")
        await manager("WATCHDOG=1")

        process.send_signal(signal.SIGTERM)
        assert (await manager("STOPPING=1")).startswith("STOPPING=1\nSTATUS=")
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, errors.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def health(*faults, alive=True):
    """One that says so."""
    checks = [{"name": name, "ok": False, "why": why} for name, why in faults]

    async def ready():
        return not checks, {"checks": checks}
    return SimpleNamespace(alive=lambda: (alive, {}), ready=ready)


@asynccontextmanager
async def beating(manager, of):
    async with supervision.supervised(of, {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "2000"}):
        yield


async def test_one_that_stands_still_does_not_beat(manager):
    sick = health(("collect", "its keeper has stood still for 0:06:00"), alive=False)
    states = [sick, sick, sick, health()]
    async with beating(manager, lambda: states.pop(0) if len(states) > 1 else states[0]):
        await manager("WATCHDOG=1")
    assert manager.said == ["STATUS=collect: its keeper has stood still for 0:06:00", "WATCHDOG=1"]


async def test_a_store_out_of_reach_is_said_and_no_reason_to_be_ended(manager):
    states = [health(), health(("store", "the disk is full\nREADY=1")), None]
    async with beating(manager, lambda: states.pop(0) if len(states) > 1 else states[0]):
        await manager("STATUS=starting")
    assert manager.said[:4] == ["WATCHDOG=1", "STATUS=well", "WATCHDOG=1", "STATUS=store: the disk is full\\nREADY=1"]
    assert "WATCHDOG=1" in manager.said[4:]


async def test_nobody_listens():
    async with supervision.supervised(lambda: pytest.fail("asked"), {"WATCHDOG_USEC": "2000"}):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("environ", "seconds"), [
    ({}, None), ({"WATCHDOG_USEC": "120000000"}, 60), ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, 60),
    ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None), ({"WATCHDOG_USEC": "0"}, None), ({"WATCHDOG_USEC": "soon"}, None),
])
def test_it_beats_twice_in_the_time_of_the_watchdog(environ, seconds):
    assert supervision.interval(environ) == seconds


def test_the_unit_asks_for_what_the_daemon_says():
    unit = (ROOT / "config/firsthand.service").read_text()
    assert re.search(r"^WatchdogSec=2min$", unit, re.MULTILINE)
    assert re.search(r"^NotifyAccess=main$", unit, re.MULTILINE)
    assert "ProcSubset=pid\n" not in unit
