"""What the workflow must know of the market at this moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from temporalio import activity

from kimp.contracts.cycle import MarketNow, QuoteQuery, RouteQuery, RouteReport, WaysBackQuery
from kimp.domain.compensation import WaysBack, ways_back
from kimp.domain.errors import Rejected
from kimp.domain.legs import Blocked, MarketView, check_quote
from kimp.domain.market import Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.premium import mid
from kimp.domain.routing import rank_routes
from kimp.ports.clock import Clock
from kimp.ports.exchange import MarketData
from kimp.ports.ticks import TickBus

ROUTES_REPORTED = 3


@dataclass(frozen=True)
class MarketActivities:
    """Reads only."""

    venues: Mapping[Venue, MarketData]
    bus: TickBus
    clock: Clock

    @activity.defn
    async def find_routes(self, query: RouteQuery) -> RouteReport:
        """The best ways home by the feeder's last values; none while these are missing or stale."""
        view = await self._view(query.coins)
        now = self.clock.now_ms()
        routes = rank_routes(view, query.coins, query.direction, query.cash, now, query.max_quote_age_ms)
        won = check_quote(view, Venue.UPBIT, USDT, now, query.max_quote_age_ms)
        return RouteReport(
            routes=tuple(routes[:ROUTES_REPORTED]), krw_per_usdt=None if isinstance(won, Blocked) else mid(won)
        )

    @activity.defn
    async def find_ways_back(self, query: WaysBackQuery) -> WaysBack:
        """What coins abroad are worth at home, sent back or sold where they are, by the feeder's last values."""
        view = await self._view((*query.coins, query.coin))
        return ways_back(
            view, query.coin, query.amount, query.direction, query.coins, self.clock.now_ms(), query.max_quote_age_ms
        )

    async def _view(self, coins: Sequence[Asset]) -> MarketView:
        view = MarketView({(q.venue, q.coin): q for q in await self.bus.latest(coins)})
        view.apply_rules(await self.bus.latest_rules())
        return view

    @activity.defn
    async def read_market(self, query: QuoteQuery) -> MarketNow:
        """A book and its rules from the venue itself: a sale must go on when Redis or the feeder is down."""
        venue = self.venues[query.venue]
        rules = await venue.rules([query.coin])
        if not rules.instruments:
            raise Rejected(f"there is no market for {query.coin}", venue=venue.venue)
        return MarketNow(quote=await venue.top_of_book(query.coin), instrument=rules.instruments[0])
