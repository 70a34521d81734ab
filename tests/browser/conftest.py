"""Headless Chromium, which sees what a person would see. It loads files only; it never reaches a network."""

import os
import subprocess
from pathlib import Path

import pytest

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         # Every name is unknown and every proxy dead: what a report loads from elsewhere would be missing.
         "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:9"]


class Browser:
    """One start a question, each with an empty profile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.starts = 0

    def run(self, *arguments: str) -> str:
        self.starts += 1
        profile = self.folder / f"profile-{self.starts}"
        done = subprocess.run(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *arguments], cwd=self.folder, capture_output=True, timeout=120,
            check=False, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", "TZ": "UTC"})
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        return done.stdout.decode()

    def dom(self, page: Path, *arguments: str) -> str:
        """The document after its scripts have run."""
        return self.run(*arguments, "--dump-dom", page.as_uri())

    def screenshot(self, page: Path, target: Path, width: int = 1280, height: int = 900, *arguments: str) -> bytes:
        """What is painted, as PNG."""
        self.run(*arguments, f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri())
        return target.read_bytes()


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """A skip here would hide that nothing was tested, so a missing browser is a failure."""
    assert os.access(CHROMIUM, os.X_OK), f"{CHROMIUM} is not there; see `make test-browser`"
    return Browser(tmp_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Whoever asks for these tests wants them run."""
    made = yield
    if made.skipped:
        made.outcome, made.longrepr = "failed", f"{item.nodeid} was skipped: {made.longrepr}"
    return made
