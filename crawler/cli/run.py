"""run, demo: the crawl itself."""

import shutil

import click

from crawler.cli import Options, pass_options
from crawler.errors import UsageError


@click.command()
@click.option("--once", is_flag=True, help="One pass: what is due is polled, collected and judged; then exit.")
@click.option("--all", "everything", is_flag=True, help="With --once: every feed now, though never before a Retry-After.")
@pass_options
def run(options: Options, once: bool, everything: bool) -> None:
    """Run the daemon in the foreground: poll, collect, match, elect.

    SIGTERM or Ctrl-C finishes what is in hand and stops; a second one stops at once. SIGHUP reads the configuration
    again; with a mistake in it the old one stays. Nothing is lost either way, nor by kill -9.

    \b
    Example:
      firsthand run
      firsthand run --once --all      (for cron)
    """
    if everything and not once:
        raise UsageError("--all goes with --once: the daemon polls each feed when it is due")
    from crawler import service

    loaded = options.load()
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    options.run(service.once(loaded.settings, everything=everything) if once
                else service.run(loaded.settings, options.settings))


@click.command()
@click.option("--format", "format_", default="table", type=click.Choice(["table", "json", "jsonl", "csv", "html", "md"]),
              help="How to print the report.  [default: table]")
@pass_options
def demo(options: Options, format_: str) -> None:
    """Crawl a small invented news world for one day of its time, print the report, and exit.

    Needs no network and no configuration, and leaves nothing behind.

    \b
    Example:
      firsthand demo
      firsthand demo --format html > report.html
    """
    import sys

    from crawler import demo as world
    from crawler import render
    from crawler.cli.progress import bar

    if options.log_level == "info":
        options.log_level = "error"   # the world is full of feeds that fail on purpose
    with bar("a day of the news world") as progress:
        found = options.run(world.crawl_world(progress))
    layout = render.Layout(shutil.get_terminal_size().columns, sys.stdout.isatty())
    for part in render.render(format_, found, layout):
        click.echo(part, nl=False)
