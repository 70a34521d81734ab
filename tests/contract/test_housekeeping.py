import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from crawler.adapters.store.tables import bodies, keys, matches, metadata, sightings, units, wants
from crawler.core.types import Attribution, AttributionKind, Claim, Origin, Verdict
from crawler.errors import NotFoundError, StoreError
from crawler.ports import Backlog, Pruned, Saved, StoryQuery

A = "https://a.example/feed"
DAY = timedelta(days=1)
SECRET = "Incomparable Zanzibar"


async def rows(store, table):
    return (await store._db.read(lambda connection: connection.execute(sa.select(table)))).all()


async def everything(store):
    return "\n".join([repr(row) for table in metadata.sorted_tables for row in await rows(store, table)])


@pytest.fixture
async def known(store, desk, make):
    """An article in a feed with everything that can hang on one, in a story with a second copy."""
    said = {"claims": (Claim("published", Origin.META, SECRET, None),),
            "attributions": (Attribution(AttributionKind.DECLARED_COPY, quote=SECRET),)}
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1", title=SECRET, summary=SECRET, content=SECRET, author=SECRET, **said))
    await desk.collect(make.draft("1", title=SECRET, text=SECRET, units=(1, 2), body=SECRET.encode(), **said,
                                  aliases=("https://daily.example/alias",)))
    await store.save_article(make.draft("1", title=SECRET, text=f"{SECRET} again"), None, make.START)
    await desk.put("2", "3", units=(1,), body=b"of others")
    await store.put_keys("a1", [7, 8], make.START)
    await store.save_matches("a1", [make.match("a1", "a2"), make.match("a1", "a3")])
    await store.want_page("https://wire.example/1", "a1", make.START)
    await store.save_stories(["a1", "a2", "a3"], [make.story("a1", "a2", "a3")], make.START)
    await desk.judge_all()


async def test_forgetting_erases_the_text_and_keeps_the_address(store, desk, make, known):
    assert SECRET in await everything(store)
    await store.forget("a1", make.START)

    assert SECRET not in await everything(store)
    assert [await rows(store, table) for table in (keys, matches, wants)] == [[], [], []]
    assert len(await rows(store, bodies)) == 1
    assert await store.unit_holders("Daily", [1, 2], 9) == {1: ["a2", "a3"], 2: []}
    stored = await store.article("a1")
    assert (stored.forgotten, stored.article.text, stored.revisions, stored.role) == (True, "", (), "single")
    assert await store.articles(["a1", "a2"]) == [(await store.article("a2")).article]
    assert [one.article.id async for one in store.export(originals=False)] == ["a2", "a3"]


async def test_what_is_forgotten_is_not_in_the_files_either(tmp_path, make):
    async with make.opened(f"sqlite:///{tmp_path / 'news.db'}") as store:
        desk = make.Desk(store)
        await desk.put("1", text=f"{SECRET} " * 5000)
        await desk.put("2")
        files = [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]
        assert files
        await store.forget("a1", make.START)
        assert [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()] == []


async def test_what_is_forgotten_does_not_come_back(store, desk, make, known):
    await store.forget("a1", make.START)
    for url in ("https://daily.example/1", "https://daily.example/alias"):
        assert await store.article_at(url) == "a1"
    assert await store.save_article(make.draft("1", text=SECRET, body=SECRET.encode()), None, make.START) == Saved("a1", "known")

    await desk.add_feeds(A, "https://b.example/feed")
    assert (await desk.poll(A, make.seen("1", title=SECRET, content="changed"))).changed == 0
    await desk.poll("https://b.example/feed", make.seen("1", title=SECRET))
    _, waiting = await desk.claim()
    await store.attach(waiting, "a1", desk.now)
    assert SECRET not in await everything(store)
    assert await store.mark_unjudged(None, ["a1"]) == 0
    await store.put_keys("a1", [7], make.START)
    assert await rows(store, keys) == []
    await store.forget("a1", make.START)


async def test_the_rest_of_the_story_goes_on_undecided_and_is_judged_again(store, desk, make, known):
    (before,) = await store.stories(StoryQuery())
    await store.forget("a1", make.START + DAY)
    (after,) = await store.stories(StoryQuery())
    assert (after.story.id, after.story.original, after.story.decided, after.story.why) == (
        before.story.id, "a2", False, ())
    assert [copy.article for copy in after.story.copies] == ["a3"]
    assert sorted(await desk.judge_all()) == ["a2", "a3"]
    await store.forget("a3", make.START + DAY)
    assert await store.stories(StoryQuery()) == []
    with pytest.raises(NotFoundError):
        await store.story(before.story.id)


async def test_forgetting_and_holding_nothing(store, make):
    for call in (store.forget("none", make.START), store.hold("none")):
        with pytest.raises(NotFoundError, match="none"):
            await call


