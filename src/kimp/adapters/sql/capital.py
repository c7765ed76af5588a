"""Cash that is set aside for cycles, and the caps that are asked before any is.

`capital` holds per venue and cash what no cycle counts on: the opening balance and what ended cycles left, less what
open ones reserved. Only a cycle's admission and its end change it, so that cycles do not queue for its rows. What is
free of coins is kept alike (`kimp.adapters.sql.stock`), by whoever has locked these rows.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import takewhile
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.arming import armed_now
from kimp.adapters.sql.controls import LAST_RESUME, LATEST, LEVEL_NOW, level_of, raise_halt
from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.stock import add_stock, free_stock, let_stock_go, reserve_stock
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import capital, ledger_entries, ledger_postings, order_intents, reservations
from kimp.contracts.orders import Opening, OrderIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.arming import TradingMode
from kimp.domain.caps import LATCHES, Exposure, check_stock
from kimp.domain.decision import RiskState, check_reservation
from kimp.domain.durations import DAY_MS, MINUTE_MS
from kimp.domain.gates import Blocked
from kimp.domain.ledger import Entry, holder
from kimp.domain.money import ZERO, Asset, Money
from kimp.domain.venues import Venue
from kimp.ports.controls import Stakes

LOSSES_READ = 100


class SqlCapital:
    """The port `Capital`. Raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def stakes(self) -> Stakes:
        """What is free and what is at stake."""
        now = self._store.now

        async def work(connection: AsyncConnection) -> Stakes:
            free, exposure = await _free(connection), await exposure_of(connection, now)
            coins, armed = await free_stock(connection), await armed_now(connection, now)
            now_ms = (await connection.execute(select(now))).scalar_one()
            return Stakes(free, exposure, now_ms, coins, None if armed is None else armed[1])

        return await self._store.read(work)


async def admit(
    connection: AsyncConnection, intent: OrderIntent, mode: TradingMode, now: Instant, sale: OrderIntent | None = None
) -> Blocked | None:
    """Set the cycle's cash aside, within the caller's transaction, or say which gate forbids it.

    `sale`: the other order of a pair, whose coins are set aside as well; the cash of a later pair is the cycle's own.
    """
    opening = intent.opening
    if opening is None and sale is None:
        return None
    # Both rows, always in the same order: admissions follow one another, so that no cap is passed by two at once.
    free = await _free(connection, lock=True)
    if sale is not None:
        coins = (await free_stock(connection)).get((sale.venue, sale.coin))
        if (short := check_stock(coins, sale.quantity, sale.coin, sale.venue)) is not None:
            return short
    if opening is not None and (blocked := await _admit(connection, intent, opening, mode, free, now)):
        return blocked
    if sale is not None:
        await reserve_stock(connection, sale)
    return None


async def _admit(
    connection: AsyncConnection,
    intent: OrderIntent,
    opening: Opening,
    mode: TradingMode,
    free: Mapping[Venue, Money],
    now: Instant,
) -> Blocked | None:
    level = level_of((await connection.execute(select(LEVEL_NOW))).scalar_one())
    arm_id, armed = (await armed_now(connection, now) if mode.trades_armed else None) or (None, None)
    risk = RiskState(level, await exposure_of(connection, now), free, armed=armed)
    blocked = check_reservation(risk, opening.caps, mode, intent.venue, opening.stake_krw, opening.reserve)
    if blocked is None:
        await _reserve(connection, intent, opening, free[intent.venue], now, arm_id)
    elif blocked.gate in LATCHES:
        await raise_halt(connection, HaltLevel.NO_NEW_CYCLES, f"{blocked.gate}: {blocked.detail}", now)
    return blocked


