"""The one matcher, of the daemon and of `dedup`: the stages of the core put together, still without any IO.

    survey    an article                              -> the keys of its units, and of its whole text
    prepare   an article and who else holds its units -> what to leave out, and its keys
    verify    an article and its candidates           -> the matches
    settle    a component of tied articles            -> its stories, each with its original

All are plain functions of picklable values: the daemon calls them in worker processes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from crawler.core import boilerplate, elect, fingerprint, match, story, text
from crawler.core.text import Body
from crawler.core.types import (
    Article,
    AttributionKind,
    Copy,
    Kind,
    Match,
    SourceFacts,
    Story,
    Verdict,
)

CANDIDATES = 50   # best candidates that are verified
SAME_TEXT = 3     # titles of one text on one host that make it a wall or a template
RELATED = 0.5     # share of the containment that makes a copy from which a match is kept as related


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person configured of matching."""

    containment: float = 0.6
    min_words: int = 40


@dataclass(frozen=True, slots=True)
class Reading:
    """An article with the units of its source that are left out of its body."""

    article: Article
    dropped: frozenset[int] = frozenset()

    def body(self) -> Body:
        """The body that is compared."""
        one = self.article
        return _body(one.id, one.source, one.text, one.title, self.dropped)


@lru_cache(maxsize=2048)  # an article is a candidate of many others: stripping costs a hundred times a comparison
def _body(id_: str, source: str, text: str, title: str, dropped: frozenset[int]) -> Body:
    return boilerplate.strip(id_, source, text, title, dropped)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What judging an article starts from. No keys: the article is barred from copy decisions."""

    dropped: tuple[int, ...]
    keys: tuple[int, ...]
    words: int                # of the body
    wall: str | None = None   # why it is barred: a wall of the page, "short", or "template"
    crowded: tuple[int, ...] = ()   # units with so many holders, this article among them, that others may drop them too


@dataclass(frozen=True, slots=True)
class Survey:
    """What is asked of the store about an article: who holds its units, who has the very same text."""

    units: tuple[int, ...]
    text: int


def survey(article: Article) -> Survey:
    """The keys of an article's units, and of its whole text."""
    return Survey(boilerplate.unit_keys(article.text, article.title), text.whole_key(article.text))


def is_template(titles: Iterable[str]) -> bool:
    """Whether one text, shown by one host under these titles, is a wall or a template, and not an article."""
    return len({text.fold(title) for title in titles}) >= SAME_TEXT


def prepare(article: Article, holders: Mapping[int, Sequence[str]], rules: Rules) -> Prepared:
    """Leave out what the source repeats, and find the keys of what remains."""
    own = boilerplate.units(article.text, article.title)
    dropped = boilerplate.repeated(article.id, own, holders) if article.source else set()
    body = Reading(article, frozenset(dropped)).body()
    count = len(body.words) - len(body.site)
    wall = article.walls[0] if article.walls else ("short" if count < rules.min_words else None)
    crowded = tuple(sorted(key for key, ids in holders.items() if article.id in ids and len(ids) >= boilerplate.HOLDERS))
    return Prepared(tuple(sorted(dropped)), () if wall else fingerprint.keys(body), count, wall, crowded)


def verify(one: Reading, others: Sequence[Reading], rules: Rules) -> list[Match]:
    """Compare an article with each candidate; in the order given, those that share something worth keeping."""
    body = one.body()
    floor = rules.containment * RELATED
    found = (match.match(body, other.body(), rules.containment, floor) for other in others)
    return [each for each in found if each is not None]


def settle(
    readings: Sequence[Reading], matches: Sequence[Match], verdicts: Sequence[Verdict],
    facts: Mapping[str, SourceFacts], rules: Rules,
) -> list[Story]:
    """The stories of a component, ids left empty; articles that stand alone are in none."""
    case = _Case({reading.article.id: reading for reading in readings}, {(each.a, each.b): each for each in matches},
                 verdicts, facts, rules)
    groups = story.partition(case.readings, story.ties(matches, verdicts), lambda ids: case.elect(ids).original,
                             case.figures)
    return [_story(group, case) for group in groups if len(group) > 1]


