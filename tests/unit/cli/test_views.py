"""What a venue or a person wrote is shown as it was written, brackets included."""

from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from initiator.explain import CoinExplanation
from kimp.cli import views
from kimp.contracts.status import CycleStatus
from kimp.domain.legs import Blocked, Gate
from kimp.domain.market import Direction
from kimp.domain.money import KRW, Asset
from kimp.ports.books import CycleRow

WRITTEN = ["upbit: locked [open_api_withdraw_locked]", "upbit: no such way [/v1/orders]"]


def shown(what: RenderableType) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def cycle(reason: str) -> CycleRow:
    return CycleRow(
        cycle_id="XRP-1",
        coin=Asset("XRP"),
        direction=Direction.TO_UPBIT.value,
        status=CycleStatus.REBALANCING_IN_PROGRESS,
        waiting_reason=reason,
        waiting_since_ms=1_700_000_000_000,
        next_check_ms=1_700_000_060_000,
        reason=None,
        spent=Decimal(1),
        returned=None,
        home_asset=KRW,
        route=None,
        profit_krw=None,
        expected_edge=Decimal("0.01"),
        premium=Decimal("0.02"),
        settings_version=None,
        started_ms=1_699_999_990_000,
        updated_ms=1_700_000_000_000,
        closed_ms=None,
    )


@pytest.mark.parametrize("reason", WRITTEN)
def test_a_cycle_shows_its_reason_as_it_was_written(reason: str) -> None:
    assert reason in shown(views.cycle_card(cycle(reason)))
    assert reason in shown(views.cycles_table([cycle(reason)]))


@pytest.mark.parametrize("reason", WRITTEN)
def test_a_gate_shows_its_detail_as_it_was_written(reason: str) -> None:
    shut = Blocked(Gate.WALLET_CLOSED, reason)
    told = CoinExplanation(Asset("XRP"), None, None, {Direction.TO_UPBIT: shut}, shut)
    assert shown(views.explanation_table(told)).count(reason) == 2


def test_a_cycle_that_waits_tells_since_when_and_when_it_looks_next() -> None:
    text = shown(views.cycle_card(cycle("a wallet")))
    assert "11-14 22:13:20" in text
    assert "11-14 22:14:20" in text
