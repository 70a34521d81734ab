"""token: who may open the review page."""

from pathlib import Path

import click

from crawler.cli import Options, pass_options
from crawler.errors import UsageError

file_option = click.option("--file", type=click.Path(path_type=Path, dir_okay=False),
                           help="The file.  [default: review.tokens_file of the configuration]")


@click.group()
def token() -> None:
    """Say who may open the review page, where `review.tokens_file` is set.

    The file keeps names and hashes; a token is shown once, when it is made. A change holds at once, without a restart.

    \b
    Example:
      firsthand token add ada
      firsthand token list
      firsthand token remove ada
    """


@token.command()
@click.argument("name")
@file_option
@pass_options
def add(options: Options, /, *, name: str, file: Path | None) -> None:
    """Make a token for NAME and print it; rulings are kept with this name.

    \b
    Example:
      firsthand token add ada
    """
    from crawler import tokens

    path = _file(options, file)
    made = tokens.add(path, name)
    click.echo(made)
    click.echo(f"written down nowhere else; its hash is in {path}", err=True)


@token.command("list")
@file_option
@pass_options
def list_(options: Options, /, *, file: Path | None) -> None:
    """Print the names that have a token.

    \b
    Example:
      firsthand token list
    """
    from crawler import tokens

    for name in tokens.read(_file(options, file)):
        click.echo(name)


@token.command()
@click.argument("name")
@file_option
@pass_options
def remove(options: Options, /, *, name: str, file: Path | None) -> None:
    """End the token of NAME.

    \b
    Example:
      firsthand token remove ada
    """
    from crawler import tokens

    tokens.remove(_file(options, file), name)


def _file(options: Options, given: Path | None) -> Path:
    if given is not None:
        return given
    path = options.settings().review.tokens_file
    if path is None:
        raise UsageError("review.tokens_file is not set; add `review: {tokens_file: tokens}` to the configuration, or name "
                         "the file with --file")
    return path
