"""store copy."""

import json
import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def moved(firsthand, stored, tmp_path):
    """The configuration of a copy that is there already, and what the command said."""
    done = firsthand("store", "copy", "sqlite:///store.db", "sqlite:///new/copy.db", config=stored)
    config = tmp_path / "moved.yaml"
    config.write_text(Path(stored.config).read_text().replace("store.db", "new/copy.db"))
    return config, done


def test_it_prints_what_was_verified(moved):
    _, done = moved
    assert (done.status, done.err) == (0, "")
    head, *lines = (line.split() for line in done.out.splitlines())
    assert head == ["table", "rows"]
    assert ["articles", "6", "verified"] in lines
    *tables, (last, rows, _) = lines
    assert (last, int(rows.replace(",", ""))) == ("all", sum(int(line[1].replace(",", "")) for line in tables))


def test_both_give_the_same_report(moved, firsthand, stored):
    config, _ = moved
    ours, theirs = (json.loads(firsthand("-c", one, "report", "--format", "json").out) for one in (stored.config, config))
    assert ours.pop("generated")
    assert theirs.pop("generated")
    assert ours == theirs
    assert ours["totals"]["stories"] == 2


def test_json(firsthand, stored):
    found = json.loads(firsthand("store", "copy", "sqlite:///store.db", "sqlite:///copy.db", "--json").out)
    tables = {one["table"]: one for one in found["tables"]}
    assert tables["articles"]["rows"] == 6
    assert len(tables["articles"]["hash"]) == 32
    assert found["rows"] == sum(one["rows"] for one in tables.values())


def test_what_is_not_whole_is_no_store(firsthand, moved, tmp_path):
    config, _ = moved
    with sqlite3.connect(tmp_path / "new" / "copy.db") as database:
        database.execute("CREATE TABLE transfer (origin TEXT, step BIGINT, marks TEXT)")
        database.execute("INSERT INTO transfer VALUES ('sqlite:////var/old.db', 3, '{}')")
        database.execute("UPDATE alembic_version SET version_num = 'copying ' || version_num")
    database.close()
    done = firsthand("-c", config, "report")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert "go on with `firsthand store copy sqlite:////var/old.db TO`" in done.err


@pytest.mark.parametrize(("source", "target", "status", "said"), [
    ("sqlite:///store.db", "sqlite:///store.db", 2, "cannot be copied to itself"),
    ("sqlite:///store.db", "sqlite:///other.db", 2, "is not empty (articles)"),
    ("sqlite:///none.db", "sqlite:///new.db", 1, "there is no such file"),
    ("nonsense", "sqlite:///new.db", 1, "not a database URL"),
    ("sqlite:///${NOWHERE}", "sqlite:///new.db", 2, "FROM: the environment has no NOWHERE"),
    ("sqlite:///store.db", "mysql://u:${OUR_SECRET}@h/d", 1, "write sqlite:///PATH"),
    ("sqlite:///store.db", "postgresql://u:${OUR_SECRET}@127.0.0.1:1/d", 1, "out of reach"),
])
def test_refused(firsthand, stored, tmp_path, monkeypatch, source, target, status, said):
    monkeypatch.setenv("OUR_SECRET", "hushhush")
    (tmp_path / "other.db").write_bytes((tmp_path / "store.db").read_bytes())
    done = firsthand("store", "copy", source, target, config=stored)
    assert (done.status, done.out, done.err.count("\n")) == (status, "", 1)
    assert said in done.err
    assert "hushhush" not in done.err


def test_a_variable_stands_for_a_secret(firsthand, stored, monkeypatch, tmp_path):
    monkeypatch.setenv("PLACE", "elsewhere")
    assert firsthand("store", "copy", "sqlite:///store.db", "sqlite:///${PLACE}.db").status == 0
    assert (tmp_path / "elsewhere.db").exists()
