"""Small parts: numbers, rate windows, the agenda, the journal, the configuration."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kimp.paper.amounts import BadNumber, ceil_to, floor_to, number, padded, plain
from kimp.paper.clock import Agenda
from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.config import PaperConfig
from kimp.paper.journal import PaperJournal
from kimp.paper.limits import RequestCounter

D = Decimal


class Clock(Protocol):
    ms: int

    def now_ms(self) -> int: ...


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "", "1,5", "abc", "0x1"])
def test_no_number(text: str) -> None:
    with pytest.raises(BadNumber):
        number(text)


@pytest.mark.parametrize(
    ("value", "short", "eight"),
    [("1E+2", "100", "100.00000000"), ("1.50", "1.5", "1.50000000"), ("0E-8", "0", "0.00000000"), ("-0.0", "0", None)],
)
def test_text_of_numbers(value: str, short: str, eight: str | None) -> None:
    assert plain(D(value)) == short
    assert eight is None or padded(D(value)) == eight


@given(st.decimals("0", "1e12", places=8), st.sampled_from([D("1e-8"), D("0.1"), D(5), D(1000)]))
def test_rounding_brackets(value: Decimal, step: Decimal) -> None:
    low, high = floor_to(value, step), ceil_to(value, step)
    assert low <= value <= high
    assert high - low in (0, step)
    assert number(plain(value)) == value


def test_window_counts_vain_requests_too_and_turns(clock: Clock) -> None:
    window = RequestCounter(2, 10, clock)
    assert [window.spend(), window.spend(), window.spend()] == [True, True, False]
    assert (window.left, window.used) == (0, 3)
    clock.ms += window.reset_s * 1000
    assert window.spend()
    assert window.left == 1


def test_agenda_keeps_order(clock: Clock) -> None:
    agenda, done = Agenda(clock), []
    agenda.after(20, lambda: done.append("late"))
    agenda.after(10, lambda: agenda.after(0, lambda: done.append("nested")))
    agenda.after(10, lambda: done.append("early"))
    assert agenda.run_due() == 10
    clock.ms += 10
    assert agenda.run_due() == 10
    assert done == ["early", "nested"]
    clock.ms += 10
    assert agenda.run_due() is None
    assert done[-1] == "late"


def test_journal_appends_and_numbers(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "deep" / "paper.jsonl"
    for _ in range(2):
        journal = PaperJournal(clock, path)
        journal.write("fill", price=D("1E+2"), side="buy")
        journal.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["n"], line["price"], line["kind"]) for line in lines] == [(1, "100", "fill")] * 2
    assert journal.tail(5, "other") == []


def test_bad_configuration() -> None:
    with pytest.raises(ValidationError, match="named twice"):
        PaperConfig(coins=(*DEFAULT_COINS, DEFAULT_COINS[0]))
    with pytest.raises(ValidationError, match="USDT is missing"):
        PaperConfig(coins=DEFAULT_COINS[:1])
    with pytest.raises(ValidationError, match="upbit_port"):
        PaperConfig(upbit_port=70_000)
    assert "secret" not in repr(PaperConfig()).replace("secret=SecretStr", "")
