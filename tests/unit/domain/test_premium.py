"""The premium and the two exchange rates, calculated by hand."""

from decimal import Context, localcontext

from fakes.market import XRP, d, quote

from kimp.domain.premium import coin_premium, home_rate, mid, out_rate, premium
from kimp.domain.venues import Venue

UPBIT = quote(Venue.UPBIT, XRP, "2828", "2832")
BINANCE = quote(Venue.BINANCE, XRP, "1.99", "2.01")


def test_a_coin_that_costs_one_percent_more_on_upbit() -> None:
    assert premium(d(2828), d(2), d(1400)) == d("0.01")


def test_a_coin_that_costs_less_on_upbit_has_a_negative_premium() -> None:
    assert premium(d(2744), d(2), d(1400)) == d("-0.02")


def test_the_same_price_on_both_sides_is_no_premium() -> None:
    assert premium(d(2800), d(2), d(1400)) == 0


def test_mid_price() -> None:
    assert mid(UPBIT) == d(2830)
    assert mid(BINANCE) == d(2)


def test_the_coins_premium_is_taken_between_mid_prices() -> None:
    """2830 / (2 x 1415) - 1: neither a bid nor an ask would give zero here."""
    assert coin_premium(UPBIT, BINANCE, d(1415)) == 0


def test_out_pays_the_ask_on_binance_and_gets_the_bid_on_upbit() -> None:
    assert out_rate(UPBIT, quote(Venue.BINANCE, XRP, "1.9", "2")) == d(1414)


def test_home_pays_the_ask_on_upbit_and_gets_the_bid_on_binance() -> None:
    assert home_rate(UPBIT, quote(Venue.BINANCE, XRP, "2", "2.1")) == d(1416)


def test_going_out_and_home_with_one_coin_always_loses_the_spreads() -> None:
    assert out_rate(UPBIT, BINANCE) < home_rate(UPBIT, BINANCE)


def test_the_callers_decimal_context_does_not_matter() -> None:
    with localcontext(Context(prec=2)):
        assert premium(d("2831.4"), d(2), d(1400)) == d("0.0112142857142857142857142857142857143")
        assert mid(UPBIT) == d(2830)
