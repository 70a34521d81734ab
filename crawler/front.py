"""The review page of what an app has open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crawler import app
from crawler.tokens import Tokens
from crawler.web import Room, serving, websub
from crawler.web.room import Wellness


class Plain:
    def alive(self): return True, {}
    async def ready(self): return True, {}
    async def refresh(self): pass


@asynccontextmanager
async def served(opened: app.App, *, alone: bool = False) -> AsyncIterator[str | None]:
    """Serve the page; gives its address, None where none is to be served. Raises OperationError."""
    file = opened.settings.review.tokens_file
    health: Wellness = Plain()
    callback = websub.Callback(opened.store, opened.clock, opened.settings.crawl.max_bytes.feed,
                               lambda: opened.daemon.wake("push"))
    room = Room(opened.desk, opened.settings, health, Tokens(file) if file is not None else None,
                tuple(websub.routes(callback)))
    async with serving(room) as address:
        yield address
