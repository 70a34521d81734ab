"""What feeds and pages say: entries, claims of time, attributions; and what polling knows of a feed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class Origin(StrEnum):
    """Where a claim of time was read."""

    JSON_LD = "json-ld"
    META = "meta"
    TIME = "time"
    FEED = "feed"
    SITEMAP = "sitemap"
    INPUT = "input"        # a line given to `dedup`
    HTTP = "http"          # Last-Modified
    HTMLDATE = "htmldate"  # a day guessed from the page


class Resolution(StrEnum):
    """How finely a time was stated."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"


class Zone(StrEnum):
    """Whether a time came with its zone."""

    STATED = "stated"
    ASSUMED = "assumed"  # taken from what the configuration knows of the source
    UNKNOWN = "unknown"  # read as UTC, may be off by up to 14 hours


@dataclass(frozen=True, slots=True)
class Claim:
    """A time that somebody states for an article. A claim is never evidence by itself of when it appeared."""

    what: Literal["published", "modified"]
    origin: Origin
    raw: str                   # as written
    at: datetime | None        # UTC; start of the day where `resolution` is DAY; None where not understood
    resolution: Resolution = Resolution.SECOND
    zone: Zone = Zone.STATED


class AttributionKind(StrEnum):
    """How an article says that it comes from somewhere else; the values are the report's evidence words."""

    DECLARED_COPY = "declared-copy"              # a sentence by which the site says that it copies
    NAMES_SOURCE = "names-source"                # a source label, a source link, a feed's <source>
    CANONICAL_ELSEWHERE = "canonical-elsewhere"  # rel=canonical on another registrable domain
    BASED_ON = "based-on"                        # JSON-LD isBasedOn, meta original-source and their like
    AGENCY_CREDIT = "agency-credit"              # a byline or credit line that names an agency
    DATELINE = "dateline"                        # "PARIS (Reuters) -"


@dataclass(frozen=True, slots=True)
class Attribution:
    """One statement that an article comes from somewhere else."""

    kind: AttributionKind
    name: str | None = None   # whom it names
    url: str | None = None    # absolute http(s) URL that it links
    quote: str | None = None  # the words, at most 300 characters
    where: str = ""           # "link rel=canonical", "json-ld isBasedOn", "feed source", "body", "byline", …


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a feed, as the feed claims it."""

    key: str                   # id or guid, else the link: unique within the document
    link: str                  # absolute http(s) URL
    title: str = ""            # plain text
    summary: str = ""          # plain text
    content: str | None = None  # HTML of the full content, where the feed carries it
    language: str | None = None
    author: str | None = None
    claims: tuple[Claim, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    flags: tuple[str, ...] = ()  # what bars the article behind it from copy decisions, such as "unstable_ids"


@dataclass(frozen=True, slots=True)
class FeedHints:
    """How often a feed asks to be read."""

    ttl: timedelta | None = None            # RSS ttl
    update_period: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: frozenset[int] = frozenset()  # 0..23, UTC
    skip_days: frozenset[int] = frozenset()   # Monday is 0


@dataclass(frozen=True, slots=True)
class Dropped:
    """An entry that was refused, and why; or `count` of them."""

    reason: Literal["link", "duplicate_key", "too_many", "filtered", "empty", "unreadable"]
    detail: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document that was understood."""

    format: Literal["rss", "rdf", "atom", "json", "sitemap"]
    title: str
    entries: tuple[Entry, ...]              # in feed order
    site: str | None = None                 # home page
    language: str | None = None
    hints: FeedHints = FeedHints()
    self_url: str | None = None
    hub: str | None = None                  # WebSub
    dropped: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Push:
    """A hub that is bound to push what a feed brings: a subscription that it has verified."""

    since: datetime                    # when it was first verified
    until: datetime                    # when its lease ends
    last: datetime | None = None       # when it last brought a new entry
    entries: int = 0                   # new ones that it has brought since `since`


@dataclass(frozen=True, slots=True)
class FeedState:
    """What polling knows of a feed; `core.schedule` alone computes the next one."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None              # of the last body that was parsed
    last_poll: datetime | None = None         # any attempt
    last_success: datetime | None = None      # a 200 that parsed, an unchanged body, a 304
    last_full: datetime | None = None         # a 200
    next_poll: datetime | None = None         # None: never polled, due now
    retry_after: datetime | None = None       # the server's word: nothing goes before it
    interval: timedelta = timedelta(minutes=30)
    polls: int = 0                            # successes in the sliding count
    news: float = 0.0                         # of these, the share-weighted count that brought something new
    streak: int = 0                           # consecutive successes in the same direction (adaptive rule)
    failures: float = 0.0                     # weighted sum since the last success
    reason: str | None = None                 # errors.Reason of the last failure, else None
    detail: str | None = None
    entries: int = 0                          # in the last document
    hints: FeedHints = FeedHints()
    permanent_url: str | None = None          # proposed by 301/308
    permanent_count: int = 0                  # consecutive answers that proposed it
    disabled: str | None = None               # why it is no longer polled, e.g. "410 Gone"
    moved_to: str | None = None               # the permanent address that was adopted; polled instead of the configured
    rate: float = 0.0                         # new entries an hour, over the last hours (adaptive rule)
    rhythm: tuple[float, ...] = ()            # new entries an hour, for each hour of the UTC day; empty: not learned
    day: str | None = None                    # the UTC day of `today`
    today: int = 0                            # new entries on that day
    unstable: int = 0                         # documents in a row most of whose entries had another name before
    whole: bool = True                        # every wanted entry of the last document was read
    last_whole: datetime | None = None        # where not: the last success that was whole
    patterns: str = ""                        # digest of `keep` and `drop`, by which the last document was read
    hub: str | None = None                    # WebSub: whom the last document names as its hub,
    topic: str | None = None                  # and what it calls itself there
    pushed: int = 0                           # `Push.entries` as of the last success
    unpushed: bool = False                    # the last polls brought what the hub should have pushed
