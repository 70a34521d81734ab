"""The world with its clock: what is visible when, what a crawler should make of it, how it is configured.

Nothing here reads the real clock. Two worlds with the same start give the same bytes at the same moments, but for
the feed that changes its GUIDs at each request, which counts requests.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from crawler.newsworld.model import FeedSpec, Publication, Role, Script, Site, Version
from crawler.newsworld.script import load

DAY = timedelta(hours=24)
TICK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Truth:
    """What a right judgement of one publication is.

    `url` is the canonical address; `aliases` are its other addresses that feeds hand out. `story` labels the articles
    that belong together and is None for a single. `decided` tells whether the story's original can be named;
    where it cannot, `role` is one of several right answers. `stored` is False where robots.txt forbids the page;
    `wall` names why it is no article; `optional` copies need not be found (translations).
    """

    id: str
    url: str
    source: str
    title: str
    language: str
    story: str | None
    role: Role
    kind: str | None
    decided: bool
    why: str
    published: datetime
    aliases: tuple[str, ...] = ()
    of: str | None = None
    stored: bool = True
    hidden: bool = False
    wall: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that reached the world, with the headers that came with it (names in lower case)."""

    at: datetime
    method: str
    url: str
    status: int
    headers: Mapping[str, str]


class World:
    """A day in the news. `start` is an aware datetime; the clock stands until it is moved."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("the start of a world needs a time zone")
        self.start = start.astimezone(UTC).replace(microsecond=0)
        self.now = self.start
        self.script: Script = load()
        self.log: list[Logged] = []
        self.asked: Counter[str] = Counter()   # requests a feed has had, by URL
        self.truth: tuple[Truth, ...] = tuple(self._truth(item) for item in self.script.publications)

    # the clock

    def advance(self, by: timedelta) -> datetime:
        """Move the clock on. Raises ValueError for a step back."""
        return self.set(self.now + by)

    def set(self, to: datetime) -> datetime:
        """Set the clock. Raises ValueError for a time before the present one: nothing is ever unpublished."""
        if to < self.now:
            raise ValueError("the clock of the world does not run backwards")
        self.now = to.astimezone(UTC)
        return self.now

    def times(self) -> list[datetime]:
        """When a demonstration polls: every half hour of the day, first and last moment included."""
        return [self.start + at * TICK for at in range(int(DAY / TICK) + 1)]

    def moment(self, minutes: int) -> datetime:
        """The datetime that lies so many minutes after the start."""
        return self.start + timedelta(minutes=minutes)

    @property
    def minute(self) -> float:
        """Minutes since the start."""
        return (self.now - self.start).total_seconds() / 60

    # what there is to see

    def published(self, site: Site) -> list[Publication]:
        """What stands on the site now, the newest first."""
        found = [item for item in self.script.publications if item.site == site and item.at <= self.minute]
        return sorted(found, key=lambda item: (-item.at, item.id))

    def listed(self, site: Site, feed: FeedSpec) -> list[Publication]:
        """What the feed shows now, the newest first."""
        fitting = [
            item for item in self.published(site)
            if not item.hidden and item.at + feed.lag <= self.minute and feed.section in ("", item.section)
        ]
        return fitting[:feed.limit]

    def version(self, item: Publication) -> Version:
        """What its page says now; the first version where it has not appeared yet."""
        return [item.versions[0], *(v for v in item.versions[1:] if v.at <= self.minute)][-1]

    # what to make of it

    def _truth(self, item: Publication) -> Truth:
        expected = item.expected
        return Truth(
            id=item.id, url=item.url, source=item.site.name, title=item.versions[0].title, language=item.language,
            story=expected.story, role=expected.role, kind=expected.kind, decided=expected.decided, why=expected.why,
            published=self.moment(item.at), aliases=tuple(aliases(item)), of=item.of, stored=not forbidden(item),
            hidden=item.hidden, wall=item.wall, optional=expected.optional)

    def feed_urls(self) -> list[str]:
        """Every feed that `settings` configures, in order."""
        return [feed_url(site, feed) for site in self.script.sites for feed in site.feeds]

    def settings(self, proxy_url: str, state_dir: Path | str) -> dict[str, Any]:
        """A configuration for this world as plain data: what `write_config` writes."""
        state = Path(state_dir)
        return {
            "store": f"sqlite:///{state / 'firsthand.db'}",
            "state_dir": str(state),
            "contact": "newsroom@firsthand.example",
            "crawl": {
                "proxy": proxy_url,
                "per_host": {"concurrency": 4, "delay": "0s"},
                "poll": {"min": "5m", "start": "30m", "max": "30m"},
                "timeout": "10s",
            },
            "sources": {site.name: entry for site in self.script.sites if (entry := self._source(site))},
            "review": {"listen": None},
            "feeds": [
                {"url": feed_url(site, feed), "source": site.name, "every": feed.every, "language": site.language}
                for site in self.script.sites for feed in site.feeds
            ],
        }

    def _source(self, site: Site) -> dict[str, Any] | None:
        """What a newsdesk would know of a site; None where it knows nothing."""
        if site.kind == "publisher" and not site.timezone and not site.licensed:
            return None
        entry: dict[str, Any] = {"kind": site.kind, "domains": [site.host]}
        if site.timezone:
            entry["timezone"] = site.timezone
        if site.licensed:
            entry["licensed"] = [{"from": self.script.site(of).name} for of in site.licensed]
        return entry

    def write_config(self, path: Path | str, proxy_url: str, state_dir: Path | str) -> Path:
        """Write `settings` as YAML for the real command; returns the path."""
        target = Path(path)
        text = yaml.safe_dump(self.settings(proxy_url, state_dir), allow_unicode=True, sort_keys=False, width=120)
        target.write_text("# The invented news world. Written by crawler.newsworld.\n" + text, "utf-8")
        return target


def feed_url(site: Site, feed: FeedSpec) -> str:
    """The address at which a feed is configured."""
    return f"http://{feed.host or site.host}{feed.path}"


def entry_link(item: Publication, feed: FeedSpec) -> str:
    """The address by which a feed names a publication."""
    match feed.links:
        case "tracking":
            return f"{item.url}?utm_source=rss&utm_medium=feed&utm_campaign={feed.format}&fbclid=IwAR{item.id}"
        case "redirect":
            return f"http://{item.site.host}/go/{item.id}"
        case "amp":
            return f"http://{item.site.host}/amp{item.path}"
        case "mobile":
            return f"http://m.{item.site.host}{item.path}"
        case "plain":
            return item.url


def aliases(item: Publication) -> Iterator[str]:
    """The other addresses by which the site's feeds name a publication."""
    for feed in item.site.feeds:
        link = entry_link(item, feed)
        if link != item.url and not item.hidden and feed.section in ("", item.section):
            yield link


def forbidden(item: Publication) -> bool:
    """Whether the site's robots.txt asks every machine to keep off the page."""
    lines = (line.partition(":") for line in item.site.robots.splitlines())
    return any(key.strip() == "Disallow" and item.path.startswith(rule.strip()) for key, _, rule in lines)
