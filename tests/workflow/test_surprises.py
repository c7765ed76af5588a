"""What a venue may do that nobody planned for: the cycle ends, or asks a person, and the books tell the truth."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

from fakes.lab import XRP, Lab, hurrying
from fakes.venue import FakeVenue
from temporalio.client import Client

from kimp.contracts.operators import OperatorRequest
from kimp.contracts.orders import OrderIntent
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain.errors import Postponed, Rejected, Unavailable
from kimp.domain.ledger import Account, holdings
from kimp.domain.market import Side
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.exchange import VenueDeposit, VenueOrder
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="looked")


class ShortVenue(FakeVenue):
    """Credits a little less than was sent."""

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        listed = await super().deposits(coin, txid)
        return [replace(deposit, amount=deposit.amount - Decimal("0.5")) for deposit in listed]


async def test_what_is_missing_of_a_deposit_is_booked_told_and_never_earned(lab: Lab) -> None:
    honest = await lab.complete()
    short = Lab(lab.client, upbit=ShortVenue(lab.upbit.venue, lab.upbit.prices, fee=lab.upbit.fee))
    async with short.workers():
        handle = await short.start(await short.plan())
        parked = await short.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        assert "credited" in (parked.reason or "")
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert (Account.IN_TRANSIT, XRP) not in holdings(short.records.entries)
    assert result.profit_krw is not None
    assert honest.profit_krw is not None
    assert honest.profit_krw - result.profit_krw > 1500


async def test_a_deposit_that_nobody_has_heard_of_for_hours_is_a_persons_case(skipping_client: Client) -> None:
    lab = Lab(skipping_client)
    lab.upbit.credit_after = 10**6
    lab.upbit.tags = lab.binance.tags_there = {XRP: "2207"}
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        parked = await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        assert "has not heard of XRP-1-1W-1" in (parked.reason or "")
        assert " tag 2207, txid" in (parked.reason or "")
        lab.upbit.credit_after = 0
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        assert (await handle.result()).status is CycleStatus.COMPLETED


async def test_a_halted_market_is_waited_for(lab: Lab) -> None:
    cycle = await lab.plan()
    lab.upbit.faults["market"] = deque([Postponed("there is no open market for XRP", venue="upbit")])
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: "no open market" in (state.waiting_reason or ""))
        async with hurrying(handle):
            assert (await handle.result()).status is CycleStatus.COMPLETED


class GreedyVenue(FakeVenue):
    """Takes a larger network fee than it lists, on top of the amount."""

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        report = await super().withdraw(intent, send_by_ms=send_by_ms)
        report = report.model_copy(update={"fee": report.fee + 7})
        self.withdrawals[report.venue_id] = report
        return report


class GreedyAndBusyVenue(GreedyVenue):
    """Refuses the first order that follows a withdrawal."""

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        if self.withdrawals and not any(sent.compensating for sent in self.sent):
            self.sent.append(intent)
            raise Rejected("not now", venue=self.venue)
        return await super().place_order(intent, send_by_ms=send_by_ms)


async def test_coins_that_a_surprising_fee_took_are_bought_back_by_the_same_cycle(lab: Lab) -> None:
    lab.binance = GreedyVenue(lab.binance.venue, lab.binance.prices)
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert [(i.side, i.client_order_id) for i in lab.binance.sent] == [
        (Side.BUY, "XRP-1-1B1-1"),
        (Side.BUY, "XRP-1-RB1-1"),
    ]
    assert holdings(lab.records.entries).get((Venue.BINANCE, XRP), ZERO) >= 0


async def test_a_buying_back_that_came_to_nothing_is_tried_again(lab: Lab) -> None:
    lab.binance = GreedyAndBusyVenue(lab.binance.venue, lab.binance.prices)
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert [i.client_order_id for i in lab.binance.sent] == ["XRP-1-1B1-1", "XRP-1-RB1-1", "XRP-1-RB1-2"]
    assert holdings(lab.records.entries).get((Venue.BINANCE, XRP), ZERO) >= 0


async def test_a_rate_limit_costs_no_try_and_no_fence(lab: Lab) -> None:
    busy = [Unavailable("too many requests", venue="upbit", retry_after=1) for _ in range(7)]
    lab.upbit.faults["place_order"] = deque(busy)
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        async with hurrying(handle):  # each wait is longer than the one before
            assert (await handle.result()).status is CycleStatus.COMPLETED
    assert isinstance(lab.upbit.orders["XRP-1-1S1-8"], VenueOrder), "seven refused attempts, and the eighth"


class HoldingVenue(FakeVenue):
    """Has seen every deposit, and credits none while it is told to hold them."""

    holding = True

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        listed = await super().deposits(coin, txid)
        held = [replace(deposit, state=TransferState.PENDING, detail="travel rule") for deposit in listed]
        return held if self.holding else listed


async def test_a_deposit_that_is_held_is_waited_for(lab: Lab) -> None:
    upbit = HoldingVenue(lab.upbit.venue, lab.upbit.prices, fee=lab.upbit.fee)
    lab.upbit = upbit
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await lab.seen(handle, lambda seen: "travel rule" in (seen.waiting_reason or ""))
        upbit.holding = False
        async with hurrying(handle):
            assert (await handle.result()).status is CycleStatus.COMPLETED


async def test_two_cycles_whose_coins_come_in_one_transaction_take_in_their_own(lab: Lab) -> None:
    lab.binance.one_transaction = str(uuid4())
    lab.upbit.credit_after = 10**6
    async with lab.workers():
        handles = []
        for number, price in ((1, Decimal("2.2900")), (2, Decimal("2.2800"))):
            lab.binance.prices[XRP] = (price, price + Decimal("0.0001"))
            handles.append(await lab.start(await lab.plan(number=number)))
            await lab.seen(handles[-1], lambda state: "deposit" in (state.waiting_reason or ""))
        lab.upbit.credit_after = 0
        async with hurrying(handles[0]), hurrying(handles[1]):
            results = [await handle.result() for handle in handles]
    assert [result.status for result in results] == [CycleStatus.COMPLETED, CycleStatus.COMPLETED]
    sent = {report.venue_id.removeprefix("w-"): report.arrives for report in lab.binance.withdrawals.values()}
    booked = {entry.entry_id: entry.postings for entry in lab.records.entries}
    assert len(set(sent.values())) == 2
    for name, arrives in sent.items():
        assert [p.amount for p in booked[f"{name}/in"] if p.account is Venue.UPBIT] == [arrives]
    ledger = holdings(lab.records.entries)
    for venue in lab.venues.values():
        for asset, amount in venue.held.items():
            assert ledger.get((venue.venue, asset), ZERO) == amount
