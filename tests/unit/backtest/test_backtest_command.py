"""`kimp backtest` as its user meets it: figures, JSON, a sweep, and a report that needs nothing else."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fakes.recorded import Prices, record
from typer.testing import CliRunner

from kimp.cli import commands
from kimp.cli.app import app
from kimp.domain.errors import BadInput

REGISTERED = commands
"""Importing it puts the commands on `app`."""
DEAR: Prices = {"AAA": ("28400", "20.000001"), "BBB": ("28000", "20.000001")}
EVEN: Prices = {"AAA": ("28000", "20.000001"), "BBB": ("28000", "20.000001")}
FOLDS = {day * 1440 + minute: DEAR if minute < 3 else EVEN for day in range(4) for minute in range(0, 300, 3)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / ".kimp" / "market", FOLDS)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ("--set", "trading.tick_share=100", "backtest", "--coins", "all", *words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def document(*words: str) -> Any:
    return json.loads(run("--json", *words))


@pytest.mark.usefixtures("folder")
def test_the_figures_are_those_of_its_cycles() -> None:
    reported = document("--mode", "prefunded")
    cycles = reported["cycles_list"]
    assert reported["cycles"] == len(cycles) == 4
    assert sum(float(cycle["profit_krw"]) for cycle in cycles) == pytest.approx(float(reported["profit_krw"]))
    assert float(reported["losing_share"]) == 0
    assert "profit" in run("--mode", "prefunded")


@pytest.mark.usefixtures("folder")
def test_a_drawdown_is_the_deepest_fall() -> None:
    reported = document()
    profits = [float(cycle["profit_krw"]) for cycle in reported["cycles_list"]]
    assert all(profit < 0 for profit in profits)
    assert float(reported["drawdown_krw"]) == pytest.approx(-sum(profits))


@pytest.mark.usefixtures("folder")
def test_days_and_coins_may_be_chosen() -> None:
    assert document("--from", "2025-09-02", "--to", "2025-09-03")["cycles"] == 2
    assert "BBB" not in {cycle["cycle"][:3] for cycle in document("--coins", "aaa")["cycles_list"]}


@pytest.mark.usefixtures("folder")
def test_a_sweep_judges_a_value_on_days_that_it_has_not_seen() -> None:
    swept = document("--mode", "prefunded", "--sweep", "threshold=0.004,0.02")["sweep"]
    assert [run["cycles"] for run in swept["runs"]] == [4, 0]
    assert [fold["chosen"]["threshold"] for fold in swept["walk_forward"]] == ["0.004"] * 3
    assert [fold["cycles"] for fold in swept["walk_forward"]] == [1, 1, 1]


def test_the_report_is_one_file_that_needs_no_network(folder: Path) -> None:
    run("--mode", "prefunded", "--report", "r.html")
    page = (folder / "r.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<svg") >= 5
    assert "AAA-1" in page
    assert not re.search(r"(src|href)=|url\(|@import|<script|https?://", page)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (("--sweep", "luck=1"), "a name is one of threshold, notional, band, tick_share, turnover"),
        (("--sweep", "threshold=x"), "'x' is not a decimal number"),
        (("--threshold", "much"), "'much' is not a decimal number"),
        (("--closures", "nowhere.csv"), "is no table of closed wallets"),
        (("--from", "2030-01-01"), "both venues have 2025-09-01 to 2025-09-04"),
    ],
)
def test_misuse_is_told_in_one_line(words: tuple[str, ...], reported: str) -> None:
    with pytest.raises(BadInput, match=reported) as caught:
        run(*words)
    assert "\n" not in str(caught.value)


def test_closed_wallets_are_read_from_a_file(folder: Path) -> None:
    rows = "venue,coin,from_utc,until_utc\nupbit,AAA,2025-09-01T00:00:00,2025-09-03T12:00:00\n"
    (folder / "shut.csv").write_text(rows)
    assert document("--closures", "shut.csv", "--mode", "prefunded")["cycles"] == 1


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--threshold", "abc"), "threshold: 'abc' is not a decimal number"),
        (("--threshold", "-0.1"), "threshold -0.1: it is between 0 and 0.2; 0.01 is one percent"),
        (("--threshold", "0.4"), "threshold 0.4: it is between"),
        (("--notional", "0"), "notional 0: it is between 5000 and"),
        (("--notional", "1e30"), "notional 1e30: it is between"),
        (("--cash", "-1"), "cash -1: it is between"),
        (("--half-spread", "-0.1"), "half-spread -0.1: it is between"),
        (("--sweep", "band=0.03,3"), "band 3: it is between"),
        (("--sweep", "threshold=0.004,x"), "threshold: 'x' is not"),
        (("--from", "2025-09-02", "--to", "2025-09-01"), "--to 2025-09-01 is before --from 2025-09-02"),
        (("--coins", ","), "--coins names no coin"),
        (("--coins", "NOPE"), "no coin that was asked for has prices of binance"),
        (("--report", "nowhere/report.html"), "name a file in a folder that is there"),
        (("--report", "."), "name a file in a folder that is there"),
        (("--data", "file"), "file is no folder"),
    ],
)
def test_what_can_only_be_a_slip_is_told_in_one_line(folder: Path, words: tuple[str, ...], line: str) -> None:
    (folder / "file").touch()
    with pytest.raises(BadInput, match=f"^[^\n]*{re.escape(line)}[^\n]*$"):
        run(*words)


def test_a_report_that_can_not_be_written_is_one_line(folder: Path) -> None:
    (folder / "link.html").symlink_to(folder / "nowhere" / "report.html")
    with pytest.raises(BadInput, match=r"--report link.html: cannot be written \(No such file or directory\)"):
        run("--report", "link.html")
