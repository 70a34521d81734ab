"""Sentence vectors in the store, and where articles lie by them."""

import asyncio
from datetime import timedelta

import pytest

from crawler.core.vectors import Vectors
from crawler.errors import LeaseLostError

HOUR = timedelta(hours=1)


def vectors(article, language="en", encoder="one", data=b"\x01\x02\x7f\x80"):
    return Vectors(article, encoder, language, ((0, 5), (7, 12)), data)


async def numbers(store, encoder="one", after=0):
    return [place.article for place in await store.places_after(encoder, after)]


async def test_what_is_put_is_read_by_its_encoder(store, desk, make):
    await desk.put(*"12")
    await store.put_vectors(vectors("a1"), b"mean", make.START)
    await store.put_vectors(vectors("a1", encoder="two", data=b"\x05\x05"), b"other", make.START)
    await store.put_vectors(vectors("a2", "ar"), b"m2", make.START + HOUR)
    assert await store.vectors(["a2", "a1", "a9"], "one") == {"a1": vectors("a1"), "a2": vectors("a2", "ar")}
    places = await store.places("one", make.START, make.START + HOUR)
    assert [(one.article, one.language, one.seen, one.mean) for one in places] == [("a1", "en", make.START, b"mean")]
    assert [one.article for one in await store.places("one", make.START, make.START + 2 * HOUR)] == ["a1", "a2"]


async def test_what_changes_is_a_later_place_and_what_stays_is_none(store, desk, make):
    await desk.put(*"12")
    await store.put_vectors(vectors("a1"), b"mean", make.START)
    await store.put_vectors(vectors("a2"), b"mean", make.START)
    last = await store.last_place()
    await store.put_vectors(vectors("a1"), b"mean", make.START)
    assert await numbers(store, after=last) == []
    await store.put_vectors(vectors("a1"), b"moved", make.START)
    assert await numbers(store, after=last) == ["a1"]
    assert await numbers(store) == ["a2", "a1"]


async def test_places_become_visible_in_their_order(store, second, desk, make):
    ids = await desk.put(*map(str, range(12)))
    await asyncio.gather(*(one.put_vectors(vectors(id_), b"m", make.START)
                           for id_, one in zip(ids, [store, second] * 6, strict=True)))
    seen, found = 0, []
    for place in await store.places_after("one", 0):
        assert place.revision > seen
        seen = place.revision
        found.append(place.article)
    assert sorted(found) == sorted(ids)
    assert await second.last_place() == seen


async def test_a_late_claim_writes_nothing(store, desk, make):
    await desk.put("1")
    (early,) = await store.claim_unjudged(make.START, make.LEASE, 1)
    (late,) = await store.claim_unjudged(make.START + 2 * make.LEASE, make.LEASE, 1)
    with pytest.raises(LeaseLostError):
        await store.put_vectors(vectors("a1"), b"m", make.START, token=early.token)
    await store.put_vectors(vectors("a1"), b"m", make.START, token=late.token)
    with pytest.raises(LeaseLostError):
        await store.drop_vectors("a1", token=early.token)
    assert await numbers(store) == ["a1"]
    await store.drop_vectors("a1", token=late.token)
    assert await numbers(store) == []


@pytest.mark.parametrize("going", ["forget", "prune"])
async def test_they_go_with_their_article(store, desk, make, going):
    await desk.put(*"12")
    await store.put_vectors(vectors("a1"), b"m", make.START)
    if going == "forget":
        await store.forget("a1", make.START)
        await store.put_vectors(vectors("a1"), b"m", make.START)     # by a judge that had begun before
    else:
        await desk.judge_all()
        await store.prune(make.START + HOUR, make.START + HOUR)
    assert await numbers(store) == []


async def test_whether_there_is_another_language(store, desk, make):
    await desk.put("1", language="en")
    await desk.put("2", language=None)
    assert not await store.other_languages("en", make.START)
    assert await store.other_languages("ar", make.START)
    await desk.put("4", language="fr", fetched=make.START - HOUR)
    assert not await store.other_languages("en", make.START)
    await desk.put("3", language="ar")
    assert await store.other_languages("en", make.START)


async def test_those_without_vectors_are_judged_again(store, desk, make):
    await desk.put(*"123")
    await desk.put("4", fetched=make.START - HOUR)
    for id_ in ("a1", "a2", "a4"):
        await store.put_keys(id_, [5], make.START)     # a3 may be no copy
    await desk.judge_all()
    await store.put_vectors(vectors("a2"), b"m", make.START)
    assert await store.mark_unencoded("one", make.START) == 1
    assert await desk.judge_all() == ["a1"]
    assert await store.has_places("one")
    assert not await store.has_places("two")
