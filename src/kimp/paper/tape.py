"""What a ticker tells: first, last, highest and lowest price and the volume since the exchange opened."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.market import Side
from kimp.paper.amounts import ZERO, exact
from kimp.paper.market.source import MarketUpdate, Print

KEPT_PRINTS = 200


@dataclass(frozen=True, slots=True)
class NumberedPrint:
    number: int
    at_ms: int
    trade: Print


class Tape:
    """One market's trades."""

    def __init__(self, opening: MarketUpdate) -> None:
        self.open = self.high = self.low = self.last = opening.bid
        self.base_volume = ZERO
        self.quote_volume = ZERO
        self.taker = Side.BUY
        self.last_ms = 0
        self.prints: deque[NumberedPrint] = deque(maxlen=KEPT_PRINTS)
        self.count = 0

    @exact
    def add(self, trade: Print, now_ms: int) -> NumberedPrint:
        self.last, self.taker, self.last_ms = trade.price, trade.taker, now_ms
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.base_volume += trade.quantity
        self.quote_volume += trade.quantity * trade.price
        self.count += 1
        self.prints.append(NumberedPrint(self.count, now_ms, trade))
        return self.prints[-1]

    @property
    @exact
    def change(self) -> Decimal:
        """Last price minus the first."""
        return self.last - self.open
