"""The one matcher, of the daemon and of `dedup`: the stages of the core put together, still without any IO.

    prepare     an article and who else holds its units -> what to leave out, and its keys
    pair        two articles                            -> their match: what they share, and say of each other
    verify      an article and its candidates           -> the matches
    rewordings  the same, and the matches               -> links to what may be the same in other words
    weigh       an article and its candidates           -> both
    settle      a component of tied articles            -> its stories with their originals, and what digests carry

All are plain functions of picklable values: the daemon calls them in worker processes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from crawler.core import boilerplate, elect, fingerprint, match, outdone, rewording, story, text
from crawler.core.text import Body
from crawler.core.types import (
    Article,
    AttributionKind,
    Copy,
    Kind,
    Link,
    Match,
    Refusal,
    Relation,
    Settled,
    SourceFacts,
    Story,
    Verdict,
)

CANDIDATES = 50   # best candidates that are verified
SAME_TEXT = 3     # titles of one text on one host that make it a wall or a template
VOUCHED = 2 / 3   # share of the containment that makes a copy where one names the other as its source …
VOUCHED_RUN = 40  # … with a shared run of so many words: rolling pages share single paragraphs (33 at most in our set)
REWORDED_RUN = 20 # … and what shares so long a run is related by that
WALL_WORDS = 150  # longest wall
_SAID = 1 / 3     # share of a headline's longer words that a wall may have by chance
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


def is_template(body: str, titles: Iterable[str]) -> bool:
    """Whether one text, shown by one host under these titles, is a wall or a template, and not an article: under three
    titles; or under two of which it has next to no longer word, since an article speaks of what its headline says."""
    distinct = {text.fold(title) for title in titles}
    if len(distinct) >= SAME_TEXT:
        return True
    if len(distinct) < 2:
        return False    # as of next to all: without a look at the text
    said = _longer(body)
    return all(
        len(named := _longer(title)) > 1 and len(named & said) <= _SAID * len(named) for title in distinct)


def _longer(some: str) -> set[str]:
    """The longer words by their first letters: headlines and texts have them in other cases."""
    return {word.form[:match.SHORT_WORD + 1] for word in text.words(some) if len(word.form) > match.SHORT_WORD}


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
    found = (pair(one, other, rules, rules.containment * RELATED) for other in others)
    return [each for each in found if each is not None]


def weigh(one: Reading, others: Sequence[Reading], rules: Rules) -> tuple[list[Match], list[Link]]:
    """What `verify` and `rewordings` find: one way to a worker for both."""
    matches = verify(one, others, rules)
    return matches, rewordings(one, others, matches)


def pair(one: Reading, other: Reading, rules: Rules, floor: float = 0.0) -> Match | None:
    """The match of two articles: what their bodies share, and what the articles say of each other.

    None where they share next to nothing, or less than `floor` of the shorter one.
    """
    found = match.match(one.body(), other.body(), rules.containment, floor)
    if found is None:
        return None
    if found.copied and _is_wall(one.article, other.article, found):
        return replace(found, copied=False, refused=Refusal.WALL)
    if found.refused is Refusal.LITTLE and found.containment >= rules.containment * VOUCHED and _is_vouched(one, other, found):
        return replace(found, copied=True, refused=None, vouched=True)
    return found


def _is_vouched(one: Reading, other: Reading, found: Match) -> bool:
    """Whether one of two articles names the other as its source, and they share a long run that nobody is quoted with."""
    if found.longest < VOUCHED_RUN or found.unquoted < match.MIN_UNQUOTED or one.article.source == other.article.source:
        return False
    left, right = elect.candidates([one.article, other.article], {})
    named = elect.carries(left, right), elect.carries(right, left)
    return bool(left.points or right.points) or any(one is not None and one.sure for one in named)


def _is_wall(one: Article, other: Article, found: Match) -> bool:
    """Whether both show the same short text under headlines of which it says nothing: vendors sell one wall to many."""
    titles = one.title, other.title
    return (max(found.a_words, found.b_words) <= WALL_WORDS and min(found.a_in_b, found.b_in_a) >= match.WHOLE
            and all(is_template(each.text, titles) for each in (one, other)) and not _longer(one.title) & _longer(other.title))


def rewordings(one: Reading, others: Sequence[Reading], matches: Sequence[Match]) -> list[Link]:
    """Those of an article's candidates that may be rewordings of it, or it of them."""
    return rewording.possible(one.body(), [other.body() for other in retelling(one, others, matches)])


