"""The venues' public streams as the books of the paper exchange."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue.stream import VenueStream
from kimp.config import Settings
from kimp.domain.errors import Unavailable
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.paper.config import LiveMarket
from kimp.paper.market.live import LiveBooks

FIRST_BOOKS_S = 30.0
"""A market that shows no book for so long is not worth trading on."""


async def read_live_books(settings: Settings, market: LiveMarket, coins: Sequence[Asset]) -> LiveBooks:
    """The streams, and one book of each market. Raises Unavailable for a market that shows none."""
    streams: list[VenueStream] = []
    for kind in (UpbitStream, BinanceStream):
        venue = settings.venue(kind.venue).model_copy(update={"ws_url": market.ws_urls[kind.venue]})
        streams.append(kind(venue, SystemClock()))
    opening = await asyncio.gather(*(_first_books(stream, coins) for stream in streams))
    return LiveBooks(streams, [quote for quotes in opening for quote in quotes])


async def _first_books(stream: VenueStream, coins: Sequence[Asset]) -> Sequence[Quote]:
    found: dict[Asset, Quote] = {}
    wanted = {coin for coin in coins if coin != stream.venue.cash}
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_BOOKS_S), aclosing(stream.updates(coins)) as updates:
            async for update in updates:
                found.update({quote.coin: quote for quote in update.quotes if quote.priced})
                if wanted <= found.keys():
                    return list(found.values())
    missing = ", ".join(sorted(wanted - found.keys()))
    raise Unavailable(
        f"no book of {missing} came within {FIRST_BOOKS_S:.0f} s; try again, or take it out of trading.coins",
        venue=stream.venue,
    )
