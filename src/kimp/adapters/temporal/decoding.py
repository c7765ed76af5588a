"""Recorded histories as they would be without encryption: to replay them, and to store them for later versions."""

import json
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from temporalio.api.common.v1 import Header, Payload, SearchAttributes
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent, MarkerRecordedEventAttributes
from temporalio.client import WorkflowHistory

from kimp.adapters.temporal.converter import Unreadable

NEVER_SEALED = (SearchAttributes.DESCRIPTOR, Header.DESCRIPTOR)
PATCH = "core_patch"
"""The marker of `workflow.patched` holds the patch's name, which the SDK's core writes behind every codec."""
Open = Callable[[Payload], Payload]
ReadHistory = Callable[[WorkflowHistory], WorkflowHistory]
"""Raises UnreadableHistory."""


class UnreadableHistory(Unreadable):
    """One of the history's payloads can't be read."""

    def __init__(self, event_id: int, why: Unreadable) -> None:
        super().__init__(why.args[0])
        self.event_id = event_id


def decode_history(history: WorkflowHistory, open_payload: Open) -> WorkflowHistory:
    """A copy with every payload decoded, and failures with their text in its usual place. Raises UnreadableHistory."""
    events = []
    for recorded in history.events:
        event = HistoryEvent()
        event.CopyFrom(recorded)
        try:
            _open_all(event, open_payload)
        except Unreadable as why:
            raise UnreadableHistory(event.event_id, why) from None
        events.append(event)
    return WorkflowHistory(history.workflow_id, events)


def _open_all(message: Message, open_payload: Open) -> None:
    if isinstance(message, Payload):
        message.CopyFrom(open_payload(message))
        return
    if message.DESCRIPTOR in NEVER_SEALED or is_patch(message):
        return
    for field, value in message.ListFields():
        for part in _parts(field, value):
            _open_all(part, open_payload)
    if isinstance(message, Failure) and message.HasField("encoded_attributes"):
        _show_failure(message)


def is_patch(message: Message) -> bool:
    """The marker that a patch leaves in a history, which no codec ever sees."""
    return isinstance(message, MarkerRecordedEventAttributes) and message.marker_name == PATCH


def is_patch_note(payload: Payload) -> bool:
    """What such a marker holds, for whoever sees payloads without their events."""
    try:
        note = json.loads(payload.data) if payload.metadata.get("encoding") == b"json/plain" else None
    except ValueError:
        return False
    return isinstance(note, dict) and note.keys() == {"id", "deprecated"}


def _parts(field: FieldDescriptor, value: Any) -> list[Message]:
    """The messages that a field holds: itself, its items, or its map's values."""
    if field.message_type is None:
        return []
    if isinstance(value, Message):
        return [value]
    items = value.values() if field.message_type.GetOptions().map_entry else value
    return [item for item in items if isinstance(item, Message)]


def _show_failure(failure: Failure) -> None:
    output = json.loads(failure.encoded_attributes.data)
    failure.message, failure.stack_trace = output["message"], output["stack_trace"]
    failure.ClearField("encoded_attributes")
