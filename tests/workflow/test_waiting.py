"""Waiting is no failure: it is seen, it ends by itself, and it does not fill the history."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

import pytest
from fakes.lab import TRX, XRP, Lab
from replay import branches
from replay.branches import Branch
from temporalio.client import Client

from kimp.contracts.cycle import CycleInput
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.orders import OrderIntent
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BusUnavailable, Unavailable
from kimp.domain.market import Network, Side
from kimp.domain.money import USDT, Asset
from kimp.ports.exchange import VenueOrder
from workflows.arbitrage_cycle import ArbitrageCycle

CLOSED_LOOKS = 20


def _choosy(cycle: CycleInput, *, floor: str, loss_limit: str, deadline_s: int) -> CycleInput:
    policy = cycle.policy.model_copy(
        update={
            "rebalance_floor": Decimal(floor),
            "rebalance_loss_limit": Decimal(loss_limit),
            "rebalance_deadline_s": deadline_s,
            "rebalance_poll_s": 1,
        }
    )
    return cycle.model_copy(update={"policy": policy})


@pytest.mark.parametrize(
    ("branch", "kinds"),
    [
        (branches.reasons_counted_by_kind, ["wallet_closed", "withdrawal_unknown"]),
        (branches.waited_for_a_way_home, ["no_route"]),
        (branches.waited_for_a_venue, ["other"]),
        (branches.waited_for_the_kill_switch, ["kill_switch"]),
    ],
)
async def test_reasons_are_counted_by_kind(lab: Lab, branch: Branch, kinds: list[str]) -> None:
    """A few values, whatever the words say; nothing is read back from them."""
    async with lab.workers():
        await (await branch(lab)).result()
    stopped = [
        record for record in lab.records.records if record.waiting_reason or record.status is CycleStatus.DEAD_LETTER
    ]
    assert [kind for kind, _ in groupby(record.reason_kind for record in stopped)] == kinds
    assert {record.reason_kind for record in lab.records.records if record not in stopped} == {None}


async def test_hours_of_a_closed_wallet_are_waited_out(skipping_client: Client) -> None:
    """A real server that skips time: hours pass in seconds."""
    lab = Lab(skipping_client)
    cycle = await lab.plan()
    open_wallet, looks = lab.binance.network, 0

    async def network(coin: Asset) -> Network:
        nonlocal looks
        looks += 1
        return replace(await open_wallet(coin), withdraw_open=coin != XRP or looks > CLOSED_LOOKS)

    lab.binance.network = network  # type: ignore[method-assign]  # the wallet of this one test
    async with lab.workers():
        handle = await lab.start(cycle)
        result = await handle.result()
        history = await handle.fetch_history()
    assert result.status is CycleStatus.COMPLETED
    waits = [record for record in lab.records.records if record.waiting_reason]
    assert {record.waiting_reason for record in waits} == {"XRP wallet of binance is closed"}
    assert len({record.waiting_since_ms for record in waits}) == 1
    assert all(record.next_check_ms is not None for record in waits)
    hours = (waits[-1].at_ms - waits[0].at_ms) / 3_600_000
    assert hours > 6
    assert len(history.events) < 700, "so that two months of waiting fit into the 50,000 that the server allows"


async def test_after_the_deadline_a_bearable_loss_is_taken(lab: Lab) -> None:
    cycle = _choosy(await lab.plan(), floor="0.05", loss_limit="-0.02", deadline_s=3)
    async with lab.workers():
        handle = await lab.start(cycle)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    waits = [record.waiting_reason for record in lab.records.records if record.waiting_reason]
    assert waits[0] == "a way home that keeps 5.00%"


async def test_the_deadline_holds_while_nobody_tells_of_ways_home(skipping_client: Client) -> None:
    """Looks that fail are repeated after 30 s, then 60 s: the bound of the deadline is not waited for until 90 s."""
    lab = Lab(skipping_client)
    cycle = _choosy(await lab.plan(), floor="0.05", loss_limit="-0.02", deadline_s=60)
    lab.bus_faults.extend([BusUnavailable("gone")] * 10)
    async with lab.workers():
        handle = await lab.start(cycle)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    looking = [r for r in lab.records.records if r.status is CycleStatus.AWAITING_REBALANCE]
    taken = next(r for r in lab.records.records if r.status is CycleStatus.REBALANCING_IN_PROGRESS)
    assert (taken.at_ms - looking[0].at_ms) / 1000 < 75


def busy(lab: Lab, times: int, meanwhile: Callable[[], None] = lambda: None) -> list[Asset]:
    """Upbit takes no buy so many times, and does `meanwhile` each time. Every coin that it is asked to buy."""
    place_order = lab.upbit.place_order
    asked: list[Asset] = []

    async def at_first(intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        if intent.side is Side.BUY:
            asked.append(intent.coin)
            if len(asked) <= times:
                meanwhile()
                raise Unavailable("busy", venue="upbit", retry_after=1)
        return await place_order(intent, send_by_ms=send_by_ms)

    lab.upbit.place_order = at_first  # type: ignore[method-assign]  # the venue of this one test
    return asked


async def test_a_way_home_whose_buy_had_to_wait_is_chosen_anew(lab: Lab) -> None:
    """USDT was cheapest; while the venue was busy, it became so dear that TRX is."""

    def dearer() -> None:
        lab.upbit.prices[USDT] = (Decimal(1500), Decimal(1501))

    asked = busy(lab, 1, meanwhile=dearer)
    async with lab.workers():
        result = await (await lab.start(await lab.plan())).result()
    assert result.status is CycleStatus.COMPLETED
    assert asked[:2] == [USDT, TRX]
    assert lab.records.records[-1].route == TRX


async def test_a_way_home_is_not_looked_for_from_the_beginning_because_its_buy_had_to_wait(lab: Lab) -> None:
    """After the deadline a bearable loss is good enough, also for the second choice; and the waits grow longer."""
    cycle = _choosy(await lab.plan(), floor="0.05", loss_limit="-0.02", deadline_s=3)
    busy(lab, 3)
    async with lab.workers():
        result = await (await lab.start(cycle)).result()
    assert result.status is CycleStatus.COMPLETED
    waits = [record for record in lab.records.records if record.waiting_reason]
    reasons = [reason for reason, _ in groupby(record.waiting_reason for record in waits)]
    assert reasons == ["a way home that keeps 5.00%", "upbit: busy"]
    blocked = [record for record in waits if record.waiting_reason == "upbit: busy"][:3]
    assert [round(((record.next_check_ms or 0) - record.at_ms) / 1000) for record in blocked] == [1, 2, 4]
    assert len({record.waiting_since_ms for record in blocked}) == 1


async def test_a_cycle_that_looks_for_a_way_home_hears_an_abort_at_once(lab: Lab) -> None:
    cycle = _choosy(await lab.plan(), floor="0.05", loss_limit="0.05", deadline_s=36_000)
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        await handle.execute_update(ArbitrageCycle.abort, OperatorRequest(by="ann"))
        await lab.seen(handle, lambda state: state.status == CycleStatus.COMPENSATING)
        await handle.terminate("the test is over")
