"""Secrets from files: those that config/make-secrets makes, and how config/with-secrets hands them on."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from crawler.config import load
from crawler.tokens import Tokens

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


# --- make-secrets -------------------------------------------------------------------------------------------------

class Made:
    """A clone in which config/make-secrets was called."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.folder = clone / "secrets"
        (clone / "config").mkdir()
        (clone / "config/make-secrets").write_text((ROOT / "config/make-secrets").read_text())

    def call(self, *names: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(["sh", self.clone / "config/make-secrets", *names], cwd=self.clone.parent, capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"]})
        assert done.returncode == status, done.stderr
        return done


@pytest.fixture
def made(tmp_path):
    (tmp_path / "a clone").mkdir()
    made = Made(tmp_path / "a clone")
    made.call("ada")
    return made


def test_it_makes_every_secret_that_compose_names(made):
    assert {path.name for path in made.folder.iterdir()} == set(COMPOSE["secrets"])
    assert os.access(ROOT / "config/make-secrets", os.X_OK)


def test_containers_may_read_them_and_no_other_user_may(made):
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o644}


def test_the_token_that_is_printed_opens_the_page_and_its_hash_alone_is_kept(made):
    token = made.call("grace").stdout.strip()
    assert Tokens(made.folder / "tokens").name_of(token) == "grace"
    assert token not in (made.folder / "tokens").read_text()
    assert len({made.call(f"person{n}").stdout for n in range(4)}) == 4


def test_a_token_more_is_added_to_the_very_file_that_a_container_holds(made):
    before, tokens = (made.folder / "tokens").stat().st_ino, Tokens(made.folder / "tokens")
    assert tokens.name_of(made.call("grace").stdout.strip()) == "grace"
    assert (made.folder / "tokens").stat().st_ino == before


def test_called_again_it_leaves_all_as_it_is(made):
    before = {path: path.read_text() for path in made.folder.iterdir()}
    assert made.call().stdout == ""
    assert "has a token already" in made.call("ada", status=2).stderr
    assert {path: path.read_text() for path in made.folder.iterdir()} == before


@pytest.mark.parametrize("name", ["", "a b", "a\nb sha256:0", "$(id)", "-n/../x"])
def test_what_is_no_name_is_refused(made, name):
    before = (made.folder / "tokens").read_text()
    assert made.call(name, status=2).stderr
    assert (made.folder / "tokens").read_text() == before


def test_without_a_name_it_is_the_login_name(tmp_path):
    made = Made(tmp_path)
    token = made.call().stdout.strip()
    assert Tokens(made.folder / "tokens").name_of(token) == subprocess.check_output(["id", "-un"], text=True).strip()


@pytest.mark.parametrize("name", ["worker", "review"])
def test_environment_secrets_and_the_example_make_a_right_configuration(name, made, monkeypatch):
    monkeypatch.chdir(ROOT)     # the configuration's own relative names
    secrets = {one: (made.folder / one).read_text().strip() for one in SERVICES[name]["secrets"]}
    environ = {key: value.replace("/run/secrets/", f"{made.folder}/") for key, value in SERVICES[name]["environment"].items()}
    settings = load(ROOT / "config/firsthand.yaml", {**environ, **{key.upper(): value for key, value in secrets.items()}}).settings
    assert settings.store == f"postgresql://firsthand:{(made.folder / 'db_password').read_text()}@db/firsthand"
    assert settings.review.tokens_file == (made.folder / "tokens" if name == "review" else None)


# --- with-secrets -------------------------------------------------------------------------------------------------

def with_secrets(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "config/with-secrets", *command], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "SECRETS": str(folder), **environ})


def test_each_file_becomes_a_variable(tmp_path):
    (tmp_path / "hook_secret").write_text("two words $HOME `id` \"'\n")
    (tmp_path / "firsthand_store").write_text("from a file")
    done = with_secrets(tmp_path, "sh", "-c", 'printf "%s|%s" "$HOOK_SECRET" "$FIRSTHAND_STORE"', FIRSTHAND_STORE="given")
    assert done.stdout == "two words $HOME `id` \"'|given"


def test_without_secrets_the_command_just_runs(tmp_path):
    assert with_secrets(tmp_path / "none", "echo", "fine").stdout == "fine\n"


def test_a_file_whose_name_is_no_variable_is_named_and_left_out(tmp_path):
    (tmp_path / "a b;touch x").write_text("")
    done = with_secrets(tmp_path, "true")
    assert done.returncode == 0
    assert "left out" in done.stderr


def test_the_exit_status_is_the_commands(tmp_path):
    assert with_secrets(tmp_path, "sh", "-c", "exit 3").returncode == 3
