"""The whole way on the invented news world: what the crawler concludes against what is true of each publication."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from crawler import demo
from crawler.core import urls
from crawler.newsworld import Truth, World

WORLD = World(demo.START)
TRUTH = {one.id: one for one in WORLD.truth}


@pytest.fixture(scope="session")
def report() -> dict[str, Any]:
    """The report of one crawled day."""
    return asyncio.run(demo.crawl_world())


@pytest.fixture(scope="session")
def judged(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By canonical URL: role, kind, and the story as reported."""
    found = {}
    for story in report["stories"]:
        found[urls.canonical(story["original"]["url"])] = {"role": "original", "kind": None, "story": story, "row": story["original"]}
        for copy in story["copies"]:
            found[urls.canonical(copy["url"])] = {"role": "copy", "kind": copy["kind"], "story": story, "row": copy}
    return found


def of(judged: Mapping[str, dict[str, Any]], one: Truth) -> dict[str, Any]:
    known = (judged[key] for url in (one.url, *one.aliases) if (key := urls.canonical(url)) in judged)
    return next(known, {"role": "single", "kind": None, "story": None, "row": None})


@pytest.mark.parametrize("id_", sorted(id_ for id_, one in TRUTH.items() if not one.optional))
def test_each_publication_is_judged_rightly(judged: dict[str, dict[str, Any]], id_: str) -> None:
    one = TRUTH[id_]
    found = of(judged, one)
    if one.decided:
        assert (found["role"], found["kind"]) == (one.role, one.kind), one.why
    else:
        assert found["role"] in ("original", "copy"), one.why
    if found["role"] == "original":
        assert found["story"]["decided"] == one.decided, one.why


def test_stories_hold_who_belongs_together_and_nobody_else(judged: dict[str, dict[str, Any]]) -> None:
    together: dict[str, set[str]] = {}
    for one in TRUTH.values():
        if (found := of(judged, one))["story"] is not None:
            together.setdefault(found["story"]["id"], set()).add(one.story or one.id)
    assert all(len(labels) == 1 for labels in together.values()), together


def test_the_case_that_this_project_exists_for(judged: dict[str, dict[str, Any]]) -> None:
    """An Arabic aggregator wraps an article in its own phrases, an hour later; the report says how it knows."""
    wrapped = [(one, of(judged, one)) for one in TRUTH.values() if one.kind == "wrapped"]
    assert len(wrapped) >= 8
    for one, found in wrapped:
        assert found["kind"] == "wrapped"
        assert found["row"]["of_original"] >= 0.95, one.id
    declared = [found for one, found in wrapped if one.source == "بوابة الموجز"]
    assert declared
    for found in declared:
        evidence = {each["evidence"]: each for each in found["row"]["evidence"]}
        assert "اقتباسه آليا" in evidence["declared-copy"]["quote"].replace("ً", "")
        assert evidence["names-source"]["href"].startswith("http")


def test_copies_come_after_their_originals_and_windows_hold_them(report: dict[str, Any]) -> None:
    for story in report["stories"]:
        for row in (story["original"], *story["copies"]):
            if row["appeared_between"] and row["appeared_between"][0]:
                without, seen = row["appeared_between"]
                assert without < seen == row["first_seen"]


def test_the_world_was_polled_politely(report: dict[str, Any]) -> None:
    assert report["totals"]["articles"] >= 80
    assert report["totals"]["stories"] == len(report["stories"])
