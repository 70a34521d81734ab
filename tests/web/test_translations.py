"""Translated copies, editions and possible translations, on the page and in the API."""

import re

from crawler.core.types import Kind, Relation
from crawler.ports import StoryQuery
from tests import tongues
from tests.web.test_api import get
from tests.web.test_pages import HTML, plain, read

LINES = {language: text.split("\n") for language, text in (("en", tongues.ENGLISH), ("ar", tongues.ARABIC), ("de", tongues.GERMAN))}


def copies(page):
    (story,) = page.stories.values()
    return story, {one.kind: one.article for one in story.copies}


async def test_the_api_gives_the_sentences_of_both_in_the_order_of_the_left(tongues_site):
    async with tongues_site() as page:
        story, of = copies(page)
        found = await get(page, f"/api/v1/stories/{story.id}/copies/{of[Kind.TRANSLATION]}")
        told = found["translation"]
        assert [(one["left"], one["right"]) for one in told["pairs"]] == list(zip(LINES["en"], LINES["ar"], strict=True))
        assert all(0.5 < one["score"] <= 1 for one in told["pairs"])
        assert (told["probability"], told["order"], told["encoder"], told["coverage"]) == (1.0, 1.0, "use-m3", [1.0, 1.0])
        assert told["anchors"] == [["120", "120"], ["35", "35"], ["2019", "2019"], ["Karmel", "الكرمل"]]
        assert found["passages"] == 6


async def test_no_translation_is_null(site):
    async with site() as page:
        story = page.stories["The Harbour Post"]
        assert (await get(page, f"/api/v1/stories/{story.id}/copies/{story.copies[0].article}"))["translation"] is None
        assert "Translated copy" not in await read(page, f"/stories/{story.id}")


async def test_a_story_shows_the_sentences_side_by_side(tongues_site):
    async with tongues_site() as page:
        story, of = copies(page)
        html = await read(page, f"/stories/{story.id}?beside={of[Kind.TRANSLATION]}")
        (table,) = re.findall(r'<table class="pairs">.*?</table>', html, re.DOTALL)
        rows = re.findall(r'<tr><td dir="auto" lang="en">(.*?)</td><td dir="auto" lang="ar">(.*?)</td><td class="n">(\d+ %)</td></tr>', table)
        assert [row[:2] for row in rows] == list(zip(LINES["en"], LINES["ar"], strict=True))
        text = plain(html)
        assert "Original: Karmel Gazette Copy: الوادي اليوم Alike" in text
        assert ("Translated copy : over 99 % probable that one is the other translated. 100 % of the first text and 100 % of the "
                "second stand in 6 pairs of sentences, all in the same order. Numbers and names in both: 120 , 35 , 2019 , "
                "Karmel = الكرمل . Encoder use-m3.") in text
        assert "machine" not in html.lower()
        assert html.count('<mark class="shared">') >= 12                 # the whole texts stand below


async def test_an_edition_is_the_publishers_own(tongues_site):
    async with tongues_site() as page:
        story, of = copies(page)
        text = plain(await read(page, f"/stories/{story.id}?beside={of[Kind.EDITION]}"))
        assert "1 copy, 1 later version or edition by the publisher itself" in text
        assert "Edition in another language : over 99 % probable" in text
        assert "Translated copy" not in text


async def test_possible_translations_are_offered_and_confirmed(tongues_site):
    async with tongues_site() as page:
        html = await read(page, "/translations")
        assert html.count("<article") == 1
        text = plain(html)
        assert "60 % probable: 2 pairs of sentences, all in the same order" in text
        assert LINES["ar"][0] in text
        assert LINES["en"][2] in text
        assert re.search(r'<a href="/translations" aria-current="page">Translations</a>', html)
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
        answer = await page.client.post("/translations", data={**form, "ruling": "confirm"}, headers=HTML, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/translations?done=1")
        text = plain(await read(page, "/translations?done=1"))
        assert "Kept." in text
        assert "None that wait for a person." in text
        story = next(one.story for one in await page.store.stories(StoryQuery()) if form["a"] in one.story.members)
        assert form["b"] in story.members
        answer = await page.client.post("/translations", data={**form, "ruling": "reject"}, headers=HTML)
        assert answer.status == 409                                     # somebody has ruled


async def test_a_rejected_one_is_not_offered_again(tongues_site):
    async with tongues_site() as page:
        html = await read(page, "/translations")
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
        await page.client.post("/translations", data={**form, "ruling": "reject"}, headers=HTML)
        assert await page.desk.possible(Relation.TRANSLATION, StoryQuery()) == []
