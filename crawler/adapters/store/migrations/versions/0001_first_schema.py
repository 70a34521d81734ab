"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:  # noqa: PLR0915 - the tables, one after the other
    """Make the tables."""
    op.create_table("articles",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("address", sa.Text(), nullable=False),
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("source", sa.Text(), nullable=False),
    sa.Column("site_name", sa.Text(), nullable=True),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("text", sa.Text(), nullable=False),
    sa.Column("text_hash", sa.BigInteger(), nullable=False),
    sa.Column("language", sa.Text(), nullable=True),
    sa.Column("canonical", sa.Text(), nullable=True),
    sa.Column("status", sa.Integer(), nullable=False),
    sa.Column("fetched", sa.BigInteger(), nullable=False),
    sa.Column("first_seen", sa.BigInteger(), nullable=False),
    sa.Column("without", sa.BigInteger(), nullable=True),
    sa.Column("seen", sa.BigInteger(), nullable=True),
    sa.Column("claims", sa.Text(), nullable=False),
    sa.Column("attributions", sa.Text(), nullable=False),
    sa.Column("walls", sa.Text(), nullable=False),
    sa.Column("reservations", sa.Text(), nullable=False),
    sa.Column("alternates", sa.Text(), nullable=False),
    sa.Column("revisions", sa.Integer(), nullable=False),
    sa.Column("held", sa.Boolean(), nullable=False),
    sa.Column("forgotten", sa.Boolean(), nullable=False),
    sa.Column("unjudged", sa.Boolean(), nullable=False),
    sa.Column("remarked", sa.Boolean(), nullable=False),
    sa.Column("token", sa.BigInteger(), nullable=False),
    sa.Column("lease_until", sa.BigInteger(), nullable=True),
    sa.Column("unit_keys", sa.LargeBinary(), nullable=True),
    sa.Column("dropped_keys", sa.LargeBinary(), nullable=True),
    sa.Column("indexed", sa.LargeBinary(), nullable=True),
    sa.Column("indexed_seen", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("id", name="pk_articles")
    )
    op.create_index("ix_articles_first_seen_id", "articles", ["first_seen", "id"], unique=False)
    op.create_index("ix_articles_host_text_hash", "articles", ["host", "text_hash"], unique=False)
    op.create_index("ix_articles_unjudged", "articles", ["first_seen", "id"], unique=False,
                    sqlite_where=sa.text("unjudged = 1"), postgresql_where=sa.text("unjudged"))
    op.create_table("bodies",
    sa.Column("sha256", sa.LargeBinary(), nullable=False),
    sa.Column("body", sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint("sha256", name="pk_bodies")
    )
    op.create_table("endings",
    sa.Column("story", sa.Text(), nullable=False),
    sa.Column("successor", sa.Text(), nullable=True),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("story", name="pk_endings")
    )
    op.create_index("ix_endings_successor", "endings", ["successor"], unique=False)
    op.create_table("feeds",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("digest", sa.LargeBinary(), nullable=False),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("source", sa.Text(), nullable=False),
    sa.Column("position", sa.Integer(), nullable=True),
    sa.Column("config", sa.Text(), nullable=False),
    sa.Column("guarded", sa.Boolean(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("next_poll", sa.BigInteger(), nullable=False),
    sa.Column("retry_after", sa.BigInteger(), nullable=True),
    sa.Column("disabled", sa.Boolean(), nullable=False),
    sa.Column("failing", sa.Boolean(), nullable=False),
    sa.Column("token", sa.BigInteger(), nullable=False),
    sa.Column("lease_until", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("id", name="pk_feeds"),
    sa.UniqueConstraint("digest", name="uq_feeds_digest")
    )
    op.create_index("ix_feeds_next_poll", "feeds", ["next_poll"], unique=False)
    op.create_table("history",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("story", sa.Text(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("event", sa.Text(), nullable=False),
    sa.Column("original", sa.Text(), nullable=True),
    sa.Column("previous", sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint("id", name="pk_history")
    )
    op.create_index("ix_history_story", "history", ["story"], unique=False)
    op.create_table("hosts",
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("pause_until", sa.BigInteger(), nullable=True),
    sa.Column("robots", sa.LargeBinary(), nullable=True),
    sa.Column("robots_status", sa.Integer(), nullable=True),
    sa.Column("robots_at", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("host", name="pk_hosts")
    )
    op.create_table("keys",
    sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("seen", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("article", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("key", "seen", "article", name="pk_keys"),
    sqlite_with_rowid=False
    )
    op.create_table("matches",
    sa.Column("a", sa.Text(), nullable=False),
    sa.Column("b", sa.Text(), nullable=False),
    sa.Column("copied", sa.Boolean(), nullable=False),
    sa.Column("detail", sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint("a", "b", name="pk_matches")
    )
    op.create_index("ix_matches_b", "matches", ["b"], unique=False)
    op.create_table("stories",
    sa.Column("id", sa.Text(), nullable=False),
    sa.Column("original", sa.Text(), nullable=False),
    sa.Column("confidence", sa.Float(), nullable=False),
    sa.Column("decided", sa.Boolean(), nullable=False),
    sa.Column("outside", sa.Text(), nullable=True),
    sa.Column("verdict", sa.Text(), nullable=True),
    sa.Column("why", sa.Text(), nullable=False),
    sa.Column("rivals", sa.Text(), nullable=False),
    sa.Column("founded", sa.BigInteger(), nullable=False),
    sa.Column("updated", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_stories")
    )
    op.create_table("units",
    sa.Column("unit", sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("dropped", sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint("unit", "article", name="pk_units"),
    sqlite_with_rowid=False
    )
    op.create_index("ix_units_kept", "units", ["unit", "article"], unique=False,
                    sqlite_where=sa.text("dropped = 0"), postgresql_where=sa.text("NOT dropped"))
    op.create_table("verdicts",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("ruling", sa.Text(), nullable=False),
    sa.Column("story", sa.Text(), nullable=False),
    sa.Column("anchor", sa.Text(), nullable=False),
    sa.Column("articles", sa.Text(), nullable=False),
    sa.Column("who", sa.Text(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("note", sa.Text(), nullable=False),
    sa.Column("whole", sa.Boolean(), nullable=False),
    sa.Column("undone_by", sa.Text(), nullable=True),
    sa.Column("undone_at", sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint("id", name="pk_verdicts")
    )
    op.create_index("ix_verdicts_story", "verdicts", ["story"], unique=False)
    op.create_table("wants",
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("url_digest", sa.LargeBinary(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint("article", "url_digest", name="pk_wants")
    )
    op.create_index("ix_wants_url_digest", "wants", ["url_digest"], unique=False)
    op.create_table("addresses",
    sa.Column("digest", sa.LargeBinary(), nullable=False),
    sa.Column("article", sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_addresses_article", ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("digest", name="pk_addresses")
    )
    op.create_index("ix_addresses_article", "addresses", ["article"], unique=False)
    op.create_table("members",
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("story", sa.Text(), nullable=False),
    sa.Column("position", sa.Integer(), nullable=False),
    sa.Column("kind", sa.Text(), nullable=True),
    sa.Column("detail", sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_members_article"),
    sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_members_story"),
    sa.PrimaryKeyConstraint("article", name="pk_members")
    )
    op.create_index("ix_members_story", "members", ["story"], unique=False)
    op.create_table("pages",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("fetched", sa.BigInteger(), nullable=False),
    sa.Column("status", sa.Integer(), nullable=False),
    sa.Column("headers", sa.Text(), nullable=False),
    sa.Column("sha256", sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_pages_article", ondelete="CASCADE"),
    sa.ForeignKeyConstraint(["sha256"], ["bodies.sha256"], name="fk_pages_sha256"),
    sa.PrimaryKeyConstraint("id", name="pk_pages")
    )
    op.create_index("ix_pages_article", "pages", ["article"], unique=False)
    op.create_index("ix_pages_fetched", "pages", ["fetched"], unique=False)
    op.create_index("ix_pages_sha256", "pages", ["sha256"], unique=False)
    op.create_table("revisions",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("at", sa.BigInteger(), nullable=False),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("text", sa.LargeBinary(), nullable=False),
    sa.Column("text_hash", sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_revisions_article", ondelete="CASCADE"),
    sa.PrimaryKeyConstraint("id", name="pk_revisions")
    )
    op.create_index("ix_revisions_article", "revisions", ["article"], unique=False)
    op.create_table("ruled",
    sa.Column("article", sa.Text(), nullable=False),
    sa.Column("verdict", _SERIAL, nullable=False),
    sa.ForeignKeyConstraint(["verdict"], ["verdicts.id"], name="fk_ruled_verdict"),
    sa.PrimaryKeyConstraint("article", "verdict", name="pk_ruled")
    )
    op.create_index("ix_ruled_verdict", "ruled", ["verdict"], unique=False)
    op.create_table("sightings",
    sa.Column("id", _SERIAL, nullable=False),
    sa.Column("purpose", sa.Text(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("feed", _SERIAL, nullable=True),
    sa.Column("key_digest", sa.LargeBinary(), nullable=False),
    sa.Column("url_digest", sa.LargeBinary(), nullable=False),
    sa.Column("key", sa.Text(), nullable=False),
    sa.Column("link", sa.Text(), nullable=False),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("host", sa.Text(), nullable=False),
    sa.Column("aliases", sa.Text(), nullable=False),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("summary", sa.Text(), nullable=False),
    sa.Column("content", sa.LargeBinary(), nullable=True),
    sa.Column("entry", sa.Text(), nullable=False),
    sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
    sa.Column("without", sa.BigInteger(), nullable=True),
    sa.Column("seen", sa.BigInteger(), nullable=False),
    sa.Column("changed_without", sa.BigInteger(), nullable=True),
    sa.Column("changed_seen", sa.BigInteger(), nullable=True),
    sa.Column("listed", sa.BigInteger(), nullable=False),
    sa.Column("due", sa.BigInteger(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("revisits", sa.Integer(), nullable=False),
    sa.Column("reason", sa.Text(), nullable=True),
    sa.Column("detail", sa.Text(), nullable=True),
    sa.Column("finished", sa.BigInteger(), nullable=True),
    sa.Column("token", sa.BigInteger(), nullable=False),
    sa.Column("lease_until", sa.BigInteger(), nullable=True),
    sa.Column("article", sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(["feed"], ["feeds.id"], name="fk_sightings_feed"),
    sa.PrimaryKeyConstraint("id", name="pk_sightings"),
    sa.UniqueConstraint("feed", "key_digest", name="uq_sightings_feed_key_digest")
    )
    op.create_index("ix_sightings_article", "sightings", ["article"], unique=False)
    op.create_index("ix_sightings_feed_url_digest", "sightings", ["feed", "url_digest"], unique=False)
    op.create_index("ix_sightings_url_digest", "sightings", ["url_digest"], unique=False)
    op.create_index("ix_sightings_waiting", "sightings", ["due", "id"], unique=False,
                    sqlite_where=_WAITING, postgresql_where=_WAITING)
