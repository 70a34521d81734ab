"""URLs: one key for every form of a page, one clean address to request, and no exception for any text."""

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.core import urls
from crawler.core.urls import (
    MAX_LENGTH,
    article_id,
    canonical,
    display,
    fetchable,
    host,
    origin,
    redact,
    registrable,
    same_site,
    source_of,
    transport,
    unwrapped,
)
from crawler.core.urls.hosts import _Bundled

STORY = "https://daily.com/world/story?id=7"

SAME_PAGE = [
    "https://daily.com/world/story?id=7",
    "http://daily.com/world/story?id=7",
    "http://www.daily.com/world/story?id=7",
    "HTTPS://WWW.DAILY.COM:443/world/story?id=7",
    "http://daily.com:80/world/story/?id=7",
    "https://m.daily.com/world/story?id=7",
    "https://mobile.daily.com/world/story?id=7",
    "https://amp.daily.com/world/story?id=7",
    "https://www.daily.com./world/story?id=7",
    "https://daily.com/world/./x/../story?id=7",
    "https://daily.com//world//story?id=7",
    "https://daily.com/%77orld/story?id=7",
    "https://daily.com/world/story?id=7#comments",
    "  https://daily.com/world/story?id=7\n",
    "https://user:pass@daily.com/world/story?id=7",
    "https://daily.com/world/story/amp?id=7",
    "https://daily.com/world/story/amp/?id=7",
    "https://daily.com/amp/world/story?id=7",
    "https://daily.com/world/story.amp?id=7",
    "https://daily.com/world/story?amp=1&id=7",
    "https://daily.com/world/story?amp&id=7",
    "https://daily.com/world/story?id=7&outputType=amp",
    "https://daily.com/world/story;jsessionid=0A1B?id=7",
    "https://daily.com/world/story?id=7&utm_source=rss&utm_medium=feed",
    "https://daily.com/world/story?fbclid=x&gclid=y&dclid=z&msclkid=q&id=7",
    "https://daily.com/world/story?mc_cid=a&mc_eid=b&id=7&at_medium=RSS&at_campaign=KARANGA",
    "https://daily.com/world/story?CMP=rss&ito=1490&ref=home&id=7&ns_mchannel=rss",
    "https://daily.com/world/story?ocid=a&smid=b&xtor=RSS-1&wt_mc=c&_hsenc=d&igshid=e&yclid=f&spm=g&id=7",
    "https://daily.com/world/story?PHPSESSID=abcdef&id=7",
    "https://daily.com/world/story?source=rss&id=7",
    "https://daily.com/world/story?id=7&amp;utm_source=rss",
    "https://daily.com/world/story?&&id=7&",
    "https://www.google.com/amp/s/www.daily.com/world/story/amp?id=7",
    "https://www-daily-com.cdn.ampproject.org/c/s/www.daily.com/world/story?id=7",
    "https://www-daily-com.cdn.ampproject.org/v/s/amp.daily.com/world/story?id=7&amp_js_v=0.1&usqp=mq331",
    "https://www.google.com/url?rct=j&sa=t&url=https://daily.com/world/story%3Fid%3D7&ct=ga&cd=CAE",
    "https://l.facebook.com/l.php?u=https%3A%2F%2Fdaily.com%2Fworld%2Fstory%3Fid%3D7%26fbclid%3DIw&h=AT0",
    "https://www.google.co.uk/url?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttp%253A%252F%252Fdaily.com%252Fworld%252Fstory%253Fid%253D7",
]


@pytest.mark.parametrize("form", SAME_PAGE)
def test_every_form_of_a_page_has_one_key(form):
    assert canonical(form) == STORY


@pytest.mark.parametrize(("tracked", "key"), [
    ("https://name.substack.com/p/x?r=1&s=w", "https://name.substack.com/p/x"),
    ("https://daily.com/p/x?r=1&s=w", "https://daily.com/p/x?r=1&s=w"),
    ("https://www.nytimes.com/x.html?partner=rss&emc=rss&smid=tw", "https://nytimes.com/x.html"),
    ("https://edition.cnn.com/x?cid=ios_app", "https://edition.cnn.com/x"),
    ("https://daily.com/x?cid=12", "https://daily.com/x?cid=12"),
])
def test_some_parameters_track_on_named_hosts_only(tracked, key):
    assert canonical(tracked) == key


