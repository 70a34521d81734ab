"""The store: one implementation for SQLite and PostgreSQL over SQLAlchemy Core.

    store = await open_store("sqlite:///var/firsthand.db")

`tables` is the schema and `migrations/` its history; `engine` runs transactions over `sqlite` or `postgres`, which
with `bulk` alone know which database it is; the others are the store's parts, a theme each.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from crawler.adapters.store.articles import Articles
from crawler.adapters.store.browsing import Browsing
from crawler.adapters.store.deliveries import Deliveries
from crawler.adapters.store.engine import Backend, Database
from crawler.adapters.store.failures import translated
from crawler.adapters.store.hosts import Hosts
from crawler.adapters.store.housekeeping import Housekeeping
from crawler.adapters.store.index import Index
from crawler.adapters.store.judging import Judging
from crawler.adapters.store.leases import Leases
from crawler.adapters.store.links import Links
from crawler.adapters.store.listing import list_rest
from crawler.adapters.store.pushes import Pushes
from crawler.adapters.store.reading import Reading
from crawler.adapters.store.removal import Removal
from crawler.adapters.store.schema import bring_up
from crawler.adapters.store.sightings import Sightings
from crawler.adapters.store.sqlite import Sqlite
from crawler.adapters.store.stories import Stories
from crawler.adapters.store.subscriptions import Subscriptions
from crawler.adapters.store.tallies import Tallies
from crawler.adapters.store.vectors import VectorRows
from crawler.adapters.store.verdicts import Verdicts
from crawler.errors import StoreError
from crawler.ports import Store


class SqlStore(
    Pushes, Hosts, Leases, Sightings, Articles, Index, Judging, Stories, Links, Verdicts, Browsing, Tallies, Reading, Removal,
    Housekeeping, Deliveries, Subscriptions, VectorRows,
):
    """The `Store` of `ports.py`; made by `open_store`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.shared = database.backend.shared


async def open_store(url: str, *, create: bool = True) -> Store:
    """Open the database of a configuration's `store`, made or migrated first where need be.

    `url` is `sqlite:///PATH` (relative to the working directory; `sqlite:////PATH` is absolute) or
    `postgresql://user:password@host/name`. Without `create` an empty or missing database is refused.
    Raises StoreError.
    """
    backend = backend_of(url, create=create)
    database = Database(backend)
    try:
        await bring_up(database, create=create)
        await list_rest(database)
    except BaseException:
        await backend.close()
        raise
    return SqlStore(database)


def backend_of(url: str, *, create: bool) -> Backend:
    """The database behind a URL, whatever is in it. Raises StoreError where the URL is none of a store."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StoreError("store: not a database URL; write sqlite:///PATH or postgresql://user:password@host/name"
                         ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        from crawler.adapters.store.postgres import Postgres  # noqa: PLC0415 - its driver, which SQLite does not need

        return Postgres(_hiding(parsed))
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise StoreError(f"store {parsed.render_as_string()}: write sqlite:///PATH, a file, or "
                         "postgresql://user:password@host/name")
    return Sqlite(_file(Path(parsed.database), create=create))


def _hiding(url: sa.URL) -> sa.URL:
    """With `?password=` where whoever prints the URL leaves it out."""
    found = url.query.get("password")
    return url if not isinstance(found, str) else url.set(password=found).difference_update_query(["password"])


def _file(path: Path, *, create: bool) -> Path:
    if not create and _is_missing(path):
        raise StoreError(f"store {path}: there is no such file; `firsthand run` creates the database")
    with translated(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _is_missing(path: Path) -> bool:
    """Not where one may not look: whoever opens it says that."""
    try:
        return not path.exists()
    except OSError:
        return False


if TYPE_CHECKING:
    def _is_a_store(store: SqlStore) -> Store:
        return store

__all__ = ["SqlStore", "open_store"]
