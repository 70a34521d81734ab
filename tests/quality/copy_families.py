"""How well `dedup` finds the copy families of real news, and who was first; prints a Markdown table.

    python tests/quality/copy_families.py LABELS.csv FOLDER

FOLDER holds `<ev>_articles.csv` (columns id, publisher, scrape_time, text; paragraphs joined by " ### "), as the public
repository asprout/ArticleComparisons has them under data/; LABELS.csv has the columns ev, id, family, roll, excluded,
origin. Rolling stories and excluded rows are left out of the figures. The texts are the publishers' and are not ours to
keep here.
"""

import csv
import sys
from collections import Counter
from itertools import combinations
from math import comb
from pathlib import Path

from crawler import Document, deduplicate

Labels = dict[str, dict[str, str]]


def main(labels: Path, folder: Path) -> None:
    """Run and print."""
    csv.field_size_limit(2**31)
    known = {f"{row['ev']}-{row['id']}": row for row in csv.DictReader(labels.open(encoding="utf-8"))}
    docs = [one for ev in sorted({row["ev"] for row in known.values()}) for one in read(folder / f"{ev}_articles.csv", ev)
            if one.id in known and known[one.id]["excluded"] == "False"]
    result = deduplicate(docs, jobs=2)
    core = [one.id for one in docs if known[one.id]["roll"] == "False"]
    family = {id_: f"{known[id_]['ev']} {known[id_]['family']}" for id_ in core}
    placed = {row.id: row.story or row.id for row in result.rows}
    hit, wrong, missed = pairs(core, family, placed)
    print("| figure | value |\n| --- | --- |")
    print(f"| articles, of them counted | {len(docs)}, {len(core)} |")
    print(f"| pairs found, false, missed | {hit}, {wrong}, {missed} |")
    print(f"| pair F1 | {2 * hit / (2 * hit + wrong + missed):.3f} |")
    print(f"| adjusted Rand index | {rand(family, placed, core):.3f} |")
    print("| families with a known origin: right and decided, undecided, wrong and decided | "
          + ", ".join(map(str, origins(known, core, result))) + " |")


def read(path: Path, ev: str) -> list[Document]:
    """The articles of one event."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [Document(f"{ev}-{row['id']}", row["text"].replace(" ### ", "\n"), source=row["publisher"],
                         title=row["text"].split(" ### ")[0], first_seen=row["scrape_time"])
                for row in csv.DictReader(file)]


def pairs(ids: list[str], family: dict[str, str], placed: dict[str, str]) -> tuple[int, int, int]:
    """Pairs found, false, missed."""
    count = Counter((family[a] == family[b], placed[a] == placed[b]) for a, b in combinations(ids, 2))
    return count[True, True], count[False, True], count[True, False]


def rand(family: dict[str, str], placed: dict[str, str], ids: list[str]) -> float:
    """The adjusted Rand index of the two partitions."""
    both = sum(comb(n, 2) for n in Counter((family[id_], placed[id_]) for id_ in ids).values())
    left = sum(comb(n, 2) for n in Counter(family[id_] for id_ in ids).values())
    right = sum(comb(n, 2) for n in Counter(placed[id_] for id_ in ids).values())
    expected = left * right / comb(len(ids), 2)
    return (both - expected) / ((left + right) / 2 - expected)


def origins(known: Labels, ids: list[str], result: object) -> tuple[int, int, int]:
    """Families whose origin is known and among the articles: decided for it, undecided, decided for another."""
    publisher_of = {story.original: story for story in result.stories}
    counts = Counter()
    for name, origin in {(known[id_]["family"], known[id_]["origin"]) for id_ in ids if known[id_]["origin"]}:
        members = {id_ for id_ in ids if known[id_]["family"] == name}
        story = next((one for id_, one in publisher_of.items() if id_ in members), None)
        if story is None or not story.decided:
            counts["undecided"] += 1
        else:
            counts["right" if known[story.original]["publisher"] == origin else "wrong"] += 1
    return counts["right"], counts["undecided"], counts["wrong"]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
