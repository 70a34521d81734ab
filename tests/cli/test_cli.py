"""The command as a process: exit statuses, one line an error, nothing heavy for --help."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEEDS = "contact: desk@news.internal\nfeeds: [https://a.example/feed]\n"


def environ(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("FIRSTHAND_", "PYTHON"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "200"} | more


def firsthand(*arguments, cwd, more=None, feed=""):
    return subprocess.run([sys.executable, "-m", "crawler", *arguments], cwd=cwd, env=environ(**(more or {})), input=feed,
                          capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(FEEDS)
    return path


def commands(group=()):
    """Every command and its sub-commands, as the table has them."""
    import click

    from crawler.cli import cli
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, below) for below in command.commands)


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_each_help_has_an_example_that_names_the_command(command):
    import click

    from crawler.cli import cli
    found = cli.get_command(click.Context(cli), command[0])
    for name in command[1:]:
        found = found.commands[name]
    text = found.get_help(click.Context(found, info_name=" ".join(command)))
    assert f"firsthand {' '.join(command)}" in text.replace("-c /etc/firsthand.yaml ", "")


def test_help_lists_every_command_and_imports_nothing_heavy(tmp_path):
    code = ("import sys\nfrom crawler.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\n"
            "print(sorted(m for m in ('pydantic', 'yaml', 'sqlalchemy', 'aiohttp', 'lxml', 'rich', 'asyncio') "
            "if m in sys.modules), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ(), capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    for name in ("check", "feeds", "config", "start", "stop", "restart", "status"):
        assert re.search(rf"^  {name} +\w.*[^.]\.$", done.stdout, re.MULTILINE)


def test_version(tmp_path):
    done = firsthand("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"firsthand \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("arguments", [
    ["-c", "f.yaml", "check"], ["check", "-c", "f.yaml"], ["--config=f.yaml", "--log-format", "json", "check", "--debug"],
])
def test_check_prints_the_settings_wherever_the_option_stands(path, arguments):
    done = firsthand(*arguments, cwd=path.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"store: sqlite:///{path.parent}/var/firsthand.db\n" in done.stdout
    assert "- https://a.example/feed\n" in done.stdout


def test_the_configuration_comes_from_the_environment_and_the_default_place(path):
    assert firsthand("check", cwd="/", more={"FIRSTHAND_CONFIG": str(path)}).returncode == 0
    assert firsthand("check", cwd=ROOT).returncode == 0


def test_check_names_every_mistake_and_ends_with_2(path):
    path.write_text("stor: x\ncrawl: {timeout: 5}\nfeeds: [ftp://x]\n")
    done = firsthand("check", "-c", "f.yaml", cwd=path.parent)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["f.yaml:1:", "f.yaml:2:", "f.yaml:3:"]


def test_check_warns_and_ends_with_0(path):
    path.write_text("feeds: [https://a.example/]\n")
    done = firsthand("check", "-c", "f.yaml", cwd=path.parent)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: f.yaml:1: contact: missing")


@pytest.mark.parametrize(("arguments", "word"), [
    (["chek"], "did you mean check?"), (["--nonsense"], "No such option"), (["check", "x"], "unexpected extra argument"),
    (["--log-level", "loud", "check"], "loud"), (["feeds", "lst"], "lst"), (["check", "-c", "none.yaml"], "none.yaml: no such file"),
    (["feeds", "add"], "Missing argument"), (["-c", ".", "check"], "not a regular file"),
])
def test_a_wrong_command_is_one_line_and_2(tmp_path, arguments, word):
    done = firsthand(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_arguments_show_the_help(tmp_path):
    done = firsthand(cwd=tmp_path)
    assert done.returncode in (0, 2)
    assert "Usage: firsthand" in done.stdout + done.stderr


def test_a_closed_pipe_is_quiet(path):
    path.write_text("contact: desk@news.internal\nfeeds:\n" + "".join(f"- https://h{n}.example/\n" for n in range(5000)))
    child = subprocess.Popen([sys.executable, "-m", "crawler", "-c", str(path), "check"], env=environ(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        child.stdout.close()
        assert (child.stderr.read(), child.wait()) == (b"", 141)


def test_ctrl_c_is_quiet(tmp_path):
    code = ("import os, signal, click\nfrom crawler import cli\n"
            "@click.command()\ndef wait():\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
            "cli.cli.add_command(wait)\ncli.main(['wait'])")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ(), capture_output=True, text=True,
                          check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert done.returncode == 130
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(("arguments", "lines"), [([], 1), (["--debug"], 5)])
def test_a_fault_of_the_program_is_one_line_unless_asked(tmp_path, arguments, lines):
    code = ("import sys, click\nfrom crawler import cli\n"
            "@click.command()\ndef fail():\n    raise RuntimeError('a\\nb\\x1b https://me:secret@x/')\n"
            "cli.cli.add_command(fail)\ncli.main([*sys.argv[1:], 'fail'])")
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, env=environ(), capture_output=True, text=True,
                          check=False)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last == "firsthand: a fault in the program: RuntimeError: a\\nb\\x1b https://***@x/; --debug shows where"
    assert len(done.stderr.splitlines()) >= lines
    assert ("Traceback" in done.stderr) == bool(arguments)


def test_the_schema_is_json_and_knows_every_key(tmp_path):
    schema = json.loads(firsthand("config", "schema", cwd=tmp_path).stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["required"] == ["feeds"]
    assert {"store", "crawl", "feeds", "review"} <= set(schema["properties"])


def test_stop_and_start_say_what_is_wrong(path):
    assert firsthand("stop", "-c", "f.yaml", cwd=path.parent).stderr == "not running\n"
    path.write_text("x: 1\n")
    done = firsthand("start", "-c", "f.yaml", cwd=path.parent)
    assert done.returncode == 2
    assert done.stderr.startswith("f.yaml:1: ")
