"""The index by time: on PostgreSQL `keys` is partitioned, 30 days each, so that what is old is dropped and not deleted.

An existing table is taken over with its rows, which are written anew: while that lasts (a quarter of an hour a
million articles) the database needs room for them twice, and no worker runs.
"""

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_SPAN = 30 * 86_400 * 1_000_000     # microseconds, as `seen` counts
_DAY = 86_400 * 1_000_000


def upgrade() -> None:
    """Make an index by which what is kept of old partitions is found; on PostgreSQL, part the table."""
    op.create_index("ix_articles_indexed_seen", "articles", ["indexed_seen"], unique=False)
    if op.get_context().dialect.name == "postgresql":
        _part()


def _part() -> None:
    op.execute("ALTER TABLE keys RENAME TO keys_whole")
    op.execute("ALTER TABLE keys_whole RENAME CONSTRAINT pk_keys TO pk_keys_whole")
    op.create_table(
        "keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        postgresql_partition_by="RANGE (seen)")
    # floor, not a quotient of integers: that of a moment before 1970 is cut towards it.
    spans = sa.text("SELECT DISTINCT floor(seen::numeric / :span)::bigint FROM keys_whole ORDER BY 1")
    for (span,) in op.get_bind().execute(spans, {"span": _SPAN}).all():
        first = span * _SPAN
        op.execute(
            f"CREATE TABLE keys_{_day(first)} PARTITION OF keys FOR VALUES FROM ({first}) TO ({first + _SPAN}) "
            "WITH (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)")
    op.execute("INSERT INTO keys (key, seen, article) SELECT key, seen, article FROM keys_whole")
    # Last: sorted, not filled row by row in no order, which takes several times as long.
    op.create_primary_key("pk_keys", "keys", ["key", "seen", "article"])
    op.execute("DROP TABLE keys_whole")


def _day(first: int) -> str:
    return date.fromordinal(date(1970, 1, 1).toordinal() + first // _DAY).isoformat().replace("-", "")
