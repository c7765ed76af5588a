"""Books made around last prices: the same in the backtest as where the paper exchange replays the same prices."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.backtest.options import Model
from kimp.backtest.venue_rules import rule_book
from kimp.domain.depth import levels
from kimp.domain.market import Side
from kimp.domain.modelled_book import BookShape, quote_around
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.instruments import binance_instruments, upbit_instruments
from kimp.paper.market.quantise import whole_book

COIN = DEFAULT_COINS[0]
PLACES = -COIN.tick.adjusted()
RULES = rule_book(PAIR, Model().fees, {Asset(COIN.name): (COIN.price_usdt, PLACES)})
PAPER = {
    PAIR.won: upbit_instruments([COIN], Decimal("0.0005"))[0],
    PAIR.dollars: binance_instruments([COIN], Decimal("0.001"))[0],
}


@given(
    st.sampled_from(PAIR),
    st.integers(1, 10**7),
    st.integers(-4, 1),
    st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal("0.003")]),
)
def test_books_are_those_of_the_paper_exchange(venue: Venue, digits: int, scale: int, half: Decimal) -> None:
    price, shape = Decimal(digits).scaleb(scale), BookShape(half_spread=half)
    replayed = whole_book(PAPER[venue], price, Decimal(1_000), shape)
    quote = quote_around(RULES.instruments[venue, Asset(COIN.name)], price, Decimal(1_000), 0, shape)
    bids, asks = replayed.sides or ((), ())
    assert (tuple(levels(quote, Side.SELL)), tuple(levels(quote, Side.BUY))) == (bids, asks)
    assert (quote.bid, quote.ask) == (replayed.bid, replayed.ask)
    assert quote.bid < quote.ask


@pytest.mark.parametrize("price", ["2500", "0.0005", "150000000"])
def test_levels_get_worse_and_carry_what_they_are_told_to(price: str) -> None:
    instrument = RULES.instruments[PAIR.won, Asset(COIN.name)]
    quote = quote_around(instrument, Decimal(price), Decimal(1_000_000), 0, BookShape())
    for side in Side:
        offered = list(levels(quote, side))
        worth = sum(level.price * level.size for level in offered)
        assert worth == pytest.approx(Decimal(10_000_000), rel=Decimal("0.001"))
        assert sorted(offered, reverse=side is Side.SELL) == offered
