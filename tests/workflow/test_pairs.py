"""Leg one at once: whatever either side fills, nothing stays open, and the stock is back in the end."""

from collections import deque
from dataclasses import replace
from decimal import Decimal

import pytest
from fakes.lab import XRP, Handle, Lab, hurrying, traded
from fakes.pairs import at_once, first_fills

from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import OutcomeUnknown, Postponed, Rejected
from kimp.domain.gates import Blocked, Gate
from kimp.domain.ids import Leg, step_of, workflow_id
from kimp.domain.ledger import holdings
from kimp.domain.market import Side
from kimp.domain.money import USDT
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Direction, Venue
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="seen on the venue's page")
DUST = Decimal("0.02")
SHARES = {"filled": Decimal(1), "partial": Decimal("0.4"), "nothing": Decimal(0)}
COMPLETED, COMPENSATED, REJECTED = CycleStatus.COMPLETED, CycleStatus.COMPENSATED, CycleStatus.REJECTED


def coins(lab: Lab) -> dict[Venue, Decimal]:
    """What the cycle has changed of each venue's stock, by the books."""
    held = holdings(lab.records.entries)
    return {venue: held.get((venue, XRP), Decimal(0)) for venue in lab.venues}


def is_restored(lab: Lab) -> bool:
    """Where it was, but for less than a lot of it; nothing travels."""
    held = holdings(lab.records.entries)
    return all(abs(amount) < DUST for amount in coins(lab).values()) and not [
        amount for (account, asset), amount in held.items() if not isinstance(account, Venue) and asset == XRP
    ]


def closings(lab: Lab) -> list[tuple[Venue, Side]]:
    """Orders beside the pair's own, and those of the way home."""
    sent = [order for venue in lab.venues.values() for order in venue.sent]
    return [(order.venue, order.side) for order in sent if step_of(order.client_order_id)[0] == Leg.BACK]


@pytest.mark.parametrize("direction", [Direction.TO_UPBIT, Direction.TO_BINANCE])
async def test_both_sides_are_traded_before_anything_travels_and_the_stock_comes_back(
    lab: Lab, direction: Direction
) -> None:
    result = await lab.complete(await at_once(lab, direction))
    assert result.status is COMPLETED
    assert (result.profit_krw or 0) > 0
    assert closings(lab) == []
    assert is_restored(lab)
    steps = [step_of(entry.entry_id) for entry in lab.records.entries]
    assert steps[:2] == ["1B", "1S"]
    assert steps[-2:] == ["1W", "1W"], "the coins travel last: they are at no price's mercy"
    assert result.returned is not None
    assert result.spent is not None
    assert result.returned.asset == result.spent.asset == direction.source.cash


async def test_the_same_cycle_earns_what_it_saw_though_the_premium_is_gone_at_once(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(1), lambda: lab.upbit.prices.update({XRP: (Decimal(2000), Decimal(2001))}))
    result = await lab.complete(cycle)
    assert result.status is COMPLETED
    assert (result.profit_krw or 0) > 0


CELLS = [(buy, sale) for buy in SHARES for sale in SHARES]


@pytest.mark.parametrize("direction", [Direction.TO_UPBIT, Direction.TO_BINANCE])
@pytest.mark.parametrize(("buy", "sale"), CELLS)
async def test_every_cell_of_the_table_is_closed(lab: Lab, direction: Direction, buy: str, sale: str) -> None:
    """At these books the missing side is what pays: buying where it is cheap, selling where it is dear."""
    cycle = await at_once(lab, direction)
    first_fills(lab.venues[direction.source], SHARES[buy])
    first_fills(lab.venues[direction.destination], SHARES[sale])
    result = await lab.complete(cycle)
    assert is_restored(lab)
    if buy == sale == "nothing":
        assert result.status is REJECTED
        assert result.reason == "unfilled; the price was gone; unfilled; the price was gone"
        return
    assert result.status is COMPLETED
    assert (result.profit_krw or 0) > 0
    if buy == sale == "filled":
        assert closings(lab) == []
    elif SHARES[buy] > SHARES[sale]:
        assert closings(lab) == [(direction.destination, Side.SELL)]
    elif SHARES[sale] > SHARES[buy]:
        assert closings(lab) == [(direction.source, Side.BUY)]


