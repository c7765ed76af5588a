"""What was journalled and is in no book is looked for, whatever its outcome says, unless its workflow is to book it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.market import XRP
from sqlalchemy import select

from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.sql.tables import order_intents
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import Entry, fill_entry, withdrawal_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import USDT
from kimp.domain.venues import Direction, Venue

HOUR, MINUTES = 3_600_000, 300_000
ORDER = intents.order()
FILL = Fill("t1", Decimal(2), Decimal(100), Decimal(0), USDT)


async def cycle(books: SqlDatabase, status: CycleStatus, *entries: Entry) -> None:
    facts: dict[str, Any] = {"sequence": 1 + status.terminal, "detected_at_ms": 1, "entries": entries}
    now_ms = SystemClock().now_ms()
    await books.read_model.record(
        CycleRecord(
            cycle_id="XRP-1",
            workflow_run_id="run-1",
            coin=XRP,
            direction=Direction.TO_UPBIT,
            status=status,
            expected_edge=Decimal(0),
            premium=Decimal(0),
            at_ms=now_ms,
            **facts,
        )
    )


async def closed(books: SqlDatabase, *outcomes: OrderOutcome) -> None:
    """Journalled, and closed by one attempt after the other."""
    await books.journal.ask_order(ORDER)
    for outcome in outcomes:
        fills = (FILL,) if outcome is OrderOutcome.FILLED else ()
        report = OrderReport(client_order_id=ORDER.client_order_id, outcome=outcome, fills=fills)
        await books.journal.close_order(ORDER, report)


async def looked_for(books: SqlDatabase, within_ms: int = HOUR, sure_ms: int = MINUTES) -> list[str]:
    return [order.client_order_id for order in await books.unfinished_cycles.unbooked_orders(within_ms, sure_ms)]


@pytest.mark.parametrize("outcome", list(OrderOutcome))
async def test_an_order_of_an_ended_cycle_that_is_in_no_book_is_looked_for_whatever_its_outcome(
    books: SqlDatabase, outcome: OrderOutcome
) -> None:
    await closed(books, outcome)
    await cycle(books, CycleStatus.COMPLETED)
    assert await looked_for(books) == ["XRP-1-1B1-1"]
    sure = outcome not in {OrderOutcome.FILLED, OrderOutcome.ABSENT, OrderOutcome.FOREIGN}
    assert await looked_for(books, sure_ms=-1) == ([] if sure else ["XRP-1-1B1-1"]), "a definite no is believed sooner"


async def test_one_that_a_process_closed_as_filled_after_it_was_given_up_is_still_looked_for(
    books: SqlDatabase,
) -> None:
    """The workflow was told that it is absent, and the attempt that slept tells nobody."""
    await closed(books, OrderOutcome.ABSENT, OrderOutcome.FILLED)
    assert await looked_for(books) == ["XRP-1-1B1-1"], "before the cycle's first record"
    await cycle(books, CycleStatus.REJECTED)
    assert await looked_for(books) == ["XRP-1-1B1-1"]


async def test_one_that_was_never_closed_is_looked_for_once_its_cycle_has_ended(books: SqlDatabase) -> None:
    await closed(books)
    await cycle(books, CycleStatus.STARTED)
    assert await looked_for(books) == [], "its workflow is at it"
    await cycle(books, CycleStatus.COMPENSATED)
    assert await looked_for(books) == ["XRP-1-1B1-1"]


async def test_what_is_booked_is_not_looked_for(books: SqlDatabase) -> None:
    await closed(books, OrderOutcome.FILLED)
    await cycle(books, CycleStatus.STARTED)
    assert await looked_for(books) == [], "its workflow is about to book it"
    await cycle(books, CycleStatus.COMPLETED, fill_entry("XRP-1-1B1-1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, FILL))
    assert await looked_for(books) == []


async def test_what_was_handed_over_once_is_not_handed_over_again(books: SqlDatabase) -> None:
    """Should its fills be such as the database can't hold, a person has seen them by then."""
    await closed(books, OrderOutcome.ABSENT)
    await cycle(books, CycleStatus.COMPLETED)
    report = OrderReport(client_order_id=ORDER.client_order_id, outcome=OrderOutcome.FILLED, fills=(FILL,))
    await books.unfinished_cycles.adopt(ORDER, report, [])
    assert await looked_for(books) == []
    await books.journal.close_order(ORDER, report)
    assert await looked_for(books) == []


