"""XML text -> what must be known before a parser sees it: root, entries, where to cut, whether it is whole.

feedparser takes 5 s for 20,000 items and invents entries from cut-off documents, so a linear scan goes first. It keeps
to tokens (tags, CDATA, comments) and forgives what real feeds get wrong: junk around the document, unclosed comments.
Three things that feedparser loses or mixes are settled here as well: which element a date stood in, the hours to skip,
and Media RSS and iTunes elements, whose captions and credits it stores as the entry's own description and author.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from crawler.core.feeds.fault import FeedFault
from crawler.core.markup import settle_references
from crawler.core.text import unescape
from crawler.core.types import Dropped
from crawler.errors import Reason

_ROOTS = frozenset({"rss", "rdf", "feed", "channel", "urlset"})
_BEGUN = re.compile(r"<(?:\?xml|rss|rdf:RDF|feed|urlset)\b", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([^\W\d][\w.:-]*+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_SLOPPY_TAG = re.compile(r"<(/?)([^\W\d][\w.:-]*+)([^<>]*+)>")  # a quote is missing
_DECLARATION = re.compile(r"<![^<>\[]*+(?:\[.*?\]\s*)?>", re.DOTALL)
_NOISE = re.compile(r"xmlns:([\w.-]{1,40})\s*=\s*[\"'](?:http://search\.yahoo\.com/mrss|http://www\.itunes\.com/dtds/)",
                    re.IGNORECASE)
_ENTRIES = frozenset({"item", "entry"})  # under <urlset>: url, which elsewhere is a picture's address
_DATES: dict[str, Literal["published", "modified"]] = {
    # dc:date is when an RSS item was published; feedparser would call it "updated".
    "pubdate": "published", "published": "published", "issued": "published", "date": "published",
    "created": "published", "updated": "modified", "modified": "modified",
}
# feedparser searches these texts for e-mail addresses in quadratic time (7 s for 32 KB), and attributes of one tag (79 s
# for 50,000). No real name or tag is nearly as long.
_PEOPLE = frozenset({"author", "creator", "name", "email", "managingeditor", "webmaster", "publisher"})
_MAX_PERSON, _MAX_TAG = 1000, 16_384
# What PHP and templates print before a document.
_JUNK = frozenset({"br", "b", "p", "i", "pre", "font", "table", "tr", "td", "th", "div", "span", "style", "script"})
_PAGE = frozenset({"html", "head", "body", "title", "meta", "link"})


class Token(NamedTuple):
    """A piece of markup: half-open character offsets; `name` is qualified, as written."""

    kind: Literal["start", "end", "empty", "cdata", "drop"]
    name: str
    start: int
    end: int


@dataclass(slots=True)
class EntrySpan:
    """Where an entry stands, and the dates of its own children in order: (what, raw)."""

    start: int
    end: int
    dates: list[tuple[Literal["published", "modified"], str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scanned:
    """A whole document, made ready for a parser."""

    root: str                    # local name, lower case
    text: str                    # from the root on, cut to the entries kept, references settled, no DTD, no comments
    head: str                    # the feed's own part: the text before the first and after the last entry
    entries: list[EntrySpan]     # those kept
    left_out: int                # entries beyond the limit


def scan(text: str, max_entries: int) -> Scanned:
    """Survey an XML document; time is linear in its length.

    Raises FeedFault: NOT_A_FEED for HTML and other roots, TRUNCATED where the root never closes.
    """
    root = _find_root(text)
    survey = _Survey(text, root, max_entries)
    survey.run()
    if not survey.closed:
        raise FeedFault(Reason.TRUNCATED, f"the document ends before </{root.name}>")
    return survey.result()


def unread(document: Scanned, found: int) -> Iterator[Dropped]:
    """What a format's reader, which found so many, made nothing of."""
    if found < len(document.entries):
        count = len(document.entries) - found
        yield Dropped("unreadable", f"{count} entries that cannot be read", count)


# --- tokens -----------------------------------------------------------------------------------------------------

def tokens(text: str, position: int = 0) -> Iterator[Token]:
    """The markup of an XML text in order. What is not closed is passed over as text."""
    dead: set[str] = set()  # endings that do not come any more: looked for once
    while (start := text.find("<", position)) >= 0:
        token = _token(text, start, dead)
        position = token.end if token else start + 1
        if token:
            yield token


