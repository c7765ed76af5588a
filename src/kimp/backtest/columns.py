"""Which column of a table is what: names that exports of venues and tools give to the same thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kimp.backtest.kinds import BadData, DataKind

NAMES = {
    "time": (
        "candle_date_time_utc",  # beside it Upbit's `timestamp` is that of the last trade
        "timestamp_utc", "timestamp", "time", "datetime", "date", "open_time", "opentime", "open time",
        "open_timestamp", "date_utc", "time_utc", "ts", "t", "trade_time", "trade_timestamp", "unix", "epoch",
        "timestamp_ms", "time_ms", "snapshot_ms",
    ),
    "venue": ("exchange", "venue", "source_exchange"),
    "symbol": ("symbol", "market", "pair", "ticker", "instrument", "code", "coin"),
    "open": ("open", "o", "opening_price", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "v", "vol", "candle_acc_trade_volume", "base_volume", "volume_base"),
    "price": ("price", "p", "last", "last_price", "trade_price"),
    "quantity": ("qty", "quantity", "size", "amount", "q", "trade_volume"),
    "turnover": ("volume_24h_krw", "acc_trade_price_24h", "quote_volume_24h", "turnover_24h"),
}  # fmt: skip
DAILY = ("upbit_krw_usdt_close", "usd_krw_fx")
KLINES = ("open_time", "open", "high", "low", "close", "volume")
"""What Binance's own files hold, which have no header."""
MEANINGS = tuple(NAMES)
MOST_NAMED, LONGEST_NAME = 20, 40
"""Columns that a message names, and characters of each."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row each thing stands."""

    kind: DataKind
    places: Mapping[str, int]
    width: int
    """How many fields a row has."""
    has_header: bool


def recognise(
    where: str, header: Sequence[str], chosen: Mapping[str, str], kind: DataKind | None, venue: str | None
) -> Columns:
    """`chosen`: meaning -> the column's name, where somebody knows better. Raises BadData."""
    names = [name.strip().lower() for name in header]
    headless = all(_is_number(name) for name in names[: len(KLINES)]) and len(names) >= len(KLINES)
    if headless:
        names = [*KLINES, *(f"column {place}" for place in range(len(KLINES) + 1, len(names) + 1))]
    if refused := next((name for name in names if name in DAILY), None):
        raise BadData(
            f"{where}: {refused} is one price a day; against prices of the same instant it makes premiums that never"
            " were. Bring KRW-USDT by the minute, or run `kimp backtest --stand-in`"
        )
    places = _places(where, names, chosen)
    found = kind or _kind(where, places, names)
    if found is DataKind.CANDLES and "close" not in places and "price" in places:
        places["close"] = places["price"]  # Upbit's own candles call it trade_price
    wanted = {
        DataKind.CANDLES: ("open", "high", "low", "close", "volume"),
        DataKind.TRADES: ("price", "quantity"),
        DataKind.PRICES: ("price",),
        DataKind.BOOKS: (),
    }[found]
    if missing := [meaning for meaning in ("time", *wanted) if meaning not in places]:
        raise BadData(
            f"{where}: {found} need {', '.join(missing)}, which none of the columns {_shown(names)} is known"
            f" for; say which one it is, e.g. --column {missing[0]}=NAME"
        )
    if "venue" not in places and venue is None:
        raise BadData(f"{where}: no column names the venue; say --venue upbit or --venue binance")
    return Columns(found, places, len(names), has_header=not headless)


def _places(where: str, names: Sequence[str], chosen: Mapping[str, str]) -> dict[str, int]:
    places = {}
    for meaning, known in NAMES.items():
        wanted = (chosen[meaning].lower(),) if meaning in chosen else known
        found = next((name for name in wanted if name in names), None)
        if found is not None:
            places[meaning] = names.index(found)
        elif meaning in chosen:
            raise BadData(f"{where}: there is no column {chosen[meaning]!r}; there are {_shown(names)}")
    return places


def _kind(where: str, places: Mapping[str, int], names: Sequence[str]) -> DataKind:
    if {"open", "high", "low"} <= places.keys():
        return DataKind.CANDLES
    if {"side", "level"} <= set(names):
        raise BadData(f"{where}: single levels of books are not read; `kimp record` keeps books as they are needed")
    if "price" in places:
        return DataKind.TRADES if "quantity" in places else DataKind.PRICES
    raise BadData(
        f"{where}: unknown columns {_shown(names)}; a table holds candles (time, open, high, low,"
        " close, volume), trades (time, price, quantity) or prices (time, price)"
    )


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _shown(names: Sequence[str]) -> str:
    """For a message, which stays one line of some length whatever a file has in its first one."""
    return ", ".join(name[:LONGEST_NAME] for name in names[:MOST_NAMED]) or "(none)"
