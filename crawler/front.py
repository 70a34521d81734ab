"""The review page of what an app has open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crawler import app
from crawler.health import Health
from crawler.tokens import Tokens
from crawler.web import Room, serving


@asynccontextmanager
async def served(opened: app.App, *, alone: bool = False) -> AsyncIterator[str | None]:
    """Serve the page; gives its address, None where none is to be served. Raises OperationError.

    `alone` where no daemon runs in this process.
    """
    file = opened.settings.review.tokens_file
    health = Health(opened.store, opened.clock, pool=opened.pool) if alone else opened.health
    room = Room(opened.desk, opened.settings, health, Tokens(file) if file is not None else None)
    async with serving(room) as address:
        yield address
