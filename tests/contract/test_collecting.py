import asyncio
import hashlib
from datetime import timedelta

import pytest

from crawler.core.types import Attribution, AttributionKind, Claim, Origin, Reservation, Window
from crawler.errors import LeaseLostError, StoreError
from crawler.ports import Saved

A, B = "https://a.example/feed", "https://b.example/feed"
CLAIM = Claim("published", Origin.FEED, "Mon", None)
NAMES = Attribution(AttributionKind.NAMES_SOURCE, "Wire", "https://wire.example/1", where="body")


async def test_claims_are_spread_over_hosts_and_then_the_oldest_first(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, *(make.seen(f"{n}", f"https://{host}.example/{n}") for n, host in enumerate("xxxyyz")))
    assert [one.url[8] + one.entry.key for one in await desk.claim(4)] == ["x0", "y3", "z5", "x1"]
    assert [one.url[8] + one.entry.key for one in await desk.claim(9)] == ["y4", "x2"]   # two of x are out already
    assert await desk.claim() == []


async def test_a_host_has_sixteen_out_at_most(store, second, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, *(make.seen(f"{n}", f"https://slow.example/{n}") for n in range(20)))
    taken = [*await desk.claim(12), *await second.claim_sightings(desk.now, make.LEASE, 12)]
    assert [one.entry.key for one in taken] == [str(n) for n in range(16)]
    await store.fail_sighting(taken[3], "timeout", "", None, desk.now)
    assert [one.entry.key for one in await desk.claim()] == ["16"]
    desk.now += make.LEASE
    assert len(await desk.claim()) == 16


