"""The daemon in the background: start, stop, status; and what the daemon itself does to be found.

The pid file in `state_dir` is locked by the daemon for as long as it lives, so that a second one cannot run there, and
whatever kills it also frees the lock: a file that nobody locks is stale, whoever has its pid by now. It holds the pid in
its first line and the process's birth in the second.

`claimed`, `notify_ready` and `reopen_log` are called in the daemon, everything else in the commands.
"""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from crawler.errors import OperationError
from crawler.log import escape

PID_FILE = "firsthand.pid"
LOG_FILE = "firsthand.log"
READY_VARIABLE = "FIRSTHAND_READY_FD"
LOG_VARIABLE = "FIRSTHAND_LOG_FILE"

_TICK = 0.05  # seconds between two looks at a process that starts or ends


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that runs."""

    pid: int
    since: datetime
    log: Path | None


# --- in the daemon ------------------------------------------------------------------------------------------------

@contextmanager
def claimed(state_dir: Path) -> Iterator[None]:
    """Hold the pid file of this folder. Raises OperationError where another daemon does, or it cannot be written."""
    path = state_dir / PID_FILE
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OperationError(escape(f"{path}: cannot be written: {error.strerror}; correct state_dir or its mode")) from None
    try:
        _lock(handle, path)
        _introduce(handle, path)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _introduce(handle: int, path: Path) -> None:
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n{_birth(os.getpid())}\n{os.environ.get(LOG_VARIABLE, '')}\n".encode())
    except OSError as error:
        raise OperationError(escape(f"{path}: cannot be written: {error.strerror}; free some space")) from None


def _lock(handle: int, path: Path) -> None:
    """A `status` may hold the lock for the blink in which it looks, so one refusal says nothing yet."""
    for _ in range(20):
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_TICK)
    raise OperationError(f"another daemon runs with this state_dir ({path}); stop it with `firsthand stop`, "
                         "or give this one a state_dir of its own")


def notify_ready(environ: Mapping[str, str] = os.environ) -> None:
    """Say that the daemon is up: to `firsthand start`, and to systemd (Type=notify). Called once."""
    handle = environ.get(READY_VARIABLE, "")
    if handle.isdigit():
        with suppress(OSError):  # whoever started us has gone; that is no reason to stop
            os.write(int(handle), b"READY=1\n")
            os.close(int(handle))
    notify_systemd("READY=1", environ)


def notify_systemd(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """sd_notify(3): one datagram to the socket that systemd names, if it does. "STOPPING=1", "STATUS=…"."""
    address = environ.get("NOTIFY_SOCKET", "")
    if address.startswith(("/", "@")):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
            sender.sendall(state.encode())


def reopen_log(environ: Mapping[str, str] = os.environ) -> None:
    """Open the log file again by its name, after logrotate has moved it (SIGHUP). Nothing where there is none."""
    name = environ.get(LOG_VARIABLE)
    if not name:
        return
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        handle = _open_log(Path(name))
    except OSError:
        return  # better the old file than none
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _open_log(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


# --- in the commands ----------------------------------------------------------------------------------------------

def running(state_dir: Path) -> Running | None:
    """The daemon of this folder; None where there is none, whatever a stale pid file says."""
    path = state_dir / PID_FILE
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OperationError(escape(f"{path}: cannot be read: {error.strerror}")) from None
    try:
        if not _held(handle):
            return None
        return _read(os.read(handle, 8192).decode(errors="replace"), os.fstat(handle).st_mtime)
    finally:
        os.close(handle)


def _held(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def _read(text: str, written: float) -> Running | None:
    """The daemon writes its file just after it locks it, and empties it just before it ends: then it is not running."""
    pid, birth, log = ([*text.split("\n"), "", "", ""])[:3]
    if not pid.isdigit() or _birth(int(pid)) != birth:
        return None
    return Running(int(pid), datetime.fromtimestamp(int(written), UTC), Path(log) if log else None)


def _birth(pid: int) -> str:
    """When a process began, in whatever words the system has: two processes with one pid differ in it. "" for none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _birth_by_ps(pid)
    except OSError:
        return ""
    state, *fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return "" if state in "ZX" else fields[18]


def _birth_by_ps(pid: int) -> str:
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607 - a number
    return found.stdout.strip()


