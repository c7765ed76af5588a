"""A book made around a last price, where no book is known: modelled, and to be told as modelled.

The backtest and the paper exchange's replay make the same books of the same prices.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.depth import Level, levels_text
from kimp.domain.market import Instrument, Quote
from kimp.domain.money import ONE, ZERO, exact, round_down, round_up

SIZE = Decimal("1e-8")
TickRule = Callable[[Decimal], Decimal]
"""The step of a price."""
Sides = tuple[tuple[Level, ...], tuple[Level, ...]]
"""Bids and asks, best first."""


@dataclass(frozen=True, slots=True)
class BookShape:
    """Ratios of the price."""

    half_spread: Decimal = Decimal("0.0001")
    """Between the last price and bid or ask; rounded away from the price to the venue's ticks."""
    level_step: Decimal = Decimal("0.0002")
    """Between two levels; at least one tick."""
    levels: int = 10


@exact
def quote_around(instrument: Instrument, price: Decimal, level_cash: Decimal, at_ms: int, shape: BookShape) -> Quote:
    """As kimp would have read it at `at_ms`."""
    bids, asks = book_around(instrument.tick, price, level_cash, shape)
    return Quote(
        instrument.venue,
        instrument.coin,
        *bids[0],
        *asks[0],
        at_ms,
        levels_text(bids[1:]),
        levels_text(asks[1:]),
    )


@exact
def book_around(tick: TickRule, price: Decimal, level_cash: Decimal, shape: BookShape) -> Sides:
    """Levels on ticks with the last price between bid and ask, each worth `level_cash` in the venue's cash."""
    bid, ask = best_around(tick, price, shape.half_spread)
    offsets = [n * shape.level_step * price for n in range(1, shape.levels)]
    bids = [bid, *(_down(tick, bid - offset) for offset in offsets)]
    asks = [ask, *(_up(tick, ask + offset) for offset in offsets)]
    return _levels((price for price in bids if price > ZERO), level_cash), _levels(asks, level_cash)


@exact
def best_around(tick: TickRule, price: Decimal, half_spread: Decimal) -> tuple[Decimal, Decimal]:
    """Bid and ask on ticks, at least one apart, `half_spread` or more from the price."""
    bid = _down(tick, price * (ONE - half_spread))
    ask = _up(tick, price * (ONE + half_spread))
    if ask <= bid:
        ask = bid + tick(bid)
    if bid <= ZERO:
        bid = tick(price)
        ask = bid + tick(bid)
    return bid, ask


def _down(tick: TickRule, price: Decimal) -> Decimal:
    return round_down(price, tick(price))


def _up(tick: TickRule, price: Decimal) -> Decimal:
    return round_up(price, tick(price))


def _levels(prices: Iterable[Decimal], cash: Decimal) -> tuple[Level, ...]:
    """One level a price: where a tick is more than a step, several fall together, and carry as much as all of them."""
    merged: dict[Decimal, Decimal] = {}
    for price in prices:
        merged[price] = merged.get(price, ZERO) + round_down(cash / price, SIZE)
    return tuple(Level(price, size) for price, size in merged.items())
