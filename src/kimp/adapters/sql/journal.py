"""What was sent, written down before it is sent."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Column, Select, and_, case, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.capital import admit
from kimp.adapters.sql.controls import LEVEL_NOW, level_of
from kimp.adapters.sql.deposits import SqlDepositClaims
from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.runs import require_own
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import SURFACED, order_intents, withdrawal_intents
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderPair, OrderReport
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.arming import TradingMode
from kimp.ports.journal import SendPermit, WithdrawalClaim

LIKELY = 1
"""See `tables.withdrawal_intents`."""


class SqlJournal(SqlDepositClaims):
    """The port `Journal`. Every method raises StoreUnavailable when the database does not serve: then don't send."""

    def __init__(self, store: Store, mode: TradingMode = TradingMode.SYNTHETIC) -> None:
        """`mode`: of the process that sends, which no message can change."""
        super().__init__(store)
        self._mode = mode
        self._order = store.insert_once(order_intents)

    async def ask_order(self, intent: OrderIntent) -> SendPermit:
        """Journal the order and say whether this call is the one that may send it.

        Raises Superseded, with nothing journalled, unless the cycle is this run's.
        """
        question = self._question(order_intents.c.client_order_id, intent.client_order_id)
        mark = uuid4().hex
        insert_once = self._order.values(order_row(intent, mark, self._store.now))

        async def work(connection: AsyncConnection) -> SendPermit:
            if intent.opening is not None and (await connection.execute(question)).one_or_none() is None:
                refused = await admit(connection, intent, self._mode, self._store.now)
                if refused is not None:
                    return SendPermit(False, 0, 0, intent.run_id, HaltLevel.RUN, refused)  # noqa: FBT003 - `first`
            await connection.execute(insert_once)
            permit = _permit((await connection.execute(question)).one(), mark)
            if permit.first:
                admitted = intent.opening is not None
                await require_own(connection, intent.cycle_id, intent.run_id, admitted=admitted)
            return permit

        return await self._store.write(work)

    async def ask_pair(self, pair: OrderPair) -> tuple[SendPermit, SendPermit]:
        """As `ask_order`, both at once."""
        orders = (pair.buy, pair.sell)
        questions = [self._question(order_intents.c.client_order_id, order.client_order_id) for order in orders]
        mark = uuid4().hex
        inserts = [self._order.values(order_row(order, mark, self._store.now)) for order in orders]

        async def work(connection: AsyncConnection) -> tuple[SendPermit, SendPermit]:
            there = [(await connection.execute(question)).one_or_none() for question in questions]
            if not any(there):
                refused = await admit(connection, pair.buy, self._mode, self._store.now, pair.sell)
                if refused is not None:
                    no = SendPermit(False, 0, 0, pair.buy.run_id, HaltLevel.RUN, refused)  # noqa: FBT003 - `first`
                    return no, no
            for insert_once in inserts:
                await connection.execute(insert_once)
            buy, sell = [_permit((await connection.execute(question)).one(), mark) for question in questions]
            first = buy.first and sell.first
            if first:
                await require_own(connection, pair.buy.cycle_id, pair.buy.run_id, admitted=True)
            return replace(buy, first=first), replace(sell, first=first)

        return await self._store.write(work)

    async def knows(self, intent: OrderIntent | WithdrawalIntent) -> bool:
        """Whether it was asked for under this id, on this venue, with this coin."""
        if isinstance(intent, OrderIntent):
            orders = order_intents.c
            query = select(orders.coin).where(
                orders.client_order_id == intent.client_order_id,
                orders.venue == intent.venue,
                orders.side == intent.side.value,
            )
        else:
            sent = withdrawal_intents.c
            query = select(sent.coin).where(
                sent.transfer_id == intent.transfer_id, sent.venue == intent.direction.source
            )

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(query)).scalar_one_or_none() == intent.coin

        return await self._store.read(work)

    async def ask_withdrawal(self, intent: WithdrawalIntent) -> SendPermit | None:
        """Journal the withdrawal and say whether this call is the one that may send it; None: it is not its turn.

        Raises Superseded like `ask_order`.
        """
        c = withdrawal_intents.c
        question = self._question(c.transfer_id, intent.transfer_id).add_columns(c.reason)
        mark = uuid4().hex
        journal = insert(withdrawal_intents).values(withdrawal_row(intent, mark, self._store.now))

        async def work(connection: AsyncConnection) -> SendPermit | None:
            there = (await connection.execute(question)).one_or_none()
            if there is None:
                with suppress(IntegrityError):
                    await connection.execute(journal)
                there = (await connection.execute(question)).one_or_none()
            permit = None if there is None else _permit(there, mark)
            if permit is not None and permit.first:
                await require_own(connection, intent.cycle_id, intent.run_id)
            return permit

        return await self._store.write(work)

    def _question(self, key: Column[str], name: str) -> Select[*tuple[Any, ...]]:
        c = key.table.c
        return select(c.asked_by, c.first_asked_ms, self._store.now, c.run_id, LEVEL_NOW).where(key == name)

    async def refuse_withdrawal(self, transfer_id: str, reason: str) -> None:
        """Repeating it changes nothing; a withdrawal that the venue gave an id for stays as it is."""
        sent = withdrawal_intents.c
        close = (
            update(withdrawal_intents)
            .where(sent.transfer_id == transfer_id, or_(sent.venue_id.is_(None), sent.likely == LIKELY))
            .values(venue_id=None, likely=None, unanswered=None, reason=reason)
        )
        await self._store.execute(close)

    async def fail_withdrawal(self, transfer_id: str, reason: str) -> None:
        """Repeating it changes nothing."""
        sent = withdrawal_intents.c
        close = (
            update(withdrawal_intents)
            .where(sent.transfer_id == transfer_id, sent.venue_id.is_not(None), sent.likely.is_(None))
            .values(reason=reason)
        )
        await self._store.execute(close)

    async def close_order(self, intent: OrderIntent, report: OrderReport) -> None:
        """Write down how the order ended. What filled stays filled, and another run's order is not touched."""
        orders = order_intents.c
        filled = OrderOutcome.FILLED.value
        close = (
            update(order_intents)
            .where(orders.client_order_id == intent.client_order_id, orders.run_id == intent.run_id)
            .values(
                outcome=report.outcome.value,
                venue_order_id=report.venue_order_id,
                filled_quantity=report.quantity,
                filled_funds=report.funds,
                closed_ms=self._store.now,
                reason=case((orders.reason == SURFACED, SURFACED), else_=report.reason),
            )
        )
        if report.outcome is not OrderOutcome.FILLED:
            close = close.where(or_(orders.outcome.is_(None), orders.outcome != filled))
        await self._store.execute(close)

    async def claim_withdrawal(self, transfer_id: str, venue: str, venue_id: str, *, likely: bool) -> bool:
        """Bind the venue's id to the transfer; true again when repeated. What is certain replaces what was likely.

        False if the id belongs to another transfer, if the transfer has another id, or if it was never journalled.
        """
        sent = withdrawal_intents.c
        as_likely = sent.likely == LIKELY
        replaceable = (
            and_(sent.venue_id == venue_id, as_likely) if likely else or_(sent.venue_id == venue_id, as_likely)
        )
        bind = (
            update(withdrawal_intents)
            .where(
                sent.transfer_id == transfer_id,
                sent.venue == venue,
                or_(sent.venue_id.is_(None), replaceable),
            )
            .values(venue_id=venue_id, likely=LIKELY if likely else None, unanswered=None)
        )
        return await self._claim(bind)

    async def claimed_withdrawal(self, transfer_id: str) -> WithdrawalClaim | None:
        """The venue's id that was bound to the transfer, if any."""
        sent = withdrawal_intents.c
        query = select(sent.venue_id, sent.likely).where(sent.transfer_id == transfer_id, sent.venue_id.is_not(None))

        async def work(connection: AsyncConnection) -> WithdrawalClaim | None:
            row = (await connection.execute(query)).one_or_none()
            return None if row is None else WithdrawalClaim(row.venue_id, likely=row.likely == LIKELY)

        return await self._store.read(work)

    async def claimed_by_others(self, transfer_id: str, venue: str, venue_ids: Sequence[str]) -> AbstractSet[str]:
        """Those of the venue's ids that are bound to other transfers."""
        sent = withdrawal_intents.c
        query = select(sent.venue_id).where(
            sent.venue == venue, sent.transfer_id != transfer_id, sent.venue_id.in_(venue_ids)
        )

        async def work(connection: AsyncConnection) -> AbstractSet[str]:
            return set((await connection.execute(query)).scalars())

        return await self._store.read(work)


