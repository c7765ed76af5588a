"""Activities without a server: their environment, a clock that only a test moves, a journal and a venue in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fakes.journal import MemoryJournal
from fakes.market import ManualClock
from temporalio.testing import ActivityEnvironment


@dataclass
class ServerClock:
    """Temporal's and the database's: right, whatever the worker's shows."""

    worker: ManualClock

    def now_ms(self) -> int:
        return self.worker.ms


@dataclass
class Desk:
    """Runs activities; each heartbeat moves the clock, as if time passed between two questions."""

    clock: ManualClock = field(default_factory=ManualClock)
    server: ServerClock = field(init=False)
    journal: MemoryJournal = field(init=False)
    beats: list[str] = field(default_factory=list)
    beat_ms: int = 0
    waited: timedelta = timedelta()
    """From when an activity was asked for to when this attempt of it begins."""
    run_id: str | None = None
    """The workflow run that asks; None: the one that the intent names, which was not reset."""

    def __post_init__(self) -> None:
        self.server = ServerClock(self.clock)
        self.journal = MemoryJournal(clock=self.server)

    async def run(self, activity: Callable[..., Awaitable[Any]], question: object) -> Any:
        environment = ActivityEnvironment()
        started = datetime.fromtimestamp(self.server.now_ms() / 1000, UTC)
        environment.info = replace(environment.info, scheduled_time=started - self.waited, started_time=started)
        run = self.run_id or getattr(question, "run_id", None)
        if run is not None:
            environment.info = replace(environment.info, workflow_run_id=run)
        environment.on_heartbeat = self._beat
        return await environment.run(activity, question)

    def _beat(self, *details: str) -> None:
        self.beats.extend(details)
        self.clock.ms += self.beat_ms
