"""The page as blocks of text in reading order, each with its links and the part of the page it stands in.

Labels, bylines and sentences by which a site says that it copies are read here, before extraction: of ten source
labels that name an agency, extraction dropped seven.
"""

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

from crawler.core.text import clean

MAX_TEXT = 4_000   # characters of one block that are kept: sentences and labels are short


class Zone(IntEnum):
    """The part of a page. Larger ones win over smaller ones around them."""

    ARTICLE = 0
    ASIDE = 1      # navigation, teasers, comments, the site's foot
    PICTURE = 2    # a picture and its caption: its credit is not the article's


class Link(NamedTuple):    # as Block: a page has hundreds of both, and making one takes a quarter of a dataclass's time
    """A link as written."""

    href: str
    text: str
    rel: str = ""


class Block(NamedTuple):
    """A run of text without a break in it."""

    text: str                     # white space collapsed
    zone: Zone = Zone.ARTICLE
    links: tuple[Link, ...] = ()
    byline: bool = False          # the markup says that it names the author
    foot: bool = False            # in the site's foot

    @property
    def linked(self) -> float:
        """Share of the text that is link text, 0..1."""
        return min(1.0, sum(len(link.text) for link in self.links) / max(1, len(self.text)))


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BREAKS = _set("""address article aside blockquote body br caption center dd details dialog div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol option p pre section summary
    table tbody td tfoot th thead tr ul""")
_SKIPPED = _set("""script style noscript template head select option button svg iframe textarea object audio video
    canvas map math datalist dialog""")
_ASIDE_TAGS = frozenset({"nav", "aside", "form", "article"})  # an article that does not hold the heading is a teaser
_PICTURE_TAGS = frozenset({"figure", "figcaption", "picture"})
_TELLING = _ASIDE_TAGS | _PICTURE_TAGS | {"footer"}   # tags that say something without any attribute
_PICTURE = re.compile(r"caption|figure|(?<![a-z])(?:image|img|photo|picture|pic|foto|bild|gallery|slideshow|thumb)"
                      r"(?:[-_ ]?(?:credit|copyright|wrap|container|holder|block|box|source|info|meta|text|desc)|(?![a-z]))")
_ASIDE = re.compile(r"(?<![a-z])(?:related|recommend|teaser|sidebar|side-bar|most-?read|popular|trending|comment|promo|"
                    r"newsletter|subscri|breadcrumb|menu|navbar|navigation|pagination|share|sharing|social|cookie|consent|"
                    r"banner|advert|widget|read-?more|readmore|more-(?:news|stories|from)|outbrain|taboola|footer|"
                    r"latest|carousel|ticker|disqus)")
_BYLINE = re.compile(r"(?<![a-z])(?:byline|author|autor|auteur|autore|writer|redactor|verfasser|creator|contributor|"
                     r"news-?agency|agency|agentur)")


class _Context(NamedTuple):
    """What holds inside an open element."""

    zone: Zone
    byline: bool
    foot: bool


def read(tree: Any, attributes: Mapping[Any, Sequence[tuple[str, str]]]) -> list[Block]:
    """Split a page into its blocks. `attributes` are those of each of its elements."""
    reader = _Reader(attributes, _ancestors_of_article(tree))
    reader.visit(tree, tree.tag, _Context(Zone.ARTICLE, byline=False, foot=False))
    return reader.finished()


