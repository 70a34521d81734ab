"""Which sentences of two texts say the same, by vectors alone: made up, no encoder."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.align import FIGURES, PAIRED, Alignment, Calibration, align
from crawler.core.vectors import Vectors, packed, unit

PLAIN = Calibration("x", 1.0, 0.0, (1.0,) * 8, -4.0)


def rows(count: int, seed: int = 0, dimensions: int = 64) -> Any:
    return unit(np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32))


def near(those: Any, noise: float = 0.08, seed: int = 9) -> Any:
    """The same sentences in another language."""
    return unit(those + noise * np.random.default_rng(seed).standard_normal(those.shape).astype(np.float32))


def figure(found: Alignment, name: str) -> float:
    return found.figures[FIGURES.index(name)]


def pairs(found: Alignment) -> list[tuple[int, int, int, int]]:
    return [(one.a, one.a_count, one.b, one.b_count) for one in found.beads]


@pytest.mark.parametrize("count", [1, 2, 3, 12, 40])
def test_a_text_with_itself_is_one_full_chain(count: int) -> None:
    found = align(rows(count), rows(count), PLAIN)
    assert pairs(found) == [(at, 1, at, 1) for at in range(count)]
    assert all(figure(found, name) == pytest.approx(1) for name in ("whole", "unrivalled", "density", "coverage"))
    assert found.order == 1


def test_texts_that_have_nothing_in_common_have_no_pair() -> None:
    found = align(np.eye(8, dtype=np.float32)[:4], np.eye(8, dtype=np.float32)[4:], PLAIN)
    assert (found.beads, found.figures, found.order) == ((), (0.0,) * 8, 1.0)


def test_a_pair_of_one_sentence_each_has_no_rival() -> None:
    (bead,) = align(rows(1), rows(1), PLAIN).beads
    assert (bead.similarity, bead.margin, bead.lead) == pytest.approx((1, 0.75, 0.75))


def test_an_excerpt_between_other_sentences_is_found_where_it_stands() -> None:
    a, other = rows(12), rows(6, 5)
    found = align(a, np.concatenate((other[:2], near(a[3:8]), other[2:])), PLAIN)
    assert pairs(found) == [(at, 1, at - 1, 1) for at in range(3, 8)]
    assert figure(found, "density") == 1
    assert figure(found, "coverage") == pytest.approx(5 / 11)


def test_a_sentence_that_was_split_is_paired_with_both_halves_on_either_side() -> None:
    halves = rows(10)
    joined = np.concatenate((halves[:4], unit(halves[4] + halves[5])[None], halves[6:]))
    assert pairs(align(halves, joined, PLAIN)) == [*((at, 1, at, 1) for at in range(4)), (4, 2, 4, 1),
                                                   *((at, 1, at - 1, 1) for at in range(6, 10))]
    assert pairs(align(joined, halves, PLAIN)) == [*((at, 1, at, 1) for at in range(4)), (4, 1, 4, 2),
                                                   *((at - 1, 1, at, 1) for at in range(6, 10))]


def test_another_order_is_told_and_the_chain_keeps_to_one() -> None:
    a = rows(12)
    turned = align(a, near(a[[6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]]), PLAIN)
    assert align(a, near(a), PLAIN).order == 1
    assert (len(turned.beads), turned.order) == (6, 0.5)


def test_a_sentence_that_says_what_several_say_has_no_margin() -> None:
    a = rows(8)
    b = near(a)
    clear = align(a, b, PLAIN)
    b[7] = b[3]
    rivalled = align(a, b, PLAIN)
    assert next(one for one in clear.beads if one.a == 3).lead > 0.3
    assert next(one for one in rivalled.beads if one.a == 3).lead == pytest.approx(0)
    assert figure(rivalled, "margin") < figure(clear, "margin")


def test_a_calibration_brings_a_compressed_encoder_to_the_same_pairs_and_no_similarity_exceeds_one() -> None:
    a = rows(10)
    b = near(a)
    b[4] = unit(a[4] + a[5])      # says both
    common = np.full(10, 2.0, dtype=np.float32)    # what e5 has: all of its vectors point one way, no cosine is under 0.8
    squeezed = unit(np.column_stack((a, common))), unit(np.column_stack((b, common)))
    plain, widened = align(a, b, PLAIN), align(*squeezed, Calibration("y", 5.0, -4.0, (1.0,) * 8, -4.0))
    assert pairs(plain) == pairs(widened)
    assert [one.similarity for one in plain.beads] == pytest.approx([one.similarity for one in widened.beads], abs=0.01)
    stretched = align(a, a, Calibration("y", 6.0, -4.0, (1.0,) * 8, -4.0))
    assert max(one.similarity for one in stretched.beads) == 1
    assert figure(stretched, "whole") == figure(stretched, "best") == 1


def test_a_probability_grows_with_the_figures_and_bears_what_is_beyond_all_measure() -> None:
    assert PLAIN.probability((0.5,) * 8) == 0.5
    assert PLAIN.probability((0.6,) * 8) > 0.5 > PLAIN.probability((0.4,) * 8)
    assert PLAIN.probability((1e9,) * 8) == pytest.approx(1)
    assert 0 < PLAIN.probability((-1e9,) * 8) < 1e-20


def test_figures_that_are_not_those_of_the_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        PLAIN.probability((0.5,) * 7)


_TEXTS = st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(0, 1000))


def mixed(n: int, m: int, seed: int) -> tuple[Any, Any]:
    """Two texts, some sentences of the second near some of the first, in a chance order."""
    chance = np.random.default_rng(seed)
    a = rows(n, seed, 16)
    b = near(a[chance.integers(0, n, m)], float(chance.uniform(0.02, 0.4)), seed + 1)
    return a, b


@given(_TEXTS)
def test_pairs_stand_in_one_order_in_both_texts_and_no_sentence_in_two(sizes: tuple[int, int, int]) -> None:
    a, b = mixed(*sizes)
    found = align(a, b, PLAIN)
    assert all(one.a + one.a_count <= other.a and one.b + one.b_count <= other.b
               for one, other in pairwise(found.beads))
    assert all(one.similarity >= PAIRED and one.a + one.a_count <= len(a) and one.b + one.b_count <= len(b) for one in found.beads)
    assert all({one.a_count, one.b_count} in ({1}, {1, 2}) for one in found.beads)
    assert 0 <= found.order <= 1


@given(_TEXTS)
def test_the_figures_do_not_depend_on_which_text_is_named_first(sizes: tuple[int, int, int]) -> None:
    a, b = mixed(*sizes)
    one, other = align(a, b, PLAIN), align(b, a, PLAIN)
    if [(x, y) for x, _, y, _ in pairs(one)] == [(x, y) for y, _, x, _ in pairs(other)]:    # else two chains are as heavy
        assert one.figures == pytest.approx(other.figures, abs=1e-5)
    assert one.figures[0] == pytest.approx(other.figures[0], abs=1e-5)


# vectors

@given(st.integers(1, 30), st.integers(2, 80), st.integers(0, 1000))
def test_packed_vectors_lose_less_than_one_in_a_hundred(count: int, dimensions: int, seed: int) -> None:
    a, b = rows(count, seed, dimensions), rows(count, seed + 1, dimensions)
    kept = Vectors("x", "e", "en", ((0, 1),) * count, packed(a)), Vectors("y", "e", "de", ((0, 1),) * count, packed(b))
    assert len(kept[0].data) == count * dimensions
    assert np.abs(kept[0].matrix() @ kept[1].matrix().T - a @ b.T).max() < 0.01
    assert np.linalg.norm(kept[0].matrix(), axis=1) == pytest.approx(np.ones(count), abs=1e-5)


def test_the_mean_is_a_place_of_length_one_and_zeros_stay_zeros() -> None:
    assert np.linalg.norm(Vectors("x", "e", "en", ((0, 1),) * 3, packed(rows(3))).mean()) == pytest.approx(1)
    nothing = Vectors("x", "e", "en", ((0, 1),), packed(np.zeros((1, 8))))
    assert not nothing.matrix().any()
    assert not nothing.mean().any()
    assert not unit(np.zeros(8)).any()
