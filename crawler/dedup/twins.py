"""Documents with one and the same text of one outlet: the first few are judged, and the others follow the first.

A wall, a test page or a feed that is read again and again can give a text a million times. Such documents have the same
keys and the same matches, and of one source only the first can be the original.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from crawler.core import urls
from crawler.core.types import UNOBSERVED, Article, Copy, Kind, Story

JUDGED = 20      # articles of one outlet with one text that are judged each for itself


@dataclass(frozen=True, slots=True)
class Twins:
    """`first` are judged; `followers` are the others, by the article that they follow."""

    first: Mapping[str, Article]
    followers: Mapping[str, Sequence[Article]]

    @classmethod
    def of(cls, given: Sequence[Article], window: timedelta) -> "Twins":
        """Part the articles, independent of their order."""
        alike: dict[tuple[str, str, str], list[Article]] = {}
        for one in given:
            alike.setdefault((one.text, one.source, urls.site(one.url)), []).append(one)
        followers = {group[0].id: group[JUDGED:] for twins in alike.values() if len(twins) > JUDGED
                     for group in _near(twins, window) if len(group) > JUDGED}
        follow = {one.id for group in followers.values() for one in group}
        return cls({one.id: one for one in given if one.id not in follow}, followers)

    def joined(self, stories: Iterable[Story]) -> Iterator[Story]:
        """The stories with those that follow their members."""
        for one in stories:
            copies = {copy.article: copy for copy in one.copies}
            more = [_copy(follower, self.first[id_], copies.get(id_)) for id_ in one.members
                    for follower in self.followers.get(id_, ())]
            yield replace(one, copies=(*one.copies, *more)) if more else one

    def barred(self, barred: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Who is no article, and why; what follows shares the lot of its leader."""
        yield from barred.items()
        for leader, group in self.followers.items():
            if leader in barred:
                yield from ((one.id, barred[leader]) for one in group)


def _near(twins: list[Article], window: timedelta) -> Iterator[list[Article]]:
    """Groups of which each is seen within the window of the first: the others could not be compared with it."""
    twins.sort(key=lambda one: (one.first_seen == UNOBSERVED, one.first_seen, one.id))
    group: list[Article] = []
    for one in twins:
        if group and UNOBSERVED not in (one.first_seen, group[0].first_seen) and one.first_seen - group[0].first_seen > window:
            yield group
            group = []
        group.append(one)
    yield group


def _copy(follower: Article, leader: Article, copy: Copy | None) -> Copy:
    """The follower of a copy is a copy like it; that of an original is a later version, or has the same text."""
    if copy is not None:
        said = tuple(each for each in copy.evidence if each.evidence != "back-dated")   # which is each one's own
        return replace(copy, article=follower.id, evidence=said)
    return Copy(follower.id, Kind.REVISION if leader.source else Kind.EXACT, leader.id, 1.0, 1.0, 1.0)
