"""One leg, priced before it is traded: buy on one venue, move the coin, sell it on the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Self

from kimp.domain import sizing
from kimp.domain.market import Direction, Instrument, Network, Quote, Venue, VenueRules
from kimp.domain.money import Asset, Money, exact, round_down


class Gate(StrEnum):
    """Why no cycle is started, or a route is not taken; each is counted under its name."""

    QUOTE_MISSING = "quote_missing"
    QUOTE_STALE = "quote_stale"
    QUOTE_CROSSED = "quote_crossed"
    PREMIUM_BAND = "premium_band"
    RULES_MISSING = "rules_missing"
    WALLET_CLOSED = "wallet_closed"
    BELOW_MINIMUM = "below_minimum"
    DEPTH = "depth"
    NO_ROUTE_HOME = "no_route_home"
    NET_EDGE = "net_edge"
    COIN_BUSY = "coin_busy"
    COOLDOWN = "cooldown"
    REFUSED = "refused"
    OPEN_CYCLES = "open_cycles"
    CAPITAL = "capital"
    ORDER_CAP = "order_cap"
    CYCLE_CAP = "cycle_cap"
    DAY_CAP = "day_cap"
    CYCLE_RATE = "cycle_rate"
    LOSSES_IN_A_ROW = "losses_in_a_row"
    DAY_LOSS = "day_loss"
    KILL_SWITCH = "kill_switch"
    PRICES_DIFFER = "prices_differ"
    RATE_BOUNDS = "rate_bounds"
    OWN_PRICES_MISSING = "own_prices_missing"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A gate that is closed, with the figures that close it."""

    gate: Gate
    detail: str


@dataclass(slots=True)
class MarketView:
    """The latest quotes and rules of both venues. The owner feeds it; decisions only read it."""

    quotes: dict[tuple[Venue, Asset], Quote] = field(default_factory=dict)
    instruments: Mapping[tuple[Venue, Asset], Instrument] = field(default_factory=dict)
    networks: Mapping[tuple[Venue, Asset], Network] = field(default_factory=dict)

    @classmethod
    def of(cls, quotes: Iterable[Quote], rules: Iterable[VenueRules]) -> Self:
        view = cls({(quote.venue, quote.coin): quote for quote in quotes})
        view.apply_rules(rules)
        return view

    def apply_rules(self, rules: Iterable[VenueRules]) -> None:
        """Replace all rules by a fresh reading."""
        readings = tuple(rules)
        self.instruments = {(i.venue, i.coin): i for reading in readings for i in reading.instruments}
        self.networks = {(n.venue, n.coin): n for reading in readings for n in reading.networks}


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


def check_quote(view: MarketView, venue: Venue, coin: Asset, now_ms: int, max_age_ms: int) -> Quote | Blocked:
    """The venue's quote of `coin`, if it may be traded on: present, fresh, not crossed."""
    quote = view.quotes.get((venue, coin))
    if quote is None:
        return Blocked(Gate.QUOTE_MISSING, f"no quote of {coin} on {venue} yet")
    if quote.age_ms(now_ms) > max_age_ms:
        return Blocked(
            Gate.QUOTE_STALE,
            f"{coin} on {venue} is {quote.age_ms(now_ms)} ms old, {max_age_ms} allowed",
        )
    if quote.age_ms(now_ms) < -max_age_ms:
        # Its true age is unknown: by this clock it would look fresh long after it stopped being so.
        return Blocked(
            Gate.QUOTE_STALE, f"{coin} on {venue} is {-quote.age_ms(now_ms)} ms ahead of this clock; set both clocks"
        )
    if quote.crossed:
        return Blocked(Gate.QUOTE_CROSSED, f"{coin} on {venue}: bid {quote.bid} >= ask {quote.ask}")
    return quote


def check_wallets(view: MarketView, coin: Asset, direction: Direction) -> tuple[Network, Network] | Blocked:
    """The networks that carry `coin` out of the source and into the destination, if both are open."""
    out = view.networks.get((direction.source, coin))
    into = view.networks.get((direction.destination, coin))
    if out is None or into is None:
        missing = direction.source if out is None else direction.destination
        return Blocked(Gate.RULES_MISSING, f"the {coin} wallet of {missing} is not known")
    if not out.withdraw_open:
        return Blocked(Gate.WALLET_CLOSED, f"{direction.source} lets no {coin} out")
    if not into.deposit_open:
        return Blocked(Gate.WALLET_CLOSED, f"{direction.destination} takes no {coin} in")
    return out, into


@exact
def estimate_leg(
    view: MarketView, coin: Asset, direction: Direction, cash: Money, now_ms: int, max_age_ms: int
) -> LegEstimate | Blocked:
    """Price one leg that spends up to `cash` of the source's cash; the tops of both books must carry all of it."""
    wallets = check_wallets(view, coin, direction)
    if isinstance(wallets, Blocked):
        return wallets
    buy = _estimate_buy(view, coin, direction.source, cash, now_ms, max_age_ms)
    if isinstance(buy, Blocked):
        return buy
    size = sizing.withdrawal(buy.received, wallets[0])
    if size is None:
        return Blocked(
            Gate.BELOW_MINIMUM,
            f"{buy.received:f} {coin} is below what {direction.source} sends ({wallets[0].withdraw_min:f})",
        )
    proceeds = estimate_sale(view, coin, direction.destination, size.arrives, now_ms, max_age_ms)
    if isinstance(proceeds, Blocked):
        return proceeds
    return LegEstimate(direction, coin, buy.spent, buy.quantity, size.arrives, proceeds)


@dataclass(frozen=True, slots=True)
class _Buy:
    quantity: Decimal
    spent: Money
    received: Decimal


def _estimate_buy(
    view: MarketView, coin: Asset, venue: Venue, cash: Money, now_ms: int, max_age_ms: int
) -> _Buy | Blocked:
    if coin == venue.cash:
        return _Buy(cash.amount, cash, cash.amount)
    quote = check_quote(view, venue, coin, now_ms, max_age_ms)
    if isinstance(quote, Blocked):
        return quote
    instrument = view.instruments.get((venue, coin))
    if instrument is None:
        return Blocked(Gate.RULES_MISSING, f"the {coin} market of {venue} is not known")
    quantity = sizing.buy_quantity(cash, quote.ask, instrument)
    if problem := sizing.order_problem(quantity, quote.ask, instrument):
        return Blocked(Gate.BELOW_MINIMUM, f"buy of {coin} on {venue}: {problem}")
    if quantity > quote.ask_size:
        return Blocked(Gate.DEPTH, f"{venue} offers {quote.ask_size:f} {coin}, {quantity:f} wanted")
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
    if coin == venue.cash:
        return sizing.cash_of(venue, arrives)
    quote = check_quote(view, venue, coin, now_ms, max_age_ms)
    if isinstance(quote, Blocked):
        return quote
    instrument = view.instruments.get((venue, coin))
    if instrument is None:
        return Blocked(Gate.RULES_MISSING, f"the {coin} market of {venue} is not known")
    quantity = round_down(arrives, instrument.lot)
    if problem := sizing.order_problem(quantity, quote.bid, instrument):
        return Blocked(Gate.BELOW_MINIMUM, f"sale of {coin} on {venue}: {problem}")
    if quantity > quote.bid_size:
        return Blocked(Gate.DEPTH, f"{venue} bids for {quote.bid_size:f} {coin}, {quantity:f} to sell")
    return sizing.cash_of(venue, sizing.sell_proceeds(quote.bid, quantity, instrument))
