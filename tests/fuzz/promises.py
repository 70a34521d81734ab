"""What must hold of everything that comes out of a door, whatever went in."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from crawler.core import dates, urls
from crawler.core.types import Attribution, Claim

# NUL, C0 but tab and line feed, DEL, C1, lone surrogates, bidi overrides and isolates.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile("[\t\n\r]")


def _canary() -> str:
    try:
        return Path("/proc/version").read_text()[:40].strip() or "\0"
    except OSError:
        return "\0"


_CANARY = _canary()


def clean(text: str, what: str, most: int | None = None) -> None:
    """Text as every door promises it: nothing in it acts, and nothing of this machine's files stands in it."""
    found = _UNWANTED.search(text)
    assert found is None, f"{what} holds {found[0]!r}"
    assert _CANARY not in text, f"{what} holds a file of this machine"
    assert most is None or len(text) <= most, f"{what} has {len(text)} characters, more than {most}"


def line(text: str, what: str, most: int | None = None) -> None:
    """Clean text on one line."""
    clean(text, what, most)
    assert not _BREAKS.search(text), f"{what} has several lines"


def fault(reason: object, detail: str, allowed: Collection[object], most: int = 300) -> None:
    """A refusal: a reason of the closed set, and one line of words."""
    assert reason in allowed, f"a reason outside the closed set: {reason!r}"
    assert detail.strip(), "a refusal without words"
    line(detail, "a refusal", most)


def address(url: str, what: str) -> None:
    """An absolute http(s) address that may be requested, and is kept in its settled form."""
    assert re.match(r"https?://[^/?#]", url), f"{what} is {url!r}"
    assert len(url) <= urls.MAX_LENGTH, f"{what} has {len(url)} characters"
    assert urls.fetchable(url) == url, f"{what} changes once more: {url!r}"
    assert urls.host(url), f"{what} has no host: {url!r}"


def moment(at: datetime | None, what: str) -> None:
    """None, or aware, in UTC and within the years that a claim may name."""
    if at is not None:
        assert at.utcoffset() == UTC.utcoffset(None), f"{what} is not UTC: {at!r}"
        assert at.year in dates.YEARS, f"{what} is out of range: {at!r}"


def claim(one: Claim) -> None:
    """A claim of time."""
    line(one.raw.replace("\n", " ").replace("\t", " "), "a claim", dates.MAX_LENGTH)
    moment(one.at, "a claim")
    span = dates.span(one)
    assert (span is None) == (one.at is None)
    if span is not None:
        assert span[0] <= one.at <= span[1]
    assert one.what in ("published", "modified")


def attribution(one: Attribution) -> None:
    """A statement of where an article comes from."""
    line(one.name or "", "a name")
    clean(one.quote or "", "a quotation", 300)
    line(one.where, "where", 100)
    assert one.name or one.url or one.quote, f"it says nothing: {one!r}"
    if one.url is not None:
        assert re.match(r"https?://[^/?#]", one.url), one.url
        clean(one.url, "an address", urls.MAX_LENGTH)
