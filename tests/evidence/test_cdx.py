"""The index by which replay tools find a page."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from crawler.evidence import cdx

NOON = datetime(2026, 3, 2, 12, 0, 5, 250000, tzinfo=UTC)


@pytest.mark.parametrize(("url", "key"), [
    ("https://post.example/ferry", "example,post)/ferry"),
    ("http://WWW.Post.example:80/Ferry/", "example,post)/ferry/"),
    ("https://www2.post.example", "example,post)/"),
    ("https://wwwpost.example/", "example,wwwpost)/"),
    ("https://post.example:8443/a?z=1&b=2", "example,post:8443)/a?b=2&z=1"),
    ("https://post.example/a?", "example,post)/a"),
    ("http://127.0.0.1:8080/x", "1,0,0,127:8080)/x"),
    ("https://xn--mgbh0fb.xn--mgbai9azgqp6j/خبر", "xn--mgbai9azgqp6j,xn--mgbh0fb)/خبر"),
])
def test_the_key_of_a_url_has_its_host_from_the_right(url, key):
    assert cdx.surt(url) == key


def capture(number):
    return cdx.Capture(f"https://post.example/{number:05}", NOON, "text/html", 200, "sha256:aa", "sha256:bb", number * 10, 10)


def test_lines_are_sorted_and_say_where_the_record_stands():
    first, second = cdx.lines([capture(2), capture(1)], "pages.warc.gz")
    assert first.startswith("example,post)/00001 20260302120005 {")
    assert second > first
    assert json.loads(first.partition(" {")[2].join(["{", ""])) == {
        "url": "https://post.example/00001", "mime": "text/html", "status": "200", "digest": "sha256:aa", "length": "10",
        "offset": "10", "filename": "pages.warc.gz", "recordDigest": "sha256:bb"}


@pytest.mark.parametrize(("captures", "blocks"), [(0, 0), (1, 1), (1024, 1), (1025, 2)])
def test_the_table_leads_to_each_block(captures, blocks):
    lines = cdx.lines(map(capture, range(captures)), "pages.warc.gz")
    packed, table = cdx.blocks(lines)
    meta, *rows = table.decode().splitlines()
    assert json.loads(meta.removeprefix("!meta 0 ")) == {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}
    assert len(rows) == blocks
    found = []
    for row in rows:
        key, _, place = row.partition(" {")
        place = json.loads("{" + place)
        block = gzip.decompress(packed[place["offset"]:place["offset"] + place["length"]]).decode().splitlines(keepends=True)
        assert block[0].startswith(key)
        found += block
    assert found == lines
    assert gzip.decompress(packed).decode() == "".join(lines)
