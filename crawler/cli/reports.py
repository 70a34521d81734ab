"""report, show: what was found."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.cli.moments import WHEN, Moment, resolved
from crawler.cli.output import output_option, write
from crawler.errors import NotFoundError

if TYPE_CHECKING:
    from crawler.ports import Store, StoryQuery
    from crawler.render import Layout
    from crawler.settings import Settings

_FORMATS = ("table", "json", "jsonl", "csv", "html", "md")
_KINDS = ("exact", "near", "wrapped", "excerpt", "partial", "translation", "edition", "revision", "syndicated", "reworded")
_PIPED = 100   # columns where nobody's terminal says how many


@click.command()
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="table", show_default=True,
              help="For people: table, html (one file), md. For programs: json, jsonl (a story a line), csv (a copy a row).")
@click.option("--since", type=WHEN, help="Stories with a member seen since then.")
@click.option("--until", type=WHEN, help="Stories with a member seen until then; a day counts whole.")
@click.option("--source", help="Stories in which this source has a part.")
@click.option("--role", type=click.Choice(["original", "copy"]),
              help="With --source: original shows who copies it, copy shows whom it copies.")
@click.option("--language", help="Stories whose original is in this language, such as en or ar.")
@click.option("--kind", "kinds", type=click.Choice(_KINDS), multiple=True, help="Only copies of this kind; may be repeated.")
@click.option("--without", type=click.Choice(_KINDS), multiple=True, help="No copies of this kind; may be repeated.")
@click.option("--min-copies", type=click.IntRange(min=1), default=1, show_default=True, help="Stories with so many copies.")
@click.option("--undecided", is_flag=True, help="Only stories whose original a person should name.")
@output_option
@pass_options
def report(options: Options, /, format_: str, output: Path | None, **asked: Any) -> None:
    """Show every story: the earliest known source, why, and its copies.

    \b
    Example:
      firsthand report --since 24h
      firsthand report --source Reuters --role original --without syndicated
      firsthand report --format html -o duplicates.html
    """
    if asked["role"] and not asked["source"]:
        raise click.UsageError("--role goes with --source: whose part shall it be?", click.get_current_context())
    from crawler.render import render

    found = options.run(_reported(options.settings(), asked, whole=format_ == "html"))
    write(output, render(format_, found, layout(output)))


def layout(output: Path | None = None) -> "Layout":
    """As wide as the terminal that reads, without colours where there is none or it wants none."""
    import os
    import shutil

    from crawler.render import Layout

    terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((_PIPED, 24)).columns if terminal or "COLUMNS" in os.environ else _PIPED
    return Layout(width, terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


@asynccontextmanager
async def opened_store(settings: "Settings") -> "AsyncIterator[Store]":
    """The store alone: what only reads needs no workers and no connections."""
    from crawler.adapters.store import open_store

    store = await open_store(settings.store)
    try:
        yield store
    finally:
        await store.close()


async def _reported(settings: "Settings", asked: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    from crawler import app
    from crawler.desk import BESIDE, Desk
    from crawler.matcher import Rules

    async with opened_store(settings) as store:
        desk = Desk(store, app.now, rules=Rules(settings.match.containment, settings.match.min_words))
        return await desk.report(_query(asked, app.now()), beside=BESIDE if whole else 0)


def _query(asked: dict[str, Any], now: Any) -> "StoryQuery":
    from crawler.ports import StoryQuery

    since: Moment | None = asked["since"]
    return StoryQuery(
        resolved(since, now), resolved(asked["until"], now, end=True), asked["source"], asked["role"], asked["language"],
        frozenset(asked["kinds"]), frozenset(asked["without"]), asked["min_copies"], asked["undecided"])


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_options
def show(options: Options, id_: str, as_json: bool) -> None:
    """Show one story or article whole: timeline, claims, evidence, shared passages, rulings.

    \b
    Example:
      firsthand show 0d1c7d1f5a2b
      firsthand show 0d1c7d1f5a2b --json
    """
    from crawler.render import detail
    from crawler.render.harmless import json_text

    found = options.run(_shown(options.settings(), id_))
    if as_json:
        write(None, [json_text(found, indent=2) + "\n"])
    else:
        write(None, [detail.text(found, layout())])


async def _shown(settings: "Settings", id_: str) -> dict[str, Any]:
    """The story with this id, else the article. Raises NotFoundError."""
    from crawler import app
    from crawler.desk import Desk

    async with opened_store(settings) as store:
        desk = Desk(store, app.now)
        story = await desk.story_or_none(id_)
        if story is not None:
            return await desk.story_of(story)
        try:
            return await desk.article(id_)
        except NotFoundError:
            raise NotFoundError(f"{id_}: no story and no article is stored under this id") from None
