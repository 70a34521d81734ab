"""Two articles of two languages -> which sentences say the same, and how probable it is that one is the other translated.

    similarity   cosine of each sentence of one with each of the other, brought to one scale for every encoder
    chain        the heaviest run of pairs in the order of both texts, found as in sequence alignment; a pair may join two
                 neighbouring sentences of one side, since translators split and join
    figures      what the chain and the matrix come to: eight numbers of about 0..1
    probability  a logistic of the figures

That a mean of sentence vectors finds candidates and their alignment decides follows Thompson and Koehn (2020.emnlp-main.483)
and BiMax (arXiv 2510.15577). What separates a copy in an aggregator's phrases from a report on the same event are the
chain's own figures: of neither do many sentences match, but those of a copy match without a rival and side by side.
Known exceptions: a translation that retells; two or three sentences, which two reporters may share by chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PAIRED = 0.4       # similarity from which two sentences are taken for a pair …
_WEIGHTLESS = 0.3  # … and from which a pair helps a chain
_JOINED = 0.03     # what two sentences together must add to the better one of them
_RIVAL = 0.25      # similarity that a rival is taken to have where there is none
_CLEAR = 0.1       # beyond the mean of its rivals: a clear pair
_MANY = 8          # clear pairs that are as good as more
_SUM = 3.0
_BEST = 4          # pairs without which nothing is decided: their mean counts by itself

FIGURES = ("whole", "margin", "unrivalled", "density", "coverage", "sum", "best", "clear")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes an encoder's similarities mean something: thresholds belong to an encoder."""

    encoder: str
    slope: float                  # similarity = slope * cosine + offset: wrong pairs then lie at about .25, true ones at .7
    offset: float
    weights: tuple[float, ...]    # of `FIGURES`
    bias: float

    def probability(self, figures: Sequence[float]) -> float:
        """That one is the other translated, in 0..1."""
        odds = self.bias + sum(weight * figure for weight, figure in zip(self.weights, figures, strict=True))
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))


@dataclass(frozen=True, slots=True)
class Bead:
    """A pair: segments `a` to `a + a_count` of one text say what `b` to `b + b_count` of the other do."""

    a: int
    a_count: int
    b: int
    b_count: int
    similarity: float
    margin: float     # beyond the mean of the best rivals on both sides
    lead: float       # beyond the better one of them


@dataclass(frozen=True, slots=True)
class Alignment:
    """What two texts have in common, sentence by sentence."""

    beads: tuple[Bead, ...]
    figures: tuple[float, ...]    # in the order of `FIGURES`
    order: float                  # share of the pairs that are each other's best which stand in the chain


def align(a: Any, b: Any, calibration: Calibration) -> Alignment:
    """Align float32[n, d] with float32[m, d], rows of length 1, n and m at least 1."""
    table = np.minimum(calibration.slope * (a @ b.T) + calibration.offset, 1.0)   # a name alone on its line is no more
    doubled = _doubled(table, a, calibration), _doubled(table.T, b, calibration).T
    beads = tuple(bead for bead in (_bead(table, found) for found in _chain(table, *doubled)) if bead.similarity >= PAIRED)
    return Alignment(beads, _figures(table, beads), _order(table, beads))


def _doubled(table: Any, rows: Any, calibration: Calibration) -> Any:
    """Each two neighbouring rows as one: the cosine of their sum, from similarities alone. Of the vectors themselves it would
    be too high where all of an encoder's point one way, as those of e5 do: by 0.2 after stretching."""
    alike = calibration.slope * (rows[:-1] * rows[1:]).sum(axis=1, keepdims=True) + calibration.offset
    return np.minimum((table[:-1] + table[1:]) / np.sqrt(np.maximum(2 + 2 * np.clip(alike, -1, 1), 1e-9)), 1.0)


