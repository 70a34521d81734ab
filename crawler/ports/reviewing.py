"""What a person asks of the database: lists and tallies, one story or article whole, rulings."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Protocol

from crawler.core.types import Article, Link, Story, Verdict
from crawler.ports.records import Backlog


@dataclass(frozen=True, slots=True)
class StoryQuery:
    """Which stories; times compare with the first sighting of any member. None and empty mean no limit."""

    since: datetime | None = None
    until: datetime | None = None
    source: str | None = None
    role: Literal["original", "copy"] | None = None
    language: str | None = None
    kinds: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    min_copies: int = 1
    undecided: bool = False
    state: Literal["undecided", "decided", "ruled"] | None = None
    words: str = ""                         # stories found by every one of these words, by how they begin
    max_copies: int | None = None
    feeds: frozenset[int] | None = None     # the original was listed by one of these; empty: by none, so no story


@dataclass(frozen=True, slots=True)
class StoredStory:
    """A story with its articles, the original first, then the copies in the order of `story.copies`."""

    story: Story
    articles: tuple[Article, ...]
    updated: datetime
    history: tuple[dict[str, Any], ...] = ()   # {"at", "event", "original", "previous"}
    verdicts: tuple[Verdict, ...] = ()
    carriers: tuple[tuple[Link, Article], ...] = ()   # digests that carry a member whole
    copies: int | None = None   # how many there are, without revisions, where `articles` may hold fewer

    @property
    def version(self) -> str:
        """What a person who rules has seen: it changes with the original, the members, their kinds and the rulings,
        and not with the figures, which every new poll may move."""
        one = self.story
        seen = [one.id, one.original, one.decided, one.verdict, one.outside,
                sorted((copy.article, copy.kind.value, copy.verdict or "") for copy in one.copies),
                [each.id for each in self.verdicts]]
        return blake2b(json.dumps(seen).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Shelf:
    """Stories of a list, with the first of their copies and without texts; `next` is where the list goes on."""

    stories: tuple[StoredStory, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many stories match a query, by what has been decided of them."""

    undecided: int = 0
    decided: int = 0    # by what was computed
    ruled: int = 0      # by a person's word on the whole of it

    @property
    def all(self) -> int:
        """All of them."""
        return self.undecided + self.decided + self.ruled


