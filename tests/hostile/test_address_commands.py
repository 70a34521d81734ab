"""Every command that fetches, on the machine where every address answers: public ones are reached, and no others."""

import json
from html import escape
from urllib.parse import quote

import pytest
from address_forms import FORMS, LITERALS, NAMES, PROXIES, PUBLIC_4
from inside import machine

from crawler.config.feeds import fault_of, identity


def page(title, extra="", head=""):
    """An article too short to be compared with others."""
    html = (f"<html lang=en><head><title>{title}</title>{head}</head><body><article><h1>{title}</h1><p>The ferry {title} stays in "
            f"port until Thursday, because a crack was found in its starboard shaft.</p>{extra}</article></body></html>")
    return [200, "text/html; charset=utf-8", html]


def feed(*links, before=""):
    items = "".join(f"<item><title>No {n}</title><link>{escape(link)}</link><guid>{n}</guid></item>" for n, link in enumerate(links))
    return [200, "application/rss+xml", f"{before}<rss version='2.0'><channel><title>News</title>{items}</channel></rss>"]


def addresses():
    """The forms that a configuration takes for feeds, each once."""
    found = {}
    for form in FORMS:
        url = form.url.strip()
        if fault_of(url) is None:
            found.setdefault(identity(url), url)
    return list(found.values())


@pytest.fixture(scope="module")
async def inside():
    async with machine() as inside:
        for name in ("relay", "hidden", "moved", "shop", "guided"):
            await inside.name(f"{name}.example", A=[[PUBLIC_4]])
        await inside.name("rebound.example", A=[[PUBLIC_4], ["127.0.0.1"]])
        yield inside


@pytest.fixture
def configured(tmp_path):
    def write(*feeds):
        path = tmp_path / "firsthand.yaml"
        path.write_text(f"store: sqlite:///{tmp_path / 'store.db'}\nstate_dir: {tmp_path}\nextract: {{workers: 1}}\n"
                        "crawl: {timeout: 20s, per_host: {concurrency: 32, delay: 0s}}\nfeeds: " + json.dumps(feeds, ensure_ascii=False))
        return path

    return write


async def test_a_pass_over_feeds_and_pages_and_sources_that_are_inside(inside, configured):
    """Feeds, redirects, articles, robots.txt, named sources, canonical addresses, entities, links of every kind; all with
    proxies in the environment."""
    urls = addresses()
    folders = [escape(url) for url in urls[::16] if url.endswith("/")]
    labelled = {f"r{n}.example/{n}": page(f"No ferry {n}", f"<p>Source: <a href='{url}story'>Old Paper</a></p>",
                                          f"<link rel=canonical href='{url}ferry'>" * (n % 2)) for n, url in enumerate(folders)}
    for path in labelled:
        await inside.name(path.partition("/")[0], A=[[PUBLIC_4]])
    everywhere = "".join(f"<link>{url}</link>" for url in ("http://10.0.0.1/self", "http://[::1]/hub"))
    await inside.serve({
        "news.example/feed": feed("http://news.example/ferry", *(f"{url}?article" for url in urls[1::4]),
                                  *(f"http://news.example/to/302?{quote(url)}" for url in urls[1::12])),
        "news.example/ferry": page("Ferry stays in port", "<p>Source: <a href='http://hidden.example/named'>The News</a></p>"),
        "hidden.example/named": page("The ferry and the crack"),
        "relay.example/feed": feed(*(f"http://{path}" for path in labelled)), **labelled,
        "hidden.example/feed": feed("http://hidden.example/ferry"),
        "hidden.example/robots.txt": [200, "text/plain", "user-agent: *\nsitemap: http://10.0.0.1/map.xml\nallow: /"],
        "hidden.example/ferry": page("Hidden", "<img src='http://10.0.0.1/i.png'><iframe src='http://[::1]/'></iframe>",
                                     "<base href='http://10.0.0.1/'><meta http-equiv=refresh content='0;url=http://127.0.0.1/'>"),
        "shop.example/feed": feed("http://shop.example/ferry", before="<?xml-stylesheet href='http://127.0.0.1/s.xsl'?>"
                                  "<!DOCTYPE rss SYSTEM 'http://10.0.0.1/x.dtd' [<!ENTITY % p SYSTEM 'http://[::1]/p'> %p;"
                                  "<!ENTITY e SYSTEM 'http://169.254.169.254/latest'>]>"),
        "shop.example/ferry": page("&e;", everywhere),
        "guided.example/feed": feed("http://guided.example/ferry"),
        "guided.example/robots.txt": [302, "http://10.0.0.1/robots.txt", ""],
        "moved.example/feed": feed("http://moved.example/to/307?http://0x7f.1/", "http://rebound.example/1", "http://rebound.example/2"),
    })
    config = configured("http://news.example/feed", "http://relay.example/feed", "http://hidden.example/feed",
                        "http://shop.example/feed", "http://moved.example/feed", "http://rebound.example/feed",
                        "http://guided.example/feed", *urls[::2],
                        *(f"http://news.example/to/{301 + n % 2}?{quote(url, safe='')}" for n, url in enumerate(urls[::12])))
    seen = await inside.run("-c", config, "run", "--once", environment=PROXIES)
    assert seen.status == 0, seen.err
    seen.assert_public()
    assert seen.err.count("source-page-wanted") > len(labelled)
    asked = {line.split()[1] for _, _, line in seen.reached if line}
    assert {"/feed", "/ferry", "/named", "/robots.txt"} <= asked
    pages = [line for line in seen.err.splitlines() if "page-failed" in line]
    assert sum("reason=private" in line for line in pages) >= len(urls) // 4
    assert not [line for line in pages if "reason=network" in line]   # a host that may not be reached is no silent one
    wished = await inside.run("-c", config, "feeds", "poll", "http://127.0.0.1/")
    assert (wished.reached, wished.unseen) == ([], 0)
    assert "private" in wished.out + wished.err
    listed = await inside.run("-c", config, "feeds", "list", "--format", "json")
    feeds = {one["url"]: one for one in map(json.loads, listed.out.splitlines())}
    assert {one["reason"] for url, one in feeds.items() if "moved" not in url and url in urls} <= {"private", "protocol"}


async def test_extract(inside, configured):
    urls = [form.url.strip() for form in (*LITERALS, *NAMES)]
    seen = await inside.run("-c", configured(), "extract", "http://news.example/ferry", *urls,
                            *(f"http://news.example/to/308?{quote(url)}" for url in urls[::9]))
    assert seen.status == 1
    seen.assert_public()
    assert "http://news.example/ferry" in seen.out
    assert seen.err.count("private") >= len(urls)


REDIRECT = "http://news.example/to/302?http://[::ffff:10.0.0.1]/"


@pytest.mark.parametrize("arguments", [
    ["compare", "http://news.example/a", "http://127.1/"],
    ["find", REDIRECT],
    ["feeds", "discover", REDIRECT],
    ["feeds", "add", "http://shop.example/front"],    # names feeds that are inside
], ids=" ".join)
async def test_a_command_with_a_private_address(inside, configured, arguments):
    links = "".join(f"<link rel=alternate type='application/rss+xml' href='{escape(url)}'>"
                    for url in ("http://127.0.0.1/feed", "http://inside.example/feed", REDIRECT))
    await inside.serve({"shop.example/front": page("Shop", head=links)})
    seen = await inside.run("-c", configured(), *arguments)
    assert seen.status == 1 or "front" in arguments[-1], seen.err
    seen.assert_public()
    assert "private" in seen.err
