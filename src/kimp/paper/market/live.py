"""The venues' own books, as their public streams tell them: what an order meets is what was there to be had.

What kimp took is missing from its books for some seconds, as it is still there in the venues'. A book is known while
its stream lives and has lost nothing since the book was told; on any other the venue takes no order.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.domain.depth import Level, levels
from kimp.domain.market import Quote, Side
from kimp.domain.venues import Venue
from kimp.paper.amounts import ZERO
from kimp.paper.config import LiveMarket
from kimp.paper.desk import Desk
from kimp.paper.market.source import MarketUpdate
from kimp.paper.orders import Order, PaperFill
from kimp.ports.clock import Clock
from kimp.ports.exchange import StreamUpdate, TickStream

ORDERS = frozenset({"/v1/orders", "/api/v3/order"})


@dataclass(frozen=True, slots=True)
class LiveBooks:
    """What is injected: the streams, and one book of each market from before the exchange opens."""

    streams: Sequence[TickStream]
    opening: Sequence[Quote]


@dataclass(frozen=True, slots=True)
class _Taken:
    price: Decimal
    quantity: Decimal
    until_ms: int


class LiveSource:
    """Implements `MarketSource`."""

    def __init__(self, config: LiveMarket, live: LiveBooks, desks: Mapping[Venue, Desk], clock: Clock) -> None:
        self._config = config
        self._live = live
        self._clock = clock
        self._coins = list(dict.fromkeys(quote.coin for quote in live.opening))
        self._alive_ms: dict[Venue, int] = {}
        self._unbroken: dict[Venue, int] = {}
        self._current: dict[Venue, set[str]] = {venue: set() for venue in desks}
        """Symbols whose book came since its stream last lost something."""
        self._taken: dict[tuple[str, Side], list[_Taken]] = {}
        self._symbols = {
            (venue, book.instrument.base): symbol
            for venue, desk in desks.items()
            for symbol, book in desk.books.items()
        }
        for venue, desk in desks.items():
            desk.on_fill.append(self._note)
            desk.known = lambda symbol, venue=venue: self._known(venue, symbol)  # type: ignore[misc]

    def opening(self) -> list[MarketUpdate]:
        return [self._update(quote) for quote in self._live.opening]

    async def updates(self) -> AsyncIterator[Sequence[MarketUpdate]]:
        found: asyncio.Queue[tuple[Venue, StreamUpdate]] = asyncio.Queue(maxsize=1_000)
        readers = [asyncio.create_task(self._read(stream, found)) for stream in self._live.streams]
        try:
            while True:
                venue, update = await found.get()
                yield self.take(venue, update)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    def take(self, venue: Venue, update: StreamUpdate) -> list[MarketUpdate]:
        """One reading of a venue's stream; without quotes it says that all stands as it was."""
        if self._unbroken.get(venue) != update.unbroken:
            self._unbroken[venue] = update.unbroken
            self._current[venue].clear()
        self._alive_ms[venue] = self._clock.now_ms()
        found: list[MarketUpdate] = []
        for quote in update.quotes:
            if (symbol := self._symbols.get((venue, quote.coin))) is None:
                continue
            if quote.priced:
                self._current[venue].add(symbol)
                found.append(self._update(quote))
            else:  # what can be had of it is not known, and what was there before is gone
                self._current[venue].discard(symbol)
        return found

    async def _read(self, stream: TickStream, found: "asyncio.Queue[tuple[Venue, StreamUpdate]]") -> None:
        async for update in stream.updates(self._coins):
            await found.put((stream.venue, update))

    def _known(self, venue: Venue, symbol: str) -> bool:
        alive_ms = self._alive_ms.get(venue)
        if alive_ms is None or symbol not in self._current[venue]:
            return False
        return self._clock.now_ms() - alive_ms <= self._config.stale_ms

    def _note(self, order: Order, fill: PaperFill) -> None:
        """What a taker took; a maker's fill took nothing from the levels of its own side."""
        if fill.maker:
            return
        gone_ms = self._clock.now_ms() + int(self._config.gone_s * 1000)
        key = order.request.instrument.symbol, order.request.side
        self._taken.setdefault(key, []).append(_Taken(fill.price, fill.quantity, gone_ms))

    def _update(self, quote: Quote) -> MarketUpdate:
        symbol = self._symbols[quote.venue, quote.coin]
        bids, asks = (tuple(self._left(quote, symbol, side)) for side in (Side.SELL, Side.BUY))
        return MarketUpdate(quote.venue, quote.coin, quote.bid, quote.ask, None, (bids, asks))

    def _left(self, quote: Quote, symbol: str, side: Side) -> list[Level]:
        """The levels that a taker of that side meets, less what was taken of each a moment ago."""
        there = list(levels(quote, side))
        if not (taken := self._still_gone(symbol, side)):
            return there
        return [
            Level(level.price, max(level.size - sum((t.quantity for t in taken if t.price == level.price), ZERO), ZERO))
            for level in there
        ]

    def _still_gone(self, symbol: str, side: Side) -> list[_Taken]:
        taken = self._taken.get((symbol, side))
        if not taken:
            return []
        now_ms = self._clock.now_ms()
        self._taken[symbol, side] = gone = [one for one in taken if one.until_ms > now_ms]
        return gone


class Latency:
    """An order is on its way for a while."""

    def __init__(self, latency_ms: int) -> None:
        self._seconds = latency_ms / 1000

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST" and request.path in ORDERS:
            await asyncio.sleep(self._seconds)
        return await handler(request)
