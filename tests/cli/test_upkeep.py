"""hold, forget, rematch, prune, backup, export."""

import hashlib
import json
import sqlite3
import zlib

import pytest


def exported(firsthand, stored, *more):
    done = firsthand("export", "--format", "jsonl", *more, config=stored)
    assert (done.status, done.err) == (0, "")
    return {row["article"]: row for row in map(json.loads, done.out.splitlines())}


def test_export_holds_all_that_is_kept(firsthand, stored):
    rows = exported(firsthand, stored)
    assert next(iter(rows)) == stored.ids["ferry"]
    assert len(rows) == 6
    row = rows[stored.ids["portal"]]
    assert (row["story"], row["role"], row["rights_reserved"]) == (stored.stories["ferry"], "copy", False)
    assert row["claims"][0]["at"] == "2026-03-02T13:30:00Z"
    assert row["revisions"][0]["text"] == row["text"]
    assert {"sightings", "attributions", "reservations", "walls", "language", "first_seen"} <= set(row)


def test_export_originals_alone(firsthand, stored):
    assert set(exported(firsthand, stored, "--originals")) == {stored.ids["ferry"], stored.ids["garden"]}


def parsed(raw):
    head, _, rest = raw.partition(b"\r\n\r\n")
    version, *lines = head.decode().split("\r\n")
    assert version == "WARC/1.1"
    fields = dict(line.split(": ", 1) for line in lines)
    length = int(fields["Content-Length"])
    block, end = rest[:length], rest[length:]
    assert end == b"\r\n\r\n"
    assert fields["WARC-Block-Digest"] == "sha256:" + hashlib.sha256(block).hexdigest()
    return fields, block


def members(data):
    """Re-read an archive: each gzip member is one record."""
    while data:
        inflate = zlib.decompressobj(31)
        raw = inflate.decompress(data)
        assert inflate.eof
        yield parsed(raw)
        data = inflate.unused_data


def test_export_warc_reads_back(firsthand, stored, tmp_path):
    done = firsthand("export", "--format", "warc", "-o", "pages.warc.gz", config=stored)
    assert (done.status, done.out) == (0, "")
    (info, fields), *pages = members((tmp_path / "pages.warc.gz").read_bytes())
    assert (info["WARC-Type"], info["WARC-Filename"]) == ("warcinfo", "pages.warc.gz")
    assert b"software: firsthand/" in fields
    assert len(pages) == 6
    assert len({head["WARC-Record-ID"] for head, _ in pages}) == 6
    head, block = pages[0]
    assert (head["WARC-Type"], head["WARC-Target-URI"]) == ("response", "https://post.example/ferry")
    assert head["Content-Type"] == "application/http;msgtype=response"
    assert head["WARC-Date"].startswith("2026-03-02T12:00:00")
    http, _, body = block.partition(b"\r\n\r\n")
    assert head["WARC-Payload-Digest"] == "sha256:" + hashlib.sha256(body).hexdigest()
    assert http.decode().split("\r\n") == [
        "HTTP/1.1 200 OK", "content-type: text/html", "X-Archive-Orig-content-encoding: gzip", "x-broken: a b",
        f"Content-Length: {len(body)}"]
    assert body.startswith(b"<html><body><p>The night ferry")


def test_export_warc_is_the_same_each_time_but_for_its_head(firsthand, stored, tmp_path):
    for name in ("a", "b"):
        firsthand("export", "--format", "warc", "-o", name, config=stored)
    first, second = (list(members((tmp_path / name).read_bytes()))[1:] for name in ("a", "b"))
    assert first == second


def test_hold(firsthand, stored):
    done = firsthand("hold", stored.stories["ferry"], config=stored)
    assert (done.status, done.out) == (0, "3 pages held; pages that come later are kept too\n")
    assert firsthand("hold", "nosuch", config=stored).status == 3


def test_forget_asks_first(firsthand, stored):
    done = firsthand("forget", stored.ids["lantern"], config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert stored.ids["lantern"] in exported(firsthand, stored)


def test_forget_erases_and_the_story_goes_on_without_it(firsthand, stored):
    done = firsthand("forget", stored.ids["lantern"], "--yes", config=stored)
    assert (done.status, done.err) == (0, "")
    assert stored.ids["lantern"] not in exported(firsthand, stored)
    found = json.loads(firsthand("show", stored.stories["ferry"], "--json", config=stored).out)
    assert [copy["article"] for copy in found["copies"]] == [stored.ids["portal"]]
    assert firsthand("forget", "nosuch", "--yes", config=stored).status == 3


def test_rematch_with_the_same_settings_changes_nothing(firsthand, stored):
    found = json.loads(firsthand("rematch", "--json", config=stored).out)
    assert found == {"judged": 6, "new": [], "ended": [], "changed": [], "unchanged": 2}


def test_rematch_says_what_other_settings_change(firsthand, stored):
    with open(stored.config, "a") as file:
        file.write("match: {min_words: 90}\n")   # the garden story has 81
    done = firsthand("rematch", config=stored)
    assert done.status == 0
    counts, *lines = done.out.splitlines()
    assert counts.startswith("6 articles judged again, 0 new, ")
    assert any(line.startswith(("ended", "changed")) for line in lines)


def test_rematch_since(firsthand, stored):
    assert json.loads(firsthand("rematch", "--since", "2026-03-02T15:00:00Z", "--json", config=stored).out)["judged"] == 1


def test_prune_prints_what_went_and_keeps_what_is_held(firsthand, stored):
    firsthand("hold", stored.stories["ferry"], config=stored)
    with open(stored.config, "a") as file:
        file.write("retention: {pages: 1s, articles: 36500d}\n")
    done = firsthand("prune", config=stored)
    assert done.status == 0
    assert done.out.startswith("3 pages, 0 articles, ")


def test_backup_is_a_database_and_overwrites_nothing(firsthand, stored, tmp_path):
    done = firsthand("backup", "copy.db", config=stored)
    assert (done.status, done.err) == (0, "")
    with sqlite3.connect(tmp_path / "copy.db") as database:
        assert database.execute("select count(*) from articles").fetchone() == (6,)
    database.close()
    again = firsthand("backup", "copy.db", config=stored)
    assert (again.status, again.err.count("\n")) == (1, 1)


@pytest.mark.parametrize("wrong", [[], ["--format", "zip"]])
def test_export_without_a_format_is_2(firsthand, stored, wrong):
    assert firsthand("export", *wrong, config=stored).status == 2
