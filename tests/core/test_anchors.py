"""Texts of two languages are brought together by their numbers and by the consonants of their names."""

import math
import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.anchors import Index, anchors, keys, ranked, shared

ENGLISH = """The harbour council of Port Ellery met Gordon Makarenko on 14 August 2021.
A company from Washington, said Makarenko, pays 12,500 dollars a month and 3.75 per cent of what it earns."""
RUSSIAN = """14 августа 2021 года портовый совет принял Гордона Макаренко.
Компания из Вашингтона, по словам Макаренко, платит 12 500 долларов в месяц и 3,75 процента дохода."""
ARABIC = """استقبل مجلس الميناء غوردون ماكارينكو في ١٤ أغسطس ٢٠٢١.
وقال ماكارينكو إن شركة من واشنطن تدفع ١٢٬٥٠٠ دولار شهريا و٣٫٧٥ في المئة من دخلها."""
HINDI = """बंदरगाह परिषद ने १४ अगस्त २०२१ को गॉर्डन माकारेंको से मुलाकात की।
माकारेंको ने कहा कि वाशिंगटन की एक कंपनी हर महीने १२,५०० डॉलर देती है।"""
OTHER = """On Monday Maren Holt opened the bakery of Westhaven, which had been closed for 37 weeks.
Her sister Beatrice, who lives in Kingsbridge, sold 640 loaves before noon."""

KEYS = st.sets(st.integers(0, 12), max_size=8)
DOCUMENTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), KEYS, max_size=8)


@pytest.mark.parametrize("foreign", [RUSSIAN, ARABIC, HINDI])
def test_a_report_is_nearest_to_its_translation(foreign: str) -> None:
    found = ranked(keys(foreign), {"a": keys(OTHER), "told": keys(ENGLISH), "z": keys("")}, 3)
    assert found[0][0] == "told"
    assert found[0][1] > 0.1


@pytest.mark.parametrize(("written", "value"), [
    ("1,234.5", "1234.5"), ("1.234,5", "1234.5"), ("1 234,5", "1234.5"), ("1\u202f234,50", "1234.5"), ("1'234.5", "1234.5"),
    ("١٬٢٣٤٫٥", "1234.5"), ("१,२३४.५", "1234.5"), ("2,750,000", "2750000"), ("2.345", "2345"), ("٢٫٣٤٥", "2.345"),
    ("0.125", "0.125"), ("3,5", "3.5"), ("14", "14"), ("۱۴", "14")])
def test_a_number_is_one_in_every_script_and_custom(written: str, value: str) -> None:
    assert anchors(f"a {written} b") == {value: written}


@pytest.mark.parametrize(("written", "values"), [
    ("27.09.2018", {"27": "27", "2018": "2018"}), ("in 2018 500 people", {"2018": "2018", "500": "500"}),
    ("09.2018", {"2018": "2018"}), ("12, 13", {"12": "12", "13": "13"}), ("5 and 7.0 and 007", {}), ("9" * 40, {}), ("27-29", {"27": "27", "29": "29"}),
    ("12 34", {"12": "12", "34": "34"})])
def test_what_is_no_one_number_is_read_in_parts_and_single_digits_not_at_all(written: str, values: dict[str, str]) -> None:
    assert anchors(written) == values


@pytest.mark.parametrize("surface", ["Trump", "Трампом", "ترامب", "وترامب", "ट्रंप", "トランプ"])
def test_scripts_agree_on_the_consonants_of_a_name(surface: str) -> None:
    assert anchors(f"x {surface}")["trmb"] == surface


@pytest.mark.parametrize(("one", "other"), [
    ("Iran", "Иран"), ("Iran", "إيران"), ("Washington", "Вашингтоном"), ("Washington", "वाशिंगटन"), ("Bangladesh", "বাংলাদেশ"),
    ("Beijing", "北京"), ("Netanyahu", "ונתניהו"), ("Mitsotakis", "Μητσοτάκης"), ("Johnson", "Джонсон"), ("Putin", "პუტინი")])
def test_a_name_has_an_anchor_in_common(one: str, other: str) -> None:
    assert anchors(f"x {one}").keys() & anchors(f"x {other}").keys()


def test_where_there_are_capitals_only_names_count() -> None:
    assert set(anchors("Yesterday the minister went to Kingsbridge. Tomorrow he returns.").values()) == {"Kingsbridge"}
    assert set(anchors("Kingsbridge waits. It rains in Kingsbridge. NATO waits.").values()) == {"Kingsbridge", "NATO"}
    assert set(anchors("Вчера министр приехал в Тверь.").values()) == {"Тверь"}


