"""A cycle whose workflow is gone is found, taken over and brought home: nothing is lost, nothing is traded twice."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.funded import HAVE, at_rest, fund
from fakes.lab import XRP, Handle, Lab, hurrying
from fakes.pairs import at_once, stock
from temporalio.client import Client, WorkflowHandle

from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.adapters.sql.migrating import migrate_schema
from kimp.contracts.cycle import CycleRecord, CycleResult, CycleTerms, StrandedInput, TakeOver
from kimp.contracts.operators import OperatorRequest, WriteOff
from kimp.contracts.queues import TaskQueue
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_DIRECTION, KIMP_STATUS
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SweepReport
from kimp.contracts.transfers import Address
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import OutcomeUnknown, Rejected
from kimp.domain.ids import workflow_id
from kimp.domain.ledger import fill_entry, holdings, opening_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW
from kimp.domain.venues import Venue
from kimp.observability.logs import CycleContextFilter
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle

ANN = OperatorRequest(by="ann", note="terminated by mistake")


@pytest.fixture
async def lab(temporal_client: Client, books: SqlDatabase) -> Lab:
    return fund(Lab(temporal_client, books=books))


async def balanced(lab: Lab, books: SqlDatabase) -> None:
    """All is home, and what is free is what the ledger holds."""
    await at_rest(books, "XRP-1")
    sales = [i for v in lab.venues.values() for i in v.sent if i.side is Side.SELL]
    assert len({i.client_order_id for i in sales}) == len(sales)


async def bought(lab: Lab) -> None:
    """Nothing leaves, so the cycle stands after its first order."""
    lab.binance.wallets_open = False


async def on_the_way(lab: Lab) -> None:
    lab.upbit.credit_after = 10**6


async def order_without_answer(lab: Lab) -> None:
    """Executed, but no look-up is answered either: the fills are in no book yet."""
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.binance.faults["find_order"] = deque(OutcomeUnknown("timeout", venue="binance") for _ in range(3))


async def withdrawal_without_answer(lab: Lab) -> None:
    lab.binance.after["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])


async def _until_sent(lab: Lab, handle: Handle) -> None:
    while not lab.binance.sent:
        await handle.describe()


SCENES: tuple[Callable[[Lab], Awaitable[None]], ...] = (
    bought,
    on_the_way,
    order_without_answer,
    withdrawal_without_answer,
)


@pytest.mark.parametrize("scene", SCENES)
async def test_a_terminated_cycle_is_parked_and_comes_home_when_a_person_says_so(
    lab: Lab, books: SqlDatabase, scene: Callable[[Lab], Awaitable[None]]
) -> None:
    cycle = await lab.plan()
    await scene(lab)
    async with lab.workers():
        handle = await lab.start(cycle)
        await _until_sent(lab, handle)
        if scene is on_the_way or scene is withdrawal_without_answer:
            while not lab.binance.withdrawals:
                await handle.describe()
        await handle.terminate("a click in the Web UI")
        lab.upbit.credit_after = 0
        lab.binance.wallets_open = True
        assert await lab.sweep() == SweepReport(adopted=(), taken_over=("XRP-1",))
        assert (await lab.sweep()).taken_over == (), "it has a workflow again"
        await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        row = await books.read_model.cycle("XRP-1")
        assert row is not None
        assert (row.status, row.reason) == (CycleStatus.DEAD_LETTER, "its workflow is terminated")
        stranded = lab.taken_over()
        attributes = (await stranded.describe()).typed_search_attributes
        assert (attributes[KIMP_COIN], attributes[KIMP_DIRECTION], attributes[KIMP_STATUS]) == (
            XRP, cycle.direction, CycleStatus.DEAD_LETTER.value,
        ), "it is found like any other"  # fmt: skip
        await stranded.execute_update(StrandedCycle.compensate, ANN)
        result: CycleResult = await stranded.result()
    assert result.status is CycleStatus.COMPENSATED
    assert result.spent is not None
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert row.status is CycleStatus.COMPENSATED
    assert len([i for i in lab.binance.sent if i.side is Side.BUY and i.coin == XRP]) == 1
    await balanced(lab, books)


async def cash_abroad(lab: Lab, handle: Handle) -> None:
    """No way home is known, so that the cash of the sale stays where it is."""
    await lab.seen(handle, lambda state: state.waiting_reason is not None)


async def cash_on_its_way(lab: Lab, handle: Handle) -> None:
    await lab.records.until(lambda record: any("HW-1/out" in entry.entry_id for entry in record.entries))


@pytest.mark.parametrize("scene", [cash_abroad, cash_on_its_way])
async def test_coins_that_were_sold_of_the_stock_are_sent_back_by_whoever_takes_the_cycle_over(
    lab: Lab, books: SqlDatabase, scene: Callable[[Lab, Handle], Awaitable[None]]
) -> None:
    """Bought back where they were sold, they would cost cash that the cycle does not have there."""
    await stock(lab)
    cycle = await at_once(lab)
    lab.quotes_flow = scene is not cash_abroad
    lab.binance.credit_after = 10**6
    async with lab.workers():
        handle = await lab.start(cycle)
        await scene(lab, handle)
        await handle.terminate("a click in the Web UI")
        lab.quotes_flow, lab.binance.credit_after = True, 0
        assert (await lab.sweep()).taken_over == ("XRP-1",)
        stranded = lab.taken_over()
        await _parked(stranded)
        await stranded.execute_update(StrandedCycle.compensate, ANN)
        result = await stranded.result()
    assert result.status is CycleStatus.COMPENSATED
    assert [(i.side, i.coin) for i in lab.upbit.sent if i.coin == XRP] == [(Side.SELL, XRP)], "nothing is bought back"
    assert [(i.side, i.coin) for i in lab.binance.sent if i.coin == XRP] == [(Side.BUY, XRP)]
    held = holdings(await books.ledger.entries("XRP-1"))
    assert all(abs(held.get((venue, XRP), Decimal(0))) < Decimal("0.02") for venue in lab.venues)
    await balanced(lab, books)


async def test_a_cycle_that_was_terminated_before_anything_happened_ends_rejected(lab: Lab, books: SqlDatabase) -> None:
    """Its order was journalled and never sent: the venue does not know it after the fence."""
    cycle = await lab.plan()
    handle = await lab.start(cycle)
    await handle.terminate("too early")
    async with lab.workers():
        assert (await lab.sweep()).taken_over == ()
    assert await books.unfinished_cycles.unfinished() == [], "no reservation was made yet"


async def test_a_coin_whose_balance_cannot_be_read_is_unknown_and_the_others_are_compared(
    lab: Lab, books: SqlDatabase
) -> None:
    """It is neither equal nor gone: nothing of it is booked, until the venue tells it again."""
    async with lab.workers():
        lab.binance.unreadable = {XRP}
        lab.upbit.held[KRW] += 5_000
        report = await lab.sweep()
        assert (report.unexplained, report.unknown) == (("+5000 KRW on upbit",), ("XRP on binance",))
        lab.binance.unreadable = set()
        report = await lab.sweep()
        assert (report.unexplained, report.unknown) == ((), ())


async def test_what_the_ledger_cannot_explain_is_booked_and_much_of_it_halts(lab: Lab, books: SqlDatabase) -> None:
    async with lab.workers():
        assert (await lab.sweep()).unexplained == ()
        lab.upbit.held[KRW] += 5_000
        assert (await lab.sweep()).unexplained == ("+5000 KRW on upbit",)
        assert await books.controls.halt_level() is HaltLevel.RUN
        assert (await books.capital.stakes()).free[Venue.UPBIT].amount == HAVE[KRW] + 5_000, "it may be staked"
        lab.binance.held[XRP] += 100
        assert (await lab.sweep()).unexplained == ("+100 XRP on binance",)
        assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES
        assert (await lab.sweep()).unexplained == (), "told once"


async def test_balances_are_not_compared_before_each_account_was_looked_at(
    temporal_client: Client, new_database: Callable[[], str]
) -> None:
    """A sweep may come before the opening balances could be read: what is there was not brought by anybody."""
    url = new_database()
    await migrate_schema(url)
    books = await connect_database(url)
    lab = Lab(temporal_client, books=books)
    async with lab.workers():
        for venue, fake in lab.venues.items():
            fake.held[venue.cash] = HAVE[venue.cash]
            assert (await lab.sweep()).unexplained == ()
            await books.ledger.book([opening_entry(venue, {venue.cash: HAVE[venue.cash]})])
        assert (await lab.sweep()).unexplained == ()
    assert await books.controls.halt_level() is HaltLevel.RUN
    await books.close()


async def test_balances_are_not_compared_while_a_cycle_runs(lab: Lab, books: SqlDatabase) -> None:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        lab.upbit.held[KRW] += 5_000
        assert (await lab.sweep()).unexplained == ()
        await handle.cancel()
        await handle.result()
        assert (await lab.sweep()).unexplained == ("+5000 KRW on upbit",)
    assert await books.controls.halt_level() is HaltLevel.RUN


async def test_what_is_written_off_after_a_takeover_is_booked_beside_what_was_before(
    lab: Lab, books: SqlDatabase
) -> None:
    """By a number of its own: booked under the first one's it would count as booked, and be traded."""
    lost = WriteOff(by="ann", note="stolen", account=Venue.BINANCE, asset=XRP, amount=Decimal(10))
    lab.binance.faults["withdraw"] = deque(Rejected("not this coin", venue="binance", code="-1") for _ in range(3))
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await _until_sent(lab, handle)
        lab.binance.faults["place_order"] = deque(Rejected("no", venue="binance", code="-1") for _ in range(5))
        async with hurrying(handle):
            await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        await books.controls.set_halt_level(HaltLevel.NOTHING_LEAVES, "first things first", by="a test")
        await handle.execute_update(ArbitrageCycle.write_off, lost)
        await handle.terminate("a click in the Web UI")
        assert (await lab.sweep()).taken_over == ("XRP-1",)
        await books.controls.set_halt_level(HaltLevel.RUN, "go on", by="a test")
        stranded = lab.taken_over()
        await _parked(stranded)
        await stranded.execute_update(StrandedCycle.write_off, lost)
        result: CycleResult = await stranded.result()
    assert result.status is CycleStatus.COMPENSATED
    entries = [entry.entry_id for entry in await books.ledger.entries("XRP-1")]
    assert [name for name in entries if "/write-off/" in name] == ["XRP-1/write-off/1", "XRP-1/write-off/2"]
    bought, sold = (sum(i.quantity for i in lab.binance.sent if i.side is side) for side in (Side.BUY, Side.SELL))
    assert bought - sold > 2 * lost.amount


