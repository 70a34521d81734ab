"""robots.txt: the sections of RFC 9309 as a table, what google/robotstxt adds, and any bytes."""

import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crawler.core.robots import MAX_BYTES, Permission, permission, rules

SITE = "https://daily.com"

# text, agent, path, allowed
CASES = [
    # 2.1 a line is "field: value"; names in any case; a missing colon is understood, an unknown field is not
    ("user-agent: fooBot\ndisallow: /\n", "FooBot", "/x", False),
    ("USER-AGENT: foobot\nDISALLOW: /\nALLOW: /x/", "FooBot", "/x/y", True),
    ("user-agent FooBot\ndisallow /\n", "FooBot", "/x", False),
    ("foo: FooBot\nbar: /\n", "FooBot", "/x", True),
    ("user-agent: FooBot\ndisallow any of my pages\n", "FooBot", "/x", True),
    ("user-agent: FooBot\ndissallow: /\n", "FooBot", "/x", False),
    ("user-agent : FooBot\ndisallow\t:\t/\n", "FooBot", "/x", False),
    # 2.2.1 groups: several agents, the same agent twice, rules before any group, "*" only where nobody is named
    ("user-agent: FooBot\nuser-agent: BarBot\ndisallow: /x", "BarBot", "/x", False),
    ("user-agent: FooBot\n\nuser-agent: BarBot\n\ndisallow: /x", "FooBot", "/x", False),
    ("user-agent: FooBot\ndisallow: /a\nuser-agent: BarBot\ndisallow: /b\nuser-agent: foobot\ndisallow: /c", "FooBot", "/a", False),
    ("user-agent: FooBot\ndisallow: /a\nuser-agent: BarBot\ndisallow: /b\nuser-agent: foobot\ndisallow: /c", "FooBot", "/b", True),
    ("user-agent: FooBot\ndisallow: /a\nuser-agent: BarBot\ndisallow: /b\nuser-agent: foobot\ndisallow: /c", "FooBot", "/c", False),
    ("disallow: /x\nuser-agent: FooBot\ndisallow: /y", "FooBot", "/x", True),
    ("user-agent: *\ndisallow: /x\nuser-agent: FooBot\ndisallow: /y", "FooBot", "/x", True),
    ("user-agent: *\ndisallow: /x\nuser-agent: FooBot\ndisallow: /y", "BazBot", "/x", False),
    ("user-agent: * and all others\ndisallow: /x", "BazBot", "/x", False),
    ("user-agent: FooBot\ndisallow: /", "BazBot", "/x", True),
    ("user-agent: *\nuser-agent: FooBot\ndisallow: /", "BazBot", "/x", False),
    ("user-agent: FooBot\nuser-agent: *\nallow: /", "FooBot", "/x", True),
    ("user-agent: *\ndisallow: /\nuser-agent: FooBot\n", "FooBot", "/x", True),              # a group without rules allows
    # 2.2.1 the agent is the product token, compared whole and in any case
    ("user-agent: FooBot/2.1\ndisallow: /", "foobot", "/x", False),
    ("user-agent: FooBot\ndisallow: /", "FooBot/1.0 (+https://foo.example)", "/x", False),
    ("user-agent: Foo\ndisallow: /", "FooBot", "/x", True),
    ("user-agent: FooBot-News\ndisallow: /", "FooBot", "/x", True),
    ("user-agent: FooBot\ndisallow: /", "FooBot-News", "/x", True),
    ("user-agent: Foo Bar\ndisallow: /", "Foo", "/x", False),
    ("user-agent: FooBot*\ndisallow: /", "FooBot", "/x", False),
    ("user-agent: \ndisallow: /", "FooBot", "/x", True),
    ("user-agent: FooBot\ndisallow: /", "", "/x", True),
    ("user-agent: FooBot\ndisallow: /", "2.0", "/x", True),
    # 2.2.2 the longest pattern wins, allow where they are equal, nothing allows; paths have case
    ("user-agent: FooBot\ndisallow: /x/page.html\nallow: /x/", "FooBot", "/x/page.html", False),
    ("user-agent: FooBot\nallow: /x/page.html\ndisallow: /x/", "FooBot", "/x/page.html", True),
    ("user-agent: FooBot\ndisallow: /x\nallow: /x/", "FooBot", "/x/", True),
    ("user-agent: FooBot\ndisallow: /x\nallow: /x/", "FooBot", "/x", False),
    ("user-agent: FooBot\ndisallow: /\nallow: /", "FooBot", "/x", True),
    ("user-agent: FooBot\ndisallow:\nallow:", "FooBot", "/x", True),
    ("user-agent: FooBot\nallow: /page\ndisallow: /*.html", "FooBot", "/page.html", False),
    ("user-agent: FooBot\nallow: /x/page.\ndisallow: /*.html", "FooBot", "/x/page.html", True),
    ("user-agent: FooBot\ndisallow: /X/", "FooBot", "/x/y", True),
    ("user-agent: FooBot\ndisallow: /x", "FooBot", "/xyz", False),
    ("user-agent: FooBot\ndisallow: x", "FooBot", "/x", True),
    ("user-agent: FooBot\ndisallow: /", "FooBot", "/robots.txt", True),
    ("user-agent: FooBot\ndisallow: /", "FooBot", "", False),
    ("user-agent: FooBot\nallow: /p\ndisallow: /", "FooBot", "/", False),
    ("user-agent: FooBot\nallow: /$\ndisallow: /", "FooBot", "/", True),
    ("user-agent: FooBot\nallow: /$\ndisallow: /", "FooBot", "/page", False),
    ("user-agent: FooBot\nallow: /folder/index.html\ndisallow: /", "FooBot", "/folder/", True),
    ("user-agent: FooBot\nallow: /folder/index.html\ndisallow: /", "FooBot", "/folder/index.htm", False),
    # 2.2.2 percent-encoding is compared in one form
    ("user-agent: FooBot\ndisallow: /\nallow: /foo/ツ", "FooBot", "/foo/%E3%83%84", True),
    ("user-agent: FooBot\ndisallow: /\nallow: /foo/%e3%83%84", "FooBot", "/foo/%E3%83%84", True),
    ("user-agent: FooBot\ndisallow: /foo/%62%61%7A", "FooBot", "/foo/baz", False),
    ("user-agent: FooBot\ndisallow: /foo/baz", "FooBot", "/foo/%62%61%7A", False),
    ("user-agent: FooBot\ndisallow: /foo~bar", "FooBot", "/foo%7Ebar", False),
    ("user-agent: FooBot\ndisallow: /a b", "FooBot", "/a%20b", False),
    ("user-agent: FooBot\ndisallow: /?q=", "FooBot", "?q=1", False),
    ("user-agent: FooBot\ndisallow: /a%2Fb", "FooBot", "/a/b", True),
    ("user-agent: FooBot\ndisallow: /\nallow: /s?q=a&u=http://daily.com?z", "FooBot", "/s?q=a&u=http://daily.com?z", True),
    # 2.2.3 special characters
    ("user-agent: FooBot\ndisallow: /foo/*/qux", "FooBot", "/foo/bar/qux", False),
    ("user-agent: FooBot\ndisallow: /foo/*/qux", "FooBot", "/foo/qux", True),
    ("user-agent: FooBot\ndisallow: /foo/bar$", "FooBot", "/foo/bar", False),
    ("user-agent: FooBot\ndisallow: /foo/bar$", "FooBot", "/foo/bar/", True),
    ("user-agent: FooBot\n# disallow: /\ndisallow: /quz#qux", "FooBot", "/quz", False),
    ("user-agent: FooBot\n# disallow: /\ndisallow: /quz#qux", "FooBot", "/x", True),
    ("user-agent: FooBot # ours\ndisallow: /", "FooBot", "/x", False),
    ("user-agent: FooBot\ndisallow: /*.php$", "FooBot", "/a.php", False),
    ("user-agent: FooBot\ndisallow: /*.php$", "FooBot", "/a.php?x", True),
    ("user-agent: FooBot\ndisallow: /fish*", "FooBot", "/fishheads", False),
    # 2.2.4 other records must not interfere: neither end a group nor stand for a rule
    ("user-agent: FooBot\nsitemap: https://daily.com/s.xml\ndisallow: /x", "FooBot", "/x", False),
    ("user-agent: BarBot\nsitemap: https://daily.com/s.xml\nuser-agent: FooBot\ndisallow: /x", "BarBot", "/x", False),
    ("user-agent: BarBot\nunknown: y\nuser-agent: FooBot\ndisallow: /x", "BarBot", "/x", False),
    ("user-agent: BarBot\ncrawl-delay: 5\nuser-agent: FooBot\ndisallow: /x", "BarBot", "/x", False),
    # 2.2 ends of lines
    ("user-agent: FooBot\rdisallow: /\r", "FooBot", "/x", False),
    ("user-agent: FooBot\r\ndisallow: /\r\n", "FooBot", "/x", False),
    ("user-agent: FooBot\u2028disallow: /", "FooBot", "/x", True),   # no end of line
    ("user-agent: FooBot\ndisallow: /a\u0085allow: /", "FooBot", "/a", True),
    ("user-agent: FooBot\ndisallow: /a\x0ballow: /b", "FooBot", "/b", True),
    ("<!doctype html><title>Not found</title>", "FooBot", "/x", True),
    ("", "FooBot", "/x", True),
]


