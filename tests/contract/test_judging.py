import asyncio
from datetime import timedelta

import pytest

from crawler.adapters.store import postings
from crawler.adapters.store.bulk import insert_many
from crawler.adapters.store.tables import keys
from crawler.core.types import Kind, Link, Match, Passage, Relation, Verdict
from crawler.errors import LeaseLostError

KEYS = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]
DAY = timedelta(days=1)


async def test_articles_wait_oldest_first_under_a_lease(store, desk, make):
    await desk.put("new", fetched=make.START + DAY)
    await desk.put("old")
    (first,) = await store.claim_unjudged(make.START, make.LEASE, 1)
    assert first.article.id == "aold"
    assert [one.article.id for one in await store.claim_unjudged(make.START, make.LEASE, 9)] == ["anew"]
    (again,) = await store.claim_unjudged(make.START + make.LEASE, make.LEASE, 1)
    with pytest.raises(LeaseLostError):
        await store.finish_judging(first, make.START)
    await store.finish_judging(again, make.START)
    assert (await store.backlog(make.START)).unjudged == 1


async def test_two_judges_share_the_work(store, second, desk, make):
    ids = await desk.put(*map(str, range(20)))
    taken = await asyncio.gather(*(one.claim_unjudged(make.START, make.LEASE, 5) for one in (store, second) * 3))
    assert sorted(one.article.id for part in taken for one in part) == sorted(ids)


async def test_marked_while_it_is_judged_it_is_judged_again(store, desk, make):
    await desk.put("1", "2")
    claimed = await store.claim_unjudged(make.START, make.LEASE, 9)
    assert await store.mark_unjudged(None, ["a1", "none"]) == 1
    for judgement in claimed:
        await store.finish_judging(judgement, make.START)
    assert await desk.judge_all() == ["a1"]
    assert await desk.judge_all() == []


async def test_marking_since_a_time_or_everything(store, desk, make):
    await desk.put("old")
    await desk.put("new", fetched=make.START + DAY)
    await desk.judge_all()
    assert await store.mark_unjudged(make.START + DAY) == 1
    assert await desk.judge_all() == ["anew"]
    assert await store.mark_unjudged(None) == 2


@pytest.mark.parametrize("some", [500, 1])      # all rows read at once, or unit by unit
async def test_holders_of_units_by_source(store, desk, make, monkeypatch, some):
    monkeypatch.setattr("crawler.adapters.store.index._SOME", some)
    for name in "cab":
        await desk.put(name, units=(7, 2**64 - 1))
    await desk.put("z", source="Herald", units=(7,))
    assert await store.unit_holders("Daily", [7, 8, 2**64 - 1], 2) == {7: ["aa", "ab"], 8: [], 2**64 - 1: ["aa", "ab"]}
    assert await store.unit_holders("Herald", [7], 9) == {7: ["az"]}
    many = await store.unit_holders("Daily", range(300), 9)
    assert (len(many), many[7]) == (300, ["aa", "ab", "ac"])


async def test_who_kept_a_unit_that_a_first_judgement_finds_crowded_is_judged_again(store, desk, make):
    for name in "abc":
        await desk.put(name, units=(1, 2))
    await desk.put("other source", source="Herald", units=(1,))
    await desk.put("other unit", units=(3,))
    await desk.judge_all()
    assert await store.put_keys("ac", (), make.START, dropped=[1], crowded=[1]) == 2
    assert sorted(await desk.judge_all()) == ["aa", "ab"]
    assert await store.dropped(["ac", "none"]) == {"ac": frozenset({1}), "none": frozenset()}
    await store.put_keys("aa", (), make.START, dropped=[2**64 - 1])
    assert await store.dropped(["aa"]) == {"aa": frozenset({2**64 - 1})}


async def test_a_later_judgement_marks_nobody(store, desk, make):
    """Two that differ for good over each other's paragraphs would mark each other for ever."""
    await desk.put("a", "b", units=(1, 2))
    await desk.judge_all()
    assert [await store.put_keys("aa", (), make.START, dropped=[1], crowded=[1]), await store.put_keys("ab", (), make.START, dropped=[2], crowded=[2])] == [1, 1]
    await desk.judge_all()
    assert [await store.put_keys("aa", (), make.START, dropped=[1], crowded=[1]), await store.put_keys("ab", (), make.START, dropped=[2], crowded=[2])] == [0, 0]


