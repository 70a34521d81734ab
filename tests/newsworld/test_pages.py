"""Pages: a reader's library finds the article in every template, and each page claims what its site would claim."""

import json
from collections import Counter
from datetime import datetime, timedelta

import lxml.html
import pytest
import trafilatura

from crawler.core import text as words_of
from crawler.newsworld import pages
from crawler.newsworld.model import Publication
from crawler.newsworld.script import load
from crawler.newsworld.world import World

SCRIPT = load()
ARTICLES = [item for item in SCRIPT.publications if item.wall in (None, "short")]
WALLS = [item for item in SCRIPT.publications if item.wall not in (None, "short")]


def counted(text: str) -> Counter[str]:
    return Counter(word.form for word in words_of.words(text))


def said(world: World, item: Publication) -> Counter[str]:
    return counted("\n".join(pages.plain(paragraph) for paragraph in world.version(item).paragraphs))


def tree(world: World, id: str) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring(pages.article(world, SCRIPT.publication(id)))


def linked(world: World, id: str) -> dict[str, object]:
    """The page's schema.org article, wherever the template puts it."""
    data = json.loads(tree(world, id).xpath("//script[@type='application/ld+json']/text()")[0])
    nodes = data if isinstance(data, list) else data.get("@graph", [data])
    return next(node for node in nodes if "datePublished" in node and "headline" in node)


@pytest.mark.parametrize("item", ARTICLES, ids=lambda item: item.id)
def test_a_reader_finds_the_article_and_little_else(evening: World, item: Publication):
    wanted = said(evening, item)
    found = counted(trafilatura.extract(pages.article(evening, item), favor_precision=True) or "")
    assert (wanted & found).total() >= .95 * wanted.total()
    # The headline is found as well, and a line of the frame on some templates.
    headline = counted(evening.version(item).title)
    assert (found - wanted - headline).total() <= 20


@pytest.mark.parametrize("item", [item for item in ARTICLES if item.site.template == "regional"], ids=lambda item: item.id)
def test_the_amp_page_is_the_same_article(evening: World, item: Publication):
    html = pages.article(evening, item, "amp")
    found = counted(trafilatura.extract(html) or "")
    assert (said(evening, item) & found).total() >= .95 * said(evening, item).total()
    assert lxml.html.document_fromstring(html).xpath("//link[@rel='canonical']/@href") == [item.url]


@pytest.mark.parametrize("item", ARTICLES, ids=lambda item: item.id)
def test_a_page_has_a_frame_around_its_article(evening: World, item: Publication):
    found = lxml.html.document_fromstring(pages.article(evening, item))
    frame = counted(found.text_content()) - said(evening, item)
    assert frame.total() >= 40
    assert len(found.xpath("//a[@href]")) >= 8
    assert found.xpath("//title/text()")[0].startswith(evening.version(item).title)


def test_walls_hide_the_article(evening: World):
    for item in WALLS:
        found = counted(lxml.html.document_fromstring(pages.article(evening, item)).text_content())
        assert (said(evening, item) & found).total() < .8 * said(evening, item).total(), item.id
        assert item.versions[0].paragraphs[-1] not in pages.article(evening, item)


def test_one_consent_wall_stands_at_three_addresses_under_three_titles(evening: World):
    walls = [tree(evening, f"gate-consent-{number}") for number in ("one", "two", "three")]
    assert len({wall.xpath("string(//main)") for wall in walls}) == 1
    assert len({wall.xpath("string(//title)") for wall in walls}) == 3


def test_the_shell_is_empty(evening: World):
    assert tree(evening, "gate-shell").xpath("//div[@id='root']")[0].text_content() == ""


def test_the_liar_claims_a_time_before_the_original(evening: World):
    liar, original = linked(evening, "library-lantern"), linked(evening, "library")
    claims = [datetime.fromisoformat(str(page["datePublished"])) for page in (liar, original)]
    assert claims[0] < claims[1] == evening.moment(250)


def test_local_time_labelled_utc(evening: World):
    claim = tree(evening, "museum-mirror").xpath("//meta[@property='article:published_time']/@content")[0]
    assert claim.endswith("Z")
    assert datetime.fromisoformat(claim) == evening.moment(770) - timedelta(hours=6)


def test_times_carry_the_zone_of_the_site(evening: World):
    assert str(linked(evening, "mina")["datePublished"]).endswith("+03:00")
    for item in ARTICLES:
        stated = lxml.html.document_fromstring(pages.article(evening, item)).xpath("//time/@datetime")
        for value in stated:
            off = datetime.fromisoformat(value) - evening.moment(item.at)
            assert off == timedelta(minutes=item.site.mislabelled - item.backdated), item.id


def test_the_partner_names_the_original_as_canonical(evening: World):
    elsewhere = {
        item.id: canonical
        for item in ARTICLES
        if (canonical := lxml.html.document_fromstring(pages.article(evening, item)).xpath("//link[@rel='canonical']/@href")[0])
        != item.url
    }
    assert elsewhere == {"clinic-mirror": SCRIPT.publication("clinic").url}


@pytest.mark.parametrize(("copy", "label"), [
    ("mina-mawjaz", "مصدر الخبر"), ("ferry-basket", "Source of the news"), ("orchard-lantern", "Hillford Chronicle"),
    ("lighthouse-basket", "Source of the news"),
])
def test_copies_that_name_their_source_link_it(evening: World, copy: str, label: str):
    item = SCRIPT.publication(copy)
    links = {link.text_content(): link.get("href") for link in tree(evening, copy).xpath("//p//a[@rel='nofollow']")}
    assert links[label] == SCRIPT.publication(item.of or "").url


def test_the_storyteller_links_and_names_nobody(evening: World):
    for item in SCRIPT.publications:
        if item.site.id == "qawafel" and item.of:
            page = pages.article(evening, item)
            assert not tree(evening, item.id).xpath("//p//a[@rel='nofollow']")
            assert SCRIPT.publication(item.of).site.name not in page


def test_a_page_changes_at_the_same_address(world: World):
    item = SCRIPT.publication("desal")
    world.set(world.moment(319))
    before = pages.article(world, item)
    world.set(world.moment(320))
    after = pages.article(world, item)
    assert "rejected the findings" in after
    assert "rejected the findings" not in before
    assert linked(world, "desal")["dateModified"] != linked(world, "desal")["datePublished"]


def test_text_is_escaped_and_links_are_elements():
    shown = pages.linked('a < b & [more <b>](http://x.example/?a=1&b=2) "c"')
    assert shown == ('a &lt; b &amp; <a href="http://x.example/?a=1&amp;b=2" rel="nofollow">more &lt;b&gt;</a> '
                     '&#34;c&#34;')
