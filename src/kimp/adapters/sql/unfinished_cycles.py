"""What journal and books know of cycles whose workflow may be gone, and orders that surfaced too late."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, exists, func, or_, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.capital import reopen
from kimp.adapters.sql.ledger import book_entries, entries_of
from kimp.adapters.sql.runs import require_own
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import (
    ENDED,
    SURFACED,
    cycles,
    ledger_entries,
    order_intents,
    reservations,
    withdrawal_intents,
)
from kimp.contracts.cycle import Journalled, JournalQuery, TakeOver
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import Address, WithdrawalIntent
from kimp.domain.ids import installation_of, used_numbers
from kimp.domain.ledger import Entry
from kimp.domain.market import Side
from kimp.domain.money import ONE, ZERO, Asset
from kimp.domain.venues import PAIR, Direction, Pair, Venue
from kimp.ports.journal import UnfinishedCycle

AT_ONCE = 500
"""Ledger entries in one answer, about 0.6 kB each."""
SURE = [
    outcome.value
    for outcome in (OrderOutcome.UNFILLED, OrderOutcome.REJECTED, OrderOutcome.NOT_SENT, OrderOutcome.BLOCKED)
]
"""Outcomes by which nothing filled, for certain."""
MAY_HAVE_FILLED = (None, OrderOutcome.FILLED.value, OrderOutcome.ABSENT.value)


class SqlUnfinishedCycles:
    """The port `UnfinishedCycles`. Every method raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def unfinished(self) -> Sequence[str]:
        """Also such as waited before their first order could be journalled: they have a row and no reservation."""
        reserved = select(reservations.c.cycle_id).where(reservations.c.released_ms.is_(None))
        shown = select(cycles.c.cycle_id).where(cycles.c.status.not_in(ENDED))
        query = union(reserved, shown)

        async def work(connection: AsyncConnection) -> Sequence[str]:
            return sorted((await connection.execute(query)).scalars())

        return await self._store.read(work)

    async def unfinished_cycle(self, cycle_id: str) -> UnfinishedCycle | None:
        async def work(connection: AsyncConnection) -> UnfinishedCycle | None:
            r = reservations.c
            still = select(r.venue, r.made_ms).where(r.cycle_id == cycle_id, r.released_ms.is_(None))
            reserved = (await connection.execute(still)).one_or_none()
            row = (await connection.execute(select(cycles).where(cycles.c.cycle_id == cycle_id))).one_or_none()
            if reserved is None and (row is None or row.status in ENDED):
                return None
            return await _unfinished(connection, cycle_id, reserved, row)

        return await self._store.read(work)

    async def journalled(self, query: JournalQuery) -> Journalled:
        """`AT_ONCE` ledger entries at a time, as one answer must not grow with a cycle's fills."""

        async def work(connection: AsyncConnection) -> Journalled:
            await require_own(connection, query.cycle_id, query.run_id)
            return await _journalled(connection, query)

        return await self._store.write(work)

    async def unbooked_orders(self, within_ms: int, sure_within_ms: int) -> Sequence[OrderIntent]:
        """Two questions, as each has an index of its own: what was asked of late, and what ended of late."""
        o, c, now = order_intents.c, cycles.c, self._store.now
        fresh = o.first_asked_ms >= now - sure_within_ms
        reported_nothing = or_(o.outcome == OrderOutcome.ABSENT.value, and_(o.outcome.in_(SURE), fresh))
        # What filled, or was never closed, is its workflow's to book, for as long as that runs.
        untold = or_(o.outcome.is_(None), o.outcome.not_in(SURE))
        over = or_(c.status.in_(ENDED), and_(c.cycle_id.is_(None), ~_reserved(o.cycle_id)))
        nobodys = and_(~_booked(o.cycle_id, o.client_order_id), or_(o.reason.is_(None), o.reason != SURFACED))
        asked = (
            select(order_intents)
            .outerjoin(cycles, c.cycle_id == o.cycle_id)
            .where(o.first_asked_ms >= now - within_ms, or_(reported_nothing, and_(over, untold)), nobodys)
        )
        ended = (
            select(order_intents)
            .join(cycles, c.cycle_id == o.cycle_id)
            .where(c.closed_ms >= now - within_ms, c.status.in_(ENDED), untold, nobodys)
        )

        async def work(connection: AsyncConnection) -> Sequence[OrderIntent]:
            rows = [*await connection.execute(asked), *await connection.execute(ended)]
            found = {row.client_order_id: row for row in rows}.values()
            return [_order(row) for row in sorted(found, key=lambda row: row.first_asked_ms, reverse=True)]

        return await self._store.read(work)

    async def reopen_for_withdrawals(self, within_ms: int) -> Sequence[str]:
        w, c = withdrawal_intents.c, cycles.c
        query = (
            select(w.transfer_id, w.cycle_id)
            .join(cycles, c.cycle_id == w.cycle_id)
            .where(
                c.closed_ms >= self._store.now - within_ms,
                c.status.in_(ENDED),
                w.reason.is_(None),
                ~_booked(w.cycle_id, w.transfer_id),
            )
        )

        async def work(connection: AsyncConnection) -> Sequence[str]:
            found = list(await connection.execute(query))
            for cycle_id in sorted({row.cycle_id for row in found}):
                await reopen(connection, cycle_id)
            return sorted(row.transfer_id for row in found)

        return await self._store.write(work)

    async def adopt(self, intent: OrderIntent, report: OrderReport, entries: Sequence[Entry]) -> None:
        """Repeating it changes nothing but the time."""
        o = order_intents.c
        found = (
            update(order_intents)
            .where(o.client_order_id == intent.client_order_id)
            .values(
                outcome=report.outcome.value,
                venue_order_id=report.venue_order_id,
                filled_quantity=report.quantity,
                filled_funds=report.funds,
                reason=SURFACED,
                adopted_ms=self._store.now,
            )
        )

        async def work(connection: AsyncConnection) -> None:
            await reopen(connection, intent.cycle_id)
            await connection.execute(found)
            await book_entries(connection, entries, self._store.now)

        await self._store.write(work)


