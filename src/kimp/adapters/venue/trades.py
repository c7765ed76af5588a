"""One WebSocket that carries all trades of a venue's markets, for ever. Nothing is traded on by what it says."""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from kimp.adapters.venue.sockets import attempts, bursts
from kimp.adapters.venue.ticks import Notice, Refused
from kimp.config import VenueSettings
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.history import MarketTrade, is_amount

SHOWN = 120
"""Characters of a bad frame that are logged."""
NamedTrade = tuple[Asset, MarketTrade]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TradeFeed:
    """Where to connect for some coins, what to say first, how to read the frames."""

    url: str
    hello: str | None
    read: Callable[[bytes], NamedTrade | Notice]
    """Raises BadMessage or Refused."""


class VenueTrades(ABC):
    """Implements the port `TradeStream`."""

    venue: Venue

    def __init__(self, settings: VenueSettings, clock: Clock) -> None:
        self._url = settings.ws_url.rstrip("/")
        self._clock = clock
        self._malformed = 0

    @abstractmethod
    def setup(self, coins: Sequence[Asset]) -> TradeFeed:
        """The venue's own subscription."""

    async def trades(self, coins: Sequence[Asset]) -> AsyncGenerator[Sequence[NamedTrade]]:
        feed = self.setup(coins)
        async with aclosing(attempts(feed.url)) as connected:
            async for attempt in connected:
                try:
                    if feed.hello is not None:
                        await attempt.socket.send(feed.hello)
                    async with aclosing(bursts(attempt.socket)) as arrived:
                        async for burst in arrived:
                            reported, over = self.read(burst, feed)
                            attempt.fruitful = attempt.fruitful or bool(reported)
                            if reported:
                                yield reported
                            if over:
                                break
                except (ConnectionClosed, TimeoutError) as gone:
                    log.warning("%s: trades are missed until it answers again: %s", self.venue, gone)

    def read(self, burst: Sequence[bytes], feed: TradeFeed) -> tuple[list[NamedTrade], bool]:
        """All trades of a burst, and whether to connect again."""
        now_ms = self._clock.now_ms()
        found: list[NamedTrade] = []
        over = False
        for frame in burst:
            try:
                reported = feed.read(frame)
                if not isinstance(reported, Notice):
                    _must_be_possible(reported[1], now_ms)
                    found.append(reported)
                over = over or reported is Notice.GOING_AWAY
            except BadMessage as problem:
                self._count_malformed(problem, frame)
            except Refused as refusal:
                log.error("%s: the venue refuses the stream, no trades come: %s", self.venue, refusal)  # noqa: TRY400 - no trace
                over = True
        return found, over

    def _count_malformed(self, problem: BadMessage, frame: bytes) -> None:
        """Ever more rarely: a stream of bad frames must not become a stream of log lines."""
        self._malformed += 1
        if self._malformed & (self._malformed - 1) == 0:
            log.warning("%s: bad frame no. %d is left out: %s: %r", self.venue, self._malformed, problem, frame[:SHOWN])


def _must_be_possible(trade: MarketTrade, now_ms: int) -> None:
    """Raises BadMessage for what no market can have told today."""
    for number in (trade.price, trade.quantity):
        if not number or not is_amount(number):
            raise BadMessage(f"{str(number)[:SHOWN]} is no price and no quantity")
    if abs(trade.at_ms - now_ms) > DAY_MS:
        raise BadMessage(f"a trade of another day: {trade.at_ms}")
