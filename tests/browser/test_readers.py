"""The output feeds as others read them: newsboat, a feed reader from Debian, and whoever holds JSON Feed to its words."""

import json
import re
import shutil
import sqlite3
import subprocess
import urllib.request
from contextlib import closing
from datetime import datetime
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from crawler import tokens
from tests.browser.test_hostile import shelf  # noqa: F401 - a fixture

NEWSBOAT = shutil.which("newsboat", path="/usr/bin:/usr/local/bin")


class Newsboat:
    """With a configuration and a cache of its own."""

    def __init__(self, folder, *addresses):
        self.folder = folder
        (folder / "urls").write_text("".join(f"{address}\n" for address in addresses))
        (folder / "config").write_text("auto-reload no\nreload-threads 1\n")

    def __call__(self, *commands):
        assert NEWSBOAT, "newsboat is not there: apt-get install newsboat"
        done = subprocess.run(
            [NEWSBOAT, "-u", "urls", "-c", "cache.db", "-C", "config", "-x", *commands], cwd=self.folder, check=True, capture_output=True,
            text=True, timeout=60, env={"HOME": str(self.folder), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"})
        return done.stdout.strip()

    def entries(self, address):
        with closing(sqlite3.connect(self.folder / "cache.db")) as cache:
            rows = cache.execute("SELECT title, url, author, content FROM rss_item WHERE feedurl = ?", (address,)).fetchall()
        return {url: SimpleNamespace(title=title, author=author, content=content) for title, url, author, content in rows}


def answered(server, route):
    """How many requests by the hundreds of their status."""
    with urllib.request.urlopen(f"{server.address}/metrics") as answer:
        told = answer.read().decode()
    return {status: int(float(number)) for status, number in re.findall(
        rf'^firsthand_http_requests_total\{{route="{re.escape(route)}",status="(\dxx)"\}} (\S+)$', told, re.MULTILINE)}


def test_a_reader_shows_originals_and_copies(demo, world, tmp_path):
    originals, copies = f"{world.address}/originals.atom", f"{world.address}/copies.atom?source=The+Harbour+Post"
    newsboat = Newsboat(tmp_path, originals, copies)
    stories = demo.report["stories"]
    copied = [(one, copy) for one in stories if one["original"]["source"] == "The Harbour Post" for copy in one["copies"] if copy["kind"] != "revision"]
    assert newsboat("reload", "print-unread") == f"{len(stories) + len(copied)} unread articles"
    shown = newsboat.entries(originals)
    assert {url: one.title for url, one in shown.items()} == {one["original"]["url"]: one["original"]["title"] for one in stories}
    assert {url: one.author for url, one in shown.items()} == {one["original"]["url"]: one["original"]["source"] for one in stories}
    assert "3 copies. Earliest known source: The Harbour Post" in shown["http://harbour-post.example/region/ferry"].content
    assert {url: one.title for url, one in newsboat.entries(copies).items()} == {
        copy["url"]: f"{copy['source']}: {copy['title']}" for _, copy in copied}


def test_a_reader_is_not_sent_what_it_has(world, tmp_path):
    """Newsboat keeps what it needs for that when it has read a feed for the second time."""
    newsboat = Newsboat(tmp_path, f"{world.address}/originals.atom")
    newsboat("reload")
    newsboat("reload")
    before = answered(world, "/originals.atom")
    newsboat("reload")
    after = answered(world, "/originals.atom")
    assert (after["2xx"], after.get("3xx", 0)) == (before["2xx"], before.get("3xx", 0) + 1)


def test_a_reader_signs_in(demo, serving, tmp_path):
    token = tokens.add(tmp_path / "tokens", "reader")
    server = serving(demo.store, demo.settings, tokens_file=str(tmp_path / "tokens"))
    for number, (secret, expected) in enumerate([(token, len(demo.report["stories"])), ("fh_wrong", 0)]):
        (tmp_path / str(number)).mkdir()
        newsboat = Newsboat(tmp_path / str(number), server.address.replace("://", f"://anybody:{secret}@") + "/originals.atom")
        assert newsboat("reload", "print-unread").startswith(f"{expected} unread")


def test_a_reader_takes_foreign_text_as_text(shelf, tmp_path):  # noqa: F811 - the fixture
    address = f"{shelf.server.address}/originals.atom"
    newsboat = Newsboat(tmp_path, address)
    assert newsboat("reload", "print-unread") == f"{len(shelf.stories)} unread articles"
    assert set(newsboat.entries(address)) == {f"https://{name}.example/a" for name in shelf.stories}


# --- JSON Feed 1.1, by the words of jsonfeed.org/version/1.1 ----------------------------------------------------------

TOP = {"version": str, "title": str, "home_page_url": str, "feed_url": str, "description": str, "user_comment": str, "next_url": str, "icon": str,
       "favicon": str, "authors": list, "language": str, "expired": bool, "hubs": list, "items": list}
ITEM = {"id": str, "url": str, "external_url": str, "title": str, "content_html": str, "content_text": str, "summary": str, "image": str,
        "banner_image": str, "date_published": str, "date_modified": str, "authors": list, "tags": list, "language": str, "attachments": list}
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")   # RFC 5646, as far as its form goes
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")   # RFC 3339


def held_to_the_specification(feed):
    known(feed, TOP, {"version", "title", "items"})
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    for hub in feed.get("hubs", []):
        assert set(hub) == {"type", "url"}
        assert web(hub["url"])
    ids = [one["id"] for one in feed["items"]]
    assert len(ids) == len(set(ids))               # "unique for that item for that feed over time"
    for one in feed["items"]:
        known(one, ITEM, {"id"})
        assert {"content_html", "content_text"} & set(one)          # "one or both must be present"
        assert all(MOMENT.fullmatch(one[name]) and datetime.fromisoformat(one[name]) for name in ("date_published", "date_modified") if name in one)
        assert all(web(one[name]) for name in ("url", "external_url", "image", "banner_image") if name in one)
        for attached in one.get("attachments", []):
            assert {"url", "mime_type"} <= set(attached)
    for one in (feed, *feed["items"]):
        assert LANGUAGE.fullmatch(one.get("language", "en"))
        for author in one.get("authors", []):
            assert set(author) <= {"name", "url", "avatar"}
            assert any(author.values())            # "at least one of them"


def known(found, allowed, required):
    """Only the names of the specification, each of its type; those of an extension begin with _ and a letter and hold no
    dot ("author" of version 1 is no more)."""
    assert required <= set(found)
    for name, value in found.items():
        if name.startswith("_"):
            assert re.fullmatch(r"_[A-Za-z][^.]*", name)
            assert isinstance(value, dict)
        else:
            assert isinstance(value, allowed[name]), name
            assert value is False or value != "" or name == "title"


def web(url):
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


@pytest.mark.parametrize("query", ["", "?language=ar", "?q=nothing+like+that"])
def test_a_plain_json_feed_holds_to_the_specification(world, query):
    with urllib.request.urlopen(f"{world.address}/originals.json{query}") as answer:
        assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
        body = answer.read()
    feed = json.loads(body.decode("utf-8"))
    held_to_the_specification(feed)
    assert feed["feed_url"] == f"{world.address}/originals.json{query}"


def test_a_json_feed_of_foreign_texts_holds_to_the_specification(shelf):  # noqa: F811 - the fixture
    with urllib.request.urlopen(f"{shelf.server.address}/originals.json") as answer:
        feed = json.load(answer)
    held_to_the_specification(feed)
    assert len(feed["items"]) == len(shelf.stories)
