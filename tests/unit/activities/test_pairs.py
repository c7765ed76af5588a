"""Two orders at once: neither leaves unless both may, each is accepted at most once, and both outcomes are known in
the end.
"""

import asyncio
from collections import deque
from typing import Any

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.desk import Desk
from fakes.lab import BOUNDS
from fakes.market import NOW, XRP, d
from fakes.telemetry import counted
from fakes.venue import FakeVenue

from activities.orders import OrderActivities
from activities.price_guard import PriceGuard
from activities.resets import WAS_RESET
from kimp.contracts.orders import Opening, OrderIntent, OrderOutcome, OrderPair, PairReport
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import NotSent, OutcomeUnknown, Rejected, Unavailable
from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Side
from kimp.domain.money import USDT, Money
from kimp.domain.venues import Venue
from kimp.ports.exchange import VenueOrder

FILLED, UNFILLED, NOT_SENT = OrderOutcome.FILLED, OrderOutcome.UNFILLED, OrderOutcome.NOT_SENT
LOST = OutcomeUnknown("no answer", venue="x")


@pytest.fixture
def binance() -> FakeVenue:
    return FakeVenue(Venue.BINANCE, {XRP: (d("1.999"), d(2))})


@pytest.fixture
def upbit() -> FakeVenue:
    return FakeVenue(Venue.UPBIT, {XRP: (d(2828), d(2830)), USDT: (d(1399), d(1401))})


def pair(*, opens: bool = True, buy: dict[str, Any] | None = None, sell: dict[str, Any] | None = None) -> OrderPair:
    opening = Opening(reserve=Money(d(201), USDT), stake_krw=281_400, caps=WIDE) if opens else None
    good = {"expires_at_ms": NOW + 1_000}
    return OrderPair(
        buy=intents.order(**(good | {"opening": opening} | (buy or {}))),
        sell=intents.order(
            **(
                good
                | {
                    "client_order_id": "XRP-1-1S1-1",
                    "venue": Venue.UPBIT,
                    "side": Side.SELL,
                    "quantity": d("99.5"),
                    "limit_price": d(2825),
                    "krw_per_cash": d(1),
                }
                | (sell or {})
            )
        ),
    )


async def execute(desk: Desk, *venues: FakeVenue, asked: OrderPair | None = None) -> PairReport:
    by_name = {venue.venue: venue for venue in venues}
    guard = PriceGuard(by_name, desk.journal, desk.clock, BOUNDS)
    work = OrderActivities(by_name, desk.journal, desk.journal, desk.clock, guard)
    desk.run_id = desk.run_id or "run-1"
    report = await desk.run(work.execute_pair, asked or pair())
    assert isinstance(report, PairReport)
    return report


def outcomes(report: PairReport) -> tuple[OrderOutcome, OrderOutcome]:
    return report.buy.outcome, report.sell.outcome


