from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from crawler.core.types import Claim, FeedHints, FeedState, Origin, Window
from crawler.errors import LeaseLostError
from crawler.ports import HostState, PollStored
from crawler.settings import FeedConfig

A, B = "https://a.example/feed", "https://b.example/feed"


async def test_the_list_follows_the_configuration_and_keeps_the_state(store, desk, make):
    await desk.add_feeds(A, B)
    await desk.poll(A, state=FeedState(etag='W/"x"', next_poll=make.START + timedelta(hours=1)))

    await desk.add_feeds(B, A)
    assert [feed.url for feed in await store.feeds()] == [B, A]
    await desk.add_feeds(A)

    (feed,) = await store.feeds()
    assert (feed.source, feed.state.etag) == (f"Source of {A}", 'W/"x"')
    assert [feed.url for feed in await store.claim_feeds(make.START + timedelta(days=2), make.LEASE, 9)] == [A]


async def test_everything_of_a_state_comes_back(store, desk, make):
    at = make.START.replace(microsecond=123456)
    state = FeedState(
        etag='"é"', last_modified="yesterday", body_hash="00ff", last_poll=at, last_success=at, last_full=at,
        next_poll=at, retry_after=at, interval=timedelta(minutes=7, microseconds=1), polls=3, news=1.5, streak=-2,
        failures=0.25, reason="timeout", detail="after 30 s", entries=12, permanent_url="https://c.example/",
        hints=FeedHints(timedelta(hours=1), None, frozenset({0, 23}), frozenset({6})), permanent_count=2,
        disabled="410 Gone")
    await desk.add_feeds(A)
    await desk.poll(A, state=state)
    assert (await store.feeds())[0].state == state


async def test_a_configuration_comes_back_but_secrets_stay_in_the_process(store, second, make):
    config = FeedConfig(url=A, every="10m", language="en", tags=("world",), headers={"X-Key": SecretStr("hush")},
                        auth={"username": "u", "password": "hush"}, keep=("x",), validators=False)
    await store.sync_feeds([(config, "Daily")], make.START)

    assert (await store.feeds())[0].config == config
    (elsewhere,) = await second.feeds()
    assert elsewhere.config == FeedConfig(url=A, every="10m", language="en", tags=("world",), keep=("x",), validators=False)
    assert await second.claim_feeds(make.START, make.LEASE, 9) == []
    assert [feed.config for feed in await store.claim_feeds(make.START, make.LEASE, 9)] == [config]


async def test_a_claim_reserves_the_next_poll_before_anything_is_asked(store, desk, make):
    await store.sync_feeds([(FeedConfig(url=A, every="10m"), "A"), (FeedConfig(url=B), "B")], make.START)
    claimed = await store.claim_feeds(make.START, make.LEASE, 1) + await store.claim_feeds(make.START, make.LEASE, 1)
    assert [(feed.url, feed.state.next_poll) for feed in claimed] == [
        (A, make.START + timedelta(minutes=10)), (B, make.START + timedelta(minutes=30))]
    assert [feed.state.next_poll for feed in await store.feeds()] == [feed.state.next_poll for feed in claimed]
    assert await store.claim_feeds(make.START, make.LEASE, 9) == []


async def test_a_claim_that_is_never_finished_comes_back_at_its_time(store, desk, make):
    await desk.add_feeds(A)
    (lost,) = await store.claim_feeds(make.START, make.LEASE, 9)
    later = make.START + timedelta(minutes=30)
    (again,) = await store.claim_feeds(later, make.LEASE, 9)
    assert again.token > lost.token

    with pytest.raises(LeaseLostError, match="nothing was written"):
        await store.finish_poll(lost, FeedState(etag="late"), [make.seen("1")], later)
    assert await store.finish_poll(again, FeedState(), [], later) == PollStored(0, 0, 0)
    assert (await store.feeds())[0].state.etag is None
    assert await store.claim_sightings(later, make.LEASE, 9) == []


