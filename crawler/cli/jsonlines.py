"""The input of `dedup` and `calibrate`: JSON lines, plain or compressed, read as a stream; a bad line is named and stops nothing."""

import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from crawler.errors import OperationError

if TYPE_CHECKING:
    from crawler.dedup import Document

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024


class BadLineError(Exception):
    """Why a line is no document; its text is the reason."""


@dataclass(slots=True)
class Lines:
    """The documents of one input. `bad` counts lines that were left out; each is told to `complain` when it is met."""

    name: str
    bad: int = 0
    bytes_read: int = 0
    _ids: set[str] = field(default_factory=set)

    def documents(self, complain: Callable[[str], None]) -> "Iterator[Document]":
        """Every good line in order. Raises OperationError where the input cannot be read to its end."""
        return (document for document, _ in self._good(complain, None))

    def marked(self, complain: Callable[[str], None], name: str) -> "Iterator[tuple[Document, str]]":
        """The same with the text of one more field, which a good line then needs."""
        return self._good(complain, name)

    def _good(self, complain: Callable[[str], None], name: str | None) -> "Iterator[tuple[Document, str]]":
        with _opened(self.name) as file:
            for number, raw in enumerate(self._lines(file), 1):
                if not raw.strip():
                    continue
                try:
                    yield self._document(raw, name)
                except BadLineError as error:
                    self.bad += 1
                    complain(f"{self.name}:{number}: left out: {error}")

    def _lines(self, file: Iterable[bytes]) -> Iterator[bytes]:
        first = True
        for raw in _read(self.name, file):
            self.bytes_read += len(raw)
            yield raw.removeprefix(_BOM) if first else raw
            first = False

    def _document(self, raw: bytes, name: str | None) -> "tuple[Document, str]":
        row = _object(raw)
        document = _checked(row)
        mark = _required(row, name) if name else ""
        if name and not mark:
            raise BadLineError(f"{name}: is empty")
        if document.id in self._ids:
            raise BadLineError(f"id {document.id!r} stands on an earlier line")
        self._ids.add(document.id)
        return document, mark


def _read(name: str, lines: Iterable[bytes]) -> Iterator[bytes]:
    import zstandard

    try:
        yield from lines
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise OperationError(f"{name}: the compressed data are damaged or cut off: {error}") from error
    except OSError as error:
        raise OperationError(f"{name}: cannot be read: {error.strerror or error}") from error


@contextmanager
def _opened(name: str) -> Iterator[Iterable[bytes]]:
    """The lines of an input, decompressed as the ending of its name says."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise OperationError(f"{name}: cannot be read: {error.strerror or error}") from error
        yield _decompressed(file, Path(name).suffix)


def _decompressed(file: IO[bytes], suffix: str) -> Iterable[bytes]:
    if suffix == ".gz":
        import gzip

        return gzip.GzipFile(fileobj=file, mode="rb")
    return _zstd_lines(file) if suffix in (".zst", ".zstd") else file


def _zstd_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines of zstd frames. The library's own stream ends without a word where a frame is cut off."""
    left = b""
    for piece in _zstd_pieces(file):
        *whole, left = (left + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if left:
        yield left


def _zstd_pieces(file: IO[bytes]) -> Iterator[bytes]:
    import zstandard

    frame = None
    while chunk := file.read(_CHUNK):
        while chunk:
            frame = frame if frame is not None and not frame.eof else zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(chunk)
            chunk = frame.unused_data if frame.eof else b""
    if frame is not None and not frame.eof:
        raise EOFError("a frame has no end")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        row = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLineError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise BadLineError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BadLineError(f"no JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise BadLineError(f"no JSON: {error}") from None
    if not isinstance(row, dict):
        raise BadLineError(f"expected an object, found {_name(row)}")
    return row


def _checked(row: dict[str, Any]) -> "Document":
    from crawler.dedup import Document

    id_, text = _required(row, "id"), _required(row, "text")
    if not id_:
        raise BadLineError("id: is empty")
    seen, after = _moment(row, "first_seen"), _moment(row, "appeared_after")
    if seen and after and datetime.fromisoformat(after.upper()) > datetime.fromisoformat(seen.upper()):
        raise BadLineError("appeared_after is later than first_seen")
    return Document(
        id_, text, _text(row, "url") or "", _text(row, "source") or "", _text(row, "title") or "",
        _time(row, "published"), seen, _text(row, "language") or None, after)


def _required(row: dict[str, Any], name: str) -> str:
    if name not in row:
        raise BadLineError(f"no {name}")
    value = row[name]
    if not isinstance(value, str):
        raise BadLineError(f"{name}: expected a text, found {_name(value)}")
    return value


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise BadLineError(f"{name}: expected a text, found {_name(value)}")
    return value


def _time(row: dict[str, Any], name: str) -> str | None:
    value = _text(row, name)
    if not value:
        return None
    hit = _RFC3339.fullmatch(value)
    if hit is None:
        raise BadLineError(f"{name}: {value[:60]!r} is no RFC 3339 time such as 2026-03-01T06:00:00Z")
    day, clock, _, zone = hit.groups()
    clock = clock[:-2] + "59" if clock.endswith(":60") else clock   # a leap second is a time
    try:
        datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
    except ValueError as error:
        raise BadLineError(f"{name}: {value[:60]!r}: {error}") from None
    return value


def _moment(row: dict[str, Any], name: str) -> str | None:
    """A time of observation: the matcher has to understand it as well, whereas a claim may be nonsense."""
    from crawler.core import dates
    from crawler.core.types import Origin

    value = _time(row, name)
    if value and dates.parse(value, origin=Origin.INPUT).at is None:
        raise BadLineError(f"{name}: {value[:60]!r} is no moment of the years 1995 to 2100 in a zone within 14 hours of UTC")
    return value


def _name(value: Any) -> str:
    """A JSON value's kind in words."""
    names = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object")
