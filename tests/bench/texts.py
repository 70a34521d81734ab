"""News texts in any number, with the truth about which are copies: invented, or real ones repeated with edits.

    python tests/bench/texts.py --texts 1000000 -o texts.jsonl              # and texts.truth.jsonl
    python tests/bench/texts.py --texts 100000 --real articles.jsonl -o texts.jsonl

One line a text as `firsthand dedup` reads it; one line of truth a copy: `{"id", "of", "kind"}`. The same seed gives the same
bytes; blocks are made one after the other, so that memory does not grow with the number of texts.

What makes invented texts like news, for who compares them: words by Zipf's law with Mandelbrot's offset, of 200,000; names of
each article's own that come back in it; stock phrases; outlets of very different size, each with lines of its own around its
articles; lengths of 150 to 900 words. Ten in a hundred are copies of an article of the last two blocks.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 1000
SEED = 8
COPIED = 0.1
KINDS = ("exact", "wrapped", "excerpt", "edited")
EDITED = 0.04             # of the words of an edited copy are others: of its 3-grams about one in nine
EXCERPT = (0.35, 0.7)     # of the original that an excerpt has
REPLACED = 0.4            # of the words of a real text repeated are others: of its 3-grams one in five is left, of two such one in 20
VOCABULARY, OFFSET, FALL = 200_000, 2.7, 1.07
OWN_WORDS, OWN_SHARE = 25, 0.12
PHRASES, PHRASE_EVERY = 4000, 45
SOURCES = 400
A_DAY = 2500
START = datetime(2026, 1, 1, tzinfo=UTC)
# What stands behind a word: nothing, a comma, an end of a sentence, of a paragraph.
BETWEEN = np.array([" ", ", ", ". ", ".\n"], dtype=object)
ONSETS = ["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "ch", "cl", "dr", "fl", "gr", "pl", "pr", "sh", "sl", "st", "th", "tr"]
VOWELS = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ou"]
CODAS = ["", "", "", "n", "r", "s", "t", "l", "m", "nd", "st", "ng"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by rank, the same with a capital, and what share of a text the first n are."""

    words: np.ndarray
    capital: np.ndarray
    cumulated: np.ndarray

    @classmethod
    def of(cls, words: Sequence[str], weights: np.ndarray) -> "Vocabulary":
        return cls(np.array(words, dtype=object), np.array([one[:1].upper() + one[1:] for one in words], dtype=object),
                   np.cumsum(weights / weights.sum()))

    def draw(self, chance: np.random.Generator, count: int) -> np.ndarray:
        """Ranks of `count` words."""
        return np.minimum(np.searchsorted(self.cumulated, chance.random(count)), len(self.words) - 1)


def invented(chance: np.random.Generator) -> Vocabulary:
    """Frequent words are short, one in fifty is a number, one in a hundred has an accent."""
    found: dict[str, None] = {}
    while len(found) < VOCABULARY:
        size = 1 + int(chance.random() * min(2.4, 0.9 + len(found) / 4000))
        word = "".join(_pick(chance, part) for _ in range(size) for part in (ONSETS, VOWELS, CODAS))
        sort = chance.random()
        if len(found) > 100 and sort < 0.02:
            word = str(int(10 ** (1 + 5 * chance.random())))
        elif len(found) > 100 and sort < 0.03:
            word = word.replace("e", "é").replace("o", "ö")
        found[word] = None
    return Vocabulary.of(list(found), 1 / (np.arange(VOCABULARY) + OFFSET) ** FALL)


def _pick(chance: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(chance.random() * len(choices))]


@dataclass(frozen=True, slots=True)
class Article:
    """A text before an outlet prints it: its headline and paragraphs."""

    id: str
    source: int
    title: str
    text: str