async def test_a_holder_that_is_just_being_judged_is_judged_again_too(store, desk, make):
    await desk.put("a", "b", units=(1,))
    (first,) = await store.claim_unjudged(make.START, make.LEASE, 1)
    assert first.article.id == "aa"
    assert await store.put_keys("ab", (), make.START, dropped=[], crowded=[1]) == 1
    await store.finish_judging(first, make.START)
    assert sorted(await desk.judge_all()) == ["aa", "ab"]


async def test_marking_those_that_have_keys(store, desk, make):
    await desk.put("a", "b", "c")
    await store.put_keys("aa", [1], make.START)
    await store.put_keys("ab", [1], make.START)
    await store.put_keys("ab", [], make.START)
    await desk.judge_all()
    assert await store.mark_indexed(["aa", "ab", "ac", "none"]) == 1
    assert await desk.judge_all() == ["aa"]


async def test_candidates_share_keys_in_the_window_rare_ones_first(store, desk, make):
    await desk.put("me", "common", "rare", "both", "old")
    for name, held in (("me", KEYS), ("common", [0, 2**63]), ("rare", [1]), ("both", [0, 1, 2**63]), ("old", KEYS)):
        await store.put_keys(f"a{name}", held, make.START - (DAY if name == "old" else 0 * DAY))

    async def found(limit=9, since=make.START):
        return await store.candidates("ame", KEYS, since, make.START, limit)

    # Weights: key 0 and 2**63 are held by two others, 1 by two: both 1.5, common 1.0, rare 0.5.
    assert await found() == ["aboth", "acommon", "arare"]
    assert await found(limit=1) == ["aboth"]
    assert "aold" in await found(since=make.START - DAY)
    assert await store.candidates("nobody", [5], make.START, make.START, 9) == []


async def test_putting_keys_again_replaces_them(store, desk, make):
    await desk.put("1")
    await store.put_keys("a1", [1, 2, 2], make.START)
    await store.put_keys("a1", [2, 3], make.START + DAY)
    held = [await store.candidates("x", [key], make.START, make.START + DAY, 9) for key in (1, 2, 3)]
    assert held == [[], ["a1"], ["a1"]]
    assert await store.candidates("x", [2], make.START, make.START, 9) == []
    await store.put_keys("a1", [], make.START)
    assert await store.candidates("x", [2, 3], make.START, make.START + DAY, 9) == []


@pytest.mark.parametrize("many", [5_000, 999])     # all rows read at once, or key by key
async def test_a_key_with_very_many_holders_costs_little_and_says_little(store, desk, make, monkeypatch, many):
    common = range(20, 32)      # of one of them alone it is not known who has it
    crowd = [(f"c{n:04}", make.START + timedelta(seconds=n)) for n in range(1000)]
    await desk.put("rare")
    await store.put_keys("arare", [8], make.START)      # makes room
    await store._db.write(lambda connection: _all_hold(connection, crowd, common))
    for module in ("index", "postings"):
        monkeypatch.setattr(f"crawler.adapters.store.{module}._MANY", many)
    assert await store.candidates("x", [8, 20], make.START, make.START + DAY, 1000) == ["arare"]
    found = await store.candidates("x", [8, *common], make.START, make.START + DAY, 1000)
    assert (found[0], len(found)) == ("arare", 201)
    assert found[1:] == [f"c{n:04}" for n in range(800, 1000)]


async def _all_hold(connection, crowd, held):
    if connection.dialect.name == "sqlite":
        for article, seen in crowd:
            await connection.run_sync(postings.file, article, held, seen)
    else:
        await insert_many(connection, keys, [{"key": key, "seen": seen, "article": article} for article, seen in crowd for key in held])


async def test_the_same_text_on_one_host(store, desk, make):
    from crawler.core.text import whole_key

    wall = "Please accept our cookies."
    await desk.put("2", "1", text=wall)
    await desk.put("3", text="please accept OUR cookies")
    await desk.put("4", text=wall, host="other.example")
    (first, *_) = await store.claim_unjudged(make.START, make.LEASE, 9)
    assert first.text_hash == whole_key(wall)
    alike = [("a1", "Title of 1"), ("a2", "Title of 2"), ("a3", "Title of 3")]
    assert (await store.surroundings(first, "daily.example", 9)).alike == alike
    assert (await store.counterparts(first, "daily.example", (), DAY, 9)).alike == alike


