"""The data that flow: frozen, slotted, aware datetimes (UTC) only.

    Entry (what a feed says) -> Article (what was read) -> Body (without the site's own repetitions)
    -> Match (two bodies) -> Story (articles tied by matches) -> Election (which one is the original, and why)
"""

from crawler.core.types.judged import (
    NAMES,
    UNCOUNTED,
    Copy,
    Evidence,
    Kind,
    Link,
    Match,
    Passage,
    Refusal,
    Relation,
    Settled,
    SourceFacts,
    Story,
    Translation,
    Verdict,
)
from crawler.core.types.read import (
    UNOBSERVED,
    Article,
    Page,
    Reservation,
    Window,
)
from crawler.core.types.said import (
    Attribution,
    AttributionKind,
    Claim,
    Dropped,
    Entry,
    FeedHints,
    FeedState,
    Origin,
    ParsedFeed,
    Push,
    Resolution,
    Zone,
)

__all__ = [
    "NAMES",
    "UNCOUNTED",
    "UNOBSERVED",
    "Article",
    "Attribution",
    "AttributionKind",
    "Claim",
    "Copy",
    "Dropped",
    "Entry",
    "Evidence",
    "FeedHints",
    "FeedState",
    "Kind",
    "Link",
    "Match",
    "Origin",
    "Page",
    "ParsedFeed",
    "Passage",
    "Push",
    "Refusal",
    "Relation",
    "Reservation",
    "Resolution",
    "Settled",
    "SourceFacts",
    "Story",
    "Translation",
    "Verdict",
    "Window",
    "Zone",
]
