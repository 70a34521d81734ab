"""What a page's head and JSON-LD say of where the article comes from."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from crawler.core import phrases, urls
from crawler.core.extract import jsonld
from crawler.core.extract.identity import Identity, is_home
from crawler.core.text import clean
from crawler.core.types import Attribution, AttributionKind

_META_URLS = ("original-source", "syndication-source", "dc.source", "dcterms.source", "dc:source", "source", "source_url",
              "article:source", "original_source", "canonical-source", "parsely-source")
_META_AUTHORS = ("author", "byl", "byline", "parsely-author", "article:author", "dc.creator", "dcterms.creator", "sailthru.author",
                 "copyright", "agency", "news_agency")
_LINK_RELS = frozenset({"original", "via", "syndication-source"})


def elsewhere(canonicals: Sequence[tuple[str, str]], who: Identity) -> Iterator[Attribution]:
    """Canonical addresses on another registrable domain: of 34 real ones 26 were syndication; the rest were feed
    proxies, and home pages, which are left out here."""
    for address, where in canonicals:
        url = urls.unwrapped(address) or address
        if not who.owns_url(url) and not is_home(url) and not urls.transport(url):
            yield Attribution(AttributionKind.CANONICAL_ELSEWHERE, None, url, None, where)


def from_jsonld(linked: jsonld.Linked, who: Identity) -> Iterator[Attribution]:
    """isBasedOn, provider, creditText, and authors that are agencies."""
    for node in linked.articles:
        for keys, reader in _READERS:
            for key in keys:
                for value in jsonld.get(node, key):
                    yield from reader(value, f"json-ld {key}", who)


def _based_on(value: Any, where: str, who: Identity) -> Iterator[Attribution]:
    addresses = jsonld.addresses(value, who.url)
    name = _first_name(value)
    for url in addresses[:5]:
        if not who.owns_url(url):
            yield Attribution(AttributionKind.BASED_ON, name, url, None, where)
    if not addresses and name and not who.owns(name):
        yield Attribution(AttributionKind.BASED_ON, name, None, None, where)


def _named(value: Any, where: str, who: Identity) -> Iterator[Attribution]:
    """A provider: an agency is a credit, another site is what the article is based on."""
    name = _first_name(value)
    if name is None or who.owns(name):
        return
    agency = phrases.agency(name)
    if agency:
        yield Attribution(AttributionKind.AGENCY_CREDIT, agency, None, name, where)
        return
    url = next((url for url in jsonld.addresses(value, who.url)), None)
    if not where.endswith("copyrightHolder") and not (url and who.owns_url(url)):
        yield Attribution(AttributionKind.BASED_ON, name, url, None, where)


def _first_name(value: Any) -> str | None:
    """The first name in a value; an address is none."""
    names = [clean(name)[:120] for name in jsonld.names(value) if "://" not in name]
    return names[0] if names else None


def _credited(value: Any, where: str, who: Identity) -> Iterator[Attribution]:
    for text in jsonld.texts(value)[:3]:
        agency = phrases.agency(text)
        if not who.owns(text):
            kind = AttributionKind.AGENCY_CREDIT if agency else AttributionKind.NAMES_SOURCE
            yield Attribution(kind, agency or clean(text)[:120], None, clean(text)[:300], where)


def _people(value: Any, where: str, who: Identity) -> Iterator[Attribution]:
    return agencies(jsonld.names(value), where, who)


_READERS: tuple[tuple[tuple[str, ...], Callable[[Any, str, Identity], Iterator[Attribution]]], ...] = (
    (("isBasedOn", "isBasedOnUrl"), _based_on),
    (("sourceOrganization", "provider", "copyrightHolder"), _named),
    (("creditText",), _credited),
    (("author", "creator", "contributor", "publisher"), _people),
)


def agencies(names: Sequence[str], where: str, who: Identity) -> Iterator[Attribution]:
    """The agencies among names of authors: "Jane Doe, Associated Press", "dpa/lno"."""
    for text in names[:20]:
        for agency in dict.fromkeys(agencies_in(text)):
            if not who.owns(agency):
                yield Attribution(AttributionKind.AGENCY_CREDIT, agency, None, clean(text)[:300], where)


_DIVIDERS = str.maketrans(dict.fromkeys(",;|/()[]·•،、，；|", "\n") | {"–": "\n", "—": "\n"})


def agencies_in(text: str) -> Iterator[str]:
    """The agencies that a byline lists. Only whole parts count: "Reuters Breakingviews columnist" is no agency."""
    line = text[:300]
    for divider in (" and ", " und ", " et ", " y ", " e ", " with ", " mit ", " avec ", " con ", " com ", " и ", " i "):
        line = line.replace(divider, "\n")
    for part in (line if "/" not in line else f"{line}\n{line.translate(_DIVIDERS)}").translate(_DIVIDERS).split("\n"):
        found = (phrases.agency(part) or phrases.agency(_bare(part))) if len(part) <= 60 else None
        if found:
            yield found


# "Von dpa", "By Reuters Staff", "© AFP": what a byline puts around the name. Nothing else is dropped: "Mehr Sport" and
# "FOCUS online" are no bylines of the Iranian and the Pakistani agency.
_LEAD = re.compile(r"^(?:by|von|par|por|per|de|di|da|door|av|od|with|mit|avec|con|via|from|af|от|из|عن|منبع|source|sources|"
                   r"quellen?|fuentes?|fontes?|©|\(c\)|copyright|the|agence|agencia|agenzia|agentur)[\s:.]+", re.IGNORECASE)
_TAIL = re.compile(r"\s+(?:staff|reporters?|writers?|editors?|correspondents?|contributors?|newsroom|staff writers?)$", re.IGNORECASE)


def _bare(part: str) -> str:
    text = " ".join(part.split())
    for _ in range(2):
        text = _LEAD.sub("", text)
    return _TAIL.sub("", text)


def from_meta(
    metas: Sequence[Mapping[str, str]], links: Sequence[Mapping[str, str]], who: Identity,
) -> Iterator[Attribution]:
    """original-source, syndication-source, name=source; authors that are agencies; link rel=original."""
    for meta in metas:
        key = (meta.get("name") or meta.get("property") or "").strip().lower()
        value = " ".join((meta.get("content") or "").split())
        if value and key in _META_URLS:
            yield from _source_meta(key, value, who)
        elif value and key in _META_AUTHORS:
            yield from agencies([value], f"meta {key}", who)
    for link in links:
        rels = _LINK_RELS & set((link.get("rel") or "").lower().split())
        url = urls.fetchable((link.get("href") or "").strip(), who.url) if rels else None
        if url and not who.owns_url(url):
            yield Attribution(AttributionKind.BASED_ON, None, url, None, f"link rel={min(rels)}")


def _source_meta(key: str, value: str, who: Identity) -> Iterator[Attribution]:
    where = f"meta {key}"
    if "://" in value:
        url = urls.fetchable(value, who.url)
        if url and not who.owns_url(url):
            yield Attribution(AttributionKind.BASED_ON, None, url, None, where)
        return
    label = phrases.source_label(value)  # some write "来源：新华网" here as well
    name = label[1] if label and label[1] else value
    if len(name) <= 80 and any(map(str.isalpha, name)) and not who.owns(name):
        yield Attribution(AttributionKind.NAMES_SOURCE, phrases.agency(name) or clean(name), None, clean(value)[:300], where)