async def test_an_order_that_surfaced_is_written_down_as_far_as_it_filled(url: str, books: SqlDatabase) -> None:
    await closed(books, OrderOutcome.ABSENT)
    part = replace(FILL, quantity=Decimal(40))
    report = OrderReport(client_order_id=ORDER.client_order_id, outcome=OrderOutcome.FILLED, fills=(part,))
    await books.unfinished_cycles.adopt(ORDER, report, [])
    engine = create_engine(url)
    async with engine.connect() as connection:
        row = (await connection.execute(select(order_intents))).one()
    await engine.dispose()
    assert (row.outcome, row.filled_quantity, row.filled_funds) == ("filled", 40, 80)


async def test_a_withdrawal_that_is_in_no_book_makes_its_ended_cycle_unfinished_again(books: SqlDatabase) -> None:
    sent = intents.withdrawal()
    await books.journal.ask_withdrawal(sent)
    await cycle(books, CycleStatus.STARTED)
    assert await books.unfinished_cycles.reopen_for_withdrawals(HOUR) == [], "its workflow is at it"
    await cycle(books, CycleStatus.COMPENSATED)
    assert await books.unfinished_cycles.reopen_for_withdrawals(HOUR) == [sent.transfer_id]


async def test_a_withdrawal_that_is_booked_or_left_nothing_leaves_its_cycle_ended(books: SqlDatabase) -> None:
    first, second = (intents.withdrawal(transfer_id=f"XRP-1-1W-{n}") for n in (1, 2))
    await books.journal.ask_withdrawal(first)
    await books.journal.claim_withdrawal(first.transfer_id, "binance", "w1", likely=False)
    await books.journal.ask_withdrawal(second)
    await books.journal.refuse_withdrawal(second.transfer_id, "the wallet is closed")
    out = withdrawal_entry(first.transfer_id, "XRP-1", Venue.BINANCE, XRP, Decimal(99), Decimal(1))
    await cycle(books, CycleStatus.COMPENSATED, out)
    assert await books.unfinished_cycles.reopen_for_withdrawals(HOUR) == []


async def test_a_withdrawal_that_the_venue_took_and_did_not_send_leaves_its_cycle_ended(books: SqlDatabase) -> None:
    """Or each sweep would hand the cycle over once more."""
    failed = intents.withdrawal()
    await books.journal.ask_withdrawal(failed)
    await books.journal.claim_withdrawal(failed.transfer_id, "binance", "w1", likely=False)
    await cycle(books, CycleStatus.COMPENSATED)
    assert await books.unfinished_cycles.reopen_for_withdrawals(HOUR) == [failed.transfer_id]
    await books.journal.fail_withdrawal(failed.transfer_id, "not sent: CANCELLED")
    assert await books.unfinished_cycles.reopen_for_withdrawals(HOUR) == []


async def test_a_catch_up_that_is_repeated_goes_by_the_mark_of_the_first(books: SqlDatabase) -> None:
    """Whatever it, or kimp beside it, has written since."""
    await cycle(books, CycleStatus.STARTED)
    marked = await books.catching_up.restore_point_ms()
    assert marked > 0
    await books.catching_up.order(ORDER, None)
    await cycle(books, CycleStatus.COMPLETED)
    assert await books.catching_up.restore_point_ms() == marked
    await books.catching_up.done()
    assert await books.catching_up.restore_point_ms() > marked, "another restore"


async def test_a_mark_is_in_the_database_and_not_in_the_process(url: str, books: SqlDatabase) -> None:
    await migrate_schema(url)
    marked = await books.catching_up.restore_point_ms()
    await closed(books)
    another = await connect_database(url)
    assert await another.catching_up.restore_point_ms() == marked == 0
    await another.close()
