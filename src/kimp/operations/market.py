"""The market as the feeder last told it, and what stands between each coin and a cycle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.config import Settings
from kimp.domain.errors import BusUnavailable
from kimp.domain.gates import Blocked
from kimp.domain.market import Quote, Quotes
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits, Opportunity, evaluate
from kimp.domain.premium import premium_between
from kimp.domain.venues import PAIR, Direction
from kimp.domain.view import MarketView
from kimp.domain.won import krw_per_usdt
from kimp.operations.settings import read_in_force
from kimp.ports.clock import Clock
from kimp.ports.database import Database
from kimp.ports.ticks import TickBus


@dataclass(frozen=True, slots=True)
class CoinMarket:
    """One coin. None: there is no quote yet."""

    coin: Asset
    won: Quote | None
    dollars: Quote | None
    premium: Decimal | None
    """As a ratio."""
    direction: Direction | None
    """The one that pays more, or loses less."""
    best: Opportunity | Blocked | None
    """The market's side of a cycle in that direction: what it would earn, or the gate that is closed."""


async def last_quotes(bus: TickBus, coins: Sequence[Asset]) -> Quotes:
    """To value by: none while no Redis serves."""
    try:
        return {(quote.venue, quote.coin): quote for quote in await bus.latest(coins)}
    except BusUnavailable:
        return {}


async def view_now(bus: TickBus, coins: Sequence[Asset]) -> MarketView:
    """What an initiator that begins now would decide by. Raises BusUnavailable."""
    return MarketView.of(await bus.latest(coins), await bus.latest_rules(), await bus.usual_premiums())


async def market_now(bus: TickBus, database: Database, configured: Settings, clock: Clock) -> list[CoinMarket]:
    """Every coin that may be leg one's."""
    trading = (await read_in_force(configured, database.settings)).settings.trading
    view = await view_now(bus, trading.assets)
    return list(_coins(view, trading.assets, trading.limits(), clock.now_ms()))


def _coins(view: MarketView, assets: Sequence[Asset], limits: Limits, now_ms: int) -> Iterator[CoinMarket]:
    rate = krw_per_usdt(view.quotes, PAIR.won)
    for coin in assets:
        if coin == USDT:
            continue
        won, dollars = (view.quotes.get((venue, coin)) for venue in PAIR)
        premium = premium_between(view.quotes, PAIR, coin, rate)
        if premium is None:
            yield CoinMarket(coin, won, dollars, None, None, None)
            continue
        # A coin that is dearer in won than USDT is goes there, a cheaper one away from there.
        direction = PAIR.way_from(PAIR.dollars if premium > 0 else PAIR.won)
        best = evaluate(view, coin, direction, assets, limits, now_ms)
        yield CoinMarket(coin, won, dollars, premium, direction, best)
