"""export --story: a pack that anybody can verify without us."""

import gzip
import hashlib
import io
import json
import shutil
import sqlite3
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler import dossier
from crawler.adapters.store import open_store
from crawler.desk import Desk
from crawler.evidence import pack

AT = datetime(2026, 4, 1, 8, tzinfo=UTC)


@pytest.fixture
def ferry(firsthand, stored, tmp_path):
    """The pack of the story of the ferry."""
    done = firsthand("export", "--story", stored.stories["ferry"], "-o", "ferry.wacz", config=stored)
    assert (done.status, done.out, done.err) == (0, "", "")
    with zipfile.ZipFile(tmp_path / "ferry.wacz") as wacz:
        assert wacz.testzip() is None
        yield wacz


def told(wacz, path="evidence/story.json"):
    return json.loads(wacz.read(path))


def sha256(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_every_file_is_as_its_hash_says(ferry, tmp_path):
    ferry.extractall(tmp_path / "pack")
    done = subprocess.run([shutil.which("sha256sum"), "--strict", "-c", "SHA256SUMS"], cwd=tmp_path / "pack", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {line.partition(": ")[0] for line in done.stdout.splitlines()} == set(ferry.namelist()) - {"SHA256SUMS"}


def test_it_is_a_wacz(ferry):
    package = told(ferry, "datapackage.json")
    assert (package["profile"], package["wacz_version"]) == ("data-package", "1.1.1")
    assert {one["path"] for one in package["resources"]} == set(ferry.namelist()) - {"datapackage.json", "datapackage-digest.json"}
    for one in package["resources"]:
        body = ferry.read(one["path"])
        assert len(body) == one["bytes"]
        assert one.get("hash", sha256(body)) == sha256(body)
    assert told(ferry, "datapackage-digest.json") == {"path": "datapackage.json", "hash": sha256(ferry.read("datapackage.json"))}
    assert all(entry.compress_type == zipfile.ZIP_STORED and entry.date_time[0] == 1980 for entry in ferry.infolist())
    # The format leaves these folders to itself, and its validator takes no file with a suffix at the top.
    assert {name for name in ferry.namelist() if name.startswith(("archive/", "indexes/", "pages/"))} == {
        "archive/pages.warc.gz", "indexes/index.cdx.gz", "indexes/index.idx", "pages/pages.jsonl"}
    assert {name for name in ferry.namelist() if "/" not in name} == {"datapackage.json", "datapackage-digest.json", "SHA256SUMS"}


def test_the_index_leads_to_each_page(ferry, stored):
    archive = ferry.read("archive/pages.warc.gz")
    lines = gzip.decompress(ferry.read("indexes/index.cdx.gz")).decode().splitlines()
    assert lines == sorted(lines)
    assert len(lines) == 3
    for line in lines:
        place = json.loads(line.split(" ", 2)[2])
        record = archive[int(place["offset"]):int(place["offset"]) + int(place["length"])]
        assert place["recordDigest"] == sha256(record)
        head, _, rest = gzip.decompress(record).partition(b"\r\n\r\n")
        assert f"WARC-Target-URI: {place['url']}\r\n".encode() in head
        assert place["digest"] == sha256(rest.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n\r\n"))
    head, *pages = map(json.loads, ferry.read("pages/pages.jsonl").decode().splitlines())
    assert head["format"] == "json-pages-1.0"
    assert [one["url"] for one in pages] == ["https://post.example/ferry", "https://portal.example/ferry", "https://lantern.example/ferry"]
    assert pages[0]["ts"] == "2026-03-02T12:00:00.000Z"


def test_the_decision_is_what_show_says(firsthand, ferry, stored):
    story = told(ferry)
    shown = json.loads(firsthand("show", stored.stories["ferry"], "--json", config=stored).out)
    assert {name: story[name] for name in shown} == shown
    assert set(story) - set(shown) == {"pack", "pages", "articles_without_page"}
    assert [one["article"] for one in story["pages"]] == [stored.ids[name] for name in ("ferry", "portal", "lantern")]
    assert story["articles_without_page"] == []


def test_each_article_is_there_whole(firsthand, ferry, stored):
    rows = map(json.loads, firsthand("export", "--format", "jsonl", config=stored).out.splitlines())
    by_id = {row["article"]: row for row in rows}
    for name in ("ferry", "portal", "lantern"):
        id_ = stored.ids[name]
        assert told(ferry, f"articles/{id_}.json") == by_id[id_]
        assert ferry.read(f"articles/{id_}.txt").decode() == by_id[id_]["text"] + "\n"


def test_the_readme_says_what_was_decided_and_of_whom(ferry):
    text = ferry.read("evidence/README.txt").decode()
    assert "earliest known source is The Orrin Post" in text
    for part in ("copy (wrapped, 100% of the original)", "https://portal.example/ferry", "1 page kept", "sha256sum -c SHA256SUMS"):
        assert part in text
    assert max(map(len, text.splitlines())) < 125


async def made(stored, story):
    store = await open_store(f"sqlite:///{Path(stored.config).parent / 'store.db'}")
    try:
        with await dossier.evidence(Desk(store, lambda: AT), story, AT) as file:
            return file.read()
    finally:
        await store.close()


async def test_the_same_story_gives_the_same_bytes(stored):
    once, again = [await made(stored, stored.stories["ferry"]) for _ in range(2)]
    assert once == again
    assert told(zipfile.ZipFile(io.BytesIO(once)))["pack"]["written"] == "2026-04-01T08:00:00.000Z"


def test_pages_past_their_retention_are_named_as_missing(firsthand, stored, tmp_path):
    with open(stored.config, "a") as file:
        file.write("retention: {pages: 1s, articles: 36500d}\n")
    firsthand("prune", config=stored)
    assert firsthand("export", "--story", stored.stories["ferry"], "-o", "late.wacz", config=stored).status == 0
    with zipfile.ZipFile(tmp_path / "late.wacz") as wacz:
        story = told(wacz)
        assert story["pages"] == []
        assert story["articles_without_page"] == [stored.ids[name] for name in ("ferry", "portal", "lantern")]
        assert wacz.read("evidence/README.txt").decode().count("NO PAGE IS KEPT") == 3
        assert len(wacz.read("pages/pages.jsonl").splitlines()) == 1
        assert b"WARC-Type: warcinfo" in gzip.decompress(wacz.read("archive/pages.warc.gz"))
        assert told(wacz, f"articles/{stored.ids['ferry']}.json")["text"].startswith("The night ferry")


def test_a_page_that_is_not_what_was_fetched_is_no_evidence(firsthand, stored, tmp_path):
    import zstandard

    with sqlite3.connect(tmp_path / "store.db") as database:
        database.execute("UPDATE bodies SET body = ?", (zstandard.compress(b"something else"),))
    database.close()
    done = firsthand("export", "--story", stored.stories["ferry"], "-o", "ferry.wacz", config=stored)
    assert done.status == 1
    assert "https://post.example/ferry that was fetched 2026-03-02 12:00:00 UTC is not what is stored now" in done.err
    assert not (tmp_path / "ferry.wacz").exists()


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (["--story", "nosuch", "-o", "x.wacz"], 3, "nothing is stored under this id"),
    (["--story", "s", "--format", "warc"], 2, "leave out --format and --originals"),
    (["--story", "s", "--originals"], 2, "leave out --format and --originals"),
    ([], 2, "--story ID for one story"),
    (["--originals"], 2, "--story ID for one story"),
])
def test_it_is_refused_in_words(firsthand, stored, tmp_path, arguments, status, words):
    done = firsthand("export", *arguments, config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)
    assert words in done.err
    assert not (tmp_path / "x.wacz").exists()


def test_a_pack_is_never_overwritten(firsthand, stored, tmp_path):
    (tmp_path / "ferry.wacz").write_text("with the pages that are gone by now")
    done = firsthand("export", "--story", stored.stories["ferry"], "-o", "ferry.wacz", config=stored)
    assert (done.status, done.err) == (1, "firsthand: ferry.wacz: exists already; name a new file\n")
    assert (tmp_path / "ferry.wacz").read_text() == "with the pages that are gone by now"


def test_what_lets_somebody_in_is_not_handed_on():
    sighting = {"feed": "https://ann:secret@post.example/feed?token=abc&page=2", "key": "post-1",
                "link": "https://post.example/ferry?apikey=abc", "title": "Ferry \u202egnihton"}
    article = {"article": "a1", "url": "https://post.example/ferry", "source": "Post", "title": "Ferry", "text": "It sails.",
               "first_seen": "2026-03-02T12:00:00Z", "appeared_between": [None, "2026-03-02T12:00:00Z"], "sightings": [sighting]}
    original = {"article": "a1", "source": "Post"}
    story = {"id": "s1", "original": original, "articles": [article], "copies": [], "confidence": 0.5, "decided": False, "outside": "AFP"}
    out, records = io.BytesIO(), io.BytesIO()
    archive = pack.Archive(records, "firsthand/0", AT)
    archive.begin()
    pack.write(out, story, [article], archive)
    whole = out.getvalue()
    assert not {word for word in (b"secret", b"abc", "\u202e".encode()) if word in whole}
    with zipfile.ZipFile(out) as wacz:
        assert told(wacz)["articles"][0]["sightings"] == [{
            **sighting, "feed": "https://post.example/feed?token=***&page=2", "link": "https://post.example/ferry?apikey=***"}]
        text = wacz.read("evidence/README.txt").decode()
    assert "Undecided: the likeliest source is Post (50% sure)" in text
    assert "in its feed at 2026-03-02T12:00:00Z, the first time that this was read" in text
