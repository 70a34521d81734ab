"""What "the same text" means in every script."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("الرَّئِيسُ", "الرئيس"),          # diacritics
        ("الـــرئيس", "الرئيس"),           # tatweel
        ("أحمد إلى آخر", "احمد الي اخر"),   # alef, ya
        ("١٢٣", "123"), ("۱۲۳", "123"), ("१२३", "123"),
        ("مکتبة", "مكتبه"),                # Persian kaf, ta marbuta
        ("İstanbul", "istanbul"), ("Straße", "STRASSE"), ("ёлка", "елка"),
        ("ｆｕｌｌ", "full"), ("“a” – ‘b’", "\"a\" - 'b'"),
        ("cafe\u0301", "café"), ("zero\u200bwidth", "zerowidth"),
    ],
)
def test_these_are_one_text(one: str, other: str) -> None:
    assert text.fold(one) == text.fold(other)


@pytest.mark.parametrize(("one", "other"), [("pâte", "pate"), ("йод", "иод"), ("год", "гад"), ("का", "कि")])
def test_these_are_different_words(one: str, other: str) -> None:
    assert text.fold(one) != text.fold(other)


@given(st.text())
def test_folding_twice_changes_nothing(any_text: str) -> None:
    once = text.fold(any_text)
    assert text.fold(once) == once


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_words_lie_inside_the_text_in_order(any_text: str) -> None:
    found = text.words(any_text)
    assert all(0 <= word.start < word.end <= len(any_text) for word in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("हिन्दी में समाचार", ["हिन्दी", "में", "समाचार"]),   # \w would split at the vowel signs
        ("中国新闻", ["中", "国", "新", "闻"]),
        ("ข่าว", ["ข่", "า", "ว"]),
        ("서울 뉴스", ["서울", "뉴스"]),
        ("don’t stop", ["don't", "stop"]),
        ("می‌شود", ["ميشود"]),
        ("a-b/c", ["a", "b", "c"]),
        ("...!؟", []),
    ],
)
def test_words_of_a_script(given_text: str, expected: list[str]) -> None:
    assert [word.form for word in text.words(given_text)] == [unicodedata.normalize("NFKC", form) for form in expected]


def test_sentences_end_at_the_marks_of_each_script() -> None:
    given_text = "One. Two? «Three!» Four\nقال نعم؟ ثم ذهب.\nवह गया। वह आया।\n他来了。她走了！"
    found = [given_text[a:b] for a, b in text.sentences(given_text)]
    assert found == ["One.", "Two?", "«Three!»", "Four", "قال نعم؟", "ثم ذهب.", "वह गया।", "वह आया।", "他来了。", "她走了！"]


def test_a_decimal_point_ends_no_sentence() -> None:
    assert len(text.sentences("It rose 3.5 percent to 1.250 in the U.S. market")) <= 2


@given(st.text())
def test_paragraphs_and_sentences_cover_every_word(any_text: str) -> None:
    cleaned = text.clean(any_text)
    for spans in (text.sentences(cleaned), text.paragraphs(cleaned)):
        for word in text.words(cleaned):
            assert any(a <= word.start < b for a, b in spans)


def test_shingles_are_runs_of_words_and_short_texts_have_one() -> None:
    assert len(list(text.shingles(["a", "b", "c", "d"], 3))) == 2
    assert len(list(text.shingles(["a"], 3))) == 1
    assert list(text.shingles([], 3)) == []
    assert next(text.shingles(["a", "bc"], 2)) != next(text.shingles(["ab", "c"], 2))


def test_shingle_hashes_never_change() -> None:
    """They are stored: another value would lose every stored copy."""
    assert text.key(["firsthand", "news"]) == next(text.shingles(["firsthand", "news"], 2)) == 2687547794286452282


def test_scripts_without_spaces_are_recognised() -> None:
    assert text.unspaced([word.form for word in text.words("中国新闻报道说 OK")])
    assert not text.unspaced([word.form for word in text.words("a b c d")])


@given(st.text(alphabet=st.characters()))
def test_clean_leaves_nothing_that_a_store_or_a_screen_stumbles_over(any_text: str) -> None:
    cleaned = text.clean(any_text)
    cleaned.encode()
    assert not any(ord(char) < 32 and char not in "\t\n" for char in cleaned)
    assert not set(cleaned) & set("\u202a\u202e\u2066\u2069\x7f\x85")


def test_a_word_of_millions_of_letters_is_a_word() -> None:
    assert len(text.words("w" * 3_000_000)) == 1


@pytest.mark.parametrize(("word", "form"), [
    ("Łódź", "lodz"), ("Ærø", "aero"), ("garçon", "garcon"), ("İĞÜ", "igu"), ("ёж", "еж"), ("йод", "йод"), ("हिन्दी", "हिन्दी")])
def test_words_are_compared_without_the_marks_of_latin_letters(word: str, form: str) -> None:
    assert [one.form for one in text.words(word)] == [form]
    assert text.bare(text.bare(form)) == text.bare(form)