class Press:
    """Everything that is the same in all blocks: the words, the stock phrases, what outlets print around their articles."""

    def __init__(self, vocabulary: Vocabulary, bases: Sequence[list[str]] = ()) -> None:
        chance = np.random.default_rng([SEED, 0])
        self.vocabulary, self.bases = vocabulary, bases
        self.phrases = [vocabulary.draw(chance, int(size)) for size in chance.integers(3, 7, PHRASES)]
        self.common = np.cumsum(_falling(PHRASES))
        self.sources = np.cumsum(_falling(SOURCES))
        self.lines = [self._lines(chance) for _ in range(SOURCES)]

    def _lines(self, chance: np.random.Generator) -> tuple[str, str]:
        """What an outlet prints before and behind its articles; a third prints nothing."""
        def line(most: int) -> str:
            words = self.vocabulary.words[self.vocabulary.draw(chance, int(chance.integers(6, most)))]
            return " ".join(words).capitalize() + "."
        kind = chance.random()
        return (line(14) if kind > 0.66 else ""), (line(40) if kind > 0.33 else "")

    def written(self, block: int, count: int) -> list[Article]:
        """The articles of a block, copies not among them."""
        chance = np.random.default_rng([SEED, 1, block])
        sources = np.searchsorted(self.sources, chance.random(count))
        told = self._repeated(chance, count) if self.bases else self._told(chance, count)
        return [Article(f"n{block * BLOCK + at:08}", int(sources[at]), title, text) for at, (title, text) in enumerate(told)]

    def _told(self, chance: np.random.Generator, count: int) -> Iterator[tuple[str, str]]:
        lengths = np.clip(chance.lognormal(5.95, 0.45, count), 150, 900).astype(int)
        ends = np.cumsum(lengths)
        total = int(ends[-1])
        ranks = self.vocabulary.draw(chance, total)
        article = np.repeat(np.arange(count), lengths)
        names = chance.integers(2000, len(self.vocabulary.words), (count, OWN_WORDS))
        own = chance.random(total) < OWN_SHARE
        ranks[own] = names[article[own], np.minimum(chance.geometric(0.15, int(own.sum())), OWN_WORDS) - 1]
        for at in chance.integers(0, total - 8, total // PHRASE_EVERY):
            phrase = self.phrases[int(np.searchsorted(self.common, chance.random()))]
            ranks[at:at + len(phrase)] = phrase
        pieces = self._pieces(chance, ranks, own & (ranks >= 2000), ends)
        for start, end in pairwise((0, *ends.tolist())):
            title = " ".join(self.vocabulary.words[ranks[start + 3:start + 11]]).capitalize()
            yield title, "".join(pieces[2 * start:2 * end].tolist()).rstrip()

    def _pieces(self, chance: np.random.Generator, ranks: np.ndarray, names: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Words and what stands between them, in turn: sentences of 8 to 30 words, paragraphs of some three."""
        total = len(ranks)
        between = (chance.random(total) < 0.06).astype(int)
        stops = np.cumsum(chance.integers(8, 31, total // 8))
        stops = np.union1d(stops[stops < total], ends - 1)
        between[stops] = np.where(chance.random(len(stops)) < 0.35, 3, 2)
        begins = np.concatenate(([0], stops[:-1] + 1))
        pieces = np.empty(2 * total, dtype=object)
        pieces[0::2] = np.where(names, self.vocabulary.capital[ranks], self.vocabulary.words[ranks])
        pieces[1::2] = BETWEEN[between]
        pieces[2 * begins] = self.vocabulary.capital[ranks[begins]]
        said = chance.random(len(stops)) < 0.1   # somebody is quoted
        pieces[2 * begins[said]] = "“" + pieces[2 * begins[said]]
        pieces[2 * stops[said]] = pieces[2 * stops[said]] + "”"
        return pieces

    def _repeated(self, chance: np.random.Generator, count: int) -> Iterator[tuple[str, str]]:
        for base in chance.integers(0, len(self.bases), count):
            words = _replaced(chance, self.bases[base], REPLACED, self.vocabulary)
            yield " ".join(words[3:11]).replace("\n", " "), _joined(words)

    def printed(self, article: Article) -> str:
        """As its outlet prints it."""
        before, behind = self.lines[article.source]
        return "\n".join(filter(None, (before, article.text, behind)))

    def copied(self, chance: np.random.Generator, original: Article, id_: str, kind: str) -> Article:
        """A copy of another outlet."""
        source = (original.source + 1 + int(chance.integers(SOURCES - 1))) % SOURCES
        lines = original.text.split("\n")
        if kind == "wrapped":
            about = self.vocabulary.words[self.vocabulary.draw(chance, 60)]
            lines = [f"{' '.join(about[:30]).capitalize()}.", *lines, f"{' '.join(about[30:]).capitalize()}."]
        elif kind == "excerpt":
            words = _split(original.text)
            size = int(len(words) * chance.uniform(*EXCERPT))
            start = 0 if chance.random() < 0.7 else int(chance.integers(len(words) - size + 1))
            lines = [_joined(words[start:start + size])]
        elif kind == "edited":
            lines = [_joined(_replaced(chance, _split(original.text), EDITED, self.vocabulary))]
        words = self.vocabulary.words[self.vocabulary.draw(chance, 8)]
        title = original.title if chance.random() < 0.5 else " ".join(words).capitalize()
        return Article(id_, source, title, "\n".join(lines))


def _falling(count: int) -> np.ndarray:
    weights = 1 / (np.arange(count) + 4.0)
    return weights / weights.sum()


def _split(text: str) -> list[str]:
    """The words of a text; a word in front of a line break keeps it."""
    return text.replace("\n", "\n ").split(" ")


def _joined(words: Iterable[str]) -> str:
    return " ".join(words).replace("\n ", "\n").strip()


def _replaced(chance: np.random.Generator, words: Sequence[str], share: float, vocabulary: Vocabulary) -> list[str]:
    """The words with a share of them replaced by others; line breaks stay."""
    places = np.flatnonzero(chance.random(len(words)) < share)
    others = vocabulary.words[vocabulary.draw(chance, len(places))]
    changed = list(words)
    for at, other in zip(places.tolist(), others, strict=True):
        changed[at] = other + "\n" if changed[at].endswith("\n") else other
    return changed


def lines(press: Press, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each text with the truth about it, in order of time; None where it is no copy."""
    before: list[Article] = []
    for block in range(-(-count // BLOCK)):
        size = min(BLOCK, count - block * BLOCK)
        chance = np.random.default_rng([SEED, 2, block])
        written = press.written(block, size)
        is_copy = chance.random(size) < COPIED
        own: list[Article] = []
        for at, article in enumerate(written):
            truth = None
            known = before + own
            if is_copy[at] and known:
                original = known[int(chance.integers(len(known)))]
                kind = KINDS[int(chance.integers(len(KINDS)))]
                article = press.copied(chance, original, article.id, kind)
                truth = {"id": article.id, "of": original.id, "kind": kind}
            else:
                own.append(article)
            yield _line(press, article, block * BLOCK + at), truth
        before = own


def _line(press: Press, article: Article, at: int) -> dict[str, Any]:
    when = START + timedelta(days=at / A_DAY)
    stated = when.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"id": article.id, "source": f"Outlet {article.source:03}", "url": f"https://outlet{article.source:03}.example/{article.id}",
            "title": article.title, "published": stated, "first_seen": stated, "language": "en", "text": press.printed(article)}


def press_of(real: Path | None) -> Press:
    """Invented words, or those of real texts in JSON lines with a `text` each."""
    if real is None:
        return Press(invented(np.random.default_rng([SEED, 3])))
    with real.open(encoding="utf-8") as file:
        bases = [words for line in file if len(words := _split(json.loads(line)["text"])) >= 100]
    if not bases:
        raise SystemExit(f"{real}: no text of a hundred words")
    words, counts = np.unique([word.strip() for base in bases for word in base], return_counts=True)
    return Press(Vocabulary.of([str(word) for word in words], counts.astype(float)), bases)


def write(path: Path, count: int, real: Path | None = None) -> tuple[Path, Path]:
    """Write `count` texts to a file, and the truth beside it; both paths."""
    truth_path = path.with_suffix(".truth.jsonl")
    with path.open("w", encoding="utf-8") as texts, truth_path.open("w", encoding="utf-8") as truths:
        for text, truth in islice(lines(press_of(real), count), count):
            texts.write(json.dumps(text, ensure_ascii=False) + "\n")
            if truth is not None:
                truths.write(json.dumps(truth) + "\n")
    return path, truth_path


def main() -> None:
    parser = argparse.ArgumentParser(description="News texts in any number, with the truth about which are copies.")
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--real", type=Path, metavar="FILE", help="JSON lines of real texts, which are repeated with edits")
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    for path in write(asked.output, asked.texts, asked.real):
        print(f"{path}: {path.stat().st_size / 1e6:,.1f} MB")


if __name__ == "__main__":
    main()
