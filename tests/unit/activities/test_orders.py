"""Orders: sent once, looked up when in doubt, never reported as refused while they may have been accepted."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.desk import Desk
from fakes.journal import MemoryJournal
from fakes.lab import BOUNDS
from fakes.market import NOW, XRP, ManualClock, d
from fakes.telemetry import counted
from fakes.venue import FakeVenue
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.identity import CLOCKS_DIFFER_MS
from activities.orders import FENCE_MS, FOLLOW_LIMIT_MS, FOLLOW_S, SEND_WITHIN_MS, OrderActivities
from activities.price_guard import PriceGuard
from kimp.contracts.orders import Opening, OrderIntent, OrderOutcome, OrderReport
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import (
    KeyRefused,
    NotPermitted,
    NotSent,
    OutcomeUnknown,
    Rejected,
    StoreUnavailable,
    Unavailable,
)
from kimp.domain.market import Fill, Side
from kimp.domain.money import USDT, Asset, Money
from kimp.domain.venues import Venue
from kimp.ports.exchange import NOT_REPORTED, OrderTerms, VenueOrder
from kimp.ports.journal import SendPermit

LOST = OutcomeUnknown("no answer", venue="binance")


def intent(**changes: Any) -> OrderIntent:
    return intents.order(**({"expires_at_ms": NOW + 1_000} | changes))


@dataclass
class WatchedVenue(FakeVenue):
    """Remembers what it was asked, and can make an order known, or closed, only after some looks."""

    looks: int = 0
    unknown_for: int = 0
    open_for: int = 0
    half_first: bool = False
    """An open order shows half of what it will have filled."""
    terms: OrderTerms = NOT_REPORTED
    """What it tells of each order."""
    fills: tuple[Fill, ...] | None = None
    """In the place of those at its quote."""
    seen_at: list[int] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        self.looks += 1
        self.seen_at.append(self.clock.ms)
        order = await super().find_order(coin, client_order_id)
        if order is None or self.looks <= self.unknown_for:
            return None
        if self.looks <= self.unknown_for + self.open_for:
            return VenueOrder(order.venue_order_id, closed=False, fills=self._so_far(order))
        return replace(order, terms=self.terms)

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        order = await super().place_order(intent, send_by_ms=send_by_ms)
        order = order if self.fills is None else replace(order, fills=self.fills)
        return VenueOrder(
            order.venue_order_id,
            closed=not self.open_for,
            fills=self._so_far(order) if self.open_for else order.fills,
            terms=self.terms,
        )

    def _so_far(self, order: VenueOrder) -> tuple[Fill, ...]:
        return tuple(replace(fill, quantity=fill.quantity / 2) for fill in order.fills) if self.half_first else ()


@pytest.fixture
def venue(desk: Desk) -> WatchedVenue:
    return WatchedVenue(Venue.BINANCE, {XRP: (d("1.999"), d(2))}, clock=desk.clock)


def working(desk: Desk, journal: MemoryJournal, *venues: FakeVenue) -> OrderActivities:
    """Where a test names no Upbit, there is one on which the coin has no premium."""
    upbit = FakeVenue(Venue.UPBIT, {XRP: (d(2798), d(2800)), USDT: (d(1399), d(1401))})
    all_venues: dict[Venue, FakeVenue] = {Venue.UPBIT: upbit} | {venue.venue: venue for venue in venues}
    guard = PriceGuard(all_venues, desk.journal, desk.clock, BOUNDS)
    return OrderActivities(all_venues, journal, desk.journal, desk.clock, guard)


def activities(desk: Desk, venue: FakeVenue) -> OrderActivities:
    return working(desk, desk.journal, venue)


async def execute(desk: Desk, venue: FakeVenue, order: OrderIntent | None = None) -> OrderReport:
    report = await desk.run(activities(desk, venue).execute_order, order or intent())
    assert isinstance(report, OrderReport)
    return report


def faults(*errors: Exception) -> deque[Exception]:
    return deque(errors)


async def test_an_order_is_sent_once_and_its_fills_are_reported(desk: Desk, venue: WatchedVenue) -> None:
    with counted("kimp.orders", venue="binance", side="buy", outcome="filled"):
        report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.FILLED
    assert (report.quantity, report.funds) == (d(100), d(200))
    assert venue.sent == [intent()]
    assert venue.looks == 0, "an answer needs no look-up"
    assert desk.journal.closed["XRP-1-1B1-1"] == report


async def test_an_order_that_the_book_does_not_fill(desk: Desk, venue: WatchedVenue) -> None:
    report = await execute(desk, venue, intent(limit_price=d("1.9")))
    assert report.outcome is OrderOutcome.UNFILLED
    assert report.venue_order_id == "v-XRP-1-1B1-1"


async def test_a_second_call_looks_up_and_does_not_send(desk: Desk, venue: WatchedVenue) -> None:
    """The activity's answer was lost on its way to Temporal, so Temporal calls again."""
    first = await execute(desk, venue)
    second = await execute(desk, venue)
    assert second == first
    assert len(venue.sent) == 1
    assert venue.looks == 1


