"""Matches -> which articles make a story, and what must not chain.

Rules
    1. An article belongs to a story by what it shares with the story's original, or with its common body: a member
       that carries nearly all of the original and is not mostly something else; or as another version of a member
       that belongs so (a wire story is re-filed, and outlets carry different filings). Never by any one neighbour:
       joining by single links takes the adjusted Rand index from .97 to .66 as the threshold falls from .6 to .4.
    2. A digest, which carries whole articles that have nothing to do with each other, is in the story of none of them.
       It is linked to each: a partition cannot express that, an edge can.
    3. A person's word outranks it: `merge` and `confirm` tie, `reject` and `split` part.
    4. What is left over is grouped again, by the same rules.
Invariants: the result depends on the set of articles, matches and rulings only, never on their order; every article
is in exactly one group.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations

from crawler.core.types import Match, Verdict

_BODY_HOLDS = 0.8      # share of the original that a common body must hold
_VERSION = 0.7         # both ways: two filings of one text; excerpts and partial copies, which chain, are below one way
_BODY_IS = 0.5         # share of the common body that must be the original: a digest of three stories is below
_CARRIED_WHOLE = 0.8   # share of a carried article that stands in the digest: as for "nearly all" of a wrapped one
_CARRIED_IS = 0.7      # share of the digest that it may be at most: above, the digest is that article and a teaser
_PARTS = 40            # articles of one digest that are looked at in pairs

Elect = Callable[[Sequence[str]], str]
"""The id of the original among these ids; a total order, so that any permutation gives the same answer."""


@dataclass(slots=True)
class Ties:
    """Who may stand beside whom."""

    linked: dict[str, dict[str, Match]] = field(default_factory=dict)
    must: dict[str, set[str]] = field(default_factory=dict)
    parted: set[frozenset[str]] = field(default_factory=set)

    def neighbours(self, article: str) -> set[str]:
        """Articles tied to this one by a match or by a person."""
        return {*self.linked.get(article, ()), *self.must.get(article, ())}

    def may(self, a: str, b: str) -> bool:
        """False where a person parted them."""
        return frozenset((a, b)) not in self.parted

    def without(self, carried: Mapping[str, AbstractSet[str]]) -> "Ties":
        """The same without the matches between each digest and what it carries."""
        linked = {one: {other: match for other, match in near.items()
                        if other not in carried.get(one, ()) and one not in carried.get(other, ())}
                  for one, near in self.linked.items()}
        return Ties(linked, self.must, self.parted)


def ties(matches: Iterable[Match], verdicts: Iterable[Verdict]) -> Ties:
    """What ties and what parts, from matches that are copies and from standing rulings."""
    found = Ties()
    _rule(found, verdicts)
    _tie(found, matches)
    return found


def _tie(tied: Ties, matches: Iterable[Match | None]) -> None:
    for each in matches:
        if each is not None and each.copied and tied.may(each.a, each.b):
            tied.linked.setdefault(each.a, {})[each.b] = each
            tied.linked.setdefault(each.b, {})[each.a] = each


def _rule(found: Ties, verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        pairs = _pairs(verdict)
        if verdict.ruling in ("reject", "split"):
            found.parted.update(frozenset(pair) for pair in pairs)
            for a, b in pairs:
                found.must.get(a, set()).discard(b)
                found.must.get(b, set()).discard(a)
        elif verdict.ruling in ("merge", "confirm"):
            for a, b in pairs:
                found.parted.discard(frozenset((a, b)))
                found.must.setdefault(a, set()).add(b)
                found.must.setdefault(b, set()).add(a)


def _pairs(verdict: Verdict) -> list[tuple[str, str]]:
    """Whom a ruling is about: the anchor with each article, or all with all where it is on the whole story."""
    if verdict.whole:
        return list(combinations(sorted({verdict.anchor, *verdict.articles}), 2))
    return [(verdict.anchor, article) for article in verdict.articles if article != verdict.anchor]


Compare = Callable[[str, str], Match | None]
"""The match of two articles, known or found now."""


Apart = Callable[[str, str, str], bool]
"""Whether the first two articles, both carried by the third, are articles of their own, and no two parts of it."""


def settle(
    articles: Sequence[str], tied: Ties, elect: Elect, compare: Compare, apart: Apart,
) -> tuple[list[list[str]], dict[str, tuple[str, ...]]]:
    """`partition`, and for each digest the articles that it carries, one of each group, sorted.

    Whether an article is a digest shows only when those that it carries are parted without it: where all of them turn
    out to be one story, it belongs there as well.
    """
    carried = _digests(tied, apart)
    while True:
        groups = partition(articles, tied.without(carried), elect, _without(compare, carried))
        first = {id_: group[0] for group in groups for id_ in group}
        whose = {one: sorted({first[part] for part in parts} - {one, first[one]}) for one, parts in carried.items()}
        several = {one: carried[one] for one, firsts in whose.items() if len(firsts) > 1}
        if len(several) == len(carried):
            return groups, {one: tuple(firsts) for one, firsts in whose.items()}
        carried = several


def _without(compare: Compare, carried: Mapping[str, AbstractSet[str]]) -> Compare:
    """A comparison that does not tie a digest to what it carries after all."""
    return lambda a, b: None if b in carried.get(a, ()) or a in carried.get(b, ()) else compare(a, b)


def _digests(tied: Ties, apart: Apart) -> dict[str, set[str]]:
    """Articles that carry at least two whole ones that are apart, and versions of these -> whatever they hold some of."""
    held = {one: _held(one, tied) for one in sorted(tied.linked)}
    found = [one for one, shares in held.items() if _is_digest(one, shares, tied, apart)]
    found += [other for one in found for other, match in tied.linked[one].items()
              if min(match.a_in_b, match.b_in_a) >= _VERSION]
    return {one: set(held[one]) for one in found if held[one]}


def _held(one: str, tied: Ties) -> dict[str, float]:
    """The articles of which this one holds some beside much else, with the share of each that it holds."""
    shares = {other: _shares(match, one) for other, match in tied.linked[one].items() if other not in tied.must.get(one, ())}
    return {other: of_part for other, (of_part, of_whole) in shares.items() if of_whole <= _CARRIED_IS}


def _is_digest(one: str, held: Mapping[str, float], tied: Ties, apart: Apart) -> bool:
    parts = [other for other in sorted(held) if held[other] >= _CARRIED_WHOLE]
    return any(other not in tied.linked[part] and apart(part, other, one) for part, other in combinations(parts[:_PARTS], 2))


def _shares(match: Match, whole: str) -> tuple[float, float]:
    """The share of the other one of a match that stands in this one, and the share of this one that it is."""
    return (match.b_in_a, match.a_in_b) if match.a == whole else (match.a_in_b, match.b_in_a)


def partition(articles: Iterable[str], tied: Ties, elect: Elect, compare: Compare | None = None) -> list[list[str]]:
    """Groups of ids, each with its elected original first and the rest sorted; single articles alone.

    With `compare` every article of a component is compared with the original: each was verified with its best candidates
    only, which in a story of hundreds need not include it. `tied` learns what that finds.
    """
    groups = []
    waiting = [set(articles)]
    while waiting:
        for part in components(waiting.pop(), tied):
            if len(part) == 1:
                groups.append(sorted(part))
                continue
            original = elect(sorted(part))
            if compare is not None:
                _tie(tied, (compare(original, other) for other in sorted(part - {original})
                            if other not in tied.linked.get(original, {})))
            joined = _joined(original, part, tied)
            groups.append([original, *sorted(joined - {original})])
            if part - joined:
                waiting.append(part - joined)
    return sorted(groups)


def components(articles: AbstractSet[str], tied: Ties) -> list[set[str]]:
    """The articles, parted into those that some chain of ties connects; in the order of their smallest ids."""
    left, parts = set(articles), []
    for one in sorted(articles):
        if one not in left:
            continue
        part, frontier = {one}, [one]
        while frontier:
            near = {other for other in tied.neighbours(frontier.pop()) if other in left and other not in part}
            part |= near
            frontier += near
        parts.append(part)
        left -= part
    return parts


def _joined(original: str, part: AbstractSet[str], tied: Ties) -> set[str]:
    near = tied.linked.get(original, {})
    bodies = {original} | {other for other, match in near.items() if other in part and _is_common_body(match, original)}
    members = {original}
    for body in bodies:
        members |= {other for other in tied.linked.get(body, {}) if other in part and tied.may(original, other)}
    members |= {
        other for one in sorted(members) for other, match in tied.linked.get(one, {}).items()
        if other in part and tied.may(original, other) and min(match.a_in_b, match.b_in_a) >= _VERSION
    }
    return _with_must(members, part, tied.must)


def _is_common_body(match: Match, original: str) -> bool:
    of_original, of_other = (match.a_in_b, match.b_in_a) if match.a == original else (match.b_in_a, match.a_in_b)
    return of_original >= _BODY_HOLDS and of_other >= _BODY_IS


def _with_must(members: set[str], part: AbstractSet[str], must: Mapping[str, set[str]]) -> set[str]:
    """Whoever a person tied to a member comes along."""
    frontier = set(members)
    while frontier:
        frontier = {other for one in frontier for other in must.get(one, ()) if other in part} - members
        members |= frontier
    return members
