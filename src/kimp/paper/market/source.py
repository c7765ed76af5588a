"""Where prices come from."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from kimp.domain.errors import BadInput
from kimp.domain.market import Side
from kimp.domain.modelled_book import Sides
from kimp.domain.venues import Venue


class BadMarketData(BadInput):
    """Recorded data that cannot be replayed: the text says which file and line, and what to mend."""


@dataclass(frozen=True, slots=True)
class Print:
    """A trade of strangers. `taker` says which side took."""

    price: Decimal
    quantity: Decimal
    taker: Side


@dataclass(frozen=True, slots=True)
class MarketUpdate:
    """New best prices of one coin on one venue, in the venue's cash (won on Upbit, USDT on Binance), on its ticks."""

    venue: Venue
    coin: str
    bid: Decimal
    ask: Decimal
    trade: Print | None
    sides: Sides | None = None
    """All that the book shows; None: levels behind the best prices are drawn when somebody looks."""


class MarketSource(Protocol):
    def opening(self) -> Sequence[MarketUpdate]:
        """One update for every market, before the exchange opens."""
        ...

    def updates(self) -> AsyncIterator[Sequence[MarketUpdate]]:
        """Batches of updates, paced in real time; may end."""
        ...