async def test_what_an_article_is_judged_among(store, desk, make):
    for name in "abc":
        await desk.put(name, units=(7, 8))
    (first, *_) = await store.claim_unjudged(make.START, make.LEASE, 9)
    assert (await store.surroundings(first, "daily.example", 2)).holders == {7: ["aa", "ab"], 8: ["aa", "ab"]}
    await store.put_keys("ab", [5], make.START, dropped=[7])
    await store.save_matches("aa", [make.match("aa", "ac", copied=False)])

    found = await store.counterparts(first, "daily.example", [5, 6], DAY, 9)
    assert [(one.id, dropped) for one, dropped in found.readings] == [("ab", frozenset({7})), ("ac", frozenset())]
    assert (found.matched, found.bound, found.alone) == ({"ac": False}, False, False)


async def test_what_hangs_on_an_article(store, desk, make):
    """A story, a ruling, what a person is asked about: then judging it anew may change that."""
    await desk.put("a", "b", "c", "d")
    judged = {one.id: one for one in await store.claim_unjudged(make.START, make.LEASE, 9)}
    await store.save_stories(["aa", "ab"], [make.story("aa", "ab")], make.START)
    await store.save_matches("ac", [], [], links=[Link(Relation.REWORDING, "ac", "ad", 0.5, 0.4)])

    found = {id_: await store.counterparts(one, "daily.example", (), DAY, 9) for id_, one in judged.items()}
    assert {id_: one.alone for id_, one in found.items()} == {"aa": False, "ab": False, "ac": False, "ad": True}


async def test_matches_of_an_article_are_replaced(store, desk, make):
    await desk.put("1", "2", "3")
    full = Match("a1", "a2", 0.5, 1 / 3, 0.25, 10, 5, 0.75, Kind.PARTIAL, True, (Passage(0, 10, 3, 13, 4),), 7, 8, 2)
    await store.save_matches("a1", [full, make.match("a1", "a3", copied=False)])
    assert await store.component("a1", 9) == (["a1", "a2"], [full])
    await store.save_matches("a3", [make.match("a3", "a2")])
    assert await store.component("a1", 9) == (["a1", "a2", "a3"], [full, make.match("a2", "a3")])
    assert await store.matched("a2") == {"a1": True, "a3": True}
    await store.save_matches("a1", [])
    assert await store.component("a1", 9) == (["a1"], [])


async def test_matches_that_another_judge_found_meanwhile_stay(store, desk, make):
    await desk.put("1", "2", "3")
    await store.save_matches("a2", [make.match("a1", "a2"), make.match("a2", "a3", copied=False)])
    assert await store.matched("a2") == {"a1": True, "a3": False}
    await store.save_matches("a1", [make.match("a1", "a3")], ["a3"])
    assert await store.matched("a1") == {"a2": True, "a3": True}
    await store.save_matches("a1", [], ["a2", "none"])
    assert await store.matched("a1") == {"a3": True}
    await store.save_matches("a1", [], [])
    assert await store.matched("a1") == {"a3": True}


async def test_two_judges_may_find_the_same_match(store, second, desk, make):
    await desk.put("1", "2", "3")
    pairs = [make.match("a1", "a2"), make.match("a2", "a3"), make.match("a1", "a3")]
    await asyncio.gather(*(one.save_matches(id_, [pair for pair in pairs if id_ in (pair.a, pair.b)])
                           for id_ in ("a1", "a2", "a3", "a1", "a2", "a3") for one in (store, second)))
    assert await store.component("a1", 9) == (["a1", "a2", "a3"], [pairs[0], pairs[2], pairs[1]])


