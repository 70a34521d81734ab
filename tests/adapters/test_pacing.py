"""Turns at hosts, on a clock that jumps to the next thing that happens."""

import asyncio
import itertools
import selectors

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.adapters.http import target
from crawler.adapters.http.pacing import Pacer
from crawler.core import urls


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, lets the clock jump."""

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop on whose clock nothing takes time but waiting."""

    def __init__(self):
        selector = _Jumping()
        super().__init__(selector)
        selector.loop, self.now = self, 1000.0

    def time(self):
        return self.now


def play(scenario):
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()


async def visit(pacer, host, log, takes=0.0, **options):
    async with pacer.turn(host, **options):
        log.append((round(asyncio.get_running_loop().time() - 1000, 6), host))
        await asyncio.sleep(takes)


def visits(pacer, *hosts, takes=0.0):
    async def scenario():
        log = []
        await asyncio.gather(*(visit(pacer, host, log, takes) for host in hosts))
        return log

    return play(scenario)


def test_starts_at_a_host_keep_the_delay():
    assert visits(Pacer(64, 8, 1.0), "a", "a", "a") == [(0, "a"), (1, "a"), (2, "a")]


def test_hosts_do_not_wait_for_one_another():
    assert visits(Pacer(64, 8, 1.0), "a", "b", "c", "a") == [(0, "a"), (0, "b"), (0, "c"), (1, "a")]


def test_no_more_at_once_at_a_host_than_allowed():
    assert [at for at, _ in visits(Pacer(64, 2, 0), *"aaaaa", takes=3)] == [0, 0, 3, 3, 6]


def test_no_more_at_once_in_all_than_allowed():
    assert [at for at, _ in visits(Pacer(2, 2, 0), *"abcde", takes=3)] == [0, 0, 3, 3, 6]


def test_a_slow_host_holds_no_global_slot_while_its_requests_wait():
    log = visits(Pacer(2, 1, 10), *"aaaaaaa", "b", "c", takes=1)
    assert log[:3] == [(0, "a"), (0, "b"), (1, "c")]


def test_hosts_take_turns():
    assert [host for _, host in visits(Pacer(1, 1, 0), *"aaaa", "b", "b", "c", takes=1)] == [*"abcabaa"]


def test_a_delay_that_a_host_asks_for_outlasts_its_rest():
    async def scenario():
        pacer, log = Pacer(64, 8, 1.0), []
        pacer.set_delay("a", 5)
        for _ in range(2):
            await asyncio.gather(visit(pacer, "a", log), visit(pacer, "a", log))
            await asyncio.sleep(100)
            assert len(pacer) == 0
        return log

    assert [at for at, _ in play(scenario)] == [5, 10, 110, 115]


def test_a_delay_that_a_host_asks_for_holds_over_a_restart():
    """Nobody knows when the process before this one asked: just before its end, at the latest."""
    async def scenario():
        pacer, log = Pacer(64, 8, 1.0), []
        await visit(pacer, "b", log)
        await asyncio.sleep(2)
        pacer.set_delay("a", 5)     # known from the robots.txt that is stored
        await asyncio.gather(visit(pacer, "a", log), visit(pacer, "b", log))
        await asyncio.sleep(100)
        pacer.set_delay("c", 5)
        await asyncio.gather(visit(pacer, "c", log), visit(pacer, "a", log))
        return log

    # Later it is no restart any more.
    assert play(scenario) == [(0, "b"), (2, "b"), (5, "a"), (105, "c"), (105, "a")]


@pytest.mark.parametrize("asked", [0.2, 0, -5])
def test_a_delay_below_the_configured_one_changes_nothing(asked):
    pacer = Pacer(64, 8, 1.0)
    pacer.set_delay("a", 7)
    pacer.set_delay("a", asked)
    assert visits(pacer, "a", "a") == [(0, "a"), (1, "a")]


def test_a_delay_raised_while_requests_wait_holds_for_them():
    async def scenario():
        pacer, log = Pacer(64, 8, 1.0), []
        waiting = [asyncio.ensure_future(visit(pacer, "a", log)) for _ in range(3)]
        await asyncio.sleep(0.5)
        pacer.set_delay("a", 10)
        await asyncio.gather(*waiting)
        return log

    assert [at for at, _ in play(scenario)] == [0, 10, 20]


