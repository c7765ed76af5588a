"""Which cycles are worth starting, with the result of each calculated by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from fakes.market import NOW, SOL, TRX, XRP, d, free_rules, instrument, kimchi_quotes, network, quote

from kimp.domain.cycle_size import net_edge
from kimp.domain.gates import Blocked, Gate
from kimp.domain.legs import LegEstimate
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.opportunity import Limits, Mode, Opportunity, evaluate, start_cash
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
LIMITS = Limits(
    threshold=d("0.01"),
    notional_krw=d(1_400_000),
    slippage=d("0.002"),
    premium_band=d("0.1"),
    max_quote_age_ms=1_000,
    mode=Mode.PREFUNDED,
)
"""The way home counts with what it brings."""
TRANSFER = replace(LIMITS, mode=Mode.TRANSFER, threshold=d("0.009"))


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules(COINS))


def judge(
    view: MarketView,
    coin: Asset = XRP,
    direction: Direction = Direction.TO_UPBIT,
    limits: Limits = LIMITS,
    now_ms: int = NOW,
) -> Opportunity | Blocked:
    return evaluate(view, coin, direction, COINS, limits, now_ms)


def found(answer: Opportunity | Blocked) -> Opportunity:
    assert isinstance(answer, Opportunity), answer
    return answer


def gate(answer: Opportunity | Blocked) -> Gate:
    assert isinstance(answer, Blocked), answer
    return answer.gate


def test_out_with_the_dear_coin_and_home_with_the_even_one() -> None:
    """1000 USDT -> 500 XRP -> 1,414,000 won -> 4040 TRX -> 1010 USDT."""
    cycle = found(judge(market()))
    assert cycle.leg_one.spent == Money(d(1000), USDT)
    assert cycle.leg_one.buy_quantity == d(500)
    assert cycle.leg_one.proceeds == Money(d(1_414_000), KRW)
    assert cycle.route.coin == TRX
    assert cycle.route.proceeds == Money(d(1010), USDT)
    assert cycle.net_edge == d("0.01")
    assert cycle.krw_per_usdt == d(1400)
    assert round(cycle.premium, 10) == d("0.0106097953")  # 2829 / (1.9995 x 1400) - 1
    assert cycle.buy_instrument.venue is Venue.BINANCE


def test_the_same_pair_also_pays_when_the_cash_is_won() -> None:
    """1,400,000 won -> 4000 TRX -> 1000 USDT -> 500 XRP -> 1,414,000 won."""
    cycle = found(judge(market(), TRX, Direction.TO_BINANCE))
    assert cycle.leg_one.spent == Money(d(1_400_000), KRW)
    assert cycle.route.coin == XRP
    assert cycle.route.proceeds == Money(d(1_414_000), KRW)
    assert cycle.net_edge == d("0.01")


def test_the_first_order_may_slip_as_far_as_configured() -> None:
    assert found(judge(market())).limit_price == d("2.004")


def test_the_threshold_is_inclusive_and_holds_to_the_last_digit() -> None:
    above = replace(LIMITS, threshold=d("0.0100001"))
    answer = judge(market(), limits=above)
    assert answer == Blocked(Gate.NET_EDGE, "best is +1.000% after all costs (home by TRX), needs 1.000%")


def test_the_dear_coin_does_not_pay_the_other_way() -> None:
    assert gate(judge(market(), XRP, Direction.TO_BINANCE)) is Gate.NET_EDGE


def test_fees_are_costs() -> None:
    """At a tenth of a percent a side USDT, which is traded only once, is the better way home.

    1.414 Mio. won x 0.999 x 0.999, with the third fee on top of 1401: 0.6255 % of what was 1 %.
    """
    view = market()
    view.instruments = {key: replace(value, taker_fee=d("0.001")) for key, value in view.instruments.items()}
    assert gate(judge(view)) is Gate.NET_EDGE
    cycle = found(judge(view, limits=replace(LIMITS, threshold=d("0.006"))))
    assert cycle.route.coin == USDT
    assert round(cycle.net_edge, 6) == d("0.006255")


def test_without_an_open_way_home_nothing_is_started() -> None:
    view = market()
    view.networks = {
        **view.networks,
        **{(Venue.UPBIT, coin): network(Venue.UPBIT, coin, out=False) for coin in COINS},
    }
    assert gate(judge(view)) is Gate.NO_ROUTE_HOME


@pytest.mark.parametrize("venue", list(PAIR))
def test_both_quotes_of_the_coin_must_be_fresh(venue: Venue) -> None:
    view = market()
    view.quotes[venue, XRP] = view.quotes[venue, XRP]._replace(received_ms=NOW - 1_001)
    assert gate(judge(view)) is Gate.QUOTE_STALE


def test_the_price_of_usdt_must_be_fresh_too() -> None:
    """It says how far the premium is from the band, and how much cash the notional is."""
    view = market()
    view.quotes[Venue.UPBIT, USDT] = view.quotes[Venue.UPBIT, USDT]._replace(received_ms=NOW - 1_001)
    assert gate(judge(view)) is Gate.QUOTE_STALE
    del view.quotes[Venue.UPBIT, USDT]
    assert gate(judge(view)) is Gate.QUOTE_MISSING


@pytest.mark.parametrize(("venue", "coin"), [(Venue.BINANCE, XRP), (Venue.UPBIT, TRX), (Venue.UPBIT, USDT)])
def test_it_tells_when_the_oldest_of_its_quotes_was_received(venue: Venue, coin: Asset) -> None:
    """Of the coin, of the way home, and of the rate; others decided nothing."""
    view = market()
    view.quotes[Venue.UPBIT, SOL] = quote(Venue.UPBIT, SOL, "1", "2", received_ms=NOW - 5_000)
    assert found(judge(view)).quoted_at_ms == NOW
    view.quotes[venue, coin] = view.quotes[venue, coin]._replace(received_ms=NOW - 900)
    assert found(judge(view)).quoted_at_ms == NOW - 900


def test_a_crossed_book_is_not_traded_on() -> None:
    view = market()
    view.quotes[Venue.UPBIT, XRP] = quote(Venue.UPBIT, XRP, "2831", "2830")
    assert gate(judge(view)) is Gate.QUOTE_CROSSED


@pytest.mark.parametrize(("bid", "ask"), [("3080", "3081"), ("2517", "2518")])
def test_a_premium_beyond_the_band_is_bad_data_either_way(bid: str, ask: str) -> None:
    view = market()
    view.quotes[Venue.UPBIT, XRP] = quote(Venue.UPBIT, XRP, bid, ask)
    assert gate(judge(view)) is Gate.PREMIUM_BAND


def test_a_coin_beyond_the_band_is_no_way_home_either() -> None:
    """At a tenth of its price TRX would seem to earn nine times the stake."""
    view = market()
    upbit = view.quotes[Venue.UPBIT, TRX]
    view.quotes[Venue.UPBIT, TRX] = upbit._replace(bid=upbit.bid / 10, ask=upbit.ask / 10)
    assert found(judge(view, limits=replace(LIMITS, threshold=d("0.009")))).route.coin == USDT


def with_usual(premiums: dict[Asset, str]) -> MarketView:
    view = market()
    view.usual_premiums = {coin: d(text) for coin, text in premiums.items()}
    return view


@pytest.mark.parametrize(("usual", "closed"), [("-0.0893", False), ("-0.0894", True), ("0.1107", True), (None, False)])
def test_a_premium_far_from_what_is_usual_for_the_coin_is_bad_data(usual: str | None, *, closed: bool) -> None:
    """XRP stands at +1.061 %, the band is 10 %."""
    answer = judge(with_usual({} if usual is None else {XRP: usual}))
    assert (isinstance(answer, Blocked) and answer.gate is Gate.PREMIUM_BAND) == closed


def test_a_coin_far_from_its_usual_premium_is_no_way_home_either() -> None:
    limits = replace(LIMITS, threshold=d("0.009"))
    assert found(judge(with_usual({TRX: "0.09"}), limits=limits)).route.coin == TRX
    assert found(judge(with_usual({TRX: "-0.12"}), limits=limits)).route.coin == USDT


def test_leg_one_must_pay_alone_where_it_is_moved_first() -> None:
    """1414 won of the dollar out, and 1401 home by USDT itself: 0.93 %."""
    cycle = found(judge(market(), limits=TRANSFER))
    assert (cycle.route.coin, cycle.net_edge) == (TRX, d("0.01"))
    answer = judge(market(), limits=replace(TRANSFER, threshold=d("0.0093")))
    assert answer == Blocked(
        Gate.LEG_ONE_ALONE,
        "only +0.9279% if USDT brings the cash home (+1.0000% if TRX does);"
        " leg one must earn 0.9300% without another coin's help",
    )


def test_a_coin_whose_outlier_is_the_way_home_starts_nothing() -> None:
    """TRX is even, and only XRP makes it pay."""
    assert found(judge(market(), TRX, Direction.TO_BINANCE)).route.coin == XRP
    assert gate(judge(market(), TRX, Direction.TO_BINANCE, TRANSFER)) is Gate.LEG_ONE_ALONE


def test_where_usdt_can_not_go_home_leg_one_proves_nothing() -> None:
    view = market()
    view.networks = {**view.networks, (Venue.UPBIT, USDT): network(Venue.UPBIT, USDT, out=False)}
    answer = judge(view, limits=TRANSFER)
    assert isinstance(answer, Blocked)
    assert (answer.gate, answer.detail.split(" (")[0]) == (Gate.LEG_ONE_ALONE, "USDT can't be sent home now")


@pytest.mark.parametrize("venue", list(PAIR))
def test_a_coin_of_coarse_ticks_is_left_out(venue: Venue) -> None:
    """A tenth of the threshold is 0.09 %: two won of 2829, or 0.0018 of 1.9995 dollars."""
    fine, coarse = ("2", "3") if venue is Venue.UPBIT else ("0.001", "0.002")
    limits = replace(TRANSFER, tick_share=d("0.1"))
    for tick, closed in ((fine, False), (coarse, True)):
        view = market()
        view.instruments = {**view.instruments, (venue, XRP): instrument(venue, XRP, tick=tick)}
        answer = judge(view, limits=limits)
        assert (isinstance(answer, Blocked) and answer.gate is Gate.COARSE_TICK) == closed


def test_a_coin_of_coarse_ticks_is_no_way_home_either() -> None:
    view = market()
    view.instruments = {**view.instruments, (Venue.UPBIT, TRX): instrument(Venue.UPBIT, TRX, tick="1")}
    assert found(judge(view, limits=TRANSFER)).route.coin == TRX
    assert found(judge(view, limits=replace(TRANSFER, tick_share=d("0.1")))).route.coin == USDT


def turning_over(**others: str | None) -> MarketView:
    """A million won of each coin on each venue, but for these: `upbit_XRP="5"`; None: nobody knows."""
    view = market()
    reported: dict[str, Decimal | None] = {
        f"{venue}_{coin}": d("1000000") / (d("1400") if venue is Venue.BINANCE else 1) for venue, coin in view.quotes
    }
    reported |= {name: None if text is None else d(text) for name, text in others.items()}
    view.turnovers = {
        (venue, coin): cash for venue, coin in view.quotes if (cash := reported[f"{venue}_{coin}"]) is not None
    }
    return view


BUSY = replace(TRANSFER, least_turnover_krw=d("900000"))


@pytest.mark.parametrize(
    ("others", "detail"),
    [
        ({}, None),
        ({"upbit_XRP": "900000"}, None),
        ({"upbit_XRP": "899999"}, "XRP turned over 899,999 KRW on upbit in 24 hours; 900,000 KRW wanted"),
        ({"binance_XRP": "642"}, "XRP turned over 898,800 KRW on binance in 24 hours; 900,000 KRW wanted"),
        ({"binance_XRP": None}, "what XRP turns over on binance is not known; 900,000 KRW wanted"),
        ({"upbit_TRX": "1"}, None),
    ],
)
def test_a_coin_that_is_hardly_traded_is_left_out(others: dict[str, str | None], detail: str | None) -> None:
    answer = judge(turning_over(**others), limits=BUSY)
    assert (answer if isinstance(answer, Blocked) else None) == (detail and Blocked(Gate.TURNOVER, detail))


def test_a_coin_that_is_hardly_traded_is_no_way_home_either_and_usdt_always_is_one() -> None:
    assert found(judge(turning_over(), limits=BUSY)).route.coin == TRX
    assert found(judge(turning_over(upbit_TRX="1", upbit_USDT="1"), limits=BUSY)).route.coin == USDT


def test_without_a_least_turnover_none_need_be_known() -> None:
    assert found(judge(market(), limits=replace(BUSY, least_turnover_krw=d("0")))).route.coin == TRX


def test_a_closed_wallet_forbids_the_leg() -> None:
    view = market()
    view.networks = {**view.networks, (Venue.BINANCE, XRP): network(Venue.BINANCE, XRP, out=False)}
    assert gate(judge(view)) is Gate.WALLET_CLOSED


def test_usdt_earns_nothing_as_the_first_coin() -> None:
    """There is no book of USDT on Binance, so it is never more than a way home."""
    assert gate(judge(market(), USDT, Direction.TO_BINANCE)) is Gate.QUOTE_MISSING


def test_a_coin_that_is_nowhere_is_no_error() -> None:
    assert gate(judge(market(), SOL)) is Gate.QUOTE_MISSING


@pytest.mark.parametrize(
    ("venue", "krw_per_usdt", "cash"),
    [
        (Venue.UPBIT, "1400", Money(d(1_000_000), KRW)),
        (Venue.BINANCE, "1400", Money(d("714.28"), USDT)),  # 714.2857...
        (Venue.BINANCE, "1000", Money(d(1000), USDT)),
    ],
)
def test_the_notional_in_the_cash_of_the_start(venue: Venue, krw_per_usdt: str, cash: Money) -> None:
    assert start_cash(venue, d(1_000_000), d(krw_per_usdt)) == cash


def estimate(direction: Direction, spent: str, proceeds: str) -> LegEstimate:
    source, destination = direction.source.cash, direction.destination.cash
    return LegEstimate(direction, XRP, Money(d(spent), source), d(1), d(1), Money(d(proceeds), destination))


def test_cash_that_lots_leave_over_on_the_way_home_is_not_lost() -> None:
    """Of 1,400,000 won only half went home, at 1000 won each: the yields are multiplied, not the sums compared."""
    out = estimate(Direction.TO_UPBIT, "1000", "1400000")
    home = estimate(Direction.TO_BINANCE, "700000", "505")
    assert net_edge(out, home) == d("0.01")


def test_the_limit_is_on_a_tick_of_the_market() -> None:
    view = market()
    coarse = instrument(Venue.BINANCE, XRP, tick="0.01")
    view.instruments = {**view.instruments, (Venue.BINANCE, XRP): coarse}
    assert found(judge(view)).limit_price == Decimal("2.00")