async def _unfinished(
    connection: AsyncConnection, cycle_id: str, reserved: Row[Any, Any] | None, row: Row[Any] | None
) -> UnfinishedCycle:
    """One of the two is there at least."""
    o = order_intents.c
    asked = select(o.client_order_id, o.run_id, o.adopted_ms).where(o.cycle_id == cycle_id)
    orders = list(await connection.execute(asked))
    # Without a row: who asked for the order that opened it.
    run_id = row.workflow_run_id if row else next((order.run_id for order in orders), "")
    return UnfinishedCycle(
        cycle_id=cycle_id,
        coin=Asset(cycle_id.rpartition("-")[0]),
        direction=_direction(reserved, row),
        premium=row.premium if row else ZERO,
        expected_edge=row.expected_edge if row else ZERO,
        detected_at_ms=row.started_ms if row else reserved.made_ms if reserved else 0,
        ended=row is not None and CycleStatus(row.status).terminal,
        installation=installation_of(order.client_order_id for order in orders),
        takes_over=TakeOver(
            run_id=run_id,
            sequence=row.sequence if row else 0,
            adopted=tuple(order.client_order_id for order in orders if order.adopted_ms is not None),
        ),
    )


async def _journalled(connection: AsyncConnection, query: JournalQuery) -> Journalled:
    entries = await entries_of(connection, query.cycle_id)
    some = tuple(entries[query.skip : query.skip + AT_ONCE])
    more = query.skip + AT_ONCE < len(entries)
    if query.skip:
        return Journalled(entries=some, more=more)
    orders, sent = await _asked(connection, order_intents, query), await _asked(connection, withdrawal_intents, query)
    way = await connection.scalar(select(cycles.c.direction).where(cycles.c.cycle_id == query.cycle_id))
    pair = PAIR if way is None else Direction(way).pair
    booked = {entry.entry_id for entry in entries}
    filled = {entry_id.partition("/")[0] for entry_id in booked}
    return Journalled(
        entries=some,
        more=more,
        orders=tuple(
            _order(order)
            for order in orders
            if order.outcome in MAY_HAVE_FILLED and order.client_order_id not in filled
        ),
        withdrawals=tuple(
            _withdrawal(one, pair) for one in sent if one.reason is None and f"{one.transfer_id}/in" not in booked
        ),
        numbers=used_numbers((*(order.client_order_id for order in orders), *(one.transfer_id for one in sent))),
    )


async def _asked(connection: AsyncConnection, journal: Table, query: JournalQuery) -> list[Row[Any]]:
    return list(await connection.execute(select(journal).where(journal.c.cycle_id == query.cycle_id)))


def _reserved(cycle_id: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(reservations.c.cycle_id == cycle_id, reservations.c.released_ms.is_(None))


def _booked(cycle_id: ColumnElement[str], name: ColumnElement[str]) -> ColumnElement[bool]:
    """The ledger has an entry `<name>/...` of the cycle: an order's fill, or what became of a withdrawal."""
    e = ledger_entries.c
    return exists().where(e.cycle_id == cycle_id, func.substr(e.entry_id, 1, func.length(name) + 1) == name + "/")


def _direction(reserved: Row[Any, Any] | None, row: Row[Any] | None) -> Direction:
    if row is not None:
        return Direction(row.direction)
    return PAIR.way_from(Venue(reserved.venue) if reserved is not None else PAIR.won)


def _order(row: Row[Any]) -> OrderIntent:
    """Good for looking it up; it is never sent, so its value in won does not matter."""
    return OrderIntent(
        cycle_id=row.cycle_id,
        run_id=row.run_id,
        client_order_id=row.client_order_id,
        venue=Venue(row.venue),
        coin=Asset(row.coin),
        side=Side(row.side),
        quantity=row.quantity,
        limit_price=row.limit_price,
        krw_per_cash=ONE,
        taker_fee=ONE,
        expires_at_ms=0,
    )


def _withdrawal(row: Row[Any], pair: Pair) -> WithdrawalIntent:
    return WithdrawalIntent(
        cycle_id=row.cycle_id,
        run_id=row.run_id,
        transfer_id=row.transfer_id,
        coin=Asset(row.coin),
        direction=pair.way_from(Venue(row.venue)),
        amount=row.amount,
        network=row.network,
        address=Address(network=row.network, address=row.address, tag=row.tag),
        expires_at_ms=0,
    )
