"""Books made around last prices: the same best prices as those that the paper exchange replays the same prices by."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.backtest.books import around, best
from kimp.backtest.options import Model
from kimp.backtest.venue_rules import rule_book
from kimp.domain.depth import levels
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.instruments import binance_instruments, upbit_instruments
from kimp.paper.market.quantise import update_around

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
def test_bid_and_ask_are_those_of_the_paper_exchange(venue: Venue, digits: int, scale: int, half: Decimal) -> None:
    price = Decimal(digits).scaleb(scale)
    replayed = update_around(PAPER[venue], price, half)
    assert best(RULES.instruments[venue, Asset(COIN.name)], price, half) == (replayed.bid, replayed.ask)


@pytest.mark.parametrize("price", ["2500", "0.0005", "150000000"])
def test_levels_get_worse_and_carry_what_they_are_told_to(price: str) -> None:
    instrument = RULES.instruments[PAIR.won, Asset(COIN.name)]
    quote = around(instrument, Decimal(price), Decimal(1_000_000), 0, Model())
    for side in Side:
        offered = list(levels(quote, side))
        worth = sum(level.price * level.size for level in offered)
        assert worth == pytest.approx(Decimal(10_000_000), rel=Decimal("0.001"))
        assert sorted(offered, reverse=side is Side.SELL) == offered
