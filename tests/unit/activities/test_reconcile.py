"""What the venues hold and the ledger does not know: when it is compared, what is booked, and when trading stops."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from fakes.desk import Desk
from fakes.lab import BOUNDS, TRX, XRP, binance, upbit
from fakes.market import d
from fakes.venue import BNB, FakeVenue

from activities.reconcile import ReconcileActivities
from kimp.contracts.sweep import Reconciled, SweepQuery
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import Unavailable
from kimp.domain.ledger import Account, Entry, Held, Holder
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import PAIR, Venue

KNOWN: Held = {
    (Venue.UPBIT, KRW): d(1_000_000),
    (Venue.UPBIT, XRP): d(100),
    (Venue.BINANCE, USDT): d(700),
    (Account.IN_TRANSIT, XRP): d(5),
}
BEARABLE_KRW = d(14_000)


@dataclass
class Books:
    """Ledger, unfinished_cycles, controls and settings, as far as a comparison asks them."""

    held: dict[tuple[Holder, Asset], Decimal] = field(default_factory=lambda: dict(KNOWN))
    opened_for: frozenset[Venue] = frozenset(PAIR)
    open_cycles: deque[list[str]] = field(default_factory=deque)
    """Answer by answer, then none."""
    late_orders: list[str] = field(default_factory=list)
    looked_back_ms: list[tuple[int, int]] = field(default_factory=list)
    booked_meanwhile: Held = field(default_factory=dict)
    booked: list[Entry] = field(default_factory=list)
    halts: list[tuple[HaltLevel, str]] = field(default_factory=list)

    async def unfinished(self) -> Sequence[str]:
        return self.open_cycles.popleft() if self.open_cycles else []

    async def unbooked_orders(self, within_ms: int, sure_within_ms: int) -> Sequence[str]:
        self.looked_back_ms.append((within_ms, sure_within_ms))
        return self.late_orders

    async def opened(self) -> frozenset[Venue]:
        return self.opened_for

    async def balances(self) -> Held:
        reported = dict(self.held)
        self.held.update(self.booked_meanwhile)
        return reported

    async def book(self, entries: Sequence[Entry]) -> None:
        self.booked.extend(entries)

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        self.halts.append((level, reason))

    async def unexplained_krw(self) -> Decimal:
        return BEARABLE_KRW


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def venues() -> dict[Venue, FakeVenue]:
    """That hold what the ledger says."""
    both = {Venue.UPBIT: upbit(), Venue.BINANCE: binance()}
    for (account, asset), amount in KNOWN.items():
        if isinstance(account, Venue):
            both[account].held[asset] = amount
    return both


async def _reconciled(desk: Desk, books: Books, venues: Mapping[Venue, FakeVenue]) -> Reconciled:
    activities = ReconcileActivities(venues, books, books, books, desk.clock, books, BOUNDS)  # type: ignore[arg-type]
    reported: Reconciled = await desk.run(activities.reconcile_balances, SweepQuery())
    return reported


def _postings(entry: Entry) -> dict[tuple[Holder, Asset], Decimal]:
    return {(one.account, one.asset): one.amount for one in entry.postings}


async def test_what_agrees_is_not_booked(desk: Desk, books: Books, venues: dict[Venue, FakeVenue]) -> None:
    assert await _reconciled(desk, books, venues) == Reconciled()
    assert not books.booked
    assert not books.halts


async def test_what_a_venue_holds_beyond_the_ledger_comes_from_outside(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    venues[Venue.UPBIT].held[XRP] += 2
    venues[Venue.BINANCE].held[USDT] -= 1

    reported = await _reconciled(desk, books, venues)

    assert set(reported.differences) == {"+2 XRP on upbit", "-1 USDT on binance"}
    (entry,) = books.booked
    assert _postings(entry) == {
        (Venue.UPBIT, XRP): 2,
        (Venue.BINANCE, USDT): -1,
        (Account.EXTERNAL, XRP): -2,
        (Account.EXTERNAL, USDT): 1,
    }
    assert entry.cycle_id is None


@pytest.mark.parametrize("open_cycles", [[["XRP-1"]], [[], ["XRP-1"]]], ids=["before", "meanwhile"])
async def test_nothing_is_compared_while_a_cycle_runs(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], open_cycles: list[list[str]]
) -> None:
    venues[Venue.UPBIT].held[XRP] += 2
    books.open_cycles = deque(open_cycles)
    assert not (await _reconciled(desk, books, venues)).differences
    assert not books.booked


async def test_nothing_is_compared_if_something_was_booked_meanwhile(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    """By a cycle that began and ended while the balances were read."""
    venues[Venue.UPBIT].held[XRP] += 2
    books.booked_meanwhile = {(Venue.UPBIT, XRP): d(102)}
    assert not (await _reconciled(desk, books, venues)).differences


@pytest.mark.parametrize("opened", [frozenset(), frozenset({Venue.UPBIT}), frozenset({Venue.BINANCE})])
async def test_nothing_is_compared_before_both_accounts_were_looked_at(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], opened: frozenset[Venue]
) -> None:
    venues[Venue.UPBIT].held[XRP] += 2
    books.opened_for = opened
    assert not (await _reconciled(desk, books, venues)).differences


async def test_nothing_is_compared_while_an_order_may_surface(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    """A minute from its intent on; what the venue refused for certain is not waited for."""
    venues[Venue.UPBIT].held[XRP] += 2
    books.late_orders = ["XRP-1-1B1-1"]
    assert not (await _reconciled(desk, books, venues)).differences
    assert books.looked_back_ms == [(60_000, 0)]


async def test_what_an_answer_does_not_tell_is_named_and_not_compared(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    venues[Venue.UPBIT].unreadable = {XRP, TRX}

    reported = await _reconciled(desk, books, venues)

    assert reported == Reconciled(unknown=("TRX on upbit", "XRP on upbit"))
    assert not books.booked


@pytest.mark.parametrize(
    ("asset", "venue", "amount", "much"),
    [
        (KRW, Venue.UPBIT, BEARABLE_KRW, False),
        (KRW, Venue.UPBIT, BEARABLE_KRW + 1, True),
        (KRW, Venue.UPBIT, -BEARABLE_KRW, False),
        (KRW, Venue.UPBIT, -BEARABLE_KRW - 1, True),
        (USDT, Venue.BINANCE, d("9.99"), False),  # at 1,400.5 won
        (USDT, Venue.BINANCE, d(10), True),
        (XRP, Venue.BINANCE, d(4), False),  # at Upbit's bid of 3,240 won
        (XRP, Venue.BINANCE, d(5), True),
        (BNB, Venue.BINANCE, d("0.000001"), True),  # which Upbit does not price
    ],
)
async def test_trading_stops_where_it_is_worth_more_than_is_borne(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue], asset: Asset, venue: Venue, amount: Decimal, *, much: bool
) -> None:
    venues[venue].held[asset] += amount

    await _reconciled(desk, books, venues)

    assert len(books.booked) == 1
    assert [level for level, _ in books.halts] == [HaltLevel.NO_NEW_CYCLES] * much
    assert all(f"{amount:+f} {asset} on {venue}" in reason for _, reason in books.halts)


async def test_gains_and_losses_do_not_make_up_for_each_other(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    venues[Venue.UPBIT].held[KRW] += 10_000
    venues[Venue.UPBIT].held[XRP] -= 3

    await _reconciled(desk, books, venues)

    assert [level for level, _ in books.halts] == [HaltLevel.NO_NEW_CYCLES]


async def test_what_can_not_be_valued_may_be_worth_anything(
    desk: Desk, books: Books, venues: dict[Venue, FakeVenue]
) -> None:
    venues[Venue.UPBIT].held[KRW] += 1
    venues[Venue.UPBIT].faults["tops"] = deque([Unavailable("down", venue="upbit")])

    await _reconciled(desk, books, venues)

    assert [level for level, _ in books.halts] == [HaltLevel.NO_NEW_CYCLES]
