"""Which orders and cycles the sweep takes up, and which it leaves for the next one."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes import intents
from fakes.desk import Desk
from fakes.lab import BOUNDS, POLICY, binance, upbit
from fakes.market import XRP, d
from fakes.venue import FakeVenue

from activities.sweep import AT_ONCE, SweepActivities
from kimp.contracts.cycle import CyclePolicy, StrandedInput, TakeOver
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderReport
from kimp.contracts.sweep import StrandedQuery, SweepQuery, Unattended
from kimp.domain.errors import BadAmount, KimpError, NotFound, Rejected, Unavailable, Unstorable
from kimp.domain.ledger import Entry
from kimp.domain.market import Side
from kimp.domain.venues import Direction, Venue
from kimp.ports.journal import UnfinishedCycle

BOUGHT = intents.order()
SOLD = intents.order(
    client_order_id="XRP-1-2S1-1", venue=Venue.UPBIT, side=Side.SELL, quantity=d(50), limit_price=d(3_000)
)
FACTS = UnfinishedCycle(
    cycle_id="XRP-1",
    coin=XRP,
    direction=Direction.TO_UPBIT,
    premium=d("0.01"),
    expected_edge=d("0.005"),
    detected_at_ms=5,
    ended=False,
    installation="k1",
    takes_over=TakeOver(run_id="run-1", sequence=7, adopted=()),
)


@dataclass
class Books:
    """Unfinished cycles, fates and settings, as far as a sweep asks them."""

    unbooked: Sequence[OrderIntent] = ()
    fates: dict[str, str | None] = field(default_factory=dict)
    facts: UnfinishedCycle | None = FACTS
    asked_for_facts: bool = False
    unstorable: KimpError | None = None
    adopted: list[tuple[str, OrderReport, Sequence[Entry]]] = field(default_factory=list)

    async def unbooked_orders(self, within_ms: int, sure_within_ms: int) -> Sequence[OrderIntent]:
        del within_ms, sure_within_ms
        return self.unbooked

    async def reopen_for_withdrawals(self, within_ms: int) -> Sequence[str]:
        del within_ms
        return ["XRP-9-1W-1"]

    async def adopt(self, intent: OrderIntent, report: OrderReport, entries: Sequence[Entry]) -> None:
        if entries and self.unstorable is not None:
            raise self.unstorable
        self.adopted.append((intent.client_order_id, report, entries))

    async def unfinished(self) -> Sequence[str]:
        return list(self.fates)

    async def fate(self, cycle_id: str) -> str | None:
        return self.fates[cycle_id]

    async def unfinished_cycle(self, cycle_id: str) -> UnfinishedCycle | None:
        del cycle_id
        self.asked_for_facts = True
        return self.facts

    async def policy(self) -> CyclePolicy:
        return POLICY


@pytest.fixture
def books() -> Books:
    return Books([BOUGHT, SOLD])


@pytest.fixture
async def venues() -> dict[Venue, FakeVenue]:
    """On which both orders have filled."""
    both = {Venue.UPBIT: upbit(), Venue.BINANCE: FakeVenue(Venue.BINANCE, {XRP: (d("1.999"), d(2))})}
    for order in (BOUGHT, SOLD):
        await both[order.venue].place_order(order, send_by_ms=0)
    return both


def _sweep(books: Books, venues: dict[Venue, FakeVenue]) -> SweepActivities:
    return SweepActivities(venues, books, books, books, BOUNDS)  # type: ignore[arg-type]


async def _adopted(desk: Desk, books: Books, venues: dict[Venue, FakeVenue]) -> tuple[str, ...]:
    found: Unattended = await desk.run(_sweep(books, venues).adopt_late_orders, SweepQuery())
    return found.adopted


async def test_what_filled_is_booked_and_reported_as_filled(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    assert await _adopted(desk, books, venues) == ("XRP-1-1B1-1", "XRP-1-2S1-1", "XRP-9-1W-1")
    for (name, report, entries), order in zip(books.adopted, (BOUGHT, SOLD), strict=True):
        found = venues[order.venue].orders[name]
        assert report.outcome is OrderOutcome.FILLED
        assert (report.client_order_id, report.venue_order_id, report.fills) == (
            name,
            found.venue_order_id,
            found.fills,
        )
        assert [entry.entry_id for entry in entries] == [f"{name}/{fill.trade_id}" for fill in found.fills]


@pytest.mark.parametrize("changes", [{"closed": False}, {"fills": ()}], ids=["open", "without a fill"])
async def test_an_order_that_may_go_on_or_came_to_nothing_is_left(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], changes: dict[str, Any]
) -> None:
    orders = venues[Venue.BINANCE].orders
    orders[BOUGHT.client_order_id] = replace(orders[BOUGHT.client_order_id], **changes)
    assert await _adopted(desk, books, venues) == ("XRP-1-2S1-1", "XRP-9-1W-1")


async def test_an_order_that_the_venue_does_not_know_is_left(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    venues[Venue.BINANCE].hides_orders = True
    venues[Venue.UPBIT].faults["find_order"] = deque([NotFound("no order", venue="upbit")])
    assert await _adopted(desk, books, venues) == ("XRP-9-1W-1",)
    assert not books.adopted


async def test_a_strangers_order_of_the_same_name_is_not_booked(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    books.unbooked = [BOUGHT.model_copy(update={"quantity": BOUGHT.quantity + 1}), SOLD]
    assert await _adopted(desk, books, venues) == ("XRP-1-2S1-1", "XRP-9-1W-1")


@pytest.mark.parametrize(
    ("error", "asked"),
    [(Unavailable("down", venue="binance"), 0), (Rejected("no", venue="binance"), 1)],
    ids=["the venue does not answer", "this order alone"],
)
async def test_a_venue_that_is_away_is_asked_about_no_other_order_in_this_sweep(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], error: Exception, asked: int
) -> None:
    second = intents.order(client_order_id="XRP-1-1B2-1")
    await venues[Venue.BINANCE].place_order(second, send_by_ms=0)
    books.unbooked = [BOUGHT, second, SOLD]
    venues[Venue.BINANCE].faults["find_order"] = deque([error])
    seconds = ("XRP-1-1B2-1",) * asked
    assert await _adopted(desk, books, venues) == (*seconds, "XRP-1-2S1-1", "XRP-9-1W-1")


@pytest.mark.parametrize("refusal", [BadAmount("19 decimals"), Unstorable("too long")], ids=["amount", "row"])
async def test_what_no_database_holds_is_handed_over_without_its_entries(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], refusal: KimpError
) -> None:
    books.unstorable = refusal
    assert "XRP-1-1B1-1" in await _adopted(desk, books, venues)
    assert {name: list(entries) for name, _, entries in books.adopted} == {"XRP-1-1B1-1": [], "XRP-1-2S1-1": []}


async def test_cycles_whose_workflow_does_not_run_are_found_in_their_order(desk: Desk, books: Books) -> None:
    books.fates = {"XRP-2": "terminated", "TRX-1": None, "SOL-1": "failed"}
    found: Unattended = await desk.run(_sweep(books, {}).find_stranded, SweepQuery())
    assert found.cycle_ids == ("SOL-1", "XRP-2")


async def test_no_sweep_hands_over_more_than_its_history_holds(desk: Desk, books: Books) -> None:
    books.fates = {f"XRP-{number}": "terminated" for number in range(AT_ONCE + 1)}
    found: Unattended = await desk.run(_sweep(books, {}).find_stranded, SweepQuery())
    assert len(set(found.cycle_ids)) == AT_ONCE


async def _described(desk: Desk, books: Books, upbit_: FakeVenue) -> StrandedInput | None:
    question = StrandedQuery(cycle_id="XRP-1")
    found: Unattended = await desk.run(
        _sweep(books, {Venue.UPBIT: upbit_, Venue.BINANCE: binance()}).describe_stranded, question
    )
    assert not found.adopted
    assert not found.cycle_ids
    return found.stranded[0] if found.stranded else None


async def test_a_new_workflow_begins_with_what_books_and_journal_know(desk: Desk, books: Books) -> None:
    books.fates = {"XRP-1": "its workflow was terminated"}
    assert await _described(desk, books, upbit()) == StrandedInput(
        cycle_id="XRP-1",
        coin=XRP,
        direction=Direction.TO_UPBIT,
        premium=d("0.01"),
        expected_edge=d("0.005"),
        krw_per_usdt=d("1400.5"),
        detected_at_ms=5,
        installation="k1",
        policy=POLICY,
        why="its workflow was terminated",
        parked=True,
        takes_over=TakeOver(run_id="run-1", sequence=7, adopted=()),
    )


@pytest.mark.parametrize(
    ("adopted", "why"),
    [(("XRP-1-1B1-1",), "an order surfaced after its fence"), ((), "a withdrawal of it is in no book")],
)
async def test_a_cycle_that_had_ended_is_undone_without_asking_anybody(
    desk: Desk, books: Books, adopted: tuple[str, ...], why: str
) -> None:
    books.fates = {"XRP-1": "completed"}
    takes_over = TakeOver(run_id="run-1", sequence=7, adopted=adopted)
    books.facts = replace(FACTS, ended=True, takes_over=takes_over)
    described = await _described(desk, books, upbit())
    assert described is not None
    assert (described.why, described.parked) == (why, False)


async def test_a_cycle_that_runs_or_is_finished_is_not_taken_over(desk: Desk, books: Books) -> None:
    books.fates = {"XRP-1": None}
    assert await _described(desk, books, upbit()) is None
    assert not books.asked_for_facts, "of a cycle that runs books and journal are still to be written"
    books.fates, books.facts = {"XRP-1": "terminated"}, None
    assert await _described(desk, books, upbit()) is None


async def test_no_cycle_is_taken_over_while_nothing_values_cash(desk: Desk, books: Books) -> None:
    books.fates = {"XRP-1": "terminated"}
    silent = upbit()
    silent.faults["tops"] = deque([Unavailable("down", venue="upbit")])
    assert await _described(desk, books, silent) is None
