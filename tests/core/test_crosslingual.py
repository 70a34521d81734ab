"""Translated copies among documents, by `deduplicate`, with the encoder that the extra brings."""

from dataclasses import replace

import pytest
from translated import ARABIC, ENGLISH, GERMAN, OTHER, SAME_EVENT, SHORT, WRAPPED

from crawler.adapters.encoder import encoding
from crawler.core.types import Kind, Relation
from crawler.dedup import Document, deduplicate
from crawler.ports.encoding import Across

ACROSS = Across(encoding())
HOUR = "2026-03-02T{:02}:00:00Z"


def doc(id_, text, hour=None, **more):
    return Document(id_, text, **{"source": f"Paper {id_}", "first_seen": HOUR.format(hour) if hour is not None else None, **more})


def found(*documents, across=ACROSS):
    return deduplicate(documents, across=across)


def kinds(result):
    return {row.id: (row.role, row.kind, row.original) for row in result.rows}


def test_a_translation_is_a_copy_of_what_was_there_first():
    result = found(doc("en", ENGLISH, 8), doc("de", GERMAN, 9), doc("other", OTHER, 9), doc("event", SAME_EVENT, 9))
    assert kinds(result) == {
        "en": ("original", None, "en"), "de": ("copy", "translation", "en"), "other": ("single", None, None),
        "event": ("single", None, None)}
    (pair,) = result.pairs
    assert (pair.a, pair.b, pair.kind) == ("de", "en", Kind.TRANSLATION)
    assert pair.translation.probability > 0.99
    assert pair.translation.order == 1.0
    assert pair.shared == len(pair.passages) == len(pair.translation.scores) == 10
    assert min(pair.a_in_b, pair.b_in_a) == 1.0
    assert ENGLISH[pair.passages[3].b_start:pair.passages[3].b_end].startswith("The last boat to the island of Fenholm")
    assert GERMAN[pair.passages[3].a_start:pair.passages[3].a_end].startswith("Das letzte Boot zur Insel Fenholm")


def test_without_being_asked_languages_are_not_crossed():
    assert {row.role for row in deduplicate([doc("en", ENGLISH), doc("de", GERMAN)]).rows} == {"single"}


def test_which_was_first_is_told_by_time_alone():
    result = found(doc("en", ENGLISH, 9), doc("de", GERMAN, 8))
    assert kinds(result)["en"] == ("copy", "translation", "de")


@pytest.mark.parametrize(("text", "role"), [(WRAPPED, "copy"), (SHORT, "single")])
def test_an_excerpt_in_a_copiers_phrases_is_a_copy_and_three_sentences_are_for_a_person(text, role):
    result = found(doc("en", ENGLISH, 8), doc("de", text, 9), doc("other", OTHER, 9))
    assert kinds(result)["de"][0] == role
    links = [(link.relation, {link.a, link.b}) for link in result.links]
    assert links == ([] if role == "copy" else [(Relation.TRANSLATION, {"de", "en"})])


def test_a_person_is_asked_about_the_original_and_not_about_its_copies():
    french = """Les ingénieurs avaient trouvé des fissures dans 14 des 22 piliers qui portent le quai.
« Nous ne pouvions promettre à personne qu'il tiendrait encore un hiver », a dit aux journalistes la directrice du port Edith Carrow.
Le dernier bateau pour l'île de Fenholm partira le 30 avril à six heures du soir."""
    result = found(doc("en", ENGLISH, 8), doc("de", GERMAN, 9), doc("a", GERMAN, 10), doc("fr", french, 11))
    assert [{link.a, link.b} for link in result.links] == [{"en", "fr"}]


def test_two_reports_on_one_event_are_none():
    result = found(doc("en", ENGLISH, 8), doc("event", SAME_EVENT, 9))
    assert {row.role for row in result.rows} == {"single"}
    assert not result.links