def order_row(intent: OrderIntent, asked_by: str, asked_ms: Instant | int) -> dict[str, Any]:
    """As it is first journalled; `asked_by`: the mark of the one call that may send."""
    return {
        "client_order_id": intent.client_order_id,
        "asked_by": asked_by,
        "first_asked_ms": asked_ms,
        "cycle_id": intent.cycle_id,
        "run_id": intent.run_id,
        "venue": intent.venue,
        "coin": intent.coin,
        "side": intent.side.value,
        "quantity": intent.quantity,
        "limit_price": intent.limit_price,
    }


def withdrawal_row(intent: WithdrawalIntent, asked_by: str, asked_ms: Instant | int) -> dict[str, Any]:
    """As it is first journalled; `asked_by`: the mark of the one call that may send."""
    source = intent.direction.source
    return {
        "transfer_id": intent.transfer_id,
        "asked_by": asked_by,
        "first_asked_ms": asked_ms,
        "cycle_id": intent.cycle_id,
        "run_id": intent.run_id,
        "venue": source,
        "coin": intent.coin,
        "amount": intent.amount,
        "network": intent.network,
        "address": intent.address.address,
        "tag": intent.address.tag,
        # Unique: a second one of the coin is not journalled before the first is answered, as Upbit tells its
        # withdrawals apart by coin, amount and time only.
        "unanswered": f"{source}/{intent.coin}",
    }


def _permit(row: Sequence[Any], mark: str) -> SendPermit:
    """Who finds its own mark in the row inserted it: true for one call ever, also when the answer to the COMMIT was
    lost and the transaction is repeated.
    """
    asked_by, first_asked_ms, now_ms, run_id, level, *closed = row
    reason = closed[0] if closed else None
    return SendPermit(asked_by == mark, first_asked_ms, now_ms, run_id, level_of(level), closed=reason)
