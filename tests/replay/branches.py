"""How a cycle comes to each of its ends: every branch leads one there and lets it finish."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

from fakes.lab import TRX, XRP, Lab, hurrying
from fakes.venue import BNB
from replay.pair_branches import PAIR_BRANCHES
from temporalio.client import WorkflowHandle

from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import CycleState, OperatorRequest, WriteOff
from kimp.contracts.orders import OrderIntent
from kimp.contracts.queues import TaskQueue
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import OutcomeUnknown, Rejected, Unavailable
from kimp.domain.ledger import Account, holdings
from kimp.domain.money import USDT
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import VenueOrder
from workflows.arbitrage_cycle import ArbitrageCycle

Handle = WorkflowHandle[ArbitrageCycle, CycleResult]
Branch = Callable[[Lab], Awaitable[Handle]]
ANN = OperatorRequest(by="ann", note="seen on the venue's page")


def _refused(times: int) -> deque[Exception]:
    return deque(Rejected("not this coin", venue="binance", code="-4005") for _ in range(times))


def _unknown() -> deque[Exception]:
    return deque([OutcomeUnknown("timeout", venue="binance")])


def _waiting(state: CycleState) -> bool:
    return state.waiting_reason is not None


async def _parked(lab: Lab) -> None:
    await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)


async def _finished(handle: Handle) -> Handle:
    """Whatever it waits for is looked at again at once."""
    async with hurrying(handle):
        await handle.result()
    return handle


async def completed_to_upbit(lab: Lab) -> Handle:
    return await lab.start(await lab.plan())


async def completed_to_binance(lab: Lab) -> Handle:
    lab.upbit.prices[XRP] = (Decimal(3150), Decimal(3151))
    return await lab.start(await lab.plan(Direction.TO_BINANCE))


async def way_home_whose_price_has_gone(lab: Lab) -> Handle:
    """Between the look at the book and the order the seller of USDT wants a won more."""
    place_order = lab.upbit.place_order

    async def dearer(intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        if intent.coin == USDT and lab.upbit.prices[USDT][1] == intent.limit_price:
            lab.upbit.prices[USDT] = Decimal(1401), Decimal(1402)
        return await place_order(intent, send_by_ms=send_by_ms)

    lab.upbit.place_order = dearer  # type: ignore[method-assign]  # the venue of this one cycle
    return await lab.start(await lab.plan())


async def rejected_by_the_venue(lab: Lab) -> Handle:
    lab.binance.faults["place_order"] = deque([Rejected("balance too small", venue="binance", code="-2010")])
    return await lab.start(await lab.plan())


async def rejected_as_expired(lab: Lab) -> Handle:
    return await lab.start(await lab.plan(expires_in_ms=-1))


async def answer_lost_then_found(lab: Lab) -> Handle:
    lab.binance.after["place_order"] = _unknown()
    return await lab.start(await lab.plan())


async def absent_after_the_fence(lab: Lab) -> Handle:
    lab.binance.faults["place_order"] = _unknown()
    return await lab.start(await lab.plan())


async def sold_in_parts(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.upbit.depth = Decimal(200)
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda _: bool(lab.upbit.sent))
    lab.upbit.depth = Decimal(1_000_000)
    return handle


async def a_refused_sale_tried_again(lab: Lab) -> Handle:
    lab.upbit.faults["place_order"] = _refused(1)
    return await _finished(await lab.start(await lab.plan()))


async def waited_for_a_wallet(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    lab.binance.wallets_open = True
    return await _finished(handle)


async def reasons_counted_by_kind(lab: Lab) -> Handle:
    """It waits for a wallet, and then a person has to look after a withdrawal."""
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    lab.binance.after["withdraw"] = _unknown()
    lab.binance.unlisted = lab.give_up_at_once = True
    lab.binance.wallets_open = True
    async with hurrying(handle):
        await _parked(lab)
    lab.binance.unlisted = lab.give_up_at_once = False
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return handle


async def waited_for_a_way_home(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    lab.quotes_flow = True
    return await _finished(handle)


async def waited_for_a_venue(lab: Lab) -> Handle:
    lab.binance.faults["withdraw"] = deque([Unavailable("busy", venue="binance")])
    return await _finished(await lab.start(await lab.plan()))


async def waited_for_the_kill_switch(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.upbit.credit_after = 1
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda _: bool(lab.binance.sent))
    lab.journal.halt = HaltLevel.ONLY_COMPENSATION
    await lab.seen(handle, _waiting)
    lab.journal.halt = HaltLevel.RUN
    return await _finished(handle)


async def compensated_where_it_was_bought(lab: Lab) -> Handle:
    lab.binance.faults["withdraw"] = _refused(3)
    return await _finished(await lab.start(await lab.plan()))


async def compensated_by_sending_back(lab: Lab) -> Handle:
    lab.upbit.faults["place_order"] = _refused(5)
    lab.binance.once_withdrawn = lambda: lab.upbit.prices.update({XRP: (Decimal(2000), Decimal(2001))})
    return await _finished(await lab.start(await lab.plan()))


async def compensated_by_selling_abroad(lab: Lab) -> Handle:
    lab.upbit.faults["place_order"] = _refused(5)
    return await _finished(await lab.start(await lab.plan()))


async def compensated_away_from_a_market_that_refuses(lab: Lab) -> Handle:
    """The way home's sale: its coin goes back, is sold where it was bought, and another one brings the cash home."""
    lab.upbit.prices[TRX] = (Decimal(418), Decimal("418.1"))
    lab.binance.not_permitted[TRX] = 0
    return await _finished(await lab.start(await lab.plan()))


