"""A store with as many stories as asked for, of made-up words: what pages and feeds are timed on.

    python tests/bench/crowd.py sqlite:///crowd.db --stories 100000
"""

import argparse
import asyncio
import random
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from crawler.adapters.store import SqlStore, open_store
from crawler.adapters.store.codec import encode
from crawler.adapters.store.columns import outlet
from crawler.adapters.store.tables import articles, feeds, history, members, sightings, stories
from crawler.core.types import Claim, Copy, Evidence, Kind, Origin

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOURCES = 400
_KINDS = [Kind.NEAR, Kind.WRAPPED, Kind.WRAPPED, Kind.EXACT, Kind.EXCERPT, Kind.PARTIAL, Kind.SYNDICATED, Kind.REVISION]
_BATCH = 500


class Crowd:
    """Rows of invented stories. Sources and words are as uneven as real ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.words = ["".join(self.random.choice("bdfgklmnprstv") + self.random.choice("aeiou") for _ in range(2 + at % 3))
                      for at in range(20_000)]
        self.weights = [1 / (at + 5) for at in range(len(self.words))]
        self.sources = [f"{self.words[at].title()} {self.words[at + 700].title()}" for at in range(SOURCES)]

    def text(self, count: int) -> str:
        """Some sentences."""
        picked = self.random.choices(self.words, self.weights, k=count)
        return "\n".join(" ".join(picked[at:at + 40]).capitalize() + "." for at in range(0, count, 40))

    def source(self) -> str:
        """The busiest most often."""
        return self.sources[min(int(self.random.expovariate(1 / 60)), SOURCES - 1)]

    def story(self, number: int) -> dict[str, list[dict[str, object]]]:
        """Rows of one story by table."""
        at = NOW - timedelta(seconds=300 * number)
        copies = min(1 + int(self.random.expovariate(1 / 1.6)), 60)
        text, title = self.text(240), self.text(9).strip(".")
        ids = [f"a{number:07}{each:03}" for each in range(copies + 1)]
        seen = [at + timedelta(minutes=self.random.randrange(5, 2000) * bool(each)) for each in range(copies + 1)]
        made: dict[str, list[dict[str, object]]] = {"articles": [], "members": [], "stories": [], "history": [], "sightings": []}
        for each, id_ in enumerate(ids):
            made["articles"].append(self.article(id_, seen[each], title, text, number))
            made["sightings"].append(self.sighting(id_, seen[each]))
            made["members"].append({"article": id_, "story": f"s{number:07}", "position": each, "kind": None, "detail": None} if not each
                                   else self.member(id_, ids[0], number, each))
        decided = self.random.random() > 0.03
        made["stories"].append({
            "id": f"s{number:07}", "original": ids[0], "confidence": 0.97, "decided": decided, "outside": None,
            "verdict": "confirm" if self.random.random() < 0.02 else None, "why": encode((Evidence("appeared-earlier", "by an hour"),)),
            "rivals": [] if decided else ids[1:2], "founded": at, "updated": at, "listed": False})
        made["history"].append({"story": f"s{number:07}", "at": at, "event": "story", "original": ids[0], "previous": None})
        return made

    def article(self, id_: str, seen: datetime, title: str, text: str, number: int) -> dict[str, object]:
        source = self.source()
        claim = Claim("published", Origin.JSON_LD, seen.isoformat(), seen - timedelta(minutes=3))
        return {
            "id": id_, "url": f"https://{id_}.example/{id_}", "address": f"https://{id_}.example/{id_}", "host": f"{id_}.example",
            "source": source, "outlet": outlet(source), "title": title, "text": text, "text_hash": number, "language": self.random.choice(
                ["en", "en", "en", "ar", "de", "fr"]), "status": 200, "fetched": seen, "first_seen": seen,
            "without": seen - timedelta(minutes=30), "seen": seen, "claims": encode((claim,)), "attributions": [], "walls": [],
            "reservations": [], "alternates": [], "unjudged": False}

    def sighting(self, id_: str, seen: datetime) -> dict[str, object]:
        key = id_.encode().ljust(16, b".")
        return {"purpose": "entry", "state": "done", "feed": 1, "key_digest": key, "url_digest": key, "key": id_, "link": "", "url": "",
                "host": "", "aliases": [], "title": "", "summary": "", "entry": {"key": id_, "link": ""}, "fingerprint": b"", "without":
                seen - timedelta(minutes=30), "seen": seen, "listed": seen, "due": seen, "article": id_}

    def member(self, id_: str, original: str, number: int, place: int) -> dict[str, object]:
        kind = self.random.choice(_KINDS)
        made = Copy(id_, kind, original, 0.8, round(self.random.uniform(0.5, 1), 2), 0.8, (
            Evidence("names-source", quote="Source: somebody"),))
        return {"article": id_, "story": f"s{number:07}", "position": place, "kind": kind.value, "detail": encode(made)}


async def fill(store: SqlStore, count: int, seed: int = 1) -> None:
    """Write `count` stories; open the store again to have them listed."""
    crowd = Crowd(seed)
    tables = {"articles": articles, "stories": stories, "members": members, "history": history, "sightings": sightings}

    async def begin(connection):
        await connection.execute(sa.insert(feeds).values(
            id=1, digest=b"1", url="https://crowd.example/feed", host="crowd.example", source="Crowd", position=None, config={},
            guarded=False, state={}, next_poll=NOW, disabled=False, failing=False))

    async def some(connection, first):
        rows = [crowd.story(number) for number in range(first, min(first + _BATCH, count))]
        for name, table in tables.items():
            await connection.execute(sa.insert(table), [row for one in rows for row in one[name]])

    await store._db.write(begin)
    for first in range(0, count, _BATCH):
        await store._db.write(lambda connection, first=first: some(connection, first))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store")
    parser.add_argument("--stories", type=int, default=100_000)
    asked = parser.parse_args()
    store = await open_store(asked.store)
    await fill(store, asked.stories)
    await store.close()
    await (await open_store(asked.store)).close()


if __name__ == "__main__":
    asyncio.run(main())