@pytest.mark.parametrize(("text", "agent", "path", "allowed"), CASES)
def test_rfc_9309(text, agent, path, allowed):
    assert rules(text.encode(), 200).allowed(SITE + path, agent) is allowed


GROUPS = """allow: /before/

user-agent: Harbour
disallow: /
allow: /pier/
user-agent: Quarry
disallow: /
allow: /lime/


allow: /slate/
user-agent: Orchard

user-agent: harbour
allow: /quay/
disallow: /
"""


@pytest.mark.parametrize(("agent", "path", "allowed"), [
    ("Harbour", "/pier/2", True), ("Harbour", "/quay/2", True), ("Harbour", "/lime/2", False), ("Quarry", "/lime/2", True),
    ("Quarry", "/slate/2", True), ("Quarry", "/quay/2", False), ("Orchard", "/quay/2", True), ("Orchard", "/pier/2", False),
    ("Harbour", "/before/", False), ("Quarry", "/before/", False), ("Orchard", "/before/", False), ("Lighthouse", "/pier/2", True),
])
def test_groups_of_one_agent_are_one_and_rules_outside_of_groups_none(agent, path, allowed):
    assert rules(GROUPS.encode(), 200).allowed(SITE + path, agent) is allowed


# pattern, paths that it allows where everything else is forbidden, paths that it does not
PATTERNS = [
    ("/boat", ["/boat", "/boat.html", "/boat/red.html", "/boats", "/boats/new.html", "/boat.html?id=7"],
     ["/quay", "/Boat.html", "/steamboat", "/?id=boat"]),
    ("/boat*", ["/boat", "/boat.html", "/boat/red.html", "/boats", "/boats/new.html", "/boat.html?id=7"],
     ["/quay", "/Boat.html", "/steamboat", "/?id=boat"]),
    ("/boat/", ["/boat/", "/boat/red", "/boat/?red", "/boat/red.html", "/boat/?id=7"],
     ["/boat", "/boat.html", "/quay", "/Boat/Red.html"]),
    ("/*.cgi", ["/ask.cgi", "/bin/ask.cgi", "/bin/ask.cgi?for=tea", "//bin/any.cgi.html", "/ask.cgi/", "/page?by=ask.cgi/"],
     ["/quay", "/cgi/", "/page?cgi", "/ask.CGI"]),
    ("/*.cgi$", ["/ask.cgi", "/bin/ask.cgi"],
     ["/quay", "/ask.cgi?for=tea", "/ask.cgi/", "/ask.cgi5", "/cgi/", "/page?cgi", "/aacgiaa", "//ask.CGI"]),
    ("/boat*.cgi", ["/boat.cgi", "/boats/crew.cgi?for=tea"], ["/Boat.CGI", "/boat", "/quay.cgi"]),
    ("/dock/*/rope", ["/dock/2/rope", "/dock//rope", "/dock/a/b/rope", "/dock/2/ropes"], ["/dock/rope", "/dock/2/chain"]),
    ("/dock$", ["/dock"], ["/dock/", "/docks", "/dock?x", "/dock/rope"]),
    ("/dock/index.html", ["/dock/", "/dock/index.html"], ["/dock/index.htm", "/dock", "/other"]),
    ("/$", ["/"], ["/dock", "/?"]),
    ("/dock#rope", ["/dock", "/docks"], ["/do"]),
    ("/a?b=c&d=https://quay.example?e&f", ["/a?b=c&d=https://quay.example?e&f"], ["/a?b=c", "/a"]),
    ("/süd", ["/s%C3%BCd", "/s%c3%bcd", "/süd"], ["/sud", "/s%FCd"]),
    ("/s%C3%BCd", ["/s%C3%BCd", "/s%c3%bcd", "/süd"], ["/sud"]),
    ("/%70ier", ["/pier", "/%70ier"], ["/%2570ier"]),
    ("/%2A", ["/%2A"], ["/pier"]),
]


