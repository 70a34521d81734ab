"""What is kept of a body to tell that it cannot match another, without reading either again.

Each shingle, and each word that may tell of a rewording, is kept by 16 bits of its hash: a kilobyte for an article of 400
words. What two bodies share they share here too, so that a count here is never less than the true one; it is more by
what falls together by chance, one shingle in a hundred of such articles. A pair is left out only where even that is too
few, so that what is found is the same, and the texts of most pairs that share a key are never read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash

from crawler.core import match, rewording
from crawler.core.text import Body, shingles, unspaced

_WORDS_AT_MOST = 20_000   # of longer bodies nothing is kept: they are compared as they are
_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Sketch:
    """16 bits of each distinct shingle, and of each word by which rewordings are recognised, as bytes."""

    grams: bytes
    marks: bytes


def of(body: Body) -> Sketch | None:
    """None where nothing can be said beforehand: of scripts without spaces, whose shingles depend on the other body, and
    of very long bodies."""
    forms = body.forms()
    if len(forms) > _WORDS_AT_MOST or unspaced(body.words.forms[:match.UNSPACED_ASKED]):
        return None
    marks = map(xxhash.xxh32_intdigest, map(str.encode, rewording.tells(body)))
    return Sketch(np.fromiter(set(shingles(forms, match.SHINGLE)), np.uint64).astype(np.uint16).tobytes(),
                  np.fromiter(marks, np.uint32).astype(np.uint16).tobytes())


class Compared:
    """One sketch asked about many others."""

    def __init__(self, mine: Sketch | None) -> None:
        self._mine = mine
        self._grams: Any = None if mine is None else _table(mine.grams)
        self._marks: Any = None if mine is None else _table(mine.marks)

    def may_match(self, other: Sketch | None, floor: float) -> bool:
        """Whether `match.match` may give anything with this floor."""
        if self._mine is None or other is None:
            return True
        shorter = min(len(self._mine.grams), len(other.grams)) // 2
        shared = int(np.count_nonzero(self._grams[np.frombuffer(other.grams, np.uint16)]))
        return 0 < shared >= max(min(match.MIN_SHARED, shorter), floor * shorter)

    def may_retell(self, others: Sequence[Sketch | None]) -> list[bool]:
        """For each of `others`, all those that are asked about, whether leaving it out could change what
        `rewording.possible` gives."""
        if self._mine is None or None in others:
            return [True] * len(others)
        held = [one for one in others if one is not None]
        shared = [int(np.count_nonzero(self._marks[np.frombuffer(one.marks, np.uint16)])) for one in held]
        shares = (count / max(1, min(len(self._mine.marks), len(one.marks)) // 2) for count, one in zip(shared, held, strict=True)
                  if count >= rewording.IN_ORDER)
        if not any(share >= rewording.SHARE for share in shares):
            return [False] * len(others)
        return [count >= rewording.IN_ORDER for count in shared]


def _table(values: bytes) -> Any:
    table = np.zeros(_VALUES, dtype=bool)
    table[np.frombuffer(values, np.uint16)] = True
    return table