def retelling(one: Reading, others: Sequence[Reading], matches: Sequence[Match]) -> list[Reading]:
    """Those of an article's candidates that are asked about rewording it: of its language, and sharing no passage with it."""
    matched = {id_ for each in matches if each.refused is not Refusal.LITTLE or each.longest >= REWORDED_RUN
               for id_ in (each.a, each.b)}
    mine = one.article
    return [other for other in others if other.article.id not in matched
            and (mine.language or other.article.language) == (other.article.language or mine.language)]


def settle(
    readings: Sequence[Reading], matches: Sequence[Match], verdicts: Sequence[Verdict],
    facts: Mapping[str, SourceFacts], rules: Rules,
) -> Settled:
    """The stories of a component, ids left empty; articles that stand alone are in none. And what its digests carry."""
    matches = outdone.without_outdone(matches, {reading.article.id: reading.article.language for reading in readings})
    case = _Case({reading.article.id: reading for reading in readings}, {(each.a, each.b): each for each in matches},
                 verdicts, facts, rules)
    groups, digests = story.settle(sorted(case.readings), story.ties(matches, verdicts),
                                   lambda ids: case.elect(ids).original, case.figures, case.apart)
    return Settled(tuple(_story(group, case) for group in groups if len(group) > 1),
                   tuple(_carries(one, part, case) for one, parts in sorted(digests.items()) for part in parts))


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

    def apart(self, a: str, b: str, whole: str) -> bool:
        """Whether two articles that a third carries are no two parts of it: who takes parts of an article takes its
        beginning, so that two parts share something. Not where it was there before both for certain; where they are
        about one thing, only where both were there before it for certain."""
        found = self.figures(a, b)
        if found is not None and found.copied:
            return False
        firsts = [self.elect([one, whole]) for one in (a, b)]
        if match.kin(self.readings[a].body(), self.readings[b].body()):
            return all(first.original != whole and first.decided for first in firsts)
        return not all(first.original == whole and first.decided for first in firsts)

    def figures(self, a: str, b: str) -> Match | None:
        """The match of two articles: the one that is known, else computed now."""
        ids = (min(a, b), max(a, b))
        if ids not in self.matches:
            self.matches[ids] = pair(self.readings[a], self.readings[b], self.rules)
        return self.matches[ids]


def _story(ids: Sequence[str], case: _Case) -> Story:
    election = case.elect(ids)
    weighed = {one.article.id: one for one in elect.candidates(case.articles(ids), case.facts)}
    copies = [_copy(weighed[election.original], one, weighed, case) for id_, one in weighed.items()
              if id_ != election.original]
    copies.sort(key=lambda copy: (weighed[copy.article].article.first_seen, copy.article))
    return Story("", election.original, election.confidence, election.decided, election.why, tuple(copies),
                 election.outside, _whole_verdict(election.original, case.verdicts), election.rivals)


def _carries(carrier: str, article: str, case: _Case) -> Link:
    figures = case.figures(carrier, article)
    if figures is None:   # it carries another copy of this one's story
        return Link(Relation.CARRIES, carrier, article, 0.0, 0.0)
    read = match.oriented(figures, article)
    return Link(Relation.CARRIES, carrier, article, round(read.of_body, 4), round(read.of_original, 4))