@pytest.mark.parametrize(("pattern", "path", "allowed"), [
    (pattern, path, path in inside) for pattern, inside, outside in PATTERNS for path in (*inside, *outside)])
def test_a_pattern_allows(pattern, path, allowed):
    assert rules(f"user-agent: FooBot\ndisallow: /\nallow: {pattern}\n".encode(), 200).allowed(SITE + path, "FooBot") is allowed


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef", b"\xef\xbb\xbf\r\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(prefix):
    assert not rules(prefix + b"user-agent: FooBot\ndisallow: /", 200).allowed(SITE + "/x", "FooBot")


def test_a_broken_byte_order_mark_spoils_one_line():
    assert rules(b"\xef\x11user-agent: FooBot\ndisallow: /", 200).allowed(SITE + "/x", "FooBot")


@pytest.mark.parametrize("body", [
    "user-agent: FooBot\ndisallow: /".encode("utf-16"), "user-agent: FooBot\ndisallow: /".encode("utf-16-le"),
    b"user-\0agent: FooBot\ndisallow: /\0",
])
def test_nul_is_ignored(body):
    assert not rules(body, 200).allowed(SITE + "/x", "FooBot")


def test_paths_of_another_encoding_match_their_escapes():
    robots = rules("user-agent: *\ndisallow: /caf\xe9".encode("latin-1"), 200)
    assert not robots.allowed(SITE + "/caf%E9", "FooBot")
    assert robots.allowed(SITE + "/cafe", "FooBot")


