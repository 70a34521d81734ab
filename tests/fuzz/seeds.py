"""Small documents to begin from, and the words that a fuzzer puts together, door by door. All written for this."""

import gzip
import json
import zlib

import brotli
import zstandard

_ITEM = (b"<item><title>Ferry &amp; quay</title><link>https://daily.example/news/1?utm_source=rss</link><guid>g-1</guid>"
         b"<pubDate>Mon, 02 Mar 2026 06:40:00 +0100</pubDate><description><![CDATA[<p>The ferry <b>returns</b></p>]]></description>"
         b"<dc:creator>Ann Lee</dc:creator><author>ann@daily.example (Ann Lee)</author><source url='https://wire.example/'>Wire</source>"
         b"<media:content url='x.jpg'><media:title>Caption</media:title></media:content><category/></item>")
_RSS = (b"<?xml version='1.0' encoding='%s'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' "
        b"xmlns:media='http://search.yahoo.com/mrss/'><channel><title>Daily</title><link>https://daily.example/</link>"
        b"<ttl>30</ttl><skipHours><hour>3</hour></skipHours><language>en-GB</language>%s</channel></rss>")
_ATOM = (b"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='de'><title type='html'>Blatt &lt;i&gt;</title><link rel='self' href='f'/>"
         b"<entry><id>tag:1</id><title>F\xc3\xa4hre</title><link rel='alternate' href='/a'/><updated>2026-03-02T06:40:00Z</updated>"
         b"<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Text</div></content>"
         b"<author><name>A. B.</name></author></entry></feed>")
_RDF = (b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel><title>R</title>"
        b"<link>https://r.example/</link></channel><item rdf:about='x'><title>T</title><link>https://r.example/1</link></item></rdf:RDF>")
_SITEMAP = (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>"
            b"<url><loc>https://daily.example/n</loc><lastmod>2026-03-02</lastmod><news:news><news:publication><news:name>D</news:name>"
            b"<news:language>fr</news:language></news:publication><news:publication_date>2026-03-02T06:00:00Z</news:publication_date>"
            b"<news:title>Titre</news:title></news:news></url></urlset>")
_JSON_FEED = json.dumps({
    "version": "https://jsonfeed.org/version/1.1", "title": "J", "home_page_url": "https://j.example/", "hubs": [{"url": "h"}],
    "items": [{"id": 7, "url": "/a", "title": "T", "content_html": "<p>x", "date_published": "2026-03-02T06:00:00Z",
               "authors": [{"name": "A"}], "language": "en"}]}).encode()
_DTD = (b"<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'><!ENTITY f SYSTEM 'file:///proc/version'>"
        b"<!ENTITY % p SYSTEM 'http://127.0.0.1:9/x.dtd'>%p;]><rss><channel><title>&b;&f;</title><item><title>&f;</title>"
        b"<link>https://a.example/1</link></item></channel></rss>")
_PROSE = ("The town council voted on Tuesday evening to keep the old iron bridge open to walkers. " * 6).encode()
_PAGE = (b"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Bridge stays open | Daily</title>"
         b"<link rel='canonical' href='https://daily.example/news/bridge'><meta property='og:site_name' content='Daily'>"
         b"<meta property='article:published_time' content='2026-03-02T06:40:00+01:00'><meta name='robots' content='noai'>"
         b"<link rel='alternate' hreflang='fr' href='/fr'><script type='application/ld+json'>%s</script></head><body><article>"
         b"<h1>Bridge stays open</h1><time datetime='2026-03-02'>2 March</time><p>PARIS (Reuters) - %s</p><p>%s</p>"
         b"<p>Source: <a href='https://wire.example/1'>The Wire</a></p></article></body></html>")
_LD = json.dumps({"@context": "https://schema.org", "@graph": [
    {"@type": ["NewsArticle"], "headline": "Bridge stays open", "datePublished": "2026-03-02T06:40Z", "isBasedOn": "https://wire.example/1",
     "author": {"name": "Ann"}, "publisher": {"@id": "#p"}, "articleBody": "The town."}, {"@id": "#p", "name": "Daily"}]}).encode()
_ROBOTS = (b"User-agent: *\nDisallow: /private/*.html$\nAllow: /news\nCrawl-delay: 2.5\n\nUser-agent: Firsthand\nUser-agent: other\n"
           b"Disallow: /news/%C3%A4\nSitemap: https://daily.example/s.xml\n")
_OPML = (b"<?xml version='1.0' encoding='utf-8'?><opml version='2.0'><head><title>L</title></head><body><outline text='World'>"
         b"<outline type='rss' text='A' title='A' xmlUrl='https://a.example/f?a=1&b=2' htmlUrl='https://a.example/' category='/x,y'/>"
         b"<outline xmlUrl='feed://b.example/f'/></outline></body></opml>")