def test_an_indic_word_is_whole() -> None:
    assert set(anchors("माकारेंको").values()) == {"माकारेंको"}


def test_without_the_package_other_scripts_give_numbers_and_latin_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from crawler.core import anchors as module
    monkeypatch.setitem(sys.modules, "anyascii", None)
    module._skeletons.cache_clear()
    try:
        assert set(anchors("Тверь и Reuters, 27 ترامب").values()) == {"27", "Reuters"}
    finally:
        module._skeletons.cache_clear()


def test_a_person_sees_numbers_then_names_in_the_order_of_the_first_text_and_each_once() -> None:
    assert shared(RUSSIAN, ENGLISH) == [
        ("14", "14"), ("2021", "2021"), ("12 500", "12,500"), ("3,75", "3.75"),
        ("Гордона", "Gordon"), ("Макаренко", "Makarenko"), ("Вашингтона", "Washington")]
    assert ("ماكارينكو", "Makarenko") in shared(ARABIC, ENGLISH)
    assert shared(RUSSIAN, OTHER) == []


def test_names_that_coincide_by_their_consonants_are_not_shown() -> None:
    one, other = "Es gab Chancen in Iran.", "It was Hutchinson in Iran."
    assert keys(one) == keys(other)
    assert shared(one, other) == []
    assert shared("Es war in Kalifornien.", "It was in California.") == [("Kalifornien", "California")]


def test_a_word_is_shown_for_one_other() -> None:
    assert shared("with Tramble or Tramblom", "с Трамблом") == [("Tramble", "Трамблом")]


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_text_is_read(a: str, b: str) -> None:
    assert all(surface in a for surface in anchors(a).values())
    found = keys(a)
    assert list(found) == sorted(set(found))
    assert len(found) == len(anchors(a))
    pairs = shared(a, b)
    assert all(one in a and other in b for one, other in pairs)
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("long", ["1," * 100_000, "9" * 200_000, "Aa" * 100_000, "ا" * 100_000, "A" + "\u0301" * 100_000, "北" * 20_000])
def test_a_hostile_text_is_read_in_its_length(long: str) -> None:
    assert len(anchors(long)) <= 1


@given(KEYS, DOCUMENTS, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_ranking_is_the_cosine_and_knows_no_order(query: set[int], documents: dict[str, set[int]], limit: int, chance: random.Random) -> None:
    held = {each: sum(each in its for its in documents.values()) for each in range(13)}

    def weight(its: set[int]) -> float:
        return sum(math.log((len(documents) + 2) / (held[each] + 1)) ** 2 for each in its)

    cosines = {id_: weight(query & its) / math.sqrt(weight(query) * weight(its)) for id_, its in documents.items() if query & its}
    found = ranked(query, documents, limit)
    assert len(found) == min(limit, len(cosines))
    assert found == sorted(found, key=lambda each: (-each[1], each[0]))
    assert all(score == pytest.approx(cosines[id_]) for id_, score in found)
    best = sorted(cosines.values(), reverse=True)
    assert [score for _, score in found] == pytest.approx(best[:limit])
    shuffled = list(documents.items())
    chance.shuffle(shuffled)
    asked = list(query)
    chance.shuffle(asked)
    assert ranked(asked, dict(shuffled), limit) == found


@given(DOCUMENTS, st.lists(st.tuples(st.text("abc", min_size=1, max_size=3), st.none() | KEYS)), KEYS)
def test_an_index_that_changed_is_one_that_was_made_so(documents: dict[str, set[int]], changes: list[tuple[str, set[int] | None]],
                                                       query: set[int]) -> None:
    index = Index()
    for id_, its in documents.items():
        index.add(id_, its)
    for id_, change in changes:
        index.nearest(query, 2)
        if change is None:
            index.discard(id_)
            documents.pop(id_, None)
        else:
            index.add(id_, change)
            documents[id_] = change
    assert len(index) == len(documents)
    assert index.nearest(query, 9) == ranked(query, documents, 9)


def test_ties_go_by_id_and_only_what_is_allowed_is_named() -> None:
    index = Index()
    for id_ in ("c", "a", "b"):
        index.add(id_, [1, 2])
    index.add("d", [1, 2, 3])
    assert [id_ for id_, _ in index.nearest([1, 2], 2)] == ["a", "b"]
    assert [id_ for id_, _ in index.nearest([1, 2], 2, lambda id_: id_ not in {"a", "c"})] == ["b", "d"]
    assert index.nearest([4], 2) == index.nearest([1], 0) == []
