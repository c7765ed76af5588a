"""One leg, priced before it is traded: buy on one venue, move the coin, sell it on the other."""

from dataclasses import dataclass
from decimal import Decimal

from kimp.domain import sizing
from kimp.domain.gates import Blocked, Gate, Gates, first_closed
from kimp.domain.market import Instrument, Quote
from kimp.domain.money import Asset, Money, exact, round_down
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView, check_quote, check_wallets, wallet_gates


@dataclass(frozen=True, slots=True)
class LegEstimate:
    """What a leg is expected to do, at the tops of both books, after every fee."""

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


@exact
def estimate_leg(
    view: MarketView, coin: Asset, direction: Direction, cash: Money, now_ms: int, max_age_ms: int
) -> LegEstimate | Blocked:
    """Price one leg that spends up to `cash` of the source's cash; the tops of both books must carry all of it."""
    return first_closed(leg_gates(view, coin, direction, cash, now_ms, max_age_ms))


def leg_gates(
    view: MarketView, coin: Asset, direction: Direction, cash: Money, now_ms: int, max_age_ms: int
) -> Gates[LegEstimate]:
    """Priced also where a wallet is closed or a book too thin, for those who want to see every gate."""
    networks = yield from wallet_gates(view, coin, direction)
    if networks is None:
        return None
    buy = yield from _buy_gates(view, coin, direction.source, cash, now_ms, max_age_ms)
    if buy is None:
        return None
    size = sizing.withdrawal(buy.received, networks[0])
    if size is None:
        least = networks[0].withdraw_min
        yield Blocked(Gate.BELOW_MINIMUM, f"{buy.received:f} {coin} is below what {direction.source} sends ({least:f})")
        return None
    proceeds = yield from sale_gates(view, coin, direction.destination, size.arrives, now_ms, max_age_ms)
    if proceeds is None:
        return None
    return LegEstimate(direction, coin, buy.spent, buy.quantity, size.arrives, proceeds)


@dataclass(frozen=True, slots=True)
class _Buy:
    quantity: Decimal
    spent: Money
    received: Decimal


def _market_gates(
    view: MarketView, coin: Asset, venue: Venue, now_ms: int, max_age_ms: int
) -> Gates[tuple[Quote, Instrument]]:
    quote, instrument = check_quote(view, venue, coin, now_ms, max_age_ms), view.instruments.get((venue, coin))
    if isinstance(quote, Blocked):
        yield quote
        return None
    if instrument is None:
        yield Blocked(Gate.RULES_MISSING, f"the {coin} market of {venue} is not known")
        return None
    return quote, instrument


def _buy_gates(view: MarketView, coin: Asset, venue: Venue, cash: Money, now_ms: int, max_age_ms: int) -> Gates[_Buy]:
    if coin == venue.cash:
        return _Buy(cash.amount, cash, cash.amount)
    market = yield from _market_gates(view, coin, venue, now_ms, max_age_ms)
    if market is None:
        return None
    quote, instrument = market
    quantity = sizing.buy_quantity(cash, quote.ask, instrument)
    if problem := sizing.order_problem(quantity, quote.ask, instrument):
        yield Blocked(Gate.BELOW_MINIMUM, f"buy of {coin} on {venue}: {problem}")
        return None
    if quantity > quote.ask_size:
        yield Blocked(Gate.DEPTH, f"{venue} offers {quote.ask_size:f} {coin}, {quantity:f} wanted")
    spent = sizing.cash_of(venue, sizing.buy_cost(quote.ask, quantity, instrument))
    return _Buy(quantity, spent, sizing.bought(quantity, instrument))


@exact
def estimate_return(
    view: MarketView, coin: Asset, amount: Decimal, direction: Direction, now_ms: int, max_age_ms: int
) -> Money | Blocked:
    """Cash that `amount` coins bring when they are sent over and sold there."""
    wallets = check_wallets(view, coin, direction)
    if isinstance(wallets, Blocked):
        return wallets
    size = sizing.withdrawal(amount, wallets[0])
    if size is None:
        return Blocked(Gate.BELOW_MINIMUM, f"{amount:f} {coin} is below what {direction.source} sends")
    return estimate_sale(view, coin, direction.destination, size.arrives, now_ms, max_age_ms)


@exact
def estimate_sale(
    view: MarketView, coin: Asset, venue: Venue, arrives: Decimal, now_ms: int, max_age_ms: int
) -> Money | Blocked:
    """Cash that `arrives` coins bring at the top of the venue's book; the venue's own cash is itself."""
    return first_closed(sale_gates(view, coin, venue, arrives, now_ms, max_age_ms))


def sale_gates(
    view: MarketView, coin: Asset, venue: Venue, arrives: Decimal, now_ms: int, max_age_ms: int
) -> Gates[Money]:
    """The same, also where the book is too thin, for those who want to see every gate."""
    if coin == venue.cash:
        return sizing.cash_of(venue, arrives)
    market = yield from _market_gates(view, coin, venue, now_ms, max_age_ms)
    if market is None:
        return None
    quote, instrument = market
    quantity = round_down(arrives, instrument.lot)
    if problem := sizing.order_problem(quantity, quote.bid, instrument):
        yield Blocked(Gate.BELOW_MINIMUM, f"sale of {coin} on {venue}: {problem}")
        return None
    if quantity > quote.bid_size:
        yield Blocked(Gate.DEPTH, f"{venue} bids for {quote.bid_size:f} {coin}, {quantity:f} to sell")
    return sizing.cash_of(venue, sizing.sell_proceeds(quote.bid, quantity, instrument))
