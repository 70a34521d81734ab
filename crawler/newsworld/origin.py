"""What each host of the world answers: feeds with their manners, pages, redirects, robots.txt, honest errors."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from crawler.newsworld import feeds, pages
from crawler.newsworld.model import FeedSpec, Publication, Site
from crawler.newsworld.world import World, feed_url

_HTML = "text/html; charset=utf-8"
_LISTINGS = ("/archive/", "/section/")   # where navigation and teasers lead: the front page again


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0      # seconds


def answer(world: World, host: str, path: str, headers: Mapping[str, str]) -> Answer | None:
    """What `host` says to a GET of `path` (without its query); None for a host that is not of this world.

    `headers` are the request's, names in lower case.
    """
    desktop = host.removeprefix("m.").removeprefix("www.")
    site = next((site for site in world.script.sites if site.host == desktop), None)
    if site is None:
        return None
    feed = _feed_at(site, host, path)
    if feed is not None:
        return _feed(world, site, feed, path, headers)
    if path == "/robots.txt":
        return _robots(site)
    return _page(world, site, path)


def _feed_at(site: Site, host: str, path: str) -> FeedSpec | None:
    return next((f for f in site.feeds if (f.host or site.host) == host and path in (f.path, f.moved_to)), None)


def _robots(site: Site) -> Answer:
    text = site.robots or "User-agent: *\nDisallow:\n"
    return Answer(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _feed(world: World, site: Site, feed: FeedSpec, path: str, headers: Mapping[str, str]) -> Answer:
    world.asked[feed_url(site, feed)] += 1
    if feed.gone:
        return _error(site, 410, "This feed has ended")
    if feed.moved_to and path == feed.path:
        return _redirect(301, f"http://{site.host}{feed.moved_to}")
    fault = next((span.fault for span in feed.faults if span.begin <= world.minute < span.end), None)
    if fault in ("500", "404"):
        return _error(site, int(fault), "The newsroom's computer is unwell")
    body = feeds.render(world, site, feed)
    if fault == "truncated":
        # Cut in the middle of the entries, as by a server whose disk is full; sent whole as far as HTTP can tell.
        return Answer(200, body[:len(body) * 3 // 5], {"Content-Type": feeds.MEDIA_TYPES[feed.format]})
    found = Answer(200, body, {"Content-Type": feeds.MEDIA_TYPES[feed.format]}, feed.slow)
    return _conditional(found, feeds.changed(world, site, feed), headers) if feed.validators else found


def _conditional(found: Answer, changed: datetime, headers: Mapping[str, str]) -> Answer:
    """Add validators; 304 where the request's still hold. If-None-Match outranks the date (RFC 9110, 13.2.2)."""
    tag = f'"{hashlib.sha256(found.body).hexdigest()[:20]}"'
    validators = {"ETag": tag, "Last-Modified": format_datetime(changed, usegmt=True)}
    tags, since = headers.get("if-none-match"), headers.get("if-modified-since")
    if tags is not None:
        fresh = any(one.strip().removeprefix("W/") == tag for one in tags.split(","))
    else:
        fresh = since is not None and not_modified_since(changed, since)
    if fresh:
        return Answer(304, b"", validators, found.delay)
    return Answer(200, found.body, {**found.headers, **validators}, found.delay)


def not_modified_since(changed: datetime, since: str) -> bool:
    """Whether nothing changed after the HTTP date; False for a date that cannot be read."""
    try:
        return changed <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def _page(world: World, site: Site, path: str) -> Answer:
    if path.startswith("/go/"):
        return _go(world, site, path.removeprefix("/go/"))
    form = "amp" if path.startswith("/amp/") else ""
    item = _item(world, site, path.removeprefix("/amp") if form else path)
    if item is not None:
        return Answer(200, pages.article(world, item, form).encode(), {"Content-Type": _HTML})
    if path == "/" or path.startswith(_LISTINGS):
        return Answer(200, pages.home(world, site).encode(), {"Content-Type": _HTML})
    return _error(site, 404, "Page not found")


def _item(world: World, site: Site, path: str) -> Publication | None:
    return next((item for item in world.published(site) if item.path == path), None)


def _go(world: World, site: Site, id: str) -> Answer:
    """An aggregator's counter: it notes the click and sends the reader on."""
    item = next((item for item in world.published(site) if item.id == id), None)
    return _redirect(302, f"{item.url}?from=feed") if item else _error(site, 404, "Page not found")


def _redirect(status: int, to: str) -> Answer:
    body = f"<!doctype html><title>Moved</title><p>See {to}</p>".encode()
    return Answer(status, body, {"Location": to, "Content-Type": _HTML})


def _error(site: Site, status: int, title: str) -> Answer:
    return Answer(status, pages.error(site, status, title).encode(), {"Content-Type": _HTML})
