"""The index on SQLite: segments of postings instead of one table of all keys. What was in that is in `articles.indexed`
too, from which the new one is made (`postings.rebuild`)."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables, empty on PostgreSQL; there `keys` stays, which is emptied on SQLite."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "docs",
        sa.Column("doc", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("doc", name="pk_docs"),
        sa.UniqueConstraint("article", name="uq_docs_article"),
        sqlite_autoincrement=True)
    op.create_table(
        "postings",
        sa.Column("segment", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("doc", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("segment", "key", "doc", name="pk_postings"),
        sqlite_with_rowid=False)
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("into", sa.BigInteger(), nullable=True),
        sa.Column("next", sa.BigInteger(), nullable=True),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("docs", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segments"))
    if is_sqlite:
        # Its pages need not be overwritten: all that is there is of articles that stay.
        op.execute("PRAGMA secure_delete = OFF")
        op.execute("DELETE FROM keys")
        op.execute("PRAGMA secure_delete = ON")
