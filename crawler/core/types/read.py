"""What was read and seen: pages, windows of observation, articles."""

from dataclasses import dataclass
from datetime import UTC, datetime

from crawler.core.types.said import Attribution, Claim


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
    alternates: tuple[str, ...] = ()  # hreflang URLs: what the page calls its own editions in other languages
