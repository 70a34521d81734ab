"""A page -> its feeds, best first; an address -> where to look; bytes -> feed or not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.discover import find, guesses, is_feed

URL = "https://paper.example.org/world/today.html"


def page(head="", body="", attributes=""):
    return f"<!doctype html><html {attributes}><head><title>Paper</title>{head}</head><body>{body}</body></html>".encode()


def link(href, kind="application/rss+xml", title="", rel="alternate"):
    return f'<link rel="{rel}" type="{kind}" title="{title}" href="{href}">'


def found(head="", body="", url=URL):
    return [(feed.url, feed.format, feed.how) for feed in find(page(head, body), url)]


@pytest.mark.parametrize(("kind", "name"), [
    ("application/rss+xml", "rss"), ("application/atom+xml", "atom"), ("application/rdf+xml", "rdf"), ("application/feed+json", "json"),
    ("text/rss+xml", "rss"), ("application/x.atom+xml", "atom"), ("APPLICATION/RSS+XML; charset=utf-8", "rss"),
])
def test_every_type_of_feed_is_found_in_the_head(kind, name):
    assert found(link("/a", kind)) == [("https://paper.example.org/a", name, "link")]


@pytest.mark.parametrize("head", [
    '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">',
    '<link rel="alternate" type="application/json+oembed" href="/oembed?url=feed">',
    '<link rel="alternate" type="text/xml+oembed" href="/oembed?url=rss">',
    '<link rel="alternate" hreflang="de" href="/de/">', '<link rel="alternate" media="handheld" href="/m/">',
    '<link rel="stylesheet" type="text/css" href="/rss.css">', '<link rel="alternate stylesheet" type="text/css" href="/feed/x.css">',
    '<link rel="icon" type="application/rss+xml" href="/x">', link("javascript:alert(1)"), link(""), '<link rel="alternate">',
])
def test_other_links_of_the_head_are_no_feeds(head):
    assert found(head) == []


@pytest.mark.parametrize(("head", "url"), [
    ('<link rel="alternate" type="application/json" href="/feed.json">', "https://paper.example.org/feed.json"),
    ('<link rel="alternate" type="text/xml" href="/rss.xml">', "https://paper.example.org/rss.xml"),
    ('<link rel="feed" href="/x">', "https://paper.example.org/x"),
    ('<base href="https://cdn.example.org/p/">' + link("a.rss"), "https://cdn.example.org/p/a.rss"),
    (link("a.rss"), "https://paper.example.org/world/a.rss"),
    (link("//other.example/feed"), "https://other.example/feed"),
])
def test_vague_types_and_relative_addresses_are_understood(head, url):
    assert [address for address, _, _ in found(head)] == [url]


def test_the_main_feed_comes_before_sections_and_these_before_comments():
    head = (link("/comments/feed", title="Paper » Comments Feed") + link("/tag/sea/feed", title="Sea") + link("/feed", title="Paper")
            + link("/atom", "application/atom+xml"))
    body = '<a href="/rss">RSS</a>'
    assert [address.removeprefix("https://paper.example.org") for address, _, _ in found(head, body)] == [
        "/feed", "/atom", "/tag/sea/feed", "/rss", "/comments/feed"]


@pytest.mark.parametrize("href", ["/feed/", "/rss", "/rss.xml", "/feeds/world.xml", "/world.rss", "/index.rdf", "/atom.xml", "/?feed=rss2",
                                  "https://feeds.feedburner.com/paper", "feed:https://paper.example.org/rss", "/index.xml", "/feed.json"])
def test_links_in_the_text_that_look_like_feeds_are_found(href):
    assert [how for _, _, how in found(body=f'<a href="{href}">Subscribe to RSS</a>' if "burner" not in href else f'<a href="{href}">RSS</a>')
            ] == ["anchor"]


@pytest.mark.parametrize("body", [
    '<a href="/feedback">Feedback</a>', '<a href="/news/atomic-power.html">Atomic power</a>', '<a href="mailto:rss@x.example">RSS</a>',
    '<a href="https://feedly.com/i/subscription/feed/x">Feedly</a>', '<a href="https://reader.example/add?feed=x">RSS</a>',
    '<a href="#rss">RSS</a>', "<a>RSS</a>", '<a href="/brss/cross">x</a>',
])
def test_other_links_in_the_text_are_no_feeds(body):
    assert found(body=body) == []


def test_a_feed_named_twice_is_found_once():
    assert len(found(link("/feed") + link("/feed#x"), '<a href="/feed">RSS</a>')) == 1


def test_titles_are_kept_as_plain_text():
    assert find(page(link("/feed", title="Paper &amp; Quay\n news")), URL)[0].title == "Paper & Quay news"


def test_a_page_in_another_encoding_is_read():
    body = page(link("/feed", title="Größe") + '<meta charset="windows-1252">').decode().encode("cp1252")
    assert find(body, URL)[0].title == "Größe"


FEEDS = [
    (b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>', "rss"),
    (b"\xef\xbb\xbf \n<!-- x --><rss version='0.91'>", "rss"),
    ('<?xml version="1.0" encoding="utf-16"?><rss version="2.0">'.encode("utf-16"), "rss"),
    (b'<?xml-stylesheet href="x"?><!DOCTYPE rss [<!ENTITY a "b">]><rss>', "rss"),
    (b'<feed xmlns="http://www.w3.org/2005/Atom">', "atom"), (b'<a:feed xmlns:a="http://www.w3.org/2005/Atom">', "atom"),
    (b'<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="x">', "rdf"),
    (b'<urlset xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">', "sitemap"),
    (json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": []}).encode(), "json"),
]


@pytest.mark.parametrize(("body", "name"), FEEDS, ids=[f"{name}-{n}" for n, (_, name) in enumerate(FEEDS)])
def test_a_feed_is_its_own_answer(body, name):
    assert is_feed(body)
    assert [(feed.url, feed.format, feed.how) for feed in find(body, URL)] == [(URL, name, "itself")]


@pytest.mark.parametrize("body", [b"", b" ", b"hello", b"/etc/passwd", page(), b"<rdf:RDF><Person/></rdf:RDF>", b"<urlset><url/></urlset>",
                                  b'{"items": []}', b"[]", b"<!-- " * 10_000, b"<!DOCTYPE [" * 5000, b"%PDF", b"<rssx/>", b"<?xml",
                                  b"<html><rss></html>", b"<opml/>"])
def test_other_bytes_are_no_feed(body):
    assert not is_feed(body)
    assert find(body, URL) == []


def test_bare_json_is_a_feed_where_the_server_says_so():
    assert is_feed(b'{"title": "x"}', "application/feed+json; charset=utf-8")
    assert not is_feed(b'{"title": "x"}', "application/json")


def test_the_usual_places_start_in_the_folder_of_the_page_and_end_at_the_root():
    places = guesses("https://paper.example.org/blog/2026/post.html?x=1#y")
    assert places[:2] == ["https://paper.example.org/blog/2026/feed", "https://paper.example.org/blog/2026/rss"]
    for usual in ("feed", "rss", "rss.xml", "atom.xml", "index.xml", "feed.xml", "feeds/all.atom.xml"):
        assert f"https://paper.example.org/{usual}" in places
    assert len(set(places)) == len(places) <= 30


@pytest.mark.parametrize(("url", "first"), [
    ("https://p.example", "https://p.example/feed"), ("https://p.example/blog", "https://p.example/blog/feed"),
    ("https://p.example/blog/", "https://p.example/blog/feed"), ("https://p.example/index.html", "https://p.example/feed"),
])
def test_the_first_guess_for(url, first):
    assert guesses(url)[0] == first


@pytest.mark.parametrize("url", ["", "ftp://x.example/", "javascript:1", "paper", "http://["])
def test_what_is_no_address_has_no_usual_places(url):
    assert guesses(url) == []


def test_a_page_with_very_many_links_stays_bounded():
    assert len(found(body="".join(f'<a href="/feed/{n}">x</a>' for n in range(5000)))) == 200


@given(st.binary(max_size=300), st.text(max_size=40))
def test_nothing_raises(body, url):
    find(body, url)
    find(page(body.decode("latin-1")), url)
    guesses(url)
