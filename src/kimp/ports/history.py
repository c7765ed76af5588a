"""What a venue tells anybody of what was traded: of its past, page by page, and of the present, as it happens."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue

MOST = Decimal("1E+15")
"""More than any market has of anything."""
PLACES = 12
"""Decimals: more than any venue quotes."""


def is_amount(number: Decimal) -> bool:
    """Whether a market can have told it of a price or a quantity."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -PLACES and ZERO <= number <= MOST


class Candle(NamedTuple):
    """A minute of a market in the venue's cash."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """In the coin."""


class MarketTrade(NamedTuple):
    """Somebody's trade, or several of one order at one price, as the venue sums them up."""

    at_ms: int
    price: Decimal
    quantity: Decimal


class TradeStream(Protocol):
    """A venue's public stream of trades: reconnects by itself. What is traded meanwhile is missing."""

    @property
    def venue(self) -> Venue: ...

    def trades(self, coins: Sequence[Asset]) -> AsyncIterator[Sequence[tuple[Asset, MarketTrade]]]: ...


class MarketHistory(Protocol):
    """Each raises a venue error; NotFound where the venue has no such market."""

    venue: Venue
    trade_days: int | None
    """Of how many days before today the venue tells the trades; None: of all."""

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        """Those that opened from `start_ms` on and before `end_ms`, oldest first; none where nothing was traded."""
        ...

    def trades(self, coin: Asset, start_ms: int, end_ms: int) -> AsyncIterator[Sequence[MarketTrade]]:
        """Those from `start_ms` on and before `end_ms`, page by page, in any order."""
        ...