@pytest.mark.parametrize(("status", "allowed"), [
    (200, False), (206, False), (301, True), (400, True), (401, True), (403, True), (404, True), (410, True), (429, True), (499, True),
    (500, False), (503, False), (599, False), (0, False), (-1, False), (700, False),
])
def test_status_decides_before_the_body(status, allowed):
    assert rules(b"user-agent: *\ndisallow: /", status).allowed(SITE + "/x", "FooBot") is allowed


@pytest.mark.parametrize(("value", "delay", "refuses"), [
    ("5", 5.0, None), ("0", 0.0, None), ("0.5", 0.5, None), ("300", 300.0, None), ("301", None, "Crawl-delay 301 s"), ("1e9", None, "Crawl-delay 1e+09 s"),
    ("inf", None, "Crawl-delay inf s"), ("nan", None, None), ("-5", None, None), ("soon", None, None), ("", None, None), ("5 # s", 5.0, None),
])
def test_crawl_delay(value, delay, refuses):
    robots = rules(f"user-agent: FooBot\ncrawl-delay: {value}\ndisallow: /x".encode(), 200)
    assert robots.delay("FooBot/1.0") == delay
    assert robots.refuses_crawl("FooBot") == refuses
    assert robots.delay("BarBot") is None
    assert robots.allowed(SITE + "/", "FooBot")


def test_the_longest_delay_of_an_agent_holds():
    robots = rules(b"user-agent: *\ncrawl-delay: 9\nallow: /\nuser-agent: FooBot\ncrawl-delay: 2\nallow: /a\nuser-agent: FooBot\ncrawl-delay: 3", 200)
    assert robots.delay("FooBot") == 3.0
    assert robots.delay("BarBot") == 9.0


def test_no_rules_ask_for_no_delay():
    assert rules(b"", 404).delay("FooBot") is None
    assert rules(b"", 0).refuses_crawl("FooBot") is None


