"""What a page says of where its article comes from: labels, sentences, bylines, credits, datelines, links.

Read from the blocks of the page as well as from the extracted text, because extraction drops much of it; never from
captions (most "Source: …/dpa" lines are picture credits), navigation or teasers; never where it names the page itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from crawler.core import phrases, urls
from crawler.core.extract.blocks import Block, Link, Zone
from crawler.core.extract.identity import Identity
from crawler.core.extract.origins import agencies, agencies_in
from crawler.core.text import clean, words
from crawler.core.types import Attribution, AttributionKind

MAX_ATTRIBUTIONS = 40
MAX_QUOTE = 300
_EDGE = 250          # a credit stands among the first or last characters: anywhere else it is "told Reuters"
_BEFORE, _AFTER = 25, 40   # blocks around the text that may belong to the article
_MAX_BLOCKS = 1_500
_MAX_HITS = 60       # a real article has one or two
_MAX_TEXT = 100_000
_ORDER = list(AttributionKind)
_SHARING = re.compile(r"(?:facebook|twitter|x|whatsapp|telegram|t|linkedin|pinterest|reddit|vk|instagram|youtube|tiktok|threads|bsky)"
                      r"\.(?:com|me|net|org|app)$|(?:^|\.)(?:wa\.me|addtoany\.com|addthis\.com|google\.com|apple\.com)$")


_Source = tuple[str | None, str | None]   # URL, name


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers below look at."""

    blocks: Sequence[Block]
    text: str
    language: str | None
    title: str
    who: Identity


def read(reading: Reading, stated: Iterable[Attribution] = ()) -> tuple[Attribution, ...]:
    """Every attribution, the weightiest kinds first, each once; `stated` are those of head and JSON-LD."""
    near = _near(reading)
    found = [*stated, *_from_text(reading, near), *_from_dropped(reading, near), *_labels(reading), *_bylines(reading, near)]
    found.sort(key=lambda attribution: _ORDER.index(attribution.kind))
    return tuple(_folded(found))[:MAX_ATTRIBUTIONS]


def _folded(found: Iterable[Attribution]) -> Iterator[Attribution]:
    """Each statement once: a name alone says nothing where the same name came with its address."""
    kept = list(found)
    linked = {(item.kind, item.name) for item in kept if item.url}
    seen = set()
    for item in kept:
        key = (item.kind, item.url or item.name, item.quote if item.kind is AttributionKind.DECLARED_COPY else None)
        bare = item.url is None and item.kind is AttributionKind.NAMES_SOURCE and (item.kind, item.name) in linked
        if key not in seen and not bare:
            seen.add(key)
            yield replace(item, quote=clean(item.quote)[:MAX_QUOTE] if item.quote else None)


# --- where the article stands on the page ------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class _Near:
    """Blocks of the page around and in the text: indices, and which of them extraction left out."""

    first: int
    last: int
    dropped: tuple[int, ...]


def _near(reading: Reading) -> _Near:
    flat = " ".join(reading.text[:_MAX_TEXT].split())
    considered = [at for at, block in enumerate(reading.blocks) if block.zone is Zone.ARTICLE][:_MAX_BLOCKS]
    inside = {at for at in considered if reading.blocks[at].text[:100] in flat} if flat else set()
    long = [at for at in inside if len(reading.blocks[at].text) > 60] or sorted(inside)
    first, last = (min(long), max(long)) if long else (0, len(reading.blocks))
    around = range(first - _BEFORE, last + _AFTER)
    return _Near(first, last, tuple(at for at in considered if at not in inside and at in around))


# --- sentences ---------------------------------------------------------------------------------------------------

def _from_text(reading: Reading, near: _Near) -> Iterator[Attribution]:
    text = reading.text
    for hit in phrases.find(text, reading.language, reading.title)[:_MAX_HITS]:
        at_edge = hit.start < _EDGE or hit.end > len(text) - _EDGE
        yield from _spoken(hit, reading, near, "body", at_edge=at_edge)


def _from_dropped(reading: Reading, near: _Near) -> Iterator[Attribution]:
    """The same for what extraction left out near the article."""
    for inside in (False, True):
        lines = [block.text for at in near.dropped if (near.first < at < near.last) is inside
                 and len((block := reading.blocks[at]).text) <= 600 and block.linked < 0.9]
        for hit in phrases.find("\n".join(lines), reading.language, reading.title)[:_MAX_HITS]:
            # A mark between two paragraphs is that of a picture; those of the article stand before or after it.
            if hit.kind != "dateline" and _tells(hit.quote) and not (inside and hit.kind == "credit"):
                yield from _spoken(hit, reading, near, "page", at_edge=hit.end - hit.start <= 120)