async def test_after_a_lost_answer_the_order_is_found_by_its_client_id(desk: Desk, venue: WatchedVenue) -> None:
    venue.after["place_order"] = faults(LOST)
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.FILLED
    assert len(venue.sent) == 1


async def test_an_order_that_the_venue_shows_late_is_still_found(desk: Desk, venue: WatchedVenue) -> None:
    venue.after["place_order"] = faults(LOST)
    venue.unknown_for = 1
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED
    assert venue.looks == 2


async def test_absent_is_said_only_by_a_look_after_the_fence(desk: Desk, venue: WatchedVenue) -> None:
    """A look within the fence proves nothing: the request may still be on its way."""
    venue.faults["place_order"] = faults(LOST)
    desk.beat_ms = FENCE_MS
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.ABSENT
    assert venue.seen_at == [NOW + FENCE_MS, NOW + 2 * FENCE_MS], "the first was not yet beyond it"
    assert len(venue.sent) == 0


async def test_a_look_that_fails_within_the_fence_does_not_begin_it_anew(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(LOST)
    venue.faults["find_order"] = faults(*(Unavailable("busy", venue="binance") for _ in range(2)))
    desk.beat_ms = FENCE_MS // 2
    assert (await execute(desk, venue)).outcome is OrderOutcome.ABSENT
    assert venue.looks == 3


async def test_a_look_beyond_the_fence_must_be_answered(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(LOST)
    venue.faults["find_order"] = faults(Unavailable("busy", venue="binance"))
    desk.beat_ms = FENCE_MS + 1
    with pytest.raises(Unavailable):
        await execute(desk, venue)


async def test_what_was_certainly_not_executed_may_go_later(desk: Desk, venue: WatchedVenue) -> None:
    """A rate limit, a ban, a halted market: nothing to look for, and no try that counts."""
    venue.faults["place_order"] = faults(Unavailable("busy", venue="binance", retry_after=7))
    report = await execute(desk, venue)
    assert (report.outcome, report.retry_after_s) == (OrderOutcome.BLOCKED, 7)
    assert venue.looks == 0


@pytest.mark.parametrize(
    ("quantity", "words"),
    [(100_000, "201,000 USDT is above the ceiling"), (40_000, "112,560,000 KRW is above the ceiling")],
)
async def test_an_order_above_the_ceiling_is_not_sent_whatever_the_message_says(
    desk: Desk, venue: WatchedVenue, quantity: int, words: str
) -> None:
    report = await execute(desk, venue, intent(quantity=d(quantity)))
    assert report.outcome is OrderOutcome.NOT_SENT
    assert words in report.reason
    assert not venue.sent


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"taker_fee": d("0.0005")}, "a fee of"), ({"limit_price": d("1.5")}, None), ({}, None)],
)
async def test_a_fee_beyond_the_expected_halts_new_cycles_and_is_booked(
    desk: Desk, venue: WatchedVenue, changes: dict[str, Any], words: str | None
) -> None:
    await execute(desk, venue, intent(**changes))
    assert desk.journal.halt is (HaltLevel.RUN if words is None else HaltLevel.NO_NEW_CYCLES)
    assert all(words in reason for reason in desk.journal.reasons if words)


@pytest.mark.parametrize(("first", "second"), [("2.02", "2"), ("2", "2.02")])
@pytest.mark.parametrize("filled", [100, 30])
async def test_a_breach_halts_new_cycles_whichever_fill_it_is_and_however_much_filled(
    desk: Desk, venue: WatchedVenue, filled: int, first: str, second: str
) -> None:
    half = d(filled) / 2
    venue.fills = tuple(Fill(f"t{price}", d(price), half, d(0), USDT) for price in (first, second))
    with counted("kimp.order.breaches", venue="binance"):
        report = await execute(desk, venue)
    assert (report.outcome, report.quantity) == (OrderOutcome.FILLED, d(filled)), "booked as it was"
    assert desk.journal.halt is HaltLevel.NO_NEW_CYCLES
    assert "filled at 2.02, beyond its limit 2.01" in desk.journal.reasons[0]


