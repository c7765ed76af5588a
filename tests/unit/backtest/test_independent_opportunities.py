"""The backtest against a script that knows nothing of it: the same opportunities with the same edges."""

import csv
import gzip
import random
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import MINUTE_MS, START_MS, options
from fakes.recorded_data import RECORDED_DATA

from kimp.backtest.account import BacktestAccount
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import DataKind
from kimp.backtest.moments import Moment
from kimp.backtest.options import Model
from kimp.backtest.running import Backtest
from kimp.domain.decision import Plan
from kimp.domain.modelled_book import BookShape
from kimp.domain.opportunity import Mode
from kimp.domain.venues import PAIR, Venue

SCRIPT = Path(__file__).parents[2] / "independent" / "opportunities.py"
DOLLARS = {"XRP": ("2.8000", 4), "SOL": ("205.00", 2), "ETH": ("4400.00", 2), "TRX": ("0.34000", 5)}
DEEP = Model(shape=BookShape(levels=1), level_krw=Decimal(10**12))
RECORDED = RECORDED_DATA / "snapshots_multi_20251204_20251206.csv.gz"
THRESHOLDS = ("0.004", "0.008")
Row = tuple[int, Venue, str, str]


def prices(seed: int) -> list[Row]:
    """Fifty minutes in which each coin's premium wanders within two percent, and jumps at times beyond the band."""
    chance, rows = random.Random(seed), []
    for minute in range(50):
        at_ms, rate = START_MS + minute * MINUTE_MS, chance.randint(1_395, 1_405)
        rows.append((at_ms, PAIR.won, "USDT", str(rate)))
        for coin, (price, places) in DOLLARS.items():
            dollars = round(Decimal(price) * Decimal(str(chance.uniform(0.9, 1.1))), places)
            premium = chance.uniform(-0.02, 0.02) if chance.random() > 0.1 else 0.06
            won = dollars * rate * Decimal(str(1 + premium))
            rows.append((at_ms, PAIR.dollars, coin, f"{dollars}"))
            rows.append((at_ms, PAIR.won, coin, f"{round(won) if won > 1000 else round(won, 1)}"))
    return rows


@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("seed", [1, 2])
def test_both_find_the_same(tmp_path: Path, seed: int, mode: Mode, threshold: str) -> None:
    assert both_agree(tmp_path, prices(seed), mode, threshold) > 5


def recorded_prices() -> list[Row]:
    """Moments of both venues, a minute apart at least, of the coins whose network fees the script knows."""
    with gzip.open(RECORDED, "rt", newline="") as file:
        moments: dict[int, list[Row]] = {}
        for row in csv.DictReader(file):
            venue, symbol = row["exchange"], row["symbol"]
            coin = symbol.removeprefix("KRW-").removesuffix("USDT") or "USDT"
            if venue in {*PAIR} and (coin in DOLLARS or symbol == "KRW-USDT"):
                second = (int(row["snapshot_ms"]) // 60_000 + 1) * 60_000
                moments.setdefault(second, []).append((second, Venue(venue), coin, row["price"]))
    whole = 2 * len(DOLLARS) + 1
    return [row for rows in moments.values() if len({row[1:3] for row in rows}) == len(rows) == whole for row in rows]


@pytest.mark.skipif(not RECORDED.exists(), reason=f"recorded market data is not on this machine: {RECORDED}")
@pytest.mark.parametrize("mode", Mode)
def test_both_find_the_same_in_recorded_prices(tmp_path: Path, mode: Mode) -> None:
    """Large coins earn so little that a loss is allowed. Of two ways home kimp takes the one that brings more, the
    script the one with the better rate: where both are as good, a lot decides.
    """
    rows = recorded_prices()
    assert len(rows) > 500
    assert both_agree(tmp_path, rows, mode, "-0.0035", any_tick=True, lot="1e-5") > 100


def both_agree(
    tmp_path: Path, rows: list[Row], mode: Mode, threshold: str, *, any_tick: bool = False, lot: str = "1e-30"
) -> int:
    """How many opportunities both find."""
    path = tmp_path / "prices.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("at_ms", "venue", "coin", "price"), *rows])
    asked = [sys.executable, str(SCRIPT), str(path), threshold, "2000000", mode, *(["any-tick"] if any_tick else [])]
    reported = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split("\n")[:-1]
    catalogue = Catalogue(tmp_path / "market")
    for venue in PAIR:
        frame = pl.DataFrame(
            [(at_ms, coin, price) for at_ms, place, coin, price in rows if place == venue],
            schema=["at_ms", "coin", "price"],
            orient="row",
        )
        catalogue.write(DataKind.PRICES, venue, frame.with_columns(turnover=pl.lit(None, pl.String)))
    found = _opportunities(catalogue, mode, threshold, None if any_tick else Decimal("0.25"))
    independent = {tuple(line.split()[:3]): Decimal(line.split()[3]) for line in reported}
    assert found.keys() == independent.keys()
    assert all(abs(found[key] - edge) < Decimal(lot) for key, edge in independent.items())
    return len(independent)


def _opportunities(
    catalogue: Catalogue, mode: Mode, threshold: str, tick_share: Decimal | None
) -> dict[tuple[str, ...], Decimal]:
    """One instant at a time, so that no cycle of an earlier one is in the way."""
    asked = options(mode, model=DEEP, threshold=Decimal(threshold), tick_share=tick_share)
    caps = replace(asked.rules.caps, open_cycles=500)
    asked = replace(asked, rules=replace(asked.rules, caps=caps), cash_krw=Decimal(10**12))

    class Forgetful(Backtest):
        def _start(self, moment: Moment, plan: Plan, account: BacktestAccount) -> None:
            pass

    result = Forgetful(catalogue, asked).run()
    return {
        (str(at_ms), str(plan.found.coin), str(plan.found.direction)): plan.found.net_edge
        for at_ms, plan in result.opportunities
    }
