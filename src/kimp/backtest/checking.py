"""Whether market data can be trusted: gaps, rows told twice, rows known before their time, venues out of step."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from kimp.backtest.catalogue import Catalogue, DayFile
from kimp.backtest.kinds import SHAPES, DataKind
from kimp.backtest.steps import OutOfStep, out_of_step
from kimp.domain.durations import DAY_MS, MINUTE_MS
from kimp.domain.venues import PAIR, Venue


@dataclass(frozen=True, slots=True)
class Stock:
    """What the catalogue has of one kind from one venue."""

    kind: DataKind
    venue: Venue
    first: date
    last: date
    days: int
    """That have a file; between first and last there may be others."""
    coins: int
    rows: int
    bytes: int


@dataclass(slots=True)
class Coverage:
    """Of one market. Times in epoch milliseconds."""

    kind: DataKind
    venue: Venue
    coin: str
    first_ms: int
    last_ms: int
    rows: int = 0
    twice: int = 0
    """Rows that have the key of another."""
    early: int = 0
    """Rows that claim to be known before they can be: a candle before its close, a day that is not the file's."""
    wanted: int = 0
    """Candles that the time from first to last has room for."""
    longest_gap_s: int = 0
    gap_from_ms: int = 0

    @property
    def share(self) -> float | None:
        """Of the candles that there could be. A venue makes none for a minute without a trade."""
        return self.rows / self.wanted if self.wanted else None

    @property
    def sound(self) -> bool:
        return not (self.twice or self.early)


@dataclass(frozen=True, slots=True)
class Checked:
    markets: list[Coverage]
    out_of_step: list[OutOfStep]

    @property
    def sound(self) -> bool:
        return not self.out_of_step and all(market.sound for market in self.markets)


def listed(catalogue: Catalogue) -> list[Stock]:
    """Read from what the files say of themselves: their rows are not looked at."""
    files: dict[tuple[DataKind, Venue], list[DayFile]] = {}
    for file in catalogue.files():
        files.setdefault((file.kind, file.venue), []).append(file)
    return [_stock(kind, venue, days) for (kind, venue), days in files.items()]


def _stock(kind: DataKind, venue: Venue, files: list[DayFile]) -> Stock:
    scanned = pl.scan_parquet([file.path for file in files])
    coins, rows = scanned.select(pl.col("coin").n_unique(), rows=pl.len()).collect().row(0)
    size = sum(file.path.stat().st_size for file in files)
    return Stock(kind, venue, files[0].day, files[-1].day, len(files), coins, rows, size)


def check_catalogue(catalogue: Catalogue) -> Checked:
    """Every row, a day at a time."""
    markets: dict[tuple[DataKind, Venue, str], Coverage] = {}
    for file in catalogue.files():
        for coverage in _of_day(file):
            key = (file.kind, file.venue, coverage.coin)
            if key in markets:
                _extend(markets[key], coverage)
            else:
                markets[key] = coverage
    return Checked(list(markets.values()), list(_steps(catalogue)))


def _of_day(file: DayFile) -> Iterator[Coverage]:
    rows = file.read()
    day_ms = int(datetime.combine(file.day, datetime.min.time(), UTC).timestamp() * 1000)
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    candles = file.kind is DataKind.CANDLES
    length = pl.col("length_s").cast(pl.Int64) * 1000 if candles else pl.lit(0)
    early = ~pl.col("at_ms").is_between(day_ms, day_ms + DAY_MS - 1) | (pl.col("at_ms") > now_ms)
    if candles:
        early |= pl.col("at_ms") % length != 0  # every venue's candles end at whole lengths
    found = (
        rows.sort("coin", "at_ms")
        .with_columns(gap=pl.col("at_ms").diff().over("coin").fill_null(0), length=length)
        .group_by("coin", maintain_order=True)
        .agg(
            first=pl.col("at_ms").min(),
            last=pl.col("at_ms").max(),
            rows=pl.len(),
            once=pl.struct(*SHAPES[file.kind].key).n_unique(),
            early=early.sum(),
            length=pl.col("length").min(),
            gap=pl.col("gap").max(),
            gap_from=(pl.col("at_ms") - pl.col("gap")).get(pl.col("gap").arg_max()),
        )
    )
    for row in found.iter_rows(named=True):
        length_ms = row["length"]
        yield Coverage(
            file.kind, file.venue, row["coin"], row["first"], row["last"], row["rows"],
            row["rows"] - row["once"], row["early"],
            (row["last"] - row["first"]) // length_ms + 1 if length_ms else 0,
            row["gap"] // 1000, row["gap_from"],
        )  # fmt: skip


def _extend(so_far: Coverage, day: Coverage) -> None:
    """By the next day's."""
    between_s = (day.first_ms - so_far.last_ms) // 1000
    for gap_s, from_ms in ((between_s, so_far.last_ms), (day.longest_gap_s, day.gap_from_ms)):
        if gap_s > so_far.longest_gap_s:
            so_far.longest_gap_s, so_far.gap_from_ms = gap_s, from_ms
    if day.wanted:
        per_row_ms = (day.last_ms - day.first_ms) // max(day.wanted - 1, 1)
        so_far.wanted += day.wanted + (max(between_s * 1000 // per_row_ms - 1, 0) if per_row_ms else 0)
    so_far.last_ms = day.last_ms
    so_far.rows += day.rows
    so_far.twice += day.twice
    so_far.early += day.early


def _steps(catalogue: Catalogue) -> Iterator[OutOfStep]:
    """Days on which both venues have candles, or trades to make them of."""
    files = {
        venue: {file.day for kind in (DataKind.CANDLES, DataKind.TRADES) for file in catalogue.files(kind, venue)}
        for venue in PAIR
    }
    for day in sorted(files[PAIR.won] & files[PAIR.dollars]):
        won, dollars = (_candles_of(catalogue, venue, day) for venue in PAIR)
        if won is not None and dollars is not None:
            yield from out_of_step(day, won, dollars)


def _candles_of(catalogue: Catalogue, venue: Venue, day: date) -> pl.DataFrame | None:
    """`at_ms`, `coin`, `length_s` and `close`; made of trades where the venue's own are not there."""
    candles = catalogue.day(DataKind.CANDLES, venue, day)
    if candles is not None:
        return candles
    trades = catalogue.day(DataKind.TRADES, venue, day)
    if trades is None:
        return None
    return (
        trades.sort("at_ms", maintain_order=True)
        .group_by("coin", (pl.col("at_ms") // MINUTE_MS + 1) * MINUTE_MS, maintain_order=True)
        .agg(close=pl.col("price").last(), length_s=pl.lit(MINUTE_MS // 1000))
    )
