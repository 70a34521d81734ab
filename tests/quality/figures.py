"""The figures that the measurements share: pairs, the adjusted Rand index, shares with their intervals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of articles that belong together: found, found wrongly, missed."""

    found: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the found that belong together; 1 where none was found."""
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of those that belong together that was found; 1 where there are none."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = 2 * self.found + self.false + self.missed
        return 2 * self.found / total if total else 1.0


def pairs(ids: Sequence[str], truth: Mapping[str, str], placed: Mapping[str, str]) -> Pairs:
    """Pairs by two partitions, each given as the group of every id."""
    count = Counter((truth[a] == truth[b], placed[a] == placed[b]) for a, b in combinations(ids, 2))
    return Pairs(count[True, True], count[False, True], count[True, False])


def rand(ids: Sequence[str], truth: Mapping[str, str], placed: Mapping[str, str]) -> float:
    """The adjusted Rand index of the two partitions (Hubert and Arabie 1985)."""
    both = sum(comb(n, 2) for n in Counter((truth[id_], placed[id_]) for id_ in ids).values())
    left = sum(comb(n, 2) for n in Counter(truth[id_] for id_ in ids).values())
    right = sum(comb(n, 2) for n in Counter(placed[id_] for id_ in ids).values())
    expected = left * right / comb(len(ids), 2)
    most = (left + right) / 2
    return (both - expected) / (most - expected) if most != expected else 1.0


def interval(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds for small samples."""
    if not total:
        return 0.0, 1.0
    share, spread = hits / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
