"""Where the articles of a window lie, in memory: their means a day at a time, read from the store and kept up with it.

Who has put an article's vectors into the store before it asks here finds all that others have put there before: of two
that arrive at once in two processes, one sees the other. A day that nobody asks for any more is forgotten.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from crawler import translations
from crawler.core.vectors import Place, Vectors, unit
from crawler.ports import Store

_DAYS = 40         # in memory at most: days of 1,500 articles take 3 MB each
_PART = timedelta(days=20)   # in memory at once where every day is looked at …
_EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)   # … and one part for what came before there were vectors
_ROOM = 64         # places for which a day has room at first


@dataclass(slots=True)
class Day:
    """The places of the articles of one day."""

    articles: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    means: Any = None         # float32[room, dimensions]
    languages: Any = None     # str[room]
    moments: Any = None       # float64[room]

    def put(self, place: Place) -> None:
        """Add a place, or replace that of its article."""
        mean = unit(np.frombuffer(place.mean, dtype=np.int8).astype(np.float32))
        at = self.rows.setdefault(place.article, len(self.articles))
        if at == len(self.articles):
            self.articles.append(place.article)
            self._make_room(len(mean))
        self.means[at], self.languages[at], self.moments[at] = mean, place.language, place.seen.timestamp()

    def _make_room(self, dimensions: int) -> None:
        if self.means is None:
            self.means = np.zeros((_ROOM, dimensions), dtype=np.float32)
            self.languages = np.zeros(_ROOM, dtype="U8")
            self.moments = np.zeros(_ROOM, dtype=np.float64)
        elif len(self.articles) > len(self.means):
            self.means, self.languages, self.moments = (
                np.concatenate((held, np.zeros_like(held))) for held in (self.means, self.languages, self.moments))

    def places(self) -> translations.Places:
        """All of them; as long as nothing is put."""
        size = len(self.articles)
        return translations.Places(self.means[:size], self.languages[:size], self.moments[:size])


@dataclass(slots=True)
class Atlas:
    """The days of one encoder's places."""

    store: Store
    encoder: str
    _days: OrderedDict[int, Day] = field(default_factory=OrderedDict)
    _read: int | None = None      # the last place that the days know of
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def nearest(self, asked: Vectors, seen: datetime, window: timedelta, limit: int) -> list[str]:
        """The articles in other languages that lie nearest, best first, seen at most `window` apart."""
        async with self._reading:
            days = [await self._day(number) for number in _numbers(seen - window, seen + window)]
            await self._catch_up()
            where = translations.places([asked], [seen.timestamp()])
            # In a thread: a hundred thousand take a tenth of a second. Nothing is put meanwhile.
            return await asyncio.to_thread(_nearest, where, days, window.total_seconds(), limit)

    async def _day(self, number: int) -> Day:
        if self._read is None:
            self._read = await self.store.last_place()
        if number not in self._days:
            begin = datetime.fromtimestamp(number * 86400, UTC)
            day = Day()
            for place in await self.store.places(self.encoder, begin, begin + timedelta(days=1)):
                day.put(place)
            self._days[number] = day
            while len(self._days) > _DAYS:
                self._days.popitem(last=False)
        self._days.move_to_end(number)
        return self._days[number]

    async def _catch_up(self) -> None:
        for place in await self.store.places_after(self.encoder, self._read or 0):
            self._read = place.revision
            if (day := self._days.get(_number(place.seen))) is not None:
                day.put(place)


async def anywhen(store: Store, asked: Vectors, until: datetime, limit: int) -> list[str]:
    """The stored articles in other languages that lie nearest, best first, whenever they were seen: a part of the time in
    memory at once, none of it kept."""
    where, best = translations.places([asked], [math.nan]), list[tuple[float, str]]()
    begin, end = datetime(1970, 1, 1, tzinfo=UTC), _EARLIEST
    while begin <= until:
        part = Day()
        for place in await store.places(asked.encoder, begin, end):
            part.put(place)
        best = sorted([*best, *await asyncio.to_thread(_ranked, where, [part], math.inf, limit)])[:limit]
        begin, end = end, end + _PART
    return [article for _, article in best]


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // 86400)


def _numbers(since: datetime, until: datetime) -> range:
    return range(_number(since), _number(until) + 1)


def _nearest(where: translations.Places, days: Sequence[Day], window: float, limit: int) -> list[str]:
    return [article for _, article in _ranked(where, days, window, limit)]


def _ranked(where: translations.Places, days: Sequence[Day], window: float, limit: int) -> list[tuple[float, str]]:
    """The nearest with their negative cosines, best first, ties by id."""
    return sorted((-cosine, day.articles[row]) for day in days if day.articles
                  for cosine, row in translations.nearest(where, day.places(), window, limit)[0])[:limit]