async def test_an_attempt_that_takes_over_looks_for_a_whole_fence_itself(desk: Desk, venue: WatchedVenue) -> None:
    """By the journal's instant the fence has passed; but the clock that wrote it may be another machine's."""
    await desk.journal.ask_order(intent())
    desk.clock.ms = NOW + FENCE_MS + 1
    desk.beat_ms = FENCE_MS
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.ABSENT
    assert venue.looks == 2
    assert not venue.sent, "a worker that died before it sent leaves nothing behind, and nothing is sent for it"


ANOTHER = [
    (OrderTerms(coin="TRX"), "buy 100 TRX at 2.01"),
    (OrderTerms(side=Side.SELL), "sell 100 XRP at 2.01"),
    (OrderTerms(quantity=d(37)), "buy 37 XRP at 2.01"),
    (OrderTerms(limit_price=d("2.02")), "buy 100 XRP at 2.02"),
    (OrderTerms(placed_ms=NOW - CLOCKS_DIFFER_MS - 1), "long before it was asked for"),
]
"""What the venue tells of an order of the same name, and what a person is told."""


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize(("terms", "reported"), ANOTHER)
async def test_another_order_of_the_same_name_is_not_booked(
    desk: Desk,
    venue: WatchedVenue,
    terms: OrderTerms,
    reported: str,
    answered: bool,  # noqa: FBT001
) -> None:
    """Another database on the same account, or one that began anew, gave the name before."""
    venue.terms = terms
    if not answered:
        venue.after["place_order"] = faults(LOST)
    report = await execute(desk, venue)
    assert (report.outcome, report.fills) == (OrderOutcome.FOREIGN, ())
    assert "asked for was buy 100 XRP at 2.01" in report.reason
    assert reported in report.reason
    assert desk.journal.closed["XRP-1-1B1-1"].outcome is OrderOutcome.FOREIGN


async def test_the_clocks_may_be_ten_minutes_apart(desk: Desk, venue: WatchedVenue) -> None:
    venue.terms = OrderTerms(XRP, Side.BUY, d(100), d("2.01"), placed_ms=NOW - 600_000)
    venue.after["place_order"] = faults(LOST)
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED


