"""Headless Chromium, which sees what a person would see, on a page that a real process serves.

One browser for all tests, a context of its own for each. Whatever a page says on its console, every request that leaves
the server, and every address that the policy stops fails the test on whose page it happened.
"""

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from crawler.demo import START
from crawler.newsworld.world import World

ROOT = Path(__file__).parents[2]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--disable-quic", "--disable-dev-shm-usage",
         # Every name is unknown: what a page loads from elsewhere would be missing.
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "http_proxy": "http://127.0.0.1:9", "LANG": "C.UTF-8", "TZ": "UTC"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Whoever asks for these tests wants them run: a skip would hide that nothing was tested."""
    made = yield
    if made.skipped:
        made.outcome, made.longrepr = "failed", f"{item.nodeid} was skipped: {made.longrepr}"
    return made


# --- the browser ------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    assert os.access(CHROMIUM, os.X_OK), f"{CHROMIUM} is not there; see `make test-browser`"
    with closing(playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)) as started:
        yield started


@dataclass
class Heard:
    """What went on beside the page itself, since a test that expects some of it took it away."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", lambda message: self.said.append(message.text))
        context.on("weberror", lambda error: self.said.append(str(error.error)))
        context.on("request", lambda request: self.asked.append(request.url))

    def elsewhere(self, *ours: str) -> list[str]:
        return [url for url in self.asked if not url.startswith(ours)]

    def forget_refusals(self) -> None:
        """Chromium says on the console of a page that its own status was one of an error."""
        self.said = [text for text in self.said if not text.startswith("Failed to load resource: the server responded with a status")]


@dataclass
class Desk:
    """Opens contexts of the one browser, and hears them."""

    chromium: Browser
    heard: Heard = field(default_factory=Heard)
    opened: list[BrowserContext] = field(default_factory=list)
    ours: set[str] = field(default_factory=set)

    def open(self, url: str = "", *, width: int = 1200, height: int = 900, **more: Any) -> Page:
        """A page in a context of its own, as another person would have it."""
        context = self.chromium.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(20_000)
        self.heard.follow(context)
        self.opened.append(context)
        page = context.new_page()
        if url:
            self.ours.add("/".join(url.split("/")[:3]) + "/")
            page.goto(url)
        return page

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Desk]:
    """Whoever reviews. Fails where a page said something on its console, or asked anybody but the server."""
    one = Desk(chromium)
    yield one
    one.close()
    assert one.heard.said == []
    assert one.heard.elsewhere(*one.ours) == []


WIDER = """() => {
    const wide = document.documentElement.clientWidth;
    return [...document.querySelectorAll('body *')].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width && box.right > wide + 1 && !one.closest('.scroll, .hidden, .skip, dialog');
    }).map(one => one.outerHTML.slice(0, 120)).slice(0, 3).concat(document.documentElement.scrollWidth > wide ? ['the page'] : []);
}"""


def wider(page: Page) -> list[str]:
    """What reaches beyond the window's side."""
    return page.evaluate(WIDER)


def violations(page: Page, *, only: str | None = None) -> list[str]:
    """What axe-core finds wrong, of any weight."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": [only]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['impact']} {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


# --- the process ------------------------------------------------------------------------------------------------------

@dataclass
class Server:
    """`firsthand serve` on a store of its own."""

    folder: Path
    config: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def start(self) -> "Server":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "crawler", "-c", str(self.config), "--log-format", "json", "serve"], cwd=self.folder,
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said = []
        for line in self.process.stderr:
            said.append(line)
            if line.startswith("{") and (told := json.loads(line)).get("event") == "serving":
                self.address = told["address"].rstrip("/")
                return self
        raise AssertionError("".join(said))

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            _, said = self.process.communicate(timeout=30)
            assert self.process.returncode == 0, said
            assert '"level":"error"' not in said.replace(" ", ""), said
            self.process = None

    def get(self, path: str, **headers: str) -> Any:
        """An answer of the API."""
        with urllib.request.urlopen(urllib.request.Request(self.address + path, headers=headers)) as answer:
            return json.load(answer)

    def call(self, *arguments: str) -> str:
        """What the command prints, on the same store."""
        done = subprocess.run([sys.executable, "-m", "crawler", "-c", str(self.config), "--log-level", "error", *arguments],
                              cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def report(self, format_: str = "json") -> Any:
        """`firsthand report`, in this process, which spares a start; and in a thread, since Playwright has a loop in ours."""
        from crawler.cli import _run

        target, root = self.folder / f"report.{format_}", logging.getLogger()
        before, level = list(root.handlers), root.level
        with ThreadPoolExecutor(1) as thread:
            status = thread.submit(_run, ["-c", str(self.config), "--log-level", "error", "report", "--format", format_, "-o",
                                          str(target)]).result()
        root.handlers[:], root.level = before, level
        logging.captureWarnings(capture=False)
        assert status == 0
        return json.loads(target.read_text()) if format_ == "json" else target


@dataclass(frozen=True)
class Demo:
    """`firsthand demo --serve`, as it ended: what it printed, and the store that it crawled."""

    report: dict[str, Any]
    store: Path
    settings: dict[str, Any]
    said: str
    page: str
    left: list[str]

    def story(self, title: str) -> dict[str, Any]:
        """The one whose original or copy has this in its title."""
        found = [one for one in self.report["stories"]
                 if any(title in each["title"] for each in (one["original"], *one["copies"]))]
        assert len(found) == 1, (title, len(found))
        return found[0]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One crawl of the news world for all tests, by the command that anybody would type, from an empty folder and with
    every proxy and configuration out of reach."""
    empty, temporary, kept = (tmp_path_factory.mktemp(name) for name in ("empty", "temporary", "kept"))
    with (kept / "report.json").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", "demo", "--format", "json", "--serve", "--listen", "127.0.0.1:0"], cwd=empty,
            env={**ENVIRONMENT, "TMPDIR": str(temporary)}, stdout=out, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("the review page is at http://127.0.0.1:"), said + process.stderr.read()
        with urllib.request.urlopen(said.split()[5]) as answer:
            page = answer.read().decode()
        (store,) = temporary.glob("firsthand-demo-*/firsthand.db")
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(kept / "world.db")) as target:
            source.backup(target)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    return Demo(json.loads((kept / "report.json").read_text()), kept / "world.db", World(START).settings("http://127.0.0.1:9", kept), said, page,
                [path.name for folder in (empty, temporary) for path in folder.iterdir()])


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Serves a copy of a store, with the review settings that are given."""
    started: list[Server] = []

    def serve(store: Path, settings: dict[str, Any] | None = None, **review: Any) -> Server:
        folder = tmp_path_factory.mktemp("served")
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(folder / "store.db")) as target:
            source.backup(target)
        (folder / "firsthand.yaml").write_text(yaml.safe_dump({
            "contact": "desk@news.internal", "feeds": [], **(settings or {}), "store": f"sqlite:///{folder / 'store.db'}",
            "state_dir": str(folder), "extract": {"workers": 1}, "review": {"listen": "127.0.0.1:0", **review}}, allow_unicode=True))
        started.append(Server(folder, folder / "firsthand.yaml"))
        return started[-1].start()

    yield serve
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def world(demo: Demo, serving: Callable[..., Server]) -> Server:
    """The news world, for tests that only look."""
    return serving(demo.store, demo.settings)


@pytest.fixture
def own_world(demo: Demo, serving: Callable[..., Server], desk: Desk) -> Iterator[Server]:
    """The news world, for a test that rules."""
    one = serving(demo.store, demo.settings)
    yield one
    desk.close()
    one.stop()
