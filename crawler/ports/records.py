"""What goes into the store and comes out of it, beside the data of the core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from crawler.core.types import Article, Entry, FeedState, Page, Push, Window
from crawler.settings import FeedConfig


class Claimed(Protocol):
    """A piece of work under a lease. A later claim of the same `id` has another `token`, and fences this one off."""

    @property
    def id(self) -> int | str:
        """Of the feed, the sighting, the article."""
        ...

    @property
    def token(self) -> int:
        """Grows with each claim."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as stored. `token` fences a claimed poll: a later claim makes `finish_poll` raise LeaseLostError."""

    id: int
    url: str
    source: str
    config: FeedConfig
    state: FeedState
    token: int = 0
    push: Push | None = None     # what its hub has promised, where it has


@dataclass(frozen=True, slots=True)
class Turn:
    """A request may begin at a host. `id` is None where as many run as may: then `start` is when to ask again."""

    id: int | None
    start: datetime


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry in the document just polled, with the canonical form of its link."""

    entry: Entry
    url: str            # canonical, `core.urls.canonical`


@dataclass(frozen=True, slots=True)
class PollStored:
    """What a poll added."""

    new: int
    known: int
    changed: int        # known, with another title, date or content: queued again as "revisit"


@dataclass(frozen=True, slots=True)
class Sighting:
    """An entry of a feed that waits to be collected, or a page that an article names as its source."""

    id: int
    purpose: Literal["entry", "revisit", "attribution"]
    feed_id: int | None
    feed_url: str | None
    source: str | None          # of the feed; None for an attribution page
    tags: tuple[str, ...]
    entry: Entry
    url: str                    # canonical
    window: Window | None       # None for an attribution page
    attempts: int               # how often it has failed before
    token: int
    article: str | None = None  # for a revisit: which article
    known: str | None = None    # the article at its URL when it was claimed, see `Store.article_at`


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as collected, before it is stored. `id` is `core.urls.article_id(url)`."""

    id: str
    url: str                    # canonical
    aliases: tuple[str, ...]    # other canonical forms that led here: entry link, redirect hops, AMP
    host: str
    source: str
    page: Page
    status: int                 # HTTP status, 0 where the feed's own content was taken
    fetched: datetime
    units: tuple[int, ...]      # keys of paragraphs and sentences, `core.boilerplate.unit_keys`
    body: bytes | None = None   # raw page, stored compressed
    headers: tuple[tuple[str, str], ...] = ()
    address: str = ""           # where a reader finds it: `url` is a key, and need not be reachable as written
    page_url: str = ""          # what answered with `body`, after redirects; without user:pass
    text_hash: int | None = None    # of the page's text, `core.text.whole_key`; None: not known yet


@dataclass(frozen=True, slots=True)
class Saved:
    """What storing a draft did."""

    article: str
    outcome: Literal["new", "revision", "known"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """An article claimed for judging."""

    article: Article
    token: int
    units: tuple[int, ...] = ()     # keys of its paragraphs and sentences, as when it was stored
    text_hash: int = 0              # `core.text.whole_key` of its text

    @property
    def id(self) -> str:
        """Of the article."""
        return self.article.id


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an article is judged among, before it is in the index."""

    holders: Mapping[int, Sequence[str]]        # of its units, see `Store.unit_holders`
    alike: Sequence[tuple[str, str]]            # (id, title) of the articles of its host with the same normalised text


@dataclass(frozen=True, slots=True)
class Counterparts:
    """Whom an article may be a copy of, or they of it."""

    alike: Sequence[tuple[str, str]]            # as above
    readings: Sequence[tuple[Article, frozenset[int]]]      # candidates, and what it had a match with, with what each leaves out
    matched: Mapping[str, bool]                 # see `Store.matched`
    bound: bool                                 # something else hangs on it: a story, a ruling, a link

    @property
    def alone(self) -> bool:
        """Nothing has been found of it before, and nothing hangs on it."""
        return not self.matched and not self.bound


@dataclass(frozen=True, slots=True)
class Recognised:
    """Which entries of a document a feed has not listed before, by their keys."""

    new: frozenset[str] = frozenset()       # to be stored
    renamed: frozenset[str] = frozenset()   # key unknown, but the feed has listed the link, or the title, under another key
    settled: bool = False                   # all are known, and nothing of them is to be stored


@dataclass(frozen=True, slots=True)
class HostState:
    """What is kept of a host across restarts."""

    host: str
    pause_until: datetime | None = None      # a public host that asked for quiet
    robots: bytes | None = None
    robots_status: int | None = None         # HTTP status; 0 and below for none, see pages.py
    robots_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, and when the next thing is due."""

    feeds_due: int
    entries: int               # waiting to be collected now (retries that are not due are not counted)
    unjudged: int
    next_poll: datetime | None


@dataclass(frozen=True, slots=True)
class StoryChange:
    """A story whose original, membership or decision changed; the pipeline logs it, webhooks send it."""

    story: str
    event: Literal["story", "original-changed", "merged", "dissolved", "changed"]
    original: str | None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What housekeeping removed."""

    pages: int = 0
    articles: int = 0
    entries: int = 0
    keys: int = 0
