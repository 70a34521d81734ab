"""What holds whatever a stranger does: others go on, memory and the event loop stay free, the next document is read."""

import asyncio
import gzip
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import brotli
import pytest
import zstandard
from misbehaving import CHUNKED, drip, endless, item, listening, ok, page, redirect, rss, silence

from crawler.errors import Reason
from crawler.settings import MaxBytes

ROOT = Path(__file__).parents[2]
MIB = 1024**2
FEED = rss(*(item(f"https://daily.example/{n}", f"Ferry number {n} is late") for n in range(20)))


# --- others go on -----------------------------------------------------------------------------------------------------

async def slow_redirects(reader, writer, path):
    await asyncio.sleep(0.2)
    writer.write(redirect(f"/{int(path[1:] or 0) + 1}"))


HANGING = {
    "silence": silence, "a body that drips": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
    "a header that drips": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), "redirects, one every 200 ms": slow_redirects,
}


@pytest.mark.parametrize("script", HANGING.values(), ids=HANGING)
async def test_a_healthy_feed_is_stored_while_twenty_others_hang(script, desks, sites):
    desk, good = await desks(timeout=60), await sites(ok(FEED))
    slow = [await sites(script) for _ in range(4)]      # of one host eight feeds at most are in hand
    hanging = [asyncio.create_task(desk.poll(f"{site.url}{n}")) for site in slow for n in range(5)]
    try:
        while sum(len(set(site.asked)) for site in slow) < 20:
            await asyncio.sleep(0.01)
        feed = await desk.poll(good.url)
        assert (feed.state.reason, await desk.waiting()) == (None, 20)
        assert not any(task.done() for task in hanging)
    finally:
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_healthy_feed_is_stored_while_a_worker_is_held(desk, sites):
    deep = rss(item("https://daily.example/x") + "<x>" * 150_000 + "</x>" * 150_000)
    site, good = await sites(ok(deep)), await sites(ok(FEED))
    held = asyncio.create_task(desk.poll(site.url))
    while not site.requests:
        await asyncio.sleep(0.01)
    started = time.monotonic()
    feed = await desk.poll(good.url)
    assert feed.state.reason is None
    assert time.monotonic() - started < 20      # one second on an idle machine
    assert (await held).state.reason in (None, Reason.CPU)


async def test_no_failure_leaves_a_trace_in_the_log_but_its_line(desk, sites):
    """Line breaks, escape sequences and a forged event in everything that a log line may quote."""
    forged = "\r\n2026-05-04T12:00:00.000Z error forged \x1b[31m"
    entry = item("javascript:alert(1)" + forged, "title" + forged, guid="g" + forged)
    site = await sites(ok(rss(entry, title="feed" + forged)), paths={
        "/status": ok(status="500 \x1b[31mforged"), "/header": ok(b"", "X: \x1b[31m", "Content-Encoding: \x1b[31mforged"),
        "/redirect": redirect("http://[\x1b[31mforged"), "/root": ok(b"<forged\xe2\x80\xa8\x1b[31m/>"), "/json": ok(b'{"forged\\u001b": '),
        "/encoding": ok(b'<?xml version="1.0" encoding="\x1b[31mforged"?><rss></rss>\xff')})
    with listening() as heard:
        for path in ("", "status", "header", "redirect", "root", "json", "encoding"):
            await desk.poll(site.url + path)
    assert len(heard.records) == 8      # an entry that was dropped has one of its own
    lines = heard.written.getvalue().split("\n")
    assert len(lines) == 9
    assert all(line.isprintable() and "Traceback" not in line and " error forged" not in line.split("=")[0] for line in lines)


# --- the event loop -----------------------------------------------------------------------------------------------------

@asynccontextmanager
async def watched():
    """The longest that the loop did not come round, in seconds of its thread's processor time: a machine that is busy
    with other things does not count."""
    held = [0.0]

    async def watch():
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            held[0], last = max(held[0], time.thread_time() - last), time.thread_time()

    task = asyncio.create_task(watch())
    try:
        yield held
    finally:
        task.cancel()


def prose(words):
    return " ".join(f"w{n * 7919 % 65537}" for n in range(words))


def encoded(kind, pack):
    digits = b"".join(b"%08d" % (n * 7919 % 10**8) + b"0" * 500 for n in range(30_000))
    return ok(pack(b"<rss>" + digits), f"Content-Encoding: {kind}")


LARGE = {
    "2,000 entries of 7 KB each": ok(rss(*(item(f"https://daily.example/{n}", f"t{n}", **{
        "content:encoded": f"<![CDATA[<p>{prose(1000)}</p>]]>"}) for n in range(2000)))),
    "one entry of 15 MB": ok(rss(item("https://daily.example/1", "t1", **{"content:encoded": f"<![CDATA[<p>{prose(2_300_000)}</p>]]>"}))),
    "15 MB in gzip": encoded("gzip", gzip.compress), "15 MB in br": encoded("br", lambda data: brotli.compress(data, quality=5)),
    "15 MB in zstd": encoded("zstd", zstandard.compress), "15 MB plain": encoded("identity", bytes),
    "half a million chunks of a byte": CHUNKED + b"1\r\n0\r\n" * 500_000 + b"0\r\n\r\n",
    "100,000 interim answers": b"HTTP/1.1 102 P\r\n\r\n" * 100_000,
    "a header of 60 KB of slashes": ok(FEED, "Cache-Control: " + "max-age  " * 6_500),
    "a Location of 60 KB": redirect("/" + "//a" * 20_000),
    "empty zstd frames": endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\n", (b"\x50\x2a\x4d\x18" + bytes(4)) * 4000),
    "100,000 entries": ok(rss(*(f"<link>https://daily.example/{n}</link>" for n in range(100_000)))),
}

