import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.core.types import Evidence, Kind, Verdict
from crawler.errors import NotFoundError, StoreError
from crawler.ports import StoryChange, StoryQuery

HOUR = timedelta(hours=1)


async def save(store, make, members, *stories, hours=0):
    return await store.save_stories([f"a{one}" for one in members], stories, make.START + hours * HOUR)


async def test_a_new_story_gets_an_id_that_others_would_give_it_too(store, desk, make):
    await desk.put(*"123")
    one = make.story("a1", make.copy("a2", "a1", Kind.WRAPPED), "a3", outside="Wire", rivals=("a1", "a3"), verdict="confirm",
                     decided=False, confidence=0.25, why=(Evidence("a", "b", "c", "d"),))
    (change,) = await save(store, make, "123", one)
    assert change == StoryChange(change.story, "story", "a1")
    assert (len(change.story), change.story[0], change.story) == (14, "s", change.story.lower())

    found = await store.story(change.story)
    assert found.story == replace(one, id=change.story)
    assert [article.id for article in found.articles] == ["a1", "a2", "a3"]
    assert found.updated == make.START
    assert found.history == ({"at": make.START, "event": "story", "original": "a1", "previous": None},)
    roles = [(one.story, one.role) for one in [await store.article(id_) for id_ in ("a1", "a2")]]
    assert roles == [(change.story, "original"), (change.story, "copy")]


async def test_saving_the_same_again_changes_nothing(store, desk, make):
    await desk.put(*"12")
    (change,) = await save(store, make, "12", make.story("a1", "a2"))
    assert await save(store, make, "12", make.story("a1", "a2", id=change.story), hours=1) == []
    assert (await store.story(change.story)).updated == make.START
    assert await save(store, make, "12", make.story("a1", "a2", confidence=0.8), hours=2) == []
    assert (await store.story(change.story)).updated == make.START + 2 * HOUR


async def test_members_and_originals_change_and_the_id_stays(store, desk, make):
    await desk.put(*"123")
    (first,) = await save(store, make, "12", make.story("a1", "a2"))
    id_ = first.story
    assert await save(store, make, "123", make.story("a1", "a2", "a3"), hours=1) == [StoryChange(id_, "changed", "a1")]
    assert await save(store, make, "123", make.story("a3", "a2", "a1"), hours=2) == [
        StoryChange(id_, "original-changed", "a3", "a1")]
    found = await store.story(id_)
    assert [(line["event"], line["original"], line["previous"], line["at"]) for line in found.history] == [
        ("story", "a1", None, make.START), ("original-changed", "a3", "a1", make.START + 2 * HOUR)]
    assert await save(store, make, "123", make.story("a3", "a2", "a1", decided=False)) == [StoryChange(id_, "changed", "a3")]


async def test_merging_leaves_a_tombstone_that_leads_on(store, desk, make):
    await desk.put(*"123456789")
    (small,) = await save(store, make, "12", make.story("a1", "a2"))
    (large,) = await save(store, make, "345", make.story("a3", "a4", "a5"), hours=1)
    changes = await save(store, make, "12345", make.story("a1", "a2", "a3", "a4", "a5"), hours=2)
    assert changes == [StoryChange(large.story, "original-changed", "a1", "a3"),
                       StoryChange(small.story, "merged", "a1", "a1")]
    assert (await store.story(small.story)).story.id == large.story

    (largest,) = await save(store, make, "6789", make.story("a6", "a7", "a8", "a9"), hours=3)
    await save(store, make, "16789", make.story("a1", "a6", "a7", "a8", "a9"), hours=4)
    # a2 to a5 were not handed in: copies stay with their story, which goes on without its original.
    assert (await store.article("a1")).story == largest.story
    assert (await store.story(small.story)).story.id == largest.story


async def test_most_shared_members_keep_the_id_and_ties_go_to_the_older(store, desk, make):
    await desk.put(*"1234")
    (old,) = await save(store, make, "12", make.story("a1", "a2"))
    (new,) = await save(store, make, "34", make.story("a3", "a4"), hours=1)
    changes = await save(store, make, "1234", make.story("a4", "a3", "a2", "a1"), hours=2)
    assert [(change.story, change.event) for change in changes] == [
        (old.story, "original-changed"), (new.story, "merged")]


