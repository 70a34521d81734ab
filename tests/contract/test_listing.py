"""Lists, tallies and changes of stories, read from what is kept for them."""

import statistics
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from crawler.adapters.store import listing, open_store, tables
from crawler.adapters.store.matching import page_of
from crawler.core.types import Kind, Verdict
from crawler.errors import ConflictError, NotFoundError, UsageError
from crawler.ports import StoryQuery, Tally

SOURCES = ("Daily", "Herald", "Echo")
LANGUAGES = ("en", "ar")


@pytest.fixture
async def shelf(store, desk, make):
    """Nine stories: of three sources, in two languages, every third undecided, with one to three copies."""
    stories = []
    for at in range(9):
        desk.now = make.START + at * timedelta(hours=1)
        ids = await desk.put(f"o{at}", source=SOURCES[at % 3], fetched=desk.now, title=f"Ferry number{at} to Skarrow",
                             language=LANGUAGES[at % 2])
        for each in range(1 + at % 3):
            ids += await desk.put(f"c{at}{each}", source=f"Copier {each}", fetched=desk.now + timedelta(minutes=7 * (each + at + 1)))
        kinds = [Kind.WRAPPED, Kind.NEAR, Kind.REVISION]
        copies = [replace(make.copy(id_, ids[0]), kind=kind) for id_, kind in zip(ids[1:], kinds, strict=False)]
        stories.append(make.story(ids[0], *copies, decided=at % 3 != 2))
        await store.save_stories(ids, stories[-1:], desk.now)
    return store


async def whole(store, query, **more):
    """Every story that a list comes to, part by part."""
    found, after = [], None
    while True:
        part = await store.browse(query, after, 2, **more)
        found += part.stories
        if part.next is None:
            return found
        after = part.next


QUERIES = {
    "everything": StoryQuery(), "of a source": StoryQuery(source="Herald"), "as original": StoryQuery(source="Echo", role="original"),
    "as copier": StoryQuery(source="Copier 1", role="copy"), "nobody": StoryQuery(source="Nobody"), "in Arabic": StoryQuery(language="ar"),
    "of a kind": StoryQuery(kinds=frozenset({"near"})), "without a kind": StoryQuery(without=frozenset({"wrapped"})),
    "with two copies": StoryQuery(min_copies=2), "with one": StoryQuery(max_copies=1),
    "with two of some kinds": StoryQuery(min_copies=2, without=frozenset({"partial"})),
    "with one of some kinds": StoryQuery(max_copies=1, without=frozenset({"partial"})), "undecided": StoryQuery(undecided=True), "by a word": StoryQuery(words="skarrow"),
    "by two words": StoryQuery(words="NUMBER4 férry"), "by no word": StoryQuery(words="unheard"),
}
QUERIES |= {"all at once": StoryQuery(source="Echo", role="original", language="en", words="ferry", undecided=True)}


async def test_a_list_part_by_part_is_the_whole_list_and_is_counted(shelf):
    for name, query in QUERIES.items():
        listed = [one.story.id for one in await whole(shelf, query)]
        assert listed == [one.story.id for one in await shelf.stories(query)], name
        assert len(listed) == (await shelf.tally(query)).all, name
        assert len(set(listed)) == len(listed), name
    for which in ("max_copies", "min_copies"):
        one, other = StoryQuery(**{which: 2}), StoryQuery(**{which: 2}, without=frozenset({"partial"}))
        assert await shelf.tally(one) == await shelf.tally(other)
    for many in (frozenset({1}), frozenset(range(2000))):
        assert (await shelf.tally(StoryQuery(feeds=many))).all == 0


async def test_times_are_of_members(shelf, make):
    since, until = make.START + timedelta(hours=2), make.START + timedelta(hours=4)
    for query in (StoryQuery(since=since), StoryQuery(until=until), StoryQuery(since=since, until=until)):
        inside = {one.story.id for one in await shelf.stories(StoryQuery()) for each in one.articles
                  if (query.since or each.first_seen) <= each.first_seen <= (query.until or each.first_seen)}
        assert {one.story.id for one in await whole(shelf, query)} == inside
        assert (await shelf.tally(query)).all == len(inside)


async def test_undecided_first_then_the_newest(shelf):
    found = await whole(shelf, StoryQuery())
    keys = [(one.story.decided, -max(each.first_seen for each in one.articles).timestamp()) for one in found]
    assert keys == sorted(keys)
    assert (await shelf.tally(StoryQuery())) == Tally(undecided=3, decided=6, ruled=0)


