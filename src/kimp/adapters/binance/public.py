"""What Binance tells to anybody (binance-spot-api-docs): markets, their filters, turnover."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from aiohttp import ClientSession

from kimp.adapters.binance import parse, rulebook
from kimp.adapters.venue.limiter import Limit
from kimp.adapters.venue.public import PublicCalls
from kimp.adapters.venue.rows import read_or_leave_out
from kimp.config import VenueSettings
from kimp.domain.assumed import assumed_networks
from kimp.domain.discovery import Listing
from kimp.domain.market import VenueRules
from kimp.domain.money import ONE, USDT, Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock

LIMIT = Limit(20, 60.0)
"""Calls for all markets cost 20 to 80 of 6,000 units a minute."""
TAKER_FEE = Decimal("0.001")
"""Of an account without a discount: the venue's fee page."""


class BinancePublic:
    """The port `PublicMarket`."""

    venue = Venue.BINANCE

    def __init__(self, settings: VenueSettings, session: ClientSession, clock: Clock) -> None:
        self._calls = PublicCalls(self.venue, settings.rest_url, session, LIMIT)
        self._clock = clock

    async def listing(self) -> Listing:
        return rulebook.flagged_listing(await self._calls.get("/api/v3/exchangeInfo"))

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        """All markets are asked for at once: one that is named and was taken off would spoil the whole answer."""
        read_ms = self._clock.now_ms()
        names = {parse.symbol(coin): coin for coin in coins if coin != self.venue.cash}
        info, days = await asyncio.gather(
            self._calls.get("/api/v3/exchangeInfo"), self._calls.get("/api/v3/ticker/24hr", {"type": "MINI"})
        )
        listed = {name: symbol for name, symbol in rulebook.symbols(info).items() if name in names}
        fees = dict.fromkeys(listed, TAKER_FEE)
        instruments = [
            read_or_leave_out(
                self.venue, "market", names[name], partial(rulebook.instrument, names[name], symbol, fees)
            )
            for name, symbol in listed.items()
        ]
        prices = {USDT: ONE} | rulebook.last_prices(days, names)
        return VenueRules(
            venue=self.venue,
            read_ms=read_ms,
            instruments=tuple(instrument for instrument in instruments if instrument is not None),
            networks=tuple(
                assumed_networks(coin, prices[coin])[self.venue]
                for coin in (*(names[name] for name in listed), USDT)
                if coin in prices
            ),
            turnovers=rulebook.turnovers(days, names),
        )
