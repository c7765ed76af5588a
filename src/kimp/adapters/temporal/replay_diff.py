"""What a history holds beside what the replayed code asked for. Pure."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import RetryPolicy as RecordedRetry
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import ActivityTaskScheduledEventAttributes, HistoryEvent
from temporalio.common import RetryPolicy

from kimp.adapters.temporal.replay_capture import ActivityCall, Captured, decode_payloads
from kimp.ports.replaying import Difference, Json

SERVER_LONGEST_PAUSE = 100
"""Times the first pause: the server's own bound where the code names none."""
FieldChange = tuple[str, Json, Json]
"""Path, recorded value, new value."""


def differences(workflow_id: str, events: Iterable[HistoryEvent], captured: Captured) -> Iterator[Difference]:
    """Compares what the history holds; what today's code asked for beyond its end is no difference."""
    for event in events:
        what, changes = _changes(event, captured)
        for path, recorded, new in changes:
            yield Difference(workflow_id, event.event_id, what, path, recorded, new)


def compared(events: Iterable[HistoryEvent], captured: Captured) -> int:
    """How many activities were compared: a replay that compared none proves little."""
    return sum(
        event.activity_task_scheduled_event_attributes.activity_id in captured.activities
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    )


def _changes(event: HistoryEvent, captured: Captured) -> tuple[str, Iterable[FieldChange]]:
    if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
        scheduled = event.activity_task_scheduled_event_attributes
        asked = captured.activities.get(scheduled.activity_id)
        # A replay that stopped early never came here; why it stopped is told apart.
        return scheduled.activity_type.name, () if asked is None else _activity_changes(scheduled, asked)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED and captured.result:
        payloads = event.workflow_execution_completed_event_attributes.result.payloads
        return "result", tree_changes(decode_payloads(payloads), captured.result)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
        update = event.workflow_execution_update_completed_event_attributes
        name = update.meta.update_id
        if update.outcome.HasField("success") and name in captured.updates:
            recorded = decode_payloads(update.outcome.success.payloads) or [None]
            return f"update {name}", tree_changes(recorded, [captured.updates[name]])
    return "", ()


def _activity_changes(scheduled: ActivityTaskScheduledEventAttributes, asked: ActivityCall) -> Iterator[FieldChange]:
    call = asked.call
    if scheduled.activity_type.name != call.activity:
        # Another activity altogether: its arguments beside the recorded ones would tell nothing.
        yield "type", scheduled.activity_type.name, call.activity
        return
    yield from tree_changes(decode_payloads(scheduled.input.payloads), asked.args, "args")
    if call.task_queue is not None and call.task_queue != scheduled.task_queue.name:
        yield "task_queue", scheduled.task_queue.name, str(call.task_queue)
    yield from _timeout_changes(scheduled, asked)
    if call.retry_policy is not None:
        yield from tree_changes(_recorded_retry(scheduled.retry_policy), _new_retry(call.retry_policy), "retry_policy")


def _timeout_changes(scheduled: ActivityTaskScheduledEventAttributes, asked: ActivityCall) -> Iterator[FieldChange]:
    call = asked.call
    pairs = (
        ("start_to_close_timeout", scheduled.start_to_close_timeout, call.start_to_close_timeout),
        ("schedule_to_close_timeout", scheduled.schedule_to_close_timeout, call.schedule_to_close_timeout),
        ("schedule_to_start_timeout", scheduled.schedule_to_start_timeout, call.schedule_to_start_timeout),
        ("heartbeat_timeout", scheduled.heartbeat_timeout, call.heartbeat_timeout),
    )
    for name, recorded, new in pairs:
        # The server fills in what the code leaves out, but never a heartbeat.
        if new is None and name != "heartbeat_timeout":
            continue
        before, after = _seconds(recorded), (new or timedelta()).total_seconds()
        if before != after:
            yield name, before, after


def _recorded_retry(policy: RecordedRetry) -> dict[str, Any]:
    return {
        "initial_interval": _seconds(policy.initial_interval),
        "backoff_coefficient": policy.backoff_coefficient,
        "maximum_interval": _seconds(policy.maximum_interval),
        "maximum_attempts": policy.maximum_attempts,
        "non_retryable_error_types": sorted(policy.non_retryable_error_types),
    }


def _new_retry(policy: RetryPolicy) -> dict[str, Any]:
    longest = policy.maximum_interval or policy.initial_interval * SERVER_LONGEST_PAUSE
    return {
        "initial_interval": policy.initial_interval.total_seconds(),
        "backoff_coefficient": policy.backoff_coefficient,
        "maximum_interval": longest.total_seconds(),
        "maximum_attempts": policy.maximum_attempts,
        "non_retryable_error_types": sorted(policy.non_retryable_error_types or ()),
    }


def _seconds(duration: Duration) -> float:
    return duration.ToTimedelta().total_seconds()


def tree_changes(recorded: Json, new: Json, path: str = "") -> Iterator[FieldChange]:
    """The leaves that differ. A field that is missing on one side and null on the other says the same on both."""
    if isinstance(recorded, dict) and isinstance(new, dict):
        for name in [*recorded, *(name for name in new if name not in recorded)]:
            yield from tree_changes(recorded.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif isinstance(recorded, list) and isinstance(new, list):
        for index in range(max(len(recorded), len(new))):
            yield from tree_changes(_at(recorded, index), _at(new, index), f"{path}[{index}]")
    elif type(recorded) is not type(new) or recorded != new:
        yield path, recorded, new


def _at(items: list[Json], index: int) -> Json:
    return items[index] if index < len(items) else None
