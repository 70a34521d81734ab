"""Copy families in real news: labels with their texts, which are the publishers' and are not kept here.

LABELS has the columns ev, id, family, roll, excluded, origin. FOLDER holds `<ev>_articles.csv` (columns id, publisher,
scrape_time, text; paragraphs joined by " ### "), as the public repository asprout/ArticleComparisons has them under
data/ at 60fad0f. Excluded rows are not used; rolling stories are judged with the others and left out of the figures.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import figures

from crawler.dedup import Deduplicated, Document, deduplicate


@dataclass(frozen=True, slots=True)
class Families:
    """The texts and what is known of them."""

    documents: list[Document]
    labels: Mapping[str, Mapping[str, str]]

    @property
    def core(self) -> list[str]:
        """The articles that count."""
        return [one.id for one in self.documents if self.labels[one.id]["roll"] == "False"]

    @property
    def truth(self) -> dict[str, str]:
        """The family of each article that counts."""
        return {id_: f"{self.labels[id_]['ev']} {self.labels[id_]['family']}" for id_ in self.core}


@dataclass(frozen=True, slots=True)
class Measured:
    """What the families come to. `origins`: right and decided, undecided, wrong and decided."""

    articles: int
    counted: int
    pairs: figures.Pairs
    rand: float
    origins: tuple[int, int, int]


def load(labels: Path, folder: Path) -> Families:
    """Read the labels and the texts."""
    csv.field_size_limit(2**31)
    with labels.open(encoding="utf-8", newline="") as file:
        known = {f"{row['ev']}-{row['id']}": row for row in csv.DictReader(file)}
    events = sorted({row["ev"] for row in known.values()})
    docs = [one for event in events for one in _read(folder / f"{event}_articles.csv", event)
            if one.id in known and known[one.id]["excluded"] == "False"]
    return Families(docs, known)


def _read(path: Path, event: str) -> list[Document]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [Document(f"{event}-{row['id']}", row["text"].replace(" ### ", "\n"), source=row["publisher"],
                         title=row["text"].split(" ### ")[0], first_seen=row["scrape_time"])
                for row in csv.DictReader(file)]


def measure(families: Families, jobs: int = 1) -> Measured:
    """Run the matcher over the families and compare with the labels."""
    result = deduplicate(families.documents, jobs=jobs)
    placed = {row.id: row.story or row.id for row in result.rows}
    core, truth = families.core, families.truth
    return Measured(len(families.documents), len(core), figures.pairs(core, truth, placed), figures.rand(core, truth, placed),
                    _origins(families, result))


def _origins(families: Families, result: Deduplicated) -> tuple[int, int, int]:
    """Families whose first publisher is known."""
    known, counts = families.labels, Counter[str]()
    originals = {story.original: story for story in result.stories}
    for family, origin in {(families.truth[id_], known[id_]["origin"]) for id_ in families.core if known[id_]["origin"]}:
        members = {id_ for id_ in families.core if families.truth[id_] == family}
        story = next((one for id_, one in originals.items() if id_ in members), None)
        if story is None or not story.decided:
            counts["undecided"] += 1
        else:
            counts["right" if known[story.original]["publisher"] == origin else "wrong"] += 1
    return counts["right"], counts["undecided"], counts["wrong"]
