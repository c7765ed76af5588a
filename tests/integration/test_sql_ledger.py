"""Each entry is booked once and sums are exact, to the last digit."""

import asyncio
import random
from collections import defaultdict
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.domain.errors import BadAmount
from kimp.domain.ledger import Account, Entry, Posting, opening_entry, withdrawal_entry
from kimp.domain.money import KRW, USDT, ZERO, Asset
from kimp.domain.venues import Venue

XRP = Asset("XRP")
AMOUNTS = st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, places=18, allow_nan=False, allow_infinity=False)
NUMBERS = count()


def moved(entry_id: str, amount: Decimal) -> Entry:
    return Entry(entry_id, "XRP-1", (Posting(Venue.UPBIT, XRP, -amount), Posting(Account.IN_TRANSIT, XRP, amount)))


async def test_an_empty_ledger_has_no_balances(books: SqlDatabase) -> None:
    assert await books.ledger.balances() == {}
    await books.ledger.book([])


async def test_an_entry_is_booked_once_and_left_as_it_is(books: SqlDatabase) -> None:
    await books.ledger.book([moved("a", Decimal("1.5")), moved("a", Decimal("1.5"))])
    await books.ledger.book([moved("a", Decimal(9)), moved("b", Decimal(2))])
    balances = await books.ledger.balances()
    assert balances == {(Venue.UPBIT, XRP): Decimal("-3.5"), (Account.IN_TRANSIT, XRP): Decimal("3.5")}


async def test_zero_balances_are_left_out(books: SqlDatabase) -> None:
    await books.ledger.book([opening_entry(Venue.UPBIT, {KRW: Decimal(1_000), USDT: ZERO})])
    await books.ledger.book([withdrawal_entry("t", "XRP-1", Venue.UPBIT, KRW, Decimal(990), Decimal(10))])
    assert await books.ledger.balances() == {
        (Account.EXTERNAL, KRW): Decimal(-1_000),
        (Account.IN_TRANSIT, KRW): Decimal(990),
        (Account.FEES, KRW): Decimal(10),
    }


async def test_an_amount_that_can_not_be_kept_books_nothing_at_all(books: SqlDatabase) -> None:
    with pytest.raises(BadAmount, match="18 decimal places"):
        await books.ledger.book([moved("a", Decimal(1)), moved("b", Decimal("1E-19"))])
    assert await books.ledger.balances() == {}


@given(st.lists(AMOUNTS, min_size=1, max_size=30))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sums_are_exact(books: SqlDatabase, amounts: list[Decimal]) -> None:
    asset = Asset(f"C{next(NUMBERS)}")
    entries = [
        Entry(
            f"{asset}/{n}",
            None,
            (Posting(Account.MARKET, asset, amount), Posting(Account.FEES, asset, amount.copy_negate())),
        )
        for n, amount in enumerate(amounts)
    ]
    await books.ledger.book(entries)
    expected: defaultdict[Account, Decimal] = defaultdict(lambda: ZERO)
    for amount in amounts:
        expected[Account.MARKET] = WIDE.add(expected[Account.MARKET], amount)
        expected[Account.FEES] = WIDE.subtract(expected[Account.FEES], amount)
    found = {account: total for (account, of), total in (await books.ledger.balances()).items() if of == asset}
    assert found == {account: total for account, total in expected.items() if total != ZERO}


async def test_many_at_once_book_each_entry_once(url: str, books: SqlDatabase) -> None:
    """In any order: the database sorts out who waits for whom, and repeats who must give way."""
    other = await connect_database(url)
    entries = [moved(f"e{n}", Decimal(1)) for n in range(12)]
    dice = random.Random(7)
    orders = [dice.sample(entries, len(entries)) for _ in range(12)]
    await asyncio.gather(
        *((books if n % 2 else other).ledger.book(entries) for n, entries in enumerate(orders)),
    )
    await other.close()
    assert await books.ledger.balances() == {
        (Venue.UPBIT, XRP): Decimal(-12),
        (Account.IN_TRANSIT, XRP): Decimal(12),
    }
