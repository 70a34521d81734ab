"""feeds add, list, poll, discover, import, export, remove, and the daemon, as processes against a site on loopback."""

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

HOME = b"""<html><head><title>The Loopback Gazette</title>
<link rel="alternate" type="application/rss+xml" href="/broken.xml" title="Broken">
<link rel="alternate" type="application/rss+xml" href="/feed.xml" title="Main"></head><body><p>News.</p></body></html>"""
FEED = b"""<rss version="2.0"><channel><title>Gazette</title><link>/</link><item><title>Bridge opens</title>
<link>/bridge.html</link><guid>1</guid></item></channel></rss>"""
ARTICLE = b"<html><head><title>Bridge opens</title></head><body><article><p>The bridge is open.</p></article></body></html>"
PAGES = {"/": HOME, "/feed.xml": FEED, "/bridge.html": ARTICLE, "/broken.xml": b"<html>gone</html>", "/bare/": b"<p>x</p>",
         "/rss": FEED}


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGES.get(self.path.partition("?")[0])
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def firsthand(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("# mine\ncontact: desk@news.internal\n"
                    "crawl: {private_networks: [127.0.0.0/8], per_host: {delay: 0s}}\nreview: {listen: null}\nfeeds: []\n")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FIRSTHAND_")}

    def run(*arguments, status=0):
        done = subprocess.run([sys.executable, "-m", "crawler", "-c", "f.yaml", *arguments], cwd=tmp_path,
                              env=kept | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done
    run.path = path
    yield run
    run("stop", "--now")


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_feed_of_a_site_is_found_added_listed_polled_and_removed(firsthand, site):
    assert firsthand("feeds", "add", f"{site}/", "--source", "The Gazette", "--tag", "local").stdout == f"{site}/feed.xml\n"
    assert f"- url: {site}/feed.xml\n    source: The Gazette\n" in firsthand.path.read_text()
    assert firsthand.path.read_text().startswith("# mine\n")
    row = rows(firsthand("feeds", "list", "--format", "json"))[0]
    assert list(row) == ["url", "source", "state", "last_poll", "next_poll", "entries", "failures", "reason", "detail", "interval"]
    assert (row["url"], row["source"], row["state"], row["last_poll"]) == (f"{site}/feed.xml", "The Gazette", "new", None)
    assert firsthand("feeds", "poll", "the gazette").stdout == f"ok {site}/feed.xml 1 entries\n"
    row = rows(firsthand("feeds", "list", "--format", "json"))[0]
    assert (row["state"], row["entries"], row["reason"]) == ("ok", 1, None)
    assert f"{site}/feed.xml is there already, f.yaml:6" in firsthand("feeds", "add", f"{site}/", status=2).stderr
    assert firsthand("feeds", "remove", "The Gazette").stdout == f"{site}/feed.xml\n"
    assert firsthand("feeds", "list").stdout.split() == ["state", "source", "url", "last", "poll", "next", "poll", "entries", "reason"]


@pytest.mark.long
def test_discover_lists_what_the_page_names_and_guesses_otherwise(firsthand, site):
    found = rows(firsthand("feeds", "discover", f"{site}/", "--format", "json"))
    assert [(row["url"], row["how"]) for row in found] == [(f"{site}/broken.xml", "link"), (f"{site}/feed.xml", "link")]
    assert firsthand("feeds", "discover", f"{site}/bare/").stdout.split()[0] == f"{site}/rss"


def test_what_cannot_be_had_is_one_line(firsthand, site):
    assert "http_4xx" in firsthand("feeds", "add", f"{site}/none", status=1).stderr
    assert "no such feed" in firsthand("feeds", "poll", "nobody", status=3).stderr
    assert "expected an http" in firsthand("feeds", "add", "file:///etc/passwd", status=2).stderr


def test_a_failing_feed_says_why(firsthand, site):
    firsthand("feeds", "add", f"{site}/none.xml", "--unseen")
    done = firsthand("feeds", "poll", f"{site}/none.xml", status=1)
    assert done.stdout.startswith(f"failing {site}/none.xml 0 entries http_4xx")


def test_opml_goes_in_once_and_comes_out(firsthand, tmp_path):
    (tmp_path / "in.opml").write_text("""<opml><body><outline text="World">
        <outline xmlUrl="https://a.example/feed" text="A"/><outline xmlUrl="http://a.example/feed/" text="A"/>
        <outline xmlUrl="https://me:secret@b.example/feed" text="B"/><outline text="bad" xmlUrl="ftp://c"/></outline></body></opml>""")
    done = firsthand("feeds", "import", "in.opml")
    assert "2 added, 1 there already, 1 left out" in done.stderr
    assert done.stderr.startswith("in.opml:3: left out: ")
    assert "0 added" in firsthand("feeds", "import", "in.opml").stderr
    out = firsthand("feeds", "export").stdout
    assert "https://a.example/feed" in out
    assert "https://b.example/feed" in out
    assert "secret" not in out
    firsthand("feeds", "export", "-o", "out.opml")
    assert (tmp_path / "out.opml").read_text() == out


def test_the_daemon_in_the_background(firsthand, site):
    firsthand("feeds", "add", f"{site}/feed.xml", "--unseen")
    assert "started with pid" in firsthand("start").stderr
    told = json.loads(firsthand("status", "--json").stdout)
    assert told["running"] is True
    assert told["feeds"] == 1
    assert f"already running with pid {told['pid']}" in firsthand("start", status=1).stderr
    assert "started with pid" in firsthand("restart").stderr
    done = firsthand("stop")
    assert "stopped pid" in done.stderr
    assert str(told["pid"]) not in done.stderr
    assert json.loads(firsthand("status", "--json", status=3).stdout)["running"] is False