async def test_a_crash_between_claim_and_finish_loses_nothing(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    (lost,) = await desk.claim()
    desk.now += make.LEASE
    (again,) = await desk.claim()
    assert (lost.attempts, again.attempts) == (0, 0)    # dying says nothing of the page, which is given up after some
    assert again.token > lost.token

    for late in (store.save_article(make.draft("1"), lost, desk.now), store.attach(lost, "a1", desk.now),
                 store.fail_sighting(lost, "timeout", "", None, desk.now)):
        with pytest.raises(LeaseLostError):
            await late
    assert await store.article_at("https://daily.example/1") is None
    assert await store.save_article(make.draft("1"), again, desk.now) == Saved("a1", "new")
    with pytest.raises(LeaseLostError):
        await store.save_article(make.draft("1"), again, desk.now)


async def test_two_workers_share_the_queue(store, second, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, *(make.seen(str(n), f"https://h{n % 7}.example/{n}") for n in range(60)))
    taken = await asyncio.gather(*(one.claim_sightings(desk.now, make.LEASE, 10) for one in (store, second) * 3))
    ids = [sighting.id for part in taken for sighting in part]
    assert len(ids) == len(set(ids)) == 60


async def test_a_failure_waits_for_its_time_and_is_given_up_at_last(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    (sighting,) = await desk.claim()
    await store.fail_sighting(sighting, "timeout", "after 30 s", desk.now + make.MINUTE, desk.now)
    assert (await store.backlog(desk.now)).entries == 0
    assert await desk.claim() == []
    desk.now += make.MINUTE
    assert (await store.backlog(desk.now)).entries == 1
    (sighting,) = await desk.claim()
    await store.fail_sighting(sighting, "http_4xx", "404", None, desk.now)
    desk.now += timedelta(days=365)
    assert await desk.claim() == []


async def test_what_is_postponed_waits_and_has_not_failed(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    (sighting,) = await desk.claim()
    await store.postpone(sighting, desk.now + make.MINUTE, "rate_limited", "the host asked for quiet")
    assert await desk.claim() == []
    desk.now += make.MINUTE
    (again,) = await desk.claim()
    assert again.attempts == 0
    with pytest.raises(LeaseLostError):
        await store.postpone(sighting, desk.now, "rate_limited", "a late writer")


async def test_an_article_as_stored(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A)
    desk.now += make.MINUTE
    await desk.poll(A, make.seen("1", claims=(CLAIM,), attributions=(NAMES,)))
    page = {"claims": (Claim("published", Origin.JSON_LD, "x", make.START), CLAIM), "walls": ("short",),
            "reservations": (Reservation("robots noai", "noai"),)}
    await desk.collect(make.draft("1", aliases=("https://daily.example/amp/1",), fetched=desk.now + make.MINUTE, **page))

    stored = await store.article("a1")
    one = stored.article
    assert (one.url, one.source, one.title, one.text, one.language) == (
        "https://daily.example/1", "Daily", "Title of 1", "The text of 1.\nIts second paragraph.", "en")
    assert (one.first_seen, one.window) == (desk.now, Window(make.START, desk.now))
    assert one.claims == (*page["claims"],)
    assert (one.attributions, one.walls, one.feeds, one.revisions) == ((NAMES,), ("short",), (A,), 1)
    assert (stored.story, stored.role, stored.held, stored.forgotten) == (None, "single", False, False)
    assert stored.reservations == ({"kind": "robots noai", "value": "noai"},)
    assert stored.sightings == ({"feed": A, "key": "1", "link": "https://daily.example/1", "title": "Title of 1",
                                 "without": make.START, "seen": desk.now, "claims": (CLAIM,)},)
    for url in ("https://daily.example/1", "https://daily.example/amp/1"):
        assert await store.article_at(url) == "a1"
    assert await store.articles(["none", "a1"]) == [one]


async def test_a_second_feed_brings_a_second_sighting_of_the_same_article(store, desk, make):
    await desk.add_feeds(A, B)
    await desk.poll(B, make.seen("b", "https://daily.example/1"))
    await desk.poll(A)
    desk.now += make.MINUTE
    await desk.poll(A, make.seen("1"))
    (from_b,) = await desk.claim(1)
    await store.postpone(from_b, desk.now + make.MINUTE, "quota", "")
    (from_a,) = await desk.claim(1)
    await store.save_article(make.draft("1", fetched=desk.now), from_a, desk.now)
    assert await desk.judge_all() == ["a1"]

    desk.now += make.MINUTE
    (from_b,) = await desk.claim(1)
    await store.attach(from_b, "a1", desk.now)
    (one,) = await store.articles(["a1"])
    assert (one.first_seen, one.window, one.feeds) == (make.START, Window(None, make.START), (B, A))
    assert await desk.judge_all() == ["a1"]


async def test_nothing_new_means_no_new_judging(store, desk, make):
    await desk.add_feeds(A, B)
    await desk.poll(A, make.seen("1"))
    await desk.collect(make.draft("1"))
    await desk.judge_all()
    await desk.poll(B, make.seen("1"))
    (sighting,) = await desk.claim()
    await store.attach(sighting, "a1", desk.now)
    assert await desk.judge_all() == []
    assert (await store.articles(["a1"]))[0].feeds == (A, B)


async def test_of_two_sightings_at_one_time_the_tighter_counts(store, desk, make):
    await desk.add_feeds(A, B)
    await desk.poll(A)
    desk.now += make.MINUTE
    await desk.poll(B)
    desk.now += make.MINUTE
    await desk.poll(A, make.seen("1"))
    await desk.poll(B, make.seen("1"))
    (first,) = await desk.claim()
    await store.save_article(make.draft("1", fetched=desk.now), first, desk.now)
    (other,) = await desk.claim()
    await store.attach(other, "a1", desk.now)
    assert (await store.articles(["a1"]))[0].window == Window(make.START + make.MINUTE, desk.now)


async def test_an_attribution_page_that_a_feed_shows_later_was_there_when_it_was_fetched(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A)
    fetched = make.START + make.MINUTE
    await store.save_article(make.draft("1", fetched=fetched), None, fetched)
    assert (await store.articles(["a1"]))[0].window is None
    desk.now += 2 * make.MINUTE
    await desk.poll(A, make.seen("1"))
    (sighting,) = await desk.claim()
    await store.attach(sighting, "a1", desk.now)
    (one,) = await store.articles(["a1"])
    assert (one.first_seen, one.window) == (fetched, Window(make.START, fetched))


async def test_another_text_is_a_revision_and_never_replaces_the_first(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    await desk.collect(make.draft("1"))
    await desk.judge_all()
    outcomes = []
    for text in ("The text of 1.  Its second, paragraph", "Corrected.", "The text of 1.\nIts second paragraph."):
        saved = await store.save_article(make.draft("1", title="Now", text=text), None, make.START + make.MINUTE)
        outcomes.append(saved.outcome)
    assert outcomes == ["known", "revision", "known"]
    stored = await store.article("a1")
    assert (stored.article.text, stored.article.title, stored.article.revisions) == (
        "The text of 1.\nIts second paragraph.", "Title of 1", 2)
    assert stored.revisions == (
        {"at": make.START, "title": "Title of 1", "text": "The text of 1.\nIts second paragraph."},
        {"at": make.START + make.MINUTE, "title": "Now", "text": "Corrected."})
    assert await desk.judge_all() == ["a1"]


async def test_a_page_at_a_known_address_is_that_article(store, make):
    await store.save_article(make.draft("1", aliases=("https://daily.example/old",)), None, make.START)
    saved = await store.save_article(make.draft("2", url="https://daily.example/old"), None, make.START)
    assert saved == Saved("a1", "revision")


async def test_attaching_to_nothing_is_refused(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    (sighting,) = await desk.claim()
    with pytest.raises(StoreError, match="not stored"):
        await store.attach(sighting, "none", desk.now)
    assert await store.save_article(make.draft("1"), sighting, desk.now) == Saved("a1", "new")


async def test_raw_pages_one_a_fetch_each_body_once(store, make):
    body = b"<html>\x00\xff" * 1000
    for minute in (0, 1):
        await store.save_article(make.draft("1", fetched=make.START + minute * make.MINUTE, body=body, status=203,
                                            headers=(("x-a", "1"), ("x-a", "é"))), None, make.START)
    pages = await store.pages("a1")
    assert [page.fetched for page in pages] == [make.START, make.START + make.MINUTE]
    assert {(page.body, page.sha256, page.status, page.url, page.headers) for page in pages} == {
        (body, hashlib.sha256(body).hexdigest(), 203, "https://daily.example/1", (("x-a", "1"), ("x-a", "é")))}
    from crawler.adapters.store.tables import bodies
    kept = await store._db.read(lambda connection: connection.scalars(bodies.select().with_only_columns(bodies.c.body)))
    assert [len(packed) < 200 for packed in kept] == [True]


async def test_a_page_that_an_article_names_is_wanted_once(store, desk, make):
    await desk.put("copy", "other")
    source = "https://wire.example/1"
    assert await store.want_page(source, "acopy", make.START) is True
    assert await store.want_page(source, "aother", make.START) is False
    assert await store.want_page("https://daily.example/copy", "aother", make.START) is False
    assert await store.waiting_for("acopy") is None
    await desk.judge_all()

    (sighting,) = await desk.claim()
    assert (sighting.purpose, sighting.url, sighting.entry.link, sighting.window, sighting.source, sighting.feed_id) == (
        "attribution", source, source, None, None, None)
    await store.save_article(make.draft("source", url="https://wire.example/story/1"), sighting, desk.now)
    assert await store.waiting_for("acopy") == "asource"
    assert await store.waiting_for("aother") in ("acopy", "asource")
    assert sorted(await desk.judge_all()) == ["acopy", "aother", "asource"]


async def test_a_wanted_page_that_fails_is_not_wanted_again(store, desk, make):
    await desk.put("copy")
    await store.want_page("https://wire.example/1", "acopy", make.START)
    (sighting,) = await desk.claim()
    await store.fail_sighting(sighting, "robots", "forbidden", None, desk.now)
    assert await store.want_page("https://wire.example/1", "acopy", make.START) is False
    assert await desk.claim() == []


async def test_a_page_that_waits_in_a_feed_is_not_wanted_twice(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    assert await store.want_page("https://daily.example/1", "acopy", make.START) is False


async def test_two_workers_store_one_article_once(store, second, make):
    saved = await asyncio.gather(*(one.save_article(make.draft("1", body=b"x"), None, make.START)
                                   for one in (store, second) * 4))
    assert sorted(one.outcome for one in saved) == ["known"] * 7 + ["new"]


async def test_a_page_that_two_feeds_list_is_collected_by_one_worker_at_a_time(store, second, desk, make):
    await desk.add_feeds("https://a.example/feed", "https://b.example/feed")
    for feed in ("https://a.example/feed", "https://b.example/feed"):
        await desk.poll(feed, make.seen(feed, "https://daily.example/1"), make.seen(f"{feed} 2", f"{feed}/2"))
    first = await store.claim_sightings(desk.now, make.LEASE, 9)
    assert sorted(one.url for one in first) == [
        "https://a.example/feed/2", "https://b.example/feed/2", "https://daily.example/1"]
    assert await second.claim_sightings(desk.now, make.LEASE, 9) == []
    page = next(one for one in first if one.url == "https://daily.example/1")
    await store.save_article(make.draft("1", url=page.url), page, desk.now)
    (other,) = await second.claim_sightings(desk.now, make.LEASE, 9)
    assert (other.url, await second.article_at(other.url)) == (page.url, "a1")


async def test_whoever_claims_a_page_in_the_same_moment_gets_it_or_not(store, second, desk, make):
    feeds = [f"https://f{n}.example/feed" for n in range(6)]
    await desk.add_feeds(*feeds)
    for feed in feeds:
        await desk.poll(feed, make.seen(feed, "https://daily.example/1"))
    claimed = await asyncio.gather(*(one.claim_sightings(desk.now, make.LEASE, 2) for one in (store, second) * 3))
    assert len([one for each in claimed for one in each]) == 1
