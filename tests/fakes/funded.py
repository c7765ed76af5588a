"""A real database whose ledger begins with the lab's balances, a Temporal server of its own, cycles that are under way
on both, and what must hold in the end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from fakes.lab import TRX, Lab
from temporalio.client import Client

from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.temporal.devserver import DevServer
from kimp.bootstrap.temporal import history_converter
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.compensation import DUST_KRW, positions
from kimp.domain.errors import OutcomeUnknown
from kimp.domain.ledger import Held, holdings, opening_entry, unexplained_differences
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import PAIR, Venue

HAVE = {KRW: Decimal(100_000_000), USDT: Decimal(100_000)}


@asynccontextmanager
async def funded_books(url: str) -> AsyncIterator[SqlDatabase]:
    await migrate_schema(url)
    books = await connect_database(url)
    for venue in PAIR:
        await books.ledger.book([opening_entry(venue, {venue.cash: HAVE[Asset(venue.cash)]})])
    yield books
    await books.close()


def fund(lab: Lab) -> Lab:
    for venue, fake in lab.venues.items():
        fake.held[venue.cash] = HAVE[venue.cash]
    return lab


async def at_rest(books: SqlDatabase, *cycle_ids: str) -> None:
    """These cycles are over, what they held is home, and what is free is what the ledger holds."""
    assert await books.unfinished_cycles.unfinished() == []
    dust = {KRW: DUST_KRW}
    for cycle_id in cycle_ids:
        held = holdings(await books.ledger.entries(cycle_id))
        assert [str(p) for p in positions(held, Venue.BINANCE) if p.amount > dust.get(p.asset, Decimal("0.5"))] == []
    ledger = await books.ledger.balances()
    for venue, cash in (await books.capital.stakes()).free.items():
        assert cash.amount == ledger[venue, venue.cash]


async def equal(lab: Lab, books: SqlDatabase) -> None:
    """The ledger is what the venues hold, to the last digit."""
    held: Held = {
        (venue, asset): balance.free
        for venue, fake in lab.venues.items()
        for asset, balance in (await fake.balances()).items()
    }
    assert unexplained_differences(await books.ledger.balances(), held) == {}


async def connected(server: DevServer, **history: object) -> Client:
    """`history`: the `[history]` settings."""
    converter = history_converter(Settings.model_validate({"history": history}))
    return await Client.connect(server.address, namespace=server.namespace, data_converter=converter)


async def numbers(books: SqlDatabase) -> dict[Asset, tuple[int, bool]]:
    """What an initiator knows of each coin: its last number, and whether that cycle is open."""
    return {coin: (state.last_number, state.open) for coin, state in (await books.read_model.coin_states()).items()}


async def complete(lab: Lab, *, coin: Asset, number: int) -> None:
    handle = await lab.start(await lab.plan(coin=coin, number=number))
    assert (await handle.result()).status is CycleStatus.COMPLETED


async def two_under_way(lab: Lab, xrp: int) -> None:
    """XRP's cycle of that number, whose coins are on the way, and TRX's first, whose first order was executed and has
    no answer. Needs workers; `all_clear` lets both go on.
    """
    bid, ask = lab.upbit.prices[TRX]
    lab.upbit.prices[TRX] = (bid * 102 / 100, ask * 102 / 100)
    lab.upbit.credit_after = 10**6
    await lab.start(await lab.plan(number=xrp))
    await lab.records.until(lambda r: r.cycle_id == f"XRP-{xrp}" and any("W-1/out" in e.entry_id for e in r.entries))
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.binance.faults["find_order"] = deque(OutcomeUnknown("timeout", venue="binance") for _ in range(10**4))
    await lab.start(await lab.plan(coin=TRX))
    while lab.binance.sent[-1].coin != TRX:  # noqa: ASYNC110 - a worker's thread sends it
        await asyncio.sleep(0.02)


def all_clear(lab: Lab) -> None:
    lab.upbit.credit_after = 0
    lab.binance.faults.clear()
