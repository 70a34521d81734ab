"""The list of feeds: addresses, mappings, OPML files and included files, resolved into one list with its places."""

import glob
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.config.environ import Environment
from crawler.config.findings import Findings, Location, path_of, suggestion
from crawler.config.rules import check_feed
from crawler.config.source import Items, Mark, Node, Pairs, Scalar, parse, read_bytes, read_file
from crawler.config.values import build, plain, refuse_traps
from crawler.errors import ConfigError
from crawler.log import redact
from crawler.settings import FeedConfig

# glob calls itself for each folder of a pattern, and takes seconds for ten thousand brackets.
_LONGEST, _DEEPEST = 4096, 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a feed was written. `node` is None for a row of an OPML file, which is edited elsewhere."""

    mark: Mark
    path: str                # "feeds[3]"
    node: Node | None = None


@dataclass(slots=True)
class FeedList:
    """The feeds found so far, in the order of the files, each with its place."""

    environment: Environment
    findings: Findings
    texts: dict[Path, str] = field(default_factory=dict)  # read instead of the file: an edit on trial
    files: list[Path] = field(default_factory=list)
    feeds: list[FeedConfig] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    known: dict[str, Place] = field(default_factory=dict)

    def read(self, node: Node, file: Path, location: Location, opened: tuple[Path, ...]) -> None:
        """Every item of a list that stands at `location` in `file`; `opened` are the files around it."""
        if not isinstance(node, Items):
            self.findings.refuse(node.mark, path_of(location), "expected a list of feeds, one `- URL` a line")
            return
        for n, item in enumerate(node.items):
            self._item(item, file, (*location, n), opened)

    def _item(self, node: Node, file: Path, location: Location, opened: tuple[Path, ...]) -> None:
        if isinstance(node, Scalar):
            self._feed(node, {"url": plain(node, self.environment, self.findings, location)}, location)
        elif isinstance(node, Items):
            self.findings.refuse(node.mark, path_of(location), "expected a URL or a mapping, not a list")
        elif "include" in node.pairs or "opml" in node.pairs:
            self._reference(node, file, location, opened)
        else:
            self._feed(node, plain(node, self.environment, self.findings, location), location)

    # one feed
    def _feed(self, node: Node, data: object, location: Location) -> None:
        if isinstance(node, Pairs):
            refuse_traps(FeedConfig, node, self.findings, location)
        feed = build(FeedConfig, data, node, self.findings, location)
        if feed is not None:
            url = node.pairs["url"] if isinstance(node, Pairs) else node
            at = (*location, "url") if isinstance(node, Pairs) else location
            if isinstance(node, Pairs):
                check_feed(feed, node, location, self.findings)
            self._add(feed, Place(url.mark, path_of(at), node))

    def _add(self, feed: FeedConfig, place: Place) -> None:
        fault = fault_of(feed.url)
        if fault is not None:
            self.findings.refuse(place.mark, place.path, fault)
            return
        first = self.known.setdefault(identity(feed.url), place)
        if first is not place:
            self.findings.refuse(place.mark, place.path, f"the same feed as in {first.mark}; keep one of the two")
        self.feeds.append(feed)
        self.places.append(place)

    # other files
    def _reference(self, node: Pairs, file: Path, location: Location, opened: tuple[Path, ...]) -> None:
        key = "include" if "include" in node.pairs else "opml"
        for other in [other for other in node.pairs if other != key]:
            self.findings.refuse(node.keys[other].mark, path_of((*location, other)),
                                 f"unknown key beside {key}; {suggestion(other, [key])}")
        value = node.pairs[key]
        place = Place(value.mark, path_of((*location, key)))
        if not isinstance(value, Scalar) or not value.text:
            self.findings.refuse(place.mark, place.path, "expected the name of a file")
            return
        pattern = self.environment.fill(value, self.findings, (*location, key))
        if len(pattern) > _LONGEST or pattern.count("/") > _DEEPEST:
            self.findings.refuse(place.mark, place.path, "longer or deeper than the name of any file")
            return
        for found in self._files(pattern, file, place):
            if key == "include":
                self._include(found, place, opened)
            else:
                self._opml(found, place)

    def _files(self, pattern: str, file: Path, place: Place) -> list[Path]:
        """The files that a name or pattern means, relative to the file that says it, by name."""
        full = pattern if Path(pattern).is_absolute() else str(Path(glob.escape(str(file.parent))) / pattern)
        names = glob.iglob(full, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        found = sorted(Path(name) for name in names if not os.path.isdir(name))  # noqa: PTH112 - Path.is_dir raises for a name too long
        if not found and glob.has_magic(pattern):
            self.findings.warn(place.mark, place.path, f"no file matches {pattern}")
        elif not found:
            self.findings.refuse(place.mark, place.path, f"{pattern}: no such file, seen from {file.parent}/")
        return found

    def text(self, path: Path) -> str:
        """A file's text; it counts as read. Raises ConfigError."""
        self.files.append(path)
        resolved = real(path)
        text = self.texts[resolved] if resolved in self.texts else read_file(path)
        self.environment.note(text)
        return text

    def _include(self, path: Path, place: Place, opened: tuple[Path, ...]) -> None:
        resolved = real(path)
        if resolved in opened:
            self.findings.refuse(place.mark, place.path, f"{path} is being read already: a loop of includes")
            return
        if resolved in {real(known) for known in self.files}:
            self.findings.refuse(place.mark, place.path, f"{path} is included twice; keep one of the two")
            return
        try:
            node = parse(self.text(path), path)
        except ConfigError as error:
            self.findings.adopt(error)
            return
        self._included(node, path, place, (*opened, resolved))

    def _included(self, node: Node | None, path: Path, place: Place, opened: tuple[Path, ...]) -> None:
        if node is None:
            self.findings.warn(place.mark, place.path, f"{path} is empty")
        elif isinstance(node, Pairs):
            for key in [key for key in node.pairs if key != "feeds"]:
                self.findings.refuse(node.keys[key].mark, key, "an included file holds feeds only; move it")
            if "feeds" in node.pairs:
                self.read(node.pairs["feeds"], path, ("feeds",), opened)
        else:
            self.read(node, path, (), opened)

    def _opml(self, path: Path, place: Place) -> None:
        from crawler.core import opml  # noqa: PLC0415 - lxml costs 30 ms and few configurations name such a file

        self.files.append(path)
        try:
            rows, bad = opml.read(read_bytes(path))
        except ConfigError as error:
            self.findings.adopt(error)
            return
        except opml.NotOpmlError as error:
            self.findings.refuse(place.mark, place.path, f"{path}: {error}; name an OPML file")
            return
        for line, reason in bad:
            self.findings.warn(Mark(path, line), "", f"left out: {reason}")
        for row in rows:
            self._row(row, path)

    def _row(self, row: Any, path: Path) -> None:
        """A row becomes a feed. Readers list one feed under http and https, which is once here; a feed that stands in
        the YAML too is named, since nobody could tell which of the two is meant."""
        fault = fault_of(row.url)
        if fault is not None:
            self.findings.warn(Mark(path, 1), "", f"left out: {fault}")
            return
        first = self.known.get(identity(row.url))
        if first is None or first.mark.file != path:
            self._add(FeedConfig(url=row.url, tags=row.tags), Place(Mark(path, 1), redact(row.url)))


def real(path: Path) -> Path:
    """The file behind a name, its links followed; a link that leads back to itself stays as it is."""
    return Path(os.path.realpath(path))


def fault_of(url: str) -> str | None:
    """Why this cannot be the address of a feed; None where it can."""
    if not _URL.fullmatch(url):
        return f"expected an http:// or https:// address, not \"{redact(url[:80])}\""
    try:
        return None if _split(url)[0] else "an address without a host"
    except ValueError:
        return "not a valid address: check its host and port"


_URL = re.compile(r"https?://[^\s\x00-\x20\x7f\"<>\\]{1,4000}", re.IGNORECASE)


def identity(url: str) -> str:
    """What two addresses of one feed share: host, port, path without the last slash, query; no scheme."""
    host, port, rest = _split(url)
    return f"{host}{port}{rest}"


@lru_cache(maxsize=4)
def _split(url: str) -> tuple[str, str, str]:
    """Host, `:port` where it is not the scheme's own, path and query. Raises ValueError."""
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    port = "" if parts.port in (None, default) else f":{parts.port}"
    query = f"?{parts.query}" if parts.query else ""
    return (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/") + query
