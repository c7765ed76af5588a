"""Leave to trade real money: the latest row holds, until its time is over or anything has halted trading since."""

from sqlalchemy import ColumnElement, Select, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.controls import LATEST
from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import arms, halts, reservations
from kimp.domain.admission import HaltLevel
from kimp.domain.arming import Armed

LAST = select(func.max(arms.c.id)).scalar_subquery()
HALTED_SINCE: ColumnElement[bool] = exists().where(halts.c.id > arms.c.set_under, halts.c.level > int(HaltLevel.RUN))
"""Also by a halt that was resumed meanwhile: whoever resumes has not said that real money may go on."""
BEGUN = select(func.count()).where(reservations.c.armed_by == arms.c.id).scalar_subquery()


def _row_in_force(now: Instant) -> Select[tuple[int, ...]]:
    """Its row, with the number of cycles that it let start."""
    return select(arms, BEGUN.label("cycles")).where(
        arms.c.id == LAST, arms.c.cap_krw > 0, arms.c.until_ms > now, ~HALTED_SINCE
    )


async def armed_now(connection: AsyncConnection, now: Instant) -> tuple[int, Armed] | None:
    """With its id, for the reservations that it lets through."""
    row = (await connection.execute(_row_in_force(now))).one_or_none()
    if row is None:
        return None
    return row.id, Armed(row.cap_krw, row.until_ms, row.set_by, row.reason, row.cycles)


class SqlArming:
    """The port `Arming`. Raises StoreUnavailable when the database does not serve: callers take that for not armed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def armed(self) -> Armed | None:
        found = await self._store.read(lambda connection: armed_now(connection, self._store.now))
        return None if found is None else found[1]

    async def arm(self, cap_krw: int, seconds: int, note: str, *, by: str) -> None:
        await self._set(cap_krw, seconds * 1000, note, by)

    async def disarm(self, note: str, *, by: str) -> None:
        await self._set(0, 0, note, by)

    async def _set(self, cap_krw: int, lasts_ms: int, note: str, by: str) -> None:
        now = self._store.now
        row = {
            "cap_krw": cap_krw,
            "until_ms": now + lasts_ms,
            "reason": note,
            "set_by": by,
            "set_ms": now,
            "set_under": LATEST,
        }
        await self._store.execute(insert(arms).values(row))
