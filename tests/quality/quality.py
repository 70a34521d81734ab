"""How good the matcher and the election are, against floors that may only rise; prints Markdown tables.

    python tests/quality/quality.py [--families FOLDER --labels FILE] [--clough FOLDER] [--tgcontest FOLDER]
                                    [--semeval FOLDER] [--parallel FILE] [--peers] [--raise]

The labelled set of this repository is always measured. The others are texts of publishers, which everybody has to
fetch for themselves; README.md beside this file says where. `--peers` measures other tools on the same texts, those
that are installed (requirements-peers.txt). A figure below its floor in baseline.json ends with status 1. `--raise`
writes floors that have risen, never one that has fallen.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import families
import figures
import labelled
import peers
import public
from recall import recall

BASELINE = Path(__file__).with_name("baseline.json")
Floors = dict[str, float]


def main() -> int:
    """Measure what is there, compare with the floors."""
    asked = _arguments()
    found: Floors = {}
    _labelled(found)
    if asked.families:
        texts = families.load(asked.labels, asked.families)
        _families(texts, found)
    for name in public.SETS:
        if folder := getattr(asked, name):
            _public(name, folder, found)
    if asked.parallel:
        _parallel(asked.parallel, found)
    if asked.peers:
        _peers(texts if asked.families else None)
    return _judged(found, rises=asked.rises)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=Path, metavar="FOLDER")
    parser.add_argument("--labels", type=Path, metavar="FILE")
    for name in public.SETS:
        parser.add_argument(f"--{name}", type=Path, metavar="FOLDER")
    parser.add_argument("--parallel", type=Path, metavar="FILE")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--raise", dest="rises", action="store_true")
    asked = parser.parse_args()
    if bool(asked.families) != bool(asked.labels):
        parser.error("--families and --labels go together")
    return asked


def _labelled(found: Floors) -> None:
    halves = {half: labelled.measure(half) for half in labelled.HALVES}
    found |= {name: value for half, one in halves.items() for name, value in floors(half, one).items()}
    print("| labelled set | seen half | unseen half |\n| --- | --- | --- |")
    for title, cells in zip(_TITLES, zip(*(list(_cells(half, one)) for half, one in halves.items()), strict=True), strict=True):
        print(f"| {title} | {' | '.join(cells)} |")


def floors(half: str, one: labelled.Measured) -> Floors:
    """The figures of a half that may not fall; those of direction are shares of the stories."""
    stories = [one.known, one.misled]
    total = sum(each.right + each.undecided + each.wrong for each in stories)
    return {
        f"{half} pair F1": one.pairs.f1, f"{half} pair precision": one.pairs.precision, f"{half} adjusted Rand": one.rand,
        f"{half} kind": one.kinds[0] / one.kinds[1],
        f"{half} original right": sum(each.right for each in stories) / total,
        f"{half} original not wrong": 1 - sum(each.wrong for each in stories) / total,
        f"{half} must not merge": one.apart[0] / one.apart[1], f"{half} digests": one.digests[0] / one.digests[1],
        **{f"{half} pair F1 {language}": pairs.f1 for language, pairs in one.families.items()},
    }


_TITLES = ("articles, stories", "pairs found, false, missed", "pair F1 (precision, recall)", "adjusted Rand index",
           "lowest pair F1 of a language", "kind as labelled",
           "original where the times agree: right, undecided, wrong", "original where the times mislead",
           "… right of both, 95 % interval", "… right if the first seen were taken", "nobody can know: undecided, decided",
           "pairs that must not merge, kept apart", "articles in digests, linked",
           "rewordings offered, of, among", "recall of the best 10 and 50 candidates")


def _cells(half: str, one: labelled.Measured) -> Iterator[str]:
    yield f"{one.articles}, {one.stories}"
    yield f"{one.pairs.found}, {one.pairs.false}, {one.pairs.missed}"
    yield f"**{one.pairs.f1:.3f}** ({one.pairs.precision:.3f}, {one.pairs.recall:.3f})"
    yield f"{one.rand:.3f}"
    lowest = min(one.families, key=lambda language: one.families[language].f1)
    yield f"{one.families[lowest].f1:.3f} ({lowest})"
    yield f"{one.kinds[0]} of {one.kinds[1]}"
    for each in (one.known, one.misled):
        yield f"{each.right}, {each.undecided}, {each.wrong}"
    right = one.known.right + one.misled.right
    total = sum(each.right + each.undecided + each.wrong for each in (one.known, one.misled))
    low, high = figures.interval(right, total)
    yield f"**{right} of {total}** ({low:.2f} to {high:.2f})"
    yield f"{one.first_seen} of {total}"
    yield f"{one.open.undecided}, {one.open.right + one.open.wrong}"
    yield f"{one.apart[0]} of {one.apart[1]}"
    yield f"{one.digests[0]} of {one.digests[1]}"
    yield ", ".join(map(str, one.rewordings))
    _, at = recall(labelled.documents(labelled.rows(half)), (10, 50))
    yield f"{at[10]:.3f}, {at[50]:.3f}"


def _families(texts: families.Families, found: Floors) -> None:
    one = families.measure(texts, jobs=2)
    right, undecided, wrong = one.origins
    found |= {"families pair F1": one.pairs.f1, "families adjusted Rand": one.rand,
              "families original right": right / (right + undecided + wrong),
              "families original not wrong": 1 - wrong / (right + undecided + wrong)}
    low, high = figures.interval(right, right + undecided + wrong)
    copies, at = recall(texts.documents, (10, 50))
    print("\n| copy families in real news | |\n| --- | --- |")
    print(f"| articles, of them counted | {one.articles}, {one.counted} |")
    print(f"| pairs found, false, missed | {one.pairs.found}, {one.pairs.false}, {one.pairs.missed} |")
    print(f"| pair F1 | **{one.pairs.f1:.3f}** |\n| adjusted Rand index | {one.rand:.3f} |")
    print(f"| known origins: right, undecided, wrong (95 % interval of right) | {right}, {undecided}, {wrong} "
          f"({low:.2f} to {high:.2f}) |")
    print(f"| recall of the best 10 and 50 candidates, of {copies} copies | {at[10]:.3f}, {at[50]:.3f} |")


def _parallel(path: Path, found: Floors) -> None:
    import parallel

    print("\n| translated copies | part | documents | recall | offered to a person | wrongly flagged, source there | … not there |\n"
          "| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for language, kind, one in parallel.measure(path):
        seen = "fitted" if language in parallel.FITTED else "not fitted"
        print(f"| {language} ({seen}) | {kind} | {one.asked} | {one.recall:.3f} | {one.offered} | {one.false} | {one.astray} |", flush=True)
        if kind != "3":    # three sentences are for a person
            found |= {f"translations {language} {kind} recall": one.recall, f"translations {language} {kind} precision": one.precision}


_MUST_NOT = {"tgcontest": ("OK", "BAD"), "semeval": ("3.0", "3.5", "4.0"), "clough": ("non",)}


def _public(name: str, folder: Path, found: Floors) -> None:
    """Clough and Stevenson's answers copy more or less closely; the others are about one event, or not."""
    print(f"\n| {name}: label | pairs | called copies | mean containment |\n| --- | ---: | ---: | ---: |")
    for label, one in public.measure(name, folder).items():
        print(f"| {label} | {one.pairs} | {one.copied} | {one.containment:.2f} |")
        if label in _MUST_NOT[name]:
            found[f"{name} {label} not copies"] = 1 - one.copied / one.pairs