@pytest.mark.parametrize(("buy", "sale"), [cell for cell in CELLS if SHARES[cell[0]] != SHARES[cell[1]]])
async def test_where_the_premium_is_gone_the_other_side_is_reversed(lab: Lab, buy: str, sale: str) -> None:
    cycle = await at_once(lab)
    even = lambda: lab.upbit.prices.update({XRP: (Decimal(3190), Decimal(3191))})  # noqa: E731
    first_fills(lab.binance, SHARES[buy])
    first_fills(lab.upbit, SHARES[sale], even)
    result = await lab.complete(cycle)
    assert is_restored(lab)
    more_bought = SHARES[buy] > SHARES[sale]
    assert closings(lab)[:1] == [(Venue.BINANCE, Side.SELL) if more_bought else (Venue.UPBIT, Side.BUY)]
    assert result.status is (COMPENSATED if "nothing" in (buy, sale) else COMPLETED)


REFUSALS = {
    "refused": Rejected("balance too small", venue="x", code="-2010"),
    "market halted": Postponed("the market is halted", venue="x"),
}


@pytest.mark.parametrize("side", ["buy", "sale"])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_a_side_that_is_refused_is_made_up_for(lab: Lab, side: str, refusal: Exception) -> None:
    cycle = await at_once(lab)
    (lab.binance if side == "buy" else lab.upbit).faults["place_order"] = deque([refusal])
    result = await lab.complete(cycle)
    assert result.status is COMPLETED
    assert is_restored(lab)


@pytest.mark.parametrize("side", ["buy", "sale"])
async def test_a_market_that_refuses_for_good_leaves_the_other_one(lab: Lab, side: str) -> None:
    cycle = await at_once(lab)
    refuses = lab.binance if side == "buy" else lab.upbit
    refuses.not_permitted[XRP] = 0
    result = await lab.complete(cycle)
    assert result.status is COMPENSATED
    assert refuses.not_permitted[XRP] == 1, "it is not asked again"
    last = lab.records.records[-1]
    assert (last.reason_kind, last.refused_coin) == (ReasonKind.MARKET_REFUSED, XRP)
    assert is_restored(lab)


async def test_a_pair_that_both_markets_refuse_is_a_refusal_of_the_coin(lab: Lab) -> None:
    cycle = await at_once(lab)
    lab.binance.not_permitted[XRP] = lab.upbit.not_permitted[XRP] = 0
    result = await lab.complete(cycle)
    assert result.status is REJECTED
    last = lab.records.records[-1]
    assert (last.reason_kind, last.refused_coin) == (ReasonKind.MARKET_REFUSED, XRP)


@pytest.mark.parametrize("lost", ["buy", "sale", "both"])
async def test_an_answer_that_is_lost_is_looked_up_before_anything_is_closed(lab: Lab, lost: str) -> None:
    cycle = await at_once(lab)
    for venue, side in ((lab.binance, "buy"), (lab.upbit, "sale")):
        if lost in (side, "both"):
            venue.after["place_order"] = deque([OutcomeUnknown("timeout", venue=venue.venue)])
    result = await lab.complete(cycle)
    assert result.status is COMPLETED
    assert closings(lab) == []
    assert is_restored(lab)


async def test_a_pair_that_comes_too_late_is_not_sent(lab: Lab) -> None:
    result = await lab.complete(await at_once(lab, expires_in_ms=-1))
    assert result.status is REJECTED
    assert lab.names == []


