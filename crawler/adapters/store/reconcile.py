"""Which story keeps which id when a set of articles is parted anew. Pure: stored stories and new ones in, ids out."""

import itertools
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from crawler.core.types import Story


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored story as far as it matters here."""

    id: str
    founded: datetime
    members: frozenset[str]


def members_of(story: Story) -> frozenset[str]:
    """The articles of a story."""
    return frozenset(story.members)


def inherit(standing: Sequence[Standing], stories: Sequence[Story]) -> tuple[dict[int, str], dict[str, int]]:
    """Who goes on as whom.

    First the ids that stories (by their place) keep: most shared members first, ties to the older story, then to the
    lower id, then to the lower original. Then the story (by its place) that each id that ends is succeeded by; an id
    with no successor is in neither.
    """
    shared = sorted(
        (-len(old.members & members_of(new)), old.founded, old.id, new.original, place)
        for old in standing for place, new in enumerate(stories) if old.members & members_of(new))
    kept: dict[int, str] = {}
    for _, _, id_, _, place in shared:
        if place not in kept and id_ not in kept.values():
            kept[place] = id_
    ended: dict[str, int] = {}
    for _, _, id_, _, place in shared:
        if id_ not in kept.values():
            ended.setdefault(id_, place)
    return kept, ended


def names(original: str) -> Iterator[str]:
    """Ids for a story founded on this article, in the order to try: "s" and 13 characters of base32, or 65 bits."""
    for count in itertools.count():
        seed = f"{original} {count}" if count else original
        yield "s" + b32encode(blake2b(seed.encode(), digest_size=10).digest()).decode().lower()[:13]


def follow(endings: Mapping[str, str | None], id_: str) -> str | None:
    """Where a chain of ended ids leads; None where the last one has no successor."""
    seen: set[str] = set()
    at: str | None = id_
    while at is not None and at in endings and at not in seen:
        seen.add(at)
        at = endings[at]
    return at