_SITE = (b"<html><head><base href='/b/'><link rel='alternate' type='application/rss+xml' title='All' href='f.xml'></head><body>"
         b"<a href='/rss'>RSS</a><a href='feed:https://a.example/atom.xml'>Atom feed</a></body></html>")
_CONFIG = (b"contact: desk@daily.example\nstore: sqlite:///var/f.db\ncrawl:\n  poll: {min: 5m, max: 24h}\n  private_networks: [10.0.0.0/8]\n"
           b"review: {listen: '127.0.0.1:${PORT}'}\nsources:\n  Wire: {kind: agency, domains: [wire.example], timezone: Europe/Madrid,\n"
           b"    licensed: [{from: Wire, since: 2024-01-01}]}\nfeeds:\n  - https://a.example/f   # one\n  - url: https://b.example/\n"
           b"    every: 10m\n    headers: {X-Key: \"${SECRET}\"}\n    keep: ['(?i)x']\n  - opml: list.opml\n  - include: more*.yaml\n")
_LINES = (b'{"id": "1", "text": "The old iron bridge stays open to walkers, the town council of Hillford said on Tuesday evening.", '
          b'"url": "https://a.example/1", "source": "A", "first_seen": "2026-03-02T06:00:00Z", "title": "Bridge", "language": "en"}\n'
          b'{"id": "2", "text": "The old iron bridge stays open to walkers, the town council of Hillford said on Tuesday evening.", '
          b'"published": "2026-03-02T06:00:60+01:00", "appeared_after": "2026-03-01T06:00:00Z", "first_seen": "2026-03-02T07:00:00Z"}\nno\n')
_SAID = ("PARIS (Reuters) - “We keep it,” said Ann Lee: it stays.\nPlease note that this item was quoted automatically from its "
         "primary source.\nSource: The Wire\n— هذا الخبر منقول من المصدر ولا نتحمل مسؤولية محتواه\nمصدر الخبر: الوادي\n日本語。「はい」と言った。\n"
         "@ann: 'yes' pic.twitter.com/x\nThank you for reading").encode()
_HARD = ("=1+1\x00\x1b[31m<script>alert(1)</script>\u202e| *x* `y` ](javascript:1)\n---\n@Post\t\n---\n-quote {{7*7}}\n---\n+far\n---\n"
         "javascript:alert(1)").encode()


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


