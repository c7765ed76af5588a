"""What one side of a pair traded more than the other, closed where it costs least; figures by hand."""

from decimal import Decimal

import pytest
from fakes.market import d, instrument, quote

from kimp.domain.difference import BothSides, Closing, came_to_nothing, closings, too_little
from kimp.domain.legs import Market
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue

XRP = Asset("XRP")
RATE = d(1400)
UPBIT, BINANCE = Venue.UPBIT, Venue.BINANCE


def both(bought: str, sold: str, *, travel: str = "0.5") -> BothSides:
    """Bought at 2 USDT, which are 2,800 won; sold at 2,828 won, one percent more."""
    return BothSides(Direction.TO_UPBIT, d(travel), d(bought), d(sold), bought_at=d(2), sold_at=d(2828))


def books(
    binance: tuple[str, str] = ("1.99", "2"), upbit: tuple[str, str] = ("2828", "2830"), size: str = "1000000"
) -> dict[Venue, Market]:
    least = {UPBIT: "5000", BINANCE: "5"}
    return {
        venue: Market(quote(venue, XRP, *prices, size=d(size)), instrument(venue, min_notional=least[venue]))
        for venue, prices in ((UPBIT, upbit), (BINANCE, binance))
    }


def offers(
    state: BothSides, binance: tuple[str, str] = ("1.99", "2"), upbit: tuple[str, str] = ("2828", "2830")
) -> list[tuple[Venue, Side, Decimal]]:
    return [(one.venue, one.side, one.quantity) for one in closings(state, books(binance, upbit), RATE)]


def test_bought_is_what_was_sold_and_what_travelling_takes() -> None:
    assert both("100", "99.5").open == 0
    assert both("100", "90").open == d("9.5")
    assert both("100", "0").open == 100, "nothing is to travel"
    assert both("0", "99.5").open == -100, "what would be bought travels"
    assert both("0", "0").open == 0


def test_too_many_bought_are_sold_where_the_coin_is_dear_or_back_where_they_were_bought() -> None:
    assert offers(both("100", "40")) == [(UPBIT, Side.SELL, d("59.5")), (BINANCE, Side.SELL, d("59.5"))]
    assert offers(both("100", "40"), upbit=("2700", "2701"))[0] == (BINANCE, Side.SELL, d("59.5"))


def test_a_sale_that_brought_nothing_is_made_up_for_by_what_arrives() -> None:
    """Forwards 99.5 are sold, as half a coin is spent on the way; back all hundred."""
    assert offers(both("100", "0")) == [(UPBIT, Side.SELL, d("99.5")), (BINANCE, Side.SELL, d(100))]


def test_too_many_sold_are_bought_where_the_coin_is_cheap_or_bought_back() -> None:
    assert offers(both("40", "99.5")) == [(BINANCE, Side.BUY, d(60)), (UPBIT, Side.BUY, d(60))]
    assert offers(both("40", "99.5"), binance=("2.1", "2.11"))[0] == (UPBIT, Side.BUY, d(60))


def test_no_more_is_bought_back_than_was_sold() -> None:
    assert offers(both("0", "99.5")) == [(BINANCE, Side.BUY, d(100)), (UPBIT, Side.BUY, d("99.5"))]
    assert offers(both("0.3", "99.5"))[1] == (UPBIT, Side.BUY, d("99.5")), "0.3 can't travel, and are sold afterwards"


def test_what_a_closing_keeps_is_told_by_what_the_coins_were_traded_for() -> None:
    """100 that cost 280,000 won: sold back at 1.99 they bring 278,600, half a percent less."""
    back = closings(both("100", "0"), {BINANCE: books()[BINANCE]}, RATE)
    assert back == [Closing(BINANCE, Side.SELL, d(100), d("1.99"), d("-0.005"))]
    """100 that were sold for 282,800 won: bought at 2.02 USDT they cost the same."""
    forwards = closings(both("0", "99.5"), {BINANCE: books(binance=("2.01", "2.02"))[BINANCE]}, RATE)
    assert [one.keeps for one in forwards] == [0]


def test_fees_count() -> None:
    dear = {BINANCE: Market(books()[BINANCE].quote, instrument(BINANCE, fee="0.01"))}
    assert closings(both("100", "0"), dear, RATE)[0].keeps == d("1.99") * d("0.99") / 2 - 1
    (buy,) = closings(both("0", "100", travel="0"), dear, RATE)
    assert buy.quantity == d("101.02"), "a hundredth of the coins is the fee"


def test_an_order_takes_what_the_book_has() -> None:
    closing = closings(both("100", "0"), books(size="30"), RATE)
    assert [one.quantity for one in closing] == [30, 30]
    assert closing[1].keeps == d("-0.005"), "and is judged by the coins that it closes"


def test_a_book_that_is_missing_offers_nothing() -> None:
    assert closings(both("100", "40"), {}, RATE) == []
    assert not too_little(both("100", "40"), {})


@pytest.mark.parametrize(("bought", "sold"), [("1", "0"), ("0", "1"), ("50.6", "50"), ("50.4", "50"), ("0", "0")])
def test_what_is_below_the_least_order_of_both_venues_is_left(bought: str, sold: str) -> None:
    state = both(bought, sold)
    assert closings(state, books(), RATE) == []
    assert too_little(state, books())


def test_what_only_one_venue_trades_is_not_left() -> None:
    """5 USDT are the least on one, 5,000 won on the other: 2.2 coins are below the one, above the other."""
    state = both("2.2", "0", travel="0")
    assert offers(state, binance=("2.2", "2.3")) == [(UPBIT, Side.SELL, d("2.2"))]
    assert not too_little(state, books(binance=("2.2", "2.3")))


def test_an_empty_book_is_not_too_little() -> None:
    assert closings(both("100", "0"), books(size="0"), RATE) == []
    assert not too_little(both("100", "0"), books(size="0"))


@pytest.mark.parametrize(
    ("bought", "sold", "nothing"), [("0", "0", True), ("1", "0.5", True), ("100", "99.5", False), ("0", "9", False)]
)
def test_whether_anything_is_left_to_go_on_with(bought: str, sold: str, *, nothing: bool) -> None:
    assert came_to_nothing(both(bought, sold), books()) is nothing


def test_what_is_open_is_told_to_a_person() -> None:
    assert str(both("100", "40")) == "59.5 were bought and not sold"
    assert str(both("40", "99.5")) == "60.0 were sold and not bought"
