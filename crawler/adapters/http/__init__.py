"""HTTP for strangers' servers: one request and its redirects, polite, bounded, never trusting (`ports.Fetcher`).

    target.py   what a URL asks for              guard.py    which addresses may be reached
    pacing.py   whose turn it is                 lookup.py   names, without one holding up another
    wire.py     aiohttp's door                   decode.py   the body, under a cap
    faults.py   what went wrong, in one word of the closed list
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from crawler import meters
from crawler.adapters.http import faults
from crawler.adapters.http.decode import ACCEPTED, Body, BodyError
from crawler.adapters.http.guard import Guard, is_inside, literal
from crawler.adapters.http.lookup import SystemResolver
from crawler.adapters.http.pacing import Pacer
from crawler.adapters.http.target import BadUrlError, Target, basic, follow, parse
from crawler.adapters.http.wire import TooManyHeadersError, Trail, Wire
from crawler.errors import Reason, StoreError
from crawler.ports import Clock, Failed, Fetched, Outcome, Refused, Request, Turns, Unchanged
from crawler.settings import Crawl

__all__ = ["HttpFetcher"]

MAX_HOPS: Final = 8              # redirects; browsers allow 20, no working feed was seen to need 5
_STEP: Final = 16 * 1024         # bytes unpacked before others have a turn: at a ratio of 100 these are 1.6 MB, some 5 ms
ROBOTS_BYTES: Final = 512 * 1024  # RFC 9309 asks for 500 KiB at least; the rest is not read
_ACCEPT: Final = {
    "feed": "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
            "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    "page": "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.5",
    "robots": "text/plain, */*;q=0.5",
    "hub": "*/*",
}
HUB_BYTES: Final = 1024          # of what a hub says where it agrees; nobody reads it
_CUT: Final = frozenset({"robots", "hub"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REPEATED: Final = frozenset({307, 308})    # by which a POST stays one
_PERMANENT: Final = frozenset({301, 308})
_UNSENDABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_FOREIGN_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
# The connection's own; a person's `headers` cannot speak for it.
_RESERVED: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "te",
                              "upgrade", "proxy-authorization"})

Headers = tuple[tuple[str, str], ...]


class _FaultError(Exception):
    """Ends a chain of hops without an answer."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class _Chain:
    """One `get` on its way through redirects. `left` is the network time in seconds that it may still use."""

    request: Request
    target: Target
    left: float
    hops: int = 0
    permanent: bool = True
    own: bool = True                       # still on the first origin: credentials and own headers are sent
    seen: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one hop brought; `body` only for 2xx."""

    status: int
    headers: Headers
    private: bool
    location: str = ""
    body: bytes = b""


class HttpFetcher:
    """`ports.Fetcher` over aiohttp. Make it, and use it, inside one event loop.

    `resolver` replaces the system's name lookups, `tls` the system's certificates; both are checked like their defaults.
    `turns` are those of all who ask the same hosts; without, this fetcher is alone.
    """

    def __init__(
        self, crawl: Crawl, user_agent: str, clock: Clock, *, from_address: str | None = None,
        resolver: AbstractResolver | None = None, tls: ssl.SSLContext | None = None, turns: Turns | None = None,
    ) -> None:
        self._crawl = crawl
        self._clock = clock
        self._guard = Guard(crawl.private_networks)
        self._pacer = Pacer(crawl.concurrency, crawl.per_host.concurrency, crawl.per_host.delay.total_seconds())
        self._turns = turns
        self._limits = {"feed": crawl.max_bytes.feed, "page": crawl.max_bytes.page, "robots": ROBOTS_BYTES,
                        "hub": HUB_BYTES}
        self._standing = {"User-Agent": user_agent, "Accept-Encoding": ACCEPTED}
        if from_address:
            self._standing["From"] = from_address
        self._wire = Wire(self._guard, resolver or SystemResolver(), proxy=crawl.proxy, tls=tls)

    async def get(self, request: Request) -> Outcome:
        """Fetch one document. Every failure is a value, but that of a store in which turns are kept, see `ports.Fetcher`."""
        began, most, taken = perf_counter(), self._crawl.timeout.total_seconds(), 0.0
        try:
            chain = _Chain(request, parse(request.url), most)
        except BadUrlError as error:
            outcome: Outcome = self._failed(Reason.PROTOCOL, str(error))
        else:
            outcome = await self._outcome_of(chain)
            taken = min(most, most - chain.left)
        _count(request.kind, outcome, taken, perf_counter() - began)
        return outcome

    async def _outcome_of(self, chain: _Chain) -> Outcome:
        try:
            return await self._follow(chain)
        except (_FaultError, BodyError) as fault:
            return self._failed(fault.reason, fault.detail)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a poll never dies of what a stranger sent
            return self._failed(Reason.NETWORK, f"{type(error).__name__}: {error}")

    def set_delay(self, host: str, delay: timedelta) -> None:
        """The delay between starts at `host` (with its port where that is not the usual one); see `ports.Fetcher`."""
        self._pacer.set_delay(host.lower(), delay.total_seconds())

    async def close(self) -> None:
        """Close every connection."""
        self._pacer.close()
        await self._wire.close()

    async def _follow(self, chain: _Chain) -> Outcome:
        while True:
            chain.seen.add(str(chain.target.url))
            answer = await self._paced_hop(chain)
            if answer.status not in _REDIRECTS:
                return self._outcome(chain, answer)
            self._redirect(chain, answer)

    def _redirect(self, chain: _Chain, answer: _Answer) -> None:
        if not answer.location.strip():
            raise _FaultError(Reason.REDIRECT, f"HTTP {answer.status} without a Location")
        if chain.request.form and answer.status not in _REPEATED:
            raise _FaultError(Reason.REDIRECT, f"HTTP {answer.status} does not say where to send it again")
        try:
            target = follow(chain.target, answer.location)
        except BadUrlError as error:
            raise _FaultError(Reason.REDIRECT, f"redirect to nowhere: {error}") from None
        chain.hops += 1
        if chain.hops > MAX_HOPS or str(target.url) in chain.seen:
            raise _FaultError(Reason.REDIRECTS, f"{chain.hops} redirects and no end")
        chain.permanent = chain.permanent and answer.status in _PERMANENT
        # Never regained: who comes back by way of a stranger is sent by the stranger.
        chain.own = chain.own and target.origin == chain.target.origin
        chain.target = Target(target.url, chain.target.auth if chain.own else None)

    async def _paced_hop(self, chain: _Chain) -> _Answer:
        self._refuse_private(chain.target)
        if chain.left <= 0:
            raise _FaultError(Reason.TIMEOUT, "the redirects took all the time there was")
        async with self._pacer.turn(chain.target.host, ahead=chain.hops > 0), self._shared_turn(chain.target.host):
            loop = asyncio.get_running_loop()
            start, trail = loop.time(), Trail()
            try:
                async with asyncio.timeout(chain.left):
                    return await self._hop(chain, trail)
            except TimeoutError:
                raise _FaultError(*faults.of_timeout(trail)) from None
            except (aiohttp.ClientError, OSError, TooManyHeadersError) as error:
                raise _FaultError(*faults.of_error(error, trail)) from None
            finally:
                chain.left -= loop.time() - start

    @asynccontextmanager
    async def _shared_turn(self, host: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            if self._turns is not None:
                with self._pacer.lending():     # for as long as all the others' starts at a slow host take
                    await held.enter_async_context(self._turns.turn(host, timedelta(seconds=self._pacer.delay(host))))
            yield

    async def _hop(self, chain: _Chain, trail: Trail) -> _Answer:
        response = await self._wire.send(chain.target.url, self._headers(chain), trail, chain.request.form)
        try:
            headers = _headers_of(response)
            private = self._is_private(chain.target, trail)
            if not 200 <= response.status < 300:
                return _Answer(response.status, headers, private, response.headers.get("Location", ""))
            body = await self._body(chain.request, response, trail)
            return _Answer(response.status, headers, private, body=body)
        finally:
            response.close()

    async def _body(self, request: Request, response: aiohttp.ClientResponse, trail: Trail) -> bytes:
        _refuse_transfer(response.headers.getall("Transfer-Encoding", ()))
        encodings = response.headers.getall("Content-Encoding", ())
        body = Body(encodings, self._limits[request.kind], cut=request.kind in _CUT)
        async for piece in response.content.iter_any():
            for start in range(0, len(piece), _STEP):
                body.feed(piece[start:start + _STEP])
                if body.full:
                    return body.finish()
                await asyncio.sleep(0)
        handler = trail.handler
        if handler is not None and (handler.fault is not None or handler.has_more):
            raise _FaultError(Reason.PROTOCOL, "bytes after the end of the answer")
        return body.finish()

    def _outcome(self, chain: _Chain, answer: _Answer) -> Outcome:
        now, final = self._clock(), str(chain.target.url)
        moved = final if chain.hops and chain.permanent else None
        if 200 <= answer.status < 300:
            return Fetched(chain.request.url, final, answer.status, answer.headers, answer.body, now, moved,
                           answer.private)
        if answer.status == 304:
            return Unchanged(answer.headers, now, moved)
        if 400 <= answer.status < 600:
            reason, detail = faults.of_status(answer.status, answer.headers)
            return Refused(reason, detail, answer.status, answer.headers, now, answer.private, final)
        if 300 <= answer.status < 400:
            return self._failed(Reason.REDIRECT, f"HTTP {answer.status} names no single address")
        return self._failed(Reason.PROTOCOL, f"HTTP status {answer.status}")

    def _failed(self, reason: Reason, detail: str) -> Failed:
        return Failed(reason, faults.one_line(detail), self._clock())

    def _refuse_private(self, target: Target) -> None:
        """Literals are refused before anything else is done: through a proxy, which looks names up itself, this is the
        only check there can be. There, names that are private by agreement are refused too, unless some network is
        listed: then a person does fetch from inside, and the name alone does not say from where."""
        host = target.url.raw_host or ""
        address = literal(host)
        if address is not None and not self._guard.allows(address):
            raise _FaultError(Reason.PRIVATE, f"{address} is not a public address")
        if self._crawl.proxy and not self._crawl.private_networks and is_inside(host):
            raise _FaultError(Reason.PRIVATE, f"{host} is not a public name")

    def _is_private(self, target: Target, trail: Trail) -> bool:
        peer = target.url.raw_host if self._crawl.proxy else trail.peer
        address = literal(peer or "")
        return address is not None and self._guard.listed(address)

    def _headers(self, chain: _Chain) -> dict[str, str]:
        request = chain.request
        headers = {**self._standing, "Accept": _ACCEPT[request.kind]}
        headers |= {name: value for name, value in (("If-None-Match", request.etag),
                                                    ("If-Modified-Since", request.last_modified))
                    if value and not _UNSENDABLE.search(value)}
        if chain.own:
            headers |= _own_headers(request)
            auth = request.auth or chain.target.auth
            if auth is not None:
                headers["Authorization"] = basic(auth)
        return headers


def _count(kind: str, outcome: Outcome, taken: float, whole: float) -> None:
    """Seconds on the network, and from the wish to the answer."""
    meters.REQUEST_SECONDS.observe(taken, kind=kind)
    meters.REQUEST_WAIT.observe(max(0.0, whole - taken), kind=kind)
    status = outcome.status if isinstance(outcome, Fetched | Refused) else 304 if isinstance(outcome, Unchanged) else None
    meters.REQUESTS.count(kind=kind, status=meters.status_class(status))
    if isinstance(outcome, Refused | Failed):
        meters.REQUEST_FAILURES.count(kind=kind, reason=outcome.reason)
    elif isinstance(outcome, Fetched):
        meters.RESPONSE_BYTES.count(len(outcome.body), kind=kind)


def _refuse_transfer(values: Iterable[str]) -> None:
    """What is sent was asked for without TE: it may come in chunks, once, and in no other coding (RFC 9112, 6.1). The
    HTTP library takes the others for no coding at all."""
    names = [name for value in values for part in value.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if names not in ([], ["chunked"]):
        raise _FaultError(Reason.PROTOCOL, "a transfer coding that was not asked for")


def _own_headers(request: Request) -> dict[str, str]:
    """What a person configured for this feed. Raises _FaultError, which names the header but not its value."""
    for name, value in request.headers:
        if _UNSENDABLE.search(name + value):
            raise _FaultError(Reason.PROTOCOL, f"the configured header {name!r} cannot be sent")
    return {name.title(): value for name, value in request.headers if name.lower() not in _RESERVED}


def _headers_of(response: aiohttp.ClientResponse) -> Headers:
    return tuple((_text(name).lower(), _text(value)) for name, value in response.raw_headers)


def _text(raw: bytes) -> str:
    """A header's bytes as text: UTF-8, else Latin-1 (RFC 9110, 5.5), without control characters."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return _FOREIGN_CONTROL.sub(" ", text).strip()
