"""Binance's stream messages. binance-spot-api-docs: web-socket-streams.md."""

from typing import Any

from kimp.domain.market import Side
from kimp.paper.amounts import padded
from kimp.paper.binance.rest_market import agg_trade, rows
from kimp.paper.book import Book
from kimp.paper.instruments import PaperInstrument
from kimp.paper.tape import NumberedPrint


def book_ticker(book: Book) -> dict[str, Any] | None:
    """None while a side is empty. It bears no time."""
    bids, asks = book.levels(Side.SELL, 1), book.levels(Side.BUY, 1)
    if not bids or not asks:
        return None
    return {
        "u": book.sequence,
        "s": book.instrument.symbol,
        "b": padded(bids[0].price),
        "B": padded(bids[0].quantity),
        "a": padded(asks[0].price),
        "A": padded(asks[0].quantity),
    }


def partial_depth(book: Book, levels: int) -> dict[str, Any]:
    """Neither symbol nor time."""
    return {
        "lastUpdateId": book.sequence,
        "bids": rows(book.levels(Side.SELL, levels)),
        "asks": rows(book.levels(Side.BUY, levels)),
    }


def agg_trade_event(instrument: PaperInstrument, printed: NumberedPrint) -> dict[str, Any]:
    return {"e": "aggTrade", "E": printed.at_ms, "s": instrument.symbol, **agg_trade(printed)}