async def reserve_again(
    connection: AsyncConnection, intent: OrderIntent, made_ms: Instant | int, sale: OrderIntent | None = None
) -> None:
    """Set aside what was set aside before, whatever caps and balances say. For orders that were just journalled, and
    so once for each pair; cash is set aside once for each cycle.
    """
    if intent.opening is None and sale is None:
        return
    free = await _free(connection, lock=True)
    query = select(reservations.c.released_ms).where(reservations.c.cycle_id == intent.cycle_id)
    made = (await connection.execute(query)).one_or_none()
    if made is None and intent.opening is not None:
        await _reserve(connection, intent, intent.opening, free.get(intent.venue), made_ms)
    ended = intent.opening is None if made is None else made.released_ms is not None
    if sale is not None and not ended:
        await reserve_stock(connection, sale)


async def _reserve(
    connection: AsyncConnection,
    intent: OrderIntent,
    opening: Opening,
    free: Money | None,
    made_ms: Instant | int,
    arm_id: int | None = None,
) -> None:
    """`free`: None where nobody has booked the venue's balance yet. `arm_id`: what let the cycle start, if needed."""
    if free is not None:
        await _set(connection, intent.venue, WIDE.subtract(free.amount, opening.reserve.amount))
    row = {
        "cycle_id": intent.cycle_id,
        "venue": intent.venue,
        "asset": opening.reserve.asset,
        "amount": opening.reserve.amount,
        "stake_krw": opening.stake_krw,
        "made_ms": made_ms,
        "made_under": LATEST,
        "armed_by": arm_id,
    }
    await connection.execute(insert(reservations).values(row))


async def release(connection: AsyncConnection, cycle_id: str, profit_krw: Decimal | None, now: Instant) -> None:
    """The cycle ended: what it left on either venue is free again. Repeating it changes nothing.

    Not while an order of it surfaced that its workflow knows nothing of: somebody has to undo that first.
    """
    r = reservations.c
    free = await _free(connection, lock=True)
    query = select(r.venue, r.amount).where(r.cycle_id == cycle_id, r.released_ms.is_(None))
    held = (await connection.execute(query)).one_or_none()
    if held is None or await _adopted(connection, cycle_id):
        return
    gained = await _gained(connection, cycle_id)
    for key, amount in (await let_stock_go(connection, cycle_id)).items():
        gained[key] = WIDE.add(gained.get(key, ZERO), amount)
    cash = Venue(held.venue), Venue(held.venue).cash
    gained[cash] = WIDE.add(gained.get(cash, ZERO), held.amount)
    await _add(connection, free, gained)
    place = (await connection.execute(select(func.coalesce(func.max(r.released_no), 0) + 1))).scalar_one()
    end = {
        "released_ms": now,
        "released_no": place,
        "released_under": LATEST,
        "result_krw": None if profit_krw is None else int(profit_krw),
    }
    if profit_krw is None:  # nothing was traded, so nothing was at stake
        end["stake_krw"] = 0
    await connection.execute(update(reservations).where(r.cycle_id == cycle_id).values(end))


async def _adopted(connection: AsyncConnection, cycle_id: str) -> bool:
    o = order_intents.c
    query = select(func.count()).where(o.cycle_id == cycle_id, o.adopted_ms.is_not(None))
    return bool((await connection.execute(query)).scalar_one())


async def reopen(connection: AsyncConnection, cycle_id: str) -> None:
    """An ended cycle turns out to hold something still: nobody else may count on what it left until that is settled."""
    r = reservations.c
    free = await _free(connection, lock=True)
    query = select(r.cycle_id).where(r.cycle_id == cycle_id, r.released_ms.is_not(None))
    if (await connection.execute(query)).one_or_none() is None:
        return
    gained = await _gained(connection, cycle_id)
    await _add(connection, free, {key: -amount for key, amount in gained.items()})
    again = {"released_ms": None, "released_no": None, "released_under": None, "result_krw": None, "amount": ZERO}
    await connection.execute(update(reservations).where(r.cycle_id == cycle_id).values(again))


