"""Output feeds: originals only, each linking its copies; the copies of one source. Atom (RFC 4287) and JSON Feed 1.1.

An entry is a story: its id lasts while the story does, its link is the original's, and it counts as updated when what is
shown of it changes, so that a reader shows another original, or new copies, once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from aiohttp import web

from crawler.core import report as core
from crawler.core.text import clean
from crawler.core.types import UNCOUNTED
from crawler.errors import UsageError
from crawler.ports import StoredStory
from crawler.render import harmless, words
from crawler.web import asked
from crawler.web.answers import tagged
from crawler.web.room import ROOM

_ENTRIES = 100
_ATOM = "http://www.w3.org/2005/Atom"
_XML = "http://www.w3.org/XML/1998/namespace"

ET.register_namespace("", _ATOM)


async def originals_atom(request: web.Request) -> web.Response:
    """The earliest known source of each story, newest found first."""
    items, title = await _originals(request)
    return _answer(request, _atom(request, title, items), "application/atom+xml; charset=utf-8")


async def originals_json(request: web.Request) -> web.Response:
    """The same as JSON Feed."""
    items, title = await _originals(request)
    return _answer(request, _json(request, title, items), "application/feed+json; charset=utf-8")


async def copies_atom(request: web.Request) -> web.Response:
    """Copies of one source's articles, the last seen first."""
    source = request.query.get("source", "").strip()
    if not source:
        raise UsageError("source: whose copies? /copies.atom?source=NAME")
    items = await _copies(request, source)
    return _answer(request, _atom(request, f"Copies of {source}", items), "application/atom+xml; charset=utf-8")


def _answer(request: web.Request, body: bytes, content_type: str) -> web.Response:
    hub = _hub(request)
    links = {"Link": f'<{_iri(hub)}>; rel="hub", <{_iri(_self(request))}>; rel="self"'} if hub else {}
    return tagged(request, body, content_type, headers=links)


def _hub(request: web.Request) -> str | None:
    """Who is told of news: of the two feeds of all originals alone."""
    told = request.path in ("/originals.atom", "/originals.json") and not request.query_string
    return request.app[ROOM].review.hub if told else None


# --- what stands in them ----------------------------------------------------------------------------------------------

async def _originals(request: web.Request) -> tuple[list[dict[str, Any]], str]:
    desk, given = request.app[ROOM].desk, asked.given(request.query)
    tag = request.query.get("tag", "").strip()
    feeds = frozenset(feed.id for feed in await desk.store.feeds() if tag in feed.config.tags) if tag else None
    shelf = await desk.store.browse(asked.story_query(given, feeds), None, _ENTRIES, order="founded")
    narrowed = " ".join(str(part) for part in (*given.values(), tag) if part)
    return [_story(request, one) for one in shelf.stories], "Originals" + (f": {narrowed}" if narrowed else "")


def _story(request: web.Request, stored: StoredStory) -> dict[str, Any]:
    row = core.row(stored.story, stored.articles, stored.carriers)
    original = row["original"]
    copies = [one for one in row["copies"] if one["kind"] not in UNCOUNTED]
    number = stored.copies if stored.copies is not None else len(copies)
    page = f"{request.app[ROOM].base(request)}/stories/{row['id']}"
    lines = [f"{words.count(number, 'copy', 'copies')}. {_sure(row)}.",
             *(f"{words.KINDS.get(one['kind'], one['kind']).capitalize()}: {one['source']}, {_later(one)}, "
               f"{words.percent(one['of_original'])} of the original." for one in copies[:20])]
    return {
        "id": f"urn:firsthand:story:{row['id']}", "title": harmless.line(original["title"]) or "(no title)",
        "url": harmless.link(original["url"]) or page, "page": page, "source": harmless.line(original["source"]),
        "language": original["language"], "published": datetime.fromisoformat(original["published"] or original["first_seen"]),
        "updated": stored.updated, "lines": lines,
        "related": [(url, harmless.line(one["title"]) or one["source"], one["kind"]) for one in copies if (url := harmless.link(one["url"]))],
    }


def _sure(row: Mapping[str, Any]) -> str:
    if row["decided"] or row["verdict"]:
        return f"Earliest known source: {row['original']['source']}, {words.standing(row)}"
    return "Undecided between " + ", ".join(one["source"] for one in words.contenders(row)[:4])


def _later(copy: Mapping[str, Any]) -> str:
    return words.lag(copy["lag_seconds"]) + (" later" if copy["lag_seconds"] > 0 else "")


async def _copies(request: web.Request, source: str) -> list[dict[str, Any]]:
    store = request.app[ROOM].desk.store
    pairs = await store.copies_of(source, _ENTRIES)
    stored = {one.story.id: one for one in await store.some_stories([story for story, _ in pairs])}
    return [_copy(request, stored[story], article) for story, article in pairs if story in stored]


