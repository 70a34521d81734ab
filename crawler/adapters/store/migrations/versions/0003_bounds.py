"""How many pages a host was asked for today; which feeds are in hand."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Two columns and an index."""
    op.add_column("hosts", sa.Column("pages_day", sa.Integer(), nullable=True))
    op.add_column("hosts", sa.Column("pages", sa.Integer(), nullable=False, server_default="0"))
    in_hand = sa.text("lease_until IS NOT NULL")
    op.create_index("ix_feeds_in_hand", "feeds", ["lease_until", "host"], unique=False, sqlite_where=in_hand,
                    postgresql_where=in_hand)
