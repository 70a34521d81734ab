"""`deduplicate` and `compare`: the matcher on texts in memory, without a crawl or a store.

The same steps as the daemon's judge, over all documents at once, so the order of the input cannot matter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

from crawler import matcher
from crawler.core import boilerplate, dates, fingerprint, match, phrases, story, urls
from crawler.core.text import clean, whole_key
from crawler.core.types import (
    UNOBSERVED,
    Article,
    Attribution,
    AttributionKind,
    Claim,
    Match,
    Origin,
    SourceFacts,
    Story,
)

A = TypeVar("A")
B = TypeVar("B")
Step = Callable[[Callable[[A], B], Iterable[A]], Iterable[B]]


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

    def article(self) -> Article:
        """As the matcher sees it: the attributions are read from the text."""
        text = clean(self.text)
        source = self.source or (urls.source_of(self.url) if self.url else "")
        claims = (dates.parse(self.published, origin=Origin.INPUT),) if self.published else ()
        seen = dates.parse(self.first_seen, origin=Origin.INPUT).at if self.first_seen else None
        return Article(self.id, self.url, source, clean(self.title), text, self.language,
                       seen or _latest(claims) or UNOBSERVED, None, claims, attributions(text, self.language, self.title))


def _latest(claims: Sequence[Claim]) -> datetime | None:
    """A document that was never observed can at the earliest have been seen when it says it was published."""
    spans = [span for claim in claims if (span := dates.span(claim))]
    return spans[0][1] if spans else None


_KINDS = {
    "declared-copy": AttributionKind.DECLARED_COPY, "source-label": AttributionKind.NAMES_SOURCE,
    "credit": AttributionKind.AGENCY_CREDIT, "dateline": AttributionKind.DATELINE,
}


def attributions(text: str, language: str | None = None, title: str = "") -> tuple[Attribution, ...]:
    """What a bare text says of where it comes from."""
    hits = phrases.find(text, language, title)
    return tuple(Attribution(_KINDS[hit.kind], hit.name, None, hit.quote, "text") for hit in hits if hit.kind in _KINDS)


@dataclass(frozen=True, slots=True)
class Row:
    """One input document's part in the result; `dedup`'s output line."""

    id: str
    story: str | None
    original: str | None
    role: str
    kind: str | None
    similarity: float | None
    of_original: float | None
    of_copy: float | None
    matched: str | None


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """The result: rows in input order, verified pairs that are copies, stories with their articles' ids."""

    rows: tuple[Row, ...]
    pairs: tuple[Match, ...]
    stories: tuple[Story, ...]
    barred: Mapping[str, str] = field(default_factory=dict)   # id -> wall, "short" …


def deduplicate(
    documents: Iterable[Document | Mapping[str, Any]], *, containment: float = 0.6, min_words: int = 40,
    window: timedelta = timedelta(days=90), jobs: int = 1, facts: Mapping[str, SourceFacts] | None = None,
) -> Deduplicated:
    """Find the copies among documents and name each story's original.

    `documents` are `Document` or mappings with its fields; ids are unique, else ValueError. `jobs` processes share
    the work; the result does not depend on their number, nor on the order of the documents.
    """
    rules = matcher.Rules(containment, min_words)
    with _workers(jobs) as step:
        given = [one if isinstance(one, Document) else Document(**one) for one in documents]
        articles = {one.id: one for one in step(Document.article, given)}
        if len(articles) != len(given):
            raise ValueError("ids are not unique")
        prepared = dict(zip(articles, step(partial(_prepare, rules), _with_holders(articles)), strict=True))
        prepared |= {id_: replace(prepared[id_], keys=(), wall="template") for id_ in _templates(articles)}
        readings = {id_: matcher.Reading(one, frozenset(prepared[id_].dropped)) for id_, one in articles.items()}
        asked = _questions(articles, prepared, readings, window)
        matches = sorted((each for found in step(partial(_verify, rules), asked) for each in found),
                         key=lambda each: (each.a, each.b))
        parts = _components(readings, matches)
        stories = [one for found in step(partial(_settle, rules, facts or {}), parts) for one in found]
    named = tuple(_named(one) for one in sorted(stories, key=lambda one: one.original))
    return Deduplicated(tuple(_rows([one.id for one in given], named)), tuple(_pairs(matches, named)), named, {id_: one.wall for id_, one in prepared.items() if one.wall})


@contextmanager
def _workers(jobs: int) -> Iterator[Step[Any, Any]]:
    """`map`, over this process or several; results in the order given either way."""
    if jobs <= 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=16)


def _with_holders(articles: Mapping[str, Article]) -> Iterator[tuple[Article, dict[int, list[str]]]]:
    """Each article with the holders of its units among the articles of its source."""
    holders: dict[tuple[str, int], list[str]] = {}
    own = {one.id: boilerplate.unit_keys(one.text, one.title) for one in articles.values() if one.source}
    for id_ in sorted(own):
        for unit in own[id_]:
            held = holders.setdefault((articles[id_].source, unit), [])
            if len(held) < boilerplate.HOLDERS_ASKED:
                held.append(id_)
    for one in articles.values():
        yield one, {unit: holders[one.source, unit] for unit in own.get(one.id, ())}


