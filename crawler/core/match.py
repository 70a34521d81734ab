"""Two bodies -> Match: how much of each stands in the other, where, and what kind of copy that makes.

Rules
    1. Shingles are runs of 3 words (6 characters where a script has no spaces). Containment is the share of the
       shorter body's shingles found in the other. Copied: containment >= `containment` (.6) and 15 shared shingles
       (F1 .98 on real wire copies; MinHash alone .83 at its .5).
    2. What is shared must not be mostly other people's words: quotations, tweets and statements make up to .49
       containment between independent reports. It may be where the words between them are shared as well.
    3. Shares are of words, not of shingles: a word counts as found when a shared shingle covers it. So a phrase put
       inside a sentence costs its neighbours nothing.
    4. Two texts of one source are versions of each other only where they share a long run, and one of their beginnings:
       templates (weather, markets, captions) are alike in short runs between their figures and in what the source prints
       below each, and are where shingle methods fail.
    5. The kind is read with the fuller text as the original; a story asks again with its own original.
Invariants: symmetric (`match(a, b)` and `match(b, a)` are equal), deterministic, no clock, no chance.
Known exceptions: an article reworded sentence by sentence shares too little and is not found.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from operator import and_

from crawler.core import quotes
from crawler.core.text import Body, shingles, unspaced
from crawler.core.types import Kind, Match, Passage, Refusal

RULES = 2                 # raise when the same two bodies would be judged otherwise

SHINGLE = 3               # words; twice as many characters where a script has no spaces
UNSPACED_ASKED = 400      # words by which a script is known
MIN_SHARED = 15           # shared shingles; below, stock sentences are enough
MIN_UNQUOTED = 0.25       # share of the shared words that are not other people's …
ALL = 0.95                # of both texts: then it is one text, whoever speaks in it
MIN_TOLD = 0.5            # … or share of the shorter one's own words that are shared
# The kinds, on the seen half of our labelled set: copies that are whole hold .84 of the original or more, excerpts and
# partial copies .79 or less; what excerpts have is the original's to .72 or more, and of partial ones to .63 or less;
# near ones put at most 6 words in between, wrapped ones 23 or more.
WHOLE = 0.8               # of_original from which the copy carries "nearly all" of it: near or wrapped, not excerpt
LITTLE_ELSE = 0.8         # of_copy from which an excerpt has "little else"
OWN_WORDS = 12            # words of the copier's own put in between that make it wrapped: more than a credit line
OWN_SHARE = 0.1           # … or this share of its text
VERSION_RUN = 60          # words; or this share of the shorter body
VERSION_RUN_SHARE = 0.3
SHORT_WORD = 4            # letters; longer words tell what a text is about
KIN = 0.2                 # share of the longer words in common that is kinship: of 648 halves of 108 news texts in 6
                          # languages a third has so much with its other half, 4 in 1,000 with a half of another text
LEAD = 25                 # words of a text that are its beginning (twice as many characters where a script has no
LEAD_RUN = 10             # spaces), of which one version keeps as long a run in the other
TABLE = 5                 # places where only a number differs that make two texts two issues of one table
_CELL = 6                 # words of such a place at most
_PASSAGE_WORDS = 5        # shorter runs count as found, but are not shown
_POSITIONS = 8            # places of one shingle that are tried when a passage is extended
_WORDS_AT_MOST = 50_000


@dataclass(frozen=True, slots=True)
class _Side:
    """One body, prepared."""

    body: Body
    at: tuple[int, ...]             # kept word positions
    forms: tuple[str, ...]          # their forms
    grams: tuple[int, ...]          # shingle hashes by position in `forms`
    distinct: frozenset[int]
    size: int
    own: bytes                      # 1 for each word that is not other people's


def match(a: Body, b: Body, containment: float = 0.6, floor: float = 0.0) -> Match | None:
    """Compare two bodies; None where they share fewer than 15 shingles (or all, where a body is shorter), or less
    than `floor` of the shorter body: finding the passages costs ten times as much as counting what is shared.
    """
    if b.id < a.id:
        a, b = b, a
    size = 2 * SHINGLE if _unspaced(a) or _unspaced(b) else SHINGLE
    left, right = _side(a, size), _side(b, size)
    common = left.distinct & right.distinct
    shorter = min(len(left.distinct), len(right.distinct))
    if not common or len(common) < max(min(MIN_SHARED, shorter), floor * shorter):
        return None
    return _judge(left, right, common, shorter, containment)


@lru_cache(maxsize=2048)
def _unspaced(body: Body) -> bool:
    return unspaced(body.words.forms[:UNSPACED_ASKED])


@lru_cache(maxsize=2048)
def _side(body: Body, size: int) -> _Side:
    at = tuple(body.kept()[:_WORDS_AT_MOST])
    forms = tuple(map(body.words.forms.__getitem__, at))
    grams = tuple(shingles(forms, size))
    own = bytes(_outside(list(map(body.words.starts.__getitem__, at)), quotes.spans(body.text)))
    return _Side(body, at, forms, grams, frozenset(grams), size, own)


def _judge(left: _Side, right: _Side, common: AbstractSet[int], shorter: int, containment: float) -> Match:
    found_left, found_right = _covered(left, common), _covered(right, common)
    runs = _runs(left, right, common)
    longest = max((run[2] for run in runs), default=0)
    unquoted = min(_share_own(left, found_left), _share_own(right, found_right))
    told = _told(left, found_left) if len(left.distinct) <= len(right.distinct) else _told(right, found_right)
    refused = (Refusal.LITTLE if len(common) < containment * shorter
               else Refusal.QUOTED if unquoted < MIN_UNQUOTED and told < MIN_TOLD and not _is_all(left, right, found_left, found_right)
               else Refusal.TEMPLATE if _is_template(left, right, runs)
               else Refusal.TABLE if _is_table(left, right, runs) else None)
    figures = Match(
        left.body.id, right.body.id,
        similarity=len(common) / len(left.distinct | right.distinct),
        a_in_b=found_left.count(1) / len(left.at), b_in_a=found_right.count(1) / len(right.at), shared=len(common), containment=len(common) / shorter,
        longest=longest, unquoted=unquoted, told=told,
        kind=Kind.NEAR, same=left.forms == right.forms, copied=refused is None, refused=refused,
        passages=tuple(_passage(left, right, run) for run in runs if run[2] >= _PASSAGE_WORDS),
        a_extra=len(left.body.words) - found_left.count(1), b_extra=len(right.body.words) - found_right.count(1),
        a_inserted=_inserted(left, runs, found_left, found_right),
        b_inserted=_inserted(right, [(b, a, count) for a, b, count in runs], found_right, found_left),
        rules=RULES, a_words=len(left.at), b_words=len(right.at),
    )
    a_is_fuller = len(left.body.words) >= len(right.body.words)
    return replace(figures, kind=kind(figures, figures.a if a_is_fuller else figures.b))


def _is_all(left: _Side, right: _Side, found_left: bytearray, found_right: bytearray) -> bool:
    """Whether next to nothing of either is its own: two reports on one speech have at least a frame each."""
    return min(found_left.count(1) / len(left.at), found_right.count(1) / len(right.at)) >= ALL


def _is_template(left: _Side, right: _Side, runs: Sequence[tuple[int, int, int]]) -> bool:
    """True for two texts of one source that share no long run, or none where a report begins."""
    if not left.body.source or left.body.source != right.body.source:
        return False
    longest = max((words for _, _, words in runs), default=0)
    lead = LEAD * left.size // 3
    begun = max((min(lead, start + words) - start for a, b, words in runs for start in (a, b)), default=0)
    shorter = min(len(left.at), len(right.at))
    return (longest < min(VERSION_RUN, VERSION_RUN_SHARE * shorter)
            or begun < min(LEAD_RUN * left.size // 3, shorter))


def _is_table(left: _Side, right: _Side, runs: Sequence[tuple[int, int, int]]) -> bool:
    """Whether two texts, of whatever source, are alike between figures that differ: lottery, weather, markets."""
    gaps = numbers = 0
    for (a, b, count), (next_a, next_b, _) in pairwise(runs):
        ours, theirs = left.forms[a + count:next_a], right.forms[b + count:next_b]
        if b + count <= next_b and len(ours) <= _CELL >= len(theirs):
            gaps += 1
            numbers += "".join(filter(str.isdigit, ours)) != "".join(filter(str.isdigit, theirs)) and (
                any(map(str.isdigit, ours)) and any(map(str.isdigit, theirs)))
    return numbers >= TABLE and numbers * 2 >= gaps


@dataclass(frozen=True, slots=True)
class Oriented:
    """The figures of a match read with one side as the original. Shares are of words, in 0..1."""

    of_original: float   # share of the original's body found in the copy
    of_body: float       # share of the copy's body that stands in the original
    of_copy: float       # share of the copy's whole text, site phrases included, that stands in the original
    missing: int         # words of the original's body that the copy lacks
    own: int             # words of the copy's whole text that the original lacks
    inserted: int        # of them those put in between, beyond what the original has there
    same: bool           # the two bodies are word for word the same


def oriented(figures: Match, original: str) -> Oriented:
    """Read a match with `original` (the id of one of its two) as the original."""
    a_first = figures.a == original
    of_original, of_body = (figures.a_in_b, figures.b_in_a) if a_first else (figures.b_in_a, figures.a_in_b)
    original_words, copy_words = (figures.a_words, figures.b_words) if a_first else (figures.b_words, figures.a_words)
    own, inserted = (figures.b_extra, figures.b_inserted) if a_first else (figures.a_extra, figures.a_inserted)
    found = round(of_body * copy_words)
    return Oriented(of_original, of_body, found / (found + own) if found + own else 0.0,
                    original_words - round(of_original * original_words), own, inserted, figures.same)


def kind(figures: Match, original: str) -> Kind:
    """How the other article copies `original` (its id), by the figures alone."""
    if figures.translation is not None:
        return figures.kind
    read = oriented(figures, original)
    if read.of_original < WHOLE:
        return Kind.EXCERPT if read.of_body >= LITTLE_ELSE else Kind.PARTIAL
    if read.inserted >= OWN_WORDS or read.inserted > OWN_SHARE * _shorter_words(figures):
        return Kind.WRAPPED
    return Kind.EXACT if read.same else Kind.NEAR


def kin(a: Body, b: Body) -> bool:
    """Whether two bodies are about one thing: parts of one article name the same people and places."""
    left, right = _subject(a), _subject(b)
    return len(left & right) >= KIN * min(len(left), len(right)) > 0


def _subject(body: Body) -> frozenset[str]:
    """The longer words of a body (pairs of characters where a script has no spaces)."""
    forms = body.forms()
    if _unspaced(body):
        return frozenset(map("".join, pairwise(forms)))
    return frozenset(form for form in forms if len(form) > SHORT_WORD)


def _shorter_words(figures: Match) -> int:
    return min(figures.a_words, figures.b_words)


def _covered(side: _Side, common: AbstractSet[int]) -> bytearray:
    """1 for each word of `side.at` that a shared shingle covers, else 0."""
    found = bytearray(len(side.at))
    covering = b"\x01" * side.size
    for start, gram in enumerate(side.grams):
        if gram in common:
            found[start:start + side.size] = covering
    del found[len(side.at):]   # a text shorter than a shingle
    return found


def _runs(left: _Side, right: _Side, common: AbstractSet[int]) -> list[tuple[int, int, int]]:
    """Shared runs as (start in left, start in right, words), greedy from left to right, the longest at each start."""
    places: dict[int, list[int]] = {}
    for at, gram in enumerate(right.grams):
        if gram in common:
            where = places.setdefault(gram, [])
            if len(where) < _POSITIONS:
                where.append(at)
    runs, at = [], 0
    while at < len(left.grams):
        best = max(((_extend(left, right, at, other), -other) for other in places.get(left.grams[at], ())), default=(0, 0))
        if best[0]:
            runs.append((at, -best[1], best[0]))
        at += max(1, best[0] - left.size + 1)
    return runs


def _extend(left: _Side, right: _Side, a: int, b: int) -> int:
    """Words in the run that starts at word `a` of left and `b` of right."""
    length, limit = 0, min(len(left.forms) - a, len(right.forms) - b)
    while length < limit and left.forms[a + length] == right.forms[b + length]:
        length += 1
    return length


def _inserted(
    side: _Side, runs: Sequence[tuple[int, int, int]], mine: bytearray, theirs: bytearray,
) -> int:
    """Words of this side's whole text put in between what it shares: in each gap those beyond what the other has there,
    so that a sentence in other words is none, and a cut ending does not make up for a greeting."""
    total, end, other_end = 0, 0, 0
    for start, other_start, count in sorted(runs):
        if start + count <= end:
            continue
        total += max(0, _gap(side, mine, end, start) - theirs.count(0, other_end, max(other_end, other_start)))
        end, other_end = start + count, other_start + count
    return total + max(0, _gap(side, mine, end, len(side.at)) - theirs.count(0, other_end))


def _gap(side: _Side, found: bytearray, start: int, end: int) -> int:
    """Words of the whole text, site phrases included, between the kept words `start` and `end` that were not found."""
    first = side.at[start - 1] + 1 if start else 0
    last = side.at[end] if end < len(side.at) else len(side.body.words)
    return max(0, last - first - found.count(1, start, max(start, end)))


def _passage(left: _Side, right: _Side, run: tuple[int, int, int]) -> Passage:
    a, b, count = run
    a_words, b_words = left.body.words, right.body.words
    return Passage(a_words[left.at[a]].start, a_words[left.at[a + count - 1]].end,
                   b_words[right.at[b]].start, b_words[right.at[b + count - 1]].end, count)


def _share_own(side: _Side, found: bytearray) -> float:
    """Share of the found words that are not other people's."""
    return float(sum(map(and_, side.own, found)) / found.count(1))


def _told(side: _Side, found: bytearray) -> float:
    """Share of the side's own words, those that are not other people's, that were found; 0 where it has next to none."""
    own = side.own.count(1)
    return float(sum(map(and_, side.own, found)) / own) if own >= OWN_WORDS else 0.0


def _outside(starts: Sequence[int], spans: Sequence[tuple[int, int]]) -> Iterator[int]:
    """For each of the sorted offsets 1 where it lies in none of the sorted spans, else 0."""
    at = 0
    for start in starts:
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        yield int(at == len(spans) or start < spans[at][0])
