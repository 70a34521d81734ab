"""One clock for many machines, and when somebody sets it."""

from datetime import UTC, datetime, timedelta

import pytest

from crawler import clocks
from crawler.clocks import ClockWatch, SharedClock

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Network:
    """Another machine's clock, some way off; `steady` is this machine's."""

    def __init__(self) -> None:
        self.steady, self.theirs, self.ways = 100.0, START, [0.0]

    def pass_(self, seconds: float) -> None:
        self.steady += seconds
        self.theirs += timedelta(seconds=seconds)

    async def ask(self) -> datetime:
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        self.pass_(way)
        said = self.theirs
        self.pass_(way / 9)     # the way back is shorter
        return said


@pytest.fixture
def network(monkeypatch):
    one = Network()
    monkeypatch.setattr(clocks, "_steady", lambda: one.steady)
    return one


async def test_it_shows_the_other_clock_and_goes_on_by_itself(network):
    clock = SharedClock(network.ask)
    await clock.begin()
    assert clock() == network.theirs
    network.pass_(3600)
    assert clock() == network.theirs


async def test_of_several_answers_the_quickest_counts(network):
    network.ways = [2.0, 0.9, 0.009, 0.9, 2.0]
    clock = SharedClock(network.ask)
    await clock.begin()
    assert abs(clock() - network.theirs) < timedelta(seconds=0.005)


async def test_what_an_answer_cannot_tell_leaves_it_alone(network):
    clock = SharedClock(network.ask)
    await clock.begin()
    network.ways = [5.0]
    await clock.set()
    assert clock() == network.theirs


async def test_it_follows_where_the_other_clock_is_set(network):
    clock = SharedClock(network.ask)
    await clock.begin()
    network.theirs -= timedelta(hours=1)
    await clock.set()
    assert clock() == network.theirs


@pytest.mark.parametrize(("by", "said"), [
    (timedelta(seconds=59), None), (timedelta(hours=1), timedelta(hours=1)), (timedelta(hours=-1), timedelta(hours=-1))])
def test_a_jump_is_what_the_steady_clock_does_not_explain(network, by, said):
    watch = ClockWatch(lambda: network.theirs, lambda: network.steady, 1.0)
    network.pass_(3600)
    assert watch.jumped() is None
    network.theirs += by
    assert watch.jumped() == said
    assert watch.jumped() is None