async def test_without_stock_nothing_is_sent(lab: Lab) -> None:
    lab.journal.short_of = Blocked(Gate.STOCK, "0 XRP are free on upbit")
    result = await lab.complete(await at_once(lab))
    assert result.status is REJECTED
    assert "stock; 0 XRP are free on upbit" in (result.reason or "")
    assert lab.names == []


async def parked(lab: Lab, handle: Handle) -> str:
    over = {CycleStatus.DEAD_LETTER.value, COMPLETED.value, COMPENSATED.value}
    state = await lab.seen(handle, lambda state: state.status in over)
    assert state.status == CycleStatus.DEAD_LETTER
    return lab.records.records[-1].reason or ""


def gone(lab: Lab) -> None:
    """Nobody wants the coins any more, at any price near what they cost."""
    lab.upbit.prices[XRP] = (Decimal(1), Decimal(10_000))
    lab.binance.prices[XRP] = (Decimal("0.01"), Decimal(7))


async def test_what_can_not_be_closed_within_the_bound_parks_with_the_open_amount(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.pair.WITHIN_S", 1)
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(0), lambda: gone(lab))
    async with lab.workers():
        handle = await lab.start(cycle)
        reason = await parked(lab, handle)
        assert f"XRP, binance to upbit: {coins(lab)[Venue.BINANCE]:f} were bought and not sold" in reason
        lab.upbit.prices[XRP], lab.binance.prices[XRP] = (
            (Decimal(3240), Decimal(3241)),
            (Decimal("2.29"), Decimal("2.2901")),
        )
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is COMPLETED
    assert is_restored(lab)


async def test_a_person_may_have_it_undone_at_any_price(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.pair.WITHIN_S", 1)
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal("0.4"), lambda: gone(lab))
    async with lab.workers():
        handle = await lab.start(cycle)
        await parked(lab, handle)
        lab.binance.prices[XRP], lab.upbit.prices[XRP] = (
            (Decimal(1), Decimal(3)),
            (Decimal(3000), Decimal(3400)),
        )
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is COMPENSATED
    assert is_restored(lab)


async def test_an_abort_while_a_side_is_open_waits_until_it_is_closed(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(0), lambda: gone(lab))
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: "closes it" in (state.waiting_reason or ""))
        await handle.execute_update(ArbitrageCycle.abort, ANN)
        lab.upbit.prices[XRP] = (Decimal(3240), Decimal(3241))
        lab.binance.prices[XRP] = (Decimal("2.29"), Decimal("2.2901"))
        result = await handle.result()
    assert (result.status, result.reason) == (COMPENSATED, "aborted by ann: seen on the venue's page")
    assert closings(lab)[0] == (Venue.UPBIT, Side.SELL), "first what was open"
    assert is_restored(lab)


async def test_a_cancellation_after_both_sides_undoes_the_cycle(lab: Lab) -> None:
    cycle = await at_once(lab)
    lab.quotes_flow = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        await handle.cancel()
        lab.quotes_flow = True
        result = await handle.result()
    assert result.status is COMPENSATED
    assert is_restored(lab)
    assert closings(lab)[:1] == [(Venue.UPBIT, Side.BUY)], "of USDT: the coins themselves are not traded back"
    assert traded(lab.binance) == [(Side.BUY, XRP)]
    assert len(lab.binance.withdrawals) == 1
    assert (result.profit_krw or 0) > 0, "what was earned on both sides is kept"


async def test_coins_that_can_not_travel_are_traded_back_on_both_sides(lab: Lab) -> None:
    """Three refusals end the return of the stock, three more that of the undoing."""
    cycle = await at_once(lab)
    lab.binance.faults["withdraw"] = deque(Rejected("not this coin", venue="binance", code="-4005") for _ in range(6))
    lab.hurry = True
    result = await lab.complete(cycle)
    assert result.status is COMPENSATED
    assert traded(lab.upbit)[:3] == [(Side.SELL, XRP), (Side.BUY, USDT), (Side.BUY, XRP)]
    assert traded(lab.binance) == [(Side.BUY, XRP), (Side.SELL, XRP)]
    assert is_restored(lab)


