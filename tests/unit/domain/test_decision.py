"""One decision: the first closed gate for who starts cycles, all of them for who asks why, the books' once more."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from fakes.caps import RICH, WIDE
from fakes.initiator_settings import LIMITS
from fakes.market import NOW, SOL, TRX, XRP, d, free_rules, kimchi_quotes

from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel
from kimp.domain.arming import Armed, TradingMode
from kimp.domain.caps import Exposure
from kimp.domain.decision import Plan, Question, RiskState, Rules, check_reservation, decide, explain
from kimp.domain.gates import Blocked, Gate
from kimp.domain.money import USDT, Asset, Money
from kimp.domain.opportunity import evaluate
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
FREE = RiskState(HaltLevel.RUN, Exposure(), RICH.free)
RULES = Rules(LIMITS, WIDE, cooldown_ms=60_000)
SYNTHETIC, ONCE, LIVE = TradingMode.SYNTHETIC, TradingMode.ONCE, TradingMode.LIVE
ARMED = Armed(cap_krw=2_000_000, until_ms=NOW + 1, by="ann", note="a first cycle")


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules(COINS))


def asked(
    risk: RiskState = FREE, *, rules: Rules = RULES, state: CoinState = NEVER_TRADED, view: MarketView | None = None
) -> Question:
    return Question(view or market(), XRP, Direction.TO_UPBIT, COINS, state, risk, rules, NOW, NOW)


def gates(question: Question) -> Sequence[Gate]:
    return [blocked.gate for blocked in explain(question).closed]


def test_a_cycle_that_pays_and_that_nothing_forbids_may_start() -> None:
    plan = decide(asked())
    assert isinstance(plan, Plan)
    assert plan.found == evaluate(market(), XRP, Direction.TO_UPBIT, COINS, LIMITS, NOW)
    decision = explain(asked())
    assert (decision.plan, decision.closed) == (plan, ())


@pytest.mark.parametrize(("mode", "cycles"), [(SYNTHETIC, 0), (ONCE, 0), (LIVE, 0), (LIVE, 3)])
def test_a_mode_that_has_to_be_armed_trades_as_any_other_while_it_is(mode: TradingMode, cycles: int) -> None:
    armed = None if mode is SYNTHETIC else replace(ARMED, cycles=cycles)
    assert isinstance(decide(asked(replace(FREE, armed=armed), rules=replace(RULES, mode=mode))), Plan)


POOR = {**RICH.free, Venue.BINANCE: Money(d(1), USDT)}
BUSY = CoinState(7, open=True, closed_ms=None)
CLOSED = {
    "halted": (asked(replace(FREE, halt=HaltLevel.NO_NEW_CYCLES)), Gate.KILL_SWITCH),
    "unreadable": (asked(replace(FREE, halt=None)), Gate.KILL_SWITCH),
    "losses": (asked(replace(FREE, exposure=Exposure(losses_in_a_row=100))), Gate.LOSSES_IN_A_ROW),
    "open cycles": (asked(replace(FREE, exposure=Exposure(open_cycles=500))), Gate.OPEN_CYCLES),
    "busy": (asked(state=BUSY), Gate.COIN_BUSY),
    "stale": (asked(view=MarketView.of(kimchi_quotes(NOW - 1_001), free_rules(COINS))), Gate.QUOTE_STALE),
    "edge": (asked(rules=replace(RULES, limits=replace(LIMITS, threshold=d("0.5")))), Gate.NET_EDGE),
    "order cap": (asked(rules=replace(RULES, caps=replace(WIDE, order_krw=d(1)))), Gate.ORDER_CAP),
    "day cap": (asked(replace(FREE, exposure=Exposure(day_krw=100_000_000_000))), Gate.DAY_CAP),
    "mirror": (asked(replace(FREE, legs_out={(TRX, Direction.TO_BINANCE)})), Gate.MIRROR),
    "no cash": (asked(replace(FREE, free=POOR)), Gate.CAPITAL),
    "not armed": (asked(rules=replace(RULES, mode=LIVE)), Gate.NOT_ARMED),
    "once, and it was": (
        asked(replace(FREE, armed=replace(ARMED, cycles=1)), rules=replace(RULES, mode=ONCE)),
        Gate.NOT_ARMED,
    ),
    "armed for less": (
        asked(replace(FREE, armed=replace(ARMED, cap_krw=1)), rules=replace(RULES, mode=LIVE)),
        Gate.ARMED_CAP,
    ),
    "armed, and at stake": (
        asked(replace(FREE, armed=ARMED, exposure=Exposure(open_krw=900_000)), rules=replace(RULES, mode=LIVE)),
        Gate.ARMED_CAP,
    ),
}


@pytest.mark.parametrize(("question", "gate"), CLOSED.values(), ids=CLOSED)
def test_each_gate_keeps_a_cycle_from_starting(question: Question, gate: Gate) -> None:
    verdict = decide(question)
    assert isinstance(verdict, Blocked)
    assert verdict.gate is gate
    assert explain(question).closed[0] == verdict, "who asks why reads what the initiator counts"


def test_every_closed_gate_is_told_in_the_order_in_which_they_are_asked() -> None:
    risk = RiskState(HaltLevel.NO_NEW_CYCLES, Exposure(open_cycles=500, losses_in_a_row=100), POOR)
    rules = Rules(replace(LIMITS, threshold=d("0.5"), premium_band=d("0.001")), replace(WIDE, order_krw=d(1)), 60_000)
    assert gates(asked(risk, rules=rules, state=BUSY)) == [
        Gate.KILL_SWITCH,
        Gate.LOSSES_IN_A_ROW,
        Gate.OPEN_CYCLES,
        Gate.COIN_BUSY,
        Gate.PREMIUM_BAND,
        Gate.NET_EDGE,
        Gate.ORDER_CAP,
        Gate.CAPITAL,
    ]


def test_a_closed_wallet_and_a_thin_book_hide_neither_each_other_nor_the_edge() -> None:
    view = market()
    quotes = [q._replace(ask_size=d(100)) if q.coin == XRP else q for q in view.quotes.values()]
    networks = [
        replace(n, withdraw_open=False, deposit_open=False) if n.coin == XRP else n for n in view.networks.values()
    ]
    view = MarketView(
        {(q.venue, q.coin): q for q in quotes}, view.instruments, {(n.venue, n.coin): n for n in networks}
    )
    question = asked(view=view, rules=replace(RULES, limits=replace(LIMITS, least_notional_krw=d(300_000))))
    assert gates(question) == [Gate.WALLET_CLOSED, Gate.WALLET_CLOSED, Gate.DEPTH]
    assert "200 USDT fit the books at 0.5000%; 214.28 USDT is the least" in explain(question).closed[-1].detail
    plan = explain(question).plan
    assert plan is not None
    assert plan.found.net_edge == d("0.01")
    assert plan.found.leg_one.buy_quantity == d(100), "the plan shows what would have fitted"


@pytest.mark.parametrize(
    "other", [(TRX, Direction.TO_UPBIT), (USDT, Direction.TO_BINANCE), (SOL, Direction.TO_BINANCE)]
)
def test_only_the_way_home_of_this_cycle_makes_its_mirror(other: tuple[Asset, Direction]) -> None:
    assert isinstance(decide(asked(replace(FREE, legs_out={other}))), Plan)


def test_each_missing_quote_is_named() -> None:
    view = market()
    del view.quotes[Venue.UPBIT, XRP], view.quotes[Venue.UPBIT, USDT]
    decision = explain(asked(view=view))
    assert decision.plan is None
    assert [blocked.detail for blocked in decision.closed] == [
        "no quote of XRP on upbit yet",
        "no quote of USDT on upbit yet",
    ]


def test_caps_are_told_by_the_notional_where_the_market_cannot_be_priced() -> None:
    rules = replace(RULES, caps=replace(WIDE, cycle_krw=d(1_399_999)))
    assert gates(asked(rules=rules, view=MarketView())) == [*[Gate.QUOTE_MISSING] * 3, Gate.CYCLE_CAP]


@pytest.mark.parametrize(
    "name",
    [
        "halted",
        "unreadable",
        "losses",
        "open cycles",
        "order cap",
        "day cap",
        "no cash",
        "not armed",
        "once, and it was",
        "armed for less",
        "armed, and at stake",
    ],
)
def test_the_last_look_sees_what_the_books_forbid(name: str) -> None:
    question, gate = CLOSED[name]
    plan = explain(question).plan
    assert plan is not None
    blocked = check_reservation(
        question.risk, question.rules.caps, question.rules.mode, Venue.BINANCE, plan.stake_krw, plan.reserve
    )
    assert blocked is not None
    assert blocked.gate is gate


def test_the_last_look_lets_pass_what_may_start() -> None:
    plan = decide(asked())
    assert isinstance(plan, Plan)
    assert check_reservation(FREE, WIDE, SYNTHETIC, Venue.BINANCE, plan.stake_krw, plan.reserve) is None


def test_ways_home_are_not_looked_for_while_the_coin_is_not_free() -> None:
    def ways() -> Iterator[Asset]:
        raise AssertionError("costs time, and nobody needs them")
        yield USDT

    assert isinstance(decide(replace(asked(state=BUSY), route_coins=ways())), Blocked)


def test_the_cash_goes_home_with_no_coin_that_a_market_refused_a_moment_ago() -> None:
    plan = decide(asked())
    assert isinstance(plan, Plan)
    assert plan.found.route.coin == TRX
    other = explain(asked(replace(FREE, resting={TRX}))).plan
    assert other is not None
    assert other.found.route.coin != TRX
    assert gates(asked(replace(FREE, resting={*COINS}))) == [Gate.NO_ROUTE_HOME]


AT_ONCE = replace(RULES, prefunded=frozenset({XRP}))
THERE = (Venue.UPBIT, XRP)


def holding(coins: str | None) -> RiskState:
    return replace(FREE, stock={} if coins is None else {THERE: d(coins)})


def test_a_coin_that_is_traded_on_both_sides_sells_what_arrives_of_what_it_buys() -> None:
    plan = decide(asked(holding("1000000"), rules=AT_ONCE))
    assert isinstance(plan, Plan)
    assert plan.found.sale is not None
    assert plan.found.sale.quantity == plan.found.leg_one.arrives == plan.found.leg_one.buy_quantity
    moved = decide(asked(holding("1000000")))
    assert isinstance(moved, Plan)
    assert moved.found.sale is None


@pytest.mark.parametrize("coins", [None, "0"])
def test_without_stock_it_does_not_start(coins: str | None) -> None:
    blocked = decide(asked(holding(coins), rules=AT_ONCE))
    assert isinstance(blocked, Blocked)
    assert blocked.gate is Gate.STOCK
    assert blocked.detail.startswith("0 XRP are free on upbit, worth 0 KRW")
    assert gates(asked(holding(coins), rules=AT_ONCE)) == [Gate.STOCK], "and nothing else would keep it back"


def test_no_more_is_sold_than_is_there() -> None:
    """The stock is sold, all of it at most; what was set as the least to start with is asked of it too."""
    plan = decide(asked(holding("40"), rules=AT_ONCE))
    assert isinstance(plan, Plan)
    assert plan.found.sale is not None
    assert d(35) < plan.found.sale.quantity <= 40
    limits = replace(LIMITS, least_notional_krw=LIMITS.notional_krw)
    assert gates(asked(holding("40"), rules=replace(AT_ONCE, limits=limits)))[0] is Gate.STOCK


def test_coins_of_the_other_venue_are_no_stock_for_this_direction() -> None:
    risk = replace(FREE, stock={(Venue.BINANCE, XRP): d(10**6)})
    assert gates(asked(risk, rules=AT_ONCE)) == [Gate.STOCK]


def test_a_backtest_has_all_the_stock_it_likes() -> None:
    assert isinstance(decide(asked(replace(FREE, stock=None), rules=AT_ONCE)), Plan)