SEEDS: dict[str, tuple[bytes, ...]] = {
    "feed": (_RSS % (b"utf-8", _ITEM * 2), _RSS % (b"windows-1251", _ITEM), b"?type=text/xml;charset%3Dutf-16\n" + _ATOM, _RDF, _SITEMAP, _DTD,
             _JSON_FEED, b"?language=ru&zone=Riyadh\n" + _RSS % (b"utf-7", _ITEM), (_RSS % (b"utf-16", _ITEM)).decode().encode("utf-16"),
             b"/proc/version", b"http://127.0.0.1:9/feed", b"%PDF-1.7", b"<html><body>no</body></html>", _ATOM[:150], b""),
    "page": (_PAGE % (_LD, _PROSE, _PROSE), b"?status=403&h-last-modified=Mon, 02 Mar 2026 06:40:00 GMT&type=text/html;charset%3Dkoi8-r\n" + _PROSE,
             b"<html><body><table><tr><td><p>" + _PROSE + b"</p></td></tr></table>", (_PAGE % (b"{", b"x", b"y")).decode().encode("utf-16"),
             b"<html><body><div id='root'></div><script>app()</script>Please enable JavaScript", b"\x00\x01\x02", b""),
    "content": (b"<p>" + _PROSE + b"</p><time datetime='2026-03-02T06:40Z'>x</time><blockquote>q</blockquote>\n---\nBridge stays", b"<!--\n---\n]]>"),
    "robots": (_ROBOTS, b"?url=https://daily.example/private/a.html&agent=other\n" + _ROBOTS, b"?status=503\n", b"\xef\xbb\xbfuser-agent:*\rdisallow:/",
               b"<html>", b"user-agent *\ndissallow /a\ncrawl-delay: nan"),
    "site": (_SITE, b"?url=https://a.example/x.html\n" + _SITE, _RSS % (b"utf-8", b""), _JSON_FEED, b"\xff\xfe<\0r\0s\0s\0"),
    "opml": (_OPML, _OPML[:200], b"<opml/>", _DTD.replace(b"rss", b"opml")),
    "url": (b"HTTP://User:Pass@WWW.Daily.Example:80/a/../b//c;jsessionid=1/amp/?utm_source=x&b=2&a=%20+1#!f\nhttps://base.example/x/",
            b"//daily.example/a?b\nhttps://u:p@base.example/", "https://däily.example/ü?ß=%zz".encode(), b"http://0x7f.1:8080/", b"http://[::1]/",
            b"https://www.google.com/url?q=https%3A%2F%2Fa.example%2Famp%2F", b"https://a-b.cdn.ampproject.org/c/s/a.example/x.amp.html", b"http://["),
    "hop": (b"https://user:p%40ss@daily.example:8443/a%20b?c=%2F#f\n../x?y", b"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/\n//other.example",
            b"http://[fe80::1%25lo]/\nhttp://u:p@127.0.0.1/", b"http://xn--bcher-kva.example\nfile:///etc/passwd", b"https://a.example\n?q"),
    "host": (b"127.0.0.1:8477", b"0x7f.1", b"017700000001", b"[::ffff:127.0.0.1]", b"2130706433", b"[::1]:80", b"localhost:1", b"1.2.3.4.",
             b"64:ff9b::7f00:1"),
    "date": (b"Mon, 02 Mar 2026 06:40:00 +0100", b"2026-03-02T06:40:00.123Z", b"?language=ru&zone=Riyadh\n" + "2 марта 2026 г., 06:40".encode(),
             "٢ مارس ٢٠٢٦ الساعة ٦:٤٠ مساء".encode(), "2026年3月2日 下午6時40分".encode(), "۱۱ اسفند ۱۴۰۴".encode(), b"1772433600", b"2026-W10-1",
             b"?language=de\n02.03.26 24:00", b"03/02/2026 6:40 PM EST", b"?zone=Apia\n2011-12-30 10:00 IST", b"Mon Mar 02 2026 06:40:00 GMT+0300 (AST)"),
    "words": (_SAID, b"?language=ar\n" + _SAID + b"\n---\nTitle", _PROSE),
    "two": (_PROSE + b"\n---\n" + _PROSE[:300], _SAID + b"\n---\n" + _PROSE + _SAID, b"\n---\n"),
    "lines": (_LINES, b"?ending=.gz\n" + gzip.compress(_LINES, mtime=0), b"?ending=.zst\n" + zstandard.compress(_LINES), b'\xef\xbb\xbf{"id":"\\ud800","text":""}',
              b"?ending=.zst\n" + zstandard.compress(_LINES)[:-9]),
    "config": (_CONFIG, b"feeds: []", b"feeds:\n- &a https://a.example/\n- *a", b"a: !!python/object:os.system x", b"feeds: [https://a.example/, {url: 'x'}]",
               b"\tfeeds:", b"feeds:\n  - include: /**\n  - opml: ../../../../etc/passwd\n", b"review: {listen: '[::1]:99999'}\nfeeds: []"),
    "headers": (b"retry-after: 120\ndate: Mon, 02 Mar 2026 06:40:00 GMT\ncache-control: max-age=600, public", b"retry-after: -1", b"retry-after: nan",
                b"expires: Thu, 01 Jan 1970 00:00:00 GMT", b"etag: W/\"x\"\nretry-after: Mon, 02 Mar 2036 06:40:00 GMT", b"cache-control: no-cache, max-age=" + b"9" * 39),
    "body": (b"?coding=gzip\n" + gzip.compress(_PROSE, mtime=0) * 2, b"?coding=deflate&piece=1\n" + zlib.compress(_PROSE), b"?coding=deflate\n" + _raw_deflate(_PROSE),
             b"?coding=br&piece=3\n" + brotli.compress(_PROSE, quality=5), b"?coding=zstd&limit=100\n" + zstandard.compress(_PROSE), b"?coding=gzip&limit=9&cut\n"
             + gzip.compress(_PROSE, mtime=0), b"?coding=identity\nplain", b"?coding=gzip,%20gzip\nx"),
    "report": (_HARD, b"Ferry\n---\nHarbour Post\n---\nCopied\n---\nFar\n---\nhttps://a.example/1"),
}

_XML = "< > </ /> <!-- --> <![CDATA[ ]]> <? ?> <!DOCTYPE <!ENTITY &amp; &lt; &#0; &#xD800; &#x1b; &nbsp; xmlns xmlns:media= encoding= xml:base= \xa0 \xff \ufeff"
_FEED = ("<rss> </rss> <channel> <item> </item> <entry> </entry> <feed> </feed> <urlset> <url> <loc> <news:news> <link <guid> <title> <description> "
         "<content:encoded> <content <author> <name> <email> <pubDate> <updated> <dc:date> <source <media:content> <itunes:author> <textinput> <image> "
         "<category/> rel='self' rel='alternate' type='xhtml' type='html' href= isPermaLink <enclosure <ttl> <skipHours> <hour> <cloud <georss:point> <gml:pos> "
         "items version jsonfeed.org/version/1 content_html home_page_url \\ud800 \\u0000 1e999 null")
