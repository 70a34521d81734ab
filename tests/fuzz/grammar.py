"""Almost valid documents, door by door, for hypothesis: built by the grammar, then hurt in a few places."""

import gzip
import json
import zlib
from xml.sax.saxutils import escape

import brotli
import yaml
import zstandard
from doors import DOORS, Door
from hypothesis import strategies as st

_WIDE = st.text(st.characters(), max_size=30)   # lone surrogates as well
_ANY = st.text(max_size=30)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def soup(door: Door) -> st.SearchStrategy[bytes]:
    """The words of a grammar in any order."""
    words = st.sampled_from([*door.tokens, b" ", b"\n", b"\n---\n"])
    return st.lists(st.one_of(words, words, _WIDE.map(_bytes)), max_size=25).map(b"".join)


def hurt(whole: st.SearchStrategy[bytes], door: Door) -> st.SearchStrategy[bytes]:
    """Documents with up to four places where something is missing, put in, or repeated."""
    new = st.one_of(st.sampled_from(door.tokens), st.binary(max_size=4),
                    st.tuples(st.sampled_from(door.tokens), st.integers(2, 60)).map(lambda pair: pair[0] * pair[1]))
    edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), new), max_size=4)
    return st.tuples(whole, edits).map(lambda pair: _edited(*pair))


def _edited(body: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for where, gone, new in edits:
        at = int(where * len(body))
        body = body[:at] + new + body[at + gone:]
    return body


# --- XML and HTML ---------------------------------------------------------------------------------------------------

def _element(names: list[str], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    attribute = st.tuples(st.sampled_from(["href", "type", "rel", "id", "class", "xmlns", "xml:lang", "content", "property", "datetime"]),
                          st.one_of(_ANY, st.sampled_from(["self", "html", "xhtml", "canonical", "https://a.example/1", "og:title", "date"])))
    return st.builds(_written, st.sampled_from(names), st.lists(attribute, max_size=2), st.lists(inner, max_size=4), st.integers(0, 19))


def _written(name: str, attributes: list[tuple[str, str]], inner: list[str], how: int) -> str:
    given = "".join(f' {key}="{escape(value, {chr(34): "&quot;"})}"' for key, value in attributes)
    text = "".join(inner)
    if how == 0:
        return f"<{name}{given}>{text}"       # never closed
    if how == 1:
        return f"<{name}{given}><![CDATA[{text}]]></{name}>"
    return f"<{name}{given}/>" if how == 2 else f"<{name}{given}>{text}</{name}>"


def _markup(names: str) -> st.SearchStrategy[str]:
    text = st.one_of(_ANY, _ANY.map(escape), st.sampled_from(["2026-03-02T06:40:00Z", "https://a.example/1", "&amp;lt;p>", "&nbsp;", "&#xD800;"]))
    return st.recursive(text, lambda inner: _element(names.split(), inner), max_leaves=12)


_CODECS = ["utf-8", "utf-8", "utf-16", "utf-32-be", "windows-1251", "gb18030", "iso-2022-jp", "utf-7"]


def _feed() -> st.SearchStrategy[bytes]:
    item = _markup("title link guid pubDate description dc:creator author source content content:encoded media:title updated id summary category")
    frame = st.sampled_from(["<rss version='2.0'><channel><title>T</title>{}</channel></rss>", "<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>",
                             "<rdf:RDF>{}</rdf:RDF>", "<urlset>{}</urlset>", "{}"])
    entry = st.sampled_from(["<item>{}<link>https://a.example/1</link></item>", "<entry>{}<link href='/2'/></entry>", "<url><news:news>{}</news:news><loc>/3</loc></url>", "{}"])
    entries = st.lists(st.tuples(entry, item).map(lambda pair: pair[0].replace("{}", pair[1])), max_size=4)
    document = st.builds(lambda around, inside, label: f"<?xml version='1.0' encoding='{label}'?>{around.replace('{}', ''.join(inside))}",
                         frame, entries, st.sampled_from(_CODECS))
    return st.one_of(st.builds(lambda text, codec: text.encode(codec, "replace"), document, st.sampled_from(_CODECS)), _json_feed())


_KEYS = st.sampled_from(["id", "url", "external_url", "title", "content_html", "content_text", "summary", "date_published", "date_modified", "authors", "author",
                         "name", "language", "items", "hubs", "home_page_url", "feed_url", "version"])
_VALUES = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _WIDE, st.sampled_from(["/a", "https://a.example/", "2026-03-02"])),
                       lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=4)), max_leaves=8)


