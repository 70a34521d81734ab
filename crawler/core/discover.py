"""A page -> the feeds it names, best first; an address -> where a feed usually is; bytes -> whether they are a feed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from lxml import etree

from crawler.core.markup import UndecodableError, decode, line
from crawler.core.urls import fetchable, host, same_site

Format = Literal["rss", "rdf", "atom", "json", "sitemap", "unknown"]


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that a page names."""

    url: str
    title: str
    format: Format                            # as the page states it; "unknown" where it does not
    how: Literal["itself", "link", "anchor"]  # the document is the feed; <link rel=alternate>; an <a> that looks like one


# --- is this a feed? --------------------------------------------------------------------------------------------

_PROLOG = re.compile(rb"\s+|<\?[^>]*+>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?(rss|rdf|feed|urlset)\b", re.IGNORECASE)


def is_feed(body: bytes, content_type: str | None = None) -> bool:
    """A cheap guess from the first 64 KiB; `core.feeds.parse` knows for sure. The content type decides for bare JSON."""
    return _format(body, content_type) is not None


def _format(body: bytes, content_type: str | None = None) -> Format | None:
    # Without NUL bytes UTF-16 and UTF-32 markup reads as ASCII.
    start = body[:65536].lstrip(b"\xef\xbb\xbf\xff\xfe\0").replace(b"\0", b"")
    position = 0
    while found := _PROLOG.match(start, position):
        position = found.end()
    if start[position:position + 1] == b"{":
        stated = "feed+json" in (content_type or "").lower()
        return "json" if stated or b"jsonfeed.org" in start else None
    root = _ROOT.match(start, position)
    return _by_root(root.group(1).lower(), start[root.end():]) if root else None


def _by_root(name: bytes, rest: bytes) -> Format | None:
    if name == b"rdf":
        return "rdf" if b"purl.org/rss/" in rest or b"netscape.com/rdf" in rest else None
    if name == b"urlset":
        return "sitemap" if b"sitemap-news" in rest or b"<news:" in rest else None
    return "rss" if name == b"rss" else "atom"


# --- the feeds that a page names ----------------------------------------------------------------------------------

_TYPES: dict[str, Format] = {
    "application/rss+xml": "rss", "application/x-rss+xml": "rss", "application/rss": "rss", "text/rss": "rss",
    "text/rss+xml": "rss", "application/atom+xml": "atom", "application/x.atom+xml": "atom", "application/atom": "atom",
    "text/atom": "atom", "text/atom+xml": "atom", "application/rdf+xml": "rdf", "text/rdf": "rdf",
    "application/feed+json": "json",
}
# Types that feeds share with other documents (WordPress links its API as application/json): the address must agree.
_VAGUE = frozenset({"application/json", "application/xml", "text/xml", ""})
_LOOKS = re.compile(r"(?:^|[/._=-])(?:feeds?|rss2?|atom|rdf)(?:$|[/._=&-])|/index\.xml$",
                    re.IGNORECASE)
_NAMES = frozenset({"rss", "rss feed", "atom", "atom feed", "feed", "feeds", "rss 2.0", "xml feed", "news feed", "json feed",
                    "flux rss", "rss-feed", "canal rss", "feed rss", "rss-лента", "rss订阅", "خلاصات rss"})
_FEED_HOST = re.compile(r"(?:^|\.)(?:feeds?\d*|rss)\.")
_SIDE = re.compile(r"comment|kommentar|commentaire|comentario|komment|replies|отзыв|комментар", re.IGNORECASE)
_NARROW = re.compile(r"/(?:tag|category|author|search|topic|label)s?/|podcast|[?&](?:s|cat|tag|author)=", re.IGNORECASE)
_ABOUT = re.compile(r"\.(?:html?|php|aspx?)$|/(?:about|help|service)/|rss-feeds|/feeds/?$", re.IGNORECASE)  # a page on feeds
_MOST = 200  # anchors looked at that look like feeds; directories of feeds list thousands


def find(body: bytes, url: str) -> list[FoundFeed]:
    """The feeds that the page at `url` names, the likeliest main feed first; `url` itself where the bytes are a feed.

    Order: <link rel=alternate> before <a>, whole sites before sections and tags, comments last; then as in the page.
    Publishers link pages that list their feeds as "RSS": these come after what looks like a feed itself.
    """
    itself = _format(body)
    if itself:
        return [FoundFeed(url, "", itself, "itself")]
    root = _page(body)
    if root is None:
        return []
    base = _base(root, url)
    found: dict[str, FoundFeed] = {}
    for feed in [*_links(root, base), *_anchors(root, base, url)]:
        found.setdefault(feed.url, feed)
    return sorted(found.values(), key=_rank)