def start(command: Sequence[str], state_dir: Path, *, patience: float = 60) -> Running:
    """Run a command detached, its output in the log file, and wait until it says that it is ready.

    Raises OperationError where one runs already, with the last line that it wrote where it ends at once, and where it
    is not ready after `patience` seconds (it is left alone then: a migration may take long).
    """
    found = running(state_dir)
    if found is not None:
        raise OperationError(f"already running with pid {found.pid}; `firsthand restart` starts it anew")
    log = (state_dir / LOG_FILE).absolute()
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        output = _open_log(log)
    except OSError as error:
        raise OperationError(escape(f"{log}: cannot be written: {error.strerror}; correct state_dir or its mode")) from None
    written = log.stat().st_size
    child, ready = _spawn(command, log, output)
    try:
        _await_ready(child, ready, log, written, patience)
    finally:
        os.close(ready)
        child.returncode = child.returncode or 0  # it is on its own now: nobody here waits for it
    return running(state_dir) or Running(child.pid, datetime.fromtimestamp(log.stat().st_mtime, UTC), log)


def _spawn(command: Sequence[str], log: Path, output: int) -> tuple[subprocess.Popen[bytes], int]:
    read, write = os.pipe()
    environ = {**os.environ, READY_VARIABLE: str(write), LOG_VARIABLE: str(log)}
    environ.pop("NOTIFY_SOCKET", None)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own command
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            pass_fds=[write], env=environ,
        )
    except OSError as error:
        os.close(read)
        raise OperationError(f"cannot be started: {error.strerror}") from None
    finally:
        os.close(write)
        os.close(output)
    return child, read


def _await_ready(child: subprocess.Popen[bytes], ready: int, log: Path, written: int, patience: float) -> None:
    readable, _, _ = select.select([ready], [], [], patience)
    if not readable:
        raise OperationError(f"not ready after {patience:.0f} s; it runs on with pid {child.pid}, see {log}")
    if os.read(ready, 64).startswith(b"READY=1"):
        return
    # The pipe was closed without a word: it is ending, or has ended.
    with suppress(subprocess.TimeoutExpired):
        child.wait(10)
    raise OperationError(f"it did not start: {_last_words(log, written)}; all of it in {log}")


def _last_words(log: Path, written: int) -> str:
    """What the daemon said last: its own error lines, else the last line."""
    with log.open("rb") as file:
        file.seek(written)
        lines = [line for line in file.read(1_000_000).decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("firsthand: ")]
    silence = "it ended without a word"
    if not os.statvfs(log).f_bavail:
        silence = "its log could not be written: No space left on device; free some space"
    chosen = (errors or lines or [silence])[-1]
    return escape(chosen.removeprefix("firsthand: "))


def stop(state_dir: Path, *, now: bool = False, patience: float = 15) -> Running | None:
    """End the daemon and wait for it; None where none runs. `now` asks twice, which ends it at once, then kills it.

    Raises OperationError with what to do where it is still there after `patience` seconds.
    """
    found = running(state_dir)
    if found is None:
        return None
    birth = _birth(found.pid)
    _signal(found.pid, signal.SIGTERM)
    if now and not _gone(found.pid, birth, 0.5):
        _signal(found.pid, signal.SIGTERM)
    if _gone(found.pid, birth, patience):
        return found
    if not now:
        raise OperationError(f"pid {found.pid} still finishes its work after {patience:.0f} s; wait, or end it at once "
                             "with `firsthand stop --now`")
    _signal(found.pid, signal.SIGKILL)
    if not _gone(found.pid, birth, patience):
        raise OperationError(f"pid {found.pid} cannot be ended; it hangs in the system, see `ps -o stat,wchan {found.pid}`")
    return found


def _gone(pid: int, birth: str, patience: float) -> bool:
    """Wait until no process of this pid and birth is left. Its lock ends with it."""
    end = time.monotonic() + patience
    while birth and _birth(pid) == birth:
        if time.monotonic() > end:
            return False
        time.sleep(_TICK)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise OperationError(f"pid {pid} belongs to another user; stop it as that user") from None


def as_json(found: Running | None, counts: Mapping[str, object] | None = None) -> str:
    """`status --json`: one object."""
    told: dict[str, object] = {"running": found is not None, "pid": None, "since": None, "log": None}
    if found is not None:
        since = f"{found.since:%Y-%m-%dT%H:%M:%SZ}"
        told |= {"pid": found.pid, "since": since, "log": str(found.log) if found.log else None}
    return json.dumps(told | dict(counts or {}), ensure_ascii=False)
