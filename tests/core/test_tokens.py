"""The quick way to the words of a text finds what the definition finds."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import text, tokens
from crawler.core.phrases import finding, reading

# What words are made of, and what comes between: each class of character, and what stands next to it in the wild.
PIECES = st.sampled_from([
    "a", "Z", "é", "e\u0301", "ß", "İ", "1", "½", "²", "_", "-", "'", "’", "don't", "l’ami", " ", "\n", "\t", "\u00a0", "\u2003", ".", ",",
    "\u0301", "\u200c", "\u200d", "\u0640", "\u00ad", "\ufeff", "\u200b", "قال", "مُ", "हिन्दी", "한국", "\U0001f600", "\U0001d400", "\ud800", "中", "ก็", "か"])
TEXTS = st.lists(PIECES, max_size=120).map("".join)


@given(st.one_of(st.text(), TEXTS))
def test_the_table_finds_what_the_expression_finds(any_text: str) -> None:
    for one in (any_text, f"{any_text} " + "and then they went home " * 10):
        found = tokens._by_table(one) if one else None
        assert found in (None, tokens._by_expression(one))


@pytest.mark.parametrize("script", ["It isn't o'clock, she’d said.", "Он сказал: «нет».", "قال الرئيسُ إنّ", "उसने कहा हिन्दी", "그는 말했다"])
def test_scripts_with_spaces_take_the_quick_way(script: str) -> None:
    assert tokens._by_table(script) == tokens._by_expression(script)


@given(TEXTS)
def test_words_have_the_form_that_each_has_by_itself(any_text: str) -> None:
    long_text = any_text + " and so on" * 30
    found = text.words(long_text)
    assert list(found.forms) == [form for start, end in zip(*tokens.found(long_text)[1:], strict=True)
                                 if (form := text.bare(text.fold(long_text[start:end])))]
    assert (found[0].start, found[-1].end, len(found[1:])) == (found.starts[0], found.ends[-1], len(found) - 1)


@given(st.one_of(st.text(), TEXTS))
def test_what_words_can_play_is_what_they_play_piece_by_piece(any_text: str) -> None:
    one = f"{any_text} with inputs from A.F.P., l'AFP: this article was copied from its source"
    seen = reading.looked(one)
    if seen is not None:
        marks = reading.OF_AGENCY | reading.LONE
        assert seen.together(0, len(one)) & ~marks == reading.parts_in(one)[0]
        assert seen.together(0, len(one)) & reading.OF_AGENCY


@given(TEXTS)
def test_site_phrases_are_the_sentences_that_are_site_phrases(any_text: str) -> None:
    one = f"Thank you for reading.\n{any_text}\nSource: Harbour Post. {any_text}"
    assert list(finding.site_phrases(one)) == [span for span in text.sentences(one) if finding.is_site_phrase(one[slice(*span)])]


@given(st.text())
def test_ascii_is_folded_as_all_text_is(any_text: str) -> None:
    plain = any_text.encode("ascii", "ignore").decode()
    assert text.fold(plain) == text._fold_once(text._fold_once(plain))


def test_a_very_long_word_is_not_kept() -> None:
    before = len(text._FORM_OF)
    assert text.words("w" * 100_000).starts == array("i", [0])
    assert len(text._FORM_OF) == before
