"""A quiet book on a healthy stream stays fresh; what may have been missed does not."""

from decimal import Decimal

from feeder.standing import RENEW_MS, Standing
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

XRP, SOL = Asset("XRP"), Asset("SOL")
START = 1_790_000_000_000
MINUTE_MS = 60_000


def quote(coin: Asset = XRP, at_ms: int = START) -> Quote:
    return Quote(Venue.UPBIT, coin, Decimal(1), Decimal(1), Decimal(2), Decimal(1), at_ms)


def standing(*quotes: Quote) -> Standing:
    found = Standing()
    found.follow(1)
    for one in quotes:
        found.put(one)
    return found


def test_a_book_that_changes_once_a_minute_is_as_fresh_as_its_stream() -> None:
    books = standing(quote())
    for now_ms in range(START + RENEW_MS, START + MINUTE_MS, RENEW_MS):
        books.follow(1)
        assert books.renewed(now_ms) == [quote(at_ms=now_ms)]


def test_a_quote_that_is_new_is_not_published_twice() -> None:
    books = standing(quote(), quote(SOL, START + RENEW_MS - 1))
    assert books.renewed(START + RENEW_MS) == [quote(at_ms=START + RENEW_MS)]
    assert books.renewed(START + RENEW_MS + 1) == []


def test_quotes_of_before_a_break_are_not_renewed() -> None:
    """A connection that was lost, or a frame that could not be read: the book may have changed unseen."""
    books = standing(quote())
    books.follow(2)
    books.put(quote(SOL))
    assert books.renewed(START + MINUTE_MS) == [quote(SOL, START + MINUTE_MS)]


def test_a_book_whose_newest_quote_is_not_believed_is_not_renewed() -> None:
    books = standing(quote())
    books.drop(XRP)
    assert books.renewed(START + MINUTE_MS) == []


def test_a_clock_that_was_set_back_keeps_no_quote_from_being_renewed() -> None:
    books = standing(quote())
    assert books.renewed(START + RENEW_MS)
    back_ms = START - MINUTE_MS
    assert books.renewed(back_ms) == [quote(at_ms=back_ms)]
