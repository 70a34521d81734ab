"""The doors of doors.py, in every test run: what once broke one, its seeds, any bytes, almost valid documents."""

import re
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import fuzz
import pytest
from doors import CORPUS, DOORS
from grammar import almost_valid
from hypothesis import given, settings
from hypothesis import strategies as st
from watch import SCRATCH, Slow, Trespass, timed, watched

_FEWER = {"report": 20, "page": 40, "two": 40}   # a report is six renderings, 50 ms
KEPT = [(name, path) for name, door in DOORS.items() for path in door.corpus]


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[f"{name}-{path.name}" for name, path in KEPT])
def test_what_once_broke_a_door_goes_through(name, path):
    DOORS[name].enter(path.read_bytes())


def test_everything_kept_has_a_note_of_what_it_broke():
    for folder in (path for path in CORPUS.iterdir() if path.is_dir()):
        noted = [row.split("\t") for row in (folder / "notes.tsv").read_text().splitlines()]
        assert folder.name in DOORS
        assert sorted(row[0] for row in noted) == sorted(path.name for path in DOORS[folder.name].corpus)
        assert all(len(row) == 2 and row[1] for row in noted)


@pytest.mark.parametrize("name", DOORS)
def test_its_seeds_go_through(name):
    for seed in DOORS[name].seeds:
        DOORS[name].enter(seed)


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=20)
@given(data=st.binary(max_size=300))
def test_any_bytes_go_through(name, data):
    DOORS[name].enter(data)


@pytest.mark.parametrize("name", DOORS)
def test_almost_valid_documents_go_through(name):
    @given(data=almost_valid(name))
    @settings(max_examples=_FEWER.get(name, 70))
    def goes_through(data):
        DOORS[name].enter(data)

    goes_through()


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=8)
@given(data=st.data())
def test_one_word_a_thousand_times_goes_through(name, data):
    """What is quadratic in a word is not seen in short documents."""
    door = DOORS[name]
    word, seed, where = data.draw(st.tuples(st.sampled_from(door.tokens), st.sampled_from(door.seeds), st.floats(0, 1)))
    at = int(where * len(seed))
    door.enter(seed[:at] + word * 1000 + seed[at:])


def test_the_fuzzer_is_locked_by_names_versions_and_hashes_only():
    for line in CORPUS.with_name("requirements-fuzz.txt").read_text().splitlines():
        assert re.fullmatch(r"atheris==[0-9.]+ ; python_version (?:<|>=) '3\.12' \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)


# --- the watch ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("act", [
    pytest.param(lambda: Path("/proc/version").read_text(), id="a file is read"),
    pytest.param(lambda: Path("written").write_text("x"), id="a file is written"),
    pytest.param(lambda: list(Path("/etc").iterdir()), id="a folder is listed"),
    pytest.param(lambda: socket.create_connection(("127.0.0.1", 9)), id="a socket is connected"),
    pytest.param(lambda: socket.getaddrinfo("daily.invalid", 80), id="a name is looked up"),
    pytest.param(lambda: subprocess.run(["true"], check=False), id="a program is started")])
def test_the_watch_sees_that(act):
    with pytest.raises(Trespass), watched(), suppress(OSError):   # a reader that swallows its errors is seen all the same
        act()


def test_the_watch_lets_libraries_read_their_own_files():
    with watched():
        Path(sys.modules["feedparser"].__file__).read_bytes()
        (SCRATCH / "own").write_text("x")


def test_what_takes_too_long_is_a_fault():
    with pytest.raises(Slow), timed(0.001, 10):
        sum(range(1_000_000))


# --- the command ----------------------------------------------------------------------------------------------------

def test_the_command_repeats_a_finding(monkeypatch, tmp_path):
    kept = tmp_path / "input"
    kept.write_bytes(DOORS["url"].seeds[0])
    assert command(monkeypatch, "--door", "url", str(kept)) == 0
    monkeypatch.setitem(DOORS, "url", replace(DOORS["url"], seconds=-1))
    assert command(monkeypatch, "--door", "url", str(kept)) == 1


def test_the_command_names_the_doors(monkeypatch, capsys):
    assert command(monkeypatch, "--door", "nowhere") == 2
    assert "no such door: nowhere; there are: feed page " in capsys.readouterr().err


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["fuzz.py", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    return fuzz.main()


def test_changes_by_the_grammar_depend_on_the_seed_alone_and_keep_to_the_size():
    mutator = fuzz._Mutator(DOORS["feed"].seeds, DOORS["feed"].tokens)
    changed = [mutator.changed(b"<rss>" * 9, 500, seed, lambda data, most: b"asked") for seed in range(200)]
    assert changed == [mutator.changed(b"<rss>" * 9, 500, seed, lambda data, most: b"asked") for seed in range(200)]
    assert {b"asked"} < set(changed)
    assert max(map(len, changed)) == 500
