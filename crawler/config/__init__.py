"""The configuration: YAML files, OPML files and the environment -> `Settings`, or every mistake at once by its line.

    source.py    text -> nodes with their lines, strict YAML       values.py   nodes -> typed settings
    environ.py   ${NAME} and FIRSTHAND_… variables                 feeds.py    URLs, OPML files, includes -> one list
    rules.py     what must hold between settings                   edit.py     adds and removes feeds in the text
    shown.py     the effective settings for a person               schema.py   JSON Schema for editors
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from crawler.config.environ import Environment, override
from crawler.config.feeds import FeedList, Place, real
from crawler.config.findings import Findings
from crawler.config.rules import check
from crawler.config.source import Mark, Pairs, Scalar, parse, read_file
from crawler.config.values import build, plain, refuse_traps
from crawler.errors import ConfigError, UsageError
from crawler.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that holds. `places` runs parallel to `settings.feeds`; `secrets` came from the environment."""

    settings: Settings
    warnings: list[str]
    files: list[Path]                    # all that were read: the file itself, includes, OPML
    places: tuple[Place, ...] = ()
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def load(path: Path, environ: Mapping[str, str], texts: Mapping[Path, str] | None = None) -> Loaded:
    """Read a configuration. Relative names in it count from its own folder (`opml`, `include`) or from the working
    directory (`store`, `state_dir`, `tokens_file`). `texts` (by resolved path) stand in for files: an edit on trial.

    Raises ConfigError with every mistake, one line each: `FILE:LINE: path: reason`.
    """
    environment = Environment(environ)
    try:
        return _loaded(path, environment, texts or {})
    except ConfigError as error:
        raise ConfigError([environment.masked(mistake) for mistake in error.mistakes]) from None


def expanded(name: str, text: str, environ: Mapping[str, str]) -> str:
    """An argument of a command in which `${NAME}` stands for a secret of the environment, as in the file. Raises
    UsageError, which calls the argument `name`."""
    reasons: list[str] = []
    found = Environment(environ).expand(text, reasons.append)
    if reasons:
        raise UsageError(f"{name}: {'; '.join(reasons)}")
    return found


def state_dir(path: Path, environ: Mapping[str, str]) -> Path:
    """Where the daemon of a configuration keeps its pid file, whatever else is wrong in it: one that runs can be asked and
    stopped all the same. Raises ConfigError where the file cannot be read, or this very setting is wrong."""
    if environ.get(_STATE_DIR):
        return Path(environ[_STATE_DIR])
    environment, findings = Environment(environ), Findings()
    text = read_file(path)
    # The whole file where it is YAML, else the line that says it.
    for each in (text, *(line for line in text.splitlines() if line.startswith("state_dir"))):
        found = _stated(each, path)
        if found is not None:
            named = environment.fill(found, findings, ("state_dir",))
            findings.end()
            return Path(named)
    return Settings().state_dir


def _stated(text: str, path: Path) -> Scalar | None:
    with suppress(ConfigError):
        root = parse(text, path)
        found = root.pairs.get("state_dir") if isinstance(root, Pairs) else None
        return found if isinstance(found, Scalar) and not found.null else None
    return None


_STATE_DIR = "FIRSTHAND_STATE_DIR"


def _loaded(path: Path, environment: Environment, texts: Mapping[Path, str]) -> Loaded:
    findings = Findings()
    feeds = FeedList(environment, findings, dict(texts))
    root = _root(feeds.text(path), path)
    listed = root.pairs.pop("feeds", None)
    if listed is None or (isinstance(listed, Scalar) and listed.null):
        findings.refuse(Mark(path, 1) if listed is None else listed.mark, "feeds",
                        "missing; list at least one feed, or write `feeds: []`")
    else:
        feeds.read(listed, path, ("feeds",), (real(path),))
    override(root, environment, findings)
    check(_settings(root, environment, findings), root, findings)
    findings.end()
    settings = Settings.model_validate({**plain(root, environment, findings), "feeds": feeds.feeds})
    if not settings.feeds:
        findings.warnings.append(f"{path}: feeds: none; add one with `firsthand feeds add URL`")
    warnings = [environment.masked(warning) for warning in findings.warnings]
    return Loaded(settings, warnings, feeds.files, tuple(feeds.places), frozenset(environment.secrets))


def _root(text: str, path: Path) -> Pairs:
    root = parse(text, path)
    if root is None:
        raise ConfigError([Mark(path, 1).mistake("", "empty; write at least `feeds:` with one feed")])
    if not isinstance(root, Pairs):
        raise ConfigError([root.mark.mistake("", "expected settings such as `feeds:`; this is no configuration")])
    return root


def _settings(root: Pairs, environment: Environment, findings: Findings) -> Settings:
    """The settings without the feeds. What pydantic refused is noted and stands at its default, so that the rules can
    still judge the rest."""
    refuse_traps(Settings, root, findings)
    return build(Settings, plain(root, environment, findings), root, findings) or Settings()


__all__ = ["Loaded", "expanded", "load", "state_dir"]
