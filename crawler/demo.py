"""`firsthand demo`: the whole job on the invented news world, served on loopback. No network, no configuration."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crawler import app
from crawler.core import report
from crawler.newsworld.server import serve
from crawler.newsworld.world import World
from crawler.ports import StoryQuery
from crawler.settings import Settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)   # of the invented day; nothing of the real clock enters the report

Progress = Callable[[int, int], None]


async def crawl_world(progress: Progress = lambda _done, _all: None) -> dict[str, Any]:
    """Crawl one day of the world, half an hour at a time, and report it. `progress` hears (ticks done, all ticks)."""
    world = World(START)
    with TemporaryDirectory(prefix="firsthand-demo-") as folder:
        async with serve(world) as proxy:
            settings = Settings.model_validate(world.settings(proxy, Path(folder)))
            return await crawl(world, settings, progress)


async def crawl(world: World, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Crawl a world that is being served with these settings, tick by tick."""
    ticks = world.times()
    async with app.opened(settings, lambda: world.now) as opened:
        await opened.sync()
        for done, tick in enumerate(ticks, 1):
            world.set(tick)
            await opened.daemon.once()
            progress(done, len(ticks))
        return await made(opened, StoryQuery())


async def made(opened: app.App, query: StoryQuery) -> dict[str, Any]:
    """The report of what is stored."""
    stories = await opened.store.stories(query)
    counts = await opened.store.counts(opened.clock())
    return report.report(
        [(one.story, one.articles, one.carriers) for one in stories], generated=opened.clock(), since=query.since, until=query.until,
        articles=counts.articles, kinds=query.kinds, without=query.without)
