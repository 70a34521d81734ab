"""verdict: a person's ruling from the shell."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options, pass_options

if TYPE_CHECKING:
    from crawler.settings import Settings

_RULINGS = ("confirm", "reject", "licensed", "original", "split", "merge", "undo")


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
    from crawler import desk

    desk.check(ruling, targets)  # type: ignore[arg-type]  # one of its rulings
    from crawler.cli.output import emit
    from crawler.cli.reports import layout
    from crawler.render import rulings
    from crawler.render.harmless import json_text

    found = options.run(_ruled(options.settings(), story, ruling, targets, note))
    emit(json_text(found) + "\n" if as_json else rulings.text(found, layout()))


async def _ruled(settings: "Settings", story: str, ruling: str, targets: Sequence[str], note: str) -> dict[str, Any]:
    from crawler import app
    from crawler.desk import Wish

    async with app.opened(settings) as opened:
        wish = Wish(story, ruling, tuple(targets), note, _who())  # type: ignore[arg-type]  # one of its rulings
        stored = await opened.desk.rule(wish)
        return await opened.desk.outcome(ruling, stored)


def _who() -> str:
    """The login name."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):   # a container's user without a name
        return f"uid {os.getuid()}"