async def test_one_claim_at_a_time_even_where_somebody_wishes(store, desk, make):
    await desk.add_feeds(A)
    await store.claim_feeds(make.START, make.LEASE, 9)
    assert await store.make_due(None, make.START) == 1
    assert await store.claim_feeds(make.START, make.LEASE, 9) == []
    assert len(await store.claim_feeds(make.START + make.LEASE, make.LEASE, 9)) == 1


@pytest.mark.parametrize("state", [
    FeedState(disabled="410 Gone"), FeedState(retry_after=FeedState().interval),
])
async def test_a_wish_does_not_override_the_servers_word(store, desk, make, state):
    if state.retry_after is not None:
        state = replace(state, retry_after=make.START + make.MINUTE)
    await desk.add_feeds(A, B)
    for url, after in ((A, state), (B, FeedState())):
        await desk.poll(url, state=replace(after, next_poll=make.START + timedelta(hours=1)))
    ids = [feed.id for feed in await store.feeds()]
    assert await store.make_due(ids, make.START) == 1
    assert [feed.url for feed in await store.claim_feeds(make.START, make.LEASE, 9)] == [B]


async def test_a_paused_host_is_left_alone(store, desk, make):
    await desk.add_feeds(A, B)
    await store.pause_host("a.example", make.START + make.MINUTE)
    assert await store.make_due(None, make.START) == 1
    assert [feed.url for feed in await store.claim_feeds(make.START, make.LEASE, 9)] == [B]
    assert [feed.url for feed in await store.claim_feeds(make.START + make.MINUTE, make.LEASE, 9)] == [A]


async def test_a_time_far_ahead_is_clamped_when_the_list_is_read(store, desk, make):
    far = make.START + timedelta(days=3650)
    await desk.add_feeds(A)
    await desk.poll(A, state=FeedState(next_poll=far, retry_after=far))
    await desk.add_feeds(A)
    (feed,) = await store.feeds()
    assert feed.state.next_poll == feed.state.retry_after == make.START + timedelta(days=31)


async def test_hosts(store, make):
    assert await store.host("a.example") == HostState("a.example")
    state = HostState("a.example", make.START, b"User-agent: *\x00\xff", 200, make.START)
    await store.pause_host("a.example", make.START)
    await store.save_robots(state)
    await store.save_robots(replace(state, robots_status=0))
    assert await store.host("a.example") == replace(state, robots_status=0)


async def test_new_entries_wait_with_the_window_of_their_poll(store, desk, make):
    await desk.add_feeds(A, tags=("world",))
    assert await desk.poll(A, make.seen("1")) == PollStored(1, 0, 0)
    desk.now += make.MINUTE
    assert await desk.poll(A, make.seen("1"), make.seen("2")) == PollStored(1, 1, 0)

    first, other = await desk.claim()
    assert (first.window, other.window) == (Window(None, make.START), Window(make.START, desk.now))
    assert (first.purpose, first.feed_url, first.source, first.tags) == ("entry", A, f"Source of {A}", ("world",))
    assert (first.entry, first.url) == (make.entry("1"), "https://daily.example/1")
    known = await store.recognise((await store.feeds())[0], [make.seen("1"), make.seen("2"), make.seen("3")])
    assert (known.new, known.renamed) == ({"3"}, set())


async def test_only_a_successful_poll_counts_as_without(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A)
    desk.now += make.MINUTE
    await desk.poll(A, state=FeedState(last_poll=desk.now, last_success=make.START, reason="timeout"))
    desk.now += make.MINUTE
    await desk.poll(A, make.seen("1"))
    assert [sighting.window for sighting in await desk.claim()] == [Window(make.START, desk.now)]


async def test_a_document_that_repeats_an_entry_brings_it_once(store, desk, make):
    await desk.add_feeds(A)
    twice = [make.seen("1"), make.seen("1"), make.seen("other key", "https://daily.example/1")]
    assert await desk.poll(A, *twice) == PollStored(1, 2, 0)
    desk.now += make.MINUTE
    assert await desk.poll(A, *twice) == PollStored(0, 3, 0)


