"""Claims of time: what a feed, a page or a server wrote, read without inventing anything.

What libraries do here, measured on 42 forms: feedparser reads BST, CEST, MSK, IST and JST as UTC and turns
"2024年5月3日" into the first of the month; trafilatura drops the time of day; htmldate fills midnight. So:
  a day stays a day (`Resolution.DAY`), a midnight that is written stays as written;
  a zone that is not written is the one configured for the source (`Zone.ASSUMED`), else `Zone.UNKNOWN`;
  what is not understood, or lies outside 1995..2100, has `at=None` and keeps its raw text.
Readers in order: ISO 8601 and its variants, the shapes of RFC 2822, C and JavaScript, figures with separators, East
Asian, Arabic and Persian forms, then dateparser with the language of the source only. Never an exception.
"""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal

from crawler.core.dates.grammar import read
from crawler.core.dates.names import read_words
from crawler.core.dates.reading import Reading
from crawler.core.dates.zones import InvalidZoneError, offset
from crawler.core.text import clean
from crawler.core.types import Claim, Origin, Resolution, Zone

MAX_LENGTH = 100
"""Longest text that is read as a date; the longest real form, JavaScript's with its zone written out, has 70."""

YEARS = range(1995, 2101)

_WIDTH = {Resolution.SECOND: timedelta(0), Resolution.MINUTE: timedelta(seconds=59), Resolution.DAY: timedelta(hours=24, seconds=-1)}
# Clocks of the world run from UTC-12 to UTC+14: a wall time without zone was at UTC up to 14 h before, 12 h after.
_BEFORE, _AFTER = timedelta(hours=14), timedelta(hours=12)
_SKEW = timedelta(hours=1)


def parse(
    raw: str, *, what: Literal["published", "modified"] = "published", origin: Origin,
    language: str | None = None, zone: tzinfo | None = None,
) -> Claim:
    """Read a date. `language` (ISO 639-1) decides month names and the order of 3/5/2024; `zone` is what is known of
    the source and holds where the text states none. `Claim.raw` keeps the first 100 characters."""
    text = clean(raw).strip()
    reading = _read(text, language)
    placed = _place(reading, zone) if reading is not None else None
    if reading is None or placed is None or placed[0].year not in YEARS:
        return Claim(what, origin, text[:MAX_LENGTH], None, zone=Zone.UNKNOWN)
    return Claim(what, origin, text[:MAX_LENGTH], placed[0], reading.resolution, placed[1])


def span(claim: Claim) -> tuple[datetime, datetime] | None:
    """The earliest and the latest second that a claim can mean, by its resolution and its zone; None without a time."""
    if claim.at is None:
        return None
    unknown = claim.zone is Zone.UNKNOWN
    earliest = claim.at - _BEFORE if unknown else claim.at
    latest = claim.at + _AFTER if unknown else claim.at
    return earliest, latest + _WIDTH[claim.resolution]


def usable(claim: Claim, first_seen: datetime) -> bool:
    """Whether the time may stand beside what was observed: not before 1995, not later than an hour after the first
    sighting (clocks differ; an article cannot be seen before it exists)."""
    return claim.at is not None and claim.at.year in YEARS and claim.at <= first_seen + _SKEW


def http_date(raw: str) -> datetime | None:
    """A date of an HTTP header, any year; None where it is none. Without a zone (asctime) it is UTC, RFC 9110 5.6.7."""
    reading = _read(clean(raw).strip(), None)
    if reading is None or reading.resolution is Resolution.DAY:
        return None
    placed = _place(reading, None)
    return placed[0] if placed is not None else None


def _read(text: str, language: str | None) -> Reading | None:
    if not text or len(text) > MAX_LENGTH:
        return None
    reading = read(text, language)
    if reading is None and language:
        reading = read_words(text, language)
    return reading


def _place(reading: Reading, configured: tzinfo | None) -> tuple[datetime, Zone] | None:
    """The wall time in UTC, and by which zone; None where the zone that is written cannot be."""
    try:
        stated = offset(reading.zone) if reading.zone else None
        if stated is not None:
            return reading.wall.replace(tzinfo=timezone(stated)).astimezone(UTC), Zone.STATED
        if configured is None:
            return reading.wall.replace(tzinfo=UTC), Zone.UNKNOWN
        local = reading.wall.replace(tzinfo=configured)
        # "IST" is India, Israel or Ireland; where the source's own clock is called so, it is stated.
        named = bool(reading.zone) and local.tzname() == reading.zone.upper()
        return local.astimezone(UTC), Zone.STATED if named else Zone.ASSUMED
    except (InvalidZoneError, OverflowError):
        return None


__all__ = ["MAX_LENGTH", "YEARS", "http_date", "parse", "span", "usable"]
