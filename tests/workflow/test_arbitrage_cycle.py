"""The workflow on a real Temporal server, its activities over fake venues."""

import json
import re
from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from fakes.lab import XRP, Lab, traded
from fakes.market import d
from fakes.venue import FakeVenue
from replay import branches

from activities.records import RecordActivities
from kimp.contracts.orders import OrderIntent
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import OutcomeUnknown, Rejected, Unavailable
from kimp.domain.ids import workflow_id
from kimp.domain.ledger import Account, holdings, value_krw
from kimp.domain.market import Side
from kimp.domain.money import KRW, USDT
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.ports.exchange import VenueOrder
from workflows.timeline import GAP


async def test_high_premium_goes_out_from_binance_and_comes_home_by_usdt(lab: Lab) -> None:
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert result.spent is not None
    assert result.returned is not None
    assert result.spent.asset == USDT
    assert result.spent < result.returned
    assert [(i.side, i.coin) for i in lab.binance.sent] == [(Side.BUY, XRP)]
    assert traded(lab.upbit) == [(Side.SELL, XRP), (Side.BUY, USDT)]


async def test_low_premium_goes_out_from_upbit_and_sells_usdt_at_home(lab: Lab) -> None:
    lab.upbit.prices[XRP] = (Decimal(3150), Decimal(3151))
    result = await lab.complete(await lab.plan(Direction.TO_BINANCE))
    assert result.status is CycleStatus.COMPLETED
    assert result.spent is not None
    assert result.spent.asset == KRW
    assert [(i.side, i.coin) for i in lab.upbit.sent] == [(Side.BUY, XRP), (Side.SELL, USDT)]


async def test_the_ledger_says_what_the_result_says(lab: Lab) -> None:
    result = await lab.complete()
    held = holdings(lab.records.entries)
    assert result.returned is not None
    assert result.spent is not None
    assert held[Venue.BINANCE, USDT] == (result.returned - result.spent).amount
    assert not [account for account, _ in held if account is Account.IN_TRANSIT]
    assert all(change >= 0 for change in held.values()), "what lots left over belongs to the cycle"


async def test_the_web_ui_tells_money(lab: Lab) -> None:
    """In its timeline, by the activities' summaries, and in the table beside them with the result so far."""
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        result = await handle.result()
        shown = (await handle.query("__temporal_workflow_metadata")).current_details
        events = (await handle.fetch_history()).events
    assert result.profit_krw is not None
    booked = f"booked: {result.profit_krw:+,.0f} KRW"
    bought = r"bought [\d,.]+ XRP at [\d.]+ USDT on binance, fee [\d.]+ XRP"
    sold = r"sold [\d,.]+ XRP at [\d,.]+ KRW on upbit, fee [\d,]+ KRW"
    home = r"bought [\d,.]+ USDT at [\d,.]+ KRW on upbit, fee [\d,]+ KRW"
    moved = r"[\d,.]+ XRP on the way from binance, fee [\d.]+ XRP, txid \S+", r"[\d,.]+ XRP credited on upbit"

    head, *rows = shown.split("\n| ")
    assert head == "**COMPLETED**\n"
    assert rows[0] == "time (UTC) | so far | what |\n|---|---|---|"
    lines = [row.removesuffix(" |").replace(GAP, "").split(" | ") for row in rows[1:]]
    for expected, (_, so_far, what) in zip((bought, *moved, sold, home), lines, strict=False):
        assert re.fullmatch(expected, what)
        assert re.fullmatch(r"[+-][\d,]+ KRW", so_far)
    assert lines[-1][2] == booked
    assert lines[-1][1] == booked.removeprefix("booked: ")

    records = [
        json.loads(event.user_metadata.summary.data)
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name == RecordActivities.record.__name__
    ]
    assert records == [what for _, _, what in lines], "each record says what happened, as the table does"


async def test_no_cash_stays_abroad_that_the_way_home_could_take(lab: Lab) -> None:
    """1,000,000 won of which 2,000 would stay if the buy were sized for a fill at its limit."""
    async with lab.workers():
        await (await lab.start(await lab.plan())).result()
    buy = lab.upbit.sent[-1]
    assert buy.limit_price == lab.upbit.prices[buy.coin][1], "the price that the book shows"
    assert 0 <= lab.upbit.held[KRW] < buy.limit_price * d("0.0101"), "less than a lot"


async def test_a_way_home_whose_price_has_gone_is_bought_at_once_for_a_little_more(lab: Lab) -> None:
    async with lab.workers():
        result = await (await branches.way_home_whose_price_has_gone(lab)).result()
    assert result.status is CycleStatus.COMPLETED
    _, gone, taken, *_ = lab.upbit.sent
    assert (gone.limit_price, taken.limit_price) == (d(1401), d("1404.8040"))


async def test_a_refused_first_order_is_a_rejected_cycle(lab: Lab) -> None:
    lab.binance.faults["place_order"] = deque([Rejected("balance too small", venue="binance", code="-2010")])
    result = await lab.complete()
    assert result.status is CycleStatus.REJECTED
    assert "-2010" in (result.reason or "")
    last = lab.records.records[-1]
    assert (last.reason_kind, last.refused_coin) == (ReasonKind.MARKET_REFUSED, XRP)
    assert lab.records.entries == []


