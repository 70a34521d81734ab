"""The doors through which documents come in: feeds, pages, the content of entries, robots.txt, lists, sites."""

from functools import lru_cache
from zoneinfo import ZoneInfo

import promises
from envelope import number, opened, texts

from crawler import documents
from crawler.core import discover, extract, feeds, opml, robots, urls
from crawler.core.types import Entry, Page, ParsedFeed
from crawler.errors import Reason
from crawler.settings import FeedConfig

URL = "https://daily.example/news/feed.xml"
ZONES = {"": None, "Riyadh": ZoneInfo("Asia/Riyadh"), "Apia": ZoneInfo("Pacific/Apia"), "York": ZoneInfo("America/New_York")}
_AGENT = "Firsthand/1.0 (+desk@daily.example)"
_MOST_ENTRIES = 2000


@lru_cache(maxsize=64)
def _config(language: str) -> FeedConfig:
    return FeedConfig(url=URL, language=language or None)


# --- feeds --------------------------------------------------------------------------------------------------------

def feed(data: bytes) -> None:
    """A feed as the daemon's worker reads it: a document, or a fault with one of four reasons."""
    given, body = opened(data)
    language = given.get("language", "")
    try:
        parsed, wanted = documents.read(
            _config(language if language.isascii() and language.isalpha() else ""), ZONES.get(given.get("zone", "")),
            body, given.get("url", URL), given.get("type"))
    except feeds.FeedFault as fault:
        promises.fault(fault.reason, fault.detail, {Reason.EMPTY, Reason.ENCODING, Reason.NOT_A_FEED, Reason.TRUNCATED})
        return
    _feed(parsed, len(body))
    for one in wanted:
        assert urls.canonical(one.url) == one.url


def _feed(parsed: ParsedFeed, size: int) -> None:
    assert len(parsed.entries) <= _MOST_ENTRIES
    assert len({entry.key for entry in parsed.entries}) == len(parsed.entries), "two entries have one key"
    promises.line(parsed.title, "a feed's title")
    for url, what in ((parsed.site, "a feed's site"), (parsed.self_url, "a feed's self"), (parsed.hub, "a hub")):
        if url is not None:
            promises.address(url, what)
    assert parsed.language is None or 2 <= len(parsed.language) <= 40
    for entry in parsed.entries:
        _entry(entry)
    # A reference of five bytes is one character, and markup around a text may double it: 32 is far beyond both.
    texts_ = sum(len(one.title) + len(one.summary) + len(one.content or "") for one in parsed.entries)
    assert texts_ <= 32 * size + 4096, f"{texts_} characters from {size} bytes"
    assert len(parsed.dropped) <= 4 * size + 8
    for dropped in parsed.dropped:
        promises.line(dropped.detail, "a refusal", 4096)
    hints = parsed.hints
    assert hints.skip_hours <= set(range(24))
    assert hints.skip_days <= set(range(7))
    for asked in (hints.ttl, hints.update_period):
        assert asked is None or 60 <= asked.total_seconds() <= 31 * 86400


def _entry(entry: Entry) -> None:
    assert entry.key
    promises.line(entry.key, "a key", 512)
    promises.address(entry.link, "a link")
    promises.line(entry.title, "a title", 1000)
    promises.line(entry.summary, "a summary", 20_000)
    promises.line(entry.author or "", "an author", 300)
    promises.clean(entry.content or "", "content")
    for one in entry.claims:
        promises.claim(one)
    for said in entry.attributions:
        promises.attribution(said)


# --- pages --------------------------------------------------------------------------------------------------------

def page(data: bytes) -> None:
    """A page as the daemon's worker reads it. It never raises, and what it gives up on is a fault here."""
    given, body = opened(data)
    headers = [(name[2:], value) for name, value in given.items() if name.startswith("h-")]
    found = extract.read_page(body, given.get("url", "https://daily.example/2026/03/story-1"), given.get("type"), headers,
                              zone=ZONES.get(given.get("zone", "")), status=number(given.get("status", ""), 200))
    _page(found)


def content(data: bytes) -> None:
    """The content of an entry: its HTML, then the entry's title."""
    html, title = texts(data, 2)
    _page(extract.read_content(html, "https://daily.example/2026/03/story-1", title))


