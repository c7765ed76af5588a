"""What is wrong with market data shows before a backtest believes them."""

import math
from pathlib import Path

import polars as pl
import pytest

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.checking import Coverage, check_catalogue, listed
from kimp.backtest.kinds import BadData, DataKind
from kimp.domain.venues import PAIR, Venue

DAY = 1_756_684_800_000
MINUTE = 60_000


def candles(*at_ms: int, coin: str = "XRP", length_s: int = 60, close: float = 1.0) -> pl.DataFrame:
    prices = {name: [f"{close:.6f}"] * len(at_ms) for name in ("open", "high", "low", "close", "volume")}
    return pl.DataFrame({"at_ms": at_ms, "coin": coin, "length_s": length_s, **prices})


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path)


def only(catalogue: Catalogue) -> Coverage:
    (market,) = check_catalogue(catalogue).markets
    return market


def test_gaps_are_found_within_a_day_and_over_midnight(catalogue: Catalogue) -> None:
    minutes = [1, 2, 3, 10, 11, 1440 + 50, 1440 + 51]
    catalogue.write(DataKind.CANDLES, Venue.UPBIT, candles(*(DAY + n * MINUTE for n in minutes)))
    market = only(catalogue)
    assert (market.rows, market.wanted) == (7, 1440 + 51)
    assert (market.longest_gap_s, market.gap_from_ms) == ((1440 + 39) * 60, DAY + 11 * MINUTE)
    assert check_catalogue(catalogue).sound


def test_rows_of_another_time_are_found(catalogue: Catalogue) -> None:
    catalogue.write(DataKind.CANDLES, Venue.UPBIT, candles(DAY + MINUTE, DAY + 90_000))
    assert only(catalogue).early == 1
    assert not check_catalogue(catalogue).sound


def test_rows_that_somebody_wrote_twice_are_found(catalogue: Catalogue) -> None:
    catalogue.write(DataKind.CANDLES, Venue.UPBIT, candles(DAY + MINUTE))
    (file,) = catalogue.files()
    pl.concat([file.read(), file.read()]).write_parquet(file.path)
    assert only(catalogue).twice == 1


@pytest.mark.parametrize("late", [0, 1, 2])
def test_openings_that_were_taken_for_closes_are_found(catalogue: Catalogue, late: int) -> None:
    """One venue's rows are a candle late."""
    for venue in PAIR:
        shift = late if venue is PAIR.won else 0
        rows = [
            candles(DAY + (n + shift) * MINUTE, close=2 + math.sin(n * n) / 10 + (n % 3) / 1000) for n in range(1, 300)
        ]
        catalogue.write(DataKind.CANDLES, venue, pl.concat(rows))
    found = check_catalogue(catalogue).out_of_step
    assert [step.by_s for step in found] == ([60 * late] if late else [])


def trades(shift: int = 0) -> pl.DataFrame:
    """Two a minute, of which the later one closes it."""
    rows = [
        (DAY + (n + shift) * MINUTE + at, "XRP", f"{2 + math.sin(n * n) / 10 + (n % 3) / 1000 + off:.6f}", "1", 0)
        for n in range(300)
        for at, off in ((100, 0.3), (59_999, 0.0))
    ]
    return pl.DataFrame(rows, schema=["at_ms", "coin", "price", "quantity", "nth"], orient="row")


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("beside", [DataKind.CANDLES, DataKind.TRADES])
def test_trades_of_another_time_zone_are_found(catalogue: Catalogue, beside: DataKind, shift: int) -> None:
    """Here by a minute, against the other venue's trades and against its candles."""
    catalogue.write(DataKind.TRADES, PAIR.won, trades(shift))
    if beside is DataKind.TRADES:
        catalogue.write(DataKind.TRADES, PAIR.dollars, trades())
    else:
        rows = [candles(DAY + (n + 1) * MINUTE, close=2 + math.sin(n * n) / 10 + (n % 3) / 1000) for n in range(300)]
        catalogue.write(DataKind.CANDLES, PAIR.dollars, pl.concat(rows))
    found = check_catalogue(catalogue).out_of_step
    assert [step.by_s for step in found] == ([60] if shift else [])


def test_of_trades_gaps_and_rows_that_somebody_wrote_twice_are_found(catalogue: Catalogue) -> None:
    catalogue.write(DataKind.TRADES, Venue.UPBIT, trades())
    assert (only(catalogue).longest_gap_s, only(catalogue).share, only(catalogue).sound) == (59, None, True)
    (file,) = catalogue.files()
    pl.concat([file.read(), file.read()[:7]]).write_parquet(file.path)
    assert only(catalogue).twice == 7


def test_a_list_tells_what_there_is(catalogue: Catalogue) -> None:
    catalogue.write(DataKind.CANDLES, Venue.UPBIT, candles(DAY + MINUTE))
    catalogue.write(DataKind.CANDLES, Venue.UPBIT, candles(DAY + MINUTE, DAY + 3 * 1440 * MINUTE, coin="SOL"))
    (stock,) = listed(catalogue)
    assert (stock.days, stock.coins, stock.rows) == (2, 2, 3)


def test_strange_files_are_refused_in_one_line(catalogue: Catalogue) -> None:
    folder = catalogue.root / "candles" / "upbit"
    folder.mkdir(parents=True)
    (folder / "2025-09-01.parquet").write_bytes(b"no parquet")
    with pytest.raises(BadData, match=r"2025-09-01\.parquet: is no file of candles"):
        check_catalogue(catalogue)
    (folder / "2025-09-01.parquet").rename(folder / "monday.parquet")
    with pytest.raises(BadData, match="its name is no day"):
        check_catalogue(catalogue)
