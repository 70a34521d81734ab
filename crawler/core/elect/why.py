"""The election in words: why this original, and what speaks against."""

from collections.abc import Sequence
from datetime import datetime

from crawler.core.elect.candidates import Candidate
from crawler.core.elect.cases import appeared_earlier, carries, claimed
from crawler.core.types import Article, Attribution, AttributionKind, Claim, Evidence


def why(best: Candidate, others: list[Candidate]) -> list[Evidence]:
    """The reasons for the original, strongest first, each once."""
    found: list[Evidence] = []
    for other in others:
        found.extend(_evidence(one, f"{other.article.source} names {best.article.source}", _declared(other))
                     for one in other.points.get(best.article.id, ())[:2])
    proved = [other for other in others if appeared_earlier(best.article, other.article)]
    if proved:
        found.append(Evidence("appeared-earlier", _appeared_detail(best.article, proved, len(others))))
    if earlier := [other for other in others if claimed(best, other)]:
        found.append(Evidence("claimed-earlier", f"{_stated(best.claim)}, before {len(earlier)} of {len(others)}"))
    if any(carries(best, other) for other in others):
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
        elif claimed(other, one):
            found.append(Evidence("contradiction", f"{other.article.source} {_stated(other.claim)}, earlier than this one"))
    return found


def _evidence(one: Attribution, detail: str, declared: set[str | None]) -> Evidence:
    """An attribution as a reason; the words of a declaration are not said twice."""
    quote = None if one.kind is AttributionKind.NAMES_SOURCE and one.url and one.quote in declared else one.quote
    return Evidence(one.kind.value, detail, quote, one.url)


def _declared(one: Candidate) -> set[str | None]:
    """The sentences by which a member says that it is a copy."""
    every = [*one.abroad, *(each for points in one.points.values() for each in points)]
    return {each.quote for each in every if each.kind is AttributionKind.DECLARED_COPY}


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
    said = dict.fromkeys(_evidence(one, one.name or one.where, _declared(copy)) for one in every)
    return (*said, *contradictions(copy, ()))