def _spoken(
    hit: phrases.Hit, reading: Reading, near: _Near, where: str, *, at_edge: bool,
) -> Iterator[Attribution]:
    name, who = hit.name or None, reading.who
    own = name is not None and who.owns(name)
    if hit.kind == "declared-copy":
        links = _links_near(hit.quote, reading, near)
        yield Attribution(AttributionKind.DECLARED_COPY, None if own else name, links[0][0] if links else None, hit.quote, where)
        for url, label in links[:3]:
            yield Attribution(AttributionKind.NAMES_SOURCE, (None if own else _known(name)) or label, url, hit.quote, where)
    elif hit.kind == "source-label" and not own and _separated(hit.quote, name or hit.quote):
        if _says_own(hit.quote, reading, near):
            return
        links = _links_near(hit.quote, reading, near)
        if name or links:
            linked = links[:1] or [(None, None)]
            yield from (Attribution(AttributionKind.NAMES_SOURCE, _known(name) or label, url, hit.quote, where)
                        for url, label in linked)
    elif hit.kind == "credit" and at_edge and name and not own:
        yield from (Attribution(AttributionKind.AGENCY_CREDIT, agency, None, hit.quote, where)
                    for agency in dict.fromkeys(agencies_in(name)) or [name] if not who.owns(agency))
    elif hit.kind == "dateline" and name and not own:
        yield Attribution(AttributionKind.DATELINE, phrases.agency(name) or name, None, hit.quote, where)


def _links_near(quote: str, reading: Reading, near: _Near) -> list[_Source]:
    """(URL, name) of the links to other sites in the block that holds the quote, else in a block of links beside it."""
    wanted = " ".join(quote.split())[:60]
    blocks = reading.blocks
    for at in range(max(0, near.first - _BEFORE), min(len(blocks), near.last + _AFTER + 1)):
        if wanted and (wanted in blocks[at].text or (len(blocks[at].text) > 20 and blocks[at].text in wanted)):
            beside = [block for block in (*blocks[at + 1:at + 2], *blocks[max(0, at - 1):at]) if _is_link(block)]
            found = [link for block in (blocks[at], *beside) for link in outward(block.links, reading.who)]
            if found:
                return found
    return []


def _says_own(quote: str, reading: Reading, near: _Near) -> bool:
    """Whether a label names the page itself, and its link is another matter: "Source: Daily[Order a licence]"."""
    wanted = " ".join(quote.split())[:60]
    for block in reading.blocks[max(0, near.first - _BEFORE):near.last + _AFTER + 1]:
        if block.links and wanted in block.text and (label := phrases.source_label(block.text)):
            return _is_own_label(label[1], block.links, reading.who)
    return False


def _is_own_label(rest: str, links: Sequence[Link], who: Identity) -> bool:
    """Whether what follows a label is the page's own name, once what is linked is taken out."""
    for link in links:
        rest = rest.replace(link.text, " ") if link.text else rest
    names = _parts(rest)
    return bool(links and names) and all(map(who.owns, names))


def _is_link(block: Block) -> bool:
    return len(block.text) <= 200 and block.linked >= 0.5 and block.zone is Zone.ARTICLE


def outward(links: Sequence[Link], who: Identity) -> list[_Source]:
    """(absolute URL, name) of the links that lead to another site and are no sharing buttons."""
    found: list[_Source] = []
    for link in links:
        url = urls.fetchable(link.href, who.url) if link.href else None
        url = (urls.unwrapped(url) or url) if url else None
        if url and not who.owns_url(url) and not _SHARING.search(urls.host(url).removeprefix("www.")):
            # "Source of the news" as the words of a link names nobody.
            found.append((url, None if phrases.source_label(link.text) else _known(_name(link.text))))
    return found


# --- labels ------------------------------------------------------------------------------------------------------

# A label ends early in its line or is all of it.
_MAY_LABEL = re.compile(r".{1,50}$|.{1,60}[:：|–—\-]")


def _labelled(blocks: Sequence[Block]) -> Iterator[tuple[int, tuple[str, str]]]:
    """(index, (label, rest)) of the blocks that are source labels."""
    for at, block in enumerate(blocks[:2 * _MAX_BLOCKS]):
        if block.zone is Zone.ARTICLE and len(block.text) <= MAX_QUOTE and _MAY_LABEL.match(block.text):
            label = phrases.source_label(block.text)
            if label is not None and _separated(block.text, label[1]) and not _is_picture_credit(blocks, at):
                yield at, label


def _separated(line: str, name: str) -> bool:
    """Whether something stands between label and name. Without it only an agency's name makes a label: "Original
    Amazon price" and "To the content of this page" begin with the same words."""
    return not name or _SEPARATOR.search(line[:90]) is not None or phrases.agency(name) is not None


