"""May a cycle start, how large, and if not, why not: the one place that puts the gates together.

The initiator asks for the first closed gate of each candidate, `kimp why` for all of them, and the journal looks at
what is at stake once more, in the transaction that sets the cash aside.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from kimp.domain.admission import CoinState, HaltLevel, check_coin, check_halt
from kimp.domain.arming import Armed, TradingMode, check_armed, check_armed_cap
from kimp.domain.caps import Caps, Exposure, cap_gates, check_capital, check_open_cycles, latch_gates
from kimp.domain.gates import Blocked, Gate, Gates, all_closed, first_closed
from kimp.domain.money import ONE, ZERO, Asset, Money, exact, round_up
from kimp.domain.opportunity import Limits, Mode, Opportunity, market_gates
from kimp.domain.sizing import buy_cost, cash_of
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView
from kimp.domain.won import buy_price_krw, in_won


@dataclass(frozen=True, slots=True)
class RiskState:
    """What is open, at stake and free, by the books."""

    halt: HaltLevel | None
    """None: it can't be read, so it counts as on."""
    exposure: Exposure
    free: Mapping[Venue, Money]
    """Cash that no other cycle counts on."""
    legs_out: AbstractSet[tuple[Asset, Direction]] = frozenset()
    """Coin and direction of each open cycle's leg one."""
    stock: Mapping[tuple[Venue, Asset], Decimal] | None = None
    """Coins that no cycle counts on; None: as many as one likes."""
    resting: AbstractSet[Asset] = frozenset()
    """Coins that a market refused a moment ago: no way home."""
    armed: Armed | None = None
    """What a person has allowed to trade; None: nothing is allowed, or it can't be read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A cycle as it would be started."""

    found: Opportunity
    reserve: Money
    """To be set aside before the first order: the most that leg one can spend."""
    stake_krw: int
    """The same in whole won, rounded up."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A cycle that may start, if no gate is closed."""

    plan: Plan | None
    """Also where a gate is closed, as long as the market can be priced."""
    closed: tuple[Blocked, ...]
    """The first of them is what an initiator counts."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person has set, and a decision obeys."""

    limits: Limits
    caps: Caps
    cooldown_ms: int
    """Pause of a coin after its cycle ended."""
    prefunded: AbstractSet[Asset] = frozenset()
    """Coins whose leg one is traded on both sides at once, from stock."""
    mode: TradingMode = TradingMode.SYNTHETIC

    def limits_of(self, coin: Asset) -> Limits:
        return replace(self.limits, mode=Mode.PREFUNDED) if coin in self.prefunded else self.limits


@dataclass(frozen=True, slots=True)
class Question:
    """May a cycle start with `coin` in `direction`?"""

    view: MarketView
    coin: Asset
    direction: Direction
    route_coins: Iterable[Asset]
    """Ways home to price; read only once nothing but the market is left to ask."""
    state: CoinState
    risk: RiskState
    rules: Rules
    now_ms: int
    """By this machine's clock, which the quotes' times are by."""
    database_ms: int
    """The same moment by the database's clock, which the times of the books are by."""


@exact
def decide(question: Question) -> Plan | Blocked:
    """The cycle to start, or the first gate that forbids it."""
    return first_closed(_gates(question))


@exact
def explain(question: Question) -> Decision:
    """The same decision with every gate that is closed."""
    return Decision(*all_closed(_gates(question)))


@exact
def check_reservation(
    risk: RiskState, caps: Caps, mode: TradingMode, venue: Venue, stake_krw: int, reserve: Money
) -> Blocked | None:
    """The first gate of the books that forbids to set `reserve` aside on `venue` now; its market was looked at."""
    stake = Decimal(stake_krw)
    gates = chain(_books_gates(risk, caps, mode), _stake_gates(risk, caps, mode, venue, stake, reserve))
    return next(gates, None)


def _gates(question: Question) -> Gates[Plan]:
    """What costs least to ask comes first."""
    coin, risk, rules, caps = question.coin, question.risk, question.rules, question.rules.caps
    yield from _books_gates(risk, caps, rules.mode)
    if (taken := check_coin(coin, question.state, rules.cooldown_ms, question.database_ms)) is not None:
        yield taken
    limits = yield from _stock_gates(question)
    routes = (route for route in question.route_coins if route not in risk.resting)
    found = yield from market_gates(
        question.view, coin, question.direction, routes, limits or rules.limits, question.now_ms
    )
    if found is None:
        yield from cap_gates(caps, risk.exposure, rules.limits.notional_krw)
        return None
    plan = plan_of(found)
    if (mirrored := _check_mirror(found, risk)) is not None:
        yield mirrored
    source, stake_krw = question.direction.source, Decimal(plan.stake_krw)
    yield from _stake_gates(risk, caps, rules.mode, source, stake_krw, plan.reserve)
    return plan


def _stock_gates(question: Question) -> Gates[Limits]:
    """The limits of the coin's own mode: where both sides are traded at once, no more than the stock carries."""
    limits, stock, venue = question.rules.limits_of(question.coin), question.risk.stock, question.direction.destination
    if limits.mode is not Mode.PREFUNDED or stock is None:
        return limits
    free = stock.get((venue, question.coin), ZERO)
    way = question.direction
    cost = buy_price_krw(question.view.quotes, question.coin, way.source, way.pair.won)
    if cost is None:  # the market's own gates say why
        return limits
    carries, least = free * cost, min(limits.least_notional_krw, limits.notional_krw)
    if carries <= ZERO or carries < least:
        held = f"{free:f} {question.coin} are free on {venue}, worth {carries:,.0f} KRW"
        yield Blocked(Gate.STOCK, f"{held}; {max(least, ONE):,.0f} are the least to start with")
        return limits
    return replace(limits, notional_krw=min(limits.notional_krw, carries))


def _check_mirror(found: Opportunity, risk: RiskState) -> Blocked | None:
    """Out with one coin and home with another is the same trade as out with the other and home with the one."""
    home = found.route.coin, found.route.direction
    if home not in risk.legs_out:
        return None
    return Blocked(Gate.MIRROR, f"an open cycle of {found.route.coin} has this mispricing already, the other way round")


def _books_gates(risk: RiskState, caps: Caps, mode: TradingMode) -> Iterator[Blocked]:
    if (halted := check_halt(risk.halt)) is not None:
        yield halted
    if (closed := check_armed(mode, risk.armed)) is not None:
        yield closed
    yield from latch_gates(caps, risk.exposure)
    if (full := check_open_cycles(caps, risk.exposure)) is not None:
        yield full


def _stake_gates(
    risk: RiskState, caps: Caps, mode: TradingMode, venue: Venue, stake_krw: Decimal, reserve: Money
) -> Iterator[Blocked]:
    yield from cap_gates(caps, risk.exposure, stake_krw)
    if (above := check_armed_cap(mode, risk.armed, risk.exposure, stake_krw)) is not None:
        yield above
    if (short := check_capital(risk.free.get(venue), reserve)) is not None:
        yield short


@exact
def best_first(plan: Plan) -> tuple[Decimal, Asset, Direction]:
    """To sort by: the same order wherever it is decided, so that all initiators ask for the same cycle first."""
    return -plan.found.net_edge, plan.found.coin, plan.found.direction


def plan_of(found: Opportunity) -> Plan:
    venue = found.direction.source
    reserve = cash_of(venue, buy_cost(found.limit_price, found.leg_one.buy_quantity, found.buy_instrument))
    return Plan(found, reserve, int(round_up(in_won(reserve, found.krw_per_usdt), ONE)))
