"""Pages: what they show, and rulings by their forms."""

import re
from html import unescape

import pytest

from crawler.core.types import Kind
from crawler.ports import StoryQuery
from crawler.web.answers import HEADERS

PAGES = ["/", "/?state=all", "/?q=ferry&state=all&kind=wrapped&source=NewsBasket&role=copy&language=en&min_copies=2&since=2026-03-01",
         "/?q=nothing+like+it", "/sources", "/sources?period=7d", "/source?name=NewsBasket", "/source?name=The+Harbour+Post",
         "/rewordings", "/translations", "/subscribe", "/login"]
HTML = {"Accept": "text/html"}


async def read(page, path, status=200):
    answer = await page.client.get(path, headers=HTML)
    assert answer.status == status, path
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    return await answer.text()


def plain(html):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def rule(page, story, ruling, *, path=None, **more):
    """Press a button of a story's page."""
    html = await read(page, f"/stories/{story}")
    given = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html)) | {"ruling": ruling, **more}
    return await page.client.post(path or f"/stories/{story}/rulings", data=given, headers=HTML, allow_redirects=False)


async def test_every_page_answers_with_our_headers_and_nothing_of_elsewhere(site):
    async with site() as page:
        paths = [*PAGES, *(f"/stories/{one.id}" for one in page.stories.values()),
                 *(f"/articles/{id_}" for one in page.stories.values() for id_ in one.members)]
        for path in paths:
            html = await read(page, path)
            assert html.startswith("<!doctype html>")
            assert not re.findall(r"""(?:src|action)=["'](?!/)|href=["'](?!/|#|https?://\w+\.example/)|\son\w+=|style=""", html)
        for name in ("page.css", "review.css", "review.js", "icon.svg"):
            answer = await page.client.get(f"/static/{name}")
            assert answer.status == 200
            assert not re.search(r"https?://(?!www.w3.org/)", await answer.text())
        await read(page, "/static/../conftest.py", 404)


async def test_counts_are_those_of_the_list(site):
    async with site() as page:
        for query in ("", "?state=all", "?state=all&q=ferry", "?state=decided&language=ar", "?state=ruled", "?state=all&source=NewsBasket"):
            html = await read(page, f"/{query}")
            shown = re.search(r'aria-current="true">\w[\w ]* <span class="n">([\d,]+)</span>', html)[1]
            assert int(shown) == html.count('<li class="item') == int(re.search(r"(\d+) stor(?:y|ies)", plain(html))[1]), query


async def test_undecided_stories_come_first_and_where_there_is_none_all_are_shown(site):
    async with site() as page:
        assert "undecided between Capital Ledger and Valley Courier" in plain(await read(page, "/")).replace("Valley Courier and Capital "
                                                                                                            "Ledger", "Capital Ledger and Valley Courier")
        await rule(page, page.stories["Valley Courier"].id, "confirm")
        html = await read(page, "/")
        assert re.search(r'aria-current="true">All <span class="n">3<', html)


async def test_a_story_shows_why_and_side_by_side(site):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        text = plain(await read(page, f"/stories/{story.id}"))
        assert "This item was quoted automatically from its primary source" in text
        assert "the copy says of itself that it is one" in text
        assert "Appeared between 2026-03-01 07:40 and 08:00" in text
        assert "100 % of the original stands in it" in text
        html = await read(page, f"/stories/{story.id}?beside={story.copies[1].article}")
        assert html.count('<mark class="shared">') >= 4
        assert '<mark class="own">' in html
        assert plain(html).count("its treasurer warned".capitalize()) == 1     # the excerpt has it not
        assert "Side by side" in plain(await read(page, f"/stories/{story.id}?beside=nobody"))


async def test_right_to_left_is_marked_as_such(site):
    async with site() as page:
        html = await read(page, f"/stories/{page.stories['الوادي اليوم'].id}")
        assert re.search(r'<h1 [^>]*dir="auto" lang="ar"', html)
        assert html.count('<p dir="auto">') >= 8
        assert '<div class="side" dir="auto" lang="ar" ' in html


@pytest.mark.parametrize(("ruling", "on", "leads_to"), [
    ("confirm", None, "the whole story is confirmed"), ("licensed", None, "syndicated"), ("confirm", 0, "confirmed"),
    ("reject", 0, "left the story"), ("licensed", 0, "syndicated"), ("original", 0, "is the original"), ("split", 1, "left the story"),
])
async def test_a_button_rules(site, ruling, on, leads_to):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        target = None if on is None else story.copies[on].article
        answer = await rule(page, story.id, f"{ruling} {target or ''}".strip(), note=" seen on paper ")
        assert answer.status == 303
        html = plain(await read(page, answer.headers["Location"]))
        assert "Kept: " in html
        assert "seen on paper" in html
        now = (await page.store.story(story.id)).story
        copies = {one.article: one for one in now.copies}
        match leads_to:
            case "the whole story is confirmed":
                assert now.verdict == "confirm"
            case "syndicated":
                assert copies[target or story.copies[0].article].kind is Kind.SYNDICATED
            case "confirmed":
                assert copies[target].verdict == "confirm"
            case "left the story":
                assert target not in now.members
            case "is the original":
                assert now.original == target
        (past,) = await page.store.past_rulings(story.id)
        assert (past.verdict.who, past.verdict.note, past.verdict.ruling) == ("local", "seen on paper", ruling)


