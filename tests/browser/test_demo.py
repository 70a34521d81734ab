"""`firsthand demo` once, as a person meets it: its report in the README and in the browser."""

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from crawler.render import render

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command prints, from an empty folder and with every proxy and configuration out of reach."""
    done = subprocess.run(
        [sys.executable, "-m", "crawler", "demo", "--format", "json"], cwd=tmp_path_factory.mktemp("empty"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_readme_shows_what_it_prints(report):
    """Line by line; `…` stands for what is left out."""
    told = re.search(r"<!-- demo: begin -->\n```text\n(.*?)```\n<!-- demo: end -->", (ROOT / "README.md").read_text(), re.DOTALL)
    printed = {line.rstrip() for line in "".join(render("table", report)).splitlines()}
    assert [line for line in told[1].splitlines() if line.strip() != "…" and line.rstrip() not in printed] == []


def test_a_browser_shows_every_story(report, browser, tmp_path):
    page = tmp_path / "report.html"
    page.write_text("".join(render("html", report)), encoding="utf-8")
    dom = unescape(browser.dom(page))
    assert len(report["stories"]) > 10
    for story in report["stories"]:
        for one in (story["original"], *story["copies"]):
            assert one["title"] in dom
            assert f'href="{one["url"]}"' in dom
            assert one["source"] in dom
    assert len(browser.screenshot(page, tmp_path / "report.png", 1280, 4000)) > 100_000
