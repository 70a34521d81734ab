"""Texts in several languages, as vectors of an encoder -> its `Calibration`, and what it does with texts that it has not seen.

    scale      two medians of the encoder are brought to where use-m3 has them: `Calibration.slope` and `.offset`
    examples   each translation, whole, cut and wrapped in foreign sentences, against its original and against the wrong
               texts that are most like it; all made of vectors, no sentence is encoded again. Two reports on one event, which
               are harder to tell apart, are seldom among them
    weights    a logistic of the alignments' figures

The texts are split in halves that share nothing: what is told of recall and false flags is of each half by the weights of
the other (the scale, two numbers, is of all). The calibration itself is made from both. Nothing here depends on chance: what
is drawn is drawn by the names of the texts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash

from crawler.core.align import FIGURES, Calibration, align
from crawler.core.segments import MOST
from crawler.core.vectors import unit
from crawler.errors import OperationError
from crawler.translations import DOUBTFUL, FLAGGED, PAIRS

LEAST = 20          # texts in two languages: in halves of ten each still meets eight wrong ones
# Where use-m3 has them, in the 123 documents of NTREX-128, English with German, French and Russian (November 2026).
_TRUE = 0.7605      # median similarity of the sentences that are each other's best, in a text and its translation …
_WRONG = 0.1612     # … and of a sentence's best partner in the translation of another text
_APART = 0.02       # what must lie between an encoder's two medians; those of e5 are the nearest that were seen, with 0.10
_OTHERS = 8         # wrong texts for each one
# Of the examples' number, on weights of figures in their own deviations. Without real reports on one event among the examples
# much less of it trusts single figures too far: of 4,250 pairs of such reports, French and Spanish, use-m3 then flags 2 and finds
# 96.7 % of NTREX; with 1e-5 it flags 10 and finds 97.7 %, with 1e-2 none and 95.2 %.
_RIDGE = 3e-3
_SHIFT = 1.2        # to the bias: flags from 0.9 on lose less by it. Without it 93.0 % of those, and none of these
_STEPS = 20         # of Newton's method; after 8 nothing changes any more
_HALVED = 10        # sentences from which a text has two halves of which neither says what the other does

WHOLE, EVERY_SECOND, WRAPPED = "whole", "every second sentence", "whole, wrapped"
NEAR, HALF, HALF_WRAPPED = "most like it", "another half", "another half, wrapped"


@dataclass(frozen=True, slots=True)
class Text:
    """One of a text's languages."""

    language: str
    rows: Any          # float32[n, dimensions] of length 1, n at least `PAIRS`


@dataclass(frozen=True, slots=True)
class Parallel:
    """A text in several languages; the first is taken for the original."""

    name: str
    texts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class _Example:
    kind: str
    true: bool
    figures: tuple[float, ...]
    pairs: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of the examples of a kind, by weights that were fitted without them."""

    kind: str
    true: bool         # a translation of what it was compared with
    count: int
    flagged: int       # as `translations.compare` flags
    doubtful: int      # would be flagged, or shown to a person


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A calibration and what it was measured to do."""

    calibration: Calibration
    tallies: tuple[Tally, ...]


def calibrate(encoder: str, texts: Sequence[Parallel], told: Callable[[int, int], None] = lambda _done, _all: None) -> Calibrated:
    """Of at least `LEAST` texts in at least two languages each. `told` hears how many are done, of how many.

    Raises OperationError where the encoder does not know a translation from another text.
    """
    ordered = sorted(texts, key=lambda one: (_number(one.name), one.name))
    slope, offset = _scale(encoder, ordered)
    bare = Calibration(encoder, slope, offset, (0.0,) * len(FIGURES), 0.0)
    halves: list[list[_Example]] = [[], []]
    for number, one in enumerate(ordered):
        halves[number % 2] += _examples(one, ordered[number % 2::2], bare)
        told(number + 1, len(ordered))
    fitted = [_fitted(bare, half) for half in halves]
    tried = [(one, by) for half, by in zip(halves, reversed(fitted), strict=True) for one in half]
    return Calibrated(_fitted(bare, [*halves[0], *halves[1]]), tuple(_tallies(tried)))


