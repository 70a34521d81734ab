"""robots.txt as servers answer it, through `Pages.draft` with real connections, workers and store (RFC 9309, 2.3 to 2.5)."""

import asyncio
import contextlib
import itertools
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest

from crawler import app
from crawler.core.types import Entry
from crawler.ports import Draft, Failed, HostState, Sighting
from crawler.settings import Crawl, Extract, PerHost, Settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PAGE = (b"<html lang=en><head><title>No ferry</title></head><body><article><h1>No ferry</h1><p>The ferry to the northern islands stays "
        b"in port until Thursday, because a crack was found in its starboard shaft.</p></article></body></html>")
FORBID = b"user-agent: *\ndisallow: /news/\n"
NAMED = b"user-agent: *\nallow: /\nuser-agent: firsthand\ndisallow: /news/\n"
HOSTS = itertools.count(2)


def answer(body=b"", status=200, **headers):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} So\r\n{lines}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


class Site:
    """A host whose /robots.txt plays a script: bytes, or a coroutine function (writer); every other path is an article,
    unless `paths` says otherwise."""

    def __init__(self, script):
        self.script, self.paths, self.asked = script, {}, []

    async def start(self):
        # Each has an address of its own: what is known of one host must not be known of another.
        self.server = await asyncio.start_server(self.serve, f"127.0.3.{next(HOSTS)}", 0)
        host, port = self.server.sockets[0].getsockname()[:2]
        self.host, self.origin = f"{host}:{port}", f"http://{host}:{port}"
        return self

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.asked.append(path)
            script = self.script if path == "/robots.txt" else self.paths.get(path, answer(PAGE, Content_Type="text/html"))
            if callable(script):
                await script(writer)
            else:
                writer.write(script)
                await writer.drain()
        writer.close()

    def count(self, path):
        return self.asked.count(path)


@pytest.fixture(scope="module")
async def opened(tmp_path_factory):
    """The application over loopback, with a clock that stands until it is set, and five seconds for a request."""
    crawl = Crawl(private_networks=(ip_network("127.0.0.0/8"),), timeout=timedelta(seconds=5),
                  per_host=PerHost(concurrency=4, delay=timedelta(0)))
    folder = tmp_path_factory.mktemp("robots")
    settings = Settings(store=f"sqlite:///{folder / 'store.db'}", state_dir=folder, crawl=crawl, extract=Extract(workers=1))
    async with app.opened(settings, lambda: opened_at[0]) as opened:
        yield opened


opened_at = [START]


@pytest.fixture
async def sites(opened):
    opened_at[0] = START
    made = []

    async def make(script):
        made.append(await Site(script).start())
        return made[-1]

    yield make
    for site in made:
        site.server.close()
        await site.server.wait_closed()


@pytest.fixture
def drafted(opened):
    """Collect a page of a site, as much later than the start as is said."""
    async def draft(site, path="/news/ferry", after=timedelta(0)):
        opened_at[0] = START + after
        url = site.origin + path
        sighting = Sighting(1, "entry", 1, f"{site.origin}/feed", "Daily", (), Entry(url, url, "No ferry"), url, None, 0, 1)
        return await opened.pipeline.pages.draft(sighting)

    return draft


