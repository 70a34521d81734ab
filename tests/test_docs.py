"""The README is true: its configuration loads, its commands exist, its Python runs, every word of ours is explained."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

from crawler.cli import cli
from crawler.config import load
from crawler.config.schema import descriptions
from crawler.core import elect
from crawler.core.elect import cases
from crawler.core.types import AttributionKind, Kind
from crawler.errors import Reason
from crawler.meters import Ending
from crawler.render import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECRETS = {"HOOK_SECRET": "a", "FEED_KEY": "b", "FEED_PASSWORD": "c", "DB_PASSWORD": "d"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> dict[str, click.Command]:
    """Every command by its words: "report", "feeds add"."""
    context = click.Context(cli)
    found = {}
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        found[name] = command
        if isinstance(command, click.Group):
            found.update({f"{name} {below}": one for below, one in command.commands.items()})
    return found


COMMANDS = commands()


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_yaml_loads_without_a_mistake(text, tmp_path):
    path = tmp_path / "firsthand.yaml"
    path.write_text(text, encoding="utf-8")
    load(path, SECRETS)


def lines() -> list[str]:
    """Each `firsthand …` of the shell blocks and the table."""
    shell = [line.partition("  #")[0] for block in blocks("sh") for line in block.splitlines()]
    return [line for line in shell if re.match(r"(?:\S*/)?firsthand ", line)]


@pytest.mark.parametrize("line", lines())
def test_the_command_lines_parse(line):
    words = shlex.split(line)[1:]
    if words == ["--help"]:
        return
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    command = COMMANDS[name]
    command.make_context(name, words[len(name.split()):], resilient_parsing=False)


def test_there_are_command_lines():
    assert len(lines()) > 8


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_explained(name):
    words = name.split()
    rows = [line for line in README.splitlines() if line.startswith("| `firsthand")]
    assert any(all(re.search(rf"`[^`]*\b{word}\b[^`]*`", row) for word in words) for row in rows)


@pytest.mark.parametrize("row", re.findall(r"^\| `firsthand (.*?) \| ", README, re.MULTILINE))
def test_no_command_is_explained_that_does_not_exist(row):
    """The first word of each command in the table's first column."""
    for part in row.split(" · "):
        assert re.match(r"(?:`?firsthand )?(\w+)", part)[1] in COMMANDS


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_of_an_entry_is_named(ending):
    told = README[README.index("**Metrics:**"):README.index("## How a decision")]
    assert f"`{ending}`" in told


@pytest.mark.parametrize("key", descriptions())
def test_every_setting_is_shown(key):
    shown = "\n".join(blocks("yaml"))
    assert re.search(rf"\b{key.rpartition('.')[2]}\b: ?", shown)


def test_the_defaults_shown_are_the_defaults(tmp_path):
    """What is shown under its default's comment is what a configuration without it has."""
    from crawler.config.shown import dump

    both = []
    for name, text in (("plain", "feeds: []\n"), ("crawl", next(block for block in blocks("yaml") if block.startswith("crawl:")))):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        loaded = load(path, {})
        both.append(dump(loaded.settings, loaded.secrets))
    assert both[0] == both[1]


@pytest.mark.parametrize("reason", [reason.value for reason in Reason])
def test_every_reason_is_explained_with_what_to_do(reason):
    row = re.search(rf"^\| `{reason}` \| (.+) \| (.+) \|$", README, re.MULTILINE)
    assert row is not None
    assert len(row[2]) > 3


def test_no_reason_is_explained_that_does_not_exist():
    table = README[README.index("| reason |"):README.index("### Files")]
    assert {*re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)} == {reason.value for reason in Reason}


@pytest.mark.parametrize("word", [*Kind, *AttributionKind, "appeared-earlier", "claimed-earlier", "carries-name",
                                  "carries-credit", "probably-earlier",
                                  "seen-earlier", "back-dated", "contradiction", "verdict"])
def test_every_word_of_the_report_is_explained(word):
    assert f"`{word}`" in README


def test_the_weights_are_those_of_the_election():
    table = README[README.index("| evidence |"):README.index("A claimed time outside")]
    told = {word: float(weight) for word, weight in re.findall(r"^ +\| `([\w-]+)` \| ([\d.]+)", table, re.MULTILINE)}
    weights = dict(cases.WEIGHTS)
    assert told.pop("declared-copy") == weights.pop("declared-copy-of")
    assert f"or {weights.pop('declared-copy')} where it names nobody" in table
    assert f"(names a third party) | {weights.pop('elsewhere')} |" in table
    for beside in ("claimed-unobserved", "probably-inferred", "carries-word"):
        assert str(weights.pop(beside)) in table
    assert told == weights
    text = " ".join(README.split())
    assert f"below {elect.DECIDED} the story" in text
    assert f"at most {elect.SUREST}," in text


def test_the_figures_of_the_decision_are_those_of_the_core():
    """The sentences name constants; a constant that changes must change its sentence."""
    said = {
        "core.boilerplate": {"HOLDERS": "stands in {} unrelated"},
        "core.fingerprint": {"BANDS": "{} MinHash bands", "ROWS": "bands of {} rows", "_SAMPLE_AT_LEAST": "at least {} and",
                             "_SAMPLE_AT_MOST": "at most {}, which"},
        "core.match": {"MIN_SHARED": "with {} or more in common", "VERSION_RUN": "run of {} words"},
        "matcher": {"CANDIDATES": "the best {} are"},
    }
    text = " ".join(README.split())
    for name, constants in said.items():
        module = import_module(f"crawler.{name}")
        for constant, sentence in constants.items():
            assert sentence.format(getattr(module, constant)) in text


def test_every_format_is_named():
    row = next(line for line in README.splitlines() if line.startswith("| `firsthand report`"))
    assert all(re.search(rf"\b{one}\b", row) for one in FORMATS)


@pytest.mark.parametrize("text", blocks("python"))
def test_the_python_runs(text):
    exec(compile(text, "README.md", "exec"), {})


def test_the_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for words in re.findall(r"`make ([a-z -]+)", README) for word in words.split()}
    assert named <= targets
    assert {"run", "test", "demo"} <= named


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "SECURITY.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors
        elif "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_changelog_names_every_command():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    assert all(f"`{name}`" in text for name, command in COMMANDS.items() if " " not in name and name != "config")
