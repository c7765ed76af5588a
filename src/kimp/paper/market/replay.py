"""Recorded prices, played again at any speed."""

import asyncio
import heapq
import logging
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.config import ReplayMarket
from kimp.paper.instruments import USDT, Instrument
from kimp.paper.market.quantise import print_at, update_around
from kimp.paper.market.recorded import read
from kimp.paper.market.rows import Recorded
from kimp.paper.market.source import BadMarketData, MarketUpdate

BATCH_S = 0.01

log = logging.getLogger(__name__)


class ReplaySource:
    """Reads and checks all files at once, so that bad rows show before the exchange opens, and tells what of them is
    not played.

    Bid and ask are made around each recorded price. Raises BadMarketData for a bad row, and for a market that no
    file tells a price of.
    """

    def __init__(self, config: ReplayMarket, instruments: Sequence[Instrument]) -> None:
        self._config = config
        self._instruments = {(i.venue, i.base): i for i in instruments}
        coins = {instrument.base for instrument in instruments}
        recordings = [read(path, coins) for path in config.files]
        self._notes = [note for recording in recordings for note in recording.notes()]
        for note in self._notes:
            log.warning("%s", note)
        merged = heapq.merge(*(recording.rows for recording in recordings), key=lambda row: row.at_ms)
        self.rows = [row for row in merged if (row.venue, row.coin) in self._instruments]
        self._last: dict[tuple[Venue, str], Decimal] = {}

    def opening(self) -> list[MarketUpdate]:
        first: dict[tuple[Venue, str], Decimal] = {}
        for row in self.rows:
            first.setdefault((row.venue, row.coin), row.price)
        # Known from the start only by the setting: a later recorded rate would be a look into the future.
        first[Venue.UPBIT, USDT] = self._config.krw_per_usdt
        missing = [i.symbol for key, i in self._instruments.items() if key not in first]
        if missing:
            raise BadMarketData(
                f"no price of {', '.join(missing)} in {', '.join(map(str, self._config.files))};"
                " add a file that has it, or take the coin out of `coins`"
                + "".join(f" ({note})" for note in self._notes)
            )
        return [self._around(key, price) for key, price in first.items()]

    async def updates(self) -> AsyncIterator[Sequence[MarketUpdate]]:
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

    def update(self, row: Recorded) -> MarketUpdate:
        """The taker is told by the price's direction, as the records do not name him."""
        key = (row.venue, row.coin)
        rises = row.price >= self._last.get(key, row.price)
        self._last[key] = row.price
        update = self._around(key, row.price)
        return print_at(update, Side.BUY if rises else Side.SELL, row.quantity) if row.quantity else update

    def _around(self, key: tuple[Venue, str], price: Decimal) -> MarketUpdate:
        return update_around(self._instruments[key], price, self._config.half_spread)
