"""How much, at which limit, and what arrives: the venues' rules, calculated by hand."""

from decimal import Context, localcontext

import pytest
from fakes.market import XRP, d, instrument, network

from kimp.domain import sizing
from kimp.domain.market import Side, TickBand
from kimp.domain.money import KRW, USDT, Money
from kimp.domain.venues import PAIR, Venue

UPBIT = instrument(Venue.UPBIT, fee="0.0005", lot="0.00000001", tick="1", min_notional="5000")
BINANCE = instrument(Venue.BINANCE, fee="0.001", lot="0.1", min_quantity="0.1")
BANDS = instrument(
    Venue.UPBIT,
    bands=(TickBand(d(1000), d(1)), TickBand(d(100), d("0.1")), TickBand(d(0), d("0.01"))),
)


def test_upbit_takes_the_fee_of_a_buy_in_won_on_top() -> None:
    assert sizing.buy_cost(d(2800), d(10), UPBIT) == d("28014")
    assert sizing.bought(d(10), UPBIT) == d(10)


def test_binance_takes_the_fee_of_a_buy_from_the_coins() -> None:
    assert sizing.buy_cost(d(2), d(10), BINANCE) == d(20)
    assert sizing.bought(d(10), BINANCE) == d("9.99")


def test_both_take_the_fee_of_a_sale_from_the_cash() -> None:
    assert sizing.received(d(28000), UPBIT) == d(27986)
    assert sizing.received(d(20), BINANCE) == d("19.98")


def test_a_buy_on_upbit_leaves_room_for_its_fee() -> None:
    """1,000,500 won pay for exactly 1,000,000 won of coins and 500 won of fee; one won less does not."""
    whole_coins = instrument(Venue.UPBIT, fee="0.0005", lot="1")
    assert sizing.buy_quantity(Money(d(1_000_500), KRW), d(10_000), whole_coins) == d(100)
    assert sizing.buy_quantity(Money(d(1_000_499), KRW), d(10_000), whole_coins) == d(99)


def test_a_buy_is_rounded_down_to_whole_lots() -> None:
    """100 / 3 = 33.33..."""
    assert sizing.buy_quantity(Money(d(100), USDT), d(3), BINANCE) == d("33.3")


def test_no_cash_buys_nothing() -> None:
    assert sizing.buy_quantity(Money(d(0), USDT), d(3), BINANCE) == 0


@pytest.mark.parametrize(
    ("price", "tick"),
    [("2828", "1"), ("1000", "1"), ("999.9", "0.1"), ("100", "0.1"), ("99.99", "0.01"), ("0", "0.01")],
)
def test_the_tick_is_that_of_the_prices_band(price: str, tick: str) -> None:
    assert BANDS.tick(d(price)) == d(tick)


def test_the_lowest_band_also_holds_below_its_own_border() -> None:
    starts_late = instrument(Venue.BINANCE, bands=(TickBand(d(1), d("0.1")),))
    assert starts_late.tick(d("0.5")) == d("0.1")


@pytest.mark.parametrize(
    ("side", "price", "slippage", "limit"),
    [
        (Side.BUY, "2000", "0.001", "2002"),
        (Side.BUY, "2001", "0.001", "2003"),  # 2003.001: never wider than asked
        (Side.SELL, "2000", "0.001", "1998"),
        (Side.SELL, "2001", "0.001", "1999"),  # 1998.999
        (Side.BUY, "2000", "0", "2000"),
        (Side.SELL, "2000", "0", "2000"),
    ],
)
def test_the_limit_is_rounded_towards_the_price(side: Side, price: str, slippage: str, limit: str) -> None:
    assert sizing.marketable_limit(side, d(price), d(slippage), UPBIT) == d(limit)


@pytest.mark.parametrize("side", list(Side))
def test_where_one_tick_is_wider_than_the_slippage_the_guard_is_the_price(side: Side) -> None:
    coarse = instrument(Venue.UPBIT, tick="100")
    assert sizing.marketable_limit(side, d(2000), d("0.001"), coarse) == d(2000)


