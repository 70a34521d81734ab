"""Texts cut into what is compared across languages."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import boilerplate
from crawler.core.segments import MOST, segments, width
from crawler.core.text import Body, words

TH = "ชาวประมงริมท่าเรือขอเลื่อนกำหนดออกไปหนึ่งฤดูเพราะเกรงว่าทางรถไฟจะตัดท่าเทียบเรือของพวกเขาออกเป็นสองส่วน"


def body(text: str) -> Body:
    return boilerplate.strip("x", "", text, "", frozenset())


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in segments(body(text))]


@pytest.mark.parametrize("sentences", [
    ["The harbour board approved the service on Tuesday.", "Tickets will cost nine crowns for islanders."],
    ["Der Hafenrat hat die Fähre am Dienstag genehmigt.", "Die Überfahrt kostet neun Kronen für Bewohner der Insel."],
    ["Совет гавани одобрил переправу во вторник.", "Билет стоит девять крон для жителей острова."],
    ["أقر مجلس الميناء خط العبارة يوم الثلاثاء؟", "وسيكلف التذكرة تسعة كرونات لسكان الجزيرة."],
    ["बंदरगाह परिषद ने मंगलवार को नौका सेवा को मंज़ूरी दी।", "द्वीप के निवासियों के लिए टिकट नौ क्राउन का होगा।"],
    ["港湾評議会は火曜日にフェリーの運航を承認した。", "島民の切符は九クローネになる。"],
])
def test_sentences_of_every_script_are_segments_on_one_line_or_on_several(sentences: list[str]) -> None:
    assert pieces(" ".join(sentences)) == pieces("\n".join(sentences)) == sentences


@pytest.mark.parametrize("text", [
    "Yesterday in the old market hall Mr. Tarrant sold his last barrel of lamp oil.",
    "The council thanked Prof. Lindqvist for thirty years of work on the sea wall.",
    "The keeper J. K. Marrow will open the gallery to visitors on dry Sundays.",
    "The boat will go to the island of St. Orrin again from the first week of spring.",
    "Der Rat tagt wieder am kommenden Dienstag, dem 3. Mai, im großen Saal des Hafens.",
    "Das neue Gesetz über die Fähren, siehe dort Nr. 17, gilt seit dem letzten Winter.",
    "Pendant la nuit la mairie a remercié Mme. Rivoire pour son travail de trente ans.",
    "Nach Angaben des Hafens fahren im Winter ca. 40 Lastwagen mit jedem Boot hinüber.",
    "Both sides (A. Holt and the railway company) will meet again before the end of May.",
])
def test_an_abbreviation_or_an_ordinal_ends_no_sentence(text: str) -> None:
    assert pieces(text) == [text]


def test_a_word_or_two_belong_to_the_sentence_beside_them() -> None:
    assert pieces("Enough! The harbour board approved the service on Tuesday. Why not? Tickets will cost nine crowns for islanders.") == [
        "Enough! The harbour board approved the service on Tuesday. Why not?", "Tickets will cost nine crowns for islanders."]


def test_a_line_that_says_next_to_nothing_is_left_out() -> None:
    assert pieces("Advert\n* * * * * * * * * * * *\nThe harbour board approved the service on Tuesday.") == [
        "The harbour board approved the service on Tuesday."]
    assert pieces("") == pieces("  \n ") == []


def test_what_a_source_repeats_is_left_out_and_a_sentence_with_a_word_of_its_own_stays() -> None:
    text = "Read more of this in our evening paper.\nThe harbour board approved the service on Tuesday."
    found, first = words(text), "Read more of this in our evening paper."
    own = frozenset(at for at, word in enumerate(found) if word.end <= len(first))
    assert [text[a:b] for a, b in segments(Body("x", "", text, found, own))] == ["The harbour board approved the service on Tuesday."]
    assert len(segments(Body("x", "", text, found, own - {3}))) == 2


def test_a_text_without_breaks_goes_in_overlapping_pieces_that_begin_at_words() -> None:
    text = " ".join(f"word{number}" for number in range(200))
    spans = segments(body(text))
    assert (spans[0][0], spans[-1][1]) == (0, len(text))
    assert all(a < c < b for (a, b), (c, _) in pairwise(spans))
    assert all(150 < b - a < 260 for a, b in spans[:-1])
    assert all(text[a:b].startswith("word") for a, b in spans)


def test_one_of_a_script_without_spaces_goes_in_shorter_ones() -> None:
    spans = segments(body(TH * 6))
    assert (spans[0][0], spans[-1][1]) == (0, len(TH) * 6)
    assert all(a < c < b for (a, b), (c, _) in pairwise(spans))
    assert max(width((TH * 6)[a:b]) for a, b in spans) < 260


def test_a_word_without_end_is_one_piece() -> None:
    assert pieces("x" * 900) == ["x" * 900]
    assert pieces("a " * 60 + "x" * 900)[-1].endswith("x" * 900)


def test_width_counts_a_character_of_a_script_without_spaces_as_three() -> None:
    assert (width("abc"), width("äbc"), width("切符a")) == (3, 3, 7)


def test_at_most_forty_from_the_beginning() -> None:
    text = "\n".join(f"Sentence number {number} says something about the harbour." for number in range(60))
    found = pieces(text)
    assert (len(found), found[-1]) == (MOST, "Sentence number 39 says something about the harbour.")
    assert len(segments(body("word " * 5000))) == MOST
    assert len(segments(body(text), most=7)) == 7


_BITS = st.sampled_from(["The harbour board approved the service. ", "Tickets cost nine crowns, said Dr. Holt. ", "Nein! ", "\n", " ", "3. ",
                         "Совет одобрил переправу во вторник. ", "وقال المجلس إن الرحلة ستكلف تسعة كرونات؟ ", "港湾評議会は運航を承認した。", TH,
                         "word " * 100, "x" * 500, "—", "«A.» ", "\u00a0", "द्वीप के निवासी आए। "])


@given(st.lists(_BITS, max_size=30).map("".join) | st.text(max_size=300))
def test_spans_stand_in_order_inside_the_text_and_begin_and_end_with_something(text: str) -> None:
    spans = segments(body(text))
    assert len(spans) <= MOST
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(a < c and b <= d for (a, b), (c, d) in pairwise(spans))
    assert all(text[a:b].lstrip() == text[a:b] for a, b in spans)
    assert all(width(text[a:b]) >= 12 for a, b in spans if len(spans) == 1)
