"""What is open between both orders of a pair, and what closes it at least cost.

A pair buys a coin on one venue and sells it on the other at the same instant. Each side may fill whole, in part or not
at all. What one side traded more than the other is at the mercy of the price until it is closed: forwards, by trading
what the other side lacks, or back, by reversing what this one has too many of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from kimp.domain import sizing
from kimp.domain.depth import walk
from kimp.domain.legs import Market
from kimp.domain.market import Instrument, Side
from kimp.domain.money import ONE, ZERO, exact, round_down, round_up
from kimp.domain.venues import Direction, Venue
from kimp.domain.won import krw_per


@dataclass(frozen=True, slots=True)
class BothSides:
    """What both orders have come to, and all that has closed a difference since; net, after fees."""

    direction: Direction
    """Bought on its source, sold on its destination."""
    travel: Decimal
    """Coins that the way from one to the other takes."""
    bought: Decimal
    sold: Decimal
    bought_at: Decimal
    """Cash of the source that a coin cost when the pair was traded."""
    sold_at: Decimal
    """Cash of the destination that one brought then."""

    @property
    @exact
    def open(self) -> Decimal:
        """Coins that were bought and not sold; below zero those that were sold and not bought."""
        return self.bought - self.sold - (self.travel if self.sold > ZERO else ZERO)

    def __str__(self) -> str:
        more, less = ("bought", "sold") if self.open > ZERO else ("sold", "bought")
        return f"{abs(self.open):f} were {more} and not {less}"


@dataclass(frozen=True, slots=True)
class Closing:
    """An order that closes the difference, as far as its book carries it."""

    venue: Venue
    side: Side
    quantity: Decimal
    worst: Decimal
    """Price of the last level that it takes: its limit."""
    keeps: Decimal
    """What it gains, as a ratio of what the coins were traded for before; a loss is below zero."""


class _Way(NamedTuple):
    venue: Venue
    side: Side
    coins: Decimal
    """To change hands, after a fee that is taken out of them."""


def _ways(both: BothSides) -> Iterator[_Way]:
    """Forwards, then back."""
    source, destination = both.direction.source, both.direction.destination
    if both.open > ZERO:
        sold_first = ZERO if both.sold > ZERO else both.travel  # nothing was to travel so far
        yield _Way(destination, Side.SELL, both.open - sold_first)
        yield _Way(source, Side.SELL, both.open)
    elif both.open < ZERO:
        yield _Way(source, Side.BUY, -both.open)
        yield _Way(destination, Side.BUY, min(-both.open, both.sold))


@exact
def closings(both: BothSides, books: Mapping[Venue, Market], krw_per_usdt: Decimal) -> list[Closing]:
    """What the books of this moment offer, least costly first."""
    offers = (_closing(both, way, books[way.venue], krw_per_usdt) for way in _ways(both) if way.venue in books)
    return sorted((offer for offer in offers if offer is not None), key=lambda offer: -offer.keeps)


@exact
def too_little(both: BothSides, books: Mapping[Venue, Market]) -> bool:
    """Whether what is open is below the least that either venue trades. Both books are needed to tell."""
    return all(
        way.venue in books and _problem(way, _quantity(way, books[way.venue].instrument), books[way.venue])
        for way in _ways(both)
    )


@exact
def came_to_nothing(both: BothSides, books: Mapping[Venue, Market]) -> bool:
    """Whether what is left of either side is below the least that its venue trades."""
    source, destination = both.direction.source, both.direction.destination
    left = (_Way(source, Side.SELL, both.bought), _Way(destination, Side.BUY, both.sold))
    return all(_problem(way, _quantity(way, books[way.venue].instrument), books[way.venue]) for way in left)


def _problem(way: _Way, quantity: Decimal, market: Market) -> bool:
    price = market.quote.ask if way.side is Side.BUY else market.quote.bid
    return quantity <= ZERO or sizing.order_problem(quantity, price, market.instrument) is not None


def _quantity(way: _Way, instrument: Instrument) -> Decimal:
    """A buy never leaves the other side short, a sale never sells what is not there."""
    if way.side is Side.SELL:
        return round_down(way.coins, instrument.lot)
    return round_up(way.coins / sizing.bought(ONE, instrument), instrument.lot)


def _closing(both: BothSides, way: _Way, market: Market, krw_per_usdt: Decimal) -> Closing | None:
    quote, instrument = market
    wanted = _quantity(way, instrument)
    if wanted <= ZERO:
        return None
    quantity = round_down(walk(quote, way.side, wanted).quantity, instrument.lot)
    if _problem(way, quantity, market):
        return None
    taken = walk(quote, way.side, quantity)
    worth = abs(both.open) * quantity / wanted * _worth(both, krw_per_usdt)
    rate = krw_per(way.venue.cash, krw_per_usdt)
    if way.side is Side.SELL:
        gained = sizing.received(taken.funds, instrument) * rate - worth
    else:
        gained = worth - sizing.paid(taken.funds, instrument) * rate
    return Closing(way.venue, way.side, quantity, taken.worst, gained / worth)


def _worth(both: BothSides, krw_per_usdt: Decimal) -> Decimal:
    """Of an open coin, in won, by what it was traded for."""
    if both.open > ZERO:
        return both.bought_at * krw_per(both.direction.source.cash, krw_per_usdt)
    return both.sold_at * krw_per(both.direction.destination.cash, krw_per_usdt)
