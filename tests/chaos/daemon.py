"""Starts the real daemon over and over: a process that has imported everything once and forks a child for each start.

    python tests/chaos/daemon.py        one order a line on standard input, one answer a line on standard output
        {"start": {…}}                  -> {"started": PID}, and at its end {"ended": PID, "status": …}
        {"signal": [PID, NUMBER]}       nothing, where it has ended

A child runs `crawler.service.run`, as `firsthand run` does: the pid file, the signals, the store, the fetcher, the
workers. What is replaced, from outside: the clock, which is that of the ledger; the resolver, which finds the ledger's
hosts; what counts as public, so that 127.0.1.0/24 stands for the Internet; and whatever a kill point or mutant says.

Imports of the product stand in functions: worker processes import this file too.
"""

import asyncio
import json
import logging
import multiprocessing
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

_TICK = 0.01


def child(order: dict[str, Any]) -> None:
    """Run the daemon in this process until it is told to stop. Ends the process."""
    status = 1
    try:
        log = Path(order["log"]).open("a")  # noqa: SIM115 - as long as the process lives
        os.dup2(log.fileno(), 2)
        os.dup2(log.fileno(), 1)
        _run(order)
        status = 0
    except BaseException:  # whatever it is, it belongs into the log, and not into the launcher
        logging.getLogger("chaos").exception("the daemon ended")
    finally:
        sys.stderr.flush()
        os._exit(status)


def _run(order: dict[str, Any]) -> None:
    import killpoints
    import mutants

    from crawler import log, service
    from crawler.settings import Settings

    log.configure("info", "json", tracebacks=True)
    settings = Settings.model_validate(order["settings"])
    journal = killpoints.Journal(Path(order["journal"]), _clock(order))
    _rewire(order, journal)
    if "lease" in order:
        _hasten(order["lease"], order["rate"])
    if order.get("thinking"):
        _part_slowly(order["thinking"])
    if order.get("mutant"):
        mutants.apply(order["mutant"])
    killpoints.watch(journal, order.get("kill"), order.get("arm"))
    journal.note("born", by=order.get("by", ""))
    asyncio.run(_undisturbed(settings, order) if "steps" in order else service.run(settings, lambda: settings))


async def _undisturbed(settings: Any, order: dict[str, Any]) -> None:
    """Pass after pass, the clock standing meanwhile."""
    from crawler import app

    async with app.opened(settings) as found:
        await found.sync()
        for step in order["steps"]:
            _write(Path(order["clock"]), step)
            await found.daemon.once()


