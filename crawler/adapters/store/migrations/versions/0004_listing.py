"""What lists and tallies of stories are read from. `open_store` fills it for stories that are stored already."""

import sqlalchemy as sa
from alembic import op

from crawler.adapters.store.columns import Key, outlet

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make three tables and two columns."""
    op.add_column("stories", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.false()))
    unlisted = sa.text("listed = false")
    op.create_index("ix_stories_unlisted", "stories", ["id"], unique=False, sqlite_where=unlisted,
                    postgresql_where=unlisted)
    op.add_column("endings", sa.Column("revision", sa.BigInteger(), nullable=True))
    op.create_index("ix_endings_revision", "endings", ["revision"], unique=False)
    op.add_column("articles", sa.Column("outlet", sa.BigInteger(), nullable=True))
    _name_outlets()
    op.create_index("ix_articles_outlet_forgotten", "articles", ["outlet", "forgotten"], unique=False)
    op.create_table("counters", sa.Column("name", sa.Text(), nullable=False), sa.Column("value", sa.BigInteger(), nullable=False),
                    sa.PrimaryKeyConstraint("name", name="pk_counters"))
    _listing()
    _copying()
    op.create_table(
        "terms",
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("term", "story", name="pk_terms"), sqlite_with_rowid=False)
    op.create_index("ix_terms_story", "terms", ["story"], unique=False)


def _name_outlets() -> None:
    connection = op.get_bind()
    articles = sa.table("articles", sa.column("id", sa.Text), sa.column("source", sa.Text), sa.column("outlet", Key))
    after = ""
    while rows := connection.execute(sa.select(articles.c.id, articles.c.source).where(articles.c.id > after)
                                     .order_by(articles.c.id).limit(1000)).all():
        for row in rows:
            connection.execute(sa.update(articles).where(articles.c.id == row.id).values(outlet=outlet(row.source)))
        after = rows[-1].id


def _listing() -> None:
    op.create_table(
        "listing",
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        sa.Column("ruled", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("earliest", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("founded", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("feeds", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_listing_story"),
        sa.PrimaryKeyConstraint("story", name="pk_listing"),
        sa.UniqueConstraint("revision", name="uq_listing_revision"))
    op.create_index("ix_listing_queue", "listing", ["decided", "rank", "story"], unique=False)
    op.create_index("ix_listing_founded", "listing", ["founded"], unique=False)
    op.create_index("ix_listing_states", "listing", ["ruled", "decided"], unique=False)
    op.create_index("ix_listing_language", "listing", ["language"], unique=False)


def _copying() -> None:
    op.create_table(
        "copying",
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("copier", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lag", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article", name="pk_copying"))
    for name, columns in (
        ("ix_copying_story", ["story"]),
        ("ix_copying_pairs", ["copier", "origin", "lag", "kind", "share", "seen", "story"]),
        ("ix_copying_copied", ["origin", "seen", "article"]),
        ("ix_copying_kinds", ["kind", "story"]),
        ("ix_copying_lags", ["copier", "lag", "kind", "seen"]),
    ):
        op.create_index(name, "copying", columns, unique=False)