def _chain(table: Any, two_one: Any, one_two: Any) -> list[tuple[int, int, int, int, float]]:
    """The heaviest chain as (a, a_count, b, b_count, similarity), by dynamic programming, a row at a time."""
    single = np.maximum(table - _WEIGHTLESS, 0)
    from_a = np.where(two_one > np.maximum(table[:-1], table[1:]) + _JOINED, two_one - _WEIGHTLESS, 0)
    from_b = np.where(one_two > np.maximum(table[:, :-1], table[:, 1:]) + _JOINED, one_two - _WEIGHTLESS, 0)
    best = np.zeros((table.shape[0] + 1, table.shape[1] + 1), dtype=np.float64)
    for i in range(1, len(best)):
        row = np.maximum(best[i - 1, 1:], best[i - 1, :-1] + single[i - 1])
        row[1:] = np.maximum(row[1:], best[i - 1, :-2] + from_b[i - 1])
        if i > 1:
            row = np.maximum(row, best[i - 2, :-1] + from_a[i - 2])
        best[i, 1:] = np.maximum.accumulate(row)
    found, i, j = [], table.shape[0], table.shape[1]
    while i and j and best[i, j] > 0:
        here = best[i, j]
        if best[i - 1, j] == here:
            i -= 1
        elif best[i, j - 1] == here:
            j -= 1
        elif best[i - 1, j - 1] + single[i - 1, j - 1] == here:
            i, j = i - 1, j - 1
            found.append((i, 1, j, 1, float(table[i, j])))
        elif j > 1 and best[i - 1, j - 2] + from_b[i - 1, j - 2] == here:
            i, j = i - 1, j - 2
            found.append((i, 1, j, 2, float(one_two[i, j])))
        else:
            i, j = i - 2, j - 1
            found.append((i, 2, j, 1, float(two_one[i, j])))
    return found[::-1]


def _bead(table: Any, found: tuple[int, int, int, int, float]) -> Bead:
    """A pair with its rivals: the best others in its rows and columns; neighbours are none, they may say half of it."""
    a, a_count, b, b_count, similarity = found
    rivals = (_rival(table[a:a + a_count].max(axis=0), b, b_count), _rival(table[:, b:b + b_count].max(axis=1), a, a_count))
    return Bead(a, a_count, b, b_count, similarity, similarity - sum(rivals) / 2, similarity - max(rivals))


def _rival(line: Any, at: int, count: int) -> float:
    others = np.concatenate((line[:max(0, at - 1)], line[at + count + 1:]))
    return float(others.max()) if len(others) else _RIVAL


def _figures(table: Any, beads: Sequence[Bead]) -> tuple[float, ...]:
    """All zero but the first where there is no pair."""
    whole = float(table.max(axis=1).mean() + table.max(axis=0).mean()) / 2
    if not beads:
        return (whole, *[0.0] * (len(FIGURES) - 1))
    similar = sorted((bead.similarity for bead in beads), reverse=True)
    first, last = beads[0], beads[-1]
    matched = sum(bead.a_count for bead in beads), sum(bead.b_count for bead in beads)
    stretch = last.a + last.a_count - first.a, last.b + last.b_count - first.b
    return (
        whole,
        sum(bead.margin for bead in beads) / len(beads),
        sum(bead.lead > 0 for bead in beads) / len(beads),
        min(matched[0] / stretch[0], matched[1] / stretch[1]),
        max(matched[0] / table.shape[0], matched[1] / table.shape[1]),
        min(sum(one - PAIRED + 0.05 for one in similar), _SUM) / _SUM,
        sum(similar[:_BEST]) / _BEST,
        min(sum(bead.margin > _CLEAR for bead in beads), _MANY) / _MANY,
    )


def _order(table: Any, beads: Sequence[Bead]) -> float:
    """1.0 where there is no such pair outside the chain."""
    best_b, best_a = table.argmax(axis=1), table.argmax(axis=0)
    mutual = [(i, int(j)) for i, j in enumerate(best_b) if best_a[j] == i and table[i, j] >= PAIRED]
    inside = {(i, j) for bead in beads for i in range(bead.a, bead.a + bead.a_count)
              for j in range(bead.b, bead.b + bead.b_count)}
    return sum(pair in inside for pair in mutual) / len(mutual) if mutual else 1.0
