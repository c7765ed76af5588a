"""Live prices without a key, a Redis or a database: a feeder on the venues' public hosts, within one process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from feeder.service import Feeder
from kimp.adapters.binance.public import BinancePublic
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.local_bus import LocalTickBus
from kimp.adapters.upbit.public import UpbitPublic
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue.transport import open_session
from kimp.config import Settings
from kimp.domain.discovery import Discovered, Listing, discover, where_missing
from kimp.domain.errors import BadInput
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.public import PublicMarket
from kimp.ports.ticks import TickBus

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class PublicFeed:
    """Quotes and rules of the coins come in on the bus, by the clock."""

    bus: TickBus
    clock: Clock
    watched: Discovered


@asynccontextmanager
async def open_public_markets(settings: Settings) -> AsyncIterator[Mapping[Venue, PublicMarket]]:
    """Both venues as anybody may ask them."""
    async with open_session() as session:
        markets: list[PublicMarket] = [
            kind(settings.venue(kind.venue).public, session, CLOCK) for kind in (UpbitPublic, BinancePublic)
        ]
        yield {market.venue: market for market in markets}


@asynccontextmanager
async def public_feed(settings: Settings, named: Sequence[Asset]) -> AsyncIterator[PublicFeed]:
    """Of the `named` coins, or else of all that both venues list and nothing speaks against.

    Raises Unavailable for a host that does not answer, BadInput for a coin that a venue does not list.
    """
    async with open_public_markets(settings) as markets:
        listings = {venue: await market.listing() for venue, market in markets.items()}
        watched = _by_hand(named, listings) if named else discover(listings)
        bus = LocalTickBus()
        streams = [kind(settings.venue(kind.venue).public, CLOCK) for kind in (UpbitStream, BinanceStream)]
        running = asyncio.create_task(Feeder(streams, bus, markets, (*watched.coins, USDT), CLOCK).run())
        try:
            yield PublicFeed(bus, CLOCK, watched)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _by_hand(named: Sequence[Asset], listings: Mapping[Venue, Listing]) -> Discovered:
    for coin in named:
        if missing := where_missing(coin, listings):
            raise BadInput(f"--coins: there is no market of {coin} on {' and '.join(missing)}; leave it out")
    return Discovered(tuple(dict.fromkeys(coin for coin in named if coin != USDT)), {})
