"""Upbit's past: docs.upbit.com, list-candles-minutes and list-pair-trades. No candle where nothing was traded."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from aiohttp import ClientSession

from kimp.adapters.venue.history import HistoryClient
from kimp.adapters.venue.limiter import Limit
from kimp.domain.durations import DAY_MS
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.history import Candle, MarketTrade

MOST, MOST_TRADES = 200, 500
"""Of one page."""
LIMIT = Limit(9, 1.0)
"""Ten a second are allowed."""
SECOND_MS = 1_000


class _Row(msgspec.Struct):
    candle_date_time_utc: str
    opening_price: Decimal
    high_price: Decimal
    low_price: Decimal
    trade_price: Decimal
    candle_acc_trade_volume: Decimal


class _Trade(msgspec.Struct):
    timestamp: int
    trade_price: Decimal
    trade_volume: Decimal
    sequential_id: int


class UpbitHistory:
    """The port `MarketHistory`."""

    PUBLIC = "https://api.upbit.com"
    """Where the venue tells its past to anybody."""
    venue = Venue.UPBIT
    trade_days: int | None = 7

    def __init__(self, base_url: str, session: ClientSession, clock: Clock) -> None:
        self._clock = clock
        self._pages = HistoryClient(self.venue, base_url, session, LIMIT)

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        """Pages go back in time: each holds the latest before the oldest of the one before."""
        found: list[Candle] = []
        before_ms = end_ms
        while before_ms > start_ms:
            to = datetime.fromtimestamp(before_ms / SECOND_MS, UTC)
            params = {"market": f"{self.venue.cash}-{coin}", "to": f"{to:%Y-%m-%dT%H:%M:%SZ}", "count": f"{MOST}"}
            rows = [_candle(row) for row in await self._pages.read("/v1/candles/minutes/1", params, list[_Row])]
            found += [row for row in rows if start_ms <= row.open_ms < before_ms]
            oldest_ms = min((row.open_ms for row in rows), default=start_ms)
            if oldest_ms >= before_ms:
                break  # a venue that does not go back would be asked for ever
            before_ms = oldest_ms
        return sorted(found)

    async def trades(self, coin: Asset, start_ms: int, end_ms: int) -> AsyncGenerator[Sequence[MarketTrade]]:
        """Pages go back in time from the end of a day, which is named by how many days ago it was."""
        before: int | None = None
        while True:
            rows = await self._trades_before(coin, start_ms, before)
            rows = [row for row in rows if before is None or row.sequential_id < before]
            if not rows:
                return
            yield [
                MarketTrade(row.timestamp, row.trade_price, row.trade_volume)
                for row in rows
                if start_ms <= row.timestamp < end_ms
            ]
            if min(row.timestamp for row in rows) < start_ms:
                return
            before = min(row.sequential_id for row in rows)

    async def _trades_before(self, coin: Asset, day_ms: int, number: int | None) -> list[_Trade]:
        """Asked again if the day changed meanwhile: then the days were counted from another one."""
        params = {"market": f"{self.venue.cash}-{coin}", "count": f"{MOST_TRADES}"}
        if number is not None:
            params["cursor"] = f"{number}"
        while True:
            today = self._clock.now_ms() // DAY_MS
            ago = today - day_ms // DAY_MS
            dated = params | ({"days_ago": f"{ago}"} if ago else {})
            rows = await self._pages.read("/v1/trades/ticks", dated, list[_Trade])
            if self._clock.now_ms() // DAY_MS == today:
                return rows


def _candle(row: _Row) -> Candle:
    opened = datetime.fromisoformat(row.candle_date_time_utc).replace(tzinfo=UTC)
    return Candle(
        int(opened.timestamp()) * SECOND_MS,
        row.opening_price,
        row.high_price,
        row.low_price,
        row.trade_price,
        row.candle_acc_trade_volume,
    )
