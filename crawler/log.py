"""One event, one line: text for people, JSON for machines. No value can break or fake a line.

An event is a name and fields: `event(log, "feed-failed", url=…, reason="timeout")`. Foreign text goes into fields only.
Line breaks, escape sequences, other control characters, bidi overrides and lone surrogates are written as escapes, and
the password in a URL as `***`.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, TextIO

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")

# C0, DEL, C1, the Unicode line ends, bidi marks, overrides and isolates, lone surrogates, noncharacters. The
# directional marks U+200E/F are harmless in Arabic text but reorder a log line.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
_CREDENTIALS = re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://)[^/?#@\s\"']{1,300}@")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BARE = re.compile(r"[^\s\"=]+")
_LONGEST = 2000  # characters of one value: a server's error page is no log line


def escape(text: str) -> str:
    """The text as one printable line."""
    return _UNSAFE.sub(lambda hit: _SHORT.get(hit[0]) or _code(ord(hit[0])), text)


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"


def redact(text: str) -> str:
    """The text with `user:password@` of every URL as `***@`."""
    return _CREDENTIALS.sub(r"\1***@", text)


def event(logger: logging.Logger, name: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """Log one event. Values are shown as text; None is left out. `error=` takes an exception."""
    if logger.isEnabledFor(level):
        cause = fields.get("error")
        info = cause if isinstance(cause, BaseException) else None
        logger.log(level, "%s", name, extra={"fields": fields}, exc_info=info)


def configure(
    level: Level = "info", format: Literal["text", "json"] = "text", stream: TextIO | None = None,
    *, tracebacks: bool = False,
) -> None:
    """Send every logger of the process, libraries included, to one stream (standard error). Replaces an earlier set-up."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Json(tracebacks=tracebacks) if format == "json" else _Text(tracebacks=tracebacks))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("crawler").setLevel(level.upper())
    logging.captureWarnings(capture=True)


class _Handler(logging.StreamHandler[TextIO]):
    """A reader that has gone away, or a full disk, must not fill standard error with tracebacks."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Lose the line."""


class _Formatter(logging.Formatter):
    """What text and JSON share: the time, the event's name, its fields."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self.tracebacks = tracebacks

    def read(self, record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
        """Name and fields. A record that is no event of ours becomes one named `log`."""
        given: Mapping[str, Any] | None = getattr(record, "fields", None)
        name = record.getMessage() if given is not None else "log"
        fields = {key: _plain(value) for key, value in (given or {}).items() if value is not None}
        if given is None:
            fields |= {"logger": record.name, "message": _plain(record.getMessage())}
        if record.exc_info and record.exc_info[1] is not None:
            fields |= self.failure(record.exc_info[1], record.exc_info[2])
        return name, fields

    def failure(self, error: BaseException, traceback: TracebackType | None) -> dict[str, Any]:
        """The exception as its own line; where it arose only on request."""
        found = {"error": _plain(f"{type(error).__name__}: {error}")}
        if self.tracebacks and traceback is not None:
            found["traceback"] = redact(self.formatException((type(error), error, traceback)))
        return found


class _Text(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        name, fields = self.read(record)
        parts = [_time(record), record.levelname.lower(), name, *(f"{k}={_show(v)}" for k, v in fields.items())]
        return escape(" ".join(parts))


class _Json(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        name, fields = self.read(record)
        line = {"ts": _time(record), "level": record.levelname.lower(), "event": name}
        line |= {(f"{key}_" if key in line else key): value for key, value in fields.items()}
        # ensure_ascii would hide Arabic and Chinese; what is unsafe is escaped by the same rule as in text.
        return _UNSAFE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", json.dumps(line, ensure_ascii=False, default=str))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _plain(value: Any) -> Any:
    """Numbers and booleans as they are, everything else as redacted text of bounded length."""
    if isinstance(value, (bool, int, float)):
        return value
    text = redact(str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
