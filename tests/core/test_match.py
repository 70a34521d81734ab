"""How much of one body stands in the other, and what kind of copy that makes."""

import random
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import boilerplate, match
from crawler.core.types import Kind, Match

WRAP_EN = "Good day to you who opened this page, sit down and take some tea while we bring you what others wrote."
WRAP_AR = "أهلا بكم زوارنا الكرام في ركنكم المفضل حيث نجمع لكم ما كتبه الآخرون طوال اليوم دون عناء."


def compare(a: str, b: str, a_source: str = "A", b_source: str = "B") -> Match | None:
    return match.match(boilerplate.strip("a", a_source, a, "", set()), boilerplate.strip("b", b_source, b, "", set()))


def inserted(text: str, phrase: str) -> str:
    """The phrase before, behind, between the paragraphs and inside every second one."""
    lines = [line if n % 2 else " ".join([*line.split()[:9], phrase, *line.split()[9:]])
             for n, line in enumerate(text.split("\n"))]
    return f"\n{phrase}\n".join(["", *lines, ""])


@pytest.mark.parametrize(("name", "phrase"), [("harbour", WRAP_EN), ("dam", WRAP_AR)])
def test_phrases_between_and_inside_paragraphs_hide_nothing(prose: SimpleNamespace, name: str, phrase: str) -> None:
    original = getattr(prose, name)
    found = compare(original, inserted(original, phrase))
    assert found is not None
    assert found.copied
    assert match.oriented(found, "a").of_original >= 0.95
    assert match.kind(found, "a") is Kind.WRAPPED


def test_the_same_text_is_exact_whatever_its_case_and_marks(prose: SimpleNamespace) -> None:
    found = compare(prose.harbour, prose.harbour.upper().replace(",", " –").replace("'", "’"))
    assert found is not None
    assert found.kind is Kind.EXACT
    assert found.similarity == found.a_in_b == found.b_in_a == 1


def test_light_edits_are_near(prose: SimpleNamespace) -> None:
    edited = prose.harbour.replace("Tuesday night", "Tuesday").replace("divided", "split").replace("six thousand", "6,000")
    found = compare(prose.harbour, edited)
    assert found is not None
    assert match.kind(found, "a") is Kind.NEAR


def test_the_first_half_alone_is_an_excerpt(prose: SimpleNamespace) -> None:
    found = compare(prose.harbour, "\n".join(prose.harbour.split("\n")[:4]))
    assert found is not None
    assert found.copied
    assert match.kind(found, "a") is Kind.EXCERPT


def test_two_thirds_among_other_reporting_is_partial(prose: SimpleNamespace) -> None:
    part = "\n".join(prose.harbour.split("\n")[:6])
    found = compare(prose.harbour, part + "\n" + prose.market)
    assert found is not None
    assert found.copied
    assert match.kind(found, "a") is Kind.PARTIAL


def test_a_shared_quotation_is_related_not_copied() -> None:
    quote = ('"We are not selling our history, we are selling a roof that leaks and a floor that gives way under any man who '
             'carries more than his own hat, and whoever says otherwise has not stood on it since the winter of the great '
             'ice, when half of this chamber was still at school and the other half was at sea with my father"')
    one = f"Mayor Holt defended the sale on Tuesday. {quote}, she said to loud applause from the benches."
    other = f"There were cheers and boos in the town hall last night. {quote}, Holt told reporters as she left by the side door."
    found = compare(one, other)
    assert found is not None
    assert not found.copied
    assert found.unquoted < match.MIN_UNQUOTED


def test_reports_of_one_site_that_differ_in_their_figures_are_templates() -> None:
    def report(seed: int) -> str:
        chance = random.Random(seed)
        return " ".join(f"In district {name} the wind blew at {chance.random():.3f} knots from the west" for name in "abcdefghij")

    assert (found := compare(report(1), report(2), "Weather", "Weather")) is not None
    assert not found.copied
    assert (found := compare(report(1), report(1), "Weather", "Weather")) is not None
    assert found.copied


def test_unrelated_articles_have_no_match(prose: SimpleNamespace) -> None:
    assert compare(prose.harbour, prose.market) is None
    assert compare("", "") is None
    assert compare("word", "") is None


def test_one_word_texts_match_themselves_only() -> None:
    assert (found := compare("word", "Word!")) is not None
    assert found.kind is Kind.EXACT
    assert compare("word", "other") is None


def test_passages_are_offsets_into_both_texts(prose: SimpleNamespace) -> None:
    wrapped = f"{WRAP_EN}\n{prose.harbour}"
    found = compare(prose.harbour, wrapped)
    assert found is not None
    for passage in found.passages:
        one = prose.harbour[passage.a_start:passage.a_end]
        assert one == wrapped[passage.b_start:passage.b_end]
        assert len(one.split()) <= passage.words <= len(one.split()) + one.count("-") + 1
    assert found.longest == max(passage.words for passage in found.passages)


def test_below_the_floor_the_figures_are_not_worked_out(prose: SimpleNamespace) -> None:
    mixed = "\n".join([*prose.harbour.split("\n")[:2], *prose.market.split("\n")])
    one, other = (boilerplate.strip(id_, id_, text, "", set()) for id_, text in (("a", prose.harbour), ("b", mixed)))
    assert match.match(one, other) is not None
    assert match.match(one, other, floor=0.9) is None


WORDS = st.lists(st.sampled_from(["ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak", "pine", "rowan"]), max_size=60)


@given(WORDS, WORDS)
def test_matching_is_symmetric_and_its_shares_are_shares(a: list[str], b: list[str]) -> None:
    one, other = (boilerplate.strip(id_, id_, " ".join(words), "", set()) for id_, words in (("a", a), ("b", b)))
    found = match.match(one, other)
    assert found == match.match(other, one)
    if found is not None:
        assert 0 < found.similarity <= 1
        assert 0 < found.a_in_b <= 1
        assert 0 < found.b_in_a <= 1
        assert 0 <= found.unquoted <= 1
        assert found.longest <= min(len(a), len(b))


@given(WORDS)
def test_a_text_is_wholly_in_itself(words: list[str]) -> None:
    found = compare(" ".join(words), " ".join(words))
    assert (found is None) == (not words)
    if found is not None:
        assert (found.a_in_b, found.b_in_a, found.similarity, found.kind) == (1, 1, 1, Kind.EXACT)
