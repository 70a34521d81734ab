"""Feed bytes -> entries: RSS 0.9x/1.0/2.0, Atom 0.3/1.0, JSON Feed 1.0/1.1, news sitemaps.

The format is what the bytes are; the content type is heard for the encoding only. The order is: refuse what is no text,
decode, scan (whole? how many entries? cut), and only then the format's reader. Foreign input leads to a `ParsedFeed` or
to a `FeedFault`, nothing else; time and memory are limited by the worker process that the caller runs this in.
"""

from datetime import tzinfo

from crawler.core.feeds import jsonfeed, sitemap, syndication
from crawler.core.feeds.fault import FeedFault
from crawler.core.feeds.links import hub_of, named
from crawler.core.feeds.scan import scan
from crawler.core.markup import UndecodableError, decode
from crawler.core.types import ParsedFeed
from crawler.errors import Reason

__all__ = ["FeedFault", "hub_of", "named", "parse"]

_MAGIC = ((b"%PDF", "a PDF document"), (b"\x89PNG", "an image"), (b"GIF8", "an image"), (b"\xff\xd8\xff", "an image"),
          (b"RIFF", "an image or a sound"), (b"\x1f\x8b", "compressed data"), (b"PK\x03\x04", "an archive"),
          (b"ID3", "a sound"), (b"\0\0\0 ftyp", "a video"))


def parse(body: bytes, url: str, content_type: str | None, *, language: str | None = None, zone: tzinfo | None = None,
          max_entries: int = 2000) -> ParsedFeed:
    """Read a feed document.

    `url` is where it came from, for relative links; `language` (ISO 639-1) and `zone` are what the configuration knows.
    At most `max_entries` entries are read, in feed order; the rest is noted in `dropped`.
    Raises FeedFault: EMPTY, ENCODING, NOT_A_FEED or TRUNCATED.
    """
    _refuse_binary(body)
    try:
        text = decode(body, content_type, language).strip()
    except UndecodableError as error:
        raise FeedFault(Reason.ENCODING, f"the encoding {error} is not supported") from None
    if not text:
        raise FeedFault(Reason.EMPTY, "the document is empty")
    if text[0] in "{[":
        return jsonfeed.read(text, url, language, zone, max_entries)
    document = scan(text, max_entries)
    reader = sitemap.read if document.root == "urlset" else syndication.read
    return reader(document, url, language, zone, max_entries)


def _refuse_binary(body: bytes) -> None:
    start = body[:4096].lstrip()
    for magic, what in _MAGIC:
        if start.startswith(magic):
            raise FeedFault(Reason.NOT_A_FEED, what)
