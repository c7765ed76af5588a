"""Which quotes are believed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeder.screening import BELIEVED_AFTER, QuoteFilter, RejectReason
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

XRP = Asset("XRP")


def quote(bid: str = "100", ask: str = "101", bid_size: str = "1", ask_size: str = "1") -> Quote:
    return Quote(Venue.UPBIT, XRP, Decimal(bid), Decimal(bid_size), Decimal(ask), Decimal(ask_size), 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (quote(bid="NaN"), RejectReason.NOT_FINITE),
        (quote(ask="Infinity"), RejectReason.NOT_FINITE),
        (quote(bid_size="sNaN"), RejectReason.NOT_FINITE),
        (quote(bid="0"), RejectReason.NOT_POSITIVE),
        (quote(bid="-1"), RejectReason.NOT_POSITIVE),
        (quote(ask_size="-1"), RejectReason.NOT_POSITIVE),
        (quote(ask="1e999999"), RejectReason.ABSURD),
        (quote(bid="1e-999999"), RejectReason.ABSURD),
        (quote(bid="101", ask="101"), RejectReason.CROSSED),
        (quote(bid="102", ask="101"), RejectReason.CROSSED),
    ],
)
def test_unreal_quotes_are_rejected(bad: Quote, reason: RejectReason) -> None:
    assert QuoteFilter().reject(bad) is reason


def test_an_empty_side_of_the_book_is_believed() -> None:
    assert QuoteFilter().reject(quote(bid_size="0")) is None


def test_a_jump_is_believed_when_it_is_repeated() -> None:
    screen = QuoteFilter()
    assert screen.reject(quote()) is None
    jumped = quote("1000", "1010")
    verdicts = [screen.reject(jumped) for _ in range(BELIEVED_AFTER)]
    assert verdicts == [RejectReason.JUMP] * (BELIEVED_AFTER - 1) + [None]
    assert screen.reject(jumped) is None


def test_a_single_spike_is_forgotten() -> None:
    screen = QuoteFilter()
    screen.reject(quote())
    for _ in range(5):
        assert screen.reject(quote("1000", "1010")) is RejectReason.JUMP
        assert screen.reject(quote("100.5", "101")) is None


def test_a_jump_of_one_side_alone_is_seen() -> None:
    screen = QuoteFilter()
    screen.reject(quote())
    assert screen.reject(quote("100", "1000")) is RejectReason.JUMP
    assert screen.reject(quote("10", "101")) is RejectReason.JUMP


def test_books_are_measured_by_their_own_past() -> None:
    screen = QuoteFilter()
    screen.reject(quote())
    assert screen.reject(quote("1", "1.1")._replace(venue=Venue.BINANCE)) is None


@given(st.lists(st.tuples(*[st.decimals() for _ in range(4)])))
def test_nothing_unreal_is_ever_believed(numbers: list[tuple[Decimal, ...]]) -> None:
    screen = QuoteFilter()
    quotes = [Quote(Venue.UPBIT, XRP, a, b, c, d, 1) for a, b, c, d in numbers]
    believed = [quote for quote in quotes if screen.reject(quote) is None]
    assert all(q.bid.is_finite() and 0 < q.bid < q.ask for q in believed)
