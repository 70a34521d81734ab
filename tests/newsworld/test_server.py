"""The server: every host of the world behind one loopback port, as origin and as proxy, and nothing beyond it."""

import asyncio
import shutil
from datetime import timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from crawler.newsworld import World, serve


async def test_a_client_sees_many_hosts_through_one_proxy(evening: World):
    async with serve(evening) as address, aiohttp.ClientSession() as session:
        assert address.startswith("http://127.0.0.1:")
        for row in evening.truth:
            async with session.get(row.url, proxy=address) as answer:
                assert answer.status == 200, row.url
                assert answer.content_type == "text/html"
            for alias in row.aliases:
                async with session.get(alias, proxy=address) as answer:
                    assert answer.status == 200, alias
                    assert str(answer.url).split("?")[0] in (row.url, alias.split("?")[0])


async def test_the_same_page_by_host_header(evening: World):
    async with serve(evening) as address, aiohttp.ClientSession() as session:
        async with session.get("http://almarfa.example/news/mina", proxy=address) as answer:
            through_proxy = await answer.read()
        async with session.get(f"{address}/news/mina", headers={"Host": "almarfa.example"}) as answer:
            assert await answer.read() == through_proxy


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_takes_it_as_a_proxy(world: World):
    async with serve(world) as address:
        curl = await asyncio.create_subprocess_exec(
            "curl", "-si", "--noproxy", "", "-x", address, "http://meridian-agency.example/wire.atom",
            stdout=asyncio.subprocess.PIPE)
        out, _ = await curl.communicate()
    assert out.startswith(b"HTTP/1.1 200 OK")
    assert b"<title>Meridian News Agency</title>" in out


async def test_conditional_requests_over_http(world: World):
    async with serve(world) as address, aiohttp.ClientSession() as session:
        url = "http://harbour-post.example/feed.xml"
        async with session.get(url, proxy=address) as answer:
            tag = answer.headers["ETag"]
            assert parsedate_to_datetime(answer.headers["Date"]) == world.now
        async with session.get(url, proxy=address, headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag


async def test_pages_are_not_there_before_their_time(world: World):
    async with serve(world) as address, aiohttp.ClientSession() as session:
        url = "http://harbour-post.example/region/ferry"
        async with session.get(url, proxy=address) as answer:
            assert answer.status == 404
        world.advance(timedelta(minutes=40))
        async with session.get(url, proxy=address) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(("method", "url", "status"), [
    ("GET", "http://somewhere.test/", 502), ("GET", "http://127.0.0.1:9/", 502),
    ("POST", "http://harbour-post.example/", 405), ("GET", "http://harbour-post.example/no/such/page", 404),
    ("HEAD", "http://harbour-post.example/", 200), ("GET", "http://harbour-post.example/section/2", 200),
    ("GET", "http://newsbasket.example/go/nothing", 404), ("GET", "http://m.daily-lantern.example/now/x", 404),
])
async def test_answers_at_the_edges(world: World, method: str, url: str, status: int):
    async with (serve(world) as address, aiohttp.ClientSession() as session,
                session.request(method, url, proxy=address) as answer):
        assert answer.status == status
        await answer.read()


async def test_connect_is_refused(world: World):
    async with serve(world) as address, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientHttpProxyError) as refused:
            await session.get("https://harbour-post.example/", proxy=address)
    assert refused.value.status == 405


async def test_robots_txt_keeps_machines_off_one_folder(world: World):
    async with (serve(world) as address, aiohttp.ClientSession() as session,
                session.get("http://capital-ledger.example/robots.txt", proxy=address) as answer):
        text = await answer.text()
        assert answer.content_type == "text/plain"
    assert "Disallow: /members/" in text
    assert "Crawl-delay: 0.02" in text


async def test_the_log_holds_each_request_at_world_time(world: World):
    async with serve(world) as address, aiohttp.ClientSession() as session:
        url = "http://newsbasket.example/feed?x=1"
        await session.get(url, proxy=address, headers={"User-Agent": "Firsthand/1 (test)"})
        world.advance(timedelta(minutes=7))
        await session.get("http://nowhere.test/", proxy=address)
    first, second = world.log
    assert (first.at, first.method, first.url, first.status) == (world.start, "GET", url, 200)
    assert first.headers["user-agent"] == "Firsthand/1 (test)"
    assert (second.at, second.status) == (world.start + timedelta(minutes=7), 502)


async def test_front_pages_name_their_feeds(world: World):
    async with (serve(world) as address, aiohttp.ClientSession() as session,
                session.get("http://severny-bereg.example/", proxy=address) as answer):
        assert '<link rel="alternate" type="application/rss+xml" title="Северный берег"' in await answer.text()
