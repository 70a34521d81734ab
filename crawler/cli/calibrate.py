"""calibrate: the thresholds of an encoder, from texts and their translations."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crawler.cli import Options, pass_options
from crawler.cli.output import write
from crawler.errors import OperationError

if TYPE_CHECKING:
    from crawler.calibrating import Calibrated, Parallel, Tally
    from crawler.core.vectors import Vectors
    from crawler.dedup import Document

_BATCH = 16    # texts that are encoded together


@click.command()
@click.argument("input_", metavar="PARALLEL.jsonl")
@click.option("--encoder", required=True, metavar="NAME", help="As in match.translations.encoder: use-m3, e5, model2vec:FOLDER, …")
@click.option("-o", "--output", type=click.Path(path_type=Path, allow_dash=True),
              help="Write the calibration here.  [default: standard output]")
@click.option("--skip-bad", is_flag=True, help="Exit with 0 although lines were bad; they are named all the same.")
@pass_options
def calibrate(options: Options, /, *, input_: str, encoder: str, output: Path | None, skip_bad: bool) -> None:
    """Fit the thresholds of an encoder to texts and their translations. - is standard input; .gz and .zst too.

    A line needs `id`, `text` and `same`, and may have `language`: lines with one value of `same` are one text in several
    languages, of which the first is taken for the original. At least 20 texts in two languages each, of four sentences and
    more; 100 of 15 sentences are better. What the calibration does with texts that it was not fitted to goes to standard
    error: how many translations are flagged, and how many pairs of texts that are none. Two reports on one event, which are
    harder to tell apart, are seldom among these: look at the first finds before you rely on it.

    \b
    Example:
      firsthand calibrate parallel.jsonl --encoder model2vec:models/potion -o potion.json
      (then name the file as match.translations.calibration in the configuration)
    """
    options.configure_logging()
    from crawler.adapters.encoder import calibrations, check
    from crawler.cli.jsonlines import Lines

    check(encoder)
    lines = Lines(input_)
    marked = list(lines.marked(_say, "same"))
    _enough(input_, _repeated(marked))
    found = _calibrated(encoder, _parallels(input_, encoder, marked))
    write(output, [calibrations.written(found.calibration)])
    _say(_table(found.tallies))
    _say(f"In the configuration set match.translations: {{encoder: '{encoder}', calibration: {_named(output)}}}")
    if lines.bad:
        _say(f"firsthand: {input_}: {lines.bad} {'line' if lines.bad == 1 else 'lines'} left out")
        click.get_current_context().exit(0 if skip_bad else 1)


def _say(text: str) -> None:
    from crawler.log import escape

    for line in text.splitlines():
        click.echo(escape(line), err=True)


def _named(output: Path | None) -> str:
    return f"'{output}'" if output is not None and str(output) != "-" else "FILE"


def _enough(name: str, count: int) -> None:
    """Raises OperationError where there is too little, before a model is loaded and after."""
    from crawler.calibrating import LEAST

    if count < LEAST:
        raise OperationError(f"{name}: {count} texts in two languages; needed are {LEAST}: lines with one value of `same`, in languages "
                             "that the encoder covers, of four sentences at least")


def _repeated(marked: "list[tuple[Document, str]]") -> int:
    from collections import Counter

    return sum(count > 1 for count in Counter(same for _, same in marked).values())


def _parallels(name: str, encoder: str, marked: "list[tuple[Document, str]]") -> "list[Parallel]":
    """The texts that can be used. Raises OperationError where they are too few."""
    from crawler.adapters.encoder import languages
    from crawler.calibrating import Parallel, Text
    from crawler.translations import PAIRS

    covered = languages(encoder)
    groups: dict[str, dict[str, Text]] = {}
    for (_, same), one in zip(marked, _vectors(encoder, [document for document, _ in marked]), strict=True):
        if len(one.spans) >= PAIRS and one.language and (covered is None or one.language in covered):
            groups.setdefault(same, {}).setdefault(one.language, Text(one.language, one.matrix()))
    found = [Parallel(same, tuple(texts.values())) for same, texts in groups.items() if len(texts) > 1]
    _enough(name, len(found))
    if (left := len(marked) - sum(len(one.texts) for one in found)):
        _say(f"{left} of {len(marked)} texts are not used: shorter than {PAIRS} sentences, in a language that {encoder} does not "
             "cover or another line has, or the only one of their kind")
    return found


def _vectors(encoder: str, documents: "list[Document]") -> "Iterator[Vectors]":
    """As the daemon and `dedup` have them, languages judged by the texts."""
    from crawler.adapters.encoder import encode
    from crawler.cli.progress import bar
    from crawler.matcher import Reading

    with bar("encoding") as progress:
        for at in range(0, len(documents), _BATCH):
            yield from encode(encoder, [Reading(one.article()) for one in documents[at:at + _BATCH]])
            progress(min(at + _BATCH, len(documents)), len(documents))


def _calibrated(encoder: str, texts: "list[Parallel]") -> "Calibrated":
    from crawler import calibrating
    from crawler.cli.progress import bar

    with bar("aligning") as progress:
        return calibrating.calibrate(encoder, texts, progress)


def _table(tallies: "tuple[Tally, ...]") -> str:
    """What is right of translations is wrong of the others."""
    lines = [("", "compared", "flagged", "", "or doubtful", "")]
    for true, title in ((True, "translations"), (False, "not translations")):
        lines.append((title, "", "", "", "", ""))
        lines += [(f"  {one.kind}", f"{one.count:,}", f"{one.flagged:,}", f"{one.flagged / one.count:.2%}",
                   f"{one.doubtful:,}", f"{one.doubtful / one.count:.2%}") for one in tallies if one.true is true]
    first, *others = (max(len(line[at]) for line in lines) for at in range(6))
    return "\n".join("  ".join((f"{line[0]:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(line[1:], others, strict=True)))).rstrip()
                     for line in lines)
