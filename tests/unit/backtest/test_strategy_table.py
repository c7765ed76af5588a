"""The table of what kimp's rules would have earned, renewed within its document by one command."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.recorded import Prices, record

from bench import strategy
from kimp.backtest import sweep

DEAR: Prices = {"XRP": ("2840", "2.000001"), "SOL": ("280000", "200.0001"), "SUI": ("5600", "4.00001")}


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Processes of their own would take seconds to start.
    monkeypatch.setattr(sweep, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr(strategy, "THRESHOLDS", (Decimal("0.004"), Decimal("0.5")))
    record(tmp_path / "market", dict.fromkeys(range(60), DEAR))
    return tmp_path / "market"


def renew(monkeypatch: pytest.MonkeyPatch, *words: Path | str) -> None:
    monkeypatch.setattr(sys, "argv", ["bench.strategy", *map(str, words)])
    strategy.main()


def test_the_table_is_renewed_and_nothing_else(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = recorded.parent / "strategy.md"
    document.write_text(f"before\n{strategy.BEGIN}\n\nold | table\n{strategy.END}\nafter\n")
    renew(monkeypatch, recorded, "--into", document)
    before, _, rest = document.read_text().partition(strategy.BEGIN)
    table, _, after = rest.partition(strategy.END)
    assert (before, after) == ("before\n", "\nafter\n")
    assert "KRW-USDT recorded" in table
    assert "old | table" not in table
    cells = [[cell.strip() for cell in line.split("|")[2:-1]] for line in table.splitlines() if line.startswith("|")]
    paying, beyond = cells[2:]
    assert beyond == ["none"] * 4
    assert all(re.fullmatch(r"\d+: mean \+1\.01%, median \+1\.01%, 0% lose", cell) for cell in paying), paying


def test_a_document_without_a_place_for_the_table_stays(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = recorded.parent / "strategy.md"
    document.write_text(f"before\n{strategy.BEGIN}\n")
    with pytest.raises(SystemExit, match="has no place for the table"):
        renew(monkeypatch, recorded, "--into", document)
    assert document.read_text() == f"before\n{strategy.BEGIN}\n"


def test_the_shipped_document_has_a_place() -> None:
    text = (Path(__file__).parents[3] / "docs" / "strategy.md").read_text()
    assert text.count(strategy.BEGIN) == text.count(strategy.END) == 1
    assert text.index(strategy.BEGIN) < text.index(strategy.END)