@pytest.mark.parametrize("same", [{"source": "The Gazette"}, {"source": "", "url": "https://{}.gazette.example/1"}])
def test_the_publishers_own_translation_is_an_edition(same):
    def its(id_):
        return {name: value.format(id_) for name, value in same.items()}

    result = found(doc("en", ENGLISH, 8, **its("en")), doc("de", GERMAN, 9, **its("de")), doc("ar", ARABIC, 10))
    assert kinds(result) == {"en": ("original", None, "en"), "de": ("edition", "edition", "en"), "ar": ("copy", "translation", "en")}
    assert {(one.a, one.b): one.kind.value for one in result.pairs}["de", "en"] == "edition"


def test_a_copy_of_a_translation_and_the_translation_are_of_one_story():
    near = GERMAN.replace("am Montag", "am gestrigen Montag")
    result = found(doc("en", ENGLISH, 8), doc("de", GERMAN, 9), doc("near", near, 10), doc("ar", ARABIC, 11))
    assert {row.original for row in result.rows} == {"en"}
    assert {row.kind for row in result.rows} == {None, "translation"}


def test_sibling_translations_of_what_is_not_there_are_a_story_from_outside():
    said = "\nQuelle: Tidewater News"
    result = found(doc("de", GERMAN + said, 8, source="Kaiblatt"), doc("ar", ARABIC + "\nالمصدر: Tidewater News", 9, source="Bawaba"))
    (story,) = result.stories
    assert {one.kind for one in story.copies} == {Kind.TRANSLATION}
    assert story.outside == "Tidewater News"


def test_the_order_of_the_documents_does_not_matter():
    documents = [doc("en", ENGLISH, 8), doc("de", GERMAN, 9), doc("ar", ARABIC, 9), doc("wrapped", WRAPPED, 10),
                 doc("event", SAME_EVENT, 9), doc("other", OTHER, 7)]
    one, other = found(*documents), found(*reversed(documents))
    assert one.stories == other.stories
    assert one.pairs == other.pairs


def test_articles_seen_far_apart_are_not_compared():
    late = replace(doc("de", GERMAN), first_seen="2026-03-09T08:00:00Z")
    assert {row.role for row in found(doc("en", ENGLISH, 8), late).rows} == {"single"}
    assert {row.role for row in found(doc("en", ENGLISH, 8), doc("de", GERMAN)).rows} == {"original", "copy"}   # nobody saw it appear


def test_a_language_that_is_not_covered_is_proposed_by_its_names():
    ukrainian = """Рада Солтмарша в понеділок вирішила закрити поромний термінал після 112 років, сказала Едіт Керроу.
Інженери знайшли тріщини у 14 з 22 опор причалу. Останній човен на острів Фенгольм відпливе 30 квітня.
Пекар Томас Лінд продавав 300 булочок щоранку. Новий термінал коштуватиме 41 мільйон крон і відкриється у 2029 році.
Зібрано 5600 підписів за збереження зали. Рада вирішить у червні, чи стане зала музеєм Солтмарша."""
    result = found(doc("en", ENGLISH, 8), doc("uk", ukrainian, 9), doc("other", OTHER, 9))
    assert {row.role for row in result.rows} == {"single"}
    assert [(link.a, link.b, link.translation.encoder) for link in result.links] == [("uk", "en", "names")]


def test_a_second_encoder_compares_what_names_propose():
    narrow = replace(encoding(), languages=frozenset({"en", "de", "es"}))
    documents = [doc("en", ENGLISH, 8), doc("ar", ARABIC, 9), doc("other", OTHER, 9), doc("event", SAME_EVENT, 9)]
    alone = found(*documents, across=Across(narrow))
    assert {row.role for row in alone.rows} == {"single"}
    assert [{link.a, link.b} for link in alone.links] == [{"ar", "en"}]
    both = found(*documents, across=Across(narrow, encoding()))
    assert kinds(both)["ar"] == ("copy", "translation", "en")
    assert not both.links


def test_texts_in_two_languages_at_once_have_one_match():
    english, german = ENGLISH.split("\n"), GERMAN.split("\n")
    result = found(doc("a", "\n".join([*english, *german[:4]]), 8), doc("b", "\n".join([*german, *english[:9]]), 9))
    assert len(result.pairs) == 1
