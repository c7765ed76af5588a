"""Books from the feeder's bus and trades from the venues into the catalogue, for days: a file a day and venue, and
memory that does not grow.

Of each book the newest is kept once in a while, if it changed or was heard of again; of trades all. Those come by
connections of the recorder's own, as the feeder, which is traded by, shall have nothing else to do. Rows go into parts
first, which a day's end puts together; a recorder that was killed loses what it had not written, and its parts are
taken over by the next one.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from threading import Lock

import polars as pl

from kimp.backtest.catalogue import EPOCH, Catalogue
from kimp.backtest.kinds import SHAPES, DataKind
from kimp.contracts.ticks import decode_batch
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.history import MarketTrade, TradeStream
from kimp.ports.ticks import TickBus

PART_ROWS = 20_000
"""That are held at most."""
PART_S = 60.0
LOOK_S = 1.0
"""How often the recorder looks whether there are so many."""
PARTS = "recording"

log = logging.getLogger(__name__)
_Row = tuple[object, ...]
_Rows = dict[tuple[DataKind, Venue, date], list[_Row]]


class Recorder:
    """What it has not written yet; one for a catalogue at a time.

    Files are written in threads, which a cancellation does not end: each waits for the one before.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._newest: dict[tuple[Venue, Asset], Quote] = {}
        self._noted_ms: dict[tuple[Venue, Asset], int] = {}
        self._rows: _Rows = {}
        self._aside = deque[_Rows]()
        """To be written, by a thread: what arrives meanwhile is put elsewhere."""
        self._equal: dict[tuple[Venue, Asset], tuple[int, Counter[MarketTrade]]] = {}
        """Of each market the trades of the newest millisecond: two that are equal in all are two."""
        self._writing = Lock()
        self.held = 0
        self.written = Counter[DataKind]()

    def take(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            self._newest[quote.venue, quote.coin] = quote

    def note(self) -> None:
        """Keep the newest of each book that was heard of since the last time."""
        for book, quote in self._newest.items():
            if quote.received_ms <= self._noted_ms.get(book, -1):
                continue
            self._noted_ms[book] = quote.received_ms
            self._hold(DataKind.BOOKS, quote.venue, quote.received_ms, _row(quote))
        self._newest.clear()

    def take_trades(self, venue: Venue, trades: Iterable[tuple[Asset, MarketTrade]]) -> None:
        for coin, trade in trades:
            newest_ms, equal = self._equal.get((venue, coin), (0, Counter()))
            if trade.at_ms != newest_ms:
                equal = Counter()
                self._equal[venue, coin] = (trade.at_ms, equal)
            row = (trade.at_ms, coin, trade.price, trade.quantity, equal[trade])
            equal[trade] += 1
            self._hold(DataKind.TRADES, venue, trade.at_ms, row)

    def _hold(self, kind: DataKind, venue: Venue, at_ms: int, row: _Row) -> None:
        day = EPOCH + timedelta(days=at_ms // DAY_MS)
        self._rows.setdefault((kind, venue, day), []).append(row)
        self.held += 1

    def flush(self) -> None:
        """Into parts."""
        self.set_aside()
        self.write_aside()

    def set_aside(self) -> None:
        """What is held so far; by the thread that brings rows."""
        self._aside.append(self._rows)
        self._rows, self.held = {}, 0

    def write_aside(self) -> None:
        """By any thread."""
        with self._writing:
            while self._aside:
                self._write(self._aside[0])
                self._aside.popleft()

    def _write(self, rows: _Rows) -> None:
        for (kind, venue, day), part in rows.items():
            folder = self._catalogue.root / PARTS / kind / venue / f"{day}"
            folder.mkdir(parents=True, exist_ok=True)
            number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
            unfinished = folder / f"{number:06}.unfinished"
            schema = SHAPES[kind].schema
            pl.DataFrame(part, schema=schema, orient="row").write_parquet(unfinished, compression="zstd")
            unfinished.replace(folder / f"{number:06}.parquet")
            self.written[kind] += len(part)

    def finish(self, before: date) -> None:
        """Put the parts of all days before this one together."""
        with self._writing:
            self._finish(before)

    def _finish(self, before: date) -> None:
        for folder in sorted((self._catalogue.root / PARTS).glob("*/*/*")):
            day = date.fromisoformat(folder.name)
            parts = sorted(folder.glob("*.parquet"))
            if day >= before or not parts:
                continue
            venue = folder.parent
            self._catalogue.append(DataKind(venue.parent.name), Venue(venue.name), day, parts)
            for file in folder.iterdir():  # parts, and what a process left that was killed while it wrote one
                file.unlink()
            folder.rmdir()


def _row(quote: Quote) -> _Row:
    return (
        quote.received_ms,
        quote.coin,
        quote.bid,
        quote.bid_size,
        quote.ask,
        quote.ask_size,
        quote.bids_behind,
        quote.asks_behind,
    )


async def record(
    bus: TickBus,
    streams: Sequence[TradeStream],
    coins: Sequence[Asset],
    catalogue: Catalogue,
    clock: Clock,
    every_s: float,
) -> None:
    """Until cancelled; then everything is in the catalogue. `coins`: whose trades are kept."""
    recorder = Recorder(catalogue)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(bus, recorder))
            for stream in streams:
                tasks.create_task(_follow(stream, coins, recorder))
            tasks.create_task(_note(recorder, every_s))
            tasks.create_task(_write(recorder, clock))
    finally:
        recorder.note()
        recorder.flush()
        recorder.finish(date.max)
        _report(recorder)


async def _listen(bus: TickBus, recorder: Recorder) -> None:
    async for message in bus.batches():
        try:
            recorder.take(decode_batch(message))
        except BadMessage as error:
            log.warning("a message is left out: %s", error)


async def _follow(stream: TradeStream, coins: Sequence[Asset], recorder: Recorder) -> None:
    async for trades in stream.trades(coins):
        recorder.take_trades(stream.venue, trades)


async def _note(recorder: Recorder, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        recorder.note()


async def _write(recorder: Recorder, clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    flushed = loop.time()
    while True:
        await asyncio.sleep(LOOK_S)
        if recorder.held < PART_ROWS and loop.time() - flushed < PART_S:
            continue
        flushed = loop.time()
        recorder.set_aside()
        await asyncio.to_thread(recorder.write_aside)
        await asyncio.to_thread(recorder.finish, EPOCH + timedelta(milliseconds=clock.now_ms()))
        _report(recorder)


def _report(recorder: Recorder) -> None:
    log.info("recorded %d books and %d trades", recorder.written[DataKind.BOOKS], recorder.written[DataKind.TRADES])
