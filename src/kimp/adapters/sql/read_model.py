"""Cycles as people and the initiator see them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.capital import lock_capital, release
from kimp.adapters.sql.ledger import book_entries
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import ENDED, cycles, order_intents, reservations
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import LONGEST_REST_MS, NEVER_TRADED, REFUSALS_COUNTED, CoinState
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.ports.read_model import CycleRow, EndedCycle

LONGEST_KIND = 64
SHOWN = [cycles.c[name] for name in CycleRow.__dataclass_fields__]
FIXED = ("cycle_id", "coin", "number", "direction", "workflow_run_id", "started_ms")
"""Columns that a cycle never changes."""


class SqlReadModel:
    """The port `ReadModel`. Every method raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._insert = store.insert_once(cycles)

    async def record(self, record: CycleRecord) -> None:
        """Upsert the cycle and book its entries in one transaction.

        An older sequence changes nothing of the row, nor does anything after the cycle's end, nor another workflow
        run under the same id, and what the cycle left is not free then. Entries are booked in each case, once: they
        tell of money that moved.
        Raises BadMessage for a cycle_id that is not `<coin>-<n>`, BadAmount for an amount the database can't hold.
        """
        row = _row(record)
        c = cycles.c
        advance = (
            update(cycles)
            .where(
                c.cycle_id == record.cycle_id,
                c.workflow_run_id == record.workflow_run_id,
                c.sequence < record.sequence,
                c.status.not_in(ENDED),
            )
            .values({name: value for name, value in row.items() if name not in FIXED})
        )

        owner = select(c.workflow_run_id).where(c.cycle_id == record.cycle_id)

        async def work(connection: AsyncConnection) -> None:
            if record.takes_over is not None:
                await lock_capital(connection)
            await connection.execute(self._insert, row)
            if record.takes_over is not None:
                await _take_over(connection, record, row)
            await connection.execute(advance)
            await book_entries(connection, record.entries, record.at_ms)
            if record.status.terminal and (await connection.execute(owner)).scalar_one() == record.workflow_run_id:
                await release(connection, record.cycle_id, record.profit_krw, self._store.now)

        await self._store.write(work)

    async def cycles(
        self,
        *,
        limit: int,
        status: CycleStatus | None = None,
        coin: Asset | None = None,
        since_ms: int = 0,
        unfinished: bool = False,
    ) -> list[CycleRow]:
        """Latest first."""
        c = cycles.c
        query = select(*SHOWN).order_by(c.started_ms.desc(), c.cycle_id.desc()).limit(limit)
        query = query.where(c.started_ms >= since_ms)
        if status is not None:
            query = query.where(c.status == status.value)
        if coin is not None:
            query = query.where(c.coin == coin)
        if unfinished:
            query = query.where(c.status.not_in(ENDED))

        async def work(connection: AsyncConnection) -> list[CycleRow]:
            return [_shown(row) for row in (await connection.execute(query)).mappings()]

        return await self._store.read(work)

    async def results(self) -> list[EndedCycle]:
        """Of every cycle that ended with one."""
        c = cycles.c
        query = select(c.coin, c.closed_ms, c.profit_krw).where(c.closed_ms.is_not(None), c.profit_krw.is_not(None))

        async def work(connection: AsyncConnection) -> list[EndedCycle]:
            return [EndedCycle(Asset(coin), closed, profit) for coin, closed, profit in await connection.execute(query)]

        return await self._store.read(work)

    async def cycle(self, cycle_id: str) -> CycleRow | None:
        """One cycle, or None if there is none of that id."""
        query = select(*SHOWN).where(cycles.c.cycle_id == cycle_id)

        async def work(connection: AsyncConnection) -> CycleRow | None:
            row = (await connection.execute(query)).mappings().one_or_none()
            return None if row is None else _shown(row)

        return await self._store.read(work)

    async def coin_states(self) -> Mapping[Asset, CoinState]:
        """Each coin that ever had a cycle; the unique index on coin and number answers it.

        A cycle has no row before its first order has filled, but cash is reserved for it: that counts as open too.
        Otherwise its number would be given twice, should Temporal forget it in between.
        """
        last = select(cycles.c.coin, func.max(cycles.c.number).label("number")).group_by(cycles.c.coin).subquery()
        c = cycles.c
        query = select(c.coin, c.number, c.status, c.closed_ms, c.direction).join_from(
            last, cycles, (c.coin == last.c.coin) & (c.number == last.c.number)
        )
        reserved = select(reservations.c.cycle_id, reservations.c.venue).where(reservations.c.released_ms.is_(None))

        async def work(connection: AsyncConnection) -> Mapping[Asset, CoinState]:
            states = {
                Asset(coin): CoinState(
                    number,
                    open=not CycleStatus(status).terminal,
                    closed_ms=closed_ms,
                    direction=Direction(direction),
                )
                for coin, number, status, closed_ms, direction in await connection.execute(query)
            }
            for coin in await _refused_lately(connection):
                states[coin] = await _with_refusals(connection, coin, states.get(coin, NEVER_TRADED))
            for cycle_id, venue in await connection.execute(reserved):
                coin, number = _coin_and_number(cycle_id)
                state, out = states.get(coin, NEVER_TRADED), PAIR.way_from(Venue(venue))
                last = max(state.last_number, number)
                states[coin] = replace(state, last_number=last, open=True, closed_ms=None, direction=out)
            return states

        return await self._store.read(work)


