"""What may go wrong with one answer out of three: which, when, and as which bytes. All of it follows from the seed."""

import gzip
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Resource = Literal["feed", "page", "robots"]

STALL = 60.0        # seconds that nobody waits for
RETRY_AFTER = (600, 900, 1800)   # seconds of the world


@dataclass(frozen=True, slots=True)
class Sending:
    """An answer as it is put on the wire: status, headers, the bytes of the body, and how the connection ends."""

    status: int
    headers: dict[str, str]
    body: bytes
    promised: int | None = None     # Content-Length; None: as long as the body is, -1: no such header
    pause: float = 0.0              # seconds in the middle of the body
    reset: bool = False             # the connection is reset where it would be closed
    silent: bool = False            # nothing is sent at all
    retry_after: int | None = None  # seconds that the answer asks to wait

    def head(self) -> bytes:
        """Status line and headers."""
        promised = len(self.body) if self.promised is None else self.promised
        lines = [f"HTTP/1.1 {self.status} Any", *(f"{name}: {value}" for name, value in self.headers.items()),
                 *([f"Content-Length: {promised}"] if promised >= 0 else []), "Connection: close"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Mishaps:
    """The plan of one run."""

    seed: str
    canaries: Sequence[str]
    share: int = 3                  # one answer of so many; 0 for none

    def of(self, resource: Resource, host: str, path: str, number: int, *, conditional: bool) -> str:
        """The mishap of the `number`th answer to a path, "" for none. One of each three: never three in a row."""
        if not self.share:
            return ""
        chance = random.Random(f"{self.seed} {host} {path} {number // self.share}")
        if number % self.share != chance.randrange(self.share):
            return ""
        chosen = chance.choice(KINDS[resource])
        # A 304 is asked for by a conditional request: there it would be a lie, and no breach of HTTP.
        return "empty" if chosen == "unasked-304" and conditional else chosen

    def spoil(self, name: str, sending: Sending, key: str) -> Sending:
        """The answer as the mishap leaves it; `key` tells one answer from the others."""
        return SPOILERS[name](sending, random.Random(f"{self.seed} {key} {name}"), self)


Spoiler = Callable[[Sending, random.Random, Mishaps], Sending]


def _error(status: int, *, waits: bool = False) -> Spoiler:
    def spoil(_sending: Sending, chance: random.Random, _mishaps: Mishaps) -> Sending:
        wait = chance.choice(RETRY_AFTER) if waits else None
        headers = {"Content-Type": "text/plain"} | ({"Retry-After": str(wait)} if wait else {})
        return Sending(status, headers, b"unwell\n", retry_after=wait)
    return spoil


def _cut_gzip(sending: Sending, _chance: random.Random, _mishaps: Mishaps) -> Sending:
    packed = gzip.compress(sending.body, mtime=0)
    return replace(sending, headers={**sending.headers, "Content-Encoding": "gzip"}, body=packed[:len(packed) * 2 // 3])


def _cut_document(sending: Sending, chance: random.Random, _mishaps: Mishaps) -> Sending:
    """Ends in the middle of an entry's link, as by a server whose disk is full; whole as far as HTTP can tell."""
    starts = [at for at in range(len(sending.body)) if sending.body.startswith((b"/news/", b"/read/"), at)]
    cut = chance.choice(starts) + 8 if starts else len(sending.body) // 2
    return replace(sending, body=sending.body[:cut])


def _redirect(_sending: Sending, chance: random.Random, mishaps: Mishaps) -> Sending:
    return Sending(chance.choice((301, 302, 303, 307, 308)), {"Location": chance.choice(list(mishaps.canaries))}, b"")


def _slow(sending: Sending, chance: random.Random, _mishaps: Mishaps) -> Sending:
    return replace(sending, pause=chance.uniform(0.1, 0.4))


def _as(**changes: object) -> Spoiler:
    return lambda sending, _chance, _mishaps: replace(sending, **changes)  # type: ignore[arg-type]  # names of fields


SPOILERS: dict[str, Spoiler] = {
    "reset-before-headers": _as(silent=True, reset=True),
    "closed-before-headers": _as(silent=True),
    "reset-mid-body": lambda sending, _chance, _mishaps: replace(
        sending, body=sending.body[:len(sending.body) // 2], promised=len(sending.body), reset=True),
    "500": _error(500),
    "503-retry-after": _error(503, waits=True),
    "429-retry-after": _error(429, waits=True),
    "slow": _slow,
    "stalled": _as(pause=STALL),
    "cut-gzip": _cut_gzip,
    "cut-document": _cut_document,
    "promises-more": lambda sending, _chance, _mishaps: replace(sending, promised=len(sending.body) + 4000),
    "promises-less": lambda sending, _chance, _mishaps: replace(sending, promised=len(sending.body) // 2),
    "empty": _as(body=b""),
    "unasked-304": _as(status=304, body=b"", promised=-1),
    "private-redirect": _redirect,
    "html": lambda _sending, _chance, _mishaps: Sending(
        200, {"Content-Type": "text/html"}, b"<!doctype html><title>Back soon</title><p>Maintenance</p>"),
    "plain-called-gzip": lambda sending, _chance, _mishaps: replace(
        sending, headers={**sending.headers, "Content-Encoding": "gzip"}),
    "broken-header": lambda sending, _chance, _mishaps: replace(sending, headers={**sending.headers, "X-Bad\x00": "\x00"}),
}

# What is served whole and is not the article may be stored as one: nothing of the kind happens to a page. A robots.txt
# that is empty, or refused by a 4xx, allows everything.
_ANY = ("reset-before-headers", "closed-before-headers", "reset-mid-body", "500", "503-retry-after", "slow", "cut-gzip",
        "promises-more", "private-redirect", "plain-called-gzip", "broken-header", "stalled")
KINDS: dict[Resource, tuple[str, ...]] = {
    "feed": (*_ANY, "429-retry-after", "cut-document", "cut-document", "promises-less", "empty", "unasked-304", "html"),
    "page": (*_ANY, "429-retry-after", "unasked-304"),
    "robots": tuple(name for name in _ANY if name != "503-retry-after"),
}
