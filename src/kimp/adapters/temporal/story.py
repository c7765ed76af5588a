"""A recorded history as lines of a story: what each activity did, how long it took, what failed on the way."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from kimp.adapters.temporal.decoding import ReadHistory
from kimp.adapters.temporal.histories import NoHistories, chain
from kimp.domain.ids import workflow_id
from kimp.ports.story import NoSuchHistory, StoryLine, StoryPart

ENDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: "done",
    EventType.EVENT_TYPE_ACTIVITY_TASK_FAILED: "failed",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "timed out",
    # No more follows of one that the workflow did not wait for; if more does, it is no news.
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: "given up",
}
OTHERS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "the workflow begins",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "the workflow has ended",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "the workflow FAILED",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: "the workflow was TERMINATED",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "the history is long and continues as new",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED: "a person cancels",
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED: "a workflow task failed",
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: "a workflow task timed out",
}


class TemporalStories:
    """The port `StorySource`."""

    def __init__(self, client: Client, read: ReadHistory) -> None:
        self._client = client
        self._read = read

    async def __call__(self, cycle_id: str) -> StoryPart:
        """Of all runs of its workflow that are retained."""
        try:
            runs = [self._read(run).events async for run in chain(self._client, workflow_id(cycle_id))]
        except RPCError as error:
            raise (NoSuchHistory if error.status is RPCStatusCode.NOT_FOUND else NoHistories)(error.message) from None
        return StoryPart([line for events in runs for line in story_lines(events)], trace_id_of(runs[-1]))


def trace_id_of(events: Iterable[HistoryEvent]) -> str | None:
    """Of the trace that the cycle's spans and log lines belong to."""
    for event in events:
        header = event.workflow_execution_started_event_attributes.header.fields.get("_tracer-data")
        if header is None:
            return None
        parent = str(json.loads(header.data).get("traceparent", ""))
        return parent.split("-")[1] if parent.count("-") == 3 else None  # noqa: PLR2004 - W3C: version-trace-span-flags
    return None


def story_lines(events: Iterable[HistoryEvent]) -> Iterator[StoryLine]:
    """Of an opened history (see `kimp.adapters.temporal.decoding`)."""
    scheduled: dict[int, HistoryEvent] = {}
    started: dict[int, Any] = {}
    for event in events:
        kind = event.event_type
        if kind == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled[event.event_id] = event
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            reported = event.activity_task_started_event_attributes
            started[reported.scheduled_event_id] = reported
        elif kind in ENDS:
            reported = _attributes(event)
            asked = scheduled.pop(reported.scheduled_event_id, None)
            if asked is not None:
                yield _activity(asked, started.pop(reported.scheduled_event_id, None), event, _message(reported))
        elif kind == EventType.EVENT_TYPE_TIMER_STARTED:
            yield StoryLine(_ms(event), "history", f"pauses: {_summary(event) or 'a timer'}")
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            request = event.workflow_execution_update_accepted_event_attributes.accepted_request
            yield StoryLine(_ms(event), "history", f"a person asks: {request.input.name}")
        elif kind in OTHERS:
            text = "; ".join(filter(None, (OTHERS[kind], _message(_attributes(event)))))
            yield StoryLine(_ms(event), "history", text)
    for asked in scheduled.values():
        yield StoryLine(_ms(asked), "history", f"{_named(asked)}: under way")


def _activity(asked: HistoryEvent, started: Any, end: HistoryEvent, message: str) -> StoryLine:
    text = f"{_named(asked)}: {ENDS[end.event_type]} after {(_ms(end) - _ms(asked)) / 1000:.3f} s"
    if started is not None and started.attempt > 1:
        text += f", attempt {started.attempt}"
        message = message or started.last_failure.message
    return StoryLine(_ms(end), "history", f"{text}; {message}" if message else text)


def _named(asked: HistoryEvent) -> str:
    reported = asked.activity_task_scheduled_event_attributes
    return ", ".join(filter(None, (reported.activity_type.name, _summary(asked))))


def _summary(event: HistoryEvent) -> str:
    data = event.user_metadata.summary.data
    return str(json.loads(data)) if data else ""


def _message(reported: Any) -> str:
    """Of a failure, down to its cause, which says what happened."""
    failure = getattr(reported, "failure", None)
    if failure is None:
        return str(getattr(reported, "reason", "") or getattr(reported, "cause", "") or "")
    while failure.HasField("cause"):
        failure = failure.cause
    return str(failure.message)


def _attributes(event: HistoryEvent) -> Any:
    return getattr(event, str(event.WhichOneof("attributes")))


def _ms(event: HistoryEvent) -> int:
    return event.event_time.ToMilliseconds()
