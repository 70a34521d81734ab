"""The floors hold on the labelled set, a floor is never lowered, and both halves cover what they must."""

import json
from collections import Counter

import labelled
import pytest
import quality

from crawler.core.types import Kind

FLOORS = json.loads(quality.BASELINE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("half", labelled.HALVES)
def test_no_figure_is_below_its_floor(half):
    reached = quality.floors(half, labelled.measure(half))
    assert set(reached) == {name for name in FLOORS if name.startswith(f"{half} ")}
    assert {name: value for name, value in reached.items() if value < FLOORS[name]} == {}


def test_a_floor_rises_and_never_falls(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(quality, "BASELINE", tmp_path / "baseline.json")
    quality.BASELINE.write_text('{"high": 0.9, "low": 0.5, "elsewhere": 1.0}')
    assert quality._judged({"high": 0.7, "low": 0.71239}, rises=True) == 1
    assert json.loads(quality.BASELINE.read_text()) == {"high": 0.9, "low": 0.712, "elsewhere": 1.0}
    assert capsys.readouterr().err == "high: 0.7000 is below its floor of 0.9000\n"


@pytest.mark.parametrize("half", labelled.HALVES)
def test_each_half_covers_every_kind_and_every_hard_negative(half):
    found = labelled.rows(half)
    kinds = Counter(row["label"]["kind"] for row in found if row["label"]["kind"])
    assert set(kinds) == set(Kind) - {Kind.TRANSLATION, Kind.EDITION, Kind.REWORDED}   # the set is within languages
    negatives = {word for row in found if row["label"]["negative"] for word in row["label"]["negative"].split(",")}
    assert negatives >= {"same-event", "quotation", "tweet", "transcript", "template", "wall", "digest", "rewording", "live",
                         "boilerplate"}


def test_the_set_is_as_large_as_it_is_said_to_be():
    found = [row for half in labelled.HALVES for row in labelled.rows(half)]
    assert len(found) >= 150
    assert len({row["language"] for row in found}) >= 6
    stories = {}
    for row in found:
        stories.setdefault(row["label"]["story"], []).append(row)
    stories.pop(None)
    assert len(stories) >= 60
    assert sum(labelled._direction(members) == "timestamps-wrong" for members in stories.values()) >= 30
