"""What is served over HTTP: the review page, the API, output feeds, health and metrics.

    room      what handlers work with          answers   headers, errors, conditional answers
    access    who may in                       asked     a query string -> StoryQuery
    queue     lists, sources, articles         story     one story, rulings
    api       /api/v1/, openapi its document   feeds     Atom, JSON Feed           health   for machines
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files

from aiohttp import web

from crawler.config.rules import listen_address
from crawler.errors import OperationError
from crawler.log import event
from crawler.render import markup
from crawler.web import access, answers, api, feeds, health, queue, story
from crawler.web.figures import Figures
from crawler.web.room import FIGURES, ROOM, Room

_log = logging.getLogger(__name__)

_LARGEST = 256 * 1024    # bytes of a form or of JSON
_LINE = 8190             # of a request's first line, and of each header
_PACKS = 2               # evidence packs that are made and sent at once
_SHUTDOWN = 3.0          # seconds for answers in hand when the page is closed
_STATIC = {"page.css": "text/css; charset=utf-8", "review.css": "text/css; charset=utf-8",
           "review.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"}


def application(room: Room) -> web.Application:
    """The page over a room."""
    gate = access.Gate()
    app = web.Application(middlewares=[answers.guarded, access.host, gate.__call__, access.change],
                          client_max_size=_LARGEST)
    app[ROOM], app[FIGURES] = room, Figures(room.desk.clock)
    app[story.PACKS] = asyncio.Semaphore(_PACKS)
    app.on_cleanup.append(_forget_figures)
    app.add_routes([
        web.get("/", queue.queue), web.get("/sources", queue.sources), web.get("/source", queue.source),
        web.get("/articles/{id}", queue.article), web.get("/rewordings", queue.rewordings),
        web.post("/rewordings", queue.rule_possible), web.get("/translations", queue.translations),
        web.post("/translations", queue.rule_possible), web.get("/subscribe", queue.subscribe),
        web.get("/login", queue.login), web.post("/login", queue.enter(gate)), web.post("/logout", queue.leave),
        web.get("/stories/{id}", story.show), web.post("/stories/{id}/rulings", story.rule),
        web.get("/stories/{id}/evidence.wacz", story.evidence, allow_head=False),
        web.get("/api/v1/openapi.json", api.document), web.get("/api/v1/stories", api.stories),
        web.get("/api/v1/stories/{id}", api.story), web.post("/api/v1/stories/{id}/verdict", api.rule),
        web.get("/api/v1/stories/{id}/copies/{article}", api.beside), web.get("/api/v1/articles/{id}", api.article),
        web.get("/api/v1/changes", api.changes), web.get("/api/v1/sources", api.sources),
        web.get("/api/v1/source", api.source), web.get("/api/v1/flows", api.flows),
        web.get("/api/v1/rewordings", api.rewordings), web.get("/api/v1/translations", api.translations), web.get("/api/v1/status", api.status),
        web.get("/originals.atom", feeds.originals_atom), web.get("/originals.json", feeds.originals_json),
        web.get("/copies.atom", feeds.copies_atom),
        web.get("/healthz", health.alive), web.get("/readyz", health.ready), web.get("/metrics", health.metrics),
        web.get("/static/{name}", _static), *room.routes,
    ])
    return app


async def _forget_figures(app: web.Application) -> None:
    await app[FIGURES].close()


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _STATIC:
        raise web.HTTPNotFound(text="no such file")
    response = answers.tagged(request, _file(name), _STATIC[name])
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _file(name: str) -> bytes:
    if name == "page.css":
        return markup.render(name).encode()
    return files("crawler.web").joinpath("static", name).read_bytes()


@asynccontextmanager
async def serving(room: Room) -> AsyncIterator[str | None]:
    """Serve on `review.listen`; gives the address, None where nothing is to be served. Raises OperationError where the
    address is taken."""
    listen = room.review.listen
    if listen is None:
        yield None
        return
    host, port = listen_address(listen)
    runner = web.AppRunner(application(room), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN,
                           max_line_size=_LINE, max_field_size=_LINE)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise OperationError(f"review.listen {listen}: {error.strerror or error}; name another, or null for none") from None
        address = f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}/"
        event(_log, "serving", address=address)
        yield address
    finally:
        await runner.cleanup()


__all__ = ["Room", "application", "serving"]
