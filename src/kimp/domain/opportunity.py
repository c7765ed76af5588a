"""Does the market pay for a cycle at this moment? Priced whole, home again and after every fee."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from kimp.domain import sizing
from kimp.domain.cycle_size import Search, Sized, largest_cycle
from kimp.domain.gates import Blocked, Gate, Gates, first_closed
from kimp.domain.legs import LegEstimate, PricedLeg, Way, find_way, way_gates
from kimp.domain.market import Instrument, Quote, Side
from kimp.domain.money import CONTEXT, USDT, ZERO, Asset, Money, exact, round_down
from kimp.domain.premium import coin_premium, mid
from kimp.domain.venues import Direction, Pair, Venue
from kimp.domain.view import MarketView, band_gate, check_quote, premium_gate, tick_gate, turnover_gate
from kimp.domain.won import from_won

CENT = Decimal("0.01")
ROUTES_PRICED = 4
"""Ways home that whoever looks for cycles prices exactly, the best by raw rate; USDT is always among them. Whether a
cycle may start does not depend on them, only by which coin it expects to come home."""
THOUSANDTH = Decimal("0.00001")
"""Of a percent."""


class Mode(StrEnum):
    """How leg one is traded."""

    TRANSFER = "transfer"
    """Bought, moved, sold on arrival: the edge decays meanwhile, so leg one must pay alone, with USDT home."""
    PREFUNDED = "prefunded"
    """Both orders at the same instant, from balances on both venues: what the way home adds is there then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The trading settings that a decision obeys; ratios unless named otherwise."""

    threshold: Decimal
    """Least net edge of the whole cycle."""
    notional_krw: Decimal
    """Most cash to start a cycle with, in won."""
    slippage: Decimal
    """How much worse than the quote an order may fill."""
    premium_band: Decimal
    """A premium beyond this, either way, is taken for bad data."""
    max_quote_age_ms: int
    least_notional_krw: Decimal = ZERO
    """Least cash to start a cycle with, where the books carry less than the most."""
    tick_share: Decimal | None = None
    """Most of the threshold that one step of a coin's price may be; None: any."""
    least_turnover_krw: Decimal = ZERO
    """Least that a coin turns over on either venue in 24 hours, in won."""
    mode: Mode = Mode.TRANSFER

    @property
    def most_tick(self) -> Decimal | None:
        """Greatest step of a coin's price that is traded, as a ratio of it; None: any."""
        return None if self.tick_share is None else CONTEXT.multiply(self.tick_share, self.threshold)


@dataclass(frozen=True, slots=True)
class PairedSale:
    """What is sold at the instant of leg one's buy: as many coins as will arrive of those that are bought."""

    instrument: Instrument
    quantity: Decimal
    limit_price: Decimal
    """Worst price, in the destination's cash."""
    travel: Decimal
    """Coins of those bought that the way takes."""


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
    sale: PairedSale | None = None
    """Of leg one, where both orders go out at the same instant."""


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
    """Price the cycle that starts with `coin` in `direction`, as large as pays.

    USDT itself is never leg one's coin: against itself it has no premium.
    """
    market = yield from _sanity_gates(view, coin, direction, limits, now_ms)
    if market is None:
        return None
    way = yield from way_gates(view, coin, direction, now_ms, limits.max_quote_age_ms)
    if way is None or way.source is None:
        return None
    ways_home = [
        home
        for home in (
            find_way(view, c, direction.opposite, now_ms, limits.max_quote_age_ms)
            for c in route_coins
            if excluded(view, direction.pair, c, limits) is None
        )
        if not isinstance(home, Blocked)
    ]
    sized = yield from _size_gates(way, ways_home, limits, market.krw_per_usdt)
    if sized is None or sized.route is None or sized.edge is None:
        return None
    route, instrument = sized.route.estimate, way.source.instrument
    return Opportunity(
        coin=coin,
        direction=direction,
        leg_one=sized.leg_one.estimate,
        route=route,
        limit_price=sizing.marketable_limit(Side.BUY, sized.leg_one.buy.worst, limits.slippage, instrument),
        buy_instrument=instrument,
        net_edge=sized.edge,
        premium=market.premium,
        krw_per_usdt=market.krw_per_usdt,
        quoted_at_ms=_oldest_ms(view, direction.pair, (coin, route.coin, USDT)),
        sale=_paired_sale(sized.leg_one, limits) if limits.mode is Mode.PREFUNDED else None,
    )


def _paired_sale(leg: PricedLeg, limits: Limits) -> PairedSale | None:
    source, destination = leg.way.source, leg.way.destination
    if source is None or destination is None:
        return None
    return PairedSale(
        instrument=destination.instrument,
        quantity=leg.sale.quantity,
        limit_price=sizing.marketable_limit(Side.SELL, leg.sale.worst, limits.slippage, destination.instrument),
        travel=sizing.bought(leg.buy.quantity, source.instrument) - leg.estimate.arrives,
    )


def excluded(view: MarketView, pair: Pair, coin: Asset, limits: Limits) -> Blocked | None:
    """Why the coin is neither leg one's nor a way home at present, or None."""
    return (
        premium_gate(view, pair, coin, limits.premium_band)
        or tick_gate(view, pair, coin, limits.most_tick)
        or turnover_gate(view, pair, coin, limits.least_turnover_krw)
    )


