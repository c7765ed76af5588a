"""Recorded prices, played by whole processes: they start and earn what the backtest and the bare decision say."""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.command import kimp
from fakes.places import a_place_of_its_own
from fakes.recorded_data import RECORDED_DATA
from fakes.recorded_day import SOL, XRP, Found, bare, day_file, kept, rounded

from kimp.adapters.embedded.process import free_port
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.importing import Choices, import_files
from kimp.backtest.options import Options
from kimp.backtest.request import BacktestRequest, options_of
from kimp.backtest.running import Backtest, BacktestResult
from kimp.config import Settings
from kimp.domain.money import Asset
from kimp.domain.opportunity import Mode
from kimp.domain.venues import Direction

SNAPSHOTS = RECORDED_DATA / "snapshots_multi_20251204_20251206.csv.gz"
FROM_MS, HALF_HOUR_MS = 1_764_846_100_000, 1_800_000
ORCA, FIL = Asset("ORCA"), Asset("FIL")
MARKETS = {"KRW-USDT", "KRW-ORCA", "ORCAUSDT", "KRW-FIL", "FILUSDT"}
PATIENT = {"KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000", "KIMP_TRADING__START_WITHIN_MS": "10000"}
"""A busy machine is late with its quotes, however fast the day goes."""


@pytest.mark.alone
@pytest.mark.timeout(300)
async def test_a_replayed_day_starts_and_books_what_the_backtest_and_the_bare_decision_say(
    temporal_binary: Path, tmp_path: Path
) -> None:
    file = day_file(tmp_path / "day.csv")
    asked = options_of(Settings(), BacktestRequest(coins="all"))
    result = _backtest(tmp_path / "market", file, asked)
    message = {kept(plan.found) for _, plan in result.opportunities}
    assert message == bare(asked.limits)

    command = ("demo", "--replay", str(file), "--speed", "120", "--cycles", "2", "--json")
    place = a_place_of_its_own(temporal_binary, tmp_path / "kimp") | {"KIMP_LOCAL__REDIS_PORT": str(free_port())}
    code, reported, problem = await kimp(tmp_path, *command, **place, **PATIENT)
    assert code == 0, reported[-3000:] + problem[-2000:]
    cycles = {row["cycle_id"]: row for row in json.loads(reported)["result"]["cycles"]}
    assert {_kept(row) for row in cycles.values() if row["spent"] is not None} <= message
    first = {plan.found.coin: kept(plan.found) for _, plan in reversed(result.opportunities)}
    assert (_kept(cycles["XRP-1"]), _kept(cycles["SOL-1"])) == (first[XRP], first[SOL]), "from the first price on"

    sol = cycles["SOL-1"]
    expected = next(cycle for cycle in result.cycles if cycle.coin == SOL).expected_krw
    assert abs(Decimal(sol["returned"]) - Decimal(sol["spent"]) - expected) < 1, "no price moved"
    assert 0 <= Decimal(sol["profit_krw"]) - expected < 200, "and what whole lots left over in coins"


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.skipif(not SNAPSHOTS.exists(), reason="needs recorded market data, which are no part of the project")
async def test_recorded_prices_traded_on_both_sides_at_once_bring_what_the_backtest_says(
    temporal_binary: Path, tmp_path: Path
) -> None:
    """ORCA pays from the first price on, FIL from the next ones: whichever venue's arrives first, so that only what it
    brought in the end is the same.
    """
    file = _cut(tmp_path / "prices.csv")
    asked = options_of(Settings(), BacktestRequest(coins="all", mode=Mode.PREFUNDED))
    expected = {cycle.coin: cycle for cycle in _backtest(tmp_path / "market", file, asked).cycles}
    assert set(expected) == {ORCA, FIL}

    stock = dict.fromkeys((ORCA, FIL), "5000")
    traded = {
        "KIMP_TRADING__COINS": json.dumps(list(stock)),
        "KIMP_TRADING__PREFUNDED": json.dumps(list(stock)),
        "KIMP_PAPER__UPBIT_BALANCES": json.dumps({"KRW": "100000000"} | stock),
        "KIMP_PAPER__BINANCE_BALANCES": json.dumps({"USDT": "100000"} | stock),
    }
    command = ("demo", "--replay", str(file), "--speed", "120", "--cycles", "2", "--json")
    place = a_place_of_its_own(temporal_binary, tmp_path / "kimp") | {"KIMP_LOCAL__REDIS_PORT": str(free_port())}
    code, reported, problem = await kimp(tmp_path, *command, **place, **PATIENT, **traded)
    assert code == 0, reported[-3000:] + problem[-2000:]
    cycles = {Asset(row["coin"]): row for row in json.loads(reported)["result"]["cycles"]}
    assert _kept(cycles[ORCA]) == kept(expected[ORCA].plan.found)
    for coin, cycle in expected.items():
        assert cycles[coin]["direction"] == cycle.direction
        assert abs(Decimal(cycles[coin]["profit_krw"]) - cycle.expected_krw) < cycle.expected_krw / 20


def _cut(path: Path) -> Path:
    """Of all snapshots those of two markets and of KRW-USDT, for half an hour."""
    with gzip.open(SNAPSHOTS, "rt") as recorded, path.open("w", newline="") as file:
        rows = csv.DictReader(recorded)
        chosen = csv.DictWriter(file, rows.fieldnames or [])
        chosen.writeheader()
        chosen.writerows(
            row
            for row in rows
            if row["symbol"] in MARKETS and FROM_MS <= int(row["snapshot_ms"]) < FROM_MS + HALF_HOUR_MS
        )
    return path


def _backtest(folder: Path, file: Path, asked: Options) -> BacktestResult:
    catalogue = Catalogue(folder)
    import_files(catalogue, [file], Choices())
    return Backtest(catalogue, asked).run()


def _kept(row: dict[str, str]) -> Found:
    return Asset(row["coin"]), Direction(row["direction"]), rounded(row["spent"]), rounded(row["expected_edge"])
