"""Digests and possible rewordings: shown on both sides, and ruled on."""

import json

import pytest


def shown(firsthand, stored, id_):
    return json.loads(firsthand("show", id_, "--json", config=stored).out)


def reported(firsthand, stored):
    return json.loads(firsthand("report", "--format", "json", config=stored).out)


def test_a_digest_is_shown_from_both_sides_and_ties_nothing(firsthand, linked):
    found = reported(firsthand, linked)
    assert {one["original"]["title"]: [digest["title"] for digest in one["carried_by"]] for one in found["stories"]} == {
        "Night ferry [red]returns[/red]": ["Monday in two stories"], "Apples by rail": ["Monday in two stories"]}
    digest = shown(firsthand, linked, linked.ids["digest"])
    assert (digest["role"], {one["article"] for one in digest["carries"]}) == (
        "single", {linked.ids["ferry"], linked.ids["garden"]})
    assert all(one["of_article"] == 1.0 and 0.3 < one["of_carrier"] < 0.7 for one in digest["carries"])
    carried = shown(firsthand, linked, linked.ids["ferry"])
    assert [(one["source"], one["of_article"]) for one in carried["carried_by"]] == [("Round-up", 1.0)]


@pytest.mark.parametrize("format_", ["table", "md", "html"])
def test_people_read_of_digests_and_rewordings(firsthand, linked, format_):
    out = firsthand("report", "--format", format_, config=linked).out.lower()
    assert out.count("carried whole by") == 2
    assert "possible rewording" in out
    assert "astronomers" in out


def test_show_says_it_in_words(firsthand, linked):
    out = firsthand("show", linked.ids["digest"], config=linked).out
    assert "carries The Orrin Post" in out
    assert "carries Vale Courier" in out
    assert "carried whole by Round-up" in firsthand("show", linked.stories["ferry"], config=linked).out


@pytest.mark.parametrize("way", [("light", "retold"), pytest.param(("retold", "light"), marks=pytest.mark.long)],
                         ids=["as told", "as printed"])
def test_a_confirmed_rewording_is_a_story_and_can_be_taken_back(firsthand, linked, way):
    (offered,) = reported(firsthand, linked)["possible_rewordings"]
    assert {offered["a"]["article"], offered["b"]["article"]} == {linked.ids["light"], linked.ids["retold"]}
    assert any("violin maker" in one["quote"] for one in offered["shared"])
    assert len(shown(firsthand, linked, linked.ids["light"])["possible_rewordings"]) == 1
    done = firsthand("verdict", linked.ids[way[0]], "confirm", linked.ids[way[1]], "--json", config=linked)
    assert (done.status, done.err) == (0, "")
    (story,) = json.loads(done.out)["stories"]
    assert [(copy["article"], copy["kind"], copy["verdict"]) for copy in story["copies"]] == [
        (linked.ids["retold"], "reworded", "confirm")]
    assert reported(firsthand, linked)["possible_rewordings"] == []
    assert shown(firsthand, linked, linked.ids["light"])["possible_rewordings"] == []
    firsthand("verdict", linked.ids["light"], "undo", config=linked)
    found = reported(firsthand, linked)
    assert len(found["possible_rewordings"]) == 1
    assert len(found["stories"]) == 2


def test_a_rejected_rewording_is_not_offered_again(firsthand, linked):
    assert firsthand("verdict", linked.ids["retold"], "reject", linked.ids["light"], config=linked).status == 0
    assert reported(firsthand, linked)["possible_rewordings"] == []
    firsthand("rematch", config=linked)
    assert reported(firsthand, linked)["possible_rewordings"] == []


def test_dedup_writes_what_is_related(firsthand, tmp_path):
    from tests.cli.conftest import more_drafts

    lines = [json.dumps({"id": name, "text": read.text, "source": source, "title": read.title, "url": url})
             for name, url, source, read, _ in more_drafts()]
    done = firsthand("dedup", "-", "--related", str(tmp_path / "related"), "--stories", str(tmp_path / "stories"),
                     stdin="\n".join(lines).encode())
    assert done.status == 0
    related = [json.loads(line) for line in (tmp_path / "related").read_text().splitlines()]
    assert [(one["relation"], {one["a"], one["b"]}) for one in related] == [
        ("carries", {"digest", "ferry"}), ("carries", {"digest", "garden"}), ("rewording", {"light", "retold"})]
    stories = [json.loads(line) for line in (tmp_path / "stories").read_text().splitlines()]
    assert {one["original"]: [each["id"] for each in one["carried_by"]] for one in stories} == {
        "ferry": ["digest"], "garden": ["digest"]}


@pytest.mark.long
def test_rulings_are_labels_with_their_texts(firsthand, linked):
    firsthand("verdict", linked.ids["light"], "confirm", linked.ids["retold"], "--note", "read both", config=linked)
    firsthand("verdict", linked.stories["ferry"], "reject", linked.ids["lantern"], config=linked)
    firsthand("verdict", linked.stories["ferry"], "undo", config=linked)
    (line,) = firsthand("export", "--format", "rulings", config=linked).out.splitlines()
    found = json.loads(line)
    assert (found["ruling"], found["note"], [one["article"] for one in found["texts"]]) == (
        "confirm", "read both", [linked.ids["light"], linked.ids["retold"]])
    assert "violin maker" in found["texts"][1]["text"]
