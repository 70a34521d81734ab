"""Pages made to break a reader. The bounds are on what is read and kept; time is the worker's to limit, so sizes here
are those at which the unbounded form took 15 s and more, cut to what runs in moments when the bound holds."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.core.extract import MAX_TEXT, read_content, read_page
from crawler.core.extract import page as pages

URL = "https://news.example/story/bridge"
PROSE = "<p>" + "The town council voted on Tuesday evening to keep the old iron bridge open to walkers and cyclists. " * 6 + "</p>"


def page(body, head=""):
    return f"<html><head><title>Bridge</title>{head}</head><body>{body}</body></html>".encode()


@pytest.mark.parametrize("depth", [253, 300, 3_000, 60_000])
@pytest.mark.parametrize("tag", ["div", "span"])
def test_text_survives_any_nesting(depth, tag):
    found = read_page(page(f"<{tag}>" * depth + PROSE + f"</{tag}>" * depth + PROSE.replace("iron", "steel")), URL)
    assert "old iron bridge" in found.text
    assert "old steel bridge" in found.text
    assert found.notes


@pytest.mark.parametrize("filler", ['<a href="/x">link</a>', "<p>short</p>", "<br>word ", "<td>cell"])
def test_elements_are_cut_and_noted(filler):
    document = pages.read(page(PROSE + filler * 60_000), None)
    assert sum(1 for _ in document.tree.iter()) <= pages.MAX_ELEMENTS + 1
    assert any("elements" in note for note in document.notes)


def test_bytes_are_cut_and_noted_and_json_ld_before_the_cut_is_read():
    script = '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2024-05-03T10:00:00Z"}</script>'
    found = read_page(page(PROSE + "a" * 9_000_000, script), URL)
    assert found.notes == (f"cut at {pages.MAX_BYTES} bytes",)
    assert len(found.text) <= MAX_TEXT
    assert [claim.raw for claim in found.claims] == ["2024-05-03T10:00:00Z"]


def test_json_ld_behind_the_last_element_kept_is_read():
    script = '<script type="application/ld+json">{"@type":"NewsArticle"}</script>'
    document = pages.read(page(PROSE + "<b></b>" * 31_000 + script), None)
    assert document.scripts == ('{"@type":"NewsArticle"}',)


@pytest.mark.parametrize("head", [
    '<script type="application/ld+json">{"@type":"NewsArticle",' + '"author": ' * 20_000 + "</script>",
    '<script type="application/ld+json">{"@type":"NewsArticle","author":[' + '{"name":"a"},' * 30_000 + "</script>",
    '<script type="application/ld+json">' + "[" * 200_000 + "</script>",
    '<script type="application/ld+json">' + " " * 500_000 + "x</script>",
    '<script type="application/ld+json">{"@type":"' + "A/" * 100_000 + '"}</script>',
    '<script type="application/ld+json">[' + "{}," * 100_000 + "{}]</script>",
    "<meta " * 20_000, "<!--" * 50_000, '<link rel="canonical" href="' + "h" * 500_000 + '">',
    '<meta name="date" content="' + "2" * 500_000 + '">', '<base href="http://[">'])
def test_heads_that_are_quadratic_elsewhere(head):
    read_page(page(PROSE, head), URL)


@pytest.mark.parametrize("body", [
    f'<div class="{"a " * 1_000_000}">{PROSE}</div>', f'<div id="{"related " * 100_000}">{PROSE}</div>',
    "<p>Source: </p>" * 1_500 + PROSE, '<p>Source: <a href="https://b.example/">B</a></p>' * 1_000 + PROSE,
    '<time datetime="2024-05-03T10:00:00Z">x</time>' * 1_500 + PROSE, '<a href="/x">' * 1_500 + PROSE, PROSE + "<h1>x</h1>" * 1_500])
def test_bodies_that_are_quadratic_elsewhere(body):
    found = read_page(page(body), URL)
    assert "old iron bridge" in found.text
    assert len(found.attributions) <= 40
    assert len(found.claims) <= 24


@pytest.mark.parametrize("noise", ["\x00", "&#0;", "&#1;", "&#x1f;", "&#xD800;", "&#xFFFE;", "\u202e", "\x1b", "\x85"])
def test_what_no_text_may_hold(noise):
    found = read_page(page(PROSE.replace("old iron", f"old{noise} iron") + f"<h1>Brid{noise}ge</h1>"), URL)
    assert "old iron bridge" in found.text
    everything = found.text + found.title
    assert not any((ord(char) < 32 and char != "\n") or 0x7f <= ord(char) <= 0x9f or 0xd800 <= ord(char) <= 0xdfff or char == "\u202e"
                   for char in everything)


@settings(max_examples=25)
@given(st.binary(max_size=400))
def test_any_bytes_are_read(body):
    found = read_page(body, URL, "text/html")
    assert found.walls


@settings(max_examples=25)
@given(st.text(max_size=300), st.text(max_size=50))
def test_any_content_is_read(html, title):
    found = read_content(html, URL, title)
    assert found.walls
    assert "\n\n" not in found.text


@settings(max_examples=25)
@given(st.recursive(st.none() | st.booleans() | st.text(max_size=12) | st.integers(),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([
                        "@type", "@graph", "author", "publisher", "isBasedOn", "provider", "creditText", "datePublished", "url",
                        "mainEntityOfPage", "name", "articleBody", "hasPart", "isAccessibleForFree", "headline"]), inner, max_size=5)))
def test_any_json_ld_is_read(value):
    node = {"@type": "NewsArticle", "value": value, **(value if isinstance(value, dict) else {})}
    script = f'<script type="application/ld+json">{json.dumps(node)}</script>'
    assert not any(note.startswith("unreadable") for note in read_page(page(PROSE, script), URL).notes)


@pytest.mark.parametrize("url", ["", "not a url", "http://[", "javascript:x", "https://news.example/" + "a" * 9_000, "http://127.0.0.1:8000/a"])
def test_any_url_is_taken(url):
    assert "old iron bridge" in read_page(page(PROSE + '<p>Source: <a href="x">y</a></p>'), url).text
