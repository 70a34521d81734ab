"""The data that flow: frozen, slotted, aware datetimes (UTC) only.

    Entry (what a feed says) -> Article (what was read) -> Body (without the site's own repetitions)
    -> Match (two bodies) -> Story (articles tied by matches) -> Election (which one is the original, and why)
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class FeedHints:
    """How often a feed asks to be read."""

    ttl: timedelta | None = None            # RSS ttl
    update_period: timedelta | None = None  # sy:updatePeriod / sy:updateFrequency
    skip_hours: frozenset[int] = frozenset()  # 0..23, UTC
    skip_days: frozenset[int] = frozenset()   # Monday is 0


@dataclass(frozen=True, slots=True)
class Dropped:
    """An entry that was refused, and why."""

    reason: Literal["link", "duplicate_key", "too_many", "filtered", "empty"]
    detail: str


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


@dataclass(frozen=True, slots=True)
class Reservation:
    """A page's word on text and data mining, kept with it."""

    kind: str   # "tdm-reservation", "robots noai", "robots noimageai", "x-robots-tag noai", "tdm-policy", …
    value: str


@dataclass(frozen=True, slots=True)
class Page:
    """What was read from the bytes of an article page. Everything is a claim of the page."""

    title: str
    text: str                                # paragraphs joined by "\n"
    language: str | None                     # ISO 639-1, judged by the text
    canonical: str | None = None             # rel=canonical on the page's own registrable domain
    claims: tuple[Claim, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    walls: tuple[str, ...] = ()              # why the text may be no article: consent, login, paywall, script, challenge, soft-404, short, list, cpu
    reservations: tuple[Reservation, ...] = ()
    alternates: tuple[str, ...] = ()         # hreflang URLs
    site_name: str | None = None
    notes: tuple[str, ...] = ()              # what was cut or repaired on the way: "cut at 30000 elements", …


UNOBSERVED = datetime(1970, 1, 1, tzinfo=UTC)
"""`first_seen` of a text that nobody saw appear (a line given to `dedup` without a time): no evidence of when."""


@dataclass(frozen=True, slots=True)
class Window:
    """What was observed: the last poll of a feed without the article, and the first with it."""

    without: datetime | None   # None: the feed had not been polled before
    seen: datetime
    inferred: bool = False     # from when other articles of the source were seen: weaker than a poll


@dataclass(frozen=True, slots=True)
class Article:
    """A stored article: what it says, and when it was seen. `text` is the first text; later ones are revisions."""

    id: str
    url: str                         # as a reader opens it
    source: str
    title: str
    text: str
    language: str | None
    first_seen: datetime
    window: Window | None = None     # the tightest over all sightings; None for a page in no feed
    claims: tuple[Claim, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    walls: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()      # URLs of the feeds it was seen in
    revisions: int = 1


class Kind(StrEnum):
    """How a copy relates to the original; `interface.md`'s words."""

    EXACT = "exact"
    NEAR = "near"
    WRAPPED = "wrapped"
    EXCERPT = "excerpt"
    PARTIAL = "partial"
    TRANSLATION = "translation"
    REVISION = "revision"
    SYNDICATED = "syndicated"
    REWORDED = "reworded"      # only ever by a person's word


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of text that stands in both: character offsets, half open, into both texts."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int
    words: int


class Refusal(StrEnum):
    """Why two articles that share text are related, and none is a copy of the other."""

    LITTLE = "little"        # less than the configured containment
    QUOTED = "quoted"        # they quote the same people
    TEMPLATE = "template"    # two articles of one source by one template
    TABLE = "table"          # two issues of one table
    WALL = "wall"            # the same few words under two headlines of which they say nothing


@dataclass(frozen=True, slots=True)
class Match:
    """Two articles that share text, `a < b` by id. Shares are in 0..1."""

    a: str
    b: str
    similarity: float          # exact Jaccard of the word shingles of the two bodies
    a_in_b: float              # share of a's body that stands in b
    b_in_a: float
    shared: int                # shingles in common …
    longest: int               # words of the longest shared run
    unquoted: float            # share of the shared words that are not quotations, posts or turns of a transcript
    kind: Kind                 # read with the fuller text as the original
    copied: bool               # False: related, not copied
    passages: tuple[Passage, ...] = ()
    a_extra: int = 0           # words of a's own text around and between the passages, site phrases included
    b_extra: int = 0
    rules: int = 1             # version of the rules that judged it
    a_words: int = 0           # words of a's body
    b_words: int = 0
    same: bool = False         # word for word the same body
    a_inserted: int = 0        # words of a's own put in between, beyond what b has there
    b_inserted: int = 0
    containment: float = 0.0   # … and their share of the shorter one's: what decides
    told: float = 0.0          # share of the shorter one's own words, not other people's, that stand in the other
    refused: Refusal | None = None   # why it is only related
    vouched: bool = False      # a copy by less than the containment, because one of them names the other as its source


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the configuration knows of a source."""

    name: str
    kind: Literal["agency", "publisher", "aggregator"] = "publisher"
    domains: tuple[str, ...] = ()
    licensed: tuple[tuple[str, date | None, date | None], ...] = ()  # (from, since, until)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason; `evidence` is a word of the closed list in `core.elect`."""

    evidence: str
    detail: str = ""
    quote: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's ruling. It names articles, not stories, so that it survives every re-run.

    `articles` are those ruled on; `anchor` is the story's original at the time of the ruling.
    """

    id: int
    ruling: Literal["confirm", "reject", "licensed", "original", "split", "merge"]
    story: str
    anchor: str
    articles: tuple[str, ...]
    who: str
    at: datetime
    note: str = ""
    whole: bool = False        # on the whole story


class Relation(StrEnum):
    """How two articles belong together that are no copies."""

    CARRIES = "carries"        # the first is a digest, and the second stands whole in it
    REWORDING = "rewording"    # one may retell the other in other words: for a person to say


@dataclass(frozen=True, slots=True)
class Link:
    """Two articles that belong together, and whose stories it does not join. Shares are in 0..1."""

    relation: Relation
    a: str                                 # the digest; of a rewording the one from which the other was found
    b: str
    a_in_b: float                          # share of a's body that stands in b
    b_in_a: float
    phrases: tuple[Passage, ...] = ()      # of a rewording: what only these two share


@dataclass(frozen=True, slots=True)
class Settled:
    """What a set of tied articles comes to."""

    stories: tuple["Story", ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """A member of a story other than its original."""

    article: str
    kind: Kind
    matched: str               # the id it was matched with
    similarity: float
    of_original: float
    of_copy: float
    evidence: tuple[Evidence, ...] = ()
    verdict: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Articles tied by matches, with one original."""

    id: str
    original: str
    confidence: float                     # 0..1 that `original` is the earliest known source
    decided: bool
    why: tuple[Evidence, ...]
    copies: tuple[Copy, ...]
    outside: str | None = None            # "original outside the feeds: NAME"
    verdict: str | None = None
    rivals: tuple[str, ...] = field(default=())  # where undecided: between whom
