"""What is pushed, out and in: what is posted to whom, and the part of the store that both ways need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from crawler.core.types import Push
from crawler.ports.fetching import Failed
from crawler.ports.records import Feed, PollStored, SeenEntry


@dataclass(frozen=True, slots=True)
class HubSaid:
    """What a hub says of a subscription: that it is asked for ("subscribe", "unsubscribe"), or denied."""

    mode: Literal["subscribe", "unsubscribe", "denied"]
    topic: str
    lease: timedelta = timedelta(0)     # of a subscription
    reason: str = ""                    # of a denial


@dataclass(frozen=True, slots=True)
class Answered:
    """Whatever a receiver answered; its body is thrown away. Header names are lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    at: datetime


class Poster(Protocol):
    """POST to an address that a person configured. Follows no redirect, repeats nothing, uses no proxy."""

    async def post(self, url: str, body: bytes, headers: tuple[tuple[str, str], ...]) -> Answered | Failed:
        """Send it and wait 15 s at most. Raises nothing but cancellation."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log of stories: `history`, in which ids grow with each commit."""

    id: int
    story: str
    at: datetime
    event: Literal["story", "original-changed", "merged", "dissolved", "changed"]
    original: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far somebody who is told of the log has been told. `token` fences a claim, as that of a feed does."""

    id: int
    token: int
    key: str                            # of whom, and of what: another filter is another delivery
    name: str                           # origin of the address, for a person to read
    cursor: int                         # the last event that is done with
    due: datetime
    attempts: int = 0                   # failures in a row
    failing_since: datetime | None = None
    error: str | None = None            # the last failure in one line
    disabled: bool = False              # the receiver said 410
    lost: int = 0                       # events that were given up


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a hub was asked for one feed, or is to be asked. `token` fences a claim."""

    id: int
    token: int
    feed: int
    path: str                           # the unguessable end of the callback's address
    base: str                           # public_url, without a slash at the end
    hub: str
    topic: str
    secret: str
    mode: Literal["subscribe", "unsubscribe"]
    asked: datetime | None              # when the hub was last asked; None: never
    since: datetime | None              # when it was first verified
    until: datetime | None              # when its lease ends
    due: datetime                       # when the hub is asked next
    attempts: int = 0
    error: str | None = None

    @property
    def callback(self) -> str:
        """Where the hub reaches us."""
        return f"{self.base}/websub/{self.path}"


@dataclass(frozen=True, slots=True)
class Pushed:
    """A document that a hub distributed, signed, and that waits to be read."""

    id: int
    token: int
    feed: Feed
    at: datetime                        # when it came
    content_type: str | None
    body: bytes
    today: int = 0                      # new entries that its subscription has brought on this day (UTC)


class OutwardStore(Protocol):
    """The store's part for webhooks and WebSub; see `Store` for what holds of every method."""

    # out
    async def sync_deliveries(self, wanted: Sequence[tuple[str, str]], now: datetime) -> None:
        """Whom this configuration tells of the log: (key, name). Whoever is new begins at its present end. Whoever is no
        longer among them is kept for an hour, for processes that still know another configuration, then forgotten.
        One that said 410 is told again, from the present end."""
        ...

    async def claim_deliveries(self, keys: Sequence[str], now: datetime, lease: timedelta, limit: int) -> list[Delivery]:
        """Of these, those that are due and not told of everything yet."""
        ...

    async def save_delivery(self, delivery: Delivery, told: str | None = None, *, done: bool = True) -> None:
        """How far it has come, for a claimed one; `told` is a story that it has now been told of. `done` ends the claim.
        Raises LeaseLostError."""
        ...

    async def events_after(self, cursor: int, limit: int) -> list[Event]:
        """The log after an event, oldest first."""
        ...

    async def was_told(self, key: str, story: str) -> bool:
        """Whether this one was told of the story, or of one that went into it."""
        ...

    async def failing_deliveries(self) -> list[Delivery]:
        """Those whose last attempt failed, or that were disabled, among the configured ones."""
        ...

    # in
    async def sync_subscriptions(self, base: str | None, now: datetime) -> int:
        """Make what is asked of hubs fit the feeds that name one, with callbacks under `base` (None: none). What no longer
        fits is to be unsubscribed. Returns how many changed."""
        ...

    async def claim_subscriptions(self, now: datetime, lease: timedelta, limit: int) -> list[Subscription]:
        """Those whose hub is to be asked now; marked as asked, since a hub may verify before it answers."""
        ...

    async def finish_asking(self, subscription: Subscription, error: str | None, due: datetime | None) -> None:
        """The hub was asked. Where it has not verified meanwhile it is asked again at `due`; None: never again, the
        subscription is forgotten. Raises LeaseLostError."""
        ...

    async def subscription(self, path: str) -> Subscription | None:
        """The one with this callback."""
        ...

    async def hear_hub(self, path: str, said: HubSaid, now: datetime) -> bool:
        """A hub wants to know, or says, what is with the subscription of this callback; whether that is what was asked."""
        ...

    async def put_push(self, path: str, body: bytes, content_type: str | None, now: datetime) -> Literal[
            "stored", "repeated", "full", "unknown"]:
        """Keep a document that a hub distributed until it is read. `repeated`: the same as the last one; `full`: too
        many wait already."""
        ...

    async def claim_pushes(self, now: datetime, lease: timedelta, limit: int) -> list[Pushed]:
        """Documents that wait to be read, oldest first, one of a feed at a time."""
        ...

    async def finish_push(
        self, push: Pushed, entries: Sequence[SeenEntry], patterns: str,
    ) -> PollStored:
        """Store its entries as a poll does, with the window (last successful poll without them, when the push came), and
        nothing else of the feed's state: a push says nothing of what it does not hold. `patterns` are those that chose
        among the entries. Raises LeaseLostError."""
        ...


__all__ = ["Answered", "Delivery", "Event", "HubSaid", "OutwardStore", "Poster", "Push", "Pushed", "Subscription"]
