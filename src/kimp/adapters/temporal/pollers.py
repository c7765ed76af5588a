"""Who asks the server for kimp's work at this moment."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from kimp.adapters.processes import ended_here
from kimp.contracts.queues import TaskQueue as Queue
from kimp.domain.errors import BadConfig

LIVES_WITHIN = timedelta(seconds=70)
"""A poll lasts a minute: whoever has not asked since then is gone, though the server remembers it for longer."""
TYPES = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


async def polling(client: Client) -> Sequence[str]:
    """Identities, `pid@host`. Raises BadConfig where the server does not tell."""
    seen: dict[str, datetime] = {}
    try:
        for queue in Queue:
            for kind in TYPES:
                request = DescribeTaskQueueRequest(
                    namespace=client.namespace, task_queue=TaskQueue(name=queue.value), task_queue_type=kind
                )
                for poller in (await client.workflow_service.describe_task_queue(request)).pollers:
                    seen[poller.identity] = max(_asked(poller), seen.get(poller.identity, _asked(poller)))
    except RPCError as error:
        raise BadConfig(
            f"Temporal does not tell who polls: {error.status.name.lower()}, {error.message}; use credentials that may"
            " describe task queues"
        ) from None
    since = datetime.now(UTC) - LIVES_WITHIN
    return sorted(identity for identity, asked in seen.items() if asked >= since and not ended_here(identity))


def _asked(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(UTC)
