"""compare, find, report and show over two languages."""

import json
import sqlite3
import sys
from contextlib import closing

import pytest

from tests import tongues


@pytest.fixture
def files(tmp_path):
    for name in ("ENGLISH", "ARABIC", "GERMAN", "DOUBTFUL", "OTHER"):
        (tmp_path / name.lower()).write_text(getattr(tongues, name))


def compared(firsthand, *arguments, config=None):
    return json.loads(firsthand("compare", *arguments, "--json", config=config).out)


def test_without_translations_compare_says_how_to_ask_for_them(firsthand, files):
    found = compared(firsthand, "arabic", "english")
    assert (found["copied"], found["related"], found["translation"]) == (False, False, None)
    assert "A is in Arabic and B in English: add --translations to compare their sentences" in found["why"]
    assert not any("--translations" in why for why in compared(firsthand, "english", "english")["why"])


@pytest.mark.parametrize(("other", "copied", "refused", "verdict"), [
    ("arabic", True, None, "translated copy"), ("german", True, None, "translated copy"),
    ("doubtful", False, "doubtful", "possible translation"), ("other", False, None, "unrelated")])
def test_compare_tells_translated_copies(firsthand, files, other, copied, refused, verdict):
    found = compared(firsthand, "english", other, "--translations")
    assert (found["copied"], found["refused"]) == (copied, refused)
    assert found["kind"] == ("translation" if copied else None)
    told = found["translation"]
    assert (told["probability"] >= 0.9, 0.5 <= told["probability"] < 0.9) == (copied, refused is not None)
    out = firsthand("compare", "english", other, "--translations").out
    assert out.startswith(verdict + "\n")
    assert not any("--translations" in why for why in found["why"])


def test_compare_has_the_sentences_of_a_on_the_left(firsthand, files):
    told = compared(firsthand, "arabic", "english", "--translations")["translation"]
    assert [(one["left"], one["right"]) for one in told["pairs"]] == list(
        zip(tongues.ARABIC.split("\n"), tongues.ENGLISH.split("\n"), strict=True))
    assert ["الكرمل", "Karmel"] in told["anchors"]
    out = firsthand("compare", "doubtful", "english", "--translations").out
    for words in ("2 pairs of sentences, all in the same order: 54 % of A, 35 % of B", "numbers and names in both: 120, الكرمل = Karmel",
                  tongues.ENGLISH.split("\n")[2][:60]):
        assert words in " ".join(out.split())


def test_texts_of_one_language_are_compared_as_ever(firsthand, files):
    found = compared(firsthand, "arabic", "doubtful", "--translations")
    assert (found["translation"], found["shared"] > 0) == (None, True)


def test_stored_articles_are_compared_where_it_is_switched_on(firsthand, abroad):
    found = compared(firsthand, abroad.ids["train"], abroad.ids["edition"], config=abroad)
    assert (found["copied"], found["kind"]) == (True, "edition")
    out = firsthand("compare", abroad.ids["train"], abroad.ids["edition"], config=abroad).out
    assert out.startswith("edition: the publisher's own version in another language\n")


def test_without_the_extra_compare_says_what_to_install(firsthand, files, monkeypatch):
    from crawler.ports import encoding

    monkeypatch.setattr(encoding, "find_spec", lambda _: None)
    done = firsthand("compare", "arabic", "english", "--translations")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "firsthand[translations]" in done.err
    assert firsthand("compare", "arabic", "english").status == 0


def test_compare_loads_no_model_unasked(firsthand, files, monkeypatch):
    from crawler.adapters import encoder

    monkeypatch.setattr(encoder, "opened", lambda _: sys.exit("loaded"))
    assert compared(firsthand, "arabic", "english")["translation"] is None
    assert compared(firsthand, "arabic", "doubtful", "--translations")["translation"] is None


def test_find_looks_into_other_languages(firsthand, abroad, files):
    rows = [json.loads(row) for row in firsthand("find", "german", "--json", "--related", config=abroad).out.splitlines()]
    by_id = {row["article"]: row for row in rows}
    assert by_id.keys() == {abroad.ids[name] for name in ("train", "wadi", "edition")}
    assert {row["kind"] for row in rows} == {"translation", "exact"}
    train = by_id[abroad.ids["train"]]
    assert (train["kind"], train["probability"], train["story"], train["of_input"]) == ("translation", 1.0, abroad.stories["train"], 1.0)
    assert by_id[abroad.ids["edition"]]["probability"] is None
    assert "translation, over 99 %  Karmel Gazette  Goods train derails" in firsthand("find", "german", config=abroad).out


def test_find_of_a_stored_article_names_what_a_person_should_look_at(firsthand, abroad):
    out = firsthand("find", "https://gazette.example/train", "--related", config=abroad).out
    assert "possible translation, 60 %" in out
    assert "Goods train derails" not in out
    assert "possible translation" not in firsthand("find", "https://gazette.example/train", config=abroad).out


def test_find_stores_nothing(firsthand, abroad, files, tmp_path):
    def stored():
        with closing(sqlite3.connect(tmp_path / "store.db")) as store:
            return [store.execute(f"select count(*) from {table}").fetchone() for table in ("articles", "vectors", "matches")]

    before = stored()
    assert firsthand("find", "english", config=abroad).status == 0
    assert stored() == before
    assert before[1] == (5,)


def test_report_and_show_have_both_sentences(firsthand, abroad):
    out = " ".join(firsthand("report", config=abroad).out.split())
    assert f"possible translation, 60 % firsthand verdict {abroad.ids['mojaz']} confirm|reject {abroad.ids['train']}" in out
    shown = " ".join(firsthand("show", abroad.stories["train"], config=abroad).out.split())
    for language in (tongues.ENGLISH, tongues.ARABIC, tongues.GERMAN):
        assert language.split("\n")[3] in shown
    assert "82 % “Passengers" in shown
    assert shown.count("and 1 shorter pair of sentences") == 2
    assert "possible translation, 60 %" in shown
    assert "possible translation, 60 %" in firsthand("show", abroad.ids["mojaz"], config=abroad).out


def test_the_html_report_has_the_sentences_side_by_side(firsthand, abroad):
    out = firsthand("report", "--format", "html", config=abroad).out
    assert out.count('<table class="pairs">') == 3              # a copy, an edition, a possible one
    assert '<td dir="auto" lang="ar">' in out
    assert "Translated copy" in out
    assert "Edition in another language" in out
