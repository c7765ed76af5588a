"""What a cycle has come to while it is under way, for people to look at."""

from fakes.market import TRX, XRP, d

from kimp.domain.interim_result import interim_result, traded_prices_krw
from kimp.domain.ledger import deposit_entry, fill_entry, holdings, withdrawal_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Venue

RATE = d(1400)
BNB = Asset("BNB")
BUY = fill_entry("b", "TRX-1", Venue.UPBIT, TRX, Side.BUY, Fill("1", d(400), d(5000), d(1000), KRW))
OUT = withdrawal_entry("w", "TRX-1", Venue.UPBIT, TRX, d(4990), d(10))
IN = deposit_entry("w", "TRX-1", Venue.BINANCE, TRX, d(4990))
SALE = fill_entry("s", "TRX-1", Venue.BINANCE, TRX, Side.SELL, Fill("2", d("0.3"), d(4990), d("1.5"), USDT))


def test_after_each_step() -> None:
    reported = []
    for number in range(1, 5):
        entries = [BUY, OUT, IN, SALE][:number]
        reported.append(str(interim_result(holdings(entries), RATE, traded_prices_krw(entries, RATE))))
    assert reported == [
        "-1,000 KRW",  # the fee of the purchase
        "-5,000 KRW",  # and ten coins for the network
        "-5,000 KRW",
        "+92,700 KRW",  # sold at 420 won, less 2,100 won
    ]


def test_the_price_is_that_of_the_last_trade_for_cash() -> None:
    assert traded_prices_krw([BUY, SALE], RATE) == {TRX: d(420)}
    usdt = fill_entry("h", "TRX-1", Venue.UPBIT, USDT, Side.BUY, Fill("3", d(1401), d(100), d(70), KRW))
    assert traded_prices_krw([usdt, OUT, IN], RATE) == {}, "USDT is cash, and what only travels tells no price"


def test_what_nobody_has_a_price_of_is_named() -> None:
    paid = fill_entry("b", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("4", d(2), d(10), d("0.0001"), BNB))
    assert str(interim_result(holdings([paid]), RATE, traded_prices_krw([paid], RATE))) == "+0 KRW, BNB left out"
