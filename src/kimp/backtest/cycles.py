"""A cycle from the decision to the booked result, in the steps that the workflow takes and by the same functions.

Each is a generator: it hands out when it wants to look at the market next, and gets that moment.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random

from kimp.backtest.moments import Moment, Wait, open_again_ms
from kimp.backtest.options import Closure, Home, Options
from kimp.backtest.travel import travel_of
from kimp.domain import sizing
from kimp.domain.decision import Plan
from kimp.domain.depth import levels
from kimp.domain.gates import Blocked
from kimp.domain.legs import LegEstimate, estimate_leg, estimate_sale, find_way
from kimp.domain.market import Quote, Side
from kimp.domain.money import ONE, ZERO, Asset, Money, exact, round_down
from kimp.domain.opportunity import Mode
from kimp.domain.routing import choose_route, rank_routes
from kimp.domain.venues import Direction, Venue
from kimp.domain.won import in_won


class Outcome(StrEnum):
    COMPLETED = "completed"
    REJECTED = "rejected"
    """Nothing was bought: the price was gone when the order came."""
    UNFINISHED = "unfinished"
    """The data end before it did: what it holds is valued at the last prices."""


@dataclass(slots=True)
class Cycle:
    """What became of a cycle. Won, ratios and epoch milliseconds."""

    number: int
    plan: Plan
    started_ms: int
    ended_ms: int | None = None
    outcome: Outcome = Outcome.UNFINISHED
    route: Asset | None = None
    spent: Money | None = None
    taken: Money | None = None
    """What leg one brought, on the venue where it ended."""
    left: Money | None = None
    """Of that, what whole lots left over on the way home."""
    returned: Money | None = None
    expected_krw: Decimal = ZERO
    profit_krw: Decimal | None = None
    sold_ms: int | None = None
    """When leg one was sold."""
    fees_krw: dict[str, Decimal] = field(default_factory=dict)

    @property
    def coin(self) -> Asset:
        return self.plan.found.coin

    @property
    def direction(self) -> Direction:
        return self.plan.found.direction

    @property
    def edge(self) -> Decimal | None:
        """What came of the cash spent, as a ratio."""
        if self.profit_krw is None or self.spent is None:
            return None
        return self.profit_krw / in_won(self.spent, self.plan.found.krw_per_usdt)


Steps = Generator[Wait, Moment, None]


@dataclass(frozen=True, slots=True)
class CycleContext:
    """What the steps of every cycle need beside the moment."""

    options: Options
    route_coins: Sequence[Asset]
    away: dict[Asset, int] = field(default_factory=dict)
    """Until when each coin's stock is under way."""

    def at_home(self, now_ms: int) -> list[Asset]:
        """Coins that may bring cash home: if they are sold from stock, those whose stock is there."""
        if not self.prefunded:
            return list(self.route_coins)
        return [coin for coin in self.route_coins if self.away.get(coin, 0) <= now_ms]

    @property
    def prefunded(self) -> bool:
        return self.options.limits.mode is Mode.PREFUNDED

    @property
    def max_age_ms(self) -> int:
        return self.options.limits.max_quote_age_ms

    @property
    def closures(self) -> Sequence[Closure]:
        return self.options.closures

    @property
    def home(self) -> Home:
        return self.options.home


def cycle_steps(cycle: Cycle, market: CycleContext, chance: Random) -> Steps:
    """Raises nothing: where nothing can be done the cycle waits, at last until the data end."""
    found = cycle.plan.found
    moment = yield Wait(cycle.started_ms + market.options.model.latency_ms)
    coins = _buy(cycle, moment)
    if coins <= ZERO:
        cycle.outcome, cycle.ended_ms = Outcome.REJECTED, moment.now_ms
        return
    cycle.taken = yield from _sell_over_there(cycle, market, found.coin, found.direction, coins, moment, chance)
    cycle.returned = yield from _bring_home(cycle, market, chance)
    cycle.outcome = Outcome.COMPLETED


@exact
def _buy(cycle: Cycle, moment: Moment) -> Decimal:
    """Leg one's order as it was sized: what the book offers up to its limit, at once, and the rest is cancelled."""
    plan, source = cycle.plan.found, cycle.direction.source
    quote = moment.view.quotes.get((source, plan.coin))
    if quote is None:
        return ZERO
    quantity, funds = _immediate(quote, Side.BUY, plan.leg_one.buy_quantity, plan.limit_price)
    quantity_in_lots = round_down(quantity, plan.buy_instrument.lot)
    if sizing.order_problem(quantity_in_lots, plan.limit_price, plan.buy_instrument) is not None:
        return ZERO
    if quantity_in_lots < quantity:
        funds = funds * quantity_in_lots / quantity
    cash = sizing.paid(funds, plan.buy_instrument)
    cycle.spent = sizing.cash_of(source, cash)
    _fee(cycle, source, plan.buy_instrument.taker_fee * funds)
    return sizing.bought(quantity_in_lots, plan.buy_instrument)


