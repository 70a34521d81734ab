"""Page bytes -> text, title, language, every date claim, every attribution, walls, reservations.

    page         bytes -> one tree, decoded, bounded               body         tree -> text (trafilatura)
    blocks       tree -> blocks of text with their links           marking, xpath   the same text in half of the time
    language     text -> language (py3langid)
    jsonld       scripts -> nodes about the article                identity     title, site, canonical address
    claims, day  dates (htmldate)                                  walls        why it may be no article
    origins, attributions   where it says that it comes from       reservations text and data mining

Both functions run in a worker process that is killed when it takes too long: the caller then adds the wall "cpu".
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from html import escape
from itertools import chain
from typing import Any

from crawler.core import urls
from crawler.core.extract import (
    attributions,
    blocks,
    body,
    claims,
    identity,
    jsonld,
    language,
    origins,
    page,
    reservations,
    walls,
)
from crawler.core.text import clean, fold
from crawler.core.types import Page

MAX_TEXT = 400_000   # characters; the longest real article of 2,190 pages had 130,000

Headers = Sequence[tuple[str, str]]


def read_page(
    body: bytes, url: str, content_type: str | None = None, headers: Headers = (), *,
    zone: tzinfo | None = None, status: int = 200,
) -> Page:
    """Read the page served at `url` (final address). `zone` is the publisher's, for dates that name none.

    Never raises for any bytes: what cannot be read has text "" and a wall. Only MemoryError leaves it.
    """
    try:
        document = page.read(body, content_type)
        if document is None:
            return _unreadable(headers, "no text in these bytes")
        return _page(document, url, headers, zone, status)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the promise of this function: one page never ends a crawl
        return _unreadable(headers, f"unreadable: {type(error).__name__}")


def read_content(html: str, url: str, title: str, *, zone: tzinfo | None = None) -> Page:
    """Read the full content that a feed carries for the article at `url`: there is nothing around it to remove."""
    try:
        document = page.parse(f"<html><body><article><h1>{escape(title)}</h1><div>{html}</div></article></body></html>")
        return _content(document, url, title, zone) if document else _unreadable((), "no text in the entry")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return _unreadable((), f"unreadable: {type(error).__name__}")


def _page(document: page.Document, url: str, headers: Headers, zone: tzinfo | None, status: int) -> Page:
    tree, metas, links = document.tree, document.metas, document.links
    base = _base(tree, url)
    linked = jsonld.read(document.scripts, url)
    head = identity.stated(metas)
    who = identity.identify(head, linked, url)
    titles = identity.titles(tree, head, linked)
    title = identity.title_of(titles, who)
    text = _without_heading(_text(document, linked, url), {title, *titles})
    spoken = language.of(text or title, _stated_language(tree, metas))
    found = blocks.read(tree, document.attributes)
    canonicals = identity.canonicals(links, head, headers, base)
    stated = chain(origins.elsewhere(canonicals, who), origins.from_jsonld(linked, who), origins.from_meta(metas, links, who))
    reading = attributions.Reading(found, text, spoken, title, who)
    seen = walls.Seen(url, status, headers, document, found, linked, title, text, walls.count(text))
    return Page(
        title=title, text=text, language=spoken, site_name=who.site_name,
        canonical=identity.own_canonical(canonicals, url),
        claims=claims.read(document, linked, headers, url, language=spoken, zone=zone),
        attributions=attributions.read(reading, stated),
        walls=walls.read(seen),
        reservations=reservations.read(metas, headers),
        alternates=identity.alternates(links, base),
        notes=document.notes,
    )


def _content(document: page.Document, url: str, title: str, zone: tzinfo | None) -> Page:
    found = blocks.read(document.tree, document.attributes)
    lines = [block.text for block in found if block.zone is blocks.Zone.ARTICLE]
    title = clean(" ".join(title.split()))
    text = _lines("\n".join(lines[1:] if lines and lines[0] == title else lines))
    spoken = language.of(text or title)
    who = identity.Identity(url, None, ())
    linked = jsonld.read(document.scripts, url)
    count = walls.count(text)
    return Page(
        title=title, text=text, language=spoken,
        claims=claims.of_content(document, language=spoken, zone=zone),
        attributions=attributions.read(attributions.Reading(found, text, spoken, title, who)),
        walls=walls.read(walls.Seen(url, 200, (), document, found, linked, title, text, count)),
        notes=document.notes,
    )


def _unreadable(headers: Headers, note: str) -> Page:
    return Page(title="", text="", language=None, walls=("short",), reservations=reservations.read((), headers), notes=(note,))


def _text(document: page.Document, linked: jsonld.Linked, url: str) -> str:
    """The extracted text, else the articleBody of the JSON-LD."""
    text = _lines(body.main_text(document.tree, document.attributes, url))
    values = (value for key in ("articleBody", "text") for node in linked.articles for value in jsonld.texts(node.get(key)))
    stated = _lines(body.plain(next(values, "")))
    # The library falls back on the articleBody as well, and loses its paragraphs.
    return stated if not text or text.split() == stated.split() else text


def _without_heading(text: str, titles: set[str]) -> str:
    """The text without the headline, where extraction left it in: copies change headlines first."""
    known = {_letters(title) for title in titles}
    lines = text.split("\n")
    while len(lines) > 1 and _letters(lines[0]) in known:
        lines.pop(0)
    return "\n".join(lines)


def _letters(line: str) -> str:
    """A line by its letters and digits: markup puts spaces where titles have none."""
    return "".join(filter(str.isalnum, fold(line[:1_000])))


def _lines(text: str) -> str:
    """Paragraphs joined by line breaks, white space collapsed, without what no text may hold."""
    lines = (" ".join(line.split()) for line in clean(text[:MAX_TEXT]).splitlines())
    return "\n".join(line for line in lines if line)


def _base(tree: Any, url: str) -> str:
    """The address that relative links are resolved against."""
    base = next(tree.iter("base"), None)
    return (urls.fetchable((base.get("href") or "").strip(), url) if base is not None else None) or url


def _stated_language(tree: Any, metas: Sequence[Mapping[str, str]]) -> str | None:
    """What the page calls its language."""
    root = next(tree.iter("html"), tree)
    stated = {(meta.get("property") or meta.get("name") or meta.get("http-equiv") or "").lower(): meta.get("content")
              for meta in metas}
    return root.get("lang") or stated.get("content-language") or stated.get("og:locale")
