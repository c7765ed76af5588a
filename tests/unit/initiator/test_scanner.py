"""The scanner's first look: which quotes are worth an exact calculation."""

import pytest
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes, network, quote, rules_of

from initiator.scanner import Scanner
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import ROUTES_PRICED
from kimp.domain.venues import PAIR, Direction, Venue

OUT, HOME = Direction.TO_UPBIT, Direction.TO_BINANCE


def scanner(*coins: Asset, threshold: str = "0.001") -> Scanner:
    made = Scanner(PAIR, coins or (XRP, TRX), d(threshold))
    made.apply_rules(free_rules((*(coins or (XRP, TRX)), USDT)))
    return made


def fed(made: Scanner) -> Scanner:
    for each in kimchi_quotes():
        made.feed(each)
    return made


def test_one_coin_alone_is_no_cycle() -> None:
    """Out at 1414 won per dollar, and no way home is known."""
    made = scanner()
    assert made.feed(quote(Venue.UPBIT, XRP, "2828", "2830")) == []
    assert made.feed(quote(Venue.BINANCE, XRP, "1.999", "2")) == []


def test_a_way_home_makes_the_coin_a_candidate() -> None:
    """USDT comes home at 1401: less than 1414."""
    made = scanner()
    made.feed(quote(Venue.UPBIT, XRP, "2828", "2830"))
    made.feed(quote(Venue.BINANCE, XRP, "1.999", "2"))
    assert made.feed(quote(Venue.UPBIT, USDT, "1399", "1401")) == [(XRP, OUT)]


def test_a_coin_is_a_candidate_where_it_pays_with_usdt_home() -> None:
    """TRX comes home at 1400 won of the dollar, and USDT goes out at 1399."""
    made = fed(scanner())
    assert made.feed(quote(Venue.BINANCE, TRX, "0.25", "0.2501")) == []
    assert made.feed(quote(Venue.BINANCE, TRX, "0.251", "0.2511")) == [(TRX, HOME)]
    assert made.feed(quote(Venue.BINANCE, XRP, "1.999", "2")) == [(XRP, OUT)]


def test_below_the_threshold_nothing_is_a_candidate() -> None:
    """Before costs XRP earns 0.928 %: 1414 / 1401."""
    assert fed(scanner(threshold="0.00927")).feed(quote(Venue.BINANCE, XRP, "1.999", "2")) == [(XRP, OUT)]
    assert fed(scanner(threshold="0.00928")).feed(quote(Venue.BINANCE, XRP, "1.999", "2")) == []


def test_a_better_usdt_wakes_the_coins_that_wait() -> None:
    made = fed(scanner(threshold="0.0095"))
    assert made.feed(quote(Venue.UPBIT, USDT, "1398", "1400")) == [(XRP, OUT)]


def test_an_older_quote_changes_nothing() -> None:
    """Redis gives last values to a late joiner after the channel has already brought newer ones."""
    made = fed(scanner())
    late = quote(Venue.BINANCE, XRP, "1", "1.1", received_ms=NOW - 1)
    assert made.feed(late) == []
    assert made.view.quotes[Venue.BINANCE, XRP].ask == 2


def test_a_coin_that_is_not_traded_is_ignored() -> None:
    made = fed(scanner())
    doge = Asset("DOGE")
    assert made.feed(quote(Venue.UPBIT, doge, "1", "2")) == []
    assert (Venue.UPBIT, doge) not in made.view.quotes


@pytest.mark.parametrize("coin", [XRP, TRX])
def test_a_closed_wallet_takes_a_coin_out_and_an_open_one_brings_it_back(coin: Asset) -> None:
    made = fed(scanner())
    closed = [
        rules_of(
            reading.venue,
            reading.instruments,
            [network(n.venue, n.coin, out=n.coin != coin, into=n.coin != coin) for n in reading.networks],
        )
        for reading in free_rules((XRP, TRX, USDT))
    ]
    made.apply_rules(closed)
    assert made.feed(quote(Venue.BINANCE, coin, "0.25", "0.2501") if coin == TRX else kimchi_quotes()[2]) == []
    made.apply_rules(free_rules((XRP, TRX, USDT)))
    assert made.feed(kimchi_quotes()[2]) == [(XRP, OUT)]


def test_without_rules_nothing_is_a_candidate() -> None:
    made = fed(scanner())
    made.apply_rules([])
    assert [candidate for each in kimchi_quotes() for candidate in made.feed(each)] == []


def test_ways_home_come_by_raw_rate_and_usdt_is_always_among_them() -> None:
    coins = tuple(Asset(f"C{n}") for n in range(ROUTES_PRICED + 2))
    made = scanner(*coins)
    made.feed(quote(Venue.UPBIT, USDT, "1399", "1500"))
    for n, coin in enumerate(coins):
        made.feed(quote(Venue.UPBIT, coin, "1390", str(1400 + n)))
        made.feed(quote(Venue.BINANCE, coin, "1", "1.01"))
    assert list(made.route_coins(HOME)) == [*coins[:ROUTES_PRICED], USDT]
    assert next(made.route_coins(OUT)) == USDT, "1399 is more than 1390 / 1.01"


def test_a_thin_best_coin_does_not_hide_the_next_one() -> None:
    """XRP is the best way out but has a book for nobody; TRX pays too, and USDT is what makes both pay."""
    made = scanner()
    made.feed(quote(Venue.UPBIT, XRP, "2900", "2901", size=d("0.1")))
    made.feed(quote(Venue.BINANCE, XRP, "1.999", "2"))
    made.feed(quote(Venue.UPBIT, TRX, "352", "353"))
    made.feed(quote(Venue.BINANCE, TRX, "0.2499", "0.25"))
    assert {(XRP, OUT), (TRX, OUT)} <= set(made.feed(quote(Venue.UPBIT, USDT, "1399", "1400")))
