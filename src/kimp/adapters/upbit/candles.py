"""Upbit's minute candles: docs.upbit.com, list-candles-minutes. No candle where nothing was traded."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from aiohttp import ClientSession

from kimp.adapters.venue.history import HistoryClient
from kimp.adapters.venue.limiter import Limit
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle

MOST = 200
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


class UpbitCandles:
    """The port `CandleHistory`."""

    PUBLIC = "https://api.upbit.com"
    """Where the venue tells its past to anybody."""
    venue = Venue.UPBIT

    def __init__(self, base_url: str, session: ClientSession) -> None:
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
