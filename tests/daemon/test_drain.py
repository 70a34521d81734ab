"""Draining a queue: what a failing store leaves behind."""

import asyncio
import gc
from datetime import UTC, datetime

import pytest

from crawler.daemon import Daemon, Queue
from crawler.errors import StoreError


async def test_a_store_that_fails_under_many_tasks_is_one_error():
    gc.collect()    # what other tests have left pending is not this one's
    complaints, together = [], asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))

    async def claim(limit):
        return range(limit)

    async def work(item):
        if item == 3:
            together.set()
        await together.wait()
        raise StoreError("the disk is full")

    daemon = Daemon(pipeline=None, store=None, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    with pytest.raises(StoreError, match="the disk is full"):
        await daemon._drain(Queue("poll", claim, work, width=4))
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
