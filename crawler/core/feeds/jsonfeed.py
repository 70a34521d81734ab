"""JSON Feed 1.0 and 1.1 (jsonfeed.org), read leniently: a wrong type is an absent value."""

import html
import json
import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from crawler.core.feeds.fault import FeedFault
from crawler.core.feeds.items import Item, Reading, What, collate, language_of
from crawler.core.markup import line, plain
from crawler.core.text import unescape
from crawler.core.types import Dropped, ParsedFeed
from crawler.core.urls import fetchable
from crawler.errors import Reason


def read(text: str, url: str, language: str | None, zone: tzinfo | None, max_entries: int) -> ParsedFeed:
    """Read a JSON Feed. Raises FeedFault: TRUNCATED where the JSON breaks off, NOT_A_FEED for other JSON."""
    document = _load(text)
    listed = document.get("items")
    items = listed if isinstance(listed, list) else []
    title, site = _plain(document, "title"), fetchable(_string(document, "home_page_url"), url)
    tongue = language or language_of(document.get("language"))
    entries, dropped = collate((_item(item if isinstance(item, dict) else {}) for item in items[:max_entries]),
                               Reading(site or url, title, tongue, zone))
    beyond = [Dropped("too_many", f"{len(items) - max_entries} entries after the first {max_entries}", len(items) - max_entries)]
    return ParsedFeed(
        format="json", title=title, entries=entries, site=site, language=tongue,
        self_url=fetchable(_string(document, "feed_url"), url), hub=_hub(document, url),
        dropped=(*dropped, *(beyond if len(items) > max_entries else ())),
    )


def _load(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, strict=False, parse_int=_integer)
    except json.JSONDecodeError as error:
        if not text.rstrip().endswith("}"):
            raise FeedFault(Reason.TRUNCATED, "the JSON document ends before its last }") from None
        raise FeedFault(Reason.NOT_A_FEED, f"not JSON: {error}") from None
    except (ValueError, RecursionError) as error:  # nested too deeply
        raise FeedFault(Reason.NOT_A_FEED, f"JSON that cannot be read ({type(error).__name__})") from None
    if not isinstance(document, dict) or not _is_feed(document):
        raise FeedFault(Reason.NOT_A_FEED, "JSON, but no JSON Feed")
    return document


def _integer(digits: str) -> int | str:
    """A number as JSON writes it; as a text where it is longer than any that is meant (Python refuses 4,301 digits)."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


_MAX_DIGITS = 300


def _is_feed(document: dict[str, Any]) -> bool:
    if "jsonfeed.org/version/" in _string(document, "version"):
        return True
    return isinstance(document.get("items"), list) and any(_string(document, n) for n in ("feed_url", "home_page_url"))


def _item(item: dict[str, Any]) -> Item:
    return Item(
        key=_identifier(item),
        links=tuple(_links(item)),
        title=_plain(item, "title"),
        summary=_plain(item, "summary") or _plain(item, "content_text") or plain(_string(item, "content_html")),
        content=_content(item),
        language=_string(item, "language") or None,
        author=", ".join(dict.fromkeys(_authors(item))),
        dates=tuple(_dates(item)),
    )


def _identifier(item: dict[str, Any]) -> str:
    value = item.get("id")
    # The standard asks readers to take numbers for strings.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _string(item, "id")


def _links(item: dict[str, Any]) -> Iterator[str]:
    yield from filter(None, [_string(item, "url"), _string(item, "external_url")])
    if re.match(r"https?://", _string(item, "id"), re.IGNORECASE):
        yield _string(item, "id")


def _content(item: dict[str, Any]) -> str | None:
    text = _string(item, "content_text")
    paragraphs = "".join(f"<p>{html.escape(block, quote=False)}</p>" for block in re.split(r"\n\s*\n", text) if block.strip())
    return max(_string(item, "content_html"), paragraphs, key=len) or None


def _authors(item: dict[str, Any]) -> Iterator[str]:
    listed = item.get("authors")
    for author in [*(listed if isinstance(listed, list) else []), item.get("author")]:  # 1.1, then 1.0
        if isinstance(author, dict) and (name := _plain(author, "name")):
            yield name


def _dates(item: dict[str, Any]) -> Iterator[tuple[What, str]]:
    fields: tuple[tuple[What, str], ...] = (("published", "date_published"), ("modified", "date_modified"))
    yield from ((what, _string(item, name)) for what, name in fields if item.get(name))


def _hub(document: dict[str, Any], url: str) -> str | None:
    hubs = document.get("hubs")
    addresses = (_string(hub, "url") for hub in (hubs if isinstance(hubs, list) else []) if isinstance(hub, dict))
    return next((found for address in addresses if (found := fetchable(address, url))), None)


def _plain(holder: dict[str, Any], name: str) -> str:
    """Plain text by the standard; what is left of HTML's references in practice is resolved."""
    return line(unescape(_string(holder, name)))


def _string(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
