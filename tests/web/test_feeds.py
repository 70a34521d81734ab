"""Output feeds: what stands in them, that they are valid, that nothing is sent twice to who has it."""

import io
import json
import re
from datetime import datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest

ATOM = "{http://www.w3.org/2005/Atom}"


async def parsed(page, path):
    answer = await page.client.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    body = await answer.read()
    found = feedparser.parse(io.BytesIO(body))
    assert not found.bozo
    return found, ET.fromstring(body)


def held_to_the_rules(feed):
    """RFC 4287, as the W3C's validator asks for it."""
    assert [one.tag for one in feed].count(f"{ATOM}updated") == 1
    assert feed.find(f"{ATOM}link[@rel='self']") is not None
    ids = [one.findtext(f"{ATOM}id") for one in feed.iter(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    for one in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(one.findall(f"{ATOM}{name}")) == 1
            assert one.findtext(f"{ATOM}{name}").strip()
        assert one.find(f"{ATOM}author/{ATOM}name").text.strip()
        assert datetime.fromisoformat(one.findtext(f"{ATOM}updated")).tzinfo
        links = [(link.get("rel"), link.get("type"), link.get("hreflang")) for link in one.findall(f"{ATOM}link")]
        assert links.count(("alternate", "text/html", one.find(f"{ATOM}link[@rel='alternate']").get("hreflang"))) == 1
        for link in one.findall(f"{ATOM}link"):
            assert re.fullmatch(r"https?://[!-~]+", link.get("href"))


async def test_originals_and_each_links_its_copies(site):
    async with site() as page:
        found, tree = await parsed(page, "/originals.atom")
        held_to_the_rules(tree)
        assert {one.title for one in found.entries} == {"Night ferry returns", "Apple found", "قطار الجبل يعود"}
        ferry = next(one for one in found.entries if one.title == "Night ferry returns")
        assert ferry.link == "https://harbour.example/ferry"
        assert ferry.id == f"urn:firsthand:story:{page.stories['The Harbour Post'].id}"
        related = {link.href: link.title for link in ferry.links if link.rel == "related"}
        assert related == {"https://basket.example/ferry": "wrapped: Night ferry returns - NewsBasket",
                           "https://brief.example/ferry": "excerpt: Ferry is back"}
        assert [link.href for link in ferry.links if link.rel == "via"] == [f"{page.base}/stories/{page.stories['The Harbour Post'].id}"]
        assert "2 copies. Earliest known source: The Harbour Post" in ferry.summary


@pytest.mark.parametrize(("query", "titles"), [
    ("tag=arabic", {"قطار الجبل يعود"}), ("tag=english&q=ferry", {"Night ferry returns"}), ("tag=nobody", set()),
    ("language=ar", {"قطار الجبل يعود"}), ("source=NewsBasket", {"Night ferry returns"}), ("source=NewsBasket&role=original", set()),
    ("min_copies=2", {"Night ferry returns"}), ("state=undecided", {"Apple found"}), ("kind=excerpt", {"Night ferry returns"}),
])
async def test_filters_of_either_form(site, query, titles):
    async with site() as page:
        found, tree = await parsed(page, f"/originals.atom?{query}")
        held_to_the_rules(tree)
        assert {one.title for one in found.entries} == titles
        assert {one["title"] for one in json.loads(await (await page.client.get(f"/originals.json?{query}")).read())["items"]} == titles


async def test_the_json_feed_holds_to_its_specification(site):
    async with site(hub="https://hub.example/") as page:
        assert "hubs" not in json.loads(await (await page.client.get("/originals.json?language=en")).read())
        answer = await page.client.get("/originals.json")
        assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
        feed = json.loads(await answer.read())
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert feed["feed_url"] == f"{page.base}/originals.json"
        assert feed["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
        for one in feed["items"]:
            assert all(isinstance(one[name], str) for name in ("id", "url", "title", "content_text"))
            assert all(datetime.fromisoformat(one[name]).tzinfo for name in ("date_published", "date_modified"))
            assert {key for key in one if key.startswith("_")} == {"_firsthand"}


async def test_who_is_copied_can_watch_it(site):
    async with site() as page:
        found, tree = await parsed(page, "/copies.atom?source=The+Harbour+Post")
        held_to_the_rules(tree)
        assert [one.title for one in found.entries] == ["The Brief: Ferry is back", "NewsBasket: Night ferry returns - NewsBasket"]
        assert "This item was quoted automatically from its primary source" in found.entries[1].summary
        assert (await page.client.get("/copies.atom")).status == 422
        assert (await parsed(page, "/copies.atom?source=Nobody"))[0].entries == []


@pytest.mark.parametrize("path", ["/originals.atom", "/originals.json", "/copies.atom?source=The+Harbour+Post", "/api/v1/stories"])
async def test_nothing_is_sent_twice_to_who_has_it_and_what_is_new_is(site, path):
    async with site() as page:
        first = await page.client.get(path)
        for headers in ({"If-None-Match": first.headers["ETag"]}, {"If-None-Match": f'"x", {first.headers["ETag"]}'}):
            again = await page.client.get(path, headers=headers)
            assert (again.status, await again.read()) == (304, b"")
        assert (await page.client.get(path, headers={"If-None-Match": '"other"'})).status == 200
        story = page.stories["The Harbour Post"]
        await page.client.post(f"/api/v1/stories/{story.id}/verdict", json={"ruling": "licensed", "article": story.copies[0].article})
        assert (await page.client.get(path, headers={"If-None-Match": first.headers["ETag"]})).status == 200


async def test_the_hub_is_named_where_there_is_one(site):
    async with site(hub="https://hub.example/", public_url="https://desk.example/firsthand") as page:
        answer = await page.client.get("/originals.atom")
        assert answer.headers["Link"] == '<https://hub.example/>; rel="hub", <https://desk.example/firsthand/originals.atom>; rel="self"'
        for narrower in ("/originals.atom?tag=english", "/copies.atom?source=x"):     # of which the hub is not told
            answer_ = await page.client.get(narrower)
            assert "Link" not in answer_.headers
            assert b"hub.example" not in await answer_.read()
        tree = ET.fromstring(await answer.read())
        assert tree.find(f"{ATOM}link[@rel='hub']").get("href") == "https://hub.example/"
    async with site() as page:
        answer = await page.client.get("/originals.atom")
        assert "Link" not in answer.headers


async def test_foreign_texts_break_no_feed(site):
    async with site() as page:
        bad = "<script>]]>&amp;\u202e\u0007 \ufffe\ud800".encode("utf-8", "replace").decode() + "\u0007\u202e"

        async def spoil(connection):
            import sqlalchemy as sa

            from crawler.adapters.store.tables import articles
            await connection.execute(sa.update(articles).values(title=bad, source=bad, language="x y", address="javascript:alert(1)"))

        await page.store._db.write(spoil)
        _, tree = await parsed(page, "/originals.atom")
        held_to_the_rules(tree)
        text = ET.tostring(tree, encoding="unicode")
        assert "<script>" not in text
        assert "javascript:" not in text
        assert "\u202e" not in text
        json.loads(await (await page.client.get("/originals.json")).read())
