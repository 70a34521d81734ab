"""What hubs were asked, what they answered, and what they pushed: the window of a pushed entry, and nothing of absence."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.core.types import Entry, FeedState, Push
from crawler.errors import LeaseLostError
from crawler.ports import HubSaid, PollStored

A, B = "https://a.example/feed", "https://b.example/feed"
HUB, OTHER_HUB, BASE, OTHER_BASE = "https://hub.example/", "https://other.example/", "https://us.example", "https://we.example"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def naming(now, hub=HUB, topic=A, **more):
    """The state of a feed whose last document named a hub."""
    return FeedState(**{"last_poll": now, "last_success": now, "next_poll": now, "hub": hub, "topic": topic, **more})


async def claim(store, now, make):
    return await store.claim_subscriptions(now, make.LEASE, 9)


@pytest.fixture
async def asked(store, desk, make):
    """The subscription of one feed, whose hub has been asked and has answered 202."""
    await desk.add_feeds(A)
    await desk.poll(A, state=naming(desk.now))
    assert await store.sync_subscriptions(BASE, desk.now) == 1
    (one,) = await claim(store, desk.now, make)
    await store.finish_asking(one, None, desk.now + HOUR)
    return one


@pytest.fixture
async def verified(store, desk, asked):
    assert await store.hear_hub(asked.path, HubSaid("subscribe", A, 3 * DAY), desk.now)
    return asked


async def test_a_feed_that_names_a_hub_is_subscribed_once(store, second, desk, make):
    await desk.add_feeds(A, B)
    await desk.poll(A, state=naming(desk.now))
    changed = await asyncio.gather(store.sync_subscriptions(BASE, desk.now), second.sync_subscriptions(BASE, desk.now))
    assert sorted(changed) == [0, 1]
    both = await asyncio.gather(claim(store, desk.now, make), claim(second, desk.now, make))
    (one,) = [one for found in both for one in found]
    assert (one.hub, one.topic, one.mode, one.callback) == (HUB, A, "subscribe", f"{BASE}/websub/{one.path}")
    assert len(one.path) == 43
    assert len(one.secret) == 64
    assert await store.subscription(one.path) is not None
    assert await store.subscription(one.path.swapcase()) is None


@pytest.mark.long
async def test_two_subscriptions_share_no_secret(store, desk, make):
    await desk.add_feeds(A, B)
    for url in (A, B):
        await desk.poll(url, state=naming(desk.now, topic=url))
    await store.sync_subscriptions(BASE, desk.now)
    one, other = await claim(store, desk.now, make)
    assert one.path != other.path
    assert one.secret != other.secret


@pytest.mark.parametrize(("said", "heard"), [
    (HubSaid("subscribe", A, DAY), True), (HubSaid("subscribe", B, DAY), False), (HubSaid("unsubscribe", A), False),
    (HubSaid("denied", A, reason="too many"), True), (HubSaid("denied", B), False),
], ids=["what was asked for is confirmed", "another topic is not", "leaving, which nobody asked for, is not",
        "that it denies is heard", "that it denies another topic is not"])
async def test_of_what_a_hub_says(store, asked, desk, said, heard):
    assert await store.hear_hub(asked.path, said, desk.now) is heard
    found = await store.subscription(asked.path)
    assert (found.until is not None) is (heard and said.mode == "subscribe")
    if said.mode == "denied" and heard:
        assert (found.error, found.due) == ("denied by the hub: too many", desk.now + 7 * DAY)


@pytest.mark.long
async def test_a_callback_that_nobody_was_given_confirms_nothing(store, asked, desk):
    assert not await store.hear_hub("x" * 43, HubSaid("subscribe", A, DAY), desk.now)
    assert (await store.subscription(asked.path)).since is None


async def test_a_hub_may_verify_before_it_answers(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, state=naming(desk.now))
    await store.sync_subscriptions(BASE, desk.now)
    (one,) = await claim(store, desk.now, make)
    assert await store.hear_hub(one.path, HubSaid("subscribe", A, 3 * DAY), desk.now)
    await store.finish_asking(one, None, desk.now + HOUR)
    found = await store.subscription(one.path)
    assert (found.until, found.due, found.attempts) == (desk.now + 3 * DAY, desk.now + 2 * DAY, 0)


async def test_a_hub_that_agrees_and_never_verifies_is_asked_again(store, asked, desk, make):
    assert await claim(store, desk.now + HOUR / 2, make) == []
    (again,) = await claim(store, desk.now + HOUR, make)
    assert (again.path, again.secret, again.attempts) == (asked.path, asked.secret, 1)


@pytest.mark.parametrize(("lease", "until", "due"), [
    (3 * DAY, 3 * DAY, 2 * DAY), (timedelta(seconds=5), timedelta(seconds=5), 10 * MINUTE), (4000 * DAY, 31 * DAY, 62 * DAY / 3),
], ids=["of three days is renewed after two", "of seconds is no reason to ask all the time", "of years is not believed"])
async def test_a_lease(store, asked, desk, lease, until, due):
    await store.hear_hub(asked.path, HubSaid("subscribe", A, lease), desk.now)
    found = await store.subscription(asked.path)
    assert (found.until, found.due) == (desk.now + until, desk.now + due)


async def test_while_a_hub_is_bound_a_claimed_feed_says_so(store, verified, desk, make):
    (feed,) = await store.claim_feeds(desk.now + HOUR, make.LEASE, 9)
    assert feed.push == Push(desk.now, desk.now + 3 * DAY)
    (feed,) = await store.claim_feeds(desk.now + 3 * DAY, make.LEASE, 9)
    assert feed.push is None


async def test_a_renewal_goes_on_from_the_first_verification_and_a_lapse_begins_anew(store, verified, desk):
    await store.hear_hub(verified.path, HubSaid("subscribe", A, 3 * DAY), desk.now + 2 * DAY)
    assert (await store.subscription(verified.path)).since == desk.now
    await store.hear_hub(verified.path, HubSaid("subscribe", A, 3 * DAY), desk.now + 9 * DAY)
    assert (await store.subscription(verified.path)).since == desk.now + 9 * DAY


async def leave_by_another_hub(desk):
    await desk.poll(A, state=naming(desk.now, OTHER_HUB))


async def leave_by_no_hub(desk):
    await desk.poll(A, state=naming(desk.now, None, None))


async def leave_by_another_topic(desk):
    await desk.poll(A, state=naming(desk.now, topic=B))


async def leave_by_removing_the_feed(desk):
    await desk.add_feeds(B)


async def leave_by_a_feed_that_is_gone(desk):
    await desk.poll(A, state=naming(desk.now, disabled="410 Gone"))


async def stay(_desk):
    pass


@pytest.mark.parametrize(("leave", "base", "joins"), [
    (leave_by_another_hub, BASE, True), pytest.param(leave_by_no_hub, BASE, False, marks=pytest.mark.long),
    pytest.param(leave_by_another_topic, BASE, True, marks=pytest.mark.long), (leave_by_removing_the_feed, BASE, False),
    pytest.param(leave_by_a_feed_that_is_gone, BASE, False, marks=pytest.mark.long), (stay, OTHER_BASE, True),
], ids=["another hub", "no hub any more", "another topic", "a feed that was removed", "a feed that is gone", "another address of ours"])
async def test_a_subscription_is_left_for(store, verified, desk, make, leave, base, joins):
    desk.now += MINUTE
    await leave(desk)
    assert await store.sync_subscriptions(base, desk.now) == 1 + joins
    assert await store.sync_subscriptions(base, desk.now) == 0
    found = {one.mode: one for one in await claim(store, desk.now, make)}
    assert set(found) == {"unsubscribe", "subscribe"} if joins else {"unsubscribe"}
    old = found["unsubscribe"]
    assert (old.path, old.callback) == (verified.path, verified.callback)
    assert not await store.hear_hub(old.path, HubSaid("subscribe", A, DAY), desk.now)
    assert await store.put_push(old.path, b"x", None, desk.now) == "unknown"
    assert await store.hear_hub(old.path, HubSaid("unsubscribe", A), desk.now)
    await store.finish_asking(old, None, desk.now + HOUR)
    assert await store.subscription(old.path) is None


@pytest.mark.long
async def test_a_hub_that_lets_nobody_go_is_forgotten(store, verified, desk, make):
    await leave_by_no_hub(desk)
    await store.sync_subscriptions(BASE, desk.now)
    (old,) = await claim(store, desk.now, make)
    await store.finish_asking(old, "http_5xx: HTTP 500", None)
    assert await store.subscription(old.path) is None


@pytest.mark.long
async def test_a_feed_that_names_another_hub_at_each_poll_leaves_few_behind(store, desk, make):
    await desk.add_feeds(A)
    for number in range(7):
        await desk.poll(A, state=naming(desk.now, f"https://hub{number}.example/"))
        await store.sync_subscriptions(BASE, desk.now)
        for one in await claim(store, desk.now, make):
            await store.finish_asking(one, None, desk.now + HOUR)
    left = await claim(store, desk.now + 2 * HOUR, make)
    assert sorted(one.mode for one in left) == ["subscribe", *["unsubscribe"] * 4]


async def test_a_subscription_that_was_claimed_again_is_lost(store, asked, desk, make):
    (late,) = await claim(store, desk.now + HOUR, make)
    (again,) = await claim(store, desk.now + 2 * HOUR, make)
    with pytest.raises(LeaseLostError, match="another worker"):
        await store.finish_asking(late, None, desk.now)
    await store.finish_asking(again, None, desk.now + 3 * HOUR)


# --- what was pushed ------------------------------------------------------------------------------------------------


async def pushed(store, desk, make, path, *entries, body=b"<rss/>", patterns=""):
    """The hub distributes a document, and it is read."""
    kept = await store.put_push(path, body, "application/rss+xml", desk.now)
    found = await store.claim_pushes(desk.now, make.LEASE, 9)
    return kept, [await store.finish_push(one, entries, patterns) for one in found]


async def waiting(desk):
    return {one.entry.key: one for one in await desk.claim()}


async def test_a_pushed_entry_appeared_after_the_last_poll_and_before_the_push(store, verified, desk, make):
    last = desk.now
    desk.now += 10 * MINUTE
    assert await pushed(store, desk, make, verified.path, make.seen("1")) == ("stored", [PollStored(1, 0, 0)])
    found = (await waiting(desk))["1"]
    assert (found.window.without, found.window.seen) == (last, desk.now)


@pytest.mark.parametrize(("state", "without"), [
    ({"whole": False, "last_whole": None}, None), ({"patterns": "other"}, None),
], ids=["cut off", "chosen by other patterns"])
async def test_a_poll_that_says_nothing_of_absence_bounds_no_push(store, verified, desk, make, state, without):
    await desk.poll(A, state=naming(desk.now, **state))
    desk.now += MINUTE
    await pushed(store, desk, make, verified.path, make.seen("1"))
    assert (await waiting(desk))["1"].window.without is without


async def test_a_push_moves_nothing_that_a_poll_knows(store, verified, desk, make):
    async def standing():
        (feed,) = await store.feeds()
        return feed.state, feed.token

    before = await standing()
    desk.now += 10 * MINUTE
    await pushed(store, desk, make, verified.path, make.seen("1"))
    assert await standing() == before
    desk.now += MINUTE
    await desk.poll(A, make.seen("2"), state=naming(desk.now))
    assert (await waiting(desk))["2"].window.without == before[0].last_success


async def test_an_entry_that_was_pushed_and_polled_is_one(store, verified, desk, make):
    desk.now += MINUTE
    await pushed(store, desk, make, verified.path, make.seen("1"))
    seen = desk.now
    desk.now += MINUTE
    assert await desk.poll(A, make.seen("1"), make.seen("2"), state=naming(desk.now)) == PollStored(1, 1, 0)
    assert await pushed(store, desk, make, verified.path, make.seen("2"), body=b"other") == ("stored", [PollStored(0, 1, 0)])
    assert (await waiting(desk))["1"].window.seen == seen


async def test_a_push_while_the_feed_is_polled_neither_loses_nor_doubles(store, second, verified, desk, make):
    desk.now += MINUTE
    (feed,) = await store.claim_feeds(desk.now, make.LEASE, 9)
    await store.put_push(verified.path, b"<rss/>", None, desk.now)
    (push,) = await second.claim_pushes(desk.now, make.LEASE, 9)
    shared = [make.seen(str(number)) for number in range(20)]
    done = await asyncio.gather(
        store.finish_poll(feed, naming(desk.now), [*shared, make.seen("polled")], desk.now),
        second.finish_push(push, [*shared, make.seen("pushed")], ""))
    assert sum(one.new for one in done) == 22
    assert (await store.backlog(desk.now)).entries == 22
    (after,) = await store.feeds()
    assert after.state.last_success == desk.now


async def test_what_was_pushed_is_told_to_the_next_poll(store, verified, desk, make):
    desk.now += MINUTE
    await pushed(store, desk, make, verified.path, make.seen("1"), make.seen("2"))
    (feed,) = await store.claim_feeds(desk.now, make.LEASE, 9)
    assert (feed.push.entries, feed.push.last) == (2, desk.now)


async def test_new_entries_are_counted_by_the_day(store, verified, desk, make):
    counts = []
    for at, day in enumerate((timedelta(0), timedelta(0), DAY)):
        desk.now += day
        await store.put_push(verified.path, b"%d" % at, None, desk.now)
        (one,) = await store.claim_pushes(desk.now, make.LEASE, 9)
        counts.append(one.today)
        await store.finish_push(one, [make.seen(f"{at}a"), make.seen(f"{at}b")], "")
    assert counts == [0, 2, 0]


async def test_the_same_document_again_is_not_kept(store, verified, desk, make):
    assert (await pushed(store, desk, make, verified.path, make.seen("1")))[0] == "stored"
    assert await pushed(store, desk, make, verified.path, make.seen("1")) == ("repeated", [])


async def test_few_documents_of_one_hub_wait_at_once(store, verified, desk, make):
    assert [await store.put_push(verified.path, b"%d" % number, None, desk.now) for number in range(6)] == [
        *["stored"] * 4, *["full"] * 2]
    (first,) = await store.claim_pushes(desk.now, make.LEASE, 9)
    assert (first.body, first.at, first.feed.url) == (b"0", desk.now, A)
    assert await store.claim_pushes(desk.now, make.LEASE, 9) == []     # one of a feed at a time, in order
    await store.finish_push(first, [], "")
    assert [one.body for one in await store.claim_pushes(desk.now, make.LEASE, 9)] == [b"1"]


async def test_a_document_that_was_claimed_again_is_lost(store, second, verified, desk, make):
    await store.put_push(verified.path, b"x", None, desk.now)
    (late,) = await store.claim_pushes(desk.now, make.LEASE, 9)
    (again,) = await second.claim_pushes(desk.now + 2 * make.LEASE, make.LEASE, 9)
    with pytest.raises(LeaseLostError, match="another worker"):
        await store.finish_push(late, [make.seen("1")], "")
    assert await second.finish_push(again, [make.seen("1")], "") == PollStored(1, 0, 0)
    assert len(await waiting(desk)) == 1


@pytest.mark.parametrize("how", ["never verified", "unknown"])
async def test_nothing_is_kept_of_a_subscription(store, asked, desk, how):
    path = asked.path if how == "never verified" else "x" * 43
    assert await store.put_push(path, b"x", None, desk.now) == "unknown"


async def test_what_was_pushed_to_a_feed_that_was_removed_is_dropped(store, verified, desk, make):
    await store.put_push(verified.path, b"x", None, desk.now)
    await desk.add_feeds(B)
    assert await store.claim_pushes(desk.now, make.LEASE, 9) == []
    await desk.add_feeds(A)
    assert await store.claim_pushes(desk.now, make.LEASE, 9) == []


@pytest.mark.long
async def test_an_entry_that_says_something_else_is_collected_again(store, verified, desk, make):
    await desk.poll(A, make.seen("1"), state=naming(desk.now))
    await desk.collect(make.draft("1"))
    desk.now += HOUR
    changed = replace(make.seen("1"), entry=Entry("1", "https://daily.example/1", "Another title"))
    assert await pushed(store, desk, make, verified.path, changed) == ("stored", [PollStored(0, 1, 1)])
    assert (await waiting(desk))["1"].purpose == "revisit"
