"""How many pages one host is asked for on one day."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Database
from crawler.adapters.store.tables import hosts, sightings
from crawler.errors import Reason

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


async def within_quota(
    database: Database, connection: AsyncConnection, ids: Sequence[int], now: datetime, pages: int,
) -> list[int]:
    """Those of the sightings that their hosts may still be asked for today; the others wait for the next day (UTC),
    with the reason. Counts them."""
    rows = (await connection.execute(
        sa.select(sightings.c.id, sightings.c.host).where(sightings.c.id.in_(ids)))).all()
    host_of = {row.id: row.host for row in rows}
    day = (now - _EPOCH).days
    had = await _had(database, connection, sorted(set(host_of.values())), day)
    today = Counter(had)
    allowed: list[int] = []
    for id_ in ids:
        today[host_of[id_]] += 1
        if today[host_of[id_]] <= pages:
            allowed.append(id_)
    late = set(ids) - set(allowed)
    counted = [{"host": host, "pages_day": day, "pages": min(count, pages)} for host, count in sorted(today.items())]
    for row in counted:
        await connection.execute(sa.update(hosts).where(hosts.c.host == row["host"]).values(row))
    if late:
        await connection.execute(sa.update(sightings).where(sightings.c.id.in_(late)).values(
            due=_EPOCH + timedelta(days=day + 1), reason=str(Reason.QUOTA),
            detail=f"{pages} pages of this host today; the others wait for tomorrow"))
    return allowed


async def _had(database: Database, connection: AsyncConnection, names: list[str], day: int) -> dict[str, int]:
    """Pages claimed of each host on this day; the row of each is there, and locked, afterwards."""
    await database.insert_new(connection, hosts, [{"host": name, "pages": 0} for name in names])
    rows = await connection.execute(
        sa.select(hosts.c.host, hosts.c.pages_day, hosts.c.pages).where(hosts.c.host.in_(names))
        .order_by(hosts.c.host).with_for_update())
    return {row.host: row.pages if row.pages_day == day else 0 for row in rows}
