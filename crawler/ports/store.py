"""The database: one contract for SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from crawler.core.types import Article, FeedState, Link, Match, Relation, Story, Verdict
from crawler.ports.outward import OutwardStore
from crawler.ports.records import (
    Backlog,
    Counterparts,
    Draft,
    Feed,
    HostState,
    Judgement,
    PollStored,
    Pruned,
    Recognised,
    Saved,
    SeenEntry,
    Sighting,
    StoryChange,
    Surroundings,
    Turn,
)
from crawler.ports.reviewing import Reviewing
from crawler.ports.vectors import VectorStore
from crawler.settings import FeedConfig

Work = Literal["poll", "collect", "judge", "push", "subscribe", "deliver"]
"""The kinds of work that are claimed under a lease."""


class Store(Reviewing, OutwardStore, VectorStore, Protocol):
    """The database: queues, articles, the index, stories. One contract for SQLite and PostgreSQL.

    Every method is one transaction. Raises StoreError (out of reach, full, locked, read-only, wrong version) and
    LeaseLostError where a token is out of date; NotFoundError where stated. No SQL exception leaves it.
    All datetimes are aware UTC. Nothing foreign is trusted: NUL and lone surrogates never reach it (the doors strip
    them), any other text may.
    """

    @property
    def shared(self) -> bool:
        """Whether workers on other machines may work on it at the same time."""
        ...

    async def time(self) -> datetime:
        """The present by the database's clock, which is one for all that work on it."""
        ...

    # feeds
    async def sync_feeds(
        self, feeds: Sequence[tuple[FeedConfig, str]], now: datetime, longest: timedelta = timedelta(days=31),
    ) -> None:
        """Make the stored list equal the configured one, by URL: (config, source). State of known feeds stays;
        feeds no longer listed keep their articles and are not polled. What lies too far ahead is brought near, see
        `reset_clock`."""
        ...

    async def reset_clock(self, now: datetime, longest: timedelta) -> None:
        """A clock was wrong, or has been set back. No feed waits longer than `longest` (or its `every`, or a day's
        back-off), unless its server asked for it; nothing that a server asked for lies beyond 31 days, nor does a
        page that is asked for again. Leases need nothing: one that ends more than an hour ahead is none."""
        ...

    async def feeds(self) -> list[Feed]:
        """Every configured feed, in configuration order."""
        ...

    async def make_due(self, feed_ids: Sequence[int] | None, now: datetime) -> int:
        """A person's wish: these feeds (None: all) are due now, except disabled ones and where the feed's
        `retry_after` or its host's pause lies ahead. Returns how many became due."""
        ...

    async def claim_feeds(
        self, now: datetime, lease: timedelta, limit: int, only: Sequence[int] | None = None,
        *, due: datetime | None = None,
    ) -> list[Feed]:
        """Feeds that were due at `due` (now), of `only` where given; their `next_poll` reserved by now + their interval
        before anything is requested; never those of a paused host; at most one claim a feed at a time, and so many of
        one host that a slow one does not take every place."""
        ...

    async def renew(
        self, queue: Work, tokens: Mapping[int | str, int], now: datetime,
        lease: timedelta,
    ) -> set[int | str]:
        """Claimed work, id -> token, is still in hand: its leases now end at now + lease. Returns the ids that somebody
        else has claimed since, or that are gone; of work that has been finished neither is said."""
        ...

    async def recognise(self, feed: Feed, entries: Sequence[SeenEntry], now: datetime | None = None) -> Recognised:
        """Which of these entries the feed has not listed before, and which of them under another name. With `now` also
        whether `finish_poll` at that time would write none of them."""
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

    async def save_robots(self, state: HostState) -> None:
        """Store what is known of a host's robots.txt; its pause stays as it is."""
        ...

    async def pause_host(self, host: str, until: datetime) -> None:
        """The host asked for quiet; of two such wishes the later one holds."""
        ...

    async def take_turn(self, host: str, now: datetime, delay: timedelta, most: int, lease: timedelta) -> Turn:
        """Reserve the next start of a request at a host for at most `lease` from there: `delay` after the one reserved
        before, or as long after it as that one's delay says, where that is longer; none where `most` requests are in flight there, whoever's they are."""
        ...

    async def end_turn(self, turn: Turn) -> None:
        """The request has ended, or is not made."""
        ...

    async def take_robots(self, host: str, now: datetime, lease: timedelta) -> bool:
        """Whether to ask the host for its robots.txt: False while somebody else does, at most for `lease`. Saving it
        ends that."""
        ...

    async def take_page(self, host: str, now: datetime, most: int) -> bool:
        """Count a page that is asked of a host on this day (UTC); False, and not counted, where it has had so many."""
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

    async def postpone(self, sighting: Sighting, until: datetime, reason: str, detail: str) -> None:
        """Nothing was tried: wait until then, for this reason. No failure is counted."""
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

    async def dropped(self, articles: Sequence[str]) -> dict[str, frozenset[int]]:
        """For each article the units that were left out when it was last judged."""
        ...

    async def put_keys(
        self, article: str, keys: Sequence[int], seen: datetime, *, dropped: Sequence[int] | None = None,
        crowded: Sequence[int] = (), token: int | None = None,
    ) -> int:
        """Replace the article's index keys (unsigned 64 bit). Committed before candidates are asked for.

        Where `dropped` is given: these units of the article were left out. The first time for an article, other holders of
        its `crowded` units that were judged when these had fewer holders, and kept them, are marked for judging again;
        returns how many. Not at a later time: what a source repeats follows from who holds what, and has not changed
        since. Raises LeaseLostError, as `save_matches` does, where the `token` of the claim is no longer good."""
        ...

    async def candidates(
        self, article: str, keys: Sequence[int], since: datetime, until: datetime, limit: int,
    ) -> list[str]:
        """Articles that share a key, seen within [since, until], ranked by the sum over shared keys of
        1/(holders in the window), best `limit`; ties by id, see `core.fingerprint.ranked`. Deterministic. Not the article itself."""
        ...

    async def articles(self, ids: Sequence[str]) -> list[Article]:
        """Stored articles in the order asked; unknown and forgotten ids are left out."""
        ...

    async def readings(self, ids: Sequence[str]) -> list[tuple[Article, frozenset[int]]]:
        """The same, each with the units that were left out when it was last judged."""
        ...

    async def surroundings(self, judgement: Judgement, host: str, cap: int) -> Surroundings:
        """Who holds the units of an article, at most `cap` each, and which articles of `host` have its text."""
        ...

    async def counterparts(
        self, judgement: Judgement, host: str, keys: Sequence[int], window: timedelta, limit: int,
    ) -> Counterparts:
        """What there is to compare an article with: its `candidates` first seen within the window on either side, and
        what it was matched with before; in order of id."""
        ...

    async def matched(self, article: str) -> dict[str, bool]:
        """Articles that have a match with this one, in order of id: whether one is copied, or only related."""
        ...

    async def match(self, a: str, b: str) -> Match | None:
        """The stored match of two articles."""
        ...

    async def save_matches(
        self, article: str, matches: Sequence[Match], asked: Sequence[str] | None = None, *,
        links: Sequence[Link] = (), token: int | None = None,
    ) -> None:
        """Replace the matches of the article with those in `asked` (None: with all). Others stay: another judge may
        have found them meanwhile. And replace the possible rewordings and translations that were found from it."""
        ...

    async def component(self, article: str, limit: int) -> tuple[list[str], list[Match]]:
        """The articles reachable over matches with `copied`, and over shared stories and merge verdicts, at most
        `limit`, with the matches among them."""
        ...

    async def verdicts(self, articles: Sequence[str]) -> list[Verdict]:
        """Standing rulings that name any of these articles, as anchor or among `articles`, oldest first."""
        ...

    async def rulings(self) -> list[Verdict]:
        """Every standing ruling, oldest first."""
        ...

    def electing(self, articles: Sequence[str]) -> AbstractAsyncContextManager[None]:
        """Held while the components of these articles are read, partitioned and saved, so that two judges of one story
        cannot cross. What is written under it, in the same task, raises LeaseLostError where it is held no longer: its
        holder was frozen, or cut off, and others have gone on."""
        ...

    async def save_stories(
        self, members: Sequence[str], stories: Sequence[Story], now: datetime, links: Sequence[Link] = (),
    ) -> list[StoryChange]:
        """Replace the stories of these articles, and what digests carry of them, or they as digests: `links`. A story keeps the id of the stored story with which it shares
        most members (ties: the older); an id that ends is kept as a tombstone that points to its successor."""
        ...

    async def links(self, articles: Sequence[str]) -> list[Link]:
        """The links of any of these articles, by relation and ids; possible ones only while they are open, see below."""
        ...

    async def possible(self, relation: Relation, since: datetime | None, until: datetime | None, limit: int) -> list[Link]:
        """Possible rewordings, or translations, that nobody has ruled on, of articles in no story together, strongest
        first; the later article was seen within [since, until]."""
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

    async def next_poll(self) -> datetime | None:
        """When the next feed is due; it may have to wait longer, for its host. None where there is no feed. Cheap."""
        ...

    # a person's word
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

    async def verify(self) -> None:
        """Before anything is written: raises StoreError where the database is damaged, as far as a second can tell."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
