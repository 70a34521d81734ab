"""One HTTP server on loopback that is every host of the world: as their origin, and as a plain forward proxy.

A crawler whose proxy it is sees realistic hosts under `.example`, the domain that RFC 2606 keeps for such uses. It
never forwards anything: a host that is not of the world gets a 502, CONNECT a 405.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime

from aiohttp import web

from crawler.newsworld.origin import Answer, answer
from crawler.newsworld.world import Logged, World

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@asynccontextmanager
async def serve(world: World, port: int = 0) -> AsyncIterator[str]:
    """Serve the world on 127.0.0.1; gives the address, `http://127.0.0.1:PORT`. Port 0 takes a free one."""
    server = web.Server(_Door(world), access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Door:
    """Turns requests into questions to the world, and notes each in its log."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        host, path, url = _target(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = self._answer(request.method, host, path, headers)
        self.world.log.append(Logged(self.world.now, request.method, url, found.status, headers))
        if found.delay:
            await asyncio.sleep(found.delay)
        return self._response(request, found)

    def _answer(self, method: str, host: str, path: str, headers: dict[str, str]) -> Answer:
        if method not in ("GET", "HEAD"):
            return Answer(405, b"Only GET and HEAD over plain HTTP exist in this world.\n", {**_TEXT, "Allow": "GET, HEAD"})
        found = answer(self.world, host, path, headers)
        if found is None:
            return Answer(502, f"{host} is no host of this world; see http://harbour-post.example/\n".encode(), _TEXT)
        return found

    def _response(self, request: web.BaseRequest, found: Answer) -> web.Response:
        # Without a date of its own aiohttp would add one from the real clock.
        headers = {**found.headers, "Date": format_datetime(self.world.now, usegmt=True), "Server": "newsworld"}
        body = found.body if request.method == "GET" else None
        return web.Response(status=found.status, body=body, headers=headers)


def _target(request: web.BaseRequest) -> tuple[str, str, str]:
    """Host, decoded path and full URL of the request, in absolute form or by its Host header."""
    url = request.rel_url
    if not url.is_absolute():
        return request.host.partition(":")[0].lower(), url.path, f"http://{request.host}{url}"
    return (url.host or "").lower(), url.path, str(url)
