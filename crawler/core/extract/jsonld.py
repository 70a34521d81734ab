"""What a page says of itself in JSON-LD: the nodes about the article, the main one first.

Read leniently: `strict=False` rescues 5 of 10 real blocks that `json.loads` refuses; comments, CDATA marks, trailing
commas and a second value behind the first account for the rest.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crawler.core import urls
from crawler.core.text import unescape

Node = dict[str, Any]

MAX_NODES = 4_000
_ARTICLE = re.compile(r"(?:^|/)(?:\w*Article|BlogPosting|LiveBlogPosting|Report|Review|SocialMediaPosting|CreativeWork)$")
_PAGE = re.compile(r"(?:^|/)(?:WebPage|ItemPage|VideoObject|AudioObject|PodcastEpisode|Dataset)$")
_LIST = re.compile(r"(?:^|/)(?:CollectionPage|SearchResultsPage|ItemList|Blog)$")
# Properties whose values are other works: their dates and authors are not the article's.
_OTHERS = frozenset({
    "itemlistelement", "haspart", "isbasedon", "isbasedonurl", "citation", "mentions", "comment", "review", "about",
    "liveblogupdate", "isrelatedto", "relatedlink", "publisher", "author", "creator", "image", "thumbnail", "logo",
    "ispartof", "sourceorganization", "provider", "subjectof", "blogpost", "associatedmedia", "video", "audio",
    "significantlink", "breadcrumb", "translationofwork", "worktranslation",
})
_OPENING = re.compile(r"[\s/*\ufeff]*(?:<!\[CDATA\[|<!--)?[\s/*]*")
_TRAILING_COMMA = re.compile(r",\s*(?=[}\]])")


@dataclass(frozen=True, slots=True)
class Linked:
    """The JSON-LD of a page."""

    articles: tuple[Node, ...]     # the main one first
    pages: tuple[Node, ...]        # WebPage, VideoObject: weaker statements about the same page
    lists: bool                    # whether the page calls itself a list
    names: tuple[str, ...]         # the publisher and the WebSite: who the site says it is

    @property
    def main(self) -> Node:
        """The article's node, or an empty one."""
        return self.articles[0] if self.articles else {}


def read(scripts: Sequence[str], url: str) -> Linked:
    """Read every block of a page at `url`."""
    nodes = list(_walk([value for script in scripts for value in _values(script)]))
    articles = [node for node in nodes if _is(node, _ARTICLE)]
    articles.sort(key=lambda node: _rank(node, url))
    pages = [node for node in nodes if _is(node, _PAGE)]
    mine = [node for node in articles if _rank(node, url) < 2] or articles[:1]
    return Linked(tuple(mine[:5]), tuple(pages[:5]), any(_is(node, _LIST) for node in nodes),
                  tuple(dict.fromkeys(_site_names(nodes, mine))))


def _values(script: str) -> Iterator[Any]:
    """The JSON values of one block; none where it cannot be understood."""
    start = _OPENING.match(script)
    text = script[start.end() if start else 0:]
    for candidate in (text, _TRAILING_COMMA.sub("", text), unescape(text)):
        values = _decoded(candidate)
        if values:
            yield from values
            return


def _decoded(text: str) -> list[Any]:
    """The values at the start of a text, which may be followed by another or by closing marks."""
    values: list[Any] = []
    at = 0
    while at < len(text) and len(values) < 10:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        behind = _BETWEEN.match(text, end)
        at = behind.end() if behind else end
    return values


_BETWEEN = re.compile(r"[\s;,]*")
_DECODER = json.JSONDecoder(strict=False)


def _walk(roots: Iterable[Any]) -> Iterator[Node]:
    """Every node that may speak of this page, outer ones first, in document order."""
    waiting, seen = list(roots)[::-1], 0
    while waiting and seen < MAX_NODES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            yield value
            inner = [value[key] for key in value if key.lower() not in _OTHERS]
            waiting.extend(item for item in reversed(inner) if isinstance(item, dict | list))
        elif isinstance(value, list):
            waiting.extend(item for item in reversed(value[:200]) if isinstance(item, dict | list))


def _is(node: Node, kind: re.Pattern[str]) -> bool:
    return any(kind.search(name) for name in texts(node.get("@type")))


def _rank(node: Node, url: str) -> int:
    """0 for the node that names this page, 1 for one that names none, 2 for one that names another page."""
    named = [link for key in ("mainEntityOfPage", "url", "@id") for link in addresses(node.get(key), url)]
    if not named:
        return 1
    here = _plain(url)
    return 0 if any(_plain(link) == here for link in named) else 2


def _plain(url: str) -> str:
    """A URL without what varies between two spellings of one page."""
    return re.sub(r"^https?://(?:www\.|m\.)?|[?#].*$|/$", "", url.strip().lower()).rstrip("/")


def _site_names(nodes: Sequence[Node], articles: Sequence[Node]) -> Iterator[str]:
    for node in articles:
        yield from names(node.get("publisher"))
    for node in nodes:
        if any(re.search(r"(?:WebSite|NewsMediaOrganization)$", kind) for kind in texts(node.get("@type"))):
            yield from texts(node.get("name"))


# --- reading values ---------------------------------------------------------------------------------------------

def get(node: Node, *keys: str) -> Iterator[Any]:
    """The values under these keys, which are written in any case."""
    lowered = {key.lower(): value for key, value in node.items()}
    for key in keys:
        value = lowered.get(key.lower())
        if value is not None:
            yield value


def texts(value: Any) -> list[str]:
    """The non-empty strings in a value: a string, a list of them, {"@value": …}."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if isinstance(value, dict):
        return texts(value.get("@value"))
    if isinstance(value, list):
        return [text for item in value[:50] if not isinstance(item, list) for text in texts(item)]
    return []


def names(value: Any) -> list[str]:
    """The names in a value that is a person, an organisation, a string, or a list of such."""
    if isinstance(value, dict):
        return texts(value.get("name"))[:3]
    if isinstance(value, list):
        return [name for item in value[:50] if not isinstance(item, list) for name in names(item)]
    return texts(value)


def addresses(value: Any, base: str) -> list[str]:
    """The absolute http(s) URLs in a value: strings, nodes with url or @id, or a list of such."""
    if isinstance(value, str):
        found = urls.fetchable(value, base) if re.match(r"\s*(?:https?:)?//|\s*/", value) else None
        return [found] if found else []
    if isinstance(value, dict):
        return [url for key in ("url", "@id", "sameAs") if isinstance(value.get(key), str)
                for url in addresses(value[key], base)][:1]
    if isinstance(value, list):
        return [url for item in value[:50] if not isinstance(item, list) for url in addresses(item, base)]
    return []
