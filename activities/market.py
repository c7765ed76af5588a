"""What the workflow must know of the market at this moment.

The bus says when a look may pay; by what is found the venues themselves are asked, as others may write to the bus.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from temporalio import activity

from activities.own_rate import own_krw_per_usdt
from activities.pauses import pause
from kimp.contracts.cycle import MarketNow, QuoteQuery, RouteQuery, RouteReport, WaysBackQuery
from kimp.domain.compensation import WaysBack, ways_back
from kimp.domain.errors import BusUnavailable, Unavailable, VenueError
from kimp.domain.legs import LegEstimate
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import USDT, Asset
from kimp.domain.own_prices import PriceBounds
from kimp.domain.reasons import ReasonKind
from kimp.domain.routing import choose_route, rank_routes
from kimp.domain.venues import Venue
from kimp.domain.view import MarketView
from kimp.domain.wording import money
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import MarketData
from kimp.ports.settings import TradingRules
from kimp.ports.ticks import TickBus

VENUES_WITHIN_S = 10.0
"""A venue that takes longer to tell its books, fees and wallets is left out of the comparison."""
ROUTES_ASKED = 4
"""As many ways home as an initiator prices."""


@dataclass(frozen=True)
class MarketActivities:
    """Reads only."""

    venues: Mapping[Venue, MarketData]
    bus: TickBus
    clock: SteadyClock
    bounds: PriceBounds
    rules: TradingRules
    """The premium band in force: a person may have widened it for a while."""

    @activity.defn
    async def find_route(self, query: RouteQuery) -> RouteReport:
        """The best way home, as soon as one is good enough, or none once the time to look is over.

        None while the feeder's last values are missing or stale. Looking here, and not in the workflow, keeps hours
        of waiting out of its history.
        """
        # What earlier attempts took, by workers that were stopped meanwhile, counts too: the cycle has a deadline.
        taken = activity.info().started_time - activity.info().scheduled_time
        until_ms = self.clock.steady_ms() + query.look_for_s * 1000 - int(taken.total_seconds() * 1000)
        while True:
            activity.heartbeat("looking for a way home")
            route = await self._look(query)
            left_ms = until_ms - self.clock.steady_ms()
            if route is not None or left_ms <= 0:
                return RouteReport(route=route, krw_per_usdt=await self._rate(query.direction.pair.won))
            await pause(min(query.look_every_s, left_ms / 1000))

    async def _look(self, query: RouteQuery) -> LegEstimate | None:
        """Where the bus tells of routes that are good enough, the best of them by the venues' own books, if it is too.

        The likeliest few and USDT: the venues are asked for no more than a cycle can wait for.
        """
        usual = await self.bus.usual_premiums()
        reported = MarketView.of(await self.bus.latest(query.coins), await self.bus.latest_rules(), usual)
        band = await self.rules.premium_band()
        hints = [
            route for route in self._ranked(reported, query, query.coins, band) if not route.proceeds < query.least
        ]
        if not hints:
            return None
        activity.heartbeat("asking the venues")
        coins = {route.coin for route in hints[:ROUTES_ASKED]} | ({USDT} & set(query.coins))
        own = await self._own_view(sorted(coins))
        own.usual_premiums = usual  # whoever writes to the bus can only rule ways out by them
        route = choose_route(self._ranked(own, query, coins, band), query.least)
        if route is None:
            hint = hints[0]
            activity.logger.warning(
                "%s brings no cash home now: the venues' own books give less than %s, the feeder's quotes promised %s",
                hint.coin,
                money(query.least.amount, query.least.asset),
                money(hint.proceeds.amount, hint.proceeds.asset),
            )
        return route

    def _ranked(self, view: MarketView, query: RouteQuery, coins: Iterable[Asset], band: Decimal) -> list[LegEstimate]:
        now = self.clock.now_ms()
        return rank_routes(view, coins, query.direction, query.cash, now, query.max_quote_age_ms, band)

    async def _rate(self, won: Venue) -> Decimal | None:
        try:
            return await own_krw_per_usdt(self.venues[won], self.bounds)
        except VenueError as error:
            activity.logger.warning("cash is valued by an earlier rate: %s", error)
            return None

    @activity.defn
    async def find_ways_back(self, query: WaysBackQuery) -> WaysBack:
        """What coins abroad are worth at home, sent back or sold where they are, by the venues' own books."""
        view = await self._own_view(tuple(dict.fromkeys((*query.coins, query.coin))))
        view.usual_premiums = await self._usual()
        now, band = self.clock.now_ms(), await self.rules.premium_band()
        return ways_back(
            view, query.coin, query.amount, query.direction, query.coins, now, query.max_quote_age_ms, band
        )

    async def _usual(self) -> Mapping[Asset, Decimal]:
        """What is usual for each coin, as it counts for the way home that is taken; none where the bus is silent, as
        undoing waits for nothing that only ranks.
        """
        try:
            return await self.bus.usual_premiums()
        except BusUnavailable as gone:
            activity.logger.warning("ways back are compared without what is usual for a coin: %s", gone)
            return {}

    async def _own_view(self, coins: Sequence[Asset]) -> MarketView:
        results = await asyncio.gather(*(self._read_venue(venue, coins) for venue in self.venues.values()))
        return MarketView.of(
            (quote for quotes, _ in results for quote in quotes), (r for _, rules in results for r in rules)
        )

    async def _read_venue(self, venue: MarketData, coins: Sequence[Asset]) -> tuple[list[Quote], list[VenueRules]]:
        """Its tops of book and its rules at this moment; nothing if it does not tell."""
        try:
            async with asyncio.timeout(VENUES_WITHIN_S):
                rules = await venue.rules(coins)
                traded = [instrument.coin for instrument in rules.instruments]
                tops = await venue.tops(traded) if traded else {}
        except (VenueError, TimeoutError) as error:
            activity.logger.warning("%s is left out of the comparison: %s", venue.venue, error or "it took too long")
            return [], []
        now = self.clock.now_ms()
        return [quote._replace(received_ms=now) for quote in tops.values() if quote.priced], [rules]

    @activity.defn
    async def read_market(self, query: QuoteQuery) -> MarketNow:
        """A book and its rules from the venue itself: a sale must go on when Redis or the feeder is down."""
        now = await self.venues[query.venue].market(query.coin)
        quote = now.quote
        if not quote.priced:  # nothing to bound an order by
            activity.logger.warning("%s on %s: bid %s, ask %s", query.coin, query.venue, quote.bid, quote.ask)
            raise Unavailable(
                f"there is no price in the book of {query.coin}", venue=query.venue, kind=ReasonKind.NO_PRICE
            )
        return now