def _page(body: bytes) -> etree._Element | None:
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        text = decode(body)
        return etree.fromstring(text.encode("utf-8", "ignore"), parser) if text.strip() else None
    except (UndecodableError, etree.LxmlError, ValueError):
        return None


def _base(root: etree._Element, url: str) -> str:
    stated = next((element.get("href", "") for element in root.iter("base")), "")
    return fetchable(stated, url) or url


def _links(root: etree._Element, base: str) -> Iterator[FoundFeed]:
    for element in root.iter("link"):
        relations = element.get("rel", "").lower().split()
        kind = element.get("type", "").partition(";")[0].strip().lower()
        address = fetchable(element.get("href", ""), base)
        if not address or not ({"alternate", "feed"} & set(relations)) or "stylesheet" in relations:
            continue
        if kind in _TYPES:
            yield FoundFeed(address, line(element.get("title", "")), _TYPES[kind], "link")
        elif kind in _VAGUE and (_looks(address) or "feed" in relations):
            yield FoundFeed(address, line(element.get("title", "")), _stated(address), "link")


def _anchors(root: etree._Element, base: str, url: str) -> Iterator[FoundFeed]:
    count = 0
    for element in root.iter("a"):
        href, name = element.get("href", ""), line("".join(element.itertext()))[:200]
        if not (_LOOKS.search(href) or name.casefold() in _NAMES):  # most of a page's links: not worth an address
            continue
        address = fetchable(re.sub(r"^feed:(?://)?(?=https?:)", "", href), base)
        if address and _anchors_feed(address, name, url):
            yield FoundFeed(address, line(element.get("title", "")) or name, _stated(address), "anchor")
            count += 1
            if count >= _MOST:
                return


def _anchors_feed(address: str, name: str, url: str) -> bool:
    """Links to "add to my reader" pages carry the words too, but lead to other sites."""
    if not (same_site(address, url) or _FEED_HOST.search(host(address))) or address == url:
        return False
    return _looks(address) or name.casefold() in _NAMES


def _looks(address: str) -> bool:
    parts = urlsplit(address)
    return bool(_LOOKS.search(parts.path) or _LOOKS.search(parts.query))


def _stated(address: str) -> Format:
    path = urlsplit(address).path.lower()
    if _ABOUT.search(path):
        return "unknown"
    formats: tuple[tuple[str, Format], ...] = (("atom", "atom"), (".rdf", "rdf"), ("rss", "rss"), ("feed.json", "json"))
    return next((kind for word, kind in formats if word in path), "unknown")


def _rank(feed: FoundFeed) -> tuple[bool, bool, bool, bool]:
    words, anchor = f"{feed.url} {feed.title}", feed.how == "anchor"
    about = anchor and bool(_ABOUT.search(urlsplit(feed.url).path))
    return bool(_SIDE.search(words)), anchor, about, bool(_NARROW.search(words))


# --- where a feed usually is ------------------------------------------------------------------------------------

_USUAL = ("feed", "rss", "rss.xml", "atom.xml", "index.xml", "feed.xml", "feeds/all.atom.xml", "feed.json", "rss/index.xml",
          "index.rdf", "feeds/posts/default", "feed/atom", "?feed=rss2")
_USUAL_SITEMAPS = ("news-sitemap.xml", "sitemap-news.xml", "sitemap_news.xml")


def guesses(url: str) -> list[str]:
    """Where the feed of the page at `url` usually is, likeliest first: in its folder, then at the root of the site.

    At most 30 addresses; empty where `url` is no http(s) URL. None of them is known to exist.
    """
    address = fetchable(url)
    if address is None:
        return []
    path = urlsplit(address).path
    last = path.rpartition("/")[2]
    folder = path if path.endswith("/") else path.rpartition("/")[0] + "/" if "." in last else path + "/"
    places = [f"{start}{usual}" for start in dict.fromkeys([folder, "/"]) for usual in _USUAL]
    places += [f"/{usual}" for usual in _USUAL_SITEMAPS]
    return list(dict.fromkeys(found for place in places if (found := fetchable(place, address))))
