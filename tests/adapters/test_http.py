"""The fetcher against servers that misbehave: each row says what a server does and what must come of it."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import brotli
import pytest
import zstandard
from aiohttp.abc import AbstractResolver

from crawler.adapters.http import HttpFetcher
from crawler.errors import Reason
from crawler.ports import Failed, Fetched, Refused, Request, Unchanged
from crawler.settings import Crawl, MaxBytes, PerHost

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
EAGER = PerHost(concurrency=8, delay=timedelta(0))
AGENT = "Firsthand/test (+https://firsthand.example/bot)"
PAGE = b"<html><body><p>The council met on Tuesday and voted for the new tram line.</p></body></html>"


class Site:
    """A server on loopback that plays a script: bytes to send, or a coroutine function (reader, writer, path)."""

    def __init__(self):
        self.requests, self.connections, self.script, self.open = [], 0, b"", set()

    async def start(self, **options):
        self.host = options.pop("host", "127.0.0.1")
        self.server = await asyncio.start_server(self.serve, self.host, 0, **options)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self):
        return f"http://{self.host}:{self.port}/"

    async def serve(self, reader, writer):
        self.connections += 1
        self.open.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError, ssl.SSLError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.decode("latin-1"))
                script = self.script
                if callable(script):
                    done = await script(reader, writer, head.split()[1].decode())
                else:
                    writer.write(script)
                    done = None
                if done != "again":
                    break
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            writer.close()
            await writer.wait_closed()
        self.open.discard(asyncio.current_task())

    async def stop(self):
        self.server.close()
        for task in list(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)


@pytest.fixture
async def sites():
    made = []

    async def make(script=b"", **options):
        site = await Site().start(**options)
        site.script = script
        made.append(site)
        return site

    yield make
    for site in made:
        await site.stop()


@pytest.fixture
async def fetchers():
    made = []

    def make(*, timeout=5.0, per_host=EAGER, networks=LOOPBACK, caps=None, **options):
        named = {key: options.pop(key) for key in ("resolver", "from_address", "tls") if key in options}
        crawl = Crawl(timeout=timedelta(seconds=timeout), per_host=per_host, private_networks=networks,
                      max_bytes=caps or MaxBytes(feed=4 * 1024**2, page=2 * 1024**2), **options)
        made.append(HttpFetcher(crawl, AGENT, lambda: NOW, **named))
        return made[-1]

    yield make
    for fetcher in made:
        await fetcher.close()


class Names(AbstractResolver):
    """A resolver that answers from a table: a list of addresses, an error, or a coroutine function."""

    def __init__(self, table):
        self.table, self.asked = table, []

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        self.asked.append(host)
        found = self.table[host]
        if callable(found):
            found = await found()
        if isinstance(found, Exception):
            raise found
        return [{"hostname": host, "host": address, "port": port, "proto": 0, "flags": 0,
                 "family": socket.AF_INET6 if ":" in address else socket.AF_INET} for address in found]

    async def close(self):
        pass


def ok(body=PAGE, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location, status=302):
    return f"HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode()


def endless(head, piece):
    async def script(reader, writer, path):
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()

    return script


def drip(head):
    async def script(reader, writer, path):
        writer.write(head)
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    return script


async def silence(reader, writer, path):
    await asyncio.Event().wait()


def reset_after(data):
    async def script(reader, writer, path):
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.02)  # else the reset overtakes what was written
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return script


def in_pieces(*pieces):
    async def script(reader, writer, path):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    return script


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


LONG = PAGE * 200
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

BAD = {
    "a never-ending chunked body fails at the cap": (endless(CHUNKED, b"8000\r\n" + b"x" * 0x8000 + b"\r\n"), Reason.TOO_LARGE),
    "a never-ending body without a length fails at the cap":
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), Reason.TOO_LARGE),
    "endless empty gzip members are a bomb that never explodes":
        (endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 500), Reason.BOMB),
    "endless empty zstd frames are one too":
        (endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n", zstandard.compress(b"") * 500), Reason.BOMB),
    "endless empty deflate blocks fail at the cap":
        (endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n", b"\x00\x00\x00\xff\xff" * 5000), Reason.TOO_LARGE),
    "a body that drips runs into the time-out": (drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), Reason.TIMEOUT),
    "a header that drips runs into the time-out": (drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), Reason.TIMEOUT),
    "a server that accepts and keeps silent runs into the time-out": (silence, Reason.TIMEOUT),
    "a gzip label on plain text is an encoding error": (ok(PAGE, "Content-Encoding: gzip"), Reason.ENCODING),
    "deflate under a gzip label is an encoding error":
        (ok(zlib.compress(PAGE), "Content-Encoding: gzip"), Reason.ENCODING),
    "gzip twice is an encoding error":
        (ok(gzip.compress(gzip.compress(PAGE)), "Content-Encoding: gzip, gzip"), Reason.ENCODING),
    "gzip twice in two headers is an encoding error":
        (ok(gzip.compress(gzip.compress(PAGE)), "Content-Encoding: gzip", "Content-Encoding: gzip"), Reason.ENCODING),
    "an unknown coding is an encoding error": (ok(PAGE, "Content-Encoding: rot13"), Reason.ENCODING),
    "a cut gzip stream of the exact length is truncated":
        (ok(gzip.compress(LONG)[:-20], "Content-Encoding: gzip"), Reason.TRUNCATED),
    "a gzip stream without its checksum is truncated":
        (ok(gzip.compress(LONG)[:-4], "Content-Encoding: gzip"), Reason.TRUNCATED),
    "a cut brotli stream is truncated": (ok(brotli.compress(LONG)[:-5], "Content-Encoding: br"), Reason.TRUNCATED),
    "a cut zstd stream is truncated": (ok(zstandard.compress(LONG)[:-5], "Content-Encoding: zstd"), Reason.TRUNCATED),
    "a cut deflate stream is truncated": (ok(zlib.compress(LONG)[:-5], "Content-Encoding: deflate"), Reason.TRUNCATED),
    "a promised gigabyte that ends early breaks the protocol":
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "bytes beyond the length break the protocol":
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "bytes beyond the length of a last answer break the protocol":
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "bytes beyond the length, in the packet after the headers, break the protocol":
        (in_pieces(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", PAGE), Reason.PROTOCOL),
    "a second answer that nobody asked for breaks the protocol": (ok() + ok(), Reason.PROTOCOL),
    "a negative length breaks the protocol": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "a length of 40 digits breaks the protocol":
        (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "two lengths break the protocol":
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 93\r\n\r\n" + PAGE, Reason.PROTOCOL),
    "length and chunks together break the protocol":
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", Reason.PROTOCOL),
    "chunks and length together break the protocol":
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", Reason.PROTOCOL),
    "a chunk size that is no number breaks the protocol": (CHUNKED + b"5\r\nabcde\r\nzz\r\n", Reason.PROTOCOL),
    "a bad chunk size in a later packet breaks the protocol":
        (in_pieces(CHUNKED + b"5\r\nabcde\r\n", b"zz\r\nmore"), Reason.PROTOCOL),
    "chunks without an end break the protocol": (CHUNKED + b"5\r\nabcde\r\n", Reason.PROTOCOL),
    "an answer that is no HTTP breaks the protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", Reason.PROTOCOL),
    "a switch of protocols breaks the protocol":
        (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", Reason.PROTOCOL),
    "status 999 breaks the protocol": (b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", Reason.PROTOCOL),
    "a reset in the body is a network failure":
        (reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + PAGE), Reason.NETWORK),
    "a reset in a chunked body is a network failure": (reset_after(CHUNKED + b"5\r\nabcde\r\n"), Reason.NETWORK),
    "a reset before the headers is a network failure": (reset_after(b""), Reason.NETWORK),
    "a connection closed before the headers is a network failure": (b"", Reason.NETWORK),
    "a header of 70 KB is too much":
        (b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n", Reason.HEADERS),
    "ten headers of 10 KB are too much": (ok(PAGE, *(f"X-{n}: {'a' * 10_000}" for n in range(10))), Reason.HEADERS),
    "200 headers are too many": (ok(PAGE, *(f"X-{n}: a" for n in range(200))), Reason.HEADERS),
    "endless headers are too many": (endless(b"HTTP/1.1 200 OK\r\n", b"X-More: a\r\n" * 100), Reason.HEADERS),
    "one endless header is too long": (endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"a" * 4096), Reason.HEADERS),
    "a NUL in a header is refused": (ok(PAGE, "X-Nul: a\0b"), Reason.HEADERS),
    "100,000 interim answers are too many":
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100_000 + ok(), Reason.HEADERS),
    "endless interim answers are too many":
        (endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 10), Reason.HEADERS),
    "a redirect to itself has no end": (redirect("/"), Reason.REDIRECTS),
    "a redirect without a Location leads nowhere": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", Reason.REDIRECT),
    "several choices are no answer": (b"HTTP/1.1 300 Choices\r\nContent-Length: 0\r\n\r\n", Reason.REDIRECT),
    **{f"a redirect to {place!r} leads nowhere": (redirect(place), Reason.REDIRECT) for place in (
        "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "data:text/html,x", "javascript:alert(1)",
        "ws://127.0.0.1/", "unix:/run/x.sock", "http://[", "http://", "http:///path", "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/", "http://a\\@127.0.0.1/", "mailto:a@b.example")},
    "a NUL in a Location leads nowhere": (redirect("/a\0b"), Reason.REDIRECT),
    "an escaped NUL in a Location leads nowhere": (redirect("/a%00b"), Reason.REDIRECT),
    "a control character in a Location leads nowhere": (redirect("/a\x01b"), Reason.REDIRECT),
}


@pytest.mark.parametrize(("script", "reason"), BAD.values(), ids=BAD)
async def test_bad_answer(script, reason, sites, fetchers):
    site = await sites(script)
    outcome = await fetchers(timeout=0.4 if reason is Reason.TIMEOUT else 5).get(Request(site.url))
    assert isinstance(outcome, Failed)
    assert (outcome.reason, len(site.requests)) == (reason, 1), outcome
    assert outcome.detail
    assert outcome.detail.isprintable()
    assert outcome.at == NOW


GOOD = {
    "plain": ok(),
    "no length, read to the end": b"HTTP/1.1 200 OK\r\n\r\n" + PAGE,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + PAGE,
    "chunked": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(PAGE), PAGE),
    "gzip": ok(gzip.compress(PAGE), "Content-Encoding: gzip"),
    "x-gzip": ok(gzip.compress(PAGE), "Content-Encoding: x-gzip"),
    "GZIP": ok(gzip.compress(PAGE), "Content-Encoding: GZIP"),
    "identity": ok(PAGE, "Content-Encoding: identity"),
    "gzip in two members": ok(gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:]), "Content-Encoding: gzip"),
    "deflate as zlib": ok(zlib.compress(PAGE), "Content-Encoding: deflate"),
    "deflate, raw": ok(raw_deflate(PAGE), "Content-Encoding: deflate"),
    "brotli": ok(brotli.compress(PAGE), "Content-Encoding: br"),
    "zstd": ok(zstandard.compress(PAGE), "Content-Encoding: zstd"),
    "a few interim answers": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + ok(),
    "headers of 60 KB": ok(PAGE, *(f"X-{n}: {'a' * 6_000}" for n in range(10))),
}


@pytest.mark.parametrize("script", GOOD.values(), ids=GOOD)
async def test_good_answer(script, sites, fetchers):
    site = await sites(script)
    outcome = await fetchers().get(Request(site.url))
    assert isinstance(outcome, Fetched), outcome
    assert (outcome.body, outcome.status, outcome.final_url, outcome.at) == (PAGE, 200, site.url, NOW)
    assert outcome.private
    assert outcome.permanent_url is None


# --- what is asked ----------------------------------------------------------------------------------------------

def header_of(head, name):
    found = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith(name.lower() + ":")]
    return found[0] if found else None


async def test_a_request_says_who_asks_and_nothing_about_anybody_else(sites, fetchers):
    site = await sites(ok(PAGE, "Set-Cookie: id=1; Path=/"))
    fetcher = fetchers(from_address="newsdesk@firsthand.example", resolver=Names({"daily.example": ["127.0.0.1"]}))
    for _ in range(2):
        await fetcher.get(Request(f"http://daily.example:{site.port}/", kind="feed"))
    assert len(site.requests) == 2
    for head in site.requests:
        names = [line.partition(":")[0].lower() for line in head.split("\r\n")[1:] if line]
        assert sorted(names) == ["accept", "accept-encoding", "connection", "from", "host", "user-agent"]
        assert header_of(head, "User-Agent") == AGENT
        assert header_of(head, "From") == "newsdesk@firsthand.example"
        assert header_of(head, "Accept-Encoding") == "gzip, deflate, br, zstd"
        assert "rss+xml" in header_of(head, "Accept")


async def test_validators_are_sent_as_they_were_stored(sites, fetchers):
    site = await sites(b"HTTP/1.1 304 Not Modified\r\nETag: W/\"a b\r\n\r\n")
    outcome = await fetchers().get(Request(site.url, etag='W/"a b', last_modified="yesterday, about noon"))
    assert header_of(site.requests[0], "If-None-Match") == 'W/"a b'
    assert header_of(site.requests[0], "If-Modified-Since") == "yesterday, about noon"
    assert outcome == Unchanged((("etag", 'W/"a b'),), NOW)


@pytest.mark.parametrize("etag", ["a\r\nX-Injected: 1", "\ud800", "a\0b"])
async def test_a_validator_that_no_header_can_hold_is_not_sent(etag, sites, fetchers):
    site = await sites(ok())
    assert isinstance(await fetchers().get(Request(site.url, etag=etag)), Fetched)
    assert header_of(site.requests[0], "If-None-Match") is None
    assert "Injected" not in site.requests[0]


async def test_environment_proxies_are_not_used(sites, fetchers, monkeypatch):
    site, proxy = await sites(ok()), await sites(ok())
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    assert isinstance(await fetchers().get(Request(site.url)), Fetched)
    assert proxy.connections == 0


@pytest.mark.parametrize("path", ["/a%2Fb?q=%7e%2c&sig=A+B%2B==", "/caf%C3%A9", "/x;jsessionid=1?a=b|c", "/?"])
async def test_an_escaped_url_is_sent_as_it_is(path, sites, fetchers):
    site = await sites(ok())
    await fetchers().get(Request(site.url[:-1] + path))
    assert site.requests[0].split()[1] == path.replace("|", "%7C").removesuffix("?")


async def test_a_url_in_other_scripts_is_escaped(sites, fetchers):
    site = await sites(ok())
    await fetchers().get(Request(f"http://127.0.0.1:{site.port}/новости/a b?q=é#part"))
    assert site.requests[0].split()[1] == "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/a%20b?q=%C3%A9"


@pytest.mark.parametrize("url", ["", "news.example", "ftp://a.example/", "http://", "http://[::1", "http://a.example:99999/",
                                 "javascript:alert(1)", "http://a\nb.example/", "http://a.example/" + "x" * 9000, "\0"])
async def test_what_is_no_url_fails_in_words(url, fetchers):
    outcome = await fetchers().get(Request(url))
    assert isinstance(outcome, Failed)
    assert outcome.reason in (Reason.PROTOCOL, Reason.DNS)
    assert outcome.detail.isprintable()


# --- credentials ------------------------------------------------------------------------------------------------

async def test_credentials_in_a_url_go_to_its_origin_and_into_no_text(sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers().get(Request(f"http://ann:se%2Fcret@127.0.0.1:{site.port}/"))
    assert header_of(site.requests[0], "Authorization") == "Basic YW5uOnNlL2NyZXQ="
    assert "cret" not in site.requests[0].split("\r\n")[0]
    assert outcome.final_url == site.url


@pytest.mark.parametrize(("request_", "secret"), [
    (Request("http://ann:secret@HOST/"), "Authorization"), (Request("http://HOST/", auth=("ann", "secret")), "Authorization"),
    (Request("http://HOST/", headers=(("X-Api-Key", "secret"),)), "X-Api-Key"),
    (Request("http://HOST/", headers=(("Cookie", "secret"),)), "Cookie")], ids=["url", "auth", "header", "cookie"])
async def test_credentials_are_sent_to_the_first_origin_alone(request_, secret, sites, fetchers):
    stranger = await sites()
    site = await sites()
    home = f"127.0.0.1:{site.port}"

    async def answer(reader, writer, path):
        writer.write(ok() if path == "/back" else redirect("/second" if path == "/" else stranger.url))

    site.script, stranger.script = answer, redirect(f"http://{home}/back")
    outcome = await fetchers().get(Request(request_.url.replace("HOST", home), auth=request_.auth, headers=request_.headers))
    assert isinstance(outcome, Fetched)
    assert [header_of(head, secret) is not None for head in site.requests] == [True, True, False]
    assert header_of(stranger.requests[0], secret) is None


async def test_no_failure_repeats_credentials(fetchers):
    names = Names({"gone.example": OSError("no http://ann:secret@gone.example/ here\n\x1b[31m")})
    outcome = await fetchers(resolver=names).get(Request("http://ann:secret@gone.example/"))
    assert outcome.reason is Reason.DNS
    assert "secret" not in outcome.detail
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("headers", [(("X-Key", "a\r\nb"),), (("X\r\nY", "secret"),)])
async def test_a_configured_header_that_cannot_be_sent_is_named_without_its_value(headers, sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers().get(Request(site.url, headers=headers))
    assert isinstance(outcome, Failed)
    assert "secret" not in outcome.detail
    assert site.requests == []


# --- what servers say -------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("status", "header", "reason"), [
    (429, "Retry-After: 120", Reason.RATE_LIMITED), (410, "X-A: b", Reason.GONE), (404, "X-A: b", Reason.HTTP_4XX),
    (451, "X-A: b", Reason.HTTP_4XX), (403, "CF-Mitigated: challenge", Reason.CHALLENGE), (503, "Retry-After: 5", Reason.HTTP_5XX),
    (503, "cf-mitigated: challenge", Reason.CHALLENGE), (599, "X-A: b", Reason.HTTP_5XX), (500, "X-A: b", Reason.HTTP_5XX)])
async def test_a_refusal_carries_its_headers_and_not_its_body(status, header, reason, sites, fetchers):
    site = await sites(ok(b"x" * 100_000, header, "Date: Mon, 04 May 2026 12:00:00 GMT", status=f"{status} \x1b[31mNo"))
    outcome = await fetchers().get(Request(site.url))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status, outcome.private, outcome.at) == (reason, status, True, NOW)
    name, _, value = header.partition(": ")
    assert (name.lower(), value) in outcome.headers
    assert ("date", "Mon, 04 May 2026 12:00:00 GMT") in outcome.headers
    assert outcome.detail.isprintable()
    assert outcome.detail.startswith(f"HTTP {status}")


async def test_headers_are_text_whatever_their_bytes(sites, fetchers):
    site = await sites(ok(PAGE, "X-Two: 1", "x-TWO: 2", "X-Latin: caf\xe9", "X-Ctl: a\x01b").replace(b"X-Two: 1", "X-Two: ü".encode()))
    outcome = await fetchers().get(Request(site.url))
    assert [pair for pair in outcome.headers if pair[0] != "content-length"] == [
        ("x-two", "ü"), ("x-two", "2"), ("x-latin", "café"), ("x-ctl", "a b")]


async def test_an_empty_answer_is_an_answer(sites, fetchers):
    site = await sites(b"HTTP/1.1 204 No Content\r\n\r\n")
    outcome = await fetchers().get(Request(site.url))
    assert (outcome.status, outcome.body, outcome.private) == (204, b"", True)


async def test_robots_are_cut_and_feeds_and_pages_have_caps_of_their_own(sites, fetchers):
    site = await sites(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"# nothing is disallowed\n" * 1000))
    fetcher = fetchers(caps=MaxBytes(feed=300_000, page=200_000))
    robots = await fetcher.get(Request(site.url, kind="robots"))
    assert len(robots.body) == 512 * 1024
    for kind, cap in (("feed", 300_000), ("page", 200_000)):
        outcome = await fetcher.get(Request(site.url, kind=kind))
        assert (outcome.reason, outcome.detail) == (Reason.TOO_LARGE, f"more than {cap} bytes")


async def test_a_bomb_of_500_mb_takes_a_few_mb(sites, fetchers):
    member = gzip.compress(bytes(50 * 1024**2), 1)

    async def script(reader, writer, path):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(member) * 10))
        for _ in range(10):
            writer.write(member)
            await writer.drain()

    site = await sites(script)
    tracemalloc.start()
    try:
        outcome = await fetchers().get(Request(site.url, kind="feed"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert outcome.reason is Reason.BOMB
    assert peak < 16 * 1024**2


# --- redirects --------------------------------------------------------------------------------------------------

def hops(*statuses):
    """/0 -> /1 -> … with these statuses, then a page."""

    async def script(reader, writer, path):
        at = int(path[1:] or 0)
        writer.write(redirect(f"/{at + 1}", statuses[at]) if at < len(statuses) else ok())

    return script


@pytest.mark.parametrize(("statuses", "permanent"), [
    ((301,), True), ((308,), True), ((301, 308, 301), True), ((302,), False), ((303,), False), ((307,), False),
    ((301, 302), False), ((302, 301), False), ((), False), ((301,) * 8, True)])
async def test_a_permanent_url_needs_permanent_hops_alone(statuses, permanent, sites, fetchers):
    site = await sites(hops(*statuses))
    outcome = await fetchers().get(Request(site.url))
    final = site.url + str(len(statuses) or "")
    assert (outcome.body, outcome.url, outcome.final_url) == (PAGE, site.url, final)
    assert outcome.permanent_url == (final if permanent else None)


@pytest.mark.parametrize("count", [9, 11])
async def test_nine_redirects_are_too_many(count, sites, fetchers):
    site = await sites(hops(*[301] * count))
    outcome = await fetchers().get(Request(site.url))
    assert outcome.reason is Reason.REDIRECTS
    assert len(site.requests) == 9


async def test_two_pages_that_point_at_each_other_have_no_end(sites, fetchers):
    async def script(reader, writer, path):
        writer.write(redirect("/b" if path == "/a" else "/a"))

    site = await sites(script)
    outcome = await fetchers().get(Request(site.url + "a"))
    assert (outcome.reason, len(site.requests)) == (Reason.REDIRECTS, 2)


@pytest.mark.parametrize(("location", "leads_to"), [
    ("/b", "/b"), ("b", "/a/b"), ("../b", "/b"), ("?q=1", "/a/x?q=1"), ("//127.0.0.1:PORT/c", "/c"), (" /b ", "/b"),
    ("/b#part", "/b"), ("http://ann:pw@127.0.0.1:PORT/d", "/d"), ("/caf\xe9", "/caf%C3%A9"),
    ("HTTP://127.0.0.1:PORT/e", "/e"), ("/a b", "/a%20b")])
async def test_a_location_is_resolved(location, leads_to, sites, fetchers):
    async def script(reader, writer, path):
        writer.write(redirect(location.replace("PORT", str(site.port))) if path == "/a/x" else ok())

    site = await sites(script)
    outcome = await fetchers().get(Request(site.url + "a/x"))
    assert outcome.final_url == site.url[:-1] + leads_to
    assert header_of(site.requests[1], "Authorization") is None


async def test_the_redirects_share_one_time_limit(sites, fetchers):
    async def script(reader, writer, path):
        await asyncio.sleep(0.1)
        writer.write(redirect(f"/{int(path[1:] or 0) + 1}"))

    site = await sites(script)
    outcome = await fetchers(timeout=0.35).get(Request(site.url))
    assert outcome.reason is Reason.TIMEOUT
    assert len(site.requests) <= 4


# --- addresses --------------------------------------------------------------------------------------------------

FORMS = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
         "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "169.254.169.254", "10.0.0.1", "100.64.0.1", "0.0.0.0", "0",
         "192.168.1.1", "127.0.0.1.", "１２７.0.0.1", "127。0。0。1", "[fe80::1]", "[::]"]


@pytest.mark.parametrize("host", FORMS)
async def test_a_private_address_is_refused_in_every_notation(host, sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers(networks=()).get(Request(f"http://{host}:{site.port}/"))
    assert (outcome.reason, site.connections) == (Reason.PRIVATE, 0), outcome


@pytest.mark.parametrize("host", FORMS)
async def test_a_redirect_to_a_private_address_is_refused(host, sites, fetchers):
    inside = await sites(ok())
    site = await sites(redirect(f"http://{host}:{inside.port}/"), host="127.0.0.2")
    outcome = await fetchers(networks=(ip_network("127.0.0.2/32"),)).get(Request(site.url))
    assert (outcome.reason, inside.connections, len(site.requests)) == (Reason.PRIVATE, 0, 1), outcome


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["fe80::1"]])
async def test_a_name_that_leads_inside_is_refused(addresses, sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers(networks=(), resolver=Names({"inside.example": addresses})).get(
        Request(f"http://inside.example:{site.port}/"))
    assert (outcome.reason, site.connections) == (Reason.PRIVATE, 0), outcome


async def test_a_name_that_changes_its_mind_is_refused(sites, fetchers):
    """The socket is checked as well: whatever the resolver said, and whoever said it."""
    site = await sites(ok())
    fetcher = fetchers(networks=())
    fetcher._wire._session.connector._resolver = Names({"rebinding.example": ["127.0.0.1"]})  # past the guarded one
    outcome = await fetcher.get(Request(f"http://rebinding.example:{site.port}/"))
    assert (outcome.reason, site.connections) == (Reason.PRIVATE, 0)


async def test_a_listed_network_is_reached_by_name_and_said_to_be_private(sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers(resolver=Names({"bridge.example": ["127.0.0.1"]})).get(
        Request(f"http://bridge.example:{site.port}/"))
    assert (outcome.body, outcome.private) == (PAGE, True)


# --- names ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("answer", [socket.gaierror(-2, "Name or service not known"), socket.gaierror(-3, "Temporary failure"),
                                    [], UnicodeError("label too long")], ids=["nxdomain", "servfail", "empty", "label"])
async def test_a_name_without_an_address_is_a_failure_of_the_lookup(answer, fetchers):
    outcome = await fetchers(resolver=Names({"gone.example": answer})).get(Request("http://gone.example/"))
    assert outcome.reason is Reason.DNS


async def test_a_lookup_that_hangs_is_a_failure_of_the_lookup_and_delays_nobody(sites, fetchers):
    site = await sites(ok())
    fetcher = fetchers(timeout=0.3, resolver=Names({"slow.example": asyncio.Event().wait, "good.example": ["127.0.0.1"]}))
    slow = [asyncio.create_task(fetcher.get(Request(f"http://slow.example/{n}"))) for n in range(8)]
    outcome = await fetcher.get(Request(f"http://good.example:{site.port}/"))
    assert isinstance(outcome, Fetched)
    assert not any(task.done() for task in slow)
    assert {(await task).reason for task in slow} == {Reason.DNS}


@pytest.mark.parametrize("addresses", [["::1", "127.0.0.1"], ["127.0.0.3", "127.0.0.1"],
                                       [f"127.1.0.{n}" for n in range(99)] + ["127.0.0.1"]], ids=["aaaa", "two", "hundred"])
async def test_the_address_that_answers_is_enough(addresses, sites, fetchers):
    site = await sites(ok())
    outcome = await fetchers(resolver=Names({"many.example": addresses})).get(Request(f"http://many.example:{site.port}/"))
    assert isinstance(outcome, Fetched), outcome
    assert len(site.requests) == 1


async def test_an_address_that_refuses_is_a_network_failure_tried_once(fetchers, unused_tcp_port):
    outcome = await fetchers().get(Request(f"http://127.0.0.1:{unused_tcp_port}/"))
    assert outcome.reason is Reason.NETWORK


async def test_addresses_that_refuse_are_tried_once_each(fetchers, unused_tcp_port, monkeypatch):
    addresses = [f"127.1.0.{n}" for n in range(1, 13)]
    fetcher, tried = fetchers(resolver=Names({"many.example": addresses})), []
    check = fetcher._guard.check
    monkeypatch.setattr(fetcher._guard, "check", lambda host: (tried.append(host), check(host)))
    outcome = await fetcher.get(Request(f"http://many.example:{unused_tcp_port}/"))
    assert outcome.reason is Reason.NETWORK
    assert sorted(tried) == sorted(addresses)


async def test_a_black_hole_runs_into_the_time_out(fetchers):
    """A listener whose queue is full: the kernel drops the SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        outcome = await fetchers(timeout=0.3).get(Request(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        for filler in fillers:
            filler.close()
    assert (outcome.reason, outcome.detail) == (Reason.TIMEOUT, "no connection in time")


async def test_ipv6_alone_is_enough(sites, fetchers):
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        site = await sites(ok(), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    for host in ("[::1]", "six.example"):
        outcome = await fetchers(resolver=Names({"six.example": ["::1"]})).get(Request(f"http://{host}:{site.port}/"))
        assert (outcome.body, outcome.private) == (PAGE, True)


# --- proxy ------------------------------------------------------------------------------------------------------

async def test_a_proxy_is_asked_for_everything_by_name(sites, fetchers):
    proxy = await sites(ok())
    fetcher = fetchers(networks=(), proxy=proxy.url, resolver=Names({}))
    outcome = await fetcher.get(Request("http://daily.example/feed?x=1"))
    assert (outcome.body, outcome.private, outcome.final_url) == (PAGE, False, "http://daily.example/feed?x=1")
    assert proxy.requests[0].split("\r\n")[0] == "GET http://daily.example/feed?x=1 HTTP/1.1"
    assert header_of(proxy.requests[0], "Host") == "daily.example"


@pytest.mark.parametrize("host", FORMS)
async def test_a_proxy_is_not_asked_for_private_addresses(host, sites, fetchers):
    proxy = await sites(ok())
    outcome = await fetchers(networks=(), proxy=proxy.url).get(Request(f"http://{host}/"))
    assert (outcome.reason, proxy.connections) == (Reason.PRIVATE, 0)


async def test_a_listed_address_is_asked_of_the_proxy_and_said_to_be_private(sites, fetchers):
    proxy = await sites(ok())
    outcome = await fetchers(networks=(ip_network("10.0.0.0/8"),), proxy=proxy.url).get(Request("http://10.1.2.3/"))
    assert outcome.private


async def test_a_redirect_through_a_proxy_to_a_private_address_is_refused(sites, fetchers):
    proxy = await sites(redirect("http://169.254.169.254/latest/meta-data"))
    outcome = await fetchers(networks=(), proxy=proxy.url).get(Request("http://daily.example/"))
    assert (outcome.reason, len(proxy.requests)) == (Reason.PRIVATE, 1)


async def test_a_proxy_that_refuses_a_tunnel_is_a_network_failure(sites, fetchers):
    proxy = await sites(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    outcome = await fetchers(networks=(), proxy=proxy.url).get(Request("https://daily.example/"))
    assert outcome.reason is Reason.NETWORK
    assert proxy.requests[0].startswith("CONNECT daily.example:443")


# --- turns ------------------------------------------------------------------------------------------------------

async def test_a_cancelled_request_gives_its_turn_back(sites, fetchers):
    site = await sites(silence)
    fetcher = fetchers(per_host=PerHost(concurrency=1, delay=timedelta(0)), concurrency=1)
    task = asyncio.create_task(fetcher.get(Request(site.url)))
    while not site.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    site.script = ok()
    assert isinstance(await fetcher.get(Request(site.url)), Fetched)


async def test_each_hop_of_a_redirect_keeps_the_delay(sites, fetchers):
    starts = []

    async def script(reader, writer, path):
        starts.append(asyncio.get_running_loop().time())
        writer.write(redirect("/1") if path == "/" else ok())

    site = await sites(script)
    fetcher = fetchers(per_host=PerHost(concurrency=4, delay=timedelta(milliseconds=50)))
    await asyncio.gather(fetcher.get(Request(site.url)), fetcher.get(Request(site.url)))
    assert len(starts) == 4
    # The requests start 50 ms apart; what a request takes to arrive varies by a little.
    assert starts[-1] - starts[0] > 0.14


async def test_a_crash_of_our_own_is_a_failure_too(sites, fetchers):
    site = await sites(ok())
    fetcher = fetchers()
    fetcher._limits = {}
    outcome = await fetcher.get(Request(site.url))
    assert (outcome.reason, outcome.detail) == (Reason.NETWORK, "KeyError: 'page'")
