"""WebSub (https://www.w3.org/TR/websub/), both ways: asking the hubs that feeds name, reading what they distribute, and
telling the hub of our own feeds that there is news. What hubs ask and send arrives at `web/websub.py`.

A hub's address comes from a stranger's feed: requests to it go through the fetcher, with its guard. The address of our own
hub comes from the configuration: it is told through the outbox.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlencode

import xxhash

from crawler import accounts, metrics
from crawler.core import feeds, schedule, urls
from crawler.core.types import Dropped
from crawler.documents import Documents, bounded, patterns
from crawler.errors import Reason, UnstorableError, WorkerError
from crawler.log import event
from crawler.ports import (
    Answered,
    Clock,
    Delivery,
    Failed,
    Fetched,
    Fetcher,
    Outcome,
    Poster,
    Pushed,
    Refused,
    Request,
    SeenEntry,
    Store,
    Subscription,
)
from crawler.settings import Settings

LEASE = timedelta(days=10)              # that is asked for; hubs give what they like
VERIFIED_WITHIN = timedelta(hours=1)    # a hub that agreed and has not verified by then is asked again
PINGED_EVERY = timedelta(minutes=1)
CLAIMS = 3                              # of one document: it may take whoever reads it along
LEAVING = 5                             # attempts to unsubscribe; then the lease may run out
_FIRST = timedelta(minutes=10)          # before a hub is asked again that refused or could not be reached; doubled each time
_MOST = timedelta(days=1)
_JITTER = 0.2
_PINGS = 1000                           # events that are passed over at a time: only the last one counts
_OUTPUT = ("originals.atom", "originals.json")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a document that was pushed is not read."""

    reason: Reason
    detail: str


