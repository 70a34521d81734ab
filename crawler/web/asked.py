"""What a query string asks for -> `StoryQuery`: the same words on the page, in the API and for output feeds."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from crawler.core.types import Kind
from crawler.errors import UsageError
from crawler.ports import StoryQuery

FIELDS = ("q", "source", "role", "kind", "without", "language", "since", "until", "min_copies", "max_copies", "state")
STATES = ("undecided", "decided", "ruled", "all")
_LONGEST = 300     # characters of any of them
_MOST = 1_000_000  # copies


def given(query: Mapping[str, str]) -> dict[str, Any]:
    """The fields that are there and say something, as they were sent. Raises UsageError for an overlong one."""
    found = {name: query[name].strip() for name in FIELDS if query.get(name, "").strip()}
    for name, value in found.items():
        if len(value) > _LONGEST:
            raise UsageError(f"{name}: longer than {_LONGEST} characters")
    return found


def story_query(asked: Mapping[str, Any], feeds: frozenset[int] | None = None) -> StoryQuery:
    """Raises UsageError with the field and what it may be."""
    kinds, without = _kinds(asked, "kind"), _kinds(asked, "without")
    state = _one_of(asked, "state", STATES)
    return StoryQuery(
        since=_moment(asked, "since"), until=_moment(asked, "until", end=True), source=asked.get("source"),
        role=cast("Any", _one_of(asked, "role", ("original", "copy"))) if asked.get("source") else None,
        language=asked.get("language"), kinds=kinds, without=without, min_copies=_count(asked, "min_copies") or 1,
        state=cast("Any", state) if state != "all" else None, words=asked.get("q", ""),
        max_copies=_count(asked, "max_copies"), feeds=feeds)


def _one_of(asked: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str | None:
    value = asked.get(name)
    if value is not None and value not in allowed:
        raise UsageError(f"{name}: expected one of {' '.join(allowed)}")
    return value


def _kinds(asked: Mapping[str, Any], name: str) -> frozenset[str]:
    found = frozenset(part for part in str(asked.get(name, "")).split(",") if part)
    if not found <= set(Kind):
        raise UsageError(f"{name}: expected some of {' '.join(Kind)}, with commas between them")
    return found


def _count(asked: Mapping[str, Any], name: str) -> int | None:
    value = asked.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value[:9]) <= _MOST or len(value) > 7:
        raise UsageError(f"{name}: expected a number from 1 to {_MOST}")
    return int(value)


def _moment(asked: Mapping[str, Any], name: str, *, end: bool = False) -> datetime | None:
    """A day (whole, where it is the end) or RFC 3339; without a zone it is UTC."""
    value = asked.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at = at.astimezone(UTC)
        return at + timedelta(days=1, microseconds=-1) if end and len(value) == 10 else at
    except (ValueError, OverflowError):
        raise UsageError(f"{name}: expected a day or a time such as 2026-03-02 or 2026-03-02T06:30:00Z") from None
