"""Binance's minute candles: binance-spot-api-docs, klines. Of minutes without a trade too, with a volume of zero."""

from collections.abc import Sequence
from decimal import Decimal

from aiohttp import ClientSession

from kimp.adapters.venue.history import HistoryClient
from kimp.adapters.venue.limiter import Limit
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle

MOST = 1_000
"""Of one page."""
LIMIT = Limit(1_000, 60.0)
"""Of 6,000 units a minute, at two each: a third, so that whoever trades from the same address is not held up."""
_Row = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal, int, Decimal, int, Decimal, Decimal, str]


class BinanceCandles:
    """The port `CandleHistory`."""

    PUBLIC = "https://data-api.binance.vision"
    """Where the venue tells its past to anybody."""
    venue = Venue.BINANCE

    def __init__(self, base_url: str, session: ClientSession) -> None:
        self._pages = HistoryClient(self.venue, base_url, session, LIMIT)

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        found: list[Candle] = []
        from_ms = start_ms
        while from_ms < end_ms:
            params = {
                "symbol": f"{coin}{self.venue.cash}",
                "interval": "1m",
                "startTime": f"{from_ms}",
                "endTime": f"{end_ms - 1}",
                "limit": f"{MOST}",
            }
            rows = [Candle(*row[:6]) for row in await self._pages.read("/api/v3/klines", params, list[_Row])]
            found += [row for row in rows if from_ms <= row.open_ms < end_ms]
            if not rows or rows[-1].open_ms < from_ms:
                break
            from_ms = rows[-1].open_ms + 1
        return found