@pytest.mark.parametrize(("one", "other"), [
    ("https://daily.com/story?id=7", "https://daily.com/story?id=8"),
    ("https://daily.com/story?p=1&p=2", "https://daily.com/story?p=2&p=1"),   # equal names keep their order
    ("https://daily.com/Story", "https://daily.com/story"),                   # paths have case
    ("https://daily.com/a%2Fb", "https://daily.com/a/b"),                     # an escaped slash is no separator
    ("https://daily.com/#!/one", "https://daily.com/#!/two"),
    ("https://sport.daily.com/x", "https://daily.com/x"),
    ("https://daily.com/tag/amp", "https://daily.com/tag"),
    ("https://daily.com/?source=bbc", "https://daily.com/?source=cnn"),       # a source may select content
    ("http://127.0.0.1:8001/a", "http://127.0.0.1:8002/a"),
    ("http://daily.com:8080/a", "http://daily.com/a"),
    ("https://one.substack.com/p/x", "https://two.substack.com/p/x"),
])
def test_different_pages_keep_different_keys(one, other):
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(("url", "key"), [
    ("http://127.0.0.1:8001/a/", "http://127.0.0.1:8001/a"),
    ("http://localhost/", "http://localhost/"),
    ("https://daily.com", "https://daily.com/"),
    ("https://amp.dev/x", "https://amp.dev/x"),                    # amp.dev is the registered name itself
    ("https://www.co.uk/x", "https://www.co.uk/x"),                # and so is this one
    ("http://bücher.example/ä b?q=a%20b", "https://xn--bcher-kva.example/%C3%A4%20b?q=a+b"),
    ("http://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("http://[::1]:8001/x", "http://[::1]:8001/x"),
    ("http://0x7f.1/x", "http://127.0.0.1/x"),
    ("http://2130706433/x", "http://127.0.0.1/x"),
    ("http://0177.0.0.01/x", "http://127.0.0.1/x"),
    ("https://daily.com/?b=2&a=1&b=1", "https://daily.com/?a=1&b=2&b=1"),
    ("https://daily.com/story.amp.html", "https://daily.com/story.html"),
    ("https://daily.com/story_amp.html", "https://daily.com/story.html"),
    ("https://daily.com/story/index.amp", "https://daily.com/story"),
    ("https://daily.com/#!/page/3", "https://daily.com/#!/page/3"),
    ("https://web.archive.example/web/2020/http://daily.com/x", "https://web.archive.example/web/2020/http://daily.com/x"),
])
def test_canonical_form(url, key):
    assert canonical(url) == key


@pytest.mark.parametrize(("url", "base", "absolute"), [
    ("story.html", "https://daily.com/news/feed.xml", "https://daily.com/news/story.html"),
    ("/story.html", "https://daily.com/news/feed.xml", "https://daily.com/story.html"),
    ("//cdn.daily.com/x", "https://daily.com/", "https://cdn.daily.com/x"),
    ("?p=1", "https://daily.com/news/", "https://daily.com/news/?p=1"),
    ("../x", "https://user:pass@daily.com/a/b/c", "https://daily.com/a/x"),    # credentials are not passed on
    ("http://www.Daily.com:80/x/?b=1&a=2&utm_source=q#f", None, "http://www.daily.com/x/?b=1&a=2&utm_source=q"),
    ("https://user:pass@daily.com/x", None, "https://user:pass@daily.com/x"),
    ("\u00a0 https://daily.com/x \r\n", None, "https://daily.com/x"),
    ("http://münchen.example/straße", None, "http://xn--mnchen-3ya.example/stra%C3%9Fe"),
    ("http://127.1:8001/x", None, "http://127.0.0.1:8001/x"),
])
def test_fetchable(url, base, absolute):
    assert fetchable(url, base) == absolute


REFUSED = [
    "", " ", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "mailto:a@b.example", "ftp://daily.com/", "file:///etc/passwd",
    "story.html", "//daily.com/x", "http://", "http:///x", "https://?x", "http://[::1", "http://[fe80::1%25eth0]/", "http://[::1]x@/", "http://daily.com:99999/",
    "http://daily.com:0/", "http://daily.com:x/", "http://a..b/", "http://-a.example/", "http://a b.example/", "http://1.2.3.4.5/",
    "http://999.1.1.1/", "http://0xzz.1/", "http://good.com\\@evil.com/", "http://daily.com/\x00", "http://daily.com/a\nb", "http://da\tily.com/",
    "http://daily.com/\ud800", "http://daily.com/\x85", "http://" + "a" * 64 + ".com/", "http://" + "a." * 130 + "com/", "http://daily.com/" + "x" * 2048,
    "view-source:http://daily.com/", "http:daily.com", "ws://daily.com/", "unix:/run/x",
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_page_is_refused(url):
    assert canonical(url) is None
    assert fetchable(url) is None
    assert host(url) == origin(url) == registrable(url) == source_of(url) == ""
    assert not transport(url)
    assert unwrapped(url) is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "mailto:a@b.example", "http://\x00/", "tel:1"])
def test_a_base_makes_no_page_of_other_schemes(url):
    assert canonical(url, "https://daily.com/") is None


