"""Every date that a page states for its article, each with where it stands. None is preferred here, none is filled in.

Order of origins as in `Origin`: JSON-LD (236 of 240 real pages right to the minute), meta, time tags; then
Last-Modified; htmldate's day only where no other date of publication was found.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Literal

from crawler.core import dates
from crawler.core.extract import blocks, jsonld
from crawler.core.extract.day import day_of
from crawler.core.extract.page import Document
from crawler.core.types import Claim, Origin, Resolution, Zone

What = Literal["published", "modified"]
Stated = tuple[What, Origin, str]

MAX_CLAIMS = 24
_ORIGINS = list(Origin)
_LD_KEYS: tuple[tuple[str, What], ...] = (
    ("datePublished", "published"), ("dateCreated", "published"), ("uploadDate", "published"), ("dateModified", "modified"))
_PUBLISHED = """
    article:published_time article:published og:article:published_time og:published_time og:pubdate og:release_date
    article:published:time article_published_time article_date_original article.published article.created
    datepublished datecreated date published published_at publisheddate published-date published_date publishdate
    publish-date publish_date publication_date publication-date pubdate pub_date pub-date date.created date.issued
    dc.date dc.date.issued dc.date.created dcterms.date dcterms.created dcterms.issued dcterms.available dc.created
    dc:date dc:created sailthru.date parsely-pub-date cxenseparse:recs:publishtime cxenseparse:publishtime
    cxenseparse:recs:published_time content:publishdate prism.publicationdate firstcreate
    cms_creationdate release_date uploaddate ya:ovs:upload_date citation_publication_date citation_date
    rbpubdate ptime displaydate originalpublicationdate video:release_date
    """
_CHANGED = """
    article:modified_time article:modified og:article:modified_time og:modified_time og:updated_time article:updated_time
    article:modified:time article_modified_time datemodified lastmod last-modified last_modified last_updated_date
    lastupdate updated updated_at date.modified date.updated dc.date.modified dcterms.modified dc.modified
    cxenseparse:modified_time cxenseparse:recs:modified_time revised utime
    """
_META: dict[str, What] = {**dict.fromkeys(_PUBLISHED.split(), "published"), **dict.fromkeys(_CHANGED.split(), "modified")}
_MODIFIED = re.compile(r"modif|updat|aktuali|edited|lastchange|revis|mise-?a-?jour|actualiz|atualiz|aggiorn")
_CLOCK = re.compile(r"\s*\d{1,2}[:.]\d\d(?!\d)(?![:.]\d{4})")   # an hour without a day, as live blogs have it
_ELSEWHERE = re.compile(r"(?<![a-z])(?:related|recommend|teaser|sidebar|most-?read|popular|trending|comment|promo|card(?![a-z-])|"
                        r"list-?item|widget|latest|ticker|carousel|more-news|menu(?![a-z-])|nav(?![a-z-]))")


def read(
    document: Document, linked: jsonld.Linked, headers: Sequence[tuple[str, str]], url: str, *,
    language: str | None, zone: tzinfo | None,
) -> tuple[Claim, ...]:
    """The claims, folded where the same origin says the same thing twice."""
    stated = [*_from_jsonld(linked), *_from_meta(document.metas), *_from_tags(document)]
    found = _parsed(stated, language, zone)
    if not any(claim.what == "published" and claim.at is not None for claim in found):
        found += _guessed(document.tree, headers, url)
    found += _parsed(_from_headers(headers), language, zone)
    return tuple(_folded(found))[:MAX_CLAIMS]


def of_content(document: Document, *, language: str | None, zone: tzinfo | None) -> tuple[Claim, ...]:
    """The <time> tags in the content of a feed entry: the feed states the rest."""
    return tuple(_folded(_parsed(_from_tags(document), language, zone)))[:MAX_CLAIMS]


def _parsed(stated: Iterable[Stated], language: str | None, zone: tzinfo | None) -> list[Claim]:
    """Parsed; of one origin those with a stated zone first, else in the order of the page."""
    found = [dates.parse(raw[:120], what=what, origin=origin, language=language, zone=zone)
             for what, origin, raw in dict.fromkeys(stated)]
    return sorted(found, key=lambda claim: (_ORIGINS.index(claim.origin), claim.at is None, claim.zone is not Zone.STATED))


def _folded(claims: Iterable[Claim]) -> Iterator[Claim]:
    seen = set()
    for claim in claims:
        key = (claim.what, claim.origin, claim.at or claim.raw, claim.resolution, claim.zone)
        if key not in seen:
            seen.add(key)
            yield claim


# --- where they stand -------------------------------------------------------------------------------------------

def _from_jsonld(linked: jsonld.Linked) -> Iterator[Stated]:
    for node in linked.articles or linked.pages:
        for key, what in _LD_KEYS:
            for value in jsonld.get(node, key):
                yield from ((what, Origin.JSON_LD, raw) for raw in jsonld.texts(value)[:3])


def _from_meta(metas: Sequence[Mapping[str, str]]) -> Iterator[Stated]:
    for meta in metas:
        raw = (meta.get("content") or "").strip()
        names = (meta.get(attribute) for attribute in ("property", "name", "itemprop", "http-equiv"))
        what = next((_META[name] for value in names if (name := (value or "").strip().lower()) in _META), None)
        if what and raw and any(map(str.isdigit, raw)):
            yield what, Origin.META, raw


def _from_tags(document: Document) -> Iterator[Stated]:
    """<time> and itemprop dates of the article, not those of teasers."""
    scope = _scope(document.tree)
    found = 0
    for element in document.dated:
        if scope is not document.tree and scope not in element.iterancestors():
            continue
        stated = _tag_date(element)
        if stated is not None and found < 8 and not _elsewhere(element, scope):
            found += 1
            yield stated


def _tag_date(element: Any) -> Stated | None:
    if not isinstance(element.tag, str) or element.tag == "meta":
        return None
    itemprop = (element.get("itemprop") or "").lower()
    dated = itemprop in {"datepublished", "datemodified", "datecreated"}
    if element.tag != "time" and not dated:
        return None
    raw = element.get("datetime") or element.get("content") or " ".join("".join(element.itertext()).split())
    if not 6 <= len(raw) <= 120 or not any(map(str.isdigit, raw)) or _CLOCK.match(raw):
        return None
    parent = element.getparent()
    marks = [itemprop, element.get("class") or "", parent.get("class") or "" if parent is not None else ""]
    modified = itemprop == "datemodified" or (not dated and _MODIFIED.search(" ".join(marks).lower()))
    return "modified" if modified else "published", Origin.TIME, raw.strip()


def _scope(tree: Any) -> Any:
    """The <article> or <main> around the heading, else the page: dates beside other headings are of other articles."""
    heading = blocks.heading(tree)
    if heading is not None:
        around = next(heading.iterancestors("article"), None)
        if around is not None:
            return around
    articles = list(tree.iter("article"))
    return articles[0] if len(articles) == 1 and heading is None else tree


def _elsewhere(element: Any, scope: Any) -> bool:
    """Whether the tag stands in a teaser, a comment, a list of links or another article."""
    for above in element.iterancestors():
        if above is scope:
            return False
        if above.tag in {"a", "nav", "aside", "footer", "figure", "article"} and not _holds_heading(above):
            return True
        marks = f"{above.get('class') or ''} {above.get('id') or ''}".lower()
        if _ELSEWHERE.search(marks) and not _holds_heading(above):
            return True
    return False


def _holds_heading(element: Any) -> bool:
    return element.tag in {"body", "html", "main"} or element.find(".//h1") is not None


def _from_headers(headers: Sequence[tuple[str, str]]) -> Iterator[Stated]:
    for name, value in headers:
        if name.lower() == "last-modified" and value.strip():
            yield "modified", Origin.HTTP, value.strip()


def _guessed(tree: Any, headers: Sequence[tuple[str, str]], url: str) -> list[Claim]:
    """htmldate's day, at most the day of the answer."""
    answered = next((dates.parse(value, what="modified", origin=Origin.HTTP) for name, value in headers
                     if name.lower() == "date"), None)
    raw = day_of(tree, url, answered.at if answered else None)
    if raw is None:
        return []
    claim = dates.parse(raw, what="published", origin=Origin.HTMLDATE)
    return [replace(claim, resolution=Resolution.DAY, zone=Zone.UNKNOWN)] if claim.at else []
