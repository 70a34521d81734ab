"""Feeds: each format reads with the library that readers of the field use, and has the vices that the data give it."""

import io
import json
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import feedparser
import pytest
from lxml import etree

from crawler.newsworld import feeds, origin
from crawler.newsworld.model import FeedSpec, Site
from crawler.newsworld.script import load
from crawler.newsworld.world import World, entry_link, feed_url

SCRIPT = load()
FEEDS = [(site, feed) for site in SCRIPT.sites for feed in site.feeds if not feed.gone]
XML = [(site, feed) for site, feed in FEEDS if feed.format in ("rss", "rdf", "atom")]
VERSIONS = {"rss": "rss20", "rdf": "rss10", "atom": "atom10"}
NEWS = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}


def name(value: object) -> str:
    return value.id if isinstance(value, Site) else value.path if isinstance(value, FeedSpec) else str(value)


def ask(world: World, url: str, **headers: str) -> origin.Answer:
    host, _, path = url.removeprefix("http://").partition("/")
    found = origin.answer(world, host, f"/{path}", {key.replace("_", "-"): value for key, value in headers.items()})
    assert found is not None
    return found


def parsed(world: World, site: Site, feed: FeedSpec) -> feedparser.FeedParserDict:
    return feedparser.parse(io.BytesIO(feeds.render(world, site, feed)), sanitize_html=False)


@pytest.mark.parametrize(("site", "feed"), XML, ids=name)
def test_rss_rdf_and_atom_read_with_feedparser(evening: World, site: Site, feed: FeedSpec):
    found = parsed(evening, site, feed)
    items = evening.listed(site, feed)
    assert not found.bozo
    assert found.version == VERSIONS[feed.format]
    assert [entry.link for entry in found.entries] == [entry_link(item, feed) for item in items]
    assert [entry.title for entry in found.entries] == [evening.version(item).title for item in items]
    assert items


@pytest.mark.parametrize(("site", "feed"), [(s, f) for s, f in FEEDS if f.format == "json"], ids=name)
def test_json_feeds_hold_what_the_standard_requires(evening: World, site: Site, feed: FeedSpec):
    found = json.loads(feeds.render(evening, site, feed))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["url"] for item in found["items"]] == [item.url for item in evening.listed(site, feed)]
    for item in found["items"]:
        assert item["id"]
        assert item["content_text"]
        assert datetime.fromisoformat(item["date_published"]).tzinfo


def test_the_news_sitemap_reads_with_lxml(evening: World):
    site = SCRIPT.site("kiyi-postasi")
    tree = etree.fromstring(feeds.render(evening, site, site.feeds[0]))
    items = evening.listed(site, site.feeds[0])
    assert tree.xpath("//s:loc/text()", namespaces=NEWS) == [item.url for item in items]
    assert tree.xpath("//n:title/text()", namespaces=NEWS) == [item.versions[0].title for item in items]


def test_an_article_stands_in_its_feed_from_its_moment_on(world: World):
    site = SCRIPT.site("harbour-post")
    world.advance(timedelta(minutes=39))
    assert b"ferry" not in feeds.render(world, site, site.feeds[0]).lower()
    world.advance(timedelta(minutes=1))
    assert b"/region/ferry" in feeds.render(world, site, site.feeds[0])


def test_no_feed_is_empty_at_the_start_but_the_section_feeds(world: World):
    empty = {feed_url(site, feed) for site, feed in FEEDS if not world.listed(site, feed)}
    assert empty == {"http://harbour-post.example/culture/rss.xml", "http://valley-courier.example/amp.rss"}


def test_the_late_feed_shows_the_original_after_the_copy(world: World):
    site, copy = SCRIPT.site("hillford-chronicle"), SCRIPT.publication("orchard-lantern")
    world.advance(timedelta(minutes=copy.at))
    assert SCRIPT.publication("orchard") in world.published(site)
    assert SCRIPT.publication("orchard") not in world.listed(site, site.feeds[0])
    world.advance(timedelta(minutes=135))
    assert SCRIPT.publication("orchard") in world.listed(site, site.feeds[0])


