"""From what the database tells to figures: counts and ages, with labels of few values."""

from collections import defaultdict
from collections.abc import Sequence

from kimp.contracts.status import CycleStatus
from kimp.domain.caps import Caps
from kimp.domain.reasons import ReasonKind
from kimp.observability import metrics
from kimp.ports.monitoring import MonitoringSnapshot, OpenCycle


def show_monitoring(snapshot: MonitoringSnapshot, caps: Caps, now_ms: int) -> None:
    """For the figures that a process exports."""
    by_status = defaultdict[str, int](int, dict.fromkeys((s.value for s in CycleStatus if not s.terminal), 0))
    for cycle in snapshot.cycles:
        by_status[cycle.status.value] += 1
    metrics.open_cycles.show(*((count, {"status": status}) for status, count in by_status.items()))
    _show_waiting(snapshot.cycles, now_ms)
    metrics.unknown_outcomes.show(*((count, {"venue": venue}) for venue, count in snapshot.unknown.items()))
    metrics.in_transit.show(*((float(amount), {"coin": coin}) for coin, amount in snapshot.in_transit.items()))
    metrics.unexplained.show((snapshot.unexplained, {}))
    metrics.halt_level.show((int(snapshot.halt), {}))
    _show_caps(snapshot, caps)


def _show_waiting(cycles: Sequence[OpenCycle], now_ms: int) -> None:
    ages = defaultdict[str, list[float]](list)
    parked = defaultdict[str, int](int)
    silent = [0.0]
    for cycle in cycles:
        if cycle.status is CycleStatus.DEAD_LETTER:
            parked[cycle.reason_kind or ReasonKind.OTHER] += 1
        elif cycle.waiting_reason is not None:
            ages[cycle.reason_kind or ReasonKind.OTHER].append((now_ms - (cycle.waiting_since_ms or now_ms)) / 1000)
        else:
            silent.append((now_ms - cycle.updated_ms) / 1000)
    metrics.waiting.show(*((len(those), {"reason": kind}) for kind, those in ages.items()))
    metrics.waiting_age.show(*((max(those), {"reason": kind}) for kind, those in ages.items()))
    metrics.dead_letters.show(*((count, {"reason": kind}) for kind, count in parked.items()))
    metrics.silent_age.show((max(silent), {}))


def _show_caps(snapshot: MonitoringSnapshot, caps: Caps) -> None:
    now = snapshot.exposure
    used = {
        "open_cycles": now.open_cycles / caps.open_cycles,
        "cycles_per_minute": now.started_last_minute / caps.cycles_per_minute,
        "losses_in_a_row": now.losses_in_a_row / caps.losses_in_a_row,
        "day_krw": float(now.day_krw / caps.day_krw),
        "day_loss_krw": float(max(0, now.day_loss_krw) / caps.day_loss_krw),
    }
    metrics.cap_used.show(*((share, {"cap": cap}) for cap, share in used.items()))