def _json_feed() -> st.SearchStrategy[bytes]:
    items = st.lists(st.dictionaries(_KEYS, _VALUES, max_size=6), max_size=4)
    return st.builds(lambda top, items: json.dumps({"version": "https://jsonfeed.org/version/1", **top, "items": items}).encode(),
                     st.dictionaries(_KEYS, _VALUES, max_size=3), items)


def _page() -> st.SearchStrategy[bytes]:
    body = _markup("p div article main h1 table tr td ul li a time blockquote figure section nav span br script style noscript svg template iframe select")
    head = _markup("title meta link base script style")
    linked = st.dictionaries(st.sampled_from(["@type", "@graph", "author", "publisher", "isBasedOn", "datePublished", "articleBody", "headline", "@id"]), _VALUES, max_size=5)
    return st.builds(lambda head, ld, body, codec: (
        f"<html><head>{head}<script type='application/ld+json'>{json.dumps({'@type': 'NewsArticle', **ld})}</script></head><body>{body}"
        f"<p>{'The council kept the old iron bridge open to walkers. ' * 8}</p></body>").encode(codec, "replace"), head, linked, body, st.sampled_from(_CODECS))


# --- lines ----------------------------------------------------------------------------------------------------------

def _robots() -> st.SearchStrategy[bytes]:
    field = st.sampled_from(["User-agent", "Disallow", "Allow", "Crawl-delay", "Sitemap", "user agent", "dissallow", "Noindex"])
    value = st.one_of(st.sampled_from(["*", "/", "/news", "Firsthand", "other", "2", "1e9", "/*.html$", "/%C3%A4", "$", "**", ""]), _WIDE)
    row = st.builds(lambda name, colon, said, end: f"{name}{colon}{said}{end}", field, st.sampled_from([": ", ":", " ", " : "]), value,
                    st.sampled_from(["\n", "\n", " # x\n", "\n\n"]))
    return st.lists(row, max_size=15).map(lambda rows: _bytes("".join(rows)))


def _headers() -> st.SearchStrategy[bytes]:
    name = st.sampled_from(["retry-after", "date", "expires", "cache-control", "etag", "last-modified"])
    value = st.one_of(st.integers(-10**12, 10**12).map(str), st.floats().map(str), st.text(max_size=20),
                      st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} GMT"), st.integers().map(lambda n: f"public, max-age={n}"))
    return st.lists(st.tuples(name, value).map(": ".join), max_size=5).map(lambda rows: "\n".join(rows).encode("latin-1", "replace"))


def _dates() -> st.SearchStrategy[bytes]:
    forms = st.sampled_from(["%a, %d %b %Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%B %d, %Y %I:%M %p", "%Y年%m月%d日", "%d/%m/%y", "%G-W%V-%u", "%Y%m%d%H%M", "%s"])
    zone = st.sampled_from(["", "Z", " GMT", "+0100", "-12:00", " +14:00", " EST", " IST", "+25:00", " (CET)", "[Europe/Madrid]"])
    head = st.sampled_from(["", "", "?language=en\n", "?language=fa&zone=Riyadh\n", "?zone=Apia\n", "?language=ru&zone=York\n"])
    return st.builds(lambda head, at, form, zone: f"{head}{at.strftime(form)}{zone}".encode(), head, st.datetimes(), forms, zone)


def _urls() -> st.SearchStrategy[bytes]:
    host = st.one_of(st.sampled_from(["daily.example", "www.m.daily.co.uk", "127.1", "[::1]", "xn--bcher-kva.example", "bücher.example", "www.google.com", "t.co", "１.example", "a..b"]), _ANY)
    part = st.one_of(st.sampled_from(["a", "..", ".", "", "amp", "%2F", "%zz", "ü", "a;jsessionid=1", "x.amp.html", "//", " "]), _ANY)
    query = st.lists(st.tuples(st.sampled_from(["a", "utm_source", "url", "q", "u", "amp;b", "ü", ""]), st.one_of(st.sampled_from(["1", "https%3A%2F%2Fb.example", "%00"]), _ANY))
                     .map("=".join), max_size=3)
    whole = st.builds(lambda scheme, user, name, port, parts, query, rest: f"{scheme}{user}{name}{port}/{'/'.join(parts)}?{'&'.join(query)}{rest}",
                      st.sampled_from(["https://", "HTTP://", "//", "", "http:/", "ftp://"]), st.sampled_from(["", "", "u:p@", "@"]), host,
                      st.sampled_from(["", "", ":80", ":443", ":8080", ":0", ":x"]), st.lists(part, max_size=4), query, st.sampled_from(["", "#f", "#!f", "\n//b.example/x"]))
    return whole.map(lambda text: _bytes(text))


