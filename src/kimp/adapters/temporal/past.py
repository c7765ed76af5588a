"""What the activities of a recorded, readable history were asked and what they answered."""

from collections.abc import Iterator
from dataclasses import dataclass

from temporalio.client import WorkflowHistory


@dataclass(frozen=True, slots=True)
class Past:
    """One activity; `answer` and `failure` are both None while it runs."""

    name: str
    asked_ms: int
    """When the workflow asked for it, epoch milliseconds."""
    question: bytes
    answer: bytes | None = None
    failure: str | None = None
    """Type of the error that ended it, e.g. `Rejected`."""
    reason: str = ""


def start_of(history: WorkflowHistory) -> tuple[str, bytes]:
    """The workflow's type and its input."""
    begun = history.events[0].workflow_execution_started_event_attributes
    return begun.workflow_type.name, begun.input.payloads[0].data


def activities_of(history: WorkflowHistory) -> Iterator[Past]:
    """In the order that the workflow asked for them."""
    ends: dict[int, tuple[bytes | None, str | None, str]] = {}
    for event in history.events:
        if event.HasField("activity_task_completed_event_attributes"):
            done = event.activity_task_completed_event_attributes
            ends[done.scheduled_event_id] = (done.result.payloads[0].data if done.result.payloads else b"", None, "")
        elif event.HasField("activity_task_failed_event_attributes"):
            failed = event.activity_task_failed_event_attributes
            info = failed.failure.application_failure_info
            ends[failed.scheduled_event_id] = (None, info.type or "unknown", failed.failure.message)
    for event in history.events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            asked = event.activity_task_scheduled_event_attributes
            answer, failure, reason = ends.get(event.event_id, (None, None, ""))
            at_ms = event.event_time.ToMilliseconds()
            question = asked.input.payloads[0].data
            yield Past(asked.activity_type.name, at_ms, question, answer, failure, reason)