async def test_a_first_order_that_fills_nothing_is_a_rejected_cycle(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.binance.prices[XRP] = (Decimal("2.3000"), Decimal("2.3001"))
    result = await lab.complete(cycle)
    assert result.status is CycleStatus.REJECTED
    assert "the price was gone" in (result.reason or "")
    last = lab.records.records[-1]
    assert (last.reason_kind, last.refused_coin) == (ReasonKind.OTHER, None)


async def test_a_cycle_of_forged_quotes_is_rejected_with_both_figures_and_buys_nothing(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.binance.prices[XRP] = (Decimal("2.40"), Decimal("2.41"))
    result = await lab.complete(cycle)
    assert result.status is CycleStatus.REJECTED
    assert "prices_differ; price of XRP on binance: 2.2946 by the message, 2.41 by the venues" in (result.reason or "")
    assert lab.names == []


async def test_an_expired_opportunity_is_not_sent(lab: Lab) -> None:
    result = await lab.complete(await lab.plan(expires_in_ms=-1))
    assert result.status is CycleStatus.REJECTED
    assert lab.binance.sent == []


async def test_the_kill_switch_holds_the_first_order_back(lab: Lab) -> None:
    lab.journal.halt = HaltLevel.ONLY_COMPENSATION
    result = await lab.complete()
    assert result.status is CycleStatus.REJECTED
    assert lab.binance.sent == []


async def test_an_order_whose_answer_was_lost_is_found_not_repeated(lab: Lab) -> None:
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert len(lab.binance.sent) == 1


async def test_a_withdrawal_whose_answer_was_lost_is_found_not_repeated(lab: Lab) -> None:
    lab.binance.after["withdraw"] = deque([OutcomeUnknown("timeout", venue="binance")])
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert len(lab.binance.withdrawals) == 1


async def test_a_thin_book_is_sold_into_part_by_part(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.upbit.depth = Decimal(150)
    lab.quotes_flow = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.records.until(lambda record: record.waiting_reason is not None)
        await handle.terminate()
    sales = [intent.client_order_id for intent in lab.upbit.sent if intent.side is Side.SELL]
    assert sales == ["XRP-1-1S1-1", "XRP-1-1S2-1", "XRP-1-1S3-1"]


@dataclass
class Emptied(FakeVenue):
    """Its book has nothing for the first order, and fills up again."""

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        self.depth = Decimal(1_000_000 if self.sent else 0)
        return await super().place_order(intent, send_by_ms=send_by_ms)


async def test_after_an_order_that_filled_nothing_another_part_is_sold(lab: Lab) -> None:
    """It was accepted: only a definite refusal may be tried again under the same part's name."""
    lab.upbit = Emptied(Venue.UPBIT, lab.upbit.prices, fee=lab.upbit.fee)
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    sales = [intent.client_order_id for intent in lab.upbit.sent if intent.side is Side.SELL]
    assert sales == ["XRP-1-1S1-1", "XRP-1-1S2-1"]


async def test_what_is_left_over_is_worth_what_it_could_be_sold_for(lab: Lab) -> None:
    bid, _ = lab.upbit.prices[XRP]
    lab.binance.once_withdrawn = lambda: lab.upbit.prices.update({XRP: (bid, bid * 2)})
    result = await lab.complete()
    held = holdings(lab.records.entries)
    assert held[Venue.UPBIT, XRP] > 0
    assert result.profit_krw == value_krw(held, Decimal("1400.5"), {XRP: bid})


@pytest.mark.parametrize("direction", list(PAIR.directions))
async def test_no_order_is_worth_more_than_the_cap_of_one(lab: Lab, direction: Direction) -> None:
    """A million won is sold in three parts, for won as for dollars."""
    if direction is Direction.TO_BINANCE:
        lab.upbit.prices[XRP] = (Decimal(3150), Decimal(3151))
    cycle = await lab.plan(direction)
    caps = replace(cycle.policy.caps, order_krw=Decimal(400_000))
    result = await lab.complete(cycle.model_copy(update={"policy": cycle.policy.model_copy(update={"caps": caps})}))
    assert result.status is CycleStatus.COMPLETED
    sales = [i for i in lab.venues[direction.destination].sent if (i.side, i.coin) == (Side.SELL, XRP)]
    assert len(sales) == 3
    assert all(i.quantity * i.limit_price * i.krw_per_cash <= 400_000 for i in sales)


async def test_the_book_is_read_once_for_each_order_that_fills(lab: Lab) -> None:
    """Another look would only find that what is left is too small. The plan's own order needs none."""
    cycle = await lab.plan()
    await lab.complete(cycle)
    history = await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).fetch_history()
    asked = [event.activity_task_scheduled_event_attributes for event in history.events]
    assert sum(one.activity_type.name == "read_market" for one in asked) == len(lab.upbit.sent)


async def test_a_refused_sale_is_tried_again_under_a_new_attempt(lab: Lab) -> None:
    lab.upbit.faults["place_order"] = deque([Rejected("price off tick", venue="upbit", code="invalid_price_ask")])
    assert (await lab.complete()).status is CycleStatus.COMPLETED
    assert lab.upbit.sent[0].client_order_id == "XRP-1-1S1-2"


async def test_a_read_that_fails_is_repeated(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.upbit.faults["market"] = deque([Unavailable("busy", venue="upbit", retry_after=1)])
    assert (await lab.complete(cycle)).status is CycleStatus.COMPLETED


async def test_a_closed_wallet_is_waited_for(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.records.until(lambda record: record.waiting_reason == "XRP wallet of binance is closed")
        await handle.terminate()
    assert lab.binance.withdrawals == {}
