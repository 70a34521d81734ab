"""Which translations are explained by another."""

from hypothesis import given
from hypothesis import strategies as st

from crawler.core.outdone import without_outdone
from crawler.core.types import Kind, Match, Passage, Translation

SPOKEN = {"en": "en", "en2": "en", "fr": "fr", "fr2": "fr", "de": "de"}


def pair(a: str, b: str, scores: dict[int, float], *, copied: bool = True) -> Match:
    """Articles whose sentences, each ten characters, are paired by number."""
    passages = tuple(Passage(at * 10, at * 10 + 9, at * 10, at * 10 + 9, 2) for at in scores)
    return Match(a, b, 0.5, 0.5, 0.5, len(scores), 2, 1.0, Kind.TRANSLATION, copied, passages,
                 translation=Translation("x", 0.95, 1.0, tuple(scores.values())))


def ties(matches: list[Match]) -> list[tuple[str, str]]:
    return [(one.a, one.b) for one in without_outdone(matches, SPOKEN)]


def even(score: float, count: int = 8) -> dict[int, float]:
    return dict.fromkeys(range(count), score)


def test_a_match_goes_where_nearly_every_sentence_has_a_better_partner_in_another_text_of_the_language() -> None:
    assert ties([pair("en", "fr", even(0.8)), pair("en", "fr2", even(0.6))]) == [("en", "fr")]
    assert ties([pair("en2", "fr", even(0.6)), pair("en", "fr", even(0.8))]) == [("en", "fr")]


def test_a_copy_of_the_better_one_is_as_good_and_stays() -> None:
    assert len(ties([pair("en", "fr", even(0.80)), pair("en", "fr2", even(0.78))])) == 2


def test_more_than_a_quarter_that_nobody_has_better_keeps_a_match() -> None:
    better = even(0.8)
    assert len(ties([pair("en", "fr", better), pair("en", "fr2", even(0.6) | {8: 0.6, 9: 0.6, 10: 0.6})])) == 2
    assert len(ties([pair("en", "fr", better), pair("en", "fr2", even(0.6) | {8: 0.6, 9: 0.6})])) == 1


def test_a_digest_pairs_other_sentences_with_each_of_its_parts() -> None:
    assert len(ties([pair("en", "fr", dict.fromkeys(range(5), 0.9)), pair("en", "fr2", dict.fromkeys(range(5, 10), 0.5))])) == 2


def test_another_language_outdoes_nothing_nor_does_what_is_no_copy() -> None:
    assert len(ties([pair("en", "fr", even(0.9)), pair("de", "en", even(0.6))])) == 2
    assert len(ties([pair("en", "fr", even(0.9), copied=False), pair("en", "fr2", even(0.6))])) == 2
    assert len(ties([pair("en", "fr", even(0.9)), pair("en", "fr2", even(0.6), copied=False)])) == 2


def test_matches_within_a_language_are_let_through() -> None:
    plain = Match("en", "en2", 0.9, 0.9, 0.9, 90, 90, 1.0, Kind.EXACT, True)
    assert without_outdone([plain, pair("en", "fr", even(0.9)), pair("en2", "fr", even(0.6))], SPOKEN)[0] is plain


_SCORES = st.dictionaries(st.integers(0, 9), st.sampled_from([0.4, 0.5, 0.6, 0.7, 0.8, 0.9]), min_size=1)
_PAIRS = st.lists(st.tuples(st.sampled_from([("en", "fr"), ("en", "fr2"), ("en2", "fr"), ("en2", "fr2"), ("de", "en"), ("de", "fr")]), _SCORES),
                  unique_by=lambda one: one[0])


@given(_PAIRS, st.permutations(range(6)))
def test_what_stays_does_not_depend_on_the_order(drawn: list[tuple[tuple[str, str], dict[int, float]]], order: list[int]) -> None:
    matches = [pair(*names, scores) for names, scores in drawn]
    mixed = [matches[at] for at in order if at < len(matches)]
    assert sorted(ties(matches)) == sorted(ties(mixed))