async def _refused_lately(connection: AsyncConnection) -> Sequence[Asset]:
    """Coins that may still rest. The last end of a cycle stands for now, which is later."""
    c = cycles.c
    since = select(func.max(c.closed_ms) - LONGEST_REST_MS).scalar_subquery()
    query = select(c.refused_coin).where(c.refused_coin.is_not(None), c.closed_ms > since).distinct()
    return [Asset(coin) for coin in (await connection.scalars(query)).all()]


async def _with_refusals(connection: AsyncConnection, coin: Asset, state: CoinState) -> CoinState:
    """Those in a row: of cycles of the coin itself, and of those that it was to bring home, the latest first."""
    c = cycles.c
    shown = select(c.refused_coin, c.closed_ms, c.reason).where(c.closed_ms.is_not(None)).limit(REFUSALS_COUNTED)
    own = shown.where(c.coin == coin).order_by(c.number.desc())
    others = shown.where(c.refused_coin == coin, c.coin != coin).order_by(c.closed_ms.desc())
    ended = [*await connection.execute(own), *await connection.execute(others)]
    ended.sort(key=lambda row: row.closed_ms, reverse=True)
    refused = list(takewhile(lambda row: row.refused_coin == coin, ended))[:REFUSALS_COUNTED]
    if not refused:
        return state
    last = refused[0]
    return replace(state, refusals=len(refused), refused_ms=last.closed_ms, refusal=(last.reason or "").split("; ")[-1])


async def _take_over(connection: AsyncConnection, record: CycleRecord, row: Mapping[str, Any]) -> None:
    """The row changes hands, even of an ended cycle: an order of it may have surfaced afterwards.

    Where there was no row to take over there may be one by now: a record that the run before had still under way.
    """
    c, takes_over = cycles.c, record.takes_over
    if takes_over is None:
        return
    theirs = (
        c.workflow_run_id == takes_over.run_id if takes_over.run_id else c.workflow_run_id != record.workflow_run_id
    )
    hand_over = (
        update(cycles)
        .where(c.cycle_id == record.cycle_id, theirs)
        .values(
            {name: value for name, value in row.items() if name not in FIXED}
            | {"workflow_run_id": record.workflow_run_id}
        )
    )
    await connection.execute(hand_over)
    orders = order_intents.c
    taken = update(order_intents).where(orders.client_order_id.in_(takes_over.adopted)).values(adopted_ms=None)
    await connection.execute(taken)


def _coin_and_number(cycle_id: str) -> tuple[Asset, int]:
    """Raises BadMessage for an id that is not `<coin>-<n>`."""
    coin, _, number = cycle_id.rpartition("-")
    if not coin or not number.isdecimal():
        raise BadMessage(f"cycle id {cycle_id!r} is not <coin>-<n>")
    return Asset(coin), int(number)


def _row(record: CycleRecord) -> dict[str, Any]:
    coin, number = _coin_and_number(record.cycle_id)
    cash = record.spent or record.returned
    return {
        "cycle_id": record.cycle_id,
        "coin": coin,
        "number": number,
        "direction": record.direction,
        "status": record.status.value,
        "sequence": record.sequence,
        "waiting_reason": record.waiting_reason,
        "reason_kind": record.reason_kind and record.reason_kind[:LONGEST_KIND],
        "waiting_since_ms": record.waiting_since_ms,
        "next_check_ms": record.next_check_ms,
        "reason": record.reason,
        "refused_coin": record.refused_coin,
        "home_asset": cash.asset if cash else None,
        "spent": record.spent.amount if record.spent else None,
        "returned": record.returned.amount if record.returned else None,
        "route": record.route,
        "profit_krw": record.profit_krw,
        "expected_edge": record.expected_edge,
        "premium": record.premium,
        "settings_version": record.settings_version,
        "workflow_run_id": record.workflow_run_id,
        "started_ms": record.detected_at_ms,
        "updated_ms": record.at_ms,
        "closed_ms": record.at_ms if record.status.terminal else None,
    }


def _shown(row: RowMapping) -> CycleRow:
    return CycleRow(**{**row, "status": CycleStatus(row["status"])})
