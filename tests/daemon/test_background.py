"""start, stop, status with real processes: one daemon a folder, stale pid files, words of a daemon that fails."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crawler import background
from crawler.errors import OperationError

# A daemon in a few lines. It says on standard output what it hears, so that a test can wait for it.
DAEMON = """
import os, signal, sys, time
from pathlib import Path
from crawler import background
mode, state = sys.argv[1], Path(sys.argv[2])
if mode == "fails":
    print("firsthand: the store is full", file=sys.stderr); sys.exit(1)
if mode == "silent":
    os._exit(3)
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
signal.signal(signal.SIGHUP, lambda *_: (background.reopen_log(), print("reopened", flush=True)))
with background.claimed(state):
    print("up", flush=True)
    if mode != "slow":
        background.notify_ready()
    needed = {"stubborn": 2, "deaf": 99}.get(mode, 1)
    while len(stop) < needed:
        signal.pause()
print("down", flush=True)
"""


@pytest.fixture
def daemon(tmp_path):
    """Starts daemons in a folder; what is left of them at the end is killed."""
    state = tmp_path / "state"
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON)
    started = []

    def start(mode="plain", **options):
        found = background.start([sys.executable, str(script), mode, str(state)], state, **options)
        started.append(found)
        return found
    start.state, start.script = state, script
    yield start
    left = background.running(state)
    if left is not None:
        os.kill(left.pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def _import_path(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")]))


def test_start_waits_until_it_is_up_and_stop_until_it_is_gone(daemon):
    found = daemon()
    assert background.running(daemon.state) == found
    assert found.pid == int((daemon.state / "firsthand.pid").read_text().split("\n")[0])
    assert found.log == daemon.state / "firsthand.log"
    assert found.log.read_text() == "up\n"
    assert background.stop(daemon.state) == found
    assert background.running(daemon.state) is None
    assert found.log.read_text() == "up\ndown\n"


def test_it_is_detached_from_the_terminal(daemon):
    found = daemon()
    assert os.getsid(found.pid) == found.pid
    assert os.readlink(f"/proc/{found.pid}/fd/0") == os.devnull


def test_a_second_one_is_refused(daemon):
    found = daemon()
    with pytest.raises(OperationError, match=f"already running with pid {found.pid}"):
        daemon()
    with pytest.raises(OperationError, match="another daemon runs with this state_dir"), background.claimed(daemon.state):
        pytest.fail("the folder was claimed twice")
    assert background.running(daemon.state) == found


def test_a_daemon_that_fails_is_reported_in_its_own_words(daemon):
    with pytest.raises(OperationError, match=r"it did not start: the store is full; all of it in .*firsthand\.log"):
        daemon("fails")
    with pytest.raises(OperationError, match="it did not start: it ended without a word"):
        daemon("silent")
    assert background.running(daemon.state) is None


def test_one_that_takes_long_is_left_alone(daemon):
    with pytest.raises(OperationError, match="not ready after 0 s; it runs on with pid"):
        daemon("slow", patience=0)


def test_stop_without_a_daemon_does_nothing(tmp_path):
    assert background.stop(tmp_path) is None
    assert background.running(tmp_path / "none") is None


def test_a_stubborn_one_is_named_and_ended_on_request(daemon):
    found = daemon("stubborn")
    with pytest.raises(OperationError, match="firsthand stop --now"):
        background.stop(daemon.state, patience=0)
    assert background.stop(daemon.state, now=True) == found


def test_a_deaf_one_is_killed_on_request(daemon):
    found = daemon("deaf")
    assert background.stop(daemon.state, now=True, patience=0.1) == found
    assert background.running(daemon.state) is None


def test_a_killed_one_leaves_a_stale_file_that_is_no_hindrance(daemon):
    found = daemon()
    os.kill(found.pid, signal.SIGKILL)
    os.waitpid(found.pid, 0)
    assert (daemon.state / "firsthand.pid").read_text().startswith(str(found.pid))
    assert background.running(daemon.state) is None
    assert background.stop(daemon.state) is None
    assert daemon().pid != found.pid


def test_the_pid_of_another_program_is_recognised(tmp_path):
    """The file names a process that lives, but it does not hold the lock: a test that stopped it would stop itself."""
    (tmp_path / "firsthand.pid").write_text(f"{os.getpid()}\n123\n\n")
    assert background.running(tmp_path) is None
    assert background.stop(tmp_path) is None


def test_a_file_that_is_locked_by_something_else_names_nobody(tmp_path):
    with background.claimed(tmp_path):
        (tmp_path / "firsthand.pid").write_text(f"{os.getpid()}\n123\n\n")
        assert background.running(tmp_path) is None


@pytest.mark.parametrize("text", ["", "x", "-1\n2\n", "99999999999\n1\n\n", "\x00\xff"])
def test_a_damaged_pid_file_is_no_daemon(tmp_path, text):
    (tmp_path / "firsthand.pid").write_text(text)
    assert background.running(tmp_path) is None
    with background.claimed(tmp_path):
        assert background.running(tmp_path).pid == os.getpid()


def test_the_log_follows_its_name_after_rotation(daemon):
    found = daemon()
    rotated = found.log.with_suffix(".1")
    found.log.rename(rotated)
    os.kill(found.pid, signal.SIGHUP)
    background.stop(daemon.state)
    assert rotated.read_text() == "up\n"
    assert found.log.read_text() == "reopened\ndown\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationError, match="cannot be written"), background.claimed(tmp_path / "file"):
        pytest.fail("claimed")
    with pytest.raises(OperationError, match="cannot be written"):
        background.start(["true"], tmp_path / "file")


def test_a_command_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(OperationError, match="cannot be started"):
        background.start([str(tmp_path / "none")], tmp_path)


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path, abstract):
    name = f"@firsthand-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0"))
        background.notify_ready({"NOTIFY_SOCKET": name})
        assert receiver.recv(100) == b"READY=1"


@pytest.mark.parametrize("environ", [
    {}, {"NOTIFY_SOCKET": "/nowhere"}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"FIRSTHAND_READY_FD": "987"}, {"FIRSTHAND_READY_FD": "x"},
])
def test_nobody_to_tell_is_no_fault(environ):
    background.notify_ready(environ)
    background.reopen_log(environ)


def test_the_folder_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyError), background.claimed(tmp_path):
        raise KeyError
    with background.claimed(tmp_path):
        pass


def test_workers_of_a_killed_daemon_do_not_hold_its_folder(tmp_path):
    code = ("import subprocess, sys; from pathlib import Path; from crawler import background\n"
            "with background.claimed(Path(sys.argv[1])):\n"
            "    child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=0)\n"
            "    print(child.pid, flush=True); sys.stdin.read()")
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    parent.stdout.readline()
    parent.kill()
    parent.wait()
    with background.claimed(tmp_path):
        pass
    parent.stdin.close()
    parent.stdout.close()
