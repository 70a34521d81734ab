"""Whether it is alive, whether it is ready, what it measured."""

from aiohttp import web

from crawler import metrics as measured
from crawler.web.answers import data
from crawler.web.room import ROOM


async def alive(request: web.Request) -> web.Response:
    """What must turn turns; a restart helps where it does not."""
    ok, found = request.app[ROOM].health.alive()
    return data(request, found, status=200 if ok else 503)


async def ready(request: web.Request) -> web.Response:
    """The store is reachable, and what this process should do, it does."""
    room = request.app[ROOM]
    ok, found = await room.health.ready()
    if room.tokens is not None:   # everybody may ask this; the reasons name the database
        found = {**found, "checks": [{**check, "why": ""} for check in found["checks"]]}
    return data(request, found, status=200 if ok else 503)


async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format."""
    await request.app[ROOM].health.refresh()
    return web.Response(body=measured.render().encode(), headers={"Content-Type": measured.CONTENT_TYPE})
