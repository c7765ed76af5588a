"""A cycle that can't go on is undone: whatever it holds becomes cash at home again, and the loss is booked."""

import asyncio
from collections import deque
from decimal import Decimal

import pytest
from fakes.lab import XRP, Handle, Lab, hurrying, traded
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateStage

from kimp.contracts.operators import CycleState, OperatorRequest, WriteOff
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.compensation import DUST_KRW
from kimp.domain.errors import OutcomeUnknown, Rejected, Unavailable
from kimp.domain.ledger import Holder, holdings
from kimp.domain.market import Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Venue
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="seen on the venue's page")


def refusals(count: int) -> deque[Exception]:
    return deque(Rejected("not this coin", venue="x", code="-1") for _ in range(count))


def abroad(lab: Lab) -> dict[tuple[Holder, Asset], Decimal]:
    """What the cycle left anywhere but in Binance's cash, dust aside."""
    held = holdings(lab.records.entries)
    dust = {KRW: DUST_KRW, XRP: Decimal("0.01")}
    return {
        key: amount
        for key, amount in held.items()
        if key != (Venue.BINANCE, USDT) and amount > dust.get(key[1], Decimal("0.01"))
    }


def undoing_and_waiting(state: CycleState) -> bool:
    return state.status == CycleStatus.COMPENSATING and state.waiting_reason is not None


async def until_status(lab: Lab, status: CycleStatus) -> None:
    await lab.records.until(lambda record: record.status is status)


async def parked_with_an_unknown_withdrawal(lab: Lab) -> Handle:
    """Needs workers. The coins have not left, and nobody can tell."""
    lab.binance.faults["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.give_up_at_once = True
    handle = await lab.start(await lab.plan())
    await until_status(lab, CycleStatus.DEAD_LETTER)
    return handle


async def test_coins_that_the_venue_does_not_send_are_sold_where_they_were_bought(lab: Lab) -> None:
    lab.binance.faults["withdraw"] = refusals(3)
    lab.hurry = True
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert "not this coin" in (result.reason or "")
    assert [(i.side, i.coin) for i in lab.binance.sent] == [(Side.BUY, XRP), (Side.SELL, XRP)]
    assert abroad(lab) == {}
    assert (result.profit_krw or 0) < 0, "two fees are lost, and booked"


async def test_coins_that_nobody_buys_abroad_come_back_when_that_is_cheaper(lab: Lab) -> None:
    lab.upbit.faults["place_order"] = refusals(5)
    lab.hurry = True
    lab.binance.once_withdrawn = lambda: lab.upbit.prices.update({XRP: (Decimal(2000), Decimal(2001))})
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert [(i.side, i.coin) for i in lab.binance.sent] == [(Side.BUY, XRP), (Side.SELL, XRP)]
    assert len(lab.upbit.withdrawals) == 1
    assert abroad(lab) == {}


async def test_coins_abroad_are_sold_there_and_the_cash_comes_home_when_that_is_cheaper(lab: Lab) -> None:
    lab.upbit.faults["place_order"] = refusals(5)
    lab.hurry = True
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert traded(lab.upbit) == [(Side.SELL, XRP), (Side.BUY, USDT)]
    assert abroad(lab) == {}


@pytest.mark.parametrize("moment", ["INITIAL_TRADE_COMPLETED", "AWAITING_REBALANCE", "REBALANCING_IN_PROGRESS"])
async def test_an_abort_is_taken_up_at_the_next_safe_point(lab: Lab, moment: str) -> None:
    cycle = await lab.plan()
    lab.quotes_flow = moment == "REBALANCING_IN_PROGRESS"
    if lab.quotes_flow:
        lab.upbit.faults["withdraw"] = deque([Unavailable("busy", venue="upbit")])
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None or state.status == moment)
        await handle.execute_update(ArbitrageCycle.abort, ANN)
        lab.quotes_flow = True
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert "ann" in (result.reason or "")
    assert abroad(lab) == {}


