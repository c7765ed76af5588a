"""Candles from the venues' own public pages into the catalogue, a day after the other; none is asked for twice.

Beside each venue's candles a list says which coin's days are whole, so that a download that was ended goes on where it
stopped. A day that is not over is fetched as far as it goes, and again the next time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from kimp.backtest.catalogue import EPOCH, Catalogue, Written
from kimp.backtest.kinds import SHAPES, DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import NotFound
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.clock import Clock
from kimp.ports.history import Candle, CandleHistory

MINUTE_S = 60
LIST = "downloaded.txt"
ProgressCallback = Callable[[int], None]
"""Told how many coins' days more are done."""


@dataclass
class Downloaded:
    """What became of it on one venue."""

    venue: Venue
    written: Written = field(default_factory=Written)
    there: int = 0
    """Coins' days that were whole already."""
    missing: list[Asset] = field(default_factory=list)
    """Coins without a market there."""


async def download(
    history: CandleHistory,
    catalogue: Catalogue,
    coins: Sequence[Asset],
    days: tuple[date, date],
    clock: Clock,
    progress: ProgressCallback,
) -> Downloaded:
    """The first and the last of `days` included. Raises a venue error once the venue stays away."""
    done = Downloaded(history.venue)
    kept = _List(catalogue.root / DataKind.CANDLES / history.venue / LIST)
    for day in _each(*days):
        now_ms = clock.now_ms()
        start_ms = (day - EPOCH).days * DAY_MS
        wanted = [coin for coin in coins if (coin, day) not in kept and coin not in done.missing]
        done.there += len(coins) - len(wanted) - len(done.missing)
        rows: list[tuple[Asset, Candle]] = []
        for coin in wanted:
            try:
                told = await history.minutes(coin, start_ms, min(start_ms + DAY_MS, now_ms))
            except NotFound:
                done.missing.append(coin)
                continue
            rows += [(coin, candle) for candle in told if candle.open_ms + MINUTE_S * 1000 <= now_ms]
            progress(1)
        progress(len(coins) - len(wanted))
        if rows:
            done.written += catalogue.write(DataKind.CANDLES, history.venue, _frame(rows))
        if start_ms + DAY_MS <= now_ms:
            kept.add((coin, day) for coin in wanted if coin not in done.missing)
    return done


def _each(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _frame(rows: Iterable[tuple[Asset, Candle]]) -> pl.DataFrame:
    """A candle is known at its close, which is in the next day for the last one of a day."""
    columns = list(SHAPES[DataKind.CANDLES].columns)
    return pl.DataFrame(
        [
            (
                candle.open_ms + MINUTE_S * 1000,
                coin,
                MINUTE_S,
                candle.open,
                candle.high,
                candle.low,
                candle.close,
                candle.volume,
            )
            for coin, candle in rows
        ],
        schema=SHAPES[DataKind.CANDLES].schema,
        orient="row",
    ).select(columns)


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
