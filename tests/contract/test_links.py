"""Links between articles that are no copies."""

from datetime import timedelta

from crawler.core.types import Link, Passage, Relation, Verdict
from crawler.ports import StoryQuery

HOUR = timedelta(hours=1)


def carries(carrier, article):
    return Link(Relation.CARRIES, carrier, article, 0.4, 1.0)


def reworded(a, b, share=0.2):
    return Link(Relation.REWORDING, a, b, share, share / 2, (Passage(0, 5, 10, 15, 2),))


async def test_what_a_digest_carries_comes_and_goes_with_the_stories(store, desk, make):
    await desk.put(*"123d")
    await store.save_stories(["a1", "a2", "a3", "ad"], [make.story("a1", "a2")], make.START,
                             [carries("ad", "a1"), carries("ad", "a3"), carries("ad", "anone")])
    assert await store.links(["ad"]) == [carries("ad", "a1"), carries("ad", "a3")]
    assert await store.links(["a3"]) == [carries("ad", "a3")]
    (found,) = [one for one in await store.stories(StoryQuery()) if one.story.original == "a1"]
    assert [(link, digest.id) for link, digest in found.carriers] == [(carries("ad", "a1"), "ad")]
    await store.save_stories(["a3", "ad"], [], make.START + HOUR)
    assert await store.links(["ad", "a1"]) == []     # whoever is judged with the digest says all that it carries


async def test_each_article_has_its_own_say_in_what_is_reworded(store, desk):
    await desk.put(*"123")
    await store.save_matches("a1", [], [], links=[reworded("a1", "a2"), reworded("a1", "a3", 0.3)])
    await store.save_matches("a2", [], [], links=[reworded("a2", "a1")])
    await store.save_matches("a3", [], [], links=[])
    assert await store.links(["a2"]) == [reworded("a1", "a2"), reworded("a2", "a1")]
    assert [(link.a, link.b) for link in await store.possible(Relation.REWORDING, None, None, 9)] == [("a1", "a3"), ("a1", "a2")]
    await store.save_matches("a1", [], [], links=[])
    assert [(link.a, link.b) for link in await store.possible(Relation.REWORDING, None, None, 9)] == [("a2", "a1")]


async def test_only_open_rewordings_are_offered(store, desk, make):
    await desk.put(*"12345678")
    for a, b in ("12", "34", "56", "78"):
        await store.save_matches(f"a{a}", [], [], links=[reworded(f"a{a}", f"a{b}")])
    await store.add_verdict(Verdict(0, "reject", "a2", "a2", ("a1",), "desk", make.START))
    undone = await store.add_verdict(Verdict(0, "reject", "a3", "a3", ("a4",), "desk", make.START))
    await store.undo_verdict(undone.story, "desk", make.START)
    await store.save_stories(["a5", "a6"], [make.story("a5", "a6")], make.START)
    await store.forget("a8", make.START)
    assert [(link.a, link.b) for link in await store.possible(Relation.REWORDING, None, None, 9)] == [("a3", "a4")]


async def test_rewordings_by_time_and_number(store, desk, make):
    await desk.put("1", "2")
    await desk.put("3", fetched=make.START + HOUR)
    await store.save_matches("a1", [], [], links=[reworded("a1", "a2", 0.2), reworded("a1", "a3", 0.1)])
    assert [link.b for link in await store.possible(Relation.REWORDING, make.START + HOUR, None, 9)] == ["a3"]
    assert [link.b for link in await store.possible(Relation.REWORDING, None, make.START, 9)] == ["a2"]
    assert [link.b for link in await store.possible(Relation.REWORDING, None, None, 1)] == ["a2"]


async def test_links_of_a_forgotten_article_are_gone(store, desk, make):
    await desk.put(*"12")
    await store.save_matches("a1", [], [], links=[reworded("a1", "a2")])
    await store.forget("a2", make.START)
    assert await store.links(["a1"]) == []
    await store.save_matches("a1", [], [], links=[reworded("a1", "a2")])
    assert await store.links(["a1"]) == []


async def test_a_confirmed_pair_is_one_component(store, desk, make):
    await desk.put(*"12")
    await store.add_verdict(Verdict(0, "confirm", "a1", "a1", ("a2",), "desk", make.START))
    assert (await store.component("a2", 9))[0] == ["a2", "a1"]
