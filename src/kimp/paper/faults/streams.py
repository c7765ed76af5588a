"""Faults of WebSocket frames: one per connection, asked for each frame of data."""

import re
from decimal import Decimal

from kimp.domain.market import Venue
from kimp.paper.amounts import exact, plain
from kimp.paper.clock import Clock
from kimp.paper.faults import kinds
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind

K = FaultKind
GARBAGE = {Venue.UPBIT: b"\x00\xff\xfe{not json", Venue.BINANCE: b"\x01{not json\x7f"}
"""Binance's frames are text: bytes that are no UTF-8 would only make the client close the connection."""
TIMES = Decimal(100)
PRICES = re.compile(
    rb'("(?:b|a|p|tp|bp|ap|trade_price|bid_price|ask_price)":"?|(?:"bids":|"asks":|\],)\[{1,2}")(\d+(?:\.\d+)?)'
)
"""Of market data: the fields of both venues that hold a price, and the first number of each level of a depth."""
PRIVATE = re.compile(rb'"event":\{|"(?:type|ty)":"my')
"""The customer's own events: their prices are facts, not claims about the market."""


class FrameFaults:
    """The hook of one connection's outbox."""

    def __init__(self, venue: Venue, path: str, injector: Injector, clock: Clock) -> None:
        self._venue = venue
        self._route = f"STREAM {path}"
        self._injector = injector
        self._clock = clock
        self._silent_until_ms = 0
        self._kept: list[bytes] = []

    def pass_on(self, frame: bytes) -> list[bytes] | None:
        """What is sent in its place; None: the connection breaks."""
        if self._silent_until_ms and self._clock.now_ms() < self._silent_until_ms:
            return []
        kept, self._kept = self._kept, []
        if not self._injector.armed(kinds.STREAM):
            return [frame, *kept]
        fault = self._injector.draw(self._venue, self._route, self._possible(frame))
        passed = [frame] if fault is None else self._spoil(fault, frame)
        return None if passed is None else [*passed, *kept]

    def _spoil(self, fault: Fault, frame: bytes) -> list[bytes] | None:
        if fault.kind is K.STREAM_DISCONNECT:
            return None
        if fault.kind is K.STREAM_SILENCE:
            self._silent_until_ms = self._clock.now_ms() + fault.ms
            return []
        if fault.kind is K.OUT_OF_ORDER_FRAME:
            self._kept = [frame]
            return []
        if fault.kind is K.DUPLICATE_FRAME:
            return [frame, frame]
        return [GARBAGE[self._venue] if fault.kind is K.GARBAGE_FRAME else absurd(frame)]

    @staticmethod
    def _possible(frame: bytes) -> frozenset[FaultKind]:
        priced = PRICES.search(frame) and not PRIVATE.search(frame)
        return kinds.STREAM if priced else kinds.STREAM - {K.ABSURD_PRICE}


@exact
def absurd(frame: bytes) -> bytes:
    """The same frame with every price times a hundred."""

    def dearer(found: re.Match[bytes]) -> bytes:
        return found[1] + plain(Decimal(found[2].decode()) * TIMES).encode()

    return PRICES.sub(dearer, frame)
