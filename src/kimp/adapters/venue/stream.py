"""One WebSocket that carries all books of a venue, for ever: connect, subscribe, read, reconnect."""

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from kimp.adapters.venue.merging import MergedBooks
from kimp.adapters.venue.sockets import attempts, bursts
from kimp.adapters.venue.ticks import Depth, Notice, Read, Refused, Tick
from kimp.config import VenueSettings
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.observability import metrics
from kimp.ports.clock import Clock
from kimp.ports.exchange import StreamUpdate

ANEW_AFTER = 5
"""So many frames of a book in a row below the newest number: the numbers have begun anew, or one was wrong."""
SHOWN = 120
"""Characters of a bad frame that are logged."""

log = logging.getLogger(__name__)


class Event(StrEnum):
    """What is counted."""

    RECONNECTED = "reconnected"
    MALFORMED = "malformed"
    OUT_OF_ORDER = "out_of_order"
    NUMBERED_ANEW = "numbered_anew"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StreamSetup:
    """Where to connect for some coins, what to say first, how to read the frames."""

    url: str
    hello: str | None
    read: Read


class _Order:
    """The newest number of each book of one connection."""

    def __init__(self) -> None:
        self._newest: dict[Asset, int] = {}
        self._behind = Counter[Asset]()

    def event(self, coin: Asset, number: int) -> Event | None:
        """What is odd about the number; only OUT_OF_ORDER says that the quote is older than one that was handed on."""
        behind = number < self._newest.get(coin, number)
        self._behind[coin] = self._behind[coin] + 1 if behind else 0
        if behind and self._behind[coin] < ANEW_AFTER:
            return Event.OUT_OF_ORDER
        self._newest[coin] = number
        self._behind[coin] = 0
        return Event.NUMBERED_ANEW if behind else None


class ConnectionBooks:
    """What one connection has brought of each book."""

    def __init__(self) -> None:
        self._tops, self._depths = _Order(), _Order()
        self._merged = MergedBooks()

    def event(self, reported: Tick | Depth) -> Event | None:
        """What is odd about its number, among those of its own stream."""
        if isinstance(reported, Tick):
            return self._tops.event(reported.quote.coin, reported.sequence)
        return self._depths.event(reported.top.coin, reported.sequence)

    def quote(self, reported: Tick | Depth) -> Quote:
        return self._merged.quote(reported)


class VenueStream(ABC):
    """Implements the port `TickStream`."""

    venue: Venue

    def __init__(self, settings: VenueSettings, clock: Clock) -> None:
        self._url = settings.ws_url.rstrip("/")
        self._levels = settings.levels
        self._clock = clock
        self._breaks = 0
        """Connections that began, and frames that could not be read."""
        self._lost = False
        """Whether the last connection broke and none has brought a quote since."""
        self.counts = Counter[Event]()

    @abstractmethod
    def setup(self, coins: Sequence[Asset]) -> StreamSetup:
        """The venue's own subscription."""

    async def updates(self, coins: Sequence[Asset]) -> AsyncGenerator[StreamUpdate]:
        feed = self.setup(coins)
        async with aclosing(attempts(feed.url)) as connected:
            async for attempt in connected:
                self._breaks += 1
                try:
                    if feed.hello is not None:
                        await attempt.socket.send(feed.hello)
                    async with aclosing(self._connection(attempt.socket, feed.read)) as found:
                        async for reading in found:
                            attempt.fruitful = attempt.fruitful or bool(reading.quotes)
                            self._report_mended(attempt.fruitful)
                            yield reading
                except ConnectionClosedOK:  # as venues do every few minutes or once a day: nothing is wrong
                    log.info("%s: the venue closed the stream, connecting again", self.venue)
                except (ConnectionClosed, TimeoutError) as gone:
                    self._lost = True
                    log.warning("%s: stream lost (%s: %s), connecting again", self.venue, type(gone).__name__, gone)
                self._count(Event.RECONNECTED)

    def _report_mended(self, fruitful: bool) -> None:  # noqa: FBT001 - one fact
        if self._lost and fruitful:
            self._lost = False
            log.info("%s: quotes come again", self.venue)

    async def _connection(self, socket: ClientConnection, read: Read) -> AsyncGenerator[StreamUpdate]:
        books = ConnectionBooks()
        async with aclosing(bursts(socket)) as arrived:
            async for burst in arrived:
                batch, over = self._read(burst, read, books)
                if batch or not burst:
                    yield StreamUpdate(batch, self._breaks)
                if over:
                    return

    def _read(self, burst: Sequence[bytes], read: Read, books: ConnectionBooks) -> tuple[list[Quote], bool]:
        """All quotes of a burst that are in order, and whether to connect again."""
        received_ms = self._clock.now_ms()
        batch: list[Quote] = []
        over = False
        for frame in burst:
            try:
                reported = read(frame, received_ms)
            except BadMessage as problem:
                self._malformed(problem, frame)
                continue
            except Refused as refusal:
                self._count(Event.REFUSED)
                log.error("%s: the venue refuses the stream, no quotes come: %s", self.venue, refusal)  # noqa: TRY400 - no trace
                over = True
                continue
            if isinstance(reported, Notice):
                if reported is Notice.GOING_AWAY:
                    log.info("%s: the server is going away, connecting again", self.venue)
                    over = True
                continue
            odd = books.event(reported)
            if odd is Event.OUT_OF_ORDER:
                self._count(odd)
                continue
            quote = books.quote(reported)
            if odd is Event.NUMBERED_ANEW and self._rarely(odd):
                log.warning(
                    "%s: the numbers of %s's frames begin anew at %d", self.venue, quote.coin, reported.sequence
                )
            batch.append(quote)
        return batch, over

    def _malformed(self, problem: BadMessage, frame: bytes) -> None:
        self._breaks += 1
        if self._rarely(Event.MALFORMED):
            count = self.counts[Event.MALFORMED]
            log.warning("%s: bad frame no. %d: %s: %r", self.venue, count, problem, frame[:SHOWN])

    def _rarely(self, event: Event) -> bool:
        """Counts it, and says whether to log it: a stream of them must not become a stream of log lines."""
        self._count(event)
        count = self.counts[event]
        return count & (count - 1) == 0

    def _count(self, event: Event) -> None:
        self.counts[event] += 1
        metrics.stream_events.add(1, {"venue": self.venue, "kind": event.value})
