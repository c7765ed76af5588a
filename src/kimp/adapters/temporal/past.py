"""What a cycle's runs asked of activities and were answered, from Temporal's histories. The port `PastRuns`."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime

from temporalio.client import Client, WorkflowHistory

from kimp.adapters.temporal.decoding import ReadHistory
from kimp.adapters.temporal.histories import fetch
from kimp.adapters.temporal.pollers import polling
from kimp.contracts.cycle import ALL_CYCLES
from kimp.ports.catching_up import PastActivity, PastRun


class TemporalPastRuns:
    """Raises NoHistories if Temporal does not serve them, Unreadable if they are encrypted with a key that is not
    there.
    """

    def __init__(self, client: Client, read: ReadHistory) -> None:
        self._client = client
        self._read = read

    async def since(self, time: datetime) -> AsyncIterator[PastRun]:
        """As they began."""
        query = f"{ALL_CYCLES} AND (ExecutionStatus = 'Running' OR CloseTime >= '{time.isoformat()}')"
        async for recorded in fetch(self._client, query):
            yield _run(self._read(recorded.history))

    async def polling(self) -> Sequence[str]:
        """Identities, `pid@host`."""
        return await polling(self._client)


def _run(history: WorkflowHistory) -> PastRun:
    begun = history.events[0].workflow_execution_started_event_attributes
    return PastRun(begun.workflow_type.name, begun.input.payloads[0].data, list(_activities(history)))


def _activities(history: WorkflowHistory) -> Iterator[PastActivity]:
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
            yield PastActivity(asked.activity_type.name, at_ms, question, answer, failure, reason)
