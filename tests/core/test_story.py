"""Which articles make a story: by the original or the common body, never by a chain."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import story
from crawler.core.types import Kind, Match, Verdict

AT = datetime(2026, 3, 2, tzinfo=UTC)


def tie(a: str, b: str, a_in_b: float = 0.9, b_in_a: float = 0.9) -> Match:
    """A copy, by the share of each found in the other."""
    if b < a:
        a, b, a_in_b, b_in_a = b, a, b_in_a, a_in_b
    return Match(a, b, 0.5, a_in_b, b_in_a, 100, 50, 1.0, Kind.NEAR, copied=True)


def ruling(what: str, anchor: str, *articles: str, whole: bool = False, id_: int = 1) -> Verdict:
    return Verdict(id_, what, "s", anchor, articles, "me", AT, whole=whole)


def groups(articles: str, matches: list[Match], *verdicts: Verdict) -> list[list[str]]:
    """Partition with the alphabet as the order of appearance."""
    return story.partition(articles, story.ties(matches, verdicts), min)


def test_copies_of_one_original_are_one_story() -> None:
    assert groups("abc", [tie("a", "b"), tie("a", "c")]) == [["a", "b", "c"]]


def test_an_article_tied_to_a_copy_only_by_an_excerpt_does_not_chain() -> None:
    """c shares with b what b added itself: b is mostly its own."""
    assert groups("abc", [tie("a", "b", 1.0, 0.45), tie("b", "c", 0.45, 0.95)]) == [["a", "b"], ["c"]]


def test_two_excerpts_of_one_body_are_one_story_though_they_share_nothing() -> None:
    """b is the full article, seen after its first half a and its second half c."""
    assert groups("abc", [tie("a", "b", 1.0, 0.55), tie("b", "c", 0.5, 1.0)]) == [["a", "b", "c"]]


def test_a_digest_of_three_stories_does_not_merge_them() -> None:
    assert groups("abcd", [tie("a", "d", 1.0, 0.33), tie("b", "d", 1.0, 0.33), tie("c", "d", 1.0, 0.33)]) == [
        ["a", "d"], ["b"], ["c"]]


def test_later_filings_of_a_wire_story_come_along() -> None:
    assert groups("abc", [tie("a", "b", 0.62, 0.7), tie("b", "c", 0.75, 0.78)]) == [["a", "b", "c"]]


def test_related_articles_are_in_no_story() -> None:
    related = Match("a", "b", 0.2, 0.4, 0.4, 40, 20, 0.1, Kind.PARTIAL, copied=False)
    assert groups("ab", [related]) == [["a"], ["b"]]


def test_what_a_person_rejected_stays_apart() -> None:
    assert groups("abc", [tie("a", "b"), tie("a", "c"), tie("b", "c")], ruling("reject", "a", "c")) == [["a", "b"], ["c"]]


def test_a_rejected_story_falls_apart_whole() -> None:
    assert groups("abc", [tie("a", "b"), tie("a", "c"), tie("b", "c")], ruling("reject", "a", "b", "c", whole=True)) == [
        ["a"], ["b"], ["c"]]


def test_split_articles_make_a_story_of_their_own() -> None:
    matches = [tie(x, y) for x, y in ("ab", "ac", "ad", "bc", "bd", "cd")]
    assert groups("abcd", matches, ruling("split", "a", "c", "d")) == [["a", "b"], ["c", "d"]]


def test_merged_articles_stay_together_without_a_match() -> None:
    assert groups("abc", [tie("a", "b")], ruling("merge", "a", "c")) == [["a", "b", "c"]]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_the_later_of_two_rulings_counts(order: tuple[int, int]) -> None:
    rulings = {1: ruling("reject", "a", "b"), 2: ruling("merge", "a", "b", id_=2)}
    expected = [["a", "b"]] if order == (1, 2) else [["a"], ["b"]]
    assert groups("ab", [], *(rulings[n] for n in order)) == expected


LETTERS = "abcdefgh"
SHARES = st.sampled_from([0.3, 0.6, 0.75, 0.9, 1.0])
TIES = st.lists(st.tuples(st.sampled_from(LETTERS), st.sampled_from(LETTERS), SHARES, SHARES), max_size=20)


@given(TIES, st.randoms(use_true_random=False))
def test_neither_the_order_of_articles_nor_of_matches_matters(found: list, chance: object) -> None:
    matches = list({tuple(sorted(pair[:2])): tie(*pair) for pair in found if pair[0] != pair[1]}.values())
    expected = groups(LETTERS, matches)
    shuffled, letters = matches[:], list(LETTERS)
    chance.shuffle(shuffled)
    chance.shuffle(letters)
    assert groups("".join(letters), shuffled) == expected
    assert sorted(one for group in expected for one in group) == list(LETTERS)


def settled(articles: str, matches: list[Match], *, apart: bool = True) -> tuple[list[list[str]], dict[str, tuple[str, ...]]]:
    return story.settle(list(articles), story.ties(matches, ()), min, lambda _, __: None, lambda *_: apart)


def test_a_digest_is_in_no_story_and_linked_to_each_article_that_it_carries() -> None:
    carried = [tie("a", "d", 1.0, 0.33), tie("b", "d", 1.0, 0.33), tie("c", "d", 0.9, 0.3)]
    assert settled("abcd", carried) == ([["a"], ["b"], ["c"], ["d"]], {"d": ("a", "b", "c")})


def test_a_digest_ties_no_stories_together_by_what_it_carries_in_part() -> None:
    """e is a later version of a: the digest d holds a whole and two thirds of e."""
    found = settled("abde", [tie("a", "d", 1.0, 0.4), tie("b", "d", 1.0, 0.4), tie("e", "d", 0.7, 0.4), tie("a", "e", 0.9, 0.8)])
    assert found == ([["a", "e"], ["b"], ["d"]], {"d": ("a", "b")})


def test_a_copied_digest_is_a_story_of_digests() -> None:
    both = [tie(part, digest, 1.0, 0.45) for part in "ab" for digest in "de"]
    assert settled("abde", [*both, tie("d", "e", 0.95, 0.95)]) == (
        [["a"], ["b"], ["d", "e"]], {"d": ("a", "b"), "e": ("a", "b")})


def test_an_article_of_which_two_parts_were_taken_is_no_digest() -> None:
    parts = [tie("a", "d", 1.0, 0.5), tie("b", "d", 1.0, 0.45)]
    assert settled("abd", parts, apart=False)[1] == {}


def test_copies_of_one_story_make_no_digest() -> None:
    """a and b were not compared with each other, but both are copies of c."""
    found = settled("abcd", [tie("a", "c"), tie("b", "c"), tie("a", "d", 1.0, 0.5), tie("b", "d", 1.0, 0.5),
                             tie("c", "d", 1.0, 0.5)])
    assert found == ([["a", "b", "c", "d"]], {})


def test_whoever_a_person_merged_with_a_digest_stays_with_it() -> None:
    tied = story.ties([tie("a", "d", 1.0, 0.33), tie("b", "d", 1.0, 0.33), tie("c", "d", 1.0, 0.33)], [ruling("merge", "a", "d")])
    groups, links = story.settle(list("abcd"), tied, min, lambda _, __: None, lambda *_: True)
    assert groups == [["a", "d"], ["b"], ["c"]]
    assert links == {"d": ("b", "c")}


def test_a_confirmed_pair_is_tied() -> None:
    assert groups("ab", [], ruling("confirm", "a", "b")) == [["a", "b"]]


def test_a_shortened_digest_is_a_digest() -> None:
    """e is d without its last sentences, and holds b no longer whole: neither is a copy of a."""
    found = settled("abde", [tie("a", "d", 1.0, 0.5), tie("b", "d", 1.0, 0.5), tie("a", "e", 1.0, 0.55), tie("b", "e", 0.75, 0.45),
                             tie("d", "e", 0.9, 1.0)])
    assert found == ([["a"], ["b"], ["d", "e"]], {"d": ("a", "b"), "e": ("a", "b")})


def test_what_a_digest_carries_is_not_compared_with_it_again() -> None:
    tied = story.ties([tie("a", "d", 1.0, 0.4), tie("b", "d", 1.0, 0.4), tie("a", "e"), tie("d", "e", 0.6, 0.9)], ())
    groups, _ = story.settle(list("abde"), tied, min, lambda a, b: tie(a, b), lambda *_: True)
    assert ["a", "d"] not in [[one for one in group if one in "ad"] for group in groups]
