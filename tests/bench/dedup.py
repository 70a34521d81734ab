"""`firsthand dedup` over invented news texts, a tenth of them copies, beside MinHash deduplicators: time, memory, quality.

    python tests/bench/dedup.py [--texts 10000 100000] [--deduplicators PYTHON]     one with datasketch, and rensa

Of the copies that were made (exact, wrapped, excerpt, edited) the share that is found is told for each; and which share of
what is called a copy is one. Firsthand is measured whole, as a command with all processors, from its start to its last line;
the others without their imports and without reading the file. Nothing was tuned on these texts, but that `texts.py` was made
so that their words, lines and lengths are those of news.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from figures import Figure, command  # noqa: E402 - after the path

PEERS = ("datasketch", "rensa")


def firsthand(texts: Path, found: Path) -> tuple[float, float, list[tuple[str, str]]]:
    """Seconds, MiB of the largest process, and each copy with its original."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "crawler", "dedup", str(texts), "-o", str(found),
                                "--jobs", str(len(os.sched_getaffinity(0)))], cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"firsthand dedup: status {status}")
    rows = map(json.loads, found.open(encoding="utf-8"))
    return time.perf_counter() - began, used.ru_maxrss / 1024, [(row["id"], row["original"]) for row in rows if row["role"] == "copy"]


def peer(python: Path, name: str, texts: Path) -> tuple[float, float, list[tuple[str, str]]] | None:
    """The same of another; None where it is not there."""
    script = str(Path(__file__).parent / "dedup_peers.py")
    done = subprocess.run([python, script, name, texts], capture_output=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stderr.decode().strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    told: dict[str, Any] = json.loads(done.stdout)
    return told["seconds"], told["MiB"], [(a, b) for a, b in told["copies"]]


def quality(copies: Iterable[tuple[str, str]], truth: Path) -> tuple[dict[str, float], float]:
    """Recall by kind, and "all": a copy is found that is called one of anything of its own family; and precision."""
    made = [json.loads(line) for line in truth.open(encoding="utf-8")]
    family: dict[str, str] = {}
    for one in made:    # in order of time: what was copied has been seen
        family[one["id"]] = family.get(one["of"], one["of"])
    true, false, found = 0, 0, set()
    for a, b in copies:
        if family.get(a, a) == family.get(b, b):
            true, found = true + 1, found | {a}
        else:
            false += 1
    kinds: dict[str, list[bool]] = {}
    for one in made:
        for name in (one["kind"], "all"):
            kinds.setdefault(name, []).append(one["id"] in found)
    return {name: sum(each) / len(each) for name, each in kinds.items()}, true / max(true + false, 1)


def options(parser: argparse.ArgumentParser) -> None:
    """What may be asked of this benchmark."""
    parser.add_argument("--texts", type=int, nargs="+", default=[10_000], help="how many (default 10000)")
    parser.add_argument("--deduplicators", type=Path, help="an interpreter with datasketch, and rensa")


def measure(asked: argparse.Namespace) -> Iterator[Figure]:
    """Rows for each number of texts."""
    for count in asked.texts:
        with tempfile.TemporaryDirectory(prefix="firsthand-dedup-") as folder:
            texts = Path(folder) / "texts.jsonl"
            truth = texts.with_suffix(".truth.jsonl")
            # Not in this process: a child is said to have had at least what its parent has.
            subprocess.run([sys.executable, Path(__file__).parent / "texts.py", "--texts", str(count), "-o", texts], check=True,
                           stdout=subprocess.DEVNULL)
            taken, memory, copies = firsthand(texts, Path(folder) / "found.jsonl")
            recall, precision = quality(copies, truth)
            _tell("firsthand", taken, count, memory, recall, precision)
            yield Figure("dedup", f"recall of copies among {count:,}", recall["all"], "of 1")
            yield Figure("dedup", f"precision of copies among {count:,}", precision, "of 1")
            yield Figure("dedup", f"memory a text among {count:,}, the largest process", memory * 1024 / count, "KiB", None, "", 1,
                         at_least=False, absolute=True)
            for name in PEERS if asked.deduplicators else ():
                if other := peer(asked.deduplicators, name, texts):
                    seconds, more, pairs = other
                    reached, sure = quality(pairs, truth)
                    _tell(name, seconds, count, more, reached, sure)
                    yield Figure("dedup", f"firsthand dedup, {count:,} texts", count / taken, "texts/s", count / seconds, name,
                                 1 if name != "rensa" else 0.5)
                    yield Figure("dedup", f"recall of copies among {count:,}", recall["all"], "of 1", reached["all"], name)


def _tell(name: str, seconds: float, count: int, memory: float, recall: dict[str, float], precision: float) -> None:
    print(f"{name}: {count:,} texts in {seconds:.1f} s, {count / seconds:,.0f}/s, {memory:,.0f} MiB; precision {precision:.3f}; recall "
          + ", ".join(f"{kind} {share:.3f}" for kind, share in sorted(recall.items())), file=sys.stderr)


if __name__ == "__main__":
    command(__doc__, options, measure)
