"""What cash is worth in won."""

from fakes.market import d, quote

from kimp.domain.money import KRW, USDT, Money
from kimp.domain.venues import Venue
from kimp.domain.won import from_won, in_won, krw_per_usdt

RATE = d("1400.5")


def test_cash_in_won_and_back() -> None:
    assert in_won(Money(d(2), USDT), RATE) == d(2801)
    assert in_won(Money(d(2801), KRW), RATE) == d(2801)
    assert from_won(d(2801), USDT, RATE) == Money(d(2), USDT)
    assert from_won(d(2801), KRW, RATE) == Money(d(2801), KRW)


def test_the_rate_is_that_of_the_venue_in_won() -> None:
    quotes = {(q.venue, q.coin): q for q in [quote(Venue.UPBIT, USDT, "1400", "1401")]}
    assert krw_per_usdt(quotes, Venue.UPBIT) == RATE
    assert krw_per_usdt({}, Venue.UPBIT) is None