def _token(text: str, start: int, dead: set[str]) -> Token | None:
    following = text[start + 1:start + 2]
    if following == "!":
        return _declaration(text, start, dead)
    if following == "?":
        return _enclosed(text, start, "drop", "?>", dead)
    found = _TAG.match(text, start) or _SLOPPY_TAG.match(text, start)
    if not found:
        return None
    closing, name, rest = found.groups()
    if closing:
        return Token("end", name, start, found.end())
    return Token("empty" if rest.endswith("/") else "start", name, start, found.end())


def _declaration(text: str, start: int, dead: set[str]) -> Token | None:
    if text.startswith("<!--", start):
        return _enclosed(text, start, "drop", "-->", dead)
    if text.startswith("<![CDATA[", start):
        return _enclosed(text, start, "cdata", "]]>", dead)
    if "<!" in dead:
        return None
    found = _DECLARATION.match(text, start)
    if not found:
        dead.add("<!")
        return None
    return Token("drop", "!", start, found.end())


def _enclosed(text: str, start: int, kind: Literal["cdata", "drop"], ending: str, dead: set[str]) -> Token | None:
    end = -1 if ending in dead else text.find(ending, start + 2)
    if end < 0:
        dead.add(ending)
        return None
    return Token(kind, "", start, end + len(ending))


def local(name: str) -> str:
    """The local part of a qualified name, lower case."""
    return name.rpartition(":")[2].lower()


def _find_root(text: str) -> Token:
    for token in tokens(text):
        name = local(token.name)
        if token.kind in {"cdata", "end", "drop"}:
            if text[token.start:token.end].lower().startswith("<!doctype html"):
                break
            continue
        if name in _ROOTS:
            return token
        if name not in _JUNK:
            raise FeedFault(Reason.NOT_A_FEED, _what_it_is(token.name))
    else:
        if _BEGUN.match(text):
            raise FeedFault(Reason.TRUNCATED, "the document ends in its first lines")
        raise FeedFault(Reason.NOT_A_FEED, "neither XML nor JSON")
    raise FeedFault(Reason.NOT_A_FEED, "an HTML page")


def _what_it_is(name: str) -> str:
    if local(name) in _PAGE:
        return "an HTML page"
    if local(name) == "sitemapindex":
        return "a sitemap index, which lists sitemaps and no articles; add one of the news sitemaps that it lists"
    if local(name) == "opml":
        return "an OPML list of feeds; import it with `firsthand feeds import`"
    return f"XML whose root <{name[:60]}> is no feed"


# --- the survey -------------------------------------------------------------------------------------------------

