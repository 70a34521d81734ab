"""Lists of feeds as OPML: read leniently, written as valid OPML 2.0."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lxml import etree

from crawler.core.markup import UndecodableError, decode, line, settle_references
from crawler.core.urls import fetchable
from crawler.errors import OperationError

BadRow = tuple[int, str]
"""The line of a row in the document, from 1, and why it is no feed."""


class NotOpmlError(OperationError):
    """The document is no OPML."""


@dataclass(frozen=True, slots=True)
class OpmlFeed:
    """A feed in a list. Tags are the folders around it and its categories, outermost first, each once."""

    url: str                     # absolute http(s) URL
    title: str = ""
    site: str | None = None      # home page
    tags: tuple[str, ...] = ()


# --- reading ----------------------------------------------------------------------------------------------------

def read(body: bytes) -> tuple[list[OpmlFeed], list[BadRow]]:
    """The feeds in the order of their first mention, and the rows that are none.

    A feed that stands in several folders is one feed with all their tags. Raises NotOpmlError.
    """
    text = _decoded(body)
    root = _parsed(text)
    feeds: dict[str, OpmlFeed] = {}
    bad: list[BadRow] = []
    for row, folders in _rows(root):
        attributes = {name.lower(): line(str(value)) for name, value in row.attrib.items()}
        url = _address(attributes.get("xmlurl", ""))
        if url:
            _add(feeds, _feed(url, attributes, folders))
        elif not len(row) or attributes.get("xmlurl"):
            bad.append((row.sourceline or 0, _reason(attributes)))
    if not re.search(r"</opml\s*>", text, re.IGNORECASE):
        bad.append((text.count("\n") + 1, "the list ends before </opml>: rows may be missing"))
    return list(feeds.values()), bad


def _decoded(body: bytes) -> str:
    try:
        return decode(body)
    except UndecodableError as error:
        raise NotOpmlError(f"the encoding {error} is not supported") from None


def _parsed(text: str) -> etree._Element:
    """The root. References are settled first, so that a bare & in an address survives and no entity is expanded."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, load_dtd=False, no_network=True,
                             remove_comments=True, remove_pis=True)
    body = re.sub(r"^\s*<\?xml[^>]*>", "", text)
    try:
        root = etree.fromstring(settle_references(body).encode("utf-8", "ignore"), parser)
    except (etree.LxmlError, ValueError):
        root = None
    if root is None or not isinstance(root.tag, str) or root.tag.rpartition("}")[2].lower() != "opml":
        raise NotOpmlError("no OPML: its root is not <opml>")
    return root


def _rows(root: etree._Element) -> Iterator[tuple[etree._Element, tuple[str, ...]]]:
    """Every outline with the names of the folders around it. A feed is no folder, whatever stands inside it."""
    folders: list[str] = []
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str) or element.tag.lower() != "outline":
            continue
        if event == "start":
            yield element, tuple(name for name in folders if name)
            names = {name.lower(): line(str(value)) for name, value in element.attrib.items()}
            folders.append("" if "xmlurl" in names else names.get("text") or names.get("title", ""))
        else:
            folders.pop()


def _feed(url: str, attributes: dict[str, str], folders: tuple[str, ...]) -> OpmlFeed:
    categories = (part.strip() for part in re.split(r"[,/]", attributes.get("category", "")))
    return OpmlFeed(
        url=url,
        title=attributes.get("title") or attributes.get("text", ""),
        site=fetchable(attributes.get("htmlurl", "")),
        tags=tuple(dict.fromkeys([*folders, *filter(None, categories)])),
    )


def _add(feeds: dict[str, OpmlFeed], feed: OpmlFeed) -> None:
    known = feeds.get(feed.url)
    if known is None:
        feeds[feed.url] = feed
    else:
        feeds[feed.url] = replace(known, title=known.title or feed.title, site=known.site or feed.site,
                                  tags=tuple(dict.fromkeys([*known.tags, *feed.tags])))


def _address(raw: str) -> str | None:
    """An address as readers export it: also feed://host/path and feed:https://host/path."""
    found = re.match(r"feed:(?://)?(https?:)?(?://)?", raw, re.IGNORECASE)
    return fetchable(f"{found.group(1) or 'http:'}//{raw[found.end():]}" if found else raw)


def _reason(attributes: dict[str, str]) -> str:
    name = (attributes.get("title") or attributes.get("text") or "untitled")[:80]
    if address := attributes.get("xmlurl"):
        return f"not an http(s) address: {address[:200]} ({name})"
    if attributes.get("type", "").lower() in {"link", "include"}:
        return f"a link to another document, which is not followed: {attributes.get('url', '')[:200]} ({name})"
    return f"no xmlUrl ({name})"


# --- writing ----------------------------------------------------------------------------------------------------

def write(feeds: Iterable[OpmlFeed], title: str) -> bytes:
    """OPML 2.0 in UTF-8, the same bytes for the same feeds.

    The first tag becomes a folder, which is what other readers understand; all tags stand in `category`, but those
    with a comma or slash, which it cannot hold: they become folders too.
    """
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = line(title)
    body = etree.SubElement(root, "body")
    folders: dict[tuple[str, ...], etree._Element] = {(): body}
    for feed in feeds:
        tags = tuple(dict.fromkeys(filter(None, map(line, feed.tags))))
        path = tags[:1] + tuple(tag for tag in tags[1:] if _unlistable(tag))
        etree.SubElement(_folder(folders, path), "outline", _attributes(feed, tags))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _unlistable(tag: str) -> bool:
    return "," in tag or "/" in tag


def _folder(folders: dict[tuple[str, ...], etree._Element], path: tuple[str, ...]) -> etree._Element:
    if path not in folders:
        folders[path] = etree.SubElement(_folder(folders, path[:-1]), "outline", text=path[-1], title=path[-1])
    return folders[path]


def _attributes(feed: OpmlFeed, tags: tuple[str, ...]) -> dict[str, str]:
    name = line(feed.title) or feed.url
    listed = ",".join(tag for tag in tags if not _unlistable(tag))
    given = {"type": "rss", "text": name, "title": line(feed.title), "xmlUrl": feed.url, "htmlUrl": feed.site or "",
             "category": listed}
    return {key: value for key, value in given.items() if value}