def _number(name: str) -> int:
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"))


def _draw(*names: object) -> np.random.Generator:
    return np.random.default_rng(_number("\x1f".join(map(str, names))))


def _scale(encoder: str, texts: Sequence[Parallel]) -> tuple[float, float]:
    """The line through the two medians."""
    true: list[Any] = []
    wrong: list[Any] = []
    for number, one in enumerate(texts):
        others = [texts[(number + step) % len(texts)].texts[0] for step in range(1, _OTHERS + 1)]
        for text in one.texts[1:]:
            table = text.rows @ one.texts[0].rows.T
            best = table.argmax(axis=1)
            mutual = table.argmax(axis=0)[best] == np.arange(len(best))
            true.append(table.max(axis=1)[mutual])
            wrong += [(text.rows @ other.rows.T).max(axis=1) for other in others if other.language != text.language]
    high = float(np.median(np.concatenate(true)))
    low = float(np.median(np.concatenate(wrong))) if wrong else high
    if high - low < _APART:
        raise OperationError(f"encoder {encoder}: sentences of a translation are hardly more like those of its original "
                             f"({high:.3f}) than like those of another text ({low:.3f}); take another encoder")
    slope = (_TRUE - _WRONG) / (high - low)
    return round(slope, 4), round(_TRUE - slope * high, 4)


