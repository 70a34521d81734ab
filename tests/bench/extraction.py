"""Bodies of real pages: how right and how fast, beside trafilatura's defaults and other readers, each in its own process.

    python tests/bench/extraction.py --bodies FOLDER [--readers PYTHON]

FOLDER is a clone of scrapinghub/article-extraction-benchmark: `ground-truth.json` and `html/*.html.gz`. The figures are those
of its README: shingles of four words, precision and recall the means over pages, F1 of the two. PYTHON is an interpreter that
has peers installed (rs-trafilatura, newspaper4k, readability-lxml); those that it lacks are left out. Processor time, after
the first ten pages were read once: imports and first uses are no page's.
"""

import argparse
import gzip
import json
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

WARM, SHINGLE = 10, 4
MEMORY = 4 * 2**30     # of a reader: some take all there is for a page
PATIENCE = 600


# --- readers: a page and its address -> its text --------------------------------------------------------------------

def _firsthand() -> Callable[[bytes, str], str]:
    """All that the crawler takes from a page: dates, sources, language, reservations, and the body."""
    from crawler.core.extract import read_page

    return lambda page, url: read_page(page, url, "text/html; charset=utf-8").text


def _trafilatura(**options: Any) -> Callable[[bytes, str], str]:
    from trafilatura import extract

    return lambda page, url: extract(page, url=url, **options) or ""


def _rs_trafilatura() -> Callable[[bytes, str], str]:
    extract = import_module("rs_trafilatura").extract
    return lambda page, url: extract(page.decode("utf-8", "replace"), url=url).main_content or ""


def _newspaper() -> Callable[[bytes, str], str]:
    newspaper = import_module("newspaper")

    def read(page: bytes, url: str) -> str:
        article = newspaper.Article(url, fetch_images=False)    # nothing is fetched
        article.download(input_html=page.decode("utf-8", "replace"))
        article.parse()
        return article.text

    return read


def _readability() -> Callable[[bytes, str], str]:
    from lxml import html

    document = import_module("readability").Document
    return lambda page, _url: html.fromstring(document(page.decode("utf-8", "replace")).summary()).text_content()


READERS: dict[str, Callable[[], Callable[[bytes, str], str]]] = {
    "trafilatura, defaults": lambda: _trafilatura(),
    "firsthand, everything of a page": _firsthand,
    "trafilatura, precision first, no comments": lambda: _trafilatura(favor_precision=True, include_comments=False),
    "trafilatura, fast": lambda: _trafilatura(fast=True),
}
PEERS = {"rs-trafilatura": _rs_trafilatura, "newspaper4k": _newspaper, "readability-lxml": _readability}


# --- one reader, in its process ---------------------------------------------------------------------------------------

def _run(name: str, folder: Path) -> dict[str, Any]:
    """Scores and seconds of one reader over all pages; a page on which it fails has no text."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    truth = json.loads((folder / "ground-truth.json").read_text())
    pages = [(key, gzip.decompress((folder / "html" / f"{key}.html.gz").read_bytes())) for key in sorted(truth)]
    read = {**READERS, **PEERS}[name]()
    failed = 0

    def text(key: str, page: bytes) -> str:
        nonlocal failed
        try:
            return read(page, truth[key]["url"])
        except Exception:
            failed += 1
            return ""

    for key, page in pages[:WARM]:
        text(key, page)
    failed, began = 0, time.process_time()
    texts = [(key, text(key, page)) for key, page in pages]
    seconds = time.process_time() - began
    precision, recall = _means([_compared(truth[key]["articleBody"], found) for key, found in texts])
    return {"pages": len(pages), "seconds": seconds, "precision": precision, "recall": recall, "failed": failed,
            "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
            "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    width = min(SHINGLE, len(words))
    return Counter(tuple(words[at:at + width]) for at in range(len(words) - width + 1)) if words else Counter()


def _compared(true: str, found: str) -> tuple[float | None, float | None]:
    """Precision and recall of one page; None where nothing was found, or is there."""
    a, b = _shingles(true), _shingles(found)
    both = (a & b).total()
    return (both / b.total() if b else None), (both / a.total() if a else None)


def _means(pairs: list[tuple[float | None, float | None]]) -> tuple[float, float]:
    held = [[one for one in column if one is not None] for column in zip(*pairs, strict=True)]
    return tuple(sum(one) / len(one) if one else 0.0 for one in held)  # type: ignore[return-value]


# --- all of them ------------------------------------------------------------------------------------------------------

def options(parser: argparse.ArgumentParser) -> None:
    """Where the pages are, and who reads them beside us."""
    parser.add_argument("--bodies", type=Path, help="a clone of scrapinghub/article-extraction-benchmark")
    parser.add_argument("--readers", help="an interpreter that has other readers of pages")


def measure(asked: argparse.Namespace) -> Iterator[Any]:
    """F1 and pages a second of each reader, beside trafilatura's defaults."""
    from figures import Figure

    if asked.bodies is None:
        return
    base: dict[str, Any] | None = None
    for name in [*READERS, *(PEERS if asked.readers else ())]:
        found = _asked(sys.executable if name in READERS else asked.readers, name, asked.bodies)
        if found is None:
            continue
        base = base or found
        rate, usual = (one["pages"] / one["seconds"] for one in (found, base))
        said = f"precision {found['precision']:.3f}, recall {found['recall']:.3f}, {found['failed']} failed, {found['mib']:.0f} MiB"
        yield Figure("extraction", f"{name}: F1 ({said})", found["f1"], "of 1", base["f1"], "defaults")
        yield Figure("extraction", f"{name}: pages a second of processor", rate, "/s", usual, "defaults")


def _asked(python: str, name: str, folder: Path) -> dict[str, Any] | None:
    """What a reader found, in a process of its own; None, and a line, where it does not run."""
    try:
        done = subprocess.run([python, __file__, "--bodies", str(folder), "--one", name], capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        print(f"{name}: not done after {PATIENCE} s", file=sys.stderr)
    except (subprocess.CalledProcessError, ValueError) as error:
        print(f"{name}: does not run: {(getattr(error, 'stderr', '') or str(error)).strip().splitlines()[-1:]}", file=sys.stderr)
    else:
        return found
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options(parser)
    parser.add_argument("--one", choices=[*READERS, *PEERS], help="this reader alone, in this process, as JSON")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_run(asked.one, asked.bodies)))
        return
    from figures import table

    print(table(measure(asked)))


if __name__ == "__main__":
    main()
