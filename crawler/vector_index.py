"""Where the articles of a window lie, in memory: a day at a time, read from the store and kept up with it.

By the means of their sentence vectors where an encoder covers their languages, else by the numbers and names in them. Who
has put an article's place into the store before it asks here finds all that others have put there before: of two that
arrive at once in two processes, one sees the other. A day that nobody asks for any more is forgotten.
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Protocol

import numpy as np

from crawler import translations
from crawler.core.vectors import Place, unit
from crawler.ports import Store

_DAYS = 40         # in memory at most, or those of one look: days of 1,500 articles take 3 MB each
_ROOM = 64         # places for which a day has room at first
_PART = timedelta(days=20)                     # in memory at once where every day is looked at …
_EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)   # … and one part for what came before there were vectors


class Day(Protocol):
    """The places of the articles of one day."""

    def put(self, place: Place) -> None:
        """Add a place, or replace that of its article."""
        ...

    def nearest(self, asked: Place, window: float, limit: int) -> list[tuple[float, str]]:
        """The articles in other languages that lie nearest, with a score, best first, seen at most `window` seconds apart."""
        ...


@dataclass(slots=True)
class Means(Day):
    """By the means of sentence vectors; the score is their cosine."""

    _articles: list[str] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict)
    _means: Any = None         # float32[room, dimensions]
    _languages: Any = None     # str[room]
    _moments: Any = None       # float64[room]

    def put(self, place: Place) -> None:
        """See `Day`."""
        mean = _mean(place)
        at = self._rows.setdefault(place.article, len(self._articles))
        if at == len(self._articles):
            self._articles.append(place.article)
            self._make_room(len(mean))
        self._means[at], self._languages[at], self._moments[at] = mean, place.language, place.seen.timestamp()

    def _make_room(self, dimensions: int) -> None:
        if self._means is None:
            self._means = np.zeros((_ROOM, dimensions), dtype=np.float32)
            self._languages = np.zeros(_ROOM, dtype="U8")
            self._moments = np.zeros(_ROOM, dtype=np.float64)
        elif len(self._articles) > len(self._means):
            self._means, self._languages, self._moments = (
                np.concatenate((held, np.zeros_like(held))) for held in (self._means, self._languages, self._moments))

    def nearest(self, asked: Place, window: float, limit: int) -> list[tuple[float, str]]:
        """See `Day`."""
        if not self._articles:
            return []
        size = len(self._articles)
        here = translations.Places(self._means[:size], self._languages[:size], self._moments[:size])
        where = translations.Places(_mean(asked)[None, :], np.array([asked.language]), np.array([asked.seen.timestamp()]))
        return [(score, self._articles[row]) for score, row in translations.nearest(where, here, window, limit)[0]]


def _mean(place: Place) -> Any:
    return unit(np.frombuffer(place.mean, dtype=np.int8).astype(np.float32))


@dataclass(slots=True)
class Names(Day):
    """By numbers and names, `core.anchors.keys`, as eight bytes each; the score is the cosine of those that are shared, each
    weighed by how few of the day have it. Of two languages that `covers` both, none is near: an encoder tells them better."""

    covers: Callable[[str], bool]
    _keys: dict[str, Any] = field(default_factory=dict)         # uint64[…], sorted
    _places: dict[str, Place] = field(default_factory=dict)
    _holders: tuple[Any, Any, list[str], Any] | None = None     # keys, sorted; whose; the articles; the length of each

    def put(self, place: Place) -> None:
        """See `Day`."""
        self._keys[place.article] = np.frombuffer(place.mean, dtype="<u8")
        self._places[place.article] = place
        self._holders = None

    def nearest(self, asked: Place, window: float, limit: int) -> list[tuple[float, str]]:
        """See `Day`."""
        if not self._keys:
            return []
        keys, whose, articles, lengths = self._holders or self._held()
        mine = np.frombuffer(asked.mean, dtype="<u8")
        first, last = np.searchsorted(keys, mine, "left"), np.searchsorted(keys, mine, "right")
        weights = _weight(last - first, len(articles))
        products = np.zeros(len(articles))
        for start, end, weight in zip(first, last, weights, strict=True):
            products[whose[start:end]] += weight
        scores = products / np.maximum(lengths * math.sqrt(float(weights.sum())), 1e-9)
        ranked = np.argsort(-scores, kind="stable")
        found = ((float(scores[at]), articles[at]) for at in ranked if scores[at] > 0)
        return list(islice((each for each in found if self._is_near(asked, self._places[each[1]], window)), limit))

    def _is_near(self, asked: Place, other: Place, window: float) -> bool:
        return (asked.language != other.language and not (self.covers(asked.language) and self.covers(other.language))
                and abs((asked.seen - other.seen).total_seconds()) <= window)

    def _held(self) -> tuple[Any, Any, list[str], Any]:
        articles = sorted(self._keys)
        keys = np.concatenate([self._keys[id_] for id_ in articles])
        whose = np.repeat(np.arange(len(articles)), [len(self._keys[id_]) for id_ in articles])
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        lengths = np.sqrt(np.bincount(whose, weights=_weight(counts[inverse], len(articles)), minlength=len(articles)))
        order = np.argsort(keys, kind="stable")
        self._holders = keys[order], whose[order], articles, lengths
        return self._holders


def _weight(holders: Any, articles: int) -> Any:
    """The square of what a key weighs: as `core.anchors.Index` has it."""
    return np.log((articles + 2) / (holders + 1)) ** 2


@dataclass(slots=True)
class VectorIndex:
    """The days of one encoder's places."""

    store: Store
    encoder: str
    new: Callable[[], Day]
    _days: OrderedDict[int, Day] = field(default_factory=OrderedDict)
    _read: int | None = None      # the last place that the days know of
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def nearest(self, asked: Place, window: timedelta, limit: int) -> list[tuple[float, str]]:
        """The articles in other languages that lie nearest, with their score, best first, seen at most `window` apart."""
        async with self._reading:
            days = [await self._day(number) for number in _numbers(asked.seen - window, asked.seen + window)]
            while len(self._days) > max(_DAYS, len(days)):
                self._days.popitem(last=False)
            await self._catch_up()
            # In a thread: a hundred thousand take a tenth of a second. Nothing is put meanwhile.
            return await asyncio.to_thread(_nearest, asked, days, window.total_seconds(), limit)

    async def _day(self, number: int) -> Day:
        if self._read is None:
            self._read = await self.store.last_place()
        if number not in self._days:
            begin = datetime.fromtimestamp(number * 86400, UTC)
            day = self.new()
            for place in await self.store.places(self.encoder, begin, begin + timedelta(days=1)):
                day.put(place)
            self._days[number] = day
        self._days.move_to_end(number)
        return self._days[number]

    async def _catch_up(self) -> None:
        for place in await self.store.places_after(self.encoder, self._read or 0):
            self._read = place.revision
            if (day := self._days.get(_number(place.seen))) is not None:
                day.put(place)


async def anywhen(store: Store, asked: Place, encoder: str, until: datetime, limit: int) -> list[str]:
    """The stored articles in other languages that lie nearest by their means, best first, whenever they were seen up to a
    time: a part of the time in memory at once, none of it kept."""
    best: list[tuple[float, str]] = []
    begin, end = datetime(1970, 1, 1, tzinfo=UTC), _EARLIEST
    while begin <= until:
        part = Means()
        for place in await store.places(encoder, begin, end):
            part.put(place)
        found = await asyncio.to_thread(part.nearest, asked, math.inf, limit)
        best = sorted([*best, *((-score, article) for score, article in found)])[:limit]
        begin, end = end, end + _PART
    return [article for _, article in best]


def _number(moment: datetime) -> int:
    return int(moment.timestamp() // 86400)


def _numbers(since: datetime, until: datetime) -> range:
    return range(_number(since), _number(until) + 1)


def _nearest(asked: Place, days: Sequence[Day], window: float, limit: int) -> list[tuple[float, str]]:
    found = [(-score, article) for day in days for score, article in day.nearest(asked, window, limit)]
    return [(-score, article) for score, article in sorted(found)[:limit]]
