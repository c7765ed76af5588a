"""Binance's past: binance-spot-api-docs, klines and aggTrades. Candles are there of minutes without a trade too, with a
volume of zero.
"""

from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal

import msgspec
from aiohttp import ClientSession

from kimp.adapters.venue.history import HistoryClient
from kimp.adapters.venue.limiter import Limit
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle, MarketTrade

MOST = 1_000
"""Of one page."""
LIMIT = Limit(2_000, 60.0)
"""Of 6,000 units a minute: a third, so that whoever trades from the same address is not held up."""
CANDLES_COST, TRADES_COST = 2, 4
"""Units of one page."""
_Row = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal, int, Decimal, int, Decimal, Decimal, str]


class _Trade(msgspec.Struct, rename={"number": "a", "price": "p", "quantity": "q", "at_ms": "T"}):
    number: int
    price: Decimal
    quantity: Decimal
    at_ms: int


class BinanceHistory:
    """The port `MarketHistory`."""

    PUBLIC = "https://data-api.binance.vision"
    """Where the venue tells its past to anybody."""
    venue = Venue.BINANCE
    trade_days: int | None = None

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
            reported = await self._pages.read("/api/v3/klines", params, list[_Row], CANDLES_COST)
            rows = [Candle(*row[:6]) for row in reported]
            found += [row for row in rows if from_ms <= row.open_ms < end_ms]
            if not rows or rows[-1].open_ms < from_ms:
                break
            from_ms = rows[-1].open_ms + 1
        return found

    async def trades(self, coin: Asset, start_ms: int, end_ms: int) -> AsyncGenerator[Sequence[MarketTrade]]:
        """The first page by time, all others by the number of the trade that comes next."""
        market = {"symbol": f"{coin}{self.venue.cash}", "limit": f"{MOST}"}
        params = market | {"startTime": f"{start_ms}", "endTime": f"{end_ms - 1}"}
        after = -1
        while True:
            reported = await self._pages.read("/api/v3/aggTrades", params, list[_Trade], TRADES_COST)
            rows = [row for row in reported if row.number > after]
            if not rows:
                return
            yield [MarketTrade(row.at_ms, row.price, row.quantity) for row in rows if start_ms <= row.at_ms < end_ms]
            if rows[-1].at_ms >= end_ms:
                return
            after = rows[-1].number
            params = market | {"fromId": f"{after + 1}"}