def _immediate(quote: Quote, side: Side, quantity: Decimal, limit: Decimal) -> tuple[Decimal, Decimal]:
    """Coins and funds of an order that takes what there is up to its limit."""
    coins = funds = ZERO
    for level in levels(quote, side):
        if (level.price > limit) if side is Side.BUY else (level.price < limit):
            break
        taken = min(quantity - coins, level.size)
        coins, funds = coins + taken, funds + taken * level.price
        if coins >= quantity:
            break
    return coins, funds


def _sell_over_there(
    cycle: Cycle,
    market: CycleContext,
    coin: Asset,
    direction: Direction,
    coins: Decimal,
    moment: Moment,
    chance: Random,
) -> Generator[Wait, Moment, Money]:
    """Move what was bought, and sell what arrives: now, from stock, or when it has arrived."""
    network = moment.view.networks[direction.source, coin]
    size = sizing.size_withdrawal(coins, network)
    arrives = ZERO if size is None else size.arrives
    _network_fee(cycle, coin, coins - arrives, moment)
    leaves_ms = open_again_ms(market.closures, direction.source, coin, moment.now_ms)
    there_ms = leaves_ms + travel_of(coin).draw_ms(chance)
    there_ms = open_again_ms(market.closures, direction.destination, coin, there_ms)
    market.away[coin] = max(there_ms, market.away.get(coin, 0))
    if not market.prefunded or coin == direction.destination.cash:
        moment = yield Wait(there_ms)
    while True:
        sold = estimate_sale(moment.view, coin, direction.destination, arrives, moment.now_ms, market.max_age_ms)
        if isinstance(sold, Money):
            break
        moment = yield Wait(moment.now_ms + 1, fresh=True)
    if coin != direction.destination.cash:
        instrument = moment.view.instruments[direction.destination, coin]
        _fee(cycle, direction.destination, sold.amount / (ONE - instrument.taker_fee) * instrument.taker_fee)
    cycle.ended_ms = moment.now_ms
    return sold


def _bring_home(cycle: Cycle, market: CycleContext, chance: Random) -> Generator[Wait, Moment, Money]:
    """By the route that brings most, once one keeps the floor, or after the deadline the loss limit."""
    taken, since_ms = cycle.taken, cycle.ended_ms
    if taken is None or since_ms is None:
        raise AssertionError("nothing was sold")
    cycle.sold_ms, home = since_ms, cycle.direction.opposite
    wait = Wait(since_ms)
    while True:
        moment = yield wait
        late = moment.now_ms - since_ms >= market.home.deadline_ms
        route = _route(cycle, market, taken, moment, market.home.loss_limit if late else market.home.floor)
        if route is not None:
            moment = yield Wait(moment.now_ms + market.options.model.latency_ms)
            again = estimate_leg(moment.view, route.coin, home, taken, moment.now_ms, market.max_age_ms)
            if isinstance(again, LegEstimate):
                break
        wait = Wait(moment.now_ms + market.home.poll_ms, fresh=True)
    cycle.route = again.coin
    cycle.left = taken - again.spent
    way = find_way(moment.view, again.coin, home, moment.now_ms, market.max_age_ms)
    coins = again.buy_quantity
    if not isinstance(way, Blocked) and way.source is not None:
        coins = sizing.bought(again.buy_quantity, way.source.instrument)
        _fee(cycle, home.source, again.spent.amount * way.source.instrument.taker_fee)
    return (yield from _sell_over_there(cycle, market, again.coin, home, coins, moment, chance))


@exact
def _route(cycle: Cycle, market: CycleContext, cash: Money, moment: Moment, ratio: Decimal) -> LegEstimate | None:
    limits, spent = market.options.limits, cycle.spent
    if spent is None:
        raise AssertionError("nothing was spent")
    routes = rank_routes(
        moment.view,
        market.at_home(moment.now_ms),
        cycle.direction.opposite,
        cash,
        moment.now_ms,
        limits.max_quote_age_ms,
        limits.premium_band,
    )
    return choose_route(routes, spent * (ONE + ratio))


@exact
def _fee(cycle: Cycle, venue: Venue, amount: Decimal) -> None:
    krw = in_won(sizing.cash_of(venue, amount), cycle.plan.found.krw_per_usdt)
    cycle.fees_krw[venue] = cycle.fees_krw.get(venue, ZERO) + krw


@exact
def _network_fee(cycle: Cycle, coin: Asset, amount: Decimal, moment: Moment) -> None:
    """At the price in won that the coin has then."""
    quote = moment.view.quotes.get((cycle.direction.pair.won, coin))
    price = ZERO if quote is None else quote.bid
    cycle.fees_krw["networks"] = cycle.fees_krw.get("networks", ZERO) + amount * price
