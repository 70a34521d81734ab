"""`make audit` and the tools it calls: what cannot be asked is a failure and said in one line, never a success."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

GOOD = {"name": "brotli", "version": "1.2.1", "vulns": []}
WEAK = {"name": "brotli", "version": "1.2.0", "vulns": [
    {"id": "PYSEC-2026-4322", "aliases": ["CVE-2026-111497"], "fix_versions": ["1.2.1"], "description": ""}]}
SKIPPED = {"name": "regex", "skip_reason": "Dependency not found on PyPI and could not be audited: regex (1)"}


def audit(folder: Path, answer: str, status: int = 0, error: str = "") -> subprocess.CompletedProcess[str]:
    """`make audit` with a stand-in for pip-audit, which notes what it is asked."""
    (folder / "answer").write_text(answer)
    tool = folder / "pip-audit"
    tool.write_text(f'#!/bin/sh\necho "$*" > "{folder}/asked"\ncat "{folder}/answer"\necho "{error}" >&2\nexit {status}\n')
    tool.chmod(0o755)
    quiet = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(["make", "--silent", "audit", f"PYTHON={sys.executable}", "AUDIT=--ignore-vuln X"], cwd=ROOT,
                          capture_output=True, text=True, check=False, env={**quiet, "PIP_AUDIT": str(tool)})


def answered(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_an_audit_asks_for_all_that_runs_and_resolves_nothing(tmp_path):
    done = audit(tmp_path, answered(GOOD, GOOD))
    assert (done.returncode, done.stdout) == (0, "2 packages, none with a known weakness\n")
    asked = (tmp_path / "asked").read_text()
    for part in ("--requirement requirements/run.txt", "--requirement requirements/build.txt", "--require-hashes", "--disable-pip",
                 "--ignore-vuln X"):
        assert part in asked


def test_an_audit_names_what_is_weak_and_fails(tmp_path):
    done = audit(tmp_path, answered(GOOD, WEAK), status=1)
    assert done.returncode != 0
    assert done.stdout == "brotli 1.2.0: PYSEC-2026-4322 CVE-2026-111497; mended in 1.2.1\n"


@pytest.mark.parametrize(("answer", "status", "error", "said"), [
    (answered(GOOD, SKIPPED), 0, "", f"1 of 2 packages could not be looked up; {SKIPPED['skip_reason']}"),
    (answered(), 0, "", "0 of 0 packages could not be looked up; "),
    ("", 1, "Traceback\nConnectionError: no such host", "ConnectionError: no such host"),
    ("", 1, "", "pip-audit ended with 1 and said nothing"),
], ids=["a mirror without a list of weaknesses", "no package at all", "no network", "silence"])
def test_an_audit_that_learned_nothing_is_one_line_and_a_failure(tmp_path, answer, status, error, said):
    done = audit(tmp_path, answer, status, error)
    assert done.returncode != 0
    assert [line for line in done.stderr.splitlines() if not line.startswith("make")] == [f"firsthand: not audited: {said}"]


STAND_IN = """#!/bin/sh
# Python, but `-m venv` makes a folder whose python only notes what pip is asked.
if [ "$1 $2" != "-m venv" ]; then exec "{python}" "$@"; fi
mkdir -p .venv/tools/bin
cp asking .venv/tools/bin/python
"""


def test_the_tools_are_installed_once_from_their_lock(tmp_path):
    (tmp_path / "requirements").mkdir()
    for name in ("tools", "tools.txt"):
        shutil.copy(ROOT / "requirements" / name, tmp_path / "requirements")
    (tmp_path / "python").write_text(STAND_IN.format(python=sys.executable))
    (tmp_path / "asking").write_text('#!/bin/sh\necho "$*" >> asked\n')
    for name in ("python", "asking"):
        (tmp_path / name).chmod(0o755)

    def bin_of() -> str:
        return subprocess.run([tmp_path / "requirements/tools"], capture_output=True, text=True, check=True,
                              env={"PATH": os.environ["PATH"], "PYTHON": str(tmp_path / "python")}).stdout

    once = "-m pip install --quiet --no-deps --require-hashes -r requirements/tools.txt\n"
    assert bin_of() == bin_of() == f"{tmp_path}/.venv/tools/bin\n"
    assert (tmp_path / "asked").read_text() == once
    with (tmp_path / "requirements/tools.txt").open("a") as lock:
        lock.write("# changed\n")
    bin_of()
    assert (tmp_path / "asked").read_text() == once * 2
