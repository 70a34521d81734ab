"""Coverage-guided fuzzing of the doors, by atheris: `make fuzz`, or FUZZ="--door page --seconds 600".

    python tests/fuzz/fuzz.py                         every door for a minute
    python tests/fuzz/fuzz.py --door page FILE …      only these inputs, without atheris: what a finding is repeated with

What it has learned is kept in var/fuzz/DOOR/known and is where the next run begins. A fault is found once: one input a
place in the code lies in var/fuzz/DOOR/found, its traceback beside it. It ends with 1 if something is found, and holds
for a fault of speed only what is slow in a fresh process without the fuzzer's instruments as well.
"""

import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = ROOT / "var" / "fuzz"
_SLACK = 10.0            # the instruments make code five to eight times as slow
_LONGEST = 64 * 1024
_CRASHES = 3             # deaths of the process after which a door is left alone


def main() -> int:
    """Run what the command line asks for; the exit status."""
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    given = _arguments()
    if given.child:
        _fuzz(given.door[0], given.seconds, given.findings, given.reach)
    elif given.files:
        return _repeat(given.door[0], given.files)
    from doors import DOORS

    unknown = set(given.door) - set(DOORS)
    if unknown:
        print(f"no such door: {', '.join(sorted(unknown))}; there are: {' '.join(DOORS)}", file=sys.stderr)
        return 2
    found = [one for name in given.door or DOORS for one in _one_door(name, given.seconds, given.findings / name, DOORS[name].reaches)]
    for one in found:
        print(f"\n{_shown(one)}\n  again: {_again(one)}")
    print(f"\n{len(found)} found" + (f", in {given.findings}" if found else ""))
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--door", action="append", default=[], help="which; without it all")
    parser.add_argument("--seconds", type=int, default=60, help="how long at each")
    parser.add_argument("--findings", type=Path, default=FINDINGS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--reach", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", type=Path, help="inputs to go in with, and nothing else")
    given = parser.parse_args()
    if given.files and len(given.door) != 1:
        parser.error("name the door of these files with --door")
    return given


# --- one door -------------------------------------------------------------------------------------------------------

def _one_door(name: str, seconds: int, folder: Path, reaches: Iterable[str]) -> list[Path]:
    """Fuzz one door in processes of its own; the inputs that are faults."""
    print(f"{name}: {seconds} s", flush=True)
    for each in ("known", "found"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    end, crashes = time.monotonic() + seconds, 0
    while (left := round(end - time.monotonic())) > 0 and crashes < _CRASHES:
        command = [sys.executable, __file__, "--child", "--door", name, "--seconds", str(left), "--findings", str(folder)]
        with (folder / "log").open("wb") as log:
            status = subprocess.run([*command, *(f"--reach={each}" for each in reaches)], stdout=log, stderr=log, check=False).returncode
        print(f"  {_told((folder / 'log').read_text(errors='replace'))}", flush=True)
        if status == 0:
            break
        crashes += 1
        if not any((folder / "found").glob("*")):   # it did not even begin
            print((folder / "log").read_text(errors="replace")[-4000:])
            return [folder / "log"]
    inputs = sorted(path for path in (folder / "found").iterdir() if path.suffix != ".txt")
    return [path for path in inputs if _holds(name, path)]


def _told(log: str) -> str:
    """What the fuzzer says of its run, in a line."""
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)|Done (\d+) runs", log)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    count = next((one or other for one, other in reversed(runs)), "?")
    return f"{count} executions" + (", {} edges, {} features, {} inputs kept".format(*covered[-1]) if covered else "")


def _holds(name: str, path: Path) -> bool:
    """Whether a fresh process fails too. What is not slow there was slow by the instruments alone, and is forgotten."""
    try:
        again = subprocess.run([sys.executable, __file__, "--door", name, str(path)], capture_output=True, text=True, check=False,
                               timeout=300)
        failed, said = again.returncode != 0, again.stdout + again.stderr
    except subprocess.TimeoutExpired:
        failed, said = True, "more than 300 s"
    note = path.with_suffix(".txt")
    if not failed and (not note.exists() or "watch.Slow" in note.read_text()):
        path.unlink()
        note.unlink(missing_ok=True)
        return False
    if failed:
        note.write_text(said)
    else:
        note.write_text("Not in a fresh process: it depends on what was read before.\n" + note.read_text())
    return True


