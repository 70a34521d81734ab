"""Members of a story and what is known of each -> the original, why, and how sure.

Rules, strongest first (`WEIGHTS` are log-odds that x came before y)
    1. a person's ruling;
    2. what a copy says of itself: it declares to be a copy, names or links its source, has its canonical address
       elsewhere, credits an agency;
    3. observed appearance: x stood in its feed before the last poll of y's feed that did not have y;
    4. claimed times that lie within what was observed, with their resolution and zone;
    5. text direction: y carries x's name;
    6. first sighting, which is a fact about the crawler and weak.
The original is the member whose weakest case against any other is the strongest (maximin): a total order over the
set, ties by first sighting and id. It is decided where that weakest case is at least `DECIDED`.
Invariants: any permutation gives the same answer; a claim outside what was observed is no evidence, it is called
back-dated; a contradiction lowers the confidence and is shown.
Known exceptions: where nobody attributes and windows overlap, the story is undecided between those whose windows do.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from crawler.core import dates, phrases, urls
from crawler.core.text import words
from crawler.core.types import (
    Article,
    Attribution,
    AttributionKind,
    Claim,
    Evidence,
    Origin,
    SourceFacts,
    Verdict,
)

SUREST = 0.99                       # weights are judgements, not a calibration: only a person is certain
DECIDED = 0.75                      # probability, against the closest rival
TOLERANCE = timedelta(minutes=2)    # clocks of publishers against ours; 236 of 240 page dates are right to a minute

WEIGHTS = {
    "declared-copy": 3.0,        # says that it copies, without saying whom
    "declared-copy-of": 6.0,     # says so and names or links the other
    "canonical-elsewhere": 4.0,  # 26 of 34 real cases were true syndication
    "based-on": 3.5,
    "names-source": 3.0,
    "agency-credit": 3.0,
    "dateline": 2.5,
    "elsewhere": 1.5,            # attributes itself to a third party, the other does not
    "appeared-earlier": 3.0,
    "claimed-earlier": 1.8,
    "carries-name": 1.2,
    "seen-earlier": 0.4,
}
_AGENCY_KINDS = (AttributionKind.AGENCY_CREDIT, AttributionKind.DATELINE)
_SEEN_APART = timedelta(seconds=1)
_NAME_LENGTH = 4       # a shorter source name is too common a word
_NAME_WITHIN = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Election:
    """Who is the original, and why. `confidence` is a probability against the closest rival."""

    original: str
    confidence: float
    decided: bool
    why: tuple[Evidence, ...]
    rivals: tuple[str, ...] = ()
    outside: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with what its evidence comes to."""

    article: Article
    claim: Claim | None                     # the best published claim that lies within what was observed
    span: tuple[datetime, datetime] | None  # of that claim
    backdated: tuple[Claim, ...]
    points: Mapping[str, tuple[Attribution, ...]] = field(default_factory=dict)  # member id -> attributions to it
    abroad: tuple[Attribution, ...] = ()    # attributions to nobody in the set
    said: str = ""                          # the folded words of its text, with a space at both ends

    @property
    def declares(self) -> bool:
        """Whether it says of itself that it is a copy."""
        every = [*self.abroad, *(one for each in self.points.values() for one in each)]
        return any(one.kind is AttributionKind.DECLARED_COPY for one in every)


def candidates(members: Sequence[Article], facts: Mapping[str, SourceFacts]) -> list[Candidate]:
    """Weigh the claims and resolve the attributions of each member against the others."""
    return [_candidate(article, members, facts) for article in members]


def _candidate(article: Article, members: Sequence[Article], facts: Mapping[str, SourceFacts]) -> Candidate:
    claim, backdated = _claims(article)
    points: dict[str, tuple[Attribution, ...]] = {}
    abroad: list[Attribution] = []
    others = [other for other in members if other.id != article.id]
    for each in article.attributions:
        named = [other.id for other in others if points_to(each, other, facts)]
        for id_ in named:
            points[id_] = (*points.get(id_, ()), each)
        if not named and not _is_own(each, article, facts):
            abroad.append(each)
    return Candidate(article, claim, dates.span(claim) if claim else None, backdated, points, tuple(abroad),
                     _said(article.text[:_NAME_WITHIN]))