async def test_a_key_under_another_link_is_an_alias_and_the_other_way_round(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"), make.seen("2"))
    await desk.collect(make.draft("1"))
    new_link, new_key = make.seen("1", "https://daily.example/one"), make.seen("II", "https://daily.example/2", title="Title of 2")
    assert await desk.poll(A, new_link, new_key) == PollStored(0, 2, 0)

    assert await store.article_at("https://daily.example/one") == "a1"
    (left,) = await desk.claim()
    assert left.url == "https://daily.example/2"


async def test_an_alias_that_came_while_it_waited_is_known_afterwards(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    await desk.poll(A, make.seen("1", "https://daily.example/one"))
    await desk.collect(make.draft("1"))
    assert await store.article_at("https://daily.example/one") == "a1"


async def test_a_feed_with_a_new_link_at_each_poll_does_not_grow(store, desk, make):
    await desk.add_feeds(A)
    for number in range(12):
        await desk.poll(A, make.seen("1", f"https://daily.example/1?at={number}"))
    (sighting,) = await desk.claim()
    await store.save_article(make.draft("1"), sighting, desk.now)
    found = [await store.article_at(f"https://daily.example/1?at={number}") for number in range(12)]
    assert found == ["a1"] * 9 + [None] * 3


def dated(make, key, link, title, day):
    return make.seen(key, link, title=title, claims=(Claim("published", Origin.FEED, day, None),))


async def test_a_key_given_to_another_article_brings_that_article(store, desk, make):
    """A feed that numbers its places: link, title and date are all different."""
    await desk.add_feeds(A)
    await desk.poll(A, dated(make, "1", "https://daily.example/fire", "Fire", "Mon"))
    await desk.collect(make.draft("fire"))
    desk.now += make.MINUTE
    news = dated(make, "1", "https://daily.example/flood", "Flood", "Tue")
    assert await desk.poll(A, news) == PollStored(1, 0, 0)
    assert await desk.poll(A, news) == PollStored(0, 1, 0)
    assert await store.article_at("https://daily.example/flood") is None
    (sighting,) = await desk.claim()
    assert (sighting.purpose, sighting.url, sighting.window) == (
        "entry", "https://daily.example/flood", Window(make.START, desk.now))
    assert len((await store.article("afire")).sightings) == 1


@pytest.mark.parametrize("changed", [
    {"title": "Another"}, {"content": "<p>Longer</p>"}, {"claims": (Claim("modified", Origin.FEED, "Tue", None),)},
])
async def test_a_known_entry_that_says_something_else_is_visited_again(store, desk, make, changed):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    await desk.collect(make.draft("1"))
    desk.now += make.MINUTE
    assert await desk.poll(A, make.seen("1", summary="counts for nothing")) == PollStored(0, 1, 0)
    assert await desk.poll(A, make.seen("1", **changed)) == PollStored(0, 1, 1)

    (sighting,) = await desk.claim()
    assert (sighting.purpose, sighting.article, sighting.window) == ("revisit", "a1", Window(None, make.START))
    assert sighting.entry == make.entry("1", **changed)


async def test_an_entry_that_changes_at_every_poll_is_not_fetched_at_every_poll(store, desk, make):
    await desk.add_feeds(A)
    visits = 0
    for number in range(24):       # a day, every hour
        await desk.poll(A, make.seen("1", content=f"{number} comments"))
        for sighting in await desk.claim():
            visits += 1
            await store.save_article(make.draft("1"), sighting, desk.now)
        desk.now += timedelta(hours=1)
    assert visits == 8


async def test_a_change_before_collecting_is_collected_once_as_it_last_was(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    assert await desk.poll(A, make.seen("1", title="Better")) == PollStored(0, 1, 0)
    assert [(one.purpose, one.entry.title) for one in await desk.claim()] == [("entry", "Better")]