# --- the rest -------------------------------------------------------------------------------------------------------

_PACKERS = {"gzip": lambda data: gzip.compress(data, mtime=0), "deflate": zlib.compress, "br": lambda data: brotli.compress(data, quality=3),
            "zstd": zstandard.compress, "identity": bytes}


def _bodies() -> st.SearchStrategy[bytes]:
    data = st.one_of(st.binary(max_size=300), st.tuples(st.binary(min_size=1, max_size=3), st.integers(1, 40_000)).map(lambda pair: pair[0] * pair[1]))
    return st.builds(lambda name, data, piece, limit, cut: f"?coding={name}&piece={piece}&limit={limit}{cut}\n".encode() + _PACKERS[name](data),
                     st.sampled_from(list(_PACKERS)), data, st.integers(1, 99), st.sampled_from([10, 1000, 99_999]), st.sampled_from(["", "&cut"]))


def _configs() -> st.SearchStrategy[bytes]:
    keys = st.sampled_from(["feeds", "url", "source", "every", "tags", "crawl", "poll", "min", "max", "sources", "Wire", "kind", "domains", "timezone", "licensed", "from",
                            "since", "review", "listen", "webhooks", "secret", "contact", "store", "match", "containment", "proxy", "auth", "username", "headers"])
    value = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), _ANY, st.sampled_from(
        ["https://a.example/", "10m", "agency", "Europe/Madrid", "${SECRET}", "${", "127.0.0.1:1", "16MiB", "sqlite:///x.db", "(?i)x", "("])),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)), max_leaves=12)
    feeds = st.lists(st.one_of(value, st.integers(0, 9).map(lambda n: f"https://f{n}.example/")), max_size=4)
    return st.builds(lambda top, feeds, flow: yaml.safe_dump({**top, "feeds": feeds}, allow_unicode=True, sort_keys=False, default_flow_style=flow).encode(),
                     st.dictionaries(keys, value, max_size=4), feeds, st.sampled_from([None, True, False]))


def _rows() -> st.SearchStrategy[bytes]:
    text = st.one_of(_WIDE, st.just("The old iron bridge stays open to walkers, the town council of Hillford said on Tuesday evening."))
    at = st.one_of(st.just("2026-03-02T06:00:00Z"), st.datetimes().map(lambda at: f"{at.isoformat()}Z"), _ANY)
    row = st.fixed_dictionaries({"id": _WIDE, "text": text}, optional={"url": _ANY, "source": _ANY, "title": _WIDE, "first_seen": at, "appeared_after": at, "published": at,
                                                                       "language": st.one_of(st.none(), st.integers(), _ANY)})
    return st.lists(row, max_size=5).map(lambda rows: "\n".join(map(json.dumps, rows)).encode())


def _texts(count: int) -> st.SearchStrategy[bytes]:
    piece = st.one_of(_WIDE, st.sampled_from(["The town council voted to keep the bridge open. " * 8, "“We keep it,” she said. ", "\n", "Source: The Wire\n", "— نعم\n", "日本。"]))
    return st.lists(st.lists(piece, max_size=5).map("".join), max_size=count).map(lambda texts: _bytes("\n---\n".join(texts)))


def _opml() -> st.SearchStrategy[bytes]:
    row = st.builds(lambda tag, url, more, inner: f"<outline text='{escape(tag)}' {url} {more}>{inner}</outline>", _ANY.map(lambda text: text.replace("'", "")),
                    st.sampled_from(["", "xmlUrl='https://a.example/1'", "xmlUrl='feed://b.example'", "XMLURL='/x'"]), st.sampled_from(["", "category='a,b/c'", "title='T' htmlUrl='//x'"]),
                    st.sampled_from(["", "<outline xmlUrl='https://c.example/' category=',,/'/>"]))
    return st.lists(row, max_size=5).map(lambda rows: _bytes(f"<opml version='2.0'><body>{''.join(rows)}</body></opml>"))


_BUILT = {"feed": _feed, "page": _page, "content": _page, "site": _page, "opml": _opml, "robots": _robots, "headers": _headers, "date": _dates, "url": _urls, "hop": _urls,
          "body": _bodies, "config": _configs, "lines": _rows, "words": lambda: _texts(2), "two": lambda: _texts(2), "report": lambda: _texts(5)}


def almost_valid(name: str) -> st.SearchStrategy[bytes]:
    """Documents that a door nearly takes."""
    door = DOORS[name]
    built = _BUILT.get(name)
    whole = [st.sampled_from(door.seeds), soup(door), *([built()] if built else [])]
    return hurt(st.one_of(*whole), door)
