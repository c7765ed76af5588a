"""A backtest takes no more memory for more days: measured in processes of their own, as a process's peak only grows."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import MINUTE_MS, START_MS

from kimp.backtest.catalogue import EPOCH, Catalogue
from kimp.backtest.kinds import DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.venues import PAIR

COINS = 60
"""With a price a minute: a day has 86,400 instants x coins."""
RUN = """
import resource, sys
from pathlib import Path
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.request import EVERY, BacktestRequest, options_of
from kimp.backtest.running import Backtest
from kimp.config import Settings

result = Backtest(Catalogue(Path(sys.argv[1])), options_of(Settings(), BacktestRequest(coins=EVERY))).run()
print(result.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """Eight days that are alike."""
    catalogue = Catalogue(tmp_path)
    times = pl.DataFrame({"at_ms": range(START_MS, START_MS + DAY_MS, MINUTE_MS)})
    for venue in PAIR:
        won = venue is PAIR.won
        names = [f"C{number:02}" for number in range(COINS)] + (["USDT"] if won else [])
        prices = ["28000" if won else "20.0001"] * COINS + (["1400"] if won else [])
        day = times.join(pl.DataFrame({"coin": names, "price": prices}), how="cross")
        for number in range(8):
            rows = day.with_columns(pl.col("at_ms") + number * DAY_MS, turnover=pl.lit(None, pl.String))
            catalogue.write(DataKind.PRICES, venue, rows)
    return tmp_path


def measured(market: Path) -> tuple[int, int]:
    """Rows that were read, and the most memory in KiB."""
    reported = subprocess.run([sys.executable, "-c", RUN, str(market)], capture_output=True, check=True, text=True)
    rows, memory = reported.stdout.split()
    return int(rows), int(memory)


def test_eight_days_take_as_much_memory_as_two(market: Path) -> None:
    eight = measured(market)
    for venue in PAIR:
        for number in range(2, 8):
            day = EPOCH + timedelta(days=START_MS // DAY_MS + number)
            (market / DataKind.PRICES / venue / f"{day}.parquet").unlink()
    two = measured(market)
    assert eight[0] == 4 * two[0]
    assert eight[1] < 1.15 * two[1], f"{two[1] >> 10} MB for two days, {eight[1] >> 10} MB for eight"
