"""store copy: the same store in another database."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from crawler.cli import Options, pass_options
from crawler.cli.output import emit

if TYPE_CHECKING:
    from crawler.adapters.store.transfer import Copied


@click.group()
def store() -> None:
    """Move what is stored to another database.

    \b
    Example:
      firsthand store copy sqlite:///var/firsthand.db postgresql://firsthand@db.example/firsthand
    """


@store.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--json", "as_json", is_flag=True, help="What was copied, as one JSON object.")
@pass_options
def copy(options: Options, source: str, target: str, as_json: bool) -> None:
    """Copy the store FROM into the empty database TO; both as in the setting `store`, on SQLite or PostgreSQL.

    First stop what writes to FROM (`firsthand stop`): what comes after the start is not copied, and where something came the
    copy is not finished, and the exit status 1. Whatever ends a copy before it is whole, Ctrl-C too: the same command goes
    on where it stopped, and brings over anew what has changed. Until then no command takes TO for a store. At the end every
    table of TO is read back, and is verified by its number of rows and a hash of all of them. FROM is left as it was, but
    for being brought up to date.

    A password in an argument is seen by whoever lists this machine's processes: write ${NAME} in single quotes for a
    variable of the environment, or leave it out and set PGPASSWORD, or have it in ~/.pgpass.

    \b
    Example:
      firsthand stop
      firsthand store copy sqlite:///var/firsthand.db 'postgresql://firsthand:${DB_PASSWORD}@db.example/firsthand'
      (then name TO in the setting `store`, and start again)
    """
    from crawler.cli.progress import bar
    from crawler.config import expanded

    source, target = (expanded(name, url, os.environ) for name, url in (("FROM", source), ("TO", target)))
    if sys.stderr.isatty() and options.log_level == "info":
        options.log_level = "warning"    # the bar says how far it is
    from crawler.adapters.store.transfer import copy_store

    try:
        with bar("copying and verifying") as progress:
            tables = options.run(copy_store(source, target, progress))
    except KeyboardInterrupt:
        click.echo("firsthand: interrupted; the same command goes on where it stopped", err=True)
        raise
    emit(_json(tables) if as_json else _table(tables))


def _json(tables: "Sequence[Copied]") -> str:
    from crawler.render.harmless import json_text

    return json_text({"tables": [{"table": one.table, "rows": one.rows, "hash": one.digest} for one in tables],
                      "rows": sum(one.rows for one in tables)}) + "\n"


def _table(tables: "Sequence[Copied]") -> str:
    lines = [("table", "rows", ""), *((one.table, f"{one.rows:,}", "verified") for one in tables),
             ("all", f"{sum(one.rows for one in tables):,}", "verified")]
    name, rows = (max(len(line[at]) for line in lines) for at in (0, 1))
    return "".join(f"{line[0]:<{name}}  {line[1]:>{rows}}  {line[2]}".rstrip() + "\n" for line in lines)