_HTML = ("<p> <div> <article> <table> <td> <tr> <li> <br> <h1> <a <meta <link <script <base <time <title> <main> <figure> <blockquote> <svg> <math> "
         "<template> <noscript> <iframe> <frameset> <select> <html <body <head> class= id= datetime= content= property= og:title og:site_name "
         "application/ld+json @type @graph NewsArticle isBasedOn author publisher datePublished headline articleBody itemprop= rel=canonical hreflang= "
         "tdm-reservation noai http-equiv= charset= lang= &#0; javascript: style=")
_CLOCKS = ("Mon, Jan Feb 2026 -03- T Z +01:00 +14:00 -12:00 +99:99 GMT UTC EST IST BST CEST (AST) W10 -1 24:00 :60 :61 99 am pm 年 月 日 時 分 秒 上午 "
           "مارس مساء ص اسفند марта de le at , . / - [Europe/Moscow] 1995 2100 9999 0000 0001 12 31 30 29")
_WORDS = ("“ ” « » „ ‘ ’ ' \" 「 」 — – - : Source: Quelle: المصدر: (Reuters) (AFP) PARIS said — @ pic.twitter.com/ t.co ? ! 。 ؟ … | automatically copied from its "
          "source هذا الخبر منقول dear readers Thank you for reading \u0301 \u200d \u0640 \u0345 ß İ ŉ ﬁ ΐ \u202e \ud7ff 한국어 ไทย ខ្មែរ नमस्ते 𝕏")
_URLS = ("http:// https:// // / /../ /./ ? & = # #! : @ [ ] % %2F %2f %00 %zz %25 \\ ; ;jsessionid= amp /amp/ .amp.html www. m. utm_source= amp; "
         "xn-- xn--bcher-kva . .. co.uk 127.0.0.1 0x7f 1 017 ::1 ::ffff: 。 １ ㎏ ß ü \u200d \u00ad \u3002 google.com/url?q= cdn.ampproject.org/c/s/ token= "
         "l.facebook.com/l.php?u= \u2488 \u2100 user:pass@ :0 :80 :443 :65536 file: javascript: feed:")

TOKENS: dict[str, str] = {
    "feed": f"{_XML} {_FEED} {_URLS}", "page": f"{_HTML} {_XML} {_CLOCKS}", "content": f"{_HTML} {_XML} {_WORDS}",
    "robots": "User-agent: Disallow: Allow: Crawl-delay: Sitemap: * $ / % %2F %zz # Firsthand firsthand other nan inf 1e9 -1 0x10 \ufeff \x0b \x1c \x85 ? url= agent= status=",
    "site": f"{_HTML} {_XML} application/rss+xml application/json alternate feed RSS Atom /rss /feed.xml <rdf purl.org/rss/ <urlset sitemap-news {{ jsonfeed.org {_URLS}",
    "opml": f"{_XML} <opml </opml> <outline </outline> xmlUrl= htmlUrl= text= title= category= type= <body> feed:// {_URLS}",
    "url": _URLS, "hop": _URLS, "host": f"{_URLS} 0x 256 4294967295 4294967296 ::ffff:0:0 64:ff9b:: 2002: %lo 0. .0", "date": _CLOCKS, "words": _WORDS,
    "two": _WORDS, "lines": 'id text url source title published first_seen appeared_after language { } [ ] " : , \\u0000 \\ud800 null true 1e999 NaN 2026-03-02T06:00:00Z '
                            ':60Z +24:00 -00:00 0000-01-01 9999-12-31T23:59:59-23:59 ?ending=.gz ?ending=.zst',
    "config": "feeds: - url: source: every: 10m tags: headers: auth: username: password: keep: drop: validators: opml: include: crawl: poll: min: max: "
              "per_host: delay: max_bytes: 16MiB robots: obey private_networks: 10.0.0.0/8 proxy: extract: match: containment: sources: kind: agency domains: "
              "timezone: Europe/Madrid licensed: from: since: review: listen: 127.0.0.1:1 tokens_file: webhooks: secret: retention: ${SECRET} ${ $${ & * ! !! << ? | > "
              "{ } [ ] , ' \" # --- ... % @ ` ~ null no 010 1_000 12:30:00 2024-02-30 \x85 \u2028 \ufeff \x07 https://a.example/ 0s 99999999999d 1e9 (?i)( [",
    "headers": f"retry-after: date: expires: cache-control: max-age= no-cache no-store etag: last-modified: \" , ; {_CLOCKS}",
    "body": "?coding=gzip ?coding=deflate ?coding=br ?coding=zstd ?coding=x-gzip ?coding=identity &piece=1 &limit=100 &cut \x1f\x8b \x78\x9c \x28\xb5\x2f\xfd",
    "report": f"= + - @ \t \r \x00 \x1b[ \x9b <script> </td> <!-- --> javascript: data: ]( [ ](< ` * _ | # \\ {{{{ }}}} {{% \u202e \u2066 \u2028 \u200b \ufeff \ufffe ' \" & &lt; {_URLS}",
}