async def test_a_cancellation_while_the_stock_travels_lets_it_arrive(lab: Lab) -> None:
    cycle = await at_once(lab)
    async with lab.workers():
        lab.binance.once_withdrawn = lambda: setattr(lab.upbit, "credit_after", 10**6)
        handle = await lab.start(cycle)
        await lab.records.until(lambda record: any("1W-1/out" in entry.entry_id for entry in record.entries))
        await handle.cancel()
        lab.upbit.credit_after = 0
        async with hurrying(handle):
            result = await handle.result()
    assert result.status in {COMPLETED, COMPENSATED}
    assert is_restored(lab)


async def test_the_kill_switch_does_not_keep_a_side_open(lab: Lab) -> None:
    """At the level that lets nothing but what undoes pass; the way home waits for it."""
    cycle = await at_once(lab)
    halt = lambda: setattr(lab.journal, "halt", HaltLevel.ONLY_COMPENSATION)  # noqa: E731
    first_fills(lab.upbit, Decimal(0), halt)
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: "halted" in (state.waiting_reason or ""))
        assert closings(lab) == [(Venue.UPBIT, Side.SELL)]
        lab.journal.halt = HaltLevel.RUN
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        assert (await handle.result()).status is COMPLETED


async def test_when_nothing_may_leave_an_open_side_waits_in_plain_sight(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(0), lambda: setattr(lab.journal, "halt", HaltLevel.NOTHING_LEAVES))
    async with lab.workers():
        handle = await lab.start(cycle)
        state = await lab.seen(handle, lambda state: "halted" in (state.waiting_reason or ""))
        assert "were bought and not sold" in (state.waiting_reason or "")
        lab.journal.halt = HaltLevel.RUN
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        assert (await handle.result()).status is COMPLETED
    assert is_restored(lab)


async def test_a_venue_that_is_away_does_not_keep_the_other_from_closing(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal(0), lambda: lab.upbit.prices.pop(XRP, None) and None)
    result = await lab.complete(cycle)
    assert closings(lab) == [(Venue.BINANCE, Side.SELL)]
    assert result.status is COMPENSATED
    assert is_restored(lab)


async def test_a_small_fill_of_one_side_is_left_where_it_is(lab: Lab) -> None:
    """1 USDT's worth is below the least order of both."""
    cycle = await at_once(lab)
    small = replace(lab.binance.instrument(XRP)).min_notional / 5 / Decimal("2.29") / cycle.buy_quantity
    first_fills(lab.binance, Decimal(0))
    first_fills(lab.upbit, small)
    result = await lab.complete(cycle)
    assert result.status is COMPENSATED
    assert USDT not in {asset for asset, _ in [(order.coin, order.side) for order in lab.upbit.sent]}


async def test_the_ledger_of_a_pair_reads_like_a_story(lab: Lab) -> None:
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal("0.4"))
    result: CycleResult = await lab.complete(cycle)
    assert result.status is COMPLETED
    assert traded(lab.binance) == [(Side.BUY, XRP)]
    history = await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).fetch_history()
    asked = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert asked.count("execute_pair") == 1
    assert asked.count("execute_order") == 2, "one closing, one of the way home"


async def test_what_a_cycle_spent_is_told_as_exactly_as_it_is(lab: Lab) -> None:
    """By its price, a quotient, it would have forty digits."""
    cycle = await at_once(lab)
    first_fills(lab.upbit, Decimal("0.4"))
    result = await lab.complete(cycle)
    bought = next(entry for entry in lab.records.entries if step_of(entry.entry_id) == "1B")
    paid = next(-posting.amount for posting in bought.postings if posting.asset == USDT)
    assert result.spent is not None
    assert result.spent.amount == paid