@dataclass(frozen=True, slots=True)
class Flow:
    """What one source copied from another. Revisions do not count."""

    copier: str
    origin: str
    copies: int
    kinds: dict[str, int]
    share: float                      # mean share of the original that stands in the copies
    lag: int | None = None            # median, in seconds; None where it was not asked for


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What is stored of a source. Revisions do not count."""

    source: str
    articles: int
    originals: int      # stories of which it is the original
    copies: int         # its articles that are copies
    copied: int         # copies of its articles, by whomever
    kinds: dict[str, int] = field(default_factory=dict)   # of its copies
    stories: int = 0    # in which it has a part
    lag: int | None = None   # median of its copies, in seconds

    @property
    def first(self) -> float | None:
        """Share of the stories in which it has a part that it published first."""
        return self.originals / self.stories if self.stories else None

    @property
    def copied_share(self) -> float | None:
        """Share of its articles that are copies."""
        return self.copies / self.articles if self.articles else None


@dataclass(frozen=True, slots=True)
class Change:
    """A story that changed, or ended: then `successor` is the one it went into, None where it was dissolved."""

    revision: int
    story: str
    at: datetime
    ended: bool = False
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class PastRuling:
    """A ruling, standing or taken back."""

    verdict: Verdict
    undone_by: str | None = None
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """All that is kept of one article."""

    article: Article
    story: str | None
    role: Literal["original", "copy", "single"]
    sightings: tuple[dict[str, Any], ...] = ()  # {"feed", "key", "link", "title", "without", "seen", "claims"}
    revisions: tuple[dict[str, Any], ...] = ()  # {"at", "title", "text"}; the first is the first text
    reservations: tuple[dict[str, str], ...] = ()
    held: bool = False
    forgotten: bool = False


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A raw page as fetched."""

    article: str
    url: str                    # what answered, after redirects; older databases have the canonical form here
    fetched: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals for `status`."""

    feeds: int
    failing: int
    articles: int
    stories: int
    copies: int
    undecided: int
    backlog: Backlog = field(default_factory=lambda: Backlog(0, 0, 0, None))


class Reviewing(Protocol):
    """What a person asks of the database; part of `ports.Store`, whose promises hold."""

    async def stories(self, query: StoryQuery) -> list[StoredStory]:
        """Stories, undecided first, then the newest."""
        ...

    async def browse(
        self, query: StoryQuery, after: str | None = None, limit: int = 25, *,
        order: Literal["queue", "founded", "changed"] = "queue",
    ) -> Shelf:
        """A part of a list of stories, from where `next` of the part before it says: undecided first, then the newest
        ("queue"); the newest found first; the last changed first. Raises UsageError for a bad `after`."""
        ...

    async def beyond(self, query: StoryQuery, story: str) -> str | None:
        """The id that comes after this story in the list of the query, or the first where this one is not in it (any
        more) or is its last; None where there is no other."""
        ...

    async def tally(self, query: StoryQuery) -> Tally:
        """How many stories `browse` would list, whatever `query.state` says."""
        ...

    async def languages(self) -> dict[str, int]:
        """The languages of originals, with how many stories; the most frequent first."""
        ...

    async def sources(self, since: datetime | None = None) -> list[SourceFigures]:
        """Every source that has a part in a story whose latest member was seen since then; by copies, then by name.
        `articles` counts what is stored in all."""
        ...

    async def source(self, name: str) -> SourceFigures | None:
        """One of them; None where it has a part in no story."""
        ...

    async def flows(
        self, *, copier: str | None = None, origin: str | None = None, since: datetime | None = None, limit: int = 100,
    ) -> list[Flow]:
        """Who copied whom, of copies seen since then, most copies first."""
        ...

    async def lags(self, bounds: Sequence[int], *, copier: str | None = None, origin: str | None = None) -> list[int]:
        """How many copies came within each of these lags (seconds, ascending), those beyond the last at the end: one
        count more than bounds. Copies seen before the original count in the first."""
        ...

    async def some_stories(self, ids: Sequence[str]) -> list[StoredStory]:
        """Stories by id, without texts; unknown ids and ids that ended are left out."""
        ...

    async def copies_of(self, source: str, limit: int) -> list[tuple[str, str]]:
        """(story, article) of the copies of a source, the last seen first."""
        ...

    async def changes(self, after: int, limit: int) -> list[Change]:
        """What changed after a revision, oldest first: each story once, as of its last change, and each end of one."""
        ...

    async def story(self, story_id: str) -> StoredStory:
        """One story, following tombstones. Raises NotFoundError."""
        ...

    async def article(self, article_id: str) -> StoredArticle:
        """One article. Raises NotFoundError."""
        ...

    async def kept(self, ids: Sequence[str]) -> list[StoredArticle]:
        """Articles whole, in the order asked; unknown ids are left out, forgotten ones are not."""
        ...

    async def pages(self, article_id: str) -> list[StoredPage]:
        """Raw pages kept of an article, oldest first."""
        ...

    def export(self, *, originals: bool) -> AsyncIterator[StoredArticle]:
        """Every article that is not forgotten, in order of first sighting."""
        ...

    async def counts(self, now: datetime) -> Counts:
        """Totals."""
        ...

    async def add_verdict(self, verdict: Verdict, expected: str | None = None) -> Verdict:
        """Store a ruling and mark the articles it names for judging; returns it with its id.

        With `expected`, only where the story's `version` still is that. Raises ConflictError, NotFoundError.
        """
        ...

    async def undo_verdict(
        self, story: str, who: str, at: datetime, expected: str | None = None, id_: int | None = None,
    ) -> Verdict:
        """Take a ruling on the story back, the newest standing one where no id is given. Raises NotFoundError where
        there is none, and ConflictError as above."""
        ...

    async def past_rulings(self, story: str) -> list[PastRuling]:
        """Every ruling that was ever made on the story or names one of its articles, oldest first."""
        ...