def _size_gates(out: Way, ways_home: Sequence[Way], limits: Limits, krw_per_usdt: Decimal) -> Gates[Sized]:
    """The largest size that pays; else what comes nearest to it."""
    venue = out.direction.source
    search = largest_cycle(out, ways_home, start_cash(venue, limits.notional_krw, krw_per_usdt), limits.threshold)
    if search.found is not None:
        found, smaller = search.found, search.smaller
        if limits.mode is Mode.TRANSFER:
            alone = yield from _alone_gates(out, ways_home, found, limits.threshold)
            found, smaller = alone or found, smaller or alone is not None
        least = start_cash(venue, min(limits.least_notional_krw, limits.notional_krw), krw_per_usdt)
        if smaller and found.size < least:
            yield Blocked(
                Gate.DEPTH, f"{found.size} fit the books at {limits.threshold:.4%}; {least} is the least to start with"
            )
        return found
    priced = next((sized for sized in search.tried if sized.edge is not None), None)
    if priced is not None and priced.edge is not None and priced.route is not None:
        yield Blocked(
            Gate.NET_EDGE,
            f"best is {_ratio_text(priced.edge)} after all costs (home by {priced.route.estimate.coin}),"
            f" needs {limits.threshold:.3%}",
        )
    else:
        yield _unpriced(search)
    return priced


def _alone_gates(out: Way, ways_home: Sequence[Way], whole: Sized, threshold: Decimal) -> Gates[Sized]:
    """A smaller size than the `whole` cycle's, if leg one pays enough at that one only when USDT brings its cash home.

    What another coin adds on the way home may be gone when leg one's coin has arrived.
    """
    by_usdt = [way for way in ways_home if way.coin == USDT]
    search = largest_cycle(out, by_usdt, whole.size, threshold)
    if search.found is not None:
        if not search.smaller:
            return None
        return largest_cycle(out, ways_home, search.found.size, threshold).found or search.found
    edge = next((sized.edge for sized in search.tried if sized.edge is not None), None)
    home = "USDT can't be sent home now" if edge is None else f"only {edge:+.4%} if USDT brings the cash home"
    best = "" if whole.route is None else f" ({whole.edge:+.4%} if {whole.route.estimate.coin} does)"
    yield Blocked(Gate.LEG_ONE_ALONE, f"{home}{best}; leg one must earn {threshold:.4%} without another coin's help")
    return None


def _unpriced(search: Search) -> Blocked:
    """Why no size of the cycle can be priced to its end: the first one tells."""
    if not search.tried and search.blocked is not None:
        return search.blocked
    first = search.tried[0].leg_one
    no_route = Blocked(Gate.NO_ROUTE_HOME, f"no coin brings {first.estimate.proceeds} home now")
    return first.sale.thin or no_route


def _oldest_ms(view: MarketView, pair: Pair, coins: Iterable[Asset]) -> int:
    """Of what both venues said of these coins; a venue's own cash has no price there."""
    quotes = (view.quotes.get((venue, coin)) for venue in pair for coin in coins if coin != venue.cash)
    return min(quote.received_ms for quote in quotes if quote is not None)


@exact
def start_cash(venue: Venue, notional_krw: Decimal, krw_per_usdt: Decimal) -> Money:
    """The configured notional in the cash of the venue where the cycle starts."""
    return sizing.cash_of(venue, round_down(from_won(notional_krw, venue.cash, krw_per_usdt).amount, CENT))


@dataclass(frozen=True, slots=True)
class _SaneMarket:
    source: Quote
    premium: Decimal
    krw_per_usdt: Decimal


def _sanity_gates(
    view: MarketView, coin: Asset, direction: Direction, limits: Limits, now_ms: int
) -> Gates[_SaneMarket]:
    pair = direction.pair
    checked = [
        check_quote(view, venue, asset, now_ms, limits.max_quote_age_ms)
        for venue, asset in ((pair.won, coin), (pair.dollars, coin), (pair.won, USDT))
    ]
    for quote in checked:
        if isinstance(quote, Blocked):
            yield quote
    quotes = [quote for quote in checked if not isinstance(quote, Blocked)]
    if len(quotes) < len(checked):
        return None
    won, dollars, dollar = quotes
    krw_per_usdt = mid(dollar)
    value = coin_premium(won, dollars, krw_per_usdt)
    if (beyond := band_gate(view, coin, value, limits.premium_band)) is not None:
        yield beyond
    if (coarse := tick_gate(view, pair, coin, limits.most_tick)) is not None:
        yield coarse
    if (little := turnover_gate(view, pair, coin, limits.least_turnover_krw)) is not None:
        yield little
    return _SaneMarket(won if direction.source is pair.won else dollars, value, krw_per_usdt)


def _ratio_text(ratio: Decimal) -> str:
    """Never more than it is: what just misses the threshold must not look as if it kept it."""
    return f"{ratio.quantize(THOUSANDTH, ROUND_FLOOR, CONTEXT):+.3%}"
