"""The bytes of a feed -> its document, and the entries of it that a person wants. Runs in a worker process."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from crawler.core import feeds, urls
from crawler.core.types import Dropped, Entry, ParsedFeed
from crawler.ports import SeenEntry
from crawler.settings import FeedConfig


def read(
    config: FeedConfig, zone: tzinfo | None, body: bytes, url: str, content_type: str | None,
) -> tuple[ParsedFeed, list[SeenEntry]]:
    """The document, and the entries that are wanted. Raises `feeds.FeedFault`.

    Two thousand links to fold, and patterns that a person wrote, are more than the event loop should be held for.
    """
    parsed = feeds.parse(body, url, content_type, language=config.language, zone=zone)
    wanted, dropped = _wanted(config, parsed.entries)
    return replace(parsed, dropped=(*parsed.dropped, *dropped)), wanted


def _wanted(config: FeedConfig, entries: Sequence[Entry]) -> tuple[list[SeenEntry], list[Dropped]]:
    """The entries that the feed's `keep` and `drop` patterns let through, with the canonical form of their links; the
    others, with the reason."""
    keep = [re.compile(pattern, re.IGNORECASE) for pattern in config.keep]
    drop = [re.compile(pattern, re.IGNORECASE) for pattern in config.drop]
    wanted, dropped = [], []
    for entry in entries:
        shown = f"{entry.title}\n{entry.link}"
        if (keep and not any(one.search(shown) for one in keep)) or any(one.search(shown) for one in drop):
            dropped.append(Dropped("filtered", entry.link))
        elif url := urls.canonical(entry.link):
            wanted.append(SeenEntry(entry, url))
        else:
            dropped.append(Dropped("link", entry.link))
    return wanted, dropped
