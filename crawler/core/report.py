"""Stories -> report rows and tallies: the one view that the page, the API and the renderers share.

The shape is `interface.md`'s "report, --format json", version 1; keys may be added, never changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from crawler.core import dates
from crawler.core.types import NAMES, UNCOUNTED, Article, Claim, Copy, Evidence, Link, Origin, Story

VERSION = 1
_PREFERRED = (Origin.JSON_LD, Origin.META, Origin.TIME, Origin.INPUT, Origin.FEED, Origin.SITEMAP, Origin.HTMLDATE)


Carriers = Sequence[tuple[Link, Article]]
"""Digests that carry an article of a story whole, each with its link to it."""


def report(
    stories: Iterable[tuple[Story, Sequence[Article], Carriers]], *, generated: datetime, since: datetime | None,
    until: datetime | None, articles: int, kinds: frozenset[str] = frozenset(), without: frozenset[str] = frozenset(),
    rewordings: Iterable[tuple[Link, Article, Article]] = (), translations: Iterable[tuple[Link, Article, Article]] = (),
) -> dict[str, Any]:
    """The whole report. `articles` counts what is stored; `kinds` keeps only copies of these kinds, `without` drops
    copies of those. A revision is history and an edition the publisher's own, no copy: both are listed but not counted."""
    rows = [row(story, members, carriers, kinds, without) for story, members, carriers in stories]
    shown = [one for one in rows if one["copies"]]
    return {
        "version": VERSION, "generated": moment(generated),
        "window": {"since": moment(since), "until": moment(until)},
        "totals": {"articles": articles, "stories": len(shown),
                   "copies": sum(1 for one in shown for copy in one["copies"] if copy["kind"] not in UNCOUNTED),
                   "undecided": sum(1 for one in shown if not one["decided"])},
        "stories": shown,
        "possible_rewordings": [possible(*each) for each in rewordings],
        "possible_translations": [possible(*each) for each in translations],
    }


def row(
    story: Story, members: Sequence[Article], carriers: Carriers = (), kinds: frozenset[str] = frozenset(),
    without: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """One story of the report."""
    by_id = {article.id: article for article in members}
    original = by_id[story.original]
    copies = [copy for copy in story.copies
              if (not kinds or copy.kind.value in kinds) and copy.kind.value not in without]
    return {
        "id": story.id, "verdict": story.verdict, "confidence": story.confidence, "decided": story.decided,
        "outside": story.outside,
        "undecided_between": [story.original, *story.rivals] if not story.decided else [],
        "original": _article(original),
        "why": [evidence(one) for one in story.why],
        "copies": [_copy(copy, by_id[copy.article], original) for copy in copies],
        "carried_by": [carries(link, digest) for link, digest in carriers],
    }


def carries(link: Link, other: Article) -> dict[str, Any]:
    """A digest and an article that stands whole in it, as seen from one of them: `other` is the other one."""
    return {**brief(other), "carries": link.b, "of_article": link.b_in_a, "of_carrier": link.a_in_b}


def possible(link: Link, a: Article, b: Article) -> dict[str, Any]:
    """Two articles of which one may retell the other in other words, with what only they share: half-open character
    ranges into both texts. Or of which one may be the other translated, with the sentences that say the same; where no encoder
    covers their languages only names and numbers agree, and there is no `probability`."""
    found: dict[str, Any] = {
        "a": brief(a), "b": brief(b), "a_in_b": link.a_in_b, "b_in_a": link.b_in_a,
        "shared": [{"a": [one.a_start, one.a_end], "b": [one.b_start, one.b_end], "quote": a.text[one.a_start:one.a_end]}
                   for one in link.phrases]}
    if link.translation is None:
        return found
    for row, one, score in zip(found["shared"], link.phrases, link.translation.scores, strict=False):
        row |= {"translated": b.text[one.b_start:one.b_end], "score": score}
    by_names = link.translation.encoder == NAMES
    return {**found, "probability": None if by_names else link.translation.probability, "order": link.translation.order,
            "encoder": link.translation.encoder}


def brief(article: Article) -> dict[str, Any]:
    """An article in a line."""
    return {"article": article.id, "url": article.url, "source": article.source, "title": article.title,
            "language": article.language, "first_seen": moment(article.first_seen)}


def _article(article: Article) -> dict[str, Any]:
    claim = published(article)
    return {
        "article": article.id, "url": article.url, "source": article.source, "title": article.title,
        "language": article.language,
        "published": (moment(claim.at) if claim and claim.at else None),
        "published_from": claim.origin.value if claim else None,
        "first_seen": moment(article.first_seen),
        "appeared_between": _between(article),
    }


def _copy(copy: Copy, article: Article, original: Article) -> dict[str, Any]:
    return {
        **_article(article), "kind": copy.kind.value, "lag_seconds": _lag(original, article),
        "similarity": copy.similarity, "of_original": copy.of_original, "of_copy": copy.of_copy,
        "matched": copy.matched, "evidence": [evidence(one) for one in copy.evidence], "verdict": copy.verdict,
    }


def _between(article: Article) -> list[str | None] | None:
    if article.window is None:
        return None
    return [moment(article.window.without), moment(article.window.seen)]


def _lag(original: Article, copy: Article) -> int:
    """Seconds from the original to the copy: by their claims where both lie within what was observed, else as seen.

    Negative where the copy was seen first.
    """
    first, later = (_credible(article) for article in (original, copy))
    if first and later:
        return round((later - first).total_seconds())
    return round((copy.first_seen - original.first_seen).total_seconds())


def _credible(article: Article) -> datetime | None:
    claim = published(article)
    if claim is None or claim.at is None or not dates.usable(claim, article.first_seen):
        return None
    before = article.window.without if article.window else None
    return claim.at if before is None or claim.at >= before else None


def published(article: Article) -> Claim | None:
    """The claim of publication that the report shows: the page's own before the feed's; it is only a claim."""
    claims = [one for one in article.claims if one.what == "published" and one.at and one.origin in _PREFERRED]
    return min(claims, key=lambda one: (_PREFERRED.index(one.origin), one.raw), default=None)


def evidence(one: Evidence) -> dict[str, Any]:
    """One reason, without the fields that it does not have."""
    fields = {"evidence": one.evidence, "detail": one.detail, "quote": one.quote, "href": one.href}
    return {name: value for name, value in fields.items() if value}


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second; microseconds only where there are some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def tallies(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Who copies whom: for each source how often it was first and how often it copied, by kind and from whom."""
    table: dict[str, dict[str, Any]] = {}
    for one in rows:
        source = one["original"]["source"]
        _tally(table, source)["originals"] += 1
        for copy in one["copies"]:
            if copy["kind"] in UNCOUNTED:
                continue
            mine = _tally(table, copy["source"])
            mine["copies"] += 1
            mine["kinds"][copy["kind"]] = mine["kinds"].get(copy["kind"], 0) + 1
            mine["from"][source] = mine["from"].get(source, 0) + 1
            _tally(table, source)["copied"] += 1
    return dict(sorted(table.items(), key=lambda item: (-item[1]["copies"], item[0])))


def _tally(table: dict[str, dict[str, Any]], source: str) -> dict[str, Any]:
    return table.setdefault(source, {"originals": 0, "copies": 0, "copied": 0, "kinds": {}, "from": {}})
