"""Binance's public trades as they happen, those of one order at one price as one (web-socket-streams.md, aggTrade)."""

import json
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from kimp.adapters.binance.frames import SHUTDOWN, StreamError
from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.ticks import Notice
from kimp.adapters.venue.trades import NamedTrade, TradeFeed, VenueTrades
from kimp.domain.errors import BadMessage
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.history import MarketTrade


class _Data(
    msgspec.Struct,
    gc=False,
    rename={"event": "e", "symbol": "s", "price": "p", "quantity": "q", "at_ms": "T"},
):
    event: str = ""
    symbol: str = ""
    price: Decimal = ZERO
    quantity: Decimal = ZERO
    at_ms: int = 0


class _Frame(msgspec.Struct, gc=False, rename={"event": "e", "number": "id"}):
    data: _Data | None = None
    event: str = ""
    error: StreamError | None = None
    number: int | str | None = None
    """Of the request that this answers."""


_frames = msgspec.json.Decoder(_Frame)


class BinanceTrades(VenueTrades):
    """`ws_url` as in `wss://stream.binance.com:9443`."""

    venue = Venue.BINANCE

    def setup(self, coins: Sequence[Asset]) -> TradeFeed:
        """The URL names the first coin's stream, one request all others. Binance's own cash has no market here."""
        by_symbol = {symbol(coin): coin for coin in coins if coin != self.venue.cash}
        first, *others = [f"{name.lower()}@aggTrade" for name in by_symbol]
        hello = json.dumps({"method": "SUBSCRIBE", "params": others, "id": 1}) if others else None

        def read(frame: bytes) -> NamedTrade | Notice:
            try:
                reported = _frames.decode(frame)
            except (ValueError, RecursionError, ArithmeticError) as error:
                raise BadMessage(f"not a frame of Binance: {error}") from None
            if reported.error is not None:
                raise reported.error.refused()
            data = reported.data or _Data(reported.event)
            if data.event == SHUTDOWN:
                return Notice.GOING_AWAY
            coin = by_symbol.get(data.symbol)
            if data.event == "aggTrade" and coin is not None:
                return coin, MarketTrade(data.at_ms, data.price, data.quantity)
            if reported.number is not None:
                return Notice.NOTHING
            raise BadMessage("neither a trade of ours nor a notice")

        return TradeFeed(f"{self._url}/stream?streams={first}", hello, read)
