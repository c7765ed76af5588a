"""One WebSocket that carries all book tops of a venue, for ever: connect, subscribe, read, reconnect.

Whatever is buffered on the socket when the reader wakes is handed on as one list, so that a burst costs one wake-up
and one publication instead of thousands.
"""

import asyncio
import logging
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from kimp.adapters.venue.ticks import Notice, Read, Refused
from kimp.config import VenueSettings
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote, Venue
from kimp.domain.money import Asset
from kimp.observability import metrics
from kimp.ports.clock import Clock

SILENCE_S = 30.0
"""A connection that answers pings and brings nothing for so long is given up."""
PING_S = 10.0
BUFFERED_FRAMES = 4_096
LARGEST_FRAME = 16_384
"""Bytes; a book top has a few hundred. It bounds what a hostile server can fill, and how deep JSON nests."""
ANEW_AFTER = 5
"""So many frames of a book in a row below the newest number: the numbers have begun anew, or one was wrong."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
HEALTHY_S = 5.0
"""A connection that brought quotes and lived for so long is followed by the next one at once."""
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
class Feed:
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


class VenueStream(ABC):
    """Implements the port `TickStream`."""

    venue: Venue

    def __init__(self, settings: VenueSettings, clock: Clock) -> None:
        self._url = settings.ws_url.rstrip("/")
        self._clock = clock
        self.counts = Counter[Event]()

    @abstractmethod
    def feed(self, coins: Sequence[Asset]) -> Feed:
        """The venue's own subscription."""

    async def quotes(self, coins: Sequence[Asset]) -> AsyncGenerator[list[Quote]]:
        feed = self.feed(coins)
        loop = asyncio.get_running_loop()
        failures = 0
        async with aclosing(_connections(feed.url)) as sockets:
            async for socket in sockets:
                began, fruitful = loop.time(), False
                try:
                    if feed.hello is not None:
                        await socket.send(feed.hello)
                    async with aclosing(self._batches(socket, feed.read)) as batches:
                        async for batch in batches:
                            fruitful = True
                            yield batch
                except (ConnectionClosed, TimeoutError) as gone:
                    log.warning("%s: stream lost (%s: %s)", self.venue, type(gone).__name__, gone)
                self._count(Event.RECONNECTED)
                # Venues ban who connects too often: what ends soon, or brought nothing, is followed ever more slowly.
                failures = 0 if fruitful and loop.time() - began >= HEALTHY_S else failures + 1
                await asyncio.sleep(_pause(failures) if failures else 0.0)

    async def _batches(self, socket: ClientConnection, read: Read) -> AsyncGenerator[list[Quote]]:
        order = _Order()
        async with aclosing(_bursts(socket)) as bursts:
            async for burst in bursts:
                batch, over = self._read(burst, read, order)
                if batch:
                    yield batch
                if over:
                    return

    def _read(self, burst: Sequence[bytes], read: Read, order: _Order) -> tuple[list[Quote], bool]:
        """All quotes of a burst that are in order, and whether to connect again."""
        received_ms = self._clock.now_ms()
        batch: list[Quote] = []
        over = False
        for frame in burst:
            try:
                tick = read(frame, received_ms)
            except BadMessage as problem:
                self._malformed(problem, frame)
                continue
            except Refused as refusal:
                self._count(Event.REFUSED)
                log.error("%s: the venue refuses the stream, no quotes come: %s", self.venue, refusal)  # noqa: TRY400 - no trace
                over = True
                continue
            if isinstance(tick, Notice):
                if tick is Notice.GOING_AWAY:
                    log.info("%s: the server is going away, connecting again", self.venue)
                    over = True
                continue
            quote, sequence = tick
            odd = order.event(quote.coin, sequence)
            if odd is Event.OUT_OF_ORDER:
                self._count(odd)
                continue
            if odd is Event.NUMBERED_ANEW and self._rarely(odd):
                log.warning("%s: the numbers of %s's frames begin anew at %d", self.venue, quote.coin, sequence)
            batch.append(quote)
        return batch, over

    def _malformed(self, problem: BadMessage, frame: bytes) -> None:
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
        metrics.stream_events.add(1, {"venue": self.venue.value, "kind": event.value})


def _pause(failures: int) -> float:
    ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 10))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads reconnects, no secret


def _pauses() -> Generator[float]:
    failures = 0
    while True:
        yield _pause(failures)
        failures += 1


class _Connect(connect):
    """Follows no redirect: quotes come from the configured host or not at all."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def _connections(url: str) -> AsyncGenerator[ClientConnection]:
    connecting = _Connect(
        url,
        compression=None,  # saves latency; the frames are small
        proxy=None,
        ping_interval=PING_S,
        ping_timeout=PING_S,
        close_timeout=1.0,
        max_size=LARGEST_FRAME,
        max_queue=BUFFERED_FRAMES,
        reconnect_delays=_pauses,
        # Nothing is fatal: a venue that refuses today (maintenance, ban, DNS) may accept in a minute.
        process_exception=_retry,
    )
    # The cast is for `aclosing`: it is an async generator, declared as an iterator.
    return cast("AsyncGenerator[ClientConnection]", connecting.__aiter__())


def _retry(refusal: Exception) -> None:
    log.warning("stream cannot connect: %s: %s", type(refusal).__name__, refusal)


async def _bursts(socket: ClientConnection) -> AsyncGenerator[list[bytes]]:
    """All frames that are there, as soon as there is one. Raises ConnectionClosed, or TimeoutError on silence."""
    frames: list[bytes] = []
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def pump() -> None:
        try:
            while True:
                # Does not suspend while the socket has frames buffered.
                frame = await socket.recv(decode=False)
                frames.append(frame)
                arrived.set()
                while len(frames) >= BUFFERED_FRAMES:  # whoever reads them is slow: the venue has to wait
                    taken.clear()
                    await taken.wait()
        finally:
            arrived.set()

    reader = asyncio.create_task(pump())
    try:
        while True:
            if not frames:
                if reader.done():
                    reader.result()
                arrived.clear()
                async with asyncio.timeout(SILENCE_S):
                    await arrived.wait()
            burst, frames = frames, []
            taken.set()
            if burst:
                yield burst
    finally:
        reader.cancel()
