"""The seeded news of a chaos run: texts, sites, templates and wrappers of `crawler.newsworld`, published anew.

Every copy says whose text it is, by its wrapper, by a link at its end or by its canonical address: so who was first
does not hang on which poll saw it, and a run in which half of the polls fail must come to the same stories.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crawler.core import urls
from crawler.newsworld import World
from crawler.newsworld.compose import compose
from crawler.newsworld.model import Expected, FeedFormat, FeedSpec, Publication, Script, Site, Text, Version
from crawler.newsworld.script import _yaml, load, texts
from crawler.newsworld.world import aliases, entry_link, feed_url

# Texts that stand alone and are long enough to be copies: no templates, digests, live pages, or two reports of one event.
TEXTS = ("ferry", "museum", "library", "lighthouse", "clinic", "orchard", "tram", "grain", "observatory", "desal", "quake",
         "mina", "mathaf", "jamia", "qitar", "miyah", "zaytun", "suq", "de_deich", "de_fahrrad", "es_faro", "es_lancha",
         "ru_lodka", "ru_parom", "tr_firin", "tr_kediler", "hi_kuan", "hi_naav", "zh_deng")
PUBLISHERS = {
    "en": ("harbour-post", "capital-ledger", "hillford-chronicle", "valley-courier"), "ar": ("almarfa", "alwadi-alyawm"),
    "de": ("hafenblatt",), "es": ("costa-diaria",), "ru": ("severny-bereg",), "tr": ("kiyi-postasi",),
    "hi": ("sagar-samachar",), "zh": ("binhai-guancha",),
}
COPIERS = {"en": ("newsbasket", "daily-lantern", "inland-mirror"), "ar": ("mawjaz",)}
OTHERS = ("globe-scroll",)                      # copies from languages without a copier of their own
WRAPPERS = {"newsbasket": "newsbasket", "mawjaz": "mawjaz"}
CREDIT = "Read more: [the full report in {source}]({url})"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a news room is, in minutes of the world. `quiet`: when the last text appears."""

    originals: int
    copied: float               # share of the originals that somebody copies
    quiet: int
    every: tuple[int, ...]      # intervals between two polls of a feed
    formats: tuple[FeedFormat, ...] = ("rss", "atom", "json", "rdf")
    validators: float = 0.8     # share of the feeds that send them
    twice: float = 0.35         # share of the sites that list everything in a second feed as well


class Newsroom(World):
    """A world with a script of its own. `feeds`: address of each feed -> its interval in minutes."""

    def __init__(self, start: datetime, seed: str, plan: Plan) -> None:
        super().__init__(start)
        chance = random.Random(f"{seed} newsroom")
        publications = tuple(_publications(chance, plan))
        used = {item.site.id for item in publications}
        sites = tuple(site for site in _sites(chance, plan) if site.id in used)
        by_id = {site.id: site for site in sites}
        self.script = Script(sites, tuple(replace(item, site=by_id[item.site.id]) for item in publications))
        self.truth = tuple(self._truth(item) for item in self.script.publications)
        self.feeds = {feed_url(site, feed): feed for site in sites for feed in site.feeds}
        self.names = {urls.canonical(name): item for item in self.script.publications
                      for name in (item.url, *aliases(item))}

    @property
    def hosts(self) -> list[str]:
        """Every host, in order."""
        return [site.host for site in self.script.sites]

    def listed_at(self, item: Publication, feed: FeedSpec) -> str:
        """The address under which a feed lists a publication."""
        return entry_link(item, feed)

    def in_feeds(self) -> dict[str, list[Publication]]:
        """What each feed lists when everything has appeared."""
        return {feed_url(site, feed): [item for item in self.script.publications if item.site == site]
                for site in self.script.sites for feed in site.feeds}


def _sites(chance: random.Random, plan: Plan) -> Iterator[Site]:
    """Every site with feeds of its own choosing; some have a second one that lists the same under tracking links."""
    for site in load().sites:
        every = f"{chance.choice(plan.every)}m"
        first = FeedSpec("/feed", chance.choice(plan.formats), every=every, limit=50, validators=chance.random() < plan.validators,
                         content=chance.choice(("summary", "full")))
        second = FeedSpec("/all.xml", "rss", every=f"{chance.choice(plan.every)}m", limit=50, links="tracking",
                          validators=chance.random() < plan.validators)
        robots = chance.choice(("", "User-agent: *\nDisallow: /private/\n"))
        yield replace(site, feeds=(first, second) if chance.random() < plan.twice else (first,), robots=robots, licensed=())


def _publications(chance: random.Random, plan: Plan) -> Iterator[Publication]:
    written, sites = texts(), {site.id: site for site in load().sites}
    for text in chance.sample(TEXTS, plan.originals):
        of = _original(chance, plan, written[text], sites)
        yield of
        if chance.random() < plan.copied:
            yield from _copies(chance, plan, of, sites)


def _original(chance: random.Random, plan: Plan, text: Text, sites: dict[str, Site]) -> Publication:
    site = sites[chance.choice(PUBLISHERS[text.language])]
    at = chance.randint(-200, plan.quiet * 3 // 4)      # some stand in the feeds from the start
    return Publication(text.name, site, f"/news/{text.name.replace('_', '-')}", text.language, site.sections[0],
                       (Version(at, text.title, text.author, text.paragraphs),),
                       Expected(text.name, "original", None, True, ""))


def _copies(chance: random.Random, plan: Plan, of: Publication, sites: dict[str, Site]) -> Iterator[Publication]:
    copiers = COPIERS.get(of.language, OTHERS)
    for id_ in chance.sample(copiers, chance.randint(1, min(2, len(copiers)))):
        site = sites[id_]
        edit: dict[str, Any] = dict(_yaml("wrappers")[WRAPPERS[id_]]) if id_ in WRAPPERS else {"after": [CREDIT]}
        at = max(of.at + chance.randint(10, 60), -150)
        names = {"title": of.versions[0].title, "city": "", "source": of.site.name, "url": of.url,
                 "home": f"http://{of.site.host}/"}
        title = str(edit.pop("title", "{title}")).format(**names)
        author = edit.pop("author", site.name)
        paragraphs = compose(of.versions[0].paragraphs, edit, names)
        yield Publication(f"{of.id}-{id_}", site, f"/read/{of.id.replace('_', '-')}", of.language, site.sections[0],
                          (Version(min(at, plan.quiet), title, author, paragraphs),),
                          Expected(of.id, "copy", None, True, ""), of=of.id,
                          canonical=of.id if id_ == "inland-mirror" else None)