async def test_a_split_keeps_the_id_with_the_larger_part(store, desk, make):
    await desk.put(*"12345")
    (whole,) = await save(store, make, "12345", make.story("a1", "a2", "a3", "a4", "a5"))
    changes = await save(store, make, "12345", make.story("a1", "a2"), make.story("a3", "a4", "a5"), hours=1)
    assert {(change.event, change.original) for change in changes} == {("original-changed", "a3"), ("story", "a1")}
    assert (await store.article("a3")).story == whole.story
    part = (await store.article("a1")).story
    assert part not in (None, whole.story)      # the name that a1 would give is taken


async def test_members_that_become_single_dissolve_the_story_and_may_found_it_again(store, desk, make):
    await desk.put(*"12")
    (first,) = await save(store, make, "12", make.story("a1", "a2"))
    assert await save(store, make, "12", hours=1) == [StoryChange(first.story, "dissolved", None, "a1")]
    with pytest.raises(NotFoundError, match="dissolved"):
        await store.story(first.story)
    assert (await store.article("a1")).role == "single"
    (again,) = await save(store, make, "12", make.story("a1", "a2"), hours=2)
    assert again.story == first.story
    assert [line["event"] for line in (await store.story(first.story)).history] == ["story", "dissolved", "story"]


async def test_unknown_ids(store):
    with pytest.raises(NotFoundError, match="nothing is stored"):
        await store.story("s")
    with pytest.raises(NotFoundError):
        await store.article("a")
    assert await store.pages("a") == []


async def test_copies_beyond_the_component_stay_with_their_story(store, desk, make):
    await desk.put(*"1234")
    (change,) = await save(store, make, "1234", make.story("a1", "a2", "a3", "a4"))
    await save(store, make, "12", make.story("a2", "a1"))
    found = (await store.story(change.story)).story
    assert [found.original, *(copy.article for copy in found.copies)] == ["a2", "a1", "a3", "a4"]


async def test_a_story_that_no_reader_could_show_is_refused(store, desk, make):
    await desk.put(*"123")
    for stories in ([make.story("a1")], [make.story("a1", "a2"), make.story("a3", "a2")], [make.story("a1", "a9")]):
        with pytest.raises(StoreError, match="each needs a copy"):
            await save(store, make, "123", *stories)
    assert await store.stories(StoryQuery()) == []


async def test_an_article_that_was_forgotten_meanwhile_does_not_come_back(store, desk, make):
    await desk.put(*"123")
    await store.forget("a3", make.START)
    await save(store, make, "123", make.story("a1", "a2", "a3"))
    assert (await store.article("a3")).story is None
    assert await save(store, make, "123", make.story("a3", "a1", "a2")) != []
    assert await store.stories(StoryQuery()) == []


@pytest.fixture
async def shelf(store, desk, make):
    """Three stories: of Daily in English with Herald copying, of Herald in French, undecided, and of Wire."""
    for hour, (name, source, language) in enumerate([
            ("1", "Daily", "en"), ("2", "Herald", "en"), ("3", "Herald", "fr"), ("4", "Daily", "en"), ("5", "Wire", "en"),
            ("6", "Portal", "en"), ("7", "Portal", "en")]):
        await desk.put(name, source=source, language=language, fetched=make.START + hour * HOUR)
    await save(store, make, "12", make.story("a1", "a2"))
    await save(store, make, "34", make.story("a3", make.copy("a4", "a3", Kind.TRANSLATION), decided=False))
    await save(store, make, "567", make.story("a5", make.copy("a6", "a5", Kind.SYNDICATED), make.copy("a7", "a5", Kind.WRAPPED)))


QUERIES = [
    ({}, ["a3", "a5", "a1"]),
    ({"undecided": True}, ["a3"]),
    ({"source": "Daily"}, ["a3", "a1"]),
    ({"source": "Daily", "role": "original"}, ["a1"]),
    ({"source": "Daily", "role": "copy"}, ["a3"]),
    ({"source": "Nobody"}, []),
    ({"language": "fr"}, ["a3"]),
    ({"kinds": frozenset({"wrapped"})}, ["a5"]),
    ({"kinds": frozenset({"wrapped", "translation"})}, ["a3", "a5"]),
    ({"without": frozenset({"translation"})}, ["a5", "a1"]),
    ({"min_copies": 2}, ["a5"]),
    ({"min_copies": 2, "without": frozenset({"syndicated"})}, []),
    ({"since": 1}, ["a3", "a5", "a1"]),
    ({"since": 2}, ["a3", "a5"]),
    ({"until": 2}, ["a3", "a1"]),
    ({"since": 4, "until": 4}, ["a5"]),
    ({"since": 1, "source": "Herald", "language": "en"}, ["a1"]),
]


