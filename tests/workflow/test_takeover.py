"""Who has a cycle, and what a person sees of it where the database can't hold what happened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.funded import fund
from fakes.lab import XRP, Handle, Lab
from fakes.venue import FakeVenue
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord, CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.orders import OrderIntent
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import Superseded
from kimp.domain.market import Fill
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.ports.journal import UnfinishedCycle
from kimp.ports.read_model import CycleRow
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle

ANN = OperatorRequest(by="ann", note="looked at it")


@pytest.fixture
async def lab(temporal_client: Client, books: SqlDatabase) -> AsyncIterator[Lab]:
    yield fund(Lab(temporal_client, books=books))
    with suppress(RPCError):
        await temporal_client.get_workflow_handle("cycle-XRP-1").terminate("the test is over")


async def row_of(books: SqlDatabase) -> CycleRow:
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    return row


async def _waits_for_its_turn(lab: Lab, handle: Handle) -> None:
    while True:
        pending = (await handle.describe()).raw_description.pending_activities
        if any(one.activity_type.name == "withdraw" and one.HasField("last_started_time") for one in pending):
            return
        await asyncio.sleep(0.05)


async def test_a_withdrawal_that_waited_for_its_turn_is_not_sent_once_its_cycle_was_taken_over(
    lab: Lab, books: SqlDatabase
) -> None:
    """Its workflow was terminated; the attempt lives on until a heartbeat tells it so, and then gets its turn."""
    other = intents.withdrawal(cycle_id="TRX-1", run_id="run-t", transfer_id="TRX-1-HW-1", coin=XRP)
    await books.journal.ask_withdrawal(other)
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await _waits_for_its_turn(lab, handle)
        await handle.terminate("a click in the Web UI")
        assert (await lab.sweep()).taken_over == ("XRP-1",)
        await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        await books.journal.claim_withdrawal("TRX-1-HW-1", "binance", "w-other", likely=False)
        await asyncio.sleep(1.5)  # its turn comes once a second
        assert not lab.binance.withdrawals
        stranded = lab.taken_over()
        await stranded.execute_update(StrandedCycle.compensate, ANN)
        assert (await stranded.result()).status is CycleStatus.COMPENSATED
        assert (await lab.sweep()).unexplained == ()
    assert not lab.binance.withdrawals


class OddFee(FakeVenue):
    """A share of a fee has more decimal places than a column keeps."""

    def _fill(self, intent: OrderIntent, price: Decimal, quantity: Decimal) -> Fill:
        return replace(super()._fill(intent, price, quantity), fee=Decimal("1E-19"))


@pytest.fixture
def odd(lab: Lab) -> Lab:
    lab.binance = OddFee(Venue.BINANCE, lab.binance.prices)
    return fund(lab)


async def test_a_fill_that_the_database_can_not_hold_parks_its_cycle_and_is_in_plain_sight(
    odd: Lab, books: SqlDatabase
) -> None:
    async with odd.workers():
        handle = await odd.start(await odd.plan())
        await odd.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        row = await row_of(books)
        assert row.status is CycleStatus.DEAD_LETTER
        assert row.reason is not None
        assert "18 decimal places" in row.reason
        assert "not booked: XRP-1-1B1-1" in row.reason
        assert "-0.0000000000000000001 XRP on binance" in row.reason
        sent = len(odd.binance.sent)
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        await odd.seen(handle, lambda state: state.status == CycleStatus.DEAD_LETTER)
        assert len(odd.binance.sent) == sent, "only the record is tried again"


async def _parked(stranded: WorkflowHandle[StrandedCycle, CycleResult]) -> None:
    while (await stranded.query(StrandedCycle.state)).status != CycleStatus.DEAD_LETTER:  # noqa: ASYNC110 - a worker decides
        await asyncio.sleep(0.05)


async def test_so_does_one_that_is_met_by_a_run_that_took_the_cycle_over(odd: Lab, books: SqlDatabase) -> None:
    async with odd.workers():
        handle = await odd.start(await odd.plan())
        await odd.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        odd.records.records.clear()
        await handle.terminate("a click in the Web UI")
        assert (await odd.sweep()).taken_over == ("XRP-1",)
        stranded = odd.taken_over()
        await odd.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        assert "not booked: XRP-1-1B1-1" in ((await row_of(books)).reason or "")
        odd.binance.__class__ = FakeVenue  # what is traded from now on can be booked
        await stranded.execute_update(StrandedCycle.compensate, ANN)
        gone = "its workflow is terminated"
        await odd.records.until(lambda r: (r.status, r.reason) == (CycleStatus.DEAD_LETTER, gone))
        await _parked(stranded)
        await stranded.execute_update(StrandedCycle.compensate, ANN)
        assert (await stranded.result()).status is CycleStatus.COMPENSATED
    assert (await row_of(books)).status is CycleStatus.COMPENSATED


async def test_a_cycle_that_can_not_be_handed_over_holds_up_none_of_the_others(
    lab: Lab, books: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts: dict[str, Any] = {"coin": XRP, "direction": Direction.TO_UPBIT, "status": CycleStatus.AWAITING_REBALANCE}
    facts |= {"sequence": 1, "expected_edge": Decimal(0), "premium": Decimal(0), "detected_at_ms": 1, "at_ms": 1}
    for coin in ("ADA", "BTC", "ETH"):
        facts["coin"] = Asset(coin)
        await books.read_model.record(CycleRecord(cycle_id=f"{coin}-1", workflow_run_id=f"run-{coin}", **facts))
    real = books.unfinished_cycles.unfinished_cycle

    async def unfinished_cycle(cycle_id: str) -> UnfinishedCycle | None:
        if cycle_id == "BTC-1":
            raise Superseded("of a kind that nobody thought of")
        return await real(cycle_id)

    monkeypatch.setattr(books.unfinished_cycles, "unfinished_cycle", unfinished_cycle)
    async with lab.workers():
        swept = await lab.sweep()
    assert sorted(swept.taken_over) == ["ADA-1", "ETH-1"]
    assert swept.left == ("BTC-1",)
    for coin in ("ADA", "ETH"):
        await lab.client.get_workflow_handle(f"cycle-{coin}-1").terminate("the test is over")
