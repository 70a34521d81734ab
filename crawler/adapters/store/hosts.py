"""What is kept of hosts: robots.txt, pauses that they asked for, pages of a day, and whose turn it is there."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from crawler.adapters.store.engine import Part
from crawler.adapters.store.feeds import NEVER
from crawler.adapters.store.leases import leased
from crawler.adapters.store.tables import hosts, turns
from crawler.ports import HostState, Turn

_FAR = timedelta(hours=1)    # as many turns as may wait at a host, at the longest delay that is kept


# Made once: a statement that is made anew costs more than it takes to be answered.
_of = hosts.c.host == sa.bindparam("of")
_day = sa.bindparam("day", type_=sa.Integer)
_had = sa.case((hosts.c.pages_day == _day, hosts.c.pages), else_=0)
_COUNT = sa.update(hosts).where(_of, _had < sa.bindparam("most", type_=sa.Integer)).values(pages=_had + 1, pages_day=_day)
_HOST = sa.select(hosts).where(_of)


class Hosts(Part):
    """What is kept of hosts."""

    async def host(self, host: str) -> HostState:
        """See `ports.Store`."""
        async def look(connection: AsyncConnection) -> HostState:
            row = (await connection.execute(_HOST, {"of": host})).one_or_none()
            return HostState(host) if row is None else HostState(
                host, row.pause_until, row.robots, row.robots_status, row.robots_at)

        return await self._db.read(look)

    async def save_robots(self, state: HostState) -> None:
        """See `ports.Store`."""
        row = {"host": state.host, "robots": state.robots, "robots_status": state.robots_status,
               "robots_at": state.robots_at, "robots_until": None}
        await self._db.write(lambda connection: self._db.upsert(connection, hosts, [row]))

    async def pause_host(self, host: str, until: datetime) -> None:
        """See `ports.Store`."""
        sooner = hosts.c.pause_until.is_(None) | (hosts.c.pause_until < until)

        async def pause(connection: AsyncConnection) -> None:
            await self._db.insert_new(connection, hosts, [{"host": host, "pages": 0}])
            await connection.execute(sa.update(hosts).where(hosts.c.host == host, sooner).values(pause_until=until))

        await self._db.write(pause)

    async def take_page(self, host: str, now: datetime, most: int) -> bool:
        """See `ports.Store`."""
        given = {"of": host, "day": (now - NEVER).days, "most": most}

        async def take(connection: AsyncConnection) -> bool:
            if (await connection.execute(_COUNT, given)).rowcount == 1:
                return True
            await self._db.insert_new(connection, hosts, [{"host": host, "pages": 0}])
            return (await connection.execute(_COUNT, given)).rowcount == 1

        return await self._db.write(take, repeatable=True)

    async def take_turn(self, host: str, now: datetime, delay: timedelta, most: int, lease: timedelta) -> Turn:
        """See `ports.Store`."""
        ahead = now + lease + _FAR  # nothing ends later, but what a clock that was wrong left behind

        async def take(connection: AsyncConnection) -> Turn:
            await self._db.backend.soon(connection)
            start = await self._next_start(connection, host, now, delay)
            of_host = (await connection.execute(
                sa.select(turns.c.id, turns.c.lease_until).where(turns.c.host == host))).all()
            over = [row.id for row in of_host if not now < row.lease_until <= ahead]
            if len(of_host) - len(over) >= most:
                return Turn(None, start)
            if over:
                await connection.execute(sa.delete(turns).where(turns.c.id.in_(over)))
            await connection.execute(sa.update(hosts).where(hosts.c.host == host).values(
                last_start=start, last_delay=delay // timedelta(microseconds=1)))
            made = await connection.scalar(
                sa.insert(turns).values(host=host, lease_until=start + lease).returning(turns.c.id))
            return Turn(made, start)

        return await self._db.write(take)

    async def _next_start(self, connection: AsyncConnection, host: str, now: datetime, delay: timedelta) -> datetime:
        """Of the two delays, before a request and after it, the longer one holds: not every worker knows what a
        robots.txt asks for. The host's row is locked."""
        begun = sa.select(hosts.c.last_start, hosts.c.last_delay).where(hosts.c.host == host).with_for_update()
        last = (await connection.execute(begun)).one_or_none()
        if last is None:
            await self._db.insert_new(connection, hosts, [{"host": host, "pages": 0}])
            last = (await connection.execute(begun)).one()
        # One far ahead was reserved while the clock was wrong.
        if last.last_start is None or last.last_start > now + _FAR:
            return now
        start: datetime = last.last_start + max(delay, timedelta(microseconds=last.last_delay))
        return max(now, start)

    async def end_turn(self, turn: Turn) -> None:
        """See `ports.Store`."""
        async def end(connection: AsyncConnection) -> None:
            await self._db.backend.soon(connection)
            await connection.execute(sa.delete(turns).where(turns.c.id == turn.id))

        await self._db.write(end)

    async def take_robots(self, host: str, now: datetime, lease: timedelta) -> bool:
        """See `ports.Store`."""
        free = sa.update(hosts).where(hosts.c.host == host, ~leased(hosts.c.robots_until, now, lease))

        async def take(connection: AsyncConnection) -> bool:
            await self._db.insert_new(connection, hosts, [{"host": host, "pages": 0}])
            return (await connection.execute(free.values(robots_until=now + lease))).rowcount == 1

        return await self._db.write(take)
