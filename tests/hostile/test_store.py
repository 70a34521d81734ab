"""The SQLite file and the disk under it, failing in every way: nothing half written, nothing lost, one line that helps."""

import asyncio
import inspect
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from crawler.adapters.store import open_store, sqlite
from crawler.errors import StoreError
from crawler.ports import Store, StoryQuery
from tests.contract.conftest import LEASE, START, Desk, opened, seen, story
from tests.hostile.migrations import at_version

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
FULL = "the disk is full; nothing was written: free some space"
# A lock is held until the writer is seen to wait; before a release, ten seconds: FIRSTHAND_LOCKED_SECONDS=10.
LOCKED_SECONDS = float(os.environ.get("FIRSTHAND_LOCKED_SECONDS", "0.2"))


def program(name: str, *arguments: str, prefix: tuple[str, ...] = ()) -> dict:
    done = subprocess.run([*prefix, sys.executable, str(ROOT / "tests/hostile" / name), *arguments], cwd=ROOT,
                          env=ENVIRONMENT, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def firsthand(config: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
    return subprocess.run([*prefix, sys.executable, "-m", "crawler", "-c", str(config), *arguments], cwd=ROOT,
                          env=ENVIRONMENT, capture_output=True, text=True, timeout=60)


def configured(folder: Path, store: Path) -> Path:
    config = folder / "firsthand.yaml"
    config.write_text(f"store: sqlite:///{store}\nstate_dir: {folder / 'state'}\ncontact: desk@news.internal\n"
                      "extract: {workers: 1}\nfeeds: [https://a.example/feed]\n")
    return config


def one_line(done: subprocess.CompletedProcess, status: int = 1) -> str:
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("firsthand: ")]
    return said


# --- a full disk --------------------------------------------------------------------------------------------------

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def on_full_disk():
    """Run a part of full_disk.py over a small tmpfs that nobody else sees."""
    with tempfile.TemporaryDirectory(prefix="firsthand-disk-") as place:
        mounting = [*NAMESPACE, "mount", "-t", "tmpfs", "none", place]
        if shutil.which("unshare") is None or subprocess.run(mounting, capture_output=True).returncode:
            pytest.skip("this kernel lets nobody mount a tmpfs in a namespace of their own")

        def run(part: str) -> dict:
            disk = Path(place, part, "disk")
            disk.mkdir(parents=True)
            return program("full_disk.py", part, str(disk), prefix=NAMESPACE)

        yield run


@pytest.fixture(scope="module")
def writes(on_full_disk):
    return on_full_disk("writes")


WRITES = ("sync_deliveries", "claim_deliveries", "save_delivery", "sync_subscriptions", "claim_subscriptions", "finish_asking", "hear_hub",
          "put_push", "claim_pushes", "finish_push", "sync_feeds", "reset_clock", "make_due", "claim_feeds", "renew", "finish_poll", "save_robots", "pause_host", "take_page", "take_turn", "end_turn",
          "take_robots", "postpone", "claim_sightings", "fail_sighting", "attach",
          "save_article", "save_a_revision", "want_page", "claim_unjudged", "put_keys", "save_matches",
          "save_stories", "put_vectors", "drop_vectors", "mark_unencoded", "finish_judging", "mark_unjudged", "mark_indexed", "add_verdict",
          "undo_verdict", "hold", "forget", "prune")
READS = {"time", "next_poll", "events_after", "was_told", "failing_deliveries", "subscription", "feeds", "recognise", "host", "article_at", "waiting_for", "unit_holders", "dropped", "candidates", "articles",
         "surroundings", "counterparts", "readings", "matched", "component", "verdicts", "rulings", "electing", "links", "possible", "match", "vectors", "places", "places_after", "has_places", "last_place", "other_languages", "backlog", "stories",
         "story", "article", "pages", "export", "browse", "beyond", "tally", "languages", "sources", "source", "flows", "lags",
         "some_stories", "copies_of", "changes", "kept", "past_rulings", "counts", "verify", "close"}


def test_every_method_of_the_store_either_reads_or_meets_a_full_disk():
    methods = {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert methods - READS - {"backup"} == set(WRITES) - {"save_a_revision"}


@pytest.mark.parametrize("write", WRITES)
def test_a_disk_that_is_full_at_any_page_of_a_write_leaves_nothing_half_done(writes, write):
    met = writes[write]
    assert met["told"], "it needed no room at all"
    assert all(FULL in said and "\n" not in said for said in met["told"])
    assert met["changed_at"] == [], "something was written although it failed"
    assert met["done"], "the same call did nothing when there was room"
    assert met["wrong"] == []


def test_the_daemon_outlives_a_full_disk_and_loses_nothing(on_full_disk):
    found = on_full_disk("crawl")
    full, after = found["while_full"], found["after"]
    assert (full["alive"], full["broken"], full["check"]) == (True, [], [["ok"]])
    assert full["waiting"], "nothing was left to do: the disk was not full"
    assert set(full["articles"]) < set(found["expected"])
    (said,) = found["said"]
    assert FULL in said
    assert not found["tracebacks"]
    assert (after["alive"], after["broken"], after["check"]) == (True, [], [["ok"]])
    assert after["articles"] == found["expected"]
    assert "work-failed" not in found["events"]


@pytest.fixture(scope="module")
def files(on_full_disk):
    return on_full_disk("files")


@pytest.mark.parametrize(("command", "said"), [
    ("run", "firsthand.pid: cannot be written: No space left on device"),
    ("start", "did not start: its log could not be written: No space left on device; free some space"),
    ("once", FULL),
    ("backup", FULL),
    ("export", "all.jsonl: cannot be written: No space left on device"),
    ("standard output", "output: No space left on device"),
])
def test_a_command_names_the_file_for_which_there_is_no_room(files, command, said):
    met = files[command]
    assert met["status"] == 1
    (line,) = [line for line in met["said"].splitlines() if not line.startswith("warning")]
    assert said in line


def test_no_piece_of_a_file_is_left_on_a_full_disk(files):
    assert files["left"] == []


# --- locked -------------------------------------------------------------------------------------------------------

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
print("free", flush=True)
"""


class Holder:
    """Another process that writes, and takes its time."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "held\n"

    def let_go(self) -> None:
        if self.process.poll() is None:
            self.process.communicate("\n", timeout=30)


@pytest.fixture
def held(tmp_path):
    holders = []

    def hold(file):
        holders.append(Holder(file))
        return holders[-1]

    yield hold
    for one in holders:
        one.let_go()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "news.db"


async def test_a_writer_waits_for_another_process_and_nothing_is_lost(file, held):
    async with opened(f"sqlite:///{file}") as store:
        other = held(file)
        writing = asyncio.create_task(Desk(store).put("1"))
        done, _ = await asyncio.wait({writing}, timeout=LOCKED_SECONDS)
        assert not done
        assert await store.article_at("https://daily.example/1") is None    # readers do not wait
        await asyncio.to_thread(other.let_go)
        assert await writing == ["a1"]


async def test_a_lock_that_outlasts_its_patience_is_one_error_and_the_queue_stays(file, held, monkeypatch):
    monkeypatch.setattr(sqlite, "_BUSY_SECONDS", 0.05)
    async with opened(f"sqlite:///{file}") as store:
        desk = Desk(store)
        await desk.add_feeds("https://a.example/feed")
        (feed,) = await store.claim_feeds(START, LEASE, 1)
        other = held(file)
        for write in (store.claim_feeds(START, LEASE, 1), store.finish_poll(feed, feed.state, [seen("1")], START)):
            with pytest.raises(StoreError, match="locked by another process; try again"):
                await write
        await asyncio.to_thread(other.let_go)
        assert (await store.finish_poll(feed, feed.state, [seen("1")], START)).new == 1


# --- modes --------------------------------------------------------------------------------------------------------

# Root may write whatever the mode says, unless these are taken from it.
MORTAL = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@pytest.fixture
def shut(tmp_path):
    """Take a mode away for a while."""
    if MORTAL and shutil.which("setpriv") is None:
        pytest.skip("root, and no setpriv to become less")
    were = []

    def shut(path, mode):
        were.append((path, path.stat().st_mode))
        path.chmod(mode)

    yield shut
    for path, mode in were:
        path.chmod(mode)


@pytest.fixture
async def written(tmp_path):
    """A store with a story and some more, closed, in a folder of its own."""
    file = tmp_path / "var" / "news.db"
    (tmp_path / "state").mkdir()
    async with opened(f"sqlite:///{file}") as store:
        await Desk(store).add_feeds("https://a.example/feed")
        await Desk(store).put(*map(str, range(30)), text="The ferry sailed at noon with forty lorries. " * 90,
                              units=tuple(range(20)))
        await store.save_stories(["a1", "a2"], [story("a1", "a2")], START)
    return file


@pytest.mark.parametrize(("shut_down", "mode", "command", "said"), [
    ("file", 0o444, ("run", "--once"), "the database cannot be written: check who owns the file and its directory"),
    ("file", 0o000, ("report",), "the database cannot be opened: check that the path exists and may be read and written"),
    ("folder", 0o555, ("run", "--once"), "check"),
    ("folder", 0o000, ("show", "x"), "cannot be opened: check that the path exists and may be read"),
    ("state", 0o555, ("run",), "firsthand.pid: cannot be written: Permission denied; correct state_dir or its mode"),
    ("state", 0o555, ("start",), "firsthand.log: cannot be written: Permission denied; correct state_dir or its mode"),
])
def test_what_may_not_be_written_is_named_with_what_to_do(written, shut, tmp_path, shut_down, mode, command, said):
    shut({"file": written, "folder": written.parent, "state": tmp_path / "state"}[shut_down], mode)
    assert said in one_line(firsthand(configured(tmp_path, written), *command, prefix=MORTAL))


# --- damage -------------------------------------------------------------------------------------------------------

PAGE = 4096


def spoiled(file: Path, page: int, kind: str, chance: random.Random) -> None:
    """Overwrite the nth page, or a part of it."""
    data = bytearray(file.read_bytes())
    at = page * PAGE
    match kind:
        case "noise":
            data[at:at + PAGE] = chance.randbytes(PAGE)
        case "zeros":
            data[at:at + PAGE] = bytes(PAGE)
        case "another page":
            other = chance.randrange(len(data) // PAGE) * PAGE
            data[at:at + PAGE] = data[other:other + PAGE]
        case "flipped bits":
            for _ in range(20):
                data[at + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
        case "cut off":
            del data[at + PAGE // 2:]
    file.write_bytes(data)


async def use(file: Path) -> None:
    """A little of everything that commands and the daemon do."""
    async with opened(f"sqlite:///{file}") as store:
        desk = Desk(store)
        await store.feeds()
        await store.counts(START)
        await store.stories(StoryQuery())
        [one async for one in store.export(originals=False)]
        await store.claim_feeds(START, LEASE, 9)
        await store.claim_unjudged(START, LEASE, 40)
        await store.component("a1", 50)
        await desk.put("new", units=(1, 2, 3))
        await store.prune(START, START)


@pytest.mark.parametrize("kind", ["noise", "zeros", "another page", pytest.param("flipped bits", marks=pytest.mark.long), "cut off"])
async def test_a_damaged_page_is_one_line_that_says_what_to_do(written, tmp_path, kind):
    chance = random.Random(f"damage {kind}")
    pages = written.stat().st_size // PAGE
    told = []
    for page in [0, 1, *chance.sample(range(2, pages), 10)]:
        trial = tmp_path / f"trial-{page}.db"
        shutil.copy(written, trial)
        spoiled(trial, page, kind, chance)
        try:
            await use(trial)
        except StoreError as error:
            told.append(str(error).removeprefix(f"store {trial}: "))
        trial.unlink()
    assert told
    assert [said for said in told if "\n" in said or len(said) > 200] == []
    assert [said for said in told if not said.startswith(("the database is damaged", "the file is no SQLite"))] == []


def damaged(file: Path) -> None:
    """Spoil a page in the middle of an index: nothing that opens the store touches it."""
    with sqlite3.connect(file) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'units'").fetchone()
    spoiled(file, page - 1, "noise", random.Random(3))


@pytest.mark.parametrize("command", [("run",), ("run", "--once")])
def test_a_damaged_database_is_not_run_on(written, tmp_path, command):
    damaged(written)
    before = written.read_bytes()
    said = one_line(firsthand(configured(tmp_path, written), *command))
    assert "the database is damaged; restore a copy made by `firsthand backup`" in said
    assert written.read_bytes() == before


# --- other versions -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", [("run",), ("report",)])
def test_a_newer_database_is_refused_with_what_to_do_and_left_alone(written, tmp_path, command):
    with sqlite3.connect(written) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = written.read_bytes()
    said = one_line(firsthand(configured(tmp_path, written), *command))
    assert "written by a newer Firsthand (schema 9999" in said
    assert "update Firsthand, or name another database in `store`" in said
    assert written.read_bytes() == before


@pytest.mark.parametrize("version", [
    pytest.param("", id="an empty database", marks=pytest.mark.long), pytest.param("0001", id="an older database")])
def test_a_migration_that_is_killed_at_any_statement_is_done_at_the_next_start(tmp_path, version):
    found = program("migrations.py", str(tmp_path / "news.db"), *filter(None, [version]))
    assert len(found) >= 5
    assert all(found)


async def test_two_that_migrate_at_once_both_come_up(tmp_path):
    at_version(tmp_path / "news.db", "0001")
    url = f"sqlite:///{tmp_path / 'news.db'}"
    for store in await asyncio.gather(*(open_store(url) for _ in range(3))):
        await store.close()


# --- files that vanish --------------------------------------------------------------------------------------------

async def test_a_database_that_vanished_is_an_error_and_not_an_empty_one(written):
    async with opened(f"sqlite:///{written}") as store:
        shutil.move(written.parent, written.parent.with_name("elsewhere"))
        await store.counts(START)       # the file is still open
    with pytest.raises(StoreError, match="there is no such file"):
        await open_store(f"sqlite:///{written}", create=False)
