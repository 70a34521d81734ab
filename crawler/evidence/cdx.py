"""The index of a web archive: CDXJ lines by SURT key, and the table of its compressed blocks that replay tools read first.

    com,example)/2026/ferry 20260302120000 {"url": …, "mime": …, "status": …, "digest": …, "length": …, "offset": …}

Replay tools find a page by bisecting for its key, so the lines are sorted by their bytes.
"""

import gzip
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

INDEX = "index.cdx.gz"
_LINES = 1024                             # of one block, as others write it
_WWW = re.compile(r"www\d*\.")


@dataclass(frozen=True, slots=True)
class Capture:
    """Where one response stands: bytes of the compressed archive."""

    url: str
    at: datetime
    mime: str
    status: int
    digest: str          # of the body, "sha256:" and hex
    record: str          # of the compressed record, likewise
    offset: int
    length: int


def lines(captures: Iterable[Capture], filename: str) -> list[str]:
    """The CDXJ lines of the captures that stand in the archive `filename`, sorted."""
    return sorted(_line(one, filename) for one in captures)


def _line(one: Capture, filename: str) -> str:
    told = {"url": one.url, "mime": one.mime, "status": str(one.status), "digest": one.digest,
            "length": str(one.length), "offset": str(one.offset), "filename": filename, "recordDigest": one.record}
    return f"{surt(one.url)} {one.at.astimezone(UTC):%Y%m%d%H%M%S} {json.dumps(told)}\n"


def surt(url: str) -> str:
    """The key of a URL: its host from the right, its path and its ordered query, in lower case, without `www.`."""
    parts = urlsplit(url.lower())
    host = _WWW.sub("", parts.hostname or "", count=1) if _WWW.match(parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port and parts.port != {"http": 80, "https": 443}.get(parts.scheme) else ""
    query = "?" + "&".join(sorted(parts.query.split("&"))) if parts.query else ""
    path = (parts.path or "/") + query
    return f"{','.join(reversed(host.split('.')))}{port}){path.replace(' ', '%20')}"


def blocks(index: Sequence[str]) -> tuple[bytes, bytes]:
    """The lines, compressed in blocks; and the table of these: the first key of each, its place and its hash."""
    packed, table = b"", [f"!meta 0 {json.dumps({'format': 'cdxj-gzip-1.0', 'filename': INDEX})}\n"]
    for at in range(0, len(index), _LINES):
        block = gzip.compress("".join(index[at:at + _LINES]).encode(), mtime=0)
        place = {"offset": len(packed), "length": len(block), "digest": f"sha256:{sha256(block).hexdigest()}"}
        table.append(f"{index[at].partition(' {')[0]} {json.dumps(place)}\n")
        packed += block
    return packed or gzip.compress(b"", mtime=0), "".join(table).encode()
