"""Faults of WebSocket frames: one per connection, asked for each frame of data."""

from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.faults import frames, kinds
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.hub import End
from kimp.ports.clock import Clock

K = FaultKind
GARBAGE = {Venue.UPBIT: b"\x00\xff\xfe{not json", Venue.BINANCE: b"\x01{not json\x7f"}
"""Binance's frames are text: bytes that are no UTF-8 would only make the client close the connection."""
TIMES = {K.ABSURD_PRICE: Decimal(100), K.ZERO_PRICE: Decimal(0), K.NEGATIVE_PRICE: Decimal(-1)}
ENDS = {K.STREAM_DISCONNECT: End.BROKEN, K.SERVER_SHUTDOWN: End.GOODBYE}
QUIET = frozenset({K.STREAM_SILENCE, K.HALF_OPEN})


class FrameFaults:
    """The hook of one connection's outbox."""

    def __init__(self, venue: Venue, path: str, injector: Injector, clock: Clock) -> None:
        self._venue = venue
        self._route = f"STREAM {path}"
        self._injector = injector
        self._clock = clock
        self._silent_until_ms = 0
        self._deaf_until_ms = 0
        self._stalled_until_ms = 0
        self._frozen_until_ms: dict[str | None, int] = {}
        self._kept: list[bytes] = []

    @property
    def deaf(self) -> bool:
        return self._clock.now_ms() < self._deaf_until_ms

    def pass_on(self, frame: bytes) -> list[bytes] | End:
        now_ms = self._clock.now_ms()
        if now_ms < self._silent_until_ms:
            return []
        if self._frozen_until_ms and now_ms < self._frozen_until_ms.get(frames.symbol_of(frame), 0):
            return []
        if now_ms < self._stalled_until_ms:
            self._kept.append(frame)
            return []
        stalled, self._stalled_until_ms = self._stalled_until_ms > 0, 0
        kept, self._kept = self._kept, []
        if not self._injector.armed(kinds.STREAM):
            passed: list[bytes] | End = [frame]
        else:
            fault = self._injector.draw(self._venue, self._route, _possible(frame))
            passed = [frame] if fault is None else self._spoil(fault, frame, now_ms)
        if isinstance(passed, End):
            return passed
        # What was held back by a stall comes in order, what only lost its place comes behind its successor.
        return [*kept, *passed] if stalled else [*passed, *kept]

    def _spoil(self, fault: Fault, frame: bytes, now_ms: int) -> list[bytes] | End:
        kind, until_ms = fault.kind, now_ms + fault.ms
        if kind in ENDS:
            return ENDS[kind]
        if kind in TIMES:
            return [frames.repriced(frame, TIMES[kind])]
        if kind is K.CROSSED_BOOK:
            return [frames.crossed(frame)]
        if kind is K.GARBAGE_FRAME:
            return [GARBAGE[self._venue]]
        if kind is K.DUPLICATE_FRAME:
            return [frame, frame]
        # The others bring nothing now.
        if kind in QUIET:
            self._silent_until_ms = until_ms
            self._deaf_until_ms = until_ms if kind is K.HALF_OPEN else 0
        elif kind is K.SYMBOL_FROZEN:
            self._frozen_until_ms[frames.symbol_of(frame)] = until_ms
        elif kind is K.STREAM_STALL:
            self._stalled_until_ms = until_ms
            self._kept = [frame]
        elif kind is K.OUT_OF_ORDER_FRAME:
            self._kept = [frame]
        return []


def _possible(frame: bytes) -> frozenset[FaultKind]:
    possible = kinds.STREAM
    if not frames.priced(frame):
        possible -= kinds.PRICED
    if not frames.is_book(frame):
        possible -= {K.CROSSED_BOOK}
    return possible if frames.symbol_of(frame) else possible - {K.SYMBOL_FROZEN}
