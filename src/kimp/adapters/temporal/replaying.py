"""Replays recorded histories on today's code and compares what the SDK's replayer does not: inputs and results."""

import re
from collections.abc import Sequence
from functools import cache

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.worker import Replayer, WorkflowRunner

from kimp.adapters.temporal.replay_capture import Capture, Captured
from kimp.adapters.temporal.replay_diff import compared, differences
from kimp.ports.replaying import REPLAY, Difference, Replayed

LONGEST_REASON = 300
CLOSED = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)
MESSAGE = re.compile(r'message: "(?:\[\w+\] )?(?P<reason>(?:[^"\\]|\\.)*)"')
"""The SDK quotes the core: `... Failure { message: "[TMPRL1100] Nondeterminism error: Activity type of ..." ...`."""


class Replaying:
    """Replays one history after the other, on workflows and a runner that the worker also has."""

    def __init__(self, workflows: Sequence[type], runner: WorkflowRunner) -> None:
        self._capture = Capture()
        self._replayer = Replayer(
            workflows=workflows,
            data_converter=pydantic_data_converter,
            workflow_runner=runner,
            interceptors=[self._capture],
            runtime=_quiet(),
        )

    async def replay(self, history: WorkflowHistory) -> Replayed:
        """Never raises for what the code does differently: that is in the answer."""
        captured = self._capture.begin()
        # The replayer waits for ever where no workflow task was begun: no code ran yet, so none can differ.
        failure = await self._run(history) if _begun(history) else None
        return _judge(history, captured, failure)

    def unreadable(self, history: WorkflowHistory, event_id: int, why: str) -> Replayed:
        """The answer for a history that can't be replayed, because one of its payloads can't be read."""
        difference = Difference(history.workflow_id, event_id, REPLAY, "", None, why)
        return _judged(history, activities=0, found=[difference])

    async def _run(self, history: WorkflowHistory) -> Exception | None:
        return (await self._replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@cache
def _quiet() -> Runtime:
    """The core writes what it finds straight to the terminal, twenty lines for each; here it is told in one."""
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="off")))


def _begun(history: WorkflowHistory) -> bool:
    return any(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in history.events)


def _judge(history: WorkflowHistory, captured: Captured, failure: Exception | None) -> Replayed:
    found = list(differences(history.workflow_id, history.events, captured))
    if failure is not None:
        found.append(Difference(history.workflow_id, 0, REPLAY, "", None, failure_reason(failure)))
    return _judged(history, compared(history.events, captured), found)


def _judged(history: WorkflowHistory, activities: int, found: Sequence[Difference]) -> Replayed:
    return Replayed(
        workflow_id=history.workflow_id,
        run_id=history.run_id,
        events=len(history.events),
        closed=bool(history.events) and history.events[-1].event_type in CLOSED,
        activities=activities,
        differences=tuple(found),
    )


def failure_reason(failure: Exception) -> str:
    """One line of what the SDK says: its own text is a dump of several structures."""
    message = MESSAGE.search(str(failure))
    text = message["reason"].replace("\\n", " ") if message else f"{type(failure).__name__}: {failure}"
    return " ".join(text.split())[:LONGEST_REASON]