async def take_in(connection: AsyncConnection, entries: Iterable[Entry]) -> None:
    """What came or went outside of any cycle is free, or gone, at once."""
    moved: dict[tuple[Venue, Asset], Decimal] = {}
    for entry in entries:
        for posting in entry.postings if entry.cycle_id is None else ():
            if isinstance(posting.account, Venue):
                key = posting.account, posting.asset
                moved[key] = WIDE.add(moved.get(key, ZERO), posting.amount)
    if moved:
        await _add(connection, await _free(connection, lock=True), moved)


async def lock_capital(connection: AsyncConnection) -> None:
    """Until the caller's transaction ends no cycle is admitted, and none is released."""
    await _free(connection, lock=True)


async def _free(connection: AsyncConnection, *, lock: bool = False) -> dict[Venue, Money]:
    query = select(capital.c.venue, capital.c.asset, capital.c.free).order_by(capital.c.venue)
    rows = await connection.execute(query.with_for_update() if lock else query)
    return {Venue(venue): Money(free, Asset(asset)) for venue, asset, free in rows}


async def _add(
    connection: AsyncConnection, free: Mapping[Venue, Money], moved: Mapping[tuple[Venue, Asset], Decimal]
) -> None:
    for (venue, asset), amount in moved.items():
        if asset != venue.cash:
            await add_stock(connection, {(venue, asset): amount})
        elif venue in free:
            await _set(connection, venue, WIDE.add(free[venue].amount, amount))
        else:
            row = {"venue": venue, "asset": venue.cash, "free": amount}
            await connection.execute(insert(capital), row)


async def _set(connection: AsyncConnection, venue: Venue, free: Decimal) -> None:
    await connection.execute(update(capital).where(capital.c.venue == venue).values(free=free))


async def _gained(connection: AsyncConnection, cycle_id: str) -> dict[tuple[Venue, Asset], Decimal]:
    """The cycle's net cash and coins on each venue."""
    p = ledger_postings.c
    query = (
        select(p.account, p.asset, p.amount)
        .join(ledger_entries, ledger_entries.c.entry_id == p.entry_id)
        .where(ledger_entries.c.cycle_id == cycle_id)
    )
    gained: dict[tuple[Venue, Asset], Decimal] = {}
    for account, asset, amount in await connection.execute(query):
        venue = holder(account)
        if isinstance(venue, Venue):
            gained[venue, Asset(asset)] = WIDE.add(gained.get((venue, Asset(asset)), ZERO), amount)
    return {key: amount for key, amount in gained.items() if amount != ZERO}


async def exposure_of(connection: AsyncConnection, now: Instant) -> Exposure:
    """What is at stake at this moment.

    Spans of time are the database's. What counts since the last resume goes by the order of what was written, so that
    no clock that was wrong when somebody resumed hides a loss.
    """
    r = reservations.c
    day_ms, since_resume = now - DAY_MS, r.released_under >= LAST_RESUME
    figures = select(
        _count(r.released_ms.is_(None)),
        _count(and_(r.made_ms > now - MINUTE_MS, r.made_under >= LAST_RESUME)),
        _sum(r.stake_krw, r.made_ms > day_ms),
        _sum(r.result_krw, and_(r.released_ms > day_ms, since_resume)),
        _sum(r.stake_krw, r.released_ms.is_(None)),
    )
    open_cycles, started, staked, result, at_stake = (await connection.execute(figures)).one()
    ended = (
        select(r.result_krw)
        .where(since_resume, r.result_krw.is_not(None))
        .order_by(r.released_no.desc())
        .limit(LOSSES_READ)
    )
    results = (await connection.execute(ended)).scalars()
    losses = sum(1 for _ in takewhile(lambda krw: krw < 0, results))
    return Exposure(open_cycles, started, int(staked), losses, -int(result), int(at_stake))


def _count(condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    return select(func.count()).select_from(reservations).where(condition).scalar_subquery()


def _sum(column: ColumnElement[Any], condition: ColumnElement[bool]) -> ScalarSelect[Any]:
    total = func.coalesce(func.sum(case((column.is_(None), 0), else_=column)), 0)
    return select(total).select_from(reservations).where(condition).scalar_subquery()
