"""YAML text -> nodes that know their line. PyYAML's door.

Strict where YAML surprises. Refused with their line: anchors, aliases and merge keys, explicit tags (`!!python/…` and
any other), several documents, tabs in the indentation, duplicate keys, keys that are no plain text. Nothing is turned
into a bool, number or date here: a scalar keeps its literal text, and the setting that it is for decides what it means.
So `language: no` is Norwegian and `source: 2024` a name. Only a bare `null`, `~` or nothing at all is no value.

libyaml composes 10,000 feeds in 0.8 s, the pure Python parser in 12 s; its events, which alone show anchors and tags,
take 1.2 s and are therefore read only where a text might hold one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from crawler.errors import ConfigError
from crawler.log import escape

MAX_BYTES = 64 * 1024 * 1024
"""A configuration of 100,000 feeds is 15 MB; what is larger is another file."""

_DEEPEST = 20  # levels; the configuration has six
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MAY_HOLD_MARKS = re.compile(r"(?:^|[\s,\[{(:?-])[&*!][^\s=]", re.MULTILINE)
_PLAIN_WORDS = {
    "found character that cannot start any token": "a character that cannot begin a value (such as @ ` %); quote it",
    "did not find expected alphabetic or numeric character": "a value that begins with * or &; quote it",
    "did not find expected node content": "a value is missing, or a bracket is not closed",
    "did not find expected key": "the indentation does not fit the lines above",
    "did not find expected '-' indicator": "the indentation does not fit the list above",
    "did not find expected ',' or ']'": "a bracket [ that begins here is not closed, or a comma is missing in it",
    "did not find expected ',' or '}'": "a brace { that begins here is not closed, or a comma is missing in it",
    "found unexpected end of stream": "a quotation mark that begins here is not closed",
    "could not find expected ':'": "a colon is missing after this key",
    "mapping values are not allowed in this context": "a second colon in this line, or wrong indentation; quote the "
                                                      "value if the colon belongs to it",
    "nested too deeply": "nested too deeply; flatten it",
    "but found another document": "a second document begins here; one file holds one document",
}
_OPENED_EARLIER = frozenset({
    "did not find expected ',' or ']'", "did not find expected ',' or '}'", "found unexpected end of stream",
})


@dataclass(frozen=True, slots=True)
class Mark:
    """Where something was written: a line of a file (from 1), or an environment variable."""

    file: Path | None
    line: int
    variable: str | None = None

    def mistake(self, path: str, reason: str) -> str:
        """One line, `FILE:LINE: path: reason`, or `environment: NAME: reason`."""
        if self.variable is not None:
            return escape(f"environment: {self.variable}: {reason}")
        place = f"{self.file}:{self.line}"
        return escape(f"{place}: {path}: {reason}" if path else f"{place}: {reason}")

    def __str__(self) -> str:
        return self.variable or f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands in its text: lines and columns from 0, the end exclusive."""

    start: tuple[int, int]
    end: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Origin:
    """The text that nodes were read from."""

    file: Path | None
    variable: str | None = None


# Not frozen, and marks only on demand: 10,000 feeds are 70,000 nodes, and each frozen field costs a call.
@dataclass(slots=True, eq=False)
class _Placed:
    """A node that knows its place."""

    raw: Any
    origin: Origin

    @property
    def mark(self) -> Mark:
        """The line that it begins in."""
        return Mark(self.origin.file, self.raw.start_mark.line + 1, self.origin.variable)

    @property
    def span(self) -> Span:
        """From its first character to behind its last; a block list or mapping ends where the next thing begins."""
        start, end = self.raw.start_mark, self.raw.end_mark
        return Span((start.line, start.column), (end.line, end.column))

    @property
    def flow(self) -> bool:
        """Whether a list or mapping is written in brackets."""
        return bool(self.raw.flow_style)


