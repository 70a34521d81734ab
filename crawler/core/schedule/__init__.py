"""When a feed is asked next: (feed state, outcome, now) -> next feed state. No clock, no chance: both are arguments.

Rules, in order of rank, each with who asks for it:
  1. Retry-After is obeyed: never before it, at most 31 days (lemon24/reader's cap).
  2. A feed is never asked more often than it asks to be: the latest of max-age or Expires, RSS ttl, sy:updatePeriod,
     skipHours and skipDays, within `Policy.max`.
  3. Never below an hour, unless the feed asks for it, a person set `every`, or it is earned: something new in at
     least half of its polls, and validators that make a poll without news cheap (rachelbythebay.com/w/feed).
  4. Within these, the pace of `pace.py`; slower where a hub pushes what is new (`push.py`).
Failures weigh by kind and back off exponentially up to a day; a feed is given up only when it says 410, since dead
feeds do return (Media Cloud's rss-fetcher).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from crawler.core.schedule.headers import fresh, retry_after
from crawler.core.schedule.pace import learned, worth
from crawler.core.schedule.push import brought, slowed, unpushed
from crawler.core.types import FeedHints, FeedState, Push
from crawler.errors import Reason

HORIZON = timedelta(days=31)
"""Nothing is ever put off further than this, whatever a server says."""

FULL_EVERY = timedelta(hours=24)
"""Some servers keep an ETag while the feed changes: once a day one GET goes without validators (rss-fetcher turned
them off for all feeds because of these)."""

BACKOFF_CAP = timedelta(hours=24)
HOUR = timedelta(hours=1)
PERMANENT_ANSWERS = 3
JITTER = 0.1            # at most a tenth later, so that feeds added together drift apart
MAX_VALIDATOR = 1024    # characters; a longer one is not worth its bytes in every request


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person configured: bounds of the adaptive interval, a fixed one, whether validators may be sent; and what a
    hub has promised."""

    min: timedelta = timedelta(minutes=5)
    start: timedelta = timedelta(minutes=30)
    max: timedelta = timedelta(hours=24)
    every: timedelta | None = None
    validators: bool = True
    push: Push | None = None


_NO_HINTS = FeedHints()
UNSTABLE = 3
"""Documents in a row, each with more than half of its entries under new names, that make the names of a feed worthless."""
_FEW = 4                # entries of a document that says something of how a feed names them


@dataclass(frozen=True, slots=True)
class Success:
    """A 200 that parsed, a 200 with the body of last time, or a 304 to a conditional request."""

    at: datetime
    total: int = 0                        # entries in the document; of use where `full` and `changed`
    new: int = 0                          # of these, never seen before in this feed
    full: bool = True                     # a 200
    changed: bool = True                  # the body's hash differs from the last one that was parsed
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    fresh: timedelta | None = None        # `fresh(headers, at)`
    hints: FeedHints = _NO_HINTS          # of the document; of use where `changed`
    renamed: int = 0                      # entries known under another key; of use where `changed`
    left: int = 0                         # new entries beyond what a feed may bring in a day, left for the next
    whole: bool = True                    # no entry was left, nor cut off; of use where `changed`
    patterns: str = ""                    # digest of the patterns that chose among the entries; likewise
    hub: str | None = None                # WebSub, and the feed's own name there; of use where `full`
    topic: str | None = None
    permanent_url: str | None = None      # where 301/308 only led to


@dataclass(frozen=True, slots=True)
class Failure:
    """No document: refused, unreachable, not understood."""

    at: datetime
    reason: Reason
    status: int | None = None
    retry_after: timedelta | None = None  # `retry_after(headers, at)`
    detail: str = ""
    permanent_url: str | None = None


def after(state: FeedState, outcome: Success | Failure, policy: Policy, jitter: float) -> FeedState:
    """The state once `outcome` has happened; `jitter` is in 0..1. `next_poll` is within 31 days of the outcome."""
    if isinstance(outcome, Success):
        return _succeeded(state, outcome, policy, jitter)
    return _failed(state, outcome, policy, jitter)