async def test_a_cancellation_undoes_what_was_done(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        await handle.cancel()
        result = await handle.result()
    assert (result.status, result.reason) == (CycleStatus.COMPENSATED, "cancelled")
    assert [(i.side, i.coin) for i in lab.binance.sent] == [(Side.BUY, XRP), (Side.SELL, XRP)]


async def test_a_second_cancellation_does_not_stop_the_undoing(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.quotes_flow = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        await handle.cancel()
        await lab.seen(handle, undoing_and_waiting)
        await handle.cancel()
        lab.quotes_flow = True
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        assert (await handle.result()).status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}


async def test_coins_in_transit_arrive_before_anything_is_undone(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.upbit.credit_after = 70
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.records.until(lambda record: any(entry.entry_id.endswith("/out") for entry in record.entries))
        await handle.cancel()
        lab.upbit.credit_after = 0
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}


async def test_a_withdrawal_of_unknown_outcome_waits_for_a_person_and_is_never_repeated(lab: Lab) -> None:
    async with lab.workers():
        handle = await parked_with_an_unknown_withdrawal(lab)
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(ArbitrageCycle.abort, ANN)
        assert "parked" in str(refusal.value.cause)
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert lab.binance.withdrawals == {}
    assert abroad(lab) == {}


async def test_a_failed_compensation_parks_and_goes_on_when_retried(lab: Lab) -> None:
    lab.binance.faults["withdraw"] = refusals(3)
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await lab.seen(handle, lambda _: bool(lab.binance.sent))
        lab.binance.faults["place_order"] = refusals(5)
        async with hurrying(handle):
            await until_status(lab, CycleStatus.DEAD_LETTER)
        state = await handle.query(ArbitrageCycle.state)
        assert [line.split()[1:] for line in state.held] == [["XRP", "on", "binance"]]
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        assert (await handle.result()).status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}


async def test_a_retry_while_undoing_looks_for_the_withdrawal_and_sends_none(lab: Lab) -> None:
    """Its answer was lost and looking it up refused. The coins had left; a second one would take other cycles'."""
    cycle = await lab.plan()
    async with lab.workers():
        lab.journal.halt = HaltLevel.NO_NEW_CYCLES
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda _: bool(lab.binance.withdrawals))
        lab.upbit.after["withdraw"] = deque([OutcomeUnknown("timeout", venue="upbit")])
        lab.upbit.faults["withdrawals_since"] = refusals(1)
        await handle.execute_update(ArbitrageCycle.abort, ANN)
        await until_status(lab, CycleStatus.DEAD_LETTER)
        assert len(lab.upbit.withdrawals) == 1
        assert await handle.execute_update(ArbitrageCycle.retry, ANN) is CycleStatus.COMPENSATING
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert [name for name in lab.names if name.startswith("XRP-1-RW")] == ["XRP-1-RW-1"]
    assert abroad(lab) == {}


