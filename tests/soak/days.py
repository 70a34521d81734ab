"""The news world without an end: its one day again and again, each time in other words at other addresses.

A day's texts are told in words of their own: each longer word is exchanged for another of the same language, by a table
that holds for that day. So copies of a day stay copies of each other, and share nothing with those of the day before.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cache

from crawler.newsworld import World
from crawler.newsworld.model import Publication, Script, Version
from crawler.newsworld.script import load

DAY = 24 * 60          # minutes
_KEPT = 2              # days whose pages are still served: a crawler that is late finds them
_WORD = re.compile(r"[^\W\d_]{5,}")
_LINK = re.compile(r"\]\([^)]*\)|https?://\S+|\{\w+\}")


class EndlessWorld(World):
    """A world that runs on; `now` is what `clock` says."""

    def __init__(self, start: datetime, clock: Callable[[], datetime]) -> None:
        self._clock, self._days = clock, (-1, load())
        super().__init__(start)

    @property
    def now(self) -> datetime:
        """The present of the world."""
        return self._clock()

    @now.setter
    def now(self, _: datetime) -> None:
        """Set by nobody but the clock."""

    @property
    def script(self) -> Script:
        """Today's publications, and those of the days before that are still served."""
        today = int(self.minute // DAY)
        if self._days[0] != today:
            days = range(max(0, today - _KEPT + 1), today + 1)
            publications = [item for day in reversed(days) for item in day_of(day)]
            self._days = today, Script(load().sites, tuple(publications))
        return self._days[1]

    @script.setter
    def script(self, _: Script) -> None:
        """It follows from the day."""


@cache
def _words() -> dict[str, list[str]]:
    """The longer words of each language, in order."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in load().publications:
        for version in item.versions:
            found[item.language].update(_WORD.findall(" ".join((version.title, *version.paragraphs))))
    return {language: sorted(words) for language, words in found.items()}


@cache
def _exchange(language: str, day: int) -> dict[str, str]:
    words = _words()[language]
    others = list(words)
    random.Random(f"{language} {day}").shuffle(others)
    return dict(zip(words, others, strict=True)) if day else {}


def day_of(day: int) -> Iterator[Publication]:
    """The publications of one day; those of day 0 are the world's own."""
    script = load()
    addresses = {item.url: item.url.replace(item.path, _path(item, day)) for item in script.publications}
    for item in script.publications:
        yield replace(
            item, id=_name(item.id, day), path=_path(item, day), of=item.of and _name(item.of, day),
            canonical=item.canonical and _name(item.canonical, day),
            versions=tuple(_told(version, item.language, day, addresses) for version in item.versions))


def _name(id_: str, day: int) -> str:
    return f"{id_}-{day}" if day else id_


def _path(item: Publication, day: int) -> str:
    return f"/{day}{item.path}" if day else item.path


def _told(version: Version, language: str, day: int, addresses: dict[str, str]) -> Version:
    def tell(text: str) -> str:
        for old, new in addresses.items():
            text = text.replace(old, new) if old in text else text
        return _translated(text, _exchange(language, day))

    return Version(version.at + day * DAY, tell(version.title), version.author, tuple(map(tell, version.paragraphs)))


def _translated(text: str, table: dict[str, str]) -> str:
    """The text in other words, its links as they were."""
    parts, at = [], 0
    for link in _LINK.finditer(text):
        parts += [_WORD.sub(lambda hit: table.get(hit[0], hit[0]), text[at:link.start()]), link[0]]
        at = link.end()
    return "".join([*parts, _WORD.sub(lambda hit: table.get(hit[0], hit[0]), text[at:])])
