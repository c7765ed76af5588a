"""Coins that both venues list, without those that something speaks against."""

from kimp.domain.discovery import discover, where_missing
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue

XRP, SOL, SNT, ONE, NEW = (Asset(name) for name in ("XRP", "SOL", "SNT", "ONE", "NEW"))
LISTINGS = {
    Venue.UPBIT: {SOL: "", XRP: "", SNT: "", ONE: "warning", USDT: ""},
    Venue.BINANCE: {XRP: "", SOL: "", SNT: "", ONE: "status BREAK", NEW: ""},
}


def test_what_both_list_is_found_in_the_order_of_names() -> None:
    assert discover(LISTINGS, {}).coins == (SNT, SOL, XRP)


def test_what_a_venue_flags_is_left_out_with_what_it_says() -> None:
    assert discover(LISTINGS, {}).left_out == {ONE: "upbit: warning; binance: status BREAK"}


def test_another_coin_of_the_same_name_is_left_out_with_the_reason() -> None:
    found = discover(LISTINGS, {"SNT": "not the same", "GONE": "listed nowhere"})
    assert found.coins == (SOL, XRP)
    assert found.left_out[SNT] == "not the same"


def test_usdt_is_cash_and_no_coin() -> None:
    both = {venue: {XRP: "", USDT: ""} for venue in LISTINGS}
    assert discover(both).coins == (XRP,)


def test_it_says_who_lacks_a_market() -> None:
    assert where_missing(NEW, LISTINGS) == [Venue.UPBIT]
    assert where_missing(XRP, LISTINGS) == []
