"""Figures over all stories, remembered: over a hundred thousand of them they take seconds, and move little in a minute.

What was quick is asked for anew each time, so that a small store always shows what is so. Else who asks gets what was
found last, with when that was, while it is found anew behind; only the first has to wait.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

QUICK = 0.05     # seconds that anybody may wait each time
FRESH = 60.0     # seconds for which what took longer is shown as it was
_AT_ONCE = 1     # the daemon reads by the same connections
_KEPT = 64       # questions that are remembered


@dataclass(slots=True)
class _Answer:
    value: Any
    at: datetime      # by the clock of the desk
    found: float      # by the event loop's
    took: float


@dataclass(slots=True)
class Figures:
    """Answers by question."""

    clock: Callable[[], datetime]
    _known: OrderedDict[str, _Answer] = field(default_factory=OrderedDict)
    _asking: dict[str, "asyncio.Task[_Answer]"] = field(default_factory=dict)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def get(self, question: str, ask: Callable[[], Awaitable[Any]]) -> tuple[Any, datetime | None]:
        """The answer, and of when it is; None where that is now. Raises what `ask` raises, where nothing is known yet."""
        known = self._known.get(question)
        if known is None or known.took <= QUICK:
            known = await asyncio.shield(self._ask(question, ask))
            return known.value, None
        if asyncio.get_running_loop().time() - known.found > FRESH:
            self._ask(question, ask)
        return known.value, known.at

    def _ask(self, question: str, ask: Callable[[], Awaitable[Any]]) -> "asyncio.Task[_Answer]":
        """One at a time asks the same."""
        if question not in self._asking:
            task = asyncio.create_task(self._find(question, ask))
            self._asking[question] = task
            task.add_done_callback(lambda done: self._end(question, done))
        return self._asking[question]

    async def _find(self, question: str, ask: Callable[[], Awaitable[Any]]) -> _Answer:
        loop = asyncio.get_running_loop()
        async with self._turn:
            at, begun = self.clock(), loop.time()
            value = await ask()
            answer = _Answer(value, at, loop.time(), loop.time() - begun)
        self._known[question] = answer
        self._known.move_to_end(question)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return answer

    def _end(self, question: str, done: "asyncio.Task[_Answer]") -> None:
        del self._asking[question]
        if not done.cancelled():
            done.exception()    # whoever waits for it hears of it; who was shown the last answer need not

    async def close(self) -> None:
        """End what is being asked."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
