"""What the pipeline asks of the outside world, with what each port promises and which errors it may raise."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from crawler.core.types import (
    Article,
    Claim,
    Entry,
    FeedState,
    Match,
    Page,
    Story,
    Verdict,
    Window,
)
from crawler.errors import Reason
from crawler.settings import FeedConfig

T = TypeVar("T")

Clock = Callable[[], datetime]
"""The present as an aware datetime in UTC. Only `app.py` hands out the real one."""


# --- fetching ---------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Request:
    """One GET. `kind` selects the byte cap; credentials go to the URL's own origin only."""

    url: str
    kind: Literal["feed", "page", "robots"] = "page"
    etag: str | None = None
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    auth: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 2xx answer, whole and decompressed. Header names are lower case, in order of arrival."""

    url: str                      # as requested
    final_url: str                # after redirects
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime                  # when the answer was complete
    permanent_url: str | None = None  # where a chain of 301/308 only led to, else None
    private: bool = False         # the host stands in `private_networks`


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A 304 to a conditional request."""

    headers: tuple[tuple[str, str], ...]
    at: datetime
    permanent_url: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered and said no: 4xx, 5xx, 429, a challenge. `headers` carries Retry-After and Date."""

    reason: Reason
    detail: str
    status: int
    headers: tuple[tuple[str, str], ...]
    at: datetime
    private: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer."""

    reason: Reason
    detail: str
    at: datetime


Outcome = Fetched | Unchanged | Refused | Failed


class Fetcher(Protocol):
    """HTTP. One call is one GET plus its redirects; nothing is retried silently. Raises nothing but cancellation."""

    async def get(self, request: Request) -> Outcome:
        """Fetch, keeping the global and the per-host concurrency and the per-host delay between starts."""
        ...

    def set_delay(self, host: str, delay: timedelta) -> None:
        """Raise the delay between starts for a host (robots.txt Crawl-delay); never lowers the configured one."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Pool(Protocol):
    """Worker processes for everything that parses foreign bytes or takes CPU time."""

    async def run(self, function: Callable[..., T], *args: Any, timeout: float) -> T:
        """Call a picklable module-level function in a worker.

        Raises WorkerError(CPU) when `timeout` seconds pass (the worker is killed), WorkerError(MEMORY) when it runs
        out of memory or dies; an exception of the function itself is raised as it is.
        """
        ...

    async def close(self) -> None:
        """End the workers."""
        ...


# --- the store --------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as stored. `token` fences a claimed poll: a later claim makes `finish_poll` raise LeaseLostError."""

    id: int
    url: str
    source: str
    config: FeedConfig
    state: FeedState
    token: int = 0


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
    attempts: int
    token: int
    article: str | None = None  # for a revisit: which article


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


@dataclass(frozen=True, slots=True)
class HostState:
    """What is kept of a host across restarts."""

    host: str
    pause_until: datetime | None = None      # a public host that asked for quiet
    robots: bytes | None = None
    robots_status: int | None = None         # HTTP status, 0 for unreachable
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


@dataclass(frozen=True, slots=True)
class StoredStory:
    """A story with its articles, the original first, then the copies in the order of `story.copies`."""

    story: Story
    articles: tuple[Article, ...]
    updated: datetime
    history: tuple[dict[str, Any], ...] = ()   # {"at", "event", "original", "previous"}
    verdicts: tuple[Verdict, ...] = ()


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
    url: str
    fetched: datetime
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Pruned:
    """What housekeeping removed."""

    pages: int = 0
    articles: int = 0
    entries: int = 0
    keys: int = 0


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


