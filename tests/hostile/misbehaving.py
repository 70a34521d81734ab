"""Servers on loopback that misbehave, in a thread of their own: what they do never holds the loop under test."""

import asyncio
import contextlib
import io
import logging
import socket
import ssl
import struct
import threading
import zlib
from contextlib import contextmanager
from datetime import UTC, datetime

from aiohttp.abc import AbstractResolver

from crawler import log

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Streets:
    """The thread in which all sites of the session live."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="misbehaving", daemon=True)
        self.thread.start()

    async def run(self, coroutine):
        """Run a coroutine over there, and wait for it here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Site:
    """A server that plays scripts: bytes to send, or a coroutine function (reader, writer, path).

    `paths` maps a path to its script; any other is answered by `script`. `requests` are the heads it was sent.
    """

    def __init__(self, script=b"", paths=None):
        self.script, self.paths = script, dict(paths or {})
        self.requests, self.connections, self.open = [], 0, set()

    async def start(self, host="127.0.0.1", **options):
        self.host = host
        self.server = await asyncio.start_server(self.serve, host, 0, **options)
        self.port = self.server.sockets[0].getsockname()[1]

    @property
    def url(self):
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}/"

    @property
    def asked(self):
        """The paths that were requested, in order."""
        return [head.split()[1] for head in self.requests]

    async def serve(self, reader, writer):
        self.connections += 1
        self.open.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            path = head.split()[1]
            script = self.paths.get(path, self.script)
            if callable(script):
                await script(reader, writer, path)
            else:
                writer.write(script)
                await writer.drain()
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError, asyncio.CancelledError):
            writer.close()
            await writer.wait_closed()
        self.open.discard(asyncio.current_task())

    async def stop(self):
        self.server.close()
        for task in list(self.open):
            task.cancel()
        await asyncio.gather(*self.open, return_exceptions=True)


class Names(AbstractResolver):
    """A resolver that answers from a table: a list of addresses, an error, or a coroutine function."""

    def __init__(self, table):
        self.table = table

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        found = self.table[host]
        if callable(found):
            found = await found()
        if isinstance(found, Exception):
            raise found
        return [{"hostname": host, "host": address, "port": port, "proto": 0, "flags": 0,
                 "family": socket.AF_INET6 if ":" in address else socket.AF_INET} for address in found]

    async def close(self):
        pass


class Heard(logging.Handler):
    """The events of the product, as they are, and as the lines that a person reads."""

    def __init__(self):
        super().__init__()
        self.records, self.written = [], io.StringIO()
        self._text = log._Text(tracebacks=True)

    def emit(self, record):
        self.records.append(record)
        self.written.write(self._text.format(record) + "\n")

    @property
    def names(self):
        return [record.getMessage() for record in self.records]

    def of(self, name):
        """The fields of the events of one name."""
        return [record.fields for record in self.records if record.getMessage() == name]


@contextmanager
def listening():
    heard, logger = Heard(), logging.getLogger("crawler")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(heard)
    try:
        yield heard
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)


# --- scripts ----------------------------------------------------------------------------------------------------

def ok(body=b"", *headers, status="200 OK"):
    """A whole answer of the stated length."""
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


def drip(head, piece=b"x"):
    async def script(reader, writer, path):
        writer.write(head)
        while True:
            writer.write(piece)
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
    """Each piece in a packet of its own."""
    async def script(reader, writer, path):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    return script


def one_after_another(*scripts):
    """A server that changes: each request is answered by the next script, the last one for ever."""
    left = list(scripts)

    async def script(reader, writer, path):
        now = left.pop(0) if len(left) > 1 else left[0]
        if callable(now):
            await now(reader, writer, path)
        else:
            writer.write(now)

    return script


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


# --- documents --------------------------------------------------------------------------------------------------

def rss(*items, head="", title="Harbour News", prolog='<?xml version="1.0"?>', attributes=""):
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'{prolog}<rss version="2.0" {attributes}><channel><title>{title}</title>{head}{body}</channel></rss>'.encode()


def item(link, title="Ferry delayed", **more):
    fields = {"title": title, "link": link, "guid": link} | more
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)


def page(title, *paragraphs, head="", extra=""):
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (f"<html lang=en><head><title>{title}</title><meta property='og:type' content='article'>{head}</head>"
            f"<body><article><h1>{title}</h1>{body}{extra}</article></body></html>").encode()
