"""The index on SQLite: keys in sorted segments that are merged as they grow (a log-structured merge tree: O'Neil et al. 1996).

An article's 124 keys are hashes, so that in one table of all keys each of them lies on another page: at a million articles
to file one read and wrote 124 pages, 500 KB of log. Here they go into a segment of their own, numbered 0, of a few hundred
articles; when it is full it is copied in order, which touches each page once, and eight segments of one level become one
of the next. A look-up asks every segment: some ten of a million articles.

What is filed is a document, numbered in the order of filing; an article that is filed anew is a new one. The rows of a
document that is pruned are dead from then on: nobody has to find them, and the next merge leaves them out. One that is
forgotten, or has other keys, leaves no row.

Merging is done by those who file, a step each so many documents: a slice of keys is copied, or one is deleted. A segment
that is being made is seen by nobody; a power cut costs a step.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

import sqlalchemy as sa

from crawler.adapters.store.columns import Key, Moment, micros, signed
from crawler.adapters.store.tables import metadata

FILLED = 512     # documents of segment 0: 64,000 rows of 1.5 MB, which stay in memory; to copy them takes a tenth of a second
FAN_IN = 8       # segments of a level that become one: each row is copied once a level, and a look-up asks up to seven of each
_EVERY = 16      # documents from step to step. A row is copied and deleted on four levels below two million articles: 1,000 …
_SLICE = 24_000  # … rows a document together, of a step's 1,500; a step takes some 40 ms
_HOLDERS = 200   # read of one key at most, the newest: a key with more says next to nothing
_MANY = 5_000    # rows of all keys of an article together: few have more, and those are asked key by key
_LEVEL = 2       # of segments that are made anew, of a store that has none: 32,768 documents, 4 million rows in memory
_BUILT = FILLED * FAN_IN**_LEVEL
_LEAST, _MOST = -2**63, 2**63 - 1

docs = sa.Table(
    "docs", metadata,
    sa.Column("doc", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("article", sa.Text, nullable=False, unique=True),
    sa.Column("seen", Moment, nullable=False),
    sqlite_autoincrement=True,      # a number is never given again: dead rows would come to life
    info={"derived": True},
)

postings = sa.Table(
    "postings", metadata,
    sa.Column("segment", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", Key, primary_key=True, autoincrement=False),
    sa.Column("doc", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    info={"derived": True},
)

# Segments are numbered so that a merge writes at the end of `postings`, where SQLite fills pages to the brim: upwards what
# was merged, downwards what was copied out of segment 0, which has no row here.
segments = sa.Table(
    "segments", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),                    # making, whole, going
    sa.Column("into", sa.BigInteger),                               # the segment that is being made of this one
    sa.Column("next", Key),                                         # of one that is being made: the key to go on with
    sa.Column("first", sa.BigInteger, nullable=False),              # documents
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("docs", sa.BigInteger, nullable=False),               # how many of them it holds …
    sa.Column("gone", sa.BigInteger, nullable=False),               # … and how many of these are dead
    sa.Column("since", Moment, nullable=False),                     # when the articles were seen
    sa.Column("until", Moment, nullable=False),
    info={"derived": True},
)

_INDEXED = ("SELECT id, indexed, indexed_seen FROM articles WHERE length(indexed) >= 8 AND indexed_seen IS NOT NULL"
            " ORDER BY indexed_seen, id")
_SPAN = ("SELECT count(*), min(doc), max(doc), min(seen), max(seen) FROM docs WHERE doc BETWEEN ? AND ?")
_MADE = ('INSERT INTO segments (id, level, state, "into", "next", docs, "first", "last", gone, since, until) '
         "VALUES (?, ?, ?, NULL, ?, ?, ?, ?, 0, ?, ?)")
# Segments first, so that keys are looked up in the order in which they stand. Segment 0 is always asked.
_TOGETHER = ("SELECT d.seen, d.article, p.key FROM (SELECT 0 AS id UNION ALL SELECT id FROM segments"
             " WHERE state = 'whole' AND until >= ?2 AND since <= ?3) s"
             " CROSS JOIN json_each(?1) k CROSS JOIN postings p ON p.segment = s.id AND p.key = k.value"
             " CROSS JOIN docs d ON d.doc = p.doc WHERE d.seen BETWEEN ?2 AND ?3 AND d.article <> ?4 LIMIT ?5")
_ASKED = "SELECT 0 UNION ALL SELECT id FROM segments WHERE state = 'whole' AND until >= ? AND since <= ?"
_ONE = ("SELECT d.seen, d.article FROM postings p CROSS JOIN docs d ON d.doc = p.doc WHERE p.segment = ? AND p.key = ?"
        " AND d.seen BETWEEN ? AND ? AND d.article <> ? ORDER BY p.doc DESC LIMIT ?")
# Where a living document may have rows, but for segment 0.
_HOLDING = "SELECT id FROM segments WHERE state = 'making' OR ? BETWEEN \"first\" AND \"last\""
# A merged segment leaves out what is dead.
_COPIED = ('INSERT INTO postings (segment, "key", doc) SELECT ?, p."key", p.doc FROM postings p'
           ' WHERE p.segment IN (SELECT value FROM json_each(?)) AND p."key" BETWEEN ? AND ?'
           ' AND EXISTS (SELECT 1 FROM docs d WHERE d.doc = p.doc) ORDER BY p."key", p.doc')


def file(connection: sa.Connection, article: str, keys: Sequence[int], seen: datetime) -> None:
    """Put an article that is not in the index there."""
    raw = _driver(connection)
    doc = raw.execute("INSERT INTO docs (article, seen) VALUES (?, ?)", (article, micros(seen))).lastrowid or 0
    raw.executemany('INSERT INTO postings (segment, "key", doc) VALUES (0, ?, ?)', [(signed(key), doc) for key in keys])
    if doc % _EVERY == 0:
        if doc % FILLED == 0:
            _fill(raw, doc)
        advance(raw)


def leave(connection: sa.Connection, article: str, keys: Sequence[int] | None = None) -> None:
    """An article is in the index no more. Given its keys, nor is any row of it; else its rows are dead."""
    raw = _driver(connection)
    found = raw.execute("DELETE FROM docs WHERE article = ? RETURNING doc", (article,)).fetchone()
    if found is None:
        return
    raw.execute('UPDATE segments SET gone = gone + 1 WHERE ? BETWEEN "first" AND "last"', found)
    if keys is not None:
        where = [0, *(id_ for (id_,) in raw.execute(_HOLDING, found).fetchall())]
        raw.executemany('DELETE FROM postings WHERE segment = ? AND "key" = ? AND doc = ?',
                        [(id_, signed(key), *found) for id_ in where for key in keys])


def sharing(connection: sa.Connection, wanted: Sequence[int], article: str, since: datetime, until: datetime) -> dict[int, list[str]]:
    """For each key its other holders seen in the window, the newest first, at most 200. Of a key with more, those filed
    last are read of each segment."""
    asked = {signed(one): one for one in wanted}
    window = micros(since), micros(until)
    look = _driver(connection).cursor(sqlite3.Cursor).execute
    rows = look(_TOGETHER, (json.dumps(list(asked)), *window, article, _MANY)).fetchall()
    if len(rows) == _MANY:
        among = [id_ for (id_,) in look(_ASKED, window)]
        rows = [(*row, one) for one in asked for id_ in among for row in look(_ONE, (id_, one, *window, article, _HOLDERS))]
    found: dict[int, list[str]] = defaultdict(list)
    for _, holder, one in sorted(rows, reverse=True):
        if len(found[asked[one]]) < _HOLDERS:
            found[asked[one]].append(holder)
    return found


def rebuild(connection: sa.Connection) -> None:
    """Make the whole index of what the articles say of their keys, in the order in which they were seen."""
    raw = _driver(connection)
    for table in (docs, postings, segments):
        raw.execute(f"DELETE FROM {table.name}")  # noqa: S608 - names of our own
    reading = raw.cursor(sqlite3.Cursor).execute(_INDEXED)      # hands out as many rows at a time as asked for
    id_ = 0
    while rows := reading.fetchmany(_BUILT):
        raw.executemany("INSERT INTO docs (article, seen) VALUES (?, ?)", ((article, seen) for article, _, seen in rows))
        (last,) = raw.execute("SELECT max(doc) FROM docs").fetchone()
        first = last - len(rows) + 1
        level = max(level for level in range(_LEVEL + 1) if level == 0 or len(rows) >= FILLED * FAN_IN**level)
        id_ += 1
        raw.execute(_MADE, (id_, level, "whole", None, *raw.execute(_SPAN, (first, last)).fetchone()))
        raw.executemany('INSERT INTO postings (segment, "key", doc) VALUES (?, ?, ?)', _sorted(id_, first, [row[1] for row in rows]))


def _sorted(segment: int, first: int, packed: Sequence[bytes]) -> Iterator[tuple[int, int, int]]:
    import numpy as np  # noqa: PLC0415 - a tenth of a second, which a store that has an index does not pay

    keys = np.concatenate([np.frombuffer(one, "<i8", len(one) // 8) for one in packed])
    numbers = np.repeat(np.arange(first, first + len(packed)), [len(one) // 8 for one in packed])
    order = np.lexsort((numbers, keys))
    for some in np.array_split(order, len(order) // 100_000 + 1):
        yield from zip(repeat(segment), keys[some].tolist(), numbers[some].tolist(), strict=False)


def advance(raw: sqlite3.Connection) -> bool:
    """One step of merging; False where there is nothing to do."""
    going = raw.execute("SELECT id FROM segments WHERE state = 'going' ORDER BY id LIMIT 1").fetchone()
    if going:
        _delete(raw, *going)
        return True
    making = (raw.execute("SELECT id, \"next\" FROM segments WHERE state = 'making'").fetchone() or _begun(raw))
    if making:
        _copy(raw, *making)
    return bool(making)


def _fill(raw: sqlite3.Connection, doc: int) -> None:
    """Make segment 0 one of the lowest level."""
    before = raw.execute("SELECT max(\"last\") FROM segments WHERE state <> 'making'").fetchone()[0] or 0
    count, first, last, since, until = raw.execute(_SPAN, (before + 1, doc)).fetchone()
    if count:
        (id_,) = raw.execute("SELECT min(0, ifnull(min(id), 0)) - 1 FROM segments").fetchone()
        raw.execute(_MADE, (id_, 0, "whole", None, count, first, last, since, until))
        raw.execute(_COPIED, (id_, "[0]", _LEAST, _MOST))
    raw.execute("DELETE FROM postings WHERE segment = 0")


def _begun(raw: sqlite3.Connection) -> tuple[int, int] | None:
    """Begin the most useful merge: of a segment of which the half is dead, else of the lowest level that has enough."""
    thin = raw.execute("SELECT id, level FROM segments WHERE gone * 2 >= docs ORDER BY level LIMIT 1").fetchone()
    if thin:
        sources, level = [thin[0]], thin[1]
    else:
        full = raw.execute("SELECT level FROM segments GROUP BY level HAVING count(*) >= ? ORDER BY level LIMIT 1", (FAN_IN,)).fetchone()
        if full is None:
            return None
        level = full[0] + 1
        sources = [id_ for (id_,) in raw.execute(
            'SELECT id FROM segments WHERE level = ? ORDER BY "first" LIMIT ?', (full[0], FAN_IN)).fetchall()]
    (id_,) = raw.execute("SELECT max(0, max(id)) + 1 FROM segments").fetchone()
    raw.execute(_MADE, (id_, level, "making", _LEAST, 0, 0, 0, 0, 0))
    raw.executemany('UPDATE segments SET "into" = ? WHERE id = ?', [(id_, source) for source in sources])
    return id_, _LEAST


def _copy(raw: sqlite3.Connection, id_: int, key: int) -> None:
    """A slice of keys into the segment that is being made; after the last it is whole, and its sources go."""
    sources = [source for (source,) in raw.execute('SELECT id FROM segments WHERE "into" = ? ORDER BY docs DESC', (id_,)).fetchall()]
    end = raw.execute('SELECT "key" FROM postings WHERE segment = ? AND "key" >= ? ORDER BY "key" LIMIT 1 OFFSET ?',
                      (sources[0], key, _SLICE // len(sources))).fetchone()
    upto = end[0] if end else _MOST
    raw.execute(_COPIED, (id_, json.dumps(sources), key, upto))
    if upto != _MOST:
        raw.execute('UPDATE segments SET "next" = ? WHERE id = ?', (upto + 1, id_))
        return
    count, first, last, since, until = raw.execute(
        _SPAN, raw.execute('SELECT min("first"), max("last") FROM segments WHERE "into" = ?', (id_,)).fetchone()).fetchone()
    if count:
        raw.execute("UPDATE segments SET state = 'whole', \"next\" = NULL, \"first\" = ?, \"last\" = ?, docs = ?, since = ?, until = ?"
                    " WHERE id = ?", (first, last, count, since, until, id_))
    else:
        raw.execute("UPDATE segments SET state = 'going' WHERE id = ?", (id_,))
    raw.execute("UPDATE segments SET state = 'going', level = -1 WHERE \"into\" = ?", (id_,))


def _delete(raw: sqlite3.Connection, id_: int) -> None:
    end = raw.execute('SELECT "key" FROM postings WHERE segment = ? ORDER BY "key" LIMIT 1 OFFSET ?', (id_, _SLICE)).fetchone()
    raw.execute('DELETE FROM postings WHERE segment = ? AND "key" <= ?', (id_, end[0] if end else _MOST))
    if end is None:
        raw.execute("DELETE FROM segments WHERE id = ?", (id_,))


def _driver(connection: sa.Connection) -> Any:
    """The driver's connection, whose statements are not put together anew each time."""
    return connection.connection.driver_connection