def _page(found: Page) -> None:
    assert not [note for note in found.notes if note.startswith("unreadable")], found.notes
    promises.clean(found.text, "a page's text", extract.MAX_TEXT)
    assert "\n\n" not in found.text, "a paragraph of a page is empty"
    promises.line(found.title, "a page's title")
    promises.line(found.site_name or "", "a site's name", 80)
    assert found.language is None or (2 <= len(found.language) <= 3 and found.language.islower()), found.language
    for url in (found.canonical, *found.alternates):
        if url is not None:
            promises.address(url, "an address of a page")
    assert len(found.claims) <= 24
    assert len(found.attributions) <= 40
    for claim in found.claims:
        promises.claim(claim)
    for said in found.attributions:
        promises.attribution(said)
    for wall in found.walls:
        promises.line(wall, "a wall", 40)
    for reservation in found.reservations:
        promises.line(f"{reservation.kind} {reservation.value}", "a reservation", 400)
    for note in found.notes:
        promises.line(note, "a note", 200)


# --- robots.txt ---------------------------------------------------------------------------------------------------

def robots_txt(data: bytes) -> None:
    """robots.txt: never an exception; the same rules whatever ends a line, and with a byte order mark in front."""
    given, body = opened(data)
    url, agent = given.get("url", "https://daily.example/news/story?id=1"), given.get("agent", _AGENT)
    status = number(given.get("status", ""), 200)
    found = robots.permission(body, status, url, agent)
    _permission(found)
    if b"\r" not in body and not body.startswith((b"\xef", b"\xff", b"\xfe")):
        for other in (body.replace(b"\n", b"\r\n"), body.replace(b"\n", b"\r"), b"\xef\xbb\xbf" + body):
            if len(other) <= robots.MAX_BYTES:
                assert robots.permission(other, status, url, agent) == found, "another line end is another rule"
    assert robots.rules(body, 404).allowed(url, agent)
    assert not robots.rules(body, 500).allowed(url, agent)


def _permission(found: robots.Permission) -> None:
    assert isinstance(found.allowed, bool)
    assert found.delay is None or 0 <= found.delay <= robots.MAX_DELAY
    assert found.refused is None or not found.allowed
    promises.line(found.refused or "", "a refusal", 200)


# --- lists and sites ----------------------------------------------------------------------------------------------

def opml_list(data: bytes) -> None:
    """A list of feeds: it is read, or it is none; what is written of it is read again as it was."""
    try:
        listed, bad = opml.read(data)
    except opml.NotOpmlError as error:
        promises.line(str(error), "a refusal", 200)
        return
    assert len({one.url for one in listed}) == len(listed)
    for one in listed:
        promises.address(one.url, "a feed's address")
        if one.site is not None:
            promises.address(one.site, "a feed's site")
        for tag in (one.title, *one.tags):
            promises.line(tag, "a name in a list")
        assert len(set(one.tags)) == len(one.tags)
    for row, reason in bad:
        assert row >= 0
        promises.line(reason, "a refusal", 600)
    again, refused = opml.read(opml.write(listed, "Feeds"))
    assert refused == []
    assert _kept(again) == _kept(listed)


def _kept(listed: list[opml.OpmlFeed]) -> dict[str, tuple[str, str | None, frozenset[str]]]:
    return {one.url: (one.title or one.url, one.site, frozenset(one.tags)) for one in listed}


def site(data: bytes) -> None:
    """A page of a site, and the feeds that it names."""
    given, body = opened(data)
    url = given.get("url", "https://daily.example/")
    found = discover.find(body, url)
    assert len({one.url for one in found}) == len(found)
    assert len(found) <= len(body) + 1
    itself = [one for one in found if one.how == "itself"]
    assert bool(itself) == discover.is_feed(body)
    for one in found:
        if one.how != "itself":
            promises.address(one.url, "a feed's address")
        promises.line(one.title, "a feed's title")
    usual = discover.guesses(url)
    assert len(usual) <= 30
    for address in usual:
        promises.address(address, "a guess")
    discover.is_feed(body, given.get("type"))

