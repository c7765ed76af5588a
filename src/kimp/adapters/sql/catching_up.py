"""Rows that a restored database lacks, written as they were when they were first made."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.capital import reopen
from kimp.adapters.sql.ledger import book_entries
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import capital, cycles, ledger_entries, order_intents, reservations, withdrawal_intents
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.ledger import Entry

MARK = "catch-up"
"""In the place of the call that first asked: nobody is told that it is the first any more."""


class SqlCatchingUp:
    """Every method leaves rows that are there as they are, so all may be repeated."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._order = store.insert_once(order_intents)
        self._withdrawal = store.insert_once(withdrawal_intents)

    async def newest_ms(self) -> int:
        """When the database was last written, by its own rows; 0 if it never was."""
        columns = (cycles.c.updated_ms, order_intents.c.first_asked_ms, ledger_entries.c.booked_ms)

        async def work(connection: AsyncConnection) -> int:
            newest = [(await connection.execute(select(func.max(column)))).scalar_one() for column in columns]
            return max(at_ms or 0 for at_ms in newest)

        return await self._store.read(work)

    async def order(self, intent: OrderIntent, asked_ms: int) -> bool:
        """Journal an order that may have been sent, and the cash that was set aside for it. True if it was missing."""
        row = {
            "client_order_id": intent.client_order_id,
            "asked_by": MARK,
            "first_asked_ms": asked_ms,
            "cycle_id": intent.cycle_id,
            "run_id": intent.run_id,
            "venue": intent.venue.value,
            "coin": intent.coin,
            "side": intent.side.value,
            "quantity": intent.quantity,
            "limit_price": intent.limit_price,
        }
        there = select(order_intents.c.asked_by).where(order_intents.c.client_order_id == intent.client_order_id)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(there)).one_or_none() is not None:
                return False
            await connection.execute(self._order, row)
            await _reserve(connection, intent, asked_ms)
            return True

        return await self._store.write(work)

    async def withdrawal(self, intent: WithdrawalIntent, asked_ms: int, *, answered: bool) -> None:
        source = intent.direction.source
        row = {
            "transfer_id": intent.transfer_id,
            "asked_by": MARK,
            "first_asked_ms": asked_ms,
            "cycle_id": intent.cycle_id,
            "run_id": intent.run_id,
            "venue": source.value,
            "coin": intent.coin,
            "amount": intent.amount,
            "network": intent.network,
            "address": intent.address.address,
            "tag": intent.address.tag,
            "unanswered": None if answered else f"{source}/{intent.coin}",
        }
        await self._store.write(lambda connection: _execute(connection, self._withdrawal, row))

    async def surfaced(self, cycle_id: str, entries: Sequence[Entry], now_ms: int, *, reopened: bool) -> None:
        """What a run that took the cycle over was told; `reopened`: the cycle had ended before."""

        async def work(connection: AsyncConnection) -> None:
            if reopened:
                await reopen(connection, cycle_id)
            await book_entries(connection, entries, now_ms)

        await self._store.write(work)


async def _execute(connection: AsyncConnection, statement: Any, row: dict[str, Any]) -> None:
    await connection.execute(statement, row)


async def _reserve(connection: AsyncConnection, intent: OrderIntent, made_ms: int) -> None:
    if intent.opening is None:
        return
    made = select(reservations.c.cycle_id).where(reservations.c.cycle_id == intent.cycle_id)
    if (await connection.execute(made)).one_or_none() is not None:
        return
    row = {
        "cycle_id": intent.cycle_id,
        "venue": intent.venue.value,
        "asset": intent.opening.reserve.asset,
        "amount": intent.opening.reserve.amount,
        "stake_krw": intent.opening.stake_krw,
        "made_ms": made_ms,
    }
    await connection.execute(insert(reservations), row)
    mine = capital.c.venue == intent.venue.value
    free = (await connection.execute(select(capital.c.free).where(mine).with_for_update())).scalar_one_or_none()
    if free is not None:
        left = WIDE.subtract(free, intent.opening.reserve.amount)
        await connection.execute(update(capital).where(mine).values(free=left))
