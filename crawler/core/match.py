"""Two bodies -> Match: how much of each stands in the other, where, and what kind of copy that makes.

Rules
    1. Shingles are runs of 3 words (6 characters where a script has no spaces). Containment is the share of the
       shorter body's shingles found in the other. Copied: containment >= `containment` (.6) and 15 shared shingles
       (F1 .98 on real wire copies; MinHash alone .83 at its .5).
    2. What is shared must not be mostly other people's words: quotations, tweets and statements make up to .49
       containment between independent reports.
    3. Shares are of words, not of shingles: a word counts as found when a shared shingle covers it. So a phrase put
       inside a sentence costs its neighbours nothing.
    4. Two texts of one source are versions of each other only where they share a long run: templates (weather, markets,
       captions) are alike in short runs between their figures, and are where shingle methods fail.
    5. The kind is read with the fuller text as the original; a story asks again with its own original.
Invariants: symmetric (`match(a, b)` and `match(b, a)` are equal), deterministic, no clock, no chance.
Known exceptions: an article reworded sentence by sentence shares too little and is not found.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache

import regex

from crawler.core.text import Body, shingles, unspaced
from crawler.core.types import Kind, Match, Passage

RULES = 1                 # raise when the same two bodies would be judged otherwise

MIN_SHARED = 15           # shared shingles; below, stock sentences are enough
MIN_UNQUOTED = 0.25       # share of the shared words outside quotation marks
WHOLE = 0.8               # of_original from which the copy carries "nearly all" of it: near or wrapped, not excerpt
LITTLE_ELSE = 0.8         # of_copy from which an excerpt has "little else"
OWN_WORDS = 12            # words of the copier's own beyond what it left out that make it wrapped: more than a credit line
OWN_SHARE = 0.1           # … or this share of its text
VERSION_RUN = 60          # words; or this share of the shorter body
VERSION_RUN_SHARE = 0.3
_PASSAGE_WORDS = 5        # shorter runs count as found, but are not shown
_POSITIONS = 8            # places of one shingle that are tried when a passage is extended
_WORDS_AT_MOST = 50_000

_QUOTED = regex.compile(r'["“„”«‹「『][^"“”„«»‹›「」『』\n]{12,1500}["”“»›」』]')


@dataclass(frozen=True, slots=True)
class _Side:
    """One body, prepared."""

    body: Body
    at: tuple[int, ...]             # kept word positions
    forms: tuple[str, ...]          # their forms
    grams: tuple[int, ...]          # shingle hashes by position in `forms`
    distinct: frozenset[int]
    size: int
    quotes: tuple[tuple[int, int], ...]   # spans of the text between quotation marks


def match(a: Body, b: Body, containment: float = 0.6, floor: float = 0.0) -> Match | None:
    """Compare two bodies; None where they share fewer than 15 shingles (or all, where a body is shorter), or less
    than `floor` of the shorter body: finding the passages costs ten times as much as counting what is shared.
    """
    if b.id < a.id:
        a, b = b, a
    size = 6 if _unspaced(a) or _unspaced(b) else 3
    left, right = _side(a, size), _side(b, size)
    common = left.distinct & right.distinct
    shorter = min(len(left.distinct), len(right.distinct))
    if not common or len(common) < max(min(MIN_SHARED, shorter), floor * shorter):
        return None
    return _judge(left, right, common, shorter, containment)


@lru_cache(maxsize=2048)
def _unspaced(body: Body) -> bool:
    return unspaced([word.form for word in body.words[:400]])


@lru_cache(maxsize=2048)
def _side(body: Body, size: int) -> _Side:
    at = tuple(body.kept()[:_WORDS_AT_MOST])
    forms = tuple(body.words[position].form for position in at)
    grams = tuple(shingles(forms, size))
    quotes = tuple(hit.span() for hit in _QUOTED.finditer(body.text))
    return _Side(body, at, forms, grams, frozenset(grams), size, quotes)


def _judge(left: _Side, right: _Side, common: AbstractSet[int], shorter: int, containment: float) -> Match:
    found_left, found_right = _covered(left, common), _covered(right, common)
    runs = _runs(left, right, common)
    longest = max((run[2] for run in runs), default=0)
    unquoted = min(_unquoted(left, found_left), _unquoted(right, found_right))
    figures = Match(
        left.body.id, right.body.id,
        similarity=len(common) / len(left.distinct | right.distinct),
        a_in_b=len(found_left) / len(left.at), b_in_a=len(found_right) / len(right.at), shared=len(common),
        longest=longest, unquoted=unquoted,
        kind=Kind.NEAR, same=left.forms == right.forms,
        copied=len(common) >= containment * shorter and unquoted >= MIN_UNQUOTED and _is_no_template(left, right, longest),
        passages=tuple(_passage(left, right, run) for run in runs if run[2] >= _PASSAGE_WORDS),
        a_extra=len(left.body.words) - len(found_left), b_extra=len(right.body.words) - len(found_right),
        rules=RULES, a_words=len(left.at), b_words=len(right.at),
    )
    a_is_fuller = len(left.body.words) >= len(right.body.words)
    return replace(figures, kind=kind(figures, figures.a if a_is_fuller else figures.b))


def _is_no_template(left: _Side, right: _Side, longest: int) -> bool:
    """False for two texts of one source whose longest shared run is short."""
    if not left.body.source or left.body.source != right.body.source:
        return True
    return longest >= min(VERSION_RUN, VERSION_RUN_SHARE * min(len(left.at), len(right.at)))


@dataclass(frozen=True, slots=True)
class Oriented:
    """The figures of a match read with one side as the original. Shares are of words, in 0..1."""

    of_original: float   # share of the original's body found in the copy
    of_body: float       # share of the copy's body that stands in the original
    of_copy: float       # share of the copy's whole text, site phrases included, that stands in the original
    missing: int         # words of the original's body that the copy lacks
    own: int             # words of the copy's whole text that the original lacks
    same: bool           # the two bodies are word for word the same


def oriented(figures: Match, original: str) -> Oriented:
    """Read a match with `original` (the id of one of its two) as the original."""
    a_first = figures.a == original
    of_original, of_body = (figures.a_in_b, figures.b_in_a) if a_first else (figures.b_in_a, figures.a_in_b)
    original_words, copy_words = (figures.a_words, figures.b_words) if a_first else (figures.b_words, figures.a_words)
    own = figures.b_extra if a_first else figures.a_extra
    found = round(of_body * copy_words)
    return Oriented(of_original, of_body, found / (found + own) if found + own else 0.0,
                    original_words - round(of_original * original_words), own, figures.same)


def kind(figures: Match, original: str) -> Kind:
    """How the other article copies `original` (its id), by the figures alone."""
    read = oriented(figures, original)
    if read.of_original < WHOLE:
        return Kind.EXCERPT if read.of_body >= LITTLE_ELSE else Kind.PARTIAL
    added = read.own - read.missing
    if added >= OWN_WORDS or added > OWN_SHARE * _shorter_words(figures):
        return Kind.WRAPPED
    return Kind.EXACT if read.same else Kind.NEAR


def _shorter_words(figures: Match) -> int:
    return min(figures.a_words, figures.b_words)


def _covered(side: _Side, common: AbstractSet[int]) -> list[int]:
    """Indices into `side.at`, in order, of the words that a shared shingle covers."""
    found: list[int] = []
    end = 0
    for start, gram in enumerate(side.grams):
        if gram in common:
            last = min(start + side.size, len(side.at))
            found.extend(range(max(start, end), last))
            end = last
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


def _passage(left: _Side, right: _Side, run: tuple[int, int, int]) -> Passage:
    a, b, count = run
    a_words, b_words = left.body.words, right.body.words
    return Passage(a_words[left.at[a]].start, a_words[left.at[a + count - 1]].end,
                   b_words[right.at[b]].start, b_words[right.at[b + count - 1]].end, count)


def _unquoted(side: _Side, found: Iterable[int]) -> float:
    """Share of the found words (indices in order) that stand outside quotation marks."""
    starts = [side.body.words[side.at[index]].start for index in found]
    return 1 - _inside(starts, side.quotes) / len(starts)


def _inside(starts: Sequence[int], spans: Sequence[tuple[int, int]]) -> int:
    """How many of the sorted offsets lie in one of the sorted spans."""
    count, at = 0, 0
    for start in starts:
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        count += at < len(spans) and spans[at][0] <= start
    return count
