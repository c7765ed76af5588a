"""Candles and trades from the venues' own public pages into the catalogue, a day after the other, none twice.

Beside each venue's rows a list says which coin's days are whole, so that a download that was ended goes on where it
stopped. A day that is not over is fetched as far as it goes, and again the next time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from kimp.backtest.catalogue import EPOCH, Catalogue, Written
from kimp.backtest.kinds import SHAPES, DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import NotFound
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.history import MarketHistory, is_amount

MINUTE_S = 60
LIST = "downloaded.txt"
PRICES = frozenset({"open", "high", "low", "close", "price"})
MOST_ROWS = 1_000_000
"""That wait to be written, and at most a coin's day more."""
ProgressCallback = Callable[[int], None]
"""Told how many coins' days more are done."""
_Row = tuple[object, ...]
_Fetched = tuple[pl.DataFrame, int]
"""Rows, and how many of them were left out."""


@dataclass
class Downloaded:
    """What became of it on one venue."""

    venue: Venue
    kind: DataKind
    written: Written = field(default_factory=Written)
    there: int = 0
    """Coins' days that were whole already."""
    too_old: int = 0
    """Coins' days of which the venue tells nothing any more."""
    left_out: int = 0
    """Rows with a number that no market has."""
    missing: list[Asset] = field(default_factory=list)
    """Coins without a market there."""


async def download(
    history: MarketHistory,
    kind: DataKind,
    catalogue: Catalogue,
    coins: Sequence[Asset],
    days: tuple[date, date],
    clock: Clock,
    progress: ProgressCallback,
) -> Downloaded:
    """Candles or trades, the first and the last of `days` included. Raises a venue error once the venue stays away."""
    done = Downloaded(history.venue, kind)
    batch = _Batch(catalogue, done)
    for day in _each(*days):
        now_ms = clock.now_ms()
        start_ms = (day - EPOCH).days * DAY_MS
        if start_ms < _oldest_ms(history, kind, now_ms):
            done.too_old += len(coins)
            progress(len(coins))
            continue
        wanted = [coin for coin in coins if not batch.has(coin, day) and coin not in done.missing]
        done.there += len(coins) - len(wanted) - len(done.missing)
        progress(len(coins) - len(wanted))
        for coin in wanted:
            try:
                rows, left_out = await _FETCH[kind](history, coin, start_ms, min(start_ms + DAY_MS, now_ms))
            except NotFound:
                done.missing.append(coin)
            else:
                done.left_out += left_out
                batch.add(rows, coin, day, whole=start_ms + DAY_MS <= now_ms)
            progress(1)
        batch.write()
    return done


def _oldest_ms(history: MarketHistory, kind: DataKind, now_ms: int) -> int:
    if kind is not DataKind.TRADES or history.trade_days is None:
        return 0
    return (now_ms // DAY_MS - history.trade_days) * DAY_MS


def _each(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


async def _candles(history: MarketHistory, coin: Asset, start_ms: int, end_ms: int) -> _Fetched:
    """Those that are closed. A candle is known at its close, which is in the next day for the last one of a day."""
    reported = await history.minutes(coin, start_ms, end_ms)
    closed = [candle for candle in reported if candle.open_ms + MINUTE_S * 1000 <= end_ms]
    rows = [
        (c.open_ms + MINUTE_S * 1000, coin, MINUTE_S, c.open, c.high, c.low, c.close, c.volume)
        for c in closed
        if all(map(_is_price, (c.open, c.high, c.low, c.close))) and is_amount(c.volume)
    ]
    return _frame(rows, DataKind.CANDLES), len(closed) - len(rows)


async def _trades(history: MarketHistory, coin: Asset, start_ms: int, end_ms: int) -> _Fetched:
    """In a frame, page by page: as objects a busy day would fill the memory."""
    parts, left_out = [_frame([], DataKind.TRADES)], 0
    async for page in history.trades(coin, start_ms, end_ms):
        rows = [
            (trade.at_ms, coin, trade.price, trade.quantity, 0)
            for trade in page
            if _is_price(trade.price) and is_amount(trade.quantity)
        ]
        parts.append(_frame(rows, DataKind.TRADES))
        left_out += len(page) - len(rows)
    nth = pl.int_range(pl.len(), dtype=pl.Int32).over("at_ms", "price", "quantity")
    return pl.concat(parts).sort("at_ms", maintain_order=True).with_columns(nth=nth), left_out


def _is_price(number: Decimal) -> bool:
    return is_amount(number) and number > 0


def _frame(rows: Sequence[_Row], kind: DataKind) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SHAPES[kind].schema, orient="row")


_FETCH = {DataKind.CANDLES: _candles, DataKind.TRADES: _trades}


class _Batch:
    """What was fetched and is not written yet, and which coins' days are whole by it."""

    def __init__(self, catalogue: Catalogue, done: Downloaded) -> None:
        self._catalogue = catalogue
        self._done = done
        self._list = _List(catalogue.root / done.kind / done.venue / LIST)
        self._frames: list[pl.DataFrame] = []
        self._whole: list[tuple[Asset, date]] = []

    def has(self, coin: Asset, day: date) -> bool:
        return (coin, day) in self._list

    def add(self, rows: pl.DataFrame, coin: Asset, day: date, *, whole: bool) -> None:
        self._frames.append(rows)
        if whole:
            self._whole.append((coin, day))
        if sum(frame.height for frame in self._frames) >= MOST_ROWS:
            self.write()

    def write(self) -> None:
        if any(frame.height for frame in self._frames):
            self._done.written += self._catalogue.write(self._done.kind, self._done.venue, pl.concat(self._frames))
        if self._whole:
            self._list.add(self._whole)
        self._frames, self._whole = [], []


class _List:
    """Which coin's days are whole: a line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._whole = set(lines)

    def __contains__(self, one: tuple[Asset, date]) -> bool:
        return self._line(*one) in self._whole

    def add(self, ones: Iterable[tuple[Asset, date]]) -> None:
        """After the rows were written: what is lost in between is fetched twice, never taken for whole."""
        lines = [self._line(*one) for one in ones]
        self._whole.update(lines)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    @staticmethod
    def _line(coin: Asset, day: date) -> str:
        return f"{day} {coin}"
