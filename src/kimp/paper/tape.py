"""What a ticker tells: first, last, highest and lowest price and the volume since the exchange opened."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.durations import MINUTE_MS
from kimp.domain.market import Side
from kimp.paper.amounts import SATOSHI, ZERO, exact, floor_to
from kimp.paper.market.source import MarketUpdate, Print

KEPT_PRINTS = 2_000
KEPT_MINUTES = 1_440


@dataclass(frozen=True, slots=True)
class NumberedPrint:
    number: int
    at_ms: int
    trade: Print


@dataclass(slots=True)
class Minute:
    """The trades of a minute, summed up."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    base_volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    count: int = 0

    @classmethod
    def at(cls, open_ms: int, price: Decimal) -> "Minute":
        """One with no trade."""
        return cls(open_ms, price, price, price, price)

    @exact
    def add(self, trade: Print) -> None:
        self.high, self.low, self.close = max(self.high, trade.price), min(self.low, trade.price), trade.price
        self.base_volume += trade.quantity
        self.quote_volume += trade.quantity * trade.price
        self.count += 1


class Tape:
    """One market's trades."""

    @exact
    def __init__(self, opening: MarketUpdate, turnover: Decimal = ZERO) -> None:
        """`turnover`: of the day before the exchange opened, in the venue's cash."""
        self._base_before = floor_to(turnover / opening.bid, SATOSHI)
        self._quote_before = floor_to(turnover, SATOSHI)
        self.open = self.high = self.low = self.last = opening.bid
        self.base_volume = ZERO
        self.quote_volume = ZERO
        self.taker = Side.BUY
        self.last_ms = 0
        self.prints: deque[NumberedPrint] = deque(maxlen=KEPT_PRINTS)
        self.minutes: deque[Minute] = deque(maxlen=KEPT_MINUTES)
        """Those with trades, oldest first."""
        self.count = 0

    @exact
    def add(self, trade: Print, now_ms: int) -> NumberedPrint:
        self.last, self.taker, self.last_ms = trade.price, trade.taker, now_ms
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.base_volume += trade.quantity
        self.quote_volume += trade.quantity * trade.price
        self.count += 1
        open_ms = now_ms - now_ms % MINUTE_MS
        if not self.minutes or self.minutes[-1].open_ms < open_ms:
            self.minutes.append(Minute.at(open_ms, trade.price))
        self.minutes[-1].add(trade)
        self.prints.append(NumberedPrint(self.count, now_ms, trade))
        return self.prints[-1]

    @property
    @exact
    def day_base_volume(self) -> Decimal:
        """Of 24 hours: that of the day before does not fade, as nobody knows when it was traded."""
        return self._base_before + self.base_volume

    @property
    @exact
    def day_quote_volume(self) -> Decimal:
        return self._quote_before + self.quote_volume

    @property
    @exact
    def change(self) -> Decimal:
        """Last price minus the first."""
        return self.last - self.open
