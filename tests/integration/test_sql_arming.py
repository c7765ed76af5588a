"""Cycles that trade real money start while a person has armed that, up to his cap, and at no other time."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.database_clock import DatabaseClock

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.orders import Opening, OrderIntent, OrderPair
from kimp.domain.admission import HaltLevel
from kimp.domain.arming import TradingMode
from kimp.domain.gates import Blocked, Gate
from kimp.domain.ledger import opening_entry
from kimp.domain.market import Side
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Venue

XRP = Asset("XRP")
STAKE = 281_400


@pytest.fixture
def clock() -> DatabaseClock:
    return DatabaseClock()


@pytest.fixture
async def books(url: str, clock: DatabaseClock) -> AsyncIterator[SqlDatabase]:
    books = await clock.books(url, TradingMode.LIVE)
    await books.ledger.book([opening_entry(Venue.UPBIT, {KRW: Decimal(0), XRP: Decimal(1_000)})])
    await books.ledger.book([opening_entry(Venue.BINANCE, {USDT: Decimal(10_000)})])
    yield books
    await books.close()


def opens(number: int) -> OrderIntent:
    opening = Opening(reserve=Money(Decimal(201), USDT), stake_krw=STAKE, caps=WIDE)
    name = f"XRP-{number}"
    return intents.order(cycle_id=name, run_id=name, client_order_id=f"{name}-1B1-1", opening=opening)


async def start(books: SqlDatabase, number: int) -> Blocked | None:
    return (await books.journal.ask_order(opens(number))).refused


async def closed_by(books: SqlDatabase, number: int) -> Gate | None:
    refused = await start(books, number)
    return None if refused is None else refused.gate


async def test_nothing_starts_until_a_person_has_armed_it(books: SqlDatabase) -> None:
    assert await closed_by(books, 1) is Gate.NOT_ARMED
    assert await books.unfinished_cycles.unfinished() == [], "nothing is journalled or set aside"
    await books.arming.arm(1_000_000, 60, "a first cycle", by="ann")
    assert await start(books, 1) is None
    armed = (await books.capital.stakes()).armed
    assert armed is not None
    assert (armed.cap_krw, armed.by, armed.note, armed.cycles) == (1_000_000, "ann", "a first cycle", 1)


async def test_both_sides_at_once_ask_for_it_too(books: SqlDatabase) -> None:
    sale = opens(1).model_copy(
        update={"opening": None, "venue": Venue.UPBIT, "side": Side.SELL, "client_order_id": "XRP-1-1S1-1"}
    )
    pair = OrderPair(buy=opens(1), sell=sale)
    assert [permit.refused and permit.refused.gate for permit in await books.journal.ask_pair(pair)] == [
        Gate.NOT_ARMED,
        Gate.NOT_ARMED,
    ]
    await books.arming.arm(1_000_000, 60, "a first pair", by="ann")
    assert all(permit.first for permit in await books.journal.ask_pair(pair))


async def test_open_cycles_may_stake_no_more_than_it_says(books: SqlDatabase) -> None:
    await books.arming.arm(2 * STAKE, 60, "two at once", by="ann")
    assert [await closed_by(books, number) for number in (1, 2, 3)] == [None, None, Gate.ARMED_CAP]
    assert (await books.capital.stakes()).exposure.open_krw == 2 * STAKE


async def test_it_ends_by_its_time_and_what_is_open_comes_home(books: SqlDatabase, clock: DatabaseClock) -> None:
    await books.arming.arm(1_000_000, 60, "a moment", by="ann")
    clock.ms += 59_999
    assert await start(books, 1) is None
    clock.ms += 1
    assert await closed_by(books, 2) is Gate.NOT_ARMED
    sale = opens(1).model_copy(update={"opening": None, "client_order_id": "XRP-1-1S1-1", "side": Side.SELL})
    assert (await books.journal.ask_order(sale)).first, "an order of an open cycle is let through"


async def test_it_can_be_taken_back_and_given_anew(books: SqlDatabase) -> None:
    await books.arming.arm(1_000_000, 60, "go", by="ann")
    await books.arming.disarm("enough", by="bob")
    assert await books.arming.armed() is None
    assert await closed_by(books, 1) is Gate.NOT_ARMED
    await books.arming.arm(1_000_000, 60, "go on", by="ann")
    assert await start(books, 1) is None


@pytest.mark.parametrize("by_kimp", [True, False], ids=["a latch", "a person"])
async def test_any_halt_ends_it_for_good(books: SqlDatabase, *, by_kimp: bool) -> None:
    await books.arming.arm(1_000_000, 60, "go", by="ann")
    if by_kimp:
        await books.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, "losses")
    else:
        await books.controls.set_halt_level(HaltLevel.NO_NEW_CYCLES, "lunch", by="bob")
    await books.controls.set_halt_level(HaltLevel.RUN, "on", by="bob")
    assert await closed_by(books, 1) is Gate.NOT_ARMED, "whoever resumes has not said that real money may go on"


async def test_once_means_one_cycle_each_time(url: str, clock: DatabaseClock) -> None:
    books = await clock.books(url, TradingMode.ONCE)
    await books.ledger.book([opening_entry(Venue.BINANCE, {USDT: Decimal(10_000)})])
    for first in (1, 3):
        await books.arming.arm(1_000_000, 60, "one", by="ann")
        assert [await closed_by(books, number) for number in (first, first + 1)] == [None, Gate.NOT_ARMED]
    await books.close()