async def test_stories_by_query(store, shelf, make):
    for query, originals in QUERIES:
        times = {key: make.START + query[key] * HOUR for key in ("since", "until") if key in query}
        found = await store.stories(StoryQuery(**query | times))
        assert [one.story.original for one in found] == originals, query


async def test_kinds_left_out_are_left_out_of_the_story_too(store, shelf):
    (one,) = await store.stories(StoryQuery(source="Wire", without=frozenset({"syndicated"})))
    assert [copy.article for copy in one.story.copies] == ["a7"]
    assert [article.id for article in one.articles] == ["a5", "a7"]


async def test_totals(store, shelf, desk, make):
    await desk.add_feeds("https://a.example/", "https://b.example/")
    counts = await store.counts(make.START)
    assert (counts.feeds, counts.failing, counts.articles, counts.stories, counts.copies, counts.undecided) == (2, 0, 7, 3, 4, 1)
    assert (counts.backlog.feeds_due, counts.backlog.unjudged, counts.backlog.next_poll) == (2, 7, make.START)


async def test_everything_in_order_of_first_sighting(store, shelf, desk, make, monkeypatch):
    monkeypatch.setattr("crawler.adapters.store.reading._BATCH", 3)
    await desk.put("0", fetched=make.START)
    await store.forget("a7", make.START)
    found = [one async for one in store.export(originals=False)]
    assert [one.article.id for one in found] == ["a0", *(f"a{n}" for n in range(1, 7))]
    assert found[1] == await store.article("a1")
    assert [one.article.id async for one in store.export(originals=True)] == ["a1", "a3", "a5"]


def ruling(make, story, anchor="a1", articles=("a2",), **more):
    return Verdict(**{"id": 0, "ruling": "confirm", "story": story, "anchor": anchor, "articles": articles, "who": "ann",
                      "at": make.START, **more})


async def test_a_ruling_marks_what_it_names_and_comes_with_the_story(store, desk, make):
    await desk.put(*"123")
    (change,) = await save(store, make, "12", make.story("a1", "a2"))
    await desk.judge_all()
    given = ruling(make, change.story, note="it's \U0001F600 'quoted'", whole=True)
    stored = await store.add_verdict(given)
    assert (stored.id > 0, replace(stored, id=0)) == (True, given)
    assert sorted(await desk.judge_all()) == ["a1", "a2"]
    assert await store.verdicts(["a2"]) == await store.verdicts(["a1", "a2"]) == [stored]
    assert await store.verdicts(["a3"]) == []
    assert (await store.story(change.story)).verdicts == (stored,)


async def test_the_newest_ruling_is_taken_back_first(store, desk, make):
    await desk.put(*"12")
    (change,) = await save(store, make, "12", make.story("a1", "a2"))
    first = await store.add_verdict(ruling(make, change.story))
    second = await store.add_verdict(ruling(make, change.story, ruling="reject"))
    await desk.judge_all()
    await save(store, make, "12")       # the story is gone, the ruling is not
    assert await store.undo_verdict(change.story, "bob", make.START) == second
    assert sorted(await desk.judge_all()) == ["a1", "a2"]
    assert await store.verdicts(["a1"]) == [first]
    assert await store.undo_verdict(change.story, "bob", make.START) == first
    with pytest.raises(NotFoundError, match="no ruling"):
        await store.undo_verdict(change.story, "bob", make.START)


async def test_a_ruling_is_found_under_the_story_that_took_its_own_over(store, desk, make):
    await desk.put(*"12345")
    (small,) = await save(store, make, "12", make.story("a1", "a2"))
    (large,) = await save(store, make, "345", make.story("a3", "a4", "a5"))
    given = await store.add_verdict(ruling(make, small.story, anchor="a9", articles=()))
    await save(store, make, "12345", make.story("a3", "a4", "a5", "a1", "a2"))
    assert await store.undo_verdict(large.story, "bob", make.START) == given


async def test_two_judges_save_stories_at_once(store, second, desk, make):
    await desk.put(*"1234")
    await asyncio.gather(*(save(one, make, "1234", make.story("a1", "a2", "a3", "a4")) for one in (store, second) * 5))
    (one,) = await store.stories(StoryQuery())
    assert len(one.history) == 1
