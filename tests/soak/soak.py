"""The daemon for a long time in little: the news world day after day, at a clock that runs a hundredfold or faster.

    python tests/soak/soak.py --minutes 30 --speed 100

Prints what the daemon and its workers use, line by line, and at the end how it drifted: the last third of the time
against the second. Exit status 1 where memory grew by more than 5 % a day and 8 MiB, where descriptors or threads grew,
where a feed was overdue at the end, or work was left behind.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from days import EndlessWorld

from crawler.newsworld import serve

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
MEMORY_DRIFT = 0.05          # of a day, see the figures that are promised
MEMORY_NOISE = 8 * 1024**2   # bytes: an allocator's arenas come and go
OVERDUE = 30.0               # real seconds by which a feed may be late at the end: a busy machine


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment: bytes of the daemon, bytes of the workers, descriptors, threads, and its own figures."""

    at: float
    memory: int
    workers: int
    descriptors: int
    threads: int
    said: dict


def resident(pid: int) -> int:
    """Bytes that a process holds and shares with nobody (RSS where the kernel does not tell)."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) * 1024
    except OSError:
        return 0


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(one) for one in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def sample(pid: int, figures: TextIO, began: float) -> Sample | None:
    """Look at a process, and read what it has said since the last time; None where that is nothing."""
    told = [json.loads(line) for line in figures if line.endswith("\n")]
    if not told:
        return None
    worst = max(told, key=lambda one: one["lag"])
    said = {**told[-1], "held": max(one["held"] for one in told), "lag": worst["lag"], "where": worst["where"]}
    tasks, handles = Path(f"/proc/{pid}/task"), Path(f"/proc/{pid}/fd")
    return Sample(time.monotonic() - began, resident(pid), sum(map(resident, children(pid))),
                  len(list(handles.iterdir())), len(list(tasks.iterdir())), said)


async def soak(
    minutes: float, speed: float, folder: Path, every: float, tell=print, enough=lambda samples: False,
) -> list[Sample]:
    """Run the daemon against the endless world, for so long or until it is `enough`; returns the samples."""
    zero = time.time()
    world = EndlessWorld(START, lambda: START + timedelta(seconds=(time.time() - zero) * speed))
    figures, config = folder / "figures.jsonl", folder / "firsthand.yaml"
    samples: list[Sample] = []
    figures.touch()
    async with serve(world) as proxy:
        world.write_config(config, proxy, folder)
        spoken = figures.open()
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("daemon.py")), str(config), START.isoformat(), str(zero),
            str(speed), str(figures), cwd=Path(__file__).parents[2], env=_environment())
        began = time.monotonic()
        try:
            while time.monotonic() - began < minutes * 60 and daemon.returncode is None and not enough(samples):
                await asyncio.sleep(every)
                if (seen := sample(daemon.pid, spoken, began)) is not None:
                    samples.append(seen)
                    tell(_line(seen, speed))
                world.log.clear()
        finally:
            if daemon.returncode is None:
                daemon.send_signal(signal.SIGTERM)
            status = await daemon.wait()
            spoken.close()
    if status != 0:
        raise SystemExit(f"the daemon ended with status {status}")
    return samples


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def _line(seen: Sample, speed: float) -> str:
    said = seen.said
    return (f"{seen.at:7.0f} s  day {seen.at * speed / 86400:6.2f}  memory {seen.memory / 2**20:6.1f} MiB"
            f"  workers {seen.workers / 2**20:6.1f} MiB  fds {seen.descriptors:3}  threads {seen.threads:3}"
            f"  lag {said['lag']:.3f} s  held {said['held']:.3f} s  articles {said['articles']:6}"
            f"  stories {said['stories']:5}  waiting {said['waiting']:4}  unjudged {said['unjudged']:4}"
            f"  overdue {said['overdue'] / speed:5.1f} s")


@dataclass(frozen=True, slots=True)
class Drift:
    """From the second third of the time to the last: medians, and what is worth an exit status."""

    lines: list[str]
    faults: list[str]


def drift(samples: list[Sample], speed: float) -> Drift:
    """Compare thirds; the first is the time in which caches fill."""
    third = len(samples) // 3
    if not third:
        return Drift([], ["too short: not three samples"])
    before, after = samples[third:2 * third], samples[-third:]
    days = (statistics.median(s.at for s in after) - statistics.median(s.at for s in before)) * speed / 86400
    lines, faults = [], []
    for name in ("memory", "workers", "descriptors", "threads"):
        a, b = (statistics.median(getattr(s, name) for s in part) for part in (before, after))
        daily = (b - a) / a / days if a and days else 0.0
        lines.append(f"{name:12} {a:14,.0f} -> {b:14,.0f}   {daily:+.2%} a day")
        if name == "memory" and daily > MEMORY_DRIFT and b - a > MEMORY_NOISE:
            faults.append(f"memory grew by {daily:.1%} a day")
        if name in ("descriptors", "threads") and b > a + 3:
            faults.append(f"{name} grew from {a:.0f} to {b:.0f}")
    held, lag = max(s.said["held"] for s in samples), max(s.said["lag"] for s in samples)
    worst = max(samples, key=lambda s: s.said["lag"])
    lines.append(f"loop         longest hold {held:.3f} s, longest delay {lag:.3f} s at {worst.said['where']}")
    last = samples[-1].said
    lines.append(f"peak         daemon {max(s.memory for s in samples) / 2**20:.0f} MiB, workers together "
                 f"{max(s.workers for s in samples) / 2**20:.0f} MiB")
    if last["overdue"] / speed > OVERDUE:
        faults.append(f"a feed is overdue by {last['overdue'] / speed:.0f} s of real time")
    return Drift(lines, faults)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="of real time (10)")
    parser.add_argument("--speed", type=float, default=100, help="seconds of its clock in one of ours (100)")
    parser.add_argument("--every", type=float, default=15, help="seconds between two lines (15)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="firsthand-soak-") as folder:
        samples = asyncio.run(soak(options.minutes, options.speed, Path(folder), options.every))
    found = drift(samples, options.speed)
    print("\n".join(["", *found.lines, *(f"FAULT: {fault}" for fault in found.faults)]))
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
