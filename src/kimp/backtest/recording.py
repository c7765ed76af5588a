"""Books from the feeder's bus into the catalogue, for days: a file a day and venue, and memory that does not grow.

Of each book the newest is kept once in a while, if it changed or was heard of again. Rows go into parts first, which a
day's end puts together; a recorder that was killed loses what it had not written, and its parts are taken over by the
next one.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
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
from kimp.ports.ticks import TickBus

PART_ROWS = 20_000
"""That are held at most."""
PART_S = 60.0
PARTS = "recording"

log = logging.getLogger(__name__)
_Row = tuple[object, ...]


class Recorder:
    """What it has not written yet; one for a catalogue at a time.

    Files are written in threads, which a cancellation does not end: each waits for the one before.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._newest: dict[tuple[Venue, Asset], Quote] = {}
        self._noted_ms: dict[tuple[Venue, Asset], int] = {}
        self._rows: dict[tuple[Venue, date], list[_Row]] = {}
        self._writing = Lock()
        self.held = 0
        self.written = 0

    def take(self, quotes: Iterable[Quote]) -> None:
        for quote in quotes:
            self._newest[quote.venue, quote.coin] = quote

    def note(self) -> None:
        """Keep the newest of each book that was heard of since the last time."""
        for book, quote in self._newest.items():
            if quote.received_ms <= self._noted_ms.get(book, -1):
                continue
            self._noted_ms[book] = quote.received_ms
            day = EPOCH + timedelta(days=quote.received_ms // DAY_MS)
            self._rows.setdefault((quote.venue, day), []).append(_row(quote))
            self.held += 1
        self._newest.clear()

    def flush(self) -> None:
        """Into parts."""
        with self._writing:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows, self.held = self._rows, {}, 0
        for (venue, day), part in rows.items():
            folder = self._folder(venue, day)
            folder.mkdir(parents=True, exist_ok=True)
            number = max((int(path.stem) for path in folder.glob("*.parquet")), default=0) + 1
            unfinished = folder / f"{number:06}.unfinished"
            schema = SHAPES[DataKind.BOOKS].schema
            pl.DataFrame(part, schema=schema, orient="row").write_parquet(unfinished, compression="zstd")
            unfinished.replace(folder / f"{number:06}.parquet")
            self.written += len(part)

    def finish(self, before: date) -> None:
        """Put the parts of all days before this one together."""
        with self._writing:
            self._finish(before)

    def _finish(self, before: date) -> None:
        for folder in sorted((self._catalogue.root / PARTS).glob("*/*")):
            day = date.fromisoformat(folder.name)
            parts = sorted(folder.glob("*.parquet"))
            if day >= before or not parts:
                continue
            self._catalogue.append(DataKind.BOOKS, Venue(folder.parent.name), day, parts)
            for file in folder.iterdir():  # parts, and what a process left that was killed while it wrote one
                file.unlink()
            folder.rmdir()

    def _folder(self, venue: Venue, day: date) -> Path:
        return self._catalogue.root / PARTS / venue / f"{day}"


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


async def record(bus: TickBus, catalogue: Catalogue, clock: Clock, every_s: float) -> None:
    """Until cancelled; then everything is in the catalogue."""
    recorder = Recorder(catalogue)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(bus, recorder))
            tasks.create_task(_keep(recorder, clock, every_s))
    finally:
        recorder.note()
        recorder.flush()
        recorder.finish(date.max)
        log.info("recorded %d books", recorder.written)


async def _listen(bus: TickBus, recorder: Recorder) -> None:
    async for message in bus.batches():
        try:
            recorder.take(decode_batch(message))
        except BadMessage as error:
            log.warning("a message is left out: %s", error)


async def _keep(recorder: Recorder, clock: Clock, every_s: float) -> None:
    loop = asyncio.get_running_loop()
    flushed = loop.time()
    while True:
        await asyncio.sleep(every_s)
        recorder.note()
        if recorder.held < PART_ROWS and loop.time() - flushed < PART_S:
            continue
        flushed = loop.time()
        await asyncio.to_thread(recorder.flush)
        await asyncio.to_thread(recorder.finish, EPOCH + timedelta(milliseconds=clock.now_ms()))
        log.info("recorded %d books", recorder.written)
