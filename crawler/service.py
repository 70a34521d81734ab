"""The daemon as a process: one pass, or until a signal says stop; the configuration read again on SIGHUP."""

import asyncio
import faulthandler
import gc
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from crawler import __version__, app, background, meters, supervision
from crawler.daemon import STORE_PAUSE, Daemon
from crawler.errors import FirsthandError, StoreError
from crawler.front import served
from crawler.health import Health
from crawler.log import event
from crawler.settings import Settings
from crawler.watchdog import Watchdog

_CLOCK_SECONDS = 60.0    # between two looks at the clock, where it is the store's: machines' own differ by seconds a day

SWITCH = 0.0005         # seconds
_log = logging.getLogger(__name__)


async def once(settings: Settings, *, everything: bool) -> None:
    """One pass over what is due, or over every feed. Raises StoreError."""
    async with app.opened(settings) as opened:
        with _signals(opened.daemon.stop), Watchdog().watching():
            await opened.store.verify()
            await opened.sync()
            if everything:
                await opened.store.make_due(None, opened.clock())
            done = await opened.daemon.once()
            await opened.daemon.deliver_pending()
            counts = await opened.store.counts(opened.clock())
            event(_log, "pass-stopped" if opened.daemon.stopping.is_set() else "pass-done", work=done,
                  articles=counts.articles, stories=counts.stories, copies=counts.copies, undecided=counts.undecided,
                  failing=counts.failing)


async def run(settings: Settings, load: Callable[[], Settings]) -> None:
    """Until SIGTERM or SIGINT. SIGHUP calls `load` and goes on with what it returns, or as before where it raises.

    Raises OperationError where another daemon runs on the same `state_dir`, StoreError where the store cannot be
    opened at the start.
    """
    process = _Process(settings, load)
    meters.begin(__version__, "sqlite" if settings.store.startswith("sqlite") else "postgresql")
    faulthandler.enable()   # where it hung, if a watchdog ends it: the signal of systemd's is SIGABRT
    with background.claimed(settings.state_dir), _signals(process.stop, process.reload), Watchdog().watching():
        async with supervision.supervised(lambda: process.health):
            while process.next is not None:
                await process.run()
    event(_log, "stopped")


async def serve(settings: Settings) -> None:
    """The review page alone, until SIGTERM or SIGINT. Raises OperationError, StoreError."""
    stopping = asyncio.Event()
    async with app.opened(settings) as opened, served(opened, alone=True):
        with _signals(stopping.set), Watchdog().watching():
            background.notify_ready()
            while not stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _CLOCK_SECONDS)
                with suppress(StoreError):      # whoever asks for a page is told
                    await opened.set_clock()


@dataclass(slots=True)
class _Process:
    """The daemon of this process; another one follows it where the configuration was read again."""

    next: Settings | None
    load: Callable[[], Settings]
    daemon: Daemon | None = None
    health: Health | None = None
    ready: bool = False
    stopped: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)   # to stop or to reload

    async def run(self) -> None:
        """One daemon, with the settings that stand in `next`, until it is stopped."""
        if self.next is None:
            return
        settings, self.next = self.next, None
        try:
            await self._run(settings)
        except StoreError as error:
            if not self.ready:
                raise
            # Read anew while the store is out of reach: nobody would start the daemon again.
            event(_log, "store-failed", logging.ERROR, queue="start", error=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.asked.wait(), STORE_PAUSE)
            self.asked.clear()
            if not self.stopped and self.next is None:
                self.next = settings

    async def _run(self, settings: Settings) -> None:
        async with app.opened(settings) as opened, served(opened, needed=not self.ready):
            self.daemon = opened.daemon
            if not self.ready:
                await opened.store.verify()
            await opened.sync()
            if not self.ready:
                settle_memory()
                share_processor()
                background.notify_ready()
                self.ready = True
            else:
                supervision.ready("the configuration was read again")
            self.health = opened.health
            event(_log, "running", feeds=len(settings.feeds), store=settings.store.partition(":")[0])
            if self.stopped or self.next is not None:   # asked while this one was being opened
                opened.daemon.stop()
            try:
                await opened.daemon.run()
            finally:
                self.health = None

    def stop(self) -> None:
        """No further daemon; this one finishes what is in hand."""
        supervision.stopping()
        self.next, self.stopped = None, True
        self.asked.set()
        if self.daemon is not None:
            self.daemon.stop()

    def reload(self) -> None:
        """Read the configuration; where it is right a new daemon follows this one, else every mistake is logged."""
        background.reopen_log()
        if self.stopped:
            return
        supervision.reloading()
        try:
            self.next = self.load()
        except FirsthandError as error:
            meters.RELOADS.count(outcome="refused")
            for line in str(error).splitlines():
                event(_log, "reload-refused", logging.ERROR, mistake=line)
            supervision.ready("the new configuration was refused, see the log; the old one stays")
            return
        meters.RELOADS.count(outcome="done")
        event(_log, "reloaded", feeds=len(self.next.feeds))
        self.asked.set()
        if self.daemon is not None:
            self.daemon.stop()


def share_processor() -> None:
    """A thread of the store that comes back from its database waits for the interpreter until whoever has it has had it for
    so long: at Python's 5 ms, a dozen times a transaction, the store stood still while the event loop was busy."""
    sys.setswitchinterval(SWITCH)


def settle_memory() -> None:
    """What is there by now is there to stay: the collector need not look at it again, which held the event loop for a
    tenth of a second at each full collection."""
    gc.collect()
    gc.freeze()


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
