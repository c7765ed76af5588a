"""What people ask of a cycle, as updates of its workflow."""

from typing import Any

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from kimp.contracts.operators import OperatorRequest
from kimp.domain.errors import BadInput
from kimp.domain.ids import workflow_id
from kimp.ports.operators import NoSuchWorkflow


class TemporalCycleRequests:
    """The port `CycleRequests`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def send(self, cycle_id: str, request: str, details: OperatorRequest) -> str:
        """Raises BadInput also for a cycle that has ended, or that nobody can be asked of."""
        handle = self._client.get_workflow_handle(workflow_id(cycle_id))
        try:
            status: Any = await handle.execute_update(request, details, result_type=str)
        except WorkflowUpdateFailedError as refusal:
            raise BadInput(_innermost(refusal)) from None
        except RPCError as error:
            text = f"cycle {cycle_id} takes no requests: {error.message}; see `kimp cycles show {cycle_id}`"
            raise (NoSuchWorkflow if error.status is RPCStatusCode.NOT_FOUND else BadInput)(text) from None
        return str(status)


def _innermost(refusal: BaseException) -> str:
    """What was said first: Temporal wraps it."""
    while isinstance(cause := getattr(refusal, "cause", None), BaseException):
        refusal = cause
    return str(getattr(refusal, "message", refusal))
