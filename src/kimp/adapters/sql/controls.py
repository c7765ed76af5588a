"""The kill switch."""

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import halts
from kimp.domain.admission import HaltLevel
from kimp.ports.controls import Halt

KIMP = "kimp"
"""Who set the kill switch when no person did."""
BY_A_PERSON = select(func.coalesce(func.max(halts.c.id), 0)).where(halts.c.set_by != KIMP).scalar_subquery()
IN_FORCE = select(halts).where(halts.c.id >= BY_A_PERSON).order_by(halts.c.level.desc(), halts.c.id.desc()).limit(1)
"""What a person set last, or what kimp raised it to since: kimp never lowers it, whatever it read before it wrote."""
LEVEL_NOW = IN_FORCE.with_only_columns(halts.c.level).scalar_subquery()
LATEST = select(func.coalesce(func.max(halts.c.id), 0)).scalar_subquery()
"""The kill switch's last row: what is written down with it happened before the next one, whatever any clock says."""
RESUMES = select(func.coalesce(func.max(halts.c.id), 0)).where(halts.c.level == int(HaltLevel.RUN))
LAST_RESUME = RESUMES.scalar_subquery()


def level_of(stored: int | None) -> HaltLevel:
    """Nobody ever set it: trading runs."""
    return HaltLevel.RUN if stored is None else HaltLevel(stored)


class SqlControls:
    """The port `KillSwitch`. Raises StoreUnavailable when the database does not serve: callers take that for a halt."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def halt_level(self) -> HaltLevel:
        """The level that holds now."""
        halt = await self.halt_in_force()
        return HaltLevel.RUN if halt is None else halt.level

    async def halt_in_force(self) -> Halt | None:
        """The setting in force, a resume included; None if there never was one."""

        async def work(connection: AsyncConnection) -> Halt | None:
            row = (await connection.execute(IN_FORCE)).one_or_none()
            return None if row is None else Halt(HaltLevel(row.level), row.reason, row.set_by, row.set_ms)

        return await self._store.read(work)

    async def set_halt_level(self, level: HaltLevel, reason: str, *, by: str) -> None:
        """Set it for every process, from its next send on. Each setting stays in the table with who, when and why."""
        row = {"level": int(level), "reason": reason, "set_by": by, "set_ms": self._store.now}
        await self._store.execute(insert(halts).values(row))

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        """Raise it to `level`, unless it stands there or higher."""
        await self._store.write(lambda connection: raise_halt(connection, level, reason, self._store.now))


async def raise_halt(connection: AsyncConnection, level: HaltLevel, reason: str, now: Instant) -> None:
    """Within the caller's transaction."""
    if level_of((await connection.execute(select(LEVEL_NOW))).scalar_one()) < level:
        row = {"level": int(level), "reason": reason, "set_by": KIMP, "set_ms": now}
        await connection.execute(insert(halts).values(row))
