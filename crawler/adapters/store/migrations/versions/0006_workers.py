"""What several workers share beside the queues: turns at a host, and who asks it for its robots.txt."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make a table and three columns."""
    op.add_column("hosts", sa.Column("last_start", sa.BigInteger(), nullable=True))
    op.add_column("hosts", sa.Column("last_delay", sa.BigInteger(), nullable=True))
    op.add_column("hosts", sa.Column("robots_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_turns"))
    op.create_index("ix_turns_host", "turns", ["host"], unique=False)
