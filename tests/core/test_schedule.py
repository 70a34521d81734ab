"""When a feed is asked next: every rule of politeness, and properties over any run of outcomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import schedule
from crawler.core.schedule import (
    HORIZON,
    UNSTABLE,
    Failure,
    Policy,
    Success,
    absent,
    adopt,
    after,
    allowance,
    conditional,
    fresh,
    moved,
    retry_after,
)
from crawler.core.schedule.push import SLOW
from crawler.core.types import FeedHints, FeedState, Push
from crawler.errors import Reason

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)  # a Wednesday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = Policy()
ETAG = '"e"'


def success(at=NOW, **fields):
    return Success(at, **{"total": 20, "new": 0, "etag": ETAG, **fields})


def polled(state=None, outcome=None, policy=POLICY, jitter=0.0):
    return after(state or FeedState(), outcome or success(), policy, jitter)


def run(state, news, policy=POLICY, **fields):
    """Poll whenever the feed is due; `news` gives what each poll brings."""
    for new in news:
        state = after(state, success(state.next_poll, new=new, **fields), policy, 0.0)
    return state


def wait(state):
    return state.next_poll - state.last_poll


KNOWN = polled()
BUSY = run(KNOWN, [8] * 30)      # something new in every poll
QUIET = run(KNOWN, [0] * 120)


# --- the first polls, and what earns a shorter interval -----------------------------------------------------------


def test_a_first_success_teaches_nothing_of_the_pace():
    assert (KNOWN.polls, KNOWN.news) == (0, 0.0)
    assert replace(polled(outcome=success(new=20)), today=0) == KNOWN


def test_nothing_goes_below_an_hour_unearned():
    assert POLICY.start < HOUR
    assert wait(KNOWN) == HOUR
    assert wait(run(KNOWN, [9])) == HOUR
    assert wait(run(KNOWN, [9, 9])) == HOUR


def test_news_in_most_polls_earn_it():
    assert POLICY.min <= wait(BUSY) < HOUR


def test_news_in_fewer_than_half_of_the_polls_do_not():
    state = run(KNOWN, [20, 0, 0] * 8)
    assert state.news < state.polls / 2
    assert wait(state) >= HOUR


def test_it_is_not_earned_without_validators():
    assert wait(run(KNOWN, [8] * 30, etag=None)) >= HOUR
    assert wait(run(KNOWN, [8] * 30, policy=replace(POLICY, validators=False))) >= HOUR
    assert wait(run(KNOWN, [8] * 30, etag=None, last_modified="Wed, 01 May 2024 12:00:00 GMT")) < HOUR


@pytest.mark.parametrize("fields", [
    {"fresh": 10 * MINUTE}, {"hints": FeedHints(ttl=10 * MINUTE)}, {"hints": FeedHints(update_period=10 * MINUTE)},
])
def test_a_feed_may_ask_for_it(fields):
    state = run(KNOWN, [2] * 30, etag=None, **fields)
    assert 10 * MINUTE <= wait(state) < HOUR


def test_what_a_feed_asks_for_is_a_floor_and_no_pace():
    assert wait(run(KNOWN, [0] * 60, fresh=10 * MINUTE)) > 2 * HOUR


def test_a_quiet_feed_is_left_alone_up_to_the_maximum():
    assert wait(QUIET) > 12 * HOUR
    assert wait(run(QUIET, [0] * 60)) == POLICY.max


def test_a_feed_that_wakes_up_is_asked_more_often_again():
    assert wait(run(QUIET, [5])) < wait(QUIET) / 2


def test_more_news_never_lengthen_the_interval():
    waits = [wait(run(BUSY, [new])) for new in range(21)]
    assert waits == sorted(waits, reverse=True)


def test_a_feed_is_asked_before_half_of_its_document_is_new():
    rate = 30.0
    state = replace(BUSY, rate=rate, rhythm=(rate,) * 24, polls=20, news=20.0)
    few, many = (polled(state, success(BUSY.next_poll, total=total, new=int(rate * wait(BUSY) / HOUR))) for total in (5, 100))
    assert wait(few) < wait(many)


def test_the_daily_rhythm_is_learned():
    state = KNOWN
    while state.next_poll < NOW + 14 * DAY:
        morning = state.last_poll.hour < 6 <= state.next_poll.hour or (state.next_poll - state.last_poll > DAY / 2)
        state = after(state, success(state.next_poll, new=12 if morning else 0), POLICY, 0.0)
    assert max(range(24), key=state.rhythm.__getitem__) in (5, 6)
    night, dawn = (polled(state, success(state.next_poll.replace(hour=hour, minute=0))) for hour in (14, 5))
    assert wait(dawn) < wait(night)


def test_a_clock_put_back_teaches_nothing():
    state = polled(BUSY, success(BUSY.last_success - DAY, new=3))
    assert (state.rate, state.rhythm) == (BUSY.rate, BUSY.rhythm)


def test_a_long_absence_is_spread_over_its_days():
    state = after(QUIET, success(QUIET.last_success + 10 * DAY, new=10), POLICY, 0.0)
    assert sum(state.rhythm) < 10


# --- what a person and the feed ask for ---------------------------------------------------------------------------


def test_every_is_fixed():
    policy = replace(POLICY, every=10 * MINUTE)
    assert wait(polled(policy=policy, jitter=1.0)) == 10 * MINUTE
    assert wait(run(KNOWN, [0] * 20, policy=policy)) == 10 * MINUTE
    assert wait(run(KNOWN, [0] * 20, policy=replace(POLICY, every=7 * DAY))) == 7 * DAY


def test_even_then_not_more_often_than_the_feed_asks():
    assert wait(polled(outcome=success(fresh=2 * HOUR), policy=replace(POLICY, every=10 * MINUTE))) == 2 * HOUR


def test_a_maximum_below_an_hour_is_a_persons_word_too():
    assert wait(polled(policy=Policy(min=timedelta(seconds=1), start=timedelta(seconds=2), max=timedelta(seconds=5)))) == timedelta(seconds=5)


@pytest.mark.parametrize(("fields", "expected"), [
    ({"fresh": 3 * HOUR}, 3 * HOUR),
    ({"hints": FeedHints(ttl=4 * HOUR)}, 4 * HOUR),
    ({"hints": FeedHints(update_period=5 * HOUR)}, 5 * HOUR),
    ({"fresh": 3 * HOUR, "hints": FeedHints(ttl=4 * HOUR, update_period=2 * HOUR)}, 4 * HOUR),
    ({"fresh": 10 * DAY}, DAY),                                                     # within `max`
    ({"fresh": timedelta(0), "hints": FeedHints(ttl=timedelta(0))}, HOUR),          # asks for nothing
    ({"fresh": None}, HOUR),
])
def test_the_latest_wish_wins(fields, expected):
    assert wait(polled(outcome=success(**fields))) == expected


@pytest.mark.parametrize(("hints", "expected"), [
    (FeedHints(skip_hours=frozenset({13, 14})), "2024-05-01 15:00"),
    (FeedHints(skip_hours=frozenset(range(13, 24))), "2024-05-02 00:00"),
    (FeedHints(skip_days=frozenset({2})), "2024-05-02 00:00"),
    (FeedHints(skip_hours=frozenset({0}), skip_days=frozenset({2})), "2024-05-02 01:00"),
    (FeedHints(skip_days=frozenset({2, 3, 4})), "2024-05-02 12:00"),                # within `max`
    (FeedHints(skip_hours=frozenset(range(24))), "2024-05-01 13:00"),               # all of the day: not meant
    (FeedHints(skip_hours=frozenset({12})), "2024-05-01 13:00"),
])
def test_skipped_hours_and_days(hints, expected):
    assert polled(outcome=success(hints=hints)).next_poll == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_hints_last_until_the_document_changes():
    asked = polled(outcome=success(hints=FeedHints(ttl=3 * HOUR)))
    unchanged = polled(asked, success(asked.next_poll, changed=False))
    not_modified = polled(unchanged, success(unchanged.next_poll, full=False, changed=False))
    assert wait(unchanged) == wait(not_modified) == 3 * HOUR
    assert wait(polled(not_modified, success(not_modified.next_poll))) < 3 * HOUR


def test_jitter_only_delays():
    early, late = (wait(polled(jitter=jitter)) for jitter in (0.0, 1.0))
    assert (early, late) == (HOUR, HOUR * 1.1)
    assert polled(jitter=1.0).interval == HOUR


# --- validators ---------------------------------------------------------------------------------------------------


def test_a_200_replaces_both_validators_also_with_the_body_of_last_time():
    state = polled(outcome=success(etag='W/"1"', last_modified="x", body_hash="h"))
    state = polled(state, success(NOW + HOUR, changed=False, etag='"2"', last_modified=None))
    assert (state.etag, state.last_modified, state.body_hash) == ('"2"', None, "h")


def test_a_304_replaces_what_it_names():
    state = polled(outcome=success(etag='"1"', last_modified="x"))
    state = polled(state, success(NOW + HOUR, full=False, changed=False, etag='"2"', last_modified=None))
    assert (state.etag, state.last_modified, state.last_full) == ('"2"', "x", NOW)


def test_validators_are_opaque_up_to_a_kibibyte():
    assert polled(outcome=success(etag="no quotes")).etag == "no quotes"
    assert polled(outcome=success(etag="x" * 1024)).etag == "x" * 1024
    assert polled(outcome=success(etag="x" * 1025)).etag is None
    assert polled(outcome=success(etag="")).etag is None


def test_conditional_requests():
    state = polled(outcome=success(etag='"1"', last_modified="x"))
    assert conditional(state, NOW + HOUR, POLICY) == ('"1"', "x")
    assert conditional(state, NOW + HOUR, replace(POLICY, validators=False)) == (None, None)
    assert conditional(FeedState(), NOW, POLICY) == (None, None)


def test_a_day_after_the_last_full_answer_one_goes_without_validators():
    state = polled(outcome=success(etag='"1"'))
    state = polled(state, success(NOW + 23 * HOUR, full=False, changed=False, etag=None))
    assert conditional(state, NOW + DAY - MINUTE, POLICY) == ('"1"', None)
    assert conditional(state, NOW + DAY, POLICY) == (None, None)


def test_an_unparsed_answer_keeps_what_the_last_document_said():
    state = polled(outcome=success(total=7))
    assert polled(state, success(NOW + HOUR, total=0, changed=False)).entries == 7


# --- failures -----------------------------------------------------------------------------------------------------

HARD = {Reason.TLS, Reason.HEADERS, Reason.TOO_LARGE, Reason.BOMB, Reason.REDIRECTS, Reason.REDIRECT, Reason.PRIVATE, Reason.HTTP_4XX, Reason.GONE,
        Reason.CHALLENGE, Reason.ROBOTS}
TEMPORARY = {Reason.DNS, Reason.STORE}


@pytest.mark.parametrize("reason", list(Reason))
def test_failures_weigh_by_kind(reason):
    state = polled(KNOWN, Failure(NOW + HOUR, reason, detail="why"))
    assert state.failures == (1.0 if reason in HARD else 0.25 if reason in TEMPORARY else 0.5)
    assert (state.reason, state.detail) == (reason.value, "why")
    assert wait(state) >= KNOWN.interval


@pytest.mark.parametrize("status", [404, 429])
def test_some_refusals_are_soft(status):
    assert polled(KNOWN, Failure(NOW, Reason.HTTP_4XX, status)).failures == 0.5


def test_back_off_grows_to_a_day_and_a_success_ends_it():
    state, waits = BUSY, []
    for _ in range(30):
        state = after(state, Failure(state.next_poll, Reason.HTTP_5XX, 503), POLICY, 0.0)
        waits.append(wait(state))
    assert waits == sorted(waits)
    assert waits[0] > BUSY.interval
    assert waits[1] == BUSY.interval * 2
    assert waits[-1] == DAY
    assert (state.etag, state.interval, state.rhythm) == (BUSY.etag, BUSY.interval, BUSY.rhythm)
    healed = polled(state, success(state.next_poll))
    assert (healed.failures, healed.reason, healed.detail, healed.retry_after) == (0.0, None, None, None)


def test_a_feed_that_never_answered_waits_an_hour_at_least():
    assert HOUR <= wait(polled(FeedState(), Failure(NOW, Reason.DNS))) < 2 * HOUR


def test_a_long_interval_is_not_shortened_by_the_cap():
    policy = replace(POLICY, every=3 * DAY)
    assert wait(polled(polled(policy=policy), Failure(NOW + DAY, Reason.TIMEOUT), policy)) == 3 * DAY


def test_every_holds_between_failures():
    policy = replace(POLICY, every=10 * MINUTE)
    assert wait(polled(FeedState(), Failure(NOW, Reason.TIMEOUT), policy)) > 10 * MINUTE


def test_gone_disables_with_a_notice_and_a_success_undoes_it():
    state = polled(KNOWN, Failure(NOW + HOUR, Reason.GONE, 410))
    assert state.disabled == "410 Gone"
    assert state.next_poll == NOW + HOUR + HORIZON
    assert polled(state, success(NOW + DAY)).disabled is None


def test_404_never_disables():
    state = KNOWN
    for _ in range(100):
        state = after(state, Failure(state.next_poll, Reason.HTTP_4XX, 404), POLICY, 1.0)
    assert state.disabled is None
    assert wait(state) <= DAY * 1.1


def test_a_protocol_fault_clears_the_validators():
    state = polled(KNOWN, Failure(NOW + HOUR, Reason.PROTOCOL, 304))
    assert (state.etag, state.last_modified) == (None, None)
    assert conditional(state, state.next_poll, POLICY) == (None, None)


@pytest.mark.parametrize(("asked", "least", "most"), [
    (2 * HOUR, 2 * HOUR, 2 * HOUR), (timedelta(0), HOUR, 2 * HOUR), (timedelta(days=366), HORIZON, HORIZON), (10 * DAY, 10 * DAY, 10 * DAY),
])
def test_retry_after_is_obeyed_between_the_interval_and_a_month(asked, least, most):
    state = polled(KNOWN, Failure(NOW + HOUR, Reason.RATE_LIMITED, 429, asked))
    assert least <= wait(state) <= most
    assert state.retry_after == state.last_poll + min(max(asked, KNOWN.interval), HORIZON)


def test_a_failure_without_it_forgets_an_old_retry_after():
    state = polled(KNOWN, Failure(NOW + HOUR, Reason.RATE_LIMITED, 429, 2 * HOUR))
    assert polled(state, Failure(NOW + 4 * HOUR, Reason.TIMEOUT)).retry_after is None


# --- a feed that moves --------------------------------------------------------------------------------------------

NEW = "https://daily.example/new.xml"


def permanent(state, url, answers):
    for _ in range(answers):
        state = after(state, success(state.next_poll or NOW, permanent_url=url), POLICY, 0.0)
    return state


def test_three_answers_in_a_row_move_a_feed():
    assert adopt(permanent(FeedState(), NEW, 2)) is None
    state = permanent(FeedState(), NEW, 3)
    assert adopt(state) == NEW
    assert adopt(moved(state)) is None


def test_another_target_or_none_starts_anew():
    state = permanent(FeedState(), NEW, 2)
    assert adopt(permanent(state, "https://daily.example/other.xml", 1)) is None
    assert adopt(permanent(permanent(state, None, 1), NEW, 2)) is None


def test_silence_keeps_a_proposal_and_an_answer_of_the_old_address_ends_it():
    state = permanent(FeedState(), NEW, 2)
    silent = polled(state, Failure(state.next_poll, Reason.TIMEOUT))
    broken = polled(state, Failure(state.next_poll, Reason.NOT_A_FEED, 200, permanent_url=NEW))
    refused = polled(state, Failure(state.next_poll, Reason.HTTP_5XX, 503))
    assert [adopt(permanent(kept, NEW, 1)) for kept in (silent, broken, refused)] == [NEW, NEW, None]
    assert adopt(broken) is None


# --- headers ------------------------------------------------------------------------------------------------------

DATE = ("date", "Wed, 01 May 2024 13:00:00 GMT")  # the server's clock is an hour ahead


@pytest.mark.parametrize(("headers", "expected"), [
    ([("cache-control", "max-age=600")], 600),
    ([("cache-control", "public, MAX-AGE=600, must-revalidate")], 600),
    ([("cache-control", "public"), ("cache-control", 'max-age="600"')], 600),
    ([("cache-control", "max-age=600"), ("expires", "Wed, 01 May 2024 20:00:00 GMT")], 600),
    ([("expires", "Wed, 01 May 2024 12:30:00 GMT")], 1800),
    ([DATE, ("expires", "Wed, 01 May 2024 13:30:00 GMT")], 1800),
    ([("date", "nonsense"), ("expires", "Wed, 01 May 2024 12:30:00 GMT")], 1800),
    ([("cache-control", "s-maxage=600")], None),
    ([("cache-control", "no-cache, max-age=600")], None),
    ([("cache-control", "max-age=600, no-store")], None),
    ([("cache-control", "no-cache"), ("expires", "Wed, 01 May 2024 20:00:00 GMT")], None),
    ([("cache-control", "max-age=0")], None),
    ([("cache-control", "max-age=-1")], None),
    ([("cache-control", "max-age=soon")], None),
    ([("cache-control", "max-age=" + "9" * 40)], 366 * 86400),
    ([("expires", "0")], None),
    ([("expires", "-1")], None),
    ([("expires", "Thu, 01 Jan 1970 00:00:00 GMT")], None),
    ([("expires", "Fri, 31 Dec 9999 23:59:59 GMT")], 366 * 86400),
    ([], None),
])
def test_fresh(headers, expected):
    found = fresh(headers, NOW)
    assert (found.total_seconds() if found else None) == expected


@pytest.mark.parametrize(("headers", "expected"), [
    ([("retry-after", "120")], 120),
    ([("retry-after", " 120 ")], 120),
    ([("retry-after", "120.5")], 120.5),
    ([("retry-after", "0")], 0),
    ([("retry-after", "-1")], 0),
    ([("retry-after", "315360000")], 366 * 86400),
    ([("retry-after", "9" * 40)], 366 * 86400),
    ([("retry-after", "9" * 4000)], None),
    ([("retry-after", "NaN")], None),
    ([("retry-after", "inf")], None),
    ([("retry-after", "")], None),
    ([("retry-after", "soon")], None),
    ([], None),
    ([("retry-after", "Wed, 01 May 2024 12:10:00 GMT")], 600),
    ([DATE, ("retry-after", "Wed, 01 May 2024 13:10:00 GMT")], 600),
    ([DATE, ("retry-after", "Wed, 01 May 2024 12:10:00 GMT")], 0),
    ([("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], 0),
    ([("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], 366 * 86400),
])
def test_retry_after(headers, expected):
    found = retry_after(headers, NOW)
    assert (None if found is None else found.total_seconds()) == expected


# --- any run of outcomes ------------------------------------------------------------------------------------------

SPANS = st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=366)))
HINTS = st.builds(
    FeedHints, ttl=SPANS, update_period=SPANS, skip_hours=st.frozensets(st.integers(0, 23)), skip_days=st.frozensets(st.integers(0, 6)),
)
SUCCESSES = st.builds(
    Success, at=st.just(NOW), total=st.integers(0, 2000), new=st.integers(0, 2000), full=st.booleans(), changed=st.booleans(), etag=st.none() | st.text(max_size=3),
    last_modified=st.none(), body_hash=st.none(), fresh=SPANS, hints=HINTS, permanent_url=st.sampled_from([None, NEW]),
)
FAILURES = st.builds(
    Failure, at=st.just(NOW), reason=st.sampled_from(Reason), status=st.sampled_from([None, 404, 410, 429, 503]), retry_after=SPANS, detail=st.just(""),
    permanent_url=st.sampled_from([None, NEW]),
)
POLICIES = st.builds(Policy, every=st.sampled_from([None, timedelta(seconds=5), 10 * MINUTE, 90 * DAY]), validators=st.booleans())


@given(st.lists(st.tuples(st.one_of(SUCCESSES, FAILURES), st.timedeltas(-DAY, 40 * DAY), st.floats(0, 1)), max_size=12), POLICIES)
def test_every_run_is_polite(steps, policy):
    state, at = FeedState(), NOW
    for outcome, passed, jitter in steps:
        at += passed
        before, state = state, after(state, replace(outcome, at=at), policy, jitter)
        assert at < state.next_poll <= at + HORIZON
        assert state.retry_after is None or state.next_poll >= state.retry_after
        assert state.rate >= 0
        assert all(share >= 0 for share in state.rhythm)
        assert 0 <= state.news <= state.polls + 1e-9
        asks = isinstance(outcome, Success) and any((outcome.fresh, state.hints.ttl, state.hints.update_period))
        cheap = policy.validators and state.etag and state.news >= state.polls / 2 > 1
        if policy.every is None and isinstance(outcome, Success) and not asks and not cheap:
            assert state.next_poll >= at + HOUR
        if isinstance(outcome, Failure):
            assert state.failures > before.failures
            assert state.next_poll >= at + min(state.interval, HORIZON)


def test_a_feed_that_moved_is_polled_there_and_returns_when_the_new_address_is_gone() -> None:
    state = FeedState(permanent_url="https://new.example/feed", permanent_count=3)
    moved = schedule.moved(state)
    assert (moved.moved_to, moved.permanent_url, moved.permanent_count) == ("https://new.example/feed", None, 0)
    gone = schedule.Failure(datetime(2026, 3, 2, tzinfo=UTC), Reason.GONE, 410)
    back, outcome = schedule.returned(moved, gone)
    assert back.moved_to is None
    assert schedule.after(back, outcome, schedule.Policy(), 0.5).disabled is None
    assert schedule.returned(state, gone) == (state, gone)
    late = schedule.Failure(datetime(2026, 3, 2, tzinfo=UTC), Reason.TIMEOUT)
    assert schedule.returned(moved, late) == (moved, late)


# --- what a feed may bring, and how it names it ---------------------------------------------------------------------

def test_a_day_has_its_allowance_and_the_next_another():
    state = after(FeedState(), Success(NOW, total=30, new=30), Policy(), 0.0)
    state = after(state, Success(NOW + timedelta(minutes=5), total=30, new=12), Policy(), 0.0)
    assert allowance(state, NOW, 50) == 8
    assert allowance(state, NOW, 40) == 0
    assert allowance(state, NOW + timedelta(days=1), 40) == 40


def test_entries_that_are_left_are_said_and_the_document_is_read_again():
    before = after(FeedState(), Success(NOW, etag='"a"', body_hash="first"), Policy(), 0.0)
    state = after(before, Success(NOW, total=90, new=50, left=40, body_hash=""), Policy(), 0.0)
    assert (state.reason, state.etag, state.body_hash, state.failures) == ("quota", None, "first", 0.0)
    assert "40 more" in state.detail      # and the feed is well: nothing counts as a failure
    assert after(state, Success(NOW, total=90, new=40, body_hash="b"), Policy(), 0.0).reason is None


def test_a_feed_that_renames_most_of_its_entries_three_times_in_a_row_is_flagged():
    state = FeedState()
    for polls in range(1, 5):
        state = after(state, Success(NOW, total=10, new=6, renamed=6), Policy(), 0.0)
        assert (state.unstable, "unstable_ids" in (state.detail or "")) == (min(polls, UNSTABLE), polls >= UNSTABLE)
    unread = after(state, Success(NOW, full=False, changed=False), Policy(), 0.0)
    assert unread.unstable == UNSTABLE                   # a 304 says nothing of names
    assert after(state, Success(NOW, total=10, renamed=5), Policy(), 0.0).unstable == 0


def test_a_few_entries_say_nothing_of_how_a_feed_names_them():
    assert after(FeedState(), Success(NOW, total=3, new=3, renamed=3), Policy(), 0.0).unstable == 0


# --- since when an entry was not there ------------------------------------------------------------------------------

def at(minutes, **fields):
    return Success(NOW + minutes * MINUTE, total=10, **fields)


def after_all(*outcomes):
    state = FeedState()
    for outcome in outcomes:
        state = after(state, outcome, Policy(), 0.0)
    return state


@pytest.mark.parametrize(("outcomes", "since"), [
    ([], None),
    ([at(0)], 0),
    ([at(0), at(5)], 5),
    ([at(0), at(5, full=False, changed=False)], 5),                                # a 304
    ([at(0), at(5, whole=False)], 0),                                              # some entries were not read
    ([at(0), at(5, whole=False), at(9, whole=False)], 0),
    ([at(0), at(5, whole=False), at(9, full=False, changed=False)], 0),            # nor were they at the 304
    ([at(0), at(5, whole=False), at(9)], 9),
    ([at(0, whole=False)], None),
])
def test_an_entry_was_certainly_absent_when_the_document_was_last_read_whole(outcomes, since):
    state = after_all(*outcomes)
    assert absent(state, after(state, at(20), Policy(), 0.0)) == (None if since is None else NOW + since * MINUTE)


def test_patterns_that_were_changed_say_nothing_of_what_they_let_through_now():
    state = after_all(at(0, patterns="a"))
    assert absent(state, after(state, at(20, patterns="b"), Policy(), 0.0)) is None
    assert absent(state, after(state, at(20, patterns="a"), Policy(), 0.0)) == NOW


# --- while a hub pushes -------------------------------------------------------------------------------------------

BOUND = Push(since=NOW - DAY, until=NOW + 9 * DAY)


def pushing(state=QUIET, **fields):
    """A poll of a feed that was last polled an hour ago, while its hub is bound."""
    policy = fields.pop("policy", Policy(push=fields.pop("push", BOUND)))
    return polled(replace(state, last_success=NOW - HOUR), success(**fields), policy)


def test_a_feed_whose_hub_pushes_is_polled_slowly():
    assert wait(polled(replace(BUSY, last_success=NOW - HOUR), success(new=0))) < SLOW
    assert wait(pushing(BUSY)) == SLOW


@pytest.mark.parametrize(("policy", "expected"), [
    (Policy(push=BOUND, max=2 * HOUR), 2 * HOUR),
    (Policy(push=BOUND, every=10 * MINUTE), 10 * MINUTE),
    (Policy(push=replace(BOUND, until=NOW + 2 * HOUR)), 2 * HOUR),
], ids=["never more slowly than poll.max", "as often as a person said", "until the lease ends"])
def test_slowly_is(policy, expected):
    assert wait(pushing(BUSY, policy=policy)) == expected


def test_a_feed_that_is_slow_anyway_stays_so():
    assert wait(pushing(QUIET)) == wait(polled(replace(QUIET, last_success=NOW - HOUR))) > SLOW


def test_a_lease_that_has_lapsed_slows_nothing():
    usual = wait(polled(replace(BUSY, last_success=NOW - HOUR), success()))
    assert wait(pushing(BUSY, push=replace(BOUND, until=NOW))) == usual


def test_a_poll_that_finds_what_was_never_pushed_brings_the_usual_pace_back_until_a_push():
    lapse = pushing(BUSY, new=1)
    assert lapse.unpushed
    assert wait(lapse) < SLOW
    silent = polled(lapse, success(lapse.next_poll), Policy(push=BOUND))
    assert wait(silent) < SLOW
    spoken = replace(BOUND, last=silent.last_success + MINUTE, entries=1)
    trusted = polled(silent, success(silent.next_poll), Policy(push=spoken))
    assert not trusted.unpushed
    assert wait(trusted) == SLOW


def test_what_appeared_before_the_subscription_was_never_to_be_pushed():
    assert not pushing(BUSY, new=3, push=replace(BOUND, since=NOW - MINUTE)).unpushed


def test_what_was_pushed_is_the_pace_of_the_feed():
    by_poll = polled(replace(BUSY, last_success=NOW - HOUR), success(new=6))
    by_push = pushing(BUSY, new=0, push=replace(BOUND, last=NOW - MINUTE, entries=6))
    assert (by_push.rate, by_push.rhythm, by_push.news) == (by_poll.rate, by_poll.rhythm, by_poll.news)
    assert by_push.pushed == 6
    again = polled(by_push, success(NOW + HOUR), Policy(push=replace(BOUND, last=NOW - MINUTE, entries=6)))
    assert again.rate < by_push.rate


def test_another_subscription_counts_from_nothing():
    had = replace(BUSY, pushed=50)
    assert pushing(had, push=replace(BOUND, entries=6)).rate == pushing(BUSY, push=replace(BOUND, entries=6)).rate


@pytest.mark.parametrize(("full", "kept"), [(True, False), (False, True)], ids=["a new document", "a 304"])
def test_a_hub_is_forgotten_where_it_is_not_named_by(full, kept):
    known = replace(KNOWN, hub="https://hub.example/", topic="https://daily.example/")
    after_ = polled(known, success(full=full, changed=full))
    assert (after_.hub is not None) is (after_.topic is not None) is kept
