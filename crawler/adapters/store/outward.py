"""The tables of what is pushed, out and in; like `tables`, built by `migrations/`."""

import sqlalchemy as sa

from crawler.adapters.store.columns import Moment, Prose
from crawler.adapters.store.tables import Digest, Serial, metadata


def _column(name: str, kind: type, default: object) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=False, default=default)


deliveries = sa.Table(                                              # who is told of the log of stories, and how far
    "deliveries", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("name", Prose, nullable=False),
    sa.Column("cursor", sa.BigInteger, nullable=False),             # id in `history`
    sa.Column("due", Moment, nullable=False),
    _column("attempts", sa.Integer, 0),
    sa.Column("failing_since", Moment),
    sa.Column("error", Prose),
    _column("disabled", sa.Boolean, False),
    _column("lost", sa.BigInteger, 0),
    sa.Column("unlisted", Moment),                                  # since when no configuration names it
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
)

told = sa.Table(                                                    # of which stories, where a filter chooses
    "told", metadata,
    sa.Column("delivery", sa.ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("story", sa.Text, primary_key=True),
)

subscriptions = sa.Table(
    "subscriptions", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("feed", sa.ForeignKey("feeds.id"), nullable=False, index=True),
    sa.Column("digest", Digest, nullable=False, unique=True),       # of `path`: found without comparing secrets
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("base", Prose, nullable=False),
    sa.Column("hub", Prose, nullable=False),
    sa.Column("topic", Prose, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),                     # subscribe, unsubscribe
    sa.Column("asked", Moment),
    sa.Column("since", Moment),                                     # first verified
    sa.Column("verified", Moment),                                  # last verified
    sa.Column("until", Moment),
    sa.Column("due", Moment, nullable=False, index=True),
    _column("attempts", sa.Integer, 0),
    sa.Column("error", Prose),
    sa.Column("last_push", Moment),                                 # that brought something new
    _column("entries", sa.BigInteger, 0),                            # new ones that it brought
    sa.Column("day", sa.Integer),                                   # of `today`, counted from 1970 in UTC
    _column("today", sa.Integer, 0),
    sa.Column("last_body", Digest),
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
)

pushes = sa.Table(                                                  # documents that wait to be read
    "pushes", metadata,
    sa.Column("id", Serial, primary_key=True),
    sa.Column("subscription", sa.ForeignKey("subscriptions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("feed", sa.ForeignKey("feeds.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("content_type", Prose),
    sa.Column("body", sa.LargeBinary, nullable=False),              # zstandard
    _column("token", sa.BigInteger, 0),
    sa.Column("lease_until", Moment),
)
