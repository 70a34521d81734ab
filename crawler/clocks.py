"""One clock for workers on many machines: the database's, read once and carried on by the machine's own.

When something appeared, whose turn it is, and for how long a lease holds are compared across workers; the clocks of
their machines differ by whatever their keepers let them.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_JUMP = timedelta(minutes=1)    # by which a clock may drift between two looks; more, and somebody has set it
_SAMPLES = 5    # of which the one that took least time tells most
# Counts on while the machine sleeps, where there is one that does.
_steady: Callable[[], float] = (
    (lambda: time.clock_gettime(time.CLOCK_BOOTTIME)) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic)


@dataclass(slots=True)
class SharedClock:
    """The present by another clock, asked for over a network. Call `set` before the first use, and now and then."""

    ask: Callable[[], Awaitable[datetime]]
    _at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    _mark: float = field(default=float("-inf"))

    def __call__(self) -> datetime:
        """The present, aware, in UTC."""
        return self._at + timedelta(seconds=_steady() - self._mark)

    async def begin(self) -> None:
        """Set it as exactly as the network allows. Raises what `ask` does."""
        samples = [await self._sample() for _ in range(_SAMPLES)]
        _, self._at, self._mark = min(samples, key=lambda one: one[0])

    async def set(self) -> None:
        """Set it anew where it is further from the other clock than the asking took. Raises what `ask` does."""
        error, at, mark = await self._sample()
        if abs(self._at + timedelta(seconds=mark - self._mark) - at) > timedelta(seconds=error):
            self._at, self._mark = at, mark

    async def _sample(self) -> tuple[float, datetime, float]:
        """By how much it may be wrong, in seconds; the other clock's time; and when that was."""
        before = _steady()
        at = await self.ask()
        after = _steady()
        return (after - before) / 2, at, (before + after) / 2


@dataclass(slots=True)
class ClockWatch:
    """Whether somebody has set a clock, which in `steady` seconds goes on `speed` times as far."""

    clock: Callable[[], datetime]
    steady: Callable[[], float]
    speed: float
    _then: datetime = field(init=False)
    _mark: float = field(init=False)

    def __post_init__(self) -> None:
        self._then, self._mark = self.clock(), self.steady()

    def jumped(self) -> timedelta | None:
        """By how much it has jumped since the last look; None where it has not."""
        now, mark = self.clock(), self.steady()
        jump = now - self._then - timedelta(seconds=(mark - self._mark) * self.speed)
        self._then, self._mark = now, mark
        return jump if abs(jump) > _JUMP * self.speed else None