async def test_a_definite_refusal_is_final(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(Rejected("price filter", venue="binance", code="-1013"))
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.REJECTED
    assert report.reason == "binance: price filter [-1013]"
    assert venue.looks == 0


@pytest.mark.parametrize("refusal", [NotPermitted, Rejected])
async def test_only_a_market_that_is_closed_to_the_account_is_told_as_such(
    desk: Desk, venue: WatchedVenue, refusal: type[Rejected]
) -> None:
    venue.faults["place_order"] = faults(refusal("no", venue="binance", code="-2010"))
    report = await execute(desk, venue)
    assert (report.outcome, report.not_permitted) == (OrderOutcome.REJECTED, refusal is NotPermitted)


@pytest.mark.parametrize("refusal", [KeyRefused("key expired", venue="binance"), Rejected("no", venue="binance")])
async def test_a_refused_look_up_says_nothing_about_the_order(
    desk: Desk, venue: WatchedVenue, refusal: Exception
) -> None:
    """Reported as refused, the accepted order would be sent a second time under its next attempt's name."""
    venue.after["place_order"] = faults(LOST)
    venue.faults["find_order"] = faults(refusal)
    with pytest.raises(type(refusal)):
        await execute(desk, venue)
    assert not desk.journal.closed
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED, "once the venue answers again"
    assert len(venue.sent) == 1


async def test_a_look_up_that_fails_is_for_the_next_attempt(desk: Desk, venue: WatchedVenue) -> None:
    venue.after["place_order"] = faults(LOST)
    venue.faults["find_order"] = faults(LOST)
    with pytest.raises(OutcomeUnknown):
        await execute(desk, venue)
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED
    assert len(venue.sent) == 1


@pytest.mark.parametrize("level", [HaltLevel.ONLY_COMPENSATION, HaltLevel.NOTHING_LEAVES])
async def test_the_kill_switch_holds_an_order_back(desk: Desk, venue: WatchedVenue, level: HaltLevel) -> None:
    desk.journal.halt = level
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.BLOCKED
    assert f"halted at level {int(level)}" in report.reason
    assert not venue.sent


@pytest.mark.parametrize(
    ("level", "outcome"),
    [(HaltLevel.ONLY_COMPENSATION, OrderOutcome.FILLED), (HaltLevel.NOTHING_LEAVES, OrderOutcome.BLOCKED)],
)
async def test_only_the_highest_level_holds_back_an_order_that_undoes(
    desk: Desk, venue: WatchedVenue, level: HaltLevel, outcome: OrderOutcome
) -> None:
    desk.journal.halt = level
    assert (await execute(desk, venue, intent(compensating=True))).outcome is outcome


async def test_a_refused_key_is_a_bar_that_passes(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(KeyRefused("locked", venue="binance"))
    assert (await execute(desk, venue)).outcome is OrderOutcome.BLOCKED


async def test_a_halt_of_new_cycles_lets_running_ones_go_on(desk: Desk, venue: WatchedVenue) -> None:
    desk.journal.halt = HaltLevel.NO_NEW_CYCLES
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED


async def test_the_kill_switch_does_not_hide_an_order_that_was_sent_before(desk: Desk, venue: WatchedVenue) -> None:
    venue.after["place_order"] = faults(LOST)
    venue.faults["find_order"] = faults(LOST)
    with pytest.raises(OutcomeUnknown):
        await execute(desk, venue)
    desk.journal.halt = HaltLevel.NOTHING_LEAVES
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED


OPENING = Opening(reserve=Money(d(201), USDT), stake_krw=281_400, caps=WIDE)


@pytest.mark.parametrize(
    ("late_ms", "opening", "outcome"),
    [
        (0, None, OrderOutcome.FILLED),
        (0, OPENING, OrderOutcome.FILLED),
        (1, None, OrderOutcome.BLOCKED),
        (1, OPENING, OrderOutcome.NOT_SENT),
    ],
)
async def test_an_expired_order_is_not_sent(
    desk: Desk, venue: WatchedVenue, late_ms: int, opening: Opening | None, outcome: OrderOutcome
) -> None:
    """A cycle is not opened any more; what must be traded is priced anew."""
    desk.clock.ms = NOW + 1_000 + late_ms
    report = await execute(desk, venue, intent(opening=opening))
    assert report.outcome is outcome
    assert len(venue.sent) == (outcome is OrderOutcome.FILLED)


SET_WRONG = [0, 600_000, -600_000]


@pytest.mark.parametrize("off_ms", SET_WRONG)
@pytest.mark.parametrize("opening", [None, OPENING])
@pytest.mark.parametrize("late_ms", [0, 1])
async def test_a_workers_wall_clock_decides_nothing(
    desk: Desk, venue: WatchedVenue, off_ms: int, opening: Opening | None, late_ms: int
) -> None:
    desk.clock.off_ms = off_ms
    desk.clock.ms = NOW + 1_000 + late_ms
    await execute(desk, venue, intent(opening=opening))
    assert len(venue.sent) == (late_ms == 0)
    assert venue.deadlines == ([NOW + 1_000] if late_ms == 0 else []), "of the steady clock"


@dataclass
class StallingJournal(MemoryJournal):
    """The transaction takes a while, as on a database under load."""

    worker: ManualClock = field(default_factory=ManualClock)
    stall_ms: int = 0
    set_ms: int = 0
    """By how much the worker's wall clock is set meanwhile."""

    async def ask_order(self, intent: OrderIntent) -> SendPermit:
        permit = await super().ask_order(intent)
        self.worker.ms += self.stall_ms
        self.worker.off_ms += self.set_ms
        return permit


@pytest.mark.parametrize("set_ms", SET_WRONG)
@pytest.mark.parametrize(("stall_ms", "sent"), [(SEND_WITHIN_MS, 1), (SEND_WITHIN_MS + 1, 0)])
async def test_an_attempt_that_stalls_before_it_sends_must_not_send(
    desk: Desk, venue: WatchedVenue, stall_ms: int, sent: int, set_ms: int
) -> None:
    """A later attempt may have looked past the fence by then, and told the workflow that the order is absent."""
    journal = StallingJournal(clock=desk.server, worker=desk.clock, stall_ms=stall_ms, set_ms=set_ms)
    work = working(desk, journal, venue)
    report = await desk.run(work.execute_order, intent(expires_at_ms=NOW + 3_600_000))
    assert len(venue.sent) == sent
    assert (report.outcome is OrderOutcome.BLOCKED) == (sent == 0)


@pytest.mark.parametrize(
    ("expires_at_ms", "send_by_ms"),
    [(NOW + 5_000, NOW + SEND_WITHIN_MS), (NOW + 300, NOW + 300)],
)
async def test_the_venue_is_told_how_long_the_order_may_be_held_up(
    desk: Desk, venue: WatchedVenue, expires_at_ms: int, send_by_ms: int
) -> None:
    await execute(desk, venue, intent(expires_at_ms=expires_at_ms))
    assert venue.deadlines == [send_by_ms]


async def test_an_order_that_our_own_limiter_held_back_was_not_sent(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(NotSent("held back here", venue="binance"))
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.BLOCKED
    assert "held back here" in report.reason
    assert venue.looks == 0, "nothing left, so there is nothing to look for"


async def test_an_id_that_another_run_used_is_never_sent_again(desk: Desk, venue: WatchedVenue) -> None:
    """Temporal lost its state and the cycle's number came a second time: the venue knows an order of that name."""
    await execute(desk, venue)
    report = await execute(desk, venue, intent(run_id="run-2"))
    assert report.outcome is OrderOutcome.NOT_SENT
    assert "run-1" in report.reason
    assert report.fills == (), "the other run's fills are not this run's"
    assert len(venue.sent) == 1


async def test_a_run_that_was_reset_looks_up_and_sends_nothing_new(desk: Desk, venue: WatchedVenue) -> None:
    await execute(desk, venue)
    desk.run_id = "run-1-reset"
    assert (await execute(desk, venue)).outcome is OrderOutcome.FILLED
    report = await execute(desk, venue, intent(client_order_id="XRP-1-1B1-2"))
    assert report.outcome is OrderOutcome.BLOCKED
    assert "was reset" in report.reason
    assert len(venue.sent) == 1


async def test_an_open_order_is_followed_to_its_last_fill(desk: Desk, venue: WatchedVenue) -> None:
    venue.open_for = 2
    report = await execute(desk, venue)
    assert report.outcome is OrderOutcome.FILLED
    assert report.quantity == d(100)
    assert venue.looks == 3
    assert desk.beats == ["following"] * 3


async def test_an_order_is_followed_beyond_its_first_fill(
    desk: Desk, venue: WatchedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr("activities.orders.pause", pause)
    venue.open_for, venue.half_first = 2, True
    report = await execute(desk, venue)
    assert paused == [FOLLOW_S] * 3, "between its looks the venue is left alone"
    assert report.quantity == d(100)
    assert venue.looks == 3


async def test_an_order_that_stays_open_is_not_told_as_final(desk: Desk, venue: WatchedVenue) -> None:
    """What it fills afterwards would be in nobody's books."""
    venue.open_for, venue.half_first = 99, True
    desk.beat_ms = FOLLOW_LIMIT_MS + 1
    with pytest.raises(Unavailable, match="still open"):
        await execute(desk, venue)
    assert not desk.journal.closed


class NeverStored(MemoryJournal):
    async def ask_order(self, intent: OrderIntent) -> SendPermit:
        raise StoreUnavailable("the database is away")


async def test_without_the_journal_nothing_is_sent(desk: Desk, venue: WatchedVenue) -> None:
    work = working(desk, NeverStored(), venue)
    with pytest.raises(StoreUnavailable):
        await desk.run(work.execute_order, intent())
    assert not venue.sent


async def test_a_worker_that_stops_leaves_the_look_up_to_another(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(LOST)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_run_id="run-1")
    environment.worker_shutdown()
    with pytest.raises(ApplicationError, match="another goes on") as ended:
        await environment.run(activities(desk, venue).execute_order, intent())
    assert not ended.value.non_retryable
    assert not desk.journal.closed


async def test_the_venue_of_the_intent_is_asked(desk: Desk, venue: WatchedVenue) -> None:
    other = FakeVenue(Venue.UPBIT, {XRP: (d(2828), d(2830))})
    work = working(desk, desk.journal, venue, other)
    await desk.run(work.execute_order, intent(venue=Venue.UPBIT, limit_price=d(2830), krw_per_cash=d(1)))
    assert (len(other.sent), len(venue.sent)) == (1, 0)


def names(orders: Sequence[OrderIntent]) -> list[str]:
    return [order.client_order_id for order in orders]


async def test_another_attempt_is_another_order(desk: Desk, venue: WatchedVenue) -> None:
    venue.faults["place_order"] = faults(Rejected("price filter", venue="binance"))
    await execute(desk, venue)
    await execute(desk, venue, intent(client_order_id="XRP-1-1B1-2"))
    assert names(venue.sent) == ["XRP-1-1B1-2"]
