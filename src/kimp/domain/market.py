"""Quotes and the venues' own trading rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class Quote(NamedTuple):
    """One book: best prices in the venue's cash, sizes in the coin, and the levels behind them.

    A plain tuple: it is decoded straight from the wire ten thousand times a second.
    """

    venue: Venue
    coin: Asset
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal
    received_ms: int
    """When kimp last knew the book to be so, epoch milliseconds: when it was received, or when its stream gave a later
    sign of life. By kimp's own clock, as Binance's bookTicker carries no time.
    """
    bids_behind: str = ""
    """Further levels, best first, as text: of all books that come few are walked, and these read it then
    (`kimp.domain.depth`)."""
    asks_behind: str = ""

    @property
    def crossed(self) -> bool:
        return self.bid >= self.ask

    @property
    def priced(self) -> bool:
        """An empty side is told as a price of zero; a crossed book is about to be matched."""
        return self.bid > ZERO and not self.crossed

    def age_ms(self, now_ms: int) -> int:
        return now_ms - self.received_ms


BookKey = tuple[Venue, Asset]
Quotes = Mapping[BookKey, Quote]
"""Books as the venues told them a moment ago."""


@dataclass(frozen=True, slots=True)
class TickBand:
    """Prices from `from_price` up move in steps of `tick` (Upbit's KRW table has many bands, Binance one)."""

    from_price: Decimal
    tick: Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a venue demands of an order in one of its cash markets."""

    venue: Venue
    coin: Asset
    tick_bands: tuple[TickBand, ...]
    """Descending by `from_price`."""
    lot: Decimal
    """Step of the quantity, in the coin."""
    min_quantity: Decimal
    min_notional: Decimal
    """Least price x quantity, in the venue's cash."""
    max_notional: Decimal
    taker_fee: Decimal
    """A ratio. Upbit takes it in KRW on both sides; Binance from what the order brings in."""

    def tick(self, price: Decimal) -> Decimal:
        for band in self.tick_bands:
            if price >= band.from_price:
                return band.tick
        return self.tick_bands[-1].tick


@dataclass(frozen=True, slots=True)
class Network:
    """How a coin leaves and enters a venue over one chain, at this moment."""

    venue: Venue
    coin: Asset
    name: str
    """The venue's own name of the chain (`net_type` on Upbit, `network` on Binance)."""
    withdraw_fee: Decimal
    """In the coin. Binance takes it out of the amount, Upbit on top (see `sizing.size_withdrawal`)."""
    withdraw_min: Decimal
    withdraw_step: Decimal
    """Smallest step of a withdrawal amount, in the coin."""
    withdraw_open: bool
    deposit_open: bool
    tag_required: bool


@dataclass(frozen=True, slots=True)
class Turnover:
    """What a market turned over in the last 24 hours, in the venue's cash."""

    venue: Venue
    coin: Asset
    cash: Decimal


@dataclass(frozen=True, slots=True)
class VenueRules:
    """All that kimp knows of a venue's rules, read from the venue at `read_ms` (epoch milliseconds)."""

    venue: Venue
    read_ms: int
    instruments: tuple[Instrument, ...]
    networks: tuple[Network, ...]
    turnovers: tuple[Turnover, ...] = ()
    """Of the markets, where the venue tells it; none from a feeder that does not ask yet."""


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of an order, as the venue booked it."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: Asset
