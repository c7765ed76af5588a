"""A cycle's tracker as its steps see it, for tests of a step without a server."""

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from fakes.market import XRP

from kimp.domain.reasons import Reason
from kimp.domain.venues import Direction
from workflows.tracker import CycleTracker


def _cycle() -> Any:
    policy = SimpleNamespace(deposit_unseen_s=3_600, route_coins=())
    return SimpleNamespace(coin=XRP, direction=Direction.TO_BINANCE, policy=policy)


@dataclass
class TrackerDouble:
    """What steps ask of a cycle's tracker."""

    cycle: Any = field(default_factory=_cycle)
    asking_run_id: str | None = "run-of-before"
    walked_through: bool = True
    waiting_reason: str | None = None
    least_pause: timedelta = timedelta()
    unanswered: Any = None
    unanswered_pair: Any = None
    absent: list[Any] = field(default_factory=list)
    held: dict[Any, Any] = field(default_factory=dict)
    waits: list[tuple[str | None, str | None, int | None]] = field(default_factory=list)
    """What it waits for, of which kind, for how many seconds."""
    slept: list[tuple[int, str]] = field(default_factory=list)

    @property
    def control(self) -> Any:
        return SimpleNamespace(sleep=self._sleep)

    async def _sleep(self, pause: timedelta, summary: str) -> None:
        self.slept.append((int(pause.total_seconds()), summary))

    async def wait(self, reason: Reason | None, until: timedelta | None = None) -> None:
        text, kind = (None, None) if reason is None else (reason.text, reason.kind)
        self.waiting_reason = text
        seconds = None if until is None else int(until.total_seconds())
        self.waits.append((text, kind, seconds))

    @property
    def tracker(self) -> CycleTracker:
        return cast("CycleTracker", self)
