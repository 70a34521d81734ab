"""start, stop, restart, status: the daemon in the background."""

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli import Options, pass_options
from crawler.errors import NotFoundError

if TYPE_CHECKING:
    from crawler.background import Running
    from crawler.config import Loaded


@click.command()
@pass_options
def start(options: Options) -> None:
    """Start the daemon in the background, and wait until it is up.

    Its pid file and its log, firsthand.log, are in `state_dir`. To let a service manager do it, see
    config/firsthand.service.

    \b
    Example:
      firsthand start
      firsthand -c /etc/firsthand.yaml start
    """
    _start(options, options.load())


def _start(options: Options, loaded: "Loaded") -> None:
    from crawler import background

    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    command = [sys.executable, "-m", "crawler", *options.arguments(), "run"]
    found = background.start(command, loaded.settings.state_dir)
    click.echo(f"started with pid {found.pid}, log {found.log}", err=True)


@click.command()
@click.option("--now", is_flag=True, help="Do not wait for work in hand; nothing stored is lost.")
@pass_options
def stop(options: Options, now: bool) -> None:
    """Stop the daemon.

    It finishes what it has in hand first, at most 15 seconds.

    \b
    Example:
      firsthand stop
      firsthand stop --now
    """
    from crawler import background
    from crawler.cli.standing import place

    found = background.stop(place(options)[0], now=now)
    click.echo("not running" if found is None else f"stopped pid {found.pid}", err=True)


@click.command()
@click.option("--now", is_flag=True, help="Do not wait for work in hand; nothing stored is lost.")
@pass_options
def restart(options: Options, now: bool) -> None:
    """Stop the daemon if it runs, and start it. The configuration is checked first: with a mistake nothing stops.

    \b
    Example:
      firsthand restart
    """
    from crawler import background

    loaded = options.load()
    background.stop(loaded.settings.state_dir, now=now)
    _start(options, loaded)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@pass_options
def status(options: Options, as_json: bool) -> None:
    """Say whether the daemon runs, is well, and what is stored.

    It asks the daemon at `review.listen`; where that does not answer, it says what can be known from outside. Exit status 3
    where it does not run.

    \b
    Example:
      firsthand status
      firsthand status --json
    """
    from crawler import background
    from crawler.cli import standing
    from crawler.log import escape

    state_dir, settings = standing.place(options)
    found = background.running(state_dir)
    counts, health = options.run(standing.of(settings, found))
    if as_json:
        click.echo(background.as_json(found, {**counts, "health": health}))
    else:
        click.echo(_told(found))
        for name, value in counts.items():
            if not isinstance(value, list):
                click.echo(f"{name:<12} {'-' if value is None else value}")
        for one in counts["failing_webhooks"] or ():
            click.echo(f"webhook      {one['to']} fails since {one['since']}: {escape(one['error'] or '')}; {one['lost']} lost")
        for line in standing.lines(health):
            click.echo(line)
    if found is None:
        raise NotFoundError("not running; `firsthand start` starts it")


def _told(found: "Running | None") -> str:
    if found is None:
        return "not running"
    log = f", log {found.log}" if found.log else ""
    return f"running with pid {found.pid} since {found.since:%Y-%m-%d %H:%M:%S} UTC{log}"
