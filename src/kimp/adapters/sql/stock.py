"""Coins that the venues hold for pairs of orders: what no cycle counts on, and what is set aside.

Kept like `capital`, and only by those who hold its rows' lock.
"""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.tables import stock, stock_reservations
from kimp.contracts.orders import OrderIntent
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue

Coins = Mapping[tuple[Venue, Asset], Decimal]


async def free_stock(connection: AsyncConnection) -> dict[tuple[Venue, Asset], Decimal]:
    """A coin that is missing was never there."""
    s = stock.c
    rows = await connection.execute(select(s.venue, s.coin, s.free))
    return {(Venue(venue), Asset(coin)): free for venue, coin, free in rows}


async def add_stock(connection: AsyncConnection, moved: Coins) -> None:
    s = stock.c
    for (venue, coin), amount in sorted(moved.items()):
        here = s.venue == venue, s.coin == coin
        free = (await connection.execute(select(s.free).where(*here))).scalar_one_or_none()
        if free is None:
            await connection.execute(insert(stock).values(venue=venue, coin=coin, free=amount))
        else:
            await connection.execute(update(stock).where(*here).values(free=WIDE.add(free, amount)))


async def reserve_stock(connection: AsyncConnection, sale: OrderIntent) -> None:
    """Set the coins aside that a pair sells. A cycle's further pair of the same coin adds to it."""
    await add_stock(connection, {(sale.venue, sale.coin): -sale.quantity})
    held = await reserved_stock(connection, sale.cycle_id)
    r = stock_reservations.c
    there = held.get((sale.venue, sale.coin))
    if there is None:
        row = {"cycle_id": sale.cycle_id, "venue": sale.venue, "coin": sale.coin, "amount": sale.quantity}
        await connection.execute(insert(stock_reservations).values(row))
    else:
        here = r.cycle_id == sale.cycle_id, r.venue == sale.venue, r.coin == sale.coin
        more = update(stock_reservations).where(*here).values(amount=WIDE.add(there, sale.quantity))
        await connection.execute(more)


async def reserved_stock(connection: AsyncConnection, cycle_id: str) -> dict[tuple[Venue, Asset], Decimal]:
    """What is set aside for a cycle that has not ended."""
    r = stock_reservations.c
    rows = await connection.execute(select(r.venue, r.coin, r.amount).where(r.cycle_id == cycle_id))
    return {(Venue(venue), Asset(coin)): amount for venue, coin, amount in rows}


async def let_stock_go(connection: AsyncConnection, cycle_id: str) -> dict[tuple[Venue, Asset], Decimal]:
    """What was set aside for the cycle, and is not any more: the caller adds it to what it gained or lost."""
    held = await reserved_stock(connection, cycle_id)
    if held:
        await connection.execute(delete(stock_reservations).where(stock_reservations.c.cycle_id == cycle_id))
    return {key: amount for key, amount in held.items() if amount != ZERO}
