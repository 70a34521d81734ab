"""How much of one body stands in the other, and what kind of copy that makes."""

import random
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import boilerplate, match
from crawler.core.types import Kind, Match, Refusal

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


def told(one: str, other: str, a_source: str = "A", b_source: str = "B") -> Match:
    found = compare(one, other, a_source, b_source)
    assert found is not None
    return found


def test_quotations_with_the_words_between_them_are_an_excerpt() -> None:
    """A short item that takes the quotations of another with all that stands between them."""
    quote = '"They are another country and they will look at what we do, as we look at what they do, and that will not change"'
    more = '"What we have to do is to see to it that our own house is locked, and that nobody leaves the key under the mat"'
    lead = ("Senator Orr sought on Sunday to play down the matter that has occupied the chamber since the spring and that two "
            "committees have looked into without any result that they would speak of in public before the elections. ")
    between = "Orr said in the studio a day before the meeting, and added: "
    one = f"{lead}{quote}, {between}{more}, he said."
    other = f"{quote}, {between}{more}, he said."
    assert told(one, other).unquoted < match.MIN_UNQUOTED
    assert told(one, other).copied


@pytest.mark.parametrize("source", ["B", "A"], ids=["two sources", "one source"])
def test_two_issues_of_one_table_are_no_copies(source: str) -> None:
    def issue(*figures: float) -> str:
        rows = zip(("cod", "haddock", "plaice", "herring", "mackerel", "sole", "ling", "hake"), figures, strict=True)
        return "At the harbour auction these prices were paid this morning. " + " ".join(
            f"A box of {fish} of the first grade went for {price} crowns at the close." for fish, price in rows)

    found = told(issue(11, 12, 13, 14, 15, 16, 17, 18), issue(21, 22, 23, 24, 25, 26, 27, 28), "A", source)
    assert found.refused is (Refusal.TABLE if source == "B" else Refusal.TEMPLATE)
    assert told(issue(*range(8)), issue(*range(8)), "A", "B").copied


def test_numbers_that_are_only_written_otherwise_are_no_table() -> None:
    text = ("The census of the islands found 12 400 people on the largest of them, which is fewer than at any time since the "
            "ferry was built. On the second live 3 900 people, most of them older than sixty, and on the third 1 100, who "
            "have a school with two teachers. The harbour took in 48 000 tonnes of fish, and the mill ground 7 300 tonnes of "
            "barley before it was sold. Of the 2 600 houses that stand empty in the winter, the council wants to buy some.")
    found = told(text, re.sub(r"(\d) (\d)", r"\1\2", text), "A", "B")
    assert found.copied


def test_short_items_above_one_long_appeal_are_two_articles() -> None:
    appeal = ("Before you go: this paper has no owner and no shareholders, it belongs to those who read it, and nobody can ring "
              "us up to say what is to be left out. If you can, give what a loaf costs each month, and if you cannot, read on "
              "all the same, since that is what we are here for. Comments close after three days and are read before that.")
    leek = "A leek of six kilograms won the first prize at the allotments for a woman who says that she sings to it at night.\n"
    lift = "The lift at the station stays shut until the middle of May, while a gearbox is being made for it far away from here.\n"
    found = told(leek + appeal, lift + appeal, "Observer", "Observer")
    assert found.refused is Refusal.TEMPLATE


def test_a_greeting_makes_it_wrapped_though_the_ending_was_cut(prose: SimpleNamespace) -> None:
    cut = f"{WRAP_EN}\n" + "\n".join(prose.harbour.split("\n")[:7])
    assert match.kind(told(prose.harbour, cut), "a") is Kind.WRAPPED


def test_a_sentence_in_other_words_makes_it_no_more_than_near(prose: SimpleNamespace) -> None:
    lines = prose.harbour.split("\n")
    lines[4] = "Those who keep their boats there wanted to wait until next year, because the rails would take away the better part."
    assert match.kind(told(prose.harbour, "\n".join(lines)), "a") is Kind.NEAR


def test_a_latin_text_without_its_marks_is_the_same_text() -> None:
    text = ("Gemi sahibi, şirketin bütün borçlarının ödendiğini ve yolcuların güvenle döneceğini söyledi. Öğleden sonra iskelede "
            "bekleyen yüz kişi, çocuklarıyla birlikte sıcak çorba içti ve fırtınanın geçmesini bekledi.")
    found = told(text, text.translate(str.maketrans("şğıöüçŞĞİÖÜÇ", "sgioucSGIOUC")))
    assert found.kind is Kind.EXACT


def test_parts_of_one_article_are_kin_and_two_articles_are_not(prose: SimpleNamespace) -> None:
    parts = ("Harbour master Maren Holt closed the grain terminal of Ellery on Monday after a crack was found in its crane.",
             "The terminal had been inspected in March; Holt said that Ellery could not pay for another crane like it.")
    first, second = (boilerplate.strip("a", "", part, "", set()) for part in parts)
    other = boilerplate.strip("b", "", prose.dam, "", set())
    assert match.kin(first, second)
    assert not match.kin(first, other)


def test_an_interview_that_is_printed_whole_is_a_copy() -> None:
    turns = "\n".join(f"{who}: What was said about number {n} in the list of the things that the harbour sold to the railway last year."
                      for n, who in enumerate(("Post", "Holt") * 10))
    assert told(turns, turns).copied
    assert told(f'"{LETTER}"', f'"{LETTER}"').copied


LETTER = ("I write to you from the third floor of a house that has no second one, since the men who were to build it left for the "
          "harbour when the railway came, and nobody has seen them since. There is a ladder, and I am told that it holds.")
