"""Renders what a browser would see: article pages in the template of their site, walls, home pages."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from crawler.newsworld.model import Publication, Site
from crawler.newsworld.printed import claimed, printed
from crawler.newsworld.script import labels
from crawler.newsworld.world import World, feed_url

_LINK = re.compile(r"\[([^\]]+)\]\((http[^)\s]+)\)")
_WALLS = {"consent": "consent.html", "login": "login.html", "soft-404": "notfound.html", "script": "shell.html"}


@cache
def _templates() -> Environment:
    found = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
                        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters |= {"linked": linked, "plain": plain}
    return found


def plain(paragraph: str) -> str:
    """A paragraph as a reader sees it: link labels without their addresses."""
    return _LINK.sub(r"\1", paragraph)


def linked(paragraph: str) -> Markup:
    """A paragraph as HTML, its links as elements, everything else escaped."""
    pieces, done = Markup(""), 0
    for hit in _LINK.finditer(paragraph):
        pieces += escape(paragraph[done:hit.start()]) + Markup('<a href="{}" rel="nofollow">{}</a>').format(hit[2], hit[1])
        done = hit.end()
    return pieces + escape(paragraph[done:])


def article(world: World, item: Publication, form: str = "") -> str:
    """The page of a publication now; `form` is "amp" for its AMP page."""
    name = "amp.html" if form == "amp" else _WALLS.get(item.wall or "", f"{item.site.template}.html")
    return _templates().get_template(name).render(**_article(world, item))


def home(world: World, site: Site) -> str:
    """The front page of a site, or of one of its sections: headlines, and where its feeds are."""
    stories = [
        {**_teaser(item), "when": printed(site, world.moment(item.at)).words}
        for item in world.published(site) if not item.hidden
    ]
    return _templates().get_template("home.html").render(
        **_site(site, site.language), title=site.name, stories=stories, feeds=_feeds(site), page=f"http://{site.host}/")


def error(site: Site, status: int, title: str) -> str:
    """An honest error page."""
    return _templates().get_template("error.html").render(**_site(site, site.language), title=title, status=status,
                                                          page=f"http://{site.host}/")


def _article(world: World, item: Publication) -> dict[str, Any]:
    version = world.version(item)
    published, modified = claimed(world, item)
    canonical = world.script.publication(item.canonical).url if item.canonical else item.url
    return {
        **_site(item.site, item.language),
        "title": version.title, "author": version.author, "paragraphs": version.paragraphs, "section": item.section,
        "summary": summary(version.paragraphs), "published": published, "modified": modified,
        "page": item.url, "canonical": canonical, "picture": f"http://{item.site.host}/media/{item.id}-1200.jpg",
        "teasers": list(islice(_teasers(world, item), 4)), "feeds": _feeds(item.site), "live": len(item.versions) > 2,
        "minutes": 1 + sum(len(text.split()) for text in version.paragraphs) // 220, "id": item.id,
        "amp": f"http://{item.site.host}/amp{item.path}",
        "data": _linked_data(world, item, canonical),
    }


def _site(site: Site, language: str) -> dict[str, Any]:
    # The frame speaks the site's language, also around an article in another one.
    return {"site": site, "say": labels()[site.language], "language": language, "frame": site.language,
            "direction": "rtl" if language == "ar" else "ltr", "root": f"http://{site.host}"}


def _feeds(site: Site) -> list[dict[str, str]]:
    types = {"rss": "application/rss+xml", "rdf": "application/rss+xml", "atom": "application/atom+xml",
             "json": "application/feed+json"}
    return [{"href": feed_url(site, feed), "type": types[feed.format]} for feed in site.feeds if feed.format in types]


def _teaser(item: Publication) -> dict[str, str]:
    version = item.versions[0]
    return {"title": version.title, "href": item.url, "summary": summary(version.paragraphs)}


def _teasers(world: World, item: Publication) -> Iterator[dict[str, str]]:
    """Other stories of the site, then older pieces that need no page of their own to be teased."""
    for other in world.published(item.site):
        if other != item and not other.hidden:
            yield _teaser(other)
    for number, headline in enumerate(labels()[item.site.language]["archive"], start=1):
        yield {"title": headline, "href": f"http://{item.site.host}/archive/{number}", "summary": ""}


def summary(paragraphs: tuple[str, ...], words: int = 28) -> str:
    """The first words of the text, as feeds and teasers show them."""
    text = plain(paragraphs[0])
    if " " not in text:
        return text[:60] + ("…" if len(text) > 60 else "")
    cut = text.split()
    return " ".join(cut[:words]) + (" …" if len(cut) > words else "")


def _linked_data(world: World, item: Publication, canonical: str) -> dict[str, Any]:
    """The page's schema.org article."""
    version = world.version(item)
    published, modified = claimed(world, item)
    data: dict[str, Any] = {
        "@context": "https://schema.org", "@type": "LiveBlogPosting" if len(item.versions) > 2 else "NewsArticle",
        "headline": version.title, "datePublished": published.iso, "dateModified": modified.iso,
        "mainEntityOfPage": {"@type": "WebPage", "@id": canonical}, "inLanguage": item.language,
        "publisher": {"@type": "NewsMediaOrganization", "name": item.site.name, "url": f"http://{item.site.host}/"},
        "articleSection": item.section,
    }
    if version.author:
        data["author"] = {"@type": "Person", "name": version.author}
    return data