async def test_old_pages_go_and_held_ones_stay(store, desk, make):
    for name in "12":
        await desk.put(name, body=b"same")
        await desk.put(name, body=b"later", fetched=make.START + DAY)
    assert await store.hold("a1") == 2
    assert await store.prune(make.START + DAY, make.START) == Pruned(pages=1)
    assert [len(await store.pages(id_)) for id_ in ("a1", "a2")] == [2, 1]
    assert await store.prune(make.START + 2 * DAY, make.START) == Pruned(pages=1)
    assert len(await rows(store, bodies)) == 2
    assert (await store.article("a1")).held


async def test_holding_a_story_holds_its_articles(store, desk, make):
    await desk.put("1", "2", body=b"x")
    (change,) = await store.save_stories(["a1", "a2"], [make.story("a1", "a2")], make.START)
    assert await store.hold(change.story) == 2
    assert await store.prune(make.START + DAY, make.START + DAY) == Pruned()


async def test_old_articles_go_with_all_that_hangs_on_them(store, desk, make, known):
    await store.forget("a3", make.START)
    (old,) = await store.stories(StoryQuery())
    assert await store.prune(make.START, make.START + DAY) == Pruned(pages=0, articles=2, entries=0, keys=2)
    assert [await rows(store, table) for table in (matches, wants, units, bodies)] == [[]] * 4
    assert await store.candidates("x", [7, 8, 9], make.START - DAY, make.START + DAY, 9) == []
    assert await store.article_at("https://daily.example/1") is None
    with pytest.raises(NotFoundError):
        await store.story(old.story.id)
    assert (await store.article("a3")).forgotten


async def test_an_entry_that_is_still_listed_does_not_come_back_as_news(store, desk, make):
    await desk.add_feeds(A)
    await desk.poll(A, make.seen("1"))
    await desk.collect(make.draft("1"))
    desk.now += 100 * DAY
    await desk.poll(A, make.seen("1"))
    assert (await store.prune(desk.now, desk.now - 50 * DAY)).articles == 1
    assert (await desk.poll(A, make.seen("1", title="Other"))).new == 0
    assert await desk.claim() == []
    desk.now += 100 * DAY
    assert (await store.prune(desk.now, desk.now - 50 * DAY)).entries == 1
    assert await rows(store, sightings) == []


async def test_what_is_kept_from_pruning(store, desk, make):
    await desk.put("old", "copy of new", "ruled", "its copy", "held", "single")
    await desk.put("new", fetched=make.START + 9 * DAY)
    await store.save_stories(["aold", "anew"], [make.story("aold", "anew")], make.START)
    await store.save_stories(["aruled", "aits copy"], [make.story("aruled", "aits copy")], make.START)
    verdict = await store.add_verdict(Verdict(0, "confirm", "s", "aruled", ("aits copy",), "ann", make.START))
    await store.hold("aheld")
    assert (await store.prune(make.START, make.START + DAY)).articles == 2
    left = [one.article.id async for one in store.export(originals=False)]
    assert sorted(left) == ["aheld", "aits copy", "anew", "aold", "aruled"]
    assert await store.verdicts(["aruled"]) == [verdict]


async def test_a_long_prune_goes_in_batches(store, desk, make, monkeypatch):
    monkeypatch.setattr("crawler.adapters.store.removal._BATCH", 2)
    await desk.put(*"12345")
    assert (await store.prune(make.START, make.START + DAY)).articles == 5


async def test_what_waits(store, desk, make):
    await desk.add_feeds(A, "https://b.example/feed")
    assert await store.backlog(make.START) == Backlog(2, 0, 0, make.START)
    await desk.poll(A, make.seen("1"), make.seen("2"))
    assert (await store.backlog(make.START)).feeds_due == 1
    assert (await store.backlog(make.START)).entries == 2
    await desk.collect(make.draft("1"))
    assert await store.backlog(make.START) == Backlog(1, 1, 1, make.START)


async def test_the_next_poll_is_after_every_quiet_time(store, desk, make):
    from crawler.core.types import FeedState

    await desk.add_feeds(A)
    soon, later, last = (make.START + n * make.MINUTE for n in (1, 2, 3))
    await desk.poll(A, state=FeedState(next_poll=soon, retry_after=later))
    assert (await store.backlog(make.START)).next_poll == later
    await store.pause_host("a.example", last)
    assert (await store.backlog(make.START)).next_poll == last
    await store.sync_feeds([], make.START)
    assert await store.backlog(make.START) == Backlog(0, 0, 0, None)


async def test_a_backup_is_whole_and_overwrites_nothing(store, url, desk, make, tmp_path):
    await desk.put("1")
    target = tmp_path / "copy.db"
    if url.startswith("postgresql"):
        with pytest.raises(StoreError, match="pg_dump"):
            await store.backup(target)
        return
    await store.backup(target)
    async with make.opened(f"sqlite:///{target}") as copy:
        assert await copy.article("a1") == await store.article("a1")
    before = target.read_bytes()
    with pytest.raises(StoreError, match="exists already"):
        await store.backup(target)
    assert target.read_bytes() == before
    with pytest.raises(StoreError, match="No such file or directory"):
        await store.backup(Path(tmp_path / "nowhere" / "copy.db"))
    assert sqlite3.connect(target).execute("PRAGMA integrity_check").fetchone() == ("ok",)
