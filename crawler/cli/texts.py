"""extract, compare, find, dedup: the matcher and the reader on what a person points at."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.cli.output import write
from crawler.errors import FirsthandError, NotFoundError, OperationError, UsageError, WorkerError

if TYPE_CHECKING:
    from crawler.cli.inputs import Given, Reader
    from crawler.core.types import Match
    from crawler.matcher import Reading
    from crawler.ports import Store
    from crawler.ports.encoding import Across
    from crawler.settings import Settings


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="URL|FILE...")
@click.option("--url", help="Where the file was found: its links and its site are read by this address.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, in the order given.")
@pass_options
def extract(options: Options, inputs: tuple[str, ...], url: str | None, as_json: bool) -> None:
    """Show what would be stored for each page: text, title, language, every date claim, every attribution.

    An input that cannot be read is named on standard error; the others are printed, and the exit status is 1.

    \b
    Example:
      firsthand extract https://www.example.org/news/1.html
      firsthand extract --json --url https://www.example.org/news/1.html page.html
    """
    from crawler.cli.inputs import checked, settings_or_defaults

    if url is not None and len(inputs) > 1:
        raise UsageError("--url is the address of one file; there are several")
    failed = options.run(_extracted(settings_or_defaults(options), inputs, checked(url) if url else None, as_json))
    if failed:
        click.get_current_context().exit(1)


_AT_ONCE = 4   # inputs that are being read


async def _extracted(settings: "Settings", inputs: tuple[str, ...], url: str | None, as_json: bool) -> int:
    """Print each input in order as soon as those before it are done. Returns how many failed."""
    import asyncio

    from crawler.cli.inputs import reader
    from crawler.log import escape, redact

    failed = 0
    gate = asyncio.Semaphore(_AT_ONCE)
    async with reader(settings, len(inputs)) as reading:
        tasks = [asyncio.create_task(_read(reading, name, url, gate)) for name in inputs]
        for task in tasks:
            given = await task
            if isinstance(given, FirsthandError):
                failed += 1
                click.echo(f"firsthand: {escape(redact(str(given)))}", err=True)
            else:
                write(None, [_page_text(given, as_json)])
    return failed


async def _read(reading: "Reader", name: str, url: str | None, gate: Any) -> "Given | FirsthandError":
    async with gate:
        try:
            return await reading.read(name, url)
        except FirsthandError as error:
            kind = OperationError if isinstance(error, WorkerError) else type(error)   # a worker's has no text alone
            return error if name in str(error) else kind(f"{name}: {error}")


def _page_text(given: "Given", as_json: bool) -> str:
    from crawler.cli.reports import layout
    from crawler.render import page
    from crawler.render.harmless import json_text

    if as_json:
        return json_text(page.row(given.name, given.url, given.page)) + "\n"
    return page.text(given.name, given.url, given.page, layout())


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--translations", is_flag=True,
              help="Compare the sentences of two languages; needs the extra firsthand[translations].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pass_options
def compare(options: Options, /, *, a: str, b: str, translations: bool, as_json: bool) -> None:
    """Tell whether A and B are copies, and why. Each is a URL, a file, - or the id of a stored article.

    \b
    Example:
      firsthand compare ours.html https://copies.example/theirs.html
      firsthand compare 5b1f0c6e2a7d9e34 0c8e31b7d95a44f1 --json
    """
    from crawler.cli.inputs import across, settings_or_defaults
    from crawler.cli.reports import layout
    from crawler.render import comparison
    from crawler.render.harmless import json_text

    if a == b == "-":
        raise UsageError("A and B cannot both be standard input")
    settings = settings_or_defaults(options)
    found = options.run(_compared(settings, (a, b), across(settings, wanted=translations)))
    write(None, [json_text(found, indent=2) + "\n" if as_json else comparison.text(found, layout())])


async def _compared(settings: "Settings", names: tuple[str, str], across: "Across | None") -> dict[str, Any]:
    from crawler.matcher import Rules
    from crawler.render import comparison
    from crawler.sources import Sources

    (a, url_a), (b, url_b) = await _two(settings, names)
    left, right = comparison.Side(names[0], url_a, a), comparison.Side(names[1], url_b, b)
    rules = Rules(settings.match.containment, settings.match.min_words)
    found, note = _crosslingual(a, b, across)
    return comparison.row(left, right, rules, Sources(settings).facts, found, note=note)


def _crosslingual(a: "Reading", b: "Reading", across: "Across | None") -> "tuple[Match | None, str]":
    """What two texts of two languages come to by their sentences, however little that is; where nothing, what to say."""
    from crawler import translations
    from crawler.render.words import language

    spoken = [one.article.language or "" for one in (a, b)]
    if len(set(spoken)) == 1 or "" in spoken:
        return None, ""
    if across is None:
        return None, (f"A is in {language(spoken[0])} and B in {language(spoken[1])}: add --translations to compare their "
                      "sentences")
    if strange := [one for one in spoken if not across.encoding.covers(one)]:
        return None, f"{across.encoding.name} does not know {language(strange[0])}: their sentences were not compared"
    vectors = across.encoding.encode(across.encoding.name, [a, b])
    one, other = (translations.Text(*each) for each in zip((a, b), vectors, strict=True))
    return translations.compare(one, other, across.encoding.calibration, least=0), ""


async def _two(settings: "Settings", names: tuple[str, str]) -> "list[tuple[Reading, str | None]]":
    """Each input, from the store where it is stored. The store is opened only where it is asked, and never made."""
    from crawler.cli.inputs import reader

    stored = await _from_store(settings, [name for name in names if not _is_file(name)])
    found: list[tuple[Reading, str | None]] = []
    if all(name in stored for name in names):
        return [(stored[name], stored[name].article.url) for name in names]
    async with reader(settings, len(names) - len(stored)) as reading:
        for at, name in enumerate(names):
            if name in stored:
                found.append((stored[name], stored[name].article.url))
            else:
                found.append(await _from_outside(settings, reading, name, f"input-{at}"))
    return found


def _is_file(name: str) -> bool:
    return name == "-" or Path(name).exists()


async def _from_outside(settings: "Settings", reading: "Reader", name: str, id_: str) -> "tuple[Reading, str | None]":
    from dataclasses import replace

    from crawler.cli.inputs import as_article, is_address, nothing_at
    from crawler.core.types import UNOBSERVED
    from crawler.matcher import Reading

    if not _is_file(name) and not is_address(name):
        raise nothing_at(name)
    given = await reading.read(name)
    # That one was read before the other, here and now, says nothing of which appeared first.
    return Reading(replace(as_article(given, settings, id_), first_seen=UNOBSERVED)), given.url


async def _from_store(settings: "Settings", names: list[str]) -> "dict[str, Reading]":
    """Those that are stored, as they were judged; nothing where there is no store yet."""
    from crawler.adapters.store import open_store
    from crawler.errors import StoreError

    if not names:
        return {}
    try:
        store = await open_store(settings.store, create=False)
    except StoreError:
        return {}
    try:
        return {name: one for name in names if (one := await stored_reading(store, name)) is not None}
    finally:
        await store.close()


async def stored_reading(store: "Store", name: str) -> "Reading | None":
    """The article with this id or at this address, as it was judged."""
    from crawler.cli.inputs import is_address
    from crawler.core import urls
    from crawler.desk import readings

    canonical = urls.canonical(name) if is_address(name) else None
    id_ = await store.article_at(canonical) if canonical else name
    found: list[Reading] = await readings(store, [id_]) if id_ else []
    return found[0] if found else None


@click.command()
@click.argument("input_", metavar="URL|FILE|-")
@click.option("--url", help="Where the file was found.")
@click.option("--related", is_flag=True, help="Also what shares text without being a copy.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a match.")
@pass_options
def find(options: Options, input_: str, url: str | None, related: bool, as_json: bool) -> None:
    """Find who has copied a page or text, or whom it copies, in everything stored. It need not be stored itself.

    The best match comes first. Exit status 3 where nothing stored shares enough with it.

    \b
    Example:
      firsthand find https://www.example.org/news/1.html
      firsthand find draft.txt --json
    """
    from crawler.cli.inputs import checked
    from crawler.cli.reports import layout
    from crawler.render import comparison
    from crawler.render.harmless import json_text

    address = checked(url) if url else None
    rows = options.run(_found(options.settings(), input_, address))
    rows = [row for row in rows if related or row["copied"]]
    if as_json:
        write(None, [json_text(row) + "\n" for row in rows])
    elif rows:
        write(None, [comparison.listed(rows, layout())])
    if not rows:
        raise NotFoundError(f"{input_}: nothing stored is a copy of it, nor it of anything stored")


async def _found(settings: "Settings", name: str, url: str | None) -> list[dict[str, Any]]:
    from crawler import app
    from crawler.cli.inputs import Reader, as_article
    from crawler.matcher import Reading, Rules

    async with app.opened(settings) as opened:
        mine = None if _is_file(name) else await stored_reading(opened.store, name)
        if mine is None:
            given = await Reader(settings, opened.fetcher, opened.pool).read(name, url)
            mine = Reading(as_article(given, settings, "input"))
        rules = Rules(settings.match.containment, settings.match.min_words)
        mine, matches = await _matches(opened, mine, rules)
        return await _told(opened.store, mine, matches)


async def _matches(opened: Any, mine: "Reading", rules: Any) -> "tuple[Reading, list[Match]]":
    """Ask the index, whatever the age, and compare with each candidate; then those of other languages, if that is on."""
    from datetime import UTC, datetime, timedelta
    from functools import partial

    from crawler import matcher
    from crawler.core import boilerplate
    from crawler.desk import readings

    article = mine.article
    keys = boilerplate.unit_keys(article.text, article.title)
    holders = await opened.store.unit_holders(article.source, keys, boilerplate.HOLDERS_ASKED) if article.source else {}
    prepared = await opened.pool.run(matcher.prepare, article, holders, rules, timeout=_SECONDS)
    if not prepared.keys:
        raise NotFoundError(_barred(prepared, rules))
    ids = await opened.store.candidates(article.id, prepared.keys, datetime(1970, 1, 1, tzinfo=UTC),
                                        opened.clock() + timedelta(days=1), matcher.CANDIDATES)
    one = matcher.Reading(article, frozenset(prepared.dropped))
    found = await opened.pool.run(matcher.verify, one, await readings(opened.store, ids), rules, timeout=_SECONDS)
    crosslingual = opened.pipeline.crosslingual
    return one, found if crosslingual is None else [
        *found, *await crosslingual.find(one, found, partial(readings, opened.store), opened.clock() + timedelta(days=1))]


_SECONDS = 60.0   # of CPU for fifty candidates of the greatest length


def _barred(prepared: Any, rules: Any) -> str:
    if prepared.wall == "short":
        return f"too short to tell: {prepared.words} words of its own, at least {rules.min_words} are needed"
    return f"no article to compare: {prepared.wall}"


async def _told(store: "Store", mine: "Reading", matches: "list[Match]") -> list[dict[str, Any]]:
    from crawler.render import comparison

    rows = []
    for each in matches:
        other = await store.article(each.b if each.a == mine.article.id else each.a)
        rows.append(comparison.match_row(mine.article, other, each))
    return sorted(rows, key=lambda row: (not row["copied"], -row["containment"], row["article"]))