@dataclass(slots=True, eq=False)
class Scalar(_Placed):
    """A value as written. `plain` is false in quotes and block scalars."""

    text: str

    @property
    def plain(self) -> bool:
        """Whether it stands there without quotes."""
        return not self.raw.style

    @property
    def null(self) -> bool:
        """Whether it is a bare `null`, `~` or nothing."""
        return self.text in _NULLS and self.plain

    @property
    def trap(self) -> bool:
        """Whether readers of YAML differ on which number it is: 010, 1_000, 0x1f, 12:30:00."""
        return _TRAP.fullmatch(self.text) is not None


_TRAP = re.compile(r"[-+]?(?:0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*|[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?)")


@dataclass(slots=True, eq=False)
class Items(_Placed):
    """A list."""

    items: list["Node"]


@dataclass(slots=True, eq=False)
class Pairs(_Placed):
    """A mapping, in order, with its keys as nodes."""

    pairs: dict[str, "Node"]
    keys: dict[str, Scalar]


Node = Scalar | Items | Pairs


def read_file(path: Path) -> str:
    """The text of a file. Raises ConfigError with one clear line where it cannot be had."""
    return decode(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file of bearable size. Raises ConfigError with one clear line."""
    try:
        size = path.stat().st_size
        body = path.read_bytes() if size <= MAX_BYTES and path.is_file() else None
    except OSError as error:
        raise ConfigError([escape(f"{path}: {_why(error)}")]) from None
    if body is None:
        raise ConfigError([escape(f"{path}: {'too large' if size > MAX_BYTES else 'not a regular file'}; "
                                  f"name a YAML file of at most {MAX_BYTES // 1024**2} MiB")])
    return body


def decode(body: bytes, path: Path) -> str:
    """UTF-8, with or without a byte order mark. Raises ConfigError."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ConfigError([escape(f"{path}:{line}: not UTF-8 text (byte {error.start}); "
                                  "name a YAML file, and save it as UTF-8")]) from None


def _why(error: OSError) -> str:
    hints = {
        FileNotFoundError: "no such file; name the configuration with -c PATH or FIRSTHAND_CONFIG",
        PermissionError: "may not be read; change its mode or owner",
        IsADirectoryError: "a directory; name a YAML file",
    }
    return hints.get(type(error), f"cannot be read: {error.strerror}")


def literal(text: str, variable: str, *, plain: bool = False) -> Scalar:
    """A scalar that an environment variable brought."""
    raw = yaml.ScalarNode("", text, _NOWHERE, _NOWHERE, style=None if plain else '"')
    return Scalar(raw, Origin(None, variable), text)


def listing(items: list[Node], variable: str) -> Items:
    """A list that an environment variable brought."""
    return Items(yaml.SequenceNode("", [], _NOWHERE, _NOWHERE), Origin(None, variable), items)


def mapping(variable: str) -> Pairs:
    """An empty mapping for what environment variables bring."""
    return Pairs(yaml.MappingNode("", [], _NOWHERE, _NOWHERE), Origin(None, variable), {}, {})


class _Composer(yaml.CSafeLoader):
    """Composes without guessing what a text looks like, which would be half of the time, and never deep: the C
    composer calls itself for each level, and 30,000 brackets would end the process with a segmentation fault."""

    depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's signature
        """No tag: nobody here asks for one."""
        return ""

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002 - PyYAML's signature
        """Called on the way into each node."""
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = current_node.start_mark if current_node is not None else None
            raise yaml.composer.ComposerError(None, None, "nested too deeply", mark)

    def ascend_resolver(self) -> None:
        """Called on the way out."""
        self.depth -= 1


_NOWHERE = yaml.Mark("environment", 0, 0, 0, None, 0)


def parse(text: str, path: Path | None, variable: str | None = None) -> Node | None:
    """The one document of a text; None where it is empty. Raises ConfigError with every mistake found."""
    try:
        root = yaml.compose(text, Loader=_Composer)
        marks = _forbidden(text, path, variable) if _MAY_HOLD_MARKS.search(text) else []
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(error, text, path, variable)]) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise ConfigError([_unreadable(error, text, path, variable)]) from None
    if marks:
        raise ConfigError(marks)    # not read: an alias stands for its whole tree, and a tree may hold itself
    reading = _Reading(Origin(path, variable))
    node = None if root is None else reading.node(root)
    if reading.mistakes:
        raise ConfigError(reading.mistakes)
    return node


