"""Which processes work on this database. Rows of those that have not been seen for long are taken away."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.processes import ended_here
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import presence
from kimp.domain.durations import DAY_MS
from kimp.ports.presence import Seen

KEPT_MS = 7 * DAY_MS


class SqlPresence:
    """The port `Presence`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def report(self, identity: str, work: Sequence[str]) -> None:
        now = self._store.now

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(presence).where(presence.c.identity == identity))
            rows = [{"identity": identity, "work": one, "ended": 0} for one in work]
            await connection.execute(insert(presence).values(seen_ms=now), rows)
            await connection.execute(delete(presence).where(presence.c.seen_ms < now - KEPT_MS))

        await self._store.write(write)

    async def report_end(self, identity: str) -> None:
        ended = update(presence).where(presence.c.identity == identity).values(ended=1, seen_ms=self._store.now)
        await self._store.execute(ended)

    async def seen(self) -> Sequence[Seen]:
        query = select(presence, self._store.now.label("now_ms")).order_by(presence.c.seen_ms.desc())

        async def read(connection: AsyncConnection) -> list[Seen]:
            return [
                Seen(
                    row.identity,
                    row.work,
                    row.seen_ms,
                    row.now_ms - row.seen_ms,
                    bool(row.ended) or ended_here(row.identity),
                )
                for row in await connection.execute(query)
            ]

        return await self._store.read(read)
