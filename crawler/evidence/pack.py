"""One story for those who have to be convinced: its pages as fetched, what was read in them, what was decided, and hashes.

A WACZ 1.1.1 (https://specs.webrecorder.net/wacz/1.1.1/), which replay tools open, with our own files beside theirs:

    archive/pages.warc.gz  indexes/index.cdx.gz, index.idx  pages/pages.jsonl    the pages, and how to find them
    evidence/story.json  evidence/README.txt  articles/ID.json, ID.txt           the decision, and what each article says
    datapackage.json  datapackage-digest.json  SHA256SUMS                        sizes and hashes of all that

Ours stand in folders of their own: the format leaves the others to itself, and its validator takes no file at the top.
The same story, written at the same time, gives the same bytes. Nothing here reads the store, the clock or the network.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any

from crawler.core.urls import redact
from crawler.evidence import cdx, warc
from crawler.evidence.readme import readme
from crawler.ports import StoredPage

MEDIA_TYPE = "application/wacz"
VERSION = 1                      # of evidence/story.json
WACZ = "1.1.1"
_ARCHIVE = "archive/pages.warc.gz"
_SUMS = "SHA256SUMS"
# What would act on the terminal that shows a file: C1 controls, marks of direction, noncharacters; lone surrogates.
_ACTING = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
_PIECE = 1024 * 1024
_FILE = 0o100644 << 16           # a plain file that everybody may read


@dataclass(slots=True)
class Archive:
    """The pages of a story as one web archive, which grows in `out`, a file that can be read again."""

    out: IO[bytes]
    software: str
    at: datetime
    pages: list[dict[str, Any]] = field(default_factory=list)          # as they stand in story.json
    captures: list[cdx.Capture] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """What a file of records begins with."""
        self.out.write(warc.info(self.software, self.at, _ARCHIVE.rpartition("/")[2]))

    def add(self, page: StoredPage, title: str) -> None:
        """Add a page, under the title that was read in it. It takes processor time: a second for 25 MB."""
        record, offset = warc.response(page), self.out.tell()
        self.out.write(record)
        one = cdx.Capture(warc.target(page), page.fetched, _mime(page), page.status, _hash(page.body), _hash(record),
                          offset, len(record))
        self.captures.append(one)
        self.titles.append(title)
        self.pages.append({
            "article": page.article, "url": one.url, "fetched": _moment(page.fetched), "status": page.status,
            "bytes": len(page.body), "sha256": sha256(page.body).hexdigest(),
            "record": {"file": _ARCHIVE, "offset": offset, "length": len(record)}})


def write(
    out: IO[bytes], story: Mapping[str, Any], articles: Sequence[Mapping[str, Any]], archive: Archive,
) -> None:
    """Write the pack to `out`, which can seek. `story` is what `show --json` prints, `articles` lines of `export` in the
    order of the story. It takes processor time, like `Archive.add`."""
    archive.out.flush()
    with zipfile.ZipFile(out, "w") as wacz:
        resources = [_put(wacz, _ARCHIVE, archive.out)]
        resources += [_put(wacz, path, body) for path, body in _files(story, articles, archive)]
        head = _datapackage(story, resources, archive)
        manifest = [("datapackage.json", head), ("datapackage-digest.json", _json(
            {"path": "datapackage.json", "hash": _hash(head)}))]
        resources += [_put(wacz, path, body) for path, body in manifest]
        _put(wacz, _SUMS, _sums(resources))


def _files(
    story: Mapping[str, Any], articles: Sequence[Mapping[str, Any]], archive: Archive,
) -> Iterator[tuple[str, bytes]]:
    index, table = cdx.blocks(cdx.lines(archive.captures, _ARCHIVE.rpartition("/")[2]))
    yield f"indexes/{cdx.INDEX}", index
    yield "indexes/index.idx", table
    yield "pages/pages.jsonl", _page_list(archive)
    told = _story(story, archive)
    yield "evidence/README.txt", readme(told).encode()
    yield "evidence/story.json", _json(told)
    for one in articles:
        yield f"articles/{one['article']}.json", _json(_unsigned(one))
        yield f"articles/{one['article']}.txt", f"{one['text']}\n".encode("utf-8", "backslashreplace")


def _story(story: Mapping[str, Any], archive: Archive) -> dict[str, Any]:
    kept = {one["article"] for one in archive.pages}
    missing = [one["article"] for one in story["articles"] if one["article"] not in kept]
    return {
        "pack": {"version": VERSION, "written": _moment(archive.at), "software": archive.software},
        **story, "articles": [_unsigned(one) for one in story["articles"]],
        "pages": archive.pages, "articles_without_page": missing,
    }


def _unsigned(article: Mapping[str, Any]) -> dict[str, Any]:
    """Without what lets somebody in: the pack is for others, and a feed's address may hold a person's own key."""
    told = [{**one, **{name: redact(one[name]) for name in ("feed", "key", "link")}} for one in article["sightings"]]
    return {**article, "sightings": told}


def _page_list(archive: Archive) -> bytes:
    told: list[dict[str, Any]] = [{"format": "json-pages-1.0", "id": "pages", "title": "Pages of the story"}]
    told += [{"id": f"{one['article']}-{number}", "url": one["url"], "ts": one["fetched"], "title": title,
              "size": one["bytes"]}
             for number, (one, title) in enumerate(zip(archive.pages, archive.titles, strict=True), 1)]
    return "".join(f"{json.dumps(one)}\n" for one in told).encode()


def _datapackage(story: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], archive: Archive) -> bytes:
    original = story["original"]
    first = next((one for one in archive.pages if one["article"] == original["article"]), None)
    main = {"mainPageUrl": first["url"], "mainPageDate": first["fetched"]} if first else {}
    paths = [*(one["path"] for one in resources), "datapackage.json", "datapackage-digest.json"]
    # It holds the hash of this file, so that this one cannot hold its hash; but its length is known.
    sums = {"name": _SUMS.lower(), "path": _SUMS, "bytes": len(_sums([{"path": path, "hash": _hash(b"")} for path in paths])),
            "description": "sha256 of every other file; it has none here, since it names the hash of this one"}
    return _json({
        "profile": "data-package", "wacz_version": WACZ, "title": f"Evidence of story {story['id']}",
        "description": "Pages as they were fetched, what was read in them, and what was decided: see evidence/README.txt.",
        "created": _moment(archive.at), "software": archive.software, **main, "resources": [*resources, sums]})


def _put(wacz: zipfile.ZipFile, path: str, body: bytes | IO[bytes]) -> dict[str, Any]:
    """Store a file, uncompressed, of no date and no owner; returns its line of the datapackage."""
    info = zipfile.ZipInfo(path)
    info.external_attr, info.create_system = _FILE, 3
    if isinstance(body, bytes):
        wacz.writestr(info, body)
        hash_, length = _hash(body), len(body)
    else:
        length = info.file_size = body.tell()
        hash_ = _copy(body, wacz, info)
    return {"name": path.rpartition("/")[2].lower(), "path": path, "hash": hash_, "bytes": length}


def _copy(body: IO[bytes], wacz: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    digest = sha256()
    body.seek(0)
    with wacz.open(info, "w") as to:
        while piece := body.read(_PIECE):
            digest.update(piece)
            to.write(piece)
    return f"sha256:{digest.hexdigest()}"


def _sums(resources: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(f"{one['hash'].removeprefix('sha256:')}  {one['path']}\n" for one in resources).encode()


def _mime(page: StoredPage) -> str:
    stated = next((value for name, value in page.headers if name.lower() == "content-type"), "")
    return stated.partition(";")[0].strip().lower() or "application/octet-stream"


def _hash(body: bytes) -> str:
    return f"sha256:{sha256(body).hexdigest()}"


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False)
    return (_ACTING.sub(lambda hit: f"\\u{ord(hit[0]):04x}", text) + "\n").encode()


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
