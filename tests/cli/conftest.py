"""A small store with two stories and a single, judged for real; and the command, called in this process."""

import asyncio
import io
import logging
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests import tongues

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

FERRY = """The night ferry between the mainland and the island of Orrin will sail again from the first week of spring.
Eleven years after the last boat was sold to settle old debts, the harbour board approved the service on Tuesday by seven
votes to two. Tickets will cost nine crowns for islanders and twenty for everyone else, the board said in its decision.
The crossing takes five hours, calls at two smaller piers on the way, and carries forty lorries beside its passengers.
Fishermen had asked for a later departure so that the morning catch can reach the market hall before it opens at six.
"""
GARDEN = """Volunteers have planted four hundred apple trees along the disused railway that once served the lime quarry.
The trees come from cuttings that a retired teacher gathered over thirty years in abandoned farmyards of the upper valley.
Each carries a slate with the name of the farm, and a number under which the fruit is described in the county archive.
Schools will pick the first apples in three years, and a cider maker has promised to press whatever the children leave.
"""
LIGHT = """A keeper has been found for the lighthouse at Grey Head, which stood dark after its lamp was stolen last winter.
Forty people applied for the post, among them a violin maker, two astronomers and a former captain of the pilot boat.
The council chose the violin maker, who may work in the tower and will open the gallery to visitors on dry Sundays.
"""


@dataclass(frozen=True)
class Stored:
    """Where the store is, and who is in it."""

    config: str
    ids: dict[str, str]
    stories: dict[str, str]


def page(title, text, at, attributions=()):
    from crawler.core.types import Claim, Origin, Page

    return Page(title, text, "en", claims=(Claim("published", Origin.JSON_LD, f"{at:%Y-%m-%dT%H:%M:%SZ}", at),),
                attributions=attributions)


def drafts():
    from crawler.core.types import Attribution, AttributionKind

    credit = (Attribution(AttributionKind.NAMES_SOURCE, "The Orrin Post", "https://post.example/ferry",
                          "Source: The Orrin Post", "body"),)
    hello = "Good morning and a warm hello from all of us who sit beside the kettle on this rainy day in the office.\n"
    return [
        ("ferry", "https://post.example/ferry", "The Orrin Post", page("Night ferry [red]returns[/red]", FERRY, NOON), 0),
        ("portal", "https://portal.example/ferry", "Copy Portal", page("=Night ferry returns", hello + FERRY,
                                                                      NOON + timedelta(hours=1, minutes=30), credit), 90),
        ("lantern", "https://lantern.example/ferry", "Lantern", page("Ferry to sail", FERRY, NOON + timedelta(hours=2)), 120),
        ("garden", "https://vale.example/apples", "Vale Courier", page("Apples by rail", GARDEN, NOON), 10),
        ("mirror", "https://mirror.example/apples", "Mirror", page("Apples", GARDEN, NOON + timedelta(hours=3)), 190),
        ("light", "https://post.example/light", "The Orrin Post", page("Keeper found", LIGHT, NOON), 5),
    ]


async def build(config, given=None):
    from pathlib import Path

    from crawler import app
    from crawler.config import load
    from crawler.core import boilerplate, urls
    from crawler.ports import Draft, StoryQuery

    settings = load(Path(config), {}).settings
    ids = {}
    clock = SimpleNamespace(now=NOON)
    async with app.opened(settings, lambda: clock.now) as opened:
        for name, url, source, read, minutes in given or drafts():
            clock.now = NOON + timedelta(minutes=minutes)
            ids[name] = urls.article_id(url)
            html = f"<html><body><p>{read.text}</p></body></html>".encode()
            draft = Draft(ids[name], url, (), urls.host(url), source, read, 200, clock.now,
                          boilerplate.unit_keys(read.text, read.title), html,
                          (("content-type", "text/html"), ("content-encoding", "gzip"), ("x-broken", "a\r\nb")))
            await opened.store.save_article(draft, None, clock.now)
        await opened.daemon.judge_pending()
        found = await opened.store.stories(StoryQuery())
    names = {id_: name for name, id_ in ids.items()}
    return Stored(str(config), ids, {names[one.story.original]: one.story.id for one in found})


def configured(folder, more=""):
    path = folder / "firsthand.yaml"
    path.write_text(f"store: sqlite:///{folder / 'store.db'}\nstate_dir: {folder}\ncontact: desk@news.internal\n"
                    f"extract: {{workers: 1}}\nfeeds: []\n{more}")
    return path


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    return asyncio.run(build(configured(folder)))


def more_drafts():
    """The same with a digest of two stories, and a keeper found in other words."""
    retold = (
        "Grey Head will have a keeper once more: since thieves took the lamp in winter, the lighthouse had not been lit.\n"
        "A violin maker was preferred to some forty others; two astronomers and a captain retired from the pilot boat were "
        "sent home by the council.\nWork may be done up there, and on Sundays that stay dry, visitors get to see the gallery.\n")
    digest = f"Good morning, here is what others wrote while you slept.\n{FERRY}And in the valley:\n{GARDEN}Until tomorrow."
    return [*drafts(),
            ("digest", "https://roundup.example/monday", "Round-up", page("Monday in two stories", digest,
                                                                         NOON + timedelta(hours=5)), 300),
            ("retold", "https://gull.example/keeper", "Gull", page("Light again", retold, NOON + timedelta(hours=6)), 360)]


@pytest.fixture(scope="session")
def linked_built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linked")
    return asyncio.run(build(configured(folder), more_drafts()))


@pytest.fixture
def linked(linked_built, tmp_path):
    """A store with links, of this test's own."""
    from pathlib import Path

    config = configured(tmp_path)
    shutil.copy(Path(linked_built.config).parent / "store.db", tmp_path / "store.db")
    return Stored(str(config), linked_built.ids, linked_built.stories)


@pytest.fixture(scope="session")
def abroad_built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("abroad")
    return asyncio.run(build(configured(folder, tongues.ON), tongues.drafts()))


@pytest.fixture
def abroad(abroad_built, tmp_path):
    """A store with articles in three languages, of this test's own."""
    from pathlib import Path

    config = configured(tmp_path, tongues.ON)
    shutil.copy(Path(abroad_built.config).parent / "store.db", tmp_path / "store.db")
    return Stored(str(config), abroad_built.ids, abroad_built.stories)


@pytest.fixture
def stored(built, tmp_path):
    """A copy of the store of this test's own."""
    from pathlib import Path

    config = configured(tmp_path)
    shutil.copy(Path(built.config).parent / "store.db", tmp_path / "store.db")
    return Stored(str(config), built.ids, built.stories)


@pytest.fixture
def firsthand(capfd, monkeypatch, tmp_path):
    """Call the command: its exit status, what it printed, what it said on standard error."""
    from crawler.cli import _run

    root, ours = logging.getLogger(), logging.getLogger("crawler")
    before, level, our_level = list(root.handlers), root.level, ours.level
    monkeypatch.chdir(tmp_path)
    for name in ("FIRSTHAND_CONFIG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments, stdin=b"", config=None):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        given = ["-c", config.config] if config else []
        status = _run([*given, "--log-level", "error", *map(str, arguments)])
        out, err = capfd.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    yield call
    root.handlers[:] = before
    root.setLevel(level)
    ours.setLevel(our_level)
    logging.captureWarnings(capture=False)
