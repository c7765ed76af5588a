"""kimp's versions as Temporal's worker deployment knows them: which gets new cycles, and which still have old ones."""

from dataclasses import dataclass

from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from kimp.contracts.cycle import ALL_CYCLES
from kimp.contracts.queues import TaskQueue
from kimp.domain.errors import BadConfig, BadInput

DEPLOYMENT = "kimp"
"""One for all processes: a cycle's activities run on the version that the cycle runs on."""
OPEN = f"ExecutionStatus='Running' AND {ALL_CYCLES}"
STATUS = "WORKER_DEPLOYMENT_VERSION_STATUS_"


@dataclass(frozen=True, slots=True)
class DeployedVersion:
    """One version that a worker has asked for tasks with."""

    build_id: str
    status: str
    """inactive: never got a cycle; current, ramping, draining: has open cycles; drained: has none."""
    ramp_percentage: float
    """Of new cycles, while the version is ramping."""
    open_cycles: int
    seen_first: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class DeployStatus:
    """All versions, and what no version holds."""

    versions: tuple[DeployedVersion, ...]
    """Latest first."""
    unversioned_open_cycles: int


async def deploy_status(client: Client) -> DeployStatus:
    """Where open cycles are. Counts are visibility's, which lags behind by a moment.

    Raises BadConfig where the server does not tell."""
    try:
        return await _status(client)
    except RPCError as error:
        where = client.service_client.config.target_host
        raise BadConfig(
            f"Temporal at {where} does not tell of kimp's versions: {error.status.name.lower()}, {error.message};"
            " use credentials that may read worker deployments"
        ) from None


async def _status(client: Client) -> DeployStatus:
    try:
        answer = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        info = WorkerDeploymentInfo()  # no versioned worker was ever here
    else:
        info = answer.worker_deployment_info
    found = [
        DeployedVersion(
            build_id=(build_id := summary.deployment_version.build_id),
            status=WorkerDeploymentVersionStatus.Name(summary.status).removeprefix(STATUS).lower(),
            ramp_percentage=_ramp(info, build_id),
            open_cycles=await _count(client, f"TemporalWorkerDeploymentVersion='{DEPLOYMENT}:{build_id}'"),
            seen_first=summary.create_time.ToJsonString(),
        )
        for summary in info.version_summaries
    ]
    return DeployStatus(
        versions=tuple(sorted(found, key=lambda version: version.seen_first, reverse=True)),
        unversioned_open_cycles=await _count(client, "TemporalWorkerDeploymentVersion IS NULL"),
    )


async def promote(client: Client, build_id: str) -> None:
    """New cycles start on this version from now on; sweeps, and open cycles of no version, move to it.

    Raises BadInput if it is not known, or had no worker yet for one of kimp's queues: its cycles would stand still.
    """
    if not build_id:
        raise BadInput("no version is named; take one that `kimp deploy status` shows")
    try:
        lacking = set(TaskQueue) - await _served(client, build_id)
        if lacking:
            raise BadInput(
                f"version {build_id} can't be promoted: it has no worker for {', '.join(sorted(lacking))}; start them"
            )
        await client.workflow_service.set_worker_deployment_current_version(
            SetWorkerDeploymentCurrentVersionRequest(
                namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build_id, identity=client.identity
            )
        )
    except RPCError as error:
        raise BadInput(f"version {build_id} can't be promoted: {error.message}; see `kimp deploy status`") from None


async def _served(client: Client, build_id: str) -> set[str]:
    """Names of the queues that workers of the version have asked."""
    version = WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id)
    request = DescribeWorkerDeploymentVersionRequest(namespace=client.namespace, deployment_version=version)
    told = await client.workflow_service.describe_worker_deployment_version(request)
    return {queue.name for queue in told.version_task_queues}


def _ramp(info: WorkerDeploymentInfo, build_id: str) -> float:
    routing = info.routing_config
    return routing.ramping_version_percentage if routing.ramping_deployment_version.build_id == build_id else 0.0


async def _count(client: Client, where: str) -> int:
    return (await client.count_workflows(f"{OPEN} AND {where}")).count
