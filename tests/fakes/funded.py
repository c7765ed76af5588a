"""A real database whose ledger begins with the lab's balances, and what must hold of both in the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from fakes.lab import Lab

from kimp.adapters.sql.books import SqlBooks, open_books
from kimp.adapters.sql.schema import migrate
from kimp.domain.compensation import DUST_KRW, positions
from kimp.domain.ledger import Account, holdings, opening_entry, unexplained
from kimp.domain.market import Venue
from kimp.domain.money import KRW, USDT, Asset

HAVE = {KRW: Decimal(100_000_000), USDT: Decimal(100_000)}


@asynccontextmanager
async def funded_books(url: str) -> AsyncIterator[SqlBooks]:
    await migrate(url)
    books = await open_books(url)
    for venue in Venue:
        await books.ledger.book([opening_entry(venue, {venue.cash: HAVE[Asset(venue.cash)]})])
    yield books
    await books.close()


def fund(lab: Lab) -> Lab:
    for venue, fake in lab.venues.items():
        fake.held[venue.cash] = HAVE[venue.cash]
    return lab


async def at_rest(books: SqlBooks, *cycle_ids: str) -> None:
    """These cycles are over, what they held is home, and what is free is what the ledger holds."""
    assert await books.strandings.unfinished() == []
    dust = {KRW: DUST_KRW}
    for cycle_id in cycle_ids:
        held = holdings(await books.ledger.entries(cycle_id))
        assert [str(p) for p in positions(held, Venue.BINANCE) if p.amount > dust.get(p.asset, Decimal("0.5"))] == []
    ledger = await books.ledger.balances()
    for venue, cash in (await books.capital.stakes(1)).free.items():
        assert cash.amount == ledger[Account(venue.value), venue.cash]


async def equal(lab: Lab, books: SqlBooks) -> None:
    """The ledger is what the venues hold, to the last digit."""
    held = {
        (Account(venue.value), asset): balance.free
        for venue, fake in lab.venues.items()
        for asset, balance in (await fake.balances()).items()
    }
    assert unexplained(await books.ledger.balances(), held) == {}
