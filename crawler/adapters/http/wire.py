"""The door of aiohttp's client: one connection, one request, one answer, and every way in which they go wrong.

What aiohttp leaves out is added by two small subclasses: which stage a request had reached when it failed, what the
parser objected to after the answer seemed complete, a limit on interim answers and on the size of all headers.
"""

import asyncio
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from crawler.adapters.http.guard import MAX_ADDRESSES, Guard, GuardedResolver

_READ = 32 * 1024                # bytes taken from a socket at once: in chunks of one byte asyncio's 256 KiB held the loop 120 ms
MAX_HEADERS = 64 * 1024          # bytes, one header and all together
_MAX_HEADER_COUNT = 128
_MAX_INTERIM = 16                # 1xx answers before the real one
_DNS_TTL = 60

Stage = Literal["lookup", "connect", "tls", "answer"]


@dataclass(slots=True, eq=False)
class Trail:
    """How far one request has come."""

    stage: Stage = "lookup"
    peer: str | None = None            # address of the other end
    handler: "_Handler | None" = None


_TRAIL: ContextVar[Trail] = ContextVar("trail")


SSLProtocol.max_size = _READ    # likewise; its buffer is made before there is a transport


class TooManyHeadersError(Exception):
    """Endless interim answers, or more headers than anybody needs."""


class _Handler(ResponseHandler):
    """aiohttp's protocol, which remembers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.trail = _TRAIL.get(Trail())
        self.trail.stage = "tls"       # connected; `connection_made` comes after the handshake, if there is one
        self.fault: BaseException | None = None  # what the parser objected to
        self.reset = False
        self.head = b""                # what came before the first answer was understood
        self._interim = 0

    def data_received(self, data: bytes) -> None:
        if len(self.head) < MAX_HEADERS:
            self.head += data[:MAX_HEADERS]
        super().data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.trail.stage = "answer"
        transport.max_size = _READ  # type: ignore[attr-defined]  # no public way
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.reset = exc is not None
        super().connection_lost(exc)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        if isinstance(exc, HttpProcessingError | TooManyHeadersError):
            self._object(exc_cause or exc)
        super().set_exception(exc, *(() if exc_cause is None else (exc_cause,)))

    def _object(self, fault: BaseException) -> None:
        self.fault = self.fault or fault
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(aiohttp.ClientPayloadError(str(fault)))  # else its reader waits for the time-out

    def feed_data(self, data: Any, size: int = 0) -> None:
        self._interim = self._interim + 1 if data[0].code < 200 else 0
        if self._interim > _MAX_INTERIM:
            self.set_exception(TooManyHeadersError(f"more than {_MAX_INTERIM} interim answers"))
            if self.transport is not None:
                self.transport.abort()
            return
        super().feed_data(data, size)

    @property
    def has_more(self) -> bool:
        """Whether an answer came that nobody asked for."""
        return len(self) > 0


class _Answer(aiohttp.ClientResponse):
    """aiohttp's response, which notes who answered."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        trail = _TRAIL.get(None)
        if trail is not None:
            trail.stage = "answer"
            trail.handler = connection.protocol
            peer = connection.transport.get_extra_info("peername") if connection.transport else None
            trail.peer = str(peer[0]) if peer else None
        await super().start(connection)
        if sum(len(name) + len(value) for name, value in self.raw_headers) > MAX_HEADERS:
            raise TooManyHeadersError(f"more than {MAX_HEADERS} bytes of headers")
        return self


class Wire:
    """A session of aiohttp. Opens nothing until the first request; must be made where the loop runs."""

    def __init__(
        self, guard: Guard, resolver: AbstractResolver, *, proxy: str | None, tls: ssl.SSLContext | None,
    ) -> None:
        # With a proxy every connection goes there, and nowhere else: its own address may well be private.
        self._guard = None if proxy else guard
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(resolver, self._guard), socket_factory=self._socket, ssl=tls or True, limit=0,
            ttl_dns_cache=_DNS_TTL,
            # A kept connection that the server closes in the same moment loses the request, and it is not sent again.
            force_close=True,
            # All addresses are tried once, a new one every quarter of a second or as soon as one fails. With less
            # than all as `interleave`, aiohttp begins again with the rest: a quadratic number of connections.
            interleave=MAX_ADDRESSES,
        )
        make: Any = partial(_Handler, loop=asyncio.get_running_loop())
        connector._factory = make  # noqa: SLF001 - no public way
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None), response_class=_Answer, proxy=proxy,
            max_line_size=MAX_HEADERS, max_field_size=MAX_HEADERS, max_headers=_MAX_HEADER_COUNT,
        )
        # Else aiohttp sends a GET again when the connection breaks: a poll would be two requests.
        self._session._retry_connection = False  # noqa: SLF001 - no public way

    async def send(
        self, url: URL, headers: Mapping[str, str], trail: Trail, form: Sequence[tuple[str, str]] = (),
    ) -> aiohttp.ClientResponse:
        """One GET, or a POST of a form, its headers read. The caller closes the response. Raises what aiohttp raises."""
        _TRAIL.set(trail)
        if form:
            return await self._session.post(url, headers=headers, allow_redirects=False, data=aiohttp.FormData(form))
        return await self._session.get(url, headers=headers, allow_redirects=False)

    def _socket(self, info: AddrInfoType) -> socket.socket:
        trail = _TRAIL.get(None)
        if trail is not None:
            trail.stage = "connect"
        family, kind, protocol, _, address = info
        if self._guard is not None:
            self._guard.check(str(address[0]))
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
