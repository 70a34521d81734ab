"""Servers that break HTTP, stall, lie about sizes and codings, or lead astray: what becomes of the feed behind them."""

import asyncio
import gzip
import re
import socket
import ssl
import zlib
from base64 import b64encode
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import brotli
import pytest
import zstandard
from misbehaving import (
    CHUNKED,
    START,
    Names,
    drip,
    endless,
    in_pieces,
    item,
    listening,
    ok,
    one_after_another,
    page,
    raw_deflate,
    redirect,
    reset_after,
    rss,
    silence,
)

from crawler.errors import Reason
from crawler.settings import MaxBytes

FEED = rss(*(item(f"https://daily.example/{n}", f"Ferry number {n} is late") for n in range(20)))
TLS = Path(__file__).parents[1] / "adapters" / "tls"
ZEROS = bytes(24 * 1024**2)


def coded(name, data, feed=FEED):
    return ok(data, f"Content-Encoding: {name}")


def padded(feed, size):
    """A feed with a comment of zeros, which any coding packs a thousand times."""
    return feed.replace(b"<channel>", b"<channel><!--" + b"0" * size + b"-->")


def brotli_bomb():
    packer = brotli.Compressor(quality=4)
    return packer.process(ZEROS) + packer.finish()


BOMB = {
    "gzip": gzip.compress(ZEROS, 6), "deflate": zlib.compress(ZEROS), "br": brotli_bomb(), "zstd": zstandard.compress(ZEROS),
}
DEFLATE_RAW_BOMB = raw_deflate(ZEROS)
GZIP_MEMBERS = gzip.compress(bytes(1024)) * 1200

TIMEOUTS = {
    "a body of a byte now and then": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
    "a header of a byte now and then": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "a status line of a byte now and then": drip(b"HTTP/1.1 200 O", b"K"),
    "chunks of a byte now and then": drip(CHUNKED, b"1\r\nx\r\n"),
    "a chunk extension that never ends": drip(CHUNKED + b"5;", b"x"),
    "a trailer that never ends": drip(CHUNKED + b"0\r\nX-Trailer: ", b"x"),
    "a gzip stream that trickles": drip(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BOMB["gzip"][:20], b"\0"),
    "blank lines before the status line, for ever": drip(b"", b"\r\n"),
    "silence after the connection": silence,
    "silence after the headers": in_pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    "interim answers now and then": drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
}


async def hang_after(reader, writer, path):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    await silence(reader, writer, path)


TIMEOUTS["silence after the headers"] = hang_after


@pytest.mark.parametrize("script", TIMEOUTS.values(), ids=TIMEOUTS)
async def test_what_takes_too_long_is_a_time_out(script, desks, sites, fails):
    # 0.02 s apart, seventeen interim answers would take longer than this.
    await fails(await desks(timeout=0.3), await sites(), script, Reason.TIMEOUT)


