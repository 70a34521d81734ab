"""Pages as WARC/1.1 (ISO 28500:2017), each record gzipped by itself, so that any replay tool can read and seek.

A page is kept decompressed, so its record says so: `Content-Encoding`, `Transfer-Encoding` and `Content-Length` are kept
under `X-Archive-Orig-`, as other archivers do, and the length is that of the body that follows.
"""

import gzip
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus

from crawler.ports import StoredPage

_ENCODING = frozenset({"content-encoding", "transfer-encoding", "content-length"})
_BREAKS = re.compile(r"[\x00-\x1f\x7f]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def info(software: str, at: datetime, filename: str) -> bytes:
    """The `warcinfo` record that a file begins with."""
    fields = {"software": software, "format": "WARC File Format 1.1",
              "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
              "description": "Pages kept by a crawler of news feeds, decompressed as served"}
    block = "".join(f"{name}: {_line(value)}\r\n" for name, value in fields.items()).encode()
    return _record({"WARC-Type": "warcinfo", "WARC-Date": _date(at), "WARC-Filename": _line(filename),
                    "Content-Type": "application/warc-fields"}, block, f"{filename} {_date(at)}")


def response(page: StoredPage) -> bytes:
    """The `response` record of one page: status, headers, body, with the digests of the whole and of the body."""
    block = _http(page.status, page.headers, len(page.body)) + page.body
    return _record({
        "WARC-Type": "response", "WARC-Target-URI": target(page), "WARC-Date": _date(page.fetched),
        "WARC-Payload-Digest": f"sha256:{sha256(page.body).hexdigest()}",
        "Content-Type": "application/http;msgtype=response",
    }, block, f"{page.article} {page.url} {_date(page.fetched)} {page.sha256}")


def target(page: StoredPage) -> str:
    """The address of a page as its record names it."""
    return _line(page.url)


def _http(status: int, headers: Sequence[tuple[str, str]], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    for name, value in headers:
        if _NAME.fullmatch(name):
            kept = f"X-Archive-Orig-{name}" if name.lower() in _ENCODING else name
            lines.append(f"{kept}: {_line(value)}")
    lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _record(fields: Mapping[str, str], block: bytes, identity: str) -> bytes:
    """One record as a gzip member; the same content gives the same bytes, its id included."""
    id_ = uuid.uuid5(uuid.NAMESPACE_URL, f"{fields['WARC-Type']} {identity}")
    head = {**fields, "WARC-Record-ID": f"<urn:uuid:{id_}>",
            "WARC-Block-Digest": f"sha256:{sha256(block).hexdigest()}", "Content-Length": str(len(block))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return gzip.compress(b"WARC/1.1\r\n" + lines.encode() + b"\r\n" + block + b"\r\n\r\n", mtime=0)


def _date(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _line(text: str) -> str:
    """A value of one line: a header that a server broke must not break the record."""
    return _BREAKS.sub(" ", text).strip()


def records(pages: Sequence[StoredPage]) -> Iterator[bytes]:
    """The records of an article's pages. What came from a feed alone (status 0) was no response and has none."""
    return (response(page) for page in pages if page.status)


__all__ = ["info", "records", "response", "target"]
