"""Which hub a document names, and what it calls itself there: by its headers, then by itself."""

import time

import pytest

from crawler.core.feeds import hub_of
from crawler.core.types import ParsedFeed

URL = "https://daily.example/feed"
HUB, SELF = "https://hub.example/", "https://daily.example/feed.xml"


def parsed(hub=None, self_url=None):
    return ParsedFeed("atom", "", (), hub=hub, self_url=self_url)


@pytest.mark.parametrize(("links", "document", "found"), [
    ([], parsed(), (None, None)),
    ([], parsed(HUB, SELF), (HUB, SELF)),
    ([], parsed(HUB), (HUB, URL)),
    ([], None, (None, None)),
    ([f'<{HUB}>; rel="hub", <{SELF}>; rel="self"'], parsed("https://other.example/", "https://other.example/x"), (HUB, SELF)),
    ([f"<{HUB}>; rel=hub", f"<{SELF}>; rel=self"], None, (HUB, SELF)),
    ([f'<{HUB}>; title="a, b; rel=self"; rel="alternate HUB"'], parsed(), (HUB, URL)),
    (["</hub>; rel=hub"], parsed(), ("https://daily.example/hub", URL)),
    ([f"<{HUB}>; rel=hub; rel=self"], parsed(), (HUB, URL)),
    ([f"<{HUB}>;rel=hub,<https://second.example/>;rel=hub"], parsed(), (HUB, URL)),
    (["<javascript:alert(1)>; rel=hub, <ftp://x.example/>; rel=hub"], parsed(), (None, None)),
    (["<https://[::1>; rel=hub", "rel=hub", "<>; rel=self", "; ,;<"], parsed(), (None, None)),
    ([f"<{HUB}>; rel=hubs"], parsed(), (None, None)),
])
def test_the_hub_is(links, document, found):
    assert hub_of([("content-type", "text/xml"), *(("link", one) for one in links)], URL, document) == found


@pytest.mark.parametrize("piece", ["<", "<a>;", '<a>;rel="', "<a>; rel = ;", "<a>" + ";a" * 50, "<a>;a=\"\\"])
def test_no_header_takes_long(piece):
    start = time.process_time()
    hub_of([("link", piece * (60_000 // len(piece)))], URL, None)
    assert time.process_time() - start < 2