DEAR = {"2,000 entries of 7 KB each", "one entry of 15 MB"}     # ten seconds each


@pytest.mark.parametrize("script", [
    pytest.param(script, id=name, marks=[pytest.mark.long] if name in DEAR else []) for name, script in LARGE.items()])
async def test_nothing_that_is_large_holds_the_event_loop(script, desks, sites, record_property):
    """Polled twice, the second time as a document that has changed in every entry."""
    desk, site = await desks(caps=MaxBytes(), timeout=120), await sites(script)
    async with watched() as held:
        feed = await desk.poll(site.url)
        if isinstance(script, bytes) and b"<title>t1</title>" in script:
            assert feed.state.entries
            desk.until(feed.state.next_poll)
            site.script = script.replace(b"<title>t", b"<title>u")
            feed = await desk.poll(site.url)
    record_property("held", held[0])
    print(f"held for {held[0] * 1000:.0f} ms")
    assert held[0] < 0.5, "100 ms are promised; the rest is for garbage of other tests and a cold cache"


# --- memory -------------------------------------------------------------------------------------------------------------

DAEMON = """
import asyncio, json, os, sys
from datetime import timedelta
from ipaddress import ip_network
from crawler import app
from crawler.settings import Crawl, FeedConfig, PerHost, Settings

def figure(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))

async def main(folder, *urls):
    crawl = Crawl(private_networks=(ip_network("127.0.0.0/8"),), per_host=PerHost(concurrency=8, delay=timedelta(0)))
    settings = Settings(store=f"sqlite:///{folder}/a.db", state_dir=folder, crawl=crawl, feeds=tuple(FeedConfig(url=url) for url in urls))
    async with app.opened(settings) as opened:
        await opened.sync()
        feeds = await opened.store.feeds()
        await opened.poll([feeds[0].id])                # one that is well: whatever is imported, is imported now
        before = figure("VmRSS")
        with open("/proc/self/clear_refs", "w") as reset:
            reset.write("5")                            # the peak begins anew
        await opened.poll([feed.id for feed in feeds[1:]])
        print(json.dumps([figure("VmHWM") - before, [feed.state.reason for feed in await opened.store.feeds()]]))

asyncio.run(main(*sys.argv[1:]))
"""


def repeated(head, data, times):
    async def script(reader, writer, path):
        writer.write(head)
        for _ in range(times):
            writer.write(data)
            await writer.drain()

    return script


def bombs():
    """500 MB of zeros in each coding; as one stream, or, where packing that takes long, as many."""
    zeros, label = bytes(50 * MIB), b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n\r\n"
    packer = brotli.Compressor(quality=1)
    whole = zstandard.ZstdCompressor(level=1).compressobj()
    return {
        "gzip": repeated(label % b"gzip", gzip.compress(zeros, 1), 10),
        "br": label % b"br" + b"".join(packer.process(zeros) for _ in range(10)) + packer.finish(),
        "zstd": label % b"zstd" + b"".join(whole.compress(zeros) for _ in range(10)) + whole.flush(),
    }


async def test_bombs_of_500_mb_take_less_than_32_mib_of_memory(sites, tmp_path):
    site = await sites(ok(FEED), paths={f"/{name}": script for name, script in bombs().items()})
    site.script = ok(status="404 No")
    site.paths["/feed"] = ok(rss())
    addresses = [f"{site.url}{path}" for path in ("feed", "gzip", "br", "zstd")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(tmp_path), *addresses, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)})
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    grown, reasons = json.loads(out)
    print(f"grown by {grown / MIB:.1f} MiB")
    assert reasons == [None, "bomb", "bomb", "bomb"]
    assert grown < 32 * MIB


# --- the next one -------------------------------------------------------------------------------------------------------

async def test_a_page_that_kills_its_reader_costs_no_other_page(desks, sites, monkeypatch):
    """Workers that are killed are replaced, and the article keeps its feed's summary and a flag."""
    desk, site = await desks(extract=0.2), await sites(ok(status="404 No"))
    heavy = "<p>" + "“a” said. " * 100_000 + "</p>"
    site.paths |= {"/feed": ok(rss(item(f"{site.url}heavy", "Heavy", description="The summary stands."), item(f"{site.url}light", "Light"))),
                   "/heavy": ok(page("Heavy", heavy)), "/light": ok(page("Light", "The ferry is late today. " * 20))}
    await desk.poll(f"{site.url}feed")
    sightings = await desk.sightings()
    await desk.opened.pipeline.collect(next(one for one in sightings if one.url.endswith("heavy")))
    object.__setattr__(desk.opened.settings.extract, "timeout", desk.opened.settings.extract.timeout * 60)
    await desk.opened.pipeline.collect(next(one for one in sightings if one.url.endswith("light")))
    heavy, light = sorted(await desk.articles(), key=lambda one: one.title)
    assert (heavy.walls, heavy.text) == (("cpu",), "The summary stands.")
    assert (light.walls, light.text[:26]) == ((), "The ferry is late today. T")
