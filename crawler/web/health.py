"""Whether it is alive, whether it is ready, what it measured."""

from aiohttp import web

from crawler.web.answers import data
from crawler.web.room import ROOM


async def alive(_request: web.Request) -> web.Response:
    """The event loop turns: that is all it takes."""
    return web.Response(text="ok\n")


async def ready(request: web.Request) -> web.Response:
    """The store is reachable, and what this process should do, it does."""
    ok, found = await request.app[ROOM].health()
    return data(request, {"ready": ok, "checks": found.get("checks", {})}, status=200 if ok else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    return web.Response(body=(await request.app[ROOM].metrics()).encode(),
                        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
