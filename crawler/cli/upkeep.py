"""hold, forget, rematch, prune, backup, export: looking after what is stored."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.cli.moments import WHEN, Moment, resolved
from crawler.cli.output import emit, opened, output_option
from crawler.cli.reports import opened_store
from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.ports import Pruned, Store, StoredArticle
    from crawler.settings import Settings


@click.command()
@click.argument("id_", metavar="ID")
@pass_options
def hold(options: Options, id_: str) -> None:
    """Keep the pages of a story or article beyond the retention.

    \b
    Example:
      firsthand hold s7k2m4q9x1
    """
    from crawler.render.words import count

    kept = options.run(_held(options.settings(), id_))
    emit(f"{count(kept, 'page')} held; pages that come later are kept too\n")


async def _held(settings: "Settings", id_: str) -> int:
    async with opened_store(settings) as store:
        return await store.hold(id_)


@click.command()
@click.argument("article")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_options
def forget(options: Options, article: str, yes: bool) -> None:
    """Erase an article's text, title and pages for good. A tombstone keeps it from coming back.

    \b
    Example:
      firsthand forget a5b8c2d7e3 --yes
    """
    settings = options.settings()
    found = options.run(_article(settings, article))
    if not yes:
        _ask(found)
    options.run(_forgotten(settings, article))
    emit(f"{article} forgotten\n")


async def _article(settings: "Settings", id_: str) -> "StoredArticle":
    async with opened_store(settings) as store:
        return await store.article(id_)


def _ask(found: "StoredArticle") -> None:
    """Raises Abort where the answer is no, UsageError where nobody is there to answer."""
    from crawler.render.harmless import shortened

    if not sys.stdin.isatty():
        raise UsageError("forget erases for good; with nobody there to ask it needs --yes")
    one = found.article
    click.confirm(f"Erase “{shortened(one.title, 60)}” of {shortened(one.source, 40)} for good?", abort=True, err=True)


async def _forgotten(settings: "Settings", id_: str) -> None:
    """Erase, and judge those again that stood in a story with it."""
    from crawler import app

    async with app.opened(settings) as opened:
        await opened.store.forget(id_, opened.clock())
        await opened.daemon.judge_pending()


@click.command()
@click.option("--since", type=WHEN, help="Only articles seen since then.")
@click.option("--json", "as_json", is_flag=True, help="What changed, as one JSON object.")
@pass_options
def rematch(options: Options, since: Moment | None, as_json: bool) -> None:
    """Judge stored articles again with the present settings, and say what changed. Rulings stay.

    \b
    Example:
      firsthand rematch --since 30d
    """
    from crawler.render import changes
    from crawler.render.harmless import json_text

    found = options.run(_rematched(options.settings(), since))
    emit(json_text(found) + "\n" if as_json else changes.text(found))


async def _rematched(settings: "Settings", since: Moment | None) -> dict[str, Any]:
    from crawler import app
    from crawler.ports import StoryQuery
    from crawler.render import changes

    async with app.opened(settings) as opened:
        before = await opened.store.stories(StoryQuery())
        marked = await opened.store.mark_unjudged(resolved(since, opened.clock()))
        await opened.daemon.judge_pending()
        after = await opened.store.stories(StoryQuery())
    return {"judged": marked, **changes.between(before, after)}


@click.command()
@pass_options
def prune(options: Options) -> None:
    """Remove what is older than `retention` says. What is held, and stories with a ruling, stay.

    \b
    Example:
      firsthand prune
    """
    from crawler.render.words import count

    gone = options.run(_pruned(options.settings()))
    emit(f"{count(gone.pages, 'page')}, {count(gone.articles, 'article')}, {count(gone.entries, 'entry', 'entries')}, "
         f"{count(gone.keys, 'index key')} removed\n")


async def _pruned(settings: "Settings") -> "Pruned":
    from crawler import app

    now, keep = app.now(), settings.retention
    async with opened_store(settings) as store:
        return await store.prune(now - keep.pages, now - keep.articles)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_options
def backup(options: Options, file: Path) -> None:
    """Copy the database to FILE, whole and consistent, while it is in use. Never overwrites.

    \b
    Example:
      firsthand backup firsthand-2026-03-02.db
    """
    options.run(_backed_up(options.settings(), file))
    emit(f"{file}: {file.stat().st_size:,} bytes\n" if file.is_file() else f"{file}\n")


async def _backed_up(settings: "Settings", file: Path) -> None:
    async with opened_store(settings) as store:
        await store.backup(file)


@click.command()
@click.option("--format", "format_", type=click.Choice(["jsonl", "warc", "rulings"]),
              help="jsonl: an article a line; warc: the pages as fetched, gzipped a record at a time (.warc.gz).")
@click.option("--originals", is_flag=True, help="Only the originals of stories.")
@click.option("--story", metavar="ID", help="The evidence pack of one story (.wacz).")
@output_option
@pass_options
def export(options: Options, format_: str | None, originals: bool, story: str | None, output: Path | None) -> None:
    """Write out everything stored, in order of first sighting; or one story, with all its evidence.

    A line holds the article, its story and role, its claims, sightings and revisions, and whether its page reserved
    its rights against text and data mining. `rulings` writes each standing ruling of a person with the texts that it is
    about: labels for whoever measures or trains.

    --story writes one archive for those who have to be convinced: the pages as fetched with their headers, what was read
    in them, the decision with its reasons, and hashes of it all. Its evidence/README.txt says how to verify it. An
    existing file is never overwritten: the pages in it may be gone from here.

    \b
    Example:
      firsthand export --format jsonl --originals -o originals.jsonl
      firsthand export --format warc -o pages.warc.gz
      firsthand export --story s7k2m4q9x1 -o ferry.wacz
    """
    if story is not None and (format_ or originals):
        raise UsageError("--story writes one archive of its own form; leave out --format and --originals")
    if story is None and format_ is None:
        raise UsageError("export what? --format jsonl, warc or rulings for everything, or --story ID for one story")
    if (story is not None or format_ == "warc") and output is None and sys.stdout.isatty():
        raise UsageError(f"a web archive is no text for a terminal; name a file with -o {'story.wacz' if story else 'pages.warc.gz'}")
    settings = options.settings()
    options.run(_pack(settings, story, output) if story is not None else _exported(settings, str(format_), output, originals))


async def _pack(settings: "Settings", story: str, output: Path | None) -> None:
    from shutil import copyfileobj

    from crawler import app, dossier
    from crawler.desk import Desk

    with opened(output, fresh=True) as out:
        async with opened_store(settings) as store:
            with await dossier.evidence(Desk(store, app.now), story, app.now()) as made:
                copyfileobj(made, out)


async def _exported(settings: "Settings", format_: str, output: Path | None, originals: bool) -> None:
    async with opened_store(settings) as store:
        pieces = {"jsonl": lambda: _lines(store, originals), "warc": lambda: _archive(store, originals, output),
                  "rulings": lambda: _rulings(store)}[format_]()
        with opened(output) as out:
            async for piece in pieces:
                out.write(piece)


async def _lines(store: "Store", originals: bool) -> AsyncIterator[bytes]:
    from crawler.render.detail import exported
    from crawler.render.harmless import json_text

    async for one in store.export(originals=originals):
        yield (json_text(exported(one)) + "\n").encode()


async def _rulings(store: "Store") -> AsyncIterator[bytes]:
    from crawler.core.report import brief
    from crawler.render.detail import verdict
    from crawler.render.harmless import json_text

    for one in await store.rulings():
        about = await store.articles([one.anchor, *(id_ for id_ in one.articles if id_ != one.anchor)])
        yield (json_text({**verdict(one), "texts": [{**brief(each), "text": each.text} for each in about]}) + "\n").encode()


async def _archive(store: "Store", originals: bool, output: Path | None) -> AsyncIterator[bytes]:
    from crawler import __version__, app
    from crawler.evidence import warc

    yield warc.info(f"firsthand/{__version__}", app.now(), output.name if output else "firsthand.warc.gz")
    async for one in store.export(originals=originals):
        for record in _records(await store.pages(one.article.id)):
            yield record


def _records(pages: Any) -> Iterator[bytes]:
    from crawler.evidence import warc

    return warc.records(pages)
