"""What HTTP headers say of time: how long an answer stays fresh, how long to wait (RFC 9110, RFC 9111)."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from crawler.core.dates import http_date

Headers = Iterable[tuple[str, str]]
"""Names in lower case, in order of arrival."""

_LONGEST = timedelta(days=366)  # "10 years" and figures of 40 digits: the caller has a cap of its own
_SECONDS = re.compile(r"[+-]?\d{1,40}(?:\.\d*)?")
_MAX_AGE = re.compile(r'(?:^|[,\s])max-age\s*=\s*"?(\d{1,40})', re.IGNORECASE)
_NEVER = re.compile(r"(?:^|[,\s])no-(?:cache|store)\s*(?:$|,)", re.IGNORECASE)


def fresh(headers: Headers, at: datetime) -> timedelta | None:
    """How long the server asks not to be asked again: Cache-Control max-age, else Expires against the server's Date.

    None where it says nothing, forbids caching, or names no time to come. `at` stands in for a missing Date. The
    answer's Age is not subtracted: max-age is how often the feed changes, as its server sees it.
    """
    known = list(headers)
    control = ", ".join(value for name, value in known if name == "cache-control")
    if _NEVER.search(control):
        return None
    stated = _MAX_AGE.search(control)
    if stated is not None:
        return _bounded(float(stated[1])) or None
    expires = http_date(_first(known, "expires") or "")
    return _until(expires, known, at) or None if expires is not None else None


def retry_after(headers: Headers, at: datetime) -> timedelta | None:
    """How long the server asks to wait, zero for a moment that has passed; None where the header is missing or
    cannot be read. A date counts from the server's own Date, so that a wrong clock on either side does no harm."""
    known = list(headers)
    raw = (_first(known, "retry-after") or "").strip()
    if _SECONDS.fullmatch(raw):
        return _bounded(float(raw))
    moment = http_date(raw)
    return _until(moment, known, at) if moment is not None else None


def _first(headers: list[tuple[str, str]], wanted: str) -> str | None:
    return next((value for name, value in headers if name == wanted), None)


def _until(moment: datetime, headers: list[tuple[str, str]], at: datetime) -> timedelta:
    sent = http_date(_first(headers, "date") or "") or at
    return _bounded((moment - sent).total_seconds())


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST.total_seconds()))
