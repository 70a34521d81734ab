"""What a database finds at fault with itself, each database by its own means."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from server import Database


def faults(store: Path | Database) -> Iterator[str]:
    """Sentences; none where it is sound."""
    yield from _postgres(store) if isinstance(store, Database) else _sqlite(store)


def _sqlite(store: Path) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        if (said := [row[0] for row in connection.execute("PRAGMA integrity_check")]) != ["ok"]:
            yield f"integrity_check: {said}"
        if said := connection.execute("PRAGMA foreign_key_check").fetchall():
            yield f"foreign_key_check: {said}"


def _postgres(store: Database) -> Iterator[str]:
    """Every index holds every row and its order, every page of every table is as it should be, every reference leads
    somewhere, and nothing was left unfinished."""
    store.rows("CREATE EXTENSION IF NOT EXISTS amcheck")
    for query in (_INDEXES, _TABLES):
        try:
            store.rows(query)
        except Exception as error:  # whatever the server finds is what is asked for
            yield f"amcheck: {error}"
    yield from (f"{row['name']}: an index that is not valid" for row in store.rows(_INVALID))
    yield from (f"{row['name']}: a constraint that is not valid" for row in store.rows(_UNCHECKED))
    yield from (f"{row['gid']}: a transaction left prepared" for row in store.rows("SELECT gid FROM pg_prepared_xacts"))
    for row in store.rows(_REFERENCES):
        missing = store.rows(f"SELECT count(*) AS n FROM {row['of']} t WHERE t.{row['by']} IS NOT NULL AND NOT EXISTS"
                             f" (SELECT FROM {row['to']} r WHERE r.{row['key']} = t.{row['by']})")
        if missing[0]["n"]:
            yield f"{missing[0]['n']} rows of {row['of']} refer by {row['by']} to what {row['to']} does not hold"


_OURS = "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
_INDEXES = (f"SELECT bt_index_check(c.oid, true) FROM pg_class c {_OURS} JOIN pg_am a ON a.oid = c.relam"
            " WHERE c.relkind = 'i' AND a.amname = 'btree'")
_TABLES = f"SELECT h.msg FROM pg_class c {_OURS}, verify_heapam(c.oid) h WHERE c.relkind = 'r'"
_INVALID = (f"SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid {_OURS}"
            " WHERE NOT i.indisvalid OR NOT i.indisready")
_UNCHECKED = "SELECT conname AS name FROM pg_constraint WHERE NOT convalidated"
_REFERENCES = """
    SELECT f.conrelid::regclass::text AS of, a.attname AS by, f.confrelid::regclass::text AS to, b.attname AS key
    FROM pg_constraint f
    JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
    JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
    WHERE f.contype = 'f'"""
