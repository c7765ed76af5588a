"""From what the database tells of open cycles to figures with labels of few values."""

from fakes.caps import WIDE
from fakes.telemetry import telemetry

from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.caps import Exposure
from kimp.observability.monitoring import show_monitoring
from kimp.ports.monitoring import MonitoringSnapshot, OpenCycle

NOW = 1_000_000


def waiting(kind: str | None, since_ms: int) -> OpenCycle:
    return OpenCycle(CycleStatus.STARTED, f"words about {kind}", since_ms, kind, since_ms)


def test_cycles_that_wait_and_those_that_are_parked_are_counted_by_kind() -> None:
    figures = telemetry()
    cycles = (
        waiting("no_route", NOW - 5_000),
        waiting("no_route", NOW - 60_000),
        waiting("-1003", NOW - 1_000),
        waiting(None, NOW - 2_000),  # it began to wait before kinds were recorded
        OpenCycle(CycleStatus.DEAD_LETTER, None, None, "withdrawal_unknown", NOW),
        OpenCycle(CycleStatus.AWAITING_REBALANCE, None, None, None, NOW - 7_000),
    )
    show_monitoring(MonitoringSnapshot(cycles, {}, {}, 0, HaltLevel.RUN, Exposure()), WIDE, NOW)
    assert {reported["reason"]: n for reported, n in figures.measured("kimp.cycles.waiting")} == {
        "no_route": 2,
        "-1003": 1,
        "other": 1,
    }
    assert figures.total("kimp.cycle.waiting", reason="no_route") == 60
    assert figures.measured("kimp.cycles.dead_letter") == [({"reason": "withdrawal_unknown"}, 1)]
    assert figures.measured("kimp.cycle.silent") == [({}, 7)]
