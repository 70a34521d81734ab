"""Leases: who may write, until when, what a wrong clock leaves behind, and what one host may cost."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crawler.adapters.store.tables import feeds
from crawler.core.types import Claim, FeedState, Origin
from crawler.errors import LeaseLostError
from crawler.ports import HostState

A, B = "https://a.example/feed", "https://b.example/feed"


async def test_a_renewed_lease_keeps_others_away(store, desk, make):
    await desk.add_feeds(A)
    (feed,) = await store.claim_feeds(make.START, make.LEASE, 9)
    half = make.START + make.LEASE / 2
    assert await store.renew("poll", {feed.id: feed.token}, half, make.LEASE) == set()
    due = make.START + timedelta(days=1)
    assert await store.claim_feeds(half + make.LEASE * 0.9, make.LEASE, 9, due=due) == []
    assert len(await store.claim_feeds(half + make.LEASE, make.LEASE, 9, due=due)) == 1


async def test_what_somebody_else_has_claimed_is_lost_and_not_renewed(store, desk, make):
    await desk.add_feeds(A, B)
    old = {feed.url: feed for feed in await store.claim_feeds(make.START, make.LEASE, 9)}
    later = make.START + timedelta(hours=2)
    (new,) = await store.claim_feeds(later, make.LEASE, 9, only=[old[A].id])
    tokens = {feed.id: feed.token for feed in old.values()}
    assert await store.renew("poll", {**tokens, 999_999: 1}, later, make.LEASE) == {new.id, 999_999}
    with pytest.raises(LeaseLostError, match="another worker"):
        await store.finish_poll(old[A], FeedState(), [], later)
    await store.finish_poll(new, FeedState(), [], later)


async def test_finished_work_is_neither_lost_nor_leased_again(store, desk, make):
    await desk.add_feeds(A)
    (feed,) = await store.claim_feeds(make.START, make.LEASE, 9)
    await store.finish_poll(feed, FeedState(next_poll=make.START), [make.seen("1")], make.START)
    assert await store.renew("poll", {feed.id: feed.token}, make.START, make.LEASE) == set()
    assert len(await store.claim_feeds(make.START, make.LEASE, 9)) == 1


@pytest.mark.parametrize("queue", ["collect", "judge"])
async def test_entries_and_articles_are_renewed_alike(queue, store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))

    async def claim(now):
        return await (store.claim_sightings if queue == "collect" else store.claim_unjudged)(now, make.LEASE, 9)

    if queue == "judge":
        await desk.collect(make.draft("1"))
    (one,) = await claim(make.START)
    half = make.START + make.LEASE / 2
    assert await store.renew(queue, {one.id: one.token}, half, make.LEASE) == set()
    assert await claim(make.START + make.LEASE) == []
    (again,) = await claim(half + make.LEASE)
    assert await store.renew(queue, {one.id: one.token, again.id: again.token}, half, make.LEASE) == set()
    assert await store.renew(queue, {one.id: one.token}, half, make.LEASE) == {one.id}


async def test_a_lease_from_a_clock_that_was_ahead_binds_nobody(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    assert len(await store.claim_sightings(make.START + timedelta(days=1), make.LEASE, 9)) == 1
    assert len(await store.claim_sightings(make.START, make.LEASE, 9)) == 1


async def test_no_feed_keeps_silent_for_as_long_as_the_clock_was_ahead(store, desk, make):
    ahead = make.START + timedelta(days=3650)
    asked = make.START + timedelta(days=20)
    await desk.add_feeds(A, B)
    await desk.poll(A, state=FeedState(next_poll=ahead))
    await desk.poll(B, state=FeedState(next_poll=asked, retry_after=asked))
    await store.pause_host("a.example", ahead)
    await store.reset_clock(make.START, timedelta(hours=6))
    first, second = await store.feeds()
    assert first.state.next_poll == make.START + timedelta(hours=27)   # a day's back-off may be right
    assert second.state.next_poll == asked                             # its server asked for it
    assert (await store.host("a.example")).pause_until == make.START + timedelta(days=31)


async def test_an_interval_that_a_person_set_survives_the_reset(store, desk, make):
    week = make.START + timedelta(days=7)
    await desk.add_feeds(A, every="7d")
    await desk.poll(A, state=FeedState(next_poll=week))
    await store.reset_clock(make.START, timedelta(hours=6))
    assert (await store.feeds())[0].state.next_poll == week


async def test_a_poll_after_the_clock_was_set_back_has_no_window(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A)
    desk.now -= timedelta(days=1)
    await store.reset_clock(desk.now, timedelta(hours=6))
    (feed,) = await store.claim_feeds(desk.now, make.LEASE, 9, due=make.START)
    await store.finish_poll(feed, FeedState(), [make.seen("1")], desk.now)
    (sighting,) = await desk.claim()
    assert (sighting.window.without, sighting.window.seen) == (None, desk.now)


async def test_one_host_never_takes_every_place(store, desk, make):
    slow = [f"https://slow.example/{n}" for n in range(30)]
    await desk.add_feeds(*slow, B)
    claimed = await store.claim_feeds(make.START, make.LEASE, 20)
    assert sorted(feed.url for feed in claimed) == sorted([*slow[:8], B])
    assert await store.claim_feeds(make.START, make.LEASE, 20) == []
    await store.finish_poll(claimed[0], FeedState(next_poll=make.START + timedelta(days=1)), [], make.START)
    assert [feed.url for feed in await store.claim_feeds(make.START, make.LEASE, 20)] == [slow[8]]


async def test_a_host_has_so_many_pages_on_one_day_and_as_many_on_the_next(store, make):
    assert [await store.take_page("a.example", make.START, 3) for _ in range(5)] == [True] * 3 + [False] * 2
    assert await store.take_page("b.example", make.START, 3)
    tomorrow = make.START.replace(hour=0, minute=0) + timedelta(days=1)
    assert not await store.take_page("a.example", tomorrow - timedelta(seconds=1), 3)
    assert [await store.take_page("a.example", tomorrow, 3) for _ in range(4)] == [True] * 3 + [False]


async def test_of_two_pauses_of_a_host_the_later_one_holds(store, make):
    later = make.START + timedelta(hours=1)
    await store.pause_host("a.example", later)
    await store.pause_host("a.example", make.START)
    await store.save_robots(HostState("a.example", None, b"x", 200, make.START))
    state = await store.host("a.example")
    assert (state.pause_until, state.robots) == (later, b"x")


async def test_an_entry_is_recognised_by_its_key_its_link_or_all_that_it_says(store, desk, make):
    said = {"title": "Transaction in Own Shares", "content": "Bought 1,000 shares."}
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1", **said), make.seen("2"))
    (feed,) = await store.feeds()
    link = make.seen("new key", "https://daily.example/2", title="Other")
    again, other = make.seen("another", **said), make.seen("9", title=said["title"], content="Bought 2,000 shares.")
    known = await store.recognise(feed, [make.seen("1"), link, again, other])
    assert (known.new, known.renamed) == ({"another", "9"}, {"new key", "another"})


async def test_a_feed_may_give_all_of_its_entries_new_keys_once(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    moved = make.seen("urn:1", "https://daily.example/1", link="https://daily.example/1")
    (feed,) = await store.feeds()
    assert (await store.recognise(feed, [moved])).renamed == {"urn:1"}
    await desk.poll(A, moved)
    assert (await store.recognise(feed, [moved])).renamed == set()


def slot(make, name, day):
    """The first place of a feed that numbers its places."""
    return make.seen("1", f"https://daily.example/{name}", title=name, claims=(Claim("published", Origin.FEED, day, None),))


async def test_a_feed_that_numbers_its_places_may_come_back_to_an_article(store, desk, make):
    await desk.add_feeds(A)
    for name, day in (("u1", "Mon"), ("u2", "Tue"), ("u1", "Mon"), ("u3", "Wed"), ("u1", "Mon"), ("u4", "Thu")):
        (feed,) = await store.feeds()
        new = (await store.recognise(feed, [slot(make, name, day)])).new
        assert len(new) == (await desk.poll(A, slot(make, name, day))).new     # what the quota counts is what is stored


async def test_a_lease_of_more_than_an_hour_is_one_like_any_other(store, desk, make):
    long = timedelta(hours=4)
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    assert len(await store.claim_sightings(make.START, long, 9)) == 1
    assert await store.claim_sightings(make.START + long / 2, long, 9) == []


async def test_what_somebody_is_writing_is_renewed_last_and_holds_up_no_other(store, second, desk, make):
    if not store.shared:
        return      # SQLite: there is one writer
    await desk.add_feeds(A, B)
    claimed = {feed.url: feed for feed in await store.claim_feeds(make.START, make.LEASE, 9)}
    half = make.START + make.LEASE / 2
    written, go_on = asyncio.Event(), asyncio.Event()

    async def write_for_long(connection):
        await connection.execute(sa.select(feeds).where(feeds.c.id == claimed[A].id).with_for_update())
        written.set()
        await go_on.wait()

    async def lease_of(url):
        return await second._db.read(lambda connection: connection.scalar(
            sa.select(feeds.c.lease_until).where(feeds.c.id == claimed[url].id)))

    writing = asyncio.create_task(second._db.write(write_for_long))
    await written.wait()
    renewing = asyncio.create_task(store.renew("poll", {feed.id: feed.token for feed in claimed.values()}, half, make.LEASE))
    async with asyncio.timeout(20):
        while await lease_of(B) != half + make.LEASE:
            assert not renewing.done()
    assert await lease_of(A) == make.START + make.LEASE
    go_on.set()
    await writing
    assert await renewing == set()
    assert await lease_of(A) == half + make.LEASE       # whoever is told that it is renewed may rely on it