async def test_a_ruling_is_taken_back_by_its_number_and_the_history_keeps_both(site):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        for ruling in ("confirm", f"reject {story.copies[1].article}"):
            assert (await rule(page, story.id, ruling)).status == 303
        first, second = await page.store.past_rulings(story.id)
        answer = await rule(page, story.id, f"undo {first.verdict.id}")
        assert "Taken back." in plain(await read(page, answer.headers["Location"]))
        assert [one.undone_by for one in await page.store.past_rulings(story.id)] == ["local", None]
        html = plain(await read(page, f"/stories/{story.id}"))
        assert "Confirm by local on the whole story taken back by local" in html
        await rule(page, story.id, "undo")
        assert (await page.store.past_rulings(story.id))[1].undone_at is not None
        assert story.copies[1].article in (await page.store.story(story.id)).story.members
        assert (await rule(page, story.id, f"undo {second.verdict.id}")).status == 404


async def test_who_rejects_the_whole_story_is_led_to_the_queue(site):
    async with site() as page:
        story = page.stories["Valley Courier"].id
        answer = await rule(page, story, "reject")
        assert answer.status == 303
        html = await read(page, answer.headers["Location"])
        assert "the story is no more" in plain(html)
        await read(page, f"/stories/{story}", 404)
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html[html.index("/rulings"):]))
        answer = await page.client.post(f"/stories/{story}/rulings", data=form, headers=HTML, allow_redirects=False)
        assert "Taken back." in plain(await read(page, answer.headers["Location"]))
        await read(page, f"/stories/{story}")


async def test_two_stories_are_merged_by_id_or_address_and_the_old_address_leads_on(site):
    async with site() as page:
        one, other = page.stories["The Harbour Post"].id, page.stories["Valley Courier"].id
        answer = await rule(page, one, "merge", other=f"{page.base}/stories/{other}?state=all")
        place = answer.headers["Location"].partition("?")[0]
        assert answer.status == 303
        gone = ({one, other} - {place.rpartition("/")[2]}).pop()
        led = await page.client.get(f"/stories/{gone}?q=x", allow_redirects=False)
        assert (led.status, led.headers["Location"]) == (301, f"{place}?q=x")
        assert (await page.client.get(f"/api/v1/stories/{gone}", allow_redirects=False)).status == 308
        assert len((await page.store.story(one)).story.members) == 5
        changes = await page.store.changes(0, 10)
        assert [(each.story, each.successor) for each in changes if each.ended] == [(gone, place.rpartition("/")[2])]


async def test_the_second_of_two_people_is_told_and_loses_no_word(site):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        stale = (await page.store.story(story.id)).version
        await rule(page, story.id, "confirm")
        answer = await rule(page, story.id, f"reject {story.copies[0].article}", version=stale, note="not ours")
        html = await answer.text()
        assert answer.status == 409
        assert "Nothing was written: the story has changed since you saw it." in plain(html)
        assert 'value="not ours"' in html
        assert len(await page.store.past_rulings(story.id)) == 1
        assert (await rule(page, story.id, f"reject {story.copies[0].article}", note="not ours")).status == 303


async def test_rulings_outlast_a_new_judgement(site):
    async with site() as page:
        story = page.stories["Valley Courier"]
        await rule(page, story.id, f"original {story.copies[0].article}", note="the editor called")
        await page.store.mark_unjudged(None)
        await page.app.daemon.judge_pending()
        now = await page.store.story(story.id)
        assert (now.story.original, now.story.decided) == (story.copies[0].article, True)
        (row,) = [one for one in (await page.desk.report(StoryQuery()))["stories"] if one["id"] == now.story.id]
        assert (row["original"]["article"], row["verdict"]) == (story.copies[0].article, "original")


@pytest.mark.parametrize(("form", "status", "says"), [
    ({"ruling": "nonsense"}, 422, "expected one of confirm"), ({}, 422, "expected one of confirm"),
    ({"ruling": "merge", "other": ""}, 422, "merge takes one STORY"), ({"ruling": "merge", "other": "nix"}, 404, "nix: no story is stored"),
    ({"ruling": "confirm nobody"}, 404, "nobody: no such article"), ({"ruling": "original"}, 422, "original takes one ARTICLE"),
    ({"ruling": "undo"}, 404, "no ruling stands on it"), ({"ruling": "undo x"}, 422, "the number of a ruling"),
    ({"ruling": "confirm", "note": "n" * 2001}, 422, "at most 2,000 are kept"),
])
async def test_what_makes_no_sense_is_refused_with_what_would(site, form, status, says):
    async with site() as page:
        story = page.stories["The Harbour Post"].id
        answer = await rule(page, story, **({"ruling": ""} | form))
        assert answer.status == status
        assert says in plain(await answer.text())
        assert await page.store.past_rulings(story) == []


async def test_the_next_story_keeps_the_filter(site):
    async with site() as page:
        html = await read(page, f"/stories/{page.stories['The Harbour Post'].id}?state=all&language=en")
        assert f'href="/stories/{page.stories["Valley Courier"].id}?language=en&amp;state=all" data-key="x"' in html


async def test_an_evidence_pack_comes_whole(site):
    import io
    import zipfile

    async with site() as page:
        answer = await page.client.get(f"/stories/{page.stories['The Harbour Post'].id}/evidence.wacz")
        assert answer.headers["Content-Type"] == "application/wacz"
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as pack:
            assert pack.testzip() is None
            assert "archive/pages.warc.gz" in pack.namelist()
        await read(page, "/stories/nix/evidence.wacz", 404)
        assert (await page.client.head(f"/stories/{page.stories['The Harbour Post'].id}/evidence.wacz")).status == 405
