"""Rows that a restored database lacks, written as they were when they were first made."""

from collections.abc import Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.capital import reopen, reserve_again
from kimp.adapters.sql.journal import order_row, withdrawal_row
from kimp.adapters.sql.ledger import book_entries
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import cycles, ledger_entries, order_intents, restores, withdrawal_intents
from kimp.contracts.orders import OrderIntent, OrderPair
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

    async def restore_point_ms(self) -> int:
        """When the database was last written before it was restored, by its own rows; 0 if it never was.

        The first catch-up after a restore marks it. One that is run because that one died goes by the mark: rows that
        were written since say nothing of what lacks before them.
        """
        under_way = select(restores.c.newest_ms).where(restores.c.done_ms.is_(None)).order_by(restores.c.id).limit(1)
        columns = (cycles.c.updated_ms, order_intents.c.first_asked_ms, ledger_entries.c.booked_ms)

        async def work(connection: AsyncConnection) -> int:
            marked = (await connection.execute(under_way)).scalar_one_or_none()
            if marked is not None:
                return int(marked)
            newest = [(await connection.execute(select(func.max(column)))).scalar_one() for column in columns]
            newest_ms = max(at_ms or 0 for at_ms in newest)
            mark = insert(restores).values(newest_ms=newest_ms, marked_ms=self._store.now)
            await connection.execute(mark)
            return newest_ms

        return await self._store.write(work)

    async def done(self) -> None:
        """All is read: the next catch-up is that of another restore."""
        end = update(restores).where(restores.c.done_ms.is_(None)).values(done_ms=self._store.now)
        await self._store.execute(end)

    async def order(self, intent: OrderIntent, asked_ms: int | None) -> bool:
        """Journal an order that may have been sent, and the cash that was set aside for it. True if it was missing.

        `asked_ms`: None for one that may have been sent a moment ago.
        """
        return bool(await self._orders(intent, None, asked_ms))

    async def pair(self, pair: OrderPair, asked_ms: int | None) -> int:
        return await self._orders(pair.buy, pair.sell, asked_ms)

    async def _orders(self, intent: OrderIntent, sale: OrderIntent | None, asked_ms: int | None) -> int:
        orders = [intent] if sale is None else [intent, sale]
        at = self._store.now if asked_ms is None else asked_ms
        ids = order_intents.c.client_order_id
        known = select(ids).where(ids.in_([order.client_order_id for order in orders]))

        async def work(connection: AsyncConnection) -> int:
            there = set((await connection.execute(known)).scalars())
            lacking = [order for order in orders if order.client_order_id not in there]
            for order in lacking:
                await connection.execute(self._order.values(order_row(order, MARK, at)))
            if lacking == orders:
                await reserve_again(connection, intent, at, sale)
            return len(lacking)

        return await self._store.write(work)

    async def withdrawal(self, intent: WithdrawalIntent, asked_ms: int, *, answered: bool) -> None:
        row = withdrawal_row(intent, MARK, asked_ms)
        if answered:
            row["unanswered"] = None
        await self._store.execute(self._withdrawal.values(row))

    async def surfaced(self, cycle_id: str, entries: Sequence[Entry], *, reopened: bool) -> None:
        """What a run that took the cycle over was told; `reopened`: the cycle had ended before."""

        async def work(connection: AsyncConnection) -> None:
            if reopened:
                await reopen(connection, cycle_id)
            await book_entries(connection, entries, self._store.now)

        await self._store.write(work)
