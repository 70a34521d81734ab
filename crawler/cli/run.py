"""run, serve, demo: the crawl itself, and its page."""

from typing import Any

import click

from crawler.cli import Options, pass_options
from crawler.errors import UsageError


@click.command()
@click.option("--once", is_flag=True, help="One pass: what is due is polled, collected and judged; then exit.")
@click.option("--all", "everything", is_flag=True, help="With --once: every feed now, though never before a Retry-After.")
@pass_options
def run(options: Options, once: bool, everything: bool) -> None:
    """Run the daemon in the foreground: poll, collect, match, elect, and serve the review page.

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
@pass_options
def serve(options: Options) -> None:
    """Serve the review page alone, beside workers that run elsewhere.

    It is what `run` serves on `review.listen`: the page, the API under /api/v1/, output feeds, /metrics.

    \b
    Example:
      firsthand serve
    """
    from crawler import service

    loaded = options.load()
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    if loaded.settings.review.listen is None:
        raise UsageError("review.listen is null: there is nothing to serve; name an address, such as 127.0.0.1:8477")
    options.run(service.serve(loaded.settings))


@click.command()
@click.option("--format", "format_", default="table", type=click.Choice(["table", "json", "jsonl", "csv", "html", "md"]),
              help="How to print the report.  [default: table]")
@click.option("--serve", "page", is_flag=True, help="Then keep the review page up, until Ctrl-C.")
@click.option("--listen", default="127.0.0.1:8477", metavar="HOST:PORT", help="With --serve.  [default: 127.0.0.1:8477]")
@pass_options
def demo(options: Options, format_: str, page: bool, listen: str) -> None:
    """Crawl a small invented news world for one day of its time, print the report, and exit.

    Needs no network and no configuration, and leaves nothing behind.

    \b
    Example:
      firsthand demo
      firsthand demo --serve          (and open http://127.0.0.1:8477/)
      firsthand demo --format html > report.html
    """
    import shutil
    import sys

    from crawler import demo as world
    from crawler import render
    from crawler.cli.progress import bar

    if page:
        _for_this_machine(listen)
    if options.log_level == "info":
        options.log_level = "error"   # the world is full of feeds that fail on purpose

    def show(found: dict[str, Any], address: str | None) -> None:
        layout = render.Layout(shutil.get_terminal_size().columns, sys.stdout.isatty())
        for part in render.render(format_, found, layout):
            click.echo(part, nl=False)
        if address is not None:
            click.echo(f"the review page is at {address} until Ctrl-C", err=True)

    with bar("a day of the news world") as progress:
        options.run(world.run(progress, show, listen if page else None, whole=format_ == "html"))


def _for_this_machine(listen: str) -> None:
    """The demo has no tokens. Raises UsageError."""
    from crawler.config.rules import is_loopback, listen_address

    try:
        host, _ = listen_address(listen)
    except ValueError as error:
        raise UsageError(f"--listen {listen}: {error}") from None
    if not is_loopback(host):
        raise UsageError(f"--listen {listen}: others could reach this address, and the demo asks for no token; "
                         "name one of this machine, such as 127.0.0.1:8477")