@pytest.mark.parametrize("base", ["", "ftp://daily.com/", "javascript:x", "http://[", "/x", "http://da\x00ily.com/"])
def test_a_relative_link_needs_a_sound_base(base):
    assert canonical("story.html", base) is None


def test_the_length_is_that_of_the_absolute_form():
    assert canonical("http://daily.com/" + "ü" * 500) is None   # 3,000 characters once encoded
    assert fetchable("http://daily.com/" + "ü" * 500) is None
    base = "https://daily.com/"
    assert fetchable("x" * (MAX_LENGTH - len(base)), base) is not None
    assert fetchable("x" * (MAX_LENGTH - len(base) + 1), base) is None


@pytest.mark.parametrize(("url", "expected"), [
    ("https://News.BBC.co.uk/x", ("news.bbc.co.uk", "https://news.bbc.co.uk", "bbc.co.uk", "bbc.co.uk")),
    ("http://www.daily.com:8080/x", ("www.daily.com:8080", "http://www.daily.com:8080", "daily.com", "daily.com")),
    ("http://127.0.0.1:8001/x", ("127.0.0.1:8001", "http://127.0.0.1:8001", "127.0.0.1:8001", "127.0.0.1:8001")),
    ("http://localhost:80/x", ("localhost", "http://localhost", "localhost", "localhost")),
    ("http://[::1]:8001/x", ("[::1]:8001", "http://[::1]:8001", "[::1]:8001", "[::1]:8001")),
    ("https://name.blogspot.com/x", ("name.blogspot.com", "https://name.blogspot.com", "name.blogspot.com", "name.blogspot.com")),
    ("https://name.substack.com/x", ("name.substack.com", "https://name.substack.com", "name.substack.com", "name.substack.com")),
    ("https://a.name.wordpress.com/x", ("a.name.wordpress.com", "https://a.name.wordpress.com", "name.wordpress.com", "name.wordpress.com")),
    ("https://wordpress.com/x", ("wordpress.com", "https://wordpress.com", "wordpress.com", "wordpress.com")),
    ("https://wire.news.example/x", ("wire.news.example", "https://wire.news.example", "news.example", "news.example")),
    ("https://a.б.公司.cn/", ("a.xn--90a.xn--55qx5d.cn", "https://a.xn--90a.xn--55qx5d.cn", "xn--90a.xn--55qx5d.cn", "xn--90a.xn--55qx5d.cn")),
    ("https://www.co.uk/", ("www.co.uk", "https://www.co.uk", "www.co.uk", "co.uk")),
])
def test_whose_site(url, expected):
    assert (host(url), origin(url), registrable(url), source_of(url)) == expected


def test_same_site():
    assert same_site("https://news.bbc.co.uk/a", "http://bbc.co.uk/b")
    assert not same_site("https://bbc.co.uk/a", "https://itv.co.uk/a")
    assert not same_site("http://127.0.0.1:8001/", "http://127.0.0.1:8002/")
    assert not same_site("nonsense", "nonsense")


@pytest.mark.parametrize("url", [
    "https://feeds.feedburner.com/Daily", "http://feedproxy.google.com/~r/Daily/~3/x", "https://news.google.com/rss/articles/CBMi",
    "https://feeds.feedblitz.com/x", "https://www.google.com/url?url=https://daily.com", "https://www.google.com/alerts/feeds/1/2",
    "https://t.co/x", "https://www-daily-com.translate.goog/x", "https://daily-com.cdn.ampproject.org/c/s/daily.com/x",
])
def test_transports_are_no_source(url):
    assert transport(url)


@pytest.mark.parametrize("url", ["https://daily.com/feed", "https://blog.google.com/x", "https://notfeedburner.com/x", "https://feedburner.com.daily.com/"])
def test_a_publisher_is_no_transport(url):
    assert not transport(url)


def test_article_ids_never_change():
    # Written down once: a stored row is found by these for ever.
    assert article_id("https://daily.com/") == "alkr54cs5kf7be"
    assert article_id(STORY) == "a6hebqwfk2stao"
    assert re.fullmatch(r"a[a-z2-7]{13}", article_id(STORY))


@pytest.mark.parametrize(("url", "shown"), [
    ("http://user:secret@daily.com/x", "http://daily.com/x"),
    ("http://user:p@ss@daily.com/x", "http://daily.com/x"),
    ("//user:secret@daily.com/x", "//daily.com/x"),
    ("https://daily.com/feed?token=abc&page=2", "https://daily.com/feed?token=***&page=2"),
    ("https://daily.com/feed?a=1&API_KEY=abc&X-Amz-Signature=9", "https://daily.com/feed?a=1&API_KEY=***&X-Amz-Signature=***"),
    ("https://daily.com/feed?key=abc&monkey=x", "https://daily.com/feed?key=***&monkey=x"),
    ("https://daily.com/cb#access_token=abc", "https://daily.com/cb#access_token=***"),
    ("https://daily.com/mail@home", "https://daily.com/mail@home"),
    ("no url at all", "no url at all"),
])
def test_redact(url, shown):
    assert redact(url) == shown


