"""Foreign bytes and markup: decoded, settled, plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core.markup import UndecodableError, decode, line, plain, settle_references, tidy


@pytest.mark.parametrize(("body", "text"), [
    (b"plain", "plain"), (b"\xef\xbb\xbfmarked", "marked"), ("Größe".encode(), "Größe"), (b"a\x00b\x1b[1mc\x7f", "ab[1mc"),
    ("\ufeff\ufeffx".encode(), "x"), ("a\u202eb\u2066c\ufffe".encode(), "abc"), (b"it\x92s", "it’s"), ("it\x92s".encode(), "it’s"),
    ("<p>Größe</p>".encode("utf-16-le"), "<p>Größe</p>"), ('{"a": "ö"}'.encode("utf-16-be"), '{"a": "ö"}'),
    (b'<html><meta charset="windows-1251">\xcf\xee\xf0\xf2', '<html><meta charset="windows-1251">Порт'),
    ("«INFORMÓ»".encode(), "«INFORMÓ»"), ("GrÃ¶Ã\x9fe".encode(), "Größe"),
])
def test_bytes_become_clean_text(body, text):
    assert decode(body) == text


def test_a_meta_tag_counts_in_html_only():
    assert decode(b'<rss><description><meta charset="utf-7">x</description>') == '<rss><description><meta charset="utf-7">x</description>'
    with pytest.raises(UndecodableError, match="utf-7"):
        decode(b'<html><meta charset="utf-7">')


@pytest.mark.parametrize(("written", "settled"), [
    ("a & b &c &; &&", "a &amp; b &amp;c &amp;; &amp;&amp;"), ("&amp;&lt;&gt;&quot;&apos;", "&amp;&lt;&gt;&quot;&apos;"),
    ("&eacute;&hellip;", "&#233;&#8230;"), ("&nosuch;", "&amp;nosuch;"), ("&#65;&#x42;", "&#65;&#66;"),
    ("&#0;&#8;&#xD800;&#xFFFE;&#x110000;", ""), ("&#128;&#x99;", "&#8364;&#8482;"), ("&#999999999;", "&amp;#999999999;"),
])
def test_references_are_legal_without_a_dtd(written, settled):
    assert settle_references(written) == settled


@given(st.text())
def test_settling_twice_changes_nothing(text):
    settled = settle_references(text)
    assert settle_references(settled) == settled


@pytest.mark.parametrize(("markup", "text"), [
    ("", ""), ("no markup &amp; so", "no markup & so"), ("<p>one</p><p>two</p>", "one two"), ("a<b>b</b>c", "abc"), ("a<br>b", "a b"),
    ("<script>x</script>y<style>z</style>", "y"), ("&lt;b&gt; <i>x</i>", "<b> x"), ("<!-- c -->d", "d"), ("<p", ""), ("5 < 6 > 4", "5 < 6 > 4"),
    ('<?xml version="1.0" encoding="utf-16"?><p>x</p>', "x"), ("<p>\ud800x</p>", "x"), ("<td>a</td><td>b</td>", "a b"),
    ("x<noscript>enable</noscript> y", "x y"), ("<p>a&#x202E;b</p>", "ab"), ("<!DOCTYPE x [<!ENTITY e 'v'>]><p>&e;</p>", "]> &e;"),
])
def test_html_becomes_one_line_of_text(markup, text):
    assert plain(markup) == text


@given(st.text(alphabet=st.sampled_from("<>/=\"'&;#!-[]? abpdivscript0\ud800\0\u202e\n"), max_size=80))
def test_plain_text_never_fails_and_is_one_clean_line(markup):
    text = plain(markup)
    assert text == line(text)
    text.encode()


@given(st.text())
def test_tidying_is_what_the_text_module_does(text):
    from crawler.core.text import clean
    assert tidy(text) == clean(text).translate({0xFEFF: None, 0xFFFE: None, 0xFFFF: None})
