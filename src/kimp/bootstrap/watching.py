"""Live prices without a key, a Redis or a database: a feeder on the venues' public hosts, within one process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
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
from kimp.bootstrap.listed import ListedFeeder
from kimp.config import Settings, VenueSettings
from kimp.domain.discovery import Discovered, Listing, discover, where_missing
from kimp.domain.errors import BadInput
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.ports.clock import Clock
from kimp.ports.public import PublicMarket
from kimp.ports.ticks import TickBus

CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class PublicFeed:
    """Quotes and rules come in on the bus, by the clock."""

    bus: TickBus
    clock: Clock
    _feeder: ListedFeeder

    @property
    def watched(self) -> Discovered:
        """As the venues list them now."""
        return self._feeder.discovered


@asynccontextmanager
async def open_public_markets(settings: Mapping[Venue, VenueSettings]) -> AsyncIterator[Mapping[Venue, PublicMarket]]:
    """Both venues as anybody may ask them."""
    async with open_session() as session:
        yield {kind.venue: kind(settings[kind.venue], session, CLOCK) for kind in (UpbitPublic, BinancePublic)}


@asynccontextmanager
async def public_feed(settings: Settings, named: Sequence[Asset]) -> AsyncIterator[PublicFeed]:
    """Of the `named` coins, or else of all that both venues list and nothing speaks against.

    Raises Unavailable for a host that does not answer, BadInput for a coin that a venue does not list.
    """
    public = {venue: settings.venue(venue).public for venue in PAIR}
    async with open_public_markets(public) as markets:

        async def look() -> Discovered:
            listings = await read_listings(markets)
            return _by_hand(named, listings) if named else discover(listings)

        bus = LocalTickBus()
        streams = [kind(public[kind.venue], CLOCK) for kind in (UpbitStream, BinanceStream)]
        feeder = ListedFeeder(look, await look(), lambda coins: Feeder(streams, bus, markets, coins, CLOCK))
        running = asyncio.create_task(feeder.run())
        try:
            yield PublicFeed(bus, CLOCK, feeder)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def all_listed(settings: Settings, make: Callable[[Sequence[Asset]], Feeder]) -> AsyncIterator[ListedFeeder]:
    """Of the configured coins, whatever a venue says against them, and of all others that are listed."""
    configured = {venue: settings.venue(venue) for venue in PAIR}
    async with open_public_markets(configured) as markets:

        async def look() -> Discovered:
            found, by_hand = discover(await read_listings(markets)), frozenset(map(Asset, settings.trading.coins))
            left_out = {coin: why for coin, why in found.left_out.items() if coin not in by_hand}
            return Discovered(tuple(sorted(by_hand.union(found.coins))), left_out)

        yield ListedFeeder(look, await look(), make)


async def read_listings(markets: Mapping[Venue, PublicMarket]) -> Mapping[Venue, Listing]:
    """Raises Unavailable."""
    return {venue: await market.listing() for venue, market in markets.items()}


def require_listed(coins: Sequence[Asset], listings: Mapping[Venue, Listing], named_by: str, mend: str) -> None:
    """Raises BadInput for the first coin without a market on both venues."""
    for coin in coins:
        if missing := where_missing(coin, listings):
            raise BadInput(f"{named_by}: there is no market of {coin} on {' and '.join(missing)}; {mend}")


def _by_hand(named: Sequence[Asset], listings: Mapping[Venue, Listing]) -> Discovered:
    require_listed(named, listings, "--coins", "leave it out")
    return Discovered(tuple(dict.fromkeys(coin for coin in named if coin != USDT)), {})