@pytest.mark.parametrize(("name", "shown"), [
    ("daily.com", "daily.com"),
    ("xn--bcher-kva.example", "bücher.example"),
    ("xn--e1afmkfd.xn--p1ai", "пример.рф"),
    ("xn--wgv71a119e.jp", "日本語.jp"),
    ("xn--mgbh0fb.example", "مثال.example"),
    ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),        # "apple" in Cyrillic letters alone
    ("xn--pple-43d.com", "xn--pple-43d.com"),            # "apple" with one Cyrillic letter
    ("xn--.com", "xn--.com"),
    ("xn--a.com", "xn--a.com"),
    ("127.0.0.1:8001", "127.0.0.1:8001"),
])
def test_display(name, shown):
    assert display(name) == shown


def test_unwrapped_gives_the_address_as_it_stands():
    assert unwrapped("https://www.google.com/url?url=http://www.daily.com/x%3Futm_source%3Dq&ct=ga") == "http://www.daily.com/x?utm_source=q"
    assert unwrapped("https://www.google.com/url?url=javascript:alert(1)") is None
    assert unwrapped("https://www.google.com/search?q=https://daily.com/") is None


def test_wrappers_in_wrappers_end():
    url = "https://daily.com/x"
    for _ in range(9):
        url = f"https://www.google.com/url?q={quote(url, safe='')}"
    assert canonical(url) is None


def test_the_list_of_suffixes_is_never_fetched():
    assert _Bundled.update_tld_names() is False


# --- any text ---------------------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "http://", "https://", "www.", "m.", "amp.", "daily.com", "co.uk", "127.0.0.1", ":8001", ":80", "/", "//", "/amp", "/amp/", ".amp", ".amp.html", "..", ".",
    "?", "&", "=", ";", "#", "#!", "%", "%2F", "%2f", "%41", "%zz", "%25", "+", " ", "@", "user:pass@", "\\", "utm_source=x", "ref=1", "amp;", "amp=1", "a=1", "b=2",
    "ü", "ß", "日", "[::1]", ";jsessionid=1", "google.com/url?q=", "google.com/amp/s/", "x", "http%3A%2F%2F", "~", "'", "(", "|", "0x7f", "1", "xn--", "\u200b", "。",
])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join), st.lists(PIECES, max_size=12).map(lambda p: "https://daily.com/" + "".join(p)))


@given(TEXTS, st.one_of(st.none(), TEXTS))
@example("http://[", None)
@example("http://\ud800.com/", "http://\ud800.com/")
@example("https://daily.com/?%26=1&a", None)
def test_canonical_is_idempotent_and_never_raises(text, base):
    key = canonical(text, base)
    if key is None:
        return
    assert canonical(key) == key
    assert key.startswith(("http://", "https://"))
    assert len(key) <= MAX_LENGTH
    assert key.isascii()
    assert "@" not in key.split("/")[2]
    assert fetchable(key) is not None, "a key must stay an address"
    assert host(key)
    assert registrable(key)


@given(TEXTS, st.one_of(st.none(), TEXTS))
def test_fetchable_is_idempotent_and_never_raises(text, base):
    address = fetchable(text, base)
    if address is not None:
        assert fetchable(address) == address
        assert canonical(address) == canonical(text, base) or "#!" in text + (base or "") or canonical(text, base) is None


@given(TEXTS)
def test_nothing_else_raises(text):
    for function in (host, origin, registrable, source_of, transport, redact, display, unwrapped, article_id):
        function(text)
    assert same_site(text, text) == (registrable(text) != "")


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_credentials_are_never_shown(user, secret):
    # A slash, a question mark or a hash would end the authority: what follows is no password any more.
    if not set(user + secret) & set("/?#"):
        assert "S3CR3T" not in redact(f"https://{user}:S3CR3T{secret}@daily.com/x")


@pytest.mark.parametrize(
    ("given_url", "shown"),
    [
        ("http://www.paper.example/a/?utm_source=x&b=2&a=1#top", "http://www.paper.example/a/?b=2&a=1"),
        ("http://127.0.0.1:8001/story.html", "http://127.0.0.1:8001/story.html"),
        ("https://me:secret@paper.example/x", "https://paper.example/x"),
        ("javascript:alert(1)", None),
    ],
)
def test_the_address_that_readers_see(given_url: str, shown: str | None) -> None:
    assert urls.address(given_url) == shown