FAILURES = {
    Reason.TOO_LARGE: {
        "a chunked body that never ends": endless(CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n"),
        "a body without length that never ends": endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 65536),
        "a feed of a gigabyte that is really sent": endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", FEED),
        "a document that unpacks fifty times, beyond the cap":
            coded("gzip", gzip.compress(b"".join(b"<item>%08d</item>" % (n * 7919 % 10**8) + b"0" * 400 for n in range(12_000)))),
        "empty deflate blocks without end":
            endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n", b"\x00\x00\x00\xff\xff" * 5000),
        "a gzip header whose file name never ends":
            endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\x03", b"name" * 9000),
        "zero bytes after a gzip stream, without end":
            endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(FEED), bytes(65536)),
        "one chunk of a terabyte": endless(CHUNKED + b"10000000000\r\n", b"x" * 65536),
    },
    Reason.BOMB: {
        **{f"zeros in {name}": coded(name, data) for name, data in BOMB.items()},
        "zeros in raw deflate": coded("deflate", DEFLATE_RAW_BOMB),
        "a gzip bomb in chunks without end": endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n",
            b"%x\r\n%s\r\n" % (len(BOMB["gzip"]), BOMB["gzip"])),
        "thousands of gzip members": coded("gzip", GZIP_MEMBERS),
        "thousands of empty zstd frames": coded("zstd", zstandard.compress(b"") * 1200),
        "skippable zstd frames without end": endless(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n", (b"\x50\x2a\x4d\x18" + bytes(4)) * 4000),
        "a feed with a comment of zeros": coded("br", brotli.compress(padded(FEED, 3 * 1024**2), quality=4)),
    },
    Reason.ENCODING: {
        "a gzip label on plain text": coded("gzip", FEED),
        "a br label on plain text": coded("br", FEED),
        "a zstd label on plain text": coded("zstd", FEED),
        "a deflate label on plain text": coded("deflate", FEED),
        "a gzip label on deflate": coded("gzip", zlib.compress(FEED)),
        "a gzip label on raw deflate": coded("gzip", raw_deflate(FEED)),
        "a deflate label on gzip": coded("deflate", gzip.compress(FEED)),
        "gzip in gzip": coded("gzip, gzip", gzip.compress(gzip.compress(FEED))),
        "gzip in gzip, said in two headers": ok(
            gzip.compress(gzip.compress(FEED)), "Content-Encoding: gzip", "Content-Encoding: gzip"),
        "ninety codings": coded(", ".join(["gzip"] * 90), gzip.compress(FEED)),
        "a coding that nobody knows": coded("aes128gcm", FEED),
        "a coding named like one, and more": coded("gzip;q=1", gzip.compress(FEED)),
        "compress, which nobody decodes": coded("compress", FEED),
        "text after a brotli stream": coded("br", brotli.compress(FEED) + b"<more/>"),
        "text after a deflate stream": coded("deflate", zlib.compress(FEED) + b"<more/>"),
        "text after a gzip stream": coded("gzip", gzip.compress(FEED) + b"<more/>"),
        "a false checksum": coded("gzip", gzip.compress(FEED)[:-8] + bytes(8)),
        "a zstd window of a gigabyte": coded("zstd", b"\x28\xb5\x2f\xfd\x00\xa0" + bytes(64)),
        "a deflate stream that needs a dictionary": coded("deflate", b"\x78\xbb\x00\x00\x00\x01" + bytes(64)),
    },
    Reason.TRUNCATED: {
        "gzip that ends early in an answer of the stated length": coded("gzip", gzip.compress(FEED)[:-20]),
        "gzip without its checksum": coded("gzip", gzip.compress(FEED)[:-8]),
        "a gzip header and nothing else": coded("gzip", gzip.compress(FEED)[:10]),
        "brotli that ends early": coded("br", brotli.compress(FEED)[:-5]),
        "zstd that ends early": coded("zstd", zstandard.compress(FEED)[:-5]),
        "deflate that ends early": coded("deflate", zlib.compress(FEED)[:-5]),
        "a second gzip member that ends early": coded("gzip", gzip.compress(FEED) + gzip.compress(FEED)[:-9]),
    },
    Reason.PROTOCOL: {
        "a promised gigabyte that ends early": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + FEED,
        "more bytes than promised": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + FEED,
        "more bytes than promised, a moment later": in_pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", FEED),
        "an answer that nobody asked for behind the one": ok(FEED) + ok(FEED),
        "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + FEED,
        "a length of 40 digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n" + FEED,
        "a length in hexadecimal": b"HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n" + FEED,
        "a length with a sign": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n" + FEED,
        "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 93\r\n\r\n" + FEED,
        "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n" + FEED,
        "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "chunks and a length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "a chunk size that is no number": CHUNKED + b"5\r\nabcde\r\nzz\r\n",
        "a negative chunk size": CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n",
        "a chunk size of 30 digits": CHUNKED + b"f" * 30 + b"\r\nabcde\r\n",
        "a chunk longer than it says": CHUNKED + b"3\r\nabcde\r\n0\r\n\r\n",
        "chunks without an end": CHUNKED + b"5\r\nabcde\r\n",
        "an answer of another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
        "a TLS alert to a plain request": b"\x15\x03\x01\x00\x02\x02\x46",
        "HTTP/0.9": FEED,
        "an HTTP version of the future": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "a switch of protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        "status 999": b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
        "status 099": b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
        **{f"the transfer coding {name!r}": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n" % name.encode() + body for name, body in (
            ("gzip", FEED), ("xchunked", FEED), ("chunked, gzip", FEED), ("identity, aes", FEED),
            ("gzip, chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(FEED), FEED)),
            ("chunked, chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(FEED), FEED)))},
    },
    Reason.NETWORK: {
        "a reset in the body": reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + FEED),
        "a reset between chunks": reset_after(CHUNKED + b"5\r\nabcde\r\n"),
        "a reset before the headers": reset_after(b""),
        "a reset in the headers": reset_after(b"HTTP/1.1 200 OK\r\nContent-Ty"),
        "a connection that closes without a word": b"",
    },
    Reason.HEADERS: {
        "a header of 70 KB": b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n",
        "ten headers of 10 KB": ok(FEED, *(f"X-{n}: {'a' * 10_000}" for n in range(10))),
        "200 headers": ok(FEED, *(f"X-{n}: a" for n in range(200))),
        "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: a\r\n" * 100),
        "one header without end": endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"a" * 4096),
        "trailers without end": endless(CHUNKED + b"0\r\n", b"X-More: a\r\n" * 100),
        "a NUL in a header": ok(FEED, "X-Nul: a\0b"),
        "a header without a name": ok(FEED, ": nameless"),
        "100,000 interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100_000 + ok(FEED),
        "interim answers without end": endless(b"", b"HTTP/1.1 102 P\r\n\r\n" * 1000),
    },
    Reason.REDIRECT: {
        "a redirect without a Location": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "a choice of several": b"HTTP/1.1 300 Choices\r\nContent-Length: 0\r\n\r\n",
        "a redirect to use a proxy": b"HTTP/1.1 305 Use Proxy\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
        **{f"a redirect to {place!r}": redirect(place) for place in (
            "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:text/xml,<rss/>", "javascript:alert(1)",
            "ws://127.0.0.1/", "unix:/run/x.sock", "feed://127.0.0.1/", "http://[", "http://", "http:///path", "http:feed",
            "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://a\\@127.0.0.1/", "mailto:a@b.example", "/a%00b", "/a\0b",
            "   ")},
        "a redirect of 64 KB": redirect("/" + "a" * 60_000),
    },
    Reason.REDIRECTS: {"a redirect to itself": redirect("/")},
    Reason.PRIVATE: {f"a redirect to {host}": redirect(f"http://{host}/feed") for host in (
        "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "0x0a.1", "192.168.1.1.", "[fe80::1]")},
    Reason.HTTP_4XX: {
        "404": ok(b"<h1>gone fishing</h1>", status="404 Not Found"), "451": ok(FEED, status="451 Unavailable"),
        "403 with a whole feed": ok(FEED, status="403 Forbidden"), "401": ok(b"", "WWW-Authenticate: Basic", status="401 No"),
        "418 whose body never ends": endless(b"HTTP/1.1 418 Teapot\r\n\r\n", b"x" * 65536)},
    Reason.CHALLENGE: {
        "403 with a challenge": ok(b"<h1>Just a moment</h1>", "cf-mitigated: challenge", status="403 Forbidden"),
        "503 with a challenge": ok(b"<h1>Just a moment</h1>", "CF-Mitigated: Challenge", status="503 No")},
    Reason.HTTP_5XX: {
        "500": ok(b"Traceback (most recent call last):", status="500 \x1b[31mOops"), "503 with a whole feed": ok(FEED, status="503 No")},
    Reason.RATE_LIMITED: {"429": ok(FEED, status="429 Slow down")},
    Reason.EMPTY: {
        "200 with nothing": ok(), "204": b"HTTP/1.1 204 No Content\r\n\r\n", "white space alone": ok(b" \r\n\t\n" * 100),
        "a byte order mark alone": ok(b"\xef\xbb\xbf"), "a UTF-16 byte order mark alone": ok(b"\xff\xfe"),
        "a packed nothing": coded("gzip", gzip.compress(b"")), "NULs alone": ok(bytes(500)),
        "a close after the headers": b"HTTP/1.1 200 OK\r\n\r\n"},
}


@pytest.mark.parametrize(("script", "reason"), [
    pytest.param(script, reason, id=f"{name}: {reason}") for reason, rows in FAILURES.items() for name, script in rows.items()])
async def test_an_answer_that_fails(script, reason, desk, sites, fails):
    await fails(desk, await sites(), script, reason)


@pytest.mark.parametrize(("count", "requests"), [(9, 9), (11, 9), (10_000, 9)])
async def test_distinct_redirects_fail_after_the_eighth(count, requests, desk, sites, fails):
    async def hop(reader, writer, path):
        at = int(path[1:] or 0)
        writer.write(redirect(f"/{at + 1}", 301) if at < count else ok(FEED))

    await fails(desk, await sites(), hop, Reason.REDIRECTS, requests)


async def test_two_pages_that_point_at_each_other_are_asked_once_each(desk, sites, fails):
    async def script(reader, writer, path):
        writer.write(redirect("/b" if path == "/a" else "/a"))

    await fails(desk, await sites(), script, Reason.REDIRECTS, 2, path="a")


@pytest.mark.parametrize("host", ["[::1]", "127.0.0.1", "0.0.0.0", "0", "127.1", "[::ffff:127.0.0.1]", "[::]", "localhost"])
async def test_a_redirect_inside_reaches_nobody(host, desks, sites, fails):
    from ipaddress import ip_network

    inside = await sites(ok(FEED))
    site = await sites(host="127.0.0.2")
    desk = await desks(networks=(ip_network("127.0.0.2/32"),))
    await fails(desk, site, redirect(f"http://{host}:{inside.port}/"), Reason.PRIVATE)
    assert inside.connections == 0


# --- what is well, however odd ----------------------------------------------------------------------------------

FINE = {
    "plain": ok(FEED),
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n" + FEED,
    "chunked": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(FEED), FEED),
    "chunked, a byte a chunk": CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in FEED) + b"0\r\n\r\n",
    "chunks with extensions and a trailer": CHUNKED + b"%x;a=b\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(FEED), FEED),
    "gzip": coded("gzip", gzip.compress(FEED)),
    "x-gzip": coded("x-gzip", gzip.compress(FEED)),
    "GZip in capitals": coded("GZip", gzip.compress(FEED)),
    "gzip in two members": coded("gzip", gzip.compress(FEED[:99]) + gzip.compress(FEED[99:])),
    "gzip with zero bytes behind it": coded("gzip", gzip.compress(FEED) + bytes(100)),
    "deflate as zlib": coded("deflate", zlib.compress(FEED)),
    "deflate, raw": coded("deflate", raw_deflate(FEED)),
    "brotli": coded("br", brotli.compress(FEED)),
    "zstd": coded("zstd", zstandard.compress(FEED)),
    "identity": coded("identity", FEED),
    "an empty coding": coded("", FEED),
    "a few interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + ok(FEED),
    "headers of 60 KB": ok(FEED, *(f"X-{n}: {'a' * 6_000}" for n in range(10))),
    "headers in Latin-1": ok(FEED, "X-Place: Malm\xf6"),
    "status 203": ok(FEED, status="203 From a proxy"),
    "no reason behind the status": ok(FEED, status="200 "),
    "a redirect to a longer path": one_after_another(redirect("/feeds/main.xml"), ok(FEED)),
}


