"""The limit of a first order beside the venue's own book."""

import pytest
from fakes.market import TRX, XRP, d, kimchi_quotes, quote

from kimp.domain.gates import Gate
from kimp.domain.money import USDT, Money
from kimp.domain.own_prices import MessagePrices, PriceBounds, check_message_prices
from kimp.domain.venues import PAIR, Venue

BOUNDS = PriceBounds(d("0.01"), d(500), d(5_000))
OWN = {(one.venue, one.coin): one for one in kimchi_quotes() if one.coin != TRX}


@pytest.mark.parametrize(("limit", "believed"), [("2.1", True), ("2.12", True), ("2.13", False), ("2", False)])
def test_an_order_that_needs_several_levels_is_compared_with_the_last_of_them(limit: str, believed: bool) -> None:  # noqa: FBT001 - expectation
    """Ten XRP at 2, all others at 2.1: a limit of 2 would not have been sized for these."""
    own = OWN | {
        (Venue.BINANCE, XRP): quote(Venue.BINANCE, XRP, "1.999", "2", size=d(10))._replace(asks_behind="2.1:1000")
    }
    cost = Money(d(limit) * 500, USDT)
    reported = MessagePrices(Venue.BINANCE, XRP, d(limit), d(500), cost, cost.amount * 1400, d(1400), premium=None)
    blocked = check_message_prices(reported, PAIR, own, BOUNDS)
    assert (blocked is None) == believed
    assert blocked is None or blocked.gate is Gate.PRICES_DIFFER


@pytest.mark.parametrize(("bid", "ask", "rate"), [("498", "500", "499"), ("5000", "5002", "5001")])
def test_a_rate_beyond_the_configured_bounds_is_told_with_them(bid: str, ask: str, rate: str) -> None:
    own = OWN | {(Venue.UPBIT, USDT): quote(Venue.UPBIT, USDT, bid, ask)}
    reported = MessagePrices(
        Venue.BINANCE, XRP, d(2), d(500), Money(d(1000), USDT), d(1_400_000), d(rate), premium=None
    )
    blocked = check_message_prices(reported, PAIR, own, BOUNDS)
    assert blocked is not None
    assert blocked.gate is Gate.RATE_BOUNDS
    assert blocked.detail == f"{rate} KRW per USDT on upbit, 500 to 5000 allowed by the configuration"
