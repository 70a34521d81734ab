"""Translated copies of one article -> those that are not explained by another.

Two reports on one event share sentences, and each may have been translated: then the translation of one looks like the
other's too, only less so. A match across languages is outdone where nearly every sentence that it pairs has a clearly
better partner in another article of the same language. An article that is itself a copy of the better one has partners as
good as it, and a digest pairs other sentences with each of its parts: neither is outdone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crawler.core.types import Match

_LEFT = 1 / 4     # share of the pairs that may be left where a match is outdone; of two none outdoes the other then
_BETTER = 0.05   # what makes a partner clearly better


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The sentences of one article that a match pairs: where they stand, and how alike their partners are."""

    partner: str
    spans: tuple[tuple[int, int], ...]
    scores: tuple[float, ...]


def without_outdone(matches: Sequence[Match], languages: Mapping[str, str | None]) -> list[Match]:
    """The matches in their order, without those that are outdone. Does not depend on the order."""
    sides: dict[tuple[str, str | None], list[_Pairs]] = {}
    for each in matches:
        if each.translation is not None and each.copied:
            scores = each.translation.scores
            sides.setdefault((each.a, languages.get(each.b)), []).append(
                _Pairs(each.b, tuple((one.a_start, one.a_end) for one in each.passages), scores))
            sides.setdefault((each.b, languages.get(each.a)), []).append(
                _Pairs(each.a, tuple((one.b_start, one.b_end) for one in each.passages), scores))
    outdone = {frozenset((article, one.partner)) for (article, _), group in sides.items() for one in group
               if any(_outdoes(other, one) for other in group if other is not one)}
    return [each for each in matches if each.translation is None or frozenset((each.a, each.b)) not in outdone]


def _outdoes(better: _Pairs, one: _Pairs) -> bool:
    left = sum(not _has_better(better, span, score) for span, score in zip(one.spans, one.scores, strict=False))
    return left <= _LEFT * len(one.spans)


def _has_better(better: _Pairs, span: tuple[int, int], score: float) -> bool:
    return any(start < span[1] and end > span[0] and other >= score + _BETTER
               for (start, end), other in zip(better.spans, better.scores, strict=False))
