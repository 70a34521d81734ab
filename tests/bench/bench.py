"""Every benchmark, one table: each figure with what was measured beside it in the same run.

    python tests/bench/bench.py [--only start polling …] [--pages FOLDER] [--articles 10000 100000 1000000]

Nothing leaves this machine. Read ratios: absolute figures are of the machine, and of what else it does.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from figures import Figure, table

PARTS = ("start", "polling", "extraction", "pipeline", "dedup", "judging")
TOLD = ("trafilatura", "lxml", "aiohttp", "feedparser", "datasketch", "SQLAlchemy", "numpy")


def parts() -> dict[str, ModuleType]:
    """Those that are there, in the order of the table."""
    here = Path(__file__).parent
    return {name: import_module(name) for name in PARTS if (here / f"{name}.py").exists()}


def machine() -> str:
    """What the figures are of."""
    from importlib.metadata import version

    return (f"{platform.system()} {platform.machine()}, {len(os.sched_getaffinity(0))} processors, Python {platform.python_version()}, "
            + ", ".join(f"{name} {version(name)}" for name in TOLD))


def measured(asked: argparse.Namespace, held: dict[str, ModuleType]) -> Iterator[Figure]:
    """All figures; what a part found is shown at once."""
    for name, part in held.items():
        if not asked.only or name in asked.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            yield from part.measure(asked)


def main() -> None:
    held = parts()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(held), help="these parts")
    for part in held.values():
        part.options(parser)
    asked = parser.parse_args()
    print(f"{machine()}\n")
    print(table(measured(asked, held)))


if __name__ == "__main__":
    main()
