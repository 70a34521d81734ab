"""RSS 0.9x, 1.0, 2.0 and Atom 0.3, 1.0: feedparser's one door.

feedparser is given a stream, never bytes or a string (it would open the file or fetch the URL that the *body* names),
and a document that `scan` has decoded, cut and freed of its DTD. Its parsed dates are not used: it reads BST and CEST as
UTC and invents days; its HTML sanitiser and link resolver cost two thirds of its time and are off.
"""

import io
import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any, Literal

from crawler.core.feeds.fault import FeedFault
from crawler.core.feeds.hints import read_hints
from crawler.core.feeds.items import Item, Reading, What, collate, language_of
from crawler.core.feeds.scan import EntrySpan, Scanned, unread
from crawler.core.markup import line, plain
from crawler.core.types import Dropped, ParsedFeed
from crawler.core.urls import fetchable
from crawler.errors import Reason

_FORMATS: dict[str, Literal["rss", "rdf", "atom"]] = {"rss": "rss", "channel": "rss", "rdf": "rdf", "feed": "atom"}
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml", "html", "xhtml"})
_FEED_TYPE = re.compile(r"(?:rss|atom|rdf|feed)\b")


def read(document: Scanned, url: str, language: str | None, zone: tzinfo | None, max_entries: int) -> ParsedFeed:
    """Read a scanned RSS or Atom document. Raises FeedFault(NOT_A_FEED) where feedparser finds nothing in it."""
    parsed = _parse(document)
    feed, found = parsed["feed"], parsed["entries"][:max_entries]
    _refuse_foreign(document, feed, found)
    site = _site(feed, url)
    title = _text(feed, "title")
    tongue = language or language_of(_string(feed, "language"))
    spans: list[EntrySpan] | list[None] = document.entries if len(document.entries) == len(found) else [None] * len(found)
    items = (_item(entry, span, _FORMATS[document.root]) for entry, span in zip(found, spans, strict=True))
    entries, dropped = collate(items, Reading(site or url, title, tongue, zone))
    return ParsedFeed(
        format=_FORMATS[document.root], title=title, entries=entries, site=site, language=tongue,
        hints=read_hints(_string(feed, "ttl"), _string(feed, "sy_updateperiod"), _string(feed, "sy_updatefrequency"),
                         document.head),
        self_url=_related(feed, "self", url), hub=_related(feed, "hub", url),
        dropped=(*dropped, *unread(document, len(found)),
                 *_beyond(document, len(parsed["entries"]) - len(found), max_entries)),
    )


def _parse(document: Scanned) -> Any:
    import feedparser  # noqa: PLC0415 - a quarter of a second that only workers should pay

    body = b"<?xml version='1.0' encoding='utf-8'?>\n" + document.text.encode("utf-8", "ignore")
    try:
        return feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False,
                                response_headers={"content-type": "application/xml; charset=utf-8"})
    except Exception as error:  # noqa: BLE001  it raises re.error, ValueError, TypeError, AttributeError on odd input
        raise FeedFault(Reason.NOT_A_FEED, f"the feed cannot be read ({type(error).__name__})") from None


def _refuse_foreign(document: Scanned, feed: Any, found: list[Any]) -> None:
    if document.entries and not found:
        raise FeedFault(Reason.NOT_A_FEED, "none of its entries can be read")
    # RDF is also used for other things than RSS 1.0, <channel> and <feed> too.
    if not found and not _string(feed, "title") and not feed.get("links") and document.root != "rss":
        raise FeedFault(Reason.NOT_A_FEED, f"a <{document.root}> document without title, link and entries")


def _beyond(document: Scanned, unseen: int, max_entries: int) -> Iterator[Dropped]:
    count = document.left_out + unseen
    if count > 0:
        yield Dropped("too_many", f"{count} entries after the first {max_entries}", count)


# --- one entry --------------------------------------------------------------------------------------------------

def _item(entry: Any, span: EntrySpan | None, kind: Literal["rss", "rdf", "atom"]) -> Item:
    guid = _string(entry, "id")
    return Item(
        key=guid,
        links=tuple(_links(entry, guid)),
        title=_text(entry, "title"),
        summary=_text(entry, "summary"),
        content=_content(entry, kind),
        language=_language(entry),
        author=_author(entry),
        dates=tuple(span.dates) if span and span.dates else _dates(entry),
        sources=tuple(_sources(entry)),
    )


