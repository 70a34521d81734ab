"""Where a command's result goes: standard output, or a file that is there whole or not at all."""

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from crawler.errors import OperationError


def emit(text: str) -> None:
    """Print a result: UTF-8 whatever the locale says, as the files are."""
    write(None, [text])


def write(target: Path | None, pieces: Iterable[str]) -> None:
    """Write the pieces to a file, or to standard output where there is none or it is `-`."""
    with opened(target) as out:
        for piece in pieces:
            out.write(piece.encode("utf-8", "backslashreplace"))


@contextmanager
def opened(target: Path | None, *, fresh: bool = False) -> Iterator[BinaryIO]:
    """A stream that becomes the file when the block ends well; an existing file stays as it was otherwise, and in any
    case where a `fresh` one is asked for.

    Raises OperationError where it cannot be written, or is there and has to be fresh.
    """
    if target is None or str(target) == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif _is_stream(target):
        with _named(target), target.open("wb") as out:
            yield out
    else:
        with _replacing(target, fresh=fresh) as out:
            yield out


def _is_stream(target: Path) -> bool:
    """A device or a pipe cannot be replaced, only written to."""
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _replacing(target: Path, *, fresh: bool) -> Iterator[BinaryIO]:
    import tempfile

    final = Path(os.path.realpath(target))   # a link stays a link
    with _named(target):
        _refuse_existing(target, final, fresh=fresh)
        if final.is_dir():
            raise OperationError(f"{target}: is a directory; name a file")
        number, name = tempfile.mkstemp(prefix=f".{final.name[:50]}.", dir=final.parent)
    try:
        with _room(target), os.fdopen(number, "wb") as out:
            yield out
            with _named(target):
                out.flush()
                os.fsync(out.fileno())
        with _named(target):
            Path(name).chmod(_mode(final))
            _refuse_existing(target, final, fresh=fresh)   # written by somebody else meanwhile
            Path(name).replace(final)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _refuse_existing(target: Path, final: Path, *, fresh: bool) -> None:
    if fresh and final.exists():
        raise OperationError(f"{target}: exists already; name a new file")


def _mode(final: Path) -> int:
    """The permissions of the file that is replaced; of a new one as the umask has it."""
    if final.exists():
        return stat.S_IMODE(final.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _room(target: Path) -> Iterator[None]:
    """Whoever fills the file may fail for other reasons too, so of what comes out of there only a full disk is ours."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OperationError(f"{target}: cannot be written: {error.strerror}") from error


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """A fault of the file system, with the name that the person gave."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OperationError(f"{target}: cannot be written: {error.strerror or error}") from error


output_option = click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True),
                             help="Write here instead of standard output.")