def conditional(state: FeedState, now: datetime, policy: Policy) -> tuple[str | None, str | None]:
    """The ETag and Last-Modified to send, byte for byte as they came. Both None where this must be a full GET."""
    checked = state.last_full is not None and timedelta(0) <= now - state.last_full < FULL_EVERY
    return (state.etag, state.last_modified) if policy.validators and checked else (None, None)


def adopt(state: FeedState) -> str | None:
    """The URL that the feed has moved to: three answers in a row proposed it by 301/308, and parsed as the feed."""
    return state.permanent_url if state.permanent_count >= PERMANENT_ANSWERS else None


def moved(state: FeedState) -> FeedState:
    """The state after `adopt`ing: polled at its new address, the proposal spent, everything that was learned stays."""
    return replace(state, moved_to=adopt(state) or state.moved_to, permanent_url=None, permanent_count=0)


_LOST = frozenset({Reason.GONE, Reason.HTTP_4XX, Reason.DNS, Reason.NOT_A_FEED, Reason.REDIRECT, Reason.REDIRECTS})


def returned(state: FeedState, outcome: Success | Failure) -> tuple[FeedState, Success | Failure]:
    """Back to the configured address where the adopted one has gone: a move is no reason to lose a feed for good."""
    if state.moved_to is None or isinstance(outcome, Success) or outcome.reason not in _LOST:
        return state, outcome
    if outcome.reason is Reason.GONE:   # said of the new address, so it does not disable the feed
        outcome = replace(outcome, reason=Reason.HTTP_4XX, status=None)
    return replace(state, moved_to=None), outcome


# --- success ----------------------------------------------------------------------------------------------------

_Found = dict[str, Any]     # fields of a state, and what they are now


def _succeeded(state: FeedState, outcome: Success, policy: Policy, jitter: float) -> FeedState:
    # What each finds out depends on the state before alone: one new state for all, and not one each.
    known = replace(state, **_counted(state, outcome, policy.push), **_pushed(state, outcome, policy.push),
                    **_tallied(state, outcome), **_described(state, outcome), **_read(state, outcome))
    asked = _asked(known.hints, outcome.fresh)
    interval = _interval(known, outcome, policy, asked)
    if policy.every is None:    # that, a person has decided
        interval = slowed(interval, known, outcome.at, policy.push, policy.max)
    length = interval if policy.every is not None else min(interval * (1 + JITTER * jitter), max(interval, policy.max))
    latest = outcome.at + min(max(length, policy.max), HORIZON)
    url, count = _proposal(state, outcome.permanent_url)
    reason, detail = _remark(known, outcome)
    return replace(
        known, interval=interval, next_poll=min(_outside(known.hints, outcome.at + min(length, HORIZON)), latest),
        last_poll=outcome.at, last_success=outcome.at, last_full=outcome.at if outcome.full else state.last_full,
        retry_after=None, failures=0.0, reason=reason, detail=detail, disabled=None, permanent_url=url,
        permanent_count=count,
    )


def _remark(state: FeedState, outcome: Success) -> tuple[str | None, str | None]:
    """What a person should know of a feed that answered."""
    if outcome.left:
        return str(Reason.QUOTA), f"{state.today} new entries today, {outcome.left} more are left for tomorrow"
    if state.unstable >= UNSTABLE:
        return None, "unstable_ids: most entries come under another id and link each time; copies are not looked for in them"
    return None, None


def allowance(state: FeedState, at: datetime, most: int) -> int:
    """How many more new entries a feed may bring on this day (UTC)."""
    return max(0, most - (state.today if state.day == f"{at:%Y-%m-%d}" else 0))