class _Reader:
    """One walk over the tree, gathering text until something breaks the line. It descends into itself: no page is deeper than
    `page.MAX_DEPTH`."""

    def __init__(self, attributes: Mapping[Any, Sequence[tuple[str, str]]], kept: set[Any]) -> None:
        self._attributes = attributes
        self._kept = kept
        self._blocks: list[Block] = []
        self._parts: list[str] = []
        self._links: list[Link] = []
        self._open: list[tuple[int, Any]] = []
        self._byline = False
        self._last = _Context(Zone.ARTICLE, byline=False, foot=False)

    def visit(self, element: Any, tag: str, outer: _Context) -> None:
        """Read an element, without what follows it."""
        breaks = tag in _BREAKS
        if breaks:
            self._flush(outer)
        context = self._context(element, tag, outer)
        if tag not in _SKIPPED:
            self._inside(element, context, is_link=tag == "a")
        if breaks:
            self._flush(context)

    def _inside(self, element: Any, context: _Context, *, is_link: bool) -> None:
        if is_link:
            self._open.append((len(self._parts), element))
        if text := element.text:
            self._add(text, context)
        for child in element[:]:    # a list is there sooner than an iterator
            tag = child.tag
            if isinstance(tag, str):
                self.visit(child, tag, context)
            if text := child.tail:
                self._add(text, context)
        if is_link:
            self._close_link()

    def finished(self) -> list[Block]:
        """The blocks, in document order."""
        self._flush(self._last)
        return self._blocks

    def _context(self, element: Any, tag: str, outer: _Context) -> _Context:
        if element in self._kept:
            return _Context(outer.zone, byline=False, foot=outer.foot)
        items = self._attributes.get(element)
        if not items and tag not in _TELLING:
            return outer
        zone, byline = _classed(tag, _marks(items or ()))
        if tag == "footer" and not self._in_article(element):
            return _Context(max(outer.zone, Zone.ASIDE), byline=False, foot=True)
        if (not zone and not byline) or (zone <= outer.zone and byline <= outer.byline):
            return outer
        return _Context(max(outer.zone, zone), byline or outer.byline, outer.foot)

    def _in_article(self, element: Any) -> bool:
        return any(above.tag in {"article", "main"} for above in element.iterancestors("article", "main"))

    def _add(self, text: str, context: _Context) -> None:
        if self._parts or not text.isspace():    # space in front of all else is none
            self._parts.append(text)
            if context.byline and not self._byline:
                self._byline = not text.isspace()

    def _close_link(self) -> None:
        start, element = self._open.pop()
        text = _collapsed("".join(self._parts[start:]))
        self._links.append(Link((element.get("href") or "").strip(), text[:300], (element.get("rel") or "").lower()))

    def _flush(self, context: _Context) -> None:
        if not self._parts and not self._links:
            return
        text = _collapsed("".join(self._parts))
        if text:
            # A link may hold blocks: it is counted again in each of them.
            links = self._links + [Link((element.get("href") or "").strip(), text[:300]) for _, element in self._open]
            self._blocks.append(Block(text[:MAX_TEXT], context.zone, tuple(links[:20]), self._byline, context.foot))
        self._parts, self._links, self._byline = [], [], False
        if self._open:
            self._open = [(0, element) for _, element in self._open]


@lru_cache(maxsize=16384)
def _classed(tag: str, marks: str) -> tuple[Zone, bool]:
    """The zone that an element opens, and whether it names the author, by what the markup calls it."""
    byline = bool(marks and _BYLINE.search(marks))
    if tag in _PICTURE_TAGS or (marks and _PICTURE.search(marks)):
        return Zone.PICTURE, byline
    if tag in _ASIDE_TAGS or (marks and _ASIDE.search(marks)):
        return Zone.ASIDE, byline
    return Zone.ARTICLE, byline


_MARKS = frozenset({"class", "id", "itemprop", "rel", "role", "data-testid"})


def _marks(items: Sequence[tuple[str, str]]) -> str:
    """What the markup calls an element, lower case."""
    return " ".join([value for name, value in items if name in _MARKS]).lower()


def _collapsed(text: str) -> str:
    line = " ".join(text.split())
    return line if line.isprintable() else clean(line)


def heading(tree: Any) -> Any | None:
    """The h1 of the article: the longest, since a logo is often one too."""
    return max(tree.iter("h1"), key=lambda h1: len(" ".join(h1.itertext())), default=None)


def _ancestors_of_article(tree: Any) -> set[Any]:
    """The elements around heading and text, which are never an aside, whatever they are called."""
    kept: set[Any] = set()
    for element in (heading(tree), _container(tree)):
        if element is not None:
            kept.update(element.iterancestors())
            kept.add(element)
    return kept


def _container(tree: Any) -> Any | None:
    """The element right above most of the paragraphs' text."""
    weight: dict[Any, int] = {}
    for paragraph in tree.iter("p"):
        size = sum(map(len, paragraph.itertext()))
        parent = paragraph.getparent()
        if size > 40 and parent is not None:
            weight[parent] = weight.get(parent, 0) + size
    return max(weight, key=lambda element: weight[element], default=None)
