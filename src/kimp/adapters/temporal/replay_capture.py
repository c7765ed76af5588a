"""What a workflow's code asks for while it is replayed, taken down by an interceptor.

The SDK's replayer compares the kinds and the order of commands only. What they carry is lost there, so it is taken
here, already as JSON, because that is what histories hold.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ExecuteWorkflowInput,
    HandleUpdateInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from kimp.ports.replaying import Json

NULL = "binary/null"


@dataclass(frozen=True, slots=True)
class ActivityCall:
    """One activity as today's code asks for it."""

    call: StartActivityInput
    args: Json


@dataclass(slots=True)
class Captured:
    """All that one replayed workflow asked for and returned."""

    activities: dict[str, ActivityCall] = field(default_factory=dict)
    """By activity id. The SDK numbers the calls, so a call that was cancelled before it was sent shifts nothing."""
    updates: dict[str, Json] = field(default_factory=dict)
    """What update handlers returned, by update id."""
    result: list[Json] = field(default_factory=list)
    """What the workflow returned; empty while it runs."""
    calls: int = 0


class Capture(Interceptor):
    """Give it to a Replayer. Histories replay one after the other, so the one in work needs no name."""

    def __init__(self) -> None:
        self.current = Captured()

    def begin(self) -> Captured:
        """To be called before each history."""
        self.current = Captured()
        return self.current

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        capture = self

        class Inbound(_Inbound):
            """The SDK makes the instance, so what it writes to can come by the class only."""

            def __init__(self, next: WorkflowInboundInterceptor) -> None:  # noqa: A002 - the SDK's name
                super().__init__(next)
                self.captured = capture.current

        return Inbound


class _Inbound(WorkflowInboundInterceptor):
    captured: Captured

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self.next.init(_Outbound(outbound, self.captured))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        result = await self.next.execute_workflow(input)
        self.captured.result = _encoded([result])
        return result

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - the SDK's name
        result = await self.next.handle_update_handler(input)
        (self.captured.updates[input.id],) = _encoded([result])
        return result


class _Outbound(WorkflowOutboundInterceptor):
    def __init__(self, next: WorkflowOutboundInterceptor, captured: Captured) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._captured = captured

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        self._captured.calls += 1
        name = input.activity_id or str(self._captured.calls)
        self._captured.activities[name] = ActivityCall(input, _encoded(input.args))
        return self.next.start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002 - the SDK's name
        self._captured.calls += 1  # they share the numbers
        return self.next.start_local_activity(input)


def _encoded(values: Sequence[Any]) -> list[Json]:
    """By the workflow's own converter, as the worker would send them."""
    return decode_payloads(workflow.payload_converter().to_payloads(values))


def decode_payloads(payloads: Sequence[Payload]) -> list[Json]:
    """JSON as a tree, with every number as it is written; what is not JSON as its encoding and its base64 text."""
    return [_decoded(payload) for payload in payloads]


def _decoded(payload: Payload) -> Json:
    encoding = payload.metadata.get("encoding", b"").decode(errors="replace")
    if encoding == NULL:
        return None
    if encoding.startswith("json/"):
        return json.loads(payload.data, parse_float=str)
    return {"encoding": encoding, "data": base64.b64encode(payload.data).decode()}