def test_the_same_article_stands_in_two_feeds_of_one_source(evening: World):
    site = SCRIPT.site("harbour-post")
    everything, culture = (parsed(evening, site, feed) for feed in site.feeds)
    assert {entry.link for entry in culture.entries} < {entry.link for entry in everything.entries}


def test_a_feed_without_dates_has_none(evening: World):
    site = SCRIPT.site("daily-lantern")
    for feed in site.feeds:
        found = parsed(evening, site, feed)
        assert found.entries
        assert not any(key in entry for entry in found.entries for key in ("published", "updated"))


def test_guids_change_at_each_request_and_links_do_not(evening: World):
    first, second = (feedparser.parse(io.BytesIO(ask(evening, "http://newsbasket.example/feed").body)) for _ in "ab")
    assert not {entry.id for entry in first.entries} & {entry.id for entry in second.entries}
    assert [entry.link for entry in first.entries] == [entry.link for entry in second.entries]


def test_local_time_labelled_utc_looks_six_hours_older_than_it_is(evening: World):
    site = SCRIPT.site("inland-mirror")
    entry = parsed(evening, site, site.feeds[0]).entries[0]
    item = evening.listed(site, site.feeds[0])[0]
    claimed = datetime.fromisoformat(entry.published)
    assert claimed.utcoffset() == timedelta(0)
    assert claimed == evening.moment(item.at) - timedelta(hours=6)


def test_tracking_parameters_stand_on_every_link(evening: World):
    site = SCRIPT.site("mawjaz")
    assert all("utm_source=rss" in entry.link for entry in parsed(evening, site, site.feeds[0]).entries)


def test_full_content_is_the_article(evening: World):
    site, item = SCRIPT.site("meridian-agency"), SCRIPT.publication("quake")
    entry = next(entry for entry in parsed(evening, site, site.feeds[0]).entries if entry.link == item.url)
    assert item.versions[0].paragraphs[-1] in entry.content[0].value


def test_the_truncated_feed_is_no_xml_for_a_while(world: World):
    url = "http://binhai-guancha.example/rss.xml"
    whole = ask(world, url).body
    world.advance(timedelta(minutes=600))
    cut = ask(world, url)
    assert cut.status == 200
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(cut.body)
    world.advance(timedelta(minutes=130))
    assert ask(world, url).body == whole


@pytest.mark.parametrize(("minutes", "status"), [(890, 200), (900, 500), (990, 200)])
def test_one_feed_is_broken_for_an_hour_and_a_half(world: World, minutes: int, status: int):
    world.advance(timedelta(minutes=minutes))
    assert ask(world, "http://valley-courier.example/rss").status == status


def test_gone_and_moved_feeds_say_so(world: World):
    assert ask(world, "http://closed-courier.example/rss.xml").status == 410
    moved = ask(world, "http://severny-bereg.example/rss")
    assert (moved.status, moved.headers["Location"]) == (301, "http://severny-bereg.example/feeds/all.xml")
    assert ask(world, moved.headers["Location"]).status == 200


def test_validators_hold_until_something_changes(world: World):
    url = "http://harbour-post.example/feed.xml"
    first = ask(world, url)
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    world.advance(timedelta(minutes=30))
    assert ask(world, url, if_none_match=tag).status == 304
    assert ask(world, url, if_none_match=f'"other", W/{tag}').status == 304
    assert ask(world, url, if_modified_since=date).status == 304
    assert ask(world, url, if_modified_since="yesterday").status == 200
    unchanged = ask(world, url, if_none_match=tag)
    assert (unchanged.body, unchanged.headers["ETag"]) == (b"", tag)
    world.advance(timedelta(minutes=30))   # the ferry
    assert ask(world, url, if_none_match=tag, if_modified_since=date).status == 200
    assert ask(world, url, if_modified_since=date).status == 200
    assert parsedate_to_datetime(ask(world, url).headers["Last-Modified"]) == world.moment(40)


def test_a_later_version_of_a_page_changes_its_feed(world: World):
    url = "http://harbour-post.example/feed.xml"
    world.set(world.moment(519))
    before = ask(world, url)
    world.set(world.moment(520))
    after = ask(world, url, if_none_match=before.headers["ETag"])
    assert after.status == 200
    assert b"Council debates" in after.body
    assert b"Council debates" not in before.body
