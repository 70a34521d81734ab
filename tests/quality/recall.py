"""Of the pairs that the matcher would call copies, how many it gets to see: recall of the best K candidates."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

from crawler import matcher
from crawler.dedup import Document
from crawler.dedup.candidates import candidates, with_holders

WINDOW = timedelta(days=90)


def recall(documents: Sequence[Document], ks: Sequence[int]) -> tuple[int, dict[int, float]]:
    """How many pairs are copies by exhaustive comparison, and for each K the share of them of which one finds the
    other among its K best candidates."""
    articles = {one.id: one.article() for one in documents}
    rules = matcher.Rules()
    prepared = {one.id: matcher.prepare(one, holders, rules) for one, holders in with_holders(articles)}
    readings = {id_: matcher.Reading(one, frozenset(prepared[id_].dropped)) for id_, one in articles.items()
                if prepared[id_].keys}
    copies = {frozenset(pair) for pair in combinations(sorted(readings), 2) if _copied(readings, *pair, rules)}
    holders: dict[int, list[str]] = {}
    for id_ in sorted(readings):
        for key in prepared[id_].keys:
            holders.setdefault(key, []).append(id_)
    ranked = {id_: candidates(id_, prepared[id_].keys, holders, articles, WINDOW) for id_ in readings}
    return len(copies), {k: sum(_finds(ranked, pair, k) for pair in copies) / max(1, len(copies)) for k in ks}


def _copied(readings: dict[str, matcher.Reading], a: str, b: str, rules: matcher.Rules) -> bool:
    found = matcher.pair(readings[a], readings[b], rules, rules.containment * matcher.VOUCHED)
    return found is not None and found.copied


def _finds(ranked: dict[str, list[str]], pair: frozenset[str], k: int) -> bool:
    a, b = sorted(pair)
    return b in ranked[a][:k] or a in ranked[b][:k]
