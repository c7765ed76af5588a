"""Undoing: what is left to do, in which order, by which way, and how dear it may get."""

import pytest
from fakes.market import XRP, d

from kimp.domain.compensation import Position, WaysBack, debts, loss_bound, positions
from kimp.domain.ledger import Account, Held
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Venue

TRX = Asset("TRX")


def test_what_is_not_cash_at_home_is_undone_latest_first() -> None:
    """Home is Binance: what travels, coins abroad, cash abroad, coins at home."""
    held: Held = {
        (Venue.BINANCE, USDT): d(990),
        (Venue.BINANCE, XRP): d(5),
        (Venue.UPBIT, KRW): d(20_000),
        (Venue.UPBIT, XRP): d(7),
        (Account.IN_TRANSIT, TRX): d(30),
    }
    assert positions(held, Venue.BINANCE) == [
        Position(Account.IN_TRANSIT, TRX, d(30)),
        Position(Venue.UPBIT, XRP, d(7)),
        Position(Venue.UPBIT, KRW, d(20_000)),
        Position(Venue.BINANCE, XRP, d(5)),
    ]


def test_what_the_cycle_owes_is_no_position() -> None:
    assert positions({(Venue.UPBIT, XRP): d(-1)}, Venue.BINANCE) == []


def test_coins_that_were_given_away_and_never_owned_are_debts_where_there_is_a_market_for_them() -> None:
    held: Held = {
        (Venue.UPBIT, XRP): d(-1),
        (Venue.BINANCE, TRX): d(-2),
        (Venue.UPBIT, KRW): d(-3),
        (Venue.BINANCE, Asset("BNB")): d(-4),
        (Venue.BINANCE, XRP): d(5),
    }
    assert debts(held, {XRP, TRX, USDT}) == [(Venue.BINANCE, TRX, d(2)), (Venue.UPBIT, XRP, d(1))]


@pytest.mark.parametrize(
    ("returned", "finished", "send_back"),
    [("101", "100", True), ("100", "100", False), ("99", "100", False), ("99", None, True), (None, "1", False)],
)
def test_coins_abroad_are_sent_back_where_that_brings_more(
    returned: str | None,
    finished: str | None,
    send_back: bool,  # noqa: FBT001 - expectation
) -> None:
    ways = WaysBack(*(None if cash is None else Money(d(cash), USDT) for cash in (returned, finished)))
    assert ways.send_back == send_back


def test_with_nothing_known_coins_abroad_are_sold_at_once() -> None:
    assert not WaysBack(returned=None, finished=None).send_back


@pytest.mark.parametrize(
    ("elapsed_s", "bound"), [(0, "-0.02"), (359, "-0.02"), (360, "-0.023"), (1800, "-0.035"), (9999, "-0.05")]
)
def test_the_bound_of_a_loss_is_raised_in_ten_steps(elapsed_s: int, bound: str) -> None:
    assert loss_bound(d("-0.02"), d("-0.05"), elapsed_s, 3600) == d(bound)
