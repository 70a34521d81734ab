"""The commands. A command is one line in `COMMANDS` and a click command in a module of its theme.

A command module imports click and `crawler.cli` at its top, and everything else inside the function that needs it, so
that its `--help` and a mistyped option answer at once. `firsthand --help` imports none of them.

Exit status: 0 done; 1 failed while running; 2 the command or the configuration is wrong; 3 nothing found. Every error is
one line on standard error; a traceback only with `--debug`. Ctrl-C ends with 130, a closed pipe with 141, as in a shell.
"""

import os
import sys
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from crawler import __version__
from crawler.errors import ConfigError, FirsthandError

if TYPE_CHECKING:
    from crawler.config import Loaded
    from crawler.settings import Settings

T = TypeVar("T")

DEFAULT_CONFIG = "config/firsthand.yaml"

# name -> module:attribute, and the first sentence of its help, in the order of --help
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("crawler.cli.run:run", "Run the daemon in the foreground: poll, collect, match, elect, and serve the review page."),
    "serve": ("crawler.cli.run:serve", "Serve the review page alone, beside workers that run elsewhere."),
    "demo": ("crawler.cli.run:demo", "Crawl a small invented news world for one day of its time, print the report, and exit."),
    "start": ("crawler.cli.service:start", "Start the daemon in the background, and wait until it is up."),
    "stop": ("crawler.cli.service:stop", "Stop the daemon."),
    "restart": ("crawler.cli.service:restart", "Stop the daemon if it runs, and start it."),
    "status": ("crawler.cli.service:status", "Say whether the daemon runs, is well, and what is stored."),
    "check": ("crawler.cli.settings:check", "Validate the configuration and print the effective settings."),
    "token": ("crawler.cli.tokens:token", "Say who may open the review page, where `review.tokens_file` is set."),
    "feeds": ("crawler.cli.feeds:feeds", "List, add, remove and try feeds."),
    "report": ("crawler.cli.reports:report", "Show every story: the earliest known source, why, and its copies."),
    "show": ("crawler.cli.reports:show", "Show one story or article whole: timeline, claims, evidence, shared passages, rulings."),
    "find": ("crawler.cli.texts:find", "Find who has copied a page or text, or whom it copies, in everything stored."),
    "verdict": ("crawler.cli.rulings:verdict", "Rule on a story: a person's word outranks what was computed and survives every re-run."),
    "compare": ("crawler.cli.texts:compare", "Tell whether A and B are copies, and why."),
    "extract": ("crawler.cli.texts:extract", "Show what would be stored for each page: text, title, language, every date claim, every attribution."),
    "dedup": ("crawler.cli.dedup:dedup", "Find the copies in a file of JSON lines and name each story's original."),
    "calibrate": ("crawler.cli.calibrate:calibrate", "Fit the thresholds of an encoder to texts and their translations."),
    "hold": ("crawler.cli.upkeep:hold", "Keep the pages of a story or article beyond the retention."),
    "forget": ("crawler.cli.upkeep:forget", "Erase an article's text, title and pages for good."),
    "rematch": ("crawler.cli.upkeep:rematch", "Judge stored articles again with the present settings, and say what changed."),
    "prune": ("crawler.cli.upkeep:prune", "Remove what is older than `retention` says."),
    "backup": ("crawler.cli.upkeep:backup", "Copy the database to FILE, whole and consistent, while it is in use."),
    "export": ("crawler.cli.upkeep:export", "Write out everything stored, in order of first sighting; or one story, with all its evidence."),
    "store": ("crawler.cli.store:store", "Move what is stored to another database."),
    "config": ("crawler.cli.settings:config", "What the configuration may hold."),
}


