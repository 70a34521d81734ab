"""`firsthand demo` as a person meets it: its report in the README and in the browser, its page, and nothing left behind."""

import re
from pathlib import Path

from crawler.render import render

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_what_it_prints(demo):
    """Line by line; `…` stands for what is left out."""
    told = re.search(r"<!-- demo: begin -->\n```text\n(.*?)```\n<!-- demo: end -->", (ROOT / "README.md").read_text(), re.DOTALL)
    printed = {line.rstrip() for line in "".join(render("table", demo.report)).splitlines()}
    assert [line for line in told[1].splitlines() if line.strip() != "…" and line.rstrip() not in printed] == []


def test_its_page_stands_where_it_says_until_it_is_stopped(demo):
    assert "<title>Review · Firsthand</title>" in demo.page
    assert demo.said.endswith("until Ctrl-C\n")


def test_it_leaves_nothing_behind(demo):
    assert demo.left == []


def test_a_browser_shows_every_story_of_its_report(demo, desk, tmp_path):
    (tmp_path / "report.html").write_text("".join(render("html", demo.report)), encoding="utf-8")
    desk.ours.add("file:///")
    page = desk.open((tmp_path / "report.html").as_uri())
    shown, links = page.inner_text("body"), page.eval_on_selector_all("a", "all => all.map(one => one.href)")
    assert len(demo.report["stories"]) > 10
    for story in demo.report["stories"]:
        for one in (story["original"], *story["copies"]):
            assert one["title"] in shown
            assert one["source"] in shown
            assert one["url"] in links