async def test_a_withdrawal_that_the_venue_took_is_not_given_up(lab: Lab) -> None:
    """The worker died once it had the venue's id, and looking it up was refused: `compensate` follows what left."""
    lab.binance.after["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.binance.faults["withdrawals_since"] = refusals(1)
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await until_status(lab, CycleStatus.DEAD_LETTER)
        assert await lab.journal.claim_withdrawal("XRP-1-1W-1", Venue.BINANCE, "w-XRP-1-1W-1", likely=False)
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert [i.side for i in lab.binance.sent if i.coin == XRP] == [Side.BUY], "the coins are not there any more"
    assert len(lab.binance.withdrawals) == 1
    assert abroad(lab) == {}


async def test_a_sale_that_surfaces_while_its_cycle_is_undone_is_not_made_again(lab: Lab) -> None:
    """It was given up after its fence; then it executed, so that the venue refuses to sell the coins once more."""
    lab.upbit.hides_orders = True
    lab.upbit.after["place_order"] = deque([OutcomeUnknown("timeout", venue="upbit")])
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await lab.seen(handle, lambda _: bool(lab.upbit.sent))
        lab.upbit.faults["place_order"] = refusals(4)
        while lab.upbit.faults["place_order"]:  # noqa: ASYNC110 - a worker's thread takes them
            await asyncio.sleep(0.05)
        lab.upbit.hides_orders = False
        lab.upbit.faults["place_order"] = refusals(1)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert [i.client_order_id for i in lab.upbit.sent if i.side is Side.SELL] == ["XRP-1-1S1-1"]
    assert abroad(lab) == {}


async def test_of_two_decisions_one_counts_and_the_other_is_refused(lab: Lab) -> None:
    async with lab.workers():
        handle = await parked_with_an_unknown_withdrawal(lab)
        held = holdings(lab.records.entries)[Venue.BINANCE, XRP]
        lost = WriteOff(by="bob", note="stolen", account=Venue.BINANCE, asset=XRP, amount=held)
        results = await asyncio.gather(
            handle.execute_update(ArbitrageCycle.write_off, lost),
            handle.execute_update(ArbitrageCycle.compensate, ANN),
            return_exceptions=True,
        )
        await handle.result()
    assert [isinstance(one, WorkflowUpdateFailedError) for one in results].count(True) == 1


async def test_what_is_written_off_is_booked_and_the_rest_undone(lab: Lab) -> None:
    async with lab.workers():
        handle = await parked_with_an_unknown_withdrawal(lab)
        held = holdings(lab.records.entries)[Venue.BINANCE, XRP]
        lost = WriteOff(by="ann", note="stolen", account=Venue.BINANCE, asset=XRP, amount=held)
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(ArbitrageCycle.write_off, lost.model_copy(update={"amount": held + 1}))
        assert "holds" in str(refusal.value.cause)
        await handle.execute_update(ArbitrageCycle.write_off, lost)
        shown = (await handle.query("__temporal_workflow_metadata")).current_details
        assert f"{lost.by}: write off {lost.amount:f} {lost.asset} of {lost.account}; {lost.note}" in shown
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}
    assert [i.side for i in lab.binance.sent] == [Side.BUY]


async def test_decisions_are_refused_while_a_cycle_runs(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.quotes_flow = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await handle.execute_update(ArbitrageCycle.compensate, ANN)
        await handle.terminate()
    assert "not parked" in str(refusal.value.cause)


async def test_a_decision_counts_from_the_moment_that_the_parking_is_seen(lab: Lab) -> None:
    """The record of the parking is written but not yet answered when a person has read it and decides."""
    lab.binance.faults["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.give_up_at_once = True
    lab.records.held_up[CycleStatus.DEAD_LETTER] = asyncio.Event()
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await until_status(lab, CycleStatus.DEAD_LETTER)
        decided = await handle.start_update(ArbitrageCycle.compensate, ANN, wait_for_stage=WorkflowUpdateStage.ACCEPTED)
        lab.records.held_up[CycleStatus.DEAD_LETTER].set()
        await decided.result()
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED


async def test_the_kill_switch_holds_orders_but_not_the_undoing(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.upbit.credit_after = 1
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda _: bool(lab.binance.sent))
        lab.journal.halt = HaltLevel.ONLY_COMPENSATION
        await lab.seen(handle, lambda state: "halted" in (state.waiting_reason or ""))
        await handle.execute_update(ArbitrageCycle.abort, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}


async def test_nothing_leaves_at_the_highest_level_not_even_to_undo(lab: Lab) -> None:
    cycle = await lab.plan()
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda _: bool(lab.binance.sent))
        lab.journal.halt = HaltLevel.NOTHING_LEAVES
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        await handle.execute_update(ArbitrageCycle.abort, ANN)
        await lab.seen(handle, undoing_and_waiting)
        assert abroad(lab) != {}
        lab.journal.halt = HaltLevel.RUN
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert abroad(lab) == {}


async def test_an_abort_before_anything_was_sent_rejects_the_cycle(lab: Lab) -> None:
    cycle = await lab.plan()
    handle: Handle = await lab.start(cycle)
    await handle.cancel()
    async with lab.workers():
        result = await handle.result()
    assert result.status is CycleStatus.REJECTED
    assert lab.binance.sent == []