@dataclass(frozen=True, slots=True)
class _Case:
    """What a component is settled from."""

    readings: Mapping[str, Reading]
    matches: dict[tuple[str, str], Match | None]   # those that are known; `figures` adds what it finds
    verdicts: Sequence[Verdict]
    facts: Mapping[str, SourceFacts]
    rules: Rules

    def articles(self, ids: Sequence[str]) -> list[Article]:
        return [self.readings[id_].article for id_ in ids]

    def elect(self, ids: Sequence[str]) -> elect.Election:
        return elect.elect(self.articles(ids), self.facts, self.verdicts)

    def figures(self, a: str, b: str) -> Match | None:
        """The match of two articles: the one that is known, else computed now."""
        pair = (min(a, b), max(a, b))
        if pair not in self.matches:
            self.matches[pair] = match.match(self.readings[a].body(), self.readings[b].body(), self.rules.containment)
        return self.matches[pair]


def _story(ids: Sequence[str], case: _Case) -> Story:
    election = case.elect(ids)
    weighed = {one.article.id: one for one in elect.candidates(case.articles(ids), case.facts)}
    copies = [_copy(election.original, one, case) for id_, one in weighed.items() if id_ != election.original]
    copies.sort(key=lambda copy: (weighed[copy.article].article.first_seen, copy.article))
    return Story("", election.original, election.confidence, election.decided, election.why, tuple(copies),
                 election.outside, _whole_verdict(election.original, case.verdicts), election.rivals)


def _copy(original: str, weighed: elect.Candidate, case: _Case) -> Copy:
    article = weighed.article.id
    figures = case.figures(original, article)
    ruling = _verdict_on(article, case.verdicts)
    evidence = elect.copy_evidence(weighed)
    if figures is None:   # a person merged what shares nothing
        return Copy(article, Kind.PARTIAL, original, 0.0, 0.0, 0.0, evidence, ruling)
    read = match.oriented(figures, original)
    kind = _kind(figures, case.readings[original].article, weighed, ruling, case.facts)
    return Copy(article, kind, original, round(figures.similarity, 4), round(read.of_original, 4),
                round(read.of_copy, 4), evidence, ruling)


def _kind(
    figures: Match, original: Article, weighed: elect.Candidate, ruling: str | None, facts: Mapping[str, SourceFacts],
) -> Kind:
    """By who it is from, then by what it says, then by the figures."""
    article = weighed.article
    if article.source and article.source == original.source:
        return Kind.REVISION
    if ruling == "licensed" or elect.licensed(article, original, facts) or _credits_agency(weighed, original, facts):
        return Kind.SYNDICATED
    return match.kind(figures, original.id)


def _credits_agency(weighed: elect.Candidate, original: Article, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether the copy credits an agency as newspapers do, and is no declared machine copy."""
    if weighed.declares:
        return False
    credit = {AttributionKind.AGENCY_CREDIT, AttributionKind.DATELINE}
    said = [*weighed.points.get(original.id, ()), *weighed.abroad]
    if any(one.kind in credit for one in said):
        return True
    from_agency = original.source in facts and facts[original.source].kind == "agency"
    return from_agency and original.id in weighed.points


def _verdict_on(article: str, verdicts: Sequence[Verdict]) -> str | None:
    """The newest ruling on this one article."""
    named = [verdict for verdict in verdicts if article in verdict.articles and not (verdict.whole and verdict.ruling == "confirm")]
    return max(named, key=lambda verdict: (verdict.at, verdict.id)).ruling if named else None


def _whole_verdict(original: str, verdicts: Sequence[Verdict]) -> str | None:
    """The newest ruling on the whole story of this original."""
    named = [verdict for verdict in verdicts
             if (verdict.whole and verdict.anchor == original) or (verdict.ruling == "original" and original in verdict.articles)]
    return max(named, key=lambda verdict: (verdict.at, verdict.id)).ruling if named else None


__all__ = ["CANDIDATES", "Prepared", "Reading", "Rules", "Survey", "is_template", "prepare", "settle", "survey", "verify"]
