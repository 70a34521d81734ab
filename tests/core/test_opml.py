"""OPML in and out: folders are tags, bad rows are named, nothing is expanded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from crawler.core.opml import NotOpmlError, OpmlFeed, read, write


def opml(*rows, prolog='<?xml version="1.0" encoding="UTF-8"?>'):
    return f'{prolog}\n<opml version="2.0"><head><title>x</title></head><body>\n{chr(10).join(rows)}\n</body></opml>'.encode()


def feeds(*rows):
    return read(opml(*rows))[0]


def test_a_row_gives_address_title_and_site():
    row = '<outline type="rss" text="Harbour" title="Harbour News" xmlUrl="https://h.example/feed" htmlUrl="https://h.example/"/>'
    assert feeds(row) == [OpmlFeed("https://h.example/feed", "Harbour News", "https://h.example/", ())]


def test_nested_folders_and_categories_become_tags():
    row = ('<outline text="News"><outline title="World"><outline text="A" xmlUrl="https://a.example/" category="/Sea/Ports,ferries"/>'
           '</outline><outline text="B" xmlUrl="https://b.example/"/></outline><outline text="C" xmlUrl="https://c.example/"/>')
    assert [(feed.title, feed.tags) for feed in feeds(row)] == [
        ("A", ("News", "World", "Sea", "Ports", "ferries")), ("B", ("News",)), ("C", ())]


def test_a_feed_in_two_folders_is_one_feed_with_both_tags():
    row = ('<outline text="X"><outline xmlUrl="https://a.example/"/></outline>'
           '<outline text="Y"><outline text="A" xmlUrl="https://a.example/" htmlUrl="https://a.example/home"/></outline>')
    assert feeds(row) == [OpmlFeed("https://a.example/", "A", "https://a.example/home", ("X", "Y"))]


def test_a_feed_is_no_folder():
    assert feeds('<outline text="A" xmlUrl="https://a.example/"><outline text="B" xmlUrl="https://b.example/"/></outline>')[1].tags == ()


@pytest.mark.parametrize(("row", "reason"), [
    ('<outline text="Nothing"/>', "no xmlUrl (Nothing)"),
    ('<outline/>', "no xmlUrl (untitled)"),
    ('<outline text="Bad" xmlUrl="javascript:alert(1)"/>', "not an http(s) address: javascript:alert(1) (Bad)"),
    ('<outline text="Bad" xmlUrl="/feed"/>', "not an http(s) address: /feed (Bad)"),
    ('<outline type="include" text="More" url="https://x.example/more.opml"/>',
     "a link to another document, which is not followed: https://x.example/more.opml (More)"),
])
def test_a_bad_row_is_named_with_its_line_and_stops_nothing(row, reason):
    found, bad = read(opml('<outline text="A" xmlUrl="https://a.example/"/>', row, '<outline text="B" xmlUrl="https://b.example/"/>'))
    assert [feed.title for feed in found] == ["A", "B"]
    assert bad == [(4, reason)]


@pytest.mark.parametrize(("written", "url"), [
    ("https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2"), ("https://a.example/?a=1&amp;b=2", "https://a.example/?a=1&b=2"),
    (" https://a.example/ ", "https://a.example/"), ("feed://a.example/x", "http://a.example/x"),
    ("feed:https://a.example/x", "https://a.example/x"), ("feed://https://a.example/x", "https://a.example/x"),
])
def test_addresses_are_read_as_readers_export_them(written, url):
    assert [feed.url for feed in feeds(f'<outline text="A" xmlUrl="{written}"/>')] == [url]


@pytest.mark.parametrize("body", [
    opml('<outline text="Größe" xmlUrl="https://a.example/"/>'),
    opml('<outline text="Größe" xmlUrl="https://a.example/"/>').decode().encode("utf-16"),
    opml('<outline text="Größe" xmlUrl="https://a.example/"/>', prolog='<?xml version="1.0" encoding="iso-8859-1"?>').decode().encode("latin-1"),
    opml('<OUTLINE TEXT="Gr&ouml;&szlig;e" XMLURL="https://a.example/"/>'),
    opml('<outline text="Größe" xmlUrl="https://a.example/"/>', prolog="\n\n").replace(b"opml", b"OPML"),
], ids=["utf-8", "utf-16", "latin-1", "capitals and entities", "capital root"])
def test_lists_in_other_dress_are_read(body):
    assert read(body)[0] == [OpmlFeed("https://a.example/", "Größe")]


@pytest.mark.parametrize("body", [b"", b"   ", b"<html><body/></html>", b"https://a.example/", b"<rss version='2.0'/>", b"\x89PNG",
                                  b'<?xml version="1.0" encoding="utf-7"?><opml/>'])
def test_what_is_no_opml_is_refused(body):
    with pytest.raises(NotOpmlError):
        read(body)


def test_a_refusal_is_one_line_whatever_the_label():
    with pytest.raises(NotOpmlError, match=r"^the encoding a b is not supported$"):
        read(b'<?xml version="1.0" encoding="a\nb"?>\xff<opml/>')


def test_a_list_that_breaks_off_says_that_rows_may_be_missing():
    body = opml('<outline text="A" xmlUrl="https://a.example/"/>', '<outline text="B" xmlUrl="https://b.example/"/>')
    found, bad = read(body[:-40])
    assert [feed.title for feed in found] == ["A"]
    assert bad[-1][1] == "the list ends before </opml>: rows may be missing"


def test_entities_and_external_files_are_left_alone():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    prolog = f'<!DOCTYPE opml [{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    found, _ = read(opml('<outline text="&l11;&f;" xmlUrl="https://a.example/"/>', prolog=prolog))
    assert found == [OpmlFeed("https://a.example/", "&l11;&f;")]


def test_what_is_written_is_opml_2_with_folders():
    body = write([OpmlFeed("https://a.example/?x=1&y=2", "A <b>", "https://a.example/", ("World", "sea")), OpmlFeed("https://b.example/")],
                 "My feeds")
    root = etree.fromstring(body)
    assert (root.tag, root.get("version"), root.findtext("head/title")) == ("opml", "2.0", "My feeds")
    folder, single = root.findall("body/outline")
    assert folder.get("text") == "World"
    assert dict(folder[0].attrib) == {"type": "rss", "text": "A <b>", "title": "A <b>", "xmlUrl": "https://a.example/?x=1&y=2",
                                      "htmlUrl": "https://a.example/", "category": "World,sea"}
    assert single.get("text") == "https://b.example/"
    assert all(outline.get("text") for outline in root.iter("outline"))


NAMES = st.text(max_size=12).map(lambda text: " ".join(text.split()))
LISTS = st.lists(st.builds(
    OpmlFeed, url=st.integers(0, 10**6).map(lambda n: f"https://a.example/{n}?a=1&b=2"), title=NAMES,
    site=st.sampled_from([None, "https://a.example/"]), tags=st.lists(NAMES, max_size=4).map(tuple),
), max_size=8, unique_by=lambda feed: feed.url)


@given(LISTS, NAMES)
def test_what_was_written_is_read_again(listed, title):
    written = write(listed, title)
    found, bad = read(written)
    assert bad == []
    by_url = {feed.url: feed for feed in found}
    assert len(by_url) == len(listed)
    assert write(found, title) == write(read(write(found, title))[0], title)
    for feed in listed:
        again = by_url[feed.url]
        assert again.site == feed.site
        assert again.title == (clean_line(feed.title) or feed.url)
        assert sorted(again.tags) == sorted({clean_line(tag) for tag in feed.tags} - {""})


def clean_line(text):
    from crawler.core.markup import line
    return line(text)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(body):
    for whole in (body, b"<opml><body>" + body + b"</body></opml>"):
        try:
            read(whole)
        except NotOpmlError:
            continue
