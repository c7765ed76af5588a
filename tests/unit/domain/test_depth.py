"""Books behind their tops: what an order pays level after level."""

from decimal import Decimal

import pytest
from fakes.market import XRP, d, quote

from kimp.domain.depth import MOST_LEVELS, Level, Walk, average, cash_within, coins_for, levels, levels_text, walk
from kimp.domain.market import Quote, Side
from kimp.domain.venues import Venue


def book(asks: str = "", bids: str = "", size: str = "10") -> Quote:
    """Ten coins at 100 and at 99, and what is behind them."""
    return quote(Venue.UPBIT, XRP, "99", "100", size=d(size))._replace(asks_behind=asks, bids_behind=bids)


def test_an_order_takes_the_best_levels_first_and_remembers_the_worst() -> None:
    there = book(asks="101:5 103:20", bids="98:5 90:20")
    assert walk(there, Side.BUY, d(10)) == Walk(d(10), d(1000), d(100))
    assert walk(there, Side.BUY, d(17)) == Walk(d(17), d(1000 + 505 + 206), d(103))
    assert walk(there, Side.SELL, d(17)) == Walk(d(17), d(990 + 490 + 180), d(90))


def test_a_book_gives_no_more_than_it_shows() -> None:
    assert walk(book(asks="101:5"), Side.BUY, d(100)) == Walk(d(15), d(1505), d(101))


def test_a_level_that_was_taken_is_passed_over() -> None:
    assert walk(book(asks="101:0 102:5"), Side.BUY, d(12)) == Walk(d(12), d(1204), d(102))


@pytest.mark.parametrize(
    ("funds", "coins", "carried"),
    [("1000", "10", True), ("1101", "11", True), ("1505", "15", True), ("1506", "15", False)],
)
def test_the_coins_that_cash_buys(funds: str, coins: str, carried: bool) -> None:  # noqa: FBT001 - expectation
    assert coins_for(book(asks="101:5"), d(funds)) == (d(coins), carried)


@pytest.mark.parametrize(
    "lie",
    [
        "100:1000",  # no worse than the top
        "99:1000",  # better than the top
        "NaN:5",
        "101:NaN",
        "101:-5",
        "-101:5",
        "101:1E+999999",
        "1E+999999:5",
        "101",
        "101:",
        ":",
        "x:y",
        "  ",
        f"101.{'0' * 100}:5",
    ],
)
def test_a_level_that_cannot_be_true_ends_the_book(lie: str) -> None:
    """Neither it nor what is told behind it gives anything."""
    assert list(levels(book(asks=f"{lie} 102:1000"), Side.BUY)) == [Level(d(100), d(10))]


def test_no_more_levels_are_read_than_a_venue_shows() -> None:
    endless = levels_text((Decimal(101 + number), 1) for number in range(1_000))
    assert len(list(levels(book(asks=endless), Side.BUY))) == MOST_LEVELS


def test_what_is_written_is_read_again() -> None:
    rest = [Level(d("101.5"), d("0.25")), Level(d("102"), d("1E-7"))]
    assert list(levels(book(asks=levels_text(rest)), Side.BUY))[1:] == rest


def test_the_average_price_of_so_many_coins() -> None:
    there = book(bids="98:6")
    assert average(there, Side.SELL, d(0)) == d(99)
    assert average(there, Side.SELL, d(16)) == d("98.625")
    assert average(there, Side.SELL, d(20)) == d("98.5"), "what is not shown is worth no more"


def test_what_a_book_carries_ends_where_prices_are_too_far_from_the_best() -> None:
    there = book(asks="101:5 103:20", bids="98.01:5 90:20")
    assert cash_within(there, Side.BUY, d("0.01")) == 1000 + 505
    assert cash_within(there, Side.SELL, d("0.01")) == 990 + d("98.01") * 5
    assert cash_within(there, Side.SELL, d(0)) == 990
