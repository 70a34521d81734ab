"""A feed's document, had politely and read safely: the conditional request, the parse in a worker, what a person wants of
its entries, and how many of them a feed may bring in a day."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import partial

import xxhash

from crawler.core import feeds, schedule, urls
from crawler.core.types import Dropped, Entry, ParsedFeed
from crawler.errors import Reason, WorkerError
from crawler.log import event
from crawler.ports import (
    Clock,
    Failed,
    Feed,
    Fetched,
    Fetcher,
    Outcome,
    Pool,
    Pushed,
    Recognised,
    Refused,
    Request,
    SeenEntry,
    Store,
    Unchanged,
)
from crawler.settings import FeedConfig, Settings
from crawler.sources import Sources

FEED_SECONDS = 5.0      # CPU of one feed document; real ones: p95 0.3 s, max 2.2 s
NAMED = 20              # entries of one document that are left out and named one by one

_log = logging.getLogger(__name__)

Result = schedule.Success | schedule.Failure


@dataclass(frozen=True, slots=True)
class Document:
    """What came of one request for a feed: the entries that are wanted, in feed order, and those that were left out.
    Where all are known and say nothing new they are counted in `settled`, and there are no entries."""

    outcome: Outcome
    result: Result
    entries: Sequence[SeenEntry] = ()
    dropped: Sequence[Dropped] = ()
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of feeds, over the ports."""

    settings: Settings
    store: Store
    fetcher: Fetcher
    pool: Pool
    clock: Clock
    sources: Sources

    def policy(self, feed: Feed) -> schedule.Policy:
        """How often a person wants a feed to be asked."""
        poll = self.settings.crawl.poll
        return schedule.Policy(poll.min, poll.start, poll.max, feed.config.every, feed.config.validators,
                               feed.push if self.settings.review.public_url else None)   # nowhere to push to

    async def get(self, feed: Feed, address: str) -> Document:
        """One request and what came of it."""
        etag, modified = schedule.conditional(feed.state, self.clock(), self.policy(feed))
        outcome = await self.fetcher.get(Request(
            address, "feed", etag, modified,
            tuple((name, secret.get_secret_value()) for name, secret in feed.config.headers.items()),
            (feed.config.auth.username, feed.config.auth.password.get_secret_value()) if feed.config.auth else None))
        match outcome:
            case Fetched():
                return await self._parse_feed(feed, outcome)
            case Unchanged():
                return Document(outcome, self._unchanged(feed, outcome, conditional=bool(etag or modified)))
            case Refused():
                wait = schedule.retry_after(outcome.headers, outcome.at)
                return Document(outcome, schedule.Failure(outcome.at, outcome.reason, outcome.status, wait, outcome.detail))
            case Failed():
                return Document(outcome, schedule.Failure(outcome.at, outcome.reason, None, None, outcome.detail))

    def _unchanged(self, feed: Feed, outcome: Unchanged, *, conditional: bool) -> Result:
        if not conditional:
            return schedule.Failure(outcome.at, Reason.PROTOCOL, 304, None, "304 to a request without validators")
        headers = dict(outcome.headers)
        return schedule.Success(
            outcome.at, feed.state.entries, 0, full=False, changed=False,
            etag=headers.get("etag", feed.state.etag), last_modified=headers.get("last-modified", feed.state.last_modified),
            body_hash=feed.state.body_hash, fresh=schedule.fresh(outcome.headers, outcome.at), hints=feed.state.hints,
            permanent_url=outcome.permanent_url)

    async def _parse_feed(self, feed: Feed, outcome: Fetched) -> Document:
        """The same bytes as last time are not parsed again, but their new validators count."""
        hash_ = xxhash.xxh3_128_hexdigest(outcome.body)
        parsed: ParsedFeed | None = None
        entries: list[SeenEntry] = []
        if hash_ != feed.state.body_hash:
            reader = partial(read, feed.config, self.sources.zone(feed.source))
            try:
                parsed, entries = await self.pool.run(
                    reader, outcome.body, outcome.final_url, dict(outcome.headers).get("content-type"), timeout=FEED_SECONDS)
            except (feeds.FeedFault, WorkerError) as fault:
                return Document(outcome, schedule.Failure(outcome.at, fault.reason, outcome.status, None, fault.detail))
            except Exception as error:  # noqa: BLE001 - whatever a parser raises over foreign bytes
                detail = f"could not be read: {type(error).__name__}: {error}"
                return Document(outcome, schedule.Failure(outcome.at, Reason.NOT_A_FEED, outcome.status, None, detail))
        self._note_dropped(feed, parsed)
        return await self._success(feed, outcome, parsed, hash_, entries)

    async def _success(
        self, feed: Feed, outcome: Fetched, parsed: ParsedFeed | None, hash_: str, entries: list[SeenEntry],
    ) -> Document:
        headers = dict(outcome.headers)
        known = await self.store.recognise(feed, entries, outcome.at) if entries else Recognised()
        allowance = schedule.allowance(feed.state, outcome.at, self.settings.crawl.quota.entries)
        entries, left = bounded(
            entries, known, allowance, unstable=feed.state.unstable >= schedule.UNSTABLE)
        if left:    # without its validators and its hash the document is read again, and brings the rest
            event(_log, "entries-left", logging.WARNING, url=feed.url, reason=Reason.QUOTA, more=left)
            headers, hash_ = {}, ""
        hub, topic = self._hub(feed, outcome, parsed)
        return Document(outcome, schedule.Success(
            outcome.at, len(parsed.entries) if parsed else feed.state.entries, len(known.new) - left,
            full=True, changed=parsed is not None, etag=headers.get("etag"), last_modified=headers.get("last-modified"),
            body_hash=hash_, fresh=schedule.fresh(outcome.headers, outcome.at),
            hints=parsed.hints if parsed else feed.state.hints, permanent_url=outcome.permanent_url,
            renamed=len(known.renamed), left=left, whole=not left and not _cut(parsed),
            patterns=patterns(feed.config), hub=hub, topic=topic),
            () if known.settled else entries, parsed.dropped if parsed else (), len(entries) if known.settled else 0)

    def _hub(self, feed: Feed, outcome: Fetched, parsed: ParsedFeed | None) -> tuple[str | None, str | None]:
        """Of a document that is the last one again, what was read in it holds, unless the headers say otherwise."""
        found = feeds.hub_of(outcome.headers, outcome.final_url, parsed)
        return found if parsed is not None or found[0] else (feed.state.hub, feed.state.topic)

    async def pushed(self, push: Pushed) -> tuple[list[SeenEntry], Sequence[Dropped]]:
        """What a hub distributed: the entries that are wanted, in feed order, and those that were left out. Raises
        `feeds.FeedFault`, WorkerError, and whatever a parser raises over foreign bytes."""
        feed = push.feed
        reader = partial(read, feed.config, self.sources.zone(feed.source))
        parsed, entries = await self.pool.run(reader, push.body, feed.url, push.content_type, timeout=FEED_SECONDS)
        self._note_dropped(feed, parsed)
        return entries, parsed.dropped

    def _note_dropped(self, feed: Feed, parsed: ParsedFeed | None) -> None:
        """Each entry that is left out is named; of many, twenty, and how many more."""
        dropped = parsed.dropped if parsed else ()
        for each in dropped[:NAMED]:
            level = logging.DEBUG if each.reason == "filtered" else logging.WARNING   # that, a person asked for
            event(_log, "entry-dropped", level, url=feed.url, reason=each.reason, detail=each.detail)
        if len(dropped) > NAMED:
            event(_log, "entries-dropped", logging.WARNING, url=feed.url, more=len(dropped) - NAMED)


