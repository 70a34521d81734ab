"""Name lookups that cannot delay one another.

asyncio's own `getaddrinfo` shares a pool of a few threads with everything else: six names whose servers keep silent
would hold up every other host for half a minute. Here each lookup has a thread of its own; the caller bounds their
number by its own concurrency. The threads are daemons, so that a hanging lookup does not hold up the end of the process.
"""

import asyncio
import socket
from contextlib import suppress
from threading import Thread
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult


class SystemResolver(AbstractResolver):
    """`getaddrinfo`, the addresses in its order (RFC 6724)."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC,
    ) -> list[ResolveResult]:
        """Addresses of a host. Raises OSError (socket.gaierror) and UnicodeError as getaddrinfo does."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()

        def look_up() -> None:
            result: list[Any] | Exception
            try:
                result = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
            except (OSError, UnicodeError) as error:
                result = error
            with suppress(RuntimeError):  # the loop has closed meanwhile
                loop.call_soon_threadsafe(_settle, answer, result)

        Thread(target=look_up, name="lookup", daemon=True).start()
        return [_result(host, port, info) for info in await answer]

    async def close(self) -> None:
        """Nothing is held."""


def _settle(answer: asyncio.Future[list[Any]], result: list[Any] | Exception) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)


def _result(host: str, port: int, info: Any) -> ResolveResult:
    family, _, protocol, _, address = info
    return ResolveResult(hostname=host, host=address[0], port=port, family=family, proto=protocol,
                         flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
