"""How often a feed asks to be read: RSS ttl, skipHours, skipDays, and the syndication module's update period."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from crawler.core.types import FeedHints

_PERIODS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7),
            "monthly": timedelta(days=30), "yearly": timedelta(days=365)}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# A feed may ask for a month at most: what asks for more is a mistake (ttl in seconds, 0 for "never").
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=31)


def read_hints(ttl: str, period: str, frequency: str, head: str) -> FeedHints:
    """Hints from raw values, each clamped to 1 minute..31 days; what makes no sense is left out.

    `ttl` is in minutes, `head` is the feed's own part of the document, where the skip lists are looked for.
    """
    minutes = _number(ttl)
    return FeedHints(
        ttl=_clamped(timedelta(minutes=1) * min(minutes, 10**6)) if minutes else None,
        update_period=_period(period, frequency),
        skip_hours=_skipped((hour % 24 for hour in _hours(head)), 24),
        skip_days=_skipped((_DAYS.index(day) for day in _listed(head, "skipDays", "day") if day in _DAYS), 7),
    )


def _hours(head: str) -> Iterator[int]:
    """RSS 2.0 counts from 0 to 23, RSS 0.91 from 1 to 24."""
    yield from (hour for raw in _listed(head, "skipHours", "hour") if (hour := _number(raw)) is not None and hour <= 24)


def _period(period: str, frequency: str) -> timedelta | None:
    """The module's defaults are daily and once; neither given is no hint."""
    if not period.strip() and not frequency.strip():
        return None
    length = _PERIODS.get(period.strip().lower() or "daily")
    return _clamped(length / min(max(_number(frequency) or 1, 1), 10**6)) if length else None


def _clamped(asked: timedelta) -> timedelta:
    return min(max(asked, _LEAST), _MOST)


def _number(raw: str) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,9})(?:\.[0-9]{1,9})?\s*", raw)
    return int(found.group(1)) if found else None


def _listed(head: str, around: str, name: str) -> list[str]:
    section = re.search(rf"<{around}\s*>([^\0]{{0,4000}}?)</{around}", head, re.IGNORECASE)
    listed = section.group(1).lower() if section else ""
    return re.findall(rf"<{name}\s*>\s*([a-z0-9]{{1,9}})\s*</{name}", listed)


def _skipped(values: Iterable[int], all_of_them: int) -> frozenset[int]:
    """What to skip; nothing where all is skipped, since a feed that may never be read is mistaken."""
    found = frozenset(values)
    return found if len(found) < all_of_them else frozenset()
