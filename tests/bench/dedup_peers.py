"""What other libraries take for the same texts, each as its own documentation has it: run by `dedup.py` in their interpreter.

    PYTHON tests/bench/dedup_peers.py datasketch|rensa TEXTS.jsonl      writes {"seconds", "MiB", "copies": [[id, of], …]}

128 permutations over word 3-grams, threshold .5. Seconds are of the work alone: not of imports, nor of reading the file.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

Texts = list[tuple[str, str]]
Pairs = list[tuple[str, str]]
PERMUTATIONS, THRESHOLD = 128, 0.5


def grams(text: str) -> set[str]:
    """Word 3-grams."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[at:at + 3]) for at in range(max(1, len(words) - 2))}


def by_datasketch(texts: Texts) -> Pairs:
    """MinHashLSH: each text is looked up, then put in."""
    datasketch: Any = import_module("datasketch")
    index, found = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS), []
    for id_, text in texts:
        sketch = datasketch.MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([gram.encode() for gram in grams(text)])
        found += [(id_, other) for other in index.query(sketch)]
        index.insert(id_, sketch)
    return found


def by_rensa(texts: Texts) -> Pairs:
    """RMinHash and RMinHashLSH, many texts at once."""
    rensa: Any = import_module("rensa")
    index, found = rensa.RMinHashLSH(THRESHOLD, PERMUTATIONS, 32), []
    for number, (id_, text) in enumerate(texts):
        sketch = rensa.RMinHash(PERMUTATIONS, 42)
        sketch.update(list(grams(text)))
        found += [(id_, texts[other][0]) for other in index.query(sketch)]
        index.insert(number, sketch)
    return found


PEERS: dict[str, Callable[[Texts], Pairs]] = {"datasketch": by_datasketch, "rensa": by_rensa}


def read(path: str) -> Iterator[tuple[str, str]]:
    """(id, text) of each line."""
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            yield one["id"], one["text"]


if __name__ == "__main__":
    name, file = sys.argv[1:]
    held = list(read(file))
    PEERS[name](held[:10])      # what is imported at first use
    began = time.perf_counter()
    copies = PEERS[name](held)
    took = time.perf_counter() - began
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    json.dump({"seconds": took, "MiB": int(peak.split()[1]) / 1024, "copies": copies}, sys.stdout)