def _tallied(state: FeedState, outcome: Success) -> _Found:
    """New entries of the day, and whether the feed's names for its entries last."""
    day = f"{outcome.at:%Y-%m-%d}"
    today = (state.today if state.day == day else 0) + outcome.new
    unstable = state.unstable
    if outcome.full and outcome.changed and outcome.total >= _FEW:
        unstable = min(unstable + 1, UNSTABLE) if 2 * outcome.renamed > outcome.total else 0
    return {"day": day, "today": today, "unstable": unstable}


def absent(before: FeedState, after: FeedState) -> datetime | None:
    """The last time at which an entry that a feed lists now, and had not listed, was certainly not in it. Where a
    document was not read whole, or by other patterns, its other entries may have stood there."""
    if before.patterns != after.patterns:
        return None
    return before.last_success if before.whole else before.last_whole


def _read(state: FeedState, outcome: Success) -> _Found:
    """How much of the document was read; a document that did not change was read as the last one was."""
    if not outcome.changed:
        return {}
    last = state.last_success if state.whole else state.last_whole
    return {"whole": outcome.whole, "last_whole": None if outcome.whole else last, "patterns": outcome.patterns}


def _counted(state: FeedState, outcome: Success, push: Push | None) -> _Found:
    """What the poll teaches of the feed's pace. The first one counts for nothing: all of its backlog is new."""
    new = outcome.new + brought(state, push)
    rate, rhythm = learned(state, outcome.at, new)
    if state.last_success is None:
        return {"rate": rate, "rhythm": rhythm}
    polls = min(state.polls + 1, _REMEMBERED)
    share = state.news / state.polls if state.polls else 0.0
    return {"rate": rate, "rhythm": rhythm, "polls": polls, "news": (share + ((new > 0) - share) / polls) * polls}


def _pushed(state: FeedState, outcome: Success, push: Push | None) -> _Found:
    return {"pushed": state.pushed if push is None else push.entries, "unpushed": unpushed(state, outcome.at, outcome.new, push)}


_REMEMBERED = 20        # polls over which the share of those with news slides
_EARN_AFTER = 3         # fewer polls earn nothing


def _described(state: FeedState, outcome: Success) -> _Found:
    """What the answer says of the document. A 200 replaces both validators, also when the body is the same; a 304
    replaces those it names."""
    etag, last_modified = _storable(outcome.etag), _storable(outcome.last_modified)
    if not outcome.full:
        etag, last_modified = etag or state.etag, last_modified or state.last_modified
    found: _Found = {"etag": etag, "last_modified": last_modified, "body_hash": outcome.body_hash or state.body_hash}
    if outcome.full:
        found |= {"hub": outcome.hub, "topic": outcome.topic}
    if outcome.full and outcome.changed:
        found |= {"entries": outcome.total, "hints": outcome.hints}
    return found


def _storable(validator: str | None) -> str | None:
    return validator if validator and len(validator) <= MAX_VALIDATOR else None


def _asked(hints: FeedHints, fresh_for: timedelta | None) -> timedelta | None:
    """How long the feed asks to be left alone, None where it says nothing."""
    return max((span for span in (fresh_for, hints.ttl, hints.update_period) if span), default=None)


def _interval(state: FeedState, outcome: Success, policy: Policy, asked: timedelta | None) -> timedelta:
    heeded = min(asked, policy.max) if asked is not None else None
    if policy.every is not None:
        return max(policy.every, heeded or policy.every)
    wanted = worth(state, outcome.at, min(policy.max, HORIZON)) if state.polls else policy.start
    chosen = max(wanted, policy.min, heeded or policy.min)
    if heeded is None and not _earned(state, policy):
        chosen = max(chosen, HOUR)
    # A person who sets `max` below an hour has decided for every feed what `every` decides for one.
    return min(chosen, policy.max)


def _earned(state: FeedState, policy: Policy) -> bool:
    cheap = policy.validators and (state.etag is not None or state.last_modified is not None)
    return cheap and state.polls >= _EARN_AFTER and state.news >= state.polls / 2


