"""The daemon as a process: one pass, or until a signal says stop; the configuration read again on SIGHUP."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crawler import app, background
from crawler.errors import FirsthandError
from crawler.log import event
from crawler.settings import Settings

_log = logging.getLogger(__name__)


async def once(settings: Settings, *, everything: bool) -> None:
    """One pass over what is due, or over every feed. Raises StoreError."""
    async with app.opened(settings) as opened:
        with _signals(opened.daemon.stop):
            await opened.sync()
            if everything:
                await opened.store.make_due(None, opened.clock())
            done = await opened.daemon.once()
            counts = await opened.store.counts(opened.clock())
            event(_log, "pass-done", work=done, articles=counts.articles, stories=counts.stories, copies=counts.copies,
                  undecided=counts.undecided, failing=counts.failing)


async def run(settings: Settings, load: Callable[[], Settings]) -> None:
    """Until SIGTERM or SIGINT. SIGHUP calls `load` and goes on with what it returns, or with the old settings where it
    raises. Raises OperationError where another daemon runs on the same `state_dir`, StoreError where the store cannot
    be opened at the start.
    """
    with background.claimed(settings.state_dir):
        ready = False
        while True:
            reloading = asyncio.Event()
            async with app.opened(settings) as opened:
                def reload(event_: asyncio.Event = reloading, stop: Callable[[], None] = opened.daemon.stop) -> None:
                    event_.set()
                    stop()

                with _signals(opened.daemon.stop, reload):
                    await opened.sync()
                    if not ready:
                        background.notify_ready()
                        ready = True
                    event(_log, "running", feeds=len(settings.feeds), store=settings.store.partition(":")[0])
                    await opened.daemon.run()
            if not reloading.is_set():
                event(_log, "stopped")
                return
            background.reopen_log()
            settings = _reloaded(settings, load)


def _reloaded(settings: Settings, load: Callable[[], Settings]) -> Settings:
    """The new settings, or the old ones where the new are wrong: every mistake is logged."""
    try:
        fresh = load()
    except FirsthandError as error:
        for line in str(error).splitlines():
            event(_log, "reload-refused", logging.ERROR, mistake=line)
        return settings
    event(_log, "reloaded", feeds=len(fresh.feeds))
    return fresh


@contextmanager
def _signals(stop: Callable[[], None], reload: Callable[[], None] | None = None) -> Iterator[None]:
    """SIGTERM and SIGINT stop gracefully, a second one at once; SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    asked: list[int] = []

    def end() -> None:
        asked.append(1)
        if len(asked) == 1:
            event(_log, "stopping")
            stop()
        elif main is not None:
            main.cancel()

    handled = {signal.SIGTERM: end, signal.SIGINT: end, **({signal.SIGHUP: reload} if reload else {})}
    for number, handler in handled.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
