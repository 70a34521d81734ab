"""The fetcher against servers that misbehave: each row says what a server does and what must come of it."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import brotli
import pytest
import zstandard
from aiohttp.abc import AbstractResolver

from crawler.adapters.http import HttpFetcher
from crawler.errors import Reason
from crawler.ports import Failed, Fetched, Request
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
        self.server = await asyncio.start_server(self.serve, options.pop("host", "127.0.0.1"), 0, **options)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

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
    return f"HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode("latin-1")


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
    "endless empty gzip members yield nothing and fail at the cap":
        (endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 3000), Reason.TOO_LARGE),
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