class Store(Protocol):
    """The database: queues, articles, the index, stories. One contract for SQLite and PostgreSQL.

    Every method is one transaction. Raises StoreError (out of reach, full, locked, read-only, wrong version) and
    LeaseLostError where a token is out of date; NotFoundError where stated. No SQL exception leaves it.
    All datetimes are aware UTC. Nothing foreign is trusted: NUL and lone surrogates never reach it (the doors strip
    them), any other text may.
    """

    # feeds
    async def sync_feeds(self, feeds: Sequence[tuple[FeedConfig, str]], now: datetime) -> None:
        """Make the stored list equal the configured one, by URL: (config, source). State of known feeds stays;
        feeds no longer listed keep their articles and are not polled. `next_poll` is clamped to now + 31 days."""
        ...

    async def feeds(self) -> list[Feed]:
        """Every configured feed, in configuration order."""
        ...

    async def make_due(self, feed_ids: Sequence[int] | None, now: datetime) -> int:
        """A person's wish: these feeds (None: all) are due now, except disabled ones and where the feed's
        `retry_after` or its host's pause lies ahead. Returns how many became due."""
        ...

    async def claim_feeds(self, now: datetime, lease: timedelta, limit: int) -> list[Feed]:
        """Due feeds, their `next_poll` reserved by now + their interval before anything is requested; never
        those of a paused host; at most one claim a feed at a time."""
        ...

    async def new_keys(self, feed: Feed, keys: Sequence[str]) -> set[str]:
        """Which of these entry keys the feed has not shown before."""
        ...

    async def finish_poll(
        self, feed: Feed, state: FeedState, entries: Sequence[SeenEntry], now: datetime,
    ) -> PollStored:
        """Entries and validators in one transaction. A new (feed, key) becomes a waiting sighting with window
        (last successful poll before this one, now); a URL that another feed already brought is a second sighting
        of the same article. A key seen under another link, or a known link under another key, is an alias."""
        ...

    # hosts
    async def host(self, host: str) -> HostState:
        """What is kept of a host; an empty state where nothing is."""
        ...

    async def save_host(self, state: HostState) -> None:
        """Store the state of a host."""
        ...

    # collecting
    async def claim_sightings(self, now: datetime, lease: timedelta, limit: int) -> list[Sighting]:
        """Waiting sightings whose retry time has come, the oldest first, spread over hosts."""
        ...

    async def article_at(self, url: str) -> str | None:
        """The id of the article at a canonical URL or one of its aliases. Forgotten articles count."""
        ...

    async def attach(self, sighting: Sighting, article: str, now: datetime) -> None:
        """The sighting is of an article that is already stored: tighten its window, mark it for judging if the
        window, claims or attributions changed."""
        ...

    async def save_article(self, draft: Draft, sighting: Sighting | None, now: datetime) -> Saved:
        """Store a draft with its units, mark it for judging and finish the sighting. Known id and same text: as
        `attach`. Known id, other text: a revision beside the first text, which is never overwritten. A forgotten
        article stays forgotten."""
        ...

    async def fail_sighting(
        self, sighting: Sighting, reason: str, detail: str, retry: datetime | None, now: datetime,
    ) -> None:
        """Note the failure; wait until `retry`, or give up where it is None (kept with its reason, counted)."""
        ...

    async def want_page(self, url: str, named_by: str, now: datetime, link: str | None = None) -> bool:
        """Queue a page that an article names as its source (`follow_attribution`); False where it is known.

        `url` is the canonical form, `link` the address to request, where that is another.
        """
        ...

    async def waiting_for(self, article: str) -> str | None:
        """The article that the page this one names became, once it is stored; else None."""
        ...

    # judging
    async def claim_unjudged(self, now: datetime, lease: timedelta, limit: int) -> list[Judgement]:
        """Articles that wait to be judged, oldest first."""
        ...

    async def unit_holders(self, source: str, units: Sequence[int], cap: int) -> dict[int, list[str]]:
        """For each key the articles of the source that hold it, at most `cap`, lowest ids first. Forgotten
        articles do not count."""
        ...

    async def set_dropped(self, article: str, dropped: Sequence[int], crowded: Sequence[int] = ()) -> int:
        """These units of the article were left out. The first time for an article, other holders of its `crowded`
        units that were judged when these had fewer holders, and kept them, are marked for judging again; returns how
        many. Not at a later time: what a source repeats follows from who holds what, and has not changed since."""
        ...

    async def dropped(self, articles: Sequence[str]) -> dict[str, frozenset[int]]:
        """For each article the units that were left out when it was last judged."""
        ...

    async def put_keys(self, article: str, keys: Sequence[int], seen: datetime) -> None:
        """Replace the article's index keys (unsigned 64 bit). Committed before candidates are asked for."""
        ...

    async def candidates(
        self, article: str, keys: Sequence[int], since: datetime, until: datetime, limit: int,
    ) -> list[str]:
        """Articles that share a key, seen within [since, until], ranked by the sum over shared keys of
        1/(holders in the window), best `limit`; ties by id. Deterministic. Not the article itself."""
        ...

    async def articles(self, ids: Sequence[str]) -> list[Article]:
        """Stored articles in the order asked; unknown and forgotten ids are left out."""
        ...

    async def same_text(self, host: str, text_hash: int) -> list[tuple[str, str]]:
        """(id, title) of articles of one host with the same normalised text: walls and templates."""
        ...

    async def matched(self, article: str) -> dict[str, bool]:
        """Articles that have a match with this one, in order of id: whether one is copied, or only related."""
        ...

    async def save_matches(self, article: str, matches: Sequence[Match], asked: Sequence[str] | None = None) -> None:
        """Replace the matches of the article with those in `asked` (None: with all). Others stay: another judge may
        have found them meanwhile."""
        ...

    async def component(self, article: str, limit: int) -> tuple[list[str], list[Match]]:
        """The articles reachable over matches with `copied`, and over shared stories and merge verdicts, at most
        `limit`, with the matches among them."""
        ...

    async def verdicts(self, articles: Sequence[str]) -> list[Verdict]:
        """Standing rulings that name any of these articles, as anchor or among `articles`, oldest first."""
        ...

    def electing(self) -> AbstractAsyncContextManager[None]:
        """Held while a component is read, partitioned and saved, so that two judges cannot cross."""
        ...

    async def save_stories(self, members: Sequence[str], stories: Sequence[Story], now: datetime) -> list[StoryChange]:
        """Replace the stories of these articles. A story keeps the id of the stored story with which it shares
        most members (ties: the older); an id that ends is kept as a tombstone that points to its successor."""
        ...

    async def finish_judging(self, judgement: Judgement, now: datetime) -> None:
        """The article is judged, unless it was marked again meanwhile."""
        ...

    async def mark_unjudged(self, since: datetime | None, articles: Sequence[str] | None = None) -> int:
        """Mark articles for judging again (`rematch`, a verdict); returns how many."""
        ...

    async def mark_indexed(self, articles: Sequence[str]) -> int:
        """Mark those of these articles that have keys for judging again; returns how many."""
        ...

    async def backlog(self, now: datetime) -> Backlog:
        """What waits."""
        ...

    # reading
    async def stories(self, query: StoryQuery) -> list[StoredStory]:
        """Stories, undecided first, then the newest."""
        ...

    async def story(self, story_id: str) -> StoredStory:
        """One story, following tombstones. Raises NotFoundError."""
        ...

    async def article(self, article_id: str) -> StoredArticle:
        """One article. Raises NotFoundError."""
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

    # a person's word
    async def add_verdict(self, verdict: Verdict) -> Verdict:
        """Store a ruling and mark the articles it names for judging; returns it with its id."""
        ...

    async def undo_verdict(self, story: str, who: str, at: datetime) -> Verdict:
        """Take the newest standing ruling on the story back. Raises NotFoundError where there is none."""
        ...

    async def hold(self, id_: str) -> int:
        """Keep the pages of a story or article beyond the retention; returns how many. Raises NotFoundError."""
        ...

    async def forget(self, article_id: str, now: datetime) -> None:
        """Erase text, title, pages, units, keys, matches; keep a tombstone by URL hash. Raises NotFoundError."""
        ...

    async def prune(self, pages_before: datetime, articles_before: datetime) -> Pruned:
        """Housekeeping. Held pages stay, and articles of a story that has a verdict."""
        ...

    async def backup(self, target: Path) -> None:
        """A consistent copy of the database while it is in use. Never overwrites. Raises StoreError."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


__all__ = [
    "Article", "Backlog", "Claim", "Clock", "Counts", "Draft", "Failed", "Feed", "Fetched", "Fetcher", "HostState",
    "Judgement", "Outcome", "PollStored", "Pool", "Pruned", "Refused", "Request", "Saved", "SeenEntry", "Sighting",
    "Store", "StoredArticle", "StoredPage", "StoredStory", "StoryChange", "StoryQuery", "Unchanged",
]
