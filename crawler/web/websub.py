"""Where hubs reach us (WebSub, 5.3, 7 and 8). Open to the whole world: no token of ours, no cookie, no session.

What protects it is that the path ends with 256 random bits which only one hub was told, that a document counts only with
that subscription's signature, and that each answer is cheap: one look-up by digest, a body that is refused by its stated
length before it is read, and read up to a bound that all of them share. Nothing of a request comes back but the challenge,
as text, and that only where the hub asks about what it was asked.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from aiohttp import web

from crawler import metrics
from crawler.core import feeds, signatures, urls
from crawler.errors import StoreError
from crawler.log import event
from crawler.ports import Clock, HubSaid, Store, Subscription

SECONDS = 20.0              # for the whole of a document
_BODIES = 4                 # of the greatest length, that may be in memory at once
_PATH = re.compile(r"[A-Za-z0-9_-]{43}")
_CHALLENGE = 1024           # characters that are sent back; hubs use 20 to 100
_LEASE = re.compile(r"[0-9]{1,12}")
_UNSTATED = timedelta(days=1)   # the lease of a hub that names none, as those from before the specification
_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
_SMALL = 64 * 1024          # bytes whose signature is made in no time; more is done off the event loop

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Callback:
    """What the routes need. `limit` is the greatest document in bytes (`crawl.max_bytes.feed`); `stored` is called when
    one waits to be read."""

    store: Store
    clock: Clock
    limit: int
    stored: Callable[[], None] = lambda: None
    seconds: float = SECONDS
    held: int = 0                                       # bytes in memory now
    busy: set[str] = field(default_factory=set)         # callbacks that are sending now


def routes(deps: Callback) -> list[web.RouteDef]:
    """GET and POST /websub/PATH. To be mounted without anything that asks who is there."""
    async def verify(request: web.Request) -> web.Response:
        return await _guarded(_verify(deps, request))

    async def receive(request: web.Request) -> web.Response:
        return await _guarded(_receive(deps, request))

    # No HEAD: it would confirm a subscription without the challenge.
    return [web.get("/websub/{path}", verify, allow_head=False), web.post("/websub/{path}", receive)]


async def _guarded(work: Awaitable[web.Response]) -> web.Response:
    """A database that is out of reach is no reason for a hub to give up."""
    try:
        return await work
    except StoreError as error:
        event(_log, "store-failed", logging.ERROR, queue="websub", error=error)
        return _refused(503, "store")


# --- verification of intent -------------------------------------------------------------------------------------------


async def _verify(deps: Callback, request: web.Request) -> web.Response:
    """A hub asks whether we did ask. 404 says no, whatever the reason (5.3.1)."""
    path, said = request.match_info["path"], _said(request)
    challenge = _one(request, "hub.challenge") or ""
    sound = said is not None and (said.mode == "denied" or 0 < len(challenge) <= _CHALLENGE)
    if said is None or not sound or not _PATH.fullmatch(path) or not await deps.store.hear_hub(path, said, deps.clock()):
        _count_answer("unasked")
        return _answer(404)
    _count_answer(said.mode)
    level = logging.WARNING if said.mode == "denied" else logging.INFO
    event(_log, f"hub-{said.mode}", level, topic=said.topic, lease=said.lease or None, reason=said.reason or None)
    return _answer(200, "" if said.mode == "denied" else challenge)


def _said(request: web.Request) -> HubSaid | None:
    topic, lease = _one(request, "hub.topic"), _one(request, "hub.lease_seconds")
    match _one(request, "hub.mode"):
        case "subscribe" if topic and lease is None:
            return HubSaid("subscribe", topic, _UNSTATED)
        case "subscribe" if topic and lease and _LEASE.fullmatch(lease) and int(lease):
            # A century, as a hub may have it: what is believed of it is the store's to bound.
            return HubSaid("subscribe", topic, timedelta(seconds=min(int(lease), 10**8)))
        case "unsubscribe" if topic:
            return HubSaid("unsubscribe", topic)
        case "denied" if topic:
            return HubSaid("denied", topic, reason=_one(request, "hub.reason") or "")
    return None


def _one(request: web.Request, name: str) -> str | None:
    """A parameter that is given once: of two, a cache in between and we might read another one."""
    given = request.query.getall(name, [])
    return given[0] if len(given) == 1 else None


# --- content distribution ---------------------------------------------------------------------------------------------


async def _receive(deps: Callback, request: web.Request) -> web.Response:
    """A hub brings a document. It is kept, and read later: a hub that must wait gives up."""
    path = request.match_info["path"]
    found = await deps.store.subscription(path) if _PATH.fullmatch(path) else None
    if found is None or found.mode != "subscribe" or found.since is None:
        return _refused(410, "unknown")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return _refused(415, "encoded")     # nobody asked for that, and it may unpack to anything
    if (request.content_length or 0) > deps.limit:
        return _refused(413, "too_large")
    if path in deps.busy:
        return _refused(503, "busy")
    deps.busy.add(path)
    try:
        async with _Body(deps) as body:
            refused = await body.read(request)
            return refused or await _keep(deps, request, found, b"".join(body.pieces))
    finally:
        deps.busy.discard(path)


@dataclass(slots=True)
class _Body:
    """A document on its way in, counted for as long as it is in memory."""

    deps: Callback
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.deps.held -= self.size

    async def read(self, request: web.Request) -> web.Response | None:
        """The whole of it, within time and bounds; else what is answered instead."""
        try:
            async with asyncio.timeout(self.deps.seconds):
                async for piece in request.content.iter_any():
                    refused = self._take(piece)
                    if refused is not None:
                        return refused
        except TimeoutError:
            return _refused(408, "slow")
        except (web.RequestPayloadError, ConnectionError):
            return _refused(400, "broken")
        return None

    def _take(self, piece: bytes) -> web.Response | None:
        self.size += len(piece)
        self.deps.held += len(piece)
        self.pieces.append(piece)
        if self.size > self.deps.limit:
            return _refused(413, "too_large")
        return _refused(503, "busy") if self.deps.held > _BODIES * self.deps.limit else None


async def _keep(deps: Callback, request: web.Request, found: Subscription, body: bytes) -> web.Response:
    """What is not the hub's own is answered like what is (WebSub, 8), and thrown away: who guesses learns nothing."""
    stated = request.headers.get("X-Hub-Signature")
    if stated is None or not await _is_signed(stated, found.secret, body):
        return _ignored(found, "unsigned" if stated is None else "forged")
    headers = [(name.lower(), value) for name, value in request.headers.items()]
    if not _is_about(found.topic, feeds.named(headers, found.topic, "self")):
        return _ignored(found, "foreign")
    kept = await deps.store.put_push(found.path, body, request.headers.get("Content-Type"), deps.clock())
    if kept == "unknown":       # left while it came
        return _refused(410, "unknown")
    if kept == "full":
        return _refused(503, "full")
    _count_push(kept)
    deps.stored()
    return _answer(202)