_SEPARATOR = re.compile(r"[:：|︰]|\s[–—-]\s")


def _labels(reading: Reading) -> Iterator[Attribution]:
    """"Source: NAME", also where the name stands in the next element ("Source" alone needs no colon there)."""
    blocks = reading.blocks
    for at, label in islice(_labelled(blocks), _MAX_HITS):
        block = blocks[at]
        rest, holder = label[1], block
        if not rest.strip(" :：") and not outward(block.links, reading.who):
            holder = blocks[at + 1] if at + 1 < len(blocks) else block
            if holder.zone is not Zone.ARTICLE or len(holder.text) > 120 or phrases.source_label(holder.text):
                continue
            rest = holder.text
            if not _separated(block.text, rest) and len(words(block.text)) > (2 if outward(holder.links, reading.who) else 1):
                continue
        quote = block.text if holder is block else f"{block.text} {holder.text}"
        if not _is_own_label(rest, holder.links, reading.who):
            yield from _sources(rest, holder.links, quote, reading.who)


def _is_picture_credit(blocks: Sequence[Block], at: int) -> bool:
    """A label right after a caption belongs to the picture."""
    return at > 0 and blocks[at - 1].zone is Zone.PICTURE and blocks[at].linked < 0.2 and len(blocks[at].text) < 60


def _sources(rest: str, links: Sequence[Link], quote: str, who: Identity) -> Iterator[Attribution]:
    found = outward(links, who)
    linked = {name for _, name in found}
    for url, name in found[:3]:
        yield Attribution(AttributionKind.NAMES_SOURCE, name or _known(_name(rest)), url, quote, "source label")
    for part in _parts(rest):
        if not who.owns(part) and (name := _known(part)) not in linked and not _is_own_link(part, links, who):
            yield Attribution(AttributionKind.NAMES_SOURCE, name, None, quote, "source label")


def _is_own_link(part: str, links: Sequence[Link], who: Identity) -> bool:
    """A name that links to the page's own site is a department of it."""
    return any(part in link.text and (url := urls.fetchable(link.href, who.url)) is not None and who.owns_url(url)
               and phrases.agency(part) is None for link in links if link.href)


def _parts(rest: str) -> list[str]:
    """The names that a label lists, at most three: "ntv.de, dpa" names two. Anything longer is a sentence."""
    pieces = re.split(r"[,/;|،、，；\n]|\s[-–—]\s", rest[:200])
    names = [name for piece in pieces[:4] if (name := _name(piece))]
    return names[:3]


_NAME_END = re.compile(r"\s*(?:[(\[（]|\d{1,4}[-./年]\d{1,2}|(?<=\S)\s{2,}|[。!?…]|\.\s).*$", re.DOTALL)


def _name(text: str) -> str | None:
    """A name as written, without what follows it; None where it is no name."""
    name = _NAME_END.sub("", " ".join(text.split())).strip(" .:：,;-–—|\"'“”«»[]()")
    readable = any(map(str.isalpha, name)) and "://" not in name
    return clean(name) if readable and len(name) <= 80 and len(name.split()) <= 8 else None


def _known(name: str | None) -> str | None:
    return (phrases.agency(name) or name) if name else None


# --- bylines -----------------------------------------------------------------------------------------------------

def _bylines(reading: Reading, near: _Near) -> Iterator[Attribution]:
    """Agencies in what the markup calls a byline, or alone on a short line right before or after the text."""
    for at, block in enumerate(reading.blocks[:_MAX_BLOCKS]):
        if block.zone is not Zone.ARTICLE or len(block.text) > 200:
            continue
        beside = near.first - 8 <= at < near.first or near.last < at <= near.last + 3
        if block.byline and _tells(block.text, least=2):
            yield from agencies([block.text], "byline", reading.who)
        elif beside and len(block.text) <= 40 and _tells(block.text) and not _is_picture_credit(reading.blocks, at):
            yield from agencies([block.text], "credit line", reading.who)


# Words by which a line says that it is about a picture.
_OF_PICTURE = re.compile(r"bild|foto|photo|image|imagen|immagin|imagem|pictur|getty|shutterstock|illustration|фото|صور|تصوير|"
                         r"写真|图|圖|사진|फोटो|ảnh|kuva|画像", re.IGNORECASE)


def _tells(line: str, least: int = 3) -> bool:
    """Whether a line outside the text can be a credit: "A A" sets the size of letters, and pictures have their own."""
    letters = "".join(filter(str.isalpha, line))
    return len(letters) >= least and letters.upper() != "AA" and _OF_PICTURE.search(line) is None
