"""Webhooks: whoever is told of the log of stories, one event after the other, until it has been taken or given up.

What is posted is the story as it is at that moment, not as it was when the event happened: an event is a reason to look.
Signed by the Standard Webhooks specification (https://www.standardwebhooks.com); an event keeps its id however often it
is sent, and after a crash it may be sent twice. Each webhook has a cursor of its own into the log, so that one that does
not answer holds up nobody else, and its events come in their order.
"""

import json
import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b

import xxhash

from crawler import metrics
from crawler.core import alerts, report, schedule, signatures, urls
from crawler.errors import NotFoundError
from crawler.log import event as log_event
from crawler.ports import Answered, Clock, Delivery, Event, Failed, Poster, Store, StoredStory
from crawler.settings import Settings, Webhook

BATCH = 100                         # events that are looked at under one claim
GIVEN_UP = timedelta(days=3)        # the age at which an event is given up that could not be delivered
_STEPS = tuple(timedelta(seconds=one) for one in (5, 60, 300, 900, 3600, 2 * 3600, 4 * 3600, 6 * 3600))
_LONGEST = timedelta(days=1)        # for which a Retry-After holds up a webhook
_JITTER = 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Message:
    """An event that is to be sent."""

    id: str
    body: bytes
    story: str      # as it is called now


class Webhooks:
    """Those of one configuration, by their keys."""

    def __init__(self, settings: Settings, store: Store, poster: Poster, clock: Clock) -> None:
        self._hooks = {key_of(hook): hook for hook in settings.webhooks}
        self._store = store
        self._poster = poster
        self._clock = clock

    @property
    def names(self) -> list[tuple[str, str]]:
        """Key and name of each, for `sync_deliveries`. A path may hold a secret: the name is the origin alone."""
        return [(key, urls.origin(hook.url)) for key, hook in self._hooks.items()]

    async def deliver(self, delivery: Delivery) -> None:
        """Tell one webhook what it has not been told, until it fails or there is no more. Raises LeaseLostError."""
        hook = self._hooks[delivery.key]
        for event in await self._store.events_after(delivery.cursor, BATCH):
            message = await self._message(hook, delivery, event)
            if message is None:
                delivery = replace(delivery, cursor=event.id)
                continue
            outcome = await self._post(hook, message)
            if not isinstance(outcome, Answered) or not 200 <= outcome.status < 300:
                await self._store.save_delivery(self._failed(delivery, event, outcome))
                return
            _count("sent")
            delivery = replace(delivery, cursor=event.id, attempts=0, failing_since=None, error=None)
            # Before the next one is sent: what a receiver has taken is not to come again after a crash.
            await self._store.save_delivery(delivery, message.story, done=False)
        await self._store.save_delivery(delivery)

    # --- what is said ------------------------------------------------------------------------------------------------

    async def _message(self, hook: Webhook, delivery: Delivery, event: Event) -> _Message | None:
        """None where there is nothing to say of this event."""
        conditions = _conditions(hook)
        said = _said(event)
        if said not in hook.events:
            return None
        try:
            stored = await self._store.story(event.story)
        except NotFoundError:
            _count("ended")
            return None
        row = report.row(stored.story, stored.articles, stored.carriers)
        if not alerts.fulfils(conditions, row, stored.articles[0].text[:alerts.LEAD]):
            _count("passed")
            return None
        if said == "story" and await self._store.was_told(delivery.key, stored.story.id):
            return None
        return _Message(_id_of(event), _body(event, said, stored, row), stored.story.id)

    async def _post(self, hook: Webhook, message: _Message) -> Answered | Failed:
        seconds = int(self._clock().timestamp())
        headers = [("Content-Type", "application/json"), ("webhook-id", message.id), ("webhook-timestamp", str(seconds))]
        if hook.secret is not None and hook.secret.get_secret_value():
            signature = signatures.of_webhook(hook.secret.get_secret_value(), message.id, seconds, message.body)
            headers.append(("webhook-signature", signature))
        return await self._poster.post(hook.url, message.body, tuple(headers))

    # --- what is made of a failure -----------------------------------------------------------------------------------

    def _failed(self, delivery: Delivery, event: Event, outcome: Answered | Failed) -> Delivery:
        at = outcome.at
        told = outcome.detail if isinstance(outcome, Failed) else f"HTTP {outcome.status}"
        if isinstance(outcome, Answered) and outcome.status == 410:
            _count("disabled")
            log_event(_log, "webhook-disabled", logging.ERROR, to=delivery.name, detail="HTTP 410: it wants no more events; "
                      "take it out of `webhooks`, or reload the configuration to have it told again")
            return replace(delivery, disabled=True, error="HTTP 410 Gone", failing_since=delivery.failing_since or at)
        _count("failed")
        since = min(delivery.failing_since or at, at)
        failed = replace(delivery, attempts=delivery.attempts + 1, failing_since=since, error=told)
        wait = _wait(failed, outcome)
        log_event(_log, "webhook-failed", logging.WARNING, to=delivery.name, event=_id_of(event), detail=told,
                  attempt=failed.attempts, retry=at + wait)
        if at - max(event.at, since) < GIVEN_UP:
            return replace(failed, due=at + wait)
        _count("given_up")
        log_event(_log, "webhook-given-up", logging.ERROR, to=delivery.name, event=_id_of(event), story=event.story,
                  detail=told, failing_since=since)
        # The next one has waited as long, or nearly: it is tried at once, and not for three more days.
        return replace(failed, cursor=event.id, lost=delivery.lost + 1, due=at)


def key_of(hook: Webhook) -> str:
    """Of the address and what is asked of it: with another secret it is the same webhook."""
    asked = hook.model_dump_json(exclude={"secret"}, exclude_defaults=True)
    return "webhook " + blake2b(asked.encode(), digest_size=16).hexdigest()


def _conditions(hook: Webhook) -> alerts.Conditions:
    return alerts.Conditions(hook.words, hook.sources, hook.role, hook.languages, hook.min_copies)


def _said(event: Event) -> str:
    """The word for an event. A story that has changed may only now be one that was asked for: any story begins without
    a copy where all that it has is a later version of its original."""
    return "story" if event.event == "changed" else event.event


def _body(event: Event, said: str, stored: StoredStory, row: dict[str, object]) -> bytes:
    """What is posted. `former` is the id under which it happened, where the story has gone into another since."""
    former = event.story if stored.story.id != event.story else None
    return json.dumps(
        {"id": _id_of(event), "event": said, "at": report.moment(event.at), "story": row, "previous": event.previous,
         "former": former}, ensure_ascii=False).encode()


def _id_of(event: Event) -> str:
    """The same however often it is sent, and another one for another line of the log, whichever database it is from."""
    seed = f"{event.id} {event.story} {event.event} {event.at.isoformat()}"
    return f"evt_{blake2b(seed.encode(), digest_size=16).hexdigest()}"


def _wait(delivery: Delivery, outcome: Answered | Failed) -> timedelta:
    step = _STEPS[min(delivery.attempts, len(_STEPS)) - 1]
    spread = xxhash.xxh3_64_intdigest(f"{delivery.key} {delivery.cursor} {delivery.attempts}".encode()) / 2**64
    asked = schedule.retry_after(outcome.headers, outcome.at) if isinstance(outcome, Answered) else None
    return max(step * (1 + _JITTER * spread), min(asked or timedelta(0), _LONGEST))


def _count(outcome: str) -> None:
    metrics.count("firsthand_webhook_events_total", "Events of webhooks by what became of them", outcome=outcome)


