"""What a venue or a person wrote is shown as it was written, brackets included."""

from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from kimp.cli import terminal, views
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.trade_view import trade_view
from kimp.contracts.status import CycleStatus
from kimp.domain.decision import Decision
from kimp.domain.gates import Blocked, Gate
from kimp.domain.ledger import Held, fill_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Direction, Venue
from kimp.operations.trade import CycleTrades
from kimp.operations.why import CoinExplanation
from kimp.ports.read_model import CycleRow

WRITTEN = ["upbit: locked [open_api_withdraw_locked]", "upbit: no such way [/v1/orders]"]


def shown(what: RenderableType, width: int = 200) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def cycle(reason: str) -> CycleRow:
    return CycleRow(
        cycle_id="XRP-1",
        coin=Asset("XRP"),
        direction=Direction.TO_UPBIT,
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
    assert reason in shown(CyclesTable([cycle(reason)]))


@pytest.mark.parametrize("reason", WRITTEN)
def test_a_gate_shows_its_detail_as_it_was_written(reason: str) -> None:
    shut = Blocked(Gate.WALLET_CLOSED, reason)
    reported = CoinExplanation(Asset("XRP"), None, None, {Direction.TO_UPBIT: Decision(None, (shut,))})
    assert reason in shown(views.explanation_table(reported))


def test_every_closed_gate_is_shown_and_the_first_one_is_marked() -> None:
    closed = (Blocked(Gate.KILL_SWITCH, "trading is halted"), Blocked(Gate.DEPTH, "5 offered"))
    reported = CoinExplanation(Asset("XRP"), None, None, {Direction.TO_UPBIT: Decision(None, closed)})
    lines = shown(views.explanation_table(reported)).splitlines()
    assert [line for line in lines if "> " in line and "kill_switch: trading is halted" in line]
    assert [line for line in lines if "depth: 5 offered" in line and "> depth" not in line]


def test_a_cycle_that_waits_tells_since_when_and_when_it_looks_next() -> None:
    text = shown(views.cycle_card(cycle("a wallet")))
    assert "11-14 22:13:20" in text
    assert "11-14 22:14:20" in text


LONG = "no way home: " + ", ".join(f"the wallet of COIN{number} is closed on upbit" for number in range(9))


@pytest.mark.parametrize("width", [40, 80, terminal.WIDE])
@pytest.mark.parametrize("status", CycleStatus)
def test_a_list_of_cycles_cuts_neither_ids_nor_states_nor_reasons(width: int, status: CycleStatus) -> None:
    rows = [replace(cycle(LONG), cycle_id=f"DOGE-{number}", status=status) for number in (9, 1_234_567)]
    lines = shown(CyclesTable(rows), width).splitlines()
    assert "\u2026" not in "".join(lines)
    assert max(map(len, lines)) <= width
    first, second = (number for number, line in enumerate(lines) if line.startswith("DOGE"))
    assert lines[first].split()[0] == "DOGE-9"
    assert lines[second].split()[0] == "DOGE-1234567"
    assert status in lines[first].split()
    below = lines[first + 1 : second]
    assert all(line.startswith("    ") for line in below)
    assert " ".join(line.strip() for line in below) == LONG


def test_money_is_whole_or_left_out() -> None:
    ended = replace(
        cycle(""),
        status=CycleStatus.REBALANCE_TRADE_COMPLETED,
        spent=Decimal(1_234_567),
        returned=Decimal(1_240_000),
        profit_krw=Decimal(5_433),
    )
    wide, narrow = (shown(CyclesTable([ended]), width).splitlines()[-1] for width in (terminal.WIDE, 60))
    assert "1,234,567 KRW  1,240,000 KRW  5,433" in wide
    assert "5,433" in narrow.split()
    assert "1,240,000" not in narrow


@pytest.mark.parametrize("width", [60, 80, terminal.WIDE])
def test_an_entry_shows_its_whole_id_and_amounts(width: int) -> None:
    trade = "9e8f8eba-7050-4837-8969-cfc272cbe083"
    fill = Fill(trade, Decimal(1_850), Decimal("1234567.12345678"), Decimal("1141.97"), KRW)
    text = shown(
        views.entries_list([fill_entry("XRP-17-1B1-1", "XRP-17", Venue.UPBIT, Asset("XRP"), Side.BUY, fill)]), width
    )
    assert f"XRP-17-1B1-1/{trade}" in text
    assert "+1,234,567.12345678 XRP" in text


@pytest.mark.parametrize(("home", "account"), [(KRW, Venue.BINANCE), (USDT, Venue.UPBIT)])
def test_a_list_shows_what_a_cycle_left_elsewhere_for_both_homes(home: Asset, account: Venue) -> None:
    other = USDT if home == KRW else KRW
    ended = replace(
        cycle(""), home_asset=home, spent=Decimal(1_000), returned=Decimal(1_010), profit_krw=Decimal(14_500)
    )
    left: dict[str, Held] = {
        ended.cycle_id: {(account, other): Decimal("2.5"), (account, Asset("XRP")): Decimal("-0.00123456789")}
    }
    lines = shown(CyclesTable([ended], elsewhere=left)).splitlines()
    cash = "+2.50 USDT" if other == USDT else "+2 KRW"
    assert f"{cash}, -0.00123457 XRP  14,500" in lines[2]
    assert "left elsewhere" in lines[1]
    assert "left elsewhere" not in shown(CyclesTable([ended])), "only where it is known"


def test_what_a_cycle_left_elsewhere_is_shown_below_it_where_a_column_does_not_fit() -> None:
    ended = replace(
        cycle(""), home_asset=KRW, spent=Decimal(2_000_000), returned=Decimal(2_022_032), profit_krw=Decimal(22_774)
    )
    left: dict[str, Held] = {ended.cycle_id: {(Venue.BINANCE, USDT): Decimal("0.36")}}
    lines = shown(CyclesTable([ended], elsewhere=left), 80).splitlines()
    assert "left elsewhere" not in lines[1]
    assert lines[2].split()[-5:] == ["2,000,000", "KRW", "2,022,032", "KRW", "22,774"]
    assert lines[3] == "    left elsewhere: +0.36 USDT"


def test_a_cycle_as_a_trade_adds_up_to_its_profit() -> None:
    row = replace(
        cycle(""), direction=Direction.TO_BINANCE, spent=Decimal(2_000_000), profit_krw=Decimal(22_774), home_asset=KRW
    )
    kept: Held = {(Venue.UPBIT, KRW): Decimal("22032.08"), (Venue.BINANCE, USDT): Decimal("0.36")}
    text = shown(trade_view(CycleTrades((), kept), row))
    assert "+22,032 KRW at home, and all else worth +742 KRW when it ended: +22,774 KRW" in text
    assert "+1.14 % of what it spent" in shown(views.cycle_card(row))
    at_home: Held = {(Venue.UPBIT, KRW): Decimal(22_774)}
    assert "in all: +22,774 KRW" in shown(trade_view(CycleTrades((), at_home), row))
    abroad = replace(row, direction=Direction.TO_UPBIT, home_asset=USDT)
    assert "all of it was worth +22,774 KRW when it ended" in shown(trade_view(CycleTrades((), kept), abroad))
    assert "no result yet" in shown(trade_view(CycleTrades((), kept), replace(row, profit_krw=None)))
