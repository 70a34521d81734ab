"""Renders feeds in five formats, as this moment of the world has them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crawler.newsworld.model import FeedSpec, Publication, Site
from crawler.newsworld.pages import linked, summary
from crawler.newsworld.printed import Printed, printed
from crawler.newsworld.world import World, entry_link, feed_url

MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8", "rdf": "application/rdf+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8", "json": "application/feed+json; charset=utf-8",
    "sitemap": "application/xml; charset=utf-8",
}

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
                         undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def render(world: World, site: Site, feed: FeedSpec) -> bytes:
    """The whole document. Only a feed that invents GUIDs differs between two calls at one moment."""
    entries = [_entry(world, item, feed) for item in world.listed(site, feed)]
    if feed.format == "json":
        return _json_feed(site, feed, entries)
    changed_at = changed(world, site, feed)
    text = _TEMPLATES.get_template(f"{feed.format}.xml").render(
        site=site, feed=feed, url=feed_url(site, feed), root=f"http://{site.host}/", entries=entries,
        built=printed(site, changed_at))
    return text.encode()


def changed(world: World, site: Site, feed: FeedSpec) -> datetime:
    """When the document last became another one."""
    moments = [
        version.at + feed.lag
        for item in world.listed(site, feed) for version in item.versions if version.at + feed.lag <= world.minute
    ]
    return world.moment(max(moments, default=-24 * 60))


def _entry(world: World, item: Publication, feed: FeedSpec) -> dict[str, Any]:
    version = world.version(item)
    full = "".join(f"<p>{linked(text)}</p>\n" for text in version.paragraphs) if feed.content == "full" else ""
    return {
        "id": _key(world, item, feed), "link": entry_link(item, feed), "title": version.title,
        "summary": summary(version.paragraphs), "content": full, "author": version.author, "section": item.section,
        "published": _time(world, item, item.at), "updated": _time(world, item, version.at),
        "language": item.language,
    }


def _time(world: World, item: Publication, minute: int) -> Printed:
    # The one who back-dates does so on his page only: his feeds carry no dates.
    return printed(item.site, world.start + timedelta(minutes=minute))


def _key(world: World, item: Publication, feed: FeedSpec) -> str:
    if feed.guids == "per-request":
        return f"{item.site.id}-{world.asked[feed_url(item.site, feed)]}-{item.id}"
    return f"tag:{item.site.host},2026:{item.id}" if feed.format in ("atom", "json") else item.url


def _json_feed(site: Site, feed: FeedSpec, entries: list[dict[str, Any]]) -> bytes:
    items = [
        {
            "id": entry["id"], "url": entry["link"], "title": entry["title"], "summary": entry["summary"],
            "content_text": entry["summary"], "date_published": entry["published"].iso,
            "date_modified": entry["updated"].iso, "authors": [{"name": entry["author"] or site.name}],
            "tags": [entry["section"]], "language": entry["language"],
        }
        for entry in entries
    ]
    document = {
        "version": "https://jsonfeed.org/version/1.1", "title": site.name, "description": site.tagline,
        "home_page_url": f"http://{site.host}/", "feed_url": feed_url(site, feed), "language": site.language,
        "items": items,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