@pytest.mark.parametrize("order", ["queue", "founded", "changed"])
async def test_a_cursor_that_no_list_gave_is_refused(store, order):
    for cursor in ("", "x", "2.0.s", "0.99999999999999999999.s", "0.1.a'b", "-1", "0.1.s\n", "1.2.3.4"):
        with pytest.raises(UsageError, match="not one that a list gave"):
            await store.browse(StoryQuery(), cursor, order=order)


async def test_a_list_counts_copies_and_holds_no_texts_and_has_other_orders(shelf):
    for order in ("founded", "changed"):
        found = [one.story.id for one in await whole(shelf, StoryQuery(), order=order)]
        assert sorted(found) == sorted(one.story.id for one in await shelf.stories(StoryQuery()))
        assert found[0] == (await shelf.changes(0, 100))[-1].story
    for one in await whole(shelf, StoryQuery()):
        assert one.copies == sum(copy.kind is not Kind.REVISION for copy in one.story.copies)
        assert {each.text for each in one.articles} == {""}


async def test_words_are_found_by_how_they_begin_whatever_their_marks(store, desk, make):
    ids = await desk.put("o", title="Émile’s CAFÉ reopens — قطار الجبل", source="Straßenblatt")
    ids += await desk.put("c", title="A copy", source="Brücke")
    await store.save_stories(ids, [make.story(*ids)], desk.now)
    for words in ("cafe", "CAF", "emile reopens", "الجبل", "strassenblatt", "brucke copy", "text"):
        assert (await store.tally(StoryQuery(words=words))).all == 1, words
    for words in ("afe", "ca", "cafeteria", "cafe unheard"):
        assert (await store.tally(StoryQuery(words=words))).all == 0, words


async def test_changes_tell_each_story_once_and_each_end(store, desk, make):
    ids = await desk.put(*"abcd")
    await store.save_stories(ids[:2], [make.story(*ids[:2])], desk.now)
    await store.save_stories(ids[2:], [make.story(*ids[2:])], desk.now)
    first, second = await store.changes(0, 10)
    await store.save_stories(ids[:2], [make.story(*ids[:2])], desk.now)     # nothing new
    assert await store.changes(second.revision, 10) == []
    await store.save_stories(ids, [make.story(*ids)], desk.now)
    after = await store.changes(second.revision, 10)
    assert {(one.ended, one.story, one.successor) for one in after} == {
        (True, second.story, first.story), (False, first.story, None)}
    assert await store.changes(0, 10) == after
    assert await store.changes(0, 1) == after[:1]
    await store.save_stories(ids, [], desk.now)
    (gone,) = await store.changes(after[-1].revision, 10)
    assert (gone.story, gone.ended, gone.successor) == (first.story, True, None)
    await store.save_stories(ids[:2], [make.story(*ids[:2])], desk.now)
    (back,) = await store.changes(gone.revision, 10)
    assert (back.story, back.ended) == (first.story, False)     # the number of its end is not given again


async def test_who_copies_whom_is_what_the_stories_say(shelf):
    told: dict[tuple[str, str], list] = {}
    for one in await shelf.stories(StoryQuery()):
        by_id = {each.id: each for each in one.articles}
        for copy in one.story.copies:
            if copy.kind is not Kind.REVISION:
                lag = (by_id[copy.article].first_seen - by_id[one.story.original].first_seen).total_seconds()
                told.setdefault((by_id[copy.article].source, by_id[one.story.original].source), []).append((copy, lag))
    flows = {(one.copier, one.origin): one for one in await shelf.flows()}
    assert flows.keys() == told.keys()
    for pair, copies in told.items():
        assert flows[pair].copies == len(copies) == sum(flows[pair].kinds.values())
        assert flows[pair].lag == statistics.median_low(lag for _, lag in copies)
        assert flows[pair].share == pytest.approx(statistics.mean(copy.of_original for copy, _ in copies))
    for one in await shelf.sources():
        assert one == await shelf.source(one.source)
        assert one.copies == sum(len(found) for (copier, _), found in told.items() if copier == one.source)
        assert one.copied == sum(len(found) for (_, origin), found in told.items() if origin == one.source)
        if one.source in SOURCES:
            assert (one.originals, one.first, one.articles) == (3, 1.0, 3)
    assert await shelf.source("Nobody") is None
    assert sum(await shelf.lags([60 * 30, 3600])) == sum(map(len, told.values()))
    newest = await shelf.copies_of("Daily", 2)
    assert len(newest) == 2
    assert [story for story, _ in newest] == [one.story.id for one in await shelf.some_stories([story for story, _ in newest])]