def _outside(hints: FeedHints, moment: datetime) -> datetime:
    """The first moment from `moment` on that is in no skipHours and skipDays; `moment` where all of the week is."""
    candidate = moment
    for _ in range(8 * 24):
        if candidate.hour not in hints.skip_hours and candidate.weekday() not in hints.skip_days:
            return candidate
        candidate = candidate.replace(minute=0, second=0, microsecond=0) + HOUR
    return moment


def _proposal(state: FeedState, url: str | None) -> tuple[str | None, int]:
    if url is None:
        return None, 0
    return url, state.permanent_count + 1 if url == state.permanent_url else 1


# --- failure ----------------------------------------------------------------------------------------------------

_SOFT = frozenset({
    Reason.TIMEOUT, Reason.NETWORK, Reason.PROTOCOL, Reason.TRUNCATED, Reason.ENCODING, Reason.EMPTY, Reason.NOT_A_FEED,
    Reason.CPU, Reason.MEMORY, Reason.HTTP_5XX, Reason.RATE_LIMITED, Reason.QUOTA,
})
_TEMPORARY = frozenset({Reason.DNS, Reason.STORE})  # the second is our own fault, not the feed's


def _weight(failure: Failure) -> float:
    """rss-fetcher's weights: hard 1; soft 0.5, which a server mends by itself; temporary 0.25."""
    if failure.reason in _TEMPORARY:
        return 0.25
    return 0.5 if failure.reason in _SOFT or failure.status in (404, 429) else 1.0


def _failed(state: FeedState, outcome: Failure, policy: Policy, jitter: float) -> FeedState:
    """Everything known stays; a protocol fault alone clears the validators, which caused it."""
    gone = outcome.reason is Reason.GONE or outcome.status == 410
    faulty = outcome.reason is Reason.PROTOCOL
    failures = state.failures + _weight(outcome)
    interval = _resting_interval(state, policy)
    told = None if outcome.retry_after is None else outcome.at + min(max(outcome.retry_after, interval), HORIZON)
    wait = min(_backoff(interval, failures) * (1 + JITTER * jitter), HORIZON)
    next_poll = outcome.at + (HORIZON if gone else wait)
    url, count = _after_failure(state, outcome)
    return replace(
        state, interval=interval, last_poll=outcome.at, next_poll=next_poll if told is None else max(next_poll, told),
        retry_after=told, failures=failures, reason=str(outcome.reason), detail=outcome.detail or None,
        etag=None if faulty else state.etag, last_modified=None if faulty else state.last_modified,
        disabled="410 Gone" if gone else state.disabled, permanent_url=url, permanent_count=count,
    )


def _resting_interval(state: FeedState, policy: Policy) -> timedelta:
    """The interval to go on from: the feed's own, or the first one of a feed that never answered."""
    if policy.every is not None:
        return max(policy.every, state.interval) if state.last_success is not None else policy.every
    if state.last_success is not None:
        return state.interval
    return min(max(policy.start, policy.min, HOUR), policy.max)


def _backoff(interval: timedelta, failures: float) -> timedelta:
    """The interval doubles with each hard failure in a row, up to a day, but is never shorter than the interval."""
    doubled = interval * 2 ** min(failures, 32)
    return max(interval, min(doubled, BACKOFF_CAP))


def _after_failure(state: FeedState, outcome: Failure) -> tuple[str | None, int]:
    """A proposal survives silence, and a target that fails for now; an answer of the old address itself ends it."""
    silent = outcome.status is None and outcome.permanent_url is None
    if silent or outcome.permanent_url == state.permanent_url:
        return state.permanent_url, state.permanent_count
    return None, 0


__all__ = [
    "BACKOFF_CAP", "FULL_EVERY", "HORIZON", "HOUR", "UNSTABLE", "Failure", "Policy", "Success", "absent", "adopt",
    "after", "allowance", "conditional", "fresh", "moved", "retry_after", "returned",
]