def render(data: Any, *, flow: bool = False) -> str:
    """Plain data as YAML, keys in order, other scripts readable; `flow`: in brackets, in one line."""
    width = 1_000_000 if flow else 110
    return str(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=width,
                         default_flow_style=flow))


def _syntax(error: yaml.MarkedYAMLError, text: str, path: Path | None, variable: str | None) -> str:
    problem = str(error.problem or error.context)
    mark = error.problem_mark or error.context_mark
    if problem in _OPENED_EARLIER and error.context_mark is not None:
        mark = error.context_mark
    line = mark.line + 1 if mark is not None else 1
    reason = _PLAIN_WORDS.get(problem, f"not valid YAML: {problem}")
    if "\t" in _indentation(text, line):
        reason = "a tab; indent with spaces"
    return Mark(path, line, variable).mistake("", reason)


def _indentation(text: str, line: int) -> str:
    lines = text.splitlines()[line - 1:line]
    return lines[0][:len(lines[0]) - len(lines[0].lstrip())] if lines else ""


def _unreadable(error: Exception, text: str, path: Path | None, variable: str | None) -> str:
    at = getattr(error, "position", None)
    at = at if isinstance(at, int) else getattr(error, "start", 0)
    line = text.count("\n", 0, at) + 1
    return Mark(path, line, variable).mistake("", "a control character; this is no YAML text")


def _forbidden(text: str, path: Path | None, variable: str | None) -> list[str]:
    """Anchors, aliases and explicit tags, which nodes no longer show."""
    mistakes = []
    for event in cast("Iterator[Any]", yaml.parse(text, Loader=yaml.CSafeLoader)):
        mark = Mark(path, event.start_mark.line + 1, variable)
        if isinstance(event, yaml.AliasEvent):
            mistakes.append(mark.mistake("", f"an alias, *{event.anchor}; write the value out"))
        elif getattr(event, "anchor", None):
            mistakes.append(mark.mistake("", f"an anchor, &{event.anchor}; write the value where it is needed"))
        if getattr(event, "tag", None):
            mistakes.append(mark.mistake("", f"a tag, {event.tag}; write the plain value, in quotes if it is a text"))
    return mistakes


class _Reading:
    """yaml's nodes -> ours, gathering mistakes."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.mistakes: list[str] = []
        self.seen: set[int] = set()

    def node(self, raw: Any) -> Node:
        if isinstance(raw, yaml.ScalarNode):
            return Scalar(raw, self.origin, raw.value)
        if id(raw) in self.seen:    # whatever an anchor is called: nine to the power of nine is never walked through
            self.refuse(raw, "an anchor, which an alias refers to; write the value where it is needed")
            return Items(raw, self.origin, [])
        self.seen.add(id(raw))
        if isinstance(raw, yaml.MappingNode):
            return self.pairs(raw)
        return Items(raw, self.origin, [self.node(item) for item in raw.value])

    def pairs(self, raw: yaml.MappingNode) -> Pairs:
        found = Pairs(raw, self.origin, {}, {})
        for raw_key, raw_value in raw.value:
            reason = _bad_key(raw_key, found)
            if reason is not None:
                self.refuse(raw_key, reason)
                continue
            found.keys[raw_key.value] = Scalar(raw_key, self.origin, raw_key.value)
            found.pairs[raw_key.value] = self.node(raw_value)
        return found

    def refuse(self, raw: yaml.Node, reason: str) -> None:
        mark = Mark(self.origin.file, raw.start_mark.line + 1, self.origin.variable)
        self.mistakes.append(mark.mistake("", reason))


def _bad_key(raw: yaml.Node, earlier: Pairs) -> str | None:
    if not isinstance(raw, yaml.ScalarNode):
        return "a list or mapping as a key; write a plain word"
    if raw.value == "<<" and not raw.style:
        return "a merge key, <<; write the values out"
    if raw.value in earlier.keys:
        return f"{raw.value}: stands here twice, first in line {earlier.keys[raw.value].mark.line}; keep one"
    return None
