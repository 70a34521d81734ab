"""Times on the command line: "24h", "7d", "2026-03-01", "2026-03-01T06:00:00Z"."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as given: a length of time before now, or a date; `day` where no time of day was stated."""

    given: timedelta | datetime
    day: bool = False

    def at(self, now: datetime, *, end: bool = False) -> datetime:
        """The moment in UTC; with `end` a day means its last one."""
        if isinstance(self.given, timedelta):
            return now - self.given
        return self.given + timedelta(days=1, microseconds=-1) if end and self.day else self.given


class _When(click.ParamType):  # type: ignore[type-arg]  # generic in click 8.4 only
    name = "24h|7d|date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        if isinstance(value, Moment):
            return value
        found = _read(str(value).strip())
        if found is None:
            self.fail(f"{value!r}: expected a length of time such as 24h or 7d, or a date such as 2026-03-01 or "
                      "2026-03-01T06:00:00Z", param, ctx)
        return found



def _read(text: str) -> Moment | None:
    from crawler.settings import parse_duration

    try:
        return Moment(parse_duration(text))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Moment(at, day=len(text) <= len("2026-03-01")) if 1 < at.year < 9999 else None


WHEN = _When()


def resolved(moment: Moment | None, now: datetime, *, end: bool = False) -> datetime | None:
    """The moment, or None where none was given."""
    return None if moment is None else moment.at(now, end=end)
