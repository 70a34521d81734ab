"""Adds feeds to the configuration and takes them out, as a person would with an editor.

The text is edited by the lines that the nodes stand in; every other byte stays: comments, order, quotes, alignment,
line ends. (A round trip through a YAML library re-indents lists, re-wraps long lines, and loses the comment below a
removed item with it.) The result is read as a whole before it takes the file's place, so a mistake changes nothing.
"""

import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crawler.config import Loaded, load
from crawler.config.feeds import fault_of, identity
from crawler.config.source import Items, Node, Pairs, Scalar, decode, parse, render
from crawler.core.urls import source_of
from crawler.errors import ConfigError, NotFoundError, OperationError, UsageError
from crawler.log import escape, redact
from crawler.settings import FeedConfig

Edit = Callable[[str], str]
Naming = Callable[[FeedConfig], str]


class _HasUrl(Protocol):
    @property
    def url(self) -> str: ...


Row = TypeVar("Row", bound=_HasUrl)


def add_feed(path: Path, feed: Mapping[str, Any], environ: Mapping[str, str]) -> Loaded:
    """Add one feed at the end of `feeds:`; `feed` has FeedConfig's keys as texts and lists. See `add_feeds`."""
    return add_feeds(path, [feed], environ)


def add_feeds(path: Path, feeds: Sequence[Mapping[str, Any]], environ: Mapping[str, str]) -> Loaded:
    """Add feeds at the end of the list in this file. Returns the configuration as it is now.

    Raises ConfigError where the file had mistakes before or would have one after: it is then as it was.
    """
    with _locked(path):
        load(path, environ)
        return _change(path, path, lambda text: insert(text, path, feeds), environ)


def remove_feed(path: Path, name: str, environ: Mapping[str, str], source: Naming | None = None) -> str:
    """Take out the feed of this URL, or the only feed of this source, from the file that it stands in; returns its URL.

    Raises NotFoundError where there is none, UsageError where a source has several or an OPML file holds it.
    """
    with _locked(path):
        loaded = load(path, environ)
        at = find(loaded, name, source)
        place, url = loaded.places[at], loaded.settings.feeds[at].url
        if place.node is None or place.mark.file is None:
            raise UsageError(f"{redact(url)} stands in {place.mark.file}; take it out there")
        row, file = _row(place.path), place.mark.file
        if file != path:
            with _locked(file):
                _change(path, file, lambda text: cut(text, file, row), environ)
        else:
            _change(path, file, lambda text: cut(text, file, row), environ)
        return url


def find(loaded: Loaded, name: str, source: Naming | None = None) -> int:
    """The position in `settings.feeds` of a URL, or of the only feed of a source.

    Raises NotFoundError, or UsageError that lists the feeds of the source.
    """
    hits = named(loaded, name, source)
    if len(hits) > 1:
        urls = ", ".join(redact(loaded.settings.feeds[n].url) for n in hits)
        raise UsageError(f"{escape(name)} has {len(hits)} feeds; name one by its URL: {urls}")
    return hits[0]


def named(loaded: Loaded, name: str, source: Naming | None = None) -> list[int]:
    """The positions of the feed of a URL, or of every feed of a source. `source` names the source of a feed; without
    it that is what the feed states, else its domain. Raises NotFoundError where there is none."""
    feeds = loaded.settings.feeds
    if fault_of(name) is None:
        hits = [n for n, feed in enumerate(feeds) if identity(feed.url) == identity(name)]
    else:
        naming = source or (lambda feed: feed.source or source_of(feed.url))
        hits = [n for n, feed in enumerate(feeds) if naming(feed).casefold() == name.casefold()]
    if not hits:
        raise NotFoundError(f"{escape(redact(name))}: no such feed; `firsthand feeds list` shows them")
    return hits


def known(loaded: Loaded, url: str) -> str | None:
    """Where this feed stands already, FILE:LINE; None where it does not."""
    wanted = identity(url)
    places = zip(loaded.settings.feeds, loaded.places, strict=True)
    return next((str(place.mark) for feed, place in places if identity(feed.url) == wanted), None)


def unknown(loaded: Loaded, rows: Iterable[Row]) -> list[Row]:
    """The rows whose feed does not stand in the configuration yet, each feed once."""
    seen = {identity(feed.url) for feed in loaded.settings.feeds}
    new = []
    for row in rows:
        if fault_of(row.url) is None and identity(row.url) not in seen:
            seen.add(identity(row.url))
            new.append(row)
    return new


# --- the text -----------------------------------------------------------------------------------------------------

def insert(text: str, path: Path, feeds: Sequence[Mapping[str, Any]]) -> str:
    """The text with the feeds at the end of its list."""
    node, key = _list(text, path)
    lines, end = text.splitlines(keepends=True), _line_end(text)
    if isinstance(node, Items) and node.items and not node.flow:
        at = _last_line(node.items[-1]) + 1
        new = _written(feeds, node.span.start[1], end)
        if lines[at - 1:at] and not lines[at - 1].endswith(("\n", "\r")):
            lines[at - 1] += end
        return "".join([*lines[:at], *new, *lines[at:]])
    if isinstance(node, Items) and node.items:
        return _into_brackets(lines, node, feeds)
    row, column = key.span.end if key is not None else (0, 0)
    tail = lines[row][column:].split("#", 1)
    comment = f"  #{tail[1]}" if len(tail) == 2 else end
    lines[row] = f"{lines[row][:column]}:{comment}"
    return "".join([*lines[:row + 1], *_written(feeds, 2 + _indent(lines[row]), end), *lines[_end_row(node, row):]])


