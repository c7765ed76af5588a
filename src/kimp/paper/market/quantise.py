"""A drawn or recorded price becomes best prices that the venue allows."""

from dataclasses import replace
from decimal import Decimal

from kimp.domain.market import Side
from kimp.domain.modelled_book import BookShape, best_around, book_around
from kimp.paper.instruments import PaperInstrument
from kimp.paper.market.source import MarketUpdate, Print


def update_around(
    instrument: PaperInstrument, price: Decimal, half_spread: Decimal, trade: Print | None = None
) -> MarketUpdate:
    """Bid and ask on the venue's ticks, at least one tick apart, `half_spread` (a ratio) or more from the price."""
    bid, ask = best_around(instrument.ladder.tick, price, half_spread)
    return MarketUpdate(instrument.venue, instrument.base, bid, ask, trade)


def whole_book(instrument: PaperInstrument, price: Decimal, level_cash: Decimal, shape: BookShape) -> MarketUpdate:
    """The book that the backtest makes of the same price; each level is worth `level_cash` in the venue's cash."""
    bids, asks = book_around(instrument.ladder.tick, price, level_cash, shape)
    return MarketUpdate(instrument.venue, instrument.base, bids[0].price, asks[0].price, None, (bids, asks))


def print_at(update: MarketUpdate, taker: Side, quantity: Decimal) -> MarketUpdate:
    """The same update with a trade at the side that a taker hits."""
    price = update.ask if taker is Side.BUY else update.bid
    return replace(update, trade=Print(price, quantity, taker))
