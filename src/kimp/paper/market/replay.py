"""Recorded prices, played again at any speed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.modelled_book import BookShape
from kimp.domain.money import exact
from kimp.domain.venues import Venue
from kimp.paper.config import ReplayMarket
from kimp.paper.instruments import USDT, PaperInstrument
from kimp.paper.market.quantise import print_at, whole_book
from kimp.paper.market.recorded import read_recording
from kimp.paper.market.rows import RecordedPrice
from kimp.paper.market.source import BadMarketData, MarketUpdate

BATCH_S = 0.01
STILL_S = 0.5
"""Pause between two tellings of the opening prices while the market waits."""
FIRST_MS = 5_000
"""What is recorded within so long of the first row belongs to the same moment."""

log = logging.getLogger(__name__)


class ReplaySource:
    """Reads and checks all files at once, so that bad rows show before the exchange opens, and tells what of them is
    not played.

    Books are made around each recorded price. Raises BadMarketData for a bad row, and for a market that no file tells
    a price of.
    """

    def __init__(self, config: ReplayMarket, instruments: Sequence[PaperInstrument], level_krw: Decimal) -> None:
        self._config = config
        self._level_krw = level_krw
        self._shape = BookShape(half_spread=config.half_spread)
        self._instruments = {(i.venue, i.base): i for i in instruments}
        coins = {instrument.base for instrument in instruments}
        recordings = [read_recording(path, coins) for path in config.files]
        self._notes = [note for recording in recordings for note in recording.notes()]
        for note in self._notes:
            log.warning("%s", note)
        rows = [row for recording in recordings for row in recording.rows if (row.venue, row.coin) in self._instruments]
        # Of one moment the rate first, by which the others' books are made.
        self.rows = sorted(rows, key=lambda row: (row.at_ms, row.coin != USDT))
        self._last: dict[tuple[Venue, str], Decimal] = {(Venue.UPBIT, USDT): self._first_rate()}
        self._begun = asyncio.Event()
        if not config.waits:
            self.begin()

    def begin(self) -> None:
        self._begun.set()

    @exact
    def opening(self) -> list[MarketUpdate]:
        """Each coin at its first price in dollars and at as much in won: no premium is there that nobody recorded."""
        first: dict[tuple[Venue, str], Decimal] = {}
        for row in self.rows:
            first.setdefault((row.venue, row.coin), row.price)
        first[Venue.UPBIT, USDT] = rate = self._first_rate()
        if missing := [i.symbol for key, i in self._instruments.items() if key not in first]:
            raise BadMarketData(
                f"no price of {', '.join(missing)} in {', '.join(map(str, self._config.files))};"
                " add a file that has it, or take the coin out of `coins`"
                + "".join(f" ({note})" for note in self._notes)
            )
        first |= {(Venue.UPBIT, coin): price * rate for (venue, coin), price in first.items() if venue is Venue.BINANCE}
        return [self._around(key, price) for key, price in first.items()]

    def _first_rate(self) -> Decimal:
        """Recorded where it is known when the first prices are: a later one would be a look into the future."""
        known = (row.price for row in self.rows if row.coin == USDT and row.at_ms <= self.rows[0].at_ms + FIRST_MS)
        return next(known, self._config.krw_per_usdt)

    async def updates(self) -> AsyncIterator[Sequence[MarketUpdate]]:
        while not self._begun.is_set():
            yield self.opening()  # a stream that tells changes alone would tell nobody anything
            with suppress(TimeoutError):
                async with asyncio.timeout(STILL_S):
                    await self._begun.wait()
        if not self.rows:
            return
        first_ms, started = self.rows[0].at_ms, time.monotonic()
        position = 0
        while position < len(self.rows):
            reached_ms = first_ms + (time.monotonic() - started) * self._config.speed * 1000
            batch = []
            while position < len(self.rows) and self.rows[position].at_ms <= reached_ms:
                batch.append(self.update(self.rows[position]))
                position += 1
            if batch:
                yield batch
            await asyncio.sleep(BATCH_S)

    def update(self, row: RecordedPrice) -> MarketUpdate:
        """The taker is told by the price's direction, as the records do not name him."""
        key = (row.venue, row.coin)
        rises = row.price >= self._last.get(key, row.price)
        self._last[key] = row.price
        update = self._around(key, row.price)
        return print_at(update, Side.BUY if rises else Side.SELL, row.quantity) if row.quantity else update

    @exact
    def _around(self, key: tuple[Venue, str], price: Decimal) -> MarketUpdate:
        level = self._level_krw if key[0] is Venue.UPBIT else self._level_krw / self._last[Venue.UPBIT, USDT]
        return whole_book(self._instruments[key], price, level, self._shape)
