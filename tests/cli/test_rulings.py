"""verdict: a ruling, what it leads to, and taking it back."""

import getpass
import json

import pytest


def ruled(firsthand, stored, *arguments):
    done = firsthand("verdict", *arguments, "--json", config=stored)
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out)


def members(found):
    return [[one["original"]["article"], *(copy["article"] for copy in one["copies"])] for one in found["stories"]]


def test_confirm_is_on_the_whole_story(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "confirm", "--note", "read both")
    assert found["verdict"]["who"] == getpass.getuser()
    assert (found["verdict"]["whole"], found["verdict"]["note"]) == (True, "read both")
    assert set(found["verdict"]["articles"]) == {stored.ids["portal"], stored.ids["lantern"]}
    assert found["stories"][0]["verdict"] == "confirm"
    shown = firsthand("show", stored.stories["ferry"], config=stored).out
    assert f"confirm by {getpass.getuser()} on the whole story: read both" in shown


def test_reject_one_and_undo(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "reject", stored.ids["lantern"])
    assert members(found) == [[stored.ids["ferry"], stored.ids["portal"]]]
    assert [one["article"] for one in found["single"]] == [stored.ids["lantern"]]
    back = ruled(firsthand, stored, stored.stories["ferry"], "undo")
    assert back["undone"]
    assert members(back) == [[stored.ids["ferry"], stored.ids["portal"], stored.ids["lantern"]]]


def test_reject_all_dissolves_and_undo_by_the_old_id_restores(firsthand, stored):
    done = firsthand("verdict", stored.ids["mirror"], "reject", config=stored)   # a story named by an article of it
    assert (done.status, done.out.count("in no story: ")) == (0, 2)
    assert len(ruled(firsthand, stored, stored.stories["garden"], "undo")["stories"]) == 1


def test_original_by_address(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "original", "https://lantern.example/ferry")
    assert members(found)[0][0] == stored.ids["lantern"]
    assert found["stories"][0]["confidence"] == 1.0


def test_licensed_makes_it_syndicated(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "licensed", stored.ids["lantern"])
    kinds = {copy["article"]: (copy["kind"], copy["verdict"]) for copy in found["stories"][0]["copies"]}
    assert kinds[stored.ids["lantern"]] == ("syndicated", "licensed")


def test_split_the_original_off(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "split", stored.ids["ferry"])
    assert [one["article"] for one in found["single"]] == [stored.ids["ferry"]]
    assert set(members(found)[0]) == {stored.ids["portal"], stored.ids["lantern"]}


def test_merge(firsthand, stored):
    found = ruled(firsthand, stored, stored.stories["ferry"], "merge", stored.stories["garden"])
    assert set(members(found)[0]) == {stored.ids[name] for name in ("ferry", "portal", "lantern", "garden", "mirror")}


@pytest.mark.parametrize(("arguments", "status"), [
    (["nosuch", "confirm"], 3), (["ferry", "reject", "nosuch"], 3), (["ferry", "undo"], 3), (["light", "confirm"], 3),
    (["ferry", "original"], 2), (["ferry", "original", "lantern", "portal"], 2), (["ferry", "split"], 2), (["ferry", "merge"], 2),
    (["ferry", "merge", "ferry"], 2), (["ferry", "undo", "portal"], 2), (["ferry", "reject", "ferry"], 2),
    (["ferry", "split", "ferry", "portal", "lantern"], 2), (["ferry", "perhaps"], 2), (["ferry"], 2)])
def test_what_cannot_be_ruled_changes_nothing(firsthand, stored, arguments, status):
    given = [stored.ids.get(one, one) for one in arguments]
    done = firsthand("verdict", *given, config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)
    found = json.loads(firsthand("show", stored.stories["ferry"], "--json", config=stored).out)
    assert found["verdicts"] == []