def _peers(texts: families.Families | None) -> None:
    """Each at its best threshold, by pairs of which one finds the other, and after joining what is connected."""
    names = peers.available()
    sets = {half: _pairs_of(half) for half in labelled.HALVES}
    if texts is not None:
        sets["families"] = _pairs_of_families(texts)
    print(f"\n| peer, best threshold on each set | {' | '.join(sets)} |\n| --- |{' ---: |' * len(sets)}")
    for name in names:
        print(f"| {name} | {' | '.join(_best(name, *each) for each in sets.values())} |", flush=True)


Asked = tuple[Sequence[str], list[tuple[int, int]], list[bool]]


def _pairs_of(half: str) -> Asked:
    found = labelled.rows(half)
    pairs = labelled.language_pairs(found)
    story = [row["label"]["story"] or row["id"] for row in found]
    return [row["text"] for row in found], pairs, [story[a] == story[b] for a, b in pairs]


def _pairs_of_families(texts: families.Families) -> Asked:
    core, truth = texts.core, texts.truth
    text = {one.id: one.text for one in texts.documents}
    pairs = [(a, b) for a in range(len(core)) for b in range(a + 1, len(core))]
    return [text[id_] for id_ in core], pairs, [truth[core[a]] == truth[core[b]] for a, b in pairs]


def _best(name: str, texts: Sequence[str], pairs: list[tuple[int, int]], truth: list[bool]) -> str:
    scores = peers.scores(name, texts, pairs)
    tried = [(peers.joined(len(texts), pairs, [score >= at for score in scores]), at) for at in peers.PEERS[name].thresholds]
    counted = [(_counted(near, truth).f1, -at) for near, at in tried]
    f1, at = max(counted)
    return f"{f1:.3f}" if len(tried) == 1 else f"{f1:.3f} (≥ {-at:.3g})"


def _counted(near: Sequence[bool], truth: Sequence[bool]) -> figures.Pairs:
    both = list(zip(near, truth, strict=True))
    return figures.Pairs(both.count((True, True)), both.count((True, False)), both.count((False, True)))


def _judged(found: Floors, *, rises: bool) -> int:
    known: Floors = json.loads(BASELINE.read_text(encoding="utf-8"))
    fallen = {name: value for name, value in found.items() if value < known.get(name, -math.inf)}
    for name, value in sorted(fallen.items()):
        print(f"{name}: {value:.4f} is below its floor of {known[name]:.4f}", file=sys.stderr)
    if rises:
        # Rounded down: a floor is what was reached.
        risen = {name: math.floor(value * 1000) / 1000 for name, value in found.items()}
        known |= {name: value for name, value in risen.items() if value > known.get(name, -math.inf)}
        BASELINE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
