"""Activities without a server: their environment, a clock that only a test moves, a journal and a venue in memory."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fakes.journal import MemoryJournal
from fakes.market import ManualClock
from temporalio.testing import ActivityEnvironment


@dataclass
class Desk:
    """Runs activities; each heartbeat moves the clock, as if time passed between two questions."""

    clock: ManualClock = field(default_factory=ManualClock)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    beats: list[str] = field(default_factory=list)
    beat_ms: int = 0
    run_id: str | None = None
    """The workflow run that asks; None: the one that the intent names, which was not reset."""

    async def run(self, activity: Callable[..., Awaitable[Any]], question: object) -> Any:
        environment = ActivityEnvironment()
        run = self.run_id or getattr(question, "run_id", None)
        if run is not None:
            environment.info = replace(environment.info, workflow_run_id=run)
        environment.on_heartbeat = self._beat
        return await environment.run(activity, question)

    def _beat(self, *details: str) -> None:
        self.beats.extend(details)
        self.clock.ms += self.beat_ms
