"""Every format of the report, on a report with every kind of trouble in its texts."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.report import report
from crawler.core.types import (
    Article,
    Claim,
    Copy,
    Evidence,
    Kind,
    Origin,
    Story,
    Window,
)
from crawler.render import FORMATS, Layout, render

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def article(id_, source, title, minutes, **more):
    seen = NOW - timedelta(hours=6) + timedelta(minutes=minutes)
    claim = Claim("published", Origin.JSON_LD, f"{seen:%FT%TZ}", seen - timedelta(minutes=10))
    return Article(id_, f"https://{id_}.example/news/1", source, title, "text", "en", seen,
                   Window(seen - timedelta(minutes=30), seen), (claim,), **more)


def sample(title="Ferry returns", source="Harbour Post", quote="Copied from the Harbour Post", outside=None, decided=True):
    original = article("orig", source, title, 0)
    copy = article("copy", "Portal", title, 90)
    later = article("later", source, "Ferry returns, again", 120)
    story = Story(
        "s1", "orig", 0.97, decided, (Evidence("appeared-earlier", "seen first"),),
        (Copy("copy", Kind.WRAPPED, "orig", 0.81, 0.996, 0.82,
              (Evidence("declared-copy", "Harbour Post", quote, "https://orig.example/news/1"),), "licensed"),
         Copy("later", Kind.REVISION, "orig", 0.9, 1.0, 0.95)),
        outside, None, () if decided else ("copy",))
    return report([(story, [original, copy, later], ())], generated=NOW, since=NOW - timedelta(days=1), until=None,
                  articles=12)


def text(format_, found, layout=None):
    return "".join(render(format_, found, layout or Layout()))


def test_json_is_the_shape_that_programs_rely_on():
    assert json.loads(text("json", sample())) == {
        "version": 1, "generated": "2026-03-02T12:00:00Z", "window": {"since": "2026-03-01T12:00:00Z", "until": None},
        "totals": {"articles": 12, "stories": 1, "copies": 1, "undecided": 0},
        "stories": [{
            "id": "s1", "verdict": None, "confidence": 0.97, "decided": True, "outside": None, "undecided_between": [],
            "original": {
                "article": "orig", "url": "https://orig.example/news/1", "source": "Harbour Post", "title": "Ferry returns",
                "language": "en", "published": "2026-03-02T05:50:00Z", "published_from": "json-ld",
                "first_seen": "2026-03-02T06:00:00Z",
                "appeared_between": ["2026-03-02T05:30:00Z", "2026-03-02T06:00:00Z"]},
            "why": [{"evidence": "appeared-earlier", "detail": "seen first"}],
            "copies": [
                {"article": "copy", "url": "https://copy.example/news/1", "source": "Portal", "title": "Ferry returns",
                 "language": "en", "published": "2026-03-02T07:20:00Z", "published_from": "json-ld",
                 "first_seen": "2026-03-02T07:30:00Z",
                 "appeared_between": ["2026-03-02T07:00:00Z", "2026-03-02T07:30:00Z"], "kind": "wrapped",
                 "lag_seconds": 5400, "similarity": 0.81, "of_original": 0.996, "of_copy": 0.82, "matched": "orig",
                 "evidence": [{"evidence": "declared-copy", "detail": "Harbour Post",
                               "quote": "Copied from the Harbour Post", "href": "https://orig.example/news/1"}],
                 "verdict": "licensed"},
                {"article": "later", "url": "https://later.example/news/1", "source": "Harbour Post",
                 "title": "Ferry returns, again", "language": "en", "published": "2026-03-02T07:50:00Z",
                 "published_from": "json-ld", "first_seen": "2026-03-02T08:00:00Z",
                 "appeared_between": ["2026-03-02T07:30:00Z", "2026-03-02T08:00:00Z"], "kind": "revision",
                 "lag_seconds": 7200, "similarity": 0.9, "of_original": 1.0, "of_copy": 0.95, "matched": "orig",
                 "evidence": [], "verdict": None}],
            "carried_by": []}],
        "possible_rewordings": [], "possible_translations": []}


def test_jsonl_is_a_story_a_line():
    found = sample()
    lines = text("jsonl", found).splitlines()
    assert [json.loads(line) for line in lines] == found["stories"]


def test_csv_is_a_copy_a_row_with_its_original_beside_it():
    out = text("csv", sample())
    assert out.endswith("\r\n")
    assert "\n" not in out.replace("\r\n", "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["original_url"], row["copy_url"], row["kind"], row["lag_seconds"]) for row in rows] == [
        ("https://orig.example/news/1", "https://copy.example/news/1", "wrapped", "5400"),
        ("https://orig.example/news/1", "https://later.example/news/1", "revision", "7200")]
    assert rows[0]["quotes"] == "Copied from the Harbour Post"


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@cmd", "\t=1", "\r=1"])
def test_csv_cells_that_a_spreadsheet_would_run_are_text(title):
    row = next(csv.DictReader(io.StringIO(text("csv", sample(title), None), newline="")))
    assert row["original_title"] == "'" + title


def test_csv_keeps_negative_figures_as_figures():
    found = sample()
    found["stories"][0]["copies"][0]["lag_seconds"] = -60
    assert next(csv.DictReader(io.StringIO(text("csv", found))))["lag_seconds"] == "-60"


HOSTILE = "\x1b[31mred\x07 [bold]b[/bold] <script>alert(1)</script> \u202egnp.exe | *x* `y` ](javascript:1) \x9b2J \u2028 {{7*7}}"


@pytest.mark.parametrize("format_", FORMATS)
def test_no_foreign_text_acts_on_the_reader(format_):
    found = sample(HOSTILE, HOSTILE, HOSTILE, HOSTILE, decided=False)
    out = text(format_, found)
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]", out)
    if format_ in ("html", "md"):
        assert "<script" not in out.replace("\\<script", "")
    if format_ == "table":
        assert "[bold]b[/bold]" in out


@pytest.mark.parametrize("format_", FORMATS)
@given(words=st.text(max_size=80))
def test_any_text_can_be_rendered_and_encoded(format_, words):
    text(format_, sample(words, words, words, words, decided=False)).encode()


@pytest.mark.parametrize("format_", ["json", "jsonl"])
@given(words=st.text(st.characters(), max_size=60))
def test_json_reads_back_as_it_was(format_, words):
    found = sample(words, words)
    read = json.loads(text(format_, found))
    assert (read["stories"][0] if format_ == "json" else read)["original"]["title"] == words


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self):
        super().__init__()
        self.links, self.tags, self.meta = [], set(), {}

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        if "href" in given:
            self.links.append(given["href"])
        if tag == "meta" and "http-equiv" in given:
            self.meta[given["http-equiv"]] = given["content"]
        assert not {"src", "srcset", "style", "onclick", "background"} & set(given)


def test_html_loads_nothing_and_runs_nothing():
    out = text("html", sample())
    page = Page()
    page.feed(out)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert page.meta["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert set(page.links) == {f"https://{name}.example/news/1" for name in ("orig", "copy", "later")}
    assert "url(" not in out
    assert "@import" not in out


def test_html_allows_exactly_its_own_style():
    import base64
    import hashlib

    out = text("html", sample())
    style = re.search("<style>(.*?)</style>", out, re.DOTALL)[1]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in out


def test_html_links_only_web_addresses():
    found = sample()
    found["stories"][0]["original"]["url"] = "javascript:alert(1)"
    found["stories"][0]["copies"][0]["evidence"][0]["href"] = "data:text/html,x"
    page = Page()
    page.feed(text("html", found))
    assert all(link.startswith("https://") for link in page.links)


@pytest.mark.parametrize("format_", ["table", "html", "md"])
def test_people_read_why_in_words(format_):
    out = " ".join(unescape(text(format_, sample())).replace("\\", "").split())
    for words in ("1 h 30 min", "99 %", "82 %", "nearly all of the original inside text of the copier's own",
                  "the copy says of itself that it is one", "licensed by a person", "Harbour Post", "97 % sure",
                  "1 story, 1 copy"):
        assert words in out


@pytest.mark.parametrize("format_", ["table", "html", "md"])
def test_people_read_between_whom_it_is_undecided_and_who_stands_outside(format_):
    out = re.sub("<[^>]*>|[*]", "", text(format_, sample(outside="Far Agency", decided=False)))
    assert re.search("(?i)undecided.* between Harbour Post and Portal", " ".join(out.split()))
    assert re.search("(?i)original outside the feeds: Far Agency", " ".join(out.split()))


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_report_is_a_report(format_):
    out = text(format_, report([], generated=NOW, since=None, until=None, articles=0))
    assert (out == "") == (format_ == "jsonl")


@pytest.mark.parametrize("width", [80, 100])
def test_table_keeps_to_the_width_and_addresses_whole(width):
    found = sample("word " * 60, "A source with a very long name indeed, of many words", "quoted " * 30)
    found["stories"][0]["original"]["url"] = "https://orig.example/" + "a" * 150
    lines = text("table", found, Layout(width)).splitlines()
    assert any("https://orig.example/" + "a" * 150 in line for line in lines)
    assert all(len(line) <= width for line in lines if "https://" not in line)


def test_table_colours_only_for_who_wants_them():
    assert "\x1b[" in text("table", sample(), Layout(80, True))
    assert "\x1b" not in text("table", sample(), Layout(80, False))


def test_markdown_tables_have_as_many_cells_as_headings():
    out = text("md", sample("a | b", "c | d", "e | f"))
    rows = [line for line in out.splitlines() if line.startswith("|")]
    counts = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert counts == {5, 7}