class Hubs:
    """The hubs of one configuration."""

    def __init__(
        self, settings: Settings, store: Store, fetcher: Fetcher, poster: Poster, clock: Clock, *, documents: Documents,
    ) -> None:
        self._settings = settings
        self._store = store
        self._fetcher = fetcher
        self._poster = poster
        self._clock = clock
        self._documents = documents
        self.base = (settings.review.public_url or "").rstrip("/") or None
        """Under which hubs reach us; None where they cannot."""

    # --- the hubs of the feeds ---------------------------------------------------------------------------------------

    async def ask(self, subscription: Subscription) -> None:
        """Ask a hub to push a feed's news, or to stop. Raises LeaseLostError."""
        joining = subscription.mode == "subscribe"
        form = [("hub.callback", subscription.callback), ("hub.mode", subscription.mode), ("hub.topic", subscription.topic)]
        if joining:
            # The specification would have a secret sent over TLS only. Whoever listens on a plain connection learns it;
            # without one, whoever learns the callback's address alone could send what he likes.
            form += [("hub.secret", subscription.secret), ("hub.lease_seconds", str(round(LEASE.total_seconds())))]
        outcome = await self._fetcher.get(Request(subscription.hub, "hub", form=tuple(form)))
        error = _refusal(outcome)
        due: datetime | None = outcome.at + (VERIFIED_WITHIN if error is None else _wait(subscription, outcome))
        if not joining and subscription.attempts + 1 >= LEAVING:
            due = None
        _count_subscription("asked" if error is None else "refused")
        if error is not None:
            event(_log, "hub-refused", logging.WARNING, hub=subscription.hub, topic=subscription.topic,
                  mode=subscription.mode, detail=error, retry=due)
        await self._store.finish_asking(subscription, error, due)

    async def read(self, push: Pushed) -> None:
        """Store the entries of a document that a hub distributed. Raises LeaseLostError."""
        feed = push.feed
        read = await self._parsed(push)
        if isinstance(read, Refusal):
            await self._refuse(push, read)
            return
        entries, dropped = read
        known = await self._store.recognise(feed, entries)
        most = max(0, self._settings.crawl.quota.entries - push.today)
        kept, left = bounded(entries, known, most, unstable=feed.state.unstable >= schedule.UNSTABLE)
        if left:
            event(_log, "entries-left", logging.WARNING, url=feed.url, reason=Reason.QUOTA, more=left)
        try:
            stored = await self._store.finish_push(push, kept, patterns(feed.config))
        except UnstorableError as error:
            await self._refuse(push, Refusal(Reason.STORE, str(error)))
            accounts.listed(kept, dropped, left, None)
            return
        accounts.listed(kept, dropped, left, stored)
        _count_push("read")
        event(_log, "feed-pushed", url=feed.url, entries=len(entries), new=stored.new, changed=stored.changed)

    async def _parsed(self, push: Pushed) -> tuple[list[SeenEntry], Sequence[Dropped]] | Refusal:
        if push.token > CLAIMS:
            return Refusal(Reason.MEMORY, f"taken up {push.token} times and never read")
        try:
            return await self._documents.pushed(push)
        except (feeds.FeedFault, WorkerError) as fault:
            return Refusal(fault.reason, fault.detail)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises over foreign bytes
            return Refusal(Reason.NOT_A_FEED, f"could not be read: {type(error).__name__}: {error}")

    async def _refuse(self, push: Pushed, refusal: Refusal) -> None:
        """The next poll brings what it would have brought."""
        _count_push("unreadable")
        event(_log, "push-failed", logging.WARNING, url=push.feed.url, reason=refusal.reason, detail=refusal.detail)
        await self._store.finish_push(push, [], patterns(push.feed.config))

    # --- the hub of our feeds ----------------------------------------------------------------------------------------

    @property
    def names(self) -> list[tuple[str, str]]:
        """Key and name of the own hub, for `sync_deliveries`; empty where there is none."""
        hub = self._settings.review.hub
        if hub is None or self.base is None:
            return []
        return [("hub " + blake2b(f"{hub} {self.base}".encode(), digest_size=16).hexdigest(), urls.origin(hub))]

    async def ping(self, delivery: Delivery) -> None:
        """Tell the own hub that the output feeds have changed; it fetches them itself. Raises LeaseLostError."""
        last = delivery.cursor
        while following := await self._store.events_after(last, _PINGS):
            last = following[-1].id
        failed = [outcome for name in _OUTPUT if not _taken(outcome := await self._publish(f"{self.base}/{name}"))]
        metrics.count("firsthand_hub_pings_total", "Times the own hub was told of news", outcome="failed" if failed else "sent")
        now = self._clock()
        if not failed:
            await self._store.save_delivery(replace(
                delivery, cursor=last, attempts=0, failing_since=None, error=None, due=now + PINGED_EVERY))
            return
        told = failed[0].detail if isinstance(failed[0], Failed) else f"HTTP {failed[0].status}"
        wait = _backoff(delivery.key, delivery.attempts)
        event(_log, "hub-failed", logging.WARNING, to=delivery.name, detail=told, retry=now + wait)
        await self._store.save_delivery(replace(
            delivery, attempts=delivery.attempts + 1, failing_since=delivery.failing_since or now, error=told, due=now + wait))

    async def _publish(self, topic: str) -> Answered | Failed:
        """The specification leaves this to the hub; all that are in use know `hub.url`, some want `hub.topic`."""
        body = urlencode([("hub.mode", "publish"), ("hub.url", topic), ("hub.topic", topic)]).encode()
        return await self._poster.post(
            self._settings.review.hub or "", body, (("Content-Type", "application/x-www-form-urlencoded"),))


def _taken(outcome: Answered | Failed) -> bool:
    return isinstance(outcome, Answered) and 200 <= outcome.status < 300


def _refusal(outcome: Outcome) -> str | None:
    """Why a hub did not agree; None where it did, with any 2xx."""
    match outcome:
        case Fetched():
            return None
        case Refused() | Failed():
            return f"{outcome.reason}: {outcome.detail}"
        case _:
            return "protocol: 304 to a POST"


def _wait(subscription: Subscription, outcome: Outcome) -> timedelta:
    asked = schedule.retry_after(outcome.headers, outcome.at) if isinstance(outcome, Refused) else None
    return max(_backoff(subscription.path, subscription.attempts), min(asked or timedelta(0), schedule.HORIZON))


def _backoff(key: str, attempts: int) -> timedelta:
    spread = xxhash.xxh3_64_intdigest(f"{key} {attempts}".encode()) / 2**64
    return min(_FIRST * (1 << min(attempts, 16)), _MOST) * (1 + _JITTER * spread)


def _count_subscription(outcome: str) -> None:
    metrics.count("firsthand_websub_requests_total", "Requests to hubs by what came of them", outcome=outcome)


def _count_push(outcome: str) -> None:
    metrics.count("firsthand_websub_pushes_total", "Documents that hubs distributed, by what became of them", outcome=outcome)
