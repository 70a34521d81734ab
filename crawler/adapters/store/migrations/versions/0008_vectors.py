"""Sentence vectors, by which translated copies are found."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make a table."""
    op.create_table(
        "vectors",
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("mean", sa.LargeBinary(), nullable=False),
        sa.Column("spans", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_vectors_article_articles", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article", "encoder", name="pk_vectors"),
        sa.UniqueConstraint("revision", name="uq_vectors_revision"))
    op.create_index("ix_vectors_encoder_seen", "vectors", ["encoder", "seen"], unique=False)
