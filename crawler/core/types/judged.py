"""What is made of articles: matches, links, stories, and the rulings of persons."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """How a copy relates to the original; `interface.md`'s words."""

    EXACT = "exact"
    NEAR = "near"
    WRAPPED = "wrapped"
    EXCERPT = "excerpt"
    PARTIAL = "partial"
    TRANSLATION = "translation"
    REVISION = "revision"
    EDITION = "edition"        # the publisher's own version in another language
    SYNDICATED = "syndicated"
    REWORDED = "reworded"      # only ever by a person's word


UNCOUNTED = frozenset({Kind.REVISION, Kind.EDITION})
"""The publisher's own: in the story, and no copies."""


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
    DOUBTFUL = "doubtful"    # perhaps a translation: a person says


NAMES = "names"    # no encoder: what names and numbers tell of a text in whatever language


@dataclass(frozen=True, slots=True)
class Translation:
    """What makes two articles of two languages one. The passages of its match are pairs of sentences."""

    encoder: str
    probability: float             # that one is the other translated
    order: float                   # share of the best pairs that stand in one order in both
    scores: tuple[float, ...]      # of each passage: how alike its two sides are, in 0..1


@dataclass(frozen=True, slots=True)
class Match:
    """Two articles that share text, `a < b` by id. Shares are in 0..1.

    Of a translation what is counted are not shingles but segments, about sentences: `shared` pairs, and `similarity` and
    `containment` are shares of these; `a_in_b` and `b_in_a` are of words, those of the sentences that have a partner.
    """

    a: str
    b: str
    similarity: float          # exact Jaccard of the word shingles of the two bodies
    a_in_b: float              # share of a's body that stands in b
    b_in_a: float
    shared: int                # shingles in common; `containment` is their share of the shorter one's
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
    containment: float = 0.0   # share of the shorter one's shingles found in the other: what decides
    told: float = 0.0          # share of the shorter one's own words, not other people's, that stand in the other
    refused: Refusal | None = None   # why it is only related
    vouched: bool = False      # a copy by less than the containment, because one of them names the other as its source
    translation: Translation | None = None


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
    TRANSLATION = "translation"   # one may be the other translated: for a person to say


@dataclass(frozen=True, slots=True)
class Link:
    """Two articles that belong together, and whose stories it does not join. Shares are in 0..1."""

    relation: Relation
    a: str                                 # the digest; of a rewording the one from which the other was found
    b: str
    a_in_b: float                          # share of a's body that stands in b
    b_in_a: float
    phrases: tuple[Passage, ...] = ()      # of a rewording: what only these two share; of a translation the pairs of sentences
    translation: Translation | None = None


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
    rivals: tuple[str, ...] = ()  # where undecided: between whom

    @property
    def members(self) -> tuple[str, ...]:
        """Its articles: the original, then the copies."""
        return self.original, *(copy.article for copy in self.copies)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a set of tied articles comes to."""

    stories: tuple[Story, ...] = ()
    links: tuple[Link, ...] = ()
