"""The set that was written for this repository: who copied what from whom, and who only looks as if.

`labelled/seen.jsonl` may be looked at, and the rules were chosen on it. `labelled/unseen.jsonl` was written by somebody who
had not seen the matcher; its texts are not looked at and nothing is chosen on them. A line is one of `firsthand dedup`
with a `label` beside it; README.md beside this file explains the labels.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import figures

from crawler.core.types import Relation, SourceFacts, Story
from crawler.dedup import Deduplicated, Document, deduplicate

FOLDER = Path(__file__).parent / "labelled"
HALVES = ("seen", "unseen")
_FIELDS = ("id", "text", "url", "source", "title", "published", "first_seen", "language", "appeared_after")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Directions:
    """Stories by what the election came to."""

    right: int = 0
    undecided: int = 0
    wrong: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one half comes to."""

    articles: int
    stories: int
    pairs: figures.Pairs
    rand: float
    kinds: tuple[int, int]            # copies with the labelled kind, of those in their story and not its original
    known: Directions                 # the direction is known, and the times agree
    misled: Directions                # the direction is known, and the times say otherwise
    first_seen: int                   # of all with a known direction: the first seen is the original
    open: Directions                  # nobody can know: `wrong` were decided
    apart: tuple[int, int]            # pairs that must not be in one story, and are not
    digests: tuple[int, int]          # articles that a digest carries, and is linked to
    rewordings: tuple[int, int, int]  # reworded pairs that are offered, all of them, all that is offered
    families: Mapping[str, figures.Pairs]   # the pairs, by language


def rows(half: str) -> list[Row]:
    """The articles of a half with their labels."""
    with (FOLDER / f"{half}.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def documents(found: Sequence[Row]) -> list[Document]:
    """The same without their labels."""
    return [Document(**{name: value for name in _FIELDS if (value := row.get(name)) is not None}) for row in found]


def facts(found: Sequence[Row]) -> dict[str, SourceFacts]:
    """What a configuration would know: which sources are agencies."""
    return {row["source"]: SourceFacts(row["source"], "agency") for row in found if row["label"].get("agency")}


def measure(half: str, jobs: int = 1) -> Measured:
    """Run the matcher over a half and compare with the labels."""
    found = rows(half)
    result = deduplicate(documents(found), jobs=jobs, facts=facts(found))
    ids = [row["id"] for row in found]
    truth = {row["id"]: row["label"]["story"] or row["id"] for row in found}
    placed = {one.id: one.story or one.id for one in result.rows}
    languages = sorted({row["language"] for row in found})
    directions = _directions(found, result)
    return Measured(
        len(found), len({row["label"]["story"] for row in found} - {None}), figures.pairs(ids, truth, placed),
        figures.rand(ids, truth, placed), _kinds(found, result), directions["known"], directions["timestamps-wrong"],
        _first_seen(found), directions["undecidable"], _apart(found, placed), _digests(found, result),
        _rewordings(found, result),
        {language: figures.pairs([row["id"] for row in found if row["language"] == language], truth, placed)
         for language in languages})


def _stories(found: Sequence[Row]) -> dict[str, list[Row]]:
    """The articles of each labelled story, its original first."""
    stories: dict[str, list[Row]] = {}
    for row in sorted(found, key=lambda row: row["label"]["role"] != "original"):
        if row["label"]["story"]:
            stories.setdefault(row["label"]["story"], []).append(row)
    return stories


def _direction(members: Sequence[Row]) -> str:
    """A story's times mislead where those of any of its copies do."""
    stated = {row["label"]["direction"] for row in members}
    return next(word for word in ("timestamps-wrong", "undecidable", "known") if word in stated)


def _directions(found: Sequence[Row], result: Deduplicated) -> dict[str, Directions]:
    by_member = {id_: one for one in result.stories for id_ in one.members}
    counts: Counter[tuple[str, str]] = Counter()
    for members in _stories(found).values():
        counts[_direction(members), _outcome(members[0], by_member.get(members[0]["id"]))] += 1
    return {word: Directions(counts[word, "right"], counts[word, "undecided"], counts[word, "wrong"])
            for word in ("known", "timestamps-wrong", "undecidable")}


def _outcome(original: Row, story: Story | None) -> str:
    if story is None or not story.decided:
        return "undecided"
    return "right" if story.original == original["id"] else "wrong"


def _first_seen(found: Sequence[Row]) -> int:
    """In how many stories with a known direction the original was also seen first: the usual rule."""
    return sum(min(members, key=lambda row: row["first_seen"])["label"]["role"] == "original"
               for members in _stories(found).values() if _direction(members) != "undecidable")


def _kinds(found: Sequence[Row], result: Deduplicated) -> tuple[int, int]:
    given = {one.id: one for one in result.rows}
    story_of = {row["id"]: row["label"]["story"] for row in found}
    asked = [row for row in found if row["label"]["kind"] and given[row["id"]].role == "copy"
             and story_of[given[row["id"]].original or ""] == row["label"]["story"]]
    return sum(given[row["id"]].kind == row["label"]["kind"] for row in asked), len(asked)


def _apart(found: Sequence[Row], placed: Mapping[str, str]) -> tuple[int, int]:
    story = {row["id"]: row["label"]["story"] for row in found}
    must = {frozenset((row["id"], other)) for row in found for other in row["label"]["against"]
            if not story[row["id"]] or story[row["id"]] != story[other]}
    return sum(len({placed[id_] for id_ in pair}) == len(pair) for pair in must), len(must)


def _digests(found: Sequence[Row], result: Deduplicated) -> tuple[int, int]:
    """A link to any version or copy of the carried article's story counts."""
    story = {row["id"]: row["label"]["story"] or row["id"] for row in found}
    linked = {(link.a, story[link.b]) for link in result.links if link.relation is Relation.CARRIES}
    wanted = {(row["id"], story[other]) for row in found for other in row["label"]["carries"]}
    return len(linked & wanted), len(wanted)


def _rewordings(found: Sequence[Row], result: Deduplicated) -> tuple[int, int, int]:
    offered = {frozenset((link.a, link.b)) for link in result.links if link.relation is Relation.REWORDING}
    story = {row["id"]: row["label"]["story"] or row["id"] for row in found}
    members: dict[str, list[str]] = {}
    for id_, name in story.items():
        members.setdefault(name, []).append(id_)
    wanted = [(row["id"], members[story[row["label"]["rewords"]]]) for row in found if row["label"]["rewords"]]
    return sum(any(frozenset((id_, other)) in offered for other in others) for id_, others in wanted), len(wanted), len(offered)


def language_pairs(found: Sequence[Row]) -> list[tuple[int, int]]:
    """Indices of the pairs of articles in one language."""
    return [(a, b) for a, b in combinations(range(len(found)), 2) if found[a]["language"] == found[b]["language"]]
