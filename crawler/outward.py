"""What goes out and what is pushed in, as queues that the daemon drains: which work there is, and who does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from crawler.hubs import Hubs
from crawler.ports import Clock, Delivery, Pushed, Store, Subscription
from crawler.webhooks import Webhooks

ASKED_AT_ONCE = 8       # hubs
TOLD_AT_ONCE = 16       # webhooks


@dataclass(frozen=True, slots=True)
class Outward:
    """Webhooks and hubs of one configuration over one store."""

    store: Store
    clock: Clock
    webhooks: Webhooks
    hubs: Hubs

    async def sync(self) -> None:
        """Make who is told fit the configuration. Raises StoreError."""
        await self.store.sync_deliveries([*self.webhooks.names, *self.hubs.names], self.clock())

    async def due_deliveries(self, lease: timedelta, limit: int) -> list[Delivery]:
        """Whom to tell something."""
        keys = [key for key, _ in (*self.webhooks.names, *self.hubs.names)]
        return await self.store.claim_deliveries(keys, self.clock(), lease, limit) if keys else []

    async def deliver(self, delivery: Delivery) -> None:
        """Tell it. Raises LeaseLostError."""
        own = {key for key, _ in self.hubs.names}
        await (self.hubs.ping(delivery) if delivery.key in own else self.webhooks.deliver(delivery))

    async def due_subscriptions(self, lease: timedelta, limit: int) -> Sequence[Subscription]:
        """Which hubs to ask. None without a public address: subscriptions of another process are its own to renew, and
        those of an earlier configuration run out."""
        if self.hubs.base is None:
            return []
        await self.store.sync_subscriptions(self.hubs.base, self.clock())
        return await self.store.claim_subscriptions(self.clock(), lease, limit)

    async def waiting_pushes(self, lease: timedelta, limit: int) -> Sequence[Pushed]:
        """Which documents to read."""
        return await self.store.claim_pushes(self.clock(), lease, limit)
