"""What a person on call wants to know, in a few cheap reads."""

from collections import Counter
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.capital import exposure_of
from kimp.adapters.sql.controls import LEVEL_NOW, level_of
from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import ENDED, cycles, ledger_entries, ledger_postings, order_intents, withdrawal_intents
from kimp.contracts.status import CycleStatus
from kimp.domain.durations import DAY_MS
from kimp.domain.ledger import RECONCILED, Account
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.ports.monitoring import MonitoringSnapshot, OpenCycle

ANSWERED_BY_MS = 30_000
"""Orders are looked up behind a fence of 20 s: what has no outcome later than this is nobody's normal course."""


class SqlMonitoring:
    """The port `Overview`. Raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def snapshot(self) -> MonitoringSnapshot:
        """All of it, in one transaction."""
        now = self._store.now

        async def work(connection: AsyncConnection) -> MonitoringSnapshot:
            return MonitoringSnapshot(
                cycles=await _open(connection),
                unknown=await _unknown(connection, now - ANSWERED_BY_MS),
                in_transit=await _in_transit(connection),
                unexplained=await _unexplained(connection, now - DAY_MS),
                halt=level_of((await connection.execute(select(LEVEL_NOW))).scalar_one()),
                exposure=await exposure_of(connection, now),
            )

        return await self._store.read(work)


async def _open(connection: AsyncConnection) -> tuple[OpenCycle, ...]:
    c = cycles.c
    query = select(c.status, c.waiting_reason, c.waiting_since_ms, c.reason_kind, c.updated_ms).where(
        c.status.not_in(ENDED)
    )
    return tuple(OpenCycle(CycleStatus(row.status), *row[1:]) for row in await connection.execute(query))


async def _unknown(connection: AsyncConnection, before_ms: Instant) -> Counter[Venue]:
    o, w = order_intents.c, withdrawal_intents.c
    orders = select(o.venue, func.count()).where(o.outcome.is_(None), o.first_asked_ms < before_ms).group_by(o.venue)
    sent = (
        select(w.venue, func.count()).where(w.unanswered.is_not(None), w.first_asked_ms < before_ms).group_by(w.venue)
    )
    counts = Counter(dict.fromkeys(PAIR, 0))
    for query in (orders, sent):
        for venue, count in await connection.execute(query):
            counts[Venue(venue)] += count
    return counts


async def _in_transit(connection: AsyncConnection) -> dict[Asset, Decimal]:
    """Of cycles that have not ended: the account's whole past would take ever longer to add up."""
    p, e = ledger_postings.c, ledger_entries.c
    query = (
        select(p.asset, p.amount)
        .join(ledger_entries, e.entry_id == p.entry_id)
        .join(cycles, cycles.c.cycle_id == e.cycle_id)
        .where(p.account == Account.IN_TRANSIT.value, cycles.c.status.not_in(ENDED))
    )
    sums: dict[Asset, Decimal] = {}
    for asset, amount in await connection.execute(query):
        sums[Asset(asset)] = WIDE.add(sums.get(Asset(asset), ZERO), amount)
    return sums


async def _unexplained(connection: AsyncConnection, since_ms: Instant) -> int:
    e = ledger_entries.c
    query = select(func.count()).where(e.entry_id.startswith(RECONCILED), e.booked_ms >= since_ms)
    return int((await connection.execute(query)).scalar_one())
