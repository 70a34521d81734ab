"""A body -> the 64-bit keys by which its copies are found (datasketch's door).

Three kinds of key in one index, because each finds what the others lose (measured on real wire copies):

* MinHash bands, 64 bands of 2 rows over word 3-grams: alike as a whole. Recall .957 with 2.7 candidates an article
  where the usual 25 bands of 5 reach .780.
* shingles sampled by their hash (1 in 16): one part inside the other. Excerpts are what MinHash loses: of 90 real
  Arabic excerpts LSH found 28 at threshold .5 and none at .8;
* pairs of longer words sampled by their hash: what may be reworded, which is shown and never decided.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import xxhash

from crawler.core.text import Body, shingles, unspaced

BANDS, ROWS = 64, 2
_SEED = 1
_SAMPLE_BELOW = 2**64 // 16      # 1 in 16: candidate recall .993 with 10 candidates an article
_SAMPLE_AT_LEAST = 20            # a short excerpt would else have two or three keys
_SAMPLE_AT_MOST = 256            # a 10 MB text must not flood the index: the smallest hashes are kept
_NAMES, _NAME_LETTERS = 24, 4    # of five names in common one is among those of both in eight of nine pairs
_WORDS_AT_MOST = 20_000
_OF_ONE_SCORE = 10
# One key in common that twenty others have too says nothing; among a million articles each has fifty such companions, and to
# look at their texts costs more than all else of a judgement. What is in twenty articles has found its story before.
_LEAST = 1 / 20


def keys(body: Body) -> tuple[int, ...]:
    """Index keys of a body, sorted, without repeats; none for an empty body."""
    forms = body.forms()[:_WORDS_AT_MOST]
    if not forms:
        return ()
    return tuple(sorted({*_band_keys(forms), *_sampled(forms), *_names(forms)}))


def ranked(scores: Mapping[str, float], limit: int) -> list[str]:
    """The `limit` best ids by score, ties by id; those beyond ten of one score after all others, those of next to none left
    out. The score of an id is the sum, over the keys that are shared with it, of one divided by the key's holders.

    Word-for-word copies share the same keys. Did fifty of them take every place, each group of them would be compared
    with itself only, and a story of hundreds would fall apart.
    """
    ordered = sorted((-round(score, 9), id_) for id_, score in scores.items() if score >= _LEAST)
    alike: Counter[float] = Counter()
    first: list[str] = []
    later: list[str] = []
    for score, id_ in ordered:
        alike[score] += 1
        (first if alike[score] <= _OF_ONE_SCORE else later).append(id_)
    return [*first, *later][:limit]


def _sampled(forms: Sequence[str]) -> list[int]:
    """The smallest shingle hashes: those under the sampling line, but at least 20 and at most 256."""
    ordered = sorted(set(shingles(forms, 8 if unspaced(forms) else 5)))
    under = sum(1 for hash_ in ordered if hash_ < _SAMPLE_BELOW)
    return ordered[:min(max(under, _SAMPLE_AT_LEAST), _SAMPLE_AT_MOST)]


def _names(forms: Sequence[str]) -> list[int]:
    """The smallest hashes of two longer words, or a number and a word, beside each other: what a rewording keeps of its
    original is names and figures, and next to none of its shingles. Scripts without spaces have no such words."""
    if unspaced(forms):
        return []
    tells = [len(form) >= _NAME_LETTERS or form.isdigit() for form in forms]
    found = {xxhash.xxh3_64_intdigest(f"{one}\x1e{other}".encode())
             for at, (one, other) in enumerate(pairwise(forms)) if tells[at] and tells[at + 1]}
    return sorted(found)[:_NAMES]


def _band_keys(forms: Sequence[str]) -> list[int]:
    size = 6 if unspaced(forms) else 3
    elements = [hash_.to_bytes(8, "little") for hash_ in set(shingles(forms, size))]
    sketch = _datasketch().MinHash(num_perm=BANDS * ROWS, seed=_SEED, hashfunc=xxhash.xxh32_intdigest, scheme="affine32")
    sketch.update_batch(elements)
    rows = sketch.hashvalues.astype("<u4").tobytes()
    width = ROWS * 4
    return [xxhash.xxh3_64_intdigest(rows[at * width:(at + 1) * width], seed=at + 1) for at in range(BANDS)]


@lru_cache(maxsize=1)
def _datasketch() -> Any:
    """Imported at first use: it costs most of a second."""
    import datasketch  # noqa: PLC0415 - see above

    return datasketch
