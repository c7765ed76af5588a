"""What people asked of a cycle, and where it takes notice."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.operators import OperatorDecision

from workflows.continuing import continue_as_new_if_long

R = TypeVar("R")


class Stopped(Exception):
    """A person wants the cycle undone. Raised only where nothing is in flight."""


class Control:
    """Requests are noted at once and taken up at the next safe point, never in the middle of a trade or transfer."""

    def __init__(self) -> None:
        self.undoing = False
        """Set when compensation begins: from then on there is nothing left to stop."""
        self._stop: str | None = None
        self._noticed = False
        self._woken = False
        self._decisions: list[OperatorDecision] = []

    def stop(self, reason: str) -> None:
        """Undo the cycle as soon as it is safe."""
        self._stop = self._stop or reason

    def wake(self) -> None:
        """End the present pause early: look again now."""
        self._woken = True

    def decide(self, decision: OperatorDecision) -> None:
        """What to do with a parked cycle."""
        self._decisions.append(decision)

    def resume(self, stop: str | None, *, noticed: bool, undoing: bool) -> None:
        """What an earlier run of the workflow was asked."""
        self._stop, self._noticed, self.undoing = stop, noticed, undoing

    @property
    def asked(self) -> tuple[str | None, bool]:
        """Why the cycle is to be undone, if it is, and whether a pause was ended for it."""
        return self._asked_to_stop(), self._noticed

    @property
    def decided(self) -> bool:
        """A decision waits to be carried out."""
        return bool(self._decisions)

    def forget_decisions(self) -> None:
        """What was decided of an earlier parking says nothing of the next."""
        self._decisions.clear()

    def check(self) -> None:
        """Before anything that would lead further from home. Raises Stopped."""
        reason = self._asked_to_stop()
        if reason is not None:
            raise Stopped(reason)

    async def sleep(self, delay: timedelta, summary: str) -> None:
        """Pause, but not longer than a person wants.

        A request to stop ends one pause only: where coins travel it has to wait, and a loop without pauses would fill
        the history. Raises ContinueAsNewNeeded.
        """
        self._woken = False
        try:
            await workflow.wait_condition(
                lambda: self._woken or self._stop_is_news(), timeout=delay, timeout_summary=summary
            )
        except TimeoutError:
            pass
        else:
            self._noticed = self._asked_to_stop() is not None
        continue_as_new_if_long()

    async def unless_interrupted(self, work: Coroutine[Any, Any, R]) -> R | None:
        """The work's result, or None, with the work cancelled, as soon as a person wants something: reads only."""
        self._woken = False
        task = asyncio.create_task(work)
        await workflow.wait_condition(lambda: task.done() or self._woken or self._stop_is_news())
        if task.done():
            return task.result()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        self._noticed = self._asked_to_stop() is not None
        return None

    async def decision(self) -> OperatorDecision:
        """Wait for a person. A request to stop is no decision: what is parked may be on its way already."""
        await workflow.wait_condition(lambda: self.decided, timeout_summary="an operator decides")
        return self._decisions[0]

    def _stop_is_news(self) -> bool:
        return not self._noticed and self._asked_to_stop() is not None

    def _asked_to_stop(self) -> str | None:
        """Why, while there is still something to stop.

        Temporal tells of a cancellation here before its CancelledError reaches any task, so that one which comes with
        the cycle's first task lets no order out.
        """
        if self.undoing:
            return None
        cancelled = workflow.cancellation_reason()
        return self._stop if cancelled is None else f"cancelled; {cancelled}".removesuffix("; ")
