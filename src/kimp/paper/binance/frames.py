"""Binance's stream messages. binance-spot-api-docs: web-socket-streams.md, user-data-stream.md."""

from decimal import Decimal
from typing import Any

from kimp.domain.market import Side
from kimp.paper.accounts import Accounts
from kimp.paper.amounts import ZERO, padded
from kimp.paper.binance import render
from kimp.paper.binance.rest_market import rows
from kimp.paper.book import Book
from kimp.paper.desk import Event
from kimp.paper.instruments import Instrument
from kimp.paper.orders import Fill, Order, State
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


def agg_trade(instrument: Instrument, printed: NumberedPrint) -> dict[str, Any]:
    return {
        "e": "aggTrade",
        "E": printed.at_ms,
        "s": instrument.symbol,
        "a": printed.number,
        "p": padded(printed.trade.price),
        "q": padded(printed.trade.quantity),
        "f": printed.number,
        "l": printed.number,
        "T": printed.at_ms,
        "m": printed.trade.taker is Side.SELL,
        "M": True,
    }


def execution_report(order: Order, event: Event, fill: Fill | None, now_ms: int) -> dict[str, Any]:
    request = order.request
    cancelled = event is Event.CLOSED and order.state is State.CANCELLED
    report = {
        "e": "executionReport",
        "E": now_ms,
        "s": request.instrument.symbol,
        "c": request.client_id,
        "S": render.side(order),
        "o": request.wire["type"],
        "f": request.wire["timeInForce"],
        "q": padded(order.executed if request.quantity is None else request.quantity),
        "p": padded(request.limit or ZERO),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": request.client_id if cancelled else "",
        "x": _execution(order, event),
        "X": _status(order, event),
        "r": "NONE",
        "i": order.number,
        "l": padded(fill.quantity if fill else ZERO),
        "z": padded(order.executed),
        "L": padded(fill.price if fill else ZERO),
        "n": padded(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": fill.at_ms if fill else order.updated_ms,
        "t": fill.number if fill else -1,
        "I": now_ms,
        "w": order.state is State.OPEN,
        "m": fill.maker if fill else False,
        "M": False,
        "O": order.created_ms,
        "Z": padded(order.funds),
        "Y": padded(fill.funds if fill else ZERO),
        "Q": padded(request.budget or ZERO),
        "W": order.created_ms,
        "V": "NONE",
    }
    if order.state is State.EXPIRED:
        report["eR"] = 1
    return report


def _execution(order: Order, event: Event) -> str:
    if event is Event.CLOSED:
        return "CANCELED" if order.state is State.CANCELLED else "EXPIRED"
    return "NEW" if event is Event.ACCEPTED else "TRADE"


def _status(order: Order, event: Event) -> str:
    if event is Event.ACCEPTED:
        return "NEW"
    return render.order_status(order)


def account_position(accounts: Accounts, assets: list[str], now_ms: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [{"a": a, "f": padded(accounts[a].free), "l": padded(accounts[a].locked)} for a in assets],
    }


def balance_update(asset: str, delta: Decimal, now_ms: int) -> dict[str, Any]:
    return {"e": "balanceUpdate", "E": now_ms, "a": asset, "d": padded(delta), "T": now_ms}
