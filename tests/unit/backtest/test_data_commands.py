"""`kimp data` as its user meets it."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kimp.bootstrap import backtesting
from kimp.cli import commands
from kimp.cli.app import app
from kimp.domain.errors import BadConfig, BadInput

REGISTERED = commands
"""Importing it puts the commands on `app`."""
ROWS = "timestamp_utc,exchange,symbol,price\n2025-09-01T00:00:00Z,upbit,KRW-XRP,3900\nx,upbit,KRW-XRP,3900\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text(ROWS)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_import_list_and_check(folder: Path) -> None:
    reported = run("data", "import", "p.csv", "--left-out", "bad.csv")
    assert "p.csv: 2 prices, 1 new, 1 left out" in reported
    assert "line 3: x,upbit,KRW-XRP,3900" in reported
    assert (folder / "bad.csv").read_text().splitlines()[1].startswith("p.csv,3,whose time is neither")
    assert json.loads(run("data", "list", "--json"))[0]["rows"] == 1
    assert json.loads(run("data", "check", "--json"))["sound"] is True
    assert (folder / ".kimp" / "market" / "prices" / "upbit" / "2025-09-01.parquet").exists()


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (("--kind", "books"), "--kind books: it is one of candles, trades, prices"),
        (("--venue", "bithumb"), "'bithumb' is none of upbit, binance"),
        (("--column", "close"), "write MEANING=NAME"),
        (("--column", "shut=c"), "where MEANING is one of"),
        (("--left-out", "nowhere/bad.csv"), "--left-out nowhere/bad.csv: cannot be written"),
        (("--data", "p.csv"), "p.csv is no folder"),
        (("--column", "price=nowhere"), "there is no column 'nowhere'"),
    ],
)
def test_misuse_is_told_in_one_line(folder: Path, words: tuple[str, ...], reported: str) -> None:
    with pytest.raises(BadInput, match=reported):
        run("data", "import", "p.csv", *words)


def test_without_the_extra_one_line_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "find_spec", lambda name: None if name == "polars" else find_spec(name))
    with pytest.raises(BadConfig, match=r"uv tool install --force 'FROM\[backtest\]'"):
        run("data", "list")


def test_the_command_line_starts_without_the_extra() -> None:
    """Nobody waits for a library that only backtests need."""
    assert "kimp.cli.data" in sys.modules
    source = Path(backtesting.__file__).read_text()
    assert "\nimport polars" not in source


def test_binances_files_are_not_those_of_a_configured_venue(folder: Path) -> None:
    words = ("--from", "2025-09-01", "--to", "2025-09-01", "--files", "--configured")
    with pytest.raises(BadInput, match="leave one out"):
        run("data", "download", *words)


def test_no_coin_is_none_to_download(folder: Path) -> None:
    with pytest.raises(BadInput, match="--coins names no coin"):
        run("data", "download", "--from", "2025-09-01", "--to", "2025-09-01", "--coins", " ,")
