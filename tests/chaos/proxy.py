"""What lies between a worker and the database: a TCP proxy that breaks off connections, or lets nothing through.

Each worker has one of its own, so that it alone can be cut off. While it is, the bytes of both sides wait in the kernel:
neither side learns anything of the other, not even that it has ended, as where a cable is pulled.
"""

import asyncio
import random
import socket
import struct
from typing import Self, cast

_NO_LINGER = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on a port of loopback; `port` is known inside the block."""

    def __init__(self, target: str) -> None:
        self.port = 0
        self.cut = False
        self._target = target
        self._ends: set[_End] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._server.close()
        self.heal()
        self.reset()

    def cut_off(self) -> None:
        """Let nothing through."""
        self.cut = True
        for end in self._ends:
            end.rest()

    def give_up(self) -> None:
        """The worker's machine takes its connections for lost; the server hears nothing of it."""
        for end in list(self._ends):
            if isinstance(end, _Client):
                end.abort()

    def heal(self) -> None:
        """Let everything through, also what has waited."""
        self.cut = False
        for end in self._ends:
            end.rest()

    def reset(self, share: float = 1.0, chance: random.Random | None = None) -> int:
        """Reset connections, on both sides; returns how many."""
        clients = [end for end in list(self._ends) if isinstance(end, _Client)]
        chosen = [end for end in clients if chance is None or chance.random() < share]
        for end in chosen:
            end.reset()
        return len(chosen)

    async def dial(self) -> "_End":
        """The other end of a connection, at the database. Raises OSError."""
        loop = asyncio.get_running_loop()
        _, end = await loop.create_unix_connection(lambda: _End(self), self._target)
        return end

    def joined(self, end: "_End") -> None:
        """One more end."""
        self._ends.add(end)

    def left(self, end: "_End") -> None:
        """One less."""
        self._ends.discard(end)


class _End(asyncio.Protocol):
    """One end of a connection; what it reads goes out at the other."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self.full = False       # the other end takes no more for now
        self._resting = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.proxy.joined(self)
        self.rest()

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        self._hold_up(full=True)

    def resume_writing(self) -> None:
        self._hold_up(full=False)

    def connection_lost(self, _error: Exception | None) -> None:
        self.proxy.left(self)
        self._ended = True
        if not self.proxy.cut:
            self._pass_on_end()

    def _pass_on_end(self) -> None:
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.close()

    def _hold_up(self, *, full: bool) -> None:
        if self.other is not None:
            self.other.full = full
            self.other.rest()

    def rest(self) -> None:
        """Read, or do not."""
        wanted = self.proxy.cut or self.full or self.other is None
        if self.other is not None and self.other._ended and not self.proxy.cut:
            self.other._pass_on_end()   # it ended while nothing came through
        if self.transport is None or self.transport.is_closing() or wanted == self._resting:
            return
        self._resting = wanted
        if wanted:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def reset(self) -> None:
        """End both, the worker's by RST."""
        self.abort()
        if self.other is not None:
            self.other.abort()

    def abort(self) -> None:
        """End this one, by RST where it is the worker's."""
        if self.transport is None or self.transport.is_closing():
            return
        raw = self.transport.get_extra_info("socket")
        if raw.family == socket.AF_INET:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


class _Client(_End):
    """The worker's end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.ensure_future(self._dial())

    async def _dial(self) -> None:
        while self.proxy.cut:
            await asyncio.sleep(0.05)
        try:
            self.other = await self.proxy.dial()
        except OSError:     # the server is down
            self.reset()
            return
        self.other.other = self
        if self.transport is None or self.transport.is_closing():
            self.other.reset()
            return
        self.rest()
        self.other.rest()
