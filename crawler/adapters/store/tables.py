"""The tables. `migrations/` builds them; a test holds both alike.

Texts of unknown length (links, keys of entries) are found by `columns.digest`, kept beside them. Rows of the index
(`keys`, `units`) stand in the order in which they are looked up; what an article put there is also packed into its
own row (`indexed`, `unit_keys`, `dropped_keys`), which spares a second index of the same size. `keys` is PostgreSQL's, `postings.py` SQLite's.
"""

import sqlalchemy as sa

from crawler.adapters.store.columns import Json, Key, Moment, Packed, Prose

metadata = sa.MetaData(naming_convention={
    "ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s", "fk": "fk_%(table_name)s_%(column_0_N_name)s",
})
Serial = sa.BigInteger().with_variant(sa.Integer, "sqlite")   # SQLite numbers rows of INTEGER only
Digest = sa.LargeBinary


def _column(name: str, kind: sa.types.TypeEngine[object] | type, default: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, default=default)


feeds = sa.Table(
    "feeds", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("digest", Digest, nullable=False, unique=True),       # of the URL
    sa.Column("url", Prose, nullable=False),
    sa.Column("host", Prose, nullable=False),
    sa.Column("source", Prose, nullable=False),
    sa.Column("position", sa.Integer),                              # NULL: no longer configured
    sa.Column("config", Json, nullable=False),                      # without secrets
    sa.Column("guarded", sa.Boolean, nullable=False),               # the configuration has secrets for it
    sa.Column("state", Json, nullable=False),
    sa.Column("next_poll", Moment, nullable=False),                 # 1970: never polled, due now
    sa.Column("retry_after", Moment),                               # these two as in `state`, to be searched
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("failing", sa.Boolean, nullable=False),
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
    sa.Column("hub", Prose),                                        # these two as in `state`, to be searched
    sa.Column("topic", Prose),
    sa.Index(None, "next_poll"),
)
has_hub = feeds.c.hub.is_not(None)
sa.Index("ix_feeds_hub", feeds.c.id, sqlite_where=has_hub, postgresql_where=has_hub)
in_hand = feeds.c.lease_until.is_not(None)
sa.Index("ix_feeds_in_hand", feeds.c.lease_until, feeds.c.host, sqlite_where=in_hand, postgresql_where=in_hand)

hosts = sa.Table(
    "hosts", metadata,
    sa.Column("host", Prose, primary_key=True),
    sa.Column("pause_until", Moment),
    sa.Column("robots", sa.LargeBinary),
    sa.Column("robots_status", sa.Integer),
    sa.Column("robots_at", Moment),
    sa.Column("pages_day", sa.Integer),                             # day of `pages`, counted from 1970 in UTC
    _column("pages", sa.Integer, 0),                                # claimed on that day
    sa.Column("last_start", Moment),                                # of a turn, and after it so many microseconds
    sa.Column("last_delay", sa.BigInteger),                         # none other
    sa.Column("robots_until", Moment),                              # somebody asks for its robots.txt, until then
)

turns = sa.Table(                                                   # requests in flight, where several workers crawl
    "turns", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("host", Prose, nullable=False, index=True),
    sa.Column("lease_until", Moment, nullable=False),
)

sightings = sa.Table(
    "sightings", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),                  # entry, revisit, attribution
    sa.Column("state", sa.Text, nullable=False),                    # waiting, done, failed, spent (article is gone)
    sa.Column("feed", sa.ForeignKey("feeds.id")),
    sa.Column("key_digest", Digest, nullable=False),
    sa.Column("url_digest", Digest, nullable=False),
    sa.Column("key", Prose, nullable=False),
    sa.Column("link", Prose, nullable=False),
    sa.Column("url", Prose, nullable=False),
    sa.Column("host", Prose, nullable=False),
    sa.Column("aliases", Json, nullable=False, default=list),       # other canonical URLs it was listed under
    sa.Column("title", Prose, nullable=False),
    sa.Column("summary", Prose, nullable=False),
    sa.Column("content", Packed),                                   # until it is collected
    sa.Column("entry", Json, nullable=False),                       # language, author, claims, attributions
    sa.Column("fingerprint", Digest, nullable=False),               # of title, dates and content
    sa.Column("without", Moment),
    sa.Column("seen", Moment, nullable=False),
    sa.Column("changed_without", Moment),                           # the window of the poll that brought the change
    sa.Column("changed_seen", Moment),
    sa.Column("listed", Moment, nullable=False),                    # last seen in its feed, to the day
    sa.Column("due", Moment, nullable=False),
    _column("attempts", sa.Integer, 0),
    _column("revisits", sa.Integer, 0),
    sa.Column("reason", Prose),
    sa.Column("detail", Prose),
    sa.Column("finished", Moment),
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
    sa.Column("article", sa.Text),
    sa.UniqueConstraint("feed", "key_digest"),
    sa.Index(None, "feed", "url_digest"),
    sa.Index(None, "url_digest"),
    sa.Index(None, "article"),
)
# Spelled out, not bound: a partial index serves only a query that names its condition.
is_waiting = sightings.c.state == sa.literal_column("'waiting'")
sa.Index("ix_sightings_waiting", sightings.c.due, sightings.c.id, sqlite_where=is_waiting, postgresql_where=is_waiting)

