"""kimp's versions as Temporal's worker deployment knows them: which gets new cycles, and which still have old ones."""

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
from kimp.ports.deployments import DeployedVersion, DeployStatus

DEPLOYMENT = "kimp"
"""One for all processes: a cycle's activities run on the version that the cycle runs on."""
OPEN = f"ExecutionStatus='Running' AND {ALL_CYCLES}"
STATUS = "WORKER_DEPLOYMENT_VERSION_STATUS_"


class TemporalDeployments:
    """The port `Deployments`. Counts are visibility's, which lags behind by a moment."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def status(self) -> DeployStatus:
        """Raises BadConfig where the server does not tell."""
        try:
            info = await self._info()
            found = [await self._version(info, summary) for summary in info.version_summaries]
            unversioned = await _count(self._client, "TemporalWorkerDeploymentVersion IS NULL")
        except RPCError as error:
            where = self._client.service_client.config.target_host
            raise BadConfig(
                f"Temporal at {where} does not tell of kimp's versions: {error.status.name.lower()}, {error.message};"
                " use credentials that may read worker deployments"
            ) from None
        return DeployStatus(
            versions=tuple(sorted(found, key=lambda version: version.seen_first, reverse=True)),
            unversioned_open_cycles=unversioned,
        )

    async def _info(self) -> WorkerDeploymentInfo:
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=DEPLOYMENT)
        try:
            answer = await self._client.workflow_service.describe_worker_deployment(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return WorkerDeploymentInfo()  # no versioned worker was ever here
        return answer.worker_deployment_info

    async def _version(
        self, info: WorkerDeploymentInfo, summary: WorkerDeploymentInfo.WorkerDeploymentVersionSummary
    ) -> DeployedVersion:
        build_id = summary.deployment_version.build_id
        return DeployedVersion(
            build_id=build_id,
            status=WorkerDeploymentVersionStatus.Name(summary.status).removeprefix(STATUS).lower(),
            ramp_percentage=_ramp(info, build_id),
            open_cycles=await _count(self._client, f"TemporalWorkerDeploymentVersion='{DEPLOYMENT}:{build_id}'"),
            seen_first=summary.create_time.ToJsonString(),
        )

    async def promote(self, build_id: str) -> None:
        """Raises BadInput for a version that is not known, or lacks workers."""
        if not build_id:
            raise BadInput("no version is named; take one that `kimp deploy status` shows")
        client = self._client
        try:
            lacking = set(TaskQueue) - await _served(client, build_id)
            if lacking:
                names = ", ".join(sorted(lacking))
                raise BadInput(f"version {build_id} can't be promoted: it has no worker for {names}; start them")
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
    reported = await client.workflow_service.describe_worker_deployment_version(request)
    return {queue.name for queue in reported.version_task_queues}


def _ramp(info: WorkerDeploymentInfo, build_id: str) -> float:
    routing = info.routing_config
    return routing.ramping_version_percentage if routing.ramping_deployment_version.build_id == build_id else 0.0


async def _count(client: Client, where: str) -> int:
    return (await client.count_workflows(f"{OPEN} AND {where}")).count