def _copy(first: elect.Candidate, weighed: elect.Candidate, members: Mapping[str, elect.Candidate], case: _Case) -> Copy:
    article = weighed.article
    ruling = _verdict_on(article.id, case.verdicts)
    evidence = elect.copy_evidence(weighed)
    base, figures = _taken_from(first.article, article, members, case)
    said = _said(first.article, article, figures) if ruling == "confirm" and (figures is None or not figures.copied) else None
    if figures is None:   # a person tied what shares nothing
        return Copy(article.id, said or Kind.PARTIAL, first.article.id, 0.0, 0.0, 0.0, evidence, ruling)
    read = match.oriented(figures, base)
    kind = said or _kind(first, weighed, ruling, case.facts) or match.kind(figures, base)
    if kind is Kind.REVISION and figures.translation is not None:
        kind = Kind.EDITION
    return Copy(article.id, kind, base, round(figures.similarity, 4),
                round(read.of_original, 4), round(read.of_copy, 4), evidence, ruling)


def _said(original: Article, copy: Article, figures: Match | None) -> Kind:
    """What a person ties who sees more than the two texts have in common."""
    if figures is not None and figures.translation is not None:
        return figures.kind
    known = original.language and copy.language
    return Kind.TRANSLATION if known and original.language != copy.language else Kind.REWORDED


def _taken_from(
    original: Article, copy: Article, members: Mapping[str, elect.Candidate], case: _Case,
) -> tuple[str, Match | None]:
    """The version of the original that a copy is most like, the first of equals: sources rewrite what they have
    published, and a copy of the third version is no worse a copy."""
    versions = [original.id]
    if original.source and copy.source != original.source:
        versions += sorted(id_ for id_, one in members.items()
                           if one.article.source == original.source and id_ != original.id)
    found = [(id_, case.figures(id_, copy.id)) for id_ in versions]
    return max(found, key=lambda each: each[1].similarity if each[1] is not None else -1.0)


def _kind(
    first: elect.Candidate, weighed: elect.Candidate, ruling: str | None, facts: Mapping[str, SourceFacts],
) -> Kind | None:
    """The kind by who it is from, else by what it says; None where the figures tell."""
    article, original = weighed.article, first.article
    if article.source and article.source == original.source:
        return Kind.REVISION
    if ruling == "licensed" or elect.licensed(article, original, facts) or _credits_agency(weighed, first, facts):
        return Kind.SYNDICATED
    return None


def _credits_agency(weighed: elect.Candidate, first: elect.Candidate, facts: Mapping[str, SourceFacts]) -> bool:
    """Whether the copy credits an agency as newspapers do, and is no declared machine copy."""
    if weighed.declares:
        return False
    original = first.article
    credit = {AttributionKind.AGENCY_CREDIT, AttributionKind.DATELINE}
    said = [*weighed.points.get(original.id, ()), *weighed.abroad]
    if any(one.kind in credit for one in said):
        return True
    from_agency = original.source in facts and facts[original.source].kind == "agency"
    return from_agency and (original.id in weighed.points or elect.carries(first, weighed) is not None)


def _verdict_on(article: str, verdicts: Sequence[Verdict]) -> str | None:
    """The newest ruling on this one article; who confirms a pair rules on both."""
    named = [verdict for verdict in verdicts if not (verdict.whole and verdict.ruling == "confirm")
             and (article in verdict.articles or (verdict.ruling == "confirm" and article == verdict.anchor))]
    return max(named, key=lambda verdict: (verdict.at, verdict.id)).ruling if named else None


def _whole_verdict(original: str, verdicts: Sequence[Verdict]) -> str | None:
    """The newest ruling on the whole story of this original."""
    named = [verdict for verdict in verdicts
             if (verdict.whole and verdict.anchor == original) or (verdict.ruling == "original" and original in verdict.articles)]
    return max(named, key=lambda verdict: (verdict.at, verdict.id)).ruling if named else None


__all__ = ["CANDIDATES", "Prepared", "Reading", "Rules", "is_template", "pair", "prepare", "retelling", "rewordings", "settle", "verify", "weigh"]