async def test_both_are_sent_once_reported_and_closed(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    with (
        counted("kimp.orders", venue="binance", side="buy", outcome="filled"),
        counted("kimp.orders", venue="upbit", side="sell", outcome="filled"),
    ):
        report = await execute(desk, binance, upbit)
    assert outcomes(report) == (FILLED, FILLED)
    assert (report.buy.quantity, report.sell.quantity) == (d(100), d("99.5"))
    assert [order.client_order_id for order in binance.sent + upbit.sent] == ["XRP-1-1B1-1", "XRP-1-1S1-1"]
    assert desk.journal.closed == {"XRP-1-1B1-1": report.buy, "XRP-1-1S1-1": report.sell}


class Meeting:
    """A venue answers only once the other one has been asked too."""

    def __init__(self, *venues: FakeVenue) -> None:
        self.asked: list[Venue] = []
        self._all, self._count = asyncio.Event(), len(venues)
        for venue in venues:
            venue.place_order = self._waiting(venue)  # type: ignore[method-assign]

    def _waiting(self, venue: FakeVenue) -> Any:
        place = venue.place_order

        async def placed(intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
            self.asked.append(venue.venue)
            if len(self.asked) == self._count:
                self._all.set()
            await asyncio.wait_for(self._all.wait(), 5)
            return await place(intent, send_by_ms=send_by_ms)

        return placed


async def test_the_second_leaves_before_the_first_is_answered(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    meeting = Meeting(binance, upbit)
    assert outcomes(await execute(desk, binance, upbit)) == (FILLED, FILLED)
    assert meeting.asked == [Venue.BINANCE, Venue.UPBIT]


async def test_a_second_attempt_looks_both_up_and_sends_neither(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue
) -> None:
    first = await execute(desk, binance, upbit)
    assert await execute(desk, binance, upbit) == first
    assert (len(binance.sent), len(upbit.sent)) == (1, 1)


@pytest.mark.parametrize("lost", [Venue.BINANCE, Venue.UPBIT])
async def test_an_answer_that_was_lost_is_found_while_the_other_is_kept(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue, lost: Venue
) -> None:
    {binance.venue: binance, upbit.venue: upbit}[lost].after["place_order"] = deque([LOST])
    assert outcomes(await execute(desk, binance, upbit)) == (FILLED, FILLED)


async def test_both_answers_may_be_lost(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    for venue in (binance, upbit):
        venue.after["place_order"] = deque([LOST])
    assert outcomes(await execute(desk, binance, upbit)) == (FILLED, FILLED)
    assert (len(binance.sent), len(upbit.sent)) == (1, 1)


async def test_one_that_never_arrived_is_absent_after_the_fence(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue
) -> None:
    desk.beat_ms = 30_000
    upbit.faults["place_order"] = deque([LOST])
    report = await execute(desk, binance, upbit)
    assert outcomes(report) == (FILLED, OrderOutcome.ABSENT)


REFUSALS = [
    (Rejected("balance too small", venue="x", code="-2010"), OrderOutcome.REJECTED),
    (Unavailable("busy", venue="x", retry_after=1), OrderOutcome.BLOCKED),
    (NotSent("too late", venue="x"), OrderOutcome.BLOCKED),
]


@pytest.mark.parametrize(("refusal", "outcome"), REFUSALS, ids=lambda value: type(value).__name__)
async def test_one_that_is_refused_does_not_hide_what_the_other_filled(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue, refusal: Exception, outcome: OrderOutcome
) -> None:
    upbit.faults["place_order"] = deque([refusal])
    assert outcomes(await execute(desk, binance, upbit)) == (FILLED, outcome)


async def test_one_that_nobody_can_tell_of_yet_fails_the_attempt_and_the_next_tells_both(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue
) -> None:
    upbit.after["place_order"] = deque([LOST])
    upbit.faults["find_order"] = deque([OutcomeUnknown("no answer", venue="upbit")])
    with pytest.raises(OutcomeUnknown):
        await execute(desk, binance, upbit)
    assert "XRP-1-1B1-1" in desk.journal.closed, "the other one was followed to its end all the same"
    assert outcomes(await execute(desk, binance, upbit)) == (FILLED, FILLED)
    assert (len(binance.sent), len(upbit.sent)) == (1, 1)


def nothing_left(report: PairReport, *venues: FakeVenue) -> bool:
    return outcomes(report) == (NOT_SENT, NOT_SENT) and not any(venue.sent for venue in venues)


async def test_what_is_not_set_aside_keeps_both_back(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    desk.journal.short_of = Blocked(Gate.STOCK, "99 XRP are free on upbit")
    report = await execute(desk, binance, upbit)
    assert nothing_left(report, binance, upbit)
    assert report.buy.reason == report.sell.reason == "stock; 99 XRP are free on upbit"


async def test_an_expired_pair_stays(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    late = pair(buy={"expires_at_ms": NOW - 1}, sell={"expires_at_ms": NOW - 1})
    report = await execute(desk, binance, upbit, asked=late)
    assert nothing_left(report, binance, upbit)
    assert report.sell.reason == "expired 1 ms ago"
    assert desk.journal.closed.keys() == {"XRP-1-1B1-1", "XRP-1-1S1-1"}, "both are known to have come to nothing"


@pytest.mark.parametrize("large", ["buy", "sell"])
async def test_an_order_above_the_ceiling_keeps_the_other_back_too(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue, large: str
) -> None:
    asked = pair(opens=False, **{large: {"quantity": d(10_000_000)}})
    report = await execute(desk, binance, upbit, asked=asked)
    assert nothing_left(report, binance, upbit)
    assert "above the ceiling" in report.buy.reason
    assert report.buy.reason == report.sell.reason


async def test_the_kill_switch_keeps_both_back(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    desk.journal.halt = HaltLevel.ONLY_COMPENSATION
    report = await execute(desk, binance, upbit)
    assert outcomes(report) == (OrderOutcome.BLOCKED, OrderOutcome.BLOCKED)
    assert not binance.sent
    assert not upbit.sent


FORGED: list[dict[str, Any]] = [
    {"buy": {"limit_price": d("2.05")}},
    {"sell": {"limit_price": d(2700)}},
    {"sell": {"quantity": d("102")}},
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
async def test_a_message_of_which_either_price_is_forged_trades_nothing(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue, forged: dict[str, Any]
) -> None:
    report = await execute(desk, binance, upbit, asked=pair(**forged))
    assert nothing_left(report, binance, upbit)
    assert report.sell.reason.startswith(Gate.PRICES_DIFFER)


async def test_a_run_that_was_reset_sends_neither(desk: Desk, binance: FakeVenue, upbit: FakeVenue) -> None:
    desk.run_id = "run-of-a-reset"
    report = await execute(desk, binance, upbit)
    assert outcomes(report) == (OrderOutcome.BLOCKED, OrderOutcome.BLOCKED)
    assert report.sell.reason == WAS_RESET
    assert not binance.sent
    assert not upbit.sent


async def test_names_that_another_run_has_used_are_not_sent_again(
    desk: Desk, binance: FakeVenue, upbit: FakeVenue
) -> None:
    desk.journal.asked["XRP-1-1S1-1"] = (NOW, "run-9")
    report = await execute(desk, binance, upbit)
    assert nothing_left(report, binance, upbit)
    assert "run-9" in report.buy.reason