async def _parked(stranded: WorkflowHandle[StrandedCycle, CycleResult]) -> None:
    while (await stranded.query(StrandedCycle.state)).status != CycleStatus.DEAD_LETTER:  # noqa: ASYNC110 - a worker decides
        await asyncio.sleep(0.05)


async def test_a_withdrawal_that_can_not_be_looked_up_hides_none_of_the_others(lab: Lab, books: SqlDatabase) -> None:
    """Looking the first one up is refused, so a person gives it up; the second has left, and must not be sent again."""
    gone = "the run that is gone"
    fill = Fill("t1", Decimal("2.29"), Decimal(200), Decimal(0), XRP)
    entry = fill_entry("XRP-1-1B1-1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, fill)
    to = Address(network=XRP, address="upbit-XRP")
    lost, left = (intents.withdrawal(transfer_id=f"XRP-1-1W-{n}", run_id=gone, address=to) for n in (1, 2))
    plan = await lab.plan()
    row = plan.model_dump(include=set(CycleRecord.model_fields) & set(CycleTerms.model_fields))
    began: dict[str, Any] = {"status": CycleStatus.INITIAL_TRADE_COMPLETED, "sequence": 1, "at_ms": 1}
    await books.read_model.record(CycleRecord(**row, **began, workflow_run_id=gone, entries=(entry,)))
    await books.journal.ask_withdrawal(left)
    await books.journal.claim_withdrawal(left.transfer_id, Venue.BINANCE, f"w-{left.transfer_id}", likely=False)
    await books.journal.ask_withdrawal(lost)
    await lab.binance.withdraw(left, send_by_ms=1)
    lab.binance.faults["withdrawals_since"] = deque([Rejected("not from this address", venue="binance", code="-2015")])
    stranded = StrandedInput(
        **plan.model_dump(include=set(CycleTerms.model_fields)),
        why="its workflow is gone",
        parked=False,
        takes_over=TakeOver(run_id=gone, sequence=1, adopted=()),
    )
    async with lab.workers():
        handle = await lab.client.start_workflow(
            StrandedCycle.run, stranded, id=workflow_id("XRP-1"), task_queue=TaskQueue.CYCLES
        )
        await _parked(handle)
        await handle.execute_update(StrandedCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert result.profit_krw is not None, "what was traded has a result, which the caps on losses count"
    assert list(lab.binance.withdrawals) == ["w-XRP-1-1W-2"]
    assert "XRP-1-1W-2/in" in [entry.entry_id for entry in lab.records.entries]
    sold = sum(i.quantity for venue in lab.venues.values() for i in venue.sent if (i.side, i.coin) == (Side.SELL, XRP))
    assert Decimal(199) < sold <= Decimal(200)


async def test_a_sale_that_surfaces_after_its_fence_is_bought_back(lab: Lab, books: SqlDatabase) -> None:
    """The cycle sold again meanwhile: the second time coins that others count on."""
    lab.upbit.hides_orders = True
    lab.upbit.after["place_order"] = deque([OutcomeUnknown("timeout", venue="upbit")])
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await handle.result()
        lab.upbit.hides_orders = False
        assert (await lab.sweep()).adopted == ("XRP-1-1S1-1",)
        end: CycleResult = await lab.taken_over().result()
        assert (await lab.sweep()).unexplained == ()
    assert end.status is CycleStatus.COMPENSATED
    held = holdings(await books.ledger.entries("XRP-1"))
    assert [key for key, amount in held.items() if amount < 0 and key[1] == XRP] == []
    assert [i.client_order_id for i in lab.upbit.sent if i.coin == XRP][-1].startswith("XRP-1-R")
    await balanced(lab, books)


async def test_an_order_that_surfaces_after_its_fence_is_adopted_and_undone(
    lab: Lab, books: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(CycleContextFilter("test"))
    lab.binance.hides_orders = True
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        result = await handle.result()
        assert result.status is CycleStatus.REJECTED
        assert await lab.sweep() == SweepReport(adopted=(), taken_over=())
        lab.binance.hides_orders = False
        swept = await lab.sweep()
        assert swept == SweepReport(adopted=("XRP-1-1B1-1",), taken_over=("XRP-1",))
        end: CycleResult = await lab.taken_over().result()
        assert await lab.sweep() == SweepReport(adopted=(), taken_over=())
    assert end.status is CycleStatus.COMPENSATED
    assert end.reason == "an order surfaced after its fence"
    assert await books.controls.halt_level() is HaltLevel.RUN
    assert [(i.side, i.client_order_id) for i in lab.binance.sent] == [
        (Side.BUY, "XRP-1-1B1-1"),
        (Side.SELL, "XRP-1-RS1-1"),
    ]
    await balanced(lab, books)
    (reported,) = [record for record in caplog.records if "surfaced after its fence" in record.getMessage()]
    whose: dict[str, str] = reported.kimp  # type: ignore[attr-defined]  # the filter adds it
    assert (whose["cycle_id"], whose["step"], whose["venue"]) == ("XRP-1", "1B", "binance")
