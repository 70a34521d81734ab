"""TLS: whatever is wrong with it is said, and never overlooked."""

import asyncio
import contextlib
import re
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from crawler.adapters.http import HttpFetcher
from crawler.errors import Reason
from crawler.ports import Fetched, Request
from crawler.settings import Crawl, PerHost

HERE = Path(__file__).parent / "tls"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def certificate(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / f"{name}.pem", HERE / "key.pem")
    return context


def old():
    context = certificate("good")
    with contextlib.suppress(ValueError):
        context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


@pytest.fixture
async def serve():
    servers, seen = [], []

    async def make(context, answer=OK):
        async def talk(reader, writer):
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                head = await reader.readuntil(b"\r\n\r\n")
                seen.append(head.decode())
                writer.write(answer)
                await writer.drain()
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context))
        return servers[-1].sockets[0].getsockname()[1]

    make.seen = seen
    yield make
    for server in servers:
        server.close()


@pytest.fixture
async def fetcher():
    trusted = ssl.create_default_context(cafile=HERE / "ca.pem")
    crawl = Crawl(timeout=timedelta(seconds=0.6), private_networks=(ip_network("127.0.0.0/8"),),
                  per_host=PerHost(concurrency=2, delay=timedelta(0)))
    fetcher = HttpFetcher(crawl, "Firsthand/test", lambda: NOW, tls=trusted)
    yield fetcher
    await fetcher.close()


async def test_a_good_certificate_is_accepted(serve, fetcher):
    port = await serve(certificate("good"))
    outcome = await fetcher.get(Request(f"https://127.0.0.1:{port}/"))
    assert isinstance(outcome, Fetched), outcome
    assert outcome.body == b"hi"


@pytest.mark.parametrize("context", [lambda: certificate("expired"), lambda: certificate("other"), lambda: certificate("self"),
                                     old, lambda: None], ids=["expired", "wrong host", "self-signed", "TLS 1.0", "no TLS"])
async def test_a_bad_connection_is_refused(context, serve, fetcher):
    port = await serve(context())
    outcome = await fetcher.get(Request(f"https://127.0.0.1:{port}/"))
    assert outcome.reason is Reason.TLS, outcome
    assert re.fullmatch("no TLS connection: .+|the TLS handshake did not end in time", outcome.detail)
    assert serve.seen == []


async def test_a_certificate_of_an_unknown_authority_is_refused_by_default(serve):
    port = await serve(certificate("good"))
    crawl = Crawl(private_networks=(ip_network("127.0.0.0/8"),))
    fetcher = HttpFetcher(crawl, "Firsthand/test", lambda: NOW)
    outcome = await fetcher.get(Request(f"https://127.0.0.1:{port}/"))
    await fetcher.close()
    assert outcome.reason is Reason.TLS


async def test_a_handshake_that_hangs_is_a_failure_of_tls(fetcher):
    over = asyncio.Event()

    async def hang(reader, writer):
        await over.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    outcome = await fetcher.get(Request(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    over.set()
    server.close()
    assert (outcome.reason, outcome.detail) == (Reason.TLS, "the TLS handshake did not end in time")


async def test_a_downgrade_is_followed_and_credentials_are_left_behind(serve, fetcher):
    plain = await serve(None)
    secure = await serve(certificate("good"),
                         f"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:{plain}/\r\n\r\n".encode())
    outcome = await fetcher.get(Request(f"https://ann:secret@127.0.0.1:{secure}/"))
    assert outcome.final_url == f"http://127.0.0.1:{plain}/"
    assert ["Authorization" in head for head in serve.seen] == [True, False]
