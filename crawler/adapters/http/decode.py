"""Bodies: decompressed piece by piece under a cap, never more in memory than the cap and one piece.

The HTTP library's own decompression is off: it accepts a stream that was cut off, and knows no ratio.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

import brotli
import zstandard

from crawler.errors import Reason

ACCEPTED = "gzip, deflate, br, zstd"
"""What `Accept-Encoding` says: exactly what is decoded here."""

_PIECE = 64 * 1024
# The ratio is judged against what was read so far, so the input is read in small steps.
_SLICE = 4096
# Each costs some 10 us, and 20 bytes are enough for one. Files in blocks (bgzip) have 16 a MiB.
_MAX_MEMBERS = 1000
# A block of Zstandard is at least 4 bytes and at most 128 KiB: 64 bytes of input yield at most 2 MiB at once.
_ZSTD_SLICE = 64
_ZSTD_WINDOW = 8 * 1024**2        # RFC 9659: what a decoder for HTTP must support, and may insist on
# Real pages compress 3 to 20 times, padded ones up to 60; zeros 1,000 times (gzip) to 30,000 (zstd).
_BOMB_RATIO = 100
_BOMB_FROM = 1024**2


class BodyError(Exception):
    """A body that is of no use; `reason` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Decoder(Protocol):
    """One content coding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded pieces of bounded size. Raises BodyError(ENCODING)."""
        ...

    def finish(self) -> None:
        """The input has ended: raise BodyError(TRUNCATED) if the coded stream has not."""
        ...


class Body:
    """Collects one body, decoded. `limit` bytes; beyond that it fails, or is cut where `cut` is set."""

    def __init__(self, encodings: Iterable[str], limit: int, *, cut: bool = False) -> None:
        self._decoder = decoder_for(encodings)
        self._limit = limit
        self._cut = cut
        self._received = 0
        self._bytes = bytearray()

    @property
    def full(self) -> bool:
        """Whether the cap is reached and the rest is not wanted."""
        return self._cut and (len(self._bytes) >= self._limit or self._received >= self._limit)

    def feed(self, data: bytes) -> None:
        """Take what has arrived. Raises BodyError: TOO_LARGE, BOMB, ENCODING."""
        for start in range(0, len(data), _SLICE):
            self._take(data[start:start + _SLICE])
            if self.full:
                return

    def _take(self, data: bytes) -> None:
        if self._cut:   # not one byte more, or what comes out would hang on the pieces in which it arrived
            data = data[:self._limit - self._received]
        self._received += len(data)
        for piece in self._decoder.feed(data):
            self._bytes += piece
            self._check()
            if self.full:
                return
        self._check()

    def finish(self) -> bytes:
        """The whole body, once all has arrived or `full` is true. Raises BodyError(TRUNCATED)."""
        if not self.full and self._received:  # an empty answer has nothing to decode, whatever its label says
            self._decoder.finish()
        with memoryview(self._bytes) as view:
            return bytes(view[:self._limit])

    def _check(self) -> None:
        size = len(self._bytes)
        if size > _BOMB_FROM and size > _BOMB_RATIO * self._received:
            raise BodyError(Reason.BOMB, f"{self._received} bytes unpack to more than {size}")
        # The input counts as well: a stream can go on and yield nothing.
        if not self._cut and max(size, self._received) > self._limit:
            raise BodyError(Reason.TOO_LARGE, f"more than {self._limit} bytes")


def decoder_for(encodings: Iterable[str]) -> Decoder:
    """The decoder for the values of Content-Encoding. Raises BodyError(ENCODING) for unknown or several codings."""
    names = [name for value in encodings for part in value.split(",") if (name := part.strip().lower())]
    names = [name for name in names if name != "identity"]
    if not names:
        return _Plain()
    if len(names) > 1:  # nobody sends this but by mistake or malice: each layer multiplies the ratio
        raise BodyError(Reason.ENCODING, f"{len(names)} content codings at once")
    if names[0] not in _DECODERS:
        raise BodyError(Reason.ENCODING, f"unknown content coding {names[0][:40]!r}")
    return _DECODERS[names[0]]()


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