wants = sa.Table(                                                   # which page an article names as its source
    "wants", metadata,
    sa.Column("article", sa.Text, primary_key=True),
    sa.Column("url_digest", Digest, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Index(None, "url_digest"),
)

articles = sa.Table(
    "articles", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", Prose, nullable=False),                        # canonical: the key
    sa.Column("address", Prose, nullable=False),                    # as a reader opens it
    sa.Column("host", Prose, nullable=False),
    sa.Column("source", Prose, nullable=False),
    sa.Column("outlet", Key),                                       # of the source, `columns.outlet`: names have any length
    sa.Column("site_name", Prose),
    sa.Column("title", Prose, nullable=False),
    sa.Column("text", Prose, nullable=False),
    sa.Column("text_hash", Key, nullable=False),
    sa.Column("language", Prose),
    sa.Column("canonical", Prose),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("fetched", Moment, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("without", Moment),
    sa.Column("seen", Moment),                                      # NULL: in no feed
    sa.Column("claims", Json, nullable=False),
    sa.Column("attributions", Json, nullable=False),
    sa.Column("walls", Json, nullable=False),
    sa.Column("reservations", Json, nullable=False),
    sa.Column("alternates", Json, nullable=False),
    _column("revisions", sa.Integer, 1),
    _column("held", sa.Boolean, False),
    _column("forgotten", sa.Boolean, False),
    _column("unjudged", sa.Boolean, True),
    _column("remarked", sa.Boolean, False),                         # marked again since it was claimed
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
    sa.Column("unit_keys", sa.LargeBinary),
    sa.Column("dropped_keys", sa.LargeBinary),
    sa.Column("indexed", sa.LargeBinary),
    sa.Column("indexed_seen", Moment),
    sa.Index(None, "host", "text_hash"),
    sa.Index(None, "first_seen", "id"),
    sa.Index(None, "outlet", "forgotten"),
    sa.Index(None, "indexed_seen"),
)
is_unjudged = articles.c.unjudged == sa.true()
sa.Index("ix_articles_unjudged", articles.c.first_seen, articles.c.id,
         sqlite_where=is_unjudged, postgresql_where=is_unjudged)

addresses = sa.Table(                                               # canonical URLs and aliases, outliving the text
    "addresses", metadata,
    sa.Column("digest", Digest, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
)

revisions = sa.Table(
    "revisions", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("title", Prose, nullable=False),
    sa.Column("text", Packed, nullable=False),
    sa.Column("text_hash", Key, nullable=False),
)

bodies = sa.Table(
    "bodies", metadata,
    sa.Column("sha256", Digest, primary_key=True),                  # of the body as fetched
    sa.Column("body", sa.LargeBinary, nullable=False),              # zstandard
)

pages = sa.Table(
    "pages", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("url", Prose, nullable=False),
    sa.Column("fetched", Moment, nullable=False, index=True),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", Json, nullable=False),
    sa.Column("sha256", sa.ForeignKey("bodies.sha256"), nullable=False, index=True),
)

keys = sa.Table(
    "keys", metadata,
    sa.Column("key", Key, primary_key=True, autoincrement=False),
    sa.Column("seen", Moment, primary_key=True, autoincrement=False),
    sa.Column("article", sa.Text, primary_key=True),
    sqlite_with_rowid=False, postgresql_partition_by="RANGE (seen)", info={"derived": True},    # on SQLite: `postings`
)

units = sa.Table(
    "units", metadata,
    sa.Column("unit", Key, primary_key=True, autoincrement=False),  # of source and unit key, `index.unit_of`
    sa.Column("article", sa.Text, primary_key=True),
    _column("dropped", sa.Boolean, False),
    sqlite_with_rowid=False,
)
is_kept = units.c.dropped == sa.false()
# A paragraph that a source repeats has thousands of holders, of which all but a few have dropped it.
sa.Index("ix_units_kept", units.c.unit, units.c.article, sqlite_where=is_kept, postgresql_where=is_kept)

matches = sa.Table(
    "matches", metadata,
    sa.Column("a", sa.Text, primary_key=True),
    sa.Column("b", sa.Text, primary_key=True, index=True),
    sa.Column("copied", sa.Boolean, nullable=False),
    sa.Column("detail", Json, nullable=False),
)

links = sa.Table(                                                   # between articles that are no copies
    "links", metadata,
    sa.Column("a", sa.Text, primary_key=True),
    sa.Column("b", sa.Text, primary_key=True, index=True),
    sa.Column("relation", sa.Text, primary_key=True),
    sa.Column("weight", sa.Float, nullable=False),                  # the greater of the two shares
    sa.Column("detail", Json, nullable=False),
    sa.Index("ix_links_relation_weight", "relation", "weight"),
)

stories = sa.Table(
    "stories", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("decided", sa.Boolean, nullable=False),
    sa.Column("outside", Prose),
    sa.Column("verdict", sa.Text),
    sa.Column("why", Json, nullable=False),
    sa.Column("rivals", Json, nullable=False),
    sa.Column("founded", Moment, nullable=False),
    sa.Column("updated", Moment, nullable=False),
    _column("listed", sa.Boolean, True),                            # False: of an older program, not in `listing` yet
)
is_unlisted = stories.c.listed == sa.false()
sa.Index("ix_stories_unlisted", stories.c.id, sqlite_where=is_unlisted, postgresql_where=is_unlisted)

members = sa.Table(
    "members", metadata,
    sa.Column("article", sa.ForeignKey("articles.id"), primary_key=True),
    sa.Column("story", sa.ForeignKey("stories.id"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False),              # 0 is the original
    sa.Column("kind", sa.Text),
    sa.Column("detail", Json),                                      # the Copy
)

endings = sa.Table(                                                 # ids of stories that ended
    "endings", metadata,
    sa.Column("story", sa.Text, primary_key=True),
    sa.Column("successor", sa.Text, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("revision", sa.BigInteger, index=True),               # as in `listing`; NULL: from before there was one
)

counters = sa.Table(                                                # numbers that are never given twice
    "counters", metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

# What lists and tallies of stories are read from, without their articles: derived by `listing.relist`, never a source.
listing = sa.Table(
    "listing", metadata,
    sa.Column("story", sa.ForeignKey("stories.id"), primary_key=True),
    sa.Column("decided", sa.Boolean, nullable=False),
    sa.Column("ruled", sa.Boolean, nullable=False),                 # a person's word is on the whole of it
    sa.Column("source", Prose, nullable=False),                     # of the original
    sa.Column("language", Prose),                                   # of the original
    sa.Column("copies", sa.Integer, nullable=False),                # without revisions
    sa.Column("earliest", Moment, nullable=False),                  # first sightings of its members
    sa.Column("latest", Moment, nullable=False),
    sa.Column("rank", sa.BigInteger, nullable=False),               # `latest`, negative: ascending, it is the newest first
    sa.Column("founded", Moment, nullable=False),
    sa.Column("updated", Moment, nullable=False),                   # when what is shown of it last changed
    sa.Column("feeds", Prose, nullable=False),                      # ids of the original's, each between commas
    sa.Column("digest", Digest, nullable=False),                    # of what is shown of it
    sa.Column("revision", sa.BigInteger, nullable=False, unique=True),  # grows with each change of any story
    sa.Index("ix_listing_queue", "decided", "rank", "story"),
    sa.Index(None, "founded"),
    sa.Index("ix_listing_states", "ruled", "decided"),
    sa.Index(None, "language"),
)

copying = sa.Table(                                                 # a row a copy, derived as `listing` is
    "copying", metadata,
    sa.Column("article", sa.Text, primary_key=True),
    sa.Column("story", sa.Text, nullable=False, index=True),
    sa.Column("copier", Prose, nullable=False),
    sa.Column("origin", Prose, nullable=False),                     # source of the story's original
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lag", sa.BigInteger, nullable=False),                # seconds
    sa.Column("share", sa.Float, nullable=False),                   # of the original that stands in it
    sa.Column("seen", Moment, nullable=False),
    sa.Index("ix_copying_pairs", "copier", "origin", "lag", "kind", "share", "seen", "story"),
    sa.Index("ix_copying_copied", "origin", "seen", "article"),
    sa.Index("ix_copying_kinds", "kind", "story"),
    sa.Index("ix_copying_lags", "copier", "lag", "kind", "seen"),
)

# The words by which a story is found: of its headlines and sources, and of how its original begins.
terms = sa.Table(
    "terms", metadata,
    sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), primary_key=True),
    sa.Column("story", sa.Text, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

history = sa.Table(
    "history", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("story", sa.Text, nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("original", sa.Text),
    sa.Column("previous", sa.Text),
)

verdicts = sa.Table(
    "verdicts", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("ruling", sa.Text, nullable=False),
    sa.Column("story", sa.Text, nullable=False, index=True),
    sa.Column("anchor", sa.Text, nullable=False),
    sa.Column("articles", Json, nullable=False),
    sa.Column("who", Prose, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("note", Prose, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
    sa.Column("undone_by", Prose),
    sa.Column("undone_at", Moment),
)

ruled = sa.Table(                                                   # which articles a verdict names
    "ruled", metadata,
    sa.Column("article", sa.Text, primary_key=True),
    sa.Column("verdict", sa.ForeignKey("verdicts.id"), primary_key=True, index=True),
)
