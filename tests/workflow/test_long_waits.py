"""A cycle may wait for a year: its history continues as new, and the cycle goes on as if nothing had happened."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from fakes.lab import XRP, Handle, Lab, traded
from fakes.pairs import at_once, first_fills
from temporalio.client import Client, WorkflowUpdateFailedError

from kimp.adapters.temporal.histories import chain
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.contracts.cycle import CycleRecord, CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.orders import OrderIntent, OrderReport
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_REASON, KIMP_STATUS
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import StoreUnavailable
from kimp.domain.ids import workflow_id
from kimp.domain.market import Side
from kimp.domain.money import USDT
from workflows import steps, transfer
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="a year is enough")
YEAR_MS = 365 * 24 * 3_600_000


@pytest.fixture
def lab(paging_client: Client, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Looks are as rare as months, so that a year takes few of them."""
    monkeypatch.setattr(transfer, "LOOK_AGAIN", timedelta(days=10))
    monkeypatch.setattr(steps, "LOOK_AGAIN_AT_MOST", timedelta(days=60))
    return Lab(paging_client)


async def runs(lab: Lab, handle: Handle) -> int:
    """How many the cycle's workflow has had so far."""
    return len([history async for history in chain(lab.client, handle.id)])


def a_year_on(record: CycleRecord) -> bool:
    return record.at_ms - record.detected_at_ms > YEAR_MS


def reported_once(records: list[CycleRecord]) -> None:
    """The rows follow one another, and each entry is booked once."""
    assert [record.sequence for record in records] == list(range(1, len(records) + 1))
    entries = [entry.entry_id for record in records for entry in record.entries]
    assert len(entries) == len(set(entries))


async def test_a_year_of_a_closed_wallet_ends_with_an_abort(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        await TemporalCycleStarter(lab.client).start(cycle)
        handle: Handle = lab.client.get_workflow_handle(workflow_id(cycle.cycle_id), result_type=CycleResult)
        await lab.records.until(a_year_on)
        assert await runs(lab, handle) > 1
        current: Handle = lab.client.get_workflow_handle(handle.id)
        attributes = (await current.describe()).typed_search_attributes
        assert attributes[KIMP_COIN] == XRP
        assert attributes[KIMP_REASON] == "XRP wallet of binance is closed"
        assert attributes[KIMP_STATUS] == CycleStatus.STARTED
        with pytest.raises(WorkflowUpdateFailedError):
            await current.execute_update(ArbitrageCycle.compensate, ANN)
        await current.execute_update(ArbitrageCycle.abort, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert [intent.side for intent in lab.binance.sent] == ["buy", "sell"]
    reported_once(lab.records.records)
    waits = [record for record in lab.records.records if record.waiting_reason]
    assert len({record.waiting_since_ms for record in waits}) == 1
    pauses = [record.next_check_ms - record.at_ms for record in waits if record.next_check_ms is not None]
    assert pauses == sorted(pauses), "the runs that follow look no oftener than the first"


async def test_a_year_of_a_closed_wallet_ends_with_its_opening(lab: Lab) -> None:
    lab.binance.fee_in_bnb = Decimal("0.01")
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.records.until(a_year_on)
        lab.binance.wallets_open = True
        current: Handle = lab.client.get_workflow_handle(handle.id)
        await current.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert len(lab.binance.withdrawals) == len(lab.upbit.withdrawals) == 1
    reported_once(lab.records.records)
    reported = result.reason or ""
    assert "BNB" in reported, "a fee of the first run is remembered to the end"
    assert "the most that such fees can be" in reported
    assert result.profit_krw is not None
    assert result.profit_krw > 0


async def test_a_market_that_refused_is_not_asked_again_by_the_runs_that_follow(lab: Lab) -> None:
    """XRP is to go back to where it can be sold, and waits a year for that."""
    lab.upbit.not_permitted[XRP] = 0
    lab.binance.once_withdrawn = lambda: setattr(lab.upbit, "wallets_open", False)
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await lab.records.until(lambda reported: a_year_on(reported) or reported.status is CycleStatus.DEAD_LETTER)
        assert lab.upbit.not_permitted[XRP] == 1
        assert await runs(lab, handle) > 1
        lab.upbit.wallets_open = True
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert lab.upbit.not_permitted[XRP] == 1
    assert traded(lab.binance) == [(Side.BUY, XRP), (Side.SELL, XRP)]
    reported_once(lab.records.records)


async def test_a_side_that_may_not_be_closed_for_long_is_closed_then(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(0), lambda: setattr(lab.journal, "halt", HaltLevel.NOTHING_LEAVES))
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.records.until(lambda record: record.at_ms - record.detected_at_ms > 600_000)
        assert await runs(lab, handle) > 1
        assert "were bought and not sold" in (lab.records.records[-1].waiting_reason or "")
        lab.journal.halt = HaltLevel.RUN
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert traded(lab.upbit) == [(Side.SELL, XRP), (Side.BUY, USDT)]
    assert traded(lab.binance) == [(Side.BUY, XRP)]
    reported_once(lab.records.records)


async def test_both_orders_are_asked_about_for_as_long_as_nobody_can_tell(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were sent; the database went away before their outcome was written down."""
    cycle, close = await at_once(lab), lab.journal.close_order

    async def away(intent: OrderIntent, report: OrderReport) -> None:
        del intent, report
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(lab.journal, "close_order", away)
    async with lab.workers():
        handle = await lab.start(cycle)
        while await runs(lab, handle) < 2:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.05)
        monkeypatch.setattr(lab.journal, "close_order", close)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert [order.client_order_id for order in lab.binance.sent] == ["XRP-1-1B1-1"]
    reported_once(lab.records.records)
