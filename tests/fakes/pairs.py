"""Cycles whose leg one is traded on both sides at once, and what becomes of either order."""

from collections.abc import Callable
from decimal import Decimal

from fakes.lab import XRP, Lab
from fakes.venue import FakeVenue

from kimp.contracts.cycle import CycleInput
from kimp.contracts.orders import OrderIntent
from kimp.domain.ledger import unexplained_entry
from kimp.domain.opportunity import Mode
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import VenueOrder


async def at_once(lab: Lab, direction: Direction = Direction.TO_UPBIT, expires_in_ms: int = 60_000) -> CycleInput:
    """A cycle that pays in this direction."""
    if direction is Direction.TO_BINANCE:
        lab.upbit.prices[XRP] = (Decimal(3150), Decimal(3151))
    cycle = await lab.plan(direction, expires_in_ms, mode=Mode.PREFUNDED)
    assert cycle.sale is not None
    return cycle


async def stock(lab: Lab, amount: Decimal = Decimal(10_000)) -> None:
    """Coins to sell, on the venue in won, where books are kept that must know of them."""
    assert lab.books is not None
    lab.upbit.held[XRP] = amount
    await lab.books.ledger.book([unexplained_entry("stock", {(Venue.UPBIT, XRP): amount})])


def first_fills(venue: FakeVenue, share: Decimal, then: Callable[[], None] = lambda: None) -> None:
    """The venue's first order meets a book that carries so much of it; `then` is what the market does next."""
    place = venue.place_order

    async def once(intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        venue.place_order = place  # type: ignore[method-assign]  # the venue of this one cycle
        deep, venue.depth = venue.depth, intent.quantity * share
        try:
            return await place(intent, send_by_ms=send_by_ms)
        finally:
            venue.depth = deep
            then()

    venue.place_order = once  # type: ignore[method-assign]  # as above
