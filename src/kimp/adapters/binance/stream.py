"""Binance's best bids and offers as quotes (binance-spot-api-docs, web-socket-streams.md)."""

from collections.abc import Sequence

from kimp.adapters.binance.frames import reader
from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.stream import Feed, VenueStream
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class BinanceStream(VenueStream):
    """`ws_url` as in `wss://stream.binance.com:9443`."""

    venue = Venue.BINANCE

    def feed(self, coins: Sequence[Asset]) -> Feed:
        """All streams are named in the URL, so nothing has to be asked for. Binance's own cash has no market here."""
        traded = [coin for coin in coins if coin != self.venue.cash]
        streams = "/".join(f"{symbol(coin).lower()}@bookTicker" for coin in traded)
        return Feed(f"{self._url}/stream?streams={streams}", None, reader(traded))
