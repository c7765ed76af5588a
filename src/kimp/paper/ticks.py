"""Price steps."""

from decimal import Decimal
from typing import Protocol

from kimp.paper.amounts import ceil_to, exact, floor_to, is_multiple

KRW_BANDS = tuple(
    (Decimal(price), Decimal(tick))
    for price, tick in (
        ("1000000", "1000"),
        ("500000", "500"),
        ("100000", "100"),
        ("50000", "50"),
        ("10000", "10"),
        ("5000", "5"),
        ("100", "1"),
        ("10", "0.1"),
        ("1", "0.01"),
        ("0.1", "0.001"),
        ("0.01", "0.0001"),
        ("0.001", "0.00001"),
        ("0.0001", "0.000001"),
        ("0.00001", "0.0000001"),
        ("0", "0.00000001"),
    )
)
"""From price, tick. docs.upbit.com krw-market-info, in force since 2025-07-31."""


class Ladder(Protocol):
    """The prices that a market allows."""

    def tick(self, price: Decimal) -> Decimal: ...

    def next_up(self, price: Decimal) -> Decimal: ...

    def next_down(self, price: Decimal) -> Decimal: ...


class EvenLadder:
    """One tick for every price."""

    def __init__(self, tick: Decimal) -> None:
        self._tick = tick

    def tick(self, price: Decimal) -> Decimal:
        del price
        return self._tick

    @exact
    def next_up(self, price: Decimal) -> Decimal:
        return price + self._tick

    @exact
    def next_down(self, price: Decimal) -> Decimal:
        return price - self._tick


class KrwLadder:
    """Upbit's won markets: the tick grows with the price."""

    def tick(self, price: Decimal) -> Decimal:
        return next((tick for lowest, tick in KRW_BANDS if price >= lowest), KRW_BANDS[-1][1])

    @exact
    def next_up(self, price: Decimal) -> Decimal:
        return price + self.tick(price)

    @exact
    def next_down(self, price: Decimal) -> Decimal:
        tick = self.tick(price)
        # At the lower border of a band the step below is the finer tick's.
        return price - min(tick, self.tick(price - tick))


def on_tick(ladder: Ladder, price: Decimal) -> bool:
    return is_multiple(price, ladder.tick(price))


def price_below(ladder: Ladder, price: Decimal) -> Decimal:
    """The highest allowed price not above `price`."""
    return floor_to(price, ladder.tick(price))


def price_above(ladder: Ladder, price: Decimal) -> Decimal:
    """The lowest allowed price not below `price`."""
    return ceil_to(price, ladder.tick(price))
