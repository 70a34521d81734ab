"""The clock, the truth's addresses, the configuration; and that chance and the real clock have no part in it."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from crawler.newsworld import World, feeds, pages
from crawler.newsworld.printed import Printed
from crawler.settings import Settings

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def everything(world: World) -> list[bytes]:
    """Every feed and page of a day, in order."""
    found = []
    for tick in world.times()[::8]:
        world.set(tick)
        for site in world.script.sites:
            found += [feeds.render(world, site, feed) for feed in site.feeds]
            found += [pages.article(world, item).encode() for item in world.published(site)]
            found.append(pages.home(world, site).encode())
    return found


def test_two_worlds_give_the_same_bytes():
    assert everything(World(START)) == everything(World(START))


def test_the_clock_stands_until_it_is_moved_and_never_runs_back(world: World):
    assert world.now == START
    assert world.advance(timedelta(minutes=5)) == START + timedelta(minutes=5)
    with pytest.raises(ValueError, match="backwards"):
        world.set(START)


def test_the_start_is_taken_in_utc_and_must_have_a_zone():
    assert World(datetime(2026, 3, 2, 8, tzinfo=timezone(timedelta(hours=2)))).now == START
    with pytest.raises(ValueError, match="time zone"):
        World(START.replace(tzinfo=None))


def test_ticks_are_half_hours_over_a_day(world: World):
    ticks = world.times()
    assert (len(ticks), ticks[0], ticks[-1]) == (49, START, START + timedelta(hours=24))
    assert {later - earlier for earlier, later in pairwise(ticks)} == {timedelta(minutes=30)}


def test_every_publication_appears_within_the_day_or_before_it(world: World):
    for item in world.script.publications:
        lag = max((feed.lag for feed in item.site.feeds), default=0)
        assert item.at + lag <= 1440, item.id
        assert item.versions == tuple(sorted(item.versions, key=lambda version: version.at)), item.id


def test_decided_copies_are_seen_in_a_later_poll_than_their_original(world: World):
    """The observation must be able to tell who was first, but where a claim, a link or nothing is meant to."""
    otherwise = {"olives", "apple", "lighthouse", "cable"}
    by_id = {row.id: row for row in world.truth}
    for row in world.truth:
        if row.of and row.story not in otherwise:
            ticks = [next(tick for tick in world.times() if tick >= by_id[who].published) for who in (row.of, row.id)]
            assert ticks[0] < ticks[1], row.id


def test_aliases_are_the_links_of_the_feeds(world: World):
    aliases = {row.id: row.aliases for row in world.truth}
    assert aliases["clinic"] == ("http://valley-courier.example/amp/valley/clinic",)
    assert aliases["ferry-lantern"] == ("http://m.daily-lantern.example/region/ferry-lantern",)
    assert aliases["ferry-basket"] == ("http://newsbasket.example/go/ferry-basket",)
    assert aliases["mina-mawjaz"][0].startswith("http://mawjaz.example/news/mina-mawjaz?utm_source=rss")
    assert aliases["ferry"] == aliases["lighthouse"] == ()


def test_the_configuration_is_valid_and_survives_the_file(world: World, tmp_path: Path):
    path = world.write_config(tmp_path / "firsthand.yaml", "http://127.0.0.1:8480", tmp_path / "var")
    data = yaml.safe_load(path.read_text("utf-8"))
    assert data == world.settings("http://127.0.0.1:8480", tmp_path / "var")
    settings = Settings.model_validate(data)
    assert [feed.url for feed in settings.feeds] == world.feed_urls()
    assert settings.crawl.proxy == "http://127.0.0.1:8480"
    assert settings.crawl.per_host.delay == timedelta(0)
    assert {name for name, source in settings.sources.items() if source.kind == "agency"} == {"Meridian News Agency"}
    assert {name for name, source in settings.sources.items() if source.kind == "aggregator"} == {
        "NewsBasket", "بوابة الموجز"}
    assert settings.sources["Inland Mirror"].licensed[0].from_ == "Valley Courier"
    assert "قوافل" not in settings.sources   # nobody has told the crawler about the storyteller


@pytest.mark.parametrize(("language", "words"), [
    ("en", "2 March 2026, 06:00"), ("ar", "2 مارس 2026 - 06:00"), ("de", "2. März 2026, 06:00 Uhr"),
    ("es", "2 de marzo de 2026, 06:00"), ("ru", "2 марта 2026, 06:00"), ("zh", "2026年3月2日 06:00"),
])
def test_times_in_words(language: str, words: str):
    assert Printed(START, language).words == words
