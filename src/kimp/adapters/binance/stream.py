"""Binance's books as quotes: tops and the levels behind them (binance-spot-api-docs, web-socket-streams.md)."""

import json
from collections.abc import Sequence

from kimp.adapters.binance.frames import reader
from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.stream import StreamSetup, VenueStream
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

DEPTHS = (5, 10, 20)
"""Numbers of levels that can be asked for."""


class BinanceStream(VenueStream):
    """`ws_url` as in `wss://stream.binance.com:9443`."""

    venue = Venue.BINANCE

    def setup(self, coins: Sequence[Asset]) -> StreamSetup:
        """The URL names the first coin's streams, one request all others: servers refuse URLs of some thousand signs.

        Binance's own cash has no market here.
        """
        traded = [coin for coin in coins if coin != self.venue.cash]
        kinds = ["bookTicker"]
        if self._levels > 1:
            depth = next(depth for depth in DEPTHS if depth >= self._levels)
            kinds.append(f"depth{depth}@100ms")
        streams = [f"{symbol(coin).lower()}@{kind}" for coin in traded for kind in kinds]
        first, others = streams[: len(kinds)], streams[len(kinds) :]
        hello = json.dumps({"method": "SUBSCRIBE", "params": others, "id": 1}) if others else None
        return StreamSetup(f"{self._url}/stream?streams={'/'.join(first)}", hello, reader(traded, self._levels))
