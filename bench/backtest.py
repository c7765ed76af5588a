"""`python -m bench.backtest`: candles a second beside freqtrade and nautilus_trader, by the same files, one by one.

Neither is a package of kimp's, so name a Python that has one, beside pyarrow and pandas, that of nautilus_trader older
than 3: --freqtrade .../bin/python --nautilus .../bin/python. All
three read what they are given from files and replay ten days of twenty coins, candles of a minute: kimp and
nautilus_trader both venues, freqtrade, which knows one venue at a time, Binance's. freqtrade is kept from asking an
exchange for its markets. On a shared machine CPU seconds say more than seconds.
"""

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import DataKind
from kimp.backtest.request import EVERY, BacktestRequest, options_of
from kimp.backtest.running import Backtest
from kimp.config import Settings
from kimp.domain.venues import PAIR, Venue

COINS, DAYS = 20, 10
START_MS, MINUTE_MS = 1_756_684_800_000, 60_000
RIVALS = Path(__file__).parent / "rivals"
Measured = tuple[str, int, float, float]
"""Name, candles, seconds, CPU seconds."""


def made(root: Path) -> Catalogue:
    """Prices that wander, and premiums that come back to zero and jump a little over one percent now and then."""
    catalogue, chance, minutes = Catalogue(root), random.Random(7), DAYS * 1440
    rates = [1400 + round(3 * chance.gauss(0, 1)) for _ in range(minutes)]
    _write(catalogue, PAIR.won, "USDT", rates, 9_000_000)
    for number in range(COINS):
        price, premium, won, dollars = chance.uniform(1, 300), 0.0, [], []
        for rate in rates:
            price *= 1 + chance.gauss(0, 0.0006)
            jump = chance.choice((-0.012, 0.012)) if chance.random() < 0.00003 else 0.0
            premium = premium * 0.97 + chance.gauss(0, 0.0004) + jump
            dear = price * rate * (1 + premium)
            dollars.append(round(price, 4))
            won.append(round(dear, 0 if dear > 1000 else 1))
        for venue, prices in zip(PAIR, (won, dollars), strict=True):
            _write(catalogue, venue, f"C{number:02}", prices, 50_000)
    return catalogue


def _write(catalogue: Catalogue, venue: Venue, coin: str, prices: Sequence[float], volume: int) -> None:
    texts = [f"{price}" for price in prices]
    rows = {"at_ms": [START_MS + MINUTE_MS * (place + 1) for place in range(len(texts))]}
    frame = pl.DataFrame(rows | dict.fromkeys(("open", "high", "low", "close"), texts))
    extra = {"coin": pl.lit(coin), "length_s": pl.lit(60), "volume": pl.lit(f"{volume}")}
    catalogue.write(DataKind.CANDLES, venue, frame.with_columns(**extra))


def ours(catalogue: Catalogue) -> Measured:
    started, cpu = time.perf_counter(), time.process_time()
    result = Backtest(catalogue, options_of(Settings(), BacktestRequest(coins=EVERY))).run()
    return "kimp", result.rows, time.perf_counter() - started, time.process_time() - cpu


def rival(name: str, python: str, root: Path, work: Path) -> Measured:
    script = (RIVALS / f"{name}.py.txt").read_text()
    ran = subprocess.run(
        [python, "-c", script, str(root), str(work)], capture_output=True, check=False, text=True, timeout=1200
    )
    if ran.returncode:
        raise SystemExit(
            f"{name} by {python} ends with {ran.returncode}: {(ran.stderr.strip().splitlines() or [''])[-1]}"
        )
    rows, seconds, cpu = ran.stdout.strip().splitlines()[-1].split()
    return name, int(rows), float(seconds), float(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.backtest")
    parser.add_argument("--freqtrade", help="a Python that has it")
    parser.add_argument("--nautilus", help="a Python that has it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalogue = made(folder / "market")
        measured = [ours(catalogue)]
        for other in ("nautilus", "freqtrade"):
            if (python := getattr(asked, other)) is not None:
                (folder / other).mkdir()
                measured.append(rival(other, python, folder / "market", folder / other))
    table = Table("what", "candles", "s", "CPU s", "candles a CPU second", "kimp's are")
    per_second = [rows / cpu for _, rows, _, cpu in measured]
    for (what, rows, seconds, cpu), rate in zip(measured, per_second, strict=True):
        table.add_row(
            what, f"{rows:,}", f"{seconds:.1f}", f"{cpu:.1f}", f"{rate:,.0f}", f"{per_second[0] / rate:.1f} x"
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