def test_a_delay_raised_while_a_host_waits_for_a_global_slot_holds_too():
    async def scenario():
        pacer, log = Pacer(1, 8, 1.0), []
        await visit(pacer, "a", log)
        busy = asyncio.ensure_future(visit(pacer, "b", log, 3))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(visit(pacer, "a", log))
        await asyncio.sleep(2)
        pacer.set_delay("a", 10)
        await asyncio.gather(busy, waiting)
        return log

    assert play(scenario) == [(0, "a"), (0, "b"), (10, "a")]


def test_the_next_hop_of_a_redirect_goes_before_those_that_wait():
    async def scenario():
        pacer, log = Pacer(64, 1, 1.0), []
        waiting = [asyncio.ensure_future(visit(pacer, "a", log, 0)) for _ in range(3)]
        await asyncio.sleep(0.5)
        order = []
        hop = asyncio.ensure_future(visit(pacer, "a", order, ahead=True))
        await asyncio.gather(hop, *waiting)
        return log, order

    assert play(scenario) == ([(0, "a"), (2, "a"), (3, "a")], [(1, "a")])


def test_an_idle_host_is_forgotten_when_it_is_rested():
    async def scenario():
        pacer, log = Pacer(64, 8, 1.0), []
        await asyncio.gather(*(visit(pacer, str(n), log) for n in range(500)))
        assert len(pacer) == 500
        await asyncio.sleep(1.1)
        return len(pacer)

    assert play(scenario) == 0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5), st.floats(0, 4), st.floats(0, 6) | st.none()), max_size=25),
    st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.0, 0.5, 2.0]))
def test_whatever_comes_and_is_cancelled_the_limits_hold_and_nothing_is_lost(plan, concurrency, per_host, delay):
    """Each request: its host, when it arrives, how long it takes, when (if ever) it is cancelled."""

    async def scenario():
        pacer, running, starts = Pacer(concurrency, per_host, delay), [], []
        loop = asyncio.get_running_loop()

        async def one(host, arrives, takes):
            await asyncio.sleep(arrives)
            async with pacer.turn(host):
                starts.append((loop.time(), host))
                running.append(host)
                assert len(running) <= concurrency
                assert running.count(host) <= per_host
                try:
                    await asyncio.sleep(takes)
                finally:
                    running.remove(host)

        tasks = []
        for host, arrives, takes, cancelled in plan:
            tasks.append(asyncio.ensure_future(one(host, arrives, takes)))
            if cancelled is not None:
                loop.call_later(cancelled, tasks[-1].cancel)
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10_000)
        for (*_, cancelled), end in zip(plan, ends, strict=True):
            assert end is None or (cancelled is not None and isinstance(end, asyncio.CancelledError)), end
        for name in "abc":
            at = [time for time, host in starts if host == name]
            assert all(later - earlier >= delay - 1e-9 for earlier, later in itertools.pairwise(at))
        await asyncio.sleep(delay + 1)
        assert (len(pacer), pacer._free) == (0, concurrency)

    play(scenario)


@pytest.mark.parametrize("url", ["http://[::1]:8080/x", "http://[2001:DB8::1]/", "https://Daily.example./x", "https://daily.example:443/", "http://127.1:81/"])
def test_a_host_has_one_name_for_requests_and_for_the_delay_that_it_asks(url):
    assert target.parse(url).host == urls.host(url)


def test_who_waits_for_something_else_lends_its_slot_and_has_it_back_at_once():
    async def scenario():
        pacer, log = Pacer(1, 1, 0.0), []

        async def lender():
            async with pacer.turn("slow.example"):
                with pacer.lending():
                    await asyncio.sleep(5)
                log.append((asyncio.get_running_loop().time() - 1000, "slow.example"))
                await asyncio.sleep(5)

        async def late():
            await asyncio.sleep(7)
            await visit(pacer, "late.example", log)

        await asyncio.gather(lender(), visit(pacer, "a.example", log), visit(pacer, "b.example", log, takes=6), late())
        return log, len(pacer)

    # Nobody starts beside the one that has its slot back: the late one waits until it has ended.
    assert play(scenario) == ([(0, "a.example"), (0, "b.example"), (5, "slow.example"), (10, "late.example")], 0)