def _shown(path: Path) -> str:
    note = path.with_suffix(".txt")
    lines = note.read_text(errors="replace").strip().splitlines() if note.exists() else []
    return f"{path.parent.parent.name}: {lines[-1] if lines else path.name}"


def _again(path: Path) -> str:
    """How to repeat it, and to look at what it does."""
    return f"{sys.executable} {Path(__file__).relative_to(ROOT)} --door {path.parent.parent.name} {path}"


def _repeat(name: str, files: list[Path]) -> int:
    from doors import DOORS

    failed = 0
    for path in files:
        try:
            DOORS[name].enter(path.read_bytes())
        except Exception:
            traceback.print_exc()
            failed += 1
    return 1 if failed else 0


# --- the fuzzer's process -------------------------------------------------------------------------------------------

def _fuzz(name: str, seconds: int, folder: Path, reaches: list[str]) -> None:
    """Never returns: atheris ends the process."""
    import atheris

    with atheris.instrument_imports(include=["crawler", *reaches], enable_loader_override=False):
        from doors import DOORS
    door = DOORS[name]
    known = {path.name for path in (folder / "found").glob("*")}

    def once(data: bytes) -> None:
        try:
            door.enter(data, _SLACK)
        except Exception as error:
            place = _place(error)
            if place not in known:
                known.add(place)
                (folder / "found" / place).write_bytes(data)
                (folder / "found" / f"{place}.txt").write_text("".join(traceback.format_exception(error)), errors="backslashreplace")

    start = folder / "seeds"
    start.mkdir(exist_ok=True)
    for data in (*door.seeds, *(path.read_bytes() for path in door.corpus)):
        (start / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = folder / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in door.tokens))
    mutator = _Mutator(door.seeds, door.tokens)
    atheris.Setup([sys.argv[0], str(folder / "known"), str(start), f"-max_total_time={seconds}", f"-dict={words}", f"-max_len={_LONGEST}",
                   "-timeout=150", "-rss_limit_mb=3000", f"-artifact_prefix={folder}/found/", "-print_final_stats=1", "-reload=0"],
                  once, custom_mutator=lambda data, most, seed: mutator.changed(data, most, seed, atheris.Mutate))
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _place(error: BaseException) -> str:
    """A name for a fault: its kind, and the innermost lines of ours that it went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if str(ROOT) in frame.filename]
    where = "-".join(f"{Path(frame.filename).stem}.{frame.name}.{frame.lineno}" for frame in frames[-2:])
    return re.sub(r"[^\w.-]", "_", f"{type(error).__name__}-{where}")[:150]


class _Mutator:
    """The fuzzer's own changes, and four that know the grammar: a word put in, a word or a stretch repeated very often
    (what is quadratic shows only so), a piece of another document put in, one character said in another way."""

    def __init__(self, seeds: tuple[bytes, ...], words: tuple[bytes, ...]) -> None:
        self.seeds, self.words = seeds, words

    def changed(self, data: bytes, most: int, seed: int, mutate: object) -> bytes:
        chance = random.Random(seed)
        kind = chance.randrange(64)
        if kind >= 24:
            return mutate(data, most)
        at = chance.randrange(len(data) + 1)
        if kind >= 10:
            new = b"".join(self._put(chance))
        elif kind >= 4:
            other = chance.choice(self.seeds)
            start = chance.randrange(len(other) + 1)
            new = other[start:start + chance.choice((8, 64, 4096))]
        else:
            length = chance.choice((1, 2, 5, 40))
            piece = chance.choice((chance.choice(self.words), b"".join(self._put(chance)), data[at:at + length] or b"a"))
            new = piece * (chance.choice((30, 1000, most)) // len(piece) + 1)
        gone = chance.choice((0, 0, 1, len(new)))
        return (data[:at] + new + data[at + gone:])[:most]

    def _put(self, chance: random.Random) -> Iterator[bytes]:
        for _ in range(chance.randrange(1, 4)):
            yield chance.choice(self.words) + chance.choice((b"", b" ", b"\n"))


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
