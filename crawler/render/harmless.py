"""Foreign text on its way out: nothing in it may act on a terminal, reorder a line, or break a format."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from crawler.core.text import clean

# What remains printable but moves or hides its neighbours: directional marks, line and paragraph separators, word
# joiners, BOM, interlinear marks, noncharacters; C1 controls and lone surrogates where `clean` was not asked.
_ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
_ESCAPED = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def line(text: str | None) -> str:
    """The text as one printable line: control characters and bidi controls are dropped, white space is folded."""
    return _ACTING.sub("", " ".join(clean(text or "").split()))


def prose(text: str) -> str:
    """A stretch of text as it is, white space too, without what acts: control characters and bidi controls."""
    return _ACTING.sub(lambda hit: " " if hit[0] in "\t\r\n\x0b\x0c\x85\u2028\u2029" else "", text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in which no character can act on a terminal and no lone surrogate stands; it reads back as it was."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    return _ESCAPED.sub(lambda hit: f"\\u{ord(hit[0]):04x}", text)


def cell(value: Any) -> str:
    """A CSV cell. A spreadsheet runs what begins with one of = + - @ TAB CR; an apostrophe makes it text."""
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, str):
        return text
    text = _ACTING.sub(lambda hit: hit[0] if hit[0] in "\t\r\n" else "", text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def markdown(text: str | None) -> str:
    """One line in which no character means anything to Markdown, nor to the HTML inside it."""
    return _MARKDOWN.sub(r"\\\1", line(text))


def link(url: str | None) -> str | None:
    """The URL where it may be linked: http or https, without characters that end a quotation; else None."""
    if not url or re.search(r"[\s<>\"'`\\\x00-\x1f\x7f-\x9f]", url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def shortened(text: str | None, length: int) -> str:
    """`line`, cut at a word where it is longer than `length` characters."""
    whole = line(text)
    if len(whole) <= length:
        return whole
    cut = whole[:length]
    kept = cut.rsplit(" ", 1)[0] if " " in cut[length // 2:] else cut
    return kept.rstrip(" ,;:") + " …"