async def _is_signed(stated: str, secret: str, body: bytes) -> bool:
    if len(body) <= _SMALL:
        return signatures.is_of_hub(stated, secret, body)
    return await asyncio.to_thread(signatures.is_of_hub, stated, secret, body)


def _is_about(topic: str, stated: str | None) -> bool:
    """A hub that does not say is believed: the path and the secret are this topic's alone."""
    return stated is None or urls.fetchable(stated) == urls.fetchable(topic)


def _ignored(found: Subscription, outcome: str) -> web.Response:
    _count_push(outcome)
    event(_log, "push-ignored", logging.WARNING, reason=outcome, hub=found.hub, topic=found.topic)
    return _answer(202)


def _refused(status: int, outcome: str) -> web.Response:
    """Without reading on: the connection ends with it."""
    _count_push(outcome)
    answer = _answer(status)
    answer.force_close()
    if status == 503:
        answer.headers["Retry-After"] = "60"
    return answer


def _answer(status: int, said: str = "") -> web.Response:
    return web.Response(status=status, text=said, content_type="text/plain", charset="utf-8", headers=_HEADERS)


def _count_answer(outcome: str) -> None:
    metrics.count("firsthand_websub_verifications_total", "Questions of hubs by what was answered", outcome=outcome)


def _count_push(outcome: str) -> None:
    metrics.count("firsthand_websub_pushes_total", "Documents that hubs distributed, by what became of them", outcome=outcome)