async def test_what_comes_after_a_story(shelf):
    order = [one.story.id for one in await whole(shelf, StoryQuery())]
    assert [await shelf.beyond(StoryQuery(), id_) for id_ in order] == [*order[1:], order[0]]
    assert await shelf.beyond(StoryQuery(words="number4"), order[0]) is not None
    only = (await whole(shelf, StoryQuery(words="number4")))[0].story.id
    assert await shelf.beyond(StoryQuery(words="number4"), only) is None


async def test_stories_of_an_older_program_are_listed_when_the_store_is_opened(shelf, url):
    before = await whole(shelf, StoryQuery())

    async def forget(connection):
        for table in (tables.listing, tables.copying, tables.terms):
            await connection.execute(sa.delete(table))
        await connection.execute(sa.update(tables.stories).values(listed=False))

    await shelf._db.write(forget)
    assert await whole(shelf, StoryQuery()) == []
    await (await open_store(url)).close()
    assert await whole(shelf, StoryQuery()) == before
    assert (await shelf.tally(StoryQuery(words="skarrow"))).all == 9


async def test_what_is_kept_for_lists_goes_with_the_story(shelf, desk):
    (first, *_) = await whole(shelf, StoryQuery(min_copies=2))
    await shelf.forget(first.story.copies[0].article, desk.now)
    assert first.story.copies[0].article not in {each for one in await whole(shelf, StoryQuery()) for each in one.story.members}
    assert await rows(shelf, tables.copying.c.article == first.story.copies[0].article) == 0
    await shelf.prune(desk.now + timedelta(days=9), desk.now + timedelta(days=9))
    assert (await shelf.tally(StoryQuery())).all == 0
    for table in (tables.listing, tables.copying, tables.terms):
        assert await rows(shelf, sa.true(), table) == 0


async def rows(store, which, table=tables.copying):
    return await store._db.read(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(table).where(which)))


def verdict(story, at, **more):
    known = {"id": 0, "ruling": "confirm", "story": story.id, "anchor": story.original, "articles": (story.copies[0].article,),
             "who": "ada", "at": at}
    return Verdict(**{**known, **more})


async def test_a_ruling_on_what_has_changed_is_refused(shelf, second, desk):
    one = (await whole(shelf, StoryQuery()))[0]
    seen = (await shelf.story(one.story.id)).version
    made = await shelf.add_verdict(verdict(one.story, desk.now), seen)
    assert (await shelf.story(one.story.id)).version != seen
    with pytest.raises(ConflictError, match=f"story {one.story.id}: it has changed since you saw it"):
        await second.add_verdict(verdict(one.story, desk.now, ruling="reject", who="bob"), seen)
    with pytest.raises(ConflictError):
        await second.undo_verdict(one.story.id, "bob", desk.now, seen)
    assert [each.id for each in await shelf.rulings()] == [made.id]
    fresh = (await second.story(one.story.id)).version
    await second.undo_verdict(one.story.id, "bob", desk.now, fresh, made.id)
    with pytest.raises(NotFoundError, match=f"no ruling {made.id} stands"):
        await second.undo_verdict(one.story.id, "bob", desk.now, None, made.id)
    (past,) = await shelf.past_rulings(one.story.id)
    assert (past.verdict.who, past.undone_by, past.undone_at) == ("ada", "bob", desk.now)


async def test_figures_that_move_are_no_change_for_who_rules(shelf, desk):
    one = (await whole(shelf, StoryQuery()))[0].story
    before = (await shelf.story(one.id)).version
    await shelf.save_stories(one.members, [replace(one, confidence=0.5)], desk.now)
    assert (await shelf.story(one.id)).story.confidence == 0.5
    assert (await shelf.story(one.id)).version == before


async def test_the_queue_is_read_along_an_index(sqlite_url, make):
    async with make.opened(sqlite_url) as store:
        async def explain(connection):
            statement = page_of(StoryQuery(), "queue", None, 25)
            text = str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
            return [row.detail for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]

        plan = await store._db.read(explain)
    assert any("ix_listing_queue" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)


def test_a_name_is_cut_where_the_index_would_refuse_it():
    assert listing.name_of("n" * 500) == "n" * 200
