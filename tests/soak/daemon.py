"""The real daemon under a clock that runs faster: `daemon.py CONFIG START ZERO SPEED FIGURES`.

START is the datetime that its clock showed when the machine's showed ZERO (seconds since 1970); FIGURES is a file to
which it appends a line of JSON every second. SIGTERM stops it.
"""

import asyncio
import json
import signal
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

from crawler import app, log, service
from crawler.config import load
from crawler.daemon import Timing
from crawler.watchdog import Watchdog


def timing(speed: float) -> Timing:
    """Leases last as long as they do for everybody, in real time; idle queues are looked at ten times a second."""
    return Timing(lease=timedelta(seconds=60) * speed, idle=timedelta(seconds=0.1) * speed, speed=speed)


async def main(config: str, start: str, zero: str, speed: str, figures: str) -> None:
    """Run until SIGTERM."""
    began, since, pace = datetime.fromisoformat(start), float(zero), float(speed)
    log.configure("warning")

    def clock() -> datetime:
        return began + timedelta(seconds=(time.time() - since) * pace)

    settings = load(Path(config), {}).settings
    async with app.opened(settings, clock, timing(pace)) as opened:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, opened.daemon.stop)
        await opened.sync()
        service.settle_memory()
        with Watchdog().watching() as watchdog, Path(figures).open("a") as out:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(_write(opened, watchdog, out))
                await opened.daemon.run()
                writing.cancel()


async def _write(opened: app.App, watchdog: Watchdog, out) -> None:
    while True:
        counts = await opened.store.counts(opened.clock())
        feeds = await opened.store.feeds()
        now = opened.clock()
        late = max(((now - one.state.next_poll).total_seconds() for one in feeds
                    if one.state.next_poll is not None and one.state.disabled is None), default=0.0)
        out.write(json.dumps({
            "articles": counts.articles, "stories": counts.stories, "waiting": counts.backlog.entries,
            "unjudged": counts.backlog.unjudged, "failing": counts.failing, "overdue": round(max(0.0, late)),
            "lag": round(watchdog.lag, 3), "held": round(watchdog.held, 3), "where": watchdog.where}) + "\n")
        out.flush()
        watchdog.lag = watchdog.held = 0.0
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
