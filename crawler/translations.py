"""Translated copies: what `matcher` is for texts of one language, for those of two. Still without any IO.

    compare   two articles and their sentence vectors  -> their match, or that a person should look
    nearest   where articles lie, when, in which language -> the best candidates of each

Rules
    1. A translated copy has a probability of at least `FLAGGED` and four pairs of sentences: two reporters on one event
       share two or three by chance.
    2. From `DOUBTFUL` on, and with fewer pairs, a person is asked; nothing is tied.
    3. The same publisher's text in another language, or what both pages call each other's, is an edition and no copy.
    4. Which of two came first is not in the texts: the election tells by time and evidence, as for every copy.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from crawler.core import anchors, urls
from crawler.core.align import Alignment, Bead, Calibration, align
from crawler.core.text import Body
from crawler.core.types import NAMES, Article, Kind, Link, Match, Passage, Refusal, Relation, Translation
from crawler.core.vectors import Place, Vectors
from crawler.matcher import Reading

CANDIDATES = 20    # best candidates that are aligned
FLAGGED = 0.9      # probability of a translated copy; at it, 0 of 4,250 pairs of reports on one event or one subject
DOUBTFUL = 0.5     # … and from which a person is asked
SECOND = 5         # candidates by names that a second encoder, a slow one, compares: of news within three days the right one
                   # is among twenty for .98 to 1.0, and five cost seconds
PAIRS = 4          # pairs of sentences under which nothing is flagged
_MANY = 2_000_000  # similarities in hand at once
_NEVER = -2.0      # less than any cosine
_LEAD = 1.8        # times the score of the next, from which the best by names is proposed


@dataclass(frozen=True, slots=True)
class Text:
    """An article as it is compared with those of other languages."""

    reading: Reading
    vectors: Vectors


def compare(one: Text, other: Text, calibration: Calibration, least: float = DOUBTFUL) -> Match | None:
    """The match of two articles of two languages; None where a person need not look: under `least`, or without sentences.
    With `refused` "doubtful" it ties nothing. Raises ValueError where they were encoded by two encoders."""
    if one.vectors.encoder != other.vectors.encoder:
        raise ValueError(f"vectors of {one.vectors.encoder} and {other.vectors.encoder}")
    a, b = (one, other) if one.reading.article.id < other.reading.article.id else (other, one)
    if not a.vectors.spans or not b.vectors.spans:
        return None
    found = align(a.vectors.matrix(), b.vectors.matrix(), calibration)
    probability = calibration.probability(found.figures)
    return _match(a, b, found, probability) if probability >= least and (found.beads or not least) else None


def _match(a: Text, b: Text, found: Alignment, probability: float) -> Match:
    left, right = a.reading.body(), b.reading.body()
    passages = tuple(_passage(a, b, bead) for bead in found.beads)
    count = len(found.beads)
    sure = probability >= FLAGGED and count >= PAIRS
    a_share, a_words = _share(left, [(one.a_start, one.a_end) for one in passages])
    b_share, b_words = _share(right, [(one.b_start, one.b_end) for one in passages])
    longest = max((one.words for one in passages), default=0)
    return Match(
        left.id, right.id, similarity=count / (len(a.vectors.spans) + len(b.vectors.spans) - count), a_in_b=a_share, b_in_a=b_share,
        shared=count, longest=longest, unquoted=1.0, told=1.0, containment=min(1.0, count / min(len(a.vectors.spans), len(b.vectors.spans))),
        kind=Kind.EDITION if is_edition(a.reading.article, b.reading.article) else Kind.TRANSLATION, copied=sure,
        refused=None if sure else Refusal.DOUBTFUL, passages=passages, a_words=a_words, b_words=b_words,
        a_extra=len(left.words) - round(a_share * a_words), b_extra=len(right.words) - round(b_share * b_words),
        translation=Translation(a.vectors.encoder, round(probability, 4), round(found.order, 4),
                                tuple(round(min(1.0, bead.similarity), 3) for bead in found.beads)))


def _passage(a: Text, b: Text, bead: Bead) -> Passage:
    """The sentences of a pair; its words are those of the first."""
    mine, theirs = a.vectors.spans[bead.a:bead.a + bead.a_count], b.vectors.spans[bead.b:bead.b + bead.b_count]
    starts, _ = _starts(a.reading.body())
    return Passage(mine[0][0], mine[-1][1], theirs[0][0], theirs[-1][1],
                   bisect_left(starts, mine[-1][1]) - bisect_left(starts, mine[0][0]))


def _share(body: Body, spans: Sequence[tuple[int, int]]) -> tuple[float, int]:
    """The share of a body's words that stand in these spans, and how many words it has."""
    starts, kept = _starts(body)
    inside = {at for start, end in spans for at in range(bisect_left(starts, start), bisect_left(starts, end)) if at in kept}
    return (len(inside) / len(kept) if kept else 0.0), len(kept)


