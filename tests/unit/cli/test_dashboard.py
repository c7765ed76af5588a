"""The live view's first page: cycles come first, each on one line, and all of it fits the terminal."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kimp.cli.dashboard import Shown, alerts_page, in_order, overview, span
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.money import KRW, Asset
from kimp.domain.venues import Direction
from kimp.operations.alerts import Alert
from kimp.operations.dashboard import DashboardSnapshot
from kimp.operations.market import CoinMarket
from kimp.operations.presence import ALL_WORK, Running
from kimp.operations.status import Earned, Holding, Status
from kimp.ports.controls import Halt
from kimp.ports.read_model import CycleRow

NOW_MS = 1_700_000_600_000
NOTHING = Earned(0, 0, Decimal(0))
LONG = "no way home: " + ", ".join(f"the wallet of COIN{number} is closed on upbit" for number in range(9))


def row(cycle_id: str, status: CycleStatus, *, waits_for: str | None = None, profit: Decimal | None = None) -> CycleRow:
    return CycleRow(
        cycle_id=cycle_id,
        coin=Asset(cycle_id.partition("-")[0]),
        direction=Direction.TO_UPBIT,
        status=status,
        waiting_reason=waits_for,
        waiting_since_ms=None if waits_for is None else NOW_MS - 90_000,
        next_check_ms=None,
        reason=None,
        spent=None,
        returned=None,
        home_asset=KRW,
        route=None,
        profit_krw=profit,
        expected_edge=Decimal("0.01"),
        premium=Decimal("0.02"),
        settings_version=None,
        started_ms=NOW_MS - 600_000,
        updated_ms=NOW_MS,
        closed_ms=NOW_MS - 5_000 if status.terminal else None,
    )


PARKED = row("XRP-7", CycleStatus.DEAD_LETTER, waits_for=LONG)
WAITING = row("SOL-2", CycleStatus.AWAITING_REBALANCE, waits_for="waiting for a route")
OPEN = row("TRX-1", CycleStatus.STARTED)
ENDED = row("ADA-9", CycleStatus.COMPLETED, profit=Decimal(5433))


def glance(*, halt: Halt | None = None, many: int = 0) -> DashboardSnapshot:
    more = [row(f"DOGE-{number}", CycleStatus.STARTED) for number in range(many)]
    return DashboardSnapshot(
        NOW_MS,
        Status(
            running=Running((), NOW_MS),
            under_way=["9.865 SOL in transit"],
            halt=halt,
            today=Earned(1, 0, Decimal(5433)),
            week=NOTHING,
            total=Earned(9, 2, Decimal(-120)),
            by_coin={},
            open=[OPEN, *more],
            waiting=[WAITING],
            parked=[PARKED],
            holdings=[
                Holding("binance", Asset("XRP"), Decimal("12.34567891"), Decimal(9_000)),
                Holding("upbit", KRW, Decimal("1000000.25"), Decimal("1000000.25")),
            ],
            worth_krw=Decimal("1009000.25"),
        ),
        [CoinMarket(Asset(f"C{number}"), None, None, None, None, None) for number in range(6)],
        [OPEN, ENDED],
    )


ALERTS = [Alert(NOW_MS, "worker", "upbit asks for a pause", times=3)]


def page(now: DashboardSnapshot, width: int = 80, height: int = 23, alerts: list[Alert] = ALERTS) -> list[str]:
    return [line.plain for line in overview(Shown(now, alerts, "XRP-7"), width, height)]


def test_what_needs_a_person_comes_first_and_what_ended_last() -> None:
    assert [one.cycle_id for one in in_order(glance())] == ["XRP-7", "SOL-2", "TRX-1", "ADA-9"]


def test_each_cycle_has_one_line_with_its_reason_or_result() -> None:
    lines = page(glance())
    begin = lines.index("cycles: 1 open, 1 waiting, 1 parked, 9 ended (2 at a loss)") + 1
    assert lines[begin].startswith("> XRP-7")
    assert "no way home" in lines[begin]
    assert lines[begin].endswith("…")
    assert lines[begin + 1].split(maxsplit=3) == ["SOL-2", "AWAITING_REBALANCE", "1m", "waiting for a route"]
    assert "+5,433 KRW" in lines[begin + 3]


@pytest.mark.parametrize(("width", "height"), [(80, 23), (140, 47), (40, 12)])
@pytest.mark.parametrize("many", [0, 3, 200])
def test_it_fits(width: int, height: int, many: int) -> None:
    lines = page(glance(many=many), width, height)
    assert len(lines) <= height or height < 20, "too small for anything: the end is cut off"
    assert max(map(len, lines)) <= width


def test_more_cycles_than_fit_are_counted_and_leave_room_for_premiums_holdings_and_alerts() -> None:
    lines = page(glance(many=200))
    more = next(line for line in lines if line.startswith("  and "))
    shown = sum(line.startswith(("> XRP", "  SOL", "  TRX", "  DOGE")) for line in lines)
    assert more == f"  and {204 - shown} more"
    assert "  C0" in "\n".join(lines)
    assert "  binance  12.3457 XRP" in lines
    assert "worker: upbit asks for a pause (3 times)" in lines[-1]


def test_of_many_alerts_the_newest_are_shown_though_many_cycles_have_ended() -> None:
    ended = [row(f"ADA-{number}", CycleStatus.COMPLETED, profit=Decimal(1)) for number in range(30)]
    alerts = [Alert(NOW_MS, "worker", f"trouble {number}") for number in range(9)]
    lines = page(replace(glance(), latest=ended), alerts=alerts)
    assert len(lines) == 23
    assert [line.strip() for line in lines[-3:]] == [*(f"22:23:20 worker: trouble {n}" for n in (0, 1)), "and 7 more"]
    assert sum("C" in line and "-  -" in line for line in lines) == 6, "all premiums"


def test_profit_of_today_and_in_all_and_what_all_is_worth_are_there() -> None:
    text = "\n".join(page(glance(), 140))
    assert "today +5,433 KRW" in text
    assert "in all -120 KRW" in text
    assert "9 ended (2 at a loss)" in text
    assert "1,009,000 KRW in all" in text


def test_a_halt_is_the_first_line_with_its_reason() -> None:
    halted = Halt(HaltLevel.NO_NEW_CYCLES, "looking into something", "kim@desk", NOW_MS)
    first = page(glance(halt=halted), 140)[0]
    assert "halted" in first
    assert "kim@desk: looking into something" in first


@pytest.mark.parametrize(("seconds", "reported"), [(-1, "0s"), (59, "59s"), (60, "1m"), (7_300, "2h"), (200_000, "2d")])
def test_a_span_is_told_in_its_largest_unit(seconds: int, reported: str) -> None:
    assert span(seconds) == reported


def test_a_cycle_that_waits_counts_from_when_it_began_to_wait() -> None:
    later = replace(glance(), at_ms=NOW_MS + 3_600_000)
    assert " 1h  waiting for a route" in "\n".join(page(later))


def test_what_a_halt_means_and_how_it_ends_is_whole_on_a_narrow_terminal() -> None:
    reason = "a day's loss of 1,234,567 KRW is more than caps.day_loss_krw allows"
    halted = Halt(HaltLevel.ONLY_COMPENSATION, reason, "kim@desk", NOW_MS)
    lines = page(glance(halt=halted))
    text = " ".join(line.strip() for line in lines[:3])
    assert text.startswith("halted: cycles are only undone; `kimp resume` lets kimp trade again.")
    assert reason in text


def test_the_first_lines_are_never_cut_at_80_columns() -> None:
    now = glance()
    much = Earned(1_046, 112, Decimal(-12_345_678))
    lines = page(replace(now, status=replace(now.status, today=much, week=much, total=much)))
    assert not any(line.endswith("…") for line in lines[:4])


def test_just_after_its_start_kimp_says_what_it_waits_for_and_later_that_nobody_works() -> None:
    now = glance()
    alone = replace(now, status=replace(now.status, running=Running(ALL_WORK, NOW_MS), halt=None))
    first = overview(Shown(alone, ALERTS, None, starting=True), 140, 30)[0].plain
    assert first == "starting; not heard of yet: initiator, cycles, transfers, ops"
    first = overview(Shown(alone, ALERTS, None), 200, 30)[0].plain
    assert "new cycles may start" not in "".join(page(alone))
    stopped = "kimp does not run (last seen 11-14 22:23:20 UTC)"
    still = "3 cycles (TRX-1, SOL-2, XRP-7) stand still and hold 9.865 SOL in transit; `kimp up` goes on with them"
    assert first == f"{stopped}; {still}"


def test_holdings_say_why_their_worth_is_not_known() -> None:
    now = glance()
    unpriced = [replace(held, worth_krw=None) if held.asset != KRW else held for held in now.status.holdings]
    known, unknown, none = (
        page(replace(now, status=replace(now.status, holdings=holdings, worth_krw=worth)))
        for holdings, worth in ((now.status.holdings, Decimal(5)), (unpriced, None), ([], Decimal(0)))
    )
    assert "holdings, 5 KRW in all" in known
    assert "holdings, no fresh price for XRP" in unknown
    assert "holdings: nothing is booked yet" in none


def test_the_page_of_alerts_says_what_it_is_also_without_any() -> None:
    assert [line.plain for line in alerts_page([])] == ["alerts, latest first", "  none since kimp was started"]
    assert [line.plain for line in alerts_page(ALERTS)][1:] == [
        "  22:23:20 worker: upbit asks for a pause (3 times)",
    ]