@dataclass(slots=True)
class Options:
    """The global options, and what every command does with them."""

    config: Path = Path(DEFAULT_CONFIG)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    debug: bool = False

    def load(self) -> "Loaded":
        """The configuration with its warnings. Raises ConfigError."""
        from crawler.config import load

        return load(self.config, os.environ)

    def settings(self) -> "Settings":
        """The settings alone. Raises ConfigError."""
        return self.load().settings

    def configure_logging(self) -> None:
        """Send the log to standard error as asked."""
        from crawler import log

        log.configure(self.log_level, self.log_format, tracebacks=self.debug)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run what a command does with the store or the network, with logging set up."""
        import asyncio

        self.configure_logging()
        try:
            return asyncio.run(work)
        except asyncio.CancelledError:      # a second signal
            raise KeyboardInterrupt from None

    def arguments(self) -> list[str]:
        """The same options for a command that is started in another process."""
        given = ["--config", str(self.config.absolute()), "--log-level", self.log_level,
                 "--log-format", self.log_format]
        return [*given, "--debug"] if self.debug else given


pass_options = click.make_pass_decorator(Options)


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for; global options may stand behind a command too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        _give_globals(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """From the table: to import every command for its first sentence took a third of the time of `--help`."""
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            formatter.write_dl([(name, click.Command(name, help=said).get_short_help_str(room)) for name, (_, said) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of this name."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean {near[0]}?" if near else "see firsthand --help"
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _give_globals(command: click.Command) -> None:
    """`firsthand check -c FILE` means the same as `firsthand -c FILE check`."""
    taken = {option for parameter in command.params for option in parameter.opts}
    command.params += [option for option in _globals(hidden=True) if not taken & set(option.opts)]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _give_globals(below)


def _globals(*, hidden: bool) -> list[click.Option]:
    """Fresh options that write into `Options`; behind a command they are the same and not shown again."""
    return [
        click.Option(["-c", "--config"], type=click.Path(path_type=Path, dir_okay=True), callback=_set, expose_value=False,
                     envvar=None if hidden else "FIRSTHAND_CONFIG", hidden=hidden, is_eager=not hidden,
                     help=f"The configuration; also FIRSTHAND_CONFIG.  [default: {DEFAULT_CONFIG}]"),
        click.Option(["--log-level"], type=click.Choice(["debug", "info", "warning", "error"]), callback=_set,
                     expose_value=False, hidden=hidden, help="What to log.  [default: info]"),
        click.Option(["--log-format"], type=click.Choice(["text", "json"]), callback=_set, expose_value=False,
                     hidden=hidden, help="Log lines for people or for programs.  [default: text]"),
        click.Option(["--debug"], is_flag=True, callback=_set, expose_value=False, hidden=hidden,
                     help="Show a traceback with an error."),
    ]


def _set(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    options = ctx.ensure_object(Options)
    if value and parameter.name is not None:
        setattr(options, parameter.name, value)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"firsthand {__version__}")
        ctx.exit()


@click.command(cls=Lazy, params=_globals(hidden=False), context_settings={"help_option_names": ["-h", "--help"]},
               epilog="firsthand COMMAND --help explains each with an example.")
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
              help="Show the version.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Find machine-made copies of news articles in feeds, and name the earliest known source."""
    ctx.ensure_object(Options)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `firsthand`: runs and exits."""
    sys.exit(_run(list(sys.argv[1:] if arguments is None else arguments)))


def _open_streams() -> None:
    """Open what whoever started us has closed: else the first file that is opened would be standard output."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(handle, mode, encoding="utf-8", closefd=handle > 2))
            if handle != number:
                os.dup2(handle, number)


def _run(arguments: list[str]) -> int:
    _open_streams()
    options, output = Options(), sys.stdout
    try:
        status = cli.main(arguments, prog_name="firsthand", standalone_mode=False, obj=options)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as end:
        if isinstance(end, SystemExit) and sys.stdout is output:
            raise  # click puts another output in its place before it leaves because of a closed pipe
        # Whoever read us has had enough: without this the interpreter complains when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (Exception, ExceptionGroup) as error:  # noqa: BLE001 - the outermost frame: everything ends as one line
        return _fail(error, options)
    return status if isinstance(status, int) else 0


def _fail(error: BaseException, options: Options) -> int:
    """One line (for a configuration one a mistake, ready for an editor to jump to), and the exit status."""
    from crawler.log import escape, redact

    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if options.debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, ConfigError):
        click.echo("\n".join(error.mistakes), err=True)
        return error.exit_status
    text, status = _words(error)
    click.echo(f"firsthand: {escape(redact(text))}", err=True)
    return status


def _words(error: BaseException) -> tuple[str, int]:
    match error:
        case FirsthandError():
            return str(error), error.exit_status
        case click.UsageError():
            where = f" (see {error.ctx.command_path} --help)" if error.ctx is not None else ""
            return f"{' '.join(error.format_message().split()).rstrip('.')}{where}", 2
        case click.ClickException():
            return error.format_message(), 1
        case OSError() if error.strerror:
            return f"{error.filename or 'output'}: {error.strerror}", 1
        case _:
            return f"a fault in the program: {type(error).__name__}: {error}; --debug shows where", 1


__all__ = ["Options", "cli", "main", "pass_options"]