@lru_cache(maxsize=2048)  # a story is elected each time that an article joins it
def _said(text: str) -> str:
    """The folded words of a text between single spaces."""
    return " " + " ".join(word.form for word in words(text)) + " "


def points_to(attribution: Attribution, other: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether an attribution names the other article: its address, its site, or its source by name."""
    if attribution.url:
        if urls.canonical(attribution.url) == urls.canonical(other.url) or urls.same_site(attribution.url, other.url):
            return True
        domains = facts[other.source].domains if other.source in facts else ()
        if urls.registrable(attribution.url) in domains:
            return True
    return bool(attribution.name) and _same_name(attribution.name or "", other, facts)


def _same_name(name: str, other: Article, facts: Mapping[str, SourceFacts]) -> bool:
    wanted = _name(name)
    known = {_name(other.source), _name(urls.source_of(other.url))}
    known.update(_name(domain) for domain in (facts[other.source].domains if other.source in facts else ()))
    agency = phrases.agency(name)
    return wanted in known or (agency is not None and agency == phrases.agency(other.source))


def _name(name: str) -> tuple[str, ...]:
    """A source's name as folded words, without the article and the ending of a domain."""
    forms = [word.form for word in words(name)]
    return tuple(forms[1:] if len(forms) > 1 and forms[0] in {"the", "al", "el", "le", "la", "die", "der"} else forms)


def _is_own(attribution: Attribution, article: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """A self label: a site that names itself as the source says nothing about copying."""
    return attribution.kind is not AttributionKind.DECLARED_COPY and points_to(attribution, article, facts)


_ORDER = {origin: rank for rank, origin in enumerate(
    (Origin.JSON_LD, Origin.META, Origin.TIME, Origin.INPUT, Origin.FEED, Origin.SITEMAP, Origin.HTMLDATE))}


def _claims(article: Article) -> tuple[Claim | None, tuple[Claim, ...]]:
    """The best credible published claim, and those that lie outside what was observed."""
    published = sorted(
        (claim for claim in article.claims if claim.what == "published" and claim.at and claim.origin in _ORDER),
        key=lambda claim: (_ORDER[claim.origin], claim.raw))
    credible = [claim for claim in published if _credible(claim, article)]
    return (credible[0] if credible else None), tuple(claim for claim in published if claim not in credible)


def _credible(claim: Claim, article: Article) -> bool:
    """Whether some moment that the claim can mean lies within what was observed.

    The poll that did not contain the article bounds it from below. An editor who lists an article late is caught
    too; that costs only the claim's weight, since the observation itself still counts.
    """
    span = dates.span(claim)
    if span is None:
        return False
    window = article.window
    if span[0] > article.first_seen + TOLERANCE:
        return False
    return window is None or window.without is None or span[1] >= window.without - TOLERANCE


def elect(
    members: Sequence[Article], facts: Mapping[str, SourceFacts], verdicts: Sequence[Verdict] = (),
) -> Election:
    """The original among `members` (at least one)."""
    ruled = _ruled({article.id for article in members}, verdicts)
    everyone = candidates(sorted(members, key=lambda article: (article.first_seen, article.id)), facts)
    if ruled is not None:
        return Election(ruled.anchor if ruled.ruling == "confirm" else ruled.articles[0], 1.0, True,
                        (Evidence("verdict", f"{ruled.ruling} by {ruled.who}", quote=ruled.note or None),))
    field_ = _contenders(everyone)
    cases = {one.article.id: min((log_odds(one, other) for other in field_ if other is not one), default=math.inf)
             for one in field_}
    best = max(field_, key=lambda one: cases[one.article.id])  # the first of equals: earliest sighting, then id
    return _elected(best, everyone)


def _ruled(ids: set[str], verdicts: Sequence[Verdict]) -> Verdict | None:
    """The newest ruling that names one of these as the original."""
    for verdict in sorted(verdicts, key=lambda one: (one.at, one.id), reverse=True):
        named = verdict.articles[:1] if verdict.ruling == "original" else (
            (verdict.anchor,) if verdict.ruling == "confirm" and verdict.whole else ())
        if named and named[0] in ids:
            return verdict
    return None


_CONTENDERS = 60   # a story of a thousand copies has few that can be first; the cost is their square


def _contenders(everyone: list[Candidate]) -> list[Candidate]:
    """Those who can be first: not those who say that they copy somebody, unless all do; the earliest sixty."""
    silent = [one for one in everyone if not one.declares and not one.points]
    named = {id_ for one in everyone for id_ in one.points}
    kept = [one for one in everyone if one in silent or one.article.id in named] or everyone
    return kept[:_CONTENDERS]


def log_odds(x: Candidate, y: Candidate) -> float:
    """Log-odds that x came before y; antisymmetric."""
    return sum(weigh(x, y) - weigh(y, x) for weigh in _CASES)


def _attributed(x: Candidate, y: Candidate) -> float:
    """y says that it comes from x."""
    naming = y.points.get(x.article.id, ())
    if not naming:
        return 0.0
    if y.declares:
        return WEIGHTS["declared-copy-of"]
    return max(WEIGHTS[one.kind.value] for one in naming)


def _declared(x: Candidate, y: Candidate) -> float:
    """y says that it is a copy, or comes from a third party, and x is not who it names."""
    if x.article.id in y.points:
        return 0.0
    if y.declares:
        return WEIGHTS["declared-copy"]
    return WEIGHTS["elsewhere"] if y.abroad or y.points else 0.0


def _appeared(x: Candidate, y: Candidate) -> float:
    """x was seen before the last poll of y's feed that did not have y."""
    return WEIGHTS["appeared-earlier"] if appeared_earlier(x.article, y.article) else 0.0


def appeared_earlier(x: Article, y: Article) -> bool:
    """Whether the observed windows prove that x appeared first."""
    return y.window is not None and y.window.without is not None and x.first_seen <= y.window.without


def _claimed(x: Candidate, y: Candidate) -> float:
    """What x credibly claims ends before what y claims, or could have been, begins."""
    if x.span is None:
        return 0.0
    begins = y.span[0] if y.span else (y.article.window.without if y.article.window else None)
    if begins is None or x.span[1] + TOLERANCE > begins:
        return 0.0
    return WEIGHTS["claimed-earlier"]


def _carries(x: Candidate, y: Candidate) -> float:
    """y's text carries the name of x's source, and x's does not carry y's."""
    name = " ".join(_name(x.article.source))
    return WEIGHTS["carries-name"] if len(name) >= _NAME_LENGTH and f" {name} " in y.said else 0.0


def _seen(x: Candidate, y: Candidate) -> float:
    """x was seen first."""
    return WEIGHTS["seen-earlier"] if y.article.first_seen - x.article.first_seen >= _SEEN_APART else 0.0


_CASES: tuple[Callable[[Candidate, Candidate], float], ...] = (
    _attributed, _declared, _appeared, _claimed, _carries, _seen)


def _probability(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _elected(best: Candidate, everyone: list[Candidate]) -> Election:
    others = [one for one in everyone if one is not best]
    odds = {one.article.id: log_odds(best, one) for one in others}
    confidence = _probability(min(odds.values(), default=6.0))
    rivals = tuple(one.article.id for one in everyone if one is not best and _probability(odds[one.article.id]) < DECIDED)
    outside = _outside(best) or _common_agency(best, others)
    why = tuple(_why(best, others))
    return Election(best.article.id, round(min(confidence, SUREST), 3), not rivals, why, rivals, outside)


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
        phrases.agency(one.name) for one in other.abroad if one.name and one.kind in _AGENCY_KINDS} if agency)
    if not credited or phrases.agency(best.article.source) in credited:
        return None
    name, count = min(credited.items(), key=lambda item: (-item[1], item[0]))
    return name if count * 2 >= len(others) else None


def _why(best: Candidate, others: list[Candidate]) -> list[Evidence]:
    """The reasons for the original, strongest first, each once."""
    found: list[Evidence] = []
    for other in others:
        found.extend(_evidence(one, f"{other.article.source} names {best.article.source}")
                     for one in other.points.get(best.article.id, ())[:2])
    proved = [other for other in others if appeared_earlier(best.article, other.article)]
    if proved:
        found.append(Evidence("appeared-earlier", _appeared_detail(best.article, proved, len(others))))
    if claimed := [other for other in others if _claimed(best, other)]:
        found.append(Evidence("claimed-earlier", f"{_stated(best.claim)}, before {len(claimed)} of {len(others)}"))
    if any(_carries(best, other) for other in others):
        found.append(Evidence("carries-name", f"a copy's text names {best.article.source}"))
    if not found and others:
        found.append(Evidence("seen-earlier", "first seen; nothing stronger tells them apart"))
    return found + contradictions(best, others)


def _appeared_detail(first: Article, later: list[Candidate], total: int) -> str:
    soonest = min(other.article.window.without for other in later
                  if other.article.window and other.article.window.without)
    return (f"seen {first.first_seen:%Y-%m-%d %H:%M:%S}Z; {len(later)} of {total} others were not yet in their feeds "
            f"at {soonest:%Y-%m-%d %H:%M:%S}Z or later")


def _stated(claim: Claim | None) -> str:
    return f"claims {claim.raw} ({claim.origin.value})" if claim else ""


def contradictions(one: Candidate, others: Sequence[Candidate]) -> list[Evidence]:
    """What speaks against: back-dated claims of its own, others that appeared or credibly claim earlier."""
    found = _backdated(one)
    for other in others:
        if appeared_earlier(other.article, one.article):
            found.append(Evidence("contradiction", f"{other.article.source} was seen before this one appeared"))
        elif _claimed(other, one):
            found.append(Evidence("contradiction", f"{other.article.source} {_stated(other.claim)}, earlier than this one"))
    return found


def _evidence(one: Attribution, detail: str) -> Evidence:
    """An attribution as a reason. A source that is linked is shown by its address: its words are the declaration's."""
    quote = None if one.kind is AttributionKind.NAMES_SOURCE and one.url else one.quote
    return Evidence(one.kind.value, detail, quote, one.url)


def _backdated(one: Candidate) -> list[Evidence]:
    """The claims that lie outside what was observed, those of one moment together."""
    moments: dict[datetime, list[Claim]] = {}
    for claim in one.backdated:
        if claim.at is not None:
            moments.setdefault(claim.at, []).append(claim)
    return [
        Evidence("back-dated", f"claims {claims[0].raw} ({', '.join(sorted({claim.origin.value for claim in claims}))}), "
                               "outside what was observed")
        for _, claims in sorted(moments.items())]


def copy_evidence(copy: Candidate) -> tuple[Evidence, ...]:
    """What a copy says of itself, and what is wrong with its claims."""
    every = [*(one for each in copy.points.values() for one in each), *copy.abroad]
    said = dict.fromkeys(_evidence(one, one.name or one.where) for one in every)
    return (*said, *contradictions(copy, ()))


def licensed(copy: Article, original: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether the configuration licenses the copy's source to republish the original's, at that time."""
    known = facts.get(copy.source)
    day = copy.first_seen.date()
    return known is not None and any(
        source == original.source and (since is None or since <= day) and (until is None or day <= until)
        for source, since, until in known.licensed)
