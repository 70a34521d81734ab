"""verdict: a person's ruling from the shell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from crawler.app import App
    from crawler.core.types import Verdict
    from crawler.ports import Store, StoredStory
    from crawler.settings import Settings

_RULINGS = ("confirm", "reject", "licensed", "original", "split", "merge", "undo")
_NAMED = {"original": (1, 1), "split": (1, None), "merge": (1, 1), "undo": (0, 0)}   # how many ids follow


@click.command()
@click.argument("story")
@click.argument("ruling", type=click.Choice(_RULINGS))
@click.argument("targets", nargs=-1, metavar="[ARTICLE|STORY]...")
@click.option("--note", default="", help="Why; kept with the ruling and shown beside it.")
@click.option("--json", "as_json", is_flag=True, help="The ruling and what it led to, as one JSON object.")
@pass_options
def verdict(options: Options, /, *, story: str, ruling: str, targets: tuple[str, ...], note: str, as_json: bool) -> None:
    """Rule on a story: a person's word outranks what was computed and survives every re-run.

    \b
    confirm [ARTICLE]  the article is a copy; without ARTICLE the original and every copy are right
    reject [ARTICLE]   the article is no copy; without ARTICLE none of them is
    licensed [ARTICLE] the article was republished by agreement; without ARTICLE all were
    original ARTICLE   this one is the original
    split ARTICLE...   these belong to another story
    merge STORY        that story is the same as this one
    undo               take the newest ruling on the story back

    A possible rewording is ruled on by its two articles: verdict ARTICLE confirm|reject ARTICLE.

    \b
    Example:
      firsthand verdict s7k2m4q9x1 original a5b8c2d7e3 --note "the agency's wire, 06:10"
      firsthand verdict s7k2m4q9x1 undo
    """
    low, high = _NAMED.get(ruling, (0, None))
    if len(targets) < low or (high is not None and len(targets) > high):
        raise UsageError(f"{ruling} takes {_wanted(ruling)}")
    from crawler.cli.output import emit
    from crawler.cli.reports import layout
    from crawler.render import rulings
    from crawler.render.harmless import json_text

    found = options.run(_ruled(options.settings(), story, ruling, targets, note))
    emit(json_text(found) + "\n" if as_json else rulings.text(found, layout()))


def _wanted(ruling: str) -> str:
    return {"original": "one ARTICLE", "split": "at least one ARTICLE", "merge": "one STORY", "undo": "nothing"}[ruling]


async def _ruled(settings: "Settings", story: str, ruling: str, targets: Sequence[str], note: str) -> dict[str, Any]:
    from crawler import app

    async with app.opened(settings) as opened:
        if ruling == "undo":
            stored = await opened.store.undo_verdict(await _id_of(opened.store, story), _who(), opened.clock())
        else:
            made = await _verdict(opened, story, ruling, targets, note)
            stored = await opened.store.add_verdict(made)
        await opened.daemon.judge_pending()
        return await _outcome(opened.store, ruling, stored)


def _who() -> str:
    """The login name."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):   # a container's user without a name
        return f"uid {os.getuid()}"


async def _id_of(store: "Store", given: str) -> str:
    """The story that an id means: its own, or that of the article with this id; for one that ended, the id itself."""
    from crawler.cli.reports import story_or_none

    found = await story_or_none(store, given)
    if found is not None:
        return found.story.id
    try:
        one = await store.article(given)
    except NotFoundError:
        return given
    standing = await store.verdicts([given])
    return one.story or (standing[-1].story if standing else given)


async def _story(store: "Store", given: str) -> "StoredStory":
    from crawler.cli.reports import story_or_none

    found = await story_or_none(store, await _id_of(store, given))
    if found is None:
        raise NotFoundError(f"{given}: no story is stored under this id, nor an article that is in one")
    return found


async def _verdict(opened: "App", story: str, ruling: str, targets: Sequence[str], note: str) -> "Verdict":
    from crawler.core.types import Verdict

    if ruling in ("confirm", "reject") and len(targets) == 1 and await _is_proposed(opened.store, story, targets[0]):
        return Verdict(0, ruling, story, story, (targets[0],), _who(), opened.clock(), note)  # type: ignore[arg-type]  # one of two
    found = await _story(opened.store, story)
    original, members = found.story.original, [one.id for one in found.articles]
    whole = not targets
    if ruling == "merge":
        articles = await _others(opened.store, found, targets[0])
    elif whole:
        articles = [id_ for id_ in members if id_ != original]
    else:
        articles = [await _member(opened.store, found, target) for target in targets]
        if ruling == "split" and original in articles:   # parted from it are then all who stay
            articles = [id_ for id_ in members if id_ not in articles]
    _check(ruling, original, articles)
    return Verdict(0, ruling, found.story.id, original, tuple(dict.fromkeys(articles)), _who(),  # type: ignore[arg-type]  # one of _RULINGS
                   opened.clock(), note, whole)


async def _is_proposed(store: "Store", one: str, other: str) -> bool:
    """Whether two articles stand in the report as a possible rewording."""
    from crawler.core.types import Relation

    return any(link.relation is Relation.REWORDING and {link.a, link.b} == {one, other} for link in await store.links([one]))


def _check(ruling: str, original: str, articles: Sequence[str]) -> None:
    if ruling in ("reject", "licensed") and original in articles:
        raise UsageError(f"{original} is the story's original; {ruling} is on a copy")
    if not articles:
        raise UsageError("that would part the whole story from nothing: name some of its articles, not all")


async def _others(store: "Store", one: "StoredStory", given: str) -> list[str]:
    other = await _story(store, given)
    if other.story.id == one.story.id:
        raise UsageError(f"{given} is the same story")
    return [article.id for article in other.articles]


async def _member(store: "Store", story: "StoredStory", given: str) -> str:
    """An article of the story, by its id or its address. Raises NotFoundError."""
    from crawler.core import urls

    id_ = given
    if "://" in given and (canonical := urls.canonical(given)):
        id_ = await store.article_at(canonical) or given
    if id_ not in {one.id for one in story.articles}:
        raise NotFoundError(f"{given}: no such article in story {story.story.id}")
    return id_


async def _outcome(store: "Store", ruling: str, stored: "Verdict") -> dict[str, Any]:
    """Where the articles that were ruled on stand now."""
    from crawler.core.report import row
    from crawler.render import detail

    alone, stories = [], {}
    for id_ in dict.fromkeys((stored.anchor, *stored.articles)):
        one = await store.article(id_)
        if one.story is None:
            alone.append({"article": id_, "source": one.article.source, "title": one.article.title, "url": one.article.url})
        elif one.story not in stories:
            found = await store.story(one.story)
            stories[one.story] = row(found.story, found.articles)
    return {"verdict": detail.verdict(stored), "undone": ruling == "undo", "stories": list(stories.values()), "single": alone}
