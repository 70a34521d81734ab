"""What the evidence of each member comes to: its credible claim, whom it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from crawler.core import dates, phrases, urls
from crawler.core.elect import residue
from crawler.core.text import words
from crawler.core.types import UNOBSERVED, Article, Attribution, AttributionKind, Claim, Origin, SourceFacts

TOLERANCE = timedelta(minutes=2)    # clocks of publishers against ours; 236 of 240 page dates are right to a minute


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with what its evidence comes to."""

    article: Article
    claim: Claim | None                     # the best published claim that lies within what was observed
    span: tuple[datetime, datetime] | None  # of that claim
    backdated: tuple[Claim, ...]
    points: Mapping[str, tuple[Attribution, ...]] = field(default_factory=dict)  # member id -> attributions to it
    abroad: tuple[Attribution, ...] = ()    # attributions to nobody in the set
    names: frozenset[tuple[str, ...]] = frozenset()   # what a text may call its source, see `residue`

    @property
    def declares(self) -> bool:
        """Whether it says of itself that it is a copy."""
        every = [*self.abroad, *(one for each in self.points.values() for one in each)]
        return any(one.kind is AttributionKind.DECLARED_COPY for one in every)


def candidates(members: Sequence[Article], facts: Mapping[str, SourceFacts]) -> list[Candidate]:
    """Weigh the claims and resolve the attributions of each member against the others."""
    known = _Known.of(members, facts)
    return [_candidate(article, known, facts) for article in members]


@dataclass(frozen=True, slots=True)
class _Known:
    """The members by what an attribution may call them: asking each pair of a thousand copies takes minutes."""

    by_address: dict[str, set[str]]             # canonical URL, or registrable domain
    by_name: dict[tuple[str, ...], set[str]]
    by_agency: dict[str, set[str]]

    @classmethod
    def of(cls, members: Sequence[Article], facts: Mapping[str, SourceFacts]) -> "_Known":
        known = cls({}, {}, {})
        for one in members:
            domains = facts[one.source].domains if one.source in facts else ()
            for address in {urls.canonical(one.url), urls.registrable(one.url), *domains} - {None, ""}:
                known.by_address.setdefault(address or "", set()).add(one.id)
            for name in _names(one, domains) - {()}:
                known.by_name.setdefault(name, set()).add(one.id)
            if agency := phrases.agency(one.source):
                known.by_agency.setdefault(agency, set()).add(one.id)
        return known

    def named(self, attribution: Attribution) -> set[str]:
        """The members that an attribution names: by address, by site, or by the name of their source."""
        found: set[str] = set()
        if attribution.url:
            for address in (urls.canonical(attribution.url), urls.registrable(attribution.url)):
                found |= self.by_address.get(address or "", set())
        if attribution.name:
            name = name_of(attribution.name)
            found |= self.by_name.get(name, set()) | self.by_name.get(("".join(name),), set())
            found |= self.by_agency.get(phrases.agency(attribution.name) or "", set())
        return found


def _names(article: Article, domains: Sequence[str]) -> set[tuple[str, ...]]:
    labels = {(label,) for domain in (urls.registrable(article.url), *domains) if (label := residue.label(domain))}
    return {name_of(article.source), name_of(urls.source_of(article.url)), *map(name_of, domains), *labels}


def _candidate(article: Article, known: _Known, facts: Mapping[str, SourceFacts]) -> Candidate:
    claim, backdated = _claims(article)
    points: dict[str, tuple[Attribution, ...]] = {}
    abroad: list[Attribution] = []
    for each in article.attributions:
        named = known.named(each) - {article.id}
        for id_ in sorted(named):
            points[id_] = (*points.get(id_, ()), each)
        if not named and not _is_own(each, article, facts):
            abroad.append(each)
    return Candidate(article, claim, dates.span(claim) if claim else None, backdated, points, tuple(abroad),
                     residue.names(article, facts[article.source].domains if article.source in facts else ()))


def points_to(attribution: Attribution, other: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether an attribution names the other article: its address, its site, or its source by name."""
    return bool(_Known.of([other], facts).named(attribution))


def name_of(name: str) -> tuple[str, ...]:
    """A source's name as folded words, without an article or a word for what it is in front."""
    forms = [word.form for word in words(name)]
    return tuple(forms[1:] if len(forms) > 1 and forms[0] in residue.BEFORE_NAMES else forms)


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
    absent = observed_absent(article)
    if article.first_seen != UNOBSERVED and span[0] > article.first_seen + TOLERANCE:
        return False
    return absent is None or span[1] >= absent - TOLERANCE


def observed_absent(article: Article) -> datetime | None:
    """The last poll that did not have the article; None where none was observed."""
    return article.window.without if article.window is not None and not article.window.inferred else None


def licensed(copy: Article, original: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether the configuration licenses the copy's source to republish the original's, at that time."""
    known = facts.get(copy.source)
    stated = next((claim.at for claim in copy.claims if claim.at), copy.first_seen)
    day = (copy.first_seen if copy.first_seen != UNOBSERVED else stated).date()
    return known is not None and any(
        source == original.source and (since is None or since <= day) and (until is None or day <= until)
        for source, since, until in known.licensed)
