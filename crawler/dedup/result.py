"""What deduplicating documents comes to, as its callers read it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from crawler.core.types import Kind, Link, Match, Relation, Story


@dataclass(frozen=True, slots=True)
class Row:
    """One input document's part in the result; `dedup`'s output line."""

    id: str
    story: str | None
    original: str | None
    role: str
    kind: str | None
    similarity: float | None
    of_original: float | None
    of_copy: float | None
    matched: str | None


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """The result: rows in input order, verified pairs that are copies, stories with their articles' ids."""

    rows: tuple[Row, ...]
    pairs: tuple[Match, ...]
    stories: tuple[Story, ...]
    barred: Mapping[str, str] = field(default_factory=dict)   # id -> wall, "short" …
    links: tuple[Link, ...] = ()                              # what digests carry, possible rewordings


def named(one: Story) -> Story:
    """A story under the id of its original: the same documents give the same ids."""
    return replace(one, id="s-" + one.original)


def pairs(matches: Sequence[Match], stories: Sequence[Story], links: Sequence[Link]) -> Iterator[Match]:
    """The pairs that are copies; one of an original and its copy has the kind that the story gives it, which knows more
    than the two bodies: who is first, who credits an agency. A digest is no copy of what it carries."""
    kinds = {frozenset((one.original, copy.article)): copy.kind for one in stories for copy in one.copies}
    place = _placed(stories)
    edges = {(one.a, one.b) for one in links if one.relation is Relation.CARRIES}
    for each in matches:
        a, b = place.get(each.a, each.a), place.get(each.b, each.b)
        if each.copied and (each.a, b) not in edges and (each.b, a) not in edges:
            yield replace(each, kind=kinds.get(frozenset((each.a, each.b)), each.kind))


def apart(links: Iterable[Link], stories: Sequence[Story]) -> Iterator[Link]:
    """Possible rewordings, or translations, of articles that are in no story together, of each pair of stories the strongest."""
    place = _placed(stories)
    seen: set[frozenset[str]] = set()
    for link in sorted(links, key=lambda one: (_of_copies(one, place), -max(one.a_in_b, one.b_in_a), one.a, one.b)):
        pair = frozenset(place.get(id_, id_) for id_ in (link.a, link.b))
        if len(pair) > 1 and pair not in seen:
            seen.add(pair)
            yield link


def _of_copies(link: Link, place: Mapping[str, str]) -> int:
    """How many of the two are copies, where one may be the other translated: a person is asked about the original."""
    return sum(place.get(id_, id_) != id_ for id_ in (link.a, link.b)) if link.relation is Relation.TRANSLATION else 0


def _placed(stories: Sequence[Story]) -> dict[str, str]:
    """The original of each article that is in a story."""
    return {id_: one.original for one in stories for id_ in one.members}


def rows(ids: Sequence[str], stories: Sequence[Story]) -> Iterator[Row]:
    """A row for each document, in their order."""
    placed: dict[str, Row] = {}
    for one in stories:
        placed[one.original] = Row(one.original, one.id, one.original, "original", None, None, None, None, None)
        for copy in one.copies:
            role = "edition" if copy.kind is Kind.EDITION else "copy"
            placed[copy.article] = Row(copy.article, one.id, one.original, role, copy.kind.value, copy.similarity,
                                       copy.of_original, copy.of_copy, copy.matched)
    for id_ in ids:
        yield placed.get(id_) or Row(id_, None, None, "single", None, None, None, None, None)