@lru_cache(maxsize=512)
def _starts(body: Body) -> tuple[list[int], frozenset[int]]:
    return [word.start for word in body.words], frozenset(body.kept())


def doubtful(found: Match, asked: str) -> Link:
    """What a person is asked about, found from the article `asked`."""
    if found.a == asked:
        return Link(Relation.TRANSLATION, found.a, found.b, round(found.a_in_b, 4), round(found.b_in_a, 4), found.passages,
                    found.translation)
    turned = tuple(Passage(one.b_start, one.b_end, one.a_start, one.a_end, one.words) for one in found.passages)
    return Link(Relation.TRANSLATION, found.b, found.a, round(found.b_in_a, 4), round(found.a_in_b, 4), turned, found.translation)


def is_edition(one: Article, other: Article) -> bool:
    """Whether two articles are one publisher's in two languages: by its name or domain, or where both pages name each other
    as alternates. One page's word alone would let any copier make itself an edition."""
    if one.source and one.source == other.source:
        return True
    if one.url and other.url and urls.registrable(one.url) == urls.registrable(other.url):
        return True
    return _names(one, other) and _names(other, one)


def _names(one: Article, other: Article) -> bool:
    return bool(other.url) and urls.canonical(other.url) in {urls.canonical(each) for each in one.alternates}


def named(article: Article) -> Place:
    """Where an article lies by the numbers and names in it."""
    return Place(article.id, article.language or "", article.first_seen, b"".join(
        each.to_bytes(8, "little") for each in anchors.keys(article.text)))


def proposed(article: Article, near: Sequence[tuple[float, str]], others: Sequence[Article]) -> list[Link]:
    """The best of those that share numbers and names with an article, where it is far ahead of the next and they share
    some: on NTREX-128 so .79 to .93 of the sources are named, and where there is none another one is for .04 to .15. Too
    little to tie, enough to look."""
    by_id = {one.id: one for one in others}
    best = [(score, by_id[id_]) for score, id_ in near if id_ in by_id]
    if not best or (len(best) > 1 and best[0][0] < _LEAD * best[1][0]):
        return []
    score, other = best[0]
    if len(set(anchors.keys(article.text)) & set(anchors.keys(other.text))) < PAIRS:
        return []
    said = Translation(NAMES, round(min(score, DOUBTFUL), 4), 0.0, ())
    return [Link(Relation.TRANSLATION, article.id, other.id, 0.0, 0.0, (), said)]


@dataclass(frozen=True, slots=True)
class Places:
    """Where articles lie, when and in which language: one row each."""

    means: Any        # float32[n, dimensions], rows of length 1
    languages: Any    # str[n]
    moments: Any      # float64[n], seconds since 1970; NaN: at any time


def places(vectors: Sequence[Vectors], moments: Sequence[float]) -> Places:
    """The places of at least one article that has vectors."""
    return Places(np.stack([one.mean() for one in vectors]), np.array([one.language for one in vectors]),
                  np.array(moments, dtype=np.float64))


def nearest(asked: Places, known: Places, window: float, limit: int = CANDIDATES) -> list[list[tuple[float, int]]]:
    """For each place of `asked` the rows of `known` that are most like it, as (cosine, row), best first, of those in other
    languages and at most `window` seconds away: at most `limit`, ties by row."""
    found: list[list[tuple[float, int]]] = []
    step = max(1, _MANY // max(1, len(known.means)))
    for at in range(0, len(asked.means), step):
        apart = np.abs(asked.moments[at:at + step, None] - known.moments[None, :])
        allowed = ~(apart > window) & (asked.languages[at:at + step, None] != known.languages[None, :])   # NaN is not more
        table = np.where(allowed, asked.means[at:at + step] @ known.means.T, _NEVER)
        found += [_best(line, limit) for line in table]
    return found


def _best(line: Any, limit: int) -> list[tuple[float, int]]:
    chosen = np.arange(len(line)) if len(line) <= limit else np.flatnonzero(line >= np.partition(line, -limit)[-limit])
    ranked = chosen[np.argsort(-line[chosen], kind="stable")][:limit]
    return [(float(line[at]), int(at)) for at in ranked if line[at] > _NEVER]


__all__ = ["CANDIDATES", "DOUBTFUL", "FLAGGED", "PAIRS", "SECOND", "Places", "Text", "compare", "doubtful", "is_edition", "named", "nearest", "places", "proposed"]
