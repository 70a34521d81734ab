"""What every format is read into, and how that becomes entries: keys, links, claims of time, sources."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal

from crawler.core import dates
from crawler.core.markup import line, tidy
from crawler.core.types import Attribution, AttributionKind, Claim, Dropped, Entry, Origin
from crawler.core.urls import fetchable, same_site

# What is longer is no name or headline but an attack or an accident.
MAX_TITLE, MAX_AUTHOR, MAX_SUMMARY, MAX_KEY, MAX_DATE = 1000, 300, 20_000, 512, 200

What = Literal["published", "modified"]


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as a format gives it: strings not yet cleaned, links not yet resolved, best first."""

    key: str = ""
    links: tuple[str, ...] = ()
    title: str = ""                     # plain text
    summary: str = ""                   # plain text
    content: str | None = None          # HTML
    language: str | None = None
    author: str = ""
    dates: tuple[tuple[What, str], ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # name, URL; either may be empty


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read the items of one document."""

    base: str                  # against which relative links are resolved
    title: str                 # of the feed
    language: str | None       # of the feed or as configured
    zone: tzinfo | None
    origin: Origin = Origin.FEED


def collate(items: Iterable[Item], reading: Reading) -> tuple[tuple[Entry, ...], tuple[Dropped, ...]]:
    """Entries in feed order with unique keys, and what was refused."""
    entries: list[Entry] = []
    dropped: list[Dropped] = []
    for item in items:
        result = _entry(item, reading)
        if isinstance(result, Entry):
            entries.append(result)
        else:
            dropped.append(result)
    unique, doubles = _unique(entries)
    return tuple(unique), (*dropped, *doubles)


def language_of(tag: object) -> str | None:
    """The primary subtag of a language tag, lower case ("en-GB" -> "en"); None where it is none."""
    found = re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", tag) if isinstance(tag, str) else None
    return found.group(1).lower() if found else None


def _entry(item: Item, reading: Reading) -> Entry | Dropped:
    link = next((found for link in item.links if (found := fetchable(link, reading.base))), None)
    if link is None:
        return _linkless(item)
    language = language_of(item.language) or reading.language
    return Entry(
        key=_key(item.key) or _key(link),
        link=link,
        title=line(item.title)[:MAX_TITLE],
        summary=line(item.summary)[:MAX_SUMMARY],
        content=tidy(item.content).strip() or None if item.content else None,
        language=language,
        author=line(item.author)[:MAX_AUTHOR] or None,
        claims=_claims(item.dates, replace(reading, language=language)),
        attributions=_attributions(item.sources, link, reading),
    )


def _linkless(item: Item) -> Dropped:
    if not item.links and not (item.title or item.summary or item.content):
        return Dropped("empty", "an entry with neither link nor text")
    what = f"no http(s) link: {item.links[0][:100]}" if item.links else "no link"
    return Dropped("link", line(f"{what} ({item.title[:80] or 'untitled'})"))


def _key(raw: str) -> str:
    """A key of bounded length; 300 KB long ones exist."""
    key = line(raw[:MAX_KEY * 1024])
    if len(key) <= MAX_KEY:
        return key
    return "sha256:" + hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def _unique(entries: Sequence[Entry]) -> tuple[list[Entry], list[Dropped]]:
    """One entry a key. A key that stands on several links says nothing: there the link is the key."""
    links_of: dict[str, set[str]] = {}
    for entry in entries:
        links_of.setdefault(entry.key, set()).add(entry.link)
    kept: dict[str, Entry] = {}
    doubles: list[Dropped] = []
    for entry in entries:
        key = _key(entry.link) if len(links_of[entry.key]) > 1 else entry.key
        if key in kept:
            doubles.append(Dropped("duplicate_key", line(f"{key[:100]} ({entry.title[:80]})")))
        else:
            kept[key] = replace(entry, key=key)
    return list(kept.values()), doubles


def _claims(dated: Iterable[tuple[What, str]], reading: Reading) -> tuple[Claim, ...]:
    raws = Counter((what, line(raw)[:MAX_DATE]) for what, raw in dated)  # a Counter keeps the order, without doubles
    return tuple(dates.parse(raw, what=what, origin=reading.origin, language=reading.language, zone=reading.zone)
                 for what, raw in raws if raw)


def _attributions(sources: Iterable[tuple[str, str]], link: str, reading: Reading) -> tuple[Attribution, ...]:
    found = []
    for raw_name, raw_url in sources:
        name, url = line(raw_name)[:MAX_AUTHOR] or None, fetchable(raw_url, reading.base) if raw_url.strip() else None
        # Many feeds name themselves as the source of each entry: that says nothing of another place.
        own = same_site(url, link) if url else not name or name.casefold() == reading.title.casefold()
        if not own:
            found.append(Attribution(AttributionKind.NAMES_SOURCE, name=name, url=url, where="feed source"))
    return tuple(dict.fromkeys(found))
