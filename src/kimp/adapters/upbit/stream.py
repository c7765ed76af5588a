"""Upbit's public order books as quotes (docs.upbit.com, websocket-orderbook)."""

import json
from collections.abc import Sequence
from uuid import uuid4

from kimp.adapters.upbit.frames import reader
from kimp.adapters.upbit.parse import market
from kimp.adapters.venue.stream import StreamSetup, VenueStream
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

DEPTHS = (1, 5, 15, 30)
"""Numbers of levels that can be asked for."""


class UpbitStream(VenueStream):
    """`ws_url` as in `wss://api.upbit.com/websocket/v1`."""

    venue = Venue.UPBIT

    def setup(self, coins: Sequence[Asset]) -> StreamSetup:
        """One request names everything: a second one would replace the first."""
        depth = next(depth for depth in DEPTHS if depth >= self._levels)
        books = {"type": "orderbook", "codes": [f"{market(coin)}.{depth}" for coin in coins]}
        hello = json.dumps([{"ticket": str(uuid4())}, books, {"format": "SIMPLE"}])
        return StreamSetup(self._url, hello, reader(coins, self._levels))
