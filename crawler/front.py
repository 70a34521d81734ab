"""The review page of what an app has open."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from crawler import app
from crawler.errors import OperationError
from crawler.health import Health
from crawler.log import event
from crawler.tokens import Tokens
from crawler.web import Room, serving, websub

_log = logging.getLogger(__name__)


@asynccontextmanager
async def served(opened: app.App, *, alone: bool = False, needed: bool = True) -> AsyncIterator[str | None]:
    """Serve the page; gives its address, None where none is to be served.

    `alone` where no daemon runs in this process. Raises OperationError where the address is taken; unless it is `needed`
    that is logged, and there is no page: a daemon that crawls is not ended for want of it.
    """
    async with AsyncExitStack() as stack:
        address = None
        try:
            address = await stack.enter_async_context(serving(_room(opened, alone=alone)))
        except OperationError as error:
            if needed:
                raise
            event(_log, "serving-failed", logging.ERROR, error=error)
        yield address


def _room(opened: app.App, *, alone: bool) -> Room:
    """What the page works with."""
    file = opened.settings.review.tokens_file
    callback = websub.Callback(opened.store, opened.clock, opened.settings.crawl.max_bytes.feed,
                               lambda: opened.daemon.wake("push"))
    return Room(opened.desk, opened.settings, Health(opened.store, opened.clock, pool=opened.pool) if alone else opened.health,
                Tokens(file) if file is not None else None, tuple(websub.routes(callback)))
