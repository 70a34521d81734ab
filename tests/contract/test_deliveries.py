"""How far each webhook has been told: nothing is passed over, nothing is told by two at once, whatever happens."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.errors import LeaseLostError

HOOK, OTHER = ("hook", "https://hooks.example"), ("other", "https://other.example")
HOUR = timedelta(hours=1)


async def happen(desk, make, *names):
    """A story founded on each of these articles, which are new."""
    for name in names:
        ids = await desk.put(name, f"{name}copy")
        await desk.store.save_stories(ids, [make.story(*ids)], desk.now)


async def claim(store, make, *keys, later=timedelta(0)):
    return await store.claim_deliveries(keys or ("hook",), make.START + later, make.LEASE, 9)


async def told(store, delivery):
    return [event.original for event in await store.events_after(delivery.cursor, 99)]


async def test_a_new_webhook_begins_with_what_happens_next(store, desk, make):
    await happen(desk, make, "before")
    await store.sync_deliveries([HOOK], make.START)
    assert await claim(store, make) == []
    await happen(desk, make, "after")
    (one,) = await claim(store, make)
    assert await told(store, one) == ["aafter"]


async def test_each_webhook_has_a_place_of_its_own_in_the_log(store, desk, make):
    await store.sync_deliveries([HOOK, OTHER], make.START)
    await happen(desk, make, "1", "2")
    first, second = await claim(store, make, "hook", "other")
    (event, _) = await store.events_after(first.cursor, 9)
    await store.save_delivery(replace(first, cursor=event.id))
    (again,) = await claim(store, make)
    assert await told(store, again) == ["a2"]
    assert await told(store, second) == ["a1", "a2"]


async def test_a_claimed_webhook_is_told_by_one_process_alone(store, second, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1")
    both = await asyncio.gather(claim(store, make), claim(second, make))
    assert sorted(map(len, both)) == [0, 1]
    (late,) = [one for found in both for one in found]
    assert await store.renew("deliver", {late.id: late.token}, make.START + make.LEASE / 2, make.LEASE) == set()
    assert await claim(second, make, later=make.LEASE) == []
    (again,) = await claim(second, make, later=2 * make.LEASE)
    with pytest.raises(LeaseLostError, match="another worker"):
        await store.save_delivery(replace(late, cursor=99))
    assert again.cursor == late.cursor


async def test_a_process_that_dies_has_told_what_it_had_saved_and_no_more(store, second, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1", "2")
    (one,) = await claim(store, make)
    (event, _) = await store.events_after(one.cursor, 9)
    await store.save_delivery(replace(one, cursor=event.id), done=False)
    assert await claim(second, make) == []
    (again,) = await claim(second, make, later=make.LEASE)
    assert await told(second, again) == ["a2"]


async def test_one_that_failed_waits_until_it_is_due(store, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1")
    (one,) = await claim(store, make)
    failed = replace(one, due=make.START + HOUR, attempts=3, failing_since=make.START, error="HTTP 500")
    await store.save_delivery(failed)
    assert await claim(store, make, later=HOUR / 2) == []
    assert [(each.name, each.error, each.attempts) for each in await store.failing_deliveries()] == [
        (HOOK[1], "HTTP 500", 3)]
    (again,) = await claim(store, make, later=HOUR)
    assert replace(again, token=failed.token) == failed


@pytest.mark.parametrize(("away", "kept"), [(HOUR / 2, True), (2 * HOUR, False)],
                         ids=["for half an hour keeps its place", "for two hours begins anew"])
async def test_a_webhook_that_no_configuration_named(store, desk, make, away, kept):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1")
    await store.sync_deliveries([OTHER], make.START)
    assert await store.failing_deliveries() == []
    await store.sync_deliveries([HOOK], make.START + away)
    assert [await told(store, one) for one in await claim(store, make, later=away)] == ([["a1"]] if kept else [])


async def test_one_that_wanted_no_more_is_told_again_from_the_end_when_the_configuration_is_read(store, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1")
    (one,) = await claim(store, make)
    await store.save_delivery(replace(one, disabled=True, error="HTTP 410 Gone"))
    assert await claim(store, make, later=HOUR) == []
    assert [each.disabled for each in await store.failing_deliveries()] == [True]
    await store.sync_deliveries([HOOK], make.START + HOUR)
    assert await store.failing_deliveries() == []
    await happen(desk, make, "2")
    (again,) = await claim(store, make, later=HOUR)
    assert await told(store, again) == ["a2"]


async def test_the_log_says_what_happened_in_the_order_of_the_commits(store, second, desk, make):
    names = [f"n{number}" for number in range(8)]
    articles = [await desk.put(name, f"{name}copy") for name in names]
    await asyncio.gather(*((store, second)[at % 2].save_stories(ids, [make.story(*ids)], make.START)
                           for at, ids in enumerate(articles)))
    first, rest = (await store.events_after(0, 1))[0], await store.events_after(0, 99)
    assert rest[0] == first
    assert [one.id for one in rest] == sorted(one.id for one in rest)
    assert {one.original for one in rest} == {ids[0] for ids in articles}
    ids = articles[0]
    (copy,) = await desk.put("late")
    await store.save_stories([*ids, copy], [make.story(*ids, copy)], make.START)
    await store.save_stories([*ids, copy], [make.story(ids[1], ids[0], copy)], make.START)
    assert [(one.event, one.original, one.previous) for one in await store.events_after(rest[-1].id, 9)] == [
        ("changed", ids[0], None), ("original-changed", ids[1], ids[0])]
    stored = await store.story(first.story)
    assert "changed" not in {past["event"] for past in stored.history}


async def test_who_was_told_of_a_story_was_told_of_what_it_went_into(store, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    ids = await desk.put("1", "2", "3", "4", "5")
    await store.save_stories(ids[:2], [make.story(*ids[:2])], make.START)
    await store.save_stories(ids[2:], [make.story(*ids[2:])], make.START)
    one, other = (event.story for event in await store.events_after(0, 9))
    (delivery,) = await claim(store, make)
    assert not await store.was_told("hook", one)
    await store.save_delivery(delivery, one, done=False)
    assert await store.was_told("hook", one)
    assert not await store.was_told("other", one)
    await store.save_stories(ids, [make.story(*ids)], make.START)
    log = await store.events_after(0, 9)
    assert ("merged", one) in {(event.event, event.story) for event in log}
    await store.save_delivery(replace(delivery, cursor=log[-1].id), done=False)
    assert await store.was_told("hook", other)
    assert not await store.was_told("hook", one)
    await store.save_stories(ids, [], make.START)
    await store.save_delivery(replace(delivery, cursor=(await store.events_after(0, 99))[-1].id))
    assert not await store.was_told("hook", other)


async def test_a_clock_that_was_wrong_puts_no_delivery_off_for_more_than_a_day(store, desk, make):
    await store.sync_deliveries([HOOK], make.START)
    await happen(desk, make, "1")
    (one,) = await claim(store, make)
    await store.save_delivery(replace(one, due=make.START + timedelta(days=400)))
    await store.reset_clock(make.START, timedelta(days=1))
    assert len(await claim(store, make, later=timedelta(days=1))) == 1
