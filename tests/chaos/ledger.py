"""The ledger: a seeded news room on many loopback addresses, which notes each request and spoils one answer of three.

Every host of the room has an address of its own in 127.0.1.0/24, all with one port. What must never be connected to
(`canaries`) listens beside them, on addresses that are private even where 127.0.1.0/24 is taken for the Internet.
"""

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from mishaps import Mishaps, Resource, Sending
from newsroom import Newsroom

from crawler.newsworld.origin import answer

INTERNET = "127.0.1.0/24"
PRIVATE = ("127.0.0.1", "127.0.2.1", "127.9.9.9")
REBINDING = "rebinding.example"     # a name that leads to a private address
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Pace:
    """A clock of which any process with the same figures reads the same time: `rate` seconds of the world a second."""

    start: datetime
    rate: float
    base: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """The present of the world."""
        return self.start + timedelta(seconds=(time.monotonic() - self.base) * self.rate)

    def skip(self, by: timedelta) -> None:
        """Nothing happens for so long: the machine was off."""
        self.start += by


@dataclass(frozen=True, slots=True)
class Steps:
    """A clock that stands until somebody writes another time into its file."""

    file: Path

    def now(self) -> datetime:
        """The present of the world."""
        return datetime.fromisoformat(self.file.read_text())


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `mono` as time.monotonic() has it; `mishap` is empty where the answer was good; `by` is the start of
    a worker that asked, as its address of mail says."""

    at: datetime
    mono: float
    host: str
    path: str
    resource: Resource
    status: int
    mishap: str
    retry_after: int | None
    conditional: bool
    by: str = ""


@dataclass(slots=True)
class Ledger:
    """The server and what it has noted. `latency`: seconds that each answer takes."""

    room: Newsroom
    pace: Pace | Steps
    mishaps: Mishaps
    latency: float = 0.0
    calm: bool = False
    forced: str = ""        # what happens to every feed for now
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)            # connections to a canary
    at_once: Counter[str] = field(default_factory=Counter)      # most requests of a host that were open together
    _open: Counter[str] = field(default_factory=Counter)
    _number: Counter[str] = field(default_factory=Counter)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each host is found."""
        return {host: f"127.0.1.{number}" for number, host in enumerate(self.room.hosts, 1)} | {REBINDING: PRIVATE[1]}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request, one answer."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            host, path = headers.get("host", "").partition(":")[0], head[0].split(" ")[1]
            self._open[host] += 1
            self.at_once[host] = max(self.at_once[host], self._open[host])
            try:
                sending = self._answer(host, path, headers)
                if self.latency:
                    await asyncio.sleep(self.latency)
                await _begin(writer, sending)
            finally:
                self._open[host] -= 1   # before the last byte, so that a quick next request is never counted beside this
            await _end(reader, writer, sending)
        writer.close()

    def _answer(self, host: str, path: str, headers: dict[str, str]) -> Sending:
        self.room.set(max(self.room.now, self.pace.now()))
        plain = path.partition("?")[0]
        found = answer(self.room, host, plain, headers)
        sending = Sending(404, {}, b"") if found is None else Sending(found.status, dict(found.headers), found.body)
        if sending.status == 304:
            sending = replace(sending, promised=-1)
        resource: Resource = "robots" if plain == "/robots.txt" else "feed" if plain in ("/feed", "/all.xml") else "page"
        conditional = "if-none-match" in headers or "if-modified-since" in headers
        mishap = self._mishap(resource, host, plain, conditional)
        if mishap:
            sending = self.mishaps.spoil(mishap, sending, f"{host}{plain} {self._number[host + plain]}")
        self.asked.append(Asked(self.room.now, time.monotonic(), host, plain, resource, sending.status, mishap,
                                sending.retry_after, conditional, headers.get("from", "").partition("@")[0]))
        dated = {"Date": format_datetime(self.room.now, usegmt=True), **sending.headers}
        return replace(sending, headers=dated)

    def _mishap(self, resource: Resource, host: str, path: str, conditional: bool) -> str:
        if self.calm:
            return ""
        if self.forced and resource == "feed":
            return self.forced
        number = self._number[host + path]
        self._number[host + path] += 1
        return self.mishaps.of(resource, host, path, number, conditional=conditional)


async def _begin(writer: asyncio.StreamWriter, sending: Sending) -> None:
    """What comes before the pause, or before the last byte of the body."""
    if not sending.silent:
        whole = len(sending.body)
        writer.write(sending.head() + sending.body[:whole // 2 if sending.pause else max(whole - 1, 0)])
        await writer.drain()


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sending: Sending) -> None:
    if sending.pause:
        with suppress(TimeoutError):
            async with asyncio.timeout(sending.pause):
                await reader.read()     # until the other side has had enough
                return
    if not sending.silent:
        whole = len(sending.body)
        writer.write(sending.body[whole // 2 if sending.pause else max(whole - 1, 0):])
        await writer.drain()
    if sending.reset:
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        writer.transport.abort()


@asynccontextmanager
async def opened(
    room: Newsroom, pace: Pace | Steps, seed: str, share: int, *, latency: float = 0.0,
) -> AsyncIterator[Ledger]:
    """Serve a news room; one answer of `share` is spoiled."""
    async with AsyncExitStack() as stack:
        canary = await _canary(stack)
        ledger = Ledger(room, pace, Mishaps(seed, canary.addresses, share), latency)
        canary.reached = ledger.reached
        ledger.port = await _listen(stack, [ledger.addresses[host] for host in room.hosts], ledger.serve)
        yield ledger


@dataclass(slots=True)
class _Canary:
    port: int = 0
    reached: list[str] = field(default_factory=list)

    async def sing(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Somebody has connected, which nobody may."""
        self.reached.append(str(writer.get_extra_info("sockname")))
        writer.close()

    @property
    def addresses(self) -> list[str]:
        """URLs that lead here, in the notations that a guard may overlook."""
        port = self.port
        return [f"http://127.0.0.1:{port}/", f"http://127.1:{port}/", f"http://2130706433:{port}/x", f"http://0x7f.1:{port}/",
                f"http://127.0.2.1:{port}/feed", f"http://127.9.9.9:{port}/", f"http://[::ffff:127.0.0.1]:{port}/",
                f"http://0.0.0.0:{port}/", f"http://{REBINDING}:{port}/"]


async def _canary(stack: AsyncExitStack) -> _Canary:
    canary = _Canary()
    canary.port = await _listen(stack, PRIVATE, canary.sing)
    return canary


async def _listen(stack: AsyncExitStack, addresses: Sequence[str], serve: Serve) -> int:
    """One port on all of the addresses; the kernel chooses it for the first, and again where another has it taken."""
    for _ in range(20):
        servers, port = [], 0
        try:
            for address in addresses:
                servers.append(await asyncio.start_server(serve, address, port))
                port = servers[0].sockets[0].getsockname()[1]
        except OSError:
            for server in servers:
                server.close()
            continue
        for server in servers:
            stack.callback(server.close)
        return port
    raise OSError("no port is free on all addresses")
