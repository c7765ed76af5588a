"""What people asked of a cycle, and where it takes notice."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.operators import Decision


class Stopped(Exception):
    """A person wants the cycle undone. Raised only where nothing is in flight."""


class Control:
    """Requests are noted at once and taken up at the next safe point, never in the middle of a trade or transfer."""

    def __init__(self) -> None:
        self.undoing = False
        """Set when compensation begins: from then on there is nothing left to stop."""
        self._stop: str | None = None
        self._nudged = False
        self._decisions: list[Decision] = []

    def stop(self, reason: str) -> None:
        """Undo the cycle as soon as it is safe."""
        self._stop = self._stop or reason

    def nudge(self) -> None:
        """End the present pause early: look again now."""
        self._nudged = True

    def decide(self, decision: Decision) -> None:
        """What to do with a parked cycle."""
        self._decisions.append(decision)

    def check(self) -> None:
        """Before anything that would lead further from home. Raises Stopped."""
        if self._stop is not None and not self.undoing:
            raise Stopped(self._stop)

    async def sleep(self, delay: timedelta, summary: str) -> None:
        """Pause, but not longer than a person wants."""
        self._nudged = False
        try:
            await workflow.wait_condition(
                lambda: self._nudged or self._stop_is_news(), timeout=delay, timeout_summary=summary
            )
        except TimeoutError:
            return

    async def decision(self) -> Decision:
        """Wait for a person. A request to stop is no decision: what is parked may be on its way already."""
        self._decisions.clear()
        await workflow.wait_condition(lambda: bool(self._decisions), timeout_summary="an operator decides")
        return self._decisions[0]

    def _stop_is_news(self) -> bool:
        return self._stop is not None and not self.undoing
