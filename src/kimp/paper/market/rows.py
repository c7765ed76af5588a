"""What one row of recorded prices says. Raises ValueError with the words of what is wrong."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.amounts import ZERO, number
from kimp.paper.market.table import quoted

CANDLE = frozenset({"timestamp_utc", "exchange", "symbol", "open", "high", "low", "close", "volume"})
TICK = frozenset({"timestamp_utc", "exchange", "symbol", "price", "qty"})
SNAPSHOT = frozenset({"snapshot_ms", "timestamp_utc", "exchange", "symbol", "price"})
DAILY = frozenset({"date", "upbit_krw_usdt_close"})
BOOK = frozenset({"side", "level"})
DAY_MS = 86_400_000
MOST = Decimal("1e15")
"""Of a price or a quantity. The dearest coin costs some 1e8 won, and 1e15 of the cheapest are more than there are."""
FIRST_YEAR = 2009
"""No coin is older."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII | re.IGNORECASE
)
PER_MS = {10: Decimal(1000), 13: Decimal(1), 16: Decimal("1e-3"), 19: Decimal("1e-6")}
"""Digits of a Unix time of these decades -> how many milliseconds one unit is: s, ms, us, ns."""


@dataclass(frozen=True, slots=True)
class RecordedPrice:
    """A price that became known at `at_ms`; `quantity` None where the record is no trade of its own."""

    at_ms: int
    venue: Venue
    coin: str
    price: Decimal
    quantity: Decimal | None


Fields = Mapping[str, str]
MarketKey = tuple[Venue, str]
Parse = Callable[[Fields, MarketKey], RecordedPrice]


def candle(row: Fields, market: MarketKey) -> RecordedPrice:
    """At its opening; `candles` knows when it closed."""
    return RecordedPrice(utc_ms(row, "timestamp_utc"), *market, _price(row, "close"), _quantity(row, "volume"))


def tick(row: Fields, market: MarketKey) -> RecordedPrice:
    return RecordedPrice(utc_ms(row, "timestamp_utc"), *market, _price(row, "price"), _quantity(row, "qty"))


def snapshot(row: Fields, market: MarketKey) -> RecordedPrice:
    return RecordedPrice(utc_ms(row, "snapshot_ms"), *market, _price(row, "price"), None)


def daily(row: Fields, market: MarketKey) -> RecordedPrice:
    """The close of a day is known when the next one begins."""
    return RecordedPrice(utc_ms(row, "date") + DAY_MS, *market, _price(row, "upbit_krw_usdt_close"), None)


def parser(columns: frozenset[str]) -> Parse | None:
    """None: no file of prices has such a header."""
    if columns >= BOOK:
        return None  # levels of a book have price and quantity too, and are no trades
    kinds = ((CANDLE, candle), (TICK, tick), (SNAPSHOT, snapshot), (DAILY, daily))
    return next((parse for wanted, parse in kinds if wanted <= columns), None)


def utc_ms(row: Fields, column: str) -> int:
    """An ISO time, UTC where it names no zone, or a Unix time by the number of its digits: what a library would guess
    from other texts is another time.
    """
    text = row[column].strip()
    if text.isascii() and text.isdigit():
        unit = PER_MS.get(len(text))
        if unit is None:
            raise ValueError(f"{column}: {quoted(text)} is neither an ISO time nor a Unix time in s, ms, us or ns")
        return _checked(int(int(text) * unit), column, text)
    try:
        moment = datetime.fromisoformat(text.upper()) if ISO.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(f"{column}: {quoted(text)} is not an ISO time, e.g. 2025-09-01T00:00:00Z")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _checked((moment - EPOCH) // timedelta(milliseconds=1), column, text)


def _checked(at_ms: int, column: str, text: str) -> int:
    last = datetime.now(UTC).year + 1
    year = (EPOCH + timedelta(milliseconds=at_ms)).year
    if not FIRST_YEAR <= year <= last:
        raise ValueError(f"{column}: {quoted(text)} is of the year {year}, where {FIRST_YEAR} to {last} can be right")
    return at_ms


def _price(row: Fields, column: str) -> Decimal:
    value = _amount(row, column)
    if value <= ZERO:
        raise ValueError(f"{column} is {quoted(row[column])}; a price is above zero")
    return value


def _quantity(row: Fields, column: str) -> Decimal:
    value = _amount(row, column)
    if value < ZERO:
        raise ValueError(f"{column} is {quoted(row[column])}; a quantity is not negative")
    return value


def _amount(row: Fields, column: str) -> Decimal:
    try:
        value = number(row[column].strip())
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    if value > MOST:
        raise ValueError(f"{column} is {quoted(row[column])}, more than any market has")
    return value
