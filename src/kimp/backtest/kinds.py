"""What is kept of a market, and in which columns. Every row says when it became known: nothing is used before that."""

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from kimp.domain.errors import BadInput

AMOUNT = pl.Decimal(38, 12)
"""Exact, with as many decimals as any venue quotes."""


class BadData(BadInput):
    """Market data that can't be used; the text says where and how to mend it."""


class DataKind(StrEnum):
    CANDLES = "candles"
    TRADES = "trades"
    PRICES = "prices"
    """Last prices, seen at some moment."""
    BOOKS = "books"
    """Tops of books, with the levels behind them as text (`kimp.domain.depth`)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a kind, and which of them tell one row from another."""

    columns: dict[str, pl.DataType]
    key: tuple[str, ...]

    @property
    def schema(self) -> pl.Schema:
        return pl.Schema(self.columns)


_KNOWN: dict[str, pl.DataType] = {"at_ms": pl.Int64(), "coin": pl.String()}
"""`at_ms`: when the row became known, epoch milliseconds; a candle at its close, a trade when it was made: a recorder
hears of it some hundredths of a second later, and the instants of a backtest are the ends of whole seconds.
"""
SHAPES = {
    DataKind.CANDLES: Shape(
        _KNOWN
        | {"length_s": pl.Int32(), "open": AMOUNT, "high": AMOUNT, "low": AMOUNT, "close": AMOUNT, "volume": AMOUNT},
        ("at_ms", "coin", "length_s"),
    ),
    # `nth`: of trades that are equal in all else; two such are two trades.
    DataKind.TRADES: Shape(
        _KNOWN | {"price": AMOUNT, "quantity": AMOUNT, "nth": pl.Int32()},
        ("at_ms", "coin", "price", "quantity", "nth"),
    ),
    # `turnover`: of the last 24 hours in the venue's cash, where it was told.
    DataKind.PRICES: Shape(_KNOWN | {"price": AMOUNT, "turnover": AMOUNT}, ("at_ms", "coin")),
    DataKind.BOOKS: Shape(
        _KNOWN
        | {
            "bid": AMOUNT,
            "bid_size": AMOUNT,
            "ask": AMOUNT,
            "ask_size": AMOUNT,
            "bids_behind": pl.String(),
            "asks_behind": pl.String(),
        },
        ("at_ms", "coin"),
    ),
}
