"""`firsthand demo`: the whole job on the invented news world, served on loopback. No network, no configuration."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crawler import app
from crawler.desk import BESIDE
from crawler.front import served
from crawler.newsworld.server import serve
from crawler.newsworld.world import World
from crawler.ports import StoryQuery
from crawler.settings import Settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)   # of the invented day; nothing of the real clock enters the report

Progress = Callable[[int, int], None]


async def crawl_world(progress: Progress = lambda _done, _all: None) -> dict[str, Any]:
    """Crawl one day of the world, half an hour at a time, and report it. `progress` hears (ticks done, all ticks)."""
    found: list[dict[str, Any]] = []
    await run(progress, lambda report, _address: found.append(report))
    return found[0]


async def run(
    progress: Progress, show: Callable[[dict[str, Any], str | None], None], listen: str | None = None, *, whole: bool = False,
) -> None:
    """The same, and `show` the report; with `listen` with the address of the review page, which then stays up. `whole`
    puts the texts of copies into the report."""
    world = World(START)
    with TemporaryDirectory(prefix="firsthand-demo-") as folder:
        async with serve(world) as proxy:
            settings = Settings.model_validate({**world.settings(proxy, Path(folder)), "review": {"listen": listen}})
            async with app.opened(settings, lambda: world.now) as opened:
                await crawl(opened, world, progress)
                async with served(opened, alone=True) as address:
                    show(await opened.desk.report(StoryQuery(), beside=BESIDE if whole else 0), address)
                    if address is not None:
                        await asyncio.Event().wait()    # until whoever started it has seen enough


async def crawl(opened: app.App, world: World, progress: Progress) -> None:
    """Crawl a world that is being served, tick by tick."""
    ticks = world.times()
    await opened.sync()
    for done, tick in enumerate(ticks, 1):
        world.set(tick)
        await opened.daemon.once()
        progress(done, len(ticks))
