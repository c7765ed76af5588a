"""One leg, priced before it is traded: buy on one venue, move the coin, sell it on the other, level after level."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from kimp.domain import sizing
from kimp.domain.depth import coins_for, walk
from kimp.domain.gates import Blocked, Gate, Gates, first_closed
from kimp.domain.market import Instrument, Network, Quote, Side
from kimp.domain.money import ONE, Asset, Money, exact, round_down
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView, check_quote, check_wallets, wallet_gates


@dataclass(frozen=True, slots=True)
class LegEstimate:
    """What a leg is expected to do, by the levels of both books that it takes, after every fee."""

    direction: Direction
    coin: Asset
    spent: Money
    """Cash that leaves the source venue; less than offered by what lots and fees leave over."""
    buy_quantity: Decimal
    """Coins to order; equal to the cash itself where the coin is the source's cash (USDT on Binance)."""
    arrives: Decimal
    """Coins credited at the destination after the network fee."""
    proceeds: Money
    """Cash at the destination."""


class Market(NamedTuple):
    """A book and the rules for trading on it."""

    quote: Quote
    instrument: Instrument


class Way(NamedTuple):
    """All that a leg is priced by, looked up once. A market is None where the coin is that venue's cash."""

    direction: Direction
    coin: Asset
    source: Market | None
    network: Network
    """Out of the source."""
    destination: Market | None


class LegTrade(NamedTuple):
    """One order of a leg, as large as its book carries."""

    quantity: Decimal
    cash: Money
    """Given or gained, with the fee."""
    worst: Decimal
    """Price of the last level that it takes; 1 where the coin is the cash."""
    share: Decimal
    """How much of what it was to be the book carries, as a ratio."""
    thin: Blocked | None
    """The gate that a share below one closes."""


class PricedLeg(NamedTuple):
    """A leg at one size."""

    estimate: LegEstimate
    way: Way
    buy: LegTrade
    sale: LegTrade

    @property
    def marginal(self) -> Decimal:
        """What the last unit of cash brings; each one before it brings as much or more."""
        brings = ONE
        if (source := self.way.source) is not None:
            brings = sizing.bought(ONE, source.instrument) / sizing.paid(self.buy.worst, source.instrument)
        if (destination := self.way.destination) is not None:
            brings *= sizing.received(self.sale.worst, destination.instrument)
        return brings


@exact
def estimate_leg(
    view: MarketView, coin: Asset, direction: Direction, cash: Money, now_ms: int, max_age_ms: int
) -> LegEstimate | Blocked:
    """Price one leg that spends up to `cash` of the source's cash; both books must carry all of it."""
    way = find_way(view, coin, direction, now_ms, max_age_ms)
    priced = way if isinstance(way, Blocked) else price_leg(way, cash)
    if isinstance(priced, Blocked):
        return priced
    return priced.buy.thin or priced.sale.thin or priced.estimate


def find_way(view: MarketView, coin: Asset, direction: Direction, now_ms: int, max_age_ms: int) -> Way | Blocked:
    """The way, if nothing closes it whatever its size."""
    return first_closed(way_gates(view, coin, direction, now_ms, max_age_ms))


def way_gates(view: MarketView, coin: Asset, direction: Direction, now_ms: int, max_age_ms: int) -> Gates[Way]:
    """What `coin` is traded and moved by in this direction; also where a wallet is closed."""
    networks = yield from wallet_gates(view, coin, direction)
    if networks is None:
        return None
    markets: list[Market | None] = []
    for venue in (direction.source, direction.destination):
        market = None if coin == venue.cash else _market(view, coin, venue, now_ms, max_age_ms)
        if isinstance(market, Blocked):
            yield market
        else:
            markets.append(market)
    return Way(direction, coin, markets[0], networks[0], markets[1]) if len(markets) > 1 else None


def _market(view: MarketView, coin: Asset, venue: Venue, now_ms: int, max_age_ms: int) -> Market | Blocked:
    quote, instrument = check_quote(view, venue, coin, now_ms, max_age_ms), view.instruments.get((venue, coin))
    if isinstance(quote, Blocked):
        return quote
    if instrument is None:
        return Blocked(Gate.RULES_MISSING, f"the {coin} market of {venue} is not known")
    return Market(quote, instrument)


