"""Upbit's WebSocket messages in their four formats. docs.upbit.com: websocket-orderbook, -trade, -ticker."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from kimp.domain.market import Side
from kimp.paper.amounts import ZERO, exact, ratio
from kimp.paper.book import Book
from kimp.paper.instruments import PaperInstrument
from kimp.paper.tape import NumberedPrint, Tape
from kimp.paper.upbit.rest_market import change_word

FORMATS = ("DEFAULT", "SIMPLE", "JSON_LIST", "SIMPLE_LIST")
Field = tuple[str, str, Any]
"""Long name, short name, value."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


def frame(fields: Iterable[Field], style: str) -> bytes:
    """The bytes of one message, with the names of that format."""
    message = named(fields, style)
    return _encode([message] if style.endswith("_LIST") else message)


def named(fields: Iterable[Field], style: str) -> dict[str, Any]:
    short = style.startswith("SIMPLE")
    return {(brief if short else long): value for long, brief, value in fields}


@exact
def orderbook(book: Book, depth: int, style: str, now_ms: int, kind: str) -> bytes:
    asks, bids = book.levels(Side.BUY, depth), book.levels(Side.SELL, depth)
    units = [
        named(
            (
                ("ask_price", "ap", ask.price),
                ("bid_price", "bp", bid.price),
                ("ask_size", "as", ask.quantity),
                ("bid_size", "bs", bid.quantity),
            ),
            style,
        )
        for ask, bid in zip(asks, bids, strict=False)
    ]
    fields: tuple[Field, ...] = (
        ("type", "ty", "orderbook"),
        ("code", "cd", book.instrument.symbol),
        ("timestamp", "tms", now_ms),
        ("total_ask_size", "tas", sum((level.quantity for level in asks), ZERO)),
        ("total_bid_size", "tbs", sum((level.quantity for level in bids), ZERO)),
        ("orderbook_units", "obu", units),
        ("stream_type", "st", kind),
        ("level", "lv", 0),
    )
    return frame(fields, style)


def trade(instrument: PaperInstrument, printed: NumberedPrint, book: Book, tape: Tape, style: str, kind: str) -> bytes:
    moment = datetime.fromtimestamp(printed.at_ms / 1000, UTC)
    asks, bids = book.levels(Side.BUY, 1), book.levels(Side.SELL, 1)
    fields: tuple[Field, ...] = (
        ("type", "ty", "trade"),
        ("code", "cd", instrument.symbol),
        ("timestamp", "tms", printed.at_ms),
        ("trade_date", "td", f"{moment:%Y-%m-%d}"),
        ("trade_time", "ttm", f"{moment:%H:%M:%S}"),
        ("trade_timestamp", "ttms", printed.at_ms),
        ("trade_price", "tp", printed.trade.price),
        ("trade_volume", "tv", printed.trade.quantity),
        ("ask_bid", "ab", _ask_bid(printed.trade.taker)),
        ("prev_closing_price", "pcp", tape.open),
        ("change", "c", change_word(tape)),
        ("change_price", "cp", abs(tape.change)),
        ("sequential_id", "sid", printed.at_ms * 10_000 + printed.number % 10_000),
        ("best_ask_price", "bap", asks[0].price if asks else ZERO),
        ("best_ask_size", "bas", asks[0].quantity if asks else ZERO),
        ("best_bid_price", "bbp", bids[0].price if bids else ZERO),
        ("best_bid_size", "bbs", bids[0].quantity if bids else ZERO),
        ("stream_type", "st", kind),
    )
    return frame(fields, style)


def ticker(instrument: PaperInstrument, tape: Tape, style: str, now_ms: int, kind: str) -> bytes:
    moment = datetime.fromtimestamp((tape.last_ms or now_ms) / 1000, UTC)
    rate = ratio(tape.change, tape.open)
    fields: tuple[Field, ...] = (
        ("type", "ty", "ticker"),
        ("code", "cd", instrument.symbol),
        ("opening_price", "op", tape.open),
        ("high_price", "hp", tape.high),
        ("low_price", "lp", tape.low),
        ("trade_price", "tp", tape.last),
        ("prev_closing_price", "pcp", tape.open),
        ("acc_trade_price", "atp", tape.quote_volume),
        ("change", "c", change_word(tape)),
        ("change_price", "cp", abs(tape.change)),
        ("signed_change_price", "scp", tape.change),
        ("change_rate", "cr", abs(rate)),
        ("signed_change_rate", "scr", rate),
        ("ask_bid", "ab", _ask_bid(tape.taker)),
        ("trade_volume", "tv", tape.prints[-1].trade.quantity if tape.prints else ZERO),
        ("acc_trade_volume", "atv", tape.base_volume),
        ("trade_date", "tdt", f"{moment:%Y%m%d}"),
        ("trade_time", "ttm", f"{moment:%H%M%S}"),
        ("trade_timestamp", "ttms", tape.last_ms or now_ms),
        ("market_state", "ms", "ACTIVE"),
        ("is_trading_suspended", "its", False),
        ("delisting_date", "dd", None),
        ("market_warning", "mw", "NONE"),
        ("timestamp", "tms", now_ms),
        ("acc_trade_price_24h", "atp24h", tape.day_quote_volume),
        ("acc_trade_volume_24h", "atv24h", tape.day_base_volume),
        ("stream_type", "st", kind),
    )
    return frame(fields, style)


def _ask_bid(taker: Side) -> str:
    return "BID" if taker is Side.BUY else "ASK"