def _examples(one: Parallel, half: Sequence[Parallel], bare: Calibration) -> Iterator[_Example]:
    """All examples of a text's translations; wrong texts and foreign sentences are those of its half."""
    original = one.texts[0]
    for text in one.texts[1:]:
        wrong = [other for other in half if other is not one and other.texts[0].language != text.language]
        means = np.stack([_mean(other.texts[0].rows) for other in wrong]) if wrong else np.zeros((0, original.rows.shape[1]))
        donors = _Donors(one, text.language, half)
        for kind, rows, foreign in _variations(text.rows, donors):
            yield _example(kind, original.rows, rows, bare, true=True)
            near = [wrong[at] for at in np.argsort(-(means @ _mean(rows)), kind="stable") if wrong[at].name not in foreign]
            yield from (_example(NEAR, other.texts[0].rows, rows, bare, true=False) for other in near[:_OTHERS])
        if min(len(original.rows), len(text.rows)) >= _HALVED:   # one beside the middle: a translator splits and joins
            first, second = original.rows[:len(original.rows) // 2 - 1], text.rows[len(text.rows) // 2 + 1:]
            yield _example(HALF, first, second, bare, true=False)
            if donors:
                yield _example(HALF_WRAPPED, first, donors.wrapped(second, HALF)[0], bare, true=False)


def _mean(rows: Any) -> Any:
    return unit(rows.mean(axis=0))


def _example(kind: str, original: Any, rows: Any, bare: Calibration, *, true: bool) -> _Example:
    found = align(original, rows, bare)
    return _Example(kind, true, found.figures, len(found.beads))


def _variations(rows: Any, donors: "_Donors") -> Iterator[tuple[str, Any, frozenset[str]]]:
    """What copiers leave of a translation and put around it: the kind, the sentences, and the texts that gave foreign ones."""
    none: frozenset[str] = frozenset()
    yield WHOLE, rows, none
    yield EVERY_SECOND, rows[::2], none
    if donors:
        yield WRAPPED, *donors.wrapped(rows, WHOLE)
    for size in (8, 5):
        if len(rows) <= size:
            continue
        for seed in (0, 1):    # the beginning, as most do, and elsewhere
            yield f"{size} sentences", _excerpt(rows, size, seed, donors), none
        if donors:
            for seed in (0, 1, 2):
                part = _excerpt(rows, size, seed, donors)
                yield f"{size} sentences, wrapped", *donors.wrapped(part, f"{size} {seed}", broken=seed == 2)


def _excerpt(rows: Any, size: int, seed: int, donors: "_Donors") -> Any:
    start = int(_draw(donors.name, size, seed).integers(0, len(rows) - size + 1)) if seed else 0
    return rows[start:start + size]


class _Donors:
    """Other texts of a half in one language, whose sentences stand for those of a site around what it takes."""

    def __init__(self, one: Parallel, language: str, half: Sequence[Parallel]) -> None:
        self.name = f"{one.name}\x1f{language}"
        self._texts = [(other.name, text.rows) for other in half if other is not one for text in other.texts
                       if text.language == language]

    def __bool__(self) -> bool:
        return bool(self._texts)

    def wrapped(self, rows: Any, what: str, *, broken: bool = False) -> tuple[Any, frozenset[str]]:
        """Two foreign sentences before, three after, each of another text where there are so many; where it is `broken`
        one more in the middle."""
        chance = _draw(self.name, what)
        order = chance.permutation(len(self._texts))
        chosen = [self._texts[order[at % len(order)]] for at in range(6 if broken else 5)]
        lines = [text[int(chance.integers(len(text)))][None] for _, text in chosen]
        middle = len(rows) // 2
        parts = [*lines[:2], rows[:middle], *lines[5:], rows[middle:], *lines[2:5]]
        return np.concatenate(parts)[:MOST], frozenset(name for name, _ in chosen)


def _fitted(bare: Calibration, examples: Sequence[_Example]) -> Calibration:
    """With weights by Newton's method: each step is halved until it makes things no worse."""
    figures = np.array([one.figures for one in examples])
    wanted = np.array([one.true for one in examples], dtype=np.float64)
    middle, spread = figures.mean(axis=0), figures.std(axis=0) + 1e-9
    known = np.column_stack(((figures - middle) / spread, np.ones(len(figures))))
    ridge = np.diag([_RIDGE * len(known)] * len(FIGURES) + [0.0])
    found = np.zeros(known.shape[1])
    loss = _loss(known, wanted, ridge, found)
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(known @ found, -50, 50)))
        slope = known.T @ (likely - wanted) + ridge @ found
        bend = (known * (likely * (1 - likely))[:, None]).T @ known + ridge
        step = np.linalg.solve(bend + 1e-12 * np.eye(len(bend)), slope)
        while (after := _loss(known, wanted, ridge, found - step)) > loss and np.abs(step).max() > 1e-9:
            step /= 2
        found, loss = found - step, after
    weights = found[:-1] / spread
    bias = found[-1] - weights @ middle + _SHIFT
    return Calibration(bare.encoder, bare.slope, bare.offset, tuple(round(float(one), 2) for one in weights), round(float(bias), 2))


def _loss(known: Any, wanted: Any, ridge: Any, found: Any) -> float:
    odds = known @ found
    return float((np.logaddexp(0, odds) - wanted * odds).sum() + found @ ridge @ found / 2)


def _tallies(tried: Sequence[tuple[_Example, Calibration]]) -> Iterator[Tally]:
    """Translations first, in the order in which they were made."""
    kinds = dict.fromkeys((not one.true, one.kind) for one, _ in tried)
    judged = [(one, by.probability(one.figures)) for one, by in tried]
    for wrong, kind in sorted(kinds, key=lambda each: each[0]):
        mine = [(one.pairs, sure) for one, sure in judged if (not one.true, one.kind) == (wrong, kind)]
        yield Tally(kind, not wrong, len(mine), sum(sure >= FLAGGED and pairs >= PAIRS for pairs, sure in mine),
                    sum(sure >= DOUBTFUL for _, sure in mine))


__all__ = ["LEAST", "Calibrated", "Parallel", "Tally", "Text", "calibrate"]
