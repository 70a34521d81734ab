"""What is pushed: how far each webhook has been told, subscriptions at hubs, documents that these distributed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make four tables and two columns."""
    op.add_column("feeds", sa.Column("hub", sa.Text(), nullable=True))
    op.add_column("feeds", sa.Column("topic", sa.Text(), nullable=True))
    named = sa.text("hub IS NOT NULL")
    op.create_index("ix_feeds_hub", "feeds", ["id"], unique=False, sqlite_where=named, postgresql_where=named)
    _deliveries()
    _subscriptions()
    op.create_table(
        "pushes",
        _serial(),
        sa.Column("subscription", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        *_leased(),
        sa.ForeignKeyConstraint(["feed"], ["feeds.id"], name="fk_pushes_feed"),
        sa.ForeignKeyConstraint(["subscription"], ["subscriptions.id"], name="fk_pushes_subscription", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_pushes"))
    op.create_index("ix_pushes_subscription", "pushes", ["subscription"], unique=False)
    op.create_index("ix_pushes_feed", "pushes", ["feed"], unique=False)


def _serial() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _leased() -> tuple[sa.Column[int], sa.Column[int]]:
    return (sa.Column("token", sa.BigInteger(), nullable=False), sa.Column("lease_until", sa.BigInteger(), nullable=True))


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        _serial(),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("lost", sa.BigInteger(), nullable=False),
        sa.Column("unlisted", sa.BigInteger(), nullable=True),
        *_leased(),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"))
    op.create_table(
        "told",
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name="fk_told_delivery", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery", "story", name="pk_told"))


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        _serial(),
        sa.Column("feed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("verified", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("last_push", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=True),
        sa.Column("today", sa.Integer(), nullable=False),
        sa.Column("last_body", sa.LargeBinary(), nullable=True),
        *_leased(),
        sa.ForeignKeyConstraint(["feed"], ["feeds.id"], name="fk_subscriptions_feed"),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("digest", name="uq_subscriptions_digest"))
    op.create_index("ix_subscriptions_feed", "subscriptions", ["feed"], unique=False)
    op.create_index("ix_subscriptions_due", "subscriptions", ["due"], unique=False)
