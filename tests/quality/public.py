"""Public pairs of texts, read from where they were extracted to: see README.md beside this file.

The news texts are the publishers' and are not kept here.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crawler.core.types import Match
from crawler.dedup import Document, compare

FULL = 100  # characters; what is shorter is a failed scrape


@dataclass(frozen=True, slots=True)
class Text:
    """One side of a pair."""

    text: str
    title: str = ""
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts and the label of the data set, as it stands there."""

    id: str
    label: str
    first: Text
    second: Text


def clough(folder: Path) -> Iterator[Pair]:
    """Answers with the source of their task; label: cut, light, heavy (copied, ever less closely) or non."""
    for row in _rows(folder / "file_information.csv"):
        if row["Category"] != "orig":
            answer, source = (_plain(folder / name) for name in (row["File"], f"orig_task{row['Task']}.txt"))
            yield Pair(row["File"].removesuffix(".txt"), row["Category"], Text(answer, language="en"),
                       Text(source, language="en"))


def _plain(path: Path) -> str:
    """The files are UTF-8, but for some in the Windows code page."""
    raw = path.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252")


def tgcontest(folder: Path) -> Iterator[Pair]:
    """News pairs with the label OK (one thread: same event, same facts) or BAD (different threads)."""
    for path in sorted(folder.glob("*_pool.tsv")):
        for at, raw in enumerate(_rows(path, "\t"), 1):
            row = {name.partition(":")[2]: value for name, value in raw.items()}
            sides = [Text(row[f"{side}_text"], row[f"{side}_title"], row[f"{side}_url"], path.name[:2])
                     for side in ("first", "second")]
            yield Pair(f"{path.name.removesuffix('.tsv')}-{at}", row["quality"], *sides)


def semeval(folder: Path) -> Iterator[Pair]:
    """Pairs of SemEval-2022 task 8 with both full texts; label: Overall, 1 the same story ... 4 another."""
    official = _rows(folder / "official_train.csv")
    spanish = [row for row in official if row["url1_lang"] == row["url2_lang"] == "es"]
    for language in ("ar", "es", "fr", "tr"):
        for at, row in enumerate(_rows(folder / f"{language}.csv")):
            if min(len(row[name] or "") for name in ("text_1", "text_2")) < FULL:
                continue
            known = official[int(row["ligne"])] if "ligne" in row else spanish[at]  # the Spanish file has no row numbers
            if abs(float(known["Overall"]) - float(row["Overall"])) > .5:  # the Spanish file rounds
                raise ValueError(f"{language}.csv, row {at}: not the official pair")
            yield Pair(known["pair_id"], known["Overall"], *(
                Text(row[f"text_{side}"], row[f"title_{side}"], known[f"link{side}"], language) for side in "12"))


def _rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    csv.field_size_limit(2**31)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


SETS: dict[str, Callable[[Path], Iterator[Pair]]] = {"clough": clough, "tgcontest": tgcontest, "semeval": semeval}


@dataclass(frozen=True, slots=True)
class Judged:
    """How many pairs of a label there are, and how many of them the matcher calls copies; the mean containment."""

    pairs: int
    copied: int
    containment: float


def measure(name: str, folder: Path) -> dict[str, Judged]:
    """Compare every pair of a set; by label. SemEval's are rounded to halves."""
    found: dict[str, list[Match | None]] = {}
    for pair in SETS[name](folder):
        label = pair.label if name != "semeval" else f"{round(float(pair.label) * 2) / 2:.1f}"
        found.setdefault(label, []).append(compare(*(
            Document(id_, side.text, side.url, "", side.title, language=side.language or None)
            for id_, side in zip("ab", (pair.first, pair.second), strict=True))))
    return {label: Judged(len(each), sum(one is not None and one.copied for one in each),
                          sum(one.containment if one is not None else 0.0 for one in each) / len(each))
            for label, each in sorted(found.items())}
