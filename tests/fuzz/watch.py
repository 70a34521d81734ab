"""What a parser may not do while it reads foreign bytes: open a file of its own choosing, write one, connect, start a
program; and how long it may take. Seen by Python's audit hook, so that libraries are watched as well (not what C code
opens by itself: for that the seeds name /proc/version, and no output may hold a word of it)."""

import os
import sys
import sysconfig
import tempfile
import threading
import time
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH = Path(tempfile.mkdtemp(prefix="doors-"))
"""Where a door may keep files of its own."""

LARGEST = 64 * 1024
"""Bytes of an input for which the seconds of a door hold."""

_ROOT = Path(__file__).resolve().parents[2]
_SANE = tuple({str(Path(path).resolve()) + os.sep for path in (
    SCRATCH, _ROOT / "crawler", sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *zoneinfo.TZPATH,
    *(path for path in sys.path if path))})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NEVER = frozenset({
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto", "subprocess.Popen",
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "ctypes.dlopen", "os.chmod", "os.chown", "os.link",
    "os.symlink", "os.truncate", "shutil.rmtree", "webbrowser.open",
})
_LISTING = frozenset({"os.listdir", "os.scandir"})


class Trespass(AssertionError):
    """Something that no reader of foreign bytes may do."""


class Slow(AssertionError):
    """An input that takes longer than its door may."""


class _Vetoed(PermissionError):
    """What a door that may name files is told about those outside its folder."""


class _Watch(threading.local):
    on = False
    forgiving = False
    seen: list[str]


_watch = _Watch()
_known: set[tuple[str, bool]] = set()


def _hook(event: str, args: tuple[object, ...]) -> None:
    if not _watch.on:
        return
    if event in _NEVER or (event == "open" and not _sane(args[0], _writes(args))) or (
            event in _LISTING and not _sane(args[0], False)):
        _watch.on = False   # what is called below would be judged too
        try:
            if not _watch.forgiving or event in _NEVER:
                _watch.seen.append(f"{event} {args[0]!r:.200}")
        finally:
            _watch.on = True
        raise _Vetoed(1, f"not from here: {event}")


def _writes(args: tuple[object, ...]) -> bool:
    mode, flags = args[1], args[2]
    return any(char in mode for char in "wax+") if isinstance(mode, str) else bool(isinstance(flags, int) and flags & _WRITING)


def _sane(path: object, writes: bool) -> bool:
    if path is None or isinstance(path, int):
        return True
    name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else repr(path)
    if (name, writes) in _known:
        return True
    full = os.path.abspath(name)
    sane = full.startswith(f"{SCRATCH}{os.sep}") or full == str(SCRATCH) or (
        "__pycache__" in full if writes else f"{full}{os.sep}".startswith(_SANE))
    if sane and len(_known) < 10_000:
        _known.add((name, writes))
    return sane


sys.addaudithook(_hook)


@contextmanager
def watched(*, forgiving: bool = False) -> Iterator[None]:
    """Raise Trespass for what may never be done here. `forgiving`: files outside are refused, and that is no fault."""
    _watch.seen, _watch.forgiving, _watch.on = [], forgiving, True
    try:
        yield
    finally:
        _watch.on = False
        if _watch.seen:   # what was refused can be what made the rest fail
            raise Trespass("; ".join(_watch.seen))


@contextmanager
def unwatched() -> Iterator[None]:
    """What a door does on its own account."""
    before, _watch.on = _watch.on, False
    try:
        yield
    finally:
        _watch.on = before


@contextmanager
def timed(seconds: float, size: int) -> Iterator[None]:
    """Raise Slow where `size` bytes take more processor time than `seconds` for `LARGEST` of them."""
    begun = time.process_time()
    yield
    spent = time.process_time() - begun
    if spent > seconds and size <= LARGEST:
        raise Slow(f"{spent:.2f} s of processor time for {size} bytes; {seconds:g} s are enough for {LARGEST}")
