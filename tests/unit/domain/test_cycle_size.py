"""How large a cycle may be, with books calculated by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes, quote

from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset, Money
from kimp.domain.opportunity import Limits, Mode, Opportunity, evaluate
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
LIMITS = Limits(
    threshold=d("0.005"),
    notional_krw=d(1_400_000),
    slippage=d("0.002"),
    premium_band=d("0.1"),
    max_quote_age_ms=1_000,
    least_notional_krw=d(280_000),
    mode=Mode.PREFUNDED,
)
"""A thousand dollars at most, two hundred at least; the way home counts with what it brings."""


def judge(*changed: Quote, limits: Limits = LIMITS, coins: tuple[Asset, ...] = COINS) -> Opportunity | Blocked:
    """XRP is 1 % dear on Upbit, and TRX takes the cash home at no loss."""
    view = MarketView.of([*kimchi_quotes(), *changed], free_rules(COINS))
    return evaluate(view, XRP, Direction.TO_UPBIT, coins, limits, NOW)


def found(answer: Opportunity | Blocked) -> Opportunity:
    assert isinstance(answer, Opportunity), answer
    return answer


def asks(size: str, behind: str = "") -> Quote:
    """XRP on Binance: where leg one buys."""
    return quote(Venue.BINANCE, XRP, "1.999", "2", size=d(size))._replace(asks_behind=behind)


def bids(size: str, behind: str = "") -> Quote:
    """XRP on Upbit: where leg one sells."""
    return quote(Venue.UPBIT, XRP, "2828", "2830", size=d(size))._replace(bids_behind=behind)


def test_a_cycle_larger_than_level_one_is_priced_by_the_levels_behind_it() -> None:
    """250 XRP at 2 and 249.5 at 2.004 for 1000 USDT; 499.5 x 2828 won are 1009 USDT."""
    cycle = found(judge(asks("250", "2.004:1000")))
    assert cycle.leg_one.buy_quantity == d("499.50")
    assert cycle.leg_one.spent == Money(d("999.99800"), USDT)
    assert round(cycle.net_edge, 4) == d("0.0090")


def test_the_first_orders_limit_goes_by_the_worst_level_that_it_takes() -> None:
    limits = replace(LIMITS, slippage=d(0))
    assert found(judge(asks("600", "2.004:1000"), limits=limits)).limit_price == d(2)
    assert found(judge(asks("250", "2.004:1000"), limits=limits)).limit_price == d("2.004")
    assert found(judge(asks("250", "2.004:1000"))).limit_price == d("2.008")


@pytest.mark.parametrize(
    "thin",
    [
        asks("250"),
        bids("250"),
        quote(Venue.UPBIT, TRX, "349.9", "350", size=d(2020)),
        quote(Venue.BINANCE, TRX, "0.25", "0.2501", size=d(2020)),
    ],
    ids=["leg one's buy", "leg one's sale", "the way home's buy", "the way home's sale"],
)
def test_what_a_book_does_not_carry_makes_the_cycle_smaller(thin: Quote) -> None:
    """Each carries half of the thousand dollars, less half a percent of accuracy."""
    cycle = found(judge(thin, coins=(XRP, TRX)))
    assert d("497.5") <= cycle.leg_one.spent.amount <= d(500)
    assert cycle.net_edge == d("0.01")


@pytest.mark.parametrize(
    "steep",
    [asks("200", "2.03:1000"), bids("200", "2780:1000")],
    ids=["buy", "sale"],
)
def test_the_cycle_ends_where_the_next_coin_would_cost_the_threshold(steep: Quote) -> None:
    """Half a percent of all is left somewhere behind the first 400 USDT, on a level that loses by itself."""
    cycle = found(judge(steep))
    assert cycle.leg_one.spent.amount > 400
    assert d("0.005") <= cycle.net_edge <= d("0.00503")


@pytest.mark.parametrize("home", ["whole", "thin"])
def test_the_size_is_the_one_at_which_leg_one_pays_alone(home: str) -> None:
    """With USDT home at 1401 half a percent is kept up to somewhere behind the first 400 USDT; with TRX further on."""
    transfer = replace(LIMITS, mode=Mode.TRANSFER)
    trx = [] if home == "whole" else [quote(Venue.UPBIT, TRX, "349.9", "350", size=d(1_300))]
    steep = asks("200", "2.03:1000")
    cycle, larger = found(judge(steep, *trx, limits=transfer)), found(judge(steep))
    alone = found(judge(steep, limits=transfer, coins=(USDT,)))
    assert 400 < cycle.leg_one.spent.amount < larger.leg_one.spent.amount
    assert abs(cycle.leg_one.spent.amount / alone.leg_one.spent.amount - 1) < d("0.001")
    assert cycle.route.coin == (TRX if home == "whole" else USDT)
    assert cycle.net_edge > alone.net_edge if home == "whole" else cycle.net_edge >= d("0.005")


def test_a_leg_that_pays_alone_only_below_the_least_is_too_small() -> None:
    answer = judge(asks("80", "2.01:1000"), limits=replace(LIMITS, mode=Mode.TRANSFER, threshold=d("0.009")))
    assert isinstance(answer, Blocked)
    assert answer.gate is Gate.DEPTH


def test_a_cycle_below_the_least_is_not_started_and_the_gate_names_what_fits() -> None:
    answer = judge(asks("99"))
    assert answer == Blocked(Gate.DEPTH, "198 USDT fit the books at 0.5000%; 200 USDT is the least to start with")
    assert found(judge(asks("100"))).leg_one.spent == Money(d(200), USDT)


def test_a_configured_size_below_the_least_is_the_least() -> None:
    """Whole lots leave some cash over, which is no reason not to start."""
    small = replace(LIMITS, notional_krw=d(140_001))
    for mode in Mode:
        assert found(judge(limits=replace(small, mode=mode))).leg_one.spent.amount == Decimal(100)


def test_where_no_size_pays_the_edge_is_the_reason_however_thin_the_books_are() -> None:
    answer = judge(asks("250", "2.004:1000"), limits=replace(LIMITS, threshold=d("0.0101")))
    assert isinstance(answer, Blocked)
    assert answer.gate is Gate.NET_EDGE


def test_a_book_that_carries_less_than_a_venues_minimum_is_too_thin() -> None:
    answer = judge(asks("1"))
    assert answer == Blocked(Gate.DEPTH, "binance offers 1 XRP for 2 USDT, 1000 USDT to spend")
