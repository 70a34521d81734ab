"""report and show on a store with two stories."""

import csv
import io
import json

import pytest


def titles(done):
    return [json.loads(line)["original"]["title"] for line in done.out.splitlines()]


def test_report_names_originals_and_copies(firsthand, stored):
    done = firsthand("report", "--format", "json", config=stored)
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["totals"] == {"articles": 6, "stories": 2, "copies": 3, "undecided": 0}
    ferry = next(one for one in found["stories"] if one["original"]["source"] == "The Orrin Post")
    assert [(copy["source"], copy["kind"], copy["lag_seconds"]) for copy in ferry["copies"]] == [
        ("Copy Portal", "wrapped", 5400), ("Lantern", "exact", 7200)]
    assert ferry["copies"][0]["evidence"][0]["quote"] == "Source: The Orrin Post"


FERRY, APPLES = "Night ferry [red]returns[/red]", "Apples by rail"


@pytest.mark.parametrize(("asked", "expected"), [
    (["--source", "The Orrin Post"], [FERRY]),
    (["--source", "The Orrin Post", "--role", "original"], [FERRY]),
    (["--source", "The Orrin Post", "--role", "copy"], []),
    (["--source", "Mirror", "--role", "copy"], [APPLES]),
    (["--language", "en"], [APPLES, FERRY]),
    (["--language", "ar"], []),
    (["--kind", "wrapped"], [FERRY]),
    (["--without", "exact"], [FERRY]),
    (["--min-copies", "2"], [FERRY]),
    (["--undecided"], []),
    (["--since", "2026-03-02T15:00:00Z"], [APPLES]),
    (["--until", "2026-03-02T12:05:00Z"], [FERRY]),
    (["--until", "2026-03-01"], []),
    (["--until", "2026-03-02"], [APPLES, FERRY]),
    (["--since", "2026-03-02", "--until", "2026-03-02"], [APPLES, FERRY]),
    (["--since", "1h"], []),
])
def test_report_shows_what_was_asked_for(firsthand, stored, asked, expected):
    done = firsthand("report", "--format", "jsonl", *asked, config=stored)
    assert (done.status, titles(done)) == (0, expected)


def test_report_without_a_kind_leaves_its_copies_out(firsthand, stored):
    done = firsthand("report", "--format", "csv", "--without", "exact", config=stored)
    assert [row["kind"] for row in csv.DictReader(io.StringIO(done.out))] == ["wrapped"]


@pytest.mark.parametrize("wrong", [["--since", "soon"], ["--since", "10"], ["--role", "copy"], ["--kind", "similar"],
                                   ["--min-copies", "0"], ["--format", "pdf"]])
def test_a_wrong_question_is_one_line_and_2(firsthand, stored, wrong):
    done = firsthand("report", *wrong, config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)


def test_report_replaces_a_file_whole_and_keeps_its_permissions(firsthand, stored, tmp_path):
    target = tmp_path / "report.html"
    target.write_text("old")
    target.chmod(0o640)
    before = target.stat().st_ino
    done = firsthand("report", "--format", "html", "-o", target, config=stored)
    assert (done.status, done.out) == (0, "")
    assert target.read_text().startswith("<!doctype html>")
    assert target.stat().st_mode & 0o777 == 0o640
    assert target.stat().st_ino != before
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".report")]


@pytest.mark.parametrize("target", ["nowhere/report.html", "."])
def test_a_file_that_cannot_be_written_is_one_line_and_1(firsthand, stored, target):
    done = firsthand("report", "-o", target, config=stored)
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert target in done.err


def test_table_shows_markup_of_a_title_as_text(firsthand, stored):
    assert FERRY in firsthand("report", config=stored).out


def test_show_a_story(firsthand, stored):
    done = firsthand("show", stored.stories["ferry"], config=stored)
    assert done.status == 0
    for words in (FERRY, "The Orrin Post", "wrapped: ", "Copy Portal", "1 h 30 min later", "“Source: The Orrin Post”",
                  "states published 2026-03-02 12:00:00 (json-ld: 2026-03-02T12:00:00Z)", "“The night ferry between"):
        assert words in done.out


def test_show_json_gives_passages_as_offsets_into_both_texts(firsthand, stored):
    found = json.loads(firsthand("show", stored.stories["ferry"], "--json", config=stored).out)
    passages = found["passages"][stored.ids["portal"]]
    assert passages[0]["original"][0] == 0
    assert passages[0]["copy"][0] > 90
    assert passages[0]["quote"].startswith("The night ferry between the mainland")
    assert {one["article"] for one in found["articles"]} == {stored.ids[name] for name in ("ferry", "portal", "lantern")}


def test_show_an_article(firsthand, stored):
    found = json.loads(firsthand("show", stored.ids["portal"], "--json", config=stored).out)
    assert (found["type"], found["role"], found["story"]) == ("article", "copy", stored.stories["ferry"])
    assert found["attributions"][0]["url"] == "https://post.example/ferry"
    assert "a copy" in firsthand("show", stored.ids["portal"], config=stored).out
    assert "in no story" in firsthand("show", stored.ids["light"], config=stored).out


def test_show_nothing_is_3(firsthand, stored):
    done = firsthand("show", "nosuch", config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (3, "", 1)
