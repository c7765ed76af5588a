"""What a person on call is told: counts and sums of what is open, per venue and coin."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.database_clock import DatabaseClock

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.ledger import Entry, withdrawal_entry
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue

XRP, TRX = Asset("XRP"), Asset("TRX")
BEGUN = 1_000_000
LATE_MS = 30_000
"""Whatever has no outcome by then is nobody's normal course."""


@pytest.fixture
def clock() -> DatabaseClock:
    return DatabaseClock(BEGUN)


@pytest.fixture
async def books(url: str, clock: DatabaseClock) -> AsyncIterator[SqlDatabase]:
    books = await clock.books(url)
    yield books
    await books.close()


async def unknown(books: SqlDatabase) -> dict[Venue, int]:
    return dict((await books.monitoring.snapshot()).unknown)


async def test_orders_and_withdrawals_without_an_outcome_are_counted_together_by_venue(
    books: SqlDatabase, clock: DatabaseClock
) -> None:
    for number, venue in enumerate((Venue.BINANCE, Venue.BINANCE, Venue.UPBIT), 1):
        await books.journal.ask_order(intents.order(client_order_id=f"XRP-1-1B{number}-1", venue=venue))
    await books.journal.ask_withdrawal(intents.withdrawal())
    assert await unknown(books) == {Venue.UPBIT: 0, Venue.BINANCE: 0}
    clock.ms += LATE_MS
    assert await unknown(books) == {Venue.UPBIT: 0, Venue.BINANCE: 0}
    clock.ms += 1
    assert await unknown(books) == {Venue.UPBIT: 1, Venue.BINANCE: 3}
    reported = OrderReport(client_order_id="XRP-1-1B1-1", outcome=OrderOutcome.UNFILLED)
    await books.journal.close_order(intents.order(), reported)
    assert await books.journal.claim_withdrawal("XRP-1-1W-1", Venue.BINANCE, "w-1", likely=False)
    assert await unknown(books) == {Venue.UPBIT: 1, Venue.BINANCE: 1}


def record(number: int, status: CycleStatus, *entries: Entry) -> CycleRecord:
    facts: dict[str, Any] = {
        "cycle_id": f"XRP-{number}", "workflow_run_id": f"run-{number}", "coin": XRP,
        "direction": Direction.TO_BINANCE, "status": status, "sequence": 1, "expected_edge": Decimal("0.01"),
        "premium": Decimal("0.01"), "detected_at_ms": 1, "at_ms": 1, "entries": entries,
    }  # fmt: skip
    return CycleRecord(**facts)


def sent(number: int, coin: Asset, coins: str) -> Entry:
    name = f"XRP-{number}-1W-1" if coin == XRP else f"XRP-{number}-HW-1"
    return withdrawal_entry(name, f"XRP-{number}", Venue.UPBIT, coin, Decimal(coins), Decimal(1))


async def test_what_travels_is_summed_by_coin_over_all_cycles_that_have_not_ended(books: SqlDatabase) -> None:
    assert (await books.monitoring.snapshot()).in_transit == {}
    await books.read_model.record(record(1, CycleStatus.STARTED, sent(1, XRP, "99.5"), sent(1, TRX, "7")))
    await books.read_model.record(record(2, CycleStatus.DEAD_LETTER, sent(2, XRP, "0.000000000000000001")))
    await books.read_model.record(record(3, CycleStatus.COMPENSATED, sent(3, XRP, "1000")))
    reported = (await books.monitoring.snapshot()).in_transit
    assert reported == {XRP: Decimal("99.500000000000000001"), TRX: Decimal(7)}


async def test_the_present_level_and_what_is_at_stake_are_told(books: SqlDatabase) -> None:
    assert (await books.monitoring.snapshot()).halt is HaltLevel.RUN
    await books.controls.set_halt_level(HaltLevel.ONLY_COMPENSATION, "odd", by="a test")
    reported = await books.monitoring.snapshot()
    assert (reported.halt, reported.exposure.open_cycles, reported.unexplained) == (HaltLevel.ONLY_COMPENSATION, 0, 0)