def _end_row(node: Node | None, row: int) -> int:
    return max(node.span.end[0], row) + 1 if node is not None else row + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def cut(text: str, path: Path, row: int) -> str:
    """The text without the `row`-th item of its list."""
    node, key = _list(text, path)
    assert isinstance(node, Items)
    lines = text.splitlines(keepends=True)
    if node.flow:
        return _out_of_brackets(lines, node, row)
    first = node.items[row].span.start[0]
    rest = [*lines[:first], *lines[_last_line(node.items[row]) + 1:]]
    if len(node.items) > 1:
        return "".join(rest)
    if key is None:
        return "".join([*lines[:first], "[]" + _line_end(text), *lines[_last_line(node.items[row]) + 1:]])
    line, column = key.span.end
    rest[line] = f"{rest[line][:column]}: []{rest[line][column + 1:]}"
    return "".join(rest)


def _list(text: str, path: Path) -> tuple[Node | None, Scalar | None]:
    """The list of feeds and its key; an included file may be the bare list."""
    root = parse(text, path)
    if isinstance(root, Pairs):
        return root.pairs["feeds"], root.keys["feeds"]
    return root, None


def _last_line(node: Node) -> int:
    """The line, from 0, of a node's last character: a block list or mapping claims the comments behind it."""
    if isinstance(node, Scalar) or node.flow:
        (start, _), (row, column) = node.span.start, node.span.end
        return row - 1 if column == 0 and row > start else row
    children = node.items if isinstance(node, Items) else list(node.pairs.values())
    return max([node.span.start[0], *map(_last_line, children)])


def _line_end(text: str) -> str:
    return "\r\n" if re.match(r"[^\n]*\r\n", text) else "\n"


def _written(feeds: Sequence[Mapping[str, Any]], column: int, end: str) -> list[str]:
    """The feeds as lines of a block list whose dashes stand in this column."""
    lines = []
    for feed in feeds:
        item: Any = feed["url"] if set(feed) == {"url"} else dict(feed)
        lines += [" " * column + line + end for line in render([item]).splitlines()]
    return lines


def _into_brackets(lines: list[str], node: Items, feeds: Sequence[Mapping[str, Any]]) -> str:
    row, column = node.items[-1].span.end
    new = "".join(f", {_in_one_line(dict(feed))}" for feed in feeds)
    lines[row] = lines[row][:column] + new + lines[row][column:]
    return "".join(lines)


def _in_one_line(feed: dict[str, Any]) -> str:
    return render({"x": feed}, flow=True).strip().removeprefix("{x: ").removesuffix("}")


def _out_of_brackets(lines: list[str], node: Items, row: int) -> str:
    items = [item.span for item in node.items]
    if row + 1 < len(items):
        start, end = items[row].start, items[row + 1].start
    elif row > 0:
        start, end = items[row - 1].end, items[row].end
    else:
        start, end = items[row].start, items[row].end
    head, tail = lines[start[0]][:start[1]], lines[end[0]][end[1]:]
    return "".join([*lines[:start[0]], head + tail, *lines[end[0] + 1:]])


def _row(path: str) -> int:
    """feeds[3].url -> 3."""
    found = re.search(r"\[(\d+)\]", path)
    assert found is not None
    return int(found[1])


# --- the file -----------------------------------------------------------------------------------------------------

def _change(main: Path, file: Path, edit: Edit, environ: Mapping[str, str]) -> Loaded:
    """Edit one file of a configuration, if the whole of it still holds afterwards."""
    body = file.read_bytes()
    bom = b"\xef\xbb\xbf" if body.startswith(b"\xef\xbb\xbf") else b""
    text = edit(decode(body, file))
    try:
        loaded = load(main, environ, {file.resolve(): text})
    except ConfigError as error:
        raise ConfigError([f"{mistake} (nothing was changed)" for mistake in error.mistakes]) from None
    try:
        _replace(file.resolve(), bom + text.encode())
    except OSError as error:
        raise OperationError(escape(f"{file}: cannot be written: {error.strerror}; nothing was changed")) from None
    return loaded


def _replace(path: Path, body: bytes) -> None:
    """Put a new file in the place of another: whole or not at all, even if the power fails. Mode and owner stay."""
    old = path.stat()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, stat.S_IMODE(old.st_mode))
            if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(handle, old.st_uid, old.st_gid)
            file.write(body)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One editor at a time. The file is replaced, not rewritten, so a lock on the one that was replaced is void."""
    while True:
        try:
            handle = os.open(path, os.O_RDONLY)
        except OSError:
            yield  # `load` says in a person's words what is wrong with it
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.samestat(os.fstat(handle), path.stat()):
            break
        os.close(handle)
    try:
        yield
    finally:
        os.close(handle)
