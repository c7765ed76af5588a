"""For how long the sweep looks for what is in no book, and what a catch-up leaves waiting for its turn."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, cast

import pytest
from fakes import intents
from fakes.database_clock import DatabaseClock
from fakes.desk import Desk
from fakes.market import XRP, d
from fakes.telemetry import counted
from fakes.venue import FakeVenue

from activities.sweep import SweepActivities
from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SweepQuery
from kimp.domain.venues import Direction, Venue

HOUR, MINUTES = 3_600_000, 300_000
ASKED = 24 * HOUR
ORDER = intents.order()


@pytest.fixture
def clock() -> DatabaseClock:
    return DatabaseClock(ASKED)


@pytest.fixture
async def books(url: str, clock: DatabaseClock) -> AsyncIterator[SqlDatabase]:
    books = await clock.books(url)
    yield books
    await books.close()


async def ended(books: SqlDatabase, at_ms: int) -> None:
    record = CycleRecord(
        cycle_id=ORDER.cycle_id,
        workflow_run_id=ORDER.run_id,
        coin=XRP,
        direction=Direction.TO_UPBIT,
        status=CycleStatus.COMPENSATED,
        sequence=1,
        expected_edge=Decimal(0),
        premium=Decimal(0),
        detected_at_ms=ASKED,
        at_ms=at_ms,
    )
    await books.read_model.record(record)


@pytest.mark.parametrize(
    ("outcome", "ended_after_ms", "found_after_ms"),
    [
        (OrderOutcome.ABSENT, 0, HOUR),
        (OrderOutcome.ABSENT, HOUR, 2 * HOUR),
        (OrderOutcome.FILLED, 3 * HOUR, 4 * HOUR),
        (None, 3 * HOUR, 4 * HOUR),
        (OrderOutcome.UNFILLED, 0, MINUTES),
        (OrderOutcome.REJECTED, MINUTES, MINUTES),
    ],
)
async def test_an_order_that_surfaces_is_taken_in_for_so_long_after_it_was_asked_for_or_its_cycle_ended(
    books: SqlDatabase,
    clock: DatabaseClock,
    desk: Desk,
    outcome: OrderOutcome | None,
    ended_after_ms: int,
    found_after_ms: int,
) -> None:
    """A definite answer is believed after minutes, all else an hour after the last word of anybody."""
    await books.journal.ask_order(ORDER)
    if outcome is not None:
        await books.journal.close_order(ORDER, OrderReport(client_order_id=ORDER.client_order_id, outcome=outcome))
    await ended(books, ASKED + ended_after_ms)
    venue = FakeVenue(Venue.BINANCE, {XRP: (d("1.999"), d(2))})
    await venue.place_order(ORDER, send_by_ms=0)
    sweep = SweepActivities({Venue.BINANCE: venue}, books.unfinished_cycles, *cast(Any, (None, None, None)))

    clock.ms = ASKED + found_after_ms + 1
    assert (await desk.run(sweep.adopt_late_orders, SweepQuery())).adopted == ()
    clock.ms -= 1
    with counted("kimp.order.late", venue="binance"):
        assert (await desk.run(sweep.adopt_late_orders, SweepQuery())).adopted == (ORDER.client_order_id,)


async def test_a_withdrawal_is_looked_for_as_long(books: SqlDatabase, clock: DatabaseClock, desk: Desk) -> None:
    sent = intents.withdrawal()
    await books.journal.ask_withdrawal(sent)
    await ended(books, ASKED)
    sweep = SweepActivities({}, books.unfinished_cycles, *cast(Any, (None, None, None)))

    clock.ms = ASKED + HOUR + 1
    assert (await desk.run(sweep.adopt_late_orders, SweepQuery())).adopted == ()
    clock.ms -= 1
    assert (await desk.run(sweep.adopt_late_orders, SweepQuery())).adopted == (sent.transfer_id,)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_withdrawal_that_is_caught_up_holds_the_next_one_back_only_without_an_answer(
    books: SqlDatabase, *, answered: bool
) -> None:
    await books.catching_up.withdrawal(intents.withdrawal(), ASKED, answered=answered)
    again = await books.journal.ask_withdrawal(intents.withdrawal())
    assert again is not None
    assert not again.first, "it was sent before the database was restored"
    following = await books.journal.ask_withdrawal(intents.withdrawal(transfer_id="XRP-2-1W-1"))
    assert (following is not None) == answered
