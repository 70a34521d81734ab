"""Every date that a page states, with its origin, resolution and zone; nothing filled in, nothing from other articles."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from crawler.core.extract import read_content, read_page
from crawler.core.types import Origin, Resolution, Zone

URL = "https://news.example/story/bridge"
PROSE = "".join(f"<p>The town council voted on Tuesday evening to keep bridge number {n} open to walkers and cyclists.</p>"
                for n in ("one", "two", "three", "four"))


def page(head="", body="", after=""):
    return (f"<html lang='en'><head><title>Bridge</title>{head}</head><body><article><h1>Bridge stays open</h1>{body}{PROSE}"
            f"</article>{after}</body></html>").encode()


def script(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return f'<script type="application/ld+json">{text}</script>'


def claims(*args, headers=(), zone=None, url=URL, **kwargs):
    return read_page(page(*args, **kwargs), url, headers=headers, zone=zone).claims


def published(*args, **kwargs):
    return [claim.raw for claim in claims(*args, **kwargs) if claim.what == "published"]


STAMP = "2024-05-03T10:15:30+02:00"
AT = datetime(2024, 5, 3, 8, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [
    {"@type": "NewsArticle", "datePublished": STAMP},
    [{"@type": "WebSite", "name": "x"}, {"@type": "NewsArticle", "datePublished": STAMP}],
    {"@graph": [{"@type": "WebPage"}, {"@type": ["Thing", "ReportageNewsArticle"], "datePublished": [STAMP]}]},
    {"@type": "WebPage", "mainEntity": {"@type": "http://schema.org/Article", "datePublished": {"@value": STAMP}}},
    {"@type": "BlogPosting", "DatePublished": STAMP},
    f'<!-- {{"@type":"NewsArticle","datePublished":"{STAMP}"}} -->',
    f'//<![CDATA[\n{{"@type":"NewsArticle","datePublished":"{STAMP}"}}\n//]]>',
    f'/*<![CDATA[*/ {{"@type":"NewsArticle","datePublished":"{STAMP}"}} /*]]>*/',
    f'{{"@type":"NewsArticle","datePublished":"{STAMP}",}}',
    f'{{"@type":"NewsArticle","headline":"two\nlines","datePublished":"{STAMP}"}};',
    f'{{"@type":"WebSite"}}\n{{"@type":"NewsArticle","datePublished":"{STAMP}"}}',
    f"{{&quot;@type&quot;:&quot;NewsArticle&quot;,&quot;datePublished&quot;:&quot;{STAMP}&quot;}}",
    f'\ufeff{{"@type":"NewsArticle","datePublished":"{STAMP}"}}',
])
def test_json_ld_in_every_wrapping(value):
    (claim,) = claims(script(value))
    assert (claim.what, claim.origin, claim.at, claim.zone) == ("published", Origin.JSON_LD, AT, Zone.STATED)


def test_the_node_of_this_page_comes_first_and_other_articles_say_nothing():
    nodes = [{"@type": "NewsArticle", "url": "/other", "datePublished": "2020-01-01T00:00:00Z"},
             {"@type": "NewsArticle", "datePublished": "2021-01-01T00:00:00Z"},
             {"@type": "NewsArticle", "mainEntityOfPage": {"@id": URL + "/?ref=x"}, "datePublished": STAMP}]
    assert published(script(nodes)) == [STAMP, "2021-01-01T00:00:00Z"]


@pytest.mark.parametrize("key", ["itemListElement", "hasPart", "isBasedOn", "comment", "liveBlogUpdate", "citation", "video"])
def test_dates_of_other_works_are_none_of_the_article(key):
    other = {"@type": "NewsArticle", "datePublished": "2019-01-01T00:00:00Z", "uploadDate": "2019-01-01T00:00:00Z"}
    assert published(script({"@type": "NewsArticle", "datePublished": STAMP, key: [other]})) == [STAMP]


def test_a_web_page_speaks_where_no_article_does():
    found = claims(script({"@type": "WebPage", "datePublished": "2024-05-03", "dateModified": STAMP}))
    assert {(c.what, c.resolution) for c in found} == {("published", Resolution.DAY), ("modified", Resolution.SECOND)}


@pytest.mark.parametrize("value", [
    "{", "[[[[", '{"@type":"NewsArticle","datePublished":', "null", "12", '"text"', "[" * 100_000, '{"a":' * 50_000,
    '{"datePublished":' + "1" * 9_999 + "}", {"@type": {"@type": 3}, "datePublished": {"a": []}},
    {"@type": "NewsArticle", "datePublished": None}, {"@type": "NewsArticle", "datePublished": 20240503},
    '{"@type":"NewsArticle","datePublished":"2024-05-03T10:00:00Z","x":"' + "y" * 530_000 + '"}'])
def test_json_ld_that_cannot_be_understood_is_no_claim(value):
    assert not any(claim.origin is Origin.JSON_LD for claim in claims(script(value)))


def test_a_day_stays_a_day_and_a_missing_zone_stays_unknown():
    naive, day = sorted(claims(script({"@type": "Article", "datePublished": "2024-05-03", "dateModified": "2024-05-03T10:00:00"})),
                        key=lambda claim: claim.what)
    assert (day.resolution, naive.zone) == (Resolution.DAY, Zone.UNKNOWN)


def test_the_publisher_zone_is_used_where_none_is_stated():
    (claim,) = claims(script({"@type": "Article", "datePublished": "2024-05-03T10:00:00"}), zone=timezone(timedelta(hours=2)))
    assert (claim.at, claim.zone) == (datetime(2024, 5, 3, 8, tzinfo=UTC), Zone.ASSUMED)


@pytest.mark.parametrize(("meta", "what"), [
    ('property="article:published_time"', "published"), ('name="parsely-pub-date"', "published"),
    ('itemprop="datePublished"', "published"), ('name="DC.date.issued"', "published"), ('name="sailthru.date"', "published"),
    ('property="article:modified_time"', "modified"), ('property="og:updated_time"', "modified"),
    ('itemprop="dateModified"', "modified"), ('http-equiv="last-modified"', "modified")])
def test_meta(meta, what):
    found = [claim for claim in claims(f'<meta {meta} content="{STAMP}">') if claim.origin is Origin.META]
    assert [(claim.what, claim.at) for claim in found] == [(what, AT)]


def test_of_one_origin_a_stated_zone_comes_first():
    head = f'<meta name="date" content="2024-05-03 10:15:30"><meta property="article:published_time" content="{STAMP}">'
    assert published(head) == [STAMP, "2024-05-03 10:15:30"]


def test_what_is_not_understood_is_kept_as_written():
    (claim,) = claims('<meta name="date" content="the 3rd, at 10 or so">', headers=[("date", "Fri, 03 May 2024 10:00:00 GMT")])
    assert (claim.raw, claim.at) == ("the 3rd, at 10 or so", None)


@pytest.mark.parametrize(("tag", "what"), [
    (f'<time datetime="{STAMP}">3 May</time>', "published"),
    (f'<time class="updated" datetime="{STAMP}">3 May</time>', "modified"),
    (f'<p class="last-modified"><time datetime="{STAMP}">3 May</time></p>', "modified"),
    (f'<span itemprop="dateModified" content="{STAMP}">3 May</span>', "modified"),
    (f'<div class="dateline card-meta"><span itemprop="datePublished" content="{STAMP}"></span></div>', "published")])
def test_time_tags_of_the_article(tag, what):
    found = [claim for claim in claims(body=tag) if claim.origin is Origin.TIME]
    assert [(claim.what, claim.at) for claim in found] == [(what, AT)]


@pytest.mark.parametrize("teaser", [
    '<aside><time datetime="2019-01-01T00:00:00Z">then</time></aside>',
    '<div class="related-posts"><time datetime="2019-01-01T00:00:00Z">then</time></div>',
    '<article class="teaser"><h2>Other</h2><time datetime="2019-01-01T00:00:00Z">then</time></article>',
    '<a href="/other"><time datetime="2019-01-01T00:00:00Z">then</time></a>',
    '<div id="comments"><time datetime="2019-01-01T00:00:00Z">then</time></div>'])
def test_time_tags_of_teasers_and_comments_say_nothing(teaser):
    assert published(body=f'<time datetime="{STAMP}">3 May</time>{teaser}', after=teaser) == [STAMP]


def test_an_hour_without_a_day_is_no_date():
    assert published(body='<time>20:42</time><time datetime="19:11">19:11</time>') == []


def test_last_modified_and_order_of_origins():
    found = claims(script({"@type": "NewsArticle", "datePublished": STAMP}) + f'<meta name="date" content="{STAMP}">',
                   f'<time datetime="{STAMP}">x</time>', headers=[("last-modified", "Fri, 03 May 2024 09:00:00 GMT")])
    assert [claim.origin for claim in found] == [Origin.JSON_LD, Origin.META, Origin.TIME, Origin.HTTP]
    assert found[-1].what == "modified"


def test_the_same_statement_counts_once_an_origin():
    twice = script({"@type": "NewsArticle", "datePublished": STAMP}) + script(
        {"@type": "NewsArticle", "datePublished": "2024-05-03T08:15:30Z"})
    assert published(twice) == [STAMP]


def test_htmldate_gives_a_day_where_nothing_else_is_found():
    (claim,) = claims(url="https://news.example/2024/05/03/bridge")
    assert (claim.origin, claim.resolution, claim.zone) == (Origin.HTMLDATE, Resolution.DAY, Zone.UNKNOWN)
    assert claim.at == datetime(2024, 5, 3, tzinfo=UTC)
    assert not any(c.origin is Origin.HTMLDATE for c in claims(f'<meta name="date" content="{STAMP}">',
                                                               url="https://news.example/2023/05/03/bridge"))


def test_htmldate_guesses_no_day_after_the_answer():
    assert claims(url="https://news.example/2024/05/03/bridge", headers=[("date", "Thu, 02 May 2024 10:00:00 GMT")]) == ()


def test_time_tags_in_the_content_of_a_feed_entry():
    found = read_content(f'<time datetime="{STAMP}">3 May</time>{PROSE}', URL, "Bridge").claims
    assert [(claim.origin, claim.at) for claim in found] == [(Origin.TIME, AT)]


def test_claims_are_bounded():
    head = "".join(f'<meta name="date" content="2024-05-03T10:{n // 60:02}:{n % 60:02}Z">' for n in range(900))
    assert len(claims(head)) == 24