def _copy(request: web.Request, stored: StoredStory, article: str) -> dict[str, Any]:
    row = core.row(stored.story, stored.articles)
    copy = next(one for one in row["copies"] if one["article"] == article)
    page = f"{request.app[ROOM].base(request)}/stories/{row['id']}"
    original = row["original"]
    told = (f"{words.KINDS.get(copy['kind'], copy['kind']).capitalize()}, {_later(copy)}: "
            f"{words.percent(copy['of_original'])} of “{harmless.line(original['title'])}” stands in it and makes up "
            f"{words.percent(copy['of_copy'])} of it.")
    quoted = [f"{words.EVIDENCE.get(one['evidence'], one['evidence']).capitalize()}: “{one['quote']}”"
              for one in copy["evidence"] if one.get("quote")]
    return {
        "id": f"urn:firsthand:copy:{article}", "title": f"{copy['source']}: {harmless.line(copy['title']) or '(no title)'}",
        "url": harmless.link(copy["url"]) or page, "page": page, "source": harmless.line(copy["source"]),
        "language": copy["language"], "published": datetime.fromisoformat(copy["first_seen"]), "updated": stored.updated,
        "lines": [told, *quoted],
        "related": [(url, harmless.line(original["title"]), "original") for url in [harmless.link(original["url"])] if url],
    }


# --- how they are written ---------------------------------------------------------------------------------------------

def _self(request: web.Request) -> str:
    kept = [(name, value) for name, value in request.query.items() if value]
    return f"{request.app[ROOM].base(request)}{request.path}{'?' + urlencode(kept) if kept else ''}"


def _atom(request: web.Request, title: str, items: Sequence[Mapping[str, Any]]) -> bytes:
    room, itself = request.app[ROOM], _self(request)
    feed = ET.Element(f"{{{_ATOM}}}feed", {f"{{{_XML}}}lang": "en"})
    _text(feed, "id", itself)
    _text(feed, "title", f"Firsthand: {title}")
    _text(feed, "updated", _moment(max((one["updated"] for one in items), default=_today(request))))
    _text(feed, "generator", "Firsthand")
    author = ET.SubElement(feed, f"{{{_ATOM}}}author")
    _text(author, "name", "Firsthand")
    _link(feed, "self", itself, "application/atom+xml")
    _link(feed, "alternate", f"{room.base(request)}/", "text/html")
    if (hub := _hub(request)) is not None:
        _link(feed, "hub", hub)
    for one in items:
        _entry(feed, one)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(feed, encoding="unicode")}\n'.encode()


def _entry(feed: ET.Element, one: Mapping[str, Any]) -> None:
    entry = ET.SubElement(feed, f"{{{_ATOM}}}entry")
    _text(entry, "id", one["id"])
    _text(entry, "title", one["title"])
    _text(entry, "updated", _moment(one["updated"]))
    _text(entry, "published", _moment(one["published"]))
    author = ET.SubElement(entry, f"{{{_ATOM}}}author")
    _text(author, "name", one["source"] or "unknown")
    made = _link(entry, "alternate", one["url"], "text/html")
    if one["language"]:
        made.set("hreflang", _tag(one["language"]))
    _link(entry, "via", one["page"], "text/html")
    for url, title, kind in {each[0]: each for each in one["related"]}.values():
        _link(entry, "related", url, "text/html", f"{kind}: {title}" if kind else title)
    content = ET.SubElement(entry, f"{{{_ATOM}}}summary", {"type": "text"})
    content.text = clean("\n".join(map(harmless.line, one["lines"])))


def _tag(language: str) -> str:
    """A language as RFC 5646 writes it; what is none is left out of the feed as "und"."""
    parts = language.split("-")
    return language if all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts) else "und"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = clean(text)


def _link(parent: ET.Element, rel: str, href: str, type_: str | None = None, title: str | None = None) -> ET.Element:
    found = {"rel": rel, "href": _iri(href), "type": type_, "title": clean(title) if title else None}
    return ET.SubElement(parent, f"{{{_ATOM}}}link", {name: value for name, value in found.items() if value})


def _iri(url: str) -> str:
    """The address with what no address may hold percent-encoded."""
    return "".join(char if char.isprintable() and char not in ' "<>\\^`{|}' else "".join(f"%{byte:02X}" for byte in char.encode())
                   for char in url)


def _today(request: web.Request) -> datetime:
    """What a feed without entries is called updated: it must say something, and the same for whoever asks again."""
    return request.app[ROOM].desk.clock().replace(hour=0, minute=0, second=0, microsecond=0)


def _moment(at: datetime) -> str:
    return str(core.moment(at.replace(microsecond=0)))


def _json(request: web.Request, title: str, items: Sequence[Mapping[str, Any]]) -> bytes:
    room = request.app[ROOM]
    hub = _hub(request)
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1", "title": f"Firsthand: {title}", "language": "en",
        "home_page_url": f"{room.base(request)}/", "feed_url": _self(request),
        **({"hubs": [{"type": "WebSub", "url": hub}]} if hub else {}),
        "items": list(_items(items))}
    return (harmless.json_text(feed) + "\n").encode()


def _items(items: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in items:
        yield {
            "id": one["id"], "url": one["url"], "title": one["title"],
            "content_text": "\n".join(map(harmless.line, one["lines"])),
            "date_published": _moment(one["published"]), "date_modified": _moment(one["updated"]),
            **({"authors": [{"name": one["source"]}]} if one["source"] else {}), **({"language": _tag(one["language"])} if one["language"] else {}),
            "_firsthand": {"about": "https://www.jsonfeed.org/version/1.1/#extensions", "story": one["page"],
                           "copies": [{"url": url, "title": title, "kind": kind} for url, title, kind in one["related"]]}}