def test_the_limit_lies_on_the_tick_of_its_own_band() -> None:
    """999.9 and 1000 are in bands of 0.1 and 1: just above the border only whole won are prices."""
    assert sizing.marketable_limit(Side.BUY, d("999.9"), d("0.0025"), BANDS) == d(1002)  # 1002.39975
    assert sizing.marketable_limit(Side.SELL, d(1000), d("0.00025"), BANDS) == d("999.8")  # 999.75


@pytest.mark.parametrize(
    ("quantity", "price", "problem"),
    [
        ("0.1", "50", None),
        ("0.09", "1000", "quantity 0.09 is below the minimum 0.1 XRP"),
        ("0.1", "49.9", "value 4.99 is below the minimum 5 USDT"),
        ("1", "5", None),
        ("2", "500", None),
        ("2.1", "500", "value 1050.0 is above the maximum 1000 USDT"),
    ],
)
def test_the_venues_own_limits_of_an_order(quantity: str, price: str, problem: str | None) -> None:
    rules = instrument(Venue.BINANCE, min_quantity="0.1", min_notional="5", max_notional="1000")
    assert sizing.order_problem(d(quantity), d(price), rules) == problem


def test_an_order_of_nothing_is_a_problem_even_without_a_minimum() -> None:
    rules = instrument(Venue.BINANCE, min_quantity="0", min_notional="0")
    assert sizing.order_problem(d(0), d(10), rules) == "quantity 0 is below the minimum 0 XRP"


def test_upbit_adds_the_network_fee_to_the_amount() -> None:
    size = sizing.size_withdrawal(d("100.5"), network(Venue.UPBIT, fee="1"))
    assert size == sizing.WithdrawalSize(amount=d("99.5"), arrives=d("99.5"))


def test_binance_takes_the_network_fee_out_of_the_amount() -> None:
    size = sizing.size_withdrawal(d("100.5"), network(Venue.BINANCE, fee="1"))
    assert size == sizing.WithdrawalSize(amount=d("100.5"), arrives=d("99.5"))


@pytest.mark.parametrize("venue", list(PAIR))
def test_a_withdrawal_is_rounded_down_to_the_venues_step(venue: Venue) -> None:
    size = sizing.size_withdrawal(d("10.123456789"), network(venue, XRP, step="0.01"))
    assert size is not None
    assert size.amount == d("10.12")


@pytest.mark.parametrize("venue", list(PAIR))
def test_below_the_minimum_nothing_can_be_withdrawn(venue: Venue) -> None:
    rules = network(venue, fee="0", least="20")
    assert sizing.size_withdrawal(d("19.999999"), rules) is None
    assert sizing.size_withdrawal(d(20), rules) is not None


@pytest.mark.parametrize("venue", list(PAIR))
@pytest.mark.parametrize("available", ["0", "0.5", "1"])
def test_what_the_fee_eats_up_is_not_sent(venue: Venue, available: str) -> None:
    assert sizing.size_withdrawal(d(available), network(venue, fee="1")) is None


@pytest.mark.parametrize(
    ("coins", "quantity"),
    [("99.91", "100.1"), ("99.9", "100"), ("0.01", "2.5")],
    ids=["rounded up to a lot", "exactly", "what the venue takes at least"],
)
def test_the_smallest_order_that_leaves_so_many_coins(coins: str, quantity: str) -> None:
    """A tenth of a percent goes to the venue; at 2 USDT, 2.5 coins are the least order of 5 USDT."""
    assert sizing.least_buy(d(coins), d(2), BINANCE) == d(quantity)


def test_cash_is_of_the_venue() -> None:
    assert sizing.cash_of(Venue.UPBIT, d(5)) == Money(d(5), KRW)
    assert sizing.cash_of(Venue.BINANCE, d(5)) == Money(d(5), USDT)


def test_sizes_do_not_depend_on_the_callers_decimal_context() -> None:
    with localcontext(Context(prec=3)):
        assert sizing.buy_quantity(Money(d("12345.67"), USDT), d(3), BINANCE) == d("4115.2")
        assert sizing.received(d("349777.3"), UPBIT) == d("349602.411350")