@pytest.mark.parametrize("script", FINE.values(), ids=FINE)
async def test_an_answer_that_is_odd_and_well(script, desk, sites):
    site = await sites(script)
    feed = await desk.poll(site.url)
    assert feed.state.reason is None, feed.state.detail
    assert (feed.state.entries, await desk.waiting()) == (20, 20)


def of_size(size):
    """A feed of so many bytes, most of them digits in a comment."""
    digits = b"".join(b"%08d" % (n * 7919 % 10**8) for n in range(size // 8))
    return FEED.replace(b"<channel>", b"<channel><!--" + digits[:size - len(FEED) - 7] + b"-->")


async def test_a_feed_of_the_default_cap_is_read(desks, sites):
    desk, site = await desks(caps=MaxBytes(), timeout=60), await sites(ok(of_size(16 * 1024**2)))
    feed = await desk.poll(site.url)
    assert (feed.state.reason, feed.state.entries) == (None, 20), feed.state.detail


async def test_a_feed_of_a_byte_more_than_the_default_cap_fails(desks, sites, fails):
    await fails(await desks(caps=MaxBytes(), timeout=60), await sites(), ok(of_size(16 * 1024**2 + 1)), Reason.TOO_LARGE)


async def test_a_page_beyond_the_default_cap_fails_and_is_asked_again_later(desks, sites):
    desk, site = await desks(caps=MaxBytes(), timeout=30), await sites(ok(status="404 Not Found"))
    site.paths |= {"/feed": ok(rss(item(f"{site.url}1"))), "/1": endless(CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n")}
    await desk.poll(site.url + "feed")
    (sighting,) = await desk.sightings()
    await desk.opened.pipeline.collect(sighting)
    assert (await desk.articles(), await desk.waiting()) == ([], 0)
    desk.wait(minutes=11)
    (again,) = await desk.sightings()
    assert (again.attempts, site.asked.count("/1")) == (1, 1)


# --- names ------------------------------------------------------------------------------------------------------

async def never():
    await asyncio.Event().wait()


LOOKUPS = {
    "no such name": socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    "a name server that fails": socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    "an empty answer": [], "a label that is too long": UnicodeError("label too long"),
    "a lookup that never ends": never,
    "a resolver that breaks": OSError("resolver out of order"),
}


@pytest.mark.parametrize("answer", LOOKUPS.values(), ids=LOOKUPS)
async def test_a_name_that_leads_nowhere_fails_and_delays_nobody(answer, desks, sites):
    """A healthy feed is polled while the lookup of the other hangs."""
    table = {"fickle.example": ["127.0.0.1"], "good.example": ["127.0.0.1"]}
    desk, site, good = await desks(timeout=0.5, resolver=Names(table)), await sites(), await sites(ok(FEED))

    async def script(reader, writer, path):
        writer.write(ok(FEED))

    url = f"http://fickle.example:{site.port}/"
    site.script = script
    before = await desk.poll(url)
    desk.until(before.state.next_poll)
    table["fickle.example"] = answer
    desk.opened.fetcher._wire._session.connector.clear_dns_cache()
    failing = asyncio.create_task(desk.poll(url))
    polled = await desk.poll(f"http://good.example:{good.port}/")
    assert (polled.state.reason, failing.done()) == (None, answer is not never)
    state = (await failing).state
    assert (state.reason, len(site.requests), await desk.waiting()) == (Reason.DNS, 1, 40)
    assert state.next_poll > desk.now + before.state.interval


@pytest.mark.parametrize("addresses", [
    pytest.param(["::1", "127.0.0.1"], id="a broken AAAA beside a good A"),
    pytest.param(["127.0.0.3", "127.0.0.1"], id="a broken A before a good one"),
    pytest.param([f"127.1.0.{n}" for n in range(99)] + ["127.0.0.1"], id="99 broken ones and a good one"),
    pytest.param(["10.0.0.1", "169.254.169.254", "127.0.0.1"], id="private ones and one that may be asked"),
    pytest.param(["127.0.0.1"] * 5000, id="one address five thousand times")])
async def test_the_address_that_answers_is_enough(addresses, desks, sites):
    desk, site = await desks(resolver=Names({"many.example": addresses})), await sites(ok(FEED))
    feed = await desk.poll(f"http://many.example:{site.port}/")
    assert (feed.state.reason, feed.state.entries, len(site.requests)) == (None, 20, 1)


async def test_ipv6_alone_is_enough(desks, sites):
    desk, site = await desks(resolver=Names({"six.example": ["::1"]})), await sites(ok(FEED), host="::1")
    feed = await desk.poll(f"http://six.example:{site.port}/")
    assert (feed.state.reason, feed.state.entries) == (None, 20)


# --- TLS --------------------------------------------------------------------------------------------------------

def certificate(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem", TLS / "key.pem")
    return context


def old():
    context = certificate("good")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


@pytest.mark.parametrize("context", [lambda: certificate("expired"), lambda: certificate("other"), lambda: certificate("self"),
                                     old, lambda: None], ids=["expired", "wrong host", "self-signed", "TLS 1.0", "no TLS at all"])
async def test_bad_tls_is_never_overlooked(context, desks, sites):
    desk = await desks(timeout=0.6, tls=ssl.create_default_context(cafile=TLS / "ca.pem"))
    site = await sites(ok(FEED), ssl=context())
    feed = await desk.poll(f"https://127.0.0.1:{site.port}/")
    assert (feed.state.reason, await desk.waiting()) == (Reason.TLS, 0)


async def test_a_handshake_that_hangs_is_a_fault_of_tls(desks, sites):
    desk = await desks(timeout=0.3, tls=ssl.create_default_context(cafile=TLS / "ca.pem"))

    async def hang(reader, writer, path):
        await silence(reader, writer, path)

    site = await sites(hang)
    assert (await desk.poll(f"https://127.0.0.1:{site.port}/")).state.reason == Reason.TLS


async def test_a_downgrade_is_followed_and_no_credentials_go_with_it(desks, sites):
    desk = await desks(tls=ssl.create_default_context(cafile=TLS / "ca.pem"))
    plain = await sites(ok(FEED))
    secure = await sites(redirect(plain.url, 301), ssl=certificate("good"))
    feed = await desk.poll(f"https://127.0.0.1:{secure.port}/", headers={"Authorization": "Bearer s3cret", "Cookie": "id=s3cret"})
    assert (feed.state.reason, feed.state.entries, feed.state.permanent_url) == (None, 20, plain.url)
    assert "s3cret" in secure.requests[0]
    assert "s3cret" not in plain.requests[0]


async def test_a_bomb_behind_tls_is_a_bomb(desks, sites):
    desk = await desks(tls=ssl.create_default_context(cafile=TLS / "ca.pem"))
    site = await sites(coded("zstd", BOMB["zstd"]), ssl=certificate("good"))
    assert (await desk.poll(f"https://127.0.0.1:{site.port}/")).state.reason == Reason.BOMB




# --- credentials ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("userinfo", "sent"), [
    ("ann:s3cret@", "ann:s3cret"), ("ann:s3%40cret%2F@", "ann:s3@cret/"), ("s3cret@", "s3cret:"), (":s3cret@", ":s3cret"),
    ("ann:a@b:s3cret@", "ann:a@b:s3cret")])
async def test_credentials_in_a_url_reach_its_origin_and_neither_log_nor_store(userinfo, sent, desk, sites, store):
    stranger = await sites(ok(FEED))
    site = await sites(one_after_another(ok(FEED), redirect(stranger.url), ok(status="500 No")))
    url = f"http://{userinfo}127.0.0.1:{site.port}/"
    with listening() as heard:
        for _ in range(3):
            feed = await desk.poll(url)
            assert (feed.url, feed.config.url) == (site.url, site.url)
            desk.until(feed.state.next_poll)
    assert feed.state.reason == Reason.HTTP_5XX
    stated = b64encode(sent.encode()).decode()
    assert [f"Authorization: Basic {stated}" in head for head in site.requests] == [True] * 3
    assert "Authorization" not in stranger.requests[0]
    assert not re.search("3(?:@|%40)?cret", heard.written.getvalue())
    stored = b"".join(path.read_bytes() for path in store.path.parent.glob("*.db*"))
    assert not re.search(rb"3(?:@|%40)?cret", stored)
    assert stated.encode() not in stored


@pytest.mark.parametrize("shape", [
    {"headers": {"X-Key": "s3cret"}}, {"auth": {"username": "ann", "password": "s3cret"}}], ids=["a header", "auth"])
async def test_credentials_of_the_configuration_are_not_stored(shape, desk, sites, store):
    site = await sites(ok(FEED))
    await desk.poll(site.url, **shape)
    assert b"s3cret" not in b"".join(path.read_bytes() for path in store.path.parent.glob("*.db*"))


# --- pace: when the server asks for quiet, lies about validators, moves, or goes -----------------------------------

WEEK = timedelta(days=7)
RETRY_AFTER = {
    "0": None, "-1": None, "NaN": None, "1e9": None, "": None, "soon": None, "0x10": None, "99999999": timedelta(days=31),
    "9" * 400: None, "315360000": timedelta(days=31), str(5 * 3600): timedelta(hours=5), "7200.5": timedelta(hours=2, seconds=0.5),
    "Mon, 04 May 2026 17:00:00 GMT": timedelta(hours=5), "Mon, 04 May 2015 17:00:00 GMT": None,
    "Fri, 31 Dec 9999 23:59:59 GMT": timedelta(days=31), "Sun, 31 Feb 2027 00:00:00 GMT": None,
}


@pytest.mark.parametrize(("value", "waits"), RETRY_AFTER.items(), ids=[f"Retry-After {value[:40]!r}" for value in RETRY_AFTER])
async def test_a_server_that_asks_for_quiet_gets_it_within_bounds(value, waits, desk, sites):
    site = await sites(ok(b"", f"Retry-After: {value}", status="503 Busy" if len(value) % 2 else "429 Slow down"))
    feed = await desk.poll(site.url)
    wait = feed.state.next_poll - desk.now
    assert timedelta(hours=1) <= wait <= timedelta(days=31)
    if waits:
        assert wait == waits
    else:
        assert wait < timedelta(hours=2)
    desk.until(feed.state.next_poll - timedelta(seconds=1))
    assert not await desk.due(site.url)


async def test_a_429_storm_never_shortens_the_wait(desk, sites):
    site = await sites(ok(b"", "Retry-After: 0", status="429 Slow down"))
    waits = []
    for _ in range(12):
        feed = await desk.poll(site.url)
        waits.append(feed.state.next_poll - desk.now)
        desk.until(feed.state.next_poll)
    assert len(site.requests) == 12
    assert all(later > earlier * 0.85 for earlier, later in pairwise(waits))    # a tenth of it is chance
    assert max(waits) <= timedelta(hours=24) * 1.1
    assert waits[-1] >= timedelta(hours=24)


async def test_a_public_host_that_asks_for_quiet_gets_it_for_all_of_its_feeds(desks, sites, monkeypatch):
    """A site is public here to everybody but the guard: the kernel has no public address to give."""
    desk = await desks(resolver=Names({"daily.example": ["127.0.0.1"], "post.example": ["127.0.0.1"]}))
    monkeypatch.setattr(desk.opened.fetcher, "_is_private", lambda *_: False)
    site = await sites(ok(FEED), paths={"/a": ok(b"", "Retry-After: 7200", status="429 Slow down")})
    for path in ("b", "a"):
        await desk.poll(f"http://daily.example:{site.port}/{path}")
    other = await desk.poll(f"http://post.example:{site.port}/c")
    desk.wait(minutes=110)
    assert not await desk.due(f"http://daily.example:{site.port}/b")
    assert await desk.due(other.url)
    desk.wait(minutes=11)
    assert await desk.due(f"http://daily.example:{site.port}/b")


async def test_a_304_that_nobody_asked_for_breaks_the_protocol_and_costs_the_validators(desk, sites, fails):
    site = await sites()
    await fails(desk, site, b"HTTP/1.1 304 Not Modified\r\nETag: \"v2\"\r\n\r\n", Reason.PROTOCOL, validators=False)
    feed = await desk.feed(site.url)
    desk.until(feed.state.next_poll)
    site.script = ok(FEED, 'ETag: "v3"')
    await desk.poll(site.url, validators=False)
    assert "If-None-Match" not in site.requests[-1]


async def test_after_a_protocol_fault_the_next_request_is_whole(desk, sites, fails):
    site = await sites()
    await fails(desk, site, b"SSH-2.0-OpenSSH_9.6\r\n", Reason.PROTOCOL)
    desk.until((await desk.feed(site.url)).state.next_poll)
    site.script = ok(FEED)
    feed = await desk.poll(site.url)
    assert (feed.state.reason, feed.state.entries, await desk.waiting()) == (None, 20, 22)
    assert "If-None-Match" not in site.requests[-1]
    assert "If-Modified-Since" not in site.requests[-1]


VALIDATORS = {
    'W/"weak"': True, "no-quotes": True, '"': True, "W/": True, '"a b, c"': True, '"' + "e" * 1000 + '"': True, "ünïcode": True,
    '"' + "e" * 1100 + '"': False, '"' + "e" * 60_000 + '"': False, "": False,
}


@pytest.mark.parametrize(("etag", "kept"), VALIDATORS.items(), ids=[f"an ETag {one[:12]} of {len(one)}" for one in VALIDATORS])
async def test_a_validator_is_sent_back_as_it_came_or_not_at_all(etag, kept, desk, sites):
    site = await sites(ok(FEED, "Expires: 0").replace(b"\r\n", f"\r\nETag: {etag}\r\n".encode(), 1))
    feed = await desk.poll(site.url)
    assert (feed.state.reason, feed.state.etag) == (None, etag if kept else None)
    desk.until(feed.state.next_poll)
    site.script = b"HTTP/1.1 304 Not Modified\r\n\r\n" if kept else ok(FEED)
    feed = await desk.poll(site.url)
    assert (feed.state.reason, feed.state.entries) == (None, 20)
    sent = [line.partition(": ")[2] for line in site.requests[-1].split("\r\n") if line.startswith("If-None-Match")]
    assert sent == ([etag.encode().decode("latin-1")] if kept else [])


async def test_an_etag_that_always_changes_costs_no_parsing(desk, sites, monkeypatch):
    site = await sites(one_after_another(*(ok(FEED, f'ETag: "{n}"') for n in range(4))))
    parsed = []
    monkeypatch.setattr(desk.opened.pipeline.pool, "run", partial(_counted, desk.opened.pipeline.pool.run, parsed), raising=False)
    for n in range(4):
        feed = await desk.poll(site.url)
        assert (feed.state.reason, feed.state.etag, feed.state.entries) == (None, f'"{n}"', 20)
        desk.until(feed.state.next_poll)
    assert len(parsed) == 1


async def _counted(run, calls, *args, **more):
    calls.append(args)
    return await run(*args, **more)


async def test_410_disables_with_notice_and_for_ever(desk, sites, fails):
    site = await sites()
    state = await fails(desk, site, ok(status="410 Gone"), Reason.GONE)
    assert state.disabled == "410 Gone"
    desk.wait(days=400)
    assert not await desk.due(site.url)


@pytest.mark.parametrize("script", [ok(status="404 Not Found"), ok(status="451 No"),
                                    ok(b"", "cf-mitigated: challenge", status="403 No")], ids=["404", "451", "a challenge"])
async def test_a_feed_that_is_missing_for_ten_days_is_asked_once_a_day_and_never_given_up(script, desk, sites):
    site = await sites(script)
    while desk.wait() or desk.now < START + timedelta(days=10):
        feed = await desk.poll(site.url)
        assert feed.state.disabled is None
        desk.until(feed.state.next_poll)
    assert len(site.requests) < 18
    site.script = ok(FEED)
    feed = await desk.poll(site.url)
    assert (feed.state.reason, feed.state.failures, feed.state.entries) == (None, 0, 20)


@pytest.mark.parametrize(("status", "moves"), [(301, True), (308, True), (302, False), (303, False), (307, False)])
async def test_a_feed_moves_after_three_permanent_redirects_that_parse(status, moves, desk, sites):
    target = await sites(ok(FEED))
    site = await sites(redirect(target.url + "new", status))
    for n in range(1, 5):
        feed = await desk.poll(site.url)
        assert (feed.state.reason, feed.state.moved_to) == (None, f"{target.url}new" if moves and n >= 3 else None)
        desk.until(feed.state.next_poll)
    assert len(site.requests) == (3 if moves else 4)


@pytest.mark.parametrize("answer", [ok(b"<html><body>Welcome</body></html>"), ok(status="404 No"), ok(b"{}"), b""],
                         ids=["a page", "404", "other JSON", "silence"])
async def test_a_permanent_redirect_to_what_is_no_feed_never_moves_one(answer, desk, sites):
    target = await sites(answer)
    site = await sites(redirect(target.url, 301))
    for _ in range(5):
        feed = await desk.poll(site.url)
        assert feed.state.reason
        assert (feed.state.moved_to, feed.state.permanent_count) == (None, 0)
        desk.until(feed.state.next_poll)
    assert len(site.requests) == 5


async def test_two_permanent_redirects_and_a_plain_answer_move_nothing(desk, sites):
    target = await sites(ok(FEED))
    moved = redirect(target.url, 301)
    site = await sites(one_after_another(moved, moved, ok(FEED), moved, moved, ok(FEED)))
    for _ in range(6):
        feed = await desk.poll(site.url)
        assert (feed.state.reason, feed.state.moved_to) == (None, None)
        desk.until(feed.state.next_poll)
    assert len(site.requests) == 6


# --- robots.txt -------------------------------------------------------------------------------------------------

def robots(text, *headers, status="200 OK"):
    return ok(text if isinstance(text, bytes) else text.encode(), *headers, status=status)


def hops(count):
    async def script(reader, writer, path):
        at = int(path.rpartition("?")[2] or 0) if "?" in path else 0
        writer.write(redirect(f"/robots.txt?{at + 1}") if at < count else robots("User-agent: *\nDisallow: /"))

    return script


ALLOWED, FORBIDDEN, LATER = "fetched", "given up", "asked again later"
ROBOTS = {
    "500: later (RFC 9309, 2.3.1.4)": (robots("", status="500 No"), LATER),
    "503 with a page that allows all: later": (robots("User-agent: *\nAllow: /", status="503 No"), LATER),
    "silence: later": (silence, LATER),
    "a reset: later": (reset_after(b"HTTP/1.1 200 OK\r\n"), LATER),
    "404: allowed": (robots("User-agent: *\nDisallow: /", status="404 No"), ALLOWED),
    "403: allowed": (robots("", status="403 No"), ALLOWED),
    "429: allowed": (robots("", status="429 No"), ALLOWED),
    "an endless file that forbids at its start": (endless(
        b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /\n", b"# nothing more\n" * 1000), FORBIDDEN),
    "an endless file that forbids beyond 512 KiB": (
        robots(b"#" + b"x" * 100 + b"\n" + b"# and so on\n" * 50_000 + b"User-agent: *\nDisallow: /"), ALLOWED),
    "an endless line": (endless(b"HTTP/1.1 200 OK\r\n\r\nDisallow: /", b"x" * 65536), ALLOWED),
    "an HTML page under 200": (robots("<html><body>User-agent: *<br>Disallow: /</body></html>", "Content-Type: text/html"), ALLOWED),
    "a byte order mark before the rule": (robots("\ufeffUser-agent: *\nDisallow: /"), FORBIDDEN),
    "lines that end in CR alone": (robots("User-agent: *\rDisallow: /\r"), FORBIDDEN),
    "NULs around the rule": (robots("\0\0\nUser-agent: *\nDisallow: /\n\0"), FORBIDDEN),
    "bytes of no encoding": (robots(b"\xff\xfe\xfd\nUser-agent: *\nDisallow: /"), FORBIDDEN),
    "five redirects to a rule": (hops(5), FORBIDDEN),
    "a redirect without end: allowed (RFC 9309, 2.3.1.2)": (redirect("/robots.txt"), ALLOWED),
    "20,000 rules": (robots("User-agent: *\n" + "".join(f"Disallow: /{n}*x*y$\n" for n in range(20_000))), ALLOWED),
    "a rule of stars": (robots("User-agent: *\nDisallow: /" + "*a" * 5000 + "$\n"), ALLOWED),
    "a crawl delay of a billion seconds": (robots("User-agent: *\nCrawl-delay: 1e9"), FORBIDDEN),
    "a crawl delay that is no number": (robots("User-agent: *\nCrawl-delay: nan\nAllow: /"), ALLOWED),
    "an infinite crawl delay": (robots("User-agent: *\nCrawl-delay: inf\nAllow: /"), FORBIDDEN),
    "a negative crawl delay": (robots("User-agent: *\nCrawl-delay: -5\nAllow: /"), ALLOWED),
    "a bomb, of which 512 KiB are unpacked": (coded("gzip", BOMB["gzip"]), ALLOWED),
    "a rule for us by name": (robots("User-agent: Firsthand/9\nDisallow: /\n\nUser-agent: *\nAllow: /"), FORBIDDEN),
}


@pytest.mark.parametrize(("script", "verdict"), ROBOTS.values(), ids=ROBOTS)
async def test_robots_txt(script, verdict, desks, sites):
    desk, site = await desks(timeout=0.5 if script is silence else 5), await sites(ok(status="404 Not Found"))
    site.paths |= {"/feed": ok(rss(item(f"{site.url}1"))), "/1": ok(page("Ferry late", "The ferry is late. " * 30)),
                   "/robots.txt": script}
    site.paths |= {f"/robots.txt?{n}": script for n in range(9)}
    await desk.poll(site.url + "feed")
    (sighting,) = await desk.sightings()
    with listening() as heard:
        await desk.opened.pipeline.collect(sighting)
    assert not [record for record in heard.records if record.exc_info]
    failed = heard.of("page-failed")
    found = ALLOWED if not failed else LATER if failed[0].get("retry") else FORBIDDEN
    assert found == verdict, failed
    assert ("/1" in site.asked) == (verdict == ALLOWED)
