"""Cash is set aside before a cycle's first order: many cycles at once never count on the same won twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.database_clock import DatabaseClock

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord, JournalQuery
from kimp.contracts.orders import Opening, OrderIntent, OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.caps import Caps
from kimp.domain.gates import Gate
from kimp.domain.ids import Leg, Step, UsedNumber
from kimp.domain.ledger import Entry, fill_entry, opening_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import PAIR, Direction, Venue

XRP = Asset("XRP")
HAVE = Decimal(10_000_000)
STAKE = 2_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def clock() -> DatabaseClock:
    return DatabaseClock()


@pytest.fixture
async def books(url: str, clock: DatabaseClock) -> AsyncIterator[SqlDatabase]:
    books = await clock.books(url)
    await books.ledger.book([opening_entry(Venue.UPBIT, {KRW: HAVE, XRP: Decimal(5)})])
    yield books
    await books.close()


def opening_order(number: int, caps: Caps = WIDE, venue: Venue = Venue.UPBIT) -> OrderIntent:
    return intents.order(
        cycle_id=f"XRP-{number}",
        run_id=f"run-{number}",
        client_order_id=f"XRP-{number}-1B1-1",
        venue=venue,
        quantity=Decimal(2_000),
        limit_price=Decimal(1_000),
        krw_per_cash=Decimal(1),
        opening=Opening(reserve=Money(Decimal(STAKE), venue.cash), stake_krw=STAKE, caps=caps),
    )


def ended(
    number: int, profit: Decimal | None, at_ms: int, entries: tuple[Entry, ...] = (), **changes: Any
) -> CycleRecord:
    facts: dict[str, Any] = {
        "cycle_id": f"XRP-{number}",
        "workflow_run_id": f"run-{number}",
        "coin": XRP,
        "direction": Direction.TO_BINANCE,
        "status": CycleStatus.REJECTED if profit is None else CycleStatus.COMPLETED,
        "sequence": 9,
        "profit_krw": profit,
        "expected_edge": Decimal("0.01"),
        "premium": Decimal("0.01"),
        "detected_at_ms": at_ms,
        "at_ms": at_ms,
        "entries": entries,
    }
    return CycleRecord(**{**facts, **changes})


def bought(number: int, coins: str, client_id: str | None = None) -> Entry:
    fill = Fill("t1", Decimal(1_000), Decimal(coins), Decimal(0), KRW)
    return fill_entry(client_id or f"XRP-{number}-1B1-1", f"XRP-{number}", Venue.UPBIT, XRP, Side.BUY, fill)


async def free(books: SqlDatabase) -> Decimal:
    return (await books.capital.stakes()).free[Venue.UPBIT].amount


async def admitted(books: SqlDatabase, number: int, caps: Caps = WIDE, venue: Venue = Venue.UPBIT) -> Gate | None:
    permit = await books.journal.ask_order(opening_order(number, caps, venue))
    assert permit.first == (permit.refused is None)
    return permit.refused.gate if permit.refused else None


async def test_what_was_there_at_first_is_free(books: SqlDatabase) -> None:
    assert await free(books) == HAVE


async def test_a_cycles_cash_is_set_aside_once_however_often_it_asks(books: SqlDatabase) -> None:
    assert await admitted(books, 1) is None
    again = await books.journal.ask_order(opening_order(1))
    assert (again.first, again.refused) == (False, None)
    assert await free(books) == HAVE - STAKE


async def test_a_cycle_that_there_is_no_cash_for_is_refused_and_leaves_no_trace(books: SqlDatabase) -> None:
    for number in range(5):
        assert await admitted(books, number) is None
    assert await admitted(books, 5) is Gate.CAPITAL
    assert await free(books) == 0
    await books.read_model.record(ended(0, Decimal(0), 2))
    assert await admitted(books, 5) is None, "the same id, once there is cash"


async def test_thirty_at_once_never_overcommit(books: SqlDatabase) -> None:
    gates = await asyncio.gather(*(admitted(books, number) for number in range(30)))
    assert gates.count(None) == 5
    assert gates.count(Gate.CAPITAL) == 25
    assert await free(books) == 0


async def test_a_venue_that_was_never_looked_at_has_no_capital(books: SqlDatabase) -> None:
    order = opening_order(1).model_copy(update={"venue": Venue.BINANCE})
    permit = await books.journal.ask_order(order)
    assert permit.refused is not None
    assert permit.refused.gate is Gate.CAPITAL


async def test_what_a_cycle_gained_is_free_once_it_ended_and_not_before(books: SqlDatabase) -> None:
    await admitted(books, 1)
    running = ended(1, Decimal(7), 2, (bought(1, "1500"),), status=CycleStatus.STARTED, sequence=1)
    await books.read_model.record(running)
    assert await free(books) == HAVE - STAKE
    sold = Fill("t2", Decimal(1_010), Decimal(1_500), Decimal(0), KRW)
    home = fill_entry("XRP-1-RS1-1", "XRP-1", Venue.UPBIT, XRP, Side.SELL, sold)
    last = ended(1, Decimal(15_000), 3, (home,))
    await books.read_model.record(last)
    assert await free(books) == HAVE + 15_000
    await books.read_model.record(last)
    assert await free(books) == HAVE + 15_000, "repeating the last record frees nothing twice"


@pytest.mark.parametrize(
    ("caps", "gate"),
    [
        ({"open_cycles": 2}, Gate.OPEN_CYCLES),
        ({"order_krw": Decimal(STAKE - 1)}, Gate.ORDER_CAP),
        ({"cycle_krw": Decimal(STAKE - 1)}, Gate.CYCLE_CAP),
        ({"day_krw": Decimal(3 * STAKE - 1)}, Gate.DAY_CAP),
    ],
)
async def test_each_cap_blocks_by_its_name_and_for_as_long_as_it_is_reached(
    books: SqlDatabase, caps: dict[str, Any], gate: Gate
) -> None:
    for number in range(2):
        assert await admitted(books, number) is None
    assert await admitted(books, 2, replace(WIDE, **caps)) is gate
    assert await books.controls.halt_level() is HaltLevel.RUN
    assert await admitted(books, 2) is None


async def test_a_rejected_cycle_staked_nothing(books: SqlDatabase) -> None:
    caps = replace(WIDE, day_krw=Decimal(STAKE))
    assert await admitted(books, 1, caps) is None
    assert await admitted(books, 2, caps) is Gate.DAY_CAP
    await books.read_model.record(ended(1, None, 2))
    assert await admitted(books, 2, caps) is None


async def test_what_was_staked_a_day_ago_does_not_count(books: SqlDatabase, clock: DatabaseClock) -> None:
    caps = replace(WIDE, day_krw=Decimal(STAKE))
    assert await admitted(books, 1, caps) is None
    await books.read_model.record(ended(1, Decimal(1), 2))
    clock.ms = DAY
    assert await admitted(books, 2, caps) is Gate.DAY_CAP
    clock.ms = DAY + 2
    assert await admitted(books, 2, caps) is None


async def latched(books: SqlDatabase, gate: Gate, caps: Caps) -> None:
    """Refused by the gate, then by the kill switch, until a person resumes."""
    assert await admitted(books, 90, caps) is gate
    assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES
    assert await admitted(books, 91, WIDE) is Gate.KILL_SWITCH
    await books.controls.set_halt_level(HaltLevel.RUN, "looked", by="a test")
    assert await admitted(books, 92, caps) is None


async def test_too_many_cycles_within_a_minute_halt_trading(books: SqlDatabase, clock: DatabaseClock) -> None:
    caps = replace(WIDE, cycles_per_minute=3)
    for number in range(3):
        assert await admitted(books, number, caps) is None
    clock.ms = 1_000
    await latched(books, Gate.CYCLE_RATE, caps)


async def test_the_same_number_within_two_minutes_does_not(books: SqlDatabase, clock: DatabaseClock) -> None:
    caps = replace(WIDE, cycles_per_minute=3)
    for number in range(3):
        assert await admitted(books, number, caps) is None
    clock.ms = MINUTE + 2
    assert await admitted(books, 3, caps) is None


async def lose(books: SqlDatabase, number: int, krw: str, at_ms: int = 10) -> None:
    await admitted(books, number)
    await books.read_model.record(ended(number, Decimal(krw), at_ms))


async def test_losses_in_a_row_halt_trading(books: SqlDatabase) -> None:
    for number, krw in enumerate(("-1", "5", "-1", "-1", "-1")):
        await lose(books, number, krw)
    await latched(books, Gate.LOSSES_IN_A_ROW, replace(WIDE, losses_in_a_row=3))


async def test_a_gain_between_losses_starts_the_count_anew(books: SqlDatabase) -> None:
    for number, krw in enumerate(("-1", "-1", "5", "-1", "-1")):
        await lose(books, number, krw)
    assert await admitted(books, 90, replace(WIDE, losses_in_a_row=3)) is None


async def test_a_days_loss_halts_trading(books: SqlDatabase) -> None:
    for number, krw in enumerate(("-600", "100", "-500")):
        await lose(books, number, krw)
    await latched(books, Gate.DAY_LOSS, replace(WIDE, day_loss_krw=Decimal(1_000)))


LATCHES = [
    (Gate.LOSSES_IN_A_ROW, replace(WIDE, losses_in_a_row=3)),
    (Gate.DAY_LOSS, replace(WIDE, day_loss_krw=Decimal(300))),
    (Gate.CYCLE_RATE, replace(WIDE, cycles_per_minute=3)),
]
STEPS = [0, 10 * MINUTE, -10 * MINUTE]


@pytest.mark.parametrize(("gate", "caps"), LATCHES)
@pytest.mark.parametrize("off_ms", STEPS)
async def test_the_clock_of_whoever_records_a_loss_changes_no_latch(
    books: SqlDatabase, clock: DatabaseClock, gate: Gate, caps: Caps, off_ms: int
) -> None:
    """Of a workflow or a worker: what they say when it was is for people to read."""
    clock.ms = DAY
    await books.controls.set_halt_level(HaltLevel.RUN, "looked", by="a test")
    for number in range(3):
        clock.ms += 1_000
        await lose(books, number, "-100", clock.ms + off_ms)
    await latched(books, gate, caps)


@pytest.mark.parametrize(("gate", "caps"), LATCHES[:2])
@pytest.mark.parametrize("off_ms", STEPS)
async def test_not_even_a_step_of_the_databases_own_clock_hides_a_loss_from_a_latch(
    books: SqlDatabase, clock: DatabaseClock, gate: Gate, caps: Caps, off_ms: int
) -> None:
    """A person resumed while it was wrong: what is lost afterwards counts, and what was lost before does not."""
    clock.ms = 2 * DAY
    for number in range(2):
        await lose(books, number, "-100")
    clock.ms += off_ms
    await books.controls.set_halt_level(HaltLevel.RUN, "looked", by="a test")
    clock.ms -= off_ms
    for number in range(2, 5):
        assert await admitted(books, 70 + number, caps) is None, "two lost before the resume, fewer than three since"
        await books.read_model.record(ended(70 + number, None, 10))
        clock.ms += 1_000
        await lose(books, number, "-100")
    await latched(books, gate, caps)


@pytest.mark.parametrize("venue", PAIR)
@pytest.mark.parametrize(
    ("caps", "loses", "gate"),
    [
        ({"open_cycles": 2}, False, Gate.OPEN_CYCLES),
        ({"day_krw": Decimal(3 * STAKE - 1)}, False, Gate.DAY_CAP),
        ({"cycles_per_minute": 2}, False, Gate.CYCLE_RATE),
        ({"losses_in_a_row": 2}, True, Gate.LOSSES_IN_A_ROW),
        ({"day_loss_krw": Decimal(200)}, True, Gate.DAY_LOSS),
    ],
)
async def test_cycles_of_both_directions_count_together(
    books: SqlDatabase, venue: Venue, caps: dict[str, Any], *, loses: bool, gate: Gate
) -> None:
    """Whichever of the two the next one takes."""
    await books.ledger.book([opening_entry(Venue.BINANCE, {USDT: HAVE})])
    for number, start in enumerate(PAIR):
        assert await admitted(books, number, replace(WIDE, **caps), start) is None
        if loses:
            await books.read_model.record(ended(number, Decimal(-100), 2))
    assert await admitted(books, 2, replace(WIDE, **caps), venue) is gate


async def test_a_cycle_that_waits_with_nothing_journalled_is_unfinished_too(books: SqlDatabase) -> None:
    """Its workflow may be gone: the row alone would keep its coin busy for ever."""
    waiting = ended(1, None, 3).model_copy(update={"status": CycleStatus.STARTED, "waiting_reason": "the database"})
    await books.read_model.record(waiting)
    assert await books.unfinished_cycles.unfinished() == ["XRP-1"]
    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    assert (found.direction, found.ended) == (waiting.direction, False)
    await books.read_model.record(ended(1, None, 4).model_copy(update={"sequence": waiting.sequence + 1}))
    assert await books.unfinished_cycles.unfinished() == []
    assert await books.unfinished_cycles.unfinished_cycle("XRP-1") is None


async def test_an_order_that_surfaces_late_makes_its_ended_cycle_unfinished_again(books: SqlDatabase) -> None:
    order = opening_order(1)
    await admitted(books, 1)
    absent = OrderReport(client_order_id=order.client_order_id, outcome=OrderOutcome.ABSENT)
    await books.journal.close_order(order, absent)
    await books.read_model.record(ended(1, None, 3))
    assert await books.unfinished_cycles.unfinished() == []
    (late,) = await books.unfinished_cycles.unbooked_orders(10**6, 0)
    assert late.client_order_id == order.client_order_id

    fill = Fill("t1", Decimal(1_000), Decimal(300), Decimal(0), KRW)
    report = OrderReport(client_order_id=order.client_order_id, outcome=OrderOutcome.FILLED, fills=(fill,))
    for _ in range(2):
        await books.unfinished_cycles.adopt(order, report, [bought(1, "300")])
    assert await free(books) == HAVE, "what the late order spent is neither free nor gone until it is undone"
    assert await books.unfinished_cycles.unfinished() == ["XRP-1"]
    assert await books.unfinished_cycles.unbooked_orders(10**6, 0) == []
    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    assert found.ended
    left = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-1", skip=0))
    assert (left.orders, left.entries) == ((), (bought(1, "300"),))
    assert found.takes_over.adopted == (order.client_order_id,)


async def test_a_reopened_cycle_frees_at_its_end_what_it_left_and_nothing_twice(books: SqlDatabase) -> None:
    """It ended once already, and what it had set aside was free since."""
    order = opening_order(1)
    await admitted(books, 1)
    await books.read_model.record(ended(1, Decimal(0), 2, (bought(1, "100", "XRP-1-1B2-1"),)))
    assert await free(books) == HAVE - 100_000
    report = OrderReport(client_order_id=order.client_order_id, outcome=OrderOutcome.FILLED)
    await books.unfinished_cycles.adopt(order, report, [bought(1, "300")])
    assert await free(books) == HAVE, "what it left is not to be counted on until it is settled"
    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    takes_over = found.takes_over.model_copy(update={"run_id": "run-1"})
    after: dict[str, Any] = {"workflow_run_id": "run-2", "takes_over": takes_over}
    await books.read_model.record(ended(1, None, 4, status=CycleStatus.COMPENSATING, sequence=10, **after))
    await books.read_model.record(ended(1, Decimal(-9), 5, status=CycleStatus.COMPENSATED, sequence=11, **after))
    assert await free(books) == HAVE - 400_000


async def test_a_cycle_is_not_finished_while_a_late_order_of_it_is_not_taken_care_of(books: SqlDatabase) -> None:
    order = opening_order(1)
    await admitted(books, 1)
    report = OrderReport(client_order_id=order.client_order_id, outcome=OrderOutcome.FILLED)
    await books.unfinished_cycles.adopt(order, report, [bought(1, "300")])
    await books.read_model.record(ended(1, Decimal(5), 3))
    assert await books.unfinished_cycles.unfinished() == ["XRP-1"]

    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    takes_over = found.takes_over.model_copy(update={"run_id": "run-1"})
    await books.read_model.record(
        ended(1, None, 4, status=CycleStatus.COMPENSATING, workflow_run_id="run-2", sequence=10, takes_over=takes_over)
    )
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert (row.status, row.closed_ms) == (CycleStatus.COMPENSATING, None), "the ended row is another run's, and open"
    await books.read_model.record(
        ended(1, Decimal(-9), 5, status=CycleStatus.COMPENSATED, workflow_run_id="run-2", sequence=11)
    )
    assert await books.unfinished_cycles.unfinished() == []


async def test_a_stranded_cycle_is_known_by_its_journal_alone(books: SqlDatabase, clock: DatabaseClock) -> None:
    """Its workflow was lost before the first record: there is no row."""
    clock.ms = 7
    await admitted(books, 1)
    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    assert (found.coin, found.direction, found.detected_at_ms, found.ended) == (XRP, Direction.TO_BINANCE, 7, False)
    assert found.takes_over.run_id == "run-1"
    left = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-2", skip=0))
    assert [order.client_order_id for order in left.orders] == ["XRP-1-1B1-1"]
    assert left.numbers == (UsedNumber(Leg.ONE, Step.BUY, 1),)


async def test_a_row_that_the_lost_run_still_wrote_changes_hands_too(books: SqlDatabase, clock: DatabaseClock) -> None:
    """Its activity went on while its workflow was terminated, and wrote the row after the sweep had looked."""
    clock.ms = 7
    await admitted(books, 1)
    found = await books.unfinished_cycles.unfinished_cycle("XRP-1")
    assert found is not None
    await books.read_model.record(ended(1, Decimal(1), 8, status=CycleStatus.STARTED, sequence=1))
    over = ended(1, None, 9, status=CycleStatus.COMPENSATING, workflow_run_id="run-2", sequence=1)
    await books.read_model.record(over.model_copy(update={"takes_over": found.takes_over}))
    await books.read_model.record(
        ended(1, Decimal(0), 10, status=CycleStatus.COMPENSATED, workflow_run_id="run-2", sequence=2)
    )
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert row.status is CycleStatus.COMPENSATED
    assert await books.unfinished_cycles.unfinished() == []