async def endless(writer):
    """Two gigabytes promised, sent as long as somebody reads; the rule stands at the start."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2147483648\r\n\r\n" + FORBID)
    line = b"disallow: /" + b"x" * 65_524 + b"\n"
    for _ in range(2**15):
        writer.write(line)
        await writer.drain()


async def silent(writer):
    await asyncio.sleep(60)


async def reset(writer):
    writer.transport.abort()


async def half(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + FORBID)


LONG = b"# " + b"x" * 1021 + b"\n"
FULL = FORBID + LONG * 511   # the last line ends within 512 KiB

FORBIDDEN = [   # the site has said so
    ("plain", answer(FORBID)), ("by the name of the crawler", answer(NAMED)), ("206", answer(FORBID, 206)),
    ("as HTML by its label alone", answer(FORBID, Content_Type="text/html")), ("after a BOM", answer(b"\xef\xbb\xbf" + FORBID)),
    ("with CR alone", answer(FORBID.replace(b"\n", b"\r"))), ("with CR LF", answer(FORBID.replace(b"\n", b"\r\n"))),
    ("with a NUL in every place", answer(b"\0".join(bytes([byte]) for byte in FORBID))), ("in UTF-16", answer(FORBID.decode().encode("utf-16"))),
    ("in 2 GB", endless), ("in 512 KiB", answer(FULL)), ("among 20,000 rules", answer(
        b"user-agent: *\n" + b"".join(b"disallow: /a%d*b\n" % n for n in range(20_000)) + b"disallow: /news/\n")),
    ("after garbage", answer(bytes(range(256)).replace(b"\n", b"") + b"\n" + FORBID)),
    ("in an HTML page", answer(b"<!doctype html><title>x</title>\n" + FORBID + b"</html>")),
    ("in a line too long", answer(b"user-agent: *\ndisallow: /news/*" + b"*" * 20_000)),
]
ALLOWED = [
    ("empty", answer(b"")), ("HTML with 200", answer(b"<!doctype html>\n<title>Not found</title>\n<p>disallow: /", Content_Type="text/html")),
    ("of others", answer(b"user-agent: Googlebot\ndisallow: /\n")), ("with an allowance that is longer", answer(FORBID + b"allow: /news/*\n")),
    *((f"HTTP {status}", answer(FORBID, status)) for status in (400, 401, 403, 404, 410, 418, 429, 451, 499)),
    ("with its rule beyond 512 KiB", answer(b"user-agent: *\n" + LONG * 512 + b"disallow: /\n")),
    ("with Crawl-delay nan", answer(b"user-agent: *\ncrawl-delay: nan")), ("with Crawl-delay -5", answer(b"user-agent: *\ncrawl-delay: -5")),
    ("that redirects without saying where", answer(b"", 301)), ("that redirects to a file", answer(b"", 301, Location="file:///robots")),
    ("that redirects in a circle", answer(b"", 302, Location="/robots.txt")),
]
UNREACHABLE = [
    *((f"HTTP {status}", answer(FORBID, status), "http_5xx") for status in (500, 502, 503, 504, 599)),
    ("silent", silent, "network"), ("reset", reset, "network"), ("cut off", half, "network"), ("no HTTP", b"disallow: /\n", "network"),
    ("a bomb", answer(b"\x1f\x8b nonsense", Content_Encoding="gzip"), "network"),
    ("inside", answer(b"", 302, Location="http://10.0.0.1/robots.txt"), "private"),
]


@pytest.mark.parametrize("script", [script for _, script in FORBIDDEN], ids=[what for what, _ in FORBIDDEN])
async def test_a_page_is_left_alone_that_is_forbidden(sites, drafted, script):
    site = await sites(script)
    outcome = await drafted(site)
    assert (outcome.reason, outcome.detail) == ("robots", "robots.txt forbids it")
    assert site.asked == ["/robots.txt"]


@pytest.mark.parametrize("script", [script for _, script in ALLOWED], ids=[what for what, _ in ALLOWED])
async def test_a_page_is_had_under_a_robots_txt(sites, drafted, script):
    site = await sites(script)
    assert isinstance(await drafted(site), Draft)
    assert isinstance(await drafted(site, "/news/boat"), Draft)
    assert [path for path in site.asked if path != "/robots.txt"] == ["/news/ferry", "/news/boat"]
    assert site.count("/robots.txt") == 1   # kept for a day


@pytest.mark.parametrize(("script", "reason"), [row[1:] for row in UNREACHABLE], ids=[what for what, *_ in UNREACHABLE])
async def test_everything_waits_for_a_robots_txt_that_cannot_be_had(opened, sites, drafted, caplog, script, reason):
    site = await sites(script)
    with caplog.at_level(logging.WARNING, logger="crawler"):
        for path in ("/news/ferry", "/sport/cup"):
            outcome = await drafted(site, path)
            assert isinstance(outcome, Failed)
            assert outcome.reason == reason
            assert outcome.detail.startswith("robots.txt could not be had: ")
            assert opened.pipeline.pages.retry(Sighting(1, "entry", 1, None, None, (), Entry("k", "l"), "u", None, 0, 1), outcome)
    assert site.asked == ["/robots.txt"]
    assert len([one for one in caplog.records if "robots-failed" in one.message]) == 1
    site.script = answer(b"")
    assert isinstance(await drafted(site, after=timedelta(minutes=31)), Draft)   # asked again, and it is there


@pytest.mark.parametrize("hops", [1, 5, 6, 8])
async def test_redirects_are_followed_also_to_another_host(sites, drafted, hops):
    """RFC 9309, 2.3.1.2: at least five, across authorities, and the rules hold for the first host."""
    other = await sites(answer(b"user-agent: *\ndisallow: /sport/"))
    last = await sites(answer(FORBID))
    steps = [last.origin + "/robots.txt", *(f"{other.origin}/hop{n}" for n in range(1, hops))]
    other.paths = {f"/hop{n}": answer(b"", 301, Location=steps[n - 1]) for n in range(1, hops)}
    site = await sites(answer(b"", 302, Location=steps[-1]))
    assert (await drafted(site)).reason == "robots"
    assert isinstance(await drafted(site, "/sport/cup"), Draft)
    assert isinstance(await drafted(other), Draft)


async def test_nine_redirects_are_none(sites, drafted):
    """2.3.1.2: after more than five it may be taken for unavailable."""
    site = await sites(answer(b"", 302, Location="/1"))
    site.paths = {f"/{n}": answer(b"", 302, Location=f"/{n + 1}") for n in range(1, 9)} | {"/9": answer(FORBID)}
    assert isinstance(await drafted(site), Draft)
    assert "/9" not in site.asked


@pytest.mark.parametrize(("value", "delay"), [("0", 0), ("0.25", 0.25), ("7", 7), ("300", 300)])
async def test_a_delay_is_kept(opened, sites, drafted, value, delay):
    site = await sites(answer(f"user-agent: *\ncrawl-delay: {value}\n".encode()))
    page = asyncio.create_task(drafted(site))       # which waits for as long
    while delay and site.host not in opened.fetcher._pacer._delays:
        await asyncio.sleep(0.01)
    assert opened.fetcher._pacer._delays.get(site.host, 0) == delay   # under the very name by which turns are given
    if delay > 1:
        page.cancel()
    await asyncio.gather(page, return_exceptions=True)


@pytest.mark.parametrize("value", ["301", "86400", "1e9", "inf", "1" * 400])
async def test_a_host_that_asks_for_a_delay_beyond_reason_is_left_alone_and_it_is_said_why(opened, sites, drafted, value):
    site = await sites(answer(f"user-agent: *\ncrawl-delay: {value}\nallow: /\n".encode()))
    outcome = await drafted(site)
    assert outcome.reason == "robots"
    assert outcome.detail.startswith("robots.txt: Crawl-delay ")
    assert site.asked == ["/robots.txt"]
    assert site.host not in opened.fetcher._pacer._delays


async def test_a_robots_txt_that_is_too_much_work_is_read_once_and_not_for_each_page(sites, drafted, monkeypatch):
    monkeypatch.setattr("crawler.pages.ROBOTS_SECONDS", 0.02)   # this takes .6 s; nothing is known that takes the 5
    site = await sites(answer(b"user-agent: *\n" + b"".join(b"disallow: /*a%d\n" % n for n in range(27_000))))
    assert (await drafted(site, "/" + "a" * 1000)).reason == "cpu"
    monkeypatch.undo()
    outcome = await drafted(site)
    assert (outcome.reason, outcome.detail) == ("cpu", "robots.txt could not be had: too much work to read")
    assert site.asked == ["/robots.txt"]
    site.script = answer(b"")
    assert isinstance(await drafted(site, after=timedelta(minutes=31)), Draft)


# --- for how long -----------------------------------------------------------------------------------------------------

DAY = timedelta(hours=24)
MOMENT = timedelta(minutes=1)


async def test_what_a_robots_txt_says_holds_for_a_day(sites, drafted):
    site = await sites(answer(FORBID))
    assert (await drafted(site)).reason == "robots"
    site.script = answer(b"")
    assert (await drafted(site, after=DAY - MOMENT)).reason == "robots"
    assert isinstance(await drafted(site, after=DAY + MOMENT), Draft)


@pytest.mark.parametrize("script", [row[1] for row in UNREACHABLE if row[0] != "silent"],
                         ids=[row[0] for row in UNREACHABLE if row[0] != "silent"])
async def test_what_it_said_last_holds_while_it_says_nothing(sites, drafted, script):
    """RFC 9309, 2.4: the copy may be older than a day where the file is unreachable."""
    site = await sites(answer(FORBID))
    await drafted(site)
    site.script = script
    for hours in (25, 25.25, 700):
        assert (await drafted(site, after=timedelta(hours=hours))).reason == "robots"
        assert isinstance(await drafted(site, "/sport/cup", after=timedelta(hours=hours)), Draft)
    assert site.count("/robots.txt") == 3   # at first, after a day, and after the half hour for which a failure counts
    site.script = answer(b"")
    assert isinstance(await drafted(site, after=timedelta(hours=701)), Draft)


async def test_that_there_was_none_does_not_hold_while_nothing_is_said(sites, drafted):
    site = await sites(answer(b"", 404))
    assert isinstance(await drafted(site), Draft)
    site.script = answer(b"", 503)
    assert (await drafted(site, after=DAY + MOMENT)).reason == "http_5xx"


async def test_that_there_is_none_any_more_ends_what_it_said(sites, drafted):
    site = await sites(answer(FORBID))
    await drafted(site)
    site.script = answer(b"", 404)
    assert isinstance(await drafted(site, after=DAY + MOMENT), Draft)


class Overtaken:
    """The store of a worker which another one overtakes between its look at a host and its turn to ask it."""

    def __init__(self, store, heard):
        self.store, self.heard = store, heard

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def take_robots(self, host, now, lease):
        await self.store.save_robots(HostState(host, None, self.heard, 200, now))
        return await self.store.take_robots(host, now, lease)


async def test_what_another_worker_heard_a_moment_ago_is_not_asked_for_again(opened, sites):
    site = await sites(answer(b"User-agent: *\nAllow: /\n"))
    url = site.origin + "/news/ferry"
    pages = replace(opened.pipeline.pages, store=Overtaken(opened.store, FORBID))
    outcome = await pages.draft(Sighting(1, "entry", 1, site.origin, "Daily", (), Entry(url, url, "No"), url, None, 0, 1))
    assert outcome.reason == "robots"
    assert site.asked == []
