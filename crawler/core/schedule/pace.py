"""How often a feed is worth asking, from what it brought.

With n entries an hour and a poll every t hours, entries wait t/2 on average. For a given number of polls the waiting
of all entries of all feeds is least where t is proportional to 1/sqrt(n): a feed with a hundred times the news is
worth ten times the polls, not a hundred. So polls are set such that the integral of sqrt(rate) over the interval is
a constant. The rate is estimated twice: over the last hours (bursts), and for each hour of the day (a newspaper
sleeps at night, a morning edition comes at six). `tests/quality/simulate_polling.py` holds this against the rules
of rss-fetcher, CommaFeed, Miniflux and a fixed interval. The constants but the first are no fine tuning: halving or
adding half to any moved the polls there by under 3 %, the median delay of all entries by a minute at most.
"""

import math
from datetime import datetime, timedelta

from crawler.core.types import FeedState

SPEND = 0.8             # the constant: .8 polls an hour at one entry an hour. The price of delay in polls
_MEMORY = 3.0           # hours in which a burst is forgotten
_DAILY = 0.2            # weight of the newest day in the rate of an hour of the day
_RECENT = 0.3           # share of the recent rate in the estimate, the rest is the rhythm
_LEVEL = 0.3            # share of the day's mean in the rhythm, so that an empty hour is not taken for granted
_TYPICAL = 0.3          # entries an hour, before anything is known
_LEAST = 1e-6           # entries an hour: no rate is ever zero
_INSTANT = 1e-6         # hours
_HOUR = timedelta(hours=1)
_DAY = 24


def learned(state: FeedState, at: datetime, new: int) -> tuple[float, tuple[float, ...]]:
    """Rate and rhythm after a success at `at` that brought `new` entries since the last success.

    A first success teaches nothing, since all of its backlog is new: both are what feeds are on average.
    """
    if state.last_success is None or len(state.rhythm) != _DAY:
        return _TYPICAL, (_TYPICAL,) * _DAY
    elapsed = (at - state.last_success) / _HOUR
    if elapsed < _INSTANT:  # or the clock was put back: nothing can be said of the time between
        return state.rate, state.rhythm
    # A document of new entries only has probably hidden others before them.
    seen = new * 1.5 if new and new >= state.entries else float(new)
    rate = state.rate + (1 - math.exp(-elapsed / _MEMORY)) * (seen / elapsed - state.rate)
    return rate, _rhythm(state.rhythm, at, elapsed, seen)


def _rhythm(rhythm: tuple[float, ...], at: datetime, elapsed: float, new: float) -> tuple[float, ...]:
    """Share the new entries out over the hours since the last success as the rhythm would have it, and learn."""
    covered = min(elapsed, _DAY)
    pieces = _hours(at - covered * _HOUR, covered)
    expected = [_base(rhythm, hour) * length for hour, length in pieces]
    scale = new * covered / elapsed / sum(expected)
    updated = list(rhythm)
    for (hour, length), share in zip(pieces, expected, strict=True):
        updated[hour] += (1 - (1 - _DAILY) ** length) * (share * scale / length - updated[hour])
    return tuple(updated)


def worth(state: FeedState, at: datetime, longest: timedelta) -> timedelta:
    """The interval from `at` that the feed is worth, at most `longest`.

    Ends early where half of the document would be new, so that none is pushed out before it was seen.
    """
    spent = brought = passed = 0.0
    room = max(state.entries, 2) / 2
    for hour, length in _hours(at, max(longest / _HOUR, 0.01)):
        rate = _RECENT * state.rate * math.exp(-passed / _MEMORY) + (1 - _RECENT) * _base(state.rhythm, hour)
        share = min((SPEND - spent) / math.sqrt(rate), (room - brought) / rate)
        if share <= length:
            return (passed + share) * _HOUR
        spent, brought, passed = spent + math.sqrt(rate) * length, brought + rate * length, passed + length
    return longest


def _base(rhythm: tuple[float, ...], hour: int) -> float:
    mean = sum(rhythm) / _DAY
    return max(_LEVEL * mean + (1 - _LEVEL) * rhythm[hour], _LEAST)


def _hours(start: datetime, length: float) -> list[tuple[int, float]]:
    """A stretch of time cut at full hours: (hour of the UTC day, hours), none empty."""
    position = start.hour + start.minute / 60 + (start.second + start.microsecond / 1e6) / 3600
    end, pieces = position + length, []
    while end - position > 1e-9:
        boundary = min(math.floor(position + 1e-9) + 1.0, end)
        pieces.append((int(position + 1e-9) % _DAY, boundary - position))
        position = boundary
    return pieces
