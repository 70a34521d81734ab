"""stop and status where the configuration is wrong, or names a database that is not there."""

import json

import pytest

from crawler import background
from crawler.config import state_dir
from crawler.errors import ConfigError


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(f"state_dir: {tmp_path / 'there'}  # of the daemon\nstore: 12\nfeeds: [not an address\n")
    return path


def test_stop_and_status_find_the_daemon_of_a_configuration_that_is_wrong(firsthand, broken, tmp_path):
    warning = f"warning: {broken}: a mistake (`firsthand check` names them); looking in {tmp_path / 'there'}\n"
    done = firsthand("-c", broken, "stop")
    assert (done.status, done.out, done.err) == (0, "", warning + "not running\n")
    with background.claimed(tmp_path / "there"):
        done = firsthand("-c", broken, "status", "--json")
        told = json.loads(done.out)
    assert (done.status, done.err, told["running"]) == (0, warning, True)
    assert {told[name] for name in ("feeds", "articles", "stories", "due", "next_poll")} == {None}
    assert told["health"]["ok"] is False


def test_restart_stops_nothing_that_it_could_not_start(firsthand, broken):
    done = firsthand("-c", broken, "restart")
    assert done.status == 2
    assert "warning" not in done.err


def test_status_makes_no_database(firsthand, tmp_path):
    path = tmp_path / "firsthand.yaml"
    path.write_text(f"store: sqlite:///{tmp_path}/mistyped/store.db\nstate_dir: {tmp_path}\nfeeds: []\n")
    done = firsthand("-c", path, "status", "--json")
    told = json.loads(done.out)
    assert (done.status, told["articles"], (tmp_path / "mistyped").exists()) == (3, None, False)
    assert {one["name"]: one["why"] for one in told["health"]["checks"]}["store"].endswith(
        "there is no such file; `firsthand run` creates the database")
    assert "store: store" in firsthand("-c", path, "status").out


def test_status_keeps_its_keys(firsthand, stored):
    told = json.loads(firsthand("status", "--json", config=stored).out)
    assert set(told) == {"running", "pid", "since", "log", "feeds", "failing", "articles", "stories", "copies", "undecided", "due",
                         "waiting", "unjudged", "next_poll", "failing_webhooks", "health"}
    assert (told["articles"], told["stories"], told["copies"]) == (6, 2, 3)


@pytest.mark.parametrize(("text", "environ", "found"), [
    ("state_dir: there", {}, "there"),
    ("feeds: [", {}, "var"),
    ("feeds: [\nstate_dir: 'over there'  # note", {}, "over there"),
    ('{"state_dir": "there", "feeds": 1}', {}, "there"),
    ("state_dir: ${PLACE}/x\nunknown: 1", {"PLACE": "/srv"}, "/srv/x"),
    ("state_dir: there", {"FIRSTHAND_STATE_DIR": "elsewhere"}, "elsewhere"),
    ("state_dir: null\nfeeds: 1", {}, "var"),
    ("feeds:\n  - url: x\n    state_dir: not this one\n:", {}, "var"),
])
def test_the_folder_is_found_whatever_else_is_wrong(tmp_path, text, environ, found):
    path = tmp_path / "f.yaml"
    path.write_text(text)
    assert str(state_dir(path, environ)) == found


@pytest.mark.parametrize("text", [None, "state_dir: ${NOWHERE}"])
def test_a_folder_that_cannot_be_known_is_not_guessed(tmp_path, text):
    path = tmp_path / "f.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError):
        state_dir(path, {})