async def test_a_component_goes_over_matches_stories_and_merges(store, desk, make):
    await desk.put(*"123456")
    await store.save_matches("a1", [make.match("a1", "a2")])
    await store.save_stories(["a2", "a3"], [make.story("a2", "a3")], make.START)
    verdict = Verdict(0, "merge", "s", "a3", ("a4",), "ann", make.START)
    await store.add_verdict(verdict)
    await store.save_matches("a4", [make.match("a4", "a5", copied=False)])
    ids, matches = await store.component("a1", 9)
    assert (ids, matches) == (["a1", "a2", "a3", "a4"], [make.match("a1", "a2")])
    assert (await store.component("a1", 2))[0] == ["a1", "a2"]
    await store.undo_verdict("s", "ann", make.START)
    assert (await store.component("a1", 9))[0] == ["a1", "a2", "a3"]


async def test_a_component_that_is_cut_keeps_the_original_and_the_earliest(store, desk, make):
    for n, name in enumerate("zcba"):
        await desk.put(name, fetched=make.START + n * make.MINUTE)
    await desk.put("late", fetched=make.START + DAY)
    await store.save_stories(["ab", "ac", "az", "alate"], [make.story("alate", "ab", "ac", "az")], make.START)
    await store.save_matches("aa", [make.match("aa", one) for one in ("ab", "ac", "az", "alate")])
    assert (await store.component("aa", 4))[0] == ["aa", "alate", "az", "ac"]


async def test_only_one_elects_at_a_time(store, second):
    inside, most = 0, 0

    async def elect(one):
        nonlocal inside, most
        async with one.electing(["a1"]):
            inside += 1
            most = max(most, inside)
            await one.component("a", 9)
            await one.save_stories([], [], None)
            inside -= 1

    await asyncio.gather(*(elect(one) for one in (store, second) * 10))
    assert most == 1


async def test_who_fails_or_is_cancelled_while_electing_lets_go(store, second):
    with pytest.raises(ZeroDivisionError):
        async with store.electing(["a1"]):
            raise ZeroDivisionError

    async def forever(entered):
        async with store.electing(["a1"]):
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    task = asyncio.create_task(forever(entered))
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10), second.electing(["a1"]):
        pass


async def test_elections_of_other_stories_go_on_side_by_side(store, second, desk):
    await desk.put("a", "b", "x")
    if store._db.backend.stripes == 1:
        return      # SQLite: one process crawls, and its elections take turns
    async with store.electing(["aa"]), asyncio.timeout(10), second.electing(["ax"]):
        pass


async def test_an_election_is_of_all_that_may_come_to_one_story(store, second, desk, make):
    await desk.put("a", "b", "c", "d")
    await store.save_matches("aa", [make.match("aa", "ab")])
    await store.save_stories(["ab", "ac"], [make.story("ac", "ab")], make.START)
    entered, order = asyncio.Event(), []

    async def other():
        entered.set()
        async with second.electing(["ac"]):
            order.append("other")

    async with store.electing(["aa"]):
        task = asyncio.create_task(other())
        await entered.wait()
        for _ in range(20):     # reads enough for the other to have gone on, were it not held up
            await second.component("ac", 9)
        order.append("first")
    await task
    assert order == ["first", "other"]


async def test_an_election_grows_with_what_was_tied_while_it_waited(store, second, desk, make):
    await desk.put("a", "b")
    entered, held = asyncio.Event(), []

    async def other():
        entered.set()
        async with second.electing(["ab"]):
            held.append(await second.component("ab", 9))

    async with store.electing(["aa", "ab"]):
        task = asyncio.create_task(other())
        await entered.wait()
        await store.save_matches("aa", [make.match("aa", "ab")])
    await task
    (ids, _), = held
    assert sorted(ids) == ["aa", "ab"]


@pytest.mark.parametrize("write", ["put_keys", "save_matches"])
async def test_what_a_late_judge_writes_is_refused(write, store, second, desk, make):
    await desk.put("a", "b")
    late = {one.article.id: one for one in await store.claim_unjudged(make.START, make.LEASE, 9)}["aa"]
    await second.claim_unjudged(make.START + make.LEASE, make.LEASE, 9)
    what = {"put_keys": ([1, 2], make.START), "save_matches": ([make.match("aa", "ab")],)}[write]
    with pytest.raises(LeaseLostError, match="another worker"):
        await getattr(store, write)("aa", *what, token=late.token)
    assert await store.matched("aa") == {}
    assert await store.candidates("ab", [1, 2], make.START, make.START, 9) == []
    await getattr(store, write)("aa", *what, token=late.token + 1)
