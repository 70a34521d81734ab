"""What the quick commands import: how long they take on any machine is mostly that."""

import subprocess
import sys

import pytest

from crawler.cli import COMMANDS, cli

HEAVY = {"aiohttp", "alembic", "asyncio", "asyncpg", "dateparser", "datasketch", "feedparser", "htmldate", "jinja2", "lxml",
         "numpy", "pebble", "prometheus_client", "py3langid", "regex", "rich", "sqlalchemy", "trafilatura", "zstandard"}
RUN = """
import sys
from crawler.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """Names of the modules that a command has imported when it ends."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True)
    return {line for line in done.stderr.splitlines() if " " not in line}


# The bounds are what there was in November 2026 (117 and 276, on Python 3.11) and a tenth more for other versions.
@pytest.mark.parametrize(("arguments", "own", "most"), [
    (["--help"], {"cli", "errors"}, 130),
    (["check"], {"cli", "config", "errors", "log", "settings"}, 305),
], ids=["--help", "check"])
def test_a_quick_command_imports_little(arguments, own, most, tmp_path, monkeypatch):
    file = tmp_path / "firsthand.yaml"
    file.write_text("contact: us@example.org\nfeeds: [{url: https://daily.example/feed}]\n")
    monkeypatch.setenv("FIRSTHAND_CONFIG", str(file))
    names = imported(*arguments)
    assert {name.partition(".")[0] for name in names} & HEAVY == set()
    assert {name.split(".")[1] for name in names if name.startswith("crawler.")} == own
    assert len(names) <= most


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_a_command_what_it_says_of_itself(name):
    said = COMMANDS[name][1]
    command = cli.get_command(None, name)
    assert said.endswith(".")
    assert " ".join(command.help.split()).startswith(said)
