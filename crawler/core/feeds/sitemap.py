"""News sitemaps: <urlset> whose addresses carry Google's news:news."""

from collections.abc import Iterator
from datetime import tzinfo

from lxml import etree

from crawler.core.feeds.fault import FeedFault
from crawler.core.feeds.items import Item, Reading, What, collate, language_of
from crawler.core.feeds.scan import Scanned, local, unread
from crawler.core.markup import line
from crawler.core.text import unescape
from crawler.core.types import Dropped, Origin, ParsedFeed
from crawler.core.urls import fetchable, host
from crawler.errors import Reason


def read(document: Scanned, url: str, language: str | None, zone: tzinfo | None, max_entries: int) -> ParsedFeed:
    """Read a scanned <urlset>. Raises FeedFault(NOT_A_FEED) where it lists pages but no news."""
    pages = [_fields(page) for page in _root(document) if _name(page) == "url"]
    news = [page for page in pages if page.keys() & {"title", "publication_date", "news"}]
    if pages and not news:
        raise FeedFault(Reason.NOT_A_FEED, "a sitemap of pages without news:news, which says nothing of articles")
    title = next((page["name"] for page in news if page.get("name")), "")
    tongue = language or next((found for page in news if (found := language_of(page.get("language")))), None)
    entries, dropped = collate(map(_item, news[:max_entries]), Reading(url, title, tongue, zone, Origin.SITEMAP))
    return ParsedFeed(format="sitemap", title=title, entries=entries, language=tongue,
                      site=fetchable("/", url) if host(url) else None,
                      dropped=(*dropped, *unread(document, len(pages)), *_noted(document, len(pages) - len(news), max_entries)))


def _root(document: Scanned) -> etree._Element:
    parser = etree.XMLParser(recover=True, resolve_entities=False, load_dtd=False, no_network=True,
                             remove_comments=True, remove_pis=True, huge_tree=False)
    try:
        root = etree.fromstring(document.text.encode("utf-8", "ignore"), parser)
    except (etree.LxmlError, ValueError) as error:
        raise FeedFault(Reason.NOT_A_FEED, f"the sitemap cannot be read ({type(error).__name__})") from None
    if root is None:
        raise FeedFault(Reason.NOT_A_FEED, "the sitemap cannot be read")
    return root


def _name(element: etree._Element) -> str:
    """The local name; sitemaps in the wild misspell the namespaces, so these do not decide."""
    return local(element.tag.rpartition("}")[2]) if isinstance(element.tag, str) else ""


def _fields(page: etree._Element) -> dict[str, str]:
    """loc and lastmod of a page, and everything under its news:news, by local name; the first of each."""
    found: dict[str, str] = {}
    for child in page:
        if _name(child) in {"loc", "lastmod"}:
            found.setdefault(_name(child), "".join(child.itertext()))
        elif _name(child) == "news":
            found["news"] = ""
            for inner in child.iter():
                found.setdefault(_name(inner), inner.text or "")
    return found


def _item(page: dict[str, str]) -> Item:
    return Item(
        key=page.get("loc", ""), links=tuple(filter(None, [page.get("loc", "").strip()])),
        title=line(unescape(page.get("title", ""))), language=page.get("language"), dates=tuple(_dates(page)),
    )


def _dates(page: dict[str, str]) -> Iterator[tuple[What, str]]:
    if page.get("publication_date"):
        yield "published", page["publication_date"]
    if page.get("lastmod"):
        yield "modified", page["lastmod"]


def _noted(document: Scanned, without_news: int, max_entries: int) -> Iterator[Dropped]:
    if without_news:
        yield Dropped("filtered", f"{without_news} addresses without news:news", without_news)
    if document.left_out:
        yield Dropped("too_many", f"{document.left_out} entries after the first {max_entries}", document.left_out)
