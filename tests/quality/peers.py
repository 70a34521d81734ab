"""Other near-duplicate finders, each as a score for pairs of texts, so that their thresholds can be swept.

`PEERS` names them with the thresholds worth trying; `scores(name, texts, pairs)` is a figure per pair, higher is
nearer. The packages are imported where they are used; `available()` names the peers whose package is installed and
says on standard error which are not. An LSH peer is run as its users run it: 1.0 where the index returns the pair, else
0.0, with no check of the candidates.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import regex

Pair = tuple[int, int]
Score = Callable[[Sequence[str], Sequence[Pair]], list[float]]

PERMUTATIONS = 128
SHINGLE = 5  # words
# Of text without spaces each character is a word, with its marks.
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_WORD = regex.compile(rf"(?V1)[\p{{L}}&&{_UNSPACED}]\p{{M}}*"
                      rf"|[[\p{{L}}\p{{N}}]--{_UNSPACED}][[\p{{L}}\p{{M}}\p{{N}}]--{_UNSPACED}]*")


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: the module it needs, its score, and the thresholds to try (a pair counts from the threshold on)."""

    module: str
    score: Score
    thresholds: tuple[float, ...]


def scores(name: str, texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """The peer's score of each pair of indices into the texts."""
    return PEERS[name].score(texts, pairs)


def available() -> list[str]:
    """The peers that can run here; a line on standard error for each that cannot."""
    found = [name for name, peer in PEERS.items() if find_spec(peer.module)]
    for name in (name for name in PEERS if name not in found):
        print(f"skipped {name}: the package {PEERS[name].module} is not installed", file=sys.stderr)
    return found


def joined(count: int, pairs: Sequence[Pair], near: Sequence[bool]) -> list[bool]:
    """Whether each pair is in one group once all that is near is joined, as tools that report groups do."""
    group = list(range(count))

    def find(one: int) -> int:
        while group[one] != one:
            group[one] = group[group[one]]
            one = group[one]
        return one

    for (a, b), close in zip(pairs, near, strict=True):
        if close:
            group[find(a)] = find(b)
    return [find(a) == find(b) for a, b in pairs]


def words(text: str) -> list[str]:
    """The words in lower case; characters where the script has no spaces."""
    return [word.lower() for word in _WORD.findall(text)]


def shingles(text: str) -> list[str]:
    """The runs of words, in order and with repetitions; a shorter text is one shingle."""
    found = words(text)
    return [" ".join(found[at:at + SHINGLE]) for at in range(max(1, len(found) - SHINGLE + 1))]


def datasketch_lsh(threshold: float) -> Score:
    """MinHashLSH of datasketch at this threshold."""
    def score(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
        sketches = _datasketches(texts)
        index = import_module("datasketch").MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
        for at, sketch in enumerate(sketches):
            index.insert(at, sketch)
        return _returned((index.query(sketch) for sketch in sketches), pairs)
    return score


def datasketch_jaccard(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """Jaccard similarity as datasketch estimates it."""
    sketches = _datasketches(texts)
    return [sketches[a].jaccard(sketches[b]) for a, b in pairs]


def _datasketches(texts: Sequence[str]) -> list[Any]:
    minhash = import_module("datasketch").MinHash
    return list(minhash.bulk([[one.encode() for one in set(shingles(text))] for text in texts], num_perm=PERMUTATIONS))


def rensa_lsh(threshold: float, bands: int) -> Score:
    """RMinHashLSH of rensa; the user chooses the bands, which must divide the permutations."""
    def score(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
        sketches = _rensas(texts)
        index = import_module("rensa").RMinHashLSH(threshold, PERMUTATIONS, bands)
        for at, sketch in enumerate(sketches):
            index.insert(at, sketch)
        return _returned((index.query(sketch) for sketch in sketches), pairs)
    return score


def rensa_jaccard(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """Jaccard similarity as rensa's RMinHash estimates it."""
    sketches = _rensas(texts)
    return [sketches[a].jaccard(sketches[b]) for a, b in pairs]


def _rensas(texts: Sequence[str]) -> list[Any]:
    minhash = import_module("rensa").RMinHash
    return list(minhash.from_token_sets([shingles(text) for text in texts], num_perm=PERMUTATIONS, seed=42))


def simhash_characters(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """1 - Hamming distance / 64 of the package's own features: runs of four characters, without spaces."""
    simhash = import_module("simhash").Simhash
    return _near([simhash(text) for text in texts], pairs)


def simhash_words(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """1 - Hamming distance / 64 of the word shingles, weighted by their number."""
    simhash = import_module("simhash").Simhash
    return _near([simhash(dict(Counter(shingles(text)))) for text in texts], pairs)


def _near(prints: Sequence[Any], pairs: Sequence[Pair]) -> list[float]:
    values = [int(one.value) for one in prints]
    return [1 - (values[a] ^ values[b]).bit_count() / 64 for a, b in pairs]


def retsim(texts: Sequence[str], pairs: Sequence[Pair]) -> list[float]:
    """Cosine of the RETSim embeddings, clipped to 0..1 as `TextSim.similarity` does; ONNX, so no TensorFlow."""
    os.environ.setdefault("BACKEND", "onnx")
    if not texts:
        return []
    vectors = import_module("unisim").TextSim(store_data=False).embed(texts)
    return [float(min(1.0, max(0.0, vectors[a] @ vectors[b]))) for a, b in pairs]


def _returned(answers: Iterable[Iterable[int]], pairs: Sequence[Pair]) -> list[float]:
    """1.0 for each pair of which one finds the other."""
    found = [set(answer) for answer in answers]
    return [float(a in found[b] or b in found[a]) for a, b in pairs]


_PERCENT = tuple(step / 100 for step in range(2, 101))
_BITS = tuple(1 - distance / 64 for distance in range(32, -1, -1))
PEERS: dict[str, Peer] = {
    "datasketch LSH .5": Peer("datasketch", datasketch_lsh(.5), (1.0,)),
    "datasketch LSH .8": Peer("datasketch", datasketch_lsh(.8), (1.0,)),
    "datasketch Jaccard": Peer("datasketch", datasketch_jaccard, _PERCENT),
    "rensa LSH .5": Peer("rensa", rensa_lsh(.5, 32), (1.0,)),  # 32 bands of 4: half found at .42
    "rensa LSH .8": Peer("rensa", rensa_lsh(.8, 8), (1.0,)),   # 8 bands of 16, as in its benchmark: half found at .86
    "rensa Jaccard": Peer("rensa", rensa_jaccard, _PERCENT),
    "SimHash characters": Peer("simhash", simhash_characters, _BITS),
    "SimHash words": Peer("simhash", simhash_words, _BITS),
    "RETSim": Peer("unisim", retsim, tuple(step / 200 for step in range(100, 201))),
}
