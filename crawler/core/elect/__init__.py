"""Members of a story and what is known of each -> the original, why, and how sure.

Rules, strongest first (`WEIGHTS` are log-odds that x came before y)
    1. a person's ruling;
    2. what a copy says of itself: it declares to be a copy, names or links its source, has its canonical address
       elsewhere, credits an agency;
    3. observed appearance: x stood in its feed before the last poll of y's feed that did not have y;
    4. claimed times that lie within what was observed, with their resolution and zone;
    5. text direction: y carries x's name, in a line that says whose the text is, or elsewhere;
    6. windows that overlap, by how much of one lies before the other;
    7. first sighting, which is a fact about the crawler and weak.
A source's later versions are never the original: only its first one stands for it. Of those that are left the original
is the member whose weakest case against any other is the strongest (maximin): a total order over the
set, ties by first sighting and id. It is decided where that weakest case is at least `DECIDED`.
Invariants: any permutation gives the same answer; a claim outside what was observed is no evidence, it is called
back-dated; a contradiction lowers the confidence and is shown.
Known exceptions: where nobody attributes and windows overlap, the story is undecided between those whose windows do.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from crawler.core import phrases, urls
from crawler.core.elect.candidates import Candidate, candidates, licensed, points_to
from crawler.core.elect.cases import AGENCY_KINDS, WEIGHTS, carries, log_odds, sooner
from crawler.core.elect.why import copy_evidence, why
from crawler.core.types import UNOBSERVED, Article, AttributionKind, Evidence, SourceFacts, Verdict

__all__ = ["DECIDED", "Candidate", "Election", "candidates", "carries", "copy_evidence", "elect", "licensed", "log_odds", "points_to",
           "sooner"]

SUREST = 0.99                       # weights are judgements, not a calibration: only a person is certain
DECIDED = 0.75                      # probability, against the closest rival
_CONTENDERS = 60   # a story of a thousand copies has few that can be first; the cost is their square


@dataclass(frozen=True, slots=True)
class Election:
    """Who is the original, and why. `confidence` is a probability against the closest rival."""

    original: str
    confidence: float
    decided: bool
    why: tuple[Evidence, ...]
    rivals: tuple[str, ...] = ()
    outside: str | None = None


def elect(
    members: Sequence[Article], facts: Mapping[str, SourceFacts], verdicts: Sequence[Verdict] = (),
) -> Election:
    """The original among `members` (at least one)."""
    ruled = _ruled({article.id for article in members}, verdicts)
    everyone = candidates(sorted(members, key=_order), facts)
    if ruled is not None:
        return Election(ruled.anchor if ruled.ruling == "confirm" else ruled.articles[0], 1.0, True,
                        (Evidence("verdict", f"{ruled.ruling} by {ruled.who}", quote=ruled.note or None),))
    field_ = _contenders(_first_versions(everyone))
    cases = {one.article.id: min((log_odds(one, other) for other in field_ if other is not one), default=math.inf)
             for one in field_}
    best = max(field_, key=lambda one: cases[one.article.id])  # the first of equals: earliest sighting, then id
    return _elected(best, everyone)


def _order(article: Article) -> tuple[bool, datetime, datetime, str]:
    """Between equals: the earliest sighting, what nobody saw appear last, and that by what it claims; then the id."""
    stated = min((claim.at for claim in article.claims if claim.at), default=datetime.max.replace(tzinfo=UTC))
    return article.first_seen == UNOBSERVED, article.first_seen, stated, article.id


def _ruled(ids: set[str], verdicts: Sequence[Verdict]) -> Verdict | None:
    """The newest ruling that names one of these as the original."""
    for verdict in sorted(verdicts, key=lambda one: (one.at, one.id), reverse=True):
        named = verdict.articles[:1] if verdict.ruling == "original" else (
            (verdict.anchor,) if verdict.ruling == "confirm" and verdict.whole else ())
        if named and named[0] in ids:
            return verdict
    return None


def _first_versions(everyone: list[Candidate]) -> list[Candidate]:
    """Of each source the one that it had first: its later versions are history, and never the original."""
    first: dict[str, Candidate] = {}
    for one in everyone:
        source = one.article.source or one.article.id
        first[source] = min(first.get(source, one), one, key=_age)
    return [one for one in everyone if first[one.article.source or one.article.id] is one]


def _age(one: Candidate) -> tuple[datetime, datetime, str]:
    """First sighting, and for those of one poll, or that nobody saw appear, what they claim."""
    claims = one.span[0] if one.span else None
    seen = one.article.first_seen if one.article.first_seen != UNOBSERVED else claims or datetime.max.replace(tzinfo=UTC)
    return seen, claims or seen, one.article.id


def _contenders(everyone: list[Candidate]) -> list[Candidate]:
    """Those who can be first: not those who say that they copy somebody, unless all do; the earliest sixty."""
    named = {id_ for one in everyone for id_ in one.points}
    kept = [one for one in everyone
            if not (one.declares or one.points) or one.article.id in named] or everyone
    return kept[:_CONTENDERS]


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _elected(best: Candidate, everyone: list[Candidate]) -> Election:
    others = [one for one in everyone if one is not best]
    odds = {one.article.id: log_odds(best, one) for one in others if not _is_version(best, one)}
    confidence = _probability(min(odds.values(), default=6.0))
    rivals = tuple(one.article.id for one in others if _probability(odds.get(one.article.id, math.inf)) < DECIDED)
    outside = _outside(best) or _common_agency(best, others)
    reasons = tuple(why(best, others))
    return Election(best.article.id, round(min(confidence, SUREST), 3), not rivals, reasons, rivals, outside)


def _is_version(best: Candidate, other: Candidate) -> bool:
    return bool(best.article.source) and best.article.source == other.article.source


def _outside(best: Candidate) -> str | None:
    """Whom the best candidate itself names as its source, where that is nobody in the set."""
    strong = [one for one in best.abroad if one.kind is not AttributionKind.NAMES_SOURCE or one.name or one.url]
    for each in sorted(strong, key=lambda one: (-WEIGHTS[one.kind.value], one.name or "", one.url or "")):
        if name := each.name or (urls.source_of(each.url) if each.url else None):
            return phrases.agency(name) or name
    return None


def _common_agency(best: Candidate, others: Sequence[Candidate]) -> str | None:
    """The agency that at least half of the others credit, where it is nobody in the set: the text is its."""
    credited = Counter(agency for other in others for agency in {
        phrases.agency(one.name) for one in other.abroad if one.name and one.kind in AGENCY_KINDS} if agency)
    if not credited or phrases.agency(best.article.source) in credited:
        return None
    name, count = min(credited.items(), key=lambda item: (-item[1], item[0]))
    return name if count * 2 >= len(others) else None
