"""Binds the fields of a cycle around its activities and its workflow, and measures each attempt."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from kimp.domain.ids import cycle_of_workflow, step_of
from kimp.observability import metrics
from kimp.observability.context import NONE, bound

log = logging.getLogger("kimp.steps")


class CycleContextInterceptor(Interceptor):
    """For workers. To be named before interceptors that translate failures."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Activities(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        return _Workflows


class _Activities(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        info = activity.info()
        name = info.activity_type
        whose = fields_of(name, info.attempt, input.args[0] if input.args else None)
        with bound(**whose):
            _mark_span(whose)
            began = time.perf_counter()
            failure: BaseException | None = None
            try:
                return await self.next.execute_activity(input)
            except BaseException as error:
                failure = error
                raise
            finally:
                seconds = time.perf_counter() - began
                outcome = "done" if failure is None else _kind(failure)
                metrics.steps.record(seconds, {"activity": name, "step": whose.get("step", NONE), "outcome": outcome})
                _log_end(f"{name}: {outcome} after {seconds:.3f} s", failure)


def _kind(failure: BaseException) -> str:
    return (failure.type if isinstance(failure, ApplicationError) else None) or type(failure).__name__


def _log_end(reported: str, failure: BaseException | None) -> None:
    """A venue that refuses or is away is everyday; what is no error of kimp's own is a bug, and told with its place."""
    if isinstance(failure, ApplicationError):
        everyday = failure.category is ApplicationErrorCategory.BENIGN
        log.log(logging.INFO if everyday else logging.WARNING, "%s: %s", reported, failure.message)
    elif isinstance(failure, Exception):
        log.error("%s", reported, exc_info=failure)
    else:
        log.info("%s", reported)


def fields_of(name: str, attempt: int, question: Any) -> dict[str, str]:
    """Of an activity's question; none if it belongs to no cycle. kimp's messages name such things alike."""
    cycle_id = getattr(question, "cycle_id", None)
    if cycle_id is None:
        return {}
    known = getattr(question, "client_order_id", None) or getattr(question, "transfer_id", None)
    step = step_of(known) if known else str(getattr(question, "status", name))
    return {"cycle_id": cycle_id, "step": step, "attempt": str(attempt), "venue": _venue(question)}


def _venue(question: Any) -> str:
    """The one that is asked; both where coins or quotes of both are concerned."""
    if (venue := getattr(question, "venue", None)) is not None:
        return str(venue)
    direction = getattr(question, "direction", None)
    if direction is None or hasattr(question, "status"):
        return NONE
    if hasattr(question, "txid"):
        return str(direction.destination)
    if hasattr(question, "transfer_id"):
        return str(direction.source)
    return f"{direction.source}>{direction.destination}"


def _mark_span(whose: Mapping[str, str]) -> None:
    trace.get_current_span().set_attributes({f"kimp.{name}": value for name, value in whose.items()})


def _of_workflow() -> dict[str, str]:
    info = workflow.info()
    cycle_id = cycle_of_workflow(info.workflow_id)
    if cycle_id is None:
        return {}
    return {"cycle_id": cycle_id, "step": "cycle", "attempt": str(info.attempt), "venue": NONE}


class _Workflows(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        with bound(**(whose := _of_workflow())):
            _mark_span(whose)
            return await self.next.execute_workflow(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002 - the SDK's name
        with bound(**_of_workflow()):
            await self.next.handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:  # noqa: A002 - the SDK's name
        with bound(**_of_workflow()):
            return await self.next.handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002 - the SDK's name
        with bound(**_of_workflow()):
            self.next.handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - the SDK's name
        with bound(**_of_workflow()):
            return await self.next.handle_update_handler(input)