def _links(entry: Any, guid: str) -> Iterator[str]:
    """Candidates for the article's address, best first."""
    for proxied in ("feedburner_origlink", "pheedo_origlink"):  # the link is then the proxy's
        yield from filter(None, [_string(entry, proxied)])
    alternates = [link for link in entry.get("links", ()) if _relation(link) == "alternate" and _string(link, "href")]
    ranked = sorted(alternates, key=lambda link: _string(link, "type") not in _HTML_TYPES)
    yield from (_string(link, "href") for link in ranked if not _FEED_TYPE.search(_string(link, "type")))
    # An identifier is an address where nothing else is: its isPermaLink="false" is often a template's default.
    if re.match(r"https?://", guid, re.IGNORECASE) or (entry.get("guidislink") and guid.startswith("/")):
        yield guid


def _relation(link: Any) -> str:
    return _string(link, "rel").rpartition("/")[2]  # also as http://www.iana.org/assignments/relation/alternate


def _content(entry: Any, kind: Literal["rss", "rdf", "atom"]) -> str | None:
    """The largest content as HTML. In RSS a second description lands here too: it counts where it is HTML and
    longer than the first, else it is a caption."""
    best = ""
    for part in dict.get(entry, "content", ()):
        value, markup = _string(part, "value"), _string(part, "type") in _HTML_TYPES
        if not markup and kind == "atom":
            value = "".join(f"<p>{_escaped(block)}</p>" for block in re.split(r"\n\s*\n", value) if block.strip())
        if (markup or kind == "atom") and len(value) > len(best):
            best = value
    if kind != "atom" and len(best) < len(_string(entry, "summary")):
        return None
    return best or None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _language(entry: Any) -> str | None:
    if stated := _string(entry, "language"):
        return stated
    parts = [dict.get(entry, name) for name in ("title_detail", "summary_detail")] + list(dict.get(entry, "content", ()))
    return next((part["language"] for part in parts if part and part.get("language")), None)


def _author(entry: Any) -> str:
    names = [_string(author, "name") for author in dict.get(entry, "authors", ())]
    if len(names) > 1:
        return plain(", ".join(dict.fromkeys(filter(None, names))))
    # "ann@paper.example (Ann Lee)", "Ann Lee <ann@paper.example>": feedparser's split ends after four letters of the domain.
    found = re.fullmatch(r"[^\s@()<>]+@[^\s@()<>]+\s*\((.+)\)|(.+?)\s*[<(][^\s@()<>]+@[^\s@()<>]+[)>]", author := _string(entry, "author")[:400])
    return plain((found.group(1) or found.group(2)) if found else author)


def _dates(entry: Any) -> tuple[tuple[What, str], ...]:
    """The raw dates as feedparser files them; only where `scan` could not tell the elements apart."""
    fields: tuple[tuple[str, What], ...] = (("published", "published"), ("created", "published"), ("updated", "modified"))
    # dict.get: FeedParserDict answers "updated" with "published", and warns.
    return tuple((what, raw) for name, what in fields if (raw := dict.get(entry, name)) and isinstance(raw, str))


def _sources(entry: Any) -> Iterator[tuple[str, str]]:
    source = dict.get(entry, "source")
    if isinstance(source, dict):
        links = [_string(link, "href") for link in source.get("links", ()) if _relation(link) == "alternate"]
        yield plain(_string(source, "title")), next(filter(None, [_string(source, "href"), *links]), "")
    stated = line(_string(entry, "dc_source"))
    if stated:
        address = stated.startswith(("http://", "https://"))
        yield ("", stated) if address else (stated, "")


# --- the feed ---------------------------------------------------------------------------------------------------

def _site(feed: Any, url: str) -> str | None:
    links = [link for link in feed.get("links", ()) if _relation(link) == "alternate"]
    ranked = sorted(links, key=lambda link: _string(link, "type") not in _HTML_TYPES)
    return next((found for link in ranked if (found := fetchable(_string(link, "href"), url))), None)


def _related(feed: Any, relation: str, url: str) -> str | None:
    hrefs = (_string(link, "href") for link in feed.get("links", ()) if _relation(link) == relation)
    return next((found for href in hrefs if (found := fetchable(href, url))), None)


def _text(holder: Any, name: str) -> str:
    """A text construct as plain text: its tags are resolved where feedparser found it to be HTML, once."""
    value, detail = _string(holder, name), dict.get(holder, f"{name}_detail")
    kind = _string(detail, "type") if isinstance(detail, dict) else "text/html"
    return plain(value) if kind in _HTML_TYPES else line(value)


def _string(holder: Any, name: str) -> str:
    value = dict.get(holder, name, "")
    return value if isinstance(value, str) else ""