async def ended_by_a_market_and_counted_so(lab: Lab) -> Handle:
    """Leg one's coin may not be sold where it was to be."""
    lab.upbit.not_permitted[XRP] = 0
    return await _finished(await lab.start(await lab.plan()))


async def compensated_from_the_way_home(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.upbit.prices[TRX] = (Decimal(418), Decimal("418.1"))
    lab.upbit.faults["withdraw"] = _refused(3)
    return await _finished(await lab.start(cycle))


async def cancelled_before_its_first_order(lab: Lab) -> Handle:
    """The delay makes sure that the cancellation comes with the first task."""
    handle = await lab.client.start_workflow(
        ArbitrageCycle.run,
        await lab.plan(),
        id="cycle-XRP-1",
        task_queue=TaskQueue.CYCLES,
        start_delay=timedelta(seconds=2),
    )
    await handle.cancel()
    return handle


async def cancelled_before_it_was_sent(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    await handle.cancel()
    return handle


async def cancelled_in_transit(lab: Lab) -> Handle:
    lab.upbit.credit_after = 5
    handle = await lab.start(await lab.plan())
    await lab.records.until(lambda record: any(entry.entry_id.endswith("/out") for entry in record.entries))
    await handle.cancel()
    return await _finished(handle)


async def cancelled_abroad_and_again_while_undone(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    await handle.cancel()
    await lab.seen(handle, lambda state: state.status == CycleStatus.COMPENSATING and _waiting(state))
    await handle.cancel()
    lab.quotes_flow = True
    return await _finished(handle)


async def cancelled_on_the_way_home(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.binance.credit_after = 5
    handle = await lab.start(cycle)
    await lab.records.until(lambda record: any(entry.entry_id == "XRP-1-HW-1/out" for entry in record.entries))
    await handle.cancel()
    return await _finished(handle)


async def cancelled_while_parked(lab: Lab) -> Handle:
    handle = await _unknown_withdrawal(lab)
    await handle.cancel()
    await handle.execute_update(ArbitrageCycle.compensate, ANN)
    return handle


async def aborted_abroad(lab: Lab) -> Handle:
    cycle = await lab.plan()
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    await handle.execute_update(ArbitrageCycle.abort, ANN)
    lab.quotes_flow = True
    return await _finished(handle)


async def _unknown_withdrawal(lab: Lab) -> Handle:
    lab.binance.faults["withdraw"] = _unknown()
    lab.give_up_at_once = True
    handle = await lab.start(await lab.plan())
    await _parked(lab)
    return handle


async def parked_then_retried(lab: Lab) -> Handle:
    """The withdrawal turns up in the venue's list after all."""
    lab.binance.after["withdraw"] = _unknown()
    lab.binance.unlisted = True
    lab.give_up_at_once = True
    handle = await lab.start(await lab.plan())
    await _parked(lab)
    lab.binance.unlisted = False
    lab.give_up_at_once = False
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return handle


async def parked_then_compensated(lab: Lab) -> Handle:
    handle = await _unknown_withdrawal(lab)
    await handle.execute_update(ArbitrageCycle.compensate, ANN)
    return handle


async def parked_then_written_off(lab: Lab) -> Handle:
    handle = await _unknown_withdrawal(lab)
    held = holdings(lab.records.entries)[Venue.BINANCE, XRP]
    loss = WriteOff(by="ann", note="stolen", account=Venue.BINANCE, asset=XRP, amount=held)
    await handle.execute_update(ArbitrageCycle.write_off, loss)
    return handle


async def parked_while_undone_then_retried(lab: Lab) -> Handle:
    lab.binance.faults["withdraw"] = _refused(3)
    handle = await lab.start(await lab.plan())
    await lab.seen(handle, lambda _: bool(lab.binance.sent))
    lab.binance.faults["place_order"] = _refused(5)
    async with hurrying(handle):
        await _parked(lab)
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return await _finished(handle)


async def unknown_while_undone_then_retried(lab: Lab) -> Handle:
    """A withdrawal of the undoing has no answer and can't be looked up; a retry finds it, and sends none."""
    handle = await lab.start(await lab.plan())
    await lab.seen(handle, lambda _: bool(lab.binance.withdrawals))
    lab.upbit.after["withdraw"] = _unknown()
    lab.upbit.faults["withdrawals_since"] = _refused(1)
    await handle.execute_update(ArbitrageCycle.abort, ANN)
    await _parked(lab)
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return handle


async def a_lost_sale_found_while_undone(lab: Lab) -> Handle:
    """Given up after its fence, then executed: nothing is left to sell."""
    lab.upbit.hides_orders = True
    lab.upbit.after["place_order"] = _unknown()
    handle = await lab.start(await lab.plan())
    await lab.seen(handle, lambda _: bool(lab.upbit.sent))
    lab.upbit.faults["place_order"] = _refused(5)
    while len(lab.upbit.faults["place_order"]) > 1:  # noqa: ASYNC110 - a worker's thread takes them
        await asyncio.sleep(0.05)
    lab.upbit.hides_orders = False
    return handle


async def a_way_home_chosen_anew(lab: Lab) -> Handle:
    """Its buy had to wait, and another became cheaper meanwhile."""
    handle = await lab.start(await lab.plan())
    lab.quotes_flow = False
    await lab.seen(handle, _waiting)
    lab.journal.halt = HaltLevel.ONLY_COMPENSATION
    lab.quotes_flow = True
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    await lab.seen(handle, lambda state: "halted" in (state.waiting_reason or ""))
    lab.upbit.prices[USDT] = (Decimal(1500), Decimal(1501))
    lab.journal.halt = HaltLevel.RUN
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return await _finished(handle)


async def deposit_refused_then_written_off(lab: Lab) -> Handle:
    lab.upbit.refuses_deposits = True
    handle = await lab.start(await lab.plan())
    await _parked(lab)
    held = holdings(lab.records.entries)[Account.IN_TRANSIT, XRP]
    loss = WriteOff(by="ann", note="refunded off the books", account=Account.IN_TRANSIT, asset=XRP, amount=held)
    await handle.execute_update(ArbitrageCycle.write_off, loss)
    return handle


async def stranded(lab: Lab) -> Handle:
    """Terminated abroad, taken over by a sweep, undone by a person's word. The history is the second run's."""
    cycle = await lab.plan()
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, _waiting)
    await handle.terminate("a click in the Web UI")
    lab.quotes_flow = True
    await lab.sweep()
    await _parked(lab)
    second = lab.client.get_workflow_handle(handle.id)
    await second.execute_update("compensate", ANN)
    return second


async def late_order(lab: Lab) -> Handle:
    """Absent after its fence, rejected, surfaced: adopted by a sweep and undone without a person."""
    lab.binance.hides_orders = True
    lab.binance.after["place_order"] = _unknown()
    handle = await lab.start(await lab.plan())
    await handle.result()
    lab.binance.hides_orders = False
    await lab.sweep()
    return lab.client.get_workflow_handle(handle.id)


async def paid_fees_in_bnb(lab: Lab) -> Handle:
    """Valued at the end, at the market."""
    lab.binance.fee_in_bnb = Decimal("0.01")
    lab.binance.prices[BNB] = (Decimal(590), Decimal(600))
    return await lab.start(await lab.plan())


async def paid_fees_in_what_has_no_price(lab: Lab) -> Handle:
    lab.binance.fee_in_bnb = Decimal("0.01")
    return await lab.start(await lab.plan())


async def sold_in_many_parts(lab: Lab) -> Handle:
    """So many that the history continues as new, where the server calls it long early. The first run's history."""
    cycle = await lab.plan()
    lab.upbit.depth = Decimal(30)
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda state: state.status != CycleStatus.STARTED)
    lab.upbit.depth = Decimal(1_000_000)
    await handle.result()
    return lab.client.get_workflow_handle_for(ArbitrageCycle.run, handle.id, run_id=handle.first_execution_run_id)


async def parked_for_long(lab: Lab) -> Handle:
    """Parked in one run of the workflow, decided in another. The last run's history."""
    handle = await _unknown_withdrawal(lab)
    await _again(handle, times=3)
    await handle.execute_update(ArbitrageCycle.compensate, ANN)
    await handle.result()
    return lab.client.get_workflow_handle_for(ArbitrageCycle.run, handle.id)


async def _again(handle: Handle, times: int) -> None:
    """A person who tries again, and finds the cycle parked as before."""
    for _ in range(times):
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        while (await handle.query(ArbitrageCycle.state)).status != CycleStatus.DEAD_LETTER:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


BRANCHES: tuple[Branch, ...] = (
    completed_to_upbit,
    completed_to_binance,
    way_home_whose_price_has_gone,
    rejected_by_the_venue,
    rejected_as_expired,
    answer_lost_then_found,
    absent_after_the_fence,
    sold_in_parts,
    a_refused_sale_tried_again,
    waited_for_a_wallet,
    reasons_counted_by_kind,
    waited_for_a_way_home,
    waited_for_a_venue,
    waited_for_the_kill_switch,
    compensated_where_it_was_bought,
    compensated_by_sending_back,
    compensated_by_selling_abroad,
    compensated_away_from_a_market_that_refuses,
    ended_by_a_market_and_counted_so,
    compensated_from_the_way_home,
    cancelled_before_its_first_order,
    cancelled_before_it_was_sent,
    cancelled_in_transit,
    cancelled_abroad_and_again_while_undone,
    cancelled_on_the_way_home,
    cancelled_while_parked,
    aborted_abroad,
    parked_then_retried,
    parked_then_compensated,
    parked_then_written_off,
    parked_while_undone_then_retried,
    unknown_while_undone_then_retried,
    a_lost_sale_found_while_undone,
    a_way_home_chosen_anew,
    deposit_refused_then_written_off,
    stranded,
    late_order,
    paid_fees_in_bnb,
    paid_fees_in_what_has_no_price,
    sold_in_many_parts,
    parked_for_long,
    *PAIR_BRANCHES,
)
