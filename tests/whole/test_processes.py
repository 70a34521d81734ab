"""The real command as a process against the news world: passes, kill -9, the daemon, signals."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.newsworld import World, serve

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 2, 18, tzinfo=UTC)


class Command:
    """`firsthand` with one configuration."""

    def __init__(self, config: Path) -> None:
        self.config = config

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start it; its output is piped."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crawler", "-c", str(self.config), *arguments,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    async def __call__(self, *arguments: str, status: int = 0) -> str:
        """Run it to its end; its standard output."""
        process = await self.start(*arguments)
        out, err = await process.communicate()
        assert process.returncode == status, err.decode()
        assert "Traceback" not in err.decode()
        return out.decode()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[World, Command]]:
    """A world at noon, served, and the command configured for it."""
    world = World(datetime(2026, 3, 2, 6, tzinfo=UTC))
    world.set(NOON)
    async with serve(world) as proxy:
        config = tmp_path / "firsthand.yaml"
        world.write_config(config, proxy, tmp_path / "var")
        yield world, Command(config)


def rows(config: Path, query: str) -> list[tuple]:
    with sqlite3.connect(config.parent / "var" / "firsthand.db") as connection:
        return connection.execute(query).fetchall()


async def waited(line: bytes, process: asyncio.subprocess.Process) -> None:
    """Until the process has logged a line that holds these words."""
    assert process.stderr is not None
    async for found in process.stderr:
        if line in found:
            return
    pytest.fail(f"ended without saying {line!r}")


@pytest.mark.long
async def test_a_pass_and_its_report(world: tuple[World, Command]) -> None:
    _, command = world
    await command("run", "--once", "--all")
    report = json.loads(await command("report", "--format", "json"))
    assert report["totals"]["copies"] >= 10
    feeds = [json.loads(line) for line in (await command("feeds", "list", "--format", "json")).splitlines()]
    assert {feed["state"] for feed in feeds} >= {"ok", "disabled"}


@pytest.mark.long
async def test_killed_in_the_middle_nothing_is_lost_or_doubled(world: tuple[World, Command]) -> None:
    _, command = world
    for _ in range(3):
        process = await command.start("run", "--once", "--all")
        await waited(b" article ", process)
        process.kill()
        await process.communicate()
        # Leases of the killed would keep their work for a quarter of an hour: let them run out.
        with sqlite3.connect(command.config.parent / "var" / "firsthand.db") as connection:
            for table in ("feeds", "sightings", "articles"):
                connection.execute(f"UPDATE {table} SET lease_until = NULL")
    await command("run", "--once", "--all")
    killed = rows(command.config, "SELECT url, source, title FROM articles ORDER BY url")
    assert rows(command.config, "PRAGMA integrity_check") == [("ok",)]
    fresh = command.config.parent / "fresh"
    fresh.mkdir()
    config = fresh / "firsthand.yaml"
    config.write_text(command.config.read_text().replace(str(command.config.parent / "var"), str(fresh / "var")))
    await Command(config)("run", "--once", "--all")
    assert killed == rows(config, "SELECT url, source, title FROM articles ORDER BY url")


async def test_the_daemon_starts_reloads_and_stops(world: tuple[World, Command]) -> None:
    _, command = world
    process = await command.start("run")
    await waited(b" running ", process)
    good = command.config.read_text()
    command.config.write_text(good + "\nnonsense: 1\n")
    process.send_signal(signal.SIGHUP)
    await waited(b"reload-refused", process)
    command.config.write_text(good)
    process.send_signal(signal.SIGHUP)
    await waited(b"reloaded", process)
    process.terminate()
    await process.communicate()
    assert process.returncode == 0


@pytest.mark.long
async def test_started_in_the_background_it_says_so_and_stops(world: tuple[World, Command]) -> None:
    _, command = world
    await command("start")
    await command("start", status=1)
    assert json.loads(await command("status", "--json"))["pid"] > 0
    await command("stop")
    await command("status", status=3)
