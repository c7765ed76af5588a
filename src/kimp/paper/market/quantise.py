"""A drawn or recorded price becomes best prices that the venue allows."""

from decimal import Decimal

from kimp.domain.market import Side
from kimp.paper.amounts import exact
from kimp.paper.instruments import Instrument
from kimp.paper.market.source import MarketUpdate, Print
from kimp.paper.ticks import price_above, price_below


@exact
def update_around(
    instrument: Instrument, price: Decimal, half_spread: Decimal, trade: Print | None = None
) -> MarketUpdate:
    """Bid and ask on the venue's ticks, at least one tick apart, `half_spread` (a ratio) or more from the price."""
    ladder = instrument.ladder
    bid = price_below(ladder, price * (1 - half_spread))
    ask = price_above(ladder, price * (1 + half_spread))
    if ask <= bid:
        ask = ladder.next_up(bid)
    if bid <= 0:
        bid, ask = ladder.tick(price), ladder.next_up(ladder.tick(price))
    return MarketUpdate(instrument.venue, instrument.base, bid, ask, trade)


def print_at(update: MarketUpdate, taker: Side, quantity: Decimal) -> MarketUpdate:
    """The same update with a trade at the side that a taker hits."""
    price = update.ask if taker is Side.BUY else update.bid
    return MarketUpdate(update.venue, update.coin, update.bid, update.ask, Print(price, quantity, taker))
