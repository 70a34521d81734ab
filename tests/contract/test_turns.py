"""Turns at a host, and who asks for its robots.txt: the limits of a host hold over all that share the store."""

import asyncio
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from crawler.ports import HostState

SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=1)


async def test_starts_at_a_host_are_a_delay_apart_whoever_asks(store, second, make):
    turns = [await one.take_turn("a.example", make.START, SECOND, 9, LEASE) for one in (store, second, store)]
    assert [turn.start - make.START for turn in turns] == [SECOND * n for n in range(3)]
    assert (await second.take_turn("b.example", make.START, SECOND, 9, LEASE)).start == make.START


async def test_the_longer_of_two_delays_holds_whoever_knows_it(store, second, make):
    starts = [(await one.take_turn("a.example", make.START, delay, 9, LEASE)).start - make.START
              for one, delay in ((store, SECOND), (second, 9 * SECOND), (store, SECOND))]
    assert starts == [0 * SECOND, 9 * SECOND, 18 * SECOND]


async def test_so_many_at_once_and_no_more_until_one_ends_or_its_lease_does(store, second, make):
    first = await store.take_turn("a.example", make.START, SECOND, 2, LEASE)
    await second.take_turn("a.example", make.START, SECOND, 2, LEASE)
    full = await store.take_turn("a.example", make.START, SECOND, 2, LEASE)
    assert (full.id, full.start) == (None, make.START + 2 * SECOND)
    await second.end_turn(first)
    assert (await store.take_turn("a.example", make.START, SECOND, 2, LEASE)).id is not None
    assert (await store.take_turn("a.example", make.START, SECOND, 2, LEASE)).id is None
    later = make.START + LEASE + 3 * SECOND
    assert (await store.take_turn("a.example", later, SECOND, 2, LEASE)).start == later


async def test_turns_of_a_clock_that_was_ahead_hold_nobody_up(store, make):
    for _ in range(2):
        await store.take_turn("a.example", make.START + timedelta(days=1), SECOND, 2, LEASE)
    turn = await store.take_turn("a.example", make.START, SECOND, 2, LEASE)
    assert (turn.id is not None, turn.start) == (True, make.START)


async def test_a_turn_far_ahead_is_not_taken_for_one_of_a_wrong_clock_by_whoever_knows_no_delay(store, second, make):
    for _ in range(3):
        await store.take_turn("a.example", make.START, 5 * make.MINUTE, 3, LEASE)
    assert (await second.take_turn("a.example", make.START, SECOND, 3, LEASE)).id is None


async def test_of_many_that_ask_at_once_no_two_get_the_same_start(store, second, make):
    turns = await asyncio.gather(*(one.take_turn("a.example", make.START, SECOND, 6, LEASE) for one in (store, second) * 6))
    given_ = sorted(turn.start - make.START for turn in turns if turn.id is not None)
    assert given_ == [SECOND * n for n in range(6)]


@settings(max_examples=15)
@given(steps=some.lists(some.tuples(some.integers(0, 40), some.integers(0, 5), some.booleans()), max_size=12))
async def test_no_two_starts_are_closer_than_the_delay_and_never_more_are_in_flight(sqlite_url, make, steps):
    """SQLite alone: what is computed is the same, and a hundred databases are soon emptied."""
    async with make.opened(sqlite_url) as store:
        await make.empty(store)
        now, flying, starts = make.START, [], []
        for wait, delay, ends in steps:
            now += timedelta(seconds=wait)
            flying = [turn for turn in flying if turn.start + LEASE > now]
            if ends and flying:
                await store.end_turn(flying.pop(0))
            turn = await store.take_turn("a.example", now, timedelta(seconds=delay), 2, LEASE)
            if turn.id is None:
                assert len(flying) == 2
                continue
            assert turn.start >= now
            own = timedelta(seconds=delay)
            assert all(turn.start >= before + max(own, least) for before, least in starts[-1:])
            starts.append((turn.start, own))
            flying.append(turn)
            assert len(flying) <= 2


async def test_one_asks_for_a_robots_txt_and_the_others_wait(store, second, make):
    assert await store.take_robots("a.example", make.START, LEASE)
    assert not await second.take_robots("a.example", make.START + LEASE / 2, LEASE)
    await store.save_robots(HostState("a.example", None, b"x", 200, make.START))
    assert await second.take_robots("a.example", make.START + LEASE / 2, LEASE)
    assert await store.take_robots("a.example", make.START + 2 * LEASE, LEASE)     # whoever asked has died


async def test_the_next_poll_is_that_of_the_first_feed_that_may_be_asked(store, desk, make):
    assert await store.next_poll() is None
    await desk.add_feeds("https://a.example/feed", "https://b.example/feed", every="10m")
    await store.claim_feeds(make.START, make.LEASE, 1)
    await store.claim_feeds(make.START + make.MINUTE, make.LEASE, 1)
    assert await store.next_poll() == make.START + 10 * make.MINUTE


async def test_all_that_work_on_a_store_have_its_time(store, second):
    before, between, after = await store.time(), await second.time(), await store.time()
    assert before <= between <= after
    assert before.tzinfo is not None
