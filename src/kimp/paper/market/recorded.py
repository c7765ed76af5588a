"""Reading recorded prices. Every unusable row is one BadMarketData that names file and line and says what to mend."""

import csv
import gzip
import io
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TextIO

from kimp.domain.market import Venue
from kimp.paper.amounts import ZERO, BadNumber, number
from kimp.paper.instruments import KRW, USDT
from kimp.paper.market.source import BadMarketData

CANDLE = frozenset({"timestamp_utc", "exchange", "symbol", "open", "high", "low", "close", "volume"})
TICK = frozenset({"timestamp_utc", "exchange", "symbol", "price", "qty"})
SNAPSHOT = frozenset({"snapshot_ms", "timestamp_utc", "exchange", "symbol", "price"})
DAILY = frozenset({"date", "upbit_krw_usdt_close"})
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A price that became known at `at_ms`; `quantity` None where the record is no trade of its own."""

    at_ms: int
    venue: Venue
    coin: str
    price: Decimal
    quantity: Decimal | None


Row = Mapping[str, str]
Market = tuple[Venue, str]
Parse = Callable[[Row, Market], Recorded]


def read(path: Path, coins: Container[str]) -> list[Recorded]:
    """The rows of these coins on Upbit's won markets and Binance's USDT spot markets, in order of time.

    All other rows are left out unread, so what is wrong in them does no harm.
    """
    with _opened(path) as stream:
        reader = csv.DictReader(stream)
        parse = _parser(path, frozenset(reader.fieldnames or ()))
        rows = [row for line, raw in enumerate(reader, start=2) for row in _parsed(path, line, raw, parse, coins)]
    if parse is _candle:
        rows = _at_close(path, rows)
    rows.sort(key=lambda row: row.at_ms)
    return rows


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Also turns the errors of reading, which come late, into one line."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as raw:
            yield io.TextIOWrapper(raw, "utf-8", newline="")
    except OSError as error:
        raise BadMarketData(f"{path}: cannot be read ({error}); mend the path or the file") from None
    except (EOFError, UnicodeDecodeError, csv.Error) as error:
        raise BadMarketData(f"{path}: is damaged ({error}); fetch it again") from None


def _parser(path: Path, header: frozenset[str]) -> Parse:
    for columns, parse in ((CANDLE, _candle), (TICK, _tick), (SNAPSHOT, _snapshot), (DAILY, _daily)):
        if columns <= header:
            return parse
    raise BadMarketData(
        f"{path}:1: unknown columns {', '.join(sorted(header)) or '(none)'}; a file holds candles"
        " (timestamp_utc,exchange,symbol,open,high,low,close,volume), ticks (timestamp_utc,exchange,symbol,price,qty),"
        " snapshots (snapshot_ms,timestamp_utc,exchange,symbol,price) or daily rates (date,upbit_krw_usdt_close)"
    )


def _parsed(path: Path, line: int, raw: Row, parse: Parse, coins: Container[str]) -> Iterator[Recorded]:
    if None in raw.values():
        raise BadMarketData(f"{path}:{line}: too few columns; mend or remove the row")
    market = _market(raw)
    if market is None or market[1] not in coins:
        return
    try:
        row = parse(raw, market)
    except (BadNumber, ValueError, OverflowError) as error:
        raise BadMarketData(f"{path}:{line}: {error}; mend or remove the row") from None
    yield row


def _market(row: Row) -> Market | None:
    """Venue and coin; daily rates name neither and are KRW-USDT's."""
    exchange, symbol = row.get("exchange", Venue.UPBIT), row.get("symbol", f"{KRW}-{USDT}")
    if exchange == Venue.UPBIT and symbol.startswith(f"{KRW}-"):
        return Venue.UPBIT, symbol.removeprefix(f"{KRW}-")
    if exchange == Venue.BINANCE and symbol.endswith(USDT):
        return Venue.BINANCE, symbol.removesuffix(USDT)
    return None


def _candle(row: Row, market: Market) -> Recorded:
    return Recorded(_utc_ms(row["timestamp_utc"]), *market, _price(row, "close"), _quantity(row, "volume"))


def _tick(row: Row, market: Market) -> Recorded:
    return Recorded(_utc_ms(row["timestamp_utc"]), *market, _price(row, "price"), _quantity(row, "qty"))


def _snapshot(row: Row, market: Market) -> Recorded:
    return Recorded(int(row["snapshot_ms"]), *market, _price(row, "price"), None)


def _daily(row: Row, market: Market) -> Recorded:
    """The close of a day is known when the next one begins."""
    return Recorded(_utc_ms(row["date"]) + DAY_MS, *market, _price(row, "upbit_krw_usdt_close"), None)


def _utc_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an ISO time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _price(row: Row, column: str) -> Decimal:
    value = number(row[column])
    if value <= ZERO:
        raise ValueError(f"{column} is {row[column]!r}; a price is above zero")
    return value


def _quantity(row: Row, column: str) -> Decimal:
    value = number(row[column])
    if value < ZERO:
        raise ValueError(f"{column} is {row[column]!r}; a quantity is not negative")
    return value


def _at_close(path: Path, rows: list[Recorded]) -> list[Recorded]:
    """A candle bears the time of its opening; its last price is known one candle length later."""
    opens = sorted({row.at_ms for row in rows})
    if not opens:
        return []
    if len(opens) < 2:  # noqa: PLR2004 # a length needs two times
        raise BadMarketData(f"{path}: fewer than two candle times, so their length is unknown; add rows")
    length_ms = min(later - earlier for earlier, later in pairwise(opens))
    return [Recorded(r.at_ms + length_ms, r.venue, r.coin, r.price, r.quantity) for r in rows]
