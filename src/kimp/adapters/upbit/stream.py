"""Upbit's public order books, depth one, as quotes (docs.upbit.com, websocket-orderbook)."""

import json
from collections.abc import Sequence
from uuid import uuid4

from kimp.adapters.upbit.frames import reader
from kimp.adapters.upbit.parse import market
from kimp.adapters.venue.stream import Feed, VenueStream
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

DEPTH_ONE = ".1"


class UpbitStream(VenueStream):
    """`ws_url` as in `wss://api.upbit.com/websocket/v1`."""

    venue = Venue.UPBIT

    def feed(self, coins: Sequence[Asset]) -> Feed:
        """One request names everything: a second one would replace the first."""
        books = {"type": "orderbook", "codes": [market(coin) + DEPTH_ONE for coin in coins]}
        hello = json.dumps([{"ticket": str(uuid4())}, books, {"format": "SIMPLE"}])
        return Feed(self._url, hello, reader(coins))
