"""One market's displayed order book: strangers' levels around the source's best prices, minus what was taken."""

import random
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.modelled_book import Sides
from kimp.paper.amounts import ZERO, exact
from kimp.paper.instruments import PaperInstrument

DEPTH = 30
"""Levels per side: Upbit shows no more."""


@dataclass(slots=True)
class BookLevel:
    price: Decimal
    quantity: Decimal


class Book:
    """Levels are made when somebody looks, not on every update, unless the update brings them: most updates are seen
    by nobody at depth.

    Taking consumes what is displayed until the next update refreshes it.
    """

    def __init__(self, instrument: PaperInstrument, level_value: Decimal, seed: str) -> None:
        self.instrument = instrument
        self.sequence = 0
        self.bid = ZERO
        self.ask = ZERO
        self.updated_ms = 0
        self._level_value = float(level_value)
        self._lot = float(instrument.book_lot)
        self._draw = random.Random(seed)  # noqa: S311 # order sizes, not secrets
        self._asks: list[BookLevel] = []
        self._bids: list[BookLevel] = []
        self._whole = False

    def refresh(self, bid: Decimal, ask: Decimal, now_ms: int, sides: Sides | None = None) -> None:
        """`sides`: all that there is to see."""
        self.sequence += 1
        self.bid, self.ask, self.updated_ms = bid, ask, now_ms
        self._whole = sides is not None
        bids, asks = sides or ((), ())
        self._bids, self._asks = ([BookLevel(*level) for level in side] for side in (bids, asks))

    def levels(self, taker: Side, count: int = DEPTH) -> list[BookLevel]:
        """What a taker of that side can take, best first: asks for a buyer, bids for a seller."""
        side = self._side(taker)
        live = [level for level in side if level.quantity > ZERO]
        while not self._whole and len(live) < count and len(side) < DEPTH:
            price = self._next_price(taker)
            if price <= ZERO:
                break
            side.append(BookLevel(price, self._size(float(price), len(side))))
            live.append(side[-1])
        return live[:count]

    @exact
    def take(self, taker: Side, price: Decimal, quantity: Decimal) -> None:
        for level in self._side(taker):
            if level.price == price:
                level.quantity -= quantity
        self.sequence += 1

    def _side(self, taker: Side) -> list[BookLevel]:
        return self._asks if taker is Side.BUY else self._bids

    def _next_price(self, taker: Side) -> Decimal:
        side, ladder = self._side(taker), self.instrument.ladder
        if taker is Side.BUY:
            return ladder.next_up(side[-1].price) if side else self.ask
        return ladder.next_down(side[-1].price) if side else self.bid

    @exact
    def _size(self, price: float, depth: int) -> Decimal:
        coins = self._level_value * (0.5 + self._draw.random()) * (1 + depth * 0.1) / price
        return max(int(coins / self._lot), 1) * self.instrument.book_lot