def _cut(parsed: ParsedFeed | None) -> bool:
    return parsed is not None and any(each.reason == "too_many" for each in parsed.dropped)


def patterns(config: FeedConfig) -> str:
    """What stands for the patterns of a feed; empty for none."""
    return xxhash.xxh3_64_hexdigest(repr((config.keep, config.drop)).encode()) if config.keep or config.drop else ""


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


def bounded(
    entries: Sequence[SeenEntry], known: Recognised, allowance: int, *, unstable: bool,
) -> tuple[list[SeenEntry], int]:
    """The entries without the new ones beyond `allowance`, in feed order, and how many those are. Where the names of the
    feed are `unstable`, an entry that it has had under another name is flagged."""
    kept: list[SeenEntry] = []
    new = 0
    for seen in entries:
        is_new = seen.entry.key in known.new
        new += is_new
        if is_new and new > allowance:
            continue
        flagged = unstable and is_new and seen.entry.key in known.renamed
        kept.append(replace(seen, entry=replace(seen.entry, flags=("unstable_ids",))) if flagged else seen)
    return kept, max(0, new - allowance)


def jitter(url: str, now: datetime) -> float:
    """In 0..1, spread over feeds and over polls without chance."""
    return xxhash.xxh3_64_intdigest(f"{url} {now:%Y-%m-%dT%H:%M}".encode()) / 2**64