class _Gzip:
    """RFC 1952: one or more members, as `gzip` itself writes them when files are joined; zero bytes may follow."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._members = 1

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member.eof:
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._members += 1
                _check_members(self._members)
            yield from _inflate(self._member, data, "gzip")
            data = self._member.unused_data

    def finish(self) -> None:
        if not self._member.eof:
            raise BodyError(Reason.TRUNCATED, "the gzip stream is cut off")


def _check_members(count: int) -> None:
    if count > _MAX_MEMBERS:
        raise BodyError(Reason.BOMB, f"more than {_MAX_MEMBERS} compressed streams in one body")


class _Deflate:
    """RFC 9110 means the zlib format; a good part of the servers that say deflate send it raw."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return
            data, self._head = self._head, b""
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(data) else -zlib.MAX_WBITS)
        if self._stream.eof and data:
            raise BodyError(Reason.ENCODING, "bytes after the end of the deflate stream")
        yield from _inflate(self._stream, data, "deflate")
        if self._stream.unused_data:
            raise BodyError(Reason.ENCODING, "bytes after the end of the deflate stream")

    def finish(self) -> None:
        if self._stream is None or not self._stream.eof:
            raise BodyError(Reason.TRUNCATED, "the deflate stream is cut off")


def _is_zlib(data: bytes) -> bool:
    """RFC 1950: method 8, and the first two bytes a multiple of 31."""
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _inflate(stream: "zlib._Decompress", data: bytes, name: str) -> Iterator[bytes]:
    while True:
        try:
            piece = stream.decompress(data, _PIECE)
        except zlib.error as error:
            raise BodyError(Reason.ENCODING, f"not {name}: {error}") from None
        if piece:
            yield piece
        # zlib keeps the tail of the step before once the stream has ended: it is in `unused_data` by then, and asking on
        # would never end.
        if stream.eof:
            return
        data = stream.unconsumed_tail
        if not data and len(piece) < _PIECE:
            return


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = bool(data)
        while more:
            if self._stream.is_finished():
                if data:
                    raise BodyError(Reason.ENCODING, "bytes after the end of the brotli stream")
                return
            piece = self._step(data)
            data = b""
            # `can_accept_more_data` speaks of the input only: output can still be waiting behind a full piece.
            more = len(piece) >= _PIECE or not self._stream.can_accept_more_data()
            if piece:
                yield piece

    def _step(self, data: bytes) -> bytes:
        try:
            return bytes(self._stream.process(data, output_buffer_limit=_PIECE))
        except brotli.error:
            raise BodyError(Reason.ENCODING, "not brotli") from None

    def finish(self) -> None:
        if not self._stream.is_finished():
            raise BodyError(Reason.TRUNCATED, "the brotli stream is cut off")


class _Zstd:
    """RFC 8878, one or more frames; a window beyond 8 MiB is refused (RFC 9659)."""

    def __init__(self) -> None:
        self._frames = 0
        self._open()

    def _open(self) -> None:
        self._frames += 1
        _check_members(self._frames)
        self._frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SLICE):
            rest = data[start:start + _ZSTD_SLICE]
            while rest:
                if self._frame.eof:
                    self._open()
                piece, rest = self._step(rest)
                if piece:
                    yield piece

    def _step(self, data: bytes) -> tuple[bytes, bytes]:
        try:
            piece = self._frame.decompress(data)
        except zstandard.ZstdError as error:
            raise BodyError(Reason.ENCODING, f"not zstd: {error}") from None
        return piece, self._frame.unused_data if self._frame.eof else b""

    def finish(self) -> None:
        if not self._frame.eof:
            raise BodyError(Reason.TRUNCATED, "the zstd stream is cut off")


_DECODERS: dict[str, type[_Gzip] | type[_Deflate] | type[_Brotli] | type[_Zstd]] = {
    "gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate, "br": _Brotli, "zstd": _Zstd,
}