def test_what_lies_beyond_the_cap_is_not_read():
    filler = b"# " + b"x" * 1021 + b"\n"
    padding = filler * (MAX_BYTES // len(filler))
    robots = rules(b"user-agent: *\ndisallow: /a\n" + padding + b"disallow: /b\n", 200)
    assert not robots.allowed(SITE + "/a", "FooBot")
    assert robots.allowed(SITE + "/b", "FooBot")


def test_a_line_cut_by_the_cap_forbids_nothing():
    head = b"user-agent: *\n"
    padding = b"#" * (MAX_BYTES - len(head) - len(b"\ndisallow: /")) + b"\n"
    assert rules(head + padding + b"disallow: /secret/", 200).allowed(SITE + "/news", "FooBot")


def test_a_line_of_any_length_is_cut():
    pattern = "/x/" + "a" * 20_000
    robots = rules(f"user-agent: *\ndisallow: {pattern}/only-this".encode(), 200)
    assert not robots.allowed(f"{SITE}{pattern}/other", "FooBot")


@pytest.mark.parametrize("field", ["allow", "disallow"])
def test_a_line_is_cut_at_the_same_byte_as_by_google(field):
    kept = "/x/" + "a" * (8 * 2083 - 1 - len(f"{field}: /x//")) + "/"
    robots = rules(f"user-agent: *\n{field}: {kept}qux\n{'disallow: /' * (field == 'allow')}".encode(), 200)
    assert robots.allowed(f"{SITE}{kept}other", "FooBot") is (field == "allow")
    assert robots.allowed(SITE + kept[:-1], "FooBot") is (field == "disallow")


def test_twenty_thousand_rules():
    body = b"user-agent: *\n" + b"".join(b"disallow: /%d*x*x*x$\n" % number for number in range(20_000))
    robots = rules(body, 200)
    assert robots.allowed(SITE + "/" + "x" * 1000, "FooBot")
    assert not robots.allowed(SITE + "/9999xxx", "FooBot")


def test_permission_answers_everything_at_once():
    body = b"user-agent: *\ncrawl-delay: 2\ndisallow: /x\nuser-agent: FooBot\ncrawl-delay: 1e9\nallow: /"
    assert permission(body, 200, SITE + "/y", "BarBot") == Permission(allowed=True, delay=2.0, refused=None)
    assert permission(body, 200, SITE + "/x", "BarBot") == Permission(allowed=False, delay=2.0, refused=None)
    assert permission(body, 200, SITE + "/y", "FooBot") == Permission(allowed=False, delay=None, refused="Crawl-delay 1e+09 s")
    assert permission(b"", 503, SITE + "/y", "FooBot") == Permission(allowed=False, delay=None, refused=None)


def test_a_robots_crosses_processes():
    robots = rules(b"user-agent: *\ncrawl-delay: 2\ndisallow: /x", 200)
    copy = pickle.loads(pickle.dumps(robots))
    assert copy == robots
    assert not copy.allowed(SITE + "/x", "FooBot")


PIECES = st.sampled_from([
    b"user-agent", b"disallow", b"allow", b"crawl-delay", b":", b" ", b"*", b"$", b"/", b"#", b"\n", b"\r", b"\0", b"FooBot", b"%", b"%e9", b"\xef\xbb\xbf", b"\xff\xfe",
    b"\x85", b"\xe2\x80\xa8", b"?", b"http://[", b"1e999", b"nan", b"sitemap: x",
])


@given(st.one_of(st.binary(), st.lists(PIECES, max_size=30).map(b"".join)), st.integers(-1, 700), st.text(), st.text())
@example(b"user-agent: *\ndisallow: /", 200, "http://[", "FooBot")
@example(b"user-agent: *\ndisallow: /", 200, "http://\ud800", "\ud800")
def test_no_bytes_raise(body, status, url, agent):
    robots = rules(body, status)
    assert robots.allowed(url, agent) in (True, False)
    assert robots.allowed(SITE + "/" + url, "FooBot") in (True, False)
    delay = robots.delay(agent)
    assert delay is None or 0 <= delay <= 300
    robots.refuses_crawl(agent)


@given(st.lists(PIECES, max_size=30).map(b"".join))
def test_unknown_lines_change_nothing(body):
    spoilt = b"\n".join(line + b"\nx-unknown: 1\n<p>" for line in body.replace(b"\r", b"\n").split(b"\n"))
    assert rules(spoilt, 200) == rules(body, 200)
