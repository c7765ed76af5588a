"""How a cycle whose leg one is traded on both sides at once comes to each of its ends."""

from collections import deque
from decimal import Decimal

from fakes.lab import XRP, Handle, Lab, hurrying
from fakes.pairs import at_once, first_fills, stock

from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import NotPermitted, OutcomeUnknown, Rejected
from kimp.domain.venues import Direction
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.execution import TRIES

ANN = OperatorRequest(by="ann", note="seen on the venue's page")
SOME, NONE = Decimal("0.4"), Decimal(0)


async def pair_completed_to_upbit(lab: Lab) -> Handle:
    return await lab.start(await at_once(lab))


async def pair_completed_to_binance(lab: Lab) -> Handle:
    return await lab.start(await at_once(lab, Direction.TO_BINANCE))


async def pair_of_which_less_was_sold(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.upbit, SOME)
    return await lab.start(cycle)


async def pair_of_which_less_was_bought(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.binance, SOME)
    return await lab.start(cycle)


async def pair_reversed_in_part(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.upbit, SOME, lambda: lab.upbit.prices.update({XRP: (Decimal(3190), Decimal(3191))}))
    return await lab.start(cycle)


async def pair_of_which_one_side_was_reversed(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.upbit, NONE, lambda: lab.upbit.prices.update({XRP: (Decimal(3190), Decimal(3191))}))
    return await lab.start(cycle)


async def pair_of_which_nothing_was_traded(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.upbit, NONE)
    first_fills(lab.binance, NONE)
    return await lab.start(cycle)


async def pair_rejected_as_expired(lab: Lab) -> Handle:
    return await lab.start(await at_once(lab, expires_in_ms=-1))


async def pair_whose_answers_were_lost(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    for venue in lab.venues.values():
        venue.after["place_order"] = deque([OutcomeUnknown("timeout", venue=venue.venue)])
    return await lab.start(cycle)


async def pair_that_one_venue_does_not_permit(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    lab.upbit.faults["place_order"] = deque([NotPermitted("not this account", venue="upbit", code="-2010")])
    return await lab.start(cycle)


async def pair_open_while_nothing_may_leave(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    first_fills(lab.upbit, NONE, lambda: setattr(lab.journal, "halt", HaltLevel.NOTHING_LEAVES))
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda state: "halted" in (state.waiting_reason or ""))
    lab.journal.halt = HaltLevel.RUN
    async with hurrying(handle):
        await handle.result()
    return handle


async def _parked_with_one_side_open(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    refusals = (Rejected("not now", venue="upbit", code="x") for _ in range(1 + TRIES))
    lab.upbit.faults["place_order"] = deque(refusals)
    handle = await lab.start(cycle)
    await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
    return handle


async def pair_parked_then_retried(lab: Lab) -> Handle:
    handle = await _parked_with_one_side_open(lab)
    await handle.execute_update(ArbitrageCycle.retry, ANN)
    return handle


async def pair_parked_then_compensated(lab: Lab) -> Handle:
    handle = await _parked_with_one_side_open(lab)
    await handle.execute_update(ArbitrageCycle.compensate, ANN)
    return handle


async def pair_cancelled_before_its_coins_travelled(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda state: state.waiting_reason is not None)
    await handle.cancel()
    lab.quotes_flow = True
    async with hurrying(handle):
        await handle.result()
    return handle


async def pair_cancelled_while_its_coins_travelled(lab: Lab) -> Handle:
    cycle = await at_once(lab)
    lab.binance.once_withdrawn = lambda: setattr(lab.upbit, "credit_after", 10**6)
    handle = await lab.start(cycle)
    await lab.records.until(lambda record: any("1W-1/out" in entry.entry_id for entry in record.entries))
    await handle.cancel()
    lab.upbit.credit_after = 0
    async with hurrying(handle):
        await handle.result()
    return handle


async def pair_taken_over(lab: Lab) -> Handle:
    """Terminated with its cash abroad: the second run, whose history this is, sends back what was sold of the stock."""
    await stock(lab)
    cycle = await at_once(lab)
    lab.quotes_flow = False
    handle = await lab.start(cycle)
    await lab.seen(handle, lambda state: state.waiting_reason is not None)
    await handle.terminate("a click in the Web UI")
    lab.quotes_flow = True
    await lab.sweep()
    await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
    second = lab.client.get_workflow_handle(handle.id)
    await second.execute_update("compensate", ANN)
    return second


PAIR_BRANCHES = (
    pair_completed_to_upbit,
    pair_completed_to_binance,
    pair_of_which_less_was_sold,
    pair_of_which_less_was_bought,
    pair_reversed_in_part,
    pair_of_which_one_side_was_reversed,
    pair_of_which_nothing_was_traded,
    pair_rejected_as_expired,
    pair_whose_answers_were_lost,
    pair_that_one_venue_does_not_permit,
    pair_open_while_nothing_may_leave,
    pair_parked_then_retried,
    pair_parked_then_compensated,
    pair_cancelled_before_its_coins_travelled,
    pair_cancelled_while_its_coins_travelled,
    pair_taken_over,
)
