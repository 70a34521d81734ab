"""feeds list, add, remove, import, export, discover, poll."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.errors import NotFoundError, OperationError, UsageError

if TYPE_CHECKING:
    from crawler.core.opml import OpmlFeed
    from crawler.ports import Feed
    from crawler.settings import Settings


@click.group()
def feeds() -> None:
    """List, add, remove and try feeds. Edits keep the comments and the order of the file.

    \b
    Example:
      firsthand feeds add https://www.example.org/
      firsthand feeds list
    """


@feeds.command("list")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="json: one object a line.")
@pass_options
def list_(options: Options, format_: str) -> None:
    """Show every configured feed and how it does: ok, failing, disabled or new, and why.

    \b
    Example:
      firsthand feeds list
      firsthand feeds list --format json | jq 'select(.state == "failing") | .url'
    """
    from crawler.render.harmless import json_text

    rows = [_told(feed) for feed in options.run(_stored(options.settings()))]
    if format_ == "json":
        for row in rows:
            click.echo(json_text(row))
    else:
        _table(rows)


async def _stored(settings: "Settings") -> "list[Feed]":
    from crawler import app

    async with app.opened(settings) as opened:
        await opened.sync()
        return await opened.store.feeds()


def _told(feed: "Feed") -> dict[str, Any]:
    from crawler.log import redact

    state = feed.state
    return {
        "url": redact(feed.url), "source": feed.source, "state": _state(feed),
        "last_poll": _time(state.last_poll), "next_poll": _time(None if state.disabled else state.next_poll),
        "entries": state.entries, "failures": state.failures, "reason": state.reason,
        "detail": state.disabled or state.detail,
        "interval": round((feed.config.every or state.interval).total_seconds()),
    }


def _state(feed: "Feed") -> str:
    if feed.state.disabled:
        return "disabled"
    if feed.state.failures:     # what a feed brought beyond its quota is no failure of it
        return "failing"
    return "new" if feed.state.last_poll is None else "ok"


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _table(rows: Sequence[dict[str, Any]]) -> None:
    """For people: as wide as it must be where it is piped, so that nothing is cut."""
    from rich.console import Console
    from rich.table import Table

    from crawler.log import escape

    console = Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 400)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("state", "source", "url", "last poll", "next poll", "entries", "reason"):
        table.add_column(column, overflow="fold" if column == "url" else "ellipsis")
    for row in rows:
        why = ": ".join(part for part in (row["reason"], row["detail"]) if part)
        table.add_row(row["state"], escape(row["source"]), escape(row["url"]), row["last_poll"] or "-",
                      row["next_poll"] or "-", str(row["entries"]), escape(why))
    console.print(table)


@feeds.command()
@click.argument("url")
@click.option("--source", help="Who publishes it, as reports shall name them.")
@click.option("--every", help="A fixed interval such as 10m; adaptive without it.")
@click.option("--language", help="Its language, such as en or ar.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--unseen", is_flag=True, help="Add the address as it is, without asking the site.")
@pass_options
def add(options: Options, /, url: str, unseen: bool, tags: tuple[str, ...], **given: str | None) -> None:
    """Add the feed at URL, or the main feed of the site at URL, to the configuration.

    \b
    Example:
      firsthand feeds add https://www.aljazeera.com/ --tag world
      firsthand feeds add https://feeds.bbci.co.uk/news/world/rss.xml --source "BBC News" --every 10m
    """
    from crawler.cli.discovery import checked, feed_of
    from crawler.config import edit

    loaded = options.load()
    found = url if unseen else options.run(feed_of(loaded.settings, checked(url)))
    known = edit.known(loaded, found)
    if known is not None:
        raise UsageError(f"{found} is there already, {known}")
    row: dict[str, Any] = {"url": found, **{key: value for key, value in given.items() if value}}
    edit.add_feed(options.config, row | ({"tags": list(tags)} if tags else {}), os.environ)
    click.echo(found)


@feeds.command()
@click.argument("name")
@pass_options
def remove(options: Options, name: str) -> None:
    """Take the feed with this URL, or the only feed of this source, out of the configuration. Its articles stay.

    \b
    Example:
      firsthand feeds remove https://feeds.bbci.co.uk/news/world/rss.xml
      firsthand feeds remove "BBC News"
    """
    from crawler.config import edit
    from crawler.log import redact
    from crawler.sources import Sources

    naming = Sources(options.settings()).of_feed
    click.echo(redact(edit.remove_feed(options.config, name, os.environ, naming)))


@feeds.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@pass_options
def import_(options: Options, file: Path) -> None:
    """Add the feeds of an OPML file (- for standard input) that are not there yet. Folders become tags.

    \b
    Example:
      firsthand feeds import subscriptions.opml
    """
    from crawler.config import edit, source
    from crawler.core import opml

    body = sys.stdin.buffer.read() if str(file) == "-" else source.read_bytes(file)
    rows, bad = opml.read(body)
    for line, reason in bad:
        click.echo(f"{file}:{line}: left out: {reason}", err=True)
    new = edit.unknown(options.load(), rows)
    if new:
        edit.add_feeds(options.config, [_row(row) for row in new], os.environ)
    click.echo(f"{len(new)} added, {len(rows) - len(new)} there already, {len(bad)} left out", err=True)


def _row(row: "OpmlFeed") -> dict[str, Any]:
    return {"url": row.url, **({"tags": list(row.tags)} if row.tags else {})}


@feeds.command()
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead.")
@pass_options
def export(options: Options, output: Path | None) -> None:
    """Write every configured feed as OPML, for another reader. Tags become folders; credentials stay behind.

    \b
    Example:
      firsthand feeds export -o feeds.opml
    """
    from crawler.core import opml
    from crawler.core.urls import source_of

    rows = [opml.OpmlFeed(_without_credentials(feed.url), feed.source or source_of(feed.url), tags=feed.tags)
            for feed in options.settings().feeds]
    body = opml.write(rows, "Firsthand")
    if output is not None:
        output.write_bytes(body)
    else:
        sys.stdout.buffer.write(body)


def _without_credentials(url: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@feeds.command()
@click.argument("url")
@click.option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="json: one object a line.")
@pass_options
def discover(options: Options, url: str, format_: str) -> None:
    """Show the feeds of the site at URL, the likeliest first. Exit status 3 where there is none.

    \b
    Example:
      firsthand feeds discover https://www.lemonde.fr/
    """
    from crawler.cli.discovery import checked, discovered
    from crawler.log import escape
    from crawler.render.harmless import json_text

    found = options.run(discovered(options.settings(), checked(url)))
    for feed in found:
        row = {"url": feed.url, "title": feed.title, "format": feed.format, "how": feed.how}
        click.echo(json_text(row) if format_ == "json"
                   else escape(f"{feed.url}  {feed.format}  {feed.title}".rstrip()))
    if not found:
        raise NotFoundError(f"{url}: no feed there, nor where a feed usually is")


@feeds.command()
@click.argument("name")
@pass_options
def poll(options: Options, name: str) -> None:
    """Poll the feed with this URL, or every feed of this source, now, and collect what is new.

    It goes before the interval, but never before what the server asked for (Retry-After).

    \b
    Example:
      firsthand feeds poll "BBC News"
    """
    from crawler.config import edit
    from crawler.sources import Sources

    loaded = options.load()
    found = edit.named(loaded, name, Sources(loaded.settings).of_feed)
    wanted = {loaded.settings.feeds[n].url for n in found}
    before, after = options.run(_polled(loaded.settings, wanted))
    failed = False
    for old, new in zip(before, after, strict=True):
        row = _told(new)
        if new.state.last_poll == old.state.last_poll:
            row["detail"] = f"not polled: {row['detail'] or 'the server asked for quiet until ' + str(row['next_poll'])}"
            failed = True
        failed = failed or row["state"] != "ok"
        click.echo(" ".join(str(part) for part in (row["state"], row["url"], f"{row['entries']} entries",
                                                   row["reason"], row["detail"]) if part))
    if failed:
        raise OperationError("not every feed could be polled")


async def _polled(settings: "Settings", wanted: set[str]) -> "tuple[list[Feed], list[Feed]]":
    from crawler import app

    async with app.opened(settings) as opened:
        await opened.sync()
        before = [feed for feed in await opened.store.feeds() if feed.url in wanted]
        ids = [feed.id for feed in before]
        await opened.poll(ids)
        return before, [feed for feed in await opened.store.feeds() if feed.id in ids]
