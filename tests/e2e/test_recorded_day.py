"""A recorded day, played by whole processes: they start and earn what the backtest and the bare decision say."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.command import kimp
from fakes.places import a_place_of_its_own
from fakes.recorded_day import SOL, XRP, Found, bare, day_file, kept, rounded

from kimp.adapters.embedded.process import free_port
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.importing import Choices, import_files
from kimp.backtest.options import Options
from kimp.backtest.request import BacktestRequest, options_of
from kimp.backtest.running import Backtest, BacktestResult
from kimp.config import Settings
from kimp.domain.money import Asset
from kimp.domain.venues import Direction

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
    said = {kept(plan.found) for _, plan in result.opportunities}
    assert said == bare(asked.limits)

    command = ("demo", "--replay", str(file), "--speed", "120", "--cycles", "2", "--json")
    place = a_place_of_its_own(temporal_binary, tmp_path / "kimp") | {"KIMP_LOCAL__REDIS_PORT": str(free_port())}
    code, told, problem = await kimp(tmp_path, *command, **place, **PATIENT)
    assert code == 0, told[-3000:] + problem[-2000:]
    cycles = {row["cycle_id"]: row for row in json.loads(told)["result"]["cycles"]}
    assert {_kept(row) for row in cycles.values() if row["spent"] is not None} <= said
    first = {plan.found.coin: kept(plan.found) for _, plan in reversed(result.opportunities)}
    assert (_kept(cycles["XRP-1"]), _kept(cycles["SOL-1"])) == (first[XRP], first[SOL]), "from the first price on"

    sol = cycles["SOL-1"]
    expected = next(cycle for cycle in result.cycles if cycle.coin == SOL).expected_krw
    assert abs(Decimal(sol["returned"]) - Decimal(sol["spent"]) - expected) < 1, "no price moved"
    assert 0 <= Decimal(sol["profit_krw"]) - expected < 200, "and what whole lots left over in coins"


def _backtest(folder: Path, file: Path, asked: Options) -> BacktestResult:
    catalogue = Catalogue(folder)
    import_files(catalogue, [file], Choices())
    return Backtest(catalogue, asked).run()


def _kept(row: dict[str, str]) -> Found:
    return Asset(row["coin"]), Direction(row["direction"]), rounded(row["spent"]), rounded(row["expected_edge"])