def _templates(articles: Mapping[str, Article]) -> Iterator[str]:
    """Articles whose text their host shows under other titles too: walls and templates."""
    alike: dict[tuple[str, int], list[Article]] = {}
    for one in articles.values():
        if one.url:
            alike.setdefault((urls.host(one.url), whole_key(one.text)), []).append(one)
    for group in alike.values():
        if matcher.is_template(one.title for one in group):
            yield from (one.id for one in group)


def _prepare(rules: matcher.Rules, given: tuple[Article, dict[int, list[str]]]) -> matcher.Prepared:
    return matcher.prepare(given[0], given[1], rules)


def _verify(rules: matcher.Rules, given: tuple[matcher.Reading, list[matcher.Reading]]) -> list[Match]:
    return matcher.verify(given[0], given[1], rules)


def _settle(
    rules: matcher.Rules, facts: Mapping[str, SourceFacts], given: tuple[list[matcher.Reading], list[Match]],
) -> list[Story]:
    return matcher.settle(given[0], given[1], (), facts, rules)


def _questions(
    articles: Mapping[str, Article], prepared: Mapping[str, matcher.Prepared],
    readings: Mapping[str, matcher.Reading], window: timedelta,
) -> Iterator[tuple[matcher.Reading, list[matcher.Reading]]]:
    """Each article with the candidates that it is compared with; each pair is asked once."""
    holders: dict[int, list[str]] = {}
    for id_ in sorted(prepared):
        for shared in prepared[id_].keys:
            holders.setdefault(shared, []).append(id_)
    asked: set[tuple[str, str]] = set()
    for id_ in sorted(prepared):
        chosen = _candidates(id_, prepared[id_].keys, holders, articles, window)
        pairs = [(min(id_, other), max(id_, other)) for other in chosen]
        fresh = [other for other, pair in zip(chosen, pairs, strict=True) if pair not in asked]
        asked.update(pairs)
        if fresh:
            yield readings[id_], [readings[other] for other in fresh]


def _candidates(
    id_: str, keys: Sequence[int], holders: Mapping[int, list[str]], articles: Mapping[str, Article], window: timedelta,
) -> list[str]:
    """The best candidates by the rarity of the keys they share: as `Store.candidates` ranks them."""
    seen = articles[id_].first_seen
    scores: dict[str, float] = {}
    for shared in keys:
        near = [other for other in _sampled(holders[shared]) if _within(articles[other].first_seen, seen, window)]
        for other in near:
            scores[other] = scores.get(other, 0.0) + 1 / len(near)
    scores.pop(id_, None)
    return fingerprint.ranked(scores, matcher.CANDIDATES)


_HOLDERS_READ = 200


def _sampled(held: list[str]) -> list[str]:
    """At most 200 holders of a key, evenly spread: a story carried by thousands stays found, at a bounded cost."""
    return held if len(held) <= _HOLDERS_READ else [held[at * len(held) // _HOLDERS_READ] for at in range(_HOLDERS_READ)]


def _within(a: datetime, b: datetime, window: timedelta) -> bool:
    return UNOBSERVED in (a, b) or abs(a - b) <= window


def _components(
    readings: Mapping[str, matcher.Reading], matches: Sequence[Match],
) -> Iterator[tuple[list[matcher.Reading], list[Match]]]:
    """Groups of articles tied by copies, with the matches among them."""
    tied = story.ties(matches, ())
    for part in story.components(set(tied.linked), tied):
        yield [readings[id_] for id_ in sorted(part)], [each for each in matches if each.a in part and each.b in part]


def _named(one: Story) -> Story:
    """A story under the id of its original: the same documents give the same ids."""
    return replace(one, id="s-" + one.original)


def _pairs(matches: Sequence[Match], stories: Sequence[Story]) -> Iterator[Match]:
    """The pairs that are copies; one of an original and its copy has the kind that the story gives it, which knows more
    than the two bodies: who is first, who credits an agency."""
    kinds = {frozenset((one.original, copy.article)): copy.kind for one in stories for copy in one.copies}
    return (replace(each, kind=kinds.get(frozenset((each.a, each.b)), each.kind)) for each in matches if each.copied)


def _rows(ids: Sequence[str], stories: Sequence[Story]) -> Iterator[Row]:
    placed: dict[str, Row] = {}
    for one in stories:
        placed[one.original] = Row(one.original, one.id, one.original, "original", None, None, None, None, None)
        for copy in one.copies:
            placed[copy.article] = Row(copy.article, one.id, one.original, "copy", copy.kind.value, copy.similarity,
                                       copy.of_original, copy.of_copy, copy.matched)
    for id_ in ids:
        yield placed.get(id_) or Row(id_, None, None, "single", None, None, None, None, None)


def compare(
    a: Document | str, b: Document | str, *, containment: float = 0.6,
    dropped: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset()),
) -> Match | None:
    """The match of two texts, or None where they share nothing worth the name. Lengths are not asked about."""
    left, right = (one if isinstance(one, Document) else Document(id_, one) for one, id_ in ((a, "a"), (b, "b")))
    bodies = [matcher.Reading(one.article(), left_out).body() for one, left_out in zip((left, right), dropped, strict=True)]
    return match.match(bodies[0], bodies[1], containment)
