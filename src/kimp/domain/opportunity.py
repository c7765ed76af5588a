"""Does the market pay for a cycle at this moment? Priced whole, home again and after every fee."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain import sizing
from kimp.domain.gates import Blocked, Gate, Gates, first_closed
from kimp.domain.legs import LegEstimate, leg_gates
from kimp.domain.market import Instrument, Quote, Side
from kimp.domain.money import ONE, USDT, Asset, Money, exact, round_down
from kimp.domain.premium import coin_premium, mid
from kimp.domain.routing import rank_routes
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView, check_quote

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Limits:
    """The trading settings that a decision obeys; ratios unless named otherwise."""

    threshold: Decimal
    """Least net edge of the whole cycle."""
    notional_krw: Decimal
    """Cash to start a cycle with, in won."""
    slippage: Decimal
    """How much worse than the quote an order may fill."""
    premium_band: Decimal
    """A premium beyond this, either way, is taken for bad data."""
    max_quote_age_ms: int


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A cycle that pays at this moment."""

    coin: Asset
    direction: Direction
    leg_one: LegEstimate
    route: LegEstimate
    limit_price: Decimal
    """Worst price for leg one's buy, in the source's cash."""
    buy_instrument: Instrument
    net_edge: Decimal
    """Expected result of the whole cycle over the cash spent."""
    premium: Decimal
    krw_per_usdt: Decimal
    quoted_at_ms: int
    """When the oldest of the quotes was received that say so."""


@exact
def evaluate(
    view: MarketView,
    coin: Asset,
    direction: Direction,
    route_coins: Iterable[Asset],
    limits: Limits,
    now_ms: int,
) -> Opportunity | Blocked:
    """The cycle that starts with `coin` in `direction`, or the first gate of the market that forbids it."""
    return first_closed(market_gates(view, coin, direction, route_coins, limits, now_ms))


def market_gates(
    view: MarketView,
    coin: Asset,
    direction: Direction,
    route_coins: Iterable[Asset],
    limits: Limits,
    now_ms: int,
) -> Gates[Opportunity]:
    """Price the cycle that starts with `coin` in `direction`.

    USDT itself is never leg one's coin: against itself it has no premium.
    """
    market = yield from _sanity_gates(view, coin, direction, limits, now_ms)
    if market is None:
        return None
    cash = start_cash(direction.source, limits.notional_krw, market.krw_per_usdt)
    leg_one = yield from leg_gates(view, coin, direction, cash, now_ms, limits.max_quote_age_ms)
    if leg_one is None:
        return None
    routes = rank_routes(view, route_coins, direction.opposite, leg_one.proceeds, now_ms, limits.max_quote_age_ms)
    if not routes:
        yield Blocked(Gate.NO_ROUTE_HOME, f"no coin brings {leg_one.proceeds} home now")
        return None
    edge = net_edge(leg_one, routes[0])
    if edge < limits.threshold:
        yield Blocked(
            Gate.NET_EDGE,
            f"{edge:+.4%} after all costs, home by {routes[0].coin}; {limits.threshold:.4%} wanted",
        )
    instrument = view.instruments[direction.source, coin]
    limit = sizing.marketable_limit(Side.BUY, market.source.ask, limits.slippage, instrument)
    return Opportunity(
        coin=coin,
        direction=direction,
        leg_one=leg_one,
        route=routes[0],
        limit_price=limit,
        buy_instrument=instrument,
        net_edge=edge,
        premium=market.premium,
        krw_per_usdt=market.krw_per_usdt,
        quoted_at_ms=_oldest_ms(view, (coin, routes[0].coin, USDT)),
    )


def _oldest_ms(view: MarketView, coins: Iterable[Asset]) -> int:
    """Of what both venues said of these coins; a venue's own cash has no price there."""
    quotes = (view.quotes.get((venue, coin)) for venue in Venue for coin in coins if coin != venue.cash)
    return min(quote.received_ms for quote in quotes if quote is not None)


@exact
def net_edge(leg_one: LegEstimate, route: LegEstimate) -> Decimal:
    """What comes home over what went out, less one.

    Cash that whole lots leave over on the way home stays the account's own: the two legs' yields are multiplied.
    """
    out = leg_one.proceeds.amount / leg_one.spent.amount
    home = route.proceeds.amount / route.spent.amount
    return out * home - ONE


@exact
def start_cash(venue: Venue, notional_krw: Decimal, krw_per_usdt: Decimal) -> Money:
    """The configured notional in the cash of the venue where the cycle starts."""
    if venue is Venue.UPBIT:
        return sizing.cash_of(venue, notional_krw)
    return sizing.cash_of(venue, round_down(notional_krw / krw_per_usdt, CENT))


@dataclass(frozen=True, slots=True)
class _SaneMarket:
    source: Quote
    premium: Decimal
    krw_per_usdt: Decimal


def _sanity_gates(
    view: MarketView, coin: Asset, direction: Direction, limits: Limits, now_ms: int
) -> Gates[_SaneMarket]:
    checked = [
        check_quote(view, venue, asset, now_ms, limits.max_quote_age_ms)
        for venue, asset in ((Venue.UPBIT, coin), (Venue.BINANCE, coin), (Venue.UPBIT, USDT))
    ]
    for quote in checked:
        if isinstance(quote, Blocked):
            yield quote
    quotes = [quote for quote in checked if not isinstance(quote, Blocked)]
    if len(quotes) < len(checked):
        return None
    upbit, binance, dollar = quotes
    krw_per_usdt = mid(dollar)
    value = coin_premium(upbit, binance, krw_per_usdt)
    if abs(value) > limits.premium_band:
        yield Blocked(Gate.PREMIUM_BAND, f"premium {value:+.2%} of {coin} is beyond +-{limits.premium_band:.2%}")
    return _SaneMarket(upbit if direction.source is Venue.UPBIT else binance, value, krw_per_usdt)
