"""Upbit's public trades as they happen (docs.upbit.com, websocket-trade)."""

import json
from collections.abc import Sequence
from decimal import Decimal
from uuid import uuid4

import msgspec

from kimp.adapters.upbit.frames import Refusal
from kimp.adapters.upbit.parse import market
from kimp.adapters.venue.ticks import Notice
from kimp.adapters.venue.trades import NamedTrade, TradeFeed, VenueTrades
from kimp.domain.errors import BadMessage
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.history import MarketTrade


class _Frame(
    msgspec.Struct, gc=False, rename={"kind": "ty", "code": "cd", "price": "tp", "quantity": "tv", "at_ms": "ttms"}
):
    kind: str = ""
    code: str = ""
    price: Decimal = ZERO
    quantity: Decimal = ZERO
    at_ms: int = 0
    status: str = ""
    error: Refusal | None = None


_frames = msgspec.json.Decoder(_Frame)


class UpbitTrades(VenueTrades):
    """`ws_url` as in `wss://api.upbit.com/websocket/v1`."""

    venue = Venue.UPBIT

    def setup(self, coins: Sequence[Asset]) -> TradeFeed:
        """Without the last trade of before, which a new connection would bring a second time."""
        by_code = {market(coin): coin for coin in coins}
        wanted = {"type": "trade", "codes": list(by_code), "is_only_realtime": True}
        hello = json.dumps([{"ticket": str(uuid4())}, wanted, {"format": "SIMPLE"}])

        def read(frame: bytes) -> NamedTrade | Notice:
            try:
                reported = _frames.decode(frame)
            except (ValueError, RecursionError, ArithmeticError) as error:
                raise BadMessage(f"not a frame of Upbit: {error}") from None
            if reported.error is not None:
                raise reported.error.refused()
            coin = by_code.get(reported.code)
            if reported.kind == "trade" and coin is not None:
                return coin, MarketTrade(reported.at_ms, reported.price, reported.quantity)
            if reported.status:
                return Notice.NOTHING
            raise BadMessage("neither a trade of ours nor a status")

        return TradeFeed(self._url, hello, read)
