"""dedup: the matcher on a file, no crawling, no store left behind."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options
from crawler.cli.output import write
from crawler.errors import UsageError

if TYPE_CHECKING:
    from crawler.cli.jsonlines import Lines
    from crawler.core.types import Link
    from crawler.dedup import Deduplicated
    from crawler.ports.encoding import Across
    from crawler.settings import Settings

_FILE = click.Path(path_type=Path, allow_dash=True)


@click.command()
@click.argument("input_", metavar="IN.jsonl")
@click.option("-o", "--output", type=_FILE, help="One line an input article, in input order.  [default: standard output]")
@click.option("--pairs", type=_FILE, help="Write each verified pair of copies here, once.")
@click.option("--stories", type=_FILE, help="Write each story here, with its original, why, and its copies.")
@click.option("--related", type=_FILE, help="Write here what digests carry whole, and possible rewordings and translations: links, no copies.")
@click.option("--translations", is_flag=True, help="Find translated copies too; needs the extra firsthand[translations].")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that share the work.")
@click.option("--skip-bad", is_flag=True, help="Exit with 0 although lines were bad; they are named all the same.")
@pass_options
def dedup(
    options: Options, /, *, input_: str, output: Path | None, pairs: Path | None, stories: Path | None,
    related: Path | None, translations: bool, jobs: int, skip_bad: bool,
) -> None:
    """Find the copies in a file of JSON lines and name each story's original. - is standard input; .gz and .zst too.

    A line needs `id` and `text`; it may have `url source title published first_seen appeared_after language`, times as
    RFC 3339; `appeared_after` is when its feed was last read without it. A bad line stops nothing: it is named, counted,
    and the exit status is 1 at the end. A configuration counts only where it is named with -c.

    \b
    Example:
      firsthand dedup articles.jsonl -o result.jsonl --pairs pairs.jsonl
      zcat articles.jsonl.gz | firsthand dedup - --skip-bad
    """
    _check_targets(input_, {"-o": output, "--pairs": pairs, "--stories": stories, "--related": related})
    options.configure_logging()
    from crawler.cli.jsonlines import Lines

    lines = Lines(input_)
    settings = _settings(options)
    result = _deduplicated(lines, settings, jobs, _across(settings, wanted=translations))
    write(output, _rows(result))
    if pairs is not None:
        write(pairs, _pairs(result))
    if stories is not None:
        write(stories, _stories(result))
    if related is not None:
        write(related, _related(result))
    if lines.bad:
        click.echo(f"firsthand: {input_}: {lines.bad} {'line' if lines.bad == 1 else 'lines'} left out", err=True)
        click.get_current_context().exit(0 if skip_bad else 1)


def _check_targets(input_: str, targets: dict[str, Path | None]) -> None:
    """Two results in one file would overwrite each other, or the input. Raises UsageError."""
    seen: dict[Path | str, str] = {} if input_ == "-" else {Path(input_).resolve(): "the input"}
    for option, target in targets.items():
        if target is None and option != "-o":
            continue
        key = "-" if target is None or str(target) == "-" else target.resolve()
        if key in seen:
            raise UsageError(f"{seen[key]} and {option} go to the same place; name another file")
        seen[key] = option


def _settings(options: Options) -> "Settings":
    from crawler.cli.inputs import explicit
    from crawler.settings import Settings

    return options.settings() if explicit() else Settings()


def _across(settings: "Settings", *, wanted: bool) -> "Across | None":
    """What is asked of other languages; None: nothing. Raises UsageError where the encoder is not there."""
    from crawler.cli.inputs import across

    return across(settings, wanted=wanted)


def _deduplicated(lines: "Lines", settings: "Settings", jobs: int, across: "Across | None") -> "Deduplicated":
    from crawler.dedup import deduplicate
    from crawler.log import escape
    from crawler.sources import Sources

    rules = settings.match
    with _progress(lines) as (watched, tell):
        documents = watched(lines.documents(lambda line: tell(escape(line))))
        return deduplicate(documents, containment=rules.containment, min_words=rules.min_words, window=rules.window,
                           jobs=jobs, facts=Sources(settings).facts, across=across)


@contextmanager
def _progress(lines: "Lines") -> "Iterator[tuple[Callable[[Iterator[Any]], Iterator[Any]], Callable[[str], None]]]":
    """On a terminal a bar for reading, then a sign of life while texts are compared; else nothing."""
    if not sys.stderr.isatty():
        yield (lambda documents: documents), lambda line: click.echo(line, err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), console=console,
                  transient=True) as bar:
        task = bar.add_task("reading", total=_size(lines.name))

        def watched(documents: Iterator[Any]) -> Iterator[Any]:
            for count, document in enumerate(documents, 1):
                bar.update(task, completed=lines.bytes_read, description=f"reading {count:,}")
                yield document
            bar.update(task, total=None, description="comparing")

        yield watched, lambda line: console.print(line, soft_wrap=True)


def _size(name: str) -> int | None:
    """Bytes that will be read, where that is known beforehand."""
    path = Path(name)
    return path.stat().st_size if name != "-" and path.suffix not in (".gz", ".zst", ".zstd") and path.is_file() else None


def _rows(result: "Deduplicated") -> Iterator[str]:
    from dataclasses import asdict

    return (_line(asdict(row)) for row in result.rows)


def _pairs(result: "Deduplicated") -> Iterator[str]:
    for each in result.pairs:
        yield _line({"a": each.a, "b": each.b, "similarity": round(each.similarity, 4), "a_in_b": round(each.a_in_b, 4),
                     "b_in_a": round(each.b_in_a, 4), "kind": each.kind.value,
                     **({"probability": each.translation.probability} if each.translation else {})})


def _stories(result: "Deduplicated") -> Iterator[str]:
    from crawler.core.report import evidence
    from crawler.core.types import Relation

    carriers: dict[str, list[Link]] = {}
    for link in result.links:
        if link.relation is Relation.CARRIES:
            carriers.setdefault(link.b, []).append(link)
    for one in result.stories:
        yield _line({
            "id": one.id, "original": one.original, "confidence": one.confidence, "decided": one.decided,
            "undecided_between": [one.original, *one.rivals] if not one.decided else [], "outside": one.outside,
            "why": [evidence(each) for each in one.why],
            "copies": [{"id": copy.article, "kind": copy.kind.value, "similarity": copy.similarity,
                        "of_original": copy.of_original, "of_copy": copy.of_copy, "matched": copy.matched,
                        "evidence": [evidence(each) for each in copy.evidence]} for copy in one.copies],
            "carried_by": [{"id": link.a, "carries": link.b, "of_article": link.b_in_a, "of_carrier": link.a_in_b}
                           for id_ in one.members for link in carriers.get(id_, ())],
        })


def _related(result: "Deduplicated") -> Iterator[str]:
    """The phrases of a rewording, or the sentences of a translation, as half-open character ranges into both texts."""
    for one in result.links:
        yield _line({"relation": one.relation.value, "a": one.a, "b": one.b, "a_in_b": one.a_in_b, "b_in_a": one.b_in_a,
                     "phrases": [{"a": [each.a_start, each.a_end], "b": [each.b_start, each.b_end]} for each in one.phrases],
                     **({"probability": one.translation.probability} if one.translation else {})})


def _line(row: dict[str, Any]) -> str:
    from crawler.render.harmless import json_text

    return json_text(row) + "\n"