class _Survey:
    """One pass over the tokens after the root."""

    def __init__(self, text: str, root: Token, max_entries: int) -> None:
        self.text = text
        self.root = root
        self.max_entries = max_entries
        self.cuts: list[tuple[int, int, bool]] = []   # start, end, keep as it is (CDATA)
        self.person: Token | None = None              # the last tag, where it opened a person's name
        self._shorten(root)
        self.noise_prefixes = {"media", "itunes"} | set(_NOISE.findall(text[root.start:root.end]))
        self.closed = root.kind == "empty"
        self.end = root.end
        self.entries: list[EntrySpan] = []
        self.entry_name = ""
        self.current: EntrySpan | None = None
        self.depth = 0                                # of open elements inside the current entry
        self.date: tuple[str, int] | None = None      # an open date child: name, where its text starts
        self.noise: tuple[Token, int] | None = None   # an open Media RSS or iTunes element, how often it is nested
        self.left_out = 0

    def run(self) -> None:
        """Read every token, jumping over the entries beyond the limit."""
        position: int | None = self.root.end
        while position is not None and not self.closed:
            position = self._run_from(position)
        # A CDATA section that never ends hides the end of an otherwise whole document.
        if not self.closed and re.search(rf"</{re.escape(self.root.name)}\s*>\s*\Z", self.text[-1000:], re.IGNORECASE):
            self.closed, self.end = True, len(self.text)
        self._end_entry(self.end)

    def _run_from(self, position: int) -> int | None:
        """Read tokens until the root closes; where to read on after a jump, None at the end."""
        for token in tokens(self.text, position):
            if token.kind == "end" and local(token.name) == local(self.root.name):
                self._end_entry(token.start)
                self.closed, self.end = True, token.end
                return None
            jump = self._read(token)
            if jump is not None:
                return jump
        return None

    def _read(self, token: Token) -> int | None:
        self._shorten(token)
        if token.kind in {"cdata", "drop"}:
            self.cuts.append((token.start, token.end, token.kind == "cdata"))
        elif token.kind != "end" and self._starts_entry(token):
            if len(self.entries) >= self.max_entries:
                return self._jump(token)
            self._start_entry(token)
        elif self.current:
            self._inside(token)
        return None

    def _shorten(self, token: Token) -> None:
        if token.kind in {"start", "empty"} and token.end - token.start > _MAX_TAG:
            self.cuts.append((token.start + 1 + len(token.name), token.end - (1 if token.kind == "start" else 2), False))
        if token.kind == "start":
            self.person = token if local(token.name) in _PEOPLE else None
        elif self.person and token.kind == "end":
            if token.start - self.person.end > _MAX_PERSON:
                self.cuts.append((self.person.end, token.start, False))
            self.person = None

    def _starts_entry(self, token: Token) -> bool:
        if self.entry_name:
            return token.name == self.entry_name
        if local(token.name) not in (_ENTRIES if local(self.root.name) != "urlset" else {"url"}):
            return False
        self.entry_name = token.name
        return True

    def _start_entry(self, token: Token) -> None:
        self._end_entry(token.start)
        self.current = EntrySpan(token.start, token.end)
        self.entries.append(self.current)
        if token.kind == "empty":
            self._end_entry(token.end)

    def _end_entry(self, end: int) -> None:
        if self.current:
            self.current.end = end
        self.current, self.depth, self.date, self.noise = None, 0, None, None

    def _jump(self, token: Token) -> int:
        """Cut from here to the end of the last entry, its end or its start tag; where to read on."""
        self._end_entry(token.start)
        name = re.escape(self.entry_name)
        starts = 0
        end = token.end
        for found in re.finditer(rf"<(/?){name}(?:[\s/][^<>]*+)?>", self.text[token.start:]):
            end = token.start + found.end()
            starts += not found.group(1)
        self.left_out = max(starts, 1)
        self.cuts.append((token.start, end, False))
        return end

    def _inside(self, token: Token) -> None:
        if self.noise:
            self._inside_noise(token)
        elif token.name.partition(":")[0] in self.noise_prefixes and ":" in token.name and token.kind != "end":
            if token.kind == "empty":
                self.cuts.append((token.start, token.end, False))
            else:
                self.noise = (token, 1)
        elif token.kind == "start":
            self._open(token)
        elif token.kind == "end":
            self._close(token)

    def _inside_noise(self, token: Token) -> None:
        assert self.noise
        opened, nested = self.noise
        if token.kind == "end" and token.name == self.entry_name:
            self._end_entry(token.end)  # it was never closed: leave it to the parser
        elif token.name == opened.name and token.kind != "empty":
            nested += 1 if token.kind == "start" else -1
            self.noise = (opened, nested) if nested else None
            if not nested:
                self.cuts.append((opened.start, token.end, False))

    def _open(self, token: Token) -> None:
        if self.depth == 0 and local(token.name) in _DATES:
            self.date = (token.name, token.end)
        self.depth += 1

    def _close(self, token: Token) -> None:
        if token.name == self.entry_name:
            self._end_entry(token.end)
            return
        self.depth = max(0, self.depth - 1)
        if self.date and self.depth == 0 and self.current:
            name, start = self.date
            raw = unescape(re.sub(r"<!\[CDATA\[|\]\]>", "", self.text[start:token.start])).strip()
            if raw and token.name == name:
                self.current.dates.append((_DATES[local(name)], raw[:200]))
            self.date = None

    def result(self) -> Scanned:
        """The document that the parser may see."""
        kept = self.entries
        first = kept[0].start if kept else self.end
        last = kept[-1].end if kept else self.end
        return Scanned(
            root=local(self.root.name),
            text=self._cut(),
            head=self.text[self.root.start:first][:65536] + self.text[last:self.end][-65536:],
            entries=kept,
            left_out=self.left_out,
        )

    def _cut(self) -> str:
        pieces, position = [], self.root.start
        # By start, the longer first, so that what lies inside a cut is passed over; a cut goes before what it keeps.
        for start, end, keep in sorted(self.cuts, key=lambda cut: (cut[0], -cut[1], cut[2])):
            if start < position:
                continue
            pieces.append(settle_references(self.text[position:start]))
            if keep:
                pieces.append(self.text[start:end])
            position = end
        pieces.append(settle_references(self.text[position:max(position, self.end)]))
        return "".join(pieces)