@exact
def price_leg(way: Way, cash: Money) -> PricedLeg | Blocked:
    """What the leg does with up to `cash`, or which venue's minimum it is below."""
    source, destination = way.direction.source, way.direction.destination
    buy = _buy(way.coin, source, way.source, cash)
    if isinstance(buy, Blocked):
        return buy
    received = buy.quantity if way.source is None else sizing.bought(buy.quantity, way.source.instrument)
    size = sizing.size_withdrawal(received, way.network)
    if size is None:
        return _too_few_to_send(way.coin, received, way.network)
    sale = _sell(way.coin, destination, way.destination, size.arrives)
    if isinstance(sale, Blocked):
        return sale
    estimate = LegEstimate(way.direction, way.coin, buy.cash, buy.quantity, size.arrives, sale.cash)
    return PricedLeg(estimate, way, buy, sale)


def _buy(coin: Asset, venue: Venue, market: Market | None, cash: Money) -> LegTrade | Blocked:
    if market is None:
        return LegTrade(cash.amount, cash, ONE, ONE, None)
    quote, instrument = market
    coins, carried = coins_for(quote, cash.amount / sizing.paid(ONE, instrument))
    quantity = round_down(coins, instrument.lot)
    taken = walk(quote, Side.BUY, quantity)
    spent = sizing.cash_of(venue, sizing.paid(taken.funds, instrument))
    thin = None
    if not carried:
        thin = Blocked(Gate.DEPTH, f"{venue} offers {coins:f} {coin} for {spent}, {cash} to spend")
    if problem := sizing.order_problem(quantity, taken.worst, instrument):
        return thin or Blocked(Gate.BELOW_MINIMUM, f"buy of {coin} on {venue}: {problem}")
    return LegTrade(quantity, spent, taken.worst, ONE if thin is None else spent.amount / cash.amount, thin)


@exact
def estimate_return(
    view: MarketView, coin: Asset, amount: Decimal, direction: Direction, now_ms: int, max_age_ms: int
) -> Money | Blocked:
    """Cash that `amount` coins bring when they are sent over and sold there."""
    wallets = check_wallets(view, coin, direction)
    if isinstance(wallets, Blocked):
        return wallets
    size = sizing.size_withdrawal(amount, wallets[0])
    if size is None:
        return _too_few_to_send(coin, amount, wallets[0])
    return estimate_sale(view, coin, direction.destination, size.arrives, now_ms, max_age_ms)


@exact
def estimate_sale(
    view: MarketView, coin: Asset, venue: Venue, arrives: Decimal, now_ms: int, max_age_ms: int
) -> Money | Blocked:
    """Cash that `arrives` coins bring on the venue, whose book must carry them; the venue's own cash is itself."""
    market = None if coin == venue.cash else _market(view, coin, venue, now_ms, max_age_ms)
    sale = market if isinstance(market, Blocked) else _sell(coin, venue, market, arrives)
    return sale if isinstance(sale, Blocked) else sale.thin or sale.cash


def _sell(coin: Asset, venue: Venue, market: Market | None, arrives: Decimal) -> LegTrade | Blocked:
    if market is None:
        return LegTrade(arrives, sizing.cash_of(venue, arrives), ONE, ONE, None)
    quote, instrument = market
    quantity = round_down(arrives, instrument.lot)
    taken = walk(quote, Side.SELL, quantity)
    thin = None
    if taken.quantity < quantity:
        thin = Blocked(Gate.DEPTH, f"{venue} bids for {taken.quantity:f} {coin}, {quantity:f} to sell")
    if problem := sizing.order_problem(taken.quantity, taken.worst, instrument):
        return thin or Blocked(Gate.BELOW_MINIMUM, f"sale of {coin} on {venue}: {problem}")
    brought = sizing.cash_of(venue, sizing.received(taken.funds, instrument))
    return LegTrade(taken.quantity, brought, taken.worst, ONE if thin is None else taken.quantity / quantity, thin)


def _too_few_to_send(coin: Asset, amount: Decimal, network: Network) -> Blocked:
    least = network.withdraw_min
    return Blocked(Gate.BELOW_MINIMUM, f"{amount:f} {coin} is below what {network.venue} sends ({least:f})")