def _write(path: Path, text: str) -> None:
    """So that whoever reads it finds the old text or the new."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def _clock(order: dict[str, Any]) -> Callable[[], datetime]:
    if "steps" in order:
        return lambda: datetime.fromisoformat(Path(order["clock"]).read_text())
    start, base, rate = datetime.fromisoformat(order["start"]), order["base"], order["rate"]
    return lambda: start + timedelta(seconds=(time.monotonic() - base) * rate)


def _rewire(order: dict[str, Any], journal: Any) -> None:
    """Give `app.opened` the ledger's clock, names and Internet."""
    from contextlib import asynccontextmanager
    from ipaddress import IPv4Network

    from aiohttp.abc import AbstractResolver

    from crawler import app
    from crawler.adapters.http import guard

    internet, public, table = IPv4Network(order["internet"]), guard.is_public, order["names"]
    guard.is_public = lambda address: address in internet or public(address)

    class Names(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
            if host not in table:
                raise OSError(f"{host} has no address")
            found, at = table[host]
            return [{"hostname": host, "host": found, "port": at or port, "family": 2, "proto": 0, "flags": 0}]

        async def close(self) -> None:
            pass

    opened, fetcher = app.opened, app.HttpFetcher

    @asynccontextmanager
    async def chaotic(settings: Any) -> Any:
        timing = _timing(order["rate"], **order["timing"]) if "timing" in order else None
        async with opened(settings, _clock(order), timing) as found:
            journal.note("opened")
            yield found

    app.HttpFetcher = lambda *args, **named: fetcher(*args, **named, resolver=Names())  # type: ignore[assignment,misc]  # another maker
    app.opened = chaotic  # type: ignore[assignment]  # without the argument that is given here
    if order["workers"] == "forkserver":
        _share_workers()


def _timing(rate: float, *, lease: float, idle: float) -> Any:
    """The daemon's own times, in seconds of the world; of them `rate` pass in a real one."""
    from crawler.daemon import Timing

    return Timing(lease=timedelta(seconds=lease), idle=timedelta(seconds=idle), speed=rate)


def _hasten(lease: float, rate: float) -> None:
    """Where workers share a store, shorten as their lease is, which lasts a minute, all that is measured by another
    clock than the world's: the server's patience, the event loop's, the network's."""
    from crawler import app, daemon, pages, service
    from crawler.adapters.store import postgres

    part = lease / 60
    for module, names in ((daemon, ["STORE_PAUSE", "GRACE"]), (service, ["STORE_PAUSE"]), (app, ["_SPARE"]), (postgres, [
            "FROZEN", "SILENT", "_BEAT", "_WAIT_SECONDS", "_CONNECT_SECONDS", "_POOL_SECONDS"])):
        for name in names:
            setattr(module, name, getattr(module, name) * part)
    pages.ROBOTS_WAIT *= part * rate    # type: ignore[misc]  # a constant, of the world's clock


def _part_slowly(seconds: float) -> None:
    """The less of a story a judge has read, the longer it thinks."""
    from crawler.pipeline import Pipeline

    settled = Pipeline._settled

    async def slowly(self: Any, readings: Any, matches: Any) -> Any:
        await asyncio.sleep(seconds / (len(readings) - 1) ** 2)
        return await settled(self, readings, matches)

    Pipeline._settled = slowly  # type: ignore[method-assign]  # around


def _share_workers() -> None:
    """Workers are forked by a server that has imported what they need, and not spawned: two seconds a start."""
    from multiprocessing import forkserver

    from crawler.adapters import pool

    server = forkserver._forkserver
    server.ensure_running = lambda: None    # it is the launcher's child, and lives
    context = partial(multiprocessing.get_context, "forkserver")
    pool.multiprocessing = _Namespace(  # type: ignore[attr-defined]  # the module as the pool sees it
        get_context=lambda _method: context(), resource_tracker=multiprocessing.resource_tracker)


class _Namespace:
    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


# --- the launcher -----------------------------------------------------------------------------------------------

def main() -> None:
    """Take orders until standard input ends; then end every child."""
    server = _prepare() if sys.argv[1:] == ["forkserver"] else 0    # else the first start imports, as any process does
    alive: set[int] = set()
    _say(ready=os.getpid(), forkserver=server)
    pending = b""
    while True:
        if select.select([0], [], [], _TICK)[0]:
            got = os.read(0, 1 << 16)
            if not got:
                break
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                _obey(json.loads(line), alive)
        for pid in list(alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                alive.discard(pid)
                _say(ended=pid, status=os.waitstatus_to_exitcode(status))
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def _obey(order: dict[str, Any], alive: set[int]) -> None:
    if "start" in order:
        alive.add(_start(order["start"]))
    elif order["signal"][0] in alive:
        os.kill(*order["signal"])


def _prepare() -> int:
    """Everything that a start would import, here and in the server of the workers; returns the pid of that."""
    from multiprocessing import forkserver

    import alembic.command  # noqa: F401 - a first start migrates
    import mutants  # noqa: F401 - for the workers' server as well
    import sqlalchemy.dialects.postgresql.asyncpg  # noqa: F401 - for stores that are one

    import crawler.service  # noqa: F401 - and everything that it needs

    multiprocessing.set_forkserver_preload(["warmed", "mutants"])
    forkserver.ensure_running()
    asyncio.run(_warm())
    return int(forkserver._forkserver._forkserver_pid)


async def _warm() -> None:
    """Do once what every first time is slow: compiled statements, the list of domains."""
    import tempfile

    from crawler import app
    from crawler.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = {"store": f"sqlite:///{folder}/warm.db", "feeds": [{"url": "http://warm.example/feed"}]}
        async with app.opened(Settings.model_validate(settings)) as found:
            await found.sync()
            await found.daemon.store.backlog(found.clock())


def _start(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        child(order)
    _say(started=pid)
    return pid


def _say(**fields: Any) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


if __name__ == "__main__":
    main()
