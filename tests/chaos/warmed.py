"""Preloaded by the server from which the workers are forked: everything whose first time is slow has been done once."""

import errno
import socket
from datetime import UTC, datetime
from multiprocessing import reduction

from crawler import documents, matcher
from crawler.core import intake, robots
from crawler.core.types import Article, Window
from crawler.settings import FeedConfig

_TEXT = " ".join(f"The harbour master counted ship {n} and wrote her cargo into the ledger." for n in range(40))
_PAGE = (f"<html lang=en><head><title>Ships</title><meta property='article:published_time' content='2 March 2026'></head>"
         f"<body><article><h1>Ships</h1><p>{_TEXT}</p><time>gestern, 3. März 2026</time></article></body></html>").encode()
_FEED = (b"<rss version='2.0'><channel><title>News</title><item><title>Ships</title><link>http://warm.example/1</link>"
         b"<pubDate>Mon, 02 Mar 2026 06:00:00 GMT</pubDate></item></channel></rss>")
_AT = datetime(2026, 3, 2, tzinfo=UTC)


def warm() -> None:
    """What a worker is asked for, each once."""
    documents.read(FeedConfig(url="http://warm.example/feed"), None, _FEED, "http://warm.example/feed", "text/xml")
    intake.take_page(_PAGE, "http://warm.example/1", "text/html", (), "Ships", zone=None, status=200)
    robots.permission(b"User-agent: *\nDisallow: /x", 200, "http://warm.example/1", "Firsthand")
    article = Article(id="a", url="http://warm.example/1", source="Warm", title="Ships", text=_TEXT, language="en",
                      first_seen=_AT, window=Window(None, _AT), claims=(), attributions=(), walls=(), feeds=(), revisions=1)
    rules = matcher.Rules(0.6, 40)
    matcher.prepare(article, {}, rules)
    matcher.verify(matcher.Reading(article, frozenset()), [matcher.Reading(article, frozenset())], rules)


def outlive(receive=reduction.recvfds):
    """A daemon that is killed while it asks for a worker takes the server with it, for which that is no way to end."""
    def received(sock: socket.socket, size: int) -> list[int]:
        try:
            return receive(sock, size)
        except EOFError:
            raise OSError(errno.ECONNABORTED, "whoever asked is dead") from None

    reduction.recvfds = received


outlive()
warm()
