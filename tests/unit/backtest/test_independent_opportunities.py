"""The backtest against a script that knows nothing of it: the same opportunities with the same edges."""

import csv
import random
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import MINUTE_MS, START_MS, options

from kimp.backtest.account import Account
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import Kind
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
    rows, path = prices(seed), tmp_path / "prices.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("at_ms", "venue", "coin", "price"), *rows])
    asked = [sys.executable, str(SCRIPT), str(path), threshold, "2000000", mode]
    told = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.split("\n")[:-1]
    catalogue = Catalogue(tmp_path / "market")
    for venue in PAIR:
        frame = pl.DataFrame(
            [(at_ms, coin, price) for at_ms, place, coin, price in rows if place == venue],
            schema=["at_ms", "coin", "price"],
            orient="row",
        )
        catalogue.write(Kind.PRICES, venue, frame.with_columns(turnover=pl.lit(None, pl.String)))
    found = _opportunities(catalogue, mode, threshold)
    independent = {tuple(line.split()[:3]): Decimal(line.split()[3]) for line in told}
    assert len(independent) > 5
    assert found.keys() == independent.keys()
    assert all(abs(found[key] - edge) < Decimal("1e-30") for key, edge in independent.items())


def _opportunities(catalogue: Catalogue, mode: Mode, threshold: str) -> dict[tuple[str, ...], Decimal]:
    """One instant at a time, so that no cycle of an earlier one is in the way."""
    asked = options(mode, model=DEEP, threshold=Decimal(threshold), tick_share=Decimal("0.25"))
    caps = replace(asked.rules.caps, open_cycles=500)
    asked = replace(asked, rules=replace(asked.rules, caps=caps), cash_krw=Decimal(10**12))

    class Forgetful(Backtest):
        def _start(self, moment: Moment, plan: Plan, account: Account) -> None:
            pass

    result = Forgetful(catalogue, asked).run()
    return {
        (str(at_ms), str(plan.found.coin), str(plan.found.direction)): plan.found.net_edge
        for at_ms, plan in result.opportunities
    }
