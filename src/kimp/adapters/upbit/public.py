"""What Upbit tells to anybody (docs.upbit.com): markets with their warnings, ticks, turnover."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from aiohttp import ClientSession

from kimp.adapters.upbit import parse, rulebook
from kimp.adapters.venue.limiter import Limit
from kimp.adapters.venue.public import PublicCalls
from kimp.config import VenueSettings
from kimp.domain.assumed import assumed_networks
from kimp.domain.discovery import Listing
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import CONTEXT, USDT, Asset
from kimp.domain.premium import mid
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock

LIMIT = Limit(9, 1.0)
"""Ten a second are allowed, of each group."""
LEAST_KRW, MOST_KRW = Decimal(5_000), Decimal(1_000_000_000)
"""Of an order in a won market: docs.upbit.com, krw-market-info."""
TAKER_FEE = Decimal("0.0005")
"""Of an account without a discount: the venue's fee page."""


class UpbitPublic:
    """The port `PublicMarket`."""

    venue = Venue.UPBIT

    def __init__(self, settings: VenueSettings, session: ClientSession, clock: Clock) -> None:
        self._calls = PublicCalls(self.venue, settings.rest_url, session, LIMIT)
        self._clock = clock

    async def listing(self) -> Listing:
        return rulebook.flagged_listing(await self._calls.get("/v1/market/all", {"is_details": "true"}))

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        read_ms = self._clock.now_ms()
        listed = await self.listing()
        names = {parse.market(coin): coin for coin in coins if coin in listed}
        markets = {"markets": ",".join(names)}
        ticks, books, days = await asyncio.gather(
            self._calls.get("/v1/orderbook/instruments", markets),
            self._calls.get("/v1/orderbook", markets | {"count": "1"}),
            self._calls.get("/v1/ticker", markets),
        )
        tick_sizes, tops = rulebook.tick_sizes(ticks), parse.tops(books, names, read_ms)
        chance = rulebook.usual_chance(TAKER_FEE, LEAST_KRW, MOST_KRW)
        return VenueRules(
            venue=self.venue,
            read_ms=read_ms,
            instruments=tuple(
                rulebook.instrument(coin, chance, tick_sizes.get(name), tops.get(coin)) for name, coin in names.items()
            ),
            networks=tuple(
                assumed_networks(coin, price)[self.venue]
                for coin in names.values()
                if (price := _price_usdt(tops, coin)) is not None
            ),
            turnovers=rulebook.turnovers(days, names),
        )


def _price_usdt(tops: Mapping[Asset, Quote], coin: Asset) -> Decimal | None:
    if coin not in tops or USDT not in tops:
        return None
    return CONTEXT.divide(mid(tops[coin]), mid(tops[USDT]))
