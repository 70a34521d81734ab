"""Work in hand is leased: renewed while it lasts, ended where it is lost, and over before anybody else may take it."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crawler.daemon import Daemon, Queue, Timing
from crawler.errors import StoreError

START = datetime(2026, 3, 2, tzinfo=UTC)
FAST = Timing(lease=timedelta(minutes=1), speed=600)     # a lease lasts a tenth of a second
CALM = Timing(lease=timedelta(minutes=1), speed=30)      # two seconds: renewed in time on a busy machine too


@dataclass(frozen=True)
class Piece:
    id: int = 1
    token: int = 7


class Ledger:
    """The store as far as a drain asks it: `lost` after so many renewals, or out of reach from the first on."""

    def __init__(self, *, lost_after=10**9, broken=False):
        self.renewals, self.lost_after, self.broken = [], lost_after, broken

    async def renew(self, queue, tokens, now, lease):
        self.renewals.append((queue, dict(tokens), lease))
        if self.broken:
            raise StoreError("out of reach")
        return set(tokens) if len(self.renewals) > self.lost_after else set()


def draining(store, work, timing=FAST):
    waiting = [Piece()]

    async def claim(room):
        taken, waiting[:] = waiting[:room], waiting[room:]
        return taken

    daemon = Daemon(pipeline=None, store=store, clock=lambda: START, timing=timing)
    return daemon._drain(Queue("poll", claim, work, width=4))


async def test_what_takes_longer_than_its_lease_is_renewed_and_finished():
    store, finished = Ledger(), []

    async def work(piece):
        while len(store.renewals) < 4:
            await asyncio.sleep(0.01)
        finished.append(piece)

    assert await draining(store, work, CALM) == 1
    assert finished == [Piece()]
    assert store.renewals[0] == ("poll", {1: 7}, FAST.lease)


async def test_what_somebody_else_has_taken_over_is_ended(caplog):
    store, ended = Ledger(lost_after=2), []

    async def work(piece):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(piece)

    with caplog.at_level(logging.WARNING, "crawler"):
        await draining(store, work, CALM)
    assert (ended, len(store.renewals)) == ([Piece()], 3)
    assert [record.getMessage() for record in caplog.records] == ["lease-lost"]


async def test_what_cannot_be_renewed_is_ended_when_its_lease_is_over(caplog):
    async def work(_):
        await asyncio.Event().wait()

    with caplog.at_level(logging.WARNING, "crawler"):
        await draining(Ledger(broken=True), work)
    said = [record.getMessage() for record in caplog.records]
    assert set(said) == {"store-failed", "lease-lost"}
    assert said[-1] == "lease-lost"


async def test_a_process_that_was_frozen_ends_its_work_before_it_does_another_step():
    steps = []

    async def work(_):
        steps.append("asked for a turn")
        asyncio.get_running_loop().call_later(0.01, turn.set)
        # Frozen for longer than a lease: when the loop goes on, the turn and the end of the lease are both overdue.
        asyncio.get_running_loop().call_soon(frozen)
        await turn.wait()
        steps.append("sent the request")

    def frozen():
        end = asyncio.get_running_loop().time() + 0.3
        while asyncio.get_running_loop().time() < end:
            pass

    turn = asyncio.Event()
    await draining(Ledger(), work)
    assert steps == ["asked for a turn"]


async def test_a_clock_that_was_set_back_is_noticed_and_reported(caplog):
    times = iter([START, START, START - timedelta(days=1)])
    resets = []

    class Pipeline:
        class settings:
            class crawl:
                class poll:
                    max = timedelta(hours=6)

    class Store:
        async def reset_clock(self, now, longest):
            resets.append((now, longest))
            daemon.stop()

    daemon = Daemon(Pipeline(), Store(), lambda: next(times, START - timedelta(days=1)),
                    Timing(idle=timedelta(milliseconds=1)))
    daemon._wake = {"clock": asyncio.Event()}
    with caplog.at_level(logging.WARNING, "crawler"):
        await daemon._watch_clock()
    assert resets == [(START - timedelta(days=1), timedelta(hours=6))]
    assert [record.getMessage() for record in caplog.records] == ["clock-jumped"]
