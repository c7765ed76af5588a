"""What the workflow must know of the market at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from temporalio import activity

from activities.pauses import pause
from kimp.contracts.cycle import MarketNow, QuoteQuery, RouteQuery, RouteReport, WaysBackQuery
from kimp.domain.compensation import WaysBack, ways_back
from kimp.domain.errors import Unavailable
from kimp.domain.gates import Blocked
from kimp.domain.market import Venue
from kimp.domain.money import USDT, ZERO, Asset
from kimp.domain.premium import mid
from kimp.domain.routing import choose_route, rank_routes
from kimp.domain.view import MarketView, check_quote
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import MarketData
from kimp.ports.ticks import TickBus


@dataclass(frozen=True)
class MarketActivities:
    """Reads only."""

    venues: Mapping[Venue, MarketData]
    bus: TickBus
    clock: SteadyClock

    @activity.defn
    async def find_route(self, query: RouteQuery) -> RouteReport:
        """The best way home, as soon as one is good enough, or none once the time to look is over.

        By the feeder's last values: none while these are missing or stale. Looking here, and not in the workflow,
        keeps hours of waiting out of its history.
        """
        until_ms = self.clock.steady_ms() + query.look_for_s * 1000
        while True:
            activity.heartbeat("looking for a way home")
            report = await self._look(query)
            if report.route is not None or self.clock.steady_ms() >= until_ms:
                return report
            await pause(query.look_every_s)

    async def _look(self, query: RouteQuery) -> RouteReport:
        view = await self._view(query.coins)
        now = self.clock.now_ms()
        routes = rank_routes(view, query.coins, query.direction, query.cash, now, query.max_quote_age_ms)
        won = check_quote(view, Venue.UPBIT, USDT, now, query.max_quote_age_ms)
        return RouteReport(
            route=choose_route(routes, query.least), krw_per_usdt=None if isinstance(won, Blocked) else mid(won)
        )

    @activity.defn
    async def find_ways_back(self, query: WaysBackQuery) -> WaysBack:
        """What coins abroad are worth at home, sent back or sold where they are, by the feeder's last values."""
        view = await self._view((*query.coins, query.coin))
        return ways_back(
            view, query.coin, query.amount, query.direction, query.coins, self.clock.now_ms(), query.max_quote_age_ms
        )

    async def _view(self, coins: Sequence[Asset]) -> MarketView:
        return MarketView.of(await self.bus.latest(coins), await self.bus.latest_rules())

    @activity.defn
    async def read_market(self, query: QuoteQuery) -> MarketNow:
        """A book and its rules from the venue itself: a sale must go on when Redis or the feeder is down."""
        now = await self.venues[query.venue].market(query.coin)
        quote = now.quote
        if quote.bid <= ZERO or quote.crossed:
            # One side is empty, or the venue is about to match: no price to bound an order by.
            activity.logger.warning("%s on %s: bid %s, ask %s", query.coin, query.venue, quote.bid, quote.ask)
            raise Unavailable(f"there is no price in the book of {query.coin}", venue=query.venue)
        return now
