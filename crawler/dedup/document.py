"""A text to compare, as a person hands it in -> an article, as the matcher sees it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from crawler.core import dates, phrases, urls
from crawler.core.text import clean
from crawler.core.types import (
    UNOBSERVED,
    Article,
    Attribution,
    AttributionKind,
    Origin,
    Resolution,
    Window,
    Zone,
)


@dataclass(frozen=True, slots=True)
class Document:
    """One text to compare. Times are RFC 3339 texts; an unknown source teaches nothing of site phrases."""

    id: str
    text: str
    url: str = ""
    source: str = ""
    title: str = ""
    published: str | None = None
    first_seen: str | None = None
    language: str | None = None
    appeared_after: str | None = None   # a moment when its feed was read and did not have it

    def article(self) -> Article:
        """As the matcher sees it: the attributions are read from the text. Raises ValueError for a time that is none."""
        text = clean(self.text)
        source = self.source or (urls.source_of(self.url) if self.url else "")
        claims = (dates.parse(self.published, origin=Origin.INPUT),) if self.published else ()
        seen, without = _moment(self.first_seen), _moment(self.appeared_after)
        if seen and without and without > seen:
            raise ValueError(f"document {self.id!r}: appeared_after is later than first_seen")
        return Article(self.id, self.url, source, clean(self.title), text, self.language,
                       seen or UNOBSERVED, Window(without, seen) if seen and without else None,
                       claims, attributions(text, self.language, self.title), walls(text))


def _moment(stated: str | None) -> datetime | None:
    """What was observed has to be a moment: "yesterday" would count as never. Raises ValueError."""
    if not stated:
        return None
    found = dates.parse(stated, origin=Origin.INPUT)
    if found.at is None or found.resolution is Resolution.DAY or found.zone is Zone.UNKNOWN:
        raise ValueError(f"{stated!r} is no RFC 3339 time such as 2026-03-01T06:00:00Z")
    return found.at


_KINDS = {
    "declared-copy": AttributionKind.DECLARED_COPY, "source-label": AttributionKind.NAMES_SOURCE,
    "credit": AttributionKind.AGENCY_CREDIT, "dateline": AttributionKind.DATELINE,
}


@lru_cache(maxsize=256)
def walls(text: str) -> tuple[str, ...]:
    """Why a bare text may be no article."""
    found = phrases.wall(text)
    return (found,) if found else ()


@lru_cache(maxsize=256)  # copies have one text
def attributions(text: str, language: str | None = None, title: str = "") -> tuple[Attribution, ...]:
    """What a bare text says of where it comes from."""
    hits = phrases.find(text, language, title)
    return tuple(Attribution(_KINDS[hit.kind], hit.name, None, hit.quote, "text") for hit in hits if hit.kind in _KINDS)


_PASS = timedelta(minutes=5)      # one reading of a site takes some minutes, and gives each article its own moment
_UNWATCHED = timedelta(hours=6)   # a source of which nothing was seen for longer need not have been looked at


def watched(articles: Sequence[Article], stated: AbstractSet[str]) -> Iterator[Article]:
    """The articles, with the windows that follow from each other: when another article of the source was seen, this one
    was not yet there. Whoever knows better states `appeared_after`."""
    moments: dict[str, list[datetime]] = {}
    for one in articles:
        if one.id in stated and one.source:
            moments.setdefault(one.source, []).append(one.first_seen)
    for seen in moments.values():
        seen.sort()
    for one in articles:
        if one.id not in stated or one.window is not None:
            yield one
            continue
        seen = moments.get(one.source, [])
        at = bisect_right(seen, one.first_seen - _PASS)
        before = seen[at - 1] if at and one.first_seen - seen[at - 1] <= _UNWATCHED else None
        yield replace(one, window=Window(before, one.first_seen, inferred=True))
