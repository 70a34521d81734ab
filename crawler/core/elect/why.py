"""The election in words: why this original, and what speaks against."""

from collections.abc import Sequence
from datetime import datetime

from crawler.core.elect.candidates import Candidate, observed_absent
from crawler.core.elect.cases import appeared_earlier, carries, claimed, seen_earlier, sooner
from crawler.core.types import UNOBSERVED, Article, Attribution, AttributionKind, Claim, Evidence

_CHANCE = 0.6


def why(best: Candidate, others: list[Candidate]) -> list[Evidence]:
    """The reasons for the original, strongest first, each once."""
    found: list[Evidence] = []
    for other in others:
        found.extend(_evidence(one, f"{other.article.source} names {best.article.source}", _declared(other))
                     for one in other.points.get(best.article.id, ())[:2])
    found.extend(Evidence("declared-copy", f"{_called(other)} says that it copies", quote) for other in others
                 if best.article.id not in other.points for quote in sorted(filter(None, _declared(other)))[:1])
    proved = [other for other in others if appeared_earlier(best.article, other.article)]
    if proved:
        found.append(Evidence("appeared-earlier", _appeared_detail(best.article, proved, len(others))))
    if earlier := [other for other in others if claimed(best, other)]:
        when = _stated(best.claim) or f"seen {best.article.first_seen:%Y-%m-%d %H:%M:%S}Z"
        found.append(Evidence("claimed-earlier", f"{when}, before what {len(earlier)} of {len(others)} claim"))
    found.extend(_residue(best, others))
    if not proved and (share := _probably(best, others)) is not None:
        found.append(Evidence("probably-earlier", f"{min(share, 0.99):.0%} by {_watched(best, others)}, against the closest"))
    if not found and any(seen_earlier(best.article, other.article) for other in others):
        found.append(Evidence("seen-earlier", "first seen; nothing stronger tells them apart"))
    return found + contradictions(best, others)


def _called(one: Candidate) -> str:
    return one.article.source or one.article.title or one.article.id


def _watched(best: Candidate, others: Sequence[Candidate]) -> str:
    inferred = any(one.article.window is not None and one.article.window.inferred for one in (best, *others))
    return "when other articles of their sources were seen" if inferred else "when their feeds were read"


def _residue(best: Candidate, others: Sequence[Candidate]) -> list[Evidence]:
    """The clearest trace of the best one's name in another."""
    found = [(mention, other) for other in others if (mention := carries(best, other)) is not None]
    if not found:
        return []
    mention, other = max(found, key=lambda each: (each[0].credit, each[0].sure))   # the first of equals
    return [Evidence("carries-credit" if mention.credit else "carries-name",
                     f"{other.article.source} carries the name of {best.article.source}", mention.quote)]


def _probably(best: Candidate, others: Sequence[Candidate]) -> float | None:
    """How probably it appeared before the one that comes closest, where that is more than chance."""
    shares = [share for other in others if not best.article.source or other.article.source != best.article.source
              if (share := sooner(best.article, other.article)) is not None]
    return min(shares) if shares and min(shares) > _CHANCE else None


def _appeared_detail(first: Article, later: list[Candidate], total: int) -> str:
    soonest = min(absent for other in later if (absent := observed_absent(other.article)))
    return (f"seen {first.first_seen:%Y-%m-%d %H:%M:%S}Z; {len(later)} of {total} others were not yet in their feeds "
            f"at {soonest:%Y-%m-%d %H:%M:%S}Z or later")


def _stated(claim: Claim | None) -> str:
    return f"claims {claim.raw} ({claim.origin.value})" if claim else ""


def contradictions(one: Candidate, others: Sequence[Candidate]) -> list[Evidence]:
    """What speaks against: back-dated claims of its own, others that appeared or credibly claim earlier."""
    found = _backdated(one)
    for other in others:
        found.extend(Evidence("contradiction", f"{_called(one)} names {_called(other)}", each.quote, each.url)
                     for each in one.points.get(other.article.id, ())[:1])
        if other.article.id not in one.points and (mention := carries(other, one)) is not None and mention.sure:
            found.append(Evidence("contradiction", f"{_called(one)} carries the name of {_called(other)}", mention.quote))
        if appeared_earlier(other.article, one.article):
            found.append(Evidence("contradiction", f"{_called(other)} was seen before this one appeared"))
        elif claimed(other, one):
            found.append(Evidence("contradiction", f"{_called(other)} {_stated(other.claim) or 'was seen'}, earlier than this one claims"))
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
                               f"{'later than it was seen' if _is_late(one, at) else 'outside what was observed'}")
        for at, claims in sorted(moments.items())]


def _is_late(one: Candidate, at: datetime) -> bool:
    return one.article.first_seen != UNOBSERVED and at > one.article.first_seen


def copy_evidence(copy: Candidate) -> tuple[Evidence, ...]:
    """What a copy says of itself, and what is wrong with its claims."""
    every = [*(one for each in copy.points.values() for one in each), *copy.abroad]
    said = dict.fromkeys(_evidence(one, one.name or one.where, _declared(copy)) for one in every)
    return (*said, *contradictions(copy, ()))
