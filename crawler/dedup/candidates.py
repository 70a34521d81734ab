"""Which documents are compared with which: the index of the store, over all documents at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler import matcher
from crawler.core import boilerplate, fingerprint
from crawler.core.types import UNOBSERVED, Article
from crawler.dedup.sketch import Compared, Sketch


def with_holders(articles: Mapping[str, Article]) -> Iterator[tuple[Article, dict[int, list[str]]]]:
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


@dataclass(frozen=True, slots=True)
class Question:
    """An article and its candidates, and those of them that it is compared with: of each pair, one asks."""

    mine: matcher.Reading
    candidates: tuple[matcher.Reading, ...]
    asked: tuple[matcher.Reading, ...]


def questions(  # noqa: PLR0917 - what each step before found of the articles
    articles: Mapping[str, Article], prepared: Mapping[str, matcher.Prepared],
    readings: Mapping[str, matcher.Reading], sketches: Mapping[str, Sketch | None], floor: float, window: timedelta,
) -> Iterator[Question]:
    """Each article with its candidates; each pair is asked once, and none that cannot share `floor` of the shorter one."""
    holders: dict[int, list[str]] = {}
    for id_ in sorted(prepared):
        for shared in prepared[id_].keys:
            holders.setdefault(shared, []).append(id_)
    asked: set[tuple[str, str]] = set()
    for id_ in sorted(prepared):
        chosen = candidates(id_, prepared[id_].keys, holders, articles, window)
        pairs = [(min(id_, other), max(id_, other)) for other in chosen]
        fresh = [other for other, pair in zip(chosen, pairs, strict=True) if pair not in asked]
        asked.update(pairs)
        if chosen:
            compared = Compared(sketches[id_])
            yield Question(readings[id_], tuple(readings[other] for other in chosen),
                           tuple(readings[other] for other in fresh if compared.may_match(sketches[other], floor)))


def candidates(
    id_: str, keys: Sequence[int], holders: Mapping[int, list[str]], articles: Mapping[str, Article], window: timedelta,
) -> list[str]:
    """The best candidates by the rarity of the keys they share: as `Store.candidates` ranks them."""
    when = moment_of(articles[id_])
    scores: dict[str, float] = {}
    near: dict[str, bool] = {}
    for shared in keys:
        held = _sampled(holders[shared])
        for other in held:
            if other not in near:
                near[other] = _within(moment_of(articles[other]), when, window)
        inside = [other for other in held if near[other]]
        for other in inside:
            scores[other] = scores.get(other, 0.0) + 1 / len(inside)
    scores.pop(id_, None)
    return fingerprint.ranked(scores, matcher.CANDIDATES)


_HOLDERS_READ = 200


def _sampled(held: list[str]) -> list[str]:
    """At most 200 holders of a key, evenly spread: a story carried by thousands stays found, at a bounded cost."""
    return held if len(held) <= _HOLDERS_READ else [held[at * len(held) // _HOLDERS_READ] for at in range(_HOLDERS_READ)]


def moment_of(article: Article) -> datetime:
    """When it was seen; of what nobody saw appear, what it says."""
    if article.first_seen != UNOBSERVED:
        return article.first_seen
    return next((claim.at for claim in article.claims if claim.at), UNOBSERVED)


def _within(a: datetime, b: datetime, window: timedelta) -> bool:
    return UNOBSERVED in (a, b) or abs(a - b) <= window
